/* SPDX-License-Identifier: Apache-2.0
 * One worker's gateway: its front, its pool, its mailbox of the journal, and what can be seen of
 * it. */
#include "gateway/gateway.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/require.h"
#include "gateway/exchange.h"
#include "gateway/record.h"

static void take_snapshot(evutil_socket_t fd, short what, void *user)
{
    struct gateway *gw = user;

    (void)fd;
    (void)what;
    record_folded(gw);
    journal_kick(gw->shared->journal); /* a net under on_kick: no line waits longer than this */
    (void)pthread_mutex_lock(&gw->view_lock);
    front_counts(gw->front, &gw->view.front);
    upstream_counts(gw->upstream, &gw->view.upstream);
    gw->view.exchanges = gw->exchange_count;
    (void)pthread_mutex_unlock(&gw->view_lock);
}

static void on_kick(evutil_socket_t fd, short what, void *user)
{
    const struct gateway *gw = user;

    (void)fd;
    (void)what;
    journal_kick(gw->shared->journal);
}

/* A worker's part of what the settings allow the whole gateway. */
static unsigned share(const struct gateway_shared *shared, int64_t all)
{
    int64_t part = all / shared->workers;

    return part < 1 ? 1 : (unsigned)part;
}

static struct front_limits front_limits_of(const struct gateway_shared *shared)
{
    const struct conf *conf = shared->conf;

    return (struct front_limits){
        .head = {.head = (size_t)conf->limits.head,
                 .uri = (size_t)conf->limits.uri,
                 .header_value = (size_t)conf->limits.header_value,
                 .headers = (unsigned)conf->limits.headers},
        .connections = share(shared, conf->limits.connections),
        .per_address = (unsigned)conf->limits.per_address,
        .addresses = shared->addresses,
        .head_timeout_ms = conf->limits.head_timeout_ms,
        .body_timeout_ms = conf->limits.body_timeout_ms,
        .idle_timeout_ms = conf->limits.idle_timeout_ms,
        .write_timeout_ms = conf->limits.write_timeout_ms,
        /* The head, the body, two indexes over it and what is made of it. */
        .arena =
            (size_t)(conf->limits.head + 8 * conf->limits.body + 256 * conf->limits.json_members) +
            (4U << 20),
    };
}

struct upstream_settings gateway_upstream_settings(const struct gateway_shared *shared)
{
    const struct conf *conf = shared->conf;

    return (struct upstream_settings){
        .head = {.head = (size_t)conf->limits.head,
                 .uri = (size_t)conf->limits.uri,
                 .header_value = (size_t)conf->limits.header_value,
                 .headers = (unsigned)conf->limits.headers},
        .connect_ms = conf->upstream.connect_ms,
        .tls_ms = conf->upstream.tls_ms,
        .send_ms = conf->upstream.send_ms,
        .first_byte_ms = conf->upstream.first_byte_ms,
        .idle_ms = conf->upstream.idle_ms,
        .total_ms = conf->upstream.total_ms,
        .keep_alive_ms = conf->upstream.keep_alive_ms,
    };
}

static bool build(struct gateway *gw, void (*wake)(void *user), void *user)
{
    const struct conf *conf = gw->shared->conf;
    const struct front_limits front = front_limits_of(gw->shared);
    struct upstream_settings upstream = gateway_upstream_settings(gw->shared);
    const struct timeval timeout = {.tv_sec = conf->journal.timeout_ms / 1000,
                                    .tv_usec = conf->journal.timeout_ms % 1000 * 1000};
    const struct timeval second = {.tv_sec = 1};

    gw->front = front_new(gw->base, &front, &exchange_handler, gw);
    upstream.max_connections = share(gw->shared, conf->upstream.max_connections);
    gw->upstream =
        upstream_new(gw->base, &upstream, gw->shared->upstream_tls, gw->shared->resolver);
    gw->tokens = identity_cache_new(IDENTITY_CACHE_ENTRIES);
    gw->mailbox = journal_mailbox_new(gw->shared->journal, wake, user);
    gw->quota_mailbox = quota_mailbox_new(gw->shared->quota, wake, user);
    if (gw->shared->iam != NULL)
        gw->iam_mailbox = iam_mailbox_new(gw->shared->iam, wake, user);
    gw->journal_timeout = event_base_init_common_timeout(gw->base, &timeout);
    if (gw->mailbox != NULL)
        journal_mailbox_lazy(gw->mailbox);
    gw->kick = event_new(gw->base, -1, 0, on_kick, gw);
    gw->snapshot = event_new(gw->base, -1, EV_PERSIST, take_snapshot, gw);
    return gw->front != NULL && gw->upstream != NULL && gw->mailbox != NULL &&
           gw->quota_mailbox != NULL && (gw->shared->iam == NULL || gw->iam_mailbox != NULL) &&
           gw->tokens != NULL && gw->journal_timeout != NULL && gw->kick != NULL &&
           gw->snapshot != NULL && event_add(gw->snapshot, &second) == 0;
}

