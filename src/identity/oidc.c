/* SPDX-License-Identifier: Apache-2.0
 * What the claims of a good JWT must say, and whom they name. */
#include "identity/oidc.h"

#include "identity/jwt.h"
#include "identity/plain.h"
#include "identity/refuse.h"

enum { NAME_MAX_BYTES = 256 };
static const int64_t date_max_s = INT64_C(253402300799); /* the end of the year 9999 */

struct judging {
    const struct oidc_settings *settings;
    const struct oidc_question *question;
    struct jdoc claims;
    struct arena *arena;
    struct identified *ret;
    struct reason *why;
};

bool oidc_is_jwt(struct view token)
{
    unsigned dots = 0;

    for (size_t i = 0; i < token.len; i++)
        dots += token.ptr[i] == '.';
    return dots == 2 && view_starts(token, VIEW("eyJ"));
}

static bool refuse_claims(const struct judging *j, struct view message)
{
    return identity_refuse(j->why, IDENTITY_OIDC_CLAIMS, message);
}

static bool no_memory(const struct judging *j)
{
    return identity_refuse(j->why, IDENTITY_UNAVAILABLE,
                           VIEW("there is no memory to verify the token now"));
}

/* ---- issuer and audience ---- */

/* ptr NULL: it isn't a text. */
static struct view text_of(const struct judging *j, jref v)
{
    if (v == JREF_NONE || jdoc_kind(&j->claims, v) != JKIND_STRING)
        return VIEW_NONE;
    return jdoc_text(&j->claims, v, j->arena);
}

static bool is_text(const struct judging *j, jref v, struct view want)
{
    struct view text = text_of(j, v);

    return text.ptr != NULL && view_eq(text, want);
}

static bool is_for_us(const struct judging *j)
{
    jref audience = jdoc_member(&j->claims, 0, VIEW("aud"));

    if (audience == JREF_NONE)
        return false;
    if (jdoc_kind(&j->claims, audience) != JKIND_ARRAY)
        return is_text(j, audience, j->settings->audience);
    JDOC_EACH(&j->claims, audience, item)
    {
        if (is_text(j, item, j->settings->audience))
            return true;
    }
    return false;
}

static bool check_parties(const struct judging *j)
{
    if (!is_text(j, jdoc_member(&j->claims, 0, VIEW("iss")), j->settings->issuer))
        return refuse_claims(j, VIEW("the bearer token is by another issuer (iss) than this "
                                     "gateway's"));
    if (!is_for_us(j))
        return refuse_claims(j, VIEW("the bearer token is for another audience (aud) than this "
                                     "gateway"));
    return true;
}

/* ---- times ---- */

enum date { DATE_NONE, DATE_GIVEN, DATE_ODD };

/* Seconds since the epoch, whole ones. */
static enum date date_of(const struct judging *j, struct view name, int64_t *ret_us)
{
    jref v = jdoc_member(&j->claims, 0, name);
    int64_t seconds;

    if (v == JREF_NONE)
        return DATE_NONE;
    if (!jdoc_integer(&j->claims, v, &seconds) || seconds < 0)
        return DATE_ODD;
    *ret_us = (seconds < date_max_s ? seconds : date_max_s) * 1000000;
    return DATE_GIVEN;
}

static bool has_begun(const struct judging *j, struct view name)
{
    const int64_t leeway_us = (int64_t)OIDC_LEEWAY_S * 1000000;
    int64_t us = 0;

    switch (date_of(j, name, &us)) {
    case DATE_NONE:
        return true;
    case DATE_ODD:
        return refuse_claims(j, VIEW("nbf or iat of the bearer token is no whole number of "
                                     "seconds"));
    case DATE_GIVEN:
        break;
    }
    if (us > j->question->now_us + leeway_us)
        return identity_refuse(j->why, IDENTITY_OIDC_EXPIRED,
                               VIEW("the bearer token doesn't hold yet (nbf, iat); look at the "
                                    "clocks"));
    return true;
}

static bool check_times(const struct judging *j)
{
    int64_t until_us = 0;

    if (date_of(j, VIEW("exp"), &until_us) != DATE_GIVEN)
        return refuse_claims(j, VIEW("the bearer token doesn't say when it expires (exp)"));
    if (j->question->now_us >= until_us)
        return identity_refuse(j->why, IDENTITY_OIDC_EXPIRED,
                               VIEW("the bearer token has expired; get a new one"));
    j->ret->expires_us = until_us;
    return has_begun(j, VIEW("nbf")) && has_begun(j, VIEW("iat"));
}

/* ---- who it is ---- */

static bool read_user(const struct judging *j)
{
    const struct view user = text_of(j, jdoc_member(&j->claims, 0, j->settings->user_claim));

    if (user.ptr == NULL || !name_is_plain(user, NAME_MAX_BYTES))
        return refuse_claims(
            j, arena_printf(j->arena,
                            "the claim \"%.*s\" of the bearer token is no plain name of 1 to %d "
                            "bytes",
                            VIEW_ARGS(j->settings->user_claim), (int)NAME_MAX_BYTES));
    j->ret->subject.known = SUBJECT_USER;
    j->ret->subject.user_id = user;
    j->ret->subject.user_name = user;
    return true;
}

