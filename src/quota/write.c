/* SPDX-License-Identifier: Apache-2.0
 * Writing: reservations are decided on the ledger in memory, and are true once the database went
 * from the very revision that they were decided on to a next one with them. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/require.h"
#include "quota/row.h"
#include "quota/shared.h"

enum { OUTBOX_ROWS = 128, TICKET_ROWS = 128, BATCH_ROWS = OUTBOX_ROWS + TICKET_ROWS };

enum { PARAM_TOKEN = ROW_COLUMNS, ROW_PARAMS };

struct row {
    const char *values[ROW_PARAMS];
    struct view id;
    uint64_t version;    /* of a change of the outbox */
    struct place *place; /* of a reservation */
};

struct batch {
    struct row rows[BATCH_ROWS];
    size_t count;
    bool failed; /* memory is out */
    char known[24], next[24], incarnation[24];
    char token[RANDOM_ID_BYTES + 1];
    const char *dead;      /* whose reservations are taken over, or NULL */
    bool last;             /* all of them: the dead one's row can go */
    const char *unscanned; /* "t", "f", or NULL: as it is */
};

/* $1, $2: the next revision and token; $3, $4: the known ones; $5, $6: who asks. */
#define HEAD_SQL                                                                      \
    "UPDATE postern_ledger SET revision = CAST($1 AS bigint), token = $2 "            \
    "WHERE one = 1 AND version = 1 AND revision = CAST($3 AS bigint) AND token = $4 " \
    "AND EXISTS (SELECT 1 FROM postern_gateway WHERE name = $5 "                      \
    "AND incarnation = CAST($6 AS bigint))"

/* $7: who must be dead. */
#define STILL_THERE                                              \
    "EXISTS (SELECT 1 FROM postern_gateway WHERE name = $7 AND " \
    "lease_until + deadline_ms * INTERVAL '1 millisecond' >= CURRENT_TIMESTAMP)"

#define WON \
    "EXISTS (SELECT 1 FROM postern_ledger WHERE revision = CAST($1 AS bigint) AND token = $2)"

static const char is_unscanned[] = "t", is_scanned[] = "f";
static const char head_sql[] = HEAD_SQL;
static const char takeover_sql[] = HEAD_SQL " AND NOT " STILL_THERE;
static const char revision_sql[] = "INSERT INTO postern_revision (revision, token) "
                                   "SELECT revision, token FROM postern_ledger "
                                   "WHERE revision = CAST($1 AS bigint) AND token = $2";
static const char unscanned_sql[] =
    "UPDATE postern_ledger SET unscanned = CAST($3 AS boolean) "
    "WHERE one = 1 AND revision = CAST($1 AS bigint) AND token = $2";
static const char bury_sql[] = "DELETE FROM postern_gateway WHERE name = $3 AND " WON;

/* clang-format off */
static const char entry_sql[] =
    "INSERT INTO postern_entry (" ROW_NAMES ") SELECT "
    "CAST($1 AS bigint), CAST($2 AS text), CAST($3 AS boolean), CAST($4 AS text), "
    "CAST($5 AS text), CAST($6 AS text), CAST($7 AS bigint), CAST($8 AS bigint), "
    "CAST($9 AS text), CAST($10 AS text), CAST($11 AS text), CAST($12 AS text), "
    "CAST($13 AS text), CAST($14 AS text), CAST($15 AS text), CAST($16 AS text), "
    "CAST($17 AS text), CAST($18 AS bigint), CAST($19 AS boolean), CAST($20 AS boolean), "
    "CAST($21 AS boolean) "
    "FROM postern_ledger WHERE revision = CAST($1 AS bigint) AND token = $22 "
    "ON CONFLICT (id) DO UPDATE SET "
    "revision = excluded.revision, gone = excluded.gone, gateway = excluded.gateway, "
    "state = excluded.state, operation = excluded.operation, time_us = excluded.time_us, "
    "settle_after_us = excluded.settle_after_us, project = excluded.project, "
    "user_id = excluded.user_id, user_name = excluded.user_name, domain = excluded.domain, "
    "workspace = excluded.workspace, pool = excluded.pool, flavor = excluded.flavor, "
    "name = excluded.name, instance = excluded.instance, run_s = excluded.run_s, "
    "running = excluded.running, orphan = excluded.orphan, claimed = excluded.claimed";
