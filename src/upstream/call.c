/* SPDX-License-Identifier: Apache-2.0
 * A call from its start to its end: what it waits for and how long, and what becomes of it when
 * the connection breaks. Whether a request may be sent again is decided here and nowhere else. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/require.h"
#include "upstream/inner.h"

/* ---- deadlines ---- */

static int64_t due(int64_t from_us, int64_t ms)
{
    return ms > 0 ? from_us + ms * 1000 : 0;
}

static int64_t sooner(int64_t a_us, int64_t b_us)
{
    if (a_us == 0 || b_us == 0)
        return a_us + b_us;
    return a_us < b_us ? a_us : b_us;
}

/* As with connections: the timer is only ever moved forward, a late deadline re-arms it when it
 * fires. */
static void arm_timer(struct upstream_call *call, int64_t now_us)
{
    const int64_t due_us = sooner(call->phase_due_us, call->total_due_us);
    const int64_t left_us = due_us > now_us ? due_us - now_us : 1;
    const struct timeval left = {.tv_sec = left_us / 1000000, .tv_usec = left_us % 1000000};

    if (due_us == 0 || (call->timer_us != 0 && call->timer_us <= due_us))
        return;
    call->timer_us = due_us;
    REQUIRE(evtimer_add(&call->timer, &left) == 0);
}

/* When an attempt must have connected: what is left of connect_ms is shared by the addresses that
 * are left, so that a dead one leaves time for the next. */
static int64_t connect_due(const struct upstream_call *call, int64_t now_us)
{
    const struct upstream_settings *const settings = &call->upstream->settings;
    const int64_t end_us = call->started_us + settings->connect_ms * 1000;
    struct resolver_addresses addresses;
    int64_t share_us;

    resolver_get(call->upstream->resolver, &addresses);
    if (call->attempts >= addresses.count)
        return end_us;
    share_us = (end_us - now_us) / (addresses.count - call->attempts + 1);
    if (share_us < (int64_t)ATTEMPT_MIN_MS * 1000)
        share_us = (int64_t)ATTEMPT_MIN_MS * 1000;
    return sooner(now_us + share_us, end_us);
}

static int64_t phase_due(const struct upstream_call *call, enum phase phase, int64_t now_us)
{
    const struct upstream_settings *const settings = &call->upstream->settings;

    switch (phase) {
    case PHASE_WAITING:
        return due(call->started_us, settings->connect_ms);
    case PHASE_CONNECTING:
        return connect_due(call, now_us);
    case PHASE_SHAKING:
        return due(now_us, settings->tls_ms);
    case PHASE_SENDING:
        return due(now_us, settings->send_ms);
    case PHASE_AWAITING:
        return due(now_us, settings->first_byte_ms);
    case PHASE_ANSWERING:
        return due(now_us, settings->idle_ms);
    case PHASE_STREAMING:
    case PHASE_PAUSED:
    case PHASE_FAILED:
    case PHASE_ENDED:
        return 0;
    }
    return 0;
}

int64_t call_clock_again(struct upstream_call *call)
{
    const int64_t now_us = clock_monotonic_us();

    if (call->depth > 0)
        call->now_us = now_us;
    return now_us;
}

int64_t call_clock(struct upstream_call *call)
{
    return call->now_us != 0 ? call->now_us : call_clock_again(call);
}

void call_set_phase(struct upstream_call *call, enum phase phase)
{
    const int64_t now_us = call_clock(call);

    call->phase = phase;
    call->phase_due_us = phase_due(call, phase, now_us);
    arm_timer(call, now_us);
}

