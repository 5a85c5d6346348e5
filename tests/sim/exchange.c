/* SPDX-License-Identifier: Apache-2.0
 * Requests that evhttp has read: record them, let the service answer, and send the answer, either
 * through evhttp or, where a fault is wanted that evhttp cannot express, by hand. */
#include "exchange.h"

#include <stdlib.h>

#include "cloud.h"
#include "fault.h"
#include "misbehave.h"
#include "record.h"
#include "sim.h"

void exchange_end(struct exchange *exchange)
{
    if (exchange->held)
        TAILQ_REMOVE(&exchange->sim->held, exchange, next);
    if (exchange->timer != NULL)
        event_free(exchange->timer);
    if (exchange->bytes != NULL)
        evbuffer_free(exchange->bytes);
    fault_free(exchange->fault);
    answer_done(&exchange->answer);
    exchange->conn->exchange = NULL;
    exchange->conn->request = NULL;
    free(exchange);
}

/* evhttp is freeing the connection: by its own decision, by ours, or because the peer is gone. */
static void on_connection_end(struct evhttp_connection *evcon, void *arg)
{
    struct conn *conn = arg;
    struct evhttp_request *request = conn->request;
    (void)evcon;
    if (conn->exchange != NULL)
        exchange_end(conn->exchange);
    /* On a failed connection evhttp leaves the unanswered request to us. */
    if (request != NULL && evhttp_request_get_connection(request) == NULL)
        evhttp_request_free(request);
    wire_drop(conn);
}

void exchange_send(struct exchange *exchange)
{
    struct evhttp_request *request = exchange->request;
    struct evkeyvalq *out = evhttp_request_get_output_headers(request);
    struct answer *answer = &exchange->answer;
    struct evkeyval *header;
    bool head_only = evhttp_request_get_command(request) == EVHTTP_REQ_HEAD;
    char length[24];
    for (header = TAILQ_FIRST(&answer->headers); header != NULL; header = TAILQ_NEXT(header, next))
        evhttp_add_header(out, header->key, header->value);
    if (head_only) {
        evutil_snprintf(length, sizeof length, "%zu", evbuffer_get_length(answer->body));
        evhttp_add_header(out, "Content-Length", length);
    }
    evhttp_send_reply(request, answer->status, answer->reason, head_only ? NULL : answer->body);
    exchange_end(exchange);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    exchange_send(arg);
}

void exchange_hold(struct exchange *exchange, long ms)
{
    const struct timeval wait = {ms / 1000, ms % 1000 * 1000};
    TAILQ_INSERT_TAIL(&exchange->sim->held, exchange, next);
    exchange->held = true;
    if (ms <= 0)
        return;
    exchange->timer = evtimer_new(exchange->sim->base, on_timer, exchange);
    if (exchange->timer != NULL)
        evtimer_add(exchange->timer, &wait);
}

unsigned exchange_release(struct sim *sim, unsigned count)
{
    unsigned released = 0;
    while (released < count && !TAILQ_EMPTY(&sim->held)) {
        exchange_send(TAILQ_FIRST(&sim->held));
        released++;
    }
    return released;
}

unsigned exchange_held(const struct sim *sim)
{
    const struct exchange *exchange;
    unsigned count = 0;
    for (exchange = TAILQ_FIRST(&sim->held); exchange != NULL;
         exchange = TAILQ_NEXT(exchange, next))
        count++;
    return count;
}

static void on_raw_flushed(struct bufferevent *bev, void *arg)
{
    struct conn *conn = arg;
    struct exchange *exchange = conn->exchange;
    size_t left = evbuffer_get_length(exchange->bytes);
    if (left > 0) {
        evbuffer_remove_buffer(exchange->bytes, bufferevent_get_output(bev),
                               exchange->drip ? 1 : left);
        return;
    }
    if (exchange->ending == END_KEEP)
        return;
    if (exchange->ending == END_RESET)
        wire_reset(bev);
    if (exchange->ending == END_CLOSE)
        wire_notify(bev);
    wire_end(conn);
}

static void start_raw(struct conn *conn)
{
    wire_take(conn, on_raw_flushed);
    on_raw_flushed(conn->bev, conn);
}

void exchange_write_raw(struct exchange *exchange)
{
    if (exchange->bytes == NULL)
        exchange->bytes = evbuffer_new();
    wire_later(exchange->conn, start_raw);
}

static struct exchange *exchange_new(struct conn *conn, struct evhttp_request *request)
{
    struct exchange *exchange = calloc(1, sizeof *exchange);
    if (exchange == NULL)
        return NULL;
    exchange->sim = conn->sim;
    exchange->conn = conn;
    exchange->request = request;
    answer_init(&exchange->answer);
    conn->exchange = exchange;
    return exchange;
}

/* True: the answer is streamed. */
static bool serve(struct exchange *exchange)
{
    if (!exchange->conn->iam)
        return cloud_serve(exchange);
    iam_serve(exchange);
    return false;
}

void exchange_start(struct evhttp_request *request, void *arg)
{
    struct sim *sim = arg;
    struct evhttp_connection *evcon = evhttp_request_get_connection(request);
    struct conn *conn = wire_find(sim, evhttp_connection_get_bufferevent(evcon));
    struct exchange *exchange;
    if (conn == NULL) {
        evhttp_send_error(request, 500, NULL);
        return;
    }
    if (conn->evcon == NULL) {
        conn->evcon = evcon;
        evhttp_connection_set_closecb(evcon, on_connection_end, conn);
    }
    conn->request = request;
    if (conn->claimed) /* an early fault ends this connection */
        return;
    record_request(conn, request);
    exchange = exchange_new(conn, request);
    if (exchange == NULL)
        return;
    exchange->fault = fault_on_request(sim, request);
    if ((exchange->fault == NULL || exchange->fault->execute) && serve(exchange))
        return; /* streamed */
    if (exchange->fault == NULL)
        exchange_send(exchange);
    else
        misbehave(exchange);
}
