/* SPDX-License-Identifier: Apache-2.0
 * Lines read by the JSON reader of the bodies, which is several times as fast as jansson on the
 * long line of a checkpoint. Duplicate members are refused: two readers must see the same line. */
#include "journal/line.h"

#include "base/clock.h"
#include "base/digest.h"

enum { ARENA_BLOCK_BYTES = 4096, LINE_VALUES_MAX = 1 << 27 };
static const size_t arena_max_bytes = (size_t)8 << 30;

/* One line's objects; failed: memory was out, and a text is missing for that. */
struct reading {
    const struct jdoc *doc;
    struct arena *arena;
    bool failed;
};

static struct view text_of(struct reading *r, jref object, struct view name)
{
    jref value = jdoc_member(r->doc, object, name);
    struct view text;

    if (value == JREF_NONE || jdoc_kind(r->doc, value) != JKIND_STRING)
        return VIEW_NONE;
    text = jdoc_text(r->doc, value, r->arena);
    r->failed = r->failed || text.ptr == NULL;
    return text;
}

static int64_t integer_of(const struct reading *r, jref object, struct view name, int64_t otherwise)
{
    jref value = jdoc_member(r->doc, object, name);
    int64_t number;

    return value != JREF_NONE && jdoc_kind(r->doc, value) == JKIND_INTEGER &&
                   jdoc_integer(r->doc, value, &number)
               ? number
               : otherwise;
}

static bool is_true(const struct reading *r, jref object, struct view name)
{
    jref value = jdoc_member(r->doc, object, name);

    return value != JREF_NONE && jdoc_kind(r->doc, value) == JKIND_TRUE;
}

static const struct operation *operation_of(struct reading *r, jref object)
{
    struct view name = text_of(r, object, VIEW("operation"));

    return name.ptr == NULL ? NULL : operation_find(name);
}

static void read_item(struct reading *r, jref object, struct open_item *ret)
{
    jref user = jdoc_member(r->doc, object, VIEW("user"));
    jref instance = jdoc_member(r->doc, object, VIEW("instance"));

    *ret = (struct open_item){
        .id = text_of(r, object, VIEW("id")),
        .time = text_of(r, object, VIEW("time")),
        .project = text_of(r, object, VIEW("project")),
        .user_id = text_of(r, user, VIEW("id")),
        .user_name = text_of(r, user, VIEW("name")),
        .user_domain = text_of(r, user, VIEW("domain")),
        .instance = text_of(r, instance, VIEW("id")),
        .name = text_of(r, instance, VIEW("name")),
        .flavor = text_of(r, instance, VIEW("flavor")),
        .workspace = text_of(r, instance, VIEW("workspace")),
        .pool = text_of(r, instance, VIEW("pool")),
        .profile = text_of(r, instance, VIEW("profile")),
        .auto_stop_s = integer_of(r, instance, VIEW("auto_stop_s"), -1),
        .operation = operation_of(r, object),
        .state = OPEN_RESERVED,
        .orphan = is_true(r, object, VIEW("orphan")),
    };
    if (!clock_parse(ret->time, &ret->time_us))
        ret->time_us = 0;
}

static const char *read_step(struct reading *r, struct line *line)
{
    struct view event = text_of(r, 0, VIEW("event"));

    line->known_event = journal_event_find(event, &line->step.event);
    if (!line->known_event && event.ptr == NULL)
        return "it has no \"event\"";
    /* Nothing of ours: folded in, it would stand in checkpoints that no start accepts. */
    if (line->known_event && line->item.id.len == 0 &&
        (line->step.event == JOURNAL_INTENT || line->step.event == JOURNAL_ORPHAN))
        return "it has no \"id\"";
    line->item.orphan = line->known_event && line->step.event == JOURNAL_ORPHAN;
    if (line->known_event && line->step.event == JOURNAL_SEAL)
        line->seal_key = text_of(r, 0, VIEW("key"));
    line->step.operation = line->item.operation;
    if (!journal_outcome_find(text_of(r, 0, VIEW("outcome")), &line->step.outcome))
        line->step.outcome = OUTCOME_NONE;
    open_key_set(&line->step.id, line->item.id);
    open_key_set(&line->step.instance, line->item.instance);
    return NULL;
}

