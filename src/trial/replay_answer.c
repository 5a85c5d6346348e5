/* SPDX-License-Identifier: Apache-2.0
 * Answers, and how two of them differ. */
#include "trial/replay_answer.h"

/* ---- by a set ---- */

static bool take_reasons(const struct reason *reasons, size_t count, struct arena *arena,
                         struct replay_judgement *ret)
{
    struct replay_reason *items = arena_array(arena, count, sizeof *items);

    for (size_t i = 0; items != NULL && i < count; i++)
        items[i] = (struct replay_reason){
            .code = view_str(reasons[i].row == NULL ? NULL : reasons[i].row->code),
            .policy = reasons[i].policy,
            .rule = reasons[i].rule,
            .message = reasons[i].message};
    ret->reasons = items;
    ret->reason_count = count;
    return items != NULL;
}

static bool take_edits(const struct change *changes, size_t count, struct arena *arena,
                       struct replay_judgement *ret)
{
    struct replay_edit *items = arena_array(arena, count, sizeof *items);

    for (size_t i = 0; items != NULL && i < count; i++)
        items[i] = (struct replay_edit){.op = view_str(edit_op_name(changes[i].op)),
                                        .path = changes[i].path,
                                        .old_json = changes[i].old_json,
                                        .new_json = changes[i].new_json,
                                        .policy = changes[i].policy};
    ret->edits = items;
    ret->edit_count = count;
    return items != NULL;
}

static bool take_answer(const struct judging *j, enum judging_flow flow, struct replay_answer *ret)
{
    const struct decision *decision = j->decision;

    ret->is.verdict = flow == JUDGING_REFUSED ? VERDICT_REFUSE : decision->judgement.verdict;
    if (!take_reasons(j->reasons, flow == JUDGING_REFUSED ? j->reason_count : 0, j->arena,
                      &ret->is) ||
        !take_edits(j->changes, j->change_count, j->arena, &ret->is))
        return false;
    ret->has_would = decision != NULL && decision->has_would;
    if (!ret->has_would)
        return true;
    ret->would.verdict = decision->would.verdict;
    return take_reasons(decision->would.reasons, decision->would.reason_count, j->arena,
                        &ret->would) &&
           take_edits(j->would.changes, j->would.change_count, j->arena, &ret->would);
}

/* The steps of the gateway, in its order. */
static enum judging_flow judge(struct judging *j, const struct replay_request *request,
                               const struct policy_set *set)
{
    enum judging_flow flow = judging_body(j, request->body);

    if (flow == JUDGING_GOES_ON && request->route.verb_in_body)
        flow = judging_action(j);
    if (flow == JUDGING_GOES_ON)
        flow = judging_read(j);
    if (flow == JUDGING_GOES_ON && request->stored.ptr != NULL)
        flow = judging_stored(j, request->stored, request->time_us);
    if (flow == JUDGING_GOES_ON)
        flow = judging_decide(j, set, &request->subject, request->time_us, false);
    return flow;
}

static bool fits_its_line(const struct judging *j, const struct replay_request *request)
{
    return j->op != NULL && operation_is_judged(j->op) &&
           view_eq(view_str(j->op->name), request->operation) &&
           (request->stored.ptr != NULL) == modelarts_needs_stored(j->op);
}

enum status replay_judge(const struct replay_request *request,
                         const struct judging_settings *settings, const struct policy_set *set,
                         struct arena *arena, struct replay_answer *ret)
{
    struct replay_answer answer = {.has_would = false};
    struct judging j;
    enum judging_flow flow;
    enum status status = STATUS_OK;

    judging_init(&j, settings, arena);
    j.op = request->route.op;
    j.project = request->route.project;
    j.instance = request->route.instance;
    j.query = request->query;
    flow = judge(&j, request, set);
    if (flow != JUDGING_FAILED && !fits_its_line(&j, request))
        status = STATUS_INVALID;
    else if (flow == JUDGING_FAILED || !take_answer(&j, flow, &answer))
        status = STATUS_NOMEM;
    judging_done(&j);
    if (status == STATUS_OK)
        *ret = answer;
    return status;
}

/* ---- by the line ---- */

static bool verdict_of(struct view name, enum verdict *ret)
{
    static const enum verdict all[] = {VERDICT_ALLOW, VERDICT_REWRITE, VERDICT_REFUSE};

    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        if (view_eq(name, view_str(verdict_name(all[i])))) {
            *ret = all[i];
            return true;
        }
    }
    return false;
}

static void read_reasons(struct row *row, jref list, struct replay_judgement *ret)
{
    size_t count = list == JREF_NONE ? 0 : row->doc.values[list].count;
    struct replay_reason *items = arena_array(row->arena, count, sizeof *items);

    if (items == NULL) {
        row->failed = true;
        return;
    }
    ret->reasons = items;
    for (jref child = count == 0 ? JREF_NONE : jdoc_child(&row->doc, list); child != JREF_NONE;
         child = jdoc_sibling(&row->doc, child))
        items[ret->reason_count++] =
            (struct replay_reason){.code = row_text_in(row, child, VIEW("code")),
                                   .policy = row_text_in(row, child, VIEW("policy")),
                                   .rule = row_text_in(row, child, VIEW("rule"))};
}

static void read_edits(struct row *row, jref list, struct replay_judgement *ret)
{
    size_t count = list == JREF_NONE ? 0 : row->doc.values[list].count;
    struct replay_edit *items = arena_array(row->arena, count, sizeof *items);

    if (items == NULL) {
        row->failed = true;
        return;
    }
    ret->edits = items;
    for (jref child = count == 0 ? JREF_NONE : jdoc_child(&row->doc, list); child != JREF_NONE;
         child = jdoc_sibling(&row->doc, child))
        items[ret->edit_count++] =
            (struct replay_edit){.op = row_text_in(row, child, VIEW("op")),
                                 .path = row_text_in(row, child, VIEW("path")),
                                 .policy = row_text_in(row, child, VIEW("policy"))};
}

