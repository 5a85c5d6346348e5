/* SPDX-License-Identifier: Apache-2.0
 * The few calls to SQLite that the index makes, with failures as the project has them. Inside of
 * the room. */
#pragma once

#include <sqlite3.h>
#include <stdint.h>

#include "base/error.h"
#include "base/view.h"

/* What the connection failed with: STATUS_TIMEOUT (interrupted), STATUS_NOMEM, STATUS_SYNTAX (the
 * file is no index that can be read), STATUS_IO. what: "write the index". */
MUST_CHECK enum status sql_failed(sqlite3 *db, const char *what, struct err *err);
/* One or more statements without results. */
MUST_CHECK enum status sql_run(sqlite3 *db, const char *text, const char *what, struct err *err);
/* A statement that is used again and again. */
MUST_CHECK enum status sql_prepare(sqlite3 *db, const char *text, sqlite3_stmt **ret,
                                   struct err *err);
/* The first column of the first row; no row: otherwise. */
MUST_CHECK enum status sql_number(sqlite3 *db, const char *text, int64_t otherwise, int64_t *ret,
                                  struct err *err);
/* Runs a statement that gives no row, and makes it ready for the next time. */
MUST_CHECK enum status sql_step(sqlite3_stmt *stmt, struct err *err);

/* ptr NULL binds NULL. The text must live until the statement is reset. */
void sql_bind_text(sqlite3_stmt *stmt, int at, struct view text);
/* 0 binds NULL. */
void sql_bind_key(sqlite3_stmt *stmt, int at, int64_t key);
/* ptr NULL for NULL; lives until the next step. */
struct view sql_text(sqlite3_stmt *stmt, int column);
