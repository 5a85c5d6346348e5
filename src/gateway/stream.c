/* SPDX-License-Identifier: Apache-2.0
 * Calls that aren't judged: both bodies stream, each side held back when the other is slow. */
#include "base/log.h"
#include "gateway/exchange.h"
#include "gateway/outgoing.h"
#include "gateway/record.h"
#include "http1/write.h"

static void resume_upload(struct exchange *x)
{
    if (!x->body_done)
        front_pause(x->front, false);
}

/* The exchange can't go on. Its outcome line tells why: a refusal line would say it twice. */
static void break_off(struct exchange *x, const struct reason_row *row, const char *text)
{
    x->answer.status = 0;
    record_unjudged(x);
    if (x->client_gone) {
        exchange_go(x, FLOW_END);
    } else if (x->replied) {
        front_reply_abort(x->front);
    } else {
        (void)exchange_refuse(x, row, text);
        x->step = STEP_OUTCOME;
        exchange_go(x, FLOW_NEXT);
    }
}

/* Ours to end: what the cloud makes of what it has is not known. */
static void give_up(struct exchange *x, const struct reason_row *row, const char *text)
{
    forward_cancel(x);
    x->outcome = OUTCOME_UNKNOWN;
    x->outcome_error = row->code;
    break_off(x, row, text);
}

static void on_head(void *user, const struct http1_response *head)
{
    struct exchange *x = user;
    struct front_reply reply = {.status = head->status};
    uint64_t length = head->framing == HTTP1_LENGTH ? head->length : UINT64_MAX;

    x->answer.status = head->status;
    record_answer_id(x, head->fields, head->count);
    if (x->client_gone)
        return;
    /* HEAD and 304 carry the length of a body that doesn't follow. */
    if (head->framing == HTTP1_NO_BODY)
        length = head->length;
    reply.fields = reply_fields(x, head->fields, head->count, &reply.count);
    if (reply.fields == NULL) {
        give_up(x, &gateway_reasons[GATEWAY_UPSTREAM_BROKEN],
                "the cloud's answer can't be passed on");
        return;
    }
    x->replied = true;
    x->sent_status = (int)head->status;
    front_reply_begin(x->front, &reply, length);
}

static void on_data(void *user, struct view data)
{
    struct exchange *x = user;

    if (!x->client_gone && !front_reply_data(x->front, data) && x->call != NULL)
        upstream_pause(x->call, true);
}

static enum journal_outcome classify(unsigned status)
{
    if (status >= 200 && status <= 299)
        return OUTCOME_DONE;
    return status >= 400 && status <= 499 && status != 408 ? OUTCOME_FAILED : OUTCOME_UNKNOWN;
}

static void on_end(void *user)
{
    struct exchange *x = user;

    x->call = NULL;
    x->outcome = classify(x->answer.status);
    record_unjudged(x);
    if (x->route.op->class == CLASS_RELEASE && x->outcome != OUTCOME_FAILED)
        reserve_hint(x);
    if (x->client_gone)
        exchange_go(x, FLOW_END);
    else
        front_reply_end(x->front);
}

static const struct reason_row *failure_row(enum upstream_failure failure)
{
    switch (failure) {
    case UPSTREAM_UNRESOLVED:
    case UPSTREAM_CONNECT:
    case UPSTREAM_TLS:
    case UPSTREAM_CERTIFICATE:
        return &gateway_reasons[GATEWAY_UPSTREAM_UNREACHABLE];
    case UPSTREAM_TIMEOUT:
        return &gateway_reasons[GATEWAY_UPSTREAM_TIMEOUT];
    case UPSTREAM_SEND:
    case UPSTREAM_CLOSED:
    case UPSTREAM_MALFORMED:
    case UPSTREAM_LATE:
        break;
    }
    return &gateway_reasons[GATEWAY_UPSTREAM_BROKEN];
}

static void on_failed(void *user, enum upstream_failure failure, bool sent, const char *detail)
{
    struct exchange *x = user;
    const struct reason_row *row = failure_row(failure);

    x->call = NULL;
    log_line(LOG_WARNING, "call failed upstream id=%.*s failure=%s: %s", RANDOM_ID_BYTES, x->id,
             upstream_failure_name(failure), detail);
    x->outcome = sent ? OUTCOME_UNKNOWN : OUTCOME_REFUSED;
    x->outcome_error = upstream_failure_name(failure);
    break_off(x, row, row->help);
}

static void on_upload_drained(void *user)
{
    resume_upload(user);
}

