/* SPDX-License-Identifier: Apache-2.0
 * Reading: what changed in the database since the revision that the ledger in memory is at; or all,
 * where that can't be told. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "quota/idmap.h"
#include "quota/row.h"
#include "quota/schema.h"
#include "quota/shared.h"

enum { PAGE_ROWS = 2000, READ_TIMEOUT_MS = 10000 };

enum kind {
    CHANGES,
    FIRST, /* nothing is known yet */
    STALE, /* known is older than what the database remembers of what is gone */
    LOST,  /* the database has another history than the one that was known */
    REPAIR /* a change of this gateway's own didn't fit into memory */
};

struct sync {
    struct shared *shared;
    enum kind kind;
    bool lock;
    char from[24], last_id[3 * LEDGER_TEXT_BYTES + 1];
    struct idmap *seen; /* of all but CHANGES: ids that the database has */
    int64_t revision;   /* the database's */
    bool unscanned;     /* entries may be missing in it */
    char token[RANDOM_ID_BYTES + 1];
    int rows; /* of the last page */
};

#define HEAD_SQL "SELECT version, revision, token, unscanned FROM postern_ledger WHERE one = 1"

#define PAGE_SQL                                                                   \
    "SELECT " ROW_NAMES " FROM postern_entry WHERE revision > CAST($1 AS bigint) " \
    "AND id > $2 ORDER BY id LIMIT 2000"

static bool complain(struct shared *shared, const char *why)
{
    pg_complain(shared->pg, why);
    return false;
}

static bool is_mine(const struct shared *shared, const struct ledger_item *item)
{
    return view_eq(item->gateway, view_str(shared->name));
}

static struct place *doubt_of(const struct shared *shared, struct view id)
{
    struct place *place = shared->doubts;

    while (place != NULL && !view_eq(place->item->id, id))
        place = place->next;
    return place;
}

/* What this gateway knows is the newest: the database gets it back. */
static void put_back(struct shared *shared, const struct ledger_item *item)
{
    if (!outbox_add(shared->outbox, item, false))
        shared->outbox_failed = true;
}

/* Nobody waits for this reservation: the process that made it is gone. */
static bool is_left(const struct shared *shared, const struct ledger_item *item, bool known)
{
    return item->state == LEDGER_RESERVED && is_mine(shared, item) && !known &&
           !tickets_want(shared, item->id);
}

/* An entry that is there. Under the lock. */
static enum status apply_there(struct sync *sync, struct ledger_item *item, bool *ret_news)
{
    struct shared *shared = sync->shared;
    struct ledger *ledger = shared->store->ledger;
    struct ledger_item before;
    bool known = ledger_get(ledger, item->id, &before);
    enum status status;

    if ((sync->kind == LOST || sync->kind == REPAIR) && known && is_mine(shared, &before) &&
        is_mine(shared, item)) {
        if (!item_eq(&before, item))
            put_back(shared, &before);
        return STATUS_OK;
    }
    *ret_news = !known || !item_eq(&before, item);
    if (is_left(shared, item, known)) {
        item->state = LEDGER_UNKNOWN;
        put_back(shared, item);
    }
    status = *ret_news ? ledger_put(ledger, item, clock_now_us()) : STATUS_OK;
    return status;
}

/* One row. What this gateway has yet to write is newer than what the database has. */
static enum status apply(struct sync *sync, struct ledger_item *item, bool gone)
{
    struct shared *shared = sync->shared;
    struct quota_store *store = shared->store;
    enum status status = STATUS_OK;
    struct ledger_item before;
    void (*told)(void *user, const struct ledger_item *item, bool gone);
    bool news = false;
    struct place *doubt;

    (void)pthread_mutex_lock(&store->lock);
    told = store->told;
    doubt = doubt_of(shared, item->id);
    if (doubt != NULL && !gone)
        doubt->seen = true;
    if (sync->seen != NULL) {
        void **slot = idmap_slot(sync->seen, item->id);

        status = slot == NULL ? STATUS_NOMEM : STATUS_OK;
        if (slot != NULL)
            *slot = sync;
    }
    if (status != STATUS_OK || outbox_has(shared->outbox, item->id) || doubt != NULL) {
        (void)pthread_mutex_unlock(&store->lock);
        return status;
    }
    if (gone) {
        news = ledger_get(store->ledger, item->id, &before);
        ledger_drop(store->ledger, item->id);
    } else {
        status = apply_there(sync, item, &news);
    }
    (void)pthread_mutex_unlock(&store->lock);
    if (news && status == STATUS_OK && told != NULL)
        told(store->told_user, item, gone);
    return status;
}

