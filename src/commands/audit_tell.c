/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/audit_tell.h"

#include "base/printable.h"
#include "commands/who.h"
#include "trail/row.h"

enum { ARENA_BLOCK = 1 << 16, FIELD = 12 /* width of the words in front */ };

void telling_init(struct telling *t)
{
    *t = (struct telling){.last = {VIEW_NONE}};
    buf_init(&t->out, ASK_OUT_MAX);
    arena_init(&t->arena, ARENA_BLOCK, ASK_OUT_MAX);
}

void telling_done(struct telling *t)
{
    buf_done(&t->out);
    arena_done(&t->arena);
}

static void begin(struct telling *t, const char *word)
{
    buf_printf(&t->out, "  %-*s", FIELD, word);
}

static void end(struct telling *t)
{
    buf_add_byte(&t->out, '\n');
}

static void say(struct telling *t, const char *word, struct view text)
{
    if (text.len == 0)
        return;
    begin(t, word);
    printable_add(&t->out, text);
    end(t);
}

static void say_change(struct telling *t, size_t which, const char *word, struct view text)
{
    if (text.len == 0 || view_eq(text, t->last[which]))
        return;
    t->last[which] = arena_copy(&t->arena, text);
    say(t, word, text);
}

static const char *or_else(const char *text, const char *otherwise)
{
    return text == NULL ? otherwise : text;
}

static const char nobody[] = "somebody whom the journal doesn't name";
static const char no_time[] = "at an unknown time";

/* With what stands between two that are there. */
static void add_some(struct telling *t, const struct view *texts, size_t count)
{
    const char *between = "";

    for (size_t i = 0; i < count; i++) {
        if (texts[i].len == 0)
            continue;
        buf_add_str(&t->out, between);
        printable_add(&t->out, texts[i]);
        between = " ";
    }
}

static void tell_credential(struct telling *t, struct arena *arena, const struct audit_told *told)
{
    struct view kind = told->credential_kind, digest = told->credential_digest,
                verified = told->credential_verified;

    if (kind.len > 0)
        say_change(t, TELL_CREDENTIAL, "credential",
                   arena_printf(arena, "%.*s%s%.*s%s%.*s", VIEW_ARGS(kind),
                                digest.len > 0 ? " " : "", VIEW_ARGS(digest),
                                verified.len > 0 ? ", verified: " : "", VIEW_ARGS(verified)));
    say(t, "client", told->client);
}

/* Code and message of each reason; policy, rule and place, where it is one of a rule. */
static void tell_reasons(struct telling *t, struct row *row)
{
    if (row_list(row, ROW_REASONS) == JREF_NONE)
        return;
    JDOC_EACH(&row->doc, row_list(row, ROW_REASONS), reason)
    {
        struct view message = row_text_in(row, reason, VIEW("message"));
        const struct view from[] = {row_text_in(row, reason, VIEW("policy")),
                                    row_text_in(row, reason, VIEW("rule")),
                                    row_text_in(row, reason, VIEW("at"))};

        begin(t, "reason");
        printable_add(&t->out, row_text_in(row, reason, VIEW("code")));
        buf_add_str(&t->out, message.len > 0 ? ": " : "");
        printable_add(&t->out, message);
        if (from[0].len + from[1].len + from[2].len > 0) {
            buf_add_str(&t->out, " (");
            add_some(t, from, ARRAY_LEN(from));
            buf_add_byte(&t->out, ')');
        }
        end(t);
    }
}

static struct view raw_in(const struct row *row, jref object, struct view name)
{
    jref value = jdoc_member(&row->doc, object, name);

    return value == JREF_NONE ? VIEW("nothing") : jdoc_raw(&row->doc, value);
}

static void tell_edits(struct telling *t, struct row *row)
{
    if (row_list(row, ROW_EDITS) == JREF_NONE)
        return;
    JDOC_EACH(&row->doc, row_list(row, ROW_EDITS), edit)
    {
        begin(t, "edited");
        printable_add(&t->out, row_text_in(row, edit, VIEW("path")));
        buf_add_str(&t->out, " from ");
        printable_add(&t->out, raw_in(row, edit, VIEW("old")));
        buf_add_str(&t->out, " to ");
        printable_add(&t->out, raw_in(row, edit, VIEW("new")));
        buf_add_str(&t->out, ", by ");
        printable_add(&t->out, row_text_in(row, edit, VIEW("policy")));
        buf_add_str(&t->out, " (");
        printable_add(&t->out, row_text_in(row, edit, VIEW("op")));
        buf_add_str(&t->out, ")\n");
    }
}

