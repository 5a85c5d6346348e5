/* SPDX-License-Identifier: Apache-2.0
 * Every key must hold, and within a list any value. Unknown is not empty: what a credential cannot
 * tell decides only after every key that it can tell holds. */
#include "policy/match.h"

static const struct key_row {
    const char *name;
    unsigned needs; /* bit of enum subject_part, 0: stands in the request */
} key_rows[MATCH_KEYS] = {
    [MATCH_PROJECTS] = {"projects", 0},
    [MATCH_USERS] = {"users", SUBJECT_USER},
    [MATCH_USER_IDS] = {"user_ids", SUBJECT_USER},
    [MATCH_DOMAINS] = {"domains", SUBJECT_DOMAIN},
    [MATCH_ROLES] = {"roles", SUBJECT_ROLES},
    [MATCH_GROUPS] = {"groups", SUBJECT_GROUPS},
};

const char *match_key_name(enum match_key key)
{
    return key_rows[key].name;
}

struct attribute {
    const struct view *items;
    size_t count;
};

/* One name or id: absent is unknown, known and empty is a list of none. */
static struct attribute one(const struct view *v)
{
    return (struct attribute){v, v->len == 0 ? 0 : 1};
}

static struct attribute attribute_of(enum match_key key, const struct instance_request *request,
                                     const struct subject *subject)
{
    switch (key) {
    case MATCH_PROJECTS:
        return one(&request->project);
    case MATCH_USERS:
        return one(&subject->user_name);
    case MATCH_USER_IDS:
        return one(&subject->user_id);
    case MATCH_DOMAINS:
        return one(&subject->domain_name);
    case MATCH_ROLES:
        return (struct attribute){subject->roles, subject->role_count};
    case MATCH_GROUPS:
        return (struct attribute){subject->groups, subject->group_count};
    case MATCH_KEYS:
        break;
    }
    return (struct attribute){NULL, 0};
}

static bool is_unknown(enum match_key key, const struct attribute *attribute,
                       const struct subject *subject)
{
    bool single = key != MATCH_ROLES && key != MATCH_GROUPS;

    if (key_rows[key].needs == 0)
        return false;
    if ((subject->known & key_rows[key].needs) == 0)
        return true;
    return single && attribute->items->ptr == NULL;
}

static enum status any_matches(const struct values *values, const struct attribute *attribute,
                               struct arena *arena, bool *ret)
{
    bool hit = false;

    for (size_t i = 0; i < attribute->count && !hit; i++) {
        enum status status = globset_match(values->globs, attribute->items[i], arena, &hit);

        if (status != STATUS_OK)
            return status;
    }
    *ret = hit;
    return STATUS_OK;
}

static bool operation_fits(const struct match *match, const struct operation *op,
                           struct match_why *why)
{
    if (match->has_operations && !match->operations[op->id]) {
        *why = (struct match_why){"operations", match->operations_at};
        return false;
    }
    if (match->has_families && !match->families[op->family]) {
        *why = (struct match_why){"families", match->families_at};
        return false;
    }
    return true;
}

enum status match_judge(const struct match *match, const struct instance_request *request,
                        const struct subject *subject, struct arena *arena, enum match_result *ret,
                        struct match_why *ret_why)
{
    struct match_why why = {"match", match->at};
    enum match_result result = MATCHED;

    if (!operation_fits(match, request->op, &why))
        result = MATCHED_NOT;
    for (size_t i = 0; i < MATCH_KEYS && result != MATCHED_NOT; i++) {
        enum match_key key = (enum match_key)i;
        const struct values *values = &match->keys[key];
        struct attribute attribute = attribute_of(key, request, subject);
        bool unknown = is_unknown(key, &attribute, subject), hit = false;
        enum status status;

        if (!values->set)
            continue;
        status = unknown ? STATUS_OK : any_matches(values, &attribute, arena, &hit);
        if (status != STATUS_OK)
            return status;
        if (hit || (unknown && result == MATCHED_UNKNOWN))
            continue;
        result = unknown ? MATCHED_UNKNOWN : MATCHED_NOT;
        why = (struct match_why){key_rows[key].name, values->at};
    }
    *ret = result;
    *ret_why = why;
    return STATUS_OK;
}