static bool apply_page(struct sync *sync, const PGresult *page)
{
    struct shared *shared = sync->shared;

    sync->rows = PQntuples(page);
    for (int i = 0; i < sync->rows; i++) {
        struct ledger_item item;
        enum status status;
        bool gone;

        arena_reset(&shared->work);
        status = store_row_read(page, i, &shared->work, &item, &gone);
        if (status == STATUS_OK)
            status = apply(sync, &item, gone);
        if (status == STATUS_INVALID)
            return complain(shared, "an entry of postern_entry can't be read");
        if (status != STATUS_OK)
            return complain(shared, "memory is out");
    }
    if (sync->rows > 0)
        (void)snprintf(sync->last_id, sizeof sync->last_id, "%s",
                       PQgetvalue(page, sync->rows - 1, ROW_ID));
    return true;
}

static bool read_pages(struct sync *sync)
{
    const char *const params[] = {sync->from, sync->last_id};

    do {
        PGresult *page = NULL;
        struct pg_step step = {.sql = PAGE_SQL, .params = params, .param_count = 2, .ret = &page};
        bool works;

        if (pg_run(sync->shared->pg, &step, 1, READ_TIMEOUT_MS) != PG_DONE)
            return false;
        works = apply_page(sync, page);
        PQclear(page);
        if (!works)
            return false;
    } while (sync->rows == PAGE_ROWS);
    return true;
}

/* What kind of reading it is to be. history: the oldest revision remembered, and whether the known
 * one is among them. */
static bool understand(struct sync *sync, const PGresult *head, const PGresult *history)
{
    struct shared *shared = sync->shared;
    int64_t oldest;

    if (PQntuples(head) != 1 || PQntuples(history) != 1)
        return complain(shared, "the tables are empty: run `postern quota init`");
    if (pg_number(head, 0, 0) != SCHEMA_VERSION)
        return complain(shared, "the tables have another version: run `postern quota init`");
    sync->revision = pg_number(head, 0, 1);
    (void)snprintf(sync->token, sizeof sync->token, "%s", PQgetvalue(head, 0, 2));
    sync->unscanned = PQgetvalue(head, 0, 3)[0] == 't';
    oldest = pg_number(history, 0, 0);
    if (shared->revision < 0)
        sync->kind = FIRST;
    else if (pg_number(history, 0, 1) == 0)
        sync->kind = sync->revision > shared->revision && shared->revision < oldest ? STALE : LOST;
    else
        sync->kind = shared->outbox_failed ? REPAIR : CHANGES;
    return true;
}

/* Begins the transaction: the state that is read is one state. */
static bool begin(struct sync *sync)
{
    struct shared *shared = sync->shared;
    char known[24];
    const char *const params[] = {known, shared->token};
    const char *const page_params[] = {sync->from, sync->last_id};
    PGresult *head = NULL, *history = NULL, *page = NULL;
    struct pg_step steps[] = {
        {.sql = sync->lock ? "BEGIN ISOLATION LEVEL READ COMMITTED"
                           : "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"},
        {.sql = sync->lock ? HEAD_SQL " "
                                      "FOR UPDATE"
                           : HEAD_SQL,
         .ret = &head},
        {.sql = "SELECT MIN(revision), (SELECT COUNT(*) FROM postern_revision "
                "WHERE revision = CAST($1 AS bigint) AND token = $2) FROM postern_revision",
         .params = params,
         .param_count = 2,
         .ret = &history},
        {.sql = PAGE_SQL, .params = page_params, .param_count = 2, .ret = &page},
    };
    bool works;

    (void)snprintf(known, sizeof known, "%lld", (long long)shared->revision);
    (void)snprintf(sync->from, sizeof sync->from, "%lld", (long long)shared->revision);
    if (pg_run(shared->pg, steps, ARRAY_LEN(steps), READ_TIMEOUT_MS) != PG_DONE)
        return false;
    works = understand(sync, head, history);
    if (works && sync->kind != CHANGES) {
        sync->seen = idmap_new();
        works = sync->seen != NULL || complain(shared, "memory is out");
    }
    /* This page serves unless all is to be read, and it was not all. */
    if (works && (sync->kind == CHANGES || sync->kind == FIRST))
        works = apply_page(sync, page);
    else
        sync->rows = PAGE_ROWS;
    if (sync->kind != CHANGES)
        (void)snprintf(sync->from, sizeof sync->from, "-1");
    PQclear(head);
    PQclear(history);
    PQclear(page);
    return works;
}

