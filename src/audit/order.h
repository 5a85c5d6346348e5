/* SPDX-License-Identifier: Apache-2.0
 * Which lines of a journal stand in their order. By their seqs they follow one another, from the
 * one that their segment is named after up to the next segment's. A line that leaps ahead either
 * lost those before it, or was changed itself: what stands right behind it tells. So a line that
 * was changed costs itself, and no other. Inside of the room. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "trail/trail.h"

struct order {
    int dir_fd; /* -1: none */
    struct arena arena;
    uint64_t first, next; /* segment, and the one behind it; 0: none is known */
    uint64_t seq;         /* of the last line that was taken */
    unsigned young;       /* so many lines may still show that the last one was taken wrongly */
};

MUST_CHECK enum status order_init(struct order *order, const char *directory, struct err *err);
void order_done(struct order *order);
/* A segment begins. STATUS_SYNTAX: it begins before a line that was taken, which was none of its
 * own segment then: all is taken anew. */
MUST_CHECK enum status order_segment(struct order *order, uint64_t first, uint64_t next,
                                     struct err *err);
/* Lines were taken up to that seq; more of the same segment come next. */
void order_go_on(struct order *order, uint64_t first, uint64_t next, uint64_t seq);
/* Whether a line that says that seq is taken. STATUS_SYNTAX: at the end of the journal one was
 * taken that what stands behind it now shows to be changed: all is taken anew. STATUS_IO,
 * STATUS_NOMEM. */
MUST_CHECK enum status order_takes(struct order *order, uint64_t seq, const struct trail_line *line,
                                   bool *ret, struct err *err);
