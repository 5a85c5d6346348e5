/* SPDX-License-Identifier: Apache-2.0
 * Which gateways live, by the server's clock. A gateway that is silent for its lease is no longer
 * the one that corrects the ledger; once the outcome of all it can have sent is over besides, its
 * open reservations are another's to find out about. */
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "quota/shared.h"

enum { PRUNE_EVERY_US = 600 * 1000000, US_PER_MS = 1000, RENEWALS = 4 };

static const char claim_sql[] =
    "INSERT INTO postern_gateway (name, incarnation, lease_until, deadline_ms) "
    "VALUES ($1, CAST($2 AS bigint), "
    "CURRENT_TIMESTAMP + CAST($3 AS bigint) * INTERVAL '1 millisecond', CAST($4 AS bigint)) "
    "ON CONFLICT (name) DO UPDATE SET incarnation = excluded.incarnation, "
    "lease_until = excluded.lease_until, deadline_ms = excluded.deadline_ms "
    "WHERE postern_gateway.incarnation <= excluded.incarnation";

static const char list_sql[] =
    "SELECT name, lease_until > CURRENT_TIMESTAMP, "
    "lease_until + deadline_ms * INTERVAL '1 millisecond' < CURRENT_TIMESTAMP "
    "FROM postern_gateway ORDER BY name";

static const char end_sql[] = "UPDATE postern_gateway SET lease_until = CURRENT_TIMESTAMP "
                              "WHERE name = $1 AND incarnation = CAST($2 AS bigint)";

static bool is_true(const PGresult *result, int row, int column)
{
    return PQgetvalue(result, row, column)[0] == 't';
}

/* Others that live; *ret_first: none of them has a lower name. */
static int count_others(const struct shared *shared, const PGresult *gateways, bool *ret_first)
{
    int others = 0;

    *ret_first = true;
    for (int i = 0; i < PQntuples(gateways); i++) {
        int order = strcmp(PQgetvalue(gateways, i, 0), shared->name);

        if (!is_true(gateways, i, 1) || order == 0)
            continue;
        others++;
        *ret_first = *ret_first && order > 0;
    }
    return others;
}

static bool bury(struct shared *shared, const PGresult *gateways)
{
    for (int i = 0; i < PQntuples(gateways); i++) {
        const char *name = PQgetvalue(gateways, i, 0);

        if (is_true(gateways, i, 2) && strcmp(name, shared->name) != 0 &&
            !write_takeover(shared, name))
            return false;
    }
    return true;
}

static bool has_row(const PGresult *gateways, struct view name)
{
    for (int i = 0; i < PQntuples(gateways); i++) {
        if (view_eq(view_str(PQgetvalue(gateways, i, 0)), name))
            return true;
    }
    return false;
}

struct absent {
    const PGresult *gateways;
    char name[LEDGER_TEXT_BYTES + 1]; /* "": none */
};

static bool is_absent(void *user, const struct ledger_item *item)
{
    struct absent *absent = user;

    if ((item->state != LEDGER_RESERVED && item->state != LEDGER_UNKNOWN) ||
        item->gateway.len == 0 || has_row(absent->gateways, item->gateway))
        return true;
    (void)snprintf(absent->name, sizeof absent->name, "%.*s", VIEW_ARGS(item->gateway));
    return false;
}

/* A gateway that an older copy of the database does not know, while others have put its entries
 * back: it gets the time of a lease to come. */
static bool bury_absent(struct shared *shared, const PGresult *gateways)
{
    struct absent absent = {.gateways = gateways};
    int64_t now_us = clock_monotonic_us();

    (void)pthread_mutex_lock(&shared->store->lock);
    ledger_each(shared->store->ledger, is_absent, &absent);
    (void)pthread_mutex_unlock(&shared->store->lock);
    if (strcmp(absent.name, shared->absent) != 0) {
        memcpy(shared->absent, absent.name, sizeof shared->absent);
        shared->absent_since_us = now_us;
    }
    return *absent.name == '\0' ||
           now_us - shared->absent_since_us <
               (shared->lease_ms + shared->deadline_ms) * US_PER_MS ||
           write_takeover(shared, absent.name);
}

