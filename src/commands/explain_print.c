/* SPDX-License-Identifier: Apache-2.0
 * An explanation as text for a person and as JSON for a program. */
#include <stdio.h>

#include "commands/explain.h"
#include "json/write.h"
#include "modelarts/answer.h"
#include "modelarts/changes.h"
#include "policy/quota.h"

static const char *trace_word(const struct trace_line *line)
{
    static const char *const words[] = {
        [TRACE_MATCH] = "matches",  [TRACE_NO_MATCH] = "no match",
        [TRACE_OK] = "ok",          [TRACE_EDIT] = "edits",
        [TRACE_REFUSE] = "refuses", [TRACE_NOT_APPLIED] = "not applied",
        [TRACE_QUOTA] = "needs",
    };

    return words[line->what];
}

static void print_reasons(const struct reason *reasons, size_t count, struct buf *out)
{
    for (size_t i = 0; i < count; i++) {
        const struct reason *r = &reasons[i];

        buf_printf(out, "  %s: %.*s", r->row->code, VIEW_ARGS(r->message));
        if (r->policy.ptr != NULL)
            buf_printf(out, " (policy %.*s", VIEW_ARGS(r->policy));
        if (r->policy.ptr != NULL && r->at.file != NULL)
            buf_printf(out, ", %s:%u:%u", r->at.file, r->at.line, r->at.column);
        if (r->policy.ptr != NULL)
            buf_add_str(out, ")");
        buf_add_byte(out, '\n');
    }
}

static void print_changes(const struct change *changes, size_t count, struct buf *out)
{
    for (size_t i = 0; i < count; i++) {
        const struct change *c = &changes[i];

        buf_printf(out, "  %s %.*s: %.*s -> %.*s (policy %.*s)\n", edit_op_name(c->op),
                   VIEW_ARGS(c->path),
                   VIEW_ARGS(c->old_json.ptr == NULL ? VIEW("nothing") : c->old_json),
                   VIEW_ARGS(c->new_json), VIEW_ARGS(c->policy));
    }
}

static void print_trace(const struct decision *decision, struct buf *out)
{
    for (size_t i = 0; i < decision->trace_count; i++) {
        const struct trace_line *line = &decision->trace[i];
        bool heading = line->what == TRACE_MATCH || line->what == TRACE_NO_MATCH;

        if (heading)
            buf_printf(out, "\npolicy %.*s  %s:%u:%u  %s\n", VIEW_ARGS(line->policy),
                       line->at.file == NULL ? "?" : line->at.file, line->at.line, line->at.column,
                       trace_word(line));
        else
            buf_printf(out, "  %-12s %-24.*s %s:%u:%u\n", trace_word(line), VIEW_ARGS(line->rule),
                       line->at.file == NULL ? "?" : line->at.file, line->at.line, line->at.column);
        if (line->text.len > 0)
            buf_printf(out, "%s%.*s\n", heading ? "  " : "               ", VIEW_ARGS(line->text));
    }
}

static void print_would(const struct judging *j, struct buf *out)
{
    const struct judgement *would = &j->decision->would;

    if (!j->decision->has_would)
        return;
    buf_printf(out, "\nwith the warn and observe policies enforced: %s\n",
               verdict_name(would->verdict));
    print_reasons(would->reasons, would->reason_count, out);
    print_changes(j->would.changes, j->would.change_count, out);
}

/* What happens, also where the judgement as a whole refuses what a policy would have edited. */
static const char *decision_word(const struct explained *e)
{
    return explained_refused(e) ? verdict_name(VERDICT_REFUSE)
                                : verdict_name(e->judging.decision->judgement.verdict);
}

static bool is_edited(const struct explained *e)
{
    return !explained_refused(e) && e->judging.change_count > 0;
}

void explain_print_text(const struct explained *e, struct buf *out)
{
    const struct judging *j = &e->judging;

    buf_printf(out, "%s in project %.*s by %.*s\npolicy set %s\n", j->op->name,
               VIEW_ARGS(j->project), VIEW_ARGS(e->subject->user_name), policy_set_digest(e->set));
    if (j->decision == NULL) {
        buf_add_str(out, "\ndecision: refuse, before any policy was asked\n");
        print_reasons(j->reasons, j->reason_count, out);
        return;
    }
    print_trace(j->decision, out);
    buf_printf(out, "\ndecision: %s\n", decision_word(e));
    print_reasons(j->reasons, j->reason_count, out);
    print_changes(j->changes, j->change_count, out);
    print_would(j, out);
    if (is_edited(e) && j->sent_query.ptr != NULL)
        buf_printf(out, "\nquery as it would be sent:\n%.*s\n", VIEW_ARGS(j->sent_query));
    if (is_edited(e) && j->has_body)
        buf_printf(out, "\nbody as it would be sent:\n%.*s\n", VIEW_ARGS(j->sent_body));
}

static void write_reasons(struct jwriter *w, const struct reason *reasons, size_t count)
{
    char at[512];

    jwriter_key(w, "reasons");
    jwriter_open_array(w);
    for (size_t i = 0; i < count; i++) {
        const struct reason *r = &reasons[i];

        jwriter_open_object(w);
        jwriter_member_text(w, "code", view_str(r->row->code));
        jwriter_member_opt(w, "policy", r->policy);
        jwriter_member_opt(w, "rule", r->rule);
        if (r->at.file != NULL) {
            (void)snprintf(at, sizeof at, "%s:%u:%u", r->at.file, r->at.line, r->at.column);
            jwriter_member_text(w, "at", view_str(at));
        }
        jwriter_member_text(w, "message", r->message);
        jwriter_member_opt(w, "contact", r->contact);
        jwriter_close_object(w);
    }
    jwriter_close_array(w);
}

