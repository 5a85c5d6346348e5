/* SPDX-License-Identifier: Apache-2.0
 * Read, find the key, check, compare the security token, then remember. */
#include "identity/signed.h"

#include <openssl/crypto.h>

#include "identity/refuse.h"
#include "identity/signature.h"

static void note(struct view authorization, struct identified *ret)
{
    char hex[DIGEST_HEX_BYTES];

    *ret = (struct identified){.credential = {.kind = "signature", .verified = "none"}};
    digest_sha256_hex(authorization, hex);
    memcpy(ret->credential.digest, hex, sizeof ret->credential.digest - 1);
}

/* A temporary key is one only with its token. */
static bool check_token(const struct signature *signature, const struct access_key *key,
                        struct reason *why)
{
    struct view got = signature->security_token, want = key->security_token;

    if (got.ptr == NULL && want.ptr == NULL)
        return true;
    if (want.ptr == NULL)
        return identity_refuse(why, IDENTITY_SIGNATURE_KEY,
                               VIEW("the request has X-Security-Token, but the access key is no "
                                    "temporary one"));
    if (got.ptr != NULL && got.len == want.len && CRYPTO_memcmp(got.ptr, want.ptr, got.len) == 0)
        return true;
    return identity_refuse(why, IDENTITY_SIGNATURE_KEY,
                           VIEW("X-Security-Token isn't the one that belongs to the access key"));
}

static bool remember(struct replay *replay, const struct signature *signature, int64_t now_us,
                     struct reason *why)
{
    switch (replay_add(replay, signature->access_key, signature->hex, signature->date_us, now_us)) {
    case REPLAY_FRESH:
        return true;
    case REPLAY_SEEN:
        return identity_refuse(why, IDENTITY_SIGNATURE_REPLAYED,
                               VIEW("this signature came already, or is older than the gateway's "
                                    "memory; sign the request again, at least a second later"));
    case REPLAY_FULL:
        break;
    }
    return identity_refuse(why, IDENTITY_SIGNATURE_BUSY,
                           VIEW("too many signed requests came within the last minutes; try again "
                                "in a few minutes"));
}

static bool check(const struct signed_request *request, const struct signature *signature,
                  const struct access_key *key, struct arena *arena, struct reason *why)
{
    const struct signed_facts facts = {.request = request->head,
                                       .body = request->body,
                                       .unread = request->unread,
                                       .secret = key->secret_key,
                                       .judged = request->judged,
                                       .now_us = request->now_us};

    return signature_check(signature, &facts, arena, why) && check_token(signature, key, why);
}

bool identity_signed(const struct signed_request *request, struct arena *arena,
                     struct identified *ret, const struct access_key **ret_key,
                     struct reason *ret_why)
{
    const struct http1_request *head = request->head;
    const struct http1_field *authorization =
        http1_find_field(head->fields, head->count, HTTP1_AUTHORIZATION, NULL);
    struct signature signature;
    struct subject subject;
    const struct access_key *key;

    note(authorization == NULL ? VIEW("") : authorization->value, ret);
    if (!signature_read(head, arena, &signature, ret_why))
        return false;
    key = access_keys_find(request->keys, signature.access_key);
    if (key == NULL)
        return identity_refuse(ret_why, IDENTITY_SIGNATURE_KEY,
                               VIEW("this gateway doesn't know the access key; ask its "
                                    "administrator to add it, or send an IAM token in "
                                    "X-Auth-Token"));
    if (!check(request, &signature, key, arena, ret_why))
        return false;
    if (!access_key_subject(key, request->project, &subject))
        return identity_refuse(ret_why, IDENTITY_PROJECT_MISMATCH,
                               VIEW("the access key isn't for the project of the path"));
    if (request->judged && !remember(request->replay, &signature, request->now_us, ret_why))
        return false;
    ret->subject = subject;
    ret->credential.verified = "signature";
    *ret_key = key;
    return true;
}
