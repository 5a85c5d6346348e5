/* SPDX-License-Identifier: Apache-2.0
 * The exchange's way through the judgement: its body, what the judgement says, and what must not
 * run beside it. Every failure on the way refuses (promise 6). */
#include "base/clock.h"
#include "base/log.h"
#include "gateway/exchange.h"

enum { ACTION_MAX = 4096 };

/* application/json, with charset=utf-8 at most, once, and no coding around it. */
static bool media_type_ok(const struct exchange *x)
{
    unsigned types, codings;
    const struct http1_field *type =
        http1_find_field(x->head->fields, x->head->count, HTTP1_CONTENT_TYPE, &types);
    struct view main_type, rest;
    size_t semicolon;

    (void)http1_find_field(x->head->fields, x->head->count, HTTP1_CONTENT_ENCODING, &codings);
    if (types != 1 || codings != 0)
        return false;
    semicolon = view_find(type->value, ';');
    main_type = view_trim(view_of(type->value.ptr, semicolon));
    if (!view_eq_nocase(main_type, VIEW("application/json")))
        return false;
    if (semicolon == type->value.len)
        return true;
    rest = view_trim(view_from(type->value, semicolon + 1));
    return view_eq_nocase(rest, VIEW("charset=utf-8")) ||
           view_eq_nocase(rest, VIEW("charset=\"utf-8\""));
}

/* Bytes of judged bodies in memory are limited over all workers. */
static bool charge_body(struct exchange *x)
{
    const struct conf *conf = x->gw->shared->conf;
    int64_t all;

    x->body_charged =
        x->head->framing == HTTP1_LENGTH && x->head->length < (uint64_t)conf->limits.body
            ? (int64_t)x->head->length
            : conf->limits.body;
    all = atomic_fetch_add(&x->gw->shared->body_bytes, x->body_charged) + x->body_charged;
    return all <= conf->limits.body_memory;
}

static enum flow refuse_body_memory(struct exchange *x)
{
    return exchange_refuse(x, &gateway_reasons[GATEWAY_BODY_MEMORY],
                           "too many requests are being judged at once; try again in a moment");
}

static bool has_no_body(const struct exchange *x)
{
    return x->head->framing == HTTP1_NO_BODY ||
           (x->head->framing == HTTP1_LENGTH && x->head->length == 0);
}

/* Of a call that isn't judged the body is read only where its sender has signed it. */
static enum flow read_signed_body(struct exchange *x)
{
    if (has_no_body(x))
        return FLOW_NEXT;
    if (!charge_body(x))
        return refuse_body_memory(x);
    front_read_body(x->front, FRONT_WHOLE, (uint64_t)x->gw->shared->conf->limits.body);
    return FLOW_WAIT;
}

enum flow step_body(struct exchange *x)
{
    if (!x->route.verb_in_body && !operation_is_judged(x->route.op))
        return read_signed_body(x);
    if (has_no_body(x) && !x->route.verb_in_body && modelarts_body_optional(x->route.op))
        return FLOW_NEXT;
    if (x->head->framing == HTTP1_NO_BODY)
        return exchange_refuse(x, &http1_reasons[HTTP1_FAULT_LENGTH_REQUIRED],
                               "this call needs a JSON body with Content-Length or chunked");
    if (!media_type_ok(x))
        return exchange_refuse(x, &gateway_reasons[GATEWAY_MEDIA_TYPE],
                               "the body must be sent as Content-Type: application/json, in UTF-8, "
                               "once, and without a "
                               "Content-Encoding");
    /* Stopping must always be possible: an action is small, and isn't counted. */
    if (x->route.verb_in_body) {
        front_read_body(x->front, FRONT_WHOLE, ACTION_MAX);
        return FLOW_WAIT;
    }
    if (!charge_body(x))
        return refuse_body_memory(x);
    front_read_body(x->front, FRONT_WHOLE, (uint64_t)x->gw->shared->conf->limits.body);
    return FLOW_WAIT;
}

enum flow judge_flow(struct exchange *x, enum judging_flow flow)
{
    switch (flow) {
    case JUDGING_GOES_ON:
        return FLOW_NEXT;
    case JUDGING_REFUSED:
        return exchange_refuse_with(x, x->judging.reasons, x->judging.reason_count);
    case JUDGING_FAILED:
        break;
    }
    return exchange_refuse(
        x, &gateway_reasons[GATEWAY_JUDGE_FAILED],
        "this request could not be judged, nothing was sent; try again in a moment");
}

enum flow judge_begin(struct exchange *x)
{
    struct judging *judging = &x->judging;

    judging->op = x->route.op;
    judging->project = x->route.project;
    judging->instance = x->route.instance;
    judging->query = x->head->query;
    return judge_flow(x, judging_body(judging, x->body));
}

void judge_on_body(struct exchange *x, struct view body)
{
    x->body = arena_copy(x->arena, body);
    if (x->body.ptr == NULL)
        exchange_go(x, exchange_refuse(x, &gateway_reasons[GATEWAY_JUDGE_FAILED],
                                       "memory is out, nothing was sent"));
    else
        exchange_go(x, FLOW_NEXT);
}

enum flow step_parse(struct exchange *x)
{
    struct judging *judging = &x->judging;
    enum flow flow;

    /* Of an action it was read already, to see what it is. */
    if (!x->route.verb_in_body) {
        flow = judge_begin(x);
        if (flow != FLOW_NEXT)
            return flow;
    }
    return judge_flow(x, judging_read(judging));
}

/* What the warn and observe policies held back, for the record and for a warning. */
static void keep_would(struct exchange *x)
{
    const struct decision *decision = x->judging.decision;

    if (decision == NULL || !decision->has_would)
        return;
    x->has_would = true;
    x->warns = decision->warn;
    x->would = (struct journal_would){
        .verdict = decision->would.verdict,
        .reasons = decision->would.reasons,
        .reason_count = decision->would.reason_count,
        .changes = x->judging.would.changes,
        .change_count = x->judging.would.change_count,
    };
}

enum flow step_judge(struct exchange *x)
{
    enum flow flow;

    x->set = policy_slot_get(&x->gw->shared->policies);
    flow =
        judge_flow(x, judging_decide(&x->judging, x->set, &x->who.subject, clock_now_us(), false));
    keep_would(x);
    if (x->reason_count > 0 && x->reasons[0].row == &judging_reasons[JUDGING_NOT_CONVERGENT])
        log_line(LOG_ERROR, "edited request is not allowed as it is, refused id=%.*s",
                 RANDOM_ID_BYTES, x->id);
    if (flow == FLOW_NEXT && x->who.sends == SENDS_RELAYED && x->judging.change_count > 0)
        return exchange_refuse(x, &gateway_reasons[GATEWAY_RELAY],
                               "the policies would edit this request, and its signature would not "
                               "hold any more; send it as they want it, or with an IAM token in "
                               "X-Auth-Token");
    if (flow == FLOW_NEXT && !x->dry_run)
        digest_sha256_hex(x->judging.sent_body, x->sending_sha256);
    return flow;
}
