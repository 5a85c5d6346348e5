/* SPDX-License-Identifier: Apache-2.0
 * Lines on their way, in the format in which they go, and where the journal goes on behind each. */
#pragma once

#include "base/buffer.h"
#include "sinks/position.h"
#include "sinks/transport.h"

enum {
    BATCH_LINES_MAX = 10000,
    BATCH_BYTES = 1 << 20, /* no further line once it has so many */
    BATCH_LINE_BYTES_MAX = 16 << 20,
    BATCH_EVENT_BYTES = 24,
};

/* Behind a line of the journal. */
struct mark {
    uint64_t seq; /* of that line; 0: there is none, `next` is the beginning of a segment */
    struct trail_place next;         /* segment 0: the first line of all */
    char hash[DIGEST_HEX_BYTES + 1]; /* of that line; "" with seq 0 */
};

/* Up to which seq all is before it. */
static inline uint64_t mark_through(const struct mark *mark)
{
    if (mark->seq > 0 || mark->next.segment == 0)
        return mark->seq;
    return mark->next.segment - 1;
}

struct batch_entry {
    struct mark mark;
    size_t end; /* of its text */
    char event[BATCH_EVENT_BYTES];
};

struct batch {
    struct buf text;
    struct transport_line *lines;
    struct batch_entry *entries;
    size_t from, count; /* lines from..count-1 are still to go */
    struct mark end;    /* behind all that was read for it, lines that can't go included */
};

MUST_CHECK bool batch_init(struct batch *batch);
void batch_done(struct batch *batch);
void batch_clear(struct batch *batch);

static inline size_t batch_left(const struct batch *batch)
{
    return batch->count - batch->from;
}
/* Of the lines that are left, of which there is one at least: the seq of the first, and the last.
 */
uint64_t batch_first(const struct batch *batch);
const struct mark *batch_last(const struct batch *batch);

/* Its text has been appended to batch->text behind that of the line before. Full: BATCH_LINES_MAX
 * are in it. */
void batch_add(struct batch *batch, const struct mark *mark, int64_t time_us, struct view event);
/* The lines that are left, good until the batch is changed. */
const struct transport_line *batch_lines(struct batch *batch);
/* The first n that are left are through. *ret: the mark behind them. */
void batch_pass(struct batch *batch, size_t n, struct mark *ret);
/* Keeps the first n that are left, and is behind the last of them then. */
void batch_cut(struct batch *batch, size_t n);
