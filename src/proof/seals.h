/* SPDX-License-Identifier: Apache-2.0
 * Seals: signed heads of the chain. What they prove stands in docs/journal.md, "Seals". Pure. */
#pragma once

#include "base/ed25519.h"
#include "proof/faults.h"
#include "trail/row.h"

struct seals {
    const struct ed25519_public *keys; /* borrowed */
    size_t key_count;
    uint64_t count, good;           /* seals; those whose signature holds */
    int64_t time_us;                /* of the last one that isn't at fault */
    char unknown[DIGEST_HEX_BYTES]; /* key of the last one that was signed by another */
    /* What the last good one proves; until 0: nothing. */
    uint64_t from, until;
    int64_t proven_us;
    char key[DIGEST_HEX_BYTES];
};

/* A seal line in its place of the chain. whole_from: the seq from which on the chain is whole. */
void seals_add(struct seals *seals, struct row *row, struct fault_place at, uint64_t whole_from,
               struct fault_list *faults);
