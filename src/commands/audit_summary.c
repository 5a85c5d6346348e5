/* SPDX-License-Identifier: Apache-2.0
 * `postern audit summary`: counts by group. */
#include "commands/audit_ask.h"
#include "commands/csv.h"
#include "json/write.h"

enum { ARENA_BLOCK = 1 << 16, SECONDS = 3600 };

static const char *const count_names[] = {"asked",   "allowed", "rewritten",
                                          "refused", "created", "hours"};
enum { COUNTS = ARRAY_LEN(count_names), HOURS = COUNTS - 1 };

/* Hours with one digit behind the point. */
static const char *count_text(struct arena *arena, const struct audit_counts *c, size_t at)
{
    const int64_t values[] = {c->asked, c->allowed, c->rewritten, c->refused, c->created};

    if (at < HOURS)
        return arena_printf(arena, "%lld", (long long)values[at]).ptr;
    return arena_printf(arena, "%lld.%lld", (long long)(c->run_s / SECONDS),
                        (long long)(c->run_s % SECONDS * 10 / SECONDS))
        .ptr;
}

static const char *key_text(struct arena *arena, const struct audit_group *group, enum audit_by by,
                            size_t at)
{
    struct view key = group->keys[at], name = group->user_name, domain = group->user_domain;

    if (by == BY_USER && domain.len > 0)
        return arena_printf(arena, "%s of %s", ask_text(arena, key), ask_text(arena, domain)).ptr;
    if (by != BY_USER || name.len == 0 || view_eq(key, name))
        return ask_text(arena, key);
    return arena_printf(arena, "%s (%s)", ask_text(arena, name), ask_text(arena, key)).ptr;
}

static const char *upper(struct arena *arena, const char *name)
{
    char *text = arena_strdup(arena, view_str(name));

    for (char *c = text; c != NULL && *c != '\0'; c++) {
        if (*c >= 'a' && *c <= 'z')
            *c = (char)(*c - 'a' + 'A');
    }
    return text;
}

static void print_table(const struct ask *ask, const struct audit_summary *summary,
                        struct arena *arena, struct buf *out)
{
    const char *heads[BY_COUNT + COUNTS];
    struct columns table;
    size_t count = 0;

    for (size_t i = 0; i < ask->by_count; i++)
        heads[count++] = upper(arena, audit_by_name(ask->by[i]));
    for (size_t i = 0; i < COUNTS; i++)
        heads[count++] = upper(arena, count_names[i]);
    columns_init(&table, arena, heads, count);
    for (size_t i = 0; i <= summary->count; i++) {
        bool total = i == summary->count;

        for (size_t j = 0; j < ask->by_count; j++)
            columns_add(&table, total ? (j == 0 ? "total" : "")
                                      : key_text(arena, &summary->groups[i], ask->by[j], j));
        for (size_t j = 0; j < COUNTS; j++)
            columns_add(&table,
                        count_text(arena, total ? &summary->total : &summary->groups[i].counts, j));
    }
    columns_print(&table, out);
}

/* group NULL: the line of totals. */
static void csv_line(const struct ask *ask, struct csv *csv, const struct audit_group *group,
                     const struct audit_counts *counts, struct arena *arena)
{
    for (size_t i = 0; i < ask->by_count; i++) {
        csv_add(csv, group != NULL ? group->keys[i] : i == 0 ? VIEW("total") : VIEW_NONE);
        if (ask->by[i] != BY_USER)
            continue;
        csv_add(csv, group != NULL ? group->user_name : VIEW_NONE);
        csv_add(csv, group != NULL ? group->user_domain : VIEW_NONE);
    }
    for (size_t i = 0; i < COUNTS; i++)
        csv_add_str(csv, count_text(arena, counts, i));
    csv_end_line(csv);
}

static void print_csv(const struct ask *ask, const struct audit_summary *summary,
                      struct arena *arena, struct buf *out)
{
    struct csv csv = {.out = out};

    for (size_t i = 0; i < ask->by_count; i++) {
        csv_add_str(&csv, ask->by[i] == BY_USER ? "user_id" : audit_by_name(ask->by[i]));
        if (ask->by[i] != BY_USER)
            continue;
        csv_add_str(&csv, "user_name");
        csv_add_str(&csv, "user_domain");
    }
    for (size_t i = 0; i < COUNTS; i++)
        csv_add_str(&csv, count_names[i]);
    csv_end_line(&csv);
    for (size_t i = 0; i < summary->count; i++)
        csv_line(ask, &csv, &summary->groups[i], &summary->groups[i].counts, arena);
    csv_line(ask, &csv, NULL, &summary->total, arena);
}

static void json_counts(struct jwriter *w, const struct audit_counts *c, struct arena *arena)
{
    const int64_t values[] = {c->asked, c->allowed, c->rewritten, c->refused, c->created};

    for (size_t i = 0; i < HOURS; i++)
        jwriter_member_int(w, count_names[i], values[i]);
    jwriter_key(w, "hours");
    jwriter_raw(w, view_str(count_text(arena, c, HOURS)));
    jwriter_member_int(w, "run_s", c->run_s);
}

static void print_json(const struct ask *ask, const struct audit_summary *summary,
                       struct arena *arena, struct buf *out)
{
    struct jwriter w;

    for (size_t i = 0; i <= summary->count; i++) {
        bool total = i == summary->count;

        jwriter_init(&w, out);
        jwriter_open_object(&w);
        for (size_t j = 0; j < ask->by_count && !total; j++) {
            jwriter_member_opt(&w, audit_by_name(ask->by[j]), summary->groups[i].keys[j]);
            if (ask->by[j] != BY_USER)
                continue;
            jwriter_member_opt(&w, "user_name", summary->groups[i].user_name);
            jwriter_member_opt(&w, "user_domain", summary->groups[i].user_domain);
        }
        if (total) {
            jwriter_key(&w, "total");
            jwriter_bool(&w, true);
        }
        json_counts(&w, total ? &summary->total : &summary->groups[i].counts, arena);
        jwriter_close_object(&w);
        buf_add_byte(out, '\n');
    }
}

static enum status summarize(const struct ask *ask, struct audit_index *index,
                             const struct audit_source *source, struct buf *out, struct err *err)
{
    const struct audit_grouping grouping = {ask->by, ask->by_count};
    struct audit_summary summary;
    struct arena arena;
    enum status status;

    (void)source;
    arena_init(&arena, ARENA_BLOCK, ASK_ARENA_MAX);
    status = audit_summarize(index, &ask->filter, &grouping, &arena, &summary, err);
    if (status == STATUS_OK && ask->format == ASK_TEXT)
        print_table(ask, &summary, &arena, out);
    if (status == STATUS_OK && ask->format == ASK_CSV)
        print_csv(ask, &summary, &arena, out);
    if (status == STATUS_OK && ask->format == ASK_JSON)
        print_json(ask, &summary, &arena, out);
    arena_done(&arena);
    return status;
}

int audit_summary_command(const struct command *command, int argc, char **argv)
{
    struct ask ask;
    int result = ask_options(command, argc, argv, false, &ask);

    if (result >= 0)
        return result;
    if (ask.by_count == 0)
        return command_usage(command, "say by what: --by user,flavor,project,operation,policy,"
                                      "reason,day");
    return ask_run(&ask, summarize);
}
