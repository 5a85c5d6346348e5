/* SPDX-License-Identifier: Apache-2.0
 * Which credential a request carries, and what follows from it. Two credentials are refused: which
 * one the cloud would believe is not documented. */
#include "identity/identity.h"

#include "base/clock.h"
#include "identity/cache.h"
#include "identity/token.h"

enum found_kind { FOUND_NOTHING, FOUND_TOKEN, FOUND_SIGNATURE, FOUND_OTHER };

struct found {
    enum found_kind kind;
    struct view token;                  /* FOUND_TOKEN */
    unsigned char digest[DIGEST_BYTES]; /* of what was sent; set by note() */
};

const struct reason_row identity_reasons[IDENTITY_REASON_COUNT] = {
#define REASON(id, code, status, help) [IDENTITY_##id] = {code, status, help},
#include "identity/reasons.def"
#undef REASON
};

static bool refuse(struct reason *why, enum identity_reason id, struct view message)
{
    if (message.ptr == NULL)
        message = view_str(identity_reasons[id].help);
    *why = (struct reason){.row = &identity_reasons[id], .message = message};
    return false;
}

static bool starts_nocase(struct view v, struct view prefix)
{
    return v.len >= prefix.len && view_eq_nocase(view_of(v.ptr, prefix.len), prefix);
}

/* SDK-HMAC-SHA256 and its siblings SDK-HMAC-SM3, SDK-ECDSA-P256-SHA256, SDK-SM2-SM3; the derived
 * V11-HMAC-SHA256. */
static bool is_signature(struct view authorization)
{
    return starts_nocase(authorization, VIEW("SDK-")) ||
           starts_nocase(authorization, VIEW("V11-HMAC-"));
}

static struct found look_at_authorization(struct view authorization)
{
    struct found found = {.kind = FOUND_OTHER};

    if (is_signature(authorization)) {
        found.kind = FOUND_SIGNATURE;
    } else if (starts_nocase(authorization, VIEW("Bearer "))) {
        found.kind = FOUND_TOKEN;
        found.token = view_trim(view_from(authorization, sizeof "Bearer " - 1));
    }
    return found;
}

static struct found look(const struct credentials *c)
{
    if (c->authorization_count > 0) {
        struct found found = look_at_authorization(c->authorization);

        /* A signature is one whatever stands beside it. */
        if (found.kind == FOUND_SIGNATURE || c->token_count == 0)
            return found;
    }
    if (c->token_count > 0)
        return (struct found){.kind = FOUND_TOKEN, .token = c->token};
    return (struct found){.kind = FOUND_NOTHING};
}

static void set_digest(struct found *found, struct view secret, struct credential *credential)
{
    char hex[DIGEST_HEX_BYTES];

    digest_sha256(secret, found->digest);
    digest_hex(found->digest, hex);
    memcpy(credential->digest, hex, sizeof credential->digest - 1);
}

/* What the journal says about the credential before anything is known about the caller. */
static void note(const struct credentials *c, struct found *found, struct identified *ret)
{
    *ret = (struct identified){.credential = {.kind = "none", .verified = "none"}};
    switch (found->kind) {
    case FOUND_TOKEN:
        ret->credential.kind = "token";
        set_digest(found, found->token, &ret->credential);
        break;
    case FOUND_SIGNATURE:
        ret->credential.kind = "signature";
        set_digest(found, c->authorization, &ret->credential);
        break;
    case FOUND_NOTHING:
    case FOUND_OTHER:
        break;
    }
}

static bool refuse_signature(struct reason *why)
{
    return refuse(why, IDENTITY_SIGNATURE_REFUSED,
                  VIEW("requests signed with AK/SK are not let through, because this gateway "
                       "changes what a signature covers; send an IAM token in X-Auth-Token"));
}

/* One credential, one project. */
static bool is_single(const struct credentials *c, struct reason *why)
{
    if (c->token_count > 1)
        return refuse(why, IDENTITY_AMBIGUOUS, VIEW("X-Auth-Token stands more than once"));
    if (c->authorization_count > 1)
        return refuse(why, IDENTITY_AMBIGUOUS, VIEW("Authorization stands more than once"));
    if (c->token_count > 0 && c->authorization_count > 0)
        return refuse(why, IDENTITY_AMBIGUOUS,
                      VIEW("X-Auth-Token and Authorization stand together; send one of them"));
    if (c->project_count > 1)
        return refuse(why, IDENTITY_AMBIGUOUS, VIEW("X-Project-Id stands more than once"));
    return true;
}