static void write_names(struct jwriter *w, const char *key, const struct view *names, size_t count)
{
    jwriter_key(w, key);
    jwriter_open_array(w);
    for (size_t i = 0; i < count; i++)
        jwriter_text(w, names[i]);
    jwriter_close_array(w);
}

/* Which of two outcomes it is, and why. */
struct outcome {
    const char *decision;
    const struct reason *reasons;
    size_t reason_count;
    const struct change *changes;
    size_t change_count;
};

static void write_outcome(struct jwriter *w, const struct outcome *outcome)
{
    jwriter_member_text(w, "decision", view_str(outcome->decision));
    write_reasons(w, outcome->reasons, outcome->reason_count);
    jwriter_key(w, "edits");
    modelarts_write_changes(w, outcome->changes, outcome->change_count);
}

static void write_would(struct jwriter *w, const struct judging *j)
{
    const struct judgement *would = &j->decision->would;
    const struct outcome outcome = {
        .decision = verdict_name(would->verdict),
        .reasons = would->reasons,
        .reason_count = would->reason_count,
        .changes = j->would.changes,
        .change_count = j->would.change_count,
    };

    if (!j->decision->has_would)
        return;
    jwriter_key(w, "would");
    jwriter_open_object(w);
    write_outcome(w, &outcome);
    jwriter_close_object(w);
}

static void write_trace(struct jwriter *w, const struct decision *decision)
{
    char at[512];

    jwriter_key(w, "trace");
    jwriter_open_array(w);
    for (size_t i = 0; i < decision->trace_count; i++) {
        const struct trace_line *line = &decision->trace[i];

        jwriter_open_object(w);
        jwriter_member_text(w, "policy", line->policy);
        jwriter_member_opt(w, "rule", line->rule);
        if (line->at.file != NULL) {
            (void)snprintf(at, sizeof at, "%s:%u:%u", line->at.file, line->at.line,
                           line->at.column);
            jwriter_member_text(w, "at", view_str(at));
        }
        jwriter_member_text(w, "result", view_str(trace_word(line)));
        jwriter_member_opt(w, "text", line->text);
        jwriter_close_object(w);
    }
    jwriter_close_array(w);
}

static void write_per(struct jwriter *w, const struct quota *quota)
{
    jwriter_key(w, "per");
    jwriter_open_array(w);
    for (size_t i = 0; quota_per_names[i] != NULL; i++) {
        if ((quota->per >> i & 1) != 0)
            jwriter_text(w, view_str(quota_per_names[i]));
    }
    jwriter_close_array(w);
}

/* What must have room; how much is in use is known to the gateway only. */
static void write_quotas(struct jwriter *w, const struct decision *d)
{
    jwriter_key(w, "quotas");
    jwriter_open_array(w);
    for (size_t i = 0; i < d->quota_count; i++) {
        const struct quota *quota = d->quotas[i].quota;
        bool budget = quota->counts == QUOTA_HOURS;

        jwriter_open_object(w);
        jwriter_member_text(w, "name", quota->name);
        jwriter_member_text(w, "policy", quota->policy);
        jwriter_key(w, "enforced");
        jwriter_bool(w, d->quotas[i].enforced);
        jwriter_member_text(w, "counts", view_str(quota_counts_name(quota->counts)));
        jwriter_member_int(w, budget ? "hours" : "limit",
                           budget ? quota->limit / (3600LL * QUOTA_WEIGHT_ONE) : quota->limit);
        if (budget)
            jwriter_member_int(w, "window_seconds", quota->window_us / 1000000);
        write_per(w, quota);
        jwriter_close_object(w);
    }
    jwriter_close_array(w);
}

static void write_decision(struct jwriter *w, const struct explained *e)
{
    const struct judging *j = &e->judging;
    const struct decision *d = j->decision;
    const struct outcome outcome = {
        .decision = decision_word(e),
        .reasons = j->reasons,
        .reason_count = j->reason_count,
        .changes = j->changes,
        .change_count = j->change_count,
    };

    write_outcome(w, &outcome);
    write_names(w, "policies", d->policies, d->policy_count);
    write_names(w, "exceptions", d->exceptions, d->exception_count);
    write_quotas(w, d);
    write_would(w, j);
    write_trace(w, d);
    if (explained_refused(e))
        return;
    jwriter_member_opt(w, "query", j->sent_query);
    if (j->has_body) {
        jwriter_key(w, "body");
        jwriter_raw(w, j->sent_body);
    }
}

void explain_print_json(const struct explained *e, struct buf *out)
{
    struct jwriter w;

    jwriter_init(&w, out);
    jwriter_open_object(&w);
    jwriter_member_text(&w, "operation", view_str(e->judging.op->name));
    jwriter_member_text(&w, "project", e->judging.project);
    jwriter_member_text(&w, "user", e->subject->user_name);
    jwriter_member_text(&w, "policy_set", view_str(policy_set_digest(e->set)));
    if (e->judging.decision == NULL) {
        jwriter_member_text(&w, "decision", VIEW("refuse"));
        write_reasons(&w, e->judging.reasons, e->judging.reason_count);
    } else {
        write_decision(&w, e);
    }
    jwriter_close_object(&w);
    buf_add_byte(out, '\n');
}