static void phase_passed(struct upstream_call *call)
{
    switch (call->phase) {
    case PHASE_WAITING:
        call_fail(call, UPSTREAM_CONNECT, "no connection became free in time");
        break;
    case PHASE_CONNECTING:
        link_attempt_failed(call, UPSTREAM_CONNECT, "connecting took too long");
        break;
    case PHASE_SHAKING:
        link_attempt_failed(call, UPSTREAM_TLS, "the TLS handshake took too long");
        break;
    case PHASE_SENDING:
        call_fail(call, UPSTREAM_SEND, "sending took too long");
        break;
    case PHASE_AWAITING:
        if (call->send_failed)
            call_fail(call, UPSTREAM_SEND, call->detail);
        else
            call_fail(call, UPSTREAM_TIMEOUT, "no answer began in time");
        break;
    case PHASE_ANSWERING:
        call_fail(call, UPSTREAM_TIMEOUT, "the answer stalled");
        break;
    case PHASE_STREAMING:
    case PHASE_PAUSED:
    case PHASE_FAILED:
    case PHASE_ENDED:
        break;
    }
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct upstream_call *const call = arg;
    const int64_t now_us = clock_monotonic_us();

    (void)fd;
    (void)what;
    call->timer_us = 0;
    call_enter(call);
    if (call->total_due_us != 0 && now_us >= call->total_due_us)
        call_fail(call, UPSTREAM_TIMEOUT, "no whole answer within the total time");
    else if (call->phase_due_us != 0 && now_us >= call->phase_due_us)
        phase_passed(call);
    else
        arm_timer(call, now_us);
    call_leave(call);
}

/* ---- life ---- */

static void free_call(struct upstream_call *call)
{
    arena_done(&call->arena);
    free(call);
}

void call_free_spare(struct upstream *upstream)
{
    struct upstream_call *call;

    while ((call = upstream->spare) != NULL) {
        upstream->spare = call->next;
        free_call(call);
    }
    upstream->spare_count = 0;
}

/* Kept for the next one, so that a call usually costs no allocation. */
static void let_go(struct upstream_call *call)
{
    struct upstream *const up = call->upstream;

    answer_forget(call);
    buf_done(&call->queue);
    buf_done(&call->partial);
    buf_done(&call->rest);
    if (up->spare_count >= SPARE_CALLS) {
        free_call(call);
        return;
    }
    arena_reset(&call->arena);
    if (call->arena.used_bytes > SPARE_ARENA_BYTES)
        arena_done(&call->arena);
    call->next = up->spare;
    up->spare = call;
    up->spare_count++;
}

void call_enter(struct upstream_call *call)
{
    call->depth++;
}

void call_leave(struct upstream_call *call)
{
    if (--call->depth > 0)
        return;
    call->now_us = 0;
    if (call->phase == PHASE_ENDED)
        let_go(call);
}

bool call_is_over(const struct upstream_call *call)
{
    return call->phase == PHASE_FAILED || call->phase == PHASE_ENDED;
}

static void stop_clock(struct upstream_call *call)
{
    call->phase_due_us = 0;
    call->total_due_us = 0;
    call->timer_us = 0;
    (void)event_del(&call->timer);
}

void call_end(struct upstream_call *call)
{
    stop_clock(call);
    (void)event_del(&call->soon);
    call->phase = PHASE_ENDED;
    call->upstream->calls--;
}

/* Off the pool's books, whatever it waited for. */
static void detach(struct upstream_call *call)
{
    if (call->phase == PHASE_WAITING)
        pool_forget_waiting(call);
    if (call->link != NULL)
        pool_drop(call->link);
}

void call_fail(struct upstream_call *call, enum upstream_failure failure, const char *detail)
{
    if (call_is_over(call))
        return;
    detach(call);
    call->failure = failure;
    if (detail != call->detail)
        (void)snprintf(call->detail, sizeof call->detail, "%s", detail);
    stop_clock(call);
    call->phase = PHASE_FAILED;
    event_active(&call->soon, EV_TIMEOUT, 0);
    pool_pump(call->upstream);
}

/* Promise 3: a judged request (fresh) is never sent again once a byte of it may have gone. Others
 * once, if the request may be repeated, the connection was an old one that the cloud may just have
 * been closing, and nothing of an answer came (RFC 9110 9.2.2, RFC 9112 9.3.1). */
static bool may_retry(const struct upstream_call *call, bool reused)
{
    const struct upstream_order *order = &call->order;
    bool repeatable = order->idempotent && !order->fresh && !order->streams;

    return repeatable && reused && !call->got_answer && !call->retried;
}

void call_broke(struct upstream_call *call, enum upstream_failure failure, const char *detail)
{
    if (!may_retry(call, call->link->answered_us != 0)) {
        call_fail(call, failure, detail);
        return;
    }
    pool_drop(call->link);
    answer_reset(call);
    call->retried = true;
    call->force_new = true;
    call->offset = 0;
    call->send_failed = false;
    call->attempts = 0;
    call->started_us = call_clock(call); /* of the time to connect; the total runs on */
    call->upstream->counts.retries++;
    link_connect(call); /* into the place that has just become free */
}

