/* SPDX-License-Identifier: Apache-2.0
 * Random sets and requests for tests of what holds for all of them. The same seed gives the same.
 */
#pragma once

#include "unit/policy/support.h"

enum { POLICIES_MAX = 5, TEXT_BYTES = 1024 };

/* A set in pieces: each policy and the exceptions are texts of their own. */
struct pieces {
    char policies[POLICIES_MAX][TEXT_BYTES];
    char exceptions[TEXT_BYTES];
    unsigned count;
};

unsigned random_next(unsigned *seed); /* 16 bits */
/* Policy "pNO" behind what is there: lines of four blanks but for its name and lists of quotas. */
void random_policy(unsigned *seed, unsigned no, struct buf *out);
/* May contradict each other, and have no other fault. */
void random_pieces(unsigned *seed, struct pieces *ret);
/* File 0 or 1 of two, which hold the pieces in an order that the turn decides. */
void write_pieces(const struct pieces *pieces, unsigned turn, unsigned file, struct buf *out);
/* Of any operation that is judged. Points into the sample. */
void random_request(unsigned *seed, struct sample *s);