static void tell_decision(struct telling *t, struct arena *arena, const struct audit_exchange *x,
                          const struct audit_told *told)
{
    const char *exceptions = ask_list(arena, told->exceptions, ", ");
    const char *why;
    struct row row;

    if (told->decision.len == 0)
        return;
    say(t, "decision",
        arena_printf(arena, "%.*s, under %s%s%s", VIEW_ARGS(told->decision),
                     or_else(ask_list(arena, told->policies, ", "), "no policy"),
                     exceptions == NULL ? "" : ", by exception ",
                     exceptions == NULL ? "" : exceptions));
    say_change(t, TELL_POLICY_SET, "policy set", told->policy_set);
    if (x->request.text.ptr == NULL || row_read(x->request.text, arena, &row, &why) != STATUS_OK)
        return;
    tell_reasons(t, &row);
    tell_edits(t, &row);
}

/* Until when it runs at the latest, by the time that was sent with it, unless nothing came of it.
 */
static void tell_until(struct telling *t, struct arena *arena, const struct audit_told *told)
{
    bool starts = view_eq(told->class, VIEW("create")) || view_eq(told->class, VIEW("start")) ||
                  view_eq(told->operation, VIEW("notebooks.lease"));
    bool came = view_eq(told->outcome, VIEW("created")) || view_eq(told->outcome, VIEW("done"));
    bool may = told->outcome.len == 0 || view_eq(told->outcome, VIEW("unknown"));

    if (starts && told->auto_stop_s >= 0 && told->decision.len > 0 &&
        !view_eq(told->decision, VIEW("refuse")) && (came || may))
        say(t, "until",
            arena_printf(
                arena, "%s%s",
                or_else(ask_time(arena, audit_end_us(told->time_us, told->auto_stop_s)), no_time),
                may ? ", if it came to that" : ""));
}

static void tell_outcome(struct telling *t, struct arena *arena, const struct audit_exchange *x,
                         const struct audit_told *told)
{
    struct view outcome = told->outcome;

    if (outcome.len == 0 && x->request.text.ptr != NULL && view_eq(told->event, VIEW("intent")))
        outcome = VIEW("none yet");
    if (outcome.len == 0)
        return;
    say(t, "outcome",
        arena_printf(arena, "%.*s%s%s%s%.*s", VIEW_ARGS(outcome), told->outcome_us != 0 ? ", " : "",
                     or_else(ask_time(arena, told->outcome_us), ""),
                     told->error_code.len > 0 ? ", the cloud's error " : "",
                     VIEW_ARGS(told->error_code)));
}

static void tell_place(struct telling *t, struct arena *arena, const struct audit_line *line,
                       const char *what)
{
    if (line->text.ptr != NULL)
        say(t, "line", arena_printf(arena, "%s%s", ask_place(arena, line), what));
}

static void tell_lines(struct telling *t, struct arena *arena, const struct audit_exchange *x)
{
    tell_place(t, arena, &x->request, "");
    tell_place(t, arena, &x->outcome, " (outcome)");
    for (size_t i = 0; i < x->settled_count; i++)
        tell_place(t, arena, &x->settled[i], " (settled by the cloud's list)");
}

static void tell_head(struct telling *t, struct arena *arena, const struct audit_told *told)
{
    buf_add_str(&t->out, or_else(ask_time(arena, told->time_us), no_time));
    if (view_eq(told->event, VIEW("orphan"))) {
        buf_add_str(&t->out, " found in the cloud's list; nobody created it by this journal\n");
        return;
    }
    buf_add_byte(&t->out, ' ');
    printable_add(&t->out, told->operation);
    buf_add_str(&t->out, " asked for by ");
    who_add(&t->out, told->user_id, told->user_name, told->user_domain, nobody);
    end(t);
}

void tell_exchange(struct telling *t, const struct audit_exchange *exchange,
                   const struct audit_told *told, struct arena *scratch)
{
    tell_head(t, scratch, told);
    say_change(t, TELL_PROJECT, "project", told->project);
    say_change(t, TELL_FLAVOR, "flavor", told->flavor);
    tell_credential(t, scratch, told);
    tell_decision(t, scratch, exchange, told);
    tell_outcome(t, scratch, exchange, told);
    tell_until(t, scratch, told);
    if (told->gone)
        say(t, "gone", VIEW("the cloud's list doesn't have it any more"));
    tell_lines(t, scratch, exchange);
}

void tell_retired(struct telling *t, const struct open_instance *entry, struct arena *scratch)
{
    buf_printf(&t->out, "%s %s", or_else(ask_time(scratch, entry->since_us), no_time),
               entry->orphan ? "found in the cloud's list, created by nobody" : "asked for by ");
    if (!entry->orphan)
        who_add(&t->out, entry->user_id, entry->user_name, VIEW_NONE, nobody);
    buf_add_str(&t->out, "; its line was retired, a checkpoint still tells it\n");
    say_change(t, TELL_PROJECT, "project", entry->project);
    say_change(t, TELL_FLAVOR, "flavor", entry->flavor);
}
