/* SPDX-License-Identifier: Apache-2.0
 * Picks the one way in which a request says who it is, and follows it. */
#include "identity/caller.h"

#include "identity/found.h"
#include "identity/shared_cache.h"

struct search {
    const struct identity_means *means;
    const struct identity_request *request;
    struct arena *arena;
    struct identity_found *ret;
    struct found found;
    bool dropped; /* a signature that stood beside the token */
};

static enum identity_flow refused(bool known)
{
    return known ? IDENTITY_KNOWN : IDENTITY_REFUSED;
}

/* ---- tokens ---- */

/* A blank or a comma would let the cloud choose between several. */
static bool is_one_word(struct view token)
{
    return token.len == 0 || (memchr(token.ptr, ',', token.len) == NULL &&
                              memchr(token.ptr, ' ', token.len) == NULL &&
                              memchr(token.ptr, '\t', token.len) == NULL);
}

static bool accept_token(struct search *s, const struct token_facts *facts, const char *verified)
{
    return identity_of_token(facts, verified, s->request->project, s->request->now_us, s->arena,
                             &s->ret->who, &s->ret->why);
}

static void fill_question(struct search *s)
{
    memcpy(s->ret->digest, s->found.digest, sizeof s->ret->digest);
    s->ret->question = (struct token_question){
        .token = s->found.token, .digest = s->ret->digest, .now_us = s->request->now_us};
}

static enum identity_flow verify_by_certificate(struct search *s)
{
    struct token_facts facts;
    enum cms_verdict verdict;

    fill_question(s);
    verdict = cms_read_cached(s->means->pinned, s->means->verified, s->means->cache_us,
                              &s->ret->question, s->arena, &facts);
    if (verdict == CMS_GOOD)
        return refused(accept_token(s, &facts, "certificate"));
    s->ret->why = (struct reason){.row = cms_verdict_row(verdict),
                                  .message = view_str(cms_verdict_text(verdict))};
    return IDENTITY_REFUSED;
}

static enum identity_flow judge_token(struct search *s)
{
    struct token_facts facts;

    if (s->means->verify == VERIFY_OFF)
        return IDENTITY_KNOWN;
    if (s->found.kind != FOUND_TOKEN || s->found.token.len == 0)
        return refused(found_refuse_missing(&s->found, &s->ret->why));
    switch (s->means->verify) {
    case VERIFY_IAM:
        fill_question(s);
        return IDENTITY_ASKS;
    case VERIFY_CERTIFICATE:
        return verify_by_certificate(s);
    case VERIFY_DECODE:
    case VERIFY_OFF:
        break;
    }
    return refused(found_read_token(s->means->decoded, &s->found, s->arena, &facts, &s->ret->why) &&
                   accept_token(s, &facts, "decoded"));
}

/* The cloud verifies it; the record says what the token says of itself. */
static enum identity_flow look_into_token(struct search *s)
{
    struct token_facts facts;
    struct reason unused;

    if (!is_one_word(s->found.token))
        return refused(identity_refuse(&s->ret->why, IDENTITY_AMBIGUOUS,
                                       VIEW("the token is more than one word")));
    if (!s->request->recorded || s->means->verify == VERIFY_OFF || s->found.kind != FOUND_TOKEN ||
        !found_read_token(s->means->decoded, &s->found, s->arena, &facts, &unused) ||
        s->request->now_us >= facts.expires_us)
        return IDENTITY_KNOWN;
    s->ret->who.subject = facts.subject;
    s->ret->who.expires_us = facts.expires_us;
    s->ret->who.credential.verified = "decoded";
    return IDENTITY_KNOWN;
}

/* ---- the others ---- */

static enum identity_flow follow_signature(struct search *s)
{
    switch (s->means->signatures) {
    case SIGNATURES_REFUSE:
        break;
    case SIGNATURES_RELAY:
        s->ret->who.sends = SENDS_RELAYED;
        return IDENTITY_KNOWN;
    case SIGNATURES_VERIFY:
        return IDENTITY_SIGNED;
    }
    return refused(found_refuse_signature(&s->ret->why));
}

static bool is_jwt(const struct search *s)
{
    return s->means->oidc != NULL && s->means->oidc->issuer.ptr != NULL &&
           s->found.kind == FOUND_TOKEN && s->found.bearer && oidc_is_jwt(s->found.token);
}

/* IAM's tokens have no dot. A JWT in another header, or a broken one, is nobody's: neither IAM nor
 * the cloud may see it. */
static bool is_misplaced_jwt(const struct search *s)
{
    return s->means->oidc != NULL && s->means->oidc->issuer.ptr != NULL &&
           s->found.kind == FOUND_TOKEN && view_find(s->found.token, '.') < s->found.token.len;
}

