/* SPDX-License-Identifier: Apache-2.0
 * The driver: a table of steps and a loop over it. Callbacks find the exchange, note the fact, and
 * go on here. An exchange ends in one place (end_exchange), where everything that it holds is given
 * back. */
#include "gateway/exchange.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/require.h"
#include "gateway/hook.h"
#include "gateway/outgoing.h"
#include "gateway/record.h"

const struct reason_row gateway_reasons[GATEWAY_REASON_COUNT] = {
#define REASON(id, code, status, help) [GATEWAY_##id] = {(code), (status), (help)},
#include "gateway/reasons.def"
#undef REASON
};

static enum flow (*const functions[STEP_COUNT])(struct exchange *x) = {
#define STEP(id, name, function, waits) [STEP_##id] = (function),
#include "gateway/steps.def"
#undef STEP
};

static const char *decision_label(const struct exchange *x)
{
    const struct decision *decision = x->judging.decision;

    if (x->reason_count > 0)
        return "refuse";
    return decision == NULL ? "none" : verdict_name(decision->judgement.verdict);
}

static void end_exchange(struct exchange *x)
{
    struct front_exchange *front = x->front;
    struct gateway *gw = x->gw;
    const struct metrics_exchange ended = {
        .op = x->route.op,
        .decision = decision_label(x),
        .reason = x->reason_count > 0 ? x->reasons[0].row->code : "",
        .status = x->replied ? x->sent_status : 0,
        .duration_us = clock_monotonic_us() - x->began_us,
    };

    metrics_end(&gw->metrics, &ended);
    record_forget(x);
    forward_cancel(x);
    identify_forget(x);
    reserve_give_back(x);
    pending_remove(&gw->shared->pending, &x->pending);
    atomic_fetch_sub(&gw->shared->body_bytes, x->body_charged);
    policy_set_unref(&x->set);
    judging_done(&x->judging);
    buf_done(&x->out);
    buf_done(&x->answer.body);
    buf_done(&x->shown);
    TAILQ_REMOVE(&gw->exchanges, x, all);
    gw->exchange_count--;
    /* x itself lives in the arena that goes with this. */
    front_finish(front);
}

/* The step that follows a step that said flow; STEP_COUNT: none, x waits or is over. */
static enum step next_step(struct exchange *x, enum flow flow)
{
    switch (flow) {
    case FLOW_NEXT:
        REQUIRE(x->step < STEP_REPLY);
        return x->step + 1;
    case FLOW_STREAM:
        return STEP_STREAM;
    case FLOW_ANSWER:
        return STEP_REPLY;
    case FLOW_REFUSE:
        REQUIRE(x->reason_count > 0);
        if (x->intent && x->step < STEP_SETTLE) {
            x->outcome = OUTCOME_REFUSED;
            return STEP_SETTLE;
        }
        reserve_give_back(x);
        if (!x->intent && !x->dry_run)
            record_refusal(x);
        return STEP_REPLY;
    case FLOW_WAIT:
    case FLOW_END:
        break;
    }
    return STEP_COUNT;
}

void exchange_go(struct exchange *x, enum flow flow)
{
    while (flow != FLOW_WAIT) {
        int64_t now = clock_monotonic_us();
        enum step next = next_step(x, flow);

        metrics_step(&x->gw->metrics, x->step, now - x->step_began_us);
        x->step_began_us = now;
        if (next == STEP_COUNT) {
            end_exchange(x);
            return;
        }
        x->step = next;
        hook_step(next);
        flow = functions[next](x);
    }
}

enum flow exchange_refuse_with(struct exchange *x, const struct reason *reasons, size_t count)
{
    x->reasons = reasons;
    x->reason_count = count;
    return FLOW_REFUSE;
}

enum flow exchange_refuse(struct exchange *x, const struct reason_row *row, const char *message)
{
    /* Room for it is in the first block of the arena; without it the exchange can't be answered. */
    struct reason *reason = ARENA_NEW(x->arena, struct reason);
    static const struct reason no_memory = {
        .row = &gateway_reasons[GATEWAY_JUDGE_FAILED],
        .message = {"memory is out, nothing was sent", 31},
    };

