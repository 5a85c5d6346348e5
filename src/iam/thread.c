/* SPDX-License-Identifier: Apache-2.0
 * The thread, and what it does when it is woken. */
#include "iam/inner.h"

enum { KEEP_ALIVE_MS = 60000 };

static struct flight *next_fresh(struct iam *iam)
{
    struct flight *flight;

    (void)pthread_mutex_lock(&iam->lock);
    flight = TAILQ_FIRST(&iam->fresh);
    if (flight != NULL)
        TAILQ_REMOVE(&iam->fresh, flight, next);
    (void)pthread_mutex_unlock(&iam->lock);
    return flight;
}

static void on_woken(void *user)
{
    struct iam *const iam = user;
    struct flight *flight;

    if (net_loop_is_ending(&iam->loop))
        return;
    while ((flight = next_fresh(iam)) != NULL) {
        TAILQ_INSERT_TAIL(&iam->flying, flight, next);
        lookup_start(flight);
    }
}

/* Answers may carry the token in a field, as requests do. Each step may take as long as all of
 * them: the flight has a deadline of its own. */
static struct upstream_settings upstream_settings_of(const struct iam_settings *settings)
{
    const int64_t ms = settings->timeout_ms;

    return (struct upstream_settings){
        .head = {.head = (size_t)2 * TOKEN_BYTES_MAX,
                 .uri = 1024,
                 .header_value = TOKEN_BYTES_MAX,
                 .headers = 128},
        .connect_ms = ms,
        .tls_ms = ms,
        .send_ms = ms,
        .first_byte_ms = ms,
        .idle_ms = ms,
        .total_ms = ms,
        .keep_alive_ms = KEEP_ALIVE_MS,
        .secret = true,
        .max_connections = settings->connections,
    };
}

static bool build(struct iam *iam, struct net_tls *tls, struct resolver *resolver)
{
    const struct upstream_settings settings = upstream_settings_of(&iam->settings);

    if (!net_loop_init(&iam->loop, on_woken, NULL, iam))
        return false;
    iam->upstream = upstream_new(iam->loop.base, &settings, tls, resolver);
    return iam->upstream != NULL;
}

enum status thread_start(struct iam *iam, struct net_tls *tls, struct resolver *resolver,
                         struct err *err)
{
    if (!build(iam, tls, resolver))
        return err_set(err, STATUS_IO, "iam: the event loop can't be made");
    return net_loop_start(&iam->loop, "iam", err);
}

static void drop_flights(struct iam *iam)
{
    struct flight *flight;

    while ((flight = next_fresh(iam)) != NULL)
        TAILQ_INSERT_TAIL(&iam->flying, flight, next);
    /* The last first: those that wait for a connection must not get one now. */
    while ((flight = TAILQ_LAST(&iam->flying, flights)) != NULL)
        lookup_drop(flight);
}

void thread_stop(struct iam *iam)
{
    net_loop_stop(&iam->loop);
    drop_flights(iam);
    upstream_free(&iam->upstream);
    net_loop_done(&iam->loop);
}
