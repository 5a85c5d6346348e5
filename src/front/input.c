/* SPDX-License-Identifier: Apache-2.0
 * What clients send: heads, bodies, and what is dropped before a connection ends. */
#include "base/require.h"
#include "front/inner.h"

static void take(struct conn *c, size_t n)
{
    c->rest = view_from(c->rest, n);
    c->scanned = 0;
}

void input_fault(struct front_exchange *x, struct http1_fault fault)
{
    x->faulted = true;
    x->fault = fault;
    x->front->counts.faults++;
}

void input_fault_of(struct front_exchange *x, enum http1_reason id, const char *text)
{
    input_fault(x, (struct http1_fault){&http1_reasons[id], text});
}

/* ---- heads ---- */

static struct front_exchange *begin(struct conn *c)
{
    struct front_exchange *x = exchange_new(c);

    if (x == NULL)
        conn_fail(c, true);
    else
        x->to_head = view_starts(c->rest, VIEW("HEAD "));
    return x;
}

void input_late_head(struct conn *c)
{
    struct front_exchange *x = begin(c);

    if (x != NULL)
        input_fault_of(x, HTTP1_FAULT_TIMEOUT, "The head of the request did not come in time.");
}

static void parse(struct front_exchange *x, struct view head)
{
    struct http1_fault fault = {0};
    enum status s;

    head = arena_copy(&x->arena, head);
    s = head.ptr == NULL
            ? STATUS_NOMEM
            : http1_parse_request(head, &x->front->limits.head, &x->arena, &x->request, &fault);
    if (s == STATUS_NOMEM) {
        input_fault_of(x, HTTP1_FAULT_NO_MEMORY, "The head of the request needs too much memory.");
    } else if (s != STATUS_OK) {
        input_fault(x, fault);
    } else {
        x->has_request = true;
        http1_body_init(&x->framing, x->request.framing, x->request.length);
    }
}

static void take_head(struct conn *c, size_t n)
{
    struct front *front = c->front;
    struct front_exchange *x = begin(c);

    if (x == NULL)
        return;
    parse(x, view_of(c->rest.ptr, n));
    take(c, n);
    if (x->faulted)
        return;
    front->counts.requests++;
    front->handler->on_request(front->owner, x);
}

/* Between two requests: whether there is anything to wait for. */
static bool end_if_idle(struct conn *c)
{
    if (!c->eof && !c->front->draining)
        return false;
    conn_fail(c, false);
    return true;
}

/* RFC 9112 2.2: some clients send one empty line too many. */
static void skip_crlf(struct conn *c)
{
    if (!c->skipped_crlf && view_starts(c->rest, VIEW("\r\n"))) {
        c->skipped_crlf = true;
        take(c, 2);
    }
}

bool input_head(struct conn *c)
{
    struct http1_fault fault;
    struct front_exchange *x;
    size_t n;

    skip_crlf(c);
    if (c->rest.len == 0)
        return end_if_idle(c);
    if (c->head_began_us == 0)
        c->head_began_us = conn_clock_again(c);
    n = http1_find_head(c->rest, &c->front->limits.head, &c->scanned, &fault);
    if (n == 0 && c->eof) {
        conn_fail(c, false);
        return true;
    }
    if (n == 0)
        return false;
    if (n != SIZE_MAX) {
        take_head(c, n);
        return true;
    }
    x = begin(c);
    if (x != NULL)
        input_fault(x, fault);
    return true;
}

/* ---- bodies ---- */

static void give(struct front_exchange *x, struct view data, bool last)
{
    x->body_given = last;
    x->front->handler->on_body(x->user, data, last);
}

static void take_piece(struct front_exchange *x, struct view data)
{
    if (x->framing.total > x->body_max) {
        input_fault_of(x, HTTP1_FAULT_BODY_TOO_LARGE, "The body is larger than is allowed.");
        return;
    }
    if (x->how == FRONT_WHOLE) {
        buf_add(&x->body, data);
        if (x->body.failed != STATUS_OK)
            input_fault_of(x, HTTP1_FAULT_NO_MEMORY, "There is no memory for the body.");
        return;
    }
    x->body_due_us = conn_clock(x->conn) + x->front->limits.body_timeout_ms * 1000;
    /* Of a length the end is known with the last byte, of chunks only behind it. */
    give(x, data, x->framing.framing == HTTP1_LENGTH && x->framing.left == 0);
}

static void take_end(struct front_exchange *x)
{
    struct buf whole = x->body;

    /* The bytes are the handler's for the call. x may be gone behind it. */
    buf_init(&x->body, 0);
    give(x, buf_view(&whole), true);
    buf_done(&whole);
}

bool input_body(struct conn *c, struct front_exchange *x)
{
    struct http1_fault fault;
    struct view data;

    if (!x->body_asked || x->body_given || x->paused || x->ended || x->faulted)
        return false;
    switch (http1_body_next(&x->framing, &c->rest, &data, &fault)) {
    case HTTP1_NEED_MORE:
        if (!c->eof)
            return false;
        conn_fail(c, false); /* it will never be whole */
        return true;
    case HTTP1_DATA:
        take_piece(x, data);
        return true;
    case HTTP1_END:
        take_end(x);
        return true;
    case HTTP1_BAD:
        input_fault(x, fault);
        return true;
    }
    return false;
}

void input_skip_body(struct front_exchange *x)
{
    struct http1_fault fault;
    struct view data;
    enum http1_step step;

    do
        step = http1_body_next(&x->framing, &x->conn->rest, &data, &fault);
    while (step == HTTP1_DATA);
    if (!x->conn->running)
        conn_keep_rest(x->conn);
}

bool input_linger(struct conn *c)
{
    c->lingered += c->rest.len;
    take(c, c->rest.len);
    if (!c->eof && c->lingered <= FRONT_LINGER_BYTES)
        return false;
    conn_fail(c, false);
    return true;
}