bool replay_answer_of(struct row *row, struct replay_judgement *ret)
{
    struct replay_judgement line = {.verdict = VERDICT_ALLOW};

    if (!verdict_of(row_text(row, ROW_DECISION), &line.verdict))
        return false;
    read_reasons(row, row_list(row, ROW_REASONS), &line);
    read_edits(row, row_list(row, ROW_EDITS), &line);
    *ret = line;
    return !row->failed;
}

static bool holds_code(const struct reason_row *rows, size_t count, struct view code)
{
    for (size_t i = 0; i < count; i++) {
        if (view_eq(view_str(rows[i].code), code))
            return true;
    }
    return false;
}

bool replay_is_judged(const struct replay_judgement *line)
{
    struct view code;

    if (line->verdict != VERDICT_REFUSE || line->reason_count == 0)
        return line->verdict != VERDICT_REFUSE;
    code = line->reasons[0].code;
    return holds_code(policy_reasons, POLICY_REASON_COUNT, code) ||
           holds_code(judging_reasons, JUDGING_REASON_COUNT, code) ||
           holds_code(modelarts_reasons, MODELARTS_REASON_COUNT, code) ||
           holds_code(json_reasons, JREASON_COUNT, code);
}

/* ---- compared ---- */

static bool reason_eq(const struct replay_reason *a, const struct replay_reason *b)
{
    return view_eq(a->code, b->code) && view_eq(a->policy, b->policy) && view_eq(a->rule, b->rule);
}

static bool edit_eq(const struct replay_edit *a, const struct replay_edit *b, bool with_value)
{
    return view_eq(a->op, b->op) && view_eq(a->path, b->path) && view_eq(a->policy, b->policy) &&
           (!with_value || view_eq(a->new_json, b->new_json));
}

/* The first reason of a that b doesn't have, or not as often; NULL: it has them all. */
static const struct replay_reason *other_reason(const struct replay_judgement *a,
                                                const struct replay_judgement *b)
{
    for (size_t i = 0; i < a->reason_count; i++) {
        size_t more = 0;

        for (size_t k = 0; k <= i; k++)
            more += reason_eq(&a->reasons[k], &a->reasons[i]) ? 1 : 0;
        for (size_t k = 0; k < b->reason_count && more > 0; k++)
            more -= reason_eq(&b->reasons[k], &a->reasons[i]) ? 1 : 0;
        if (more > 0)
            return &a->reasons[i];
    }
    return NULL;
}

/* No place is edited twice. */
static const struct replay_edit *other_edit(const struct replay_judgement *a,
                                            const struct replay_judgement *b, bool with_value)
{
    for (size_t i = 0; i < a->edit_count; i++) {
        bool found = false;

        for (size_t k = 0; k < b->edit_count && !found; k++)
            found = edit_eq(&a->edits[i], &b->edits[k], with_value);
        if (!found)
            return &a->edits[i];
    }
    return NULL;
}

bool replay_agrees(const struct replay_judgement *line, const struct replay_judgement *today)
{
    return line->verdict == today->verdict && line->reason_count == today->reason_count &&
           other_reason(line, today) == NULL && line->edit_count == today->edit_count &&
           other_edit(line, today, false) == NULL;
}

static struct replay_reason cause_of_edit(const struct replay_edit *edit)
{
    return (struct replay_reason){.code = edit->op, .policy = edit->policy, .rule = edit->path};
}

/* What one has and the other hasn't, of the later one first. */
static bool find_cause(const struct replay_judgement *before, const struct replay_judgement *after,
                       struct replay_reason *ret)
{
    const struct replay_reason *reason = other_reason(after, before);
    const struct replay_edit *edit = other_edit(after, before, true);

    if (reason == NULL)
        reason = edit == NULL ? other_reason(before, after) : NULL;
    if (edit == NULL)
        edit = other_edit(before, after, true);
    if (reason != NULL)
        *ret = *reason;
    else if (edit != NULL)
        *ret = cause_of_edit(edit);
    return reason != NULL || edit != NULL;
}

static bool would_differs(const struct replay_answer *before, const struct replay_answer *after,
                          struct replay_reason *ret_cause)
{
    /* Where nothing is held back, what would be is what is. */
    const struct replay_judgement *a = before->has_would ? &before->would : &before->is;
    const struct replay_judgement *b = after->has_would ? &after->would : &after->is;

    return find_cause(a, b, ret_cause) || a->verdict != b->verdict;
}

bool replay_differs(const struct replay_answer *before, const struct replay_answer *after,
                    enum replay_kind *ret_kind, struct replay_reason *ret_cause)
{
    bool was_refused = before->is.verdict == VERDICT_REFUSE;
    bool is_refused = after->is.verdict == VERDICT_REFUSE;

    *ret_cause = (struct replay_reason){.code = VIEW_NONE};
    if (was_refused != is_refused) {
        const struct replay_judgement *refusal = is_refused ? &after->is : &before->is;

        *ret_kind = is_refused ? REPLAY_NEWLY_REFUSED : REPLAY_NEWLY_ALLOWED;
        if (refusal->reason_count > 0)
            *ret_cause = refusal->reasons[0];
        return true;
    }
    *ret_kind = is_refused ? REPLAY_REFUSED_OTHERWISE : REPLAY_EDITED_DIFFERENTLY;
    if (find_cause(&before->is, &after->is, ret_cause) || before->is.verdict != after->is.verdict)
        return true;
    *ret_kind = REPLAY_WARNED_DIFFERENTLY;
    return would_differs(before, after, ret_cause);
}
