/* SPDX-License-Identifier: Apache-2.0
 * Rules about verified certificates, and the header of a trusted proxy. */
#include "identity/certificate.h"

#include "identity/plain.h"
#include "identity/refuse.h"

/* ---- patterns ---- */

/* One character of a subject's text: itself, or a backslash and what it escapes. */
static size_t unit(struct view text)
{
    return text.len > 1 && text.ptr[0] == '\\' ? 2 : 1;
}

static bool separates(struct view text)
{
    return text.ptr[0] == ',' || text.ptr[0] == '+';
}

/* The first part; *rest is what stands behind its comma, ptr NULL if none follows. */
static struct view first_part(struct view text, struct view *rest)
{
    size_t at = 0;

    while (at < text.len && text.ptr[at] != ',')
        at += unit(view_from(text, at));
    *rest = at < text.len ? view_from(text, at + 1) : VIEW_NONE;
    return view_of(text.ptr, at);
}

/* The usual walk with one way back, linear in memory: a later star can always take over. */
static bool part_fits(struct view pattern, struct view part)
{
    struct view star = VIEW_NONE, taken = VIEW_NONE;

    for (;;) {
        if (pattern.len > 0 && pattern.ptr[0] == '*') {
            pattern = view_from(pattern, 1);
            star = pattern;
            taken = part;
        } else if (part.len == 0 && pattern.len == 0) {
            return true;
        } else if (part.len > 0 && pattern.len > 0 && unit(part) == unit(pattern) &&
                   memcmp(part.ptr, pattern.ptr, unit(part)) == 0) {
            pattern = view_from(pattern, unit(pattern));
            part = view_from(part, unit(part));
        } else if (star.ptr != NULL && taken.len > 0 && !separates(taken)) {
            taken = view_from(taken, unit(taken));
            part = taken;
            pattern = star;
        } else {
            return false;
        }
    }
}

bool certificate_pattern_fits(struct view pattern, struct view subject)
{
    if (subject.len == 0)
        return false;
    for (;;) {
        struct view want, have, more_want, more_have;

        want = first_part(pattern, &more_want);
        if (more_want.ptr == NULL && view_eq(want, VIEW("*")))
            return true;
        if (subject.ptr == NULL)
            return false;
        have = first_part(subject, &more_have);
        if (!part_fits(want, have))
            return false;
        if (more_want.ptr == NULL)
            return more_have.ptr == NULL;
        pattern = more_want;
        subject = more_have;
    }
}

static bool part_ok(struct view part)
{
    size_t equals = view_find(part, '=');

    for (size_t i = 0; i < equals && i < part.len; i++) {
        if (part.ptr[i] == '*' || part.ptr[i] == ' ' || part.ptr[i] == '\\')
            return false;
    }
    return equals > 0 && equals + 1 < part.len;
}

bool certificate_pattern_ok(struct view pattern)
{
    struct view rest = pattern;

    for (size_t i = 0; i < pattern.len; i++) {
        if ((unsigned char)pattern.ptr[i] < ' ' || pattern.ptr[i] == 0x7f)
            return false;
    }
    while (rest.ptr != NULL) {
        struct view part = first_part(rest, &rest);

        if (!(rest.ptr == NULL && view_eq(part, VIEW("*"))) && !part_ok(part))
            return false;
    }
    return pattern.len > 0;
}

/* ---- certificates ---- */

static void note(const char *kind, const struct peer *peer, struct identified *ret)
{
    char hex[DIGEST_HEX_BYTES];

    *ret = (struct identified){.credential = {.kind = kind, .verified = "none"}};
    digest_hex(peer->digest, hex);
    memcpy(ret->credential.digest, hex, sizeof ret->credential.digest - 1);
}

static enum certificate_answer refuse(struct reason *why, enum identity_reason id,
                                      struct view message)
{
    (void)identity_refuse(why, id, message);
    return CERTIFICATE_REFUSED;
}

static enum certificate_answer refuse_names(struct reason *why, const struct peer *peer)
{
    return refuse(why, IDENTITY_CERTIFICATE_MALFORMED, view_str(peer->fault));
}

static enum certificate_answer nobody(struct reason *why, enum identity_reason id,
                                      struct view message)
{
    (void)identity_refuse(why, id, message);
    return CERTIFICATE_NOBODY;
}

static bool has_name(const struct peer *peer, struct view value)
{
    for (size_t i = 0; i < peer->name_count; i++) {
        if (view_eq(peer->names[i].value, value))
            return true;
    }
    return false;
}

static bool rule_fits(const struct certificate_rule *rule, const struct peer *peer)
{
    if (rule->subject.ptr == NULL && rule->san.ptr == NULL)
        return false;
    if (rule->subject.ptr != NULL && !certificate_pattern_fits(rule->subject, peer->subject))
        return false;
    return rule->san.ptr == NULL || has_name(peer, rule->san);
}

