/* SPDX-License-Identifier: Apache-2.0
 * The inventory of a loaded set: every rule, limit, quota and exception that stands in it, under
 * the names by which reasons, lines of trace and the journal speak of them. It is what coverage is
 * measured against. Pure. */
#pragma once

#include "policy/policy.h"

enum inventory_kind {
    INVENTORY_DEFAULT,   /* `default: refuse`; of no policy */
    INVENTORY_MATCH,     /* for whom the policy is; one in every policy */
    INVENTORY_RULE,      /* "flavors.allow", "auto_stop.max", ... */
    INVENTORY_QUOTA,     /* "quotas.NAME" */
    INVENTORY_EXCEPTION, /* "exception" */
};

struct inventory_item {
    enum inventory_kind kind;
    struct view policy; /* VIEW_NONE: of the set */
    struct view rule;
    struct view name; /* of a quota or an exception; else VIEW_NONE */
    struct loc at;    /* line 0: it holds because nothing is written */
    const char *mode; /* enforce, warn, observe; of the policy */
    /* Nobody wrote it: a group as a whole ("auto_stop"), what a group implies ("pools.public" where
     * it is left out), a key of `match` that a credential may not tell ("match.roles"), a default
     * that is left out or stands beside a policy for everybody. Reasons can name it, but it doesn't
     * have to be reached. */
    bool implied;
};

struct inventory {
    const struct inventory_item *items; /* in policy order (by name), the default first */
    size_t count;
};

/* The items live in the arena and borrow from the set. STATUS_NOMEM. */
MUST_CHECK enum status inventory_make(const struct policy_set *set, struct arena *arena,
                                      struct inventory *ret);
/* The item of that policy (VIEW_NONE: of the set) and rule as a reason names it; NULL: there is
 * none. Of the exceptions of one policy, which share a rule, the first. */
const struct inventory_item *inventory_find(const struct inventory *inventory, struct view policy,
                                            struct view rule);
/* The exception of that name, which is unique in the set. */
const struct inventory_item *inventory_find_exception(const struct inventory *inventory,
                                                      struct view name);
/* What a line of trace speaks of: by its place, where several items share its policy and rule. */
const struct inventory_item *inventory_find_line(const struct inventory *inventory,
                                                 const struct trace_line *line);
/* The rule that an edit comes from, as the journal keeps edits: op is its word, path as in struct
 * change. Of a policy with both a default and a maximum an edit `set` is taken for the default's,
 * which it is but for leases of which less is left than the default. An update that is completed by
 * its own duration is auto_stop's as a whole. */
const struct inventory_item *inventory_find_edit(const struct inventory *inventory,
                                                 struct view policy, struct view op,
                                                 struct view path);