static bool renewed(struct shared *shared, const PGresult *gateways, int64_t begun_us)
{
    int64_t half_us = shared->lease_ms * US_PER_MS / 2;
    bool first;
    int others = count_others(shared, gateways, &first);

    (void)pthread_mutex_lock(&shared->store->lock);
    /* One that did not see this gateway may lead for half a lease yet. */
    if (!shared_may_send(shared))
        shared->leads_from_us = others == 0 ? 0 : boottime_us() + half_us;
    shared->send_before_us = begun_us + half_us;
    shared->first_of_all = first;
    (void)pthread_mutex_unlock(&shared->store->lock);
    shared->renew_at_us = clock_monotonic_us() + shared->lease_ms * US_PER_MS / RENEWALS;
    /* Before all is read there is nothing to take over by. */
    return !first || shared->revision < 0 ||
           (bury(shared, gateways) && bury_absent(shared, gateways));
}

static bool claim(struct shared *shared, int64_t *ret_claimed, PGresult **ret_gateways)
{
    char incarnation[24], lease[24], deadline[24];
    const char *const params[] = {shared->name, incarnation, lease, deadline};
    struct pg_step steps[] = {
        {.sql = claim_sql, .params = params, .param_count = 4, .ret_rows = ret_claimed},
        {.sql = list_sql, .ret = ret_gateways},
    };

    (void)snprintf(incarnation, sizeof incarnation, "%lld", (long long)shared->incarnation);
    (void)snprintf(lease, sizeof lease, "%lld", (long long)shared->lease_ms);
    (void)snprintf(deadline, sizeof deadline, "%lld", (long long)shared->deadline_ms);
    return pg_run(shared->pg, steps, ARRAY_LEN(steps), shared->silence_ms) == PG_DONE;
}

bool lease_renew(struct shared *shared)
{
    int64_t begun_us = boottime_us(), claimed = 0;
    PGresult *gateways = NULL;
    bool works;

    if (!claim(shared, &claimed, &gateways))
        return false;
    works = claimed == 1;
    if (works)
        works = renewed(shared, gateways, begun_us);
    else
        pg_complain(shared->pg, "another gateway of this name has been started since");
    PQclear(gateways);
    return works;
}

void lease_end(struct shared *shared)
{
    char incarnation[24];
    const char *const params[] = {shared->name, incarnation};
    struct pg_step step = {.sql = end_sql, .params = params, .param_count = 2};

    (void)snprintf(incarnation, sizeof incarnation, "%lld", (long long)shared->incarnation);
    if (pg_run(shared->pg, &step, 1, shared->silence_ms) != PG_DONE)
        log_line(LOG_DEBUG, "the lease was not ended reason=\"%s\"", pg_why(shared->pg));
}

/* What is older than a day: marks of entries that are gone go with the revisions that tell who may
 * not know of them yet. */
bool lease_prune(struct shared *shared)
{
    static const struct pg_step steps[] = {
        {.sql = "BEGIN"},
        {.sql =
             "DELETE FROM postern_revision WHERE (made_at < CURRENT_TIMESTAMP - INTERVAL '1 day' "
             "OR revision < (SELECT revision - 100000 FROM postern_ledger WHERE one = 1)) "
             "AND revision < (SELECT revision FROM postern_ledger WHERE one = 1)"},
        {.sql = "DELETE FROM postern_entry WHERE gone AND revision < "
                "(SELECT MIN(revision) FROM postern_revision)"},
        {.sql = "COMMIT"},
    };
    bool leads;

    shared->prune_at_us = clock_monotonic_us() + PRUNE_EVERY_US;
    (void)pthread_mutex_lock(&shared->store->lock);
    leads = shared->first_of_all;
    (void)pthread_mutex_unlock(&shared->store->lock);
    return !leads || pg_run(shared->pg, steps, ARRAY_LEN(steps), shared->silence_ms) != PG_LOST;
}
