/* SPDX-License-Identifier: Apache-2.0
 * Cells are kept as text and printed when the width of each column is known. */
#include "commands/columns.h"

#include <stdlib.h>

#include "base/printable.h"

enum { CELL_MAX = 16 << 20 /* bytes */ };

static const char *printable(struct arena *arena, const char *text)
{
    CLEANUP(buf_done) struct buf out;

    buf_init(&out, CELL_MAX);
    printable_add(&out, view_str(text));
    return out.failed == STATUS_OK ? arena_strdup(arena, buf_view(&out)) : NULL;
}

/* Code points, so that columns stand below each other. */
static size_t width_of(const char *text)
{
    size_t width = 0;

    for (; *text != '\0'; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

static bool is_number(const char *text)
{
    return text[strspn(text, "0123456789.")] == '\0';
}

void columns_init(struct columns *t, struct arena *arena, const char *const *heads, size_t columns)
{
    *t = (struct columns){.arena = arena, .columns = columns};
    for (size_t i = 0; i < columns; i++)
        columns_add(t, heads[i]);
}

void columns_add(struct columns *t, const char *text)
{
    const char **more;

    if (t->count == t->room) {
        size_t room = t->room == 0 ? 256 : t->room * 2;

        more = t->failed || room > COLUMNS_CELLS_MAX ? NULL
                                                     : arena_array(t->arena, room, sizeof *more);
        t->failed = more == NULL;
        if (t->failed)
            return;
        if (t->count > 0)
            memcpy(more, t->cells, t->count * sizeof *more);
        t->cells = more;
        t->room = room;
    }
    t->cells[t->count] = printable(t->arena, text == NULL ? "-" : text);
    if (t->cells[t->count] == NULL)
        t->failed = true;
    else
        t->count++;
}

static void add_blanks(struct buf *out, size_t count)
{
    for (size_t i = 0; i < count; i++)
        buf_add_byte(out, ' ');
}

void columns_print(const struct columns *t, struct buf *out)
{
    size_t widths[16] = {0};

    for (size_t i = 0; i < t->count && t->columns <= ARRAY_LEN(widths); i++) {
        size_t width = width_of(t->cells[i]);

        if (width > widths[i % t->columns])
            widths[i % t->columns] = width;
    }
    for (size_t i = 0; i < t->count; i++) {
        size_t column = i % t->columns, blanks = widths[column] - width_of(t->cells[i]);
        bool last = column + 1 == t->columns, right = is_number(t->cells[i]);

        add_blanks(out, right ? blanks : 0);
        buf_add_str(out, t->cells[i]);
        if (last)
            buf_add_byte(out, '\n');
        else
            add_blanks(out, (right ? 0 : blanks) + 2);
    }
    if (t->failed)
        buf_add_str(out, "... and more than fits into memory\n");
}

const char *columns_text(struct arena *arena, const json_t *value)
{
    if (json_is_string(value))
        return json_string_length(value) == 0 ? NULL : json_string_value(value);
    if (json_is_integer(value))
        return arena_printf(arena, "%lld", (long long)json_integer_value(value)).ptr;
    if (json_is_real(value))
        return arena_printf(arena, "%.15g", json_real_value(value)).ptr;
    if (json_is_boolean(value))
        return json_is_true(value) ? "yes" : "no";
    return NULL;
}

const char *columns_age(struct arena *arena, int64_t seconds)
{
    static const struct {
        int64_t seconds, part;
        char unit, part_unit;
    } rows[] = {{86400, 3600, 'd', 'h'}, {3600, 60, 'h', 'm'}, {60, 1, 'm', 's'}};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t whole = seconds / rows[i].seconds;
        int64_t part = seconds % rows[i].seconds / rows[i].part;

        if (whole > 0 && part == 0)
            return arena_printf(arena, "%lld%c", (long long)whole, rows[i].unit).ptr;
        if (whole > 0)
            return arena_printf(arena, "%lld%c%02lld%c", (long long)whole, rows[i].unit,
                                (long long)part, rows[i].part_unit)
                .ptr;
    }
    return arena_printf(arena, "%llds", (long long)seconds).ptr;
}
