/* SPDX-License-Identifier: Apache-2.0
 * New segments and the end of old ones. The room's own. */
#pragma once

#include "journal/internal.h"

/* Makes a segment with its checkpoint, on disk if sync. More room is allocated behind it. The chain
 * moves on success only. 0 or an errno; EUCLEAN: a half-made segment could not be taken back, and
 * nothing may be written behind the old one. */
struct segment_plan {
    int dir_fd;
    uint64_t room;
    bool sync;
    const char *actor, *error; /* of a repair */
};
MUST_CHECK int segment_begin(const struct segment_plan *plan, const struct open_table *open,
                             struct digest *digest, struct chain *chain, struct segment *ret);
/* Takes segments away that nobody needs any more, oldest first, never the last. */
struct retire_plan {
    int dir_fd;
    int64_t keep_us; /* 0: all are kept */
    int64_t now_us;
    uint64_t hold_seq; /* lines of that seq or later are kept; UINT64_MAX: none for that reason */
    int64_t open_us;   /* open_oldest_us */
};
void segments_retire(const struct retire_plan *plan);

/* durable.c: the writer */
/* All that is in the chain is on disk, as far as it is meant to be: publishes it, wakes who
 * watches. Without a lock. */
void durable_moved(struct journal *journal);
/* Retires segments by what the journal knows. */
void retire_old(struct journal *journal);
