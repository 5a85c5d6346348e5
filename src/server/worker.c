/* SPDX-License-Identifier: Apache-2.0
 * Worker threads. Other threads reach a worker through three flags and an eventfd; its base has no
 * locks. */
#include "server/worker.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct worker {
    struct event_base *base;
    struct gateway *gateway;
    struct event *woken, *drain_check;
    int wake_fd;
    _Atomic bool draining, stopping;
    bool started;
    pthread_t thread;
    void (*on_end)(void *user);
    void *user;
};

static void wake(void *user)
{
    const struct worker *worker = user;
    const uint64_t one = 1;
    ssize_t written = write(worker->wake_fd, &one, sizeof one);

    /* Only a counter at its maximum refuses, and then the worker is awake anyway. */
    (void)written;
}

/* While draining: ends the loop once nothing is left. */
static void check_drained(evutil_socket_t fd, short what, void *user)
{
    struct worker *worker = user;

    (void)fd;
    (void)what;
    if (gateway_busy(worker->gateway) == 0)
        (void)event_base_loopbreak(worker->base);
}

static void begin_drain(struct worker *worker)
{
    const struct timeval pause = {.tv_usec = 5000};

    if (event_pending(worker->drain_check, EV_TIMEOUT, NULL))
        return;
    gateway_drain(worker->gateway);
    (void)event_add(worker->drain_check, &pause);
}

static void on_woken(evutil_socket_t fd, short what, void *user)
{
    struct worker *worker = user;
    uint64_t count;
    ssize_t got = read(fd, &count, sizeof count);

    (void)got;
    (void)what;
    gateway_collect(worker->gateway);
    if (atomic_load(&worker->stopping)) {
        (void)event_base_loopbreak(worker->base);
        return;
    }
    if (atomic_load(&worker->draining))
        begin_drain(worker);
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

static bool build(struct worker *worker, struct gateway_shared *shared)
{
    worker->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    worker->base = new_base();
    if (worker->wake_fd < 0 || worker->base == NULL)
        return false;
    worker->woken =
        event_new(worker->base, worker->wake_fd, EV_READ | EV_PERSIST, on_woken, worker);
    worker->drain_check = event_new(worker->base, -1, EV_PERSIST, check_drained, worker);
    if (worker->woken == NULL || worker->drain_check == NULL || event_add(worker->woken, NULL) != 0)
        return false;
    worker->gateway = gateway_new(worker->base, shared, wake, worker);
    return worker->gateway != NULL;
}

struct worker *worker_new(struct gateway_shared *shared, void (*on_end)(void *user), void *user)
{
    struct worker *worker = calloc(1, sizeof *worker);

    if (worker == NULL)
        return NULL;
    worker->on_end = on_end;
    worker->user = user;
    worker->wake_fd = -1;
    if (!build(worker, shared))
        worker_free(&worker);
    return worker;
}

enum status worker_listen(struct worker *worker, int fd, struct net_tls *tls, struct err *err)
{
    return gateway_listen(worker->gateway, fd, tls, err);
}

static void *run(void *user)
{
    struct worker *worker = user;

    (void)event_base_dispatch(worker->base);
    worker->on_end(worker->user);
    return NULL;
}

enum status worker_start(struct worker *worker, struct err *err)
{
    int failed = pthread_create(&worker->thread, NULL, run, worker);

    if (failed != 0)
        return err_set_errno(err, failed, "worker thread");
    worker->started = true;
    return STATUS_OK;
}

void worker_drain(struct worker *worker)
{
    atomic_store(&worker->draining, true);
    wake(worker);
}

void worker_stop(struct worker *worker)
{
    atomic_store(&worker->stopping, true);
    wake(worker);
}

struct gateway *worker_gateway(struct worker *worker)
{
    return worker->gateway;
}

void worker_free(struct worker **worker)
{
    struct worker *w = *worker;

    if (w == NULL)
        return;
    *worker = NULL;
    if (w->started)
        (void)pthread_join(w->thread, NULL);
    gateway_free(&w->gateway);
    if (w->woken != NULL)
        event_free(w->woken);
    if (w->drain_check != NULL)
        event_free(w->drain_check);
    if (w->base != NULL)
        event_base_free(w->base);
    if (w->wake_fd >= 0)
        (void)close(w->wake_fd);
    free(w);
}
