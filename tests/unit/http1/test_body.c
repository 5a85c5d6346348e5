/* SPDX-License-Identifier: Apache-2.0
 * Bodies: every input whole, cut in two at every place, and byte by byte must end alike. */
#include "support/test.h"

#include <stdlib.h>

#include "http1/body.h"

#define V(literal)                      \
    {                                   \
        "" literal, sizeof(literal) - 1 \
    }

struct result {
    char data[1024];
    size_t len;
    size_t left; /* bytes behind the end */
    enum http1_step step;
    bool complete;
};

static void feed(struct http1_body *body, struct view in, struct result *r)
{
    struct http1_fault fault = {0};
    struct view data;

    for (;;) {
        r->step = http1_body_next(body, &in, &data, &fault);
        if (r->step != HTTP1_DATA)
            break;
        assert_true(data.len > 0 && r->len + data.len <= sizeof r->data);
        memcpy(r->data + r->len, data.ptr, data.len);
        r->len += data.len;
    }
    if (r->step == HTTP1_BAD)
        assert_string_equal(fault.row->code, "http.bad_body");
    if (r->step == HTTP1_NEED_MORE)
        assert_int_equal(in.len, 0);
    r->left = in.len;
}

static const struct {
    const char *name;
    enum http1_framing framing;
    uint64_t length;
    struct view in, data;
    enum http1_step step;
    size_t left;
} rows[] = {
    {"none", HTTP1_NO_BODY, 0, V("GET"), V(""), HTTP1_END, 3},
    {"length 0", HTTP1_LENGTH, 0, V("GET"), V(""), HTTP1_END, 3},
    {"length", HTTP1_LENGTH, 5, V("helloGET"), V("hello"), HTTP1_END, 3},
    {"length, cut", HTTP1_LENGTH, 5, V("hell"), V("hell"), HTTP1_NEED_MORE, 0},
    {"until close", HTTP1_UNTIL_CLOSE, 0, V("hello"), V("hello"), HTTP1_NEED_MORE, 0},
    {"chunks", HTTP1_CHUNKED, 0, V("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\nGET"), V("hello world"),
     HTTP1_END, 3},
    {"empty", HTTP1_CHUNKED, 0, V("0\r\n\r\n"), V(""), HTTP1_END, 0},
    {"hex digits of both cases", HTTP1_CHUNKED, 0,
     V("a\r\n0123456789\r\nB\r\n0123456789a\r\n0\r\n\r\n"), V("01234567890123456789a"), HTTP1_END,
     0},
    {"leading zeros", HTTP1_CHUNKED, 0, V("0000000000000000000001\r\na\r\n000\r\n\r\n"), V("a"),
     HTTP1_END, 0},
    {"extensions", HTTP1_CHUNKED, 0, V("1;a=b;c=\"d e\"\r\na\r\n0;x\r\n\r\n"), V("a"), HTTP1_END,
     0},
    {"trailers", HTTP1_CHUNKED, 0, V("1\r\na\r\n0\r\nX: y\r\nZ:\r\n\r\nGET /smuggled"), V("a"),
     HTTP1_END, 13},
    {"payload that looks like framing", HTTP1_CHUNKED, 0, V("5\r\n0\r\n\r\n\r\n0\r\n\r\n"),
     V("0\r\n\r\n"), HTTP1_END, 0},
    {"cut in a size", HTTP1_CHUNKED, 0, V("5"), V(""), HTTP1_NEED_MORE, 0},
    {"cut in the payload", HTTP1_CHUNKED, 0, V("5\r\nhe"), V("he"), HTTP1_NEED_MORE, 0},
    {"cut behind the payload", HTTP1_CHUNKED, 0, V("5\r\nhello\r"), V("hello"), HTTP1_NEED_MORE, 0},
    {"cut before the last line", HTTP1_CHUNKED, 0, V("0\r\n"), V(""), HTTP1_NEED_MORE, 0},
    {"cut in the last line", HTTP1_CHUNKED, 0, V("0\r\n\r"), V(""), HTTP1_NEED_MORE, 0},
    {"cut in a trailer", HTTP1_CHUNKED, 0, V("0\r\nX: y\r\n"), V(""), HTTP1_NEED_MORE, 0},
    {"2^64+5", HTTP1_CHUNKED, 0, V("10000000000000005\r\nhello"), V(""), HTTP1_BAD, 0},
    {"FFFFFFFFFFFFFFFF", HTTP1_CHUNKED, 0, V("FFFFFFFFFFFFFFFF\r\n"), V(""), HTTP1_BAD, 0},
    {"2^60", HTTP1_CHUNKED, 0, V("1000000000000000\r\n"), V(""), HTTP1_BAD, 0},
    {"2^60-1 waits", HTTP1_CHUNKED, 0, V("FFFFFFFFFFFFFFF\r\nx"), V("x"), HTTP1_NEED_MORE, 0},
    {"high byte in a size", HTTP1_CHUNKED, 0,
     V("\xff"
       "5\r\nhello"),
     V(""), HTTP1_BAD, 0},
    {"high byte behind a digit", HTTP1_CHUNKED, 0, V("5\x80\r\nhello"), V(""), HTTP1_BAD, 0},
    {"0x5", HTTP1_CHUNKED, 0, V("0x5\r\nhello"), V(""), HTTP1_BAD, 0},
    {"+5", HTTP1_CHUNKED, 0, V("+5\r\nhello"), V(""), HTTP1_BAD, 0},
    {"-1", HTTP1_CHUNKED, 0, V("-1\r\nhello"), V(""), HTTP1_BAD, 0},
    {"5g", HTTP1_CHUNKED, 0, V("5g\r\nhello"), V(""), HTTP1_BAD, 0},
    {"no size", HTTP1_CHUNKED, 0, V("\r\nhello"), V(""), HTTP1_BAD, 0},
    {"extension without a size", HTTP1_CHUNKED, 0, V(";a\r\n"), V(""), HTTP1_BAD, 0},
    {"blank before the size", HTTP1_CHUNKED, 0, V(" 5\r\nhello"), V(""), HTTP1_BAD, 0},
    {"blank behind the size", HTTP1_CHUNKED, 0, V("5 \r\nhello"), V(""), HTTP1_BAD, 0},
    {"TAB before the extension", HTTP1_CHUNKED, 0, V("5\t;a\r\nhello"), V(""), HTTP1_BAD, 0},
    {"LF only", HTTP1_CHUNKED, 0, V("5\nhello\r\n"), V(""), HTTP1_BAD, 0},
    {"CR only", HTTP1_CHUNKED, 0, V("5\rhello\r\n"), V(""), HTTP1_BAD, 0},
    {"LF in the extension", HTTP1_CHUNKED, 0, V("5;a\nhello\r\n"), V(""), HTTP1_BAD, 0},
    {"NUL in the extension", HTTP1_CHUNKED, 0, V("5;\0\r\nhello"), V(""), HTTP1_BAD, 0},
    {"payload longer than its size", HTTP1_CHUNKED, 0, V("4\r\nhello\r\n"), V("hell"), HTTP1_BAD,
     0},
    {"no CRLF behind the payload", HTTP1_CHUNKED, 0, V("5\r\nhello0\r\n\r\n"), V("hello"),
     HTTP1_BAD, 0},
    {"LF behind the payload", HTTP1_CHUNKED, 0, V("5\r\nhello\n0\r\n\r\n"), V("hello"), HTTP1_BAD,
     0},
    {"CR CR behind the payload", HTTP1_CHUNKED, 0, V("5\r\nhello\r\r\n"), V("hello"), HTTP1_BAD, 0},
    {"a request for a trailer", HTTP1_CHUNKED, 0, V("0\r\nGET / HTTP/1.1\r\n\r\n"), V(""),
     HTTP1_BAD, 0},
    {"folded trailer", HTTP1_CHUNKED, 0, V("0\r\nX: a\r\n b\r\n\r\n"), V(""), HTTP1_BAD, 0},
    {"trailer without a name", HTTP1_CHUNKED, 0, V("0\r\n: a\r\n\r\n"), V(""), HTTP1_BAD, 0},
    {"control byte in a trailer", HTTP1_CHUNKED, 0, V("0\r\nX: \x01\r\n\r\n"), V(""), HTTP1_BAD, 0},
    {"LF ends a trailer", HTTP1_CHUNKED, 0, V("0\r\nX: a\n\r\n"), V(""), HTTP1_BAD, 0},
    {"LF ends the body", HTTP1_CHUNKED, 0, V("0\r\n\n"), V(""), HTTP1_BAD, 0},
    {"CR CR ends the body", HTTP1_CHUNKED, 0, V("0\r\n\r\r"), V(""), HTTP1_BAD, 0},
};