static bool refuse_groups(const struct judging *j)
{
    return refuse_claims(j,
                         arena_printf(j->arena,
                                      "the claim \"%.*s\" of the bearer token is no list of at "
                                      "most %d plain names",
                                      VIEW_ARGS(j->settings->groups_claim), (int)OIDC_GROUPS_MAX));
}

/* Without the claim they are unknown, which isn't the same as none. */
static bool read_groups(const struct judging *j)
{
    jref list = jdoc_member(&j->claims, 0, j->settings->groups_claim);
    struct view *groups;
    size_t count = 0;

    if (list == JREF_NONE)
        return true;
    if (jdoc_kind(&j->claims, list) != JKIND_ARRAY ||
        j->claims.values[list].count > OIDC_GROUPS_MAX)
        return refuse_groups(j);
    groups = arena_array(j->arena, j->claims.values[list].count, sizeof *groups);
    if (groups == NULL)
        return no_memory(j);
    JDOC_EACH(&j->claims, list, item)
    {
        groups[count] = text_of(j, item);
        if (groups[count].ptr == NULL || !name_is_plain(groups[count], NAME_MAX_BYTES))
            return refuse_groups(j);
        count++;
    }
    j->ret->subject.groups = groups;
    j->ret->subject.group_count = count;
    j->ret->subject.known |= SUBJECT_GROUPS;
    return true;
}

static bool read_project(const struct judging *j)
{
    const struct view project = j->question->path_project;
    bool listed = project.ptr == NULL;

    for (size_t i = 0; i < j->settings->project_count; i++)
        listed = listed || view_eq(j->settings->projects[i], project);
    if (!listed)
        return identity_refuse(j->why, IDENTITY_PROJECT_MISMATCH,
                               VIEW("callers with such bearer tokens have no access to the project "
                                    "of the path"));
    if (project.ptr == NULL)
        return true;
    j->ret->subject.project_id = project;
    j->ret->subject.known |= SUBJECT_PROJECT;
    return true;
}

/* ---- the whole ---- */

static const struct {
    enum identity_reason id;
    const char *text;
} verdicts[] = {
    [JWT_MALFORMED] = {IDENTITY_OIDC_MALFORMED,
                       "the bearer token is no JWT, it was cut, or it is too large"},
    [JWT_ALGORITHM] = {IDENTITY_OIDC_MALFORMED,
                       "the bearer token isn't signed RS256 or ES256, or is for something else"},
    [JWT_UNKNOWN_KEY] = {IDENTITY_OIDC_KEY,
                         "no key of the provider's has the kid of the bearer token; try again in a "
                         "few seconds, or get a new token"},
    [JWT_MANY_KEYS] = {IDENTITY_OIDC_KEY,
                       "the bearer token has no kid, and the provider has more than one key"},
    [JWT_FORGED] = {IDENTITY_OIDC_SIGNATURE,
                    "the signature of the bearer token isn't by the provider's key"},
    [JWT_NO_MEMORY] = {IDENTITY_UNAVAILABLE, "there is no memory to verify the token now"},
};

static void note(struct view token, struct identified *ret)
{
    char hex[DIGEST_HEX_BYTES];

    *ret = (struct identified){.credential = {.kind = "oidc", .verified = "none"}};
    digest_sha256_hex(token, hex);
    memcpy(ret->credential.digest, hex, sizeof ret->credential.digest - 1);
}

static bool forget(const struct judging *j)
{
    j->ret->subject = (struct subject){.known = 0};
    j->ret->expires_us = 0;
    return false;
}

bool identity_oidc(const struct oidc_settings *settings, const struct oidc_question *question,
                   struct arena *arena, struct identified *ret, struct reason *ret_why,
                   bool *ret_unknown_key)
{
    struct judging j = {
        .settings = settings, .question = question, .arena = arena, .ret = ret, .why = ret_why};
    enum jwt_verdict verdict;

    note(question->token, ret);
    *ret_unknown_key = false;
    if (question->keys == NULL)
        return identity_refuse(ret_why, IDENTITY_UNAVAILABLE,
                               VIEW("the keys of the OpenID provider could not be fetched yet; try "
                                    "again in a few seconds"));
    verdict = jwt_read(question->token, OIDC_TOKEN_MAX, question->keys, arena, &j.claims);
    if (verdict != JWT_GOOD) {
        *ret_unknown_key = verdict == JWT_UNKNOWN_KEY;
        return identity_refuse(ret_why, verdicts[verdict].id, view_str(verdicts[verdict].text));
    }
    if (!check_parties(&j) || !check_times(&j) || !read_user(&j) || !read_groups(&j) ||
        !read_project(&j))
        return forget(&j);
    ret->credential.verified = "signature";
    return true;
}
