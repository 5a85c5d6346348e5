/* SPDX-License-Identifier: Apache-2.0
 * Changes by who is meant and by what does it: what a person reads of thousands. */
#pragma once

#include "trial/replay.h"

enum { REPLAY_BUCKETS = 1024, REPLAY_TIME_BYTES = 32 };

struct replay_group {
    enum replay_kind kind;
    struct replay_user user;        /* of the first */
    struct view policy, rule, code; /* the rule of an edit is its path, the code its op */
    uint64_t count;
    struct view first, example;   /* when, and the id, of the first */
    struct view message;          /* of the first */
    char last[REPLAY_TIME_BYTES]; /* when, NUL-terminated */
    struct replay_group *next;    /* of its bucket */
};

struct replay_groups {
    struct arena *arena;
    size_t max; /* of groups */
    struct replay_group *buckets[REPLAY_BUCKETS];
    size_t count;
    uint64_t untold; /* changes of groups that found no room */
};

void replay_groups_init(struct replay_groups *groups, struct arena *arena, size_t max);
/* Users are told apart by their ids, those without one by name and domain. Copies what it keeps.
 * STATUS_NOMEM. */
MUST_CHECK enum status replay_groups_add(struct replay_groups *groups,
                                         const struct replay_change *change);
/* By user (name, domain, id), kind, policy, rule and code; in the arena. NULL: no memory. */
MUST_CHECK const struct replay_group **replay_groups_sorted(const struct replay_groups *groups,
                                                            struct arena *arena);
