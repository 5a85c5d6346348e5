/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/format.h"

#include "formats/inner.h"

static const struct view names[] = {
    [FORMAT_POSTERN] = {"postern", 7},
    [FORMAT_CADF] = {"cadf", 4},
    [FORMAT_CLOUDEVENTS] = {"cloudevents", 11},
};

bool format_find(struct view name, enum format *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (view_eq(name, names[i])) {
            *ret = (enum format)i;
            return true;
        }
    }
    return false;
}

static enum status format_row(enum format format, const struct format_input *in, struct buf *out)
{
    switch (format) {
    case FORMAT_POSTERN:
        format_postern(in, out);
        return STATUS_OK;
    case FORMAT_CADF:
        return format_cadf(in, out);
    case FORMAT_CLOUDEVENTS:
        format_cloudevents(in, out);
        return STATUS_OK;
    }
    return STATUS_INVALID;
}

enum status format_line(enum format format, struct view source, struct view line,
                        struct arena *arena, struct buf *out)
{
    const size_t before = out->len;
    struct row row;
    const char *why;
    enum status status;

    /* White space between tokens may be anything to a JSON reader, but not to who reads lines. */
    if (view_find(line, '\n') < line.len)
        return STATUS_SYNTAX;
    status = row_read(line, arena, &row, &why);
    if (status == STATUS_OK)
        status = format_row(format, &(struct format_input){&row, line, source}, out);
    if (status == STATUS_OK && row.failed)
        status = STATUS_NOMEM;
    if (status == STATUS_OK)
        status = out->failed;
    if (status != STATUS_OK)
        out->len = before;
    return status;
}