static const struct upstream_handler handler = {
    .on_head = on_head,
    .on_data = on_data,
    .on_end = on_end,
    .on_failed = on_failed,
    .on_drained = on_upload_drained,
};

static bool is_idempotent(struct view method)
{
    return view_eq(method, VIEW("GET")) || view_eq(method, VIEW("HEAD")) ||
           view_eq(method, VIEW("OPTIONS"));
}

static void forward_as_received(struct exchange *x, enum http1_framing framing, uint64_t length)
{
    bool unread = x->body.ptr == NULL && framing != HTTP1_NO_BODY &&
                  !(framing == HTTP1_LENGTH && length == 0);

    forward_head(x, &(struct outgoing){.method = x->head->method,
                                       .path = x->head->path,
                                       .query = x->head->query,
                                       .framing = framing,
                                       .length = length,
                                       .body = x->body,
                                       .body_unread = unread});
}

/* A body that was read whole, to see an action's verb or for a signature, goes on as it came. */
static void begin_with_body(struct exchange *x, struct upstream_order *order)
{
    forward_as_received(x, HTTP1_LENGTH, x->body.len);
    order->body = x->body;
    x->body_done = true;
}

enum flow step_stream(struct exchange *x)
{
    const struct conf *conf = x->gw->shared->conf;
    enum http1_framing framing = x->head->framing;
    struct upstream_order order = {.method = x->head->method,
                                   .idempotent = is_idempotent(x->head->method),
                                   .urgent = x->route.op->class == CLASS_RELEASE};

    /* Before a byte of it goes to the cloud. */
    if (x->body.ptr == NULL && framing == HTTP1_LENGTH &&
        x->head->length > (uint64_t)conf->limits.stream_body)
        return exchange_refuse(x, &http1_reasons[HTTP1_FAULT_BODY_TOO_LARGE],
                               "The body is larger than is allowed.");
    if (x->body.ptr != NULL) {
        begin_with_body(x, &order);
    } else {
        forward_as_received(x, framing, x->head->length);
        order.streams =
            framing != HTTP1_NO_BODY && !(framing == HTTP1_LENGTH && x->head->length == 0);
        x->chunked_upload = framing == HTTP1_CHUNKED;
        x->body_done = !order.streams;
    }
    if (x->out.failed == STATUS_OK) {
        order.head = buf_view(&x->out);
        x->call = upstream_start(x->gw->upstream, &order, &handler, x);
    }
    if (x->call == NULL)
        return sign_refuse(x);
    if (order.streams)
        front_read_body(x->front, FRONT_STREAM, (uint64_t)conf->limits.stream_body);
    return FLOW_WAIT;
}

/* Frames a piece as a chunk, which upstream takes over or writes at once. True also where x has
 * come to its end: nothing is left to hold back. */
static bool send_chunk(struct exchange *x, struct view data, bool last)
{
    struct buf chunk;
    bool more = true;

    buf_init(&chunk, data.len + 64);
    if (data.len > 0) {
        http1_put_chunk_size(&chunk, data.len);
        buf_add(&chunk, data);
        buf_add_str(&chunk, "\r\n");
    }
    if (last)
        http1_put_last_chunk(&chunk);
    if (chunk.failed == STATUS_OK)
        more = upstream_send(x->call, buf_view(&chunk), last);
    else
        give_up(x, &gateway_reasons[GATEWAY_UPSTREAM_BROKEN], "memory for the body is out");
    buf_done(&chunk);
    return more;
}

void stream_on_data(struct exchange *x, struct view data, bool last)
{
    bool more;

    x->body_done = last;
    /* The cloud may have answered and gone already: the rest is read and dropped. */
    if (x->call == NULL)
        return;
    more = x->chunked_upload ? send_chunk(x, data, last) : upstream_send(x->call, data, last);
    if (!more && !last)
        front_pause(x->front, true);
}

void stream_on_drained(struct exchange *x)
{
    if (x->call != NULL)
        upstream_pause(x->call, false);
}

void stream_on_fault(struct exchange *x, const struct http1_fault *fault)
{
    give_up(x, fault->row, fault->text);
}

bool stream_on_gone(struct exchange *x)
{
    /* A stop or delete that is wholly sent is worth waiting for: its outcome belongs in the record.
     */
    if (x->call != NULL && x->body_done && x->route.op->class == CLASS_RELEASE) {
        upstream_pause(x->call, false);
        return true;
    }
    if (x->call != NULL) {
        x->outcome = OUTCOME_UNKNOWN;
        x->outcome_error = "the client went away";
        x->answer.status = 0;
        record_unjudged(x);
    }
    return false;
}
