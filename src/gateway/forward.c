/* SPDX-License-Identifier: Apache-2.0
 * Sending a judged request: its head starts from empty, its body is the bytes whose digest stands
 * in the intent, and it is never sent twice. Then what came of it. */
#include "base/log.h"
#include "gateway/exchange.h"
#include "gateway/outgoing.h"
#include "gateway/record.h"
#include "http1/write.h"

struct forwarded {
    const char *name;
    size_t len;
    bool judged, once;
};

static const struct forwarded forwarded[] = {
#define FORWARD(name, judged, once) {name, sizeof(name) - 1, judged, once},
#include "gateway/headers.def"
#undef FORWARD
};

/* The row of a field that goes on; NULL: it is dropped. */
static const struct forwarded *find_row(struct view name, bool judged)
{
    for (size_t i = 0; i < ARRAY_LEN(forwarded); i++) {
        if (forwarded[i].len == name.len &&
            view_eq_nocase(name, view_of(forwarded[i].name, forwarded[i].len)))
            return forwarded[i].judged || !judged ? &forwarded[i] : NULL;
    }
    return NULL;
}

bool forward_repeats(const struct exchange *x, bool judged)
{
    const bool reads_body = judged || x->route.verb_in_body; /* asks for its one type itself: 415 */
    bool seen[ARRAY_LEN(forwarded)] = {false};

    for (unsigned i = 0; i < x->head->count; i++) {
        const struct http1_field *field = &x->head->fields[i];
        const struct forwarded *row = find_row(field->name, judged);

        if (row == NULL || !row->once || (field->id == HTTP1_CONTENT_TYPE && reads_body))
            continue;
        if (seen[row - forwarded])
            return true;
        seen[row - forwarded] = true;
    }
    return false;
}

bool forward_passes(const struct exchange *x, const struct http1_field *field, bool judged)
{
    switch (sign_passes(x, field)) {
    case SIGN_DROPS:
        return false;
    case SIGN_PASSES:
        return true;
    case SIGN_ASKS_TABLE:
        break;
    }
    return find_row(field->name, judged) != NULL;
}

void forward_head(struct exchange *x, const struct outgoing *what)
{
    const struct http1_request *head = x->head;
    struct buf *out = &x->out;
    bool types_anew = what->judged && x->who.sends != SENDS_RELAYED;
    bool no_body =
        what->framing == HTTP1_NO_BODY || (what->framing == HTTP1_LENGTH && what->length == 0);

    /* An absolute-form target is sent in origin-form: the Host is the cloud's. */
    buf_clear(out);
    buf_add(out, what->method);
    buf_add_byte(out, ' ');
    buf_add(out, what->path);
    if (what->query.ptr != NULL) {
        buf_add_byte(out, '?');
        buf_add(out, what->query);
    }
    buf_add_str(out, " HTTP/1.1\r\n");
    http1_put_field(out, VIEW("Host"), view_str(x->gw->shared->host));
    for (unsigned i = 0; i < head->count; i++) {
        if (types_anew && head->fields[i].id == HTTP1_CONTENT_TYPE)
            continue;
        if (forward_passes(x, &head->fields[i], what->judged))
            http1_put_field(out, head->fields[i].name, head->fields[i].value);
    }
    /* A judged body is what it was read as, however its sender spelled that. */
    if (types_anew && !no_body)
        http1_put_field(out, VIEW("Content-Type"), VIEW("application/json"));
    if (!sign_head(x, what))
        out->failed = STATUS_IO;
    if (what->framing == HTTP1_LENGTH)
        http1_put_length(out, what->length);
    if (what->framing == HTTP1_CHUNKED)
        http1_put_field(out, VIEW("Transfer-Encoding"), VIEW("chunked"));
    http1_put_end(out);
}

/* The answer's head is borrowed until the call ends; the reply needs it for longer. */
bool answer_keep_head(struct exchange *x, const struct http1_response *head)
{
    struct http1_field *fields = arena_array(x->arena, head->count, sizeof *fields);

    if (fields == NULL)
        return false;
    for (unsigned i = 0; i < head->count; i++) {
        fields[i] = head->fields[i];
        fields[i].name = arena_copy(x->arena, head->fields[i].name);
        fields[i].value = arena_copy(x->arena, head->fields[i].value);
        if (fields[i].name.ptr == NULL || fields[i].value.ptr == NULL)
            return false;
    }
    x->answer.status = head->status;
    x->answer.fields = fields;
    x->answer.count = head->count;
    record_answer_id(x, fields, head->count);
    buf_clear(&x->answer.body);
    return true;
}

bool answer_keep_data(struct exchange *x, struct view data)
{
    buf_add(&x->answer.body, data);
    return x->answer.body.failed == STATUS_OK;
}

void forward_cancel(struct exchange *x)
{
    if (x->call != NULL)
        upstream_cancel(x->call);
    x->call = NULL;
}

