/* SPDX-License-Identifier: Apache-2.0
 * Exchanges: taken from a list of spare ones, so that a request usually costs no allocation; they
 * outlive their connection until the handler is through with them. */
#include <stdlib.h>

#include "base/require.h"
#include "front/inner.h"

struct front_exchange *exchange_new(struct conn *c)
{
    struct front *front = c->front;
    struct front_exchange *x = SLIST_FIRST(&front->spare);
    size_t block = FRONT_BLOCK_BYTES;

    if (x != NULL) {
        struct arena arena = x->arena;

        SLIST_REMOVE_HEAD(&front->spare, next_spare);
        front->spare_count--;
        *x = (struct front_exchange){.arena = arena};
    } else {
        x = calloc(1, sizeof *x);
        if (x == NULL)
            return NULL;
        if (block > front->limits.arena / 2)
            block = front->limits.arena / 2;
        arena_init(&x->arena, block, front->limits.arena);
    }
    x->front = front;
    x->conn = c;
    x->started_us = c->head_began_us;
    (void)memccpy(x->client, net_peer(c->net), '\0', sizeof x->client - 1); /* zero before */
    front->live++;
    c->current = x;
    c->phase = PHASE_EXCHANGE;
    return x;
}

void exchange_detach(struct front_exchange *x)
{
    x->conn->current = NULL;
    x->conn = NULL;
}

void exchange_tell_end(struct front_exchange *x, bool sent)
{
    /* Who never said whose it is can't be told, and couldn't finish it either. */
    if (x->user == NULL)
        front_finish(x);
    else if (sent)
        x->front->handler->on_sent(x->user);
    else
        x->front->handler->on_gone(x->user);
}

static void free_exchange(struct front_exchange *x)
{
    arena_done(&x->arena);
    free(x);
}

void exchange_free_spare(struct front *front)
{
    struct front_exchange *x;

    while ((x = SLIST_FIRST(&front->spare)) != NULL) {
        SLIST_REMOVE_HEAD(&front->spare, next_spare);
        free_exchange(x);
    }
    front->spare_count = 0;
}

void front_finish(struct front_exchange *x)
{
    struct front *front = x->front;

    if (x->conn != NULL) {
        /* Given up in the middle: the client must not wait for the rest. */
        conn_fail(x->conn, x->begun);
        exchange_detach(x);
    }
    buf_done(&x->body);
    REQUIRE(front->live > 0);
    front->live--;
    if (front->freed || front->spare_count >= FRONT_SPARE_EXCHANGES) {
        free_exchange(x);
    } else {
        arena_reset(&x->arena);
        /* A block that a large head took isn't kept for those that have none. */
        if (x->arena.used_bytes > FRONT_SPARE_BYTES)
            arena_done(&x->arena);
        SLIST_INSERT_HEAD(&front->spare, x, next_spare);
        front->spare_count++;
    }
    if (front->freed && front->live == 0)
        free(front);
}

void front_set_user(struct front_exchange *x, void *user)
{
    x->user = user;
}

void *front_user(const struct front_exchange *x)
{
    return x->user;
}

const struct http1_request *front_request(const struct front_exchange *x)
{
    return x->has_request ? &x->request : NULL;
}

struct arena *front_arena(struct front_exchange *x)
{
    return &x->arena;
}

const char *front_client(const struct front_exchange *x)
{
    return x->client;
}

const struct peer *front_peer(const struct front_exchange *x)
{
    return x->conn == NULL || x->conn->net == NULL ? NULL : net_peer_certificate(x->conn->net);
}

int64_t front_started_us(const struct front_exchange *x)
{
    return x->started_us;
}

static void restart_body_clock(struct front_exchange *x)
{
    x->body_due_us = conn_clock(x->conn) + x->front->limits.body_timeout_ms * 1000;
}

static void send_continue(struct conn *c)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    struct iovec part = {.iov_len = sizeof text - 1};
    const char *from = text;

    /* iovec knows no const; nobody writes to it. */
    memcpy(&part.iov_base, &from, sizeof from);
    output_put(c, &part, 1, false);
}

void front_read_body(struct front_exchange *x, enum front_body how, uint64_t max)
{
    REQUIRE(!x->body_asked && x->has_request);
    x->body_asked = true;
    x->how = how;
    x->body_max = max;
    if (x->conn == NULL)
        return;
    buf_init(&x->body, max < SIZE_MAX / 2 ? (size_t)max : SIZE_MAX / 2);
    restart_body_clock(x);
    conn_schedule(x->conn);
    if (x->request.framing == HTTP1_LENGTH && x->request.length > max) {
        input_fault_of(x, HTTP1_FAULT_BODY_TOO_LARGE, "The body is larger than is allowed.");
        return;
    }
    if (x->request.expect_continue && !http1_body_complete(&x->framing) && x->conn->rest.len == 0)
        send_continue(x->conn);
}

void front_pause(struct front_exchange *x, bool paused)
{
    if (x->paused == paused)
        return;
    x->paused = paused;
    if (x->conn == NULL)
        return;
    restart_body_clock(x);
    conn_schedule(x->conn);
}
