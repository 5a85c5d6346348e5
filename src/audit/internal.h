/* SPDX-License-Identifier: Apache-2.0
 * An open index, for the questions. Inside of the room. */
#pragma once

#include "audit/fetch.h"
#include "audit/index.h"
#include "audit/sql.h"

struct audit_index {
    sqlite3 *db;
    struct fetch *fetch;
    struct audit_patience patience;
    int looks_left;     /* until a schema that isn't known yet is given up; -1: it is known */
    bool patient;       /* no statement is broken off: somebody looks between them */
    int lock;           /* of one who only reads; else -1 */
    uint64_t *segments; /* whose lines it has, ascending */
    size_t segment_count;
    uint64_t seq, damaged;
    char note[512];
};

/* The segment that a line of that seq stands in; 0: none. */
uint64_t index_segment_of(const struct audit_index *index, uint64_t seq);
