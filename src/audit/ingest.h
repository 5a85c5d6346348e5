/* SPDX-License-Identifier: Apache-2.0
 * Lines of a journal to rows of the index. What an exchange is, is said in audit/query.h. Inside of
 * the room. */
#pragma once

#include "audit/sql.h"
#include "trail/row.h"
#include "trail/trail.h"

struct ingest;

MUST_CHECK enum status ingest_open(sqlite3 *db, struct ingest **ret, struct err *err);
void ingest_close(struct ingest **ingest);
/* Takes a line in; one that can't be read, or stands out of its order, is counted in its segment.
 * Lines come in their order, but for those of an exchange whose row was dropped. */
MUST_CHECK enum status ingest_line(struct ingest *ingest, const struct trail_line *line,
                                   struct err *err);
/* A segment begins; its lines come next. */
MUST_CHECK enum status ingest_segment(struct ingest *ingest, uint64_t first, struct err *err);
/* Writes what is held back; before each commit. */
MUST_CHECK enum status ingest_flush(struct ingest *ingest, struct err *err);
/* The last line's seq, or that of the last one that could be read. */
uint64_t ingest_seq(const struct ingest *ingest);
void ingest_set_seq(struct ingest *ingest, uint64_t seq);

/* 64 bits of the SHA-256, never 0. */
int64_t ingest_hash(struct view text);
/* The same of an exchange's id. */
int64_t ingest_id_hash(struct view id);