static const char *read_line(struct reading *r, struct line *line)
{
    int64_t seq = integer_of(r, 0, VIEW("seq"), 0);

    if (jdoc_kind(r->doc, 0) != JKIND_OBJECT)
        return "it isn't a JSON object";
    if (integer_of(r, 0, VIEW("v"), 0) != 1)
        return "its \"v\" isn't 1";
    if (seq < 1)
        return "its \"seq\" isn't a positive integer";
    line->seq = (uint64_t)seq;
    line->prev = text_of(r, 0, VIEW("prev"));
    if (line->prev.ptr == NULL)
        return "it has no \"prev\"";
    read_item(r, 0, &line->item);
    return read_step(r, line);
}

enum status line_parse(struct view text, struct line *ret, const char **ret_why)
{
    const struct jlimits limits = {.bytes = CHECKPOINT_MAX_BYTES,
                                   .depth = JDEPTH_MAX,
                                   .members = LINE_VALUES_MAX,
                                   .nul = true};
    struct reading r = {.doc = &ret->doc, .arena = &ret->arena};
    struct jfault fault;
    enum status status;

    *ret = (struct line){.known_event = false};
    *ret_why = "it isn't a JSON object";
    arena_init(&ret->arena, ARENA_BLOCK_BYTES, arena_max_bytes);
    status = jdoc_read(text, &limits, &ret->arena, &ret->doc, &fault);
    if (status == STATUS_OK) {
        *ret_why = read_line(&r, ret);
        status = r.failed ? STATUS_NOMEM : *ret_why != NULL ? STATUS_SYNTAX : STATUS_OK;
    }
    if (status != STATUS_OK)
        line_done(ret);
    return status;
}

void line_done(struct line *line)
{
    arena_done(&line->arena);
}

static bool take(struct view *rest, struct view prefix)
{
    if (!view_starts(*rest, prefix))
        return false;
    *rest = view_from(*rest, prefix.len);
    return true;
}

bool line_peek_time(struct view front, int64_t *ret_us)
{
    struct view rest = front;

    if (!take(&rest, VIEW("{\"v\":1,\"seq\":")))
        return false;
    rest = view_from(rest, view_find(rest, ','));
    if (!take(&rest, VIEW(",\"prev\":\"")) || rest.len < DIGEST_HEX_BYTES)
        return false;
    rest = view_from(rest, DIGEST_HEX_BYTES);
    return take(&rest, VIEW("\",\"time\":\"")) &&
           clock_parse(view_of(rest.ptr, view_find(rest, '"')), ret_us);
}

enum status line_read_open(struct line *line, struct open_table *table)
{
    struct reading r = {.doc = &line->doc, .arena = &line->arena};
    jref open = jdoc_member(r.doc, 0, VIEW("open"));

    if (open == JREF_NONE || jdoc_kind(r.doc, open) != JKIND_ARRAY)
        return STATUS_SYNTAX;
    JDOC_EACH(r.doc, open, element)
    {
        struct open_item item;
        struct open_entry *entry;

        read_item(&r, element, &item);
        /* A state that isn't known is damage: whether such an entry holds a place can't be told. */
        if (!r.failed && (item.id.len == 0 ||
                          !open_state_find(text_of(&r, element, VIEW("state")), &item.state)))
            return STATUS_SYNTAX;
        entry = r.failed ? NULL : open_entry_new(&item);
        if (entry == NULL)
            return STATUS_NOMEM;
        open_put(table, &entry);
    }
    return STATUS_OK;
}

enum status line_entry(const struct line *line, struct open_entry **ret)
{
    *ret = NULL;
    if (!open_needs_entry(line->step.event, &line->item))
        return STATUS_OK;
    *ret = open_entry_new(&line->item);
    return *ret == NULL ? STATUS_NOMEM : STATUS_OK;
}

enum status line_apply(const struct line *line, struct open_table *table)
{
    struct open_entry *entry;

    if (!line->known_event)
        return STATUS_OK;
    if (line_entry(line, &entry) != STATUS_OK)
        return STATUS_NOMEM;
    open_apply(table, &line->step, &entry);
    open_entry_free(&entry);
    return STATUS_OK;
}
