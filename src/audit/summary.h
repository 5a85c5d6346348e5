/* SPDX-License-Identifier: Apache-2.0
 * Counts over the exchanges of a journal, by group. */
#pragma once

#include "audit/query.h"

enum audit_by {
    BY_USER,
    BY_FLAVOR,
    BY_PROJECT,
    BY_OPERATION,
    BY_POLICY,
    BY_REASON,
    BY_DAY,
    BY_COUNT
};
const char *audit_by_name(enum audit_by by);
/* "user,flavor": each at most once, at least one; STATUS_INVALID says what was expected. */
MUST_CHECK enum status audit_by_parse(struct view text, enum audit_by ret[BY_COUNT],
                                      size_t *ret_count, struct err *err);

struct audit_counts {
    int64_t asked;     /* requests that were judged; a refusal line with `count` is so many */
    int64_t allowed;   /* decision allow */
    int64_t rewritten; /* decision rewrite */
    int64_t refused;   /* decision refuse, and refusals counted in one line */
    int64_t created;   /* outcome created */
    /* Run time, in seconds: `auto_stop_s` as it was sent by creates, starts and leases whose
     * outcome is created or done. What nothing stops adds nothing. */
    int64_t run_s;
};
/* One group: keys in the order asked for; ptr NULL where the exchange has none. An exchange with
 * several policies or reasons is in several groups, and once in the total. */
struct audit_group {
    struct view keys[BY_COUNT]; /* BY_USER: its id, or its name where there is no id */
    struct view user_name;      /* with BY_USER: as last seen; ptr NULL: not known */
    struct view user_domain;    /* with BY_USER, of who has no id; ptr NULL: not known */
    struct audit_counts counts;
};
enum { AUDIT_GROUPS_MAX = 100000 };
struct audit_summary {
    const struct audit_group *groups; /* most hours first, then most asked, then by their keys */
    size_t count;
    struct audit_counts total;
};

struct audit_grouping {
    const enum audit_by *by;
    size_t count;
};
/* Everything lives in the arena. STATUS_LIMIT: more than AUDIT_GROUPS_MAX groups, or the arena is
 * full; else as audit_query. */
MUST_CHECK enum status audit_summarize(struct audit_index *index, const struct audit_filter *filter,
                                       const struct audit_grouping *grouping, struct arena *arena,
                                       struct audit_summary *ret, struct err *err);
