/* SPDX-License-Identifier: Apache-2.0
 * Reading an answer: head, interim answers, body, and its end, which must be one that nobody on
 * the way can have made up. */
#include "upstream/inner.h"

void answer_forget(struct upstream_call *call)
{
    if (!call->upstream->settings.secret)
        return;
    if (call->partial.ptr != NULL)
        explicit_bzero(call->partial.ptr, call->partial.cap);
    arena_wipe(&call->arena);
}

void answer_reset(struct upstream_call *call)
{
    buf_clear(&call->partial);
    buf_clear(&call->rest);
    call->scanned = 0;
    call->interims = 0;
}

static void malformed(struct upstream_call *call, const char *text)
{
    call_fail(call, UPSTREAM_MALFORMED, text);
}

/* ---- the end ---- */

/* clean: no byte came behind the answer. */
static void finish(struct upstream_call *call, bool clean)
{
    struct upstream *const up = call->upstream;
    struct link *const link = call->link;
    const struct upstream_handler *const handler = call->handler;
    const bool reusable = clean && call->head.keep_alive && link_request_done(call) &&
                          call->body.framing != HTTP1_UNTIL_CLOSE && !net_has_pending(link->conn);

    pool_give_back(link, reusable);
    call_end(call);
    pool_pump(up);
    handler->on_end(call->user);
}

static void connection_ended(struct upstream_call *call, enum net_io io)
{
    char detail[DETAIL_BYTES];

    if (io == NET_EOF && call->head_done && call->body.framing == HTTP1_UNTIL_CLOSE) {
        finish(call, true);
        return;
    }
    if (io == NET_FAILED)
        (void)snprintf(detail, sizeof detail, "%s", net_error(call->link->conn));
    else
        (void)snprintf(detail, sizeof detail, "the connection was closed %s",
                       call->got_answer ? "within the answer" : "before an answer");
    if (call->got_answer)
        call_fail(call, UPSTREAM_CLOSED, detail);
    else if (call->send_failed)
        call_broke(call, UPSTREAM_SEND, call->detail);
    else
        call_broke(call, link_request_done(call) ? UPSTREAM_CLOSED : UPSTREAM_SEND, detail);
}

/* ---- body ---- */

/* Hands on what is in `in`; it may pause, end or cancel the call. */
static void take_body(struct upstream_call *call, struct view in)
{
    struct http1_fault fault = {.text = NULL};
    struct view data = VIEW_NONE;

    while (!call_is_over(call)) {
        if (call->paused) {
            buf_clear(&call->rest);
            buf_add(&call->rest, in);
            if (call->rest.failed != STATUS_OK)
                call_fail(call, UPSTREAM_CLOSED, "out of memory for the answer");
            return;
        }
        switch (http1_body_next(&call->body, &in, &data, &fault)) {
        case HTTP1_NEED_MORE:
            return;
        case HTTP1_DATA:
            call->handler->on_data(call->user, data);
            break;
        case HTTP1_END:
            finish(call, in.len == 0);
            return;
        case HTTP1_BAD:
            malformed(call, fault.text);
            return;
        }
    }
}

/* ---- head ---- */

static void keep_partial(struct upstream_call *call, struct view in)
{
    const struct upstream_settings *const settings = &call->upstream->settings;

    /* Where it is secret there is room for a whole head: it never moves and leaves a copy. */
    if (!settings->secret || buf_reserve(&call->partial, settings->head.head))
        buf_add(&call->partial, in);
}

/* Takes a whole head from the front of *in, if there is one now, and moves *in behind it. *ret_head
 * stays until the partial buffer or the scratch is used again. False: there is none (the call may
 * have failed). */
static bool find_head(struct upstream_call *call, struct view *in, struct view *ret_head)
{
    const struct http1_limits *const limits = &call->upstream->settings.head;
    const size_t had = call->partial.len;
    const size_t room = limits->head - had;
    struct http1_fault fault = {.text = NULL};
    struct view bytes = *in;
    size_t len;

    if (had > 0) {
        buf_add(&call->partial, view_of(in->ptr, in->len < room ? in->len : room));
        bytes = buf_view(&call->partial);
    }
    len = http1_find_head(bytes, limits, &call->scanned, &fault);
    if (len == SIZE_MAX) {
        malformed(call, fault.text);
    } else if (len == 0) {
        if (had == 0)
            keep_partial(call, *in);
        if (call->partial.failed != STATUS_OK || call->partial.len >= limits->head)
            malformed(call, "the head is larger than limits.head");
    } else {
        *ret_head = view_of(bytes.ptr, len);
        *in = view_from(*in, len - had);
        return true;
    }
    *in = VIEW_NONE;
    return false;
}

/* False: it was an interim answer, or the call failed. */
static bool take_head(struct upstream_call *call, struct view bytes)
{
    const struct http1_limits *const limits = &call->upstream->settings.head;
    struct http1_fault fault = {.text = NULL};
    enum status s = STATUS_NOMEM;
    struct view head;

    arena_reset(&call->arena);
    head = arena_copy(&call->arena, bytes); /* it must stay until the call ends */
    if (head.ptr != NULL) {
        s = http1_parse_response(head, call->order.method, limits, &call->arena, &call->head,
                                 &fault);
    }
    buf_clear(&call->partial);
    call->scanned = 0;
    if (s != STATUS_OK) {
        malformed(call, s == STATUS_NOMEM ? "no memory for the answer's head" : fault.text);
        return false;
    }
    if (call->head.status >= 200)
        return true;
    if (call->head.status == 101)
        malformed(call, "the answer switches to a protocol that was not asked for");
    else if (++call->interims > INTERIM_MAX)
        malformed(call, "there are too many interim answers");
    return false;
}

static void receive(struct upstream_call *call, struct view in)
{
    struct view head = VIEW_NONE;

    call->got_answer = true;
    (void)call_clock_again(call);
    call_set_phase(call, PHASE_ANSWERING);
    while (!call->head_done && !call_is_over(call)) {
        if (!find_head(call, &in, &head))
            return;
        if (!take_head(call, head))
            continue; /* an interim answer: the next head may be here already */
        call->head_done = true;
        http1_body_init(&call->body, call->head.framing, call->head.length);
        call->handler->on_head(call->user, &call->head);
    }
    take_body(call, in);
}

/* ---- reading ---- */

void answer_read(struct upstream_call *call)
{
    struct link *const link = call->link;
    const bool secret = call->upstream->settings.secret;
    char *const scratch = call->upstream->scratch;
    enum net_io io = NET_OK;
    unsigned reads = 0;
    size_t n = 0;

    /* A call that is over has no link; a link may by then serve another call. */
    while (io == NET_OK && reads++ < READS_AT_ONCE && call->link == link && !call->paused) {
        io = net_read(link->conn, scratch, SCRATCH_BYTES, &n);
        if (io == NET_OK)
            receive(call, view_of(scratch, n));
        if (io == NET_OK && secret)
            explicit_bzero(scratch, n);
    }
    if (io == NET_EOF || io == NET_FAILED)
        connection_ended(call, io);
}

void answer_resume(struct upstream_call *call)
{
    struct buf rest = call->rest;

    if (call->head_done) {
        /* Out of the call's hands: the caller may pause again and fill the next one. */
        buf_init(&call->rest, SCRATCH_BYTES);
        call_set_phase(call, PHASE_ANSWERING);
        take_body(call, buf_view(&rest));
        buf_done(&rest);
    }
    if (call->link != NULL && !call->paused)
        net_watch_read(call->link->conn, true);
}
