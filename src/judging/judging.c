/* SPDX-License-Identifier: Apache-2.0
 * The stages of a judgement, in their order. */
#include "judging/judging.h"

const struct reason_row judging_reasons[JUDGING_REASON_COUNT] = {
#define REASON(id, code, status, help) [JUDGING_##id] = {(code), (status), (help)},
#include "judging/reasons.def"
#undef REASON
};

void judging_init(struct judging *j, const struct judging_settings *settings, struct arena *arena)
{
    *j = (struct judging){.settings = settings, .arena = arena, .run_s = -1};
    buf_init(&j->edited_body, 2 * settings->body.bytes);
    buf_init(&j->edited_query, settings->body.bytes);
}

void judging_done(struct judging *j)
{
    buf_done(&j->edited_body);
    buf_done(&j->edited_query);
}

static enum judging_flow refuse(struct judging *j, const struct reason_row *row,
                                struct view message)
{
    struct reason *reason = ARENA_NEW(j->arena, struct reason);

    if (reason == NULL)
        return JUDGING_FAILED;
    *reason = (struct reason){.row = row, .message = message};
    if (message.ptr == NULL)
        reason->message = view_str(row->help);
    j->reasons = reason;
    j->reason_count = 1;
    return JUDGING_REFUSED;
}

static enum judging_flow refuse_faults(struct judging *j, const struct body_faults *faults)
{
    struct reason *kept = arena_array(j->arena, faults->count, sizeof *kept);

    if (kept == NULL)
        return JUDGING_FAILED;
    memcpy(kept, faults->items, faults->count * sizeof *kept);
    j->reasons = kept;
    j->reason_count = faults->count;
    return JUDGING_REFUSED;
}

static enum judging_flow read_result(struct judging *j, enum status status,
                                     const struct body_faults *faults)
{
    if (status == STATUS_INVALID)
        return refuse_faults(j, faults);
    return status == STATUS_OK ? JUDGING_GOES_ON : JUDGING_FAILED;
}

enum judging_flow judging_body(struct judging *j, struct view body)
{
    struct jfault fault;
    enum status status;

    j->body = body;
    j->has_body = body.len > 0;
    if (!j->has_body)
        return JUDGING_GOES_ON;
    status = jdoc_read(body, &j->settings->body, j->arena, &j->doc, &fault);
    if (status == STATUS_SYNTAX)
        return refuse(
            j, fault.row,
            arena_printf(j->arena,
                         "the body is not the JSON that this call needs: line %u, column %u: %s",
                         fault.line, fault.column, fault.text));
    return status == STATUS_OK ? JUDGING_GOES_ON : JUDGING_FAILED;
}

enum judging_flow judging_action(struct judging *j)
{
    struct body_faults faults = {0};

    if (!j->has_body)
        return refuse(j, &modelarts_reasons[MODELARTS_BODY_MISSING],
                      VIEW("the body needs \"action\", a string (ModelArts.6335)"));
    return read_result(j, modelarts_read_action(&j->doc, j->arena, &j->op, &faults), &faults);
}

static struct raw_request raw_of(const struct judging *j, const struct jdoc *doc, struct view query)
{
    return (struct raw_request){
        .op = j->op,
        .project = j->project,
        .instance = j->instance,
        .doc = doc,
        .query = query,
    };
}

static struct raw_request received(const struct judging *j)
{
    return raw_of(j, j->has_body ? &j->doc : NULL, j->query);
}

enum judging_flow judging_read(struct judging *j)
{
    const struct raw_request raw = received(j);
    struct body_faults faults = {0};
    enum status status = modelarts_read(&raw, j->settings->unknown, j->arena, &j->request, &faults);

    j->has_request = status == STATUS_OK;
    return read_result(j, status, &faults);
}

enum judging_flow judging_stored(struct judging *j, struct view answer, int64_t now_us)
{
    const struct raw_request raw = received(j);
    struct body_faults faults = {0};
    struct jfault fault;
    enum status status = jdoc_read(answer, &j->settings->answer, j->arena, &j->stored, &fault);

    if (status == STATUS_SYNTAX)
        return refuse(j, &judging_reasons[JUDGING_STORED_UNREADABLE], VIEW_NONE);
    if (status != STATUS_OK)
        return JUDGING_FAILED;
    j->stored_us = now_us;
    status = modelarts_read_stored(&raw, &j->stored, now_us, j->arena, &j->request, &faults);
    j->has_stored = status == STATUS_OK;
    if (status == STATUS_INVALID)
        return refuse(j, &judging_reasons[JUDGING_STORED_UNREADABLE],
                      arena_printf(j->arena,
                                   "the instance can't be judged by what the cloud tells of it: "
                                   "%.*s",
                                   VIEW_ARGS(faults.items[0].message)));
    return status == STATUS_OK ? JUDGING_GOES_ON : JUDGING_FAILED;
}

