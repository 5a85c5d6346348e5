/* SPDX-License-Identifier: Apache-2.0
 * `postern audit query --open`: what exists by the journal, from its last checkpoint and the lines
 * behind it. No index is needed. */
#include <stdlib.h>

#include "audit/existing.h"
#include "commands/audit_ask.h"
#include "commands/csv.h"
#include "json/write.h"

enum { ARENA_BLOCK = 1 << 16 };

static const char *state_text(const struct open_instance *entry)
{
    return entry->orphan ? "orphan" : open_state_name(entry->state);
}

static const char *until_text(struct arena *arena, const struct open_instance *entry,
                              int64_t now_us)
{
    const char *time = ask_time(arena, entry->until_us);

    return time != NULL && entry->until_us < now_us ? arena_printf(arena, "over %s", time).ptr
                                                    : time;
}

static void print_table(const struct open_list *open, const struct ask *ask, size_t count,
                        struct arena *arena, struct buf *out)
{
    static const char *const heads[] = {"SINCE",    "USER", "PROJECT", "FLAVOR",
                                        "INSTANCE", "NAME", "STATE",   "UNTIL"};
    struct columns table;

    columns_init(&table, arena, heads, ARRAY_LEN(heads));
    for (size_t i = 0; i < count; i++) {
        const struct open_instance *entry = &open->list[i];

        columns_add(&table, ask_time(arena, entry->since_us));
        columns_add(&table,
                    ask_text(arena, entry->user_name.len > 0 ? entry->user_name : entry->user_id));
        columns_add(&table, ask_text(arena, entry->project));
        columns_add(&table, ask_text(arena, entry->flavor));
        columns_add(&table, ask_text(arena, entry->instance));
        columns_add(&table, ask_text(arena, entry->name));
        columns_add(&table, state_text(entry));
        columns_add(&table, until_text(arena, entry, ask->now_us));
    }
    columns_print(&table, out);
}

static void print_csv(const struct open_list *open, size_t count, struct arena *arena,
                      struct buf *out)
{
    static const char *const heads[] = {"since",  "user_id",     "user_name",     "project",
                                        "flavor", "instance_id", "instance_name", "state",
                                        "until",  "id"};
    struct csv csv = {.out = out};

    for (size_t i = 0; i < ARRAY_LEN(heads); i++)
        csv_add_str(&csv, heads[i]);
    csv_end_line(&csv);
    for (size_t i = 0; i < count; i++) {
        const struct open_instance *entry = &open->list[i];

        csv_add_str(&csv, ask_moment(arena, entry->since_us));
        csv_add(&csv, entry->user_id);
        csv_add(&csv, entry->user_name);
        csv_add(&csv, entry->project);
        csv_add(&csv, entry->flavor);
        csv_add(&csv, entry->instance);
        csv_add(&csv, entry->name);
        csv_add_str(&csv, state_text(entry));
        csv_add_str(&csv, ask_moment(arena, entry->until_us));
        csv_add(&csv, entry->id);
        csv_end_line(&csv);
    }
}

static void print_json(const struct open_list *open, size_t count, struct arena *arena,
                       struct buf *out)
{
    for (size_t i = 0; i < count; i++) {
        const struct open_instance *entry = &open->list[i];
        struct jwriter w;

        jwriter_init(&w, out);
        jwriter_open_object(&w);
        jwriter_member_opt(&w, "since", view_str(ask_moment(arena, entry->since_us)));
        jwriter_member_opt(&w, "user_id", entry->user_id);
        jwriter_member_opt(&w, "user_name", entry->user_name);
        jwriter_member_opt(&w, "project", entry->project);
        jwriter_member_opt(&w, "flavor", entry->flavor);
        jwriter_member_opt(&w, "instance_id", entry->instance);
        jwriter_member_opt(&w, "instance_name", entry->name);
        jwriter_member_text(&w, "state", view_str(state_text(entry)));
        jwriter_member_opt(&w, "until", view_str(ask_moment(arena, entry->until_us)));
        jwriter_member_opt(&w, "id", entry->id);
        jwriter_close_object(&w);
        buf_add_byte(out, '\n');
    }
}

/* Beside what a program reads. */
static void say_more(const struct ask *ask, size_t more, struct buf *out)
{
    if (more > 0 && ask->format == ASK_TEXT)
        buf_printf(out, "\nThere are %zu more: ask again with a higher --limit\n", more);
    else if (more > 0)
        (void)fprintf(stderr, "There are %zu more: ask again with a higher --limit\n", more);
}

static enum status print_open(const struct ask *ask, const char *directory, struct arena *arena,
                              struct buf *out, bool *ret_damaged, struct err *err)
{
    struct open_list open = {.count = 0};
    enum status status = open_collect(directory, &ask->filter, arena, &open, err);
    size_t count =
        ask->page.limit != 0 && ask->page.limit < open.count ? ask->page.limit : open.count;

    if (status != STATUS_OK)
        return status;
    *ret_damaged = open.damage[0] != '\0';
    ask_warn_damage(ask, open.damage);
    if (ask->format == ASK_TEXT)
        print_table(&open, ask, count, arena, out);
    else if (ask->format == ASK_CSV)
        print_csv(&open, count, arena, out);
    else
        print_json(&open, count, arena, out);
    say_more(ask, open.count - count, out);
    free(open.list);
    return out->failed == STATUS_OK ? STATUS_OK : err_set(err, STATUS_NOMEM, "memory is out");
}

int ask_open(const struct command *command, const struct ask *ask)
{
    const struct audit_filter *f = &ask->filter;
    struct audit_source source;
    struct arena arena;
    struct buf out;
    struct err err = {0};
    bool damaged = false;
    enum status status = STATUS_INVALID;

    if (f->class.ptr != NULL || f->decision.ptr != NULL || f->outcome.ptr != NULL ||
        f->reason.ptr != NULL || f->policy.ptr != NULL || ask->page.before != 0)
        return command_usage(command, "--open is filtered by user, project, flavor, instance, "
                                      "operation and the time since when");
    arena_init(&arena, ARENA_BLOCK, ASK_OUT_MAX);
    buf_init(&out, ASK_OUT_MAX);
    if (audit_find_source(ask->conf, ask->journal, &arena, &source)) {
        status = print_open(ask, source.directory, &arena, &out, &damaged, &err);
        if (status == STATUS_OK)
            ask_print(&out);
        else
            (void)fprintf(stderr, "postern %s: %s\n", command->name, err.text);
    }
    buf_done(&out);
    arena_done(&arena);
    if (status != STATUS_OK)
        return RESULT_CANNOT;
    return damaged ? RESULT_NO : RESULT_WELL;
}
