/* SPDX-License-Identifier: Apache-2.0
 * Worker threads. Other threads reach a worker through a flag and its loop. */
#include "server/worker.h"

#include <stdlib.h>

#include "net/loop.h"

struct worker {
    struct net_loop loop;
    struct gateway *gateway;
    struct event *drain_check;
    _Atomic bool draining;
    void (*on_end)(void *user);
    void *user;
};

static void wake(void *user)
{
    const struct worker *worker = user;

    net_loop_wake(&worker->loop);
}

/* While draining: ends the loop once nothing is left. */
static void check_drained(evutil_socket_t fd, short what, void *user)
{
    struct worker *worker = user;

    (void)fd;
    (void)what;
    if (gateway_busy(worker->gateway) == 0)
        (void)event_base_loopbreak(worker->loop.base);
}

static void begin_drain(struct worker *worker)
{
    const struct timeval pause = {.tv_usec = 5000};

    if (event_pending(worker->drain_check, EV_TIMEOUT, NULL))
        return;
    gateway_drain(worker->gateway);
    (void)event_add(worker->drain_check, &pause);
}

static void on_woken(void *user)
{
    struct worker *worker = user;

    gateway_collect(worker->gateway);
    if (atomic_load(&worker->draining) && !net_loop_is_ending(&worker->loop))
        begin_drain(worker);
}

static void on_loop_end(void *user)
{
    const struct worker *worker = user;

    worker->on_end(worker->user);
}

static bool build(struct worker *worker, struct gateway_shared *shared)
{
    if (!net_loop_init(&worker->loop, on_woken, on_loop_end, worker))
        return false;
    worker->drain_check = event_new(worker->loop.base, -1, EV_PERSIST, check_drained, worker);
    if (worker->drain_check == NULL)
        return false;
    worker->gateway = gateway_new(worker->loop.base, shared, wake, worker);
    return worker->gateway != NULL;
}

struct worker *worker_new(struct gateway_shared *shared, void (*on_end)(void *user), void *user)
{
    struct worker *worker = calloc(1, sizeof *worker);

    if (worker == NULL)
        return NULL;
    worker->on_end = on_end;
    worker->user = user;
    if (!build(worker, shared))
        worker_free(&worker);
    return worker;
}

enum status worker_listen(struct worker *worker, int fd, struct net_tls *tls, struct err *err)
{
    return gateway_listen(worker->gateway, fd, tls, err);
}

enum status worker_start(struct worker *worker, struct err *err)
{
    return net_loop_start(&worker->loop, "worker", err);
}

void worker_drain(struct worker *worker)
{
    atomic_store(&worker->draining, true);
    wake(worker);
}

void worker_stop(struct worker *worker)
{
    net_loop_end(&worker->loop);
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
    net_loop_stop(&w->loop);
    gateway_free(&w->gateway);
    if (w->drain_check != NULL)
        event_free(w->drain_check);
    net_loop_done(&w->loop);
    free(w);
}
