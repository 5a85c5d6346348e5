/* SPDX-License-Identifier: Apache-2.0
 * `postern audit query --who-created`: the story of an instance, with the place of every line. */
#include "base/clock.h"
#include "base/printable.h"
#include "commands/audit_open.h"
#include "commands/who.h"
#include "trail/row.h"

enum repeated { PROJECT, FLAVOR, POLICY_SET, CREDENTIAL, REPEATED };
enum {
    ARENA_BLOCK = 1 << 16,
    INSTANCES_MAX = 20,   /* of one name */
    EXCHANGES_MAX = 1000, /* of one instance */
    FIELD = 12,           /* width of the words in front */
};

struct story {
    const struct ask *ask;
    struct arena arena;
    struct view ids[INSTANCES_MAX];
    size_t count;
    bool more;
    bool found;   /* something was told of this one */
    bool created; /* a create, or an orphan line, was told */
    bool exists;  /* and nothing said later that it is gone */
    bool gone;
    int64_t until_us;           /* by the last start that came to something */
    struct view last[REPEATED]; /* what was said already, and is said again only if it changes */
    struct buf *out;
    bool failed;
};

static void say(struct story *s, const char *word, const char *text)
{
    buf_printf(s->out, "  %-*s", FIELD, word);
    printable_add(s->out, text == NULL ? VIEW("-") : view_str(text));
    buf_add_byte(s->out, '\n');
}

static void say_change(struct story *s, enum repeated which, const char *word, struct view text)
{
    if (text.len == 0 || view_eq(text, s->last[which]))
        return;
    s->last[which] = arena_copy(&s->arena, text);
    buf_printf(s->out, "  %-*s", FIELD, word);
    printable_add(s->out, text);
    buf_add_byte(s->out, '\n');
}

static const char *or_else(const char *text, const char *otherwise)
{
    return text == NULL ? otherwise : text;
}

static const char nobody[] = "somebody whom the journal doesn't name";

static void tell_credential(struct story *s, struct arena *arena, const struct audit_told *told)
{
    if (told->credential_kind.len > 0)
        say_change(
            s, CREDENTIAL, "credential",
            arena_printf(arena, "%.*s %.*s, verified: %.*s", VIEW_ARGS(told->credential_kind),
                         VIEW_ARGS(told->credential_digest), VIEW_ARGS(told->credential_verified)));
    if (told->client.len > 0)
        say(s, "client", ask_text(arena, told->client));
}

/* policy, rule, place and message of each reason. */
static void tell_reasons(struct story *s, struct arena *arena, struct row *row)
{
    if (row_list(row, ROW_REASONS) == JREF_NONE)
        return;
    JDOC_EACH(&row->doc, row_list(row, ROW_REASONS), reason)
    {
        struct view policy = row_text_in(row, reason, VIEW("policy"));
        struct view rule = row_text_in(row, reason, VIEW("rule"));
        struct view at = row_text_in(row, reason, VIEW("at"));

        say(s, "reason",
            arena_printf(arena, "%.*s: %.*s (%.*s%s%.*s%s%.*s)",
                         VIEW_ARGS(row_text_in(row, reason, VIEW("code"))),
                         VIEW_ARGS(row_text_in(row, reason, VIEW("message"))), VIEW_ARGS(policy),
                         rule.len > 0 ? " " : "", VIEW_ARGS(rule), at.len > 0 ? " " : "",
                         VIEW_ARGS(at))
                .ptr);
    }
}

static struct view raw_in(const struct row *row, jref object, struct view name)
{
    jref value = jdoc_member(&row->doc, object, name);

    return value == JREF_NONE ? VIEW("nothing") : jdoc_raw(&row->doc, value);
}

