/* SPDX-License-Identifier: Apache-2.0
 * From the received bytes to the bytes that may go: read once, judged, edited, and then read and
 * judged again as they will be sent (promise 1). Every failure on the way refuses (promise 6). */
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

enum flow step_body(struct exchange *x)
{
    const struct conf *conf = x->gw->shared->conf;

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
    x->body_charged =
        x->head->framing == HTTP1_LENGTH && x->head->length < (uint64_t)conf->limits.body
            ? (int64_t)x->head->length
            : conf->limits.body;
    if (atomic_fetch_add(&x->gw->shared->body_bytes, x->body_charged) + x->body_charged >
        conf->limits.body_memory)
        return exchange_refuse(x, &gateway_reasons[GATEWAY_BODY_MEMORY],
                               "too many requests are being judged at once; try again in a moment");
    front_read_body(x->front, FRONT_WHOLE, (uint64_t)conf->limits.body);
    return FLOW_WAIT;
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

static enum flow refuse_json(struct exchange *x, const struct jfault *fault)
{
    struct view message = arena_printf(
        x->arena, "the body is not the JSON that this call needs: line %u, column %u: %s",
        fault->line, fault->column, fault->text);

    return exchange_refuse(x, fault->row, message.ptr == NULL ? fault->row->help : message.ptr);
}

static enum flow refuse_faults(struct exchange *x, const struct body_faults *faults)
{
    struct reason *kept = arena_array(x->arena, faults->count, sizeof *kept);

    if (kept == NULL)
        return exchange_refuse(x, faults->items[0].row, faults->items[0].row->help);
    memcpy(kept, faults->items, faults->count * sizeof *kept);
    return exchange_refuse_with(x, kept, faults->count);
}

static enum flow cannot_judge(struct exchange *x)
{
    return exchange_refuse(
        x, &gateway_reasons[GATEWAY_JUDGE_FAILED],
        "this request could not be judged, nothing was sent; try again in a moment");
}

static enum status read_json(struct exchange *x, struct view bytes, struct jdoc *ret,
                             struct jfault *fault)
{
    const struct conf *conf = x->gw->shared->conf;
    const struct jlimits limits = {
        .bytes = 2 * (size_t)conf->limits.body,
        .depth = (unsigned)conf->limits.json_depth,
        .members = (unsigned)conf->limits.json_members,
    };

    return jdoc_read(bytes, &limits, x->arena, ret, fault);
}

/* The verb in the body of an action picks the row; a start is judged, a stop streams on. */
static enum flow parse_action(struct exchange *x, struct body_faults *faults)
{
    enum status status = modelarts_read_action(&x->doc, x->arena, &x->route.op, faults);

    if (status == STATUS_INVALID)
        return refuse_faults(x, faults);
    if (status != STATUS_OK)
        return cannot_judge(x);
    if (operation_is_judged(x->route.op))
        return exchange_refuse(x, &modelarts_reasons[MODELARTS_OPERATION_NOT_SUPPORTED],
                               "starting an instance could undo what the policies decided, and "
                               "this version can't judge it "
                               "yet: it is not let through");
    return FLOW_STREAM;
}

enum flow step_parse(struct exchange *x)
{
    struct body_faults faults = {0};
    struct jfault fault;
    enum status status = read_json(x, x->body, &x->doc, &fault);

    if (status == STATUS_SYNTAX)
        return refuse_json(x, &fault);
    if (status != STATUS_OK)
        return cannot_judge(x);
    if (x->route.verb_in_body)
        return parse_action(x, &faults);
    status = modelarts_read_create(&x->doc, x->route.project, x->gw->shared->conf->unknown_fields,
                                   x->arena, &x->request, &faults);
    if (status == STATUS_INVALID)
        return refuse_faults(x, &faults);
    if (status != STATUS_OK)
        return cannot_judge(x);
    x->has_request = true;
    return FLOW_NEXT;
}

/* What warn and observe policies would have changed, rendered for the record. */
static bool render_would(struct exchange *x)
{
    const struct judgement *would = &x->decision->would;
    enum status status;

    if (!x->decision->has_would)
        return true;
    status = modelarts_render(&x->doc, &x->request, would->edits, would->edit_count, x->arena,
                              &x->would.changes, &x->would.change_count);
    x->would.verdict = would->verdict;
    x->would.reasons = would->reasons;
    x->would.reason_count = would->reason_count;
    return status == STATUS_OK;
}

/* Edits the body, then reads and judges what will be sent: it must be allowed as it is. */
static enum flow rewrite(struct exchange *x)
{
    const struct judgement *judgement = &x->decision->judgement;
    const struct decision *again;
    struct instance_request request;
    struct body_faults faults = {0};
    struct jfault fault;
    struct jdoc doc;

    if (modelarts_render(&x->doc, &x->request, judgement->edits, judgement->edit_count, x->arena,
                         &x->changes, &x->change_count) != STATUS_OK ||
        modelarts_apply(&x->doc, &x->request, judgement->edits, judgement->edit_count, x->arena,
                        &x->edited) != STATUS_OK)
        return cannot_judge(x);
    if (read_json(x, buf_view(&x->edited), &doc, &fault) != STATUS_OK ||
        modelarts_read_create(&doc, x->route.project, x->gw->shared->conf->unknown_fields, x->arena,
                              &request, &faults) != STATUS_OK ||
        policy_judge(x->set, &request, &x->who.subject, clock_now_us(), false, x->arena, &again) !=
            STATUS_OK)
        return cannot_judge(x);
    if (again->judgement.verdict != VERDICT_ALLOW || again->judgement.edit_count != 0) {
        log_line(LOG_ERROR, "edited request is not allowed as it is, refused id=%.*s",
                 RANDOM_ID_BYTES, x->id);
        return exchange_refuse(
            x, &gateway_reasons[GATEWAY_NOT_CONVERGENT],
            "the policies do not agree on how to change this request; nothing was sent");
    }
    x->sending = buf_view(&x->edited);
    return FLOW_NEXT;
}

enum flow step_judge(struct exchange *x)
{
    enum flow flow = FLOW_NEXT;

    x->set = policy_slot_get(&x->gw->shared->policies);
    if (policy_judge(x->set, &x->request, &x->who.subject, clock_now_us(), false, x->arena,
                     &x->decision) != STATUS_OK ||
        !render_would(x))
        return cannot_judge(x);
    x->sending = x->body;
    switch (x->decision->judgement.verdict) {
    case VERDICT_REFUSE:
        return exchange_refuse_with(x, x->decision->judgement.reasons,
                                    x->decision->judgement.reason_count);
    case VERDICT_REWRITE:
        flow = rewrite(x);
        break;
    case VERDICT_ALLOW:
        break;
    }
    if (flow != FLOW_NEXT)
        return flow;
    digest_sha256_hex(x->sending, x->sending_sha256);
    x->pending = (struct pending_entry){
        .family = x->route.op->family, .project = x->route.project, .name = x->request.name.value};
    /* One without a name can't be told from another; the cloud will refuse both. */
    if (x->request.name.set && !pending_add(&x->gw->shared->pending, &x->pending))
        return exchange_refuse(x, &gateway_reasons[GATEWAY_CREATE_PENDING],
                               "a create of an instance with this name is under way; wait for its "
                               "answer before you repeat it");
    return FLOW_NEXT;
}