static void on_soon(evutil_socket_t fd, short what, void *arg)
{
    struct upstream_call *const call = arg;
    const struct upstream_handler *const handler = call->handler;

    (void)fd;
    (void)what;
    call_enter(call);
    if (call->phase == PHASE_FAILED) {
        call_end(call);
        handler->on_failed(call->user, call->failure, call->sent, call->detail);
    } else if (!call_is_over(call) && !call->paused) {
        answer_resume(call);
    }
    call_leave(call);
}

/* ---- public face ---- */

/* A spare one, or a new one; all zero but for its arena. */
static struct upstream_call *make_call(struct upstream *upstream)
{
    const struct http1_limits *const limits = &upstream->settings.head;
    /* The head, its fields, and what rounding costs. */
    const size_t most =
        2 * limits->head + (size_t)limits->headers * 2 * sizeof(struct http1_field) + 16384;
    struct upstream_call *call = upstream->spare;

    if (call != NULL) {
        struct arena arena = call->arena;

        upstream->spare = call->next;
        upstream->spare_count--;
        *call = (struct upstream_call){.upstream = upstream, .arena = arena};
        return call;
    }
    call = calloc(1, sizeof *call); /* heap: ends when it ends */
    if (call == NULL)
        return NULL;
    call->upstream = upstream;
    arena_init(&call->arena, ARENA_BLOCK_BYTES, most);
    return call;
}

static void set_up_buffers(struct upstream_call *call)
{
    const struct http1_limits *const limits = &call->upstream->settings.head;

    buf_init(&call->queue, QUEUE_MAX_BYTES);
    buf_init(&call->partial, limits->head);
    buf_init(&call->rest, SCRATCH_BYTES);
}

struct upstream_call *upstream_start(struct upstream *upstream, const struct upstream_order *order,
                                     const struct upstream_handler *handler, void *user)
{
    struct upstream_call *const call = make_call(upstream);

    if (call == NULL)
        return NULL;
    if (event_assign(&call->timer, upstream->base, -1, 0, on_timer, call) != 0 ||
        event_assign(&call->soon, upstream->base, -1, 0, on_soon, call) != 0) {
        free_call(call);
        return NULL;
    }
    call->depth = 1;
    call->order = *order;
    call->handler = handler;
    call->user = user;
    call->last_queued = !order->streams;
    call->started_us = call_clock(call);
    call->total_due_us = order->urgent ? due(call->started_us, upstream->settings.total_ms) : 0;
    call->phase = PHASE_CONNECTING;
    set_up_buffers(call);
    upstream->calls++;
    pool_admit(call);
    call->depth = 0; /* not over: callbacks come from the loop */
    call->now_us = 0;
    return call;
}

bool upstream_send(struct upstream_call *call, struct view data, bool last)
{
    REQUIRE(call->order.streams && !call->last_queued);
    call->last_queued = last;
    if (call_is_over(call) || call->send_failed)
        return true; /* nobody wants it any more; on_failed or an early answer is coming */
    buf_add(&call->queue, data);
    if (call->queue.failed != STATUS_OK) {
        call_fail(call, UPSTREAM_SEND, "too much of the request's body was queued");
        return true;
    }
    if (call->link != NULL && net_is_ready(call->link->conn))
        (void)link_flush(call);
    call->drain_wanted = !call_is_over(call) && call->queue.len > QUEUE_HIGH_BYTES;
    return !call->drain_wanted;
}

bool upstream_is_sent(const struct upstream_call *call)
{
    return link_request_done(call);
}

void upstream_pause(struct upstream_call *call, bool paused)
{
    if (call->paused == paused || call_is_over(call))
        return;
    call->paused = paused;
    if (paused && call->phase == PHASE_ANSWERING)
        call_set_phase(call, PHASE_PAUSED);
    if (call->link == NULL || !net_is_ready(call->link->conn))
        return;
    if (paused)
        net_watch_read(call->link->conn, false);
    else
        event_active(&call->soon, EV_TIMEOUT, 0);
}

void upstream_cancel(struct upstream_call *call)
{
    struct upstream *const up = call->upstream;

    call_enter(call);
    detach(call);
    call_end(call);
    call_leave(call);
    pool_pump(up);
}
