/* SPDX-License-Identifier: Apache-2.0
 * Facts moved from one memory to another: as one block, the lists of names, then the names. */
#pragma once

#include "identity/token.h"

/* Bytes of the block that holds all that facts points to. */
MUST_CHECK size_t facts_bytes(const struct token_facts *facts);
/* Copies all that facts points to into a block of facts_bytes, aligned for pointers, and makes
 * facts point there. */
void facts_move(struct token_facts *facts, void *block);
/* A copy in the arena; false when it is full. */
MUST_CHECK bool facts_copy(const struct token_facts *facts, struct arena *arena,
                           struct token_facts *ret);
