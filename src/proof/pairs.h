/* SPDX-License-Identifier: Apache-2.0
 * Intents that have no outcome yet. Pure. */
#pragma once

#include "base/error.h"
#include "journal/open.h"
#include "proof/faults.h"

enum { PAIRS_MAX = 1 << 17 }; /* open at one time; the gateway takes 16,384 */

struct pair_entry {
    struct open_key id;    /* no bytes: the place is free */
    struct fault_place at; /* of its intent; segment 0: a checkpoint told it */
};

struct pairs {
    struct pair_entry *entries; /* a hash table with open addressing */
    size_t room, count;         /* room: a power of two, or 0 */
};

void pairs_done(struct pairs *pairs);
void pairs_clear(struct pairs *pairs);
/* An id of no bytes is none. *ret_twice: it was there already. STATUS_NOMEM; STATUS_LIMIT:
 * PAIRS_MAX are open. */
MUST_CHECK enum status pairs_add(struct pairs *pairs, struct view id, struct fault_place at,
                                 bool *ret_twice);
/* False: it isn't there. */
MUST_CHECK bool pairs_take(struct pairs *pairs, struct view id);
MUST_CHECK bool pairs_has(const struct pairs *pairs, struct view id);
/* The one whose intent stands first, NULL: none is open. */
const struct pair_entry *pairs_oldest(const struct pairs *pairs);