/* The edited request, read as the received one was. */
static enum status read_again(struct judging *j, struct jdoc *doc, struct instance_request *ret)
{
    struct jlimits limits = j->settings->body;
    struct body_faults faults = {0};
    struct raw_request raw = raw_of(j, j->has_body ? doc : NULL, j->sent_query);
    struct jfault fault;
    enum status status;

    limits.bytes *= 2;
    if (j->has_body) {
        status = jdoc_read(j->sent_body, &limits, j->arena, doc, &fault);
        if (status != STATUS_OK)
            return status;
    }
    status = modelarts_read(&raw, j->settings->unknown, j->arena, ret, &faults);
    if (status != STATUS_OK || !j->has_stored)
        return status;
    return modelarts_read_stored(&raw, &j->stored, j->stored_us, j->arena, ret, &faults);
}

static enum status apply(struct judging *j)
{
    const struct raw_request raw = received(j);
    const struct judgement *judgement = &j->decision->judgement;
    enum status status =
        modelarts_render(&raw, &j->request, judgement->edits, judgement->edit_count, j->arena,
                         &j->changes, &j->change_count);

    if (status != STATUS_OK)
        return status;
    status = modelarts_apply(&raw, &j->request, judgement->edits, judgement->edit_count, j->arena,
                             &j->edited_body, &j->edited_query);
    if (j->has_body)
        j->sent_body = buf_view(&j->edited_body);
    j->sent_query = j->edited_query.len > 0 ? buf_view(&j->edited_query) : VIEW_NONE;
    return status;
}

/* Edits, then reads and judges what will be sent: it must be allowed as it is. */
static enum judging_flow rewrite(struct judging *j, const struct policy_set *set,
                                 const struct subject *subject, int64_t now_us)
{
    struct instance_request request = {0};
    const struct decision *again;
    enum status status;
    struct jdoc doc;

    status = apply(j);
    if (status == STATUS_LIMIT)
        return refuse(j, &policy_reasons[POLICY_TOO_MANY_EDITS], VIEW_NONE);
    if (status != STATUS_OK || read_again(j, &doc, &request) != STATUS_OK ||
        policy_judge(set, &request, subject, now_us, false, j->arena, &again) != STATUS_OK)
        return JUDGING_FAILED;
    if (again->judgement.verdict == VERDICT_ALLOW) {
        j->run_s = modelarts_run_s(&request);
        return JUDGING_GOES_ON;
    }
    return refuse(
        j, &judging_reasons[JUDGING_NOT_CONVERGENT],
        VIEW("the policies do not agree on how to change this request; nothing was sent"));
}

/* What warn and observe policies would have changed, rendered for the record. They hold nothing up:
 * of more changes than there may be none is told. */
static enum status render_would(struct judging *j)
{
    const struct judgement *would = &j->decision->would;
    const struct raw_request raw = received(j);
    enum status status;

    if (!j->decision->has_would)
        return STATUS_OK;
    status = modelarts_render(&raw, &j->request, would->edits, would->edit_count, j->arena,
                              &j->would.changes, &j->would.change_count);
    return status == STATUS_LIMIT ? STATUS_OK : status;
}

enum judging_flow judging_decide(struct judging *j, const struct policy_set *set,
                                 const struct subject *subject, int64_t now_us, bool with_trace)
{
    j->sent_body = j->body;
    j->sent_query = j->query;
    if (policy_judge(set, &j->request, subject, now_us, with_trace, j->arena, &j->decision) !=
            STATUS_OK ||
        render_would(j) != STATUS_OK)
        return JUDGING_FAILED;
    switch (j->decision->judgement.verdict) {
    case VERDICT_REFUSE:
        j->reasons = j->decision->judgement.reasons;
        j->reason_count = j->decision->judgement.reason_count;
        return JUDGING_REFUSED;
    case VERDICT_REWRITE:
        return rewrite(j, set, subject, now_us);
    case VERDICT_ALLOW:
        break;
    }
    j->run_s = modelarts_run_s(&j->request);
    /* A query that was read is written anew, also where nothing changes. */
    return modelarts_reads_query(j->op) && apply(j) != STATUS_OK ? JUDGING_FAILED : JUDGING_GOES_ON;
}
