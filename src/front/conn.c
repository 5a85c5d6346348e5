/* SPDX-License-Identifier: Apache-2.0
 * One client's connection: read, run until nothing more can be done, wait. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/require.h"
#include "front/inner.h"

/* ---- the clock ---- */

int64_t conn_clock_again(struct conn *c)
{
    const int64_t now_us = clock_monotonic_us();

    if (c->running)
        c->front->now_us = now_us;
    return now_us;
}

int64_t conn_clock(struct conn *c)
{
    return c->running && c->front->now_us != 0 ? c->front->now_us : conn_clock_again(c);
}

/* ---- ending ---- */

static void pause_accepting(struct front *front, bool paused)
{
    struct listener *listener;

    if (front->accepting_paused == paused)
        return;
    front->accepting_paused = paused;
    for (listener = SLIST_FIRST(&front->listeners); listener != NULL;
         listener = SLIST_NEXT(listener, next))
        net_acceptor_pause(listener->acceptor, paused);
}

void conn_end(struct conn *c)
{
    struct front *front = c->front;
    struct front_exchange *x = c->current;

    if (c->scheduled)
        TAILQ_REMOVE(&front->scheduled, c, next_scheduled);
    TAILQ_REMOVE(&front->conns, c, all);
    if (c->reset)
        net_reset(&c->net);
    else
        net_close(&c->net);
    buf_done(&c->in);
    buf_done(&c->out);
    address_give(front->addresses, c->address);
    if (x != NULL)
        exchange_detach(x);
    free(c);
    front->counts.connections--;
    if (front->counts.connections < front->limits.connections)
        pause_accepting(front, false);
    if (x != NULL)
        exchange_tell_end(x, false);
}

void conn_fail(struct conn *c, bool reset)
{
    c->dead = true;
    c->reset |= reset;
    conn_schedule(c);
}

void conn_finish_writing(struct conn *c, bool linger)
{
    if (!linger || c->eof) {
        conn_fail(c, false);
        return;
    }
    /* Closing with unread bytes would send a RST, which can destroy the reply on its way. */
    c->phase = PHASE_LINGER;
    c->due_us = conn_clock(c) + (int64_t)FRONT_LINGER_MS * 1000;
    net_shutdown_write(c->net);
}

/* ---- running ---- */

static void tell_fault(struct conn *c, struct front_exchange *x)
{
    x->fault_told = true;
    if (x->ended)
        return; /* the reply stands, and ends the connection */
    if (x->begun)
        conn_fail(c, true);
    else
        c->front->handler->on_fault(c->front->owner, x, &x->fault);
}

static void finish_reply(struct conn *c, struct front_exchange *x)
{
    bool asked_to_close = x->has_request && !x->request.keep_alive;
    bool linger = x->faulted || !asked_to_close || !http1_body_complete(&x->framing);
    bool close = x->close;

    exchange_detach(x);
    buf_done(&c->out);
    c->phase = PHASE_HEAD;
    c->head_began_us = 0;
    c->skipped_crlf = false;
    c->due_us = conn_clock(c) + c->front->limits.idle_timeout_ms * 1000;
    if (close)
        conn_finish_writing(c, linger);
    exchange_tell_end(x, true);
}

/* Behind a call of the handler x may be gone: one thing at a time. */
static bool go_on(struct conn *c, struct front_exchange *x)
{
    if (x->faulted && !x->fault_told) {
        tell_fault(c, x);
        return true;
    }
    if (x->ended && output_left(c) == 0) {
        finish_reply(c, x);
        return true;
    }
    if (x->waits_drained && output_left(c) <= FRONT_LOW_BYTES) {
        x->waits_drained = false;
        c->front->handler->on_drained(x->user);
        return true;
    }
    return input_body(c, x);
}

static bool step(struct conn *c)
{
    switch (c->phase) {
    case PHASE_HEAD:
        return input_head(c);
    case PHASE_EXCHANGE:
        return go_on(c, c->current);
    case PHASE_LINGER:
        return input_linger(c);
    }
    return false;
}