static enum identity_flow refuse_misplaced_jwt(struct search *s)
{
    return refused(identity_refuse(
        &s->ret->why, IDENTITY_OIDC_MALFORMED,
        VIEW("this is no IAM token; a JWT has three parts and stands in Authorization: Bearer")));
}

static enum identity_flow follow_jwt(struct search *s)
{
    const struct oidc_question question = {.keys = s->means->jwks,
                                           .token = s->found.token,
                                           .path_project = s->request->project,
                                           .now_us = s->request->now_us};
    bool known = identity_oidc(s->means->oidc, &question, s->arena, &s->ret->who, &s->ret->why,
                               &s->ret->wants_keys);

    s->ret->who.sends = SENDS_SERVICE;
    return refused(known);
}

/* A caller whom the TLS certificate tells, itself or as a proxy. */
struct told {
    enum certificate_answer answer;
    struct identified who;
    struct reason why;
};

static enum identity_flow follow_told(struct search *s, const struct told *told)
{
    s->ret->who = told->who;
    s->ret->who.sends = SENDS_SERVICE;
    s->ret->why = told->why;
    return refused(told->answer == CERTIFICATE_KNOWN);
}

static enum identity_flow refuse_two(struct search *s)
{
    return refused(identity_refuse(
        &s->ret->why, IDENTITY_AMBIGUOUS,
        VIEW("the request says in two ways who is calling (a token or signature, a client "
             "certificate, a proxy's header); use one of them")));
}

/* ---- all together ---- */

/* Of a token and a signature that stand together on a call that isn't judged, the signature is not
 * sent on. */
static void drop_signature(struct search *s)
{
    if (s->request->judged || s->found.kind != FOUND_SIGNATURE ||
        s->request->credentials.token_count == 0 || s->request->credentials.authorization_count > 1)
        return;
    s->dropped = true;
    s->found.kind = FOUND_TOKEN;
    s->found.token = s->request->credentials.token;
}

static bool is_single(struct search *s)
{
    struct credentials credentials = s->request->credentials;

    if (s->dropped)
        credentials.authorization_count = 0;
    return found_is_single(&credentials, &s->ret->why);
}

static bool project_agrees(struct search *s)
{
    const struct credentials *credentials = &s->request->credentials;

    if (credentials->project_count == 0 || s->request->project.ptr == NULL ||
        view_eq(credentials->project, s->request->project))
        return true;
    return found_refuse_project(s->arena, "X-Project-Id", credentials->project, s->request->project,
                                &s->ret->why);
}

static enum identity_flow follow_header(struct search *s)
{
    if (s->found.kind == FOUND_SIGNATURE)
        return follow_signature(s);
    if (is_jwt(s))
        return follow_jwt(s);
    if (is_misplaced_jwt(s))
        return refuse_misplaced_jwt(s);
    return s->request->judged ? judge_token(s) : look_into_token(s);
}

enum identity_flow identity_find(const struct identity_means *means,
                                 const struct identity_request *request, struct arena *arena,
                                 struct identity_found *ret)
{
    struct search s = {.means = means, .request = request, .arena = arena, .ret = ret};
    struct told certificate = {.answer = CERTIFICATE_NOBODY},
                proxy = {.answer = CERTIFICATE_NOBODY};
    int ways;

    *ret = (struct identity_found){.who.credential = {.kind = "none", .verified = "none"}};
    s.found = found_look(&request->credentials);
    drop_signature(&s);
    if (request->judged || request->recorded)
        found_note(&request->credentials, &s.found, &ret->who);
    if (!is_single(&s))
        return IDENTITY_REFUSED;
    if (means->certificates != NULL && means->certificates->count > 0)
        certificate.answer =
            identity_certificate(means->certificates, request->peer, request->project,
                                 &certificate.who, &certificate.why);
    if (means->forwarded != NULL && means->forwarded->header.ptr != NULL)
        proxy.answer = identity_forwarded(means->forwarded, request->peer, request->head,
                                          request->project, &proxy.who, &proxy.why);
    ways = (s.found.kind != FOUND_NOTHING) + (certificate.answer != CERTIFICATE_NOBODY) +
           (proxy.answer != CERTIFICATE_NOBODY);
    if (ways > 1)
        return refuse_two(&s);
    if (!project_agrees(&s))
        return IDENTITY_REFUSED;
    if (certificate.answer != CERTIFICATE_NOBODY)
        return follow_told(&s, &certificate);
    if (proxy.answer != CERTIFICATE_NOBODY)
        return follow_told(&s, &proxy);
    return follow_header(&s);
}
