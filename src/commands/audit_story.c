/* SPDX-License-Identifier: Apache-2.0
 * `postern audit query --who-created`: the story of an instance, with the place of every line. What
 * it stands for and what exists of that is found whatever the filters are; they, and the page, only
 * limit what is told. */
#include "audit/fold.h"
#include "audit/story.h"
#include "base/printable.h"
#include "commands/audit_tell.h"

enum { ARENA_BLOCK = 1 << 16 };

struct telling_of {
    const struct ask *ask;
    struct audit_index *index;
    struct audit_story *story;
    struct telling *parts; /* one of each id, and one of what has none */
    struct arena arena;    /* of what is told at the moment */
    /* While nobody has looked at what exists: what is told tells it, too, if it is all. */
    struct audit_fold *fold;
    bool began[AUDIT_STORY_INSTANCES + 1]; /* the instance's first exchange is told */
    bool failed;
};

/* Where it is told: by the first id that it has. */
static struct telling *part_of(const struct telling_of *t, struct view instance)
{
    return &t->parts[audit_subject_find(&t->story->subject, instance)];
}

static bool is_part(const struct telling_of *t, const struct open_instance *entry, size_t part)
{
    return audit_subject_find(&t->story->subject, entry->instance) == part;
}

static void fold(struct telling_of *t, const struct audit_exchange *exchange,
                 const struct audit_told *told)
{
    if (t->fold == NULL)
        return;
    t->failed = t->failed || audit_fold_add(t->fold, exchange) != STATUS_OK;
    if (view_eq(told->class, view_str(op_class_name(CLASS_CREATE))) ||
        view_eq(told->event, view_str(journal_event_name(JOURNAL_ORPHAN))))
        t->began[audit_subject_find(&t->story->subject, told->instance)] = true;
}

static bool tell(void *user, const struct audit_exchange *exchange)
{
    struct telling_of *t = user;
    struct audit_told told;

    arena_reset(&t->arena);
    t->failed = audit_tell(exchange, &t->arena, &told) != STATUS_OK;
    if (!t->failed) {
        tell_exchange(part_of(t, told.instance), exchange, &told, &t->arena);
        fold(t, exchange, &told);
    }
    return !t->failed;
}

/* What is asked of an exchange, whatever the filters are. */
struct fact {
    bool found, began, gone;
};

static bool each_fact(void *user, const struct audit_exchange *exchange)
{
    struct fact *fact = user;
    struct audit_told told;
    struct arena arena;

    arena_init(&arena, ARENA_BLOCK, ASK_ARENA_MAX);
    fact->found = true;
    fact->began = fact->began || exchange->request.text.ptr != NULL;
    fact->gone = fact->gone || (audit_tell(exchange, &arena, &told) == STATUS_OK && told.gone);
    arena_done(&arena);
    return true;
}

static enum status ask_fact(const struct telling_of *t, const struct audit_filter *filter,
                            struct fact *ret, struct err *err)
{
    const struct audit_page page = {.limit = AUDIT_STORY_EXCHANGES};
    uint64_t next;

    *ret = (struct fact){.found = false};
    return audit_query(t->index, filter, &page, &(struct audit_taker){each_fact, ret}, &next, err);
}

/* Creates that have no line any more, or not yet one that the index knows. */
static enum status tell_all_retired(struct telling_of *t, struct err *err)
{
    enum status status = STATUS_OK;

    for (size_t i = 0; i < t->story->now.count && status == STATUS_OK; i++) {
        const struct open_instance *entry = &t->story->now.list[i];
        struct audit_filter filter = audit_filter_all();
        struct fact fact;

        filter.id = entry->id;
        status = ask_fact(t, &filter, &fact, err);
        if (status == STATUS_OK && !fact.began && entry->since_us < t->ask->now_us)
            tell_retired(part_of(t, entry->instance), entry, &t->arena);
    }
    return status;
}

static void print_existing(const struct ask *ask, struct arena *arena,
                           const struct open_instance *entry, struct buf *out)
{
    const char *until = ask_time(arena, entry->until_us);

    buf_add_str(out, "Now: it exists by the journal; ");
    if (until == NULL)
        buf_add_str(out, "nothing that the journal knows stops it after a time.\n");
    else if (entry->until_us < ask->now_us)
        buf_printf(out,
                   "its last known start ended at %s at the latest: it was stopped, or started "
                   "again since.\n",
                   until);
    else
        buf_printf(out, "by its last known start it is stopped at %s at the latest.\n", until);
}

/* The state as the list of what exists has it. */
static void print_now(struct telling_of *t, const struct open_instance *entry, struct buf *out)
{
    const char *since = ask_time(&t->arena, entry->since_us);
    const char *state;

    if (entry->state == OPEN_EXISTING) {
        print_existing(t->ask, &t->arena, entry, out);
        return;
    }
    state = entry->state == OPEN_UNKNOWN ? "nobody knows whether it was created"
                                         : "its create is under way";
    buf_printf(out, "Now: %s (asked for at %s).\n", state,
               since == NULL ? "an unknown time" : since);
}

/* Nothing exists of it. */
static enum status print_end(const struct telling_of *t, size_t part, struct buf *out,
                             struct err *err)
{
    const struct audit_subject *subject = &t->story->subject;
    struct audit_subject one = {.count = 1, .name = VIEW("")};
    struct audit_filter filter = audit_filter_all();
    struct fact fact;
    enum status status;

    if (part == subject->count) {
        buf_add_str(out, "Now: by the journal nothing of it exists.\n");
        return STATUS_OK;
    }
    one.ids = &subject->ids[part];
    filter.subject = &one;
    filter.operation = VIEW("*.create");
    status = ask_fact(t, &filter, &fact, err);
    if (status == STATUS_OK)
        buf_add_str(out, fact.gone ? "Now: it is gone.\n"
                                   : "Now: by the journal no such instance exists.\n");
    return status;
}

