/* SPDX-License-Identifier: Apache-2.0
 * The document about a token to facts, whoever sent it. What it cannot tell stays unknown: roles
 * that aren't listed, groups of a user that no identity provider sent, groups without names. */
#include "identity/token.h"

#include "base/clock.h"
#include "identity/identity.h"
#include "json/doc.h"

/* A walk that fails once and for all, so that the facts are a list of questions. */
struct walk {
    struct jdoc doc;
    struct arena *arena;
    enum status failed;
};

static struct view fail(struct walk *w, enum status status)
{
    w->failed = status;
    return VIEW_NONE;
}

/* The member, JREF_NONE if it is missing; fails if it is of another kind. */
static jref member_of(struct walk *w, jref v, struct view name, enum jkind kind)
{
    jref member = jdoc_member(&w->doc, v, name);

    if (member != JREF_NONE && jdoc_kind(&w->doc, member) != kind)
        (void)fail(w, STATUS_SYNTAX);
    return w->failed == STATUS_OK ? member : JREF_NONE;
}

/* A text that must be there and not empty. */
static struct view text_of(struct walk *w, jref v, struct view name)
{
    jref member = member_of(w, v, name, JKIND_STRING);
    struct view text;

    if (member == JREF_NONE)
        return fail(w, w->failed == STATUS_OK ? STATUS_SYNTAX : w->failed);
    text = jdoc_text(&w->doc, member, w->arena);
    if (text.ptr == NULL)
        return fail(w, STATUS_NOMEM);
    return text.len == 0 ? fail(w, STATUS_SYNTAX) : text;
}

/* "user", "domain" and "project": an object with id and name. Gives the object, JREF_NONE if there
 * is none. */
static jref read_named(struct walk *w, jref v, struct view name, struct view *ret_id,
                       struct view *ret_name)
{
    jref object = member_of(w, v, name, JKIND_OBJECT);

    if (object == JREF_NONE)
        return JREF_NONE;
    *ret_id = text_of(w, object, VIEW("id"));
    *ret_name = text_of(w, object, VIEW("name"));
    return object;
}

/* Do all elements have a name? */
static bool all_named(const struct walk *w, jref list)
{
    JDOC_EACH(&w->doc, list, item)
    {
        if (jdoc_member(&w->doc, item, VIEW("name")) == JREF_NONE)
            return false;
    }
    return true;
}

/* The names in a list of objects. */
static const struct view *read_names(struct walk *w, jref list, size_t *ret_count)
{
    size_t count = 0;
    struct view *names = arena_array(w->arena, w->doc.values[list].count, sizeof *names);

    if (names == NULL) {
        (void)fail(w, STATUS_NOMEM);
        return NULL;
    }
    JDOC_EACH(&w->doc, list, item)
    names[count++] = text_of(w, item, VIEW("name"));
    *ret_count = count;
    return names;
}

static void read_roles(struct walk *w, jref token, struct subject *s)
{
    jref list = member_of(w, token, VIEW("roles"), JKIND_ARRAY);

    if (list == JREF_NONE)
        return;
    s->roles = read_names(w, list, &s->role_count);
    s->known |= SUBJECT_ROLES;
}

static void read_groups(struct walk *w, jref user, struct subject *s)
{
    jref federation = member_of(w, user, VIEW("OS-FEDERATION"), JKIND_OBJECT);
    jref list = member_of(w, federation, VIEW("groups"), JKIND_ARRAY);

    /* Some identity providers send ids only. */
    if (list == JREF_NONE || !all_named(w, list))
        return;
    s->groups = read_names(w, list, &s->group_count);
    s->known |= SUBJECT_GROUPS;
}

static void read_subject(struct walk *w, jref token, struct subject *s)
{
    jref user = read_named(w, token, VIEW("user"), &s->user_id, &s->user_name);

    if (user == JREF_NONE) {
        (void)fail(w, w->failed == STATUS_OK ? STATUS_SYNTAX : w->failed);
        return;
    }
    s->known = SUBJECT_USER;
    if (read_named(w, user, VIEW("domain"), &s->domain_id, &s->domain_name) != JREF_NONE)
        s->known |= SUBJECT_DOMAIN;
    if (read_named(w, token, VIEW("project"), &s->project_id, &s->project_name) != JREF_NONE)
        s->known |= SUBJECT_PROJECT;
    read_roles(w, token, s);
    read_groups(w, user, s);
}

enum status token_read_document(struct view json, size_t bytes_max, struct arena *arena,
                                struct token_facts *ret)
{
    const struct jlimits limits = {.bytes = bytes_max, .depth = 16, .members = 8192};
    struct walk w = {.arena = arena};
    struct token_facts facts = {.expires_us = 0};
    struct jfault fault;
    enum status status = jdoc_read(json, &limits, arena, &w.doc, &fault);
    jref token;

    if (status != STATUS_OK)
        return status;
    token = member_of(&w, 0, VIEW("token"), JKIND_OBJECT);
    if (token == JREF_NONE)
        return STATUS_SYNTAX;
    if (!clock_parse(text_of(&w, token, VIEW("expires_at")), &facts.expires_us) &&
        w.failed == STATUS_OK)
        w.failed = STATUS_SYNTAX;
    read_subject(&w, token, &facts.subject);
    if (w.failed == STATUS_OK)
        *ret = facts;
    return w.failed;
}

enum status token_read_json(struct view json, struct arena *arena, struct token_facts *ret)
{
    return token_read_document(json, TOKEN_BYTES_MAX, arena, ret);
}

enum status token_read(struct view token, struct arena *arena, struct token_facts *ret)
{
    struct view json;
    enum status status = identity_decode_token(token, arena, &json);

    return status == STATUS_OK ? token_read_json(json, arena, ret) : status;
}