static void tell_edits(struct story *s, struct arena *arena, struct row *row)
{
    if (row_list(row, ROW_EDITS) == JREF_NONE)
        return;
    JDOC_EACH(&row->doc, row_list(row, ROW_EDITS), edit)
    {
        say(s, "edited",
            arena_printf(arena, "%.*s from %.*s to %.*s, by %.*s (%.*s)",
                         VIEW_ARGS(row_text_in(row, edit, VIEW("path"))),
                         VIEW_ARGS(raw_in(row, edit, VIEW("old"))),
                         VIEW_ARGS(raw_in(row, edit, VIEW("new"))),
                         VIEW_ARGS(row_text_in(row, edit, VIEW("policy"))),
                         VIEW_ARGS(row_text_in(row, edit, VIEW("op"))))
                .ptr);
    }
}

static void tell_decision(struct story *s, struct arena *arena, const struct audit_exchange *x,
                          const struct audit_told *told)
{
    const char *exceptions = ask_list(arena, told->exceptions, ", ");
    const char *why;
    struct row row;

    if (told->decision.len == 0)
        return;
    say(s, "decision",
        arena_printf(arena, "%.*s, under %s%s%s", VIEW_ARGS(told->decision),
                     or_else(ask_list(arena, told->policies, ", "), "no policy"),
                     exceptions == NULL ? "" : ", by exception ",
                     exceptions == NULL ? "" : exceptions)
            .ptr);
    say_change(s, POLICY_SET, "policy set", told->policy_set);
    if (x->request.text.ptr == NULL || row_read(x->request.text, arena, &row, &why) != STATUS_OK)
        return;
    tell_reasons(s, arena, &row);
    tell_edits(s, arena, &row);
}

static void tell_outcome(struct story *s, struct arena *arena, const struct audit_exchange *x,
                         const struct audit_told *told)
{
    struct view outcome = told->outcome;

    if (outcome.len == 0 && x->request.text.ptr != NULL && view_eq(told->event, VIEW("intent")))
        outcome = VIEW("none yet");
    if (outcome.len == 0)
        return;
    say(s, "outcome",
        arena_printf(arena, "%.*s%s%s%s%.*s", VIEW_ARGS(outcome), told->outcome_us != 0 ? ", " : "",
                     or_else(ask_time(arena, told->outcome_us), ""),
                     told->error_code.len > 0 ? ", the cloud's error " : "",
                     VIEW_ARGS(told->error_code))
            .ptr);
}

static void tell_lines(struct story *s, struct arena *arena, const struct audit_exchange *x)
{
    if (x->request.text.ptr != NULL)
        say(s, "line", ask_place(arena, &x->request));
    if (x->outcome.text.ptr != NULL)
        say(s, "line", arena_printf(arena, "%s (outcome)", ask_place(arena, &x->outcome)).ptr);
    for (size_t i = 0; i < x->settled_count; i++)
        say(s, "line",
            arena_printf(arena, "%s (settled by the cloud's list)",
                         ask_place(arena, &x->settled[i]))
                .ptr);
}

/* The clock of what the exchange started, if it came to something. */
static void note_until(struct story *s, const struct audit_told *told)
{
    bool starts = view_eq(told->class, VIEW("create")) || view_eq(told->class, VIEW("start")) ||
                  view_eq(told->operation, VIEW("notebooks.lease"));

    if (starts && (view_eq(told->outcome, VIEW("created")) || view_eq(told->outcome, VIEW("done"))))
        s->until_us = told->auto_stop_s < 0 ? 0 : audit_end_us(told->time_us, told->auto_stop_s);
    s->gone = s->gone || told->gone;
    s->exists = (s->exists || view_eq(told->outcome, VIEW("created")) ||
                 view_eq(told->event, VIEW("orphan"))) &&
                !s->gone;
}

static void tell_head(struct story *s, struct arena *arena, const struct audit_told *told)
{
    const char *time = or_else(ask_time(arena, told->time_us), "at an unknown time");
    bool create = view_eq(told->class, VIEW("create"));

    if (view_eq(told->event, VIEW("orphan"))) {
        buf_printf(s->out, "%s found in the cloud's list; nobody created it by this journal\n",
                   time);
        s->created = true;
        return;
    }
    s->created = s->created || (create && !view_eq(told->decision, VIEW("refuse")));
    buf_printf(s->out, "%s ", time);
    printable_add(s->out, told->operation);
    buf_add_str(s->out, " asked for by ");
    who_add(s->out, told->user_id, told->user_name, told->user_domain, nobody);
    buf_add_byte(s->out, '\n');
}

