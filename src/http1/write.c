/* SPDX-License-Identifier: Apache-2.0
 * Serialising heads and chunk lines. */
#include "http1/write.h"

#include "base/number.h"
#include "base/require.h"
#include "http1/parse.h"

/* A blank or a control byte here would start a part or a line of its own. */
static bool is_word(struct view v)
{
    return v.len > 0 && http1_is_value(v) && memchr(v.ptr, ' ', v.len) == NULL &&
           memchr(v.ptr, '\t', v.len) == NULL;
}

void http1_put_request_line(struct buf *out, struct view method, struct view target)
{
    REQUIRE(is_word(method) && is_word(target));
    buf_add(out, method);
    buf_add_byte(out, ' ');
    buf_add(out, target);
    buf_add_str(out, " HTTP/1.1\r\n");
}

void http1_put_status_line(struct buf *out, unsigned status)
{
    REQUIRE(status >= 100 && status <= 999);
    buf_add_str(out, "HTTP/1.1 ");
    buf_add_i64(out, status);
    buf_add_byte(out, ' ');
    buf_add_str(out, http1_phrase(status));
    buf_add_str(out, "\r\n");
}

void http1_put_field(struct buf *out, struct view name, struct view value)
{
    REQUIRE(name.len > 0 && http1_span(name, HTTP1_IN_NAME) == name.len);
    REQUIRE(http1_is_value(value));
    /* One check for the whole line, then plain copies. */
    if (!buf_reserve(out, name.len + value.len + 4))
        return;
    buf_add(out, name);
    buf_add(out, VIEW(": "));
    buf_add(out, value);
    buf_add(out, VIEW("\r\n"));
}

void http1_put_length(struct buf *out, uint64_t length)
{
    char digits[NUM_TEXT_BYTES];

    REQUIRE(length <= INT64_MAX);
    http1_put_field(out, VIEW("Content-Length"), num_format_i64((int64_t)length, digits));
}

void http1_put_end(struct buf *out)
{
    buf_add(out, VIEW("\r\n"));
}

void http1_put_chunk_size(struct buf *out, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    char text[sizeof size * 2 + 2];
    size_t at = sizeof text;

    text[--at] = '\n';
    text[--at] = '\r';
    do {
        text[--at] = digits[size % 16];
        size /= 16;
    } while (size > 0);
    buf_add(out, view_of(text + at, sizeof text - at));
}

void http1_put_last_chunk(struct buf *out)
{
    buf_add(out, VIEW("0\r\n\r\n"));
}
