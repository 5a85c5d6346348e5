/* SPDX-License-Identifier: Apache-2.0
 * The chunk decoder. It doesn't matter in which pieces the input comes; the payload in chunks of
 * our own decodes to itself; a broken body stays broken. */
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
    char *exact = malloc(piece.len);
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
    if (whole.end == HTTP1_END)
        check_encoded(buf_view(&whole.payload));
    buf_done(&whole.payload);
    return 0;
}
