/* SPDX-License-Identifier: Apache-2.0
 * A journal's folder for a fuzz target, and segments in it as an input says them: 0x1E between;
 * lines that begin with '{' stand as they are, others get their place in the chain in front. */
#pragma once

#include "base/buffer.h"

enum { SEGMENTS_MAX = 16, SEGMENTS_BYTES = 1 << 22, SEGMENTS_PATH = 512 };

struct segments {
    uint64_t seq[SEGMENTS_MAX];
    struct buf bytes[SEGMENTS_MAX];
    size_t count;
};

/* Below TMPDIR, made by the first call and gone when the program ends. */
const char *segments_folder(void);
/* The path of a segment in it. */
void segments_path(uint64_t seq, char ret[SEGMENTS_PATH]);
/* All of its files go. */
void segments_empty(void);
void segments_write(struct view input, struct segments *ret);
void segments_done(struct segments *segments);
