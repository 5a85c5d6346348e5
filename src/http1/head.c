/* SPDX-License-Identifier: Apache-2.0
 * The end of a head, the classes of bytes, and what is known of statuses and fields. */
#include "http1/head.h"

#include "base/require.h"
#include "http1/parse.h"

const struct reason_row http1_reasons[HTTP1_FAULT_COUNT] = {
#define REASON(id, code, status, help) [HTTP1_FAULT_##id] = {code, status, help},
#include "http1/reasons.def"
#undef REASON
};

/* clang-format off */
const unsigned char http1_classes[256] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, /* 00 */
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* 10 */
    4, 7, 6, 5, 7, 7, 7, 7, 6, 6, 7, 7, 6, 7, 7, 6, /* 20 */
    7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 6, 6, 6, 6, 6, 6, /* 30 */
    6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, /* 40 */
    7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 6, 6, 6, 7, 6, /* 50 */
    7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, /* 60 */
    7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 6, 7, 6, 7, 0, /* 70 */
    4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, /* 80 */
    4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, /* 90 */
    4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, /* a0 */
    4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, /* b0 */
    4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, /* c0 */
    4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, /* d0 */
    4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, /* e0 */
    4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, /* f0 */
};
/* clang-format on */

enum status http1_fail(struct http1_fault *fault, enum http1_reason id, const char *text)
{
    *fault = (struct http1_fault){&http1_reasons[id], text};
    return STATUS_SYNTAX;
}

size_t http1_span(struct view v, unsigned in)
{
    size_t n = 0;

    while (n < v.len && (http1_classes[(unsigned char)v.ptr[n]] & in) != 0)
        n++;
    return n;
}

/* Sixteen bytes, compared all at once. */
typedef unsigned char block __attribute__((vector_size(16)));

static bool block_is_value(const char *at)
{
    uint64_t halves[2];
    block bytes, bad;

    memcpy(&bytes, at, sizeof bytes);
    bad = (block)(((bytes < 0x20) & (bytes != '\t')) | (bytes == 0x7f));
    memcpy(halves, &bad, sizeof halves);
    return (halves[0] | halves[1]) == 0;
}

bool http1_is_value(struct view v)
{
    size_t at = 0;

    for (; v.len - at >= sizeof(block); at += sizeof(block)) {
        if (!block_is_value(v.ptr + at))
            return false;
    }
    return http1_span(view_from(v, at), HTTP1_IN_VALUE) == v.len - at;
}

/* The bytes between two line ends. A CR that is the last byte received may become a line end. */
static bool is_clean(struct view part)
{
    return part.len == 0 ||
           (memchr(part.ptr, '\0', part.len) == NULL && memchr(part.ptr, '\r', part.len) == NULL);
}

static size_t fail_bytes(struct view bytes, struct http1_fault *fault)
{
    bool first_line = bytes.len == 0 || memchr(bytes.ptr, '\n', bytes.len) == NULL;

    http1_fail(fault, first_line ? HTTP1_FAULT_BAD_REQUEST_LINE : HTTP1_FAULT_BAD_HEADER,
               "The head holds a NUL, or a CR or LF that does not end a line as CRLF.");
    return SIZE_MAX;
}

static size_t fail_size(struct view bytes, struct http1_fault *fault)
{
    if (memchr(bytes.ptr, '\n', bytes.len) == NULL)
        http1_fail(fault, HTTP1_FAULT_URI_TOO_LONG, "The first line is longer than a head may be.");
    else
        http1_fail(fault, HTTP1_FAULT_HEAD_TOO_LARGE, "The head is larger than is allowed.");
    return SIZE_MAX;
}

/* The head's length with its blank line, 0 if none ends in bytes. */
static size_t find_end(struct view bytes, size_t *scanned, struct http1_fault *fault)
{
    size_t at = *scanned;

    for (;;) {
        size_t lf = at + view_find(view_from(bytes, at), '\n');
        bool ended = lf < bytes.len;
        size_t text_end = lf > at && bytes.ptr[lf - 1] == '\r' ? lf - 1 : lf;

        if (!is_clean(view_of(bytes.ptr + at, text_end - at)) || (ended && text_end == lf))
            return fail_bytes(view_of(bytes.ptr, at), fault);
        if (!ended) {
            *scanned = text_end; /* a CR at the end is looked at again */
            return 0;
        }
        at = lf + 1;
        *scanned = at;
        if (at == 2)
            return fail_bytes(VIEW_NONE, fault); /* a blank line alone is no head */
        if (at >= 4 && bytes.ptr[at - 4] == '\r' && bytes.ptr[at - 3] == '\n')
            return at;
    }
}

