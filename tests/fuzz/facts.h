/* SPDX-License-Identifier: Apache-2.0
 * What holds of a token's facts, whoever tells them. */
#pragma once

#include "identity/token.h"

#include "fuzz.h"

static inline bool same_texts(const struct view *a, size_t a_count, const struct view *b,
                              size_t b_count)
{
    bool same = a_count == b_count;

    for (size_t i = 0; same && i < a_count; i++)
        same = view_eq(a[i], b[i]);
    return same;
}

static inline void check_same(const struct token_facts *a, const struct token_facts *b)
{
    const struct subject *s = &a->subject, *t = &b->subject;

    REQUIRE(s->known == t->known && a->expires_us == b->expires_us);
    REQUIRE(view_eq(s->user_id, t->user_id) && view_eq(s->user_name, t->user_name));
    REQUIRE(view_eq(s->domain_id, t->domain_id) && view_eq(s->domain_name, t->domain_name));
    REQUIRE(view_eq(s->project_id, t->project_id) && view_eq(s->project_name, t->project_name));
    REQUIRE(same_texts(s->roles, s->role_count, t->roles, t->role_count));
    REQUIRE(same_texts(s->groups, s->group_count, t->groups, t->group_count));
}

/* Half an identity is none. */
static inline void check_facts(const struct token_facts *facts)
{
    const struct subject *s = &facts->subject;

    REQUIRE((s->known & SUBJECT_USER) != 0 && s->user_id.len > 0 && s->user_name.len > 0);
    REQUIRE((s->known & SUBJECT_DOMAIN) == 0 || s->domain_id.len > 0);
    REQUIRE((s->known & SUBJECT_PROJECT) == 0 || s->project_id.len > 0);
    REQUIRE((s->known & SUBJECT_ROLES) != 0 || s->role_count == 0);
    REQUIRE((s->known & SUBJECT_GROUPS) != 0 || s->group_count == 0);
}
