/* SPDX-License-Identifier: Apache-2.0
 * The sets that judged, by digest: the few that were used last stay loaded. Private to the room. */
#pragma once

#include "trial/replay.h"

struct replay_sets {
    const struct replay_plan *plan;
    struct replay_totals *totals; /* missing ones are noted there, and not looked for again */
    struct {
        struct policy_set *set; /* NULL: free */
        uint64_t used;
    } slots[REPLAY_SETS_MAX];
    uint64_t clock;
};

/* text: the digest as a line has it. Borrowed until the next call, or NULL: there is none. */
const struct policy_set *replay_set(struct replay_sets *sets, struct view text);
void replay_sets_done(struct replay_sets *sets);
