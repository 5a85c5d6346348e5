/* SPDX-License-Identifier: Apache-2.0
 * The tables of a shared store. Plain SQL: no functions, triggers or extensions. */
#include "quota/schema.h"

#include "quota/pg.h"
#include "quota/store.h"

enum { INIT_TIMEOUT_MS = 10000, INIT_TRIES = 20 };

static const char *const create_tables[] = {
    "CREATE TABLE IF NOT EXISTS postern_ledger ("
    "one integer PRIMARY KEY CHECK (one = 1), version integer NOT NULL, "
    "revision bigint NOT NULL, token text NOT NULL, unscanned boolean NOT NULL)",

    "CREATE TABLE IF NOT EXISTS postern_revision ("
    "revision bigint PRIMARY KEY, token text NOT NULL, "
    "made_at timestamp with time zone NOT NULL DEFAULT CURRENT_TIMESTAMP)",

    "CREATE TABLE IF NOT EXISTS postern_entry ("
    "id text PRIMARY KEY, revision bigint NOT NULL, gone boolean NOT NULL, "
    "gateway text, state text NOT NULL, operation text NOT NULL, "
    "time_us bigint NOT NULL, settle_after_us bigint NOT NULL, project text, user_id text, "
    "user_name text, domain text, workspace text, pool text, flavor text, name text, "
    "instance text, run_s bigint NOT NULL, running boolean NOT NULL, orphan boolean NOT NULL, "
    "claimed boolean NOT NULL)",

    "CREATE INDEX IF NOT EXISTS postern_entry_revision ON postern_entry (revision)",

    "CREATE TABLE IF NOT EXISTS postern_gateway ("
    "name text PRIMARY KEY, incarnation bigint NOT NULL, "
    "lease_until timestamp with time zone NOT NULL, deadline_ms bigint NOT NULL)",

    "INSERT INTO postern_revision (revision, token) VALUES (0, 'new') ON CONFLICT DO NOTHING",

    /* Last: whoever sees this row sees all. */
    "INSERT INTO postern_ledger (one, version, revision, token, unscanned) "
    "VALUES (1, 1, 0, 'new', TRUE) "
    "ON CONFLICT DO NOTHING",
};

/* What two that create the same at once may get; the other's tables are there the next time. */
static bool is_race(const struct pg *pg)
{
    static const char *const states[] = {"23505", "42P07", "42710", "XX000"};

    for (size_t i = 0; i < ARRAY_LEN(states); i++) {
        if (strcmp(pg_sqlstate(pg), states[i]) == 0)
            return true;
    }
    return false;
}

/* 0: there are no tables, or no row. */
static enum pg_outcome read_version(struct pg *pg, int64_t *ret)
{
    PGresult *result = NULL;
    struct pg_step step = {.sql = "SELECT version FROM postern_ledger WHERE one = 1",
                           .ret = &result};
    enum pg_outcome outcome = pg_run(pg, &step, 1, INIT_TIMEOUT_MS);

    *ret = 0;
    if (outcome == PG_FAILED && strcmp(pg_sqlstate(pg), "42P01") == 0)
        return PG_DONE;
    if (outcome == PG_DONE && PQntuples(result) == 1)
        *ret = pg_number(result, 0, 0);
    PQclear(result);
    return outcome;
}

static enum pg_outcome create(struct pg *pg)
{
    struct pg_step steps[ARRAY_LEN(create_tables) + 2] = {{.sql = "BEGIN"}};
    size_t count = 1;

    for (size_t i = 0; i < ARRAY_LEN(create_tables); i++)
        steps[count++].sql = create_tables[i];
    steps[count++].sql = "COMMIT";
    return pg_run(pg, steps, count, INIT_TIMEOUT_MS);
}

static enum status failed(const struct pg *pg, struct err *err)
{
    const char *state = pg_sqlstate(pg);

    return err_set(err, STATUS_IO, "the quota store at %s: %s%s%s", pg_where(pg), pg_why(pg),
                   *state == '\0' ? "" : "; SQLSTATE ", state);
}

static enum status init(struct pg *pg, struct buf *ret_what, struct err *err)
{
    bool made = false;
    int64_t version = 0;

    if (!pg_connect(pg, INIT_TIMEOUT_MS))
        return failed(pg, err);
    for (int i = 0; i < INIT_TRIES; i++) {
        enum pg_outcome outcome = read_version(pg, &version);

        if (outcome != PG_DONE)
            return failed(pg, err);
        if (version != 0)
            break;
        outcome = create(pg);
        made = outcome == PG_DONE;
        if (!made && outcome != PG_RETRY && !(outcome == PG_FAILED && is_race(pg)))
            return failed(pg, err);
    }
    if (version != SCHEMA_VERSION)
        return err_set(err, STATUS_INVALID,
                       "the quota store at %s has tables of version %lld; this program knows "
                       "version %d",
                       pg_where(pg), (long long)version, SCHEMA_VERSION);
    buf_printf(ret_what,
               made ? "%s: tables created, version %d\n"
                    : "%s: tables are there already, version %d; nothing to do\n",
               pg_where(pg), SCHEMA_VERSION);
    return ret_what->failed == STATUS_OK ? STATUS_OK
                                         : err_set(err, ret_what->failed, "no memory for a text");
}

enum status quota_store_init(const char *url, struct buf *ret_what, struct err *err)
{
    struct pg *pg;
    enum status status = pg_new(url, &pg, err);

    if (status != STATUS_OK)
        return status;
    status = init(pg, ret_what, err);
    pg_free(&pg);
    return status;
}