static void check(size_t i, const struct result *r, bool whole)
{
    assert_row(r->step == rows[i].step, rows[i].name);
    assert_row(view_eq(view_of(r->data, r->len), rows[i].data), rows[i].name);
    if (whole && rows[i].step == HTTP1_END)
        assert_row(r->left == rows[i].left, rows[i].name);
    assert_row(r->complete == (rows[i].step == HTTP1_END || rows[i].framing == HTTP1_UNTIL_CLOSE),
               rows[i].name);
}

static void test_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct http1_body body;
        struct result r = {0};

        http1_body_init(&body, rows[i].framing, rows[i].length);
        feed(&body, rows[i].in, &r);
        r.complete = http1_body_complete(&body);
        check(i, &r, true);
        assert_int_equal(body.total, rows[i].data.len);
    }
}

static void test_cut_in_two(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (size_t at = 0; at <= rows[i].in.len; at++) {
            struct http1_body body;
            struct result r = {0};

            http1_body_init(&body, rows[i].framing, rows[i].length);
            feed(&body, view_of(rows[i].in.ptr, at), &r);
            if (r.step == HTTP1_NEED_MORE)
                feed(&body, view_from(rows[i].in, at), &r);
            r.complete = http1_body_complete(&body);
            check(i, &r, false);
        }
    }
}