void conn_keep_rest(struct conn *c)
{
    if (c->rest.len == 0) {
        buf_done(&c->in);
    } else if (c->in.len > 0) {
        buf_drop(&c->in, (size_t)(c->rest.ptr - c->in.ptr));
    } else {
        buf_add(&c->in, c->rest);
        if (c->in.failed != STATUS_OK)
            conn_fail(c, true);
    }
    c->rest = buf_view(&c->in);
}

static void watch(struct conn *c)
{
    bool full = c->in.len >= c->front->input_max;

    if (full == c->unwatched)
        return;
    c->unwatched = full;
    net_watch_read(c->net, !full);
}

static int64_t earlier(int64_t a_us, int64_t b_us)
{
    if (a_us == 0 || b_us == 0)
        return a_us == 0 ? b_us : a_us;
    return a_us < b_us ? a_us : b_us;
}

static bool waits_for_body(const struct front_exchange *x)
{
    return x->body_asked && !x->body_given && !x->paused && !x->ended && !x->faulted;
}

/* When the client must have sent something; 0: it's not its turn. */
static int64_t input_due(const struct conn *c)
{
    switch (c->phase) {
    case PHASE_HEAD:
        if (c->rest.len > 0 && c->head_began_us > 0)
            return c->head_began_us + c->front->limits.head_timeout_ms * 1000;
        return c->due_us;
    case PHASE_EXCHANGE:
        return waits_for_body(c->current) ? c->current->body_due_us : 0;
    case PHASE_LINGER:
        return c->due_us;
    }
    return 0;
}

static int64_t output_due(const struct conn *c)
{
    return output_left(c) > 0 ? c->write_due_us : 0;
}

static void set_deadline(struct conn *c)
{
    int64_t due;

    if (output_left(c) > 0 && c->write_due_us == 0)
        c->write_due_us = conn_clock(c) + c->front->limits.write_timeout_ms * 1000;
    due = earlier(input_due(c), output_due(c));
    if (due == c->deadline_us)
        return;
    c->deadline_us = due;
    net_deadline_at(c->net, due);
}

/* Does all that can be done now. False: c is no more. */
static bool run(struct conn *c)
{
    unsigned steps = 0;
    bool more = true;

    c->running = true;
    c->front->now_us = 0;
    while (more && !c->dead && steps++ < FRONT_STEPS) {
        output_flush(c);
        more = !c->dead && step(c);
    }
    c->running = false;
    if (!c->dead)
        conn_keep_rest(c);
    if (c->dead) {
        conn_end(c);
        return false;
    }
    if (more)
        conn_schedule(c);
    watch(c);
    set_deadline(c);
    return true;
}

void conn_schedule(struct conn *c)
{
    struct front *front = c->front;

    if (c->running || c->scheduled)
        return;
    c->scheduled = true;
    if (TAILQ_EMPTY(&front->scheduled))
        event_active(&front->soon, EV_TIMEOUT, 0);
    TAILQ_INSERT_TAIL(&front->scheduled, c, next_scheduled);
}

void conn_run_scheduled(evutil_socket_t fd, short what, void *front)
{
    struct front *f = front;
    struct conn *c;

    (void)fd;
    (void)what;
    while ((c = TAILQ_FIRST(&f->scheduled)) != NULL) {
        TAILQ_REMOVE(&f->scheduled, c, next_scheduled);
        c->scheduled = false;
        (void)run(c);
    }
}

/* ---- what net says ---- */

static void on_ready(void *user)
{
    struct conn *c = user;

    c->due_us = clock_monotonic_us() + c->front->limits.idle_timeout_ms * 1000;
    (void)run(c);
}

/* One read. Bytes go to the scratch unless some are kept already. */
static enum net_io read_once(struct conn *c)
{
    char *to = c->front->scratch;
    size_t room = FRONT_READ_BYTES, n = 0;
    enum net_io io;

