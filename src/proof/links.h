/* SPDX-License-Identifier: Apache-2.0
 * Whether lines follow each other: seq without gaps, prev the hash of the line before. Where they
 * don't, it says what was done to them and finds its way back, so that what follows is judged as
 * well. Pure. */
#pragma once

#include "base/digest.h"
#include "base/view.h"
#include "proof/faults.h"

/* A line that the chain stands behind. */
struct link {
    struct fault_place at;
    char hash[DIGEST_HEX_BYTES];
};

struct links {
    struct fault_list *faults; /* borrowed */
    bool started;
    struct link last;
    char before[DIGEST_HEX_BYTES]; /* of the line before the last */
    bool unsure;                   /* the last line is at fault: its hash says nothing */
    bool torn;                     /* it was half a line */
    int unread;                    /* fault of the last line if it couldn't be read, else -1 */
    /* Two lines with the last one's seq: the next line says which was inserted. */
    bool twin;
    struct link other;
    int twin_fault;
    /* Behind a gap: the line before it, and what was found out of it since. */
    bool gap;
    struct link aside;
    uint64_t gap_to;
    unsigned asides, mains;
    int gap_fault;
    struct fault_place odd;      /* the line behind the gap */
    uint64_t lost_from, lost_to; /* seqs that are still missing behind an inserted line */
};

void links_start(struct links *links, struct fault_list *faults);

struct links_line {
    struct fault_place at; /* with the seq that the line says */
    struct view prev;
    const char *hash; /* of the line */
    bool first;       /* in its segment */
    bool cut;         /* first: the segment before has no end as whole ones have it */
};

enum links_found {
    LINKS_WELL,   /* it follows the line before */
    LINKS_BROKEN, /* it counts, but what stands before it isn't proven to be whole */
    LINKS_ODD,    /* it doesn't count: it is out of its place */
    LINKS_REPLAY  /* it doesn't count, nor does all of its segment */
};
enum links_found links_add(struct links *links, const struct links_line *line);
/* A line that can't be read; fault: its number. It is taken for the one that belongs there. */
void links_add_unread(struct links *links, struct fault_place at, const char *hash, int fault);
/* Half a line at the end of a segment; the fault is added here. */
void links_add_torn(struct links *links, struct fault_place at);
