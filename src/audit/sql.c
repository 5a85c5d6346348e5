/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/sql.h"

#include <errno.h>

/* SQLite says FULL of its file, and nothing but "disk I/O error" of the memory that it shares in a
 * file. */
static bool is_full(sqlite3 *db, int code)
{
    return code == SQLITE_FULL || (code == SQLITE_IOERR && sqlite3_system_errno(db) == ENOSPC);
}

enum status sql_failed(sqlite3 *db, const char *what, struct err *err)
{
    int code = db == NULL ? SQLITE_NOMEM : sqlite3_errcode(db) & 0xff;
    const char *text = sqlite3_errstr(code);

    if (is_full(db, code))
        return err_set(err, STATUS_IO, "can't %s: the disk is full; --index FILE puts it elsewhere",
                       what);
    switch (code) {
    case SQLITE_INTERRUPT:
        return err_set(err, STATUS_TIMEOUT, "can't %s in the time that there is", what);
    case SQLITE_NOMEM:
        return err_set(err, STATUS_NOMEM, "can't %s: memory is out", what);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_ERROR: /* tables or columns that should be there are not */
    case SQLITE_SCHEMA:
    case SQLITE_TOOBIG: /* no line is so long */
    case SQLITE_MISMATCH:
    case SQLITE_CONSTRAINT:
        return err_set(err, STATUS_SYNTAX, "can't %s: %s", what, sqlite3_errmsg(db));
    default:
        return err_set(err, STATUS_IO, "can't %s: %s", what, text);
    }
}

enum status sql_run(sqlite3 *db, const char *text, const char *what, struct err *err)
{
    return sqlite3_exec(db, text, NULL, NULL, NULL) == SQLITE_OK ? STATUS_OK
                                                                 : sql_failed(db, what, err);
}

enum status sql_prepare(sqlite3 *db, const char *text, sqlite3_stmt **ret, struct err *err)
{
    return sqlite3_prepare_v3(db, text, -1, SQLITE_PREPARE_PERSISTENT, ret, NULL) == SQLITE_OK
               ? STATUS_OK
               : sql_failed(db, "read the index", err);
}

enum status sql_number(sqlite3 *db, const char *text, int64_t otherwise, int64_t *ret,
                       struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    enum status status = sql_prepare(db, text, &stmt, err);
    int step;

    if (status != STATUS_OK)
        return status;
    step = sqlite3_step(stmt);
    if (step == SQLITE_ROW)
        *ret = sqlite3_column_int64(stmt, 0);
    else if (step == SQLITE_DONE)
        *ret = otherwise;
    else
        status = sql_failed(db, "read the index", err);
    (void)sqlite3_finalize(stmt);
    return status;
}

enum status sql_step(sqlite3_stmt *stmt, struct err *err)
{
    int step = sqlite3_step(stmt);
    enum status status = STATUS_OK;

    if (step != SQLITE_DONE && step != SQLITE_ROW)
        status = sql_failed(sqlite3_db_handle(stmt), "write the index", err);
    (void)sqlite3_reset(stmt);
    return status;
}

void sql_bind_text(sqlite3_stmt *stmt, int at, struct view text)
{
    if (text.ptr == NULL)
        (void)sqlite3_bind_null(stmt, at);
    else
        (void)sqlite3_bind_text64(stmt, at, text.ptr, text.len, SQLITE_STATIC, SQLITE_UTF8);
}

void sql_bind_key(sqlite3_stmt *stmt, int at, int64_t key)
{
    if (key == 0)
        (void)sqlite3_bind_null(stmt, at);
    else
        (void)sqlite3_bind_int64(stmt, at, key);
}

struct view sql_text(sqlite3_stmt *stmt, int column)
{
    const unsigned char *text = sqlite3_column_text(stmt, column);

    return text == NULL ? VIEW_NONE
                        : view_of((const char *)text, (size_t)sqlite3_column_bytes(stmt, column));
}