size_t http1_find_head(struct view bytes, const struct http1_limits *limits, size_t *scanned,
                       struct http1_fault *ret_fault)
{
    struct view within = bytes;
    size_t end;

    if (bytes.len == 0)
        return 0;
    if (within.len > limits->head)
        within.len = limits->head;
    REQUIRE(*scanned <= within.len);
    end = find_end(within, scanned, ret_fault);
    if (end == 0 && bytes.len >= limits->head)
        return fail_size(within, ret_fault);
    return end;
}

bool http1_line(struct view *rest, struct view *ret)
{
    size_t lf = view_find(*rest, '\n');

    if (lf == rest->len || lf == 0 || rest->ptr[lf - 1] != '\r')
        return false;
    *ret = view_of(rest->ptr, lf - 1);
    *rest = view_from(*rest, lf + 1);
    return true;
}

static size_t count_digits(struct view v)
{
    size_t n = 0;

    while (n < v.len && v.ptr[n] >= '0' && v.ptr[n] <= '9')
        n++;
    return n;
}

/* HTTP/1, HTTP/2.0, HTTP/257.257: a version, though none of ours. */
static bool is_other_version(struct view text)
{
    struct view number;
    size_t major;

    if (!view_starts(text, VIEW("HTTP/")))
        return false;
    number = view_from(text, 5);
    major = count_digits(number);
    if (major == 0 || major == number.len)
        return major > 0;
    if (number.ptr[major] != '.' || major + 1 == number.len)
        return false;
    number = view_from(number, major + 1);
    return count_digits(number) == number.len;
}

enum status http1_version(struct view text, enum http1_reason otherwise, unsigned *ret_minor,
                          struct http1_fault *fault)
{
    if (view_eq(text, VIEW("HTTP/1.1")))
        *ret_minor = 1;
    else if (view_eq(text, VIEW("HTTP/1.0")))
        *ret_minor = 0;
    else if (is_other_version(text))
        return http1_fail(fault, HTTP1_FAULT_VERSION, "Only HTTP/1.1 and HTTP/1.0 are spoken.");
    else
        return http1_fail(fault, otherwise, "The first line has no HTTP version where it belongs.");
    return STATUS_OK;
}

const struct http1_field *http1_find_field(const struct http1_field *fields, unsigned count,
                                           enum http1_field_id id, unsigned *ret_count)
{
    const struct http1_field *found = NULL;
    unsigned times = 0;

    for (unsigned i = 0; i < count; i++) {
        if (fields[i].id != id)
            continue;
        found = &fields[i];
        times++;
    }
    if (ret_count != NULL)
        *ret_count = times;
    return times == 1 ? found : NULL;
}

bool http1_is_hop_by_hop(enum http1_field_id id)
{
    static const bool hop[HTTP1_OTHER + 1] = {
        [HTTP1_CONNECTION] = true,
        [HTTP1_KEEP_ALIVE] = true,
        [HTTP1_PROXY_CONNECTION] = true,
        [HTTP1_PROXY_AUTHENTICATE] = true,
        [HTTP1_PROXY_AUTHORIZATION] = true,
        [HTTP1_TE] = true,
        [HTTP1_TRAILER] = true,
        [HTTP1_TRANSFER_ENCODING] = true,
        [HTTP1_UPGRADE] = true,
        [HTTP1_HTTP2_SETTINGS] = true,
    };

    return hop[id];
}

const char *http1_phrase(unsigned status)
{
    static const struct {
        unsigned status;
        const char *phrase;
    } rows[] = {
#define PHRASE(status, phrase) {status, phrase},
#include "http1/phrases.def"
#undef PHRASE
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].status == status)
            return rows[i].phrase;
    return "Unknown";
}