/* Each doubt is one no longer. One that the database has not may still come; but not after the next
 * write, which each of these causes. Under the lock. */
static void resolve_doubts(struct shared *shared)
{
    while (shared->doubts != NULL) {
        struct place *place = shared->doubts;

        shared->doubts = place->next;
        if (place->seen) {
            place_taken(shared, place);
            continue;
        }
        if (place->ticket == NULL && !outbox_add(shared->outbox, place->item, true))
            shared->outbox_failed = true;
        place_undone(shared, place);
    }
}

struct missing {
    struct sync *sync;
    struct ledger_item *items[256];
    size_t count;
};

static bool is_missing(void *user, const struct ledger_item *item)
{
    struct missing *missing = user;

    if (idmap_get(missing->sync->seen, item->id) != NULL ||
        outbox_has(missing->sync->shared->outbox, item->id))
        return true;
    missing->items[missing->count] = item_copy(item);
    if (missing->items[missing->count] == NULL) {
        missing->sync->shared->outbox_failed = true;
        return false;
    }
    missing->count++;
    return missing->count < ARRAY_LEN(missing->items);
}

/* What the ledger has and the database has not: gone long ago, or to be put back. */
static void sweep(struct sync *sync)
{
    struct shared *shared = sync->shared;
    struct quota_store *store = shared->store;
    struct missing missing = {.sync = sync};

    do {
        missing.count = 0;
        (void)pthread_mutex_lock(&store->lock);
        ledger_each(store->ledger, is_missing, &missing);
        for (size_t i = 0; i < missing.count; i++) {
            if (sync->kind == STALE)
                ledger_drop(store->ledger, missing.items[i]->id);
            else
                put_back(shared, missing.items[i]);
        }
        (void)pthread_mutex_unlock(&store->lock);
        for (size_t i = 0; i < missing.count; i++) {
            if (sync->kind == STALE && store->told != NULL)
                store->told(store->told_user, missing.items[i], true);
            free(missing.items[i]);
        }
    } while (missing.count > 0 && !shared->outbox_failed);
}

static void finish(struct sync *sync, int64_t begun_us)
{
    struct shared *shared = sync->shared;
    struct quota_store *store = shared->store;

    (void)pthread_mutex_lock(&store->lock);
    if (sync->kind == REPAIR)
        shared->outbox_failed = false;
    resolve_doubts(shared);
    (void)pthread_mutex_unlock(&store->lock);
    if (sync->kind != CHANGES && sync->kind != FIRST)
        sweep(sync);
    (void)pthread_mutex_lock(&store->lock);
    if (sync->kind == LOST)
        shared->lost = true;
    store->waits_for_scan = store->must_scan && (sync->unscanned || shared->lost);
    (void)pthread_mutex_unlock(&store->lock);
    if (sync->kind == LOST)
        log_line(LOG_ERROR,
                 "the quota store has lost what it had at revision %lld (a copy restored, or a "
                 "standby that was behind): what this gateway knows is put back store=%s",
                 (long long)shared->revision, pg_where(shared->pg));
    shared->revision = sync->revision;
    memcpy(shared->token, sync->token, sizeof shared->token);
    shared_is_current(shared, begun_us);
    shared->must_sync = false;
    shared->sync_at_us = clock_monotonic_us() + SYNC_EVERY_US;
}

bool sync_run(struct shared *shared, bool lock)
{
    static const struct pg_step commit = {.sql = "COMMIT"};
    struct sync sync = {.shared = shared, .lock = lock};
    int64_t begun_us = clock_monotonic_us();
    bool works = begin(&sync) && (sync.rows < PAGE_ROWS || read_pages(&sync)) &&
                 (lock || pg_run(shared->pg, &commit, 1, shared->silence_ms) == PG_DONE);

    if (works)
        finish(&sync, begun_us);
    idmap_free(&sync.seen, NULL);
    return works;
}