static bool is_listed(const struct view *projects, size_t count, struct view project)
{
    for (size_t i = 0; i < count; i++) {
        if (view_eq(projects[i], project))
            return true;
    }
    return project.ptr == NULL;
}

static bool is_same_user(const struct certificate_rule *a, const struct certificate_rule *b)
{
    return view_eq(a->user, b->user) && view_eq(a->user_id, b->user_id) &&
           view_eq(a->domain, b->domain);
}

static void set_subject(struct view user, struct view user_id, struct view project,
                        struct subject *ret)
{
    *ret = (struct subject){.known = SUBJECT_USER, .user_name = user, .user_id = user_id};
    if (project.ptr == NULL)
        return;
    ret->known |= SUBJECT_PROJECT;
    ret->project_id = project;
}

enum certificate_answer identity_certificate(const struct certificate_rules *rules,
                                             const struct peer *peer, struct view path_project,
                                             struct identified *ret, struct reason *ret_why)
{
    const struct certificate_rule *found = NULL;
    bool listed = false;

    *ret = (struct identified){.credential = {.kind = "none", .verified = "none"}};
    if (peer == NULL || rules->count == 0)
        return nobody(ret_why, IDENTITY_MISSING, VIEW_NONE);
    note("certificate", peer, ret);
    if (peer->fault != NULL)
        return refuse_names(ret_why, peer);
    for (size_t i = 0; i < rules->count; i++) {
        const struct certificate_rule *rule = &rules->rules[i];

        if (!rule_fits(rule, peer))
            continue;
        if (found != NULL && !is_same_user(found, rule))
            return refuse(ret_why, IDENTITY_CERTIFICATE_AMBIGUOUS,
                          VIEW("the gateway's rules take this client certificate for different "
                               "users; ask its administrator to make them distinct"));
        found = rule;
        listed = listed || is_listed(rule->projects, rule->project_count, path_project);
    }
    if (found == NULL)
        return nobody(ret_why, IDENTITY_CERTIFICATE_UNKNOWN,
                      VIEW("this gateway knows no user by this client certificate; ask its "
                           "administrator, or send an IAM token in X-Auth-Token"));
    if (!listed)
        return refuse(ret_why, IDENTITY_PROJECT_MISMATCH,
                      VIEW("the client certificate isn't for the project of the path"));
    set_subject(found->user, found->user_id, path_project, &ret->subject);
    if (found->domain.ptr != NULL) {
        ret->subject.known |= SUBJECT_DOMAIN;
        ret->subject.domain_name = found->domain;
    }
    ret->credential.verified = "certificate";
    return CERTIFICATE_KNOWN;
}

/* ---- a proxy in front ---- */

static bool is_trusted(const struct forwarded_settings *settings, const struct peer *peer)
{
    for (size_t i = 0; i < settings->from_count; i++) {
        if (certificate_pattern_fits(settings->from[i], peer->subject))
            return true;
    }
    return false;
}

static unsigned count_fields(const struct http1_request *head, struct view name, struct view *value)
{
    unsigned count = 0;

    for (unsigned i = 0; i < head->count; i++) {
        if (!view_eq_nocase(head->fields[i].name, name))
            continue;
        if (count++ == 0)
            *value = head->fields[i].value;
    }
    return count;
}

enum certificate_answer identity_forwarded(const struct forwarded_settings *settings,
                                           const struct peer *peer,
                                           const struct http1_request *head,
                                           struct view path_project, struct identified *ret,
                                           struct reason *ret_why)
{
    struct view user = VIEW_NONE;
    unsigned count;

    *ret = (struct identified){.credential = {.kind = "none", .verified = "none"}};
    (void)nobody(ret_why, IDENTITY_MISSING, VIEW_NONE);
    if (settings->header.ptr == NULL || peer == NULL)
        return CERTIFICATE_NOBODY;
    count = count_fields(head, settings->header, &user);
    /* Of names that nobody may go by none is trusted. */
    if (count == 0 || peer->fault != NULL || !is_trusted(settings, peer))
        return CERTIFICATE_NOBODY;
    note("forwarded", peer, ret);
    if (count > 1)
        return refuse(ret_why, IDENTITY_FORWARDED_MALFORMED,
                      VIEW("the header that names the user stands more than once"));
    if (!name_is_plain(user, FORWARDED_USER_MAX))
        return refuse(ret_why, IDENTITY_FORWARDED_MALFORMED,
                      VIEW("the header that names the user holds no plain name of 1 to 256 bytes"));
    if (!is_listed(settings->projects, settings->project_count, path_project))
        return refuse(ret_why, IDENTITY_PROJECT_MISMATCH,
                      VIEW("callers by way of this proxy have no access to the project of the "
                           "path"));
    set_subject(user, user, path_project, &ret->subject);
    ret->credential.verified = "certificate";
    return CERTIFICATE_KNOWN;
}
