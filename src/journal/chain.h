/* SPDX-License-Identifier: Apache-2.0
 * The chain: seq and the hash of the line before. Pure. */
#pragma once

#include <stdint.h>

#include "base/buffer.h"
#include "base/digest.h"

enum { CHAIN_PREFIX_BYTES = 112 }; /* at most, of what stands before "time", and the LF */

struct chain {
    uint64_t seq;                /* of the last line; 0 before the first */
    char hash[DIGEST_HEX_BYTES]; /* of the last line, without its LF */
};

/* Before the first line: seq 0, and 64 zeros. */
void chain_start(struct chain *chain);
/* Appends the next line to out: members from "time" on, as journal_format leaves them. The chain
 * moves only if out didn't fail. */
void chain_add(struct chain *chain, struct digest *digest, struct view members, struct buf *out);
/* The same in two steps, for a line that is too long to be copied: what stands before "time"; then,
 * when the members were appended to it, the rest. from: where the line begins in out. */
void chain_begin(const struct chain *chain, struct buf *out);
void chain_end(struct chain *chain, struct digest *digest, size_t from, struct buf *out);
/* The chain stands behind that line, as it was read. */
void chain_set(struct chain *chain, uint64_t seq, struct view line);