static void test_byte_by_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct http1_body body;
        struct result r = {0};

        http1_body_init(&body, rows[i].framing, rows[i].length);
        feed(&body, VIEW(""), &r);
        for (size_t at = 0; at < rows[i].in.len && r.step == HTTP1_NEED_MORE; at++)
            feed(&body, view_of(rows[i].in.ptr + at, 1), &r);
        r.complete = http1_body_complete(&body);
        check(i, &r, false);
    }
}

/* A broken body stays broken. */
static void test_broken_stays_broken(void **state)
{
    struct http1_body body;
    struct result r = {0};

    (void)state;
    http1_body_init(&body, HTTP1_CHUNKED, 0);
    feed(&body, VIEW("x"), &r);
    assert_int_equal(r.step, HTTP1_BAD);
    feed(&body, VIEW("0\r\n\r\n"), &r);
    assert_int_equal(r.step, HTTP1_BAD);
    assert_false(http1_body_complete(&body));
}

static enum http1_step line_of(size_t extension, size_t trailers)
{
    size_t cap = extension + trailers + 64, at = 0;
    char *text = malloc(cap);
    struct http1_body body;
    struct result r = {0};

    assert_non_null(text);
    text[at++] = '0';
    if (extension > 0) {
        text[at++] = ';';
        memset(text + at, 'e', extension - 1);
        at += extension - 1;
    }
    text[at++] = '\r';
    text[at++] = '\n';
    if (trailers > 0) {
        text[at++] = 'X';
        text[at++] = ':';
        memset(text + at, 't', trailers - 4);
        at += trailers - 4;
        text[at++] = '\r';
        text[at++] = '\n';
    }
    text[at++] = '\r';
    text[at++] = '\n';
    http1_body_init(&body, HTTP1_CHUNKED, 0);
    feed(&body, view_of(text, at), &r);
    free(text);
    return r.step;
}

static void test_caps(void **state)
{
    (void)state;
    /* One digit and CRLF go with the extension, the last CRLF with the trailers. */
    assert_int_equal(line_of(HTTP1_CHUNK_LINE_MAX - 3, 0), HTTP1_END);
    assert_int_equal(line_of(HTTP1_CHUNK_LINE_MAX - 2, 0), HTTP1_BAD);
    assert_int_equal(line_of(0, HTTP1_TRAILERS_MAX - 2), HTTP1_END);
    assert_int_equal(line_of(0, HTTP1_TRAILERS_MAX - 1), HTTP1_BAD);
}

/* The cap is for one line, not for all of them. */
static void test_many_chunks(void **state)
{
    struct http1_body body;
    struct result r = {0};

    (void)state;
    http1_body_init(&body, HTTP1_CHUNKED, 0);
    for (unsigned i = 0; i < 500; i++)
        feed(&body, VIEW("1;extension\r\nx\r\n"), &r);
    feed(&body, VIEW("0\r\n\r\n"), &r);
    assert_int_equal(r.step, HTTP1_END);
    assert_int_equal(r.len, 500);
    assert_int_equal(body.total, 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),        cmocka_unit_test(test_cut_in_two),
        cmocka_unit_test(test_byte_by_byte), cmocka_unit_test(test_broken_stays_broken),
        cmocka_unit_test(test_caps),         cmocka_unit_test(test_many_chunks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