static const char *lost_text(const struct exchange *x)
{
    if (x->route.op->class == CLASS_CREATE)
        return "the request was sent, but the cloud's answer was lost: look whether the instance "
               "exists before you repeat it";
    return "the request was sent, but the cloud's answer was lost: look at the instance before you "
           "repeat it";
}

/* Sent, but what came of it can't be known. */
static void end_unknown(struct exchange *x, const char *error)
{
    /* What came before it broke off says nothing for sure, and must not be passed on as whole. */
    x->answer.status = 0;
    x->outcome = OUTCOME_UNKNOWN;
    x->outcome_error = error;
    (void)exchange_refuse(x, &gateway_reasons[GATEWAY_OUTCOME_UNKNOWN], lost_text(x));
    exchange_go(x, FLOW_NEXT);
}

static void on_head(void *user, const struct http1_response *head)
{
    struct exchange *x = user;

    if (answer_keep_head(x, head))
        return;
    forward_cancel(x);
    end_unknown(x, "the answer's head did not fit");
}

static void on_data(void *user, struct view data)
{
    struct exchange *x = user;

    if (answer_keep_data(x, data))
        return;
    forward_cancel(x);
    end_unknown(x, "the answer is larger than limits.answer");
}

/* Reads what the answer tells; an answer that isn't JSON tells nothing. */
static void read_answer(struct exchange *x)
{
    const struct jlimits *limits = &x->gw->shared->judging.answer;
    struct jdoc doc;
    struct jfault fault;

    if (jdoc_read(buf_view(&x->answer.body), limits, x->arena, &doc, &fault) == STATUS_OK)
        modelarts_read_answer(&doc, x->arena, &x->answer.facts);
}

/* Design section 3, "what came of it". */
static enum journal_outcome classify(const struct exchange *x)
{
    unsigned status = x->answer.status;

    if (status >= 200 && status <= 299 && x->route.op->class != CLASS_CREATE)
        return OUTCOME_DONE;
    if (status >= 200 && status <= 299)
        return x->answer.facts.id.len > 0 &&
                       !journal_knows(x->gw->shared->journal, x->answer.facts.id)
                   ? OUTCOME_CREATED
                   : OUTCOME_UNKNOWN;
    if (status >= 400 && status <= 499 && status != 408)
        return OUTCOME_FAILED;
    return OUTCOME_UNKNOWN;
}

static void on_end(void *user)
{
    struct exchange *x = user;

    x->call = NULL;
    read_answer(x);
    x->outcome = classify(x);
    exchange_go(x, FLOW_NEXT);
}

static void on_failed(void *user, enum upstream_failure failure, bool sent, const char *detail)
{
    struct exchange *x = user;

    x->call = NULL;
    log_line(LOG_WARNING, "judged request failed upstream id=%.*s failure=%s sent=%s: %s",
             RANDOM_ID_BYTES, x->id, upstream_failure_name(failure), sent ? "yes" : "no", detail);
    x->outcome_error = upstream_failure_name(failure);
    x->answer.status = 0;
    if (sent) {
        end_unknown(x, upstream_failure_name(failure));
        return;
    }
    if (failure == UPSTREAM_LATE) {
        exchange_go(x, exchange_refuse(x, &quota_reasons[QUOTA_REASON_LATE],
                                       "the gateway lost touch with the shared quota store before "
                                       "this request could be sent; nothing was sent, try again"));
        return;
    }
    exchange_go(
        x, exchange_refuse(x, &gateway_reasons[GATEWAY_UPSTREAM_UNREACHABLE],
                           "the cloud can't be reached now; nothing was sent, try again later"));
}

/* Others may take over what is reserved here once they think that this gateway is gone. */
static int64_t send_before_us(const struct exchange *x)
{
    int64_t at_us = reserve_is_checked(x) ? quota_send_before_us(x->gw->shared->quota) : INT64_MAX;

    return at_us == INT64_MAX ? 0 : at_us;
}

enum flow step_forward(struct exchange *x)
{
    static const struct upstream_handler handler = {
        .on_head = on_head,
        .on_data = on_data,
        .on_end = on_end,
        .on_failed = on_failed,
    };
    const struct judging *judging = &x->judging;
    const struct outgoing what = {
        .method = x->head->method,
        .path = x->head->path,
        .query = judging->sent_query,
        .framing = view_eq(x->head->method, VIEW("GET")) ? HTTP1_NO_BODY : HTTP1_LENGTH,
        .length = judging->sent_body.len,
        .body = judging->sent_body,
        .judged = true,
    };
    struct upstream_order order;

    forward_head(x, &what);
    if (x->out.failed == STATUS_OK) {
        order = (struct upstream_order){.method = x->head->method,
                                        .head = buf_view(&x->out),
                                        .body = judging->sent_body,
                                        .fresh = true,
                                        .send_before_us = send_before_us(x),
                                        .urgent = true};
        x->call = upstream_start(x->gw->upstream, &order, &handler, x);
    }
    if (x->call != NULL)
        return FLOW_WAIT;
    return sign_refuse(x);
}