/* clang-format on */

/* The row's texts are in the arena of the batch. Under the lock. */
static struct row *add_row(struct shared *shared, struct batch *batch,
                           const struct ledger_item *item, bool gone)
{
    struct row *row = &batch->rows[batch->count];

    *row = (struct row){.id = arena_copy(&shared->work, item->id)};
    if (row->id.ptr == NULL ||
        store_row_write(item, gone, &shared->work, row->values) != STATUS_OK) {
        batch->failed = true;
        return NULL;
    }
    row->values[ROW_REVISION] = batch->next;
    row->values[PARAM_TOKEN] = batch->token;
    batch->count++;
    return row;
}

static void add_outbox(struct shared *shared, struct batch *batch)
{
    const struct outbox_change *changes[OUTBOX_ROWS];
    size_t count = outbox_first(shared->outbox, changes, ARRAY_LEN(changes));

    for (size_t i = 0; i < count && !batch->failed; i++) {
        struct row *row = add_row(shared, batch, &changes[i]->item, changes[i]->gone);

        if (row != NULL)
            row->version = changes[i]->version;
    }
}

/* Granted in memory: writes the place. */
static void add_place(struct shared *shared, struct batch *batch, struct quota_ticket *ticket)
{
    struct ledger_item item;
    struct place *place;
    struct row *row;

    REQUIRE(ledger_get(shared->store->ledger, ticket->id, &item));
    if (!ticket_place(ticket, &item, &place)) {
        ledger_drop(shared->store->ledger, ticket->id);
        ticket_refuse(ticket, QUOTA_REASON_FAILED);
        return;
    }
    row = add_row(shared, batch, place->item, false);
    if (row == NULL)
        place_undone(shared, place);
    else
        row->place = place;
}

/* A refusal must rest on the newest there is: knowledge of a time before the question may be old.
 */
static void decide(struct shared *shared, struct batch *batch, struct quota_ticket *ticket)
{
    struct quota_store *store = shared->store;
    const struct reason *reasons = NULL;
    enum quota_answer answer;
    struct ledger_item item;
    size_t count = 0;

    if (ledger_get(store->ledger, ticket->id, &item)) {
        /* A commit without an answer that has arrived after all. */
        ticket_answer(ticket, QUOTA_GRANTED, NULL, 0);
        return;
    }
    shared->deciding = ticket->id;
    answer = store_decide(store, ticket->ask, &ticket->arena, &reasons, &count);
    shared->deciding = VIEW_NONE;
    if (answer == QUOTA_GRANTED)
        add_place(shared, batch, ticket);
    else if (ticket->asked_us < shared->current_us)
        ticket_answer(ticket, answer, reasons, count);
    else
        shared->must_sync = true;
}

/* Under the lock. */
static void add_tickets(struct shared *shared, struct batch *batch)
{
    struct quota_ticket *ticket = tickets_queued(shared, NULL), *next;

    if (!shared_may_send(shared)) {
        shared->renew_at_us = 0;
        return;
    }
    for (size_t i = 0; ticket != NULL && i < TICKET_ROWS && !batch->failed; i++) {
        next = tickets_queued(shared, ticket);
        decide(shared, batch, ticket);
        ticket = next;
    }
}

/* What a scan found is in the database before it says that there was one. Until then nothing is
 * granted. Under the lock. */
static void add_mark(struct shared *shared, struct batch *batch)
{
    if (shared->lost)
        batch->unscanned = is_unscanned;
    else if (shared->scanned && batch->count == outbox_count(shared->outbox))
        batch->unscanned = is_scanned;
}

