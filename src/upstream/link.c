/* SPDX-License-Identifier: Apache-2.0
 * One connection to the cloud: connecting through the list of addresses, sending a request, and
 * what the network tells meanwhile. */
#include <stdlib.h>

#include "base/clock.h"
#include "upstream/inner.h"

/* ---- connecting ---- */

static const struct net_handler link_handler;

static struct link *link_new(struct upstream_call *call, const struct sockaddr_storage *address,
                             struct err *err)
{
    struct upstream *const up = call->upstream;
    struct link *const link = calloc(1, sizeof *link); /* heap: outlives its calls */

    if (link == NULL) {
        (void)err_set(err, STATUS_NOMEM, "out of memory");
        return NULL;
    }
    link->upstream = up;
    link->generation = pool_generation(up); /* before the settings are used */
    link->conn = net_connect(up->base, address, up->tls, &link_handler, link, err);
    if (link->conn == NULL) {
        free(link);
        return NULL;
    }
    pool_bind(link, call);
    up->counts.open++;
    return link;
}

void link_connect(struct upstream_call *call)
{
    struct upstream *const up = call->upstream;
    struct resolver_addresses list;
    struct err err = {.status = STATUS_OK};
    unsigned at;

    resolver_get(up->resolver, &list);
    if (list.count == 0) {
        call_fail(call, UPSTREAM_UNRESOLVED, "the host name is not resolved");
        return;
    }
    if (call->attempts == 0) {
        call->failure = UPSTREAM_CONNECT;
        (void)snprintf(call->detail, sizeof call->detail, "connecting failed");
    }
    while (call->attempts < list.count) {
        at = (up->preferred + call->attempts) % list.count;
        call->attempts++;
        if (link_new(call, &list.items[at], &err) != NULL) {
            call_set_phase(call, PHASE_CONNECTING);
            return;
        }
        call->failure = UPSTREAM_CONNECT;
        (void)snprintf(call->detail, sizeof call->detail, "%.*s", DETAIL_BYTES - 1, err.text);
    }
    call_fail(call, call->failure, call->detail);
}

/* No byte of the request was offered yet (on this connection), so the next address may be tried. */
void link_attempt_failed(struct upstream_call *call, enum upstream_failure failure,
                         const char *detail)
{
    const int64_t end_us = call->started_us + call->upstream->settings.connect_ms * 1000;

    call->failure = failure;
    if (detail != call->detail)
        (void)snprintf(call->detail, sizeof call->detail, "%s", detail);
    if (clock_monotonic_us() >= end_us) {
        call_fail(call, failure, call->detail);
        return;
    }
    pool_drop(call->link);
    link_connect(call);
}

static void on_connected(void *user)
{
    struct link *const link = user;

    link->connected = true;
    call_set_phase(link->call, PHASE_SHAKING);
}

static void on_failed(void *user)
{
    struct link *const link = user;
    struct upstream_call *const call = link->call;
    char detail[DETAIL_BYTES];
    enum upstream_failure failure = UPSTREAM_CONNECT;

    if (net_error_is_verify(link->conn))
        failure = UPSTREAM_CERTIFICATE;
    else if (link->connected)
        failure = UPSTREAM_TLS;
    (void)snprintf(detail, sizeof detail, "%s", net_error(link->conn)); /* goes with the link */
    call_enter(call);
    link_attempt_failed(call, failure, detail);
    call_leave(call);
}

/* ---- sending ---- */

static size_t fixed_bytes(const struct upstream_call *call)
{
    return call->order.head.len + call->order.body.len;
}

bool link_request_done(const struct upstream_call *call)
{
    return call->offset == fixed_bytes(call) && call->queue.len == 0 && call->last_queued &&
           !call->send_failed;
}

static int add_part(struct iovec *parts, int count, struct view v)
{
    if (v.len == 0)
        return count;
    /* The vector's type is older than const; nothing is written through it. */
    memcpy(&parts[count].iov_base, &v.ptr, sizeof v.ptr);
    parts[count].iov_len = v.len;
    return count + 1;
}

