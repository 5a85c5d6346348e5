/* SPDX-License-Identifier: Apache-2.0
 * A start or a lease is judged by what the instance is: the cloud is asked for it first, as the
 * caller. From then until the exchange has its answer, no other change of the instance passes here.
 */
#include "base/clock.h"
#include "base/log.h"
#include "gateway/exchange.h"
#include "gateway/outgoing.h"

/* What one was judged by must not change under it: one change or start of an instance at a time. */
static enum flow claim_instance(struct exchange *x)
{
    enum op_class class = x->route.op->class;

    if ((class != CLASS_CHANGE && class != CLASS_START) || x->dry_run)
        return FLOW_NEXT;
    x->pending = (struct pending_entry){
        .family = x->route.op->family,
        .project = x->route.project,
        .instance = x->route.instance,
    };
    if (pending_add(&x->gw->shared->pending, &x->pending))
        return FLOW_NEXT;
    return exchange_refuse(x, &gateway_reasons[GATEWAY_INSTANCE_PENDING],
                           "another change or start of this instance is under way; wait for its "
                           "answer before you send the next");
}

/* What the cloud said of the instance isn't its answer to the caller's request, which needs a body
 * of its own: that of the instance is looked into until the exchange ends. */
static void set_aside(struct exchange *x)
{
    x->shown = x->answer.body;
    buf_init(&x->answer.body, (size_t)x->gw->shared->conf->limits.answer);
    x->answer.status = 0;
    x->answer.request_id = VIEW_NONE;
}

/* Nothing was changed yet, so nothing is unknown. */
static enum flow not_shown(struct exchange *x)
{
    set_aside(x);
    return exchange_refuse(x, &gateway_reasons[GATEWAY_INSTANCE_NOT_SHOWN],
                           "the cloud was asked for this instance before anything is sent, and "
                           "did not show it; nothing was sent, try again later");
}

/* The cloud's own words about an instance that it doesn't know, or doesn't show to this caller, are
 * the caller's answer. */
static enum flow read_shown(struct exchange *x)
{
    unsigned status = x->answer.status;

    if (status >= 400 && status <= 499 && status != 408 && status != 429)
        return exchange_refuse(x, &gateway_reasons[GATEWAY_INSTANCE_NOT_SHOWN],
                               "the cloud does not show this instance to the caller");
    if (status != 200)
        return not_shown(x);
    set_aside(x);
    return judge_flow(x, judging_stored(&x->judging, buf_view(&x->shown), clock_now_us()));
}

static void on_head(void *user, const struct http1_response *head)
{
    struct exchange *x = user;

    if (answer_keep_head(x, head))
        return;
    forward_cancel(x);
    exchange_go(x, not_shown(x));
}

static void on_data(void *user, struct view data)
{
    struct exchange *x = user;

    if (answer_keep_data(x, data))
        return;
    forward_cancel(x);
    exchange_go(x, not_shown(x));
}

static void on_end(void *user)
{
    struct exchange *x = user;

    x->call = NULL;
    exchange_go(x, read_shown(x));
}

static void on_failed(void *user, enum upstream_failure failure, bool sent, const char *detail)
{
    struct exchange *x = user;

    (void)sent;
    x->call = NULL;
    log_line(LOG_WARNING, "instance not shown id=%.*s failure=%s: %s", RANDOM_ID_BYTES, x->id,
             upstream_failure_name(failure), detail);
    exchange_go(x, not_shown(x));
}

static enum flow ask(struct exchange *x)
{
    static const struct upstream_handler handler = {
        .on_head = on_head,
        .on_data = on_data,
        .on_end = on_end,
        .on_failed = on_failed,
    };
    const struct raw_request raw = {
        .op = x->route.op, .project = x->route.project, .instance = x->route.instance};
    const struct outgoing what = {
        .method = VIEW("GET"),
        .path = modelarts_stored_path(&raw, x->arena),
        .framing = HTTP1_NO_BODY,
        .judged = true,
    };
    struct upstream_order order;

    if (what.path.ptr != NULL)
        forward_head(x, &what);
    if (what.path.ptr != NULL && x->out.failed == STATUS_OK) {
        order = (struct upstream_order){
            .method = what.method, .head = buf_view(&x->out), .idempotent = true, .urgent = true};
        x->call = upstream_start(x->gw->upstream, &order, &handler, x);
    }
    if (x->call != NULL)
        return FLOW_WAIT;
    return sign_refuse(x);
}

enum flow step_look(struct exchange *x)
{
    enum flow flow = claim_instance(x);

    if (flow != FLOW_NEXT || !modelarts_needs_stored(x->route.op))
        return flow;
    return ask(x);
}
