/* SPDX-License-Identifier: Apache-2.0
 * Lines of a journal to rows of the index. What an exchange is, is said in audit/query.h. Inside of
 * the room. */
#pragma once

#include "audit/sql.h"
#include "trail/row.h"
#include "trail/trail.h"

struct ingest;

MUST_CHECK enum status ingest_open(sqlite3 *db, const char *directory, struct ingest **ret,
                                   struct err *err);
void ingest_close(struct ingest **ingest);
/* Takes a line in; one that can't be read, or stands out of its order, is counted in its segment.
 * STATUS_SYNTAX: all has to be taken in anew (audit/order.h). */
MUST_CHECK enum status ingest_line(struct ingest *ingest, const struct trail_line *line,
                                   struct err *err);
/* A line that was taken in before, of an exchange whose row was dropped. */
MUST_CHECK enum status ingest_again(struct ingest *ingest, const struct trail_line *line,
                                    struct err *err);
/* A segment begins; its lines come next. next: the first seq of the one behind it, 0: none is
 * known. */
MUST_CHECK enum status ingest_segment(struct ingest *ingest, uint64_t first, uint64_t next,
                                      struct err *err);
/* Lines of that segment were taken in before, up to that seq. */
void ingest_go_on(struct ingest *ingest, uint64_t first, uint64_t next, uint64_t seq);
/* Writes what is held back; before each commit. */
MUST_CHECK enum status ingest_flush(struct ingest *ingest, struct err *err);
/* The last line's seq, or that of the last one that could be read. */
uint64_t ingest_seq(const struct ingest *ingest);

/* 64 bits of the SHA-256, never 0. */
int64_t ingest_hash(struct view text);
/* The same of an exchange's id. */
int64_t ingest_id_hash(struct view id);