static bool tell(void *user, const struct audit_exchange *x)
{
    struct story *s = user;
    struct audit_told told;
    struct arena arena;

    arena_init(&arena, ARENA_BLOCK, ASK_ARENA_MAX);
    s->failed = audit_tell(x, &arena, &told) != STATUS_OK;
    if (!s->failed) {
        s->found = true;
        tell_head(s, &arena, &told);
        say_change(s, PROJECT, "project", told.project);
        say_change(s, FLAVOR, "flavor", told.flavor);
        tell_credential(s, &arena, &told);
        tell_decision(s, &arena, x, &told);
        tell_outcome(s, &arena, x, &told);
        if (told.gone)
            say(s, "gone", "the cloud's list doesn't have it any more");
        tell_lines(s, &arena, x);
        note_until(s, &told);
    }
    arena_done(&arena);
    return !s->failed;
}

/* A create whose line was retired. */
static void tell_entry(struct story *s, struct arena *arena, const struct open_instance *entry)
{
    if (!s->created) {
        buf_printf(s->out, "%s %s", or_else(ask_time(arena, entry->since_us), "at an unknown time"),
                   entry->orphan ? "found in the cloud's list, created by nobody"
                                 : "asked for by ");
        if (!entry->orphan)
            who_add(s->out, entry->user_id, entry->user_name, VIEW_NONE, nobody);
        buf_add_str(s->out, "; its line was retired, a checkpoint still tells it\n");
        if (entry->project.len > 0)
            say(s, "project", ask_text(arena, entry->project));
        if (entry->flavor.len > 0)
            say(s, "flavor", ask_text(arena, entry->flavor));
    }
    s->created = s->found = true;
    if (s->until_us == 0)
        s->until_us = entry->until_us;
}

static void tell_end(struct story *s, struct arena *arena, bool exists)
{
    const char *until = ask_time(arena, s->until_us);

    if (!exists) {
        buf_add_str(s->out, s->gone ? "Now: it is gone.\n"
                                    : "Now: by the journal no such instance exists.\n");
        return;
    }
    buf_add_str(s->out, "Now: it exists by the journal; ");
    if (until == NULL)
        buf_add_str(s->out, "nothing that the journal knows stops it after a time.\n");
    else
        buf_printf(s->out, "by its last known start it %s stopped at %s at the latest.\n",
                   s->until_us < s->ask->now_us ? "was" : "is", until);
}

/* Where no line of a create is left, the last checkpoint and the lines behind it say it. */
static enum status tell_now(struct story *s, const struct audit_source *source, struct view id,
                            struct err *err)
{
    struct audit_filter filter = audit_filter_all();
    struct open_list open = {.count = 0};
    struct arena arena;
    enum status status = STATUS_OK;

    arena_init(&arena, ARENA_BLOCK, ASK_OUT_MAX);
    filter.instance = id;
    if (!s->created && !s->gone)
        status = open_collect(source->directory, &filter, &arena, &open, err);
    for (size_t i = 0; status == STATUS_OK && i < open.count; i++)
        tell_entry(s, &arena, &open.list[i]);
    if (status == STATUS_OK && s->found)
        tell_end(s, &arena, s->exists || open.count > 0);
    free(open.list);
    arena_done(&arena);
    return status;
}