/* Ids of projects are shown to the caller only in their usual form. */
static bool is_showable(struct view id)
{
    static const char usual[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_";

    if (id.len == 0 || id.len > 64)
        return false;
    for (size_t i = 0; i < id.len; i++) {
        if (memchr(usual, id.ptr[i], sizeof usual - 1) == NULL)
            return false;
    }
    return true;
}

static bool refuse_project(struct arena *arena, const char *what, struct view got,
                           struct view path_project, struct reason *why)
{
    if (!is_showable(got))
        got = VIEW("another one");
    if (!is_showable(path_project))
        path_project = VIEW("another one");
    return refuse(why, IDENTITY_PROJECT_MISMATCH,
                  arena_printf(arena, "%s is for project %.*s, the path for project %.*s", what,
                               VIEW_ARGS(got), VIEW_ARGS(path_project)));
}

/* From the cache, or from the token and into the cache. */
static enum status find_facts(struct identity_cache *cache, const struct found *found,
                              struct arena *arena, struct token_facts *ret)
{
    enum status status;

    if (cache == NULL)
        return token_read(found->token, arena, ret);
    if (cache_find(cache, found->digest, arena, ret))
        return STATUS_OK;
    status = token_read(found->token, arena, ret);
    if (status == STATUS_OK)
        cache_add(cache, found->digest, ret);
    return status;
}

static bool read_token(struct identity_cache *cache, const struct found *found, struct arena *arena,
                       struct token_facts *ret, struct reason *why)
{
    enum status status = find_facts(cache, found, arena, ret);

    if (status == STATUS_OK)
        return true;
    if (status == STATUS_NOMEM)
        return refuse(why, IDENTITY_UNAVAILABLE, VIEW("there is no memory to read the token now"));
    return refuse(why, IDENTITY_TOKEN_MALFORMED,
                  VIEW("the token cannot be decoded; send an unchanged IAM token of a project"));
}

/* What a token must be to be judged by. */
static bool is_usable(const struct token_facts *facts, struct view path_project, int64_t now_us,
                      struct arena *arena, struct reason *why)
{
    if (now_us >= facts->expires_us) {
        char text[CLOCK_TEXT_BYTES];

        return refuse(why, IDENTITY_TOKEN_EXPIRED,
                      arena_printf(arena, "the token expired at %.*s; get a new one",
                                   VIEW_ARGS(clock_format(facts->expires_us, text))));
    }
    if ((facts->subject.known & SUBJECT_PROJECT) == 0)
        return refuse(why, IDENTITY_TOKEN_UNSCOPED,
                      VIEW("the token is not for a project; get one that is scoped to the project "
                           "of the path"));
    if (!view_eq(facts->subject.project_id, path_project))
        return refuse_project(arena, "the token", facts->subject.project_id, path_project, why);
    return true;
}

static bool refuse_missing(const struct found *found, struct reason *why)
{
    if (found->kind == FOUND_OTHER)
        return refuse(
            why, IDENTITY_MISSING,
            VIEW("the Authorization header holds no IAM token; send one in X-Auth-Token"));
    return refuse(why, IDENTITY_MISSING,
                  VIEW("the request has no token; send one in X-Auth-Token"));
}

static void accept(const struct token_facts *facts, struct identified *ret)
{
    ret->subject = facts->subject;
    ret->expires_us = facts->expires_us;
    ret->credential.verified = "decoded";
}

/* One parameter more than usual: what was found and why it was refused are both results. */
// NOLINTNEXTLINE(readability-function-size)
bool identity_judged(enum token_verify verify, const struct credentials *credentials,
                     struct view path_project, int64_t now_us, struct arena *arena,
                     struct identified *ret, struct reason *ret_why)
{
    struct found found = look(credentials);
    struct token_facts facts;

    note(credentials, &found, ret);
    if (!is_single(credentials, ret_why))
        return false;
    if (found.kind == FOUND_SIGNATURE)
        return refuse_signature(ret_why);
    if (credentials->project_count > 0 && !view_eq(credentials->project, path_project))
        return refuse_project(arena, "X-Project-Id", credentials->project, path_project, ret_why);
    switch (verify) {
    case VERIFY_OFF:
        return true;
    case VERIFY_DECODE:
        break;
    case VERIFY_IAM:
    case VERIFY_CERTIFICATE:
        return refuse(ret_why, IDENTITY_UNAVAILABLE,
                      VIEW("this gateway cannot verify tokens yet; its settings must say decode"));
    }
    if (found.kind != FOUND_TOKEN || found.token.len == 0)
        return refuse_missing(&found, ret_why);
    if (!read_token(credentials->cache, &found, arena, &facts, ret_why) ||
        !is_usable(&facts, path_project, now_us, arena, ret_why))
        return false;
    accept(&facts, ret);
    return true;
}

/* A blank or a comma would let the cloud choose between several. */
static bool is_one_word(struct view token)
{
    return token.len == 0 || (memchr(token.ptr, ',', token.len) == NULL &&
                              memchr(token.ptr, ' ', token.len) == NULL &&
                              memchr(token.ptr, '\t', token.len) == NULL);
}

bool identity_unrecorded(const struct credentials *credentials, struct reason *ret_why)
{
    struct found found = look(credentials);

    if (found.kind == FOUND_SIGNATURE)
        return refuse_signature(ret_why);
    if (!is_single(credentials, ret_why))
        return false;
    if (!is_one_word(found.token))
        return refuse(ret_why, IDENTITY_AMBIGUOUS, VIEW("the token is more than one word"));
    if (credentials->project_count > 0 && credentials->path_project.ptr != NULL &&
        !view_eq(credentials->project, credentials->path_project))
        return refuse(ret_why, IDENTITY_PROJECT_MISMATCH,
                      VIEW("X-Project-Id is for another project than the path"));
    return true;
}

bool identity_unjudged(enum token_verify verify, const struct credentials *credentials,
                       int64_t now_us, struct arena *arena, struct identified *ret,
                       struct reason *ret_why)
{
    struct found found = look(credentials);
    struct token_facts facts;

    note(credentials, &found, ret);
    if (!identity_unrecorded(credentials, ret_why))
        return false;
    if (verify != VERIFY_DECODE || found.kind != FOUND_TOKEN ||
        find_facts(credentials->cache, &found, arena, &facts) != STATUS_OK ||
        now_us >= facts.expires_us)
        return true;
    accept(&facts, ret);
    return true;
}
