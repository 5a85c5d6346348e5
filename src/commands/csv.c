/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/csv.h"

/* A control byte in front is dropped by some readers, which then see the rest. */
static bool is_formula(struct view cell)
{
    return cell.len > 0 &&
           ((unsigned char)cell.ptr[0] < ' ' || strchr("=+-@", cell.ptr[0]) != NULL);
}

static bool needs_quotes(struct view cell)
{
    for (size_t i = 0; i < cell.len; i++) {
        if (cell.ptr[i] == '"' || cell.ptr[i] == ',' || (unsigned char)cell.ptr[i] < ' ')
            return true;
    }
    return false;
}

static void separate(struct csv *csv)
{
    if (csv->begun)
        buf_add_byte(csv->out, ',');
    csv->begun = true;
}

void csv_add(struct csv *csv, struct view cell)
{
    bool quotes = needs_quotes(cell) || is_formula(cell);

    separate(csv);
    if (quotes)
        buf_add_byte(csv->out, '"');
    if (is_formula(cell))
        buf_add_byte(csv->out, '\'');
    for (size_t i = 0; i < cell.len; i++) {
        if (cell.ptr[i] == '"')
            buf_add_byte(csv->out, '"');
        buf_add_byte(csv->out, cell.ptr[i]);
    }
    if (quotes)
        buf_add_byte(csv->out, '"');
}

void csv_add_str(struct csv *csv, const char *cell)
{
    csv_add(csv, view_str(cell));
}

void csv_add_i64(struct csv *csv, int64_t value)
{
    separate(csv);
    buf_add_i64(csv->out, value);
}

void csv_end_line(struct csv *csv)
{
    buf_add_str(csv->out, "\r\n");
    csv->begun = false;
}
