/* SPDX-License-Identifier: Apache-2.0
 * Reads the lines of a journal in their order, over all its segments, also while a gateway writes
 * them. It takes no lock and changes nothing. What is read is not verified: a line is bytes that
 * end with LF. The rules of the folder are docs/journal.md, "Files". */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "base/view.h"

struct trail;

/* STATUS_IO: the folder can't be read; STATUS_NOMEM. */
MUST_CHECK enum status trail_open(const char *directory, struct trail **ret, struct err *err);
void trail_close(struct trail **trail);

/* The first seqs of the segments, ascending, as trail_open, trail_seek or the last end of a segment
 * found them; borrowed until the next call. */
const uint64_t *trail_segments(const struct trail *trail, size_t *ret_count);

/* Where a line begins. */
struct trail_place {
    uint64_t segment; /* the seq that it is named after */
    uint64_t offset;  /* bytes */
    uint64_t line;    /* its number in the segment, from 1 */
};

/* Goes on from there; a place with segment 0 is the first line of all. STATUS_INVALID: that segment
 * is not there, or shorter (*trail stays where it was); STATUS_IO. */
MUST_CHECK enum status trail_seek(struct trail *trail, const struct trail_place *place,
                                  struct err *err);

/* Goes to where lines since then begin, by the first lines of segments: lines may stand ten minutes
 * out of the order of their times, and a segment that tells no time, or a wrong one, makes it begin
 * earlier, never later. STATUS_IO. */
MUST_CHECK enum status trail_seek_since(struct trail *trail, int64_t from_us, struct err *err);

struct trail_line {
    struct view text; /* without its LF; borrowed until the next call */
    uint64_t length;  /* the same; more than text has: it is longer than any line, and text empty */
    struct trail_place at;
    bool whole; /* false: no LF follows, though another segment does: half a line */
};

enum trail_step {
    TRAIL_LINE,
    TRAIL_END,   /* no more now: a later call looks again. Half a line at the very end waits */
    TRAIL_FAILED /* err says why */
};
/* A segment that was taken away before it was opened is passed over. */
MUST_CHECK enum trail_step trail_next(struct trail *trail, struct trail_line *ret, struct err *err);
/* Where the next line begins, or would. */
struct trail_place trail_at(const struct trail *trail);
/* Behind TRAIL_END: how many bytes of half a line stand at the end. */
uint64_t trail_torn(const struct trail *trail);
