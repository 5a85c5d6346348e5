/* SPDX-License-Identifier: Apache-2.0
 * Which credential a request carries, and what follows from it. Two credentials are refused: which
 * one the cloud would believe is not documented. */
#include "identity/identity.h"

#include "base/clock.h"
#include "identity/cache.h"
#include "identity/caller.h"
#include "identity/found.h"

const struct reason_row identity_reasons[IDENTITY_REASON_COUNT] = {
#define REASON(id, code, status, help) [IDENTITY_##id] = {code, status, help},
#include "identity/reasons.def"
#undef REASON
};

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
        found.bearer = true;
    }
    return found;
}

struct found found_look(const struct credentials *c)
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

void found_note(const struct credentials *c, struct found *found, struct identified *ret)
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

bool found_refuse_signature(struct reason *why)
{
    return identity_refuse(
        why, IDENTITY_SIGNATURE_REFUSED,
        VIEW("requests signed with AK/SK are not let through, because this gateway "
             "changes what a signature covers; send an IAM token in X-Auth-Token"));
}

bool found_is_single(const struct credentials *c, struct reason *why)
{
    if (c->token_count > 1)
        return identity_refuse(why, IDENTITY_AMBIGUOUS, VIEW("X-Auth-Token stands more than once"));
    if (c->authorization_count > 1)
        return identity_refuse(why, IDENTITY_AMBIGUOUS,
                               VIEW("Authorization stands more than once"));
    if (c->token_count > 0 && c->authorization_count > 0)
        return identity_refuse(
            why, IDENTITY_AMBIGUOUS,
            VIEW("X-Auth-Token and Authorization stand together; send one of them"));
    if (c->project_count > 1)
        return identity_refuse(why, IDENTITY_AMBIGUOUS, VIEW("X-Project-Id stands more than once"));
    return true;
}

/* Ids of projects are shown only in their usual form: something else may be a secret at the wrong
 * place. */
static bool is_showable(struct view id)
{
    static const char usual[] = "0123456789abcdef-";

    if (id.len == 0 || id.len > 36)
        return false;
    for (size_t i = 0; i < id.len; i++) {
        if (memchr(usual, id.ptr[i], sizeof usual - 1) == NULL)
            return false;
    }
    return true;
}

bool found_refuse_project(struct arena *arena, const char *what, struct view got,
                          struct view path_project, struct reason *why)
{
    if (!is_showable(got))
        got = VIEW("another one");
    if (!is_showable(path_project))
        path_project = VIEW("another one");
    return identity_refuse(why, IDENTITY_PROJECT_MISMATCH,
                           arena_printf(arena, "%s is for project %.*s, the path for project %.*s",
                                        what, VIEW_ARGS(got), VIEW_ARGS(path_project)));
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

bool found_read_token(struct identity_cache *cache, const struct found *found, struct arena *arena,
                      struct token_facts *ret, struct reason *why)
{
    enum status status = find_facts(cache, found, arena, ret);

    if (status == STATUS_OK)
        return true;
    if (status == STATUS_NOMEM)
        return identity_refuse(why, IDENTITY_UNAVAILABLE,
                               VIEW("there is no memory to read the token now"));
    return identity_refuse(
        why, IDENTITY_TOKEN_MALFORMED,
        VIEW("the token cannot be decoded; send an unchanged IAM token of a project"));
}

/* What a token must be to be judged by. */
static bool is_usable(const struct token_facts *facts, struct view path_project, int64_t now_us,
                      struct arena *arena, struct reason *why)
{
    if (now_us >= facts->expires_us) {
        char text[CLOCK_TEXT_BYTES];

        return identity_refuse(why, IDENTITY_TOKEN_EXPIRED,
                               arena_printf(arena, "the token expired at %.*s; get a new one",
                                            VIEW_ARGS(clock_format(facts->expires_us, text))));
    }
    if ((facts->subject.known & SUBJECT_PROJECT) == 0)
        return identity_refuse(
            why, IDENTITY_TOKEN_UNSCOPED,
            VIEW("the token is not for a project; get one that is scoped to the project "
                 "of the path"));
    if (!view_eq(facts->subject.project_id, path_project))
        return found_refuse_project(arena, "the token", facts->subject.project_id, path_project,
                                    why);
    return true;
}

bool found_refuse_missing(const struct found *found, struct reason *why)
{
    if (found->kind == FOUND_OTHER)
        return identity_refuse(
            why, IDENTITY_MISSING,
            VIEW("the Authorization header holds no IAM token; send one in X-Auth-Token"));
    return identity_refuse(why, IDENTITY_MISSING,
                           VIEW("the request has no token; send one in X-Auth-Token"));
}

/* One parameter more than usual: whom it tells and why it was refused are both results. */
// NOLINTNEXTLINE(readability-function-size)
bool identity_of_token(const struct token_facts *facts, const char *verified, struct view project,
                       int64_t now_us, struct arena *arena, struct identified *who,
                       struct reason *ret_why)
{
    if (!is_usable(facts, project, now_us, arena, ret_why))
        return false;
    who->subject = facts->subject;
    who->expires_us = facts->expires_us;
    who->credential.verified = verified;
    return true;
}
