/* SPDX-License-Identifier: Apache-2.0
 * A front as a whole: made, listening, draining, ended. */
#include "front/front.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/require.h"
#include "front/inner.h"

struct front *front_new(struct event_base *base, const struct front_limits *limits,
                        const struct front_handler *handler, void *owner)
{
    struct front *front = calloc(1, sizeof *front); /* lives as long as its owner wants */

    if (front == NULL)
        return NULL;
    front->own_addresses = limits->addresses == NULL;
    front->addresses = front->own_addresses ? front_addresses_new() : limits->addresses;
    if (front->addresses == NULL ||
        event_assign(&front->soon, base, -1, 0, conn_run_scheduled, front) != 0) {
        if (front->own_addresses)
            front_addresses_free(&front->addresses);
        free(front);
        return NULL;
    }
    front->base = base;
    front->limits = *limits;
    front->handler = handler;
    front->owner = owner;
    front->input_max = limits->head.head > FRONT_READ_BYTES ? limits->head.head : FRONT_READ_BYTES;
    front->date_s = -1;
    buf_init(&front->head, FRONT_HEAD_BYTES);
    TAILQ_INIT(&front->conns);
    TAILQ_INIT(&front->scheduled);
    return front;
}

static void on_accept(void *user, int fd)
{
    conn_accept(user, fd);
}

enum status front_listen(struct front *front, int fd, struct net_tls *tls, struct err *err)
{
    struct listener *listener = calloc(1, sizeof *listener);

    if (listener == NULL) {
        (void)close(fd);
        return err_set(err, STATUS_NOMEM, "listening: out of memory");
    }
    listener->front = front;
    listener->tls = tls;
    listener->acceptor = net_acceptor_new(front->base, fd, on_accept, listener);
    if (listener->acceptor == NULL) {
        free(listener);
        return err_set(err, STATUS_NOMEM, "listening: out of memory");
    }
    net_acceptor_pause(listener->acceptor, front->accepting_paused);
    SLIST_INSERT_HEAD(&front->listeners, listener, next);
    return STATUS_OK;
}

static void stop_accepting(struct front *front)
{
    struct listener *listener;

    while ((listener = SLIST_FIRST(&front->listeners)) != NULL) {
        SLIST_REMOVE_HEAD(&front->listeners, next);
        net_acceptor_free(&listener->acceptor);
        free(listener);
    }
}

void front_drain(struct front *front)
{
    struct conn *c;

    front->draining = true;
    stop_accepting(front);
    for (c = TAILQ_FIRST(&front->conns); c != NULL; c = TAILQ_NEXT(c, all))
        conn_schedule(c);
}

unsigned front_connections(const struct front *front)
{
    return front->counts.connections;
}

void front_counts(const struct front *front, struct front_counts *ret)
{
    *ret = front->counts;
}

void front_free(struct front **front)
{
    struct front *f = front == NULL ? NULL : *front;
    struct conn *c;

    if (f == NULL)
        return;
    *front = NULL;
    stop_accepting(f);
    while ((c = TAILQ_FIRST(&f->conns)) != NULL) {
        REQUIRE(!c->running);
        conn_end(c);
    }
    if (f->own_addresses)
        front_addresses_free(&f->addresses);
    (void)event_del(&f->soon);
    exchange_free_spare(f);
    buf_done(&f->head);
    f->freed = true;
    /* The last exchange takes the rest along (front_finish). */
    if (f->live == 0)
        free(f);
}
