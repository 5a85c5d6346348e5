/* SPDX-License-Identifier: Apache-2.0
 * What changed between two policy sets, rule by rule and in words. It compares what is written, not
 * what was decided: the order of files, policies and values, layout and comments make no
 * difference, and a value left out equals the one that it stands for. Pure. */
#pragma once

#include "policy/policy.h"

/* Of the one rule, as if no other policy were there: a stricter one refuses or shortens more. */
enum diff_sense {
    DIFF_UNTOLD, /* neither, or it can't be told from the texts */
    DIFF_STRICTER,
    DIFF_LOOSER,
    DIFF_COVERED /* a list's other entries hold whatever came or went */
};

enum diff_kind { DIFF_ADDED, DIFF_REMOVED, DIFF_CHANGED };

struct diff_change {
    const char *what;   /* "default", "policy", "quota", "weights" or "exception" */
    struct view name;   /* of that; ptr NULL for the default */
    struct view policy; /* whose rule it is; ptr NULL where it is nobody's */
    const char *rule;   /* "flavors.allow", ...; of a quota "limit", ...; "" for the whole of it */
    enum diff_kind kind;
    enum diff_sense sense;
    struct loc old_at, new_at; /* of what has it where a rule doesn't stand; line 0: nothing */
    struct view text;          /* one sentence, without the name and the sense */
    const struct view *values; /* that came or went, all of them, as they are written */
    size_t value_count;
};

struct policy_diff {
    const struct diff_change *changes; /* default, policies, quotas, weights, exceptions */
    size_t count;
};

/* Files that loaded (policy_set_load): STATUS_INVALID if they can't be read, STATUS_NOMEM. The
 * result lives in the arena and borrows from the files. */
MUST_CHECK enum status policy_diff(const struct policy_file *old_files, size_t old_count,
                                   const struct policy_file *new_files, size_t new_count,
                                   struct arena *arena, const struct policy_diff **ret);
const char *diff_sense_name(enum diff_sense sense); /* "", "stricter", "looser", "no effect" */
const char *diff_kind_name(enum diff_kind kind);    /* added, removed, changed */
