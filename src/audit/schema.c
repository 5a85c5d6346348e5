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

bool schema_is_ours(sqlite3 *db)
{
    int64_t version, application, rows;

    return sql_number(db, "PRAGMA user_version", 0, &version, NULL) == STATUS_OK &&
           sql_number(db, "PRAGMA application_id", 0, &application, NULL) == STATUS_OK &&
           version == SCHEMA_VERSION && application == SCHEMA_APPLICATION &&
           sql_number(db, "SELECT count(*) FROM place", 0, &rows, NULL) == STATUS_OK && rows == 1;
}