struct gateway *gateway_new(struct event_base *base, struct gateway_shared *shared,
                            void (*wake)(void *user), void *user)
{
    struct gateway *gw = calloc(1, sizeof *gw);

    if (gw == NULL)
        return NULL;
    gw->base = base;
    gw->shared = shared;
    TAILQ_INIT(&gw->exchanges);
    metrics_init(&gw->metrics);
    (void)pthread_mutex_init(&gw->view_lock, NULL);
    if (!build(gw, wake, user))
        gateway_free(&gw);
    return gw;
}

enum status gateway_listen(struct gateway *gw, int fd, struct net_tls *tls, struct err *err)
{
    return front_listen(gw->front, fd, tls, err);
}

static void on_result(void *user, uint64_t cookie, enum status status)
{
    struct gateway *gw = user;
    struct exchange *x = LIST_FIRST(&gw->waiting[cookie % WAITING_BUCKETS]);

    while (x != NULL && x->cookie != cookie)
        x = LIST_NEXT(x, waiting);
    /* None: the wait for it has run out. */
    if (x != NULL)
        record_result(x, status);
}

void gateway_collect(struct gateway *gw)
{
    journal_collect(gw->mailbox, on_result, gw);
    quota_collect(gw->quota_mailbox, reserve_answered);
    if (gw->iam_mailbox != NULL)
        iam_collect(gw->iam_mailbox, identify_answered);
}

void gateway_drain(struct gateway *gw)
{
    front_drain(gw->front);
}

unsigned gateway_busy(const struct gateway *gw)
{
    return gw->exchange_count + front_connections(gw->front);
}

void gateway_look(struct gateway *gw, struct gateway_view *ret)
{
    (void)pthread_mutex_lock(&gw->view_lock);
    *ret = gw->view;
    (void)pthread_mutex_unlock(&gw->view_lock);
}

struct metrics *gateway_metrics(struct gateway *gw)
{
    return &gw->metrics;
}

/* The last line of an exchange that is still under way at the end of a drain: what the cloud made
 * of it will never be known here. */
static void record_stopped(struct exchange *x)
{
    bool waits_for_intent = x->step == STEP_INTENT && x->cookie != 0;

    x->outcome_error = "the gateway was stopped";
    if (x->step == STEP_STREAM && x->call != NULL) {
        x->outcome = OUTCOME_UNKNOWN;
        record_unjudged(x);
    } else if (waits_for_intent) {
        /* The line may be there already, the request never went. */
        (void)exchange_refuse(x, &gateway_reasons[GATEWAY_JOURNAL_TIMEOUT],
                              "the gateway was stopped before the record was on disk");
        x->outcome = OUTCOME_REFUSED;
        record_forget(x);
        (void)record_outcome(x);
        reserve_give_back(x);
    } else if (x->intent && x->step < STEP_REPLY && x->outcome == OUTCOME_NONE) {
        x->outcome = OUTCOME_UNKNOWN;
        (void)step_settle(x);
        (void)record_outcome(x);
    }
}

static void close_open_exchanges(struct gateway *gw)
{
    struct exchange *x, *next;

    for (x = TAILQ_FIRST(&gw->exchanges); x != NULL; x = next) {
        next = TAILQ_NEXT(x, all);
        record_stopped(x);
        x->client_gone = true;
        exchange_go(x, FLOW_END);
    }
}

void gateway_free(struct gateway **gw)
{
    struct gateway *g = *gw;

    if (g == NULL)
        return;
    *gw = NULL;
    close_open_exchanges(g);
    if (g->mailbox != NULL)
        record_folded(g);
    front_free(&g->front);
    REQUIRE(g->exchange_count == 0);
    /* The loop has ended, perhaps before its last turn was over. */
    journal_kick(g->shared->journal);
    if (g->kick != NULL)
        event_free(g->kick);
    upstream_free(&g->upstream);
    journal_mailbox_free(&g->mailbox);
    quota_mailbox_free(&g->quota_mailbox);
    iam_mailbox_free(&g->iam_mailbox);
    identity_cache_free(&g->tokens);
    if (g->snapshot != NULL)
        event_free(g->snapshot);
    metrics_done(&g->metrics);
    (void)pthread_mutex_destroy(&g->view_lock);
    free(g);
}