static enum status tell_instance(struct story *s, struct audit_index *index,
                                 const struct audit_source *source, struct view id, struct err *err)
{
    const struct audit_page page = {.limit = EXCHANGES_MAX, .oldest_first = true};
    struct audit_filter filter = s->ask->filter;
    uint64_t next = 0;
    enum status status;

    filter.instance = id;
    s->found = s->created = s->exists = s->gone = false;
    s->until_us = 0;
    memset(s->last, 0, sizeof s->last);
    status = audit_query(index, &filter, &page, &(struct audit_taker){tell, s}, &next, err);
    if (status == STATUS_OK && s->failed)
        status = err_set(err, STATUS_NOMEM, "memory is out");
    if (status == STATUS_OK && next != 0) {
        buf_add_str(s->out, "... and more: `postern audit query --instance ");
        printable_add(s->out, id);
        buf_add_str(s->out, "`\n");
    }
    return status == STATUS_OK ? tell_now(s, source, id, err) : status;
}

static void add_id(struct story *s, struct view id)
{
    for (size_t i = 0; i < s->count; i++) {
        if (view_eq(s->ids[i], id))
            return;
    }
    if (s->count == INSTANCES_MAX) {
        s->more = true;
        return;
    }
    s->ids[s->count] = arena_copy(&s->arena, id);
    s->failed = s->failed || s->ids[s->count].ptr == NULL;
    s->count += !s->failed;
}

/* Which instances have that id or name. */
static bool collect(void *user, const struct audit_exchange *x)
{
    struct story *s = user;
    struct audit_told told;
    struct arena arena;

    arena_init(&arena, ARENA_BLOCK, ASK_ARENA_MAX);
    s->failed = audit_tell(x, &arena, &told) != STATUS_OK;
    if (!s->failed && told.instance.len > 0)
        add_id(s, told.instance);
    arena_done(&arena);
    return !s->failed;
}

static enum status find_ids(struct story *s, struct audit_index *index,
                            const struct audit_source *source, struct err *err)
{
    const struct audit_page page = {.limit = EXCHANGES_MAX};
    struct audit_filter filter = s->ask->filter;
    struct open_list open = {.count = 0};
    uint64_t next = 0;
    enum status status;

    filter.instance = view_str(s->ask->who_created);
    status = audit_query(index, &filter, &page, &(struct audit_taker){collect, s}, &next, err);
    if (status == STATUS_OK && s->count == 0 && !s->failed) {
        status = open_collect(source->directory, &filter, &s->arena, &open, err);
        for (size_t i = 0; status == STATUS_OK && i < open.count; i++) {
            if (open.list[i].instance.len > 0)
                add_id(s, open.list[i].instance);
        }
        free(open.list);
    }
    if (status == STATUS_OK && s->failed)
        status = err_set(err, STATUS_NOMEM, "memory is out");
    s->more = s->more || next != 0;
    return status;
}

static enum status tell_all(struct story *s, struct audit_index *index,
                            const struct audit_source *source, struct err *err)
{
    enum status status = STATUS_OK;
    bool found = false;

    for (size_t i = 0; i < s->count && status == STATUS_OK; i++) {
        buf_add_str(s->out, i == 0 ? "Instance " : "\nInstance ");
        printable_add(s->out, s->ids[i]);
        buf_add_byte(s->out, '\n');
        status = tell_instance(s, index, source, s->ids[i], err);
        found = found || s->found;
    }
    /* Asked for, but the cloud never gave it an id: told by its name. */
    if (status == STATUS_OK && s->count == 0) {
        status = tell_instance(s, index, source, view_str(s->ask->who_created), err);
        found = s->found;
    }
    if (status == STATUS_OK && !found)
        buf_printf(s->out, "The journal has no line of an instance \"%s\".\n", s->ask->who_created);
    if (s->more)
        buf_add_str(s->out, "\nMore instances have this name: ask for one by its id.\n");
    return status;
}

enum status ask_story(const struct ask *ask, struct audit_index *index,
                      const struct audit_source *source, struct buf *out, struct err *err)
{
    struct story s = {.ask = ask, .out = out};
    enum status status;

    arena_init(&s.arena, ARENA_BLOCK, ASK_OUT_MAX);
    status = find_ids(&s, index, source, err);
    if (status == STATUS_OK)
        status = tell_all(&s, index, source, err);
    arena_done(&s.arena);
    return status;
}
