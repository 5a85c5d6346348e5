/* SPDX-License-Identifier: Apache-2.0
 * One walk: members stand in the order of the table, so the next one is mostly the next row. */
#include "trail/row.h"

#include "base/clock.h"
#include "journal/line.h"

enum { ROW_VALUES = 1 << 27 };

enum kind { TEXT, NUMBER, LIST };

static const struct {
    struct view object, name;
    enum kind kind;
    const char *full;
} table[ROW_MEMBERS] = {
#define MEMBER(id, kind, object, name)             \
    [ROW_##id] = {{"" object, sizeof(object) - 1}, \
                  {"" name, sizeof(name) - 1},     \
                  (kind),                          \
                  sizeof(object) == 1 ? (name) : object "." name},
#include "trail/members.def"
#undef MEMBER
};

const char *row_member_name(enum row_member member)
{
    return table[member].full;
}

static bool is_kind(enum jkind found, enum kind wanted)
{
    switch (wanted) {
    case TEXT:
        return found == JKIND_STRING;
    case NUMBER:
        return found == JKIND_INTEGER;
    case LIST:
        return found == JKIND_ARRAY || found == JKIND_OBJECT;
    }
    return false;
}

/* The row of that name, looked for from *from on, around the end; ROW_MEMBERS: there is none. */
static size_t find(struct view object, struct view name, size_t *from)
{
    for (size_t i = 0; i < ROW_MEMBERS; i++) {
        size_t at = (*from + i) % ROW_MEMBERS;

        if (view_eq(table[at].name, name) && view_eq(table[at].object, object)) {
            *from = at + 1;
            return at;
        }
    }
    return ROW_MEMBERS;
}

static struct view key_of(struct row *row, jref member)
{
    struct view key = jdoc_key(&row->doc, member, row->arena);

    row->failed = row->failed || key.ptr == NULL;
    return key;
}

static void walk_object(struct row *row, struct view object, jref parent, size_t *from)
{
    JDOC_EACH(&row->doc, parent, child)
    {
        size_t at = find(object, key_of(row, child), from);

        if (at < ROW_MEMBERS && is_kind(jdoc_kind(&row->doc, child), table[at].kind))
            row->at[at] = child;
    }
}

static void walk(struct row *row)
{
    size_t from = 0;

    JDOC_EACH(&row->doc, 0, child)
    {
        struct view key = key_of(row, child);
        size_t at = find(VIEW(""), key, &from);

        if (at < ROW_MEMBERS && is_kind(jdoc_kind(&row->doc, child), table[at].kind))
            row->at[at] = child;
        else if (at == ROW_MEMBERS && key.len > 0 && jdoc_kind(&row->doc, child) == JKIND_OBJECT)
            walk_object(row, key, child, &from);
    }
}

enum status row_read(struct view line, struct arena *arena, struct row *ret, const char **ret_why)
{
    static const struct jlimits limits = {
        .bytes = CHECKPOINT_MAX_BYTES, .depth = JDEPTH_MAX, .members = ROW_VALUES, .nul = true};
    struct row row = {.arena = arena};
    struct jfault fault;
    enum status status = jdoc_read(line, &limits, arena, &row.doc, &fault);
    int64_t seq;

    *ret_why = "it isn't one JSON object without duplicate members";
    if (status != STATUS_OK)
        return status;
    if (jdoc_kind(&row.doc, 0) != JKIND_OBJECT)
        return STATUS_SYNTAX;
    for (size_t i = 0; i < ROW_MEMBERS; i++)
        row.at[i] = JREF_NONE;
    walk(&row);
    *ret_why = "its \"v\" isn't 1";
    if (row_number(&row, ROW_V, 0) != 1)
        return STATUS_SYNTAX;
    seq = row_number(&row, ROW_SEQ, 0);
    *ret_why = "its \"seq\" isn't a positive integer";
    if (seq < 1)
        return STATUS_SYNTAX;
    *ret_why = "it has no \"event\"";
    if (row.at[ROW_EVENT] == JREF_NONE)
        return STATUS_SYNTAX;
    row.seq = (uint64_t)seq;
    if (!clock_parse(row_text(&row, ROW_TIME), &row.time_us))
        row.time_us = 0;
    if (row.failed)
        return STATUS_NOMEM;
    *ret = row;
    return STATUS_OK;
}

struct view row_text_of(struct row *row, jref value)
{
    struct view text;

    if (value == JREF_NONE || jdoc_kind(&row->doc, value) != JKIND_STRING)
        return VIEW_NONE;
    text = jdoc_text(&row->doc, value, row->arena);
    row->failed = row->failed || text.ptr == NULL;
    return text;
}

struct view row_text(struct row *row, enum row_member member)
{
    return row_text_of(row, row->at[member]);
}

struct view row_text_in(struct row *row, jref object, struct view name)
{
    return row_text_of(row, jdoc_member(&row->doc, object, name));
}

int64_t row_number(const struct row *row, enum row_member member, int64_t otherwise)
{
    int64_t number;

    return row->at[member] != JREF_NONE && jdoc_integer(&row->doc, row->at[member], &number)
               ? number
               : otherwise;
}
