/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/schema.h"

/* exchange: one row each, under the seq of its first line. Places are seq and offset; the segment
 * follows from the seq. id and instance are the first 64 bits of a digest: what was found is
 * compared with the journal's own lines. Texts are numbers of `word`.
 * block: between which times the exchanges of so many seqs lie. place: how far it is caught up. */
static const char tables[] =
    "CREATE TABLE word(key INTEGER PRIMARY KEY, kind INTEGER NOT NULL, text TEXT NOT NULL,"
    " UNIQUE(kind, text));"
    "CREATE TABLE exchange(seq INTEGER PRIMARY KEY, id INTEGER, offset INTEGER,"
    " outcome_seq INTEGER, outcome_offset INTEGER, time INTEGER NOT NULL, event INTEGER,"
    " user INTEGER, project INTEGER, flavor INTEGER, operation INTEGER, class INTEGER,"
    " decision INTEGER, outcome INTEGER, policies INTEGER, reasons INTEGER, run_s INTEGER,"
    " count INTEGER, instance INTEGER, name TEXT);"
    "CREATE INDEX exchange_id ON exchange(id);"
    "CREATE TABLE settled(exchange INTEGER NOT NULL, seq INTEGER NOT NULL, offset INTEGER NOT NULL,"
    " PRIMARY KEY(exchange, seq)) WITHOUT ROWID;"
    "CREATE TABLE segment(first INTEGER PRIMARY KEY, damaged INTEGER NOT NULL);"
    "CREATE TABLE block(key INTEGER PRIMARY KEY, low INTEGER NOT NULL, high INTEGER NOT NULL);"
    "CREATE TABLE place(one INTEGER PRIMARY KEY CHECK(one = 1), segment INTEGER, offset INTEGER,"
    " line INTEGER, last_offset INTEGER, seq INTEGER, hash BLOB);"
    "INSERT INTO place VALUES(1, 0, 0, 0, 0, 0, NULL);";

static const char indexes[] =
    "CREATE INDEX IF NOT EXISTS exchange_user ON exchange(user);"
    "CREATE INDEX IF NOT EXISTS exchange_instance ON exchange(instance)"
    " WHERE instance IS NOT NULL;"
    "CREATE INDEX IF NOT EXISTS exchange_name ON exchange(name) WHERE name IS NOT NULL;"
    "CREATE INDEX IF NOT EXISTS exchange_reasons ON exchange(reasons) WHERE reasons IS NOT NULL;";

/* Whose it is comes first, that it is whole last. */
enum status schema_make(sqlite3 *db, struct err *err)
{
    char pragma[64];
    enum status status;

    (void)sqlite3_snprintf(sizeof pragma, pragma, "PRAGMA application_id = %d", SCHEMA_APPLICATION);
    status = sql_run(db, pragma, "make the index", err);
    if (status == STATUS_OK)
        status = sql_run(db, tables, "make the index", err);
    (void)sqlite3_snprintf(sizeof pragma, pragma, "PRAGMA user_version = %d", SCHEMA_VERSION);
    return status == STATUS_OK ? sql_run(db, pragma, "make the index", err) : status;
}

enum status schema_make_indexes(sqlite3 *db, struct err *err)
{
    return sql_run(db, indexes, "make the index", err);
}

/* How many of the known schema's rows the other has, word for word; -1: one is missing or stands
 * there twice. optional: any may be missing. */
static int64_t same_rows(sqlite3 *known, sqlite3 *db, bool optional)
{
    sqlite3_stmt *rows = NULL, *find = NULL;
    int64_t count = -1;
    int step = SQLITE_ERROR;

    if (sql_prepare(known, "SELECT type, name, tbl_name, sql FROM sqlite_master", &rows, NULL) ==
            STATUS_OK &&
        sql_prepare(db,
                    "SELECT count(*) FROM sqlite_master"
                    " WHERE type IS ? AND name IS ? AND tbl_name IS ? AND sql IS ?",
                    &find, NULL) == STATUS_OK)
        count = 0;
    while (count >= 0 && (step = sqlite3_step(rows)) == SQLITE_ROW) {
        int64_t found = -1;

        for (int i = 0; i < 4; i++)
            (void)sqlite3_bind_value(find, i + 1, sqlite3_column_value(rows, i));
        if (sqlite3_step(find) == SQLITE_ROW)
            found = sqlite3_column_int64(find, 0);
        (void)sqlite3_reset(find);
        count = found == 1 || (found == 0 && optional) ? count + found : -1;
    }
    (void)sqlite3_finalize(rows);
    (void)sqlite3_finalize(find);
    return step == SQLITE_DONE ? count : -1;
}

/* A view in the place of a table may be endless, and a trigger do anything. */
static bool is_known(sqlite3 *db)
{
    sqlite3 *known = NULL;
    int64_t same = -1, all = -1;

    if (sqlite3_open(":memory:", &known) == SQLITE_OK &&
        sql_run(known, tables, "", NULL) == STATUS_OK && same_rows(known, db, false) > 0 &&
        schema_make_indexes(known, NULL) == STATUS_OK)
        same = same_rows(known, db, true);
    (void)sqlite3_close_v2(known);
    return same > 0 &&
           sql_number(db, "SELECT count(type) FROM sqlite_master", 0, &all, NULL) == STATUS_OK &&
           all == same;
}

bool schema_is_ours(sqlite3 *db)
{
    int64_t version, application, rows;

    return sql_number(db, "PRAGMA user_version", 0, &version, NULL) == STATUS_OK &&
           sql_number(db, "PRAGMA application_id", 0, &application, NULL) == STATUS_OK &&
           version == SCHEMA_VERSION && application == SCHEMA_APPLICATION && is_known(db) &&
           sql_number(db, "SELECT count(*) FROM (SELECT 1 FROM place LIMIT 2)", 0, &rows, NULL) ==
               STATUS_OK &&
           rows == 1;
}
