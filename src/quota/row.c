/* SPDX-License-Identifier: Apache-2.0 */
#include "quota/row.h"

#include "base/number.h"

/* The texts of an item and their columns. */
struct text_column {
    int column;
    size_t offset;
};

static const struct text_column text_columns[] = {
    {ROW_ID, offsetof(struct ledger_item, id)},
    {ROW_GATEWAY, offsetof(struct ledger_item, gateway)},
    {ROW_PROJECT, offsetof(struct ledger_item, project)},
    {ROW_USER_ID, offsetof(struct ledger_item, user_id)},
    {ROW_USER_NAME, offsetof(struct ledger_item, user_name)},
    {ROW_DOMAIN, offsetof(struct ledger_item, domain)},
    {ROW_WORKSPACE, offsetof(struct ledger_item, workspace)},
    {ROW_POOL, offsetof(struct ledger_item, pool)},
    {ROW_FLAVOR, offsetof(struct ledger_item, flavor)},
    {ROW_NAME, offsetof(struct ledger_item, name)},
    {ROW_INSTANCE, offsetof(struct ledger_item, instance)},
};

static struct view *text_at(struct ledger_item *item, size_t offset)
{
    return (struct view *)(void *)((char *)item + offset);
}

static bool is_plain(unsigned char byte)
{
    return byte >= 0x20 && byte < 0x7f && byte != '%';
}

static const char *escape(struct arena *arena, struct view text)
{
    static const char digits[] = "0123456789ABCDEF";
    char *out = arena_array(arena, text.len + 1, 3), *to = out;

    if (out == NULL)
        return NULL;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.ptr[i];

        if (is_plain(byte)) {
            *to++ = (char)byte;
            continue;
        }
        *to++ = '%';
        *to++ = digits[byte >> 4];
        *to++ = digits[byte & 15];
    }
    *to = '\0';
    return out;
}

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* ptr NULL when memory is out or the text is none of escape's. */
static struct view unescape(struct arena *arena, struct view text)
{
    char *out = arena_alloc(arena, text.len + 1);
    size_t len = 0;

    if (out == NULL)
        return VIEW_NONE;
    for (size_t i = 0; i < text.len; i++) {
        int high, low;

        if (text.ptr[i] != '%') {
            out[len++] = text.ptr[i];
            continue;
        }
        if (text.len - i < 3)
            return VIEW_NONE;
        high = digit(text.ptr[i + 1]);
        low = digit(text.ptr[i + 2]);
        if (high < 0 || low < 0)
            return VIEW_NONE;
        out[len++] = (char)(high * 16 + low);
        i += 2;
    }
    return view_of(out, len);
}

static const char *number(struct arena *arena, int64_t value)
{
    return arena_printf(arena, "%lld", (long long)value).ptr;
}

static const char *truth(bool value)
{
    return value ? "t" : "f";
}

enum status store_row_write(const struct ledger_item *item, bool gone, struct arena *arena,
                            const char *values[static ROW_COLUMNS])
{
    struct ledger_item own = *item;

    for (size_t i = 0; i < ARRAY_LEN(text_columns); i++) {
        const struct view *text = text_at(&own, text_columns[i].offset);
        const char **value = &values[text_columns[i].column];

        *value = text->ptr == NULL ? NULL : escape(arena, *text);
        if (text->ptr != NULL && *value == NULL)
            return STATUS_NOMEM;
    }
    values[ROW_GONE] = truth(gone);
    values[ROW_STATE] = ledger_state_name(item->state);
    values[ROW_OPERATION] = item->op->name;
    values[ROW_TIME] = number(arena, item->time_us);
    values[ROW_SETTLE] = number(arena, item->settle_after_us);
    values[ROW_RUN] = number(arena, item->run_s);
    values[ROW_RUNNING] = truth(item->running);
    values[ROW_ORPHAN] = truth(item->orphan);
    values[ROW_CLAIMED] = truth(item->claimed);
    return values[ROW_TIME] == NULL || values[ROW_SETTLE] == NULL || values[ROW_RUN] == NULL
               ? STATUS_NOMEM
               : STATUS_OK;
}

static struct view cell(const PGresult *result, int row, int column)
{
    if (PQgetisnull(result, row, column) != 0)
        return VIEW_NONE;
    return view_of(PQgetvalue(result, row, column), (size_t)PQgetlength(result, row, column));
}

static bool read_number(const PGresult *result, int row, int column, int64_t *ret)
{
    return num_parse_i64(cell(result, row, column), INT64_MIN, INT64_MAX, ret);
}

static bool is_true(const PGresult *result, int row, int column)
{
    return view_eq(cell(result, row, column), VIEW("t"));
}

enum status store_row_read(const PGresult *result, int row, struct arena *arena,
                           struct ledger_item *ret, bool *ret_gone)
{
    struct ledger_item item = {.op = operation_find(cell(result, row, ROW_OPERATION))};

    for (size_t i = 0; i < ARRAY_LEN(text_columns); i++) {
        struct view text = cell(result, row, text_columns[i].column);
        struct view *to = text_at(&item, text_columns[i].offset);

        *to = text.ptr == NULL ? VIEW_NONE : unescape(arena, text);
        if (text.ptr != NULL && to->ptr == NULL)
            return STATUS_INVALID;
    }
    if (item.op == NULL || item.id.len == 0 ||
        !ledger_state_find(cell(result, row, ROW_STATE), &item.state) ||
        !read_number(result, row, ROW_TIME, &item.time_us) ||
        !read_number(result, row, ROW_SETTLE, &item.settle_after_us) ||
        !read_number(result, row, ROW_RUN, &item.run_s))
        return STATUS_INVALID;
    item.running = is_true(result, row, ROW_RUNNING);
    item.orphan = is_true(result, row, ROW_ORPHAN);
    item.claimed = is_true(result, row, ROW_CLAIMED);
    *ret_gone = is_true(result, row, ROW_GONE);
    *ret = item;
    return STATUS_OK;
}
