/* SPDX-License-Identifier: Apache-2.0
 * Random journals for tests of the index, and a reading of them that uses no index: every line,
 * from the first one. */
#pragma once

#include "support/test.h"

#include "audit/query.h"
#include "audit/told.h"

struct made {
    char root[64], directory[96], index[104];
    uint64_t random, seq, segment; /* segment: the last one's first seq */
    char prev[65];
    unsigned ids;          /* of exchanges, so far */
    uint64_t segments[64]; /* those that are there */
    size_t segment_count;
};
void made_new(struct made *made, uint64_t seed);
void made_remove(struct made *made);
/* Modes of all files and folders: everybody may read; the owner may write, or nobody. */
void made_set_writable(struct made *made, bool writable);
uint64_t made_draw(struct made *made, uint64_t below);
/* So many random lines; every few a new segment. */
void made_lines(struct made *made, size_t count);
/* A line as it is given, from "event" on: `"event":"stop"}`. */
void made_line(struct made *made, const char *members);
/* Bytes as they are, behind the last line. */
void made_bytes(struct made *made, const char *bytes);
/* Random lines whose seqs are changed to so many more than they should be. */
void made_leaps(struct made *made, size_t count, uint64_t more);
void made_rotate(struct made *made);
void made_retire(struct made *made);
/* Takes bytes off the end of the last segment. */
void made_cut(struct made *made, size_t bytes);
void made_random_filter(struct made *made, struct audit_filter *ret);

enum { SETTLED = 48 };
/* All exchanges, oldest first. */
struct scan {
    struct audit_exchange list[40000];
    struct audit_line settled[40000][SETTLED];
    char ids[40000][40];
    size_t count, damaged;
    struct arena arena;
};
void scan_read(const struct made *made, struct scan *ret);
void scan_done(struct scan *scan);
bool scan_passes(const struct audit_exchange *exchange, const struct audit_filter *filter);

/* Opens the index and fails the test if that fails. */
struct audit_index *made_open(const struct made *made);
/* The index, as it is opened now, answers as a scan does, to so many random filters. */
void made_compare(struct made *made, unsigned filters);
