/* SPDX-License-Identifier: Apache-2.0 */
#include "sinks/headers.h"

#include "base/secret_file.h"
#include "http1/write.h"

/* Ours: they say how the message is read, or what it is. */
static const struct view kept[] = {
    {"host", 4},
    {"content-length", 14},
    {"content-type", 12},
    {"content-encoding", 16},
    {"connection", 10},
    {"transfer-encoding", 17},
    {"keep-alive", 10},
    {"expect", 6},
    {"te", 2},
    {"trailer", 7},
    {"upgrade", 7},
    {"accept-encoding", 15},
    {"user-agent", 10},
    {"postern-batch", 13},
    {"proxy-connection", 16},
};

static bool is_name(struct view name)
{
    for (size_t i = 0; i < name.len; i++) {
        const char c = name.ptr[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '-'))
            return false;
    }
    return name.len > 0;
}

static bool is_value(struct view value)
{
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] < ' ' || value.ptr[i] > '~')
            return false;
    }
    return value.len > 0;
}

static bool is_kept(struct view name)
{
    for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
        if (view_eq_nocase(name, kept[i]))
            return true;
    }
    return false;
}

/* What is wrong with the line, a constant text; NULL: nothing. */
static const char *read_line(struct view line, struct buf *out)
{
    const size_t colon = view_find(line, ':');
    const struct view name = view_of(line.ptr, colon);
    struct view value;

    if (colon == line.len || !is_name(name))
        return "expected \"Name: value\", the name of letters, digits and hyphens";
    value = view_trim(view_from(line, colon + 1));
    if (!is_value(value))
        return "expected a value of visible ASCII characters and blanks";
    if (is_kept(name))
        return "this field is the gateway's own";
    http1_put_field(out, name, value);
    return NULL;
}

static enum status read_lines(const char *path, struct view rest, struct buf *out, struct err *err)
{
    unsigned number = 0, fields = 0;

    while (rest.len > 0) {
        const size_t end = view_find(rest, '\n');
        struct view line = view_of(rest.ptr, end);
        const char *fault = NULL;

        number++;
        rest = view_from(rest, end < rest.len ? end + 1 : end);
        if (view_ends(line, VIEW("\r")))
            line.len--;
        line = view_trim(line);
        if (line.len == 0 || line.ptr[0] == '#')
            continue;
        fault = ++fields > HEADERS_MAX ? "there are too many fields" : read_line(line, out);
        if (fault != NULL)
            return err_set(err, STATUS_INVALID, "%s:%u: %s", path, number, fault);
    }
    if (out->failed != STATUS_OK)
        return err_set(err, out->failed, "%s: no memory for its fields", path);
    return STATUS_OK;
}

enum status headers_read(const char *path, struct buf *ret, struct err *err)
{
    struct secret_bytes bytes = {.ptr = NULL};
    enum status status = secret_file_read(path, HEADERS_BYTES_MAX, &bytes, err);

    if (status != STATUS_OK)
        return status;
    /* It never grows: no copy stays behind. */
    if (buf_reserve(ret, (size_t)2 * HEADERS_BYTES_MAX))
        status = read_lines(path, view_of(bytes.ptr, bytes.len), ret, err);
    else
        status = err_set(err, STATUS_NOMEM, "%s: out of memory", path);
    secret_bytes_wipe(&bytes);
    return status;
}
