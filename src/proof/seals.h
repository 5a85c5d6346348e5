/* SPDX-License-Identifier: Apache-2.0
 * Seals: signed heads of the chain. What they prove stands in docs/journal.md, "Seals". Pure. */
#pragma once

#include "base/ed25519.h"
#include "proof/faults.h"
#include "trail/row.h"

enum { SEAL_TIME_BYTES = 27 }; /* all seals write it alike, so they compare as texts */

/* Lines that the run which wrote them didn't seal: it ended by a crash, it had no key, or somebody
 * else wrote them while no gateway ran. The next run's seal covers what it found. */
struct seals_late {
    /* place: between a seal, or the journal's begin, and the last `start` before the next one */
    uint64_t lines, places;
    uint64_t from, until; /* seqs of the last place, both included */
};

/* Seals whose time is before that of the seal in front of them: the clock was set back. */
struct seals_earlier {
    uint64_t count;
    uint64_t seq; /* of the last one */
};

struct seals {
    const struct ed25519_public
        *keys; /* in the order in which they followed each other; borrowed */
    size_t key_count;
    size_t latest;              /* of keys: the one that made the last good seal */
    uint64_t count, good;       /* seals; those whose signature holds */
    char time[SEAL_TIME_BYTES]; /* of the last one that isn't at fault */
    char
        strange[DIGEST_HEX_BYTES]; /* key of the last one that was signed by another, or too late */
    /* What the last good one proves; until 0: nothing. */
    uint64_t from, until;
    int64_t proven_us;
    char key[DIGEST_HEX_BYTES];
    struct seals_late late;
    struct seals_earlier earlier;
};

/* A seal line in its place of the chain. whole_from: the seq from which on the chain is whole. */
void seals_add(struct seals *seals, struct row *row, struct fault_place at, uint64_t whole_from,
               struct fault_list *faults);
/* Behind the last line, which is at: the last of the keys must have made the last good seal. */
void seals_end(const struct seals *seals, struct fault_place at, struct fault_list *faults);
/* A `start` line of that seq: a run seals nothing before its own. first_seq: of the journal. */
void seals_add_start(struct seals *seals, uint64_t seq, uint64_t first_seq);
