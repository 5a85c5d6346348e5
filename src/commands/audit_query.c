/* SPDX-License-Identifier: Apache-2.0
 * `postern audit query`: exchanges as a table, as the journal's own lines, or as CSV. */
#include "audit/story.h"
#include "commands/audit_ask.h"
#include "commands/csv.h"

enum { ARENA_BLOCK = 1 << 16 };

struct printing {
    struct buf *out;
    struct arena arena; /* of the table; of one exchange for the others */
    struct columns table;
    struct csv csv;
    bool failed; /* memory */
};

static bool each_text(void *user, const struct audit_exchange *exchange)
{
    struct printing *p = user;
    struct audit_told told;
    struct arena scratch;

    if (p->table.count + p->table.columns > COLUMNS_CELLS_MAX)
        return false; /* the next page begins with it */
    arena_init(&scratch, ARENA_BLOCK, ASK_ARENA_MAX);
    p->failed = audit_tell(exchange, &scratch, &told) != STATUS_OK;
    if (!p->failed) {
        columns_add(&p->table, ask_time(&scratch, told.time_us));
        columns_add(&p->table,
                    ask_text(&scratch, told.user_name.len > 0 ? told.user_name : told.user_id));
        columns_add(&p->table, ask_text(&scratch, told.operation));
        columns_add(&p->table, ask_text(&scratch, told.flavor));
        columns_add(&p->table, ask_text(&scratch, told.name.len > 0 ? told.name : told.instance));
        columns_add(&p->table, view_eq(told.event, VIEW("orphan"))
                                   ? "orphan"
                                   : ask_text(&scratch, told.decision));
        columns_add(&p->table, told.gone ? "gone" : ask_text(&scratch, told.outcome));
        columns_add(&p->table, ask_list(&scratch, told.reasons, " "));
    }
    arena_done(&scratch);
    p->failed = p->failed || p->table.failed;
    return !p->failed;
}

static const char *const csv_heads[] = {
    "time",      "seq",     "id",          "event",         "user_id", "user_name",   "project",
    "operation", "class",   "instance_id", "instance_name", "flavor",  "auto_stop_s", "decision",
    "outcome",   "reasons", "policies",    "exceptions",    "client",  "place"};

static void csv_exchange(struct csv *csv, struct arena *arena,
                         const struct audit_exchange *exchange, const struct audit_told *told)
{
    const struct audit_line *first = exchange->request.text.ptr != NULL   ? &exchange->request
                                     : exchange->outcome.text.ptr != NULL ? &exchange->outcome
                                                                          : exchange->settled;
    const struct view texts[] = {told->id,      told->event,     told->user_id, told->user_name,
                                 told->project, told->operation, told->class,   told->instance,
                                 told->name,    told->flavor};

    csv_add(csv, told->time);
    csv_add_i64(csv, (int64_t)exchange->seq);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        csv_add(csv, texts[i]);
    if (told->auto_stop_s >= 0)
        csv_add_i64(csv, told->auto_stop_s);
    else
        csv_add_str(csv, NULL);
    csv_add(csv, told->decision);
    csv_add(csv, told->outcome);
    csv_add_str(csv, ask_list(arena, told->reasons, " "));
    csv_add_str(csv, ask_list(arena, told->policies, " "));
    csv_add_str(csv, ask_list(arena, told->exceptions, " "));
    csv_add(csv, told->client);
    csv_add_str(csv, ask_place(arena, first));
    csv_end_line(csv);
}

static bool each_csv(void *user, const struct audit_exchange *exchange)
{
    struct printing *p = user;
    struct audit_told told;

    arena_reset(&p->arena);
    p->failed = audit_tell(exchange, &p->arena, &told) != STATUS_OK;
    if (!p->failed)
        csv_exchange(&p->csv, &p->arena, exchange, &told);
    return !p->failed;
}