static enum status print_part(struct telling_of *t, size_t part, struct buf *out, struct err *err)
{
    const struct audit_subject *subject = &t->story->subject;
    const struct open_list *now = &t->story->now;
    const struct telling *told = &t->parts[part];
    size_t count = 0;

    for (size_t i = 0; i < now->count; i++)
        count += is_part(t, &now->list[i], part);
    if (part == subject->count && told->out.len == 0 && count == 0)
        return STATUS_OK;
    buf_add_str(out, out->len == 0 ? "" : "\n");
    buf_add_str(out, part < subject->count ? "Instance " : "Without an instance's id, named ");
    printable_add(out, part < subject->count ? subject->ids[part] : subject->name);
    buf_add_byte(out, '\n');
    if (told->out.len > 0)
        buf_add(out, buf_view(&told->out));
    else
        buf_add_str(out, "  (no exchange of it passes the filters, or stands on this page)\n");
    for (size_t i = 0; i < now->count; i++) {
        if (is_part(t, &now->list[i], part))
            print_now(t, &now->list[i], out);
    }
    return count == 0 ? print_end(t, part, out, err) : STATUS_OK;
}

/* Nothing was told: is there nothing, or do the filters and the page leave it out? */
static enum status print_nothing(const struct telling_of *t, struct buf *out, struct err *err)
{
    struct audit_filter filter = audit_filter_all();
    struct fact fact;
    enum status status;

    filter.subject = &t->story->subject;
    status = ask_fact(t, &filter, &fact, err);
    if (status != STATUS_OK)
        return status;
    buf_add_str(out, fact.found ? "No exchange of an instance \""
                                : "The journal has no line of an instance \"");
    printable_add(out, t->story->subject.name);
    buf_add_str(out, fact.found ? "\" passes the filters, or stands on this page.\n" : "\".\n");
    return STATUS_OK;
}

static enum status print_all(struct telling_of *t, struct buf *out, struct err *err)
{
    enum status status = STATUS_OK;

    for (size_t i = 0; i <= t->story->subject.count && status == STATUS_OK; i++) {
        if (t->parts[i].out.failed != STATUS_OK)
            return err_set(err, STATUS_LIMIT, "the story is too long; ask for less with --limit");
        status = print_part(t, i, out, err);
    }
    return status == STATUS_OK && out->len == 0 ? print_nothing(t, out, err) : status;
}

static enum status tell_all(struct telling_of *t, uint64_t *ret_next, struct err *err)
{
    enum status status = STATUS_OK;

    if (t->ask->page.before == 0 && t->story->looked)
        status = tell_all_retired(t, err);
    if (status == STATUS_OK)
        status = audit_query(t->index, &t->ask->filter, &t->ask->page,
                             &(struct audit_taker){tell, t}, ret_next, err);
    if (status == STATUS_OK && t->failed)
        status = err_set(err, STATUS_NOMEM, "memory is out");
    return status;
}

/* Whether the story will be told from its begin, without filters. */
static bool may_tell_all(const struct telling_of *t)
{
    return !audit_is_filtered(&t->ask->filter) && t->ask->page.before == 0 && !t->story->more &&
           audit_index_damaged(t->index) == 0;
}

static bool has_told_all(const struct telling_of *t, uint64_t next)
{
    for (size_t i = 0; i < t->story->subject.count; i++) {
        if (!t->began[i])
            return false;
    }
    return next == 0 && audit_fold_is_whole(t->fold);
}

/* What exists is known without a look at it if all exchanges have just been told. */
static enum status tell_and_know(struct telling_of *t, uint64_t *ret_next, struct err *err)
{
    struct open_list now;
    enum status status;

    t->fold = audit_fold_new();
    if (t->fold == NULL)
        return err_set(err, STATUS_NOMEM, "memory is out");
    status = tell_all(t, ret_next, err);
    if (status == STATUS_OK && has_told_all(t, *ret_next)) {
        status = audit_fold_end(t->fold, t->story->arena, &now, err);
        if (status == STATUS_OK)
            audit_story_know(t->story, &now);
    }
    audit_fold_free(&t->fold);
    return status;
}

static enum status look_and_tell(struct telling_of *t, uint64_t *ret_next, struct err *err)
{
    enum status status = audit_story_look(t->story, err);

    for (size_t i = 0; i <= AUDIT_STORY_INSTANCES; i++) {
        telling_done(&t->parts[i]);
        telling_init(&t->parts[i]);
    }
    return status == STATUS_OK ? tell_all(t, ret_next, err) : status;
}

static enum status tell_story(struct telling_of *t, struct buf *out, struct err *err)
{
    const bool may_know = !t->story->looked && may_tell_all(t);
    uint64_t next = 0;
    enum status status = may_know ? tell_and_know(t, &next, err) : STATUS_OK;

    if (status == STATUS_OK && !(may_know && t->story->looked))
        status = look_and_tell(t, &next, err);
    if (status == STATUS_OK)
        status = print_all(t, out, err);
    if (status == STATUS_OK)
        ask_tell_next(t->ask, next, out);
    return status;
}

enum status ask_story(const struct ask *ask, struct audit_index *index, struct audit_story *story,
                      struct buf *out, struct err *err)
{
    struct telling parts[AUDIT_STORY_INSTANCES + 1];
    struct telling_of t = {.ask = ask, .index = index, .story = story, .parts = parts};
    enum status status;

    arena_init(&t.arena, ARENA_BLOCK, ASK_ARENA_MAX);
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        telling_init(&parts[i]);
    status = tell_story(&t, out, err);
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        telling_done(&parts[i]);
    arena_done(&t.arena);
    return status;
}