/* What is left to send: head, body and queue, in this order. */
static int parts_left(const struct upstream_call *call, struct iovec parts[3])
{
    const struct view head = call->order.head, body = call->order.body;
    int count = 0;

    if (call->offset < head.len)
        count = add_part(parts, count, view_from(head, call->offset));
    if (call->offset < fixed_bytes(call)) {
        count = add_part(parts, count,
                         view_from(body, call->offset > head.len ? call->offset - head.len : 0));
    }
    return add_part(parts, count, buf_view(&call->queue));
}

static void advance(struct upstream_call *call, size_t n)
{
    const size_t fixed_left = fixed_bytes(call) - call->offset;
    const size_t fixed = n < fixed_left ? n : fixed_left;

    call->offset += fixed;
    buf_drop(&call->queue, n - fixed);
}

static void set_sending_phase(struct upstream_call *call, enum phase phase)
{
    /* Once the answer has begun its clock is the one that counts. */
    if (!call->got_answer)
        call_set_phase(call, phase);
}

/* The cloud may have answered before it stopped listening: what it said is read first. */
static void sending_failed(struct upstream_call *call)
{
    call->send_failed = true;
    (void)snprintf(call->detail, sizeof call->detail, "%s", net_error(call->link->conn));
    buf_clear(&call->queue);
    set_sending_phase(call, PHASE_AWAITING);
}

bool link_flush(struct upstream_call *call)
{
    struct iovec parts[3];
    enum net_io io;
    size_t n = 0;
    int count;

    while (!call->send_failed && (count = parts_left(call, parts)) > 0) {
        call->sent = true;
        io = net_write(call->link->conn, parts, count, &n);
        if (io == NET_OK) {
            advance(call, n);
        } else if (io == NET_AGAIN) {
            set_sending_phase(call, PHASE_SENDING);
            return false;
        } else {
            sending_failed(call);
            return true;
        }
    }
    if (!call->send_failed)
        set_sending_phase(call, call->last_queued ? PHASE_AWAITING : PHASE_STREAMING);
    return true;
}

/* Looked at just before the first byte: waiting for a connection takes time, too. */
static bool is_late(const struct upstream_call *call)
{
    return call->order.send_before_us != 0 && clock_boottime_us() >= call->order.send_before_us;
}

void link_take(struct link *link)
{
    struct upstream_call *const call = link->call;

    net_deadline(link->conn, 0);
    if (is_late(call)) {
        call_fail(call, UPSTREAM_LATE, "its time to be sent was over");
        return;
    }
    if (call->paused)
        net_watch_read(link->conn, false);
    (void)link_flush(call);
}

/* ---- events ---- */

static void on_ready(void *user)
{
    struct link *const link = user;
    struct upstream_call *const call = link->call;
    struct upstream *const up = link->upstream;
    struct resolver_addresses list;

    resolver_get(up->resolver, &list);
    if (list.count > 0)
        up->preferred = (up->preferred + call->attempts - 1) % list.count;
    up->counts.connects++;
    up->counts.resumed += net_is_resumed(link->conn);
    call_enter(call);
    link_take(link);
    if (call->drain_wanted && call->queue.len == 0) {
        call->drain_wanted = false;
        call->handler->on_drained(call->user);
    }
    call_leave(call);
}

static void on_writable(void *user)
{
    struct link *const link = user;
    struct upstream_call *const call = link->call;

    if (call == NULL)
        return;
    call_enter(call);
    if (link_flush(call) && call->drain_wanted) {
        call->drain_wanted = false;
        call->handler->on_drained(call->user);
    }
    call_leave(call);
}

/* The cloud has nothing to say on an idle connection but TLS' own messages (session tickets). */
static void read_idle(struct link *link)
{
    size_t n = 0;

    if (net_read(link->conn, link->upstream->scratch, SCRATCH_BYTES, &n) != NET_AGAIN)
        pool_drop(link);
}

static void on_readable(void *user)
{
    struct link *const link = user;
    struct upstream_call *const call = link->call;

    if (call == NULL) {
        read_idle(link);
        return;
    }
    call_enter(call);
    answer_read(call);
    call_leave(call);
}

static void on_timeout(void *user)
{
    struct link *const link = user;

    if (link->call == NULL)
        pool_drop(link);
}

static const struct net_handler link_handler = {
    .on_ready = on_ready,
    .on_readable = on_readable,
    .on_writable = on_writable,
    .on_timeout = on_timeout,
    .on_failed = on_failed,
    .on_connected = on_connected,
};