    if (reason == NULL)
        return exchange_refuse_with(x, &no_memory, 1);
    *reason = (struct reason){.row = row, .message = view_str(message)};
    return exchange_refuse_with(x, reason, 1);
}

enum flow exchange_refuse_one(struct exchange *x, const struct reason *why)
{
    struct reason *kept = ARENA_NEW(x->arena, struct reason);

    if (kept == NULL)
        return exchange_refuse(x, why->row, why->row->help);
    *kept = *why;
    return exchange_refuse_with(x, kept, 1);
}

static struct exchange *new_exchange(struct gateway *gw, struct front_exchange *front)
{
    struct arena *arena = front_arena(front);
    struct exchange *x = ARENA_NEW(arena, struct exchange);

    if (x == NULL)
        return NULL;
    x->gw = gw;
    x->front = front;
    x->arena = arena;
    x->head = front_request(front);
    x->began_us = front_started_us(front);
    x->step_began_us = clock_monotonic_us();
    x->who.credential.kind = "none";
    x->who.credential.verified = "none";
    random_id(x->id);
    judging_init(&x->judging, &gw->shared->judging, arena);
    buf_init(&x->out, 2 * (size_t)gw->shared->conf->limits.head);
    buf_init(&x->answer.body, (size_t)gw->shared->conf->limits.answer);
    buf_init(&x->shown, 0);
    TAILQ_INSERT_TAIL(&gw->exchanges, x, all);
    gw->exchange_count++;
    front_set_user(front, x);
    return x;
}

/* Without memory for an exchange there is nothing to say but that. */
static void reply_out_of_memory(struct front_exchange *front)
{
    const struct front_reply reply = {.status = 503, .close = true};

    front_reply(front, &reply);
}

static void on_request(void *owner, struct front_exchange *front)
{
    struct gateway *gw = owner;
    struct exchange *x = new_exchange(gw, front);

    if (x == NULL) {
        reply_out_of_memory(front);
        return;
    }
    x->step = STEP_ROUTE;
    hook_step(STEP_ROUTE);
    exchange_go(x, step_route(x));
}

/* The request can't be read: refuse it wherever it stands. Behind the intent nothing of the client
 * can fault. */
static void on_fault(void *owner, struct front_exchange *front, const struct http1_fault *fault)
{
    struct gateway *gw = owner;
    struct exchange *x = front_user(front);

    if (x == NULL)
        x = new_exchange(gw, front);
    if (x == NULL) {
        reply_out_of_memory(front);
        return;
    }
    if (x->step == STEP_STREAM)
        stream_on_fault(x, fault);
    else
        exchange_go(x, exchange_refuse(x, fault->row, fault->text));
}

static void on_body(void *user, struct view data, bool last)
{
    struct exchange *x = user;

    if (x->step == STEP_STREAM)
        stream_on_data(x, data, last);
    else if (x->step == STEP_BODY)
        judge_on_body(x, data);
}

static void on_drained(void *user)
{
    struct exchange *x = user;

    if (x->step == STEP_STREAM)
        stream_on_drained(x);
}

/* Nothing is cancelled once the intent was handed to the journal: the exchange runs to its outcome.
 */
static void on_gone(void *user)
{
    struct exchange *x = user;

    x->client_gone = true;
    if (x->step == STEP_STREAM && stream_on_gone(x))
        return;
    if (x->step == STEP_INTENT || x->step == STEP_FORWARD || x->step == STEP_OUTCOME)
        return;
    exchange_go(x, FLOW_END);
}

static void on_sent(void *user)
{
    struct exchange *x = user;

    if (x == NULL)
        return;
    /* A streamed reply to a client may be whole before the cloud took the last of its request's
     * body. */
    exchange_go(x, FLOW_END);
}

const struct front_handler exchange_handler = {
    .on_request = on_request,
    .on_fault = on_fault,
    .on_body = on_body,
    .on_drained = on_drained,
    .on_gone = on_gone,
    .on_sent = on_sent,
};