static void begin(struct printing *p, enum ask_format format)
{
    static const char *const heads[] = {"TIME",     "USER",     "OPERATION", "FLAVOR",
                                        "INSTANCE", "DECISION", "OUTCOME",   "REASON"};

    arena_init(&p->arena, ARENA_BLOCK, ASK_ARENA_MAX);
    if (format == ASK_TEXT)
        columns_init(&p->table, &p->arena, heads, ARRAY_LEN(heads));
    p->csv.out = p->out;
    for (size_t i = 0; i < ARRAY_LEN(csv_heads) && format == ASK_CSV; i++)
        csv_add_str(&p->csv, csv_heads[i]);
    if (format == ASK_CSV)
        csv_end_line(&p->csv);
}

void ask_tell_next(const struct ask *ask, uint64_t next, struct buf *out)
{
    const char *which = ask->page.oldest_first ? "newer" : "older";

    if (ask->format == ASK_TEXT && next != 0)
        buf_printf(out, "\nThere are %s ones: ask again with --before %llu\n", which,
                   (unsigned long long)next);
    else if (next != 0)
        (void)fprintf(stderr, "There are %s ones: ask again with --before %llu\n", which,
                      (unsigned long long)next);
}

static enum status query(const struct ask *ask, struct audit_index *index,
                         const struct audit_source *source, struct buf *out, struct err *err)
{
    struct printing p = {.out = out};
    const struct audit_taker taker = {ask->format == ASK_CSV ? each_csv : each_text, &p};
    uint64_t next = 0;
    enum status status;

    (void)source;
    begin(&p, ask->format);
    status = ask->format == ASK_JSON
                 ? audit_query_json(index, &ask->filter, &ask->page, out, &next, err)
                 : audit_query(index, &ask->filter, &ask->page, &taker, &next, err);
    if (status == STATUS_OK && p.failed)
        status = err_set(err, STATUS_NOMEM, "memory is out");
    if (status == STATUS_OK && ask->format == ASK_TEXT)
        columns_print(&p.table, out);
    if (status == STATUS_OK)
        ask_tell_next(ask, next, out);
    arena_done(&p.arena);
    return status;
}

static void say_more(const struct ask *ask, struct buf *out)
{
    static const char text[] = "More instances have this name: ask for one by its id.";

    if (ask->format == ASK_TEXT)
        buf_printf(out, "\n%s\n", text);
    else
        (void)fprintf(stderr, "%s\n", text);
}

/* A story goes from hand to hand without what stood beside it. */
static void say_damage(const struct ask *ask, const char *damage, struct buf *out)
{
    if (damage[0] != '\0' && ask->format == ASK_TEXT)
        buf_add_str(out, "\nThe journal is damaged: what exists now may be told wrong.\n");
    ask_warn_damage(ask, damage);
}

/* The same exchanges in every format. */
static enum status query_story(const struct ask *ask, struct audit_index *index,
                               const struct audit_source *source, struct buf *out, struct err *err)
{
    struct ask of = *ask;
    struct audit_story story;
    struct arena arena;
    enum status status;

    arena_init(&arena, ARENA_BLOCK, ASK_OUT_MAX);
    status =
        audit_story_find(index, source->directory, view_str(ask->who_created), &arena, &story, err);
    if (status == STATUS_OK) {
        of.filter.subject = &story.subject;
        of.page.oldest_first = true;
        of.page.limit = of.page.limit == 0 ? AUDIT_STORY_EXCHANGES : of.page.limit;
        status = ask->format == ASK_TEXT ? ask_story(&of, index, &story, out, err)
                                         : query(&of, index, source, out, err);
        if (status == STATUS_OK && story.more)
            say_more(ask, out);
        if (status == STATUS_OK)
            say_damage(ask, story.now.damage, out);
        audit_story_done(&story);
    }
    arena_done(&arena);
    return status;
}

int audit_query_command(const struct command *command, int argc, char **argv)
{
    struct ask ask;
    int result = ask_options(command, argc, argv, true, &ask);

    if (result >= 0)
        return result;
    if (ask.open)
        return ask_open(command, &ask);
    return ask_run(&ask, ask.who_created != NULL ? query_story : query);
}