static void batch_begin(struct shared *shared, struct batch *batch)
{
    arena_reset(&shared->work);
    batch->count = 0;
    batch->failed = false;
    batch->dead = NULL;
    batch->last = false;
    batch->unscanned = NULL;
    (void)snprintf(batch->known, sizeof batch->known, "%lld", (long long)shared->revision);
    (void)snprintf(batch->next, sizeof batch->next, "%lld", (long long)shared->revision + 1);
    (void)snprintf(batch->incarnation, sizeof batch->incarnation, "%lld",
                   (long long)shared->incarnation);
    random_id(batch->token);
    batch->token[RANDOM_ID_BYTES] = '\0';
}

/* *ret_won: the database was at the known revision, and has the batch now. */
static enum pg_outcome exchange(struct shared *shared, struct batch *batch, bool in_transaction,
                                bool *ret_won)
{
    const char *const head_params[] = {batch->next,   batch->token, batch->known,
                                       shared->token, shared->name, batch->incarnation,
                                       batch->dead};
    const char *const bury_params[] = {batch->next, batch->token, batch->dead};
    const char *const unscanned_params[] = {batch->next, batch->token, batch->unscanned};
    struct pg_step steps[BATCH_ROWS + 6] = {0};
    enum pg_outcome outcome;
    size_t count = 0;
    int64_t won = 0;

    if (!in_transaction)
        steps[count++].sql = "BEGIN ISOLATION LEVEL SERIALIZABLE";
    steps[count++] = (struct pg_step){.sql = batch->dead == NULL ? head_sql : takeover_sql,
                                      .params = head_params,
                                      .param_count = batch->dead == NULL ? 6 : 7,
                                      .ret_rows = &won};
    for (size_t i = 0; i < batch->count; i++)
        steps[count++] = (struct pg_step){
            .sql = entry_sql, .params = batch->rows[i].values, .param_count = ROW_PARAMS};
    steps[count++] = (struct pg_step){.sql = revision_sql, .params = head_params, .param_count = 2};
    if (batch->dead != NULL && batch->last)
        steps[count++] = (struct pg_step){.sql = bury_sql, .params = bury_params, .param_count = 3};
    if (batch->unscanned != NULL)
        steps[count++] =
            (struct pg_step){.sql = unscanned_sql, .params = unscanned_params, .param_count = 3};
    steps[count++].sql = "COMMIT";
    outcome = pg_run(shared->pg, steps, count, shared->silence_ms);
    *ret_won = outcome == PG_DONE && won == 1;
    return outcome;
}

/* Under the lock. */
static void written(struct shared *shared, const struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        const struct row *row = &batch->rows[i];

        if (row->place != NULL)
            place_taken(shared, row->place);
        else
            outbox_sent(shared->outbox, row->id, row->version);
    }
    if (batch->unscanned == NULL)
        return;
    /* Only one of them was set when the batch was made; a loss since then counts. */
    if (batch->unscanned == is_unscanned)
        shared->lost = false;
    else
        shared->scanned = false;
    shared->store->waits_for_scan =
        shared->store->must_scan && (batch->unscanned == is_unscanned || shared->lost);
}

/* Under the lock. */
static void not_written(struct shared *shared, const struct batch *batch, bool doubtful)
{
    for (size_t i = 0; i < batch->count; i++) {
        struct place *place = batch->rows[i].place;

        if (place == NULL)
            continue;
        if (doubtful) {
            place->next = shared->doubts;
            shared->doubts = place;
        } else {
            place_undone(shared, place);
        }
    }
}

static void advance(struct shared *shared, const struct batch *batch, int64_t begun_us)
{
    shared->revision++;
    memcpy(shared->token, batch->token, sizeof shared->token);
    shared_is_current(shared, begun_us);
    shared->losses = 0;
}

/* A race is lost. After two of them it may be for another reason: that the gateway's row is gone.
 */
static void lose(struct shared *shared)
{
    shared->losses++;
    shared->must_sync = true;
    if (shared->losses > 1)
        shared->renew_at_us = 0;
}

