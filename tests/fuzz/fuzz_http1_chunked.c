/* SPDX-License-Identifier: Apache-2.0
 * The chunk decoder. It doesn't matter in which pieces the input comes; the payload in chunks of
 * our own decodes to itself; a broken body stays broken; a plain reading of the
 * grammar over the whole input says the same. */
#include <stdlib.h>

#include "base/buffer.h"
#include "http1/body.h"
#include "http1/write.h"

#include "fuzz.h"

enum { SPLITS_MAX = 96, PAYLOAD_MAX = 1 << 20 };

struct decoded {
    struct buf payload;
    enum http1_step end; /* NEED_MORE, END or BAD */
    size_t taken;
    const struct reason_row *why;
};

/* One piece of the input, in a copy of its exact size. */
static enum http1_step take(struct http1_body *body, struct view piece, struct decoded *into)
{
    char *exact = calloc(1, piece.len);
    struct view in = view_of(exact, piece.len), data;
    struct http1_fault fault = {NULL, NULL};
    enum http1_step step;

    REQUIRE(exact != NULL || piece.len == 0);
    if (piece.len > 0)
        memcpy(exact, piece.ptr, piece.len);
    while ((step = http1_body_next(body, &in, &data, &fault)) == HTTP1_DATA) {
        REQUIRE(data.len > 0);
        buf_add(&into->payload, data);
    }
    into->taken += piece.len - in.len;
    into->why = fault.row;
    REQUIRE((step == HTTP1_BAD) == (fault.row != NULL));
    REQUIRE(step != HTTP1_NEED_MORE || in.len == 0);
    free(exact);
    return step;
}

/* `first` bytes in one piece, then pieces of `each` bytes; both more than 0. */
static void decode(struct view input, size_t first, size_t each, struct decoded *ret)
{
    struct http1_body body;

    *ret = (struct decoded){.end = HTTP1_NEED_MORE};
    buf_init(&ret->payload, PAYLOAD_MAX);
    http1_body_init(&body, HTTP1_CHUNKED, 0);
    for (size_t at = 0; at < input.len && ret->end == HTTP1_NEED_MORE;) {
        size_t piece = at == 0 ? first : each;

        if (piece > input.len - at)
            piece = input.len - at;
        ret->end = take(&body, view_of(input.ptr + at, piece), ret);
        at += piece;
    }
    REQUIRE(http1_body_complete(&body) == (ret->end == HTTP1_END));
    REQUIRE(body.left < UINT64_C(1) << 60);
    REQUIRE(body.total == ret->payload.len);
    if (ret->end == HTTP1_BAD)
        REQUIRE(take(&body, VIEW("0\r\n\r\n"), ret) == HTTP1_BAD);
    if (ret->end == HTTP1_END) {
        size_t taken = ret->taken;

        REQUIRE(take(&body, VIEW("x"), ret) == HTTP1_END && ret->taken == taken);
    }
}

static void check_split(struct view input, size_t first, size_t each, const struct decoded *whole)
{
    struct decoded split;

    decode(input, first, each, &split);
    REQUIRE(split.end == whole->end && split.taken == whole->taken && split.why == whole->why);
    REQUIRE(view_eq(buf_view(&split.payload), buf_view(&whole->payload)));
    buf_done(&split.payload);
}

static void check_encoded(struct view payload)
{
    struct decoded again;
    struct buf out;

    buf_init(&out, PAYLOAD_MAX);
    for (size_t at = 0, piece = 1; at < payload.len; at += piece, piece = piece * 3 % 64 + 1) {
        if (piece > payload.len - at)
            piece = payload.len - at;
        http1_put_chunk_size(&out, piece);
        buf_add(&out, view_of(payload.ptr + at, piece));
        buf_add_str(&out, "\r\n");
    }
    http1_put_last_chunk(&out);
    REQUIRE(out.failed == STATUS_OK);
    decode(buf_view(&out), out.len, 1, &again);
    REQUIRE(again.end == HTTP1_END && again.taken == out.len);
    REQUIRE(view_eq(buf_view(&again.payload), payload));
    buf_done(&again.payload);
    buf_done(&out);
}

/* ---- the grammar of RFC 9112 7.1 once more, over the whole text, with the same limits ---- */

static bool is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("!#$%&'*+-.^`|~", c) != NULL);
}

/* A line's end is CRLF; no control bytes but HTAB within. */
static bool take_line(struct view *rest, size_t max, struct view *ret)
{
    size_t cr = view_find(*rest, '\r');

    if (cr + 1 >= rest->len || rest->ptr[cr + 1] != '\n' || cr + 2 > max)
        return false;
    for (size_t i = 0; i < cr; i++) {
        unsigned char c = (unsigned char)rest->ptr[i];

        if ((c < ' ' && c != '\t') || c == 0x7F)
            return false;
    }
    *ret = view_of(rest->ptr, cr);
    *rest = view_from(*rest, cr + 2);
    return true;
}

static bool take_size(struct view line, uint64_t *ret)
{
    size_t digits = 0;

    *ret = 0;
    while (digits < line.len && strchr("0123456789abcdefABCDEF", line.ptr[digits]) != NULL &&
           line.ptr[digits] != '\0') {
        char c = line.ptr[digits++];

        if (*ret >> 56 != 0)
            return false;
        *ret = *ret * 16 + (uint64_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return digits > 0 && (digits == line.len || line.ptr[digits] == ';');
}

static bool take_trailers(struct view *rest)
{
    size_t left = HTTP1_TRAILERS_MAX;
    struct view line;

    while (take_line(rest, left, &line)) {
        size_t colon = view_find(line, ':');

        if (line.len == 0)
            return true;
        if (colon == 0 || colon == line.len)
            return false;
        for (size_t i = 0; i < colon; i++) {
            if (!is_name_byte(line.ptr[i]))
                return false;
        }
        left -= line.len + 2;
    }
    return false;
}

/* Whether a whole body stands at the start of the text; its payload and length. */
static bool read_whole(struct view text, struct buf *payload, size_t *ret_len)
{
    struct view rest = text, line;
    uint64_t size;

    while (take_line(&rest, HTTP1_CHUNK_LINE_MAX, &line) && take_size(line, &size)) {
        if (size == 0) {
            bool ended = take_trailers(&rest);

            *ret_len = text.len - rest.len;
            return ended;
        }
        if (rest.len < 2 || size > rest.len - 2 || rest.ptr[size] != '\r' ||
            rest.ptr[size + 1] != '\n')
            return false;
        buf_add(payload, view_of(rest.ptr, (size_t)size));
        rest = view_from(rest, (size_t)size + 2);
    }
    return false;
}

static void check_grammar(struct view input, const struct decoded *decoded)
{
    struct buf payload;
    size_t len = 0;

    buf_init(&payload, PAYLOAD_MAX);
    REQUIRE(read_whole(input, &payload, &len) == (decoded->end == HTTP1_END));
    if (decoded->end == HTTP1_END)
        REQUIRE(len == decoded->taken && view_eq(buf_view(&payload), buf_view(&decoded->payload)));
    buf_done(&payload);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view input = fuzz_input(data, size);
    size_t step = 1 + size / SPLITS_MAX;
    struct decoded whole;

    if (size == 0)
        return 0;
    decode(input, size, 1, &whole);
    for (size_t first = 1; first < size; first += step)
        check_split(input, first, size, &whole);
    check_split(input, 1, 1, &whole);
    check_split(input, 3, 7, &whole);
    check_grammar(input, &whole);
    if (whole.end == HTTP1_END)
        check_encoded(buf_view(&whole.payload));
    buf_done(&whole.payload);
    return 0;
}
