/* SPDX-License-Identifier: Apache-2.0
 * The thread: an event loop without locks, which others reach through an eventfd. */
#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "iam/inner.h"

enum { KEEP_ALIVE_MS = 60000 };

void thread_wake(const struct iam *iam)
{
    const uint64_t one = 1;
    ssize_t written = write(iam->wake_fd, &one, sizeof one);

    /* Only a counter at its maximum refuses, and then the thread is awake anyway. */
    (void)written;
}

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

static void on_woken(evutil_socket_t fd, short what, void *user)
{
    struct iam *const iam = user;
    struct flight *flight;
    uint64_t count;
    ssize_t got = read(fd, &count, sizeof count);

    (void)got;
    (void)what;
    if (atomic_load(&iam->stopping)) {
        (void)event_base_loopbreak(iam->base);
        return;
    }
    while ((flight = next_fresh(iam)) != NULL) {
        TAILQ_INSERT_TAIL(&iam->flying, flight, next);
        lookup_start(flight);
    }
}

static struct event_base *new_base(void)
{
    struct event_config *config = event_config_new();
    struct event_base *base = NULL;

    if (config == NULL)
        return NULL;
    if (event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK) == 0)
        base = event_base_new_with_config(config);
    event_config_free(config);
    return base;
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

    iam->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    iam->base = new_base();
    if (iam->wake_fd < 0 || iam->base == NULL)
        return false;
    iam->woken = event_new(iam->base, iam->wake_fd, EV_READ | EV_PERSIST, on_woken, iam);
    iam->upstream = upstream_new(iam->base, &settings, tls, resolver);
    return iam->woken != NULL && iam->upstream != NULL && event_add(iam->woken, NULL) == 0;
}

static void *run(void *user)
{
    struct iam *const iam = user;

    (void)event_base_dispatch(iam->base);
    return NULL;
}

enum status thread_start(struct iam *iam, struct net_tls *tls, struct resolver *resolver,
                         struct err *err)
{
    int failed;

    if (!build(iam, tls, resolver))
        return err_set(err, STATUS_IO, "iam: the event loop can't be made");
    failed = pthread_create(&iam->thread, NULL, run, iam);
    if (failed != 0)
        return err_set_errno(err, failed, "iam: thread");
    iam->started = true;
    return STATUS_OK;
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
    if (iam->started) {
        atomic_store(&iam->stopping, true);
        thread_wake(iam);
        (void)pthread_join(iam->thread, NULL);
    }
    drop_flights(iam);
    upstream_free(&iam->upstream);
    if (iam->woken != NULL)
        event_free(iam->woken);
    if (iam->base != NULL)
        event_base_free(iam->base);
    if (iam->wake_fd >= 0)
        (void)close(iam->wake_fd);
}