static bool end_transaction(struct shared *shared)
{
    static const struct pg_step rollback = {.sql = "ROLLBACK"};

    return pg_run(shared->pg, &rollback, 1, shared->silence_ms) == PG_DONE;
}

static bool send_batch(struct shared *shared, struct batch *batch, bool in_transaction)
{
    int64_t begun_us = clock_monotonic_us();
    bool won;
    enum pg_outcome outcome = exchange(shared, batch, in_transaction, &won);

    if (won)
        advance(shared, batch, begun_us);
    (void)pthread_mutex_lock(&shared->store->lock);
    if (won)
        written(shared, batch);
    else
        not_written(shared, batch, outcome == PG_LOST);
    if (!won && outcome != PG_LOST)
        shared->store->retries++;
    (void)pthread_mutex_unlock(&shared->store->lock);
    if (!won)
        lose(shared);
    return outcome == PG_DONE || outcome == PG_RETRY;
}

bool write_wanted(struct shared *shared)
{
    return outbox_count(shared->outbox) > 0 || shared->lost || shared->scanned ||
           tickets_queued(shared, NULL) != NULL;
}

bool write_run(struct shared *shared, bool in_transaction)
{
    struct batch *batch = malloc(sizeof *batch);
    bool works = true;

    if (batch == NULL) {
        pg_complain(shared->pg, "memory is out");
        return false;
    }
    batch_begin(shared, batch);
    (void)pthread_mutex_lock(&shared->store->lock);
    add_outbox(shared, batch);
    add_mark(shared, batch);
    if (batch->unscanned == NULL && !shared->scanned)
        add_tickets(shared, batch);
    (void)pthread_mutex_unlock(&shared->store->lock);
    if (batch->count > 0 || batch->unscanned != NULL)
        works = send_batch(shared, batch, in_transaction);
    else if (in_transaction)
        works = end_transaction(shared);
    if (batch->failed) {
        pg_complain(shared->pg, "memory is out");
        works = false;
    }
    free(batch);
    return works;
}

struct takeover {
    struct shared *shared;
    struct batch *batch;
};

/* Its wait is over already: the server's clock has counted lease and deadlines. */
static bool add_open(void *user, const struct ledger_item *item)
{
    struct takeover *takeover = user;
    struct ledger_item taken = *item;
    int64_t now_us = clock_now_us();

    if ((item->state != LEDGER_RESERVED && item->state != LEDGER_UNKNOWN) ||
        !view_eq(item->gateway, view_str(takeover->batch->dead)))
        return true;
    if (takeover->batch->count == BATCH_ROWS) {
        takeover->batch->last = false;
        return false;
    }
    taken.state = LEDGER_UNKNOWN;
    taken.gateway = takeover->shared->store->gateway;
    if (taken.settle_after_us < now_us)
        taken.settle_after_us = now_us;
    return add_row(takeover->shared, takeover->batch, &taken, false) != NULL;
}

bool write_takeover(struct shared *shared, const char *dead)
{
    struct takeover takeover = {shared, malloc(sizeof *takeover.batch)};
    bool works, won = false;
    size_t count;

    if (takeover.batch == NULL) {
        pg_complain(shared->pg, "memory is out");
        return false;
    }
    batch_begin(shared, takeover.batch);
    takeover.batch->dead = dead;
    takeover.batch->last = true;
    (void)pthread_mutex_lock(&shared->store->lock);
    ledger_each(shared->store->ledger, add_open, &takeover);
    (void)pthread_mutex_unlock(&shared->store->lock);
    works = !takeover.batch->failed;
    if (works) {
        enum pg_outcome outcome = exchange(shared, takeover.batch, false, &won);

        works = outcome == PG_DONE || outcome == PG_RETRY;
    }
    count = takeover.batch->count;
    free(takeover.batch);
    /* The ledger in memory gets it as everybody's does: by reading. */
    shared->must_sync = true;
    if (won)
        log_line(LOG_WARNING,
                 "a gateway is dead: its open reservations are taken over gateway=%s "
                 "reservations=%zu",
                 dead, count);
    return works;
}