    if (c->in.len > 0) {
        if (!buf_reserve(&c->in, 1))
            return NET_FAILED;
        c->rest = buf_view(&c->in); /* it may have moved, also if nothing is read */
        to = c->in.ptr + c->in.len;
        room = c->in.cap - c->in.len;
    }
    io = net_read(c->net, to, room, &n);
    if (io != NET_OK)
        return io;
    if (c->in.len > 0) {
        c->in.len += n;
        c->rest = buf_view(&c->in);
    } else {
        c->rest = view_of(to, n);
    }
    return io;
}

/* run, behind a read; what was in the scratch is kept or done with then, and may be a credential.
 */
static bool run_read(struct conn *c)
{
    char *scratch = c->front->scratch;
    size_t used = c->rest.ptr == scratch ? c->rest.len : 0;
    bool lives = run(c);

    explicit_bzero(scratch, used);
    return lives;
}

static void on_readable(void *user)
{
    struct conn *c = user;

    for (unsigned i = 0; i < FRONT_READS && c->in.len < c->front->input_max; i++) {
        enum net_io io = read_once(c);

        if (io == NET_AGAIN)
            return;
        if (io == NET_EOF)
            c->eof = true;
        if (io == NET_FAILED)
            conn_fail(c, false);
        if (!run_read(c) || io != NET_OK)
            return;
    }
}

static void on_writable(void *user)
{
    struct conn *c = user;

    c->blocked = false;
    (void)run(c);
}

static void input_late(struct conn *c)
{
    if (c->phase == PHASE_EXCHANGE)
        input_fault_of(c->current, HTTP1_FAULT_TIMEOUT, "The body did not come in time.");
    else if (c->phase == PHASE_HEAD && c->rest.len > 0)
        input_late_head(c);
    else
        conn_fail(c, false);
}

static void on_timeout(void *user)
{
    struct conn *c = user;
    int64_t now_us = clock_monotonic_us();

    c->deadline_us = 0;
    if (c->dead || !net_is_ready(c->net))
        conn_fail(c, false);
    else if (output_due(c) != 0 && now_us >= output_due(c))
        conn_fail(c, true);
    else if (input_due(c) != 0 && now_us >= input_due(c))
        input_late(c);
    (void)run(c);
}

static void on_failed(void *user)
{
    conn_end(user);
}

static const struct net_handler net_handler = {
    .on_ready = on_ready,
    .on_readable = on_readable,
    .on_writable = on_writable,
    .on_timeout = on_timeout,
    .on_failed = on_failed,
};

/* ---- beginning ---- */

static struct conn *conn_new(struct listener *listener, int fd)
{
    struct front *front = listener->front;
    struct conn *c = calloc(1, sizeof *c); /* lives as long as the client wants */
    struct net_conn *net = net_accept(front->base, fd, listener->tls, &net_handler, c,
                                      NULL); /* takes fd in any case */

    if (c == NULL || net == NULL) {
        net_close(&net);
        free(c);
        return NULL;
    }
    c->front = front;
    c->net = net;
    buf_init(&c->in, front->input_max);
    buf_init(&c->out, SIZE_MAX / 2);
    TAILQ_INSERT_TAIL(&front->conns, c, all);
    front->counts.connections++;
    front->counts.accepted++;
    return c;
}

void conn_accept(struct listener *listener, int fd)
{
    struct front *front = listener->front;
    struct conn *c = conn_new(listener, fd);
    unsigned char key[16];

    if (c == NULL)
        return;
    net_peer_key(c->net, key);
    c->address = address_take(front->addresses, key, front->limits.per_address);
    if (c->address == NULL) {
        front->counts.refused_per_address++;
        conn_end(c);
        return;
    }
    if (front->counts.connections >= front->limits.connections)
        pause_accepting(front, true);
    /* The time for a handshake. */
    c->due_us = clock_monotonic_us() + front->limits.head_timeout_ms * 1000;
    set_deadline(c);
}
