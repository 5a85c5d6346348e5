/* SPDX-License-Identifier: Apache-2.0
 * The tables of an index. Inside of the room. */
#pragma once

#include "audit/sql.h"

enum {
    /* Raise it with every change of a table, or of what a value in it means: indexes of another
     * version are made anew. */
    SCHEMA_VERSION = 4,
    SCHEMA_APPLICATION = 0x706f7374, /* "post" */
    BLOCK_SEQS = 4096,               /* seqs of one row of `block` */
};

MUST_CHECK enum status schema_make(sqlite3 *db, struct err *err);
/* What is made when the rows are in. */
MUST_CHECK enum status schema_make_indexes(sqlite3 *db, struct err *err);
/* Whether the file is an index of this version; false also if it can't be read. */
MUST_CHECK bool schema_is_ours(sqlite3 *db);
