/* SPDX-License-Identifier: Apache-2.0
 * A filter as the condition of a SELECT over `exchange`. Inside of the room. */
#pragma once

#include "audit/query.h"
#include "audit/sql.h"
#include "audit/words.h"

/* Appends " WHERE ..." to out; texts are not in it but in the temporary table `pick`, and the
 * parameters ?1 (instance hash), ?2 (instance's name). STATUS_INVALID: a text is too long. */
MUST_CHECK enum status where_build(sqlite3 *db, const struct audit_filter *filter, struct buf *out,
                                   struct err *err);
void where_bind(sqlite3_stmt *stmt, const struct audit_filter *filter);
