/* SPDX-License-Identifier: Apache-2.0
 * Finding the end of a head, whole and a byte at a time; fields and statuses by name. */
#include "support/test.h"

#include "http1/head.h"

static const struct http1_limits limits = {
    .head = 65536, .uri = 8192, .header_value = 32768, .headers = 128};

enum { NEVER = -1, REFUSED = -2 };

struct row {
    const char *name;
    struct view bytes;
    long at; /* the head's length, or one of the above */
    const char *code;
};

static const struct row rows[] = {
    {"nothing", {"", 0}, NEVER, NULL},
    {"request line only", {"GET / HTTP/1.1\r\n", 16}, NEVER, NULL},
    {"no fields", {"GET / HTTP/1.1\r\n\r\n", 18}, 18, NULL},
    {"one field", {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 27}, 27, NULL},
    {"bytes behind", {"GET / HTTP/1.1\r\n\r\nbody\n\r\0", 25}, 18, NULL},
    {"cut in the last CRLF", {"GET / HTTP/1.1\r\n\r", 17}, NEVER, NULL},
    {"bare LF ends the request line",
     {"GET / HTTP/1.1\nHost: a", 22},
     REFUSED,
     "http.bad_request_line"},
    {"bare LF after a blank", {"GET / \nHost: a", 14}, REFUSED, "http.bad_request_line"},
    {"bare LF ends a field", {"GET / HTTP/1.1\r\nHost: a\n", 24}, REFUSED, "http.bad_header"},
    {"bare LF ends the head", {"GET / HTTP/1.1\r\nHost: a\r\n\n", 26}, REFUSED, "http.bad_header"},
    {"bare LFs only", {"GET / HTTP/1.1\n\n", 16}, REFUSED, "http.bad_request_line"},
    {"bare CR in the request line", {"GET /\rx", 7}, REFUSED, "http.bad_request_line"},
    {"bare CR in a field", {"GET / HTTP/1.1\r\nA: b\rc", 22}, REFUSED, "http.bad_header"},
    {"two CRs", {"GET / HTTP/1.1\r\r\n", 17}, REFUSED, "http.bad_request_line"},
    {"CRs for CRLFs", {"GET / HTTP/1.1\rA: b\r\r", 21}, REFUSED, "http.bad_request_line"},
    {"NUL in the target", {"GET /a\0b", 8}, REFUSED, "http.bad_request_line"},
    {"NUL in a name", {"GET / HTTP/1.1\r\nTransfer-Encoding\0", 34}, REFUSED, "http.bad_header"},
    {"NUL in a value",
     {"GET / HTTP/1.1\r\nHost: good\0.evil\r\n\r\n", 36},
     REFUSED,
     "http.bad_header"},
    {"a TLS hello", {"\x16\x03\x01\x00\xa5", 5}, REFUSED, "http.bad_request_line"},
    {"leading CRLF", {"\r\nGET / HTTP/1.1\r\n\r\n", 20}, REFUSED, "http.bad_request_line"},
    {"HTTP/0.9", {"GET /\r\n", 7}, NEVER, NULL},
};

static void check_row(const struct row *row, long got, const struct http1_fault *fault)
{
    assert_row(got == row->at, row->name);
    if (row->code != NULL) {
        assert_row(strcmp(fault->row->code, row->code) == 0, row->name);
        assert_row(fault->text != NULL, row->name);
    }
}

static long found(size_t n)
{
    if (n == 0)
        return NEVER;
    return n == SIZE_MAX ? REFUSED : (long)n;
}

static void test_find_head_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct http1_fault fault = {0};
        size_t scanned = 0;
        size_t n = http1_find_head(rows[i].bytes, &limits, &scanned, &fault);

        check_row(&rows[i], found(n), &fault);
    }
}

/* The outcome doesn't depend on how the bytes were cut, and never on bytes not yet there. */
static void test_find_head_byte_by_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct http1_fault fault = {0};
        size_t scanned = 0, n = 0;

        for (size_t len = 0; len <= rows[i].bytes.len && n == 0; len++) {
            char copy[64]; /* of the exact size for the sanitizer's sake would need the heap */

            memset(copy, '\n', sizeof copy);
            memcpy(copy, rows[i].bytes.ptr, len);
            n = http1_find_head(view_of(copy, len), &limits, &scanned, &fault);
            assert_row(scanned <= len, rows[i].name);
        }
        check_row(&rows[i], found(n), &fault);
    }
}

static void test_head_limit(void **state)
{
    static const char head[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    struct http1_limits small = limits;
    struct http1_fault fault;
    size_t scanned = 0, n;

    (void)state;
    small.head = 27;
    assert_int_equal(
        http1_find_head(VIEW("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), &small, &scanned, &fault), 27);
    small.head = 26;
    scanned = 0;
    n = http1_find_head(view_of(head, 27), &small, &scanned, &fault);
    assert_true(n == SIZE_MAX);
    assert_string_equal(fault.row->code, "http.head_too_large");
    assert_int_equal(fault.row->status, 431);
    /* Also as soon as the limit is reached: no further byte could end it. */
    scanned = 0;
    assert_int_equal(http1_find_head(view_of(head, 25), &small, &scanned, &fault), 0);
    assert_true(http1_find_head(view_of(head, 26), &small, &scanned, &fault) == SIZE_MAX);
}

static void test_request_line_without_end(void **state)
{
    struct http1_limits small = limits;
    struct http1_fault fault;
    size_t scanned = 0;

    (void)state;
    small.head = 32;
    assert_true(http1_find_head(VIEW("GET /aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), &small,
                                &scanned, &fault) == SIZE_MAX);
    assert_string_equal(fault.row->code, "http.uri_too_long");
    assert_int_equal(fault.row->status, 414);
}

static void test_find_field(void **state)
{
    const struct http1_field fields[] = {
        {VIEW("host"), VIEW("a"), HTTP1_HOST},
        {VIEW("X-Auth-Token"), VIEW("t1"), HTTP1_X_AUTH_TOKEN},
        {VIEW("x-auth-token"), VIEW("t2"), HTTP1_X_AUTH_TOKEN},
    };
    unsigned count = 99;

    (void)state;
    assert_ptr_equal(http1_find_field(fields, 3, HTTP1_HOST, &count), &fields[0]);
    assert_int_equal(count, 1);
    assert_null(http1_find_field(fields, 3, HTTP1_X_AUTH_TOKEN, &count));
    assert_int_equal(count, 2);
    assert_null(http1_find_field(fields, 3, HTTP1_DATE, &count));
    assert_int_equal(count, 0);
    assert_null(http1_find_field(NULL, 0, HTTP1_DATE, NULL));
}

static void test_hop_by_hop(void **state)
{
    static const enum http1_field_id yes[] = {
        HTTP1_CONNECTION,
        HTTP1_KEEP_ALIVE,
        HTTP1_PROXY_CONNECTION,
        HTTP1_PROXY_AUTHENTICATE,
        HTTP1_TE,
        HTTP1_PROXY_AUTHORIZATION,
        HTTP1_TRAILER,
        HTTP1_UPGRADE,
        HTTP1_TRANSFER_ENCODING,
        HTTP1_HTTP2_SETTINGS,
    };
    size_t hops = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(yes); i++)
        assert_true(http1_is_hop_by_hop(yes[i]));
    for (int id = 0; id <= HTTP1_OTHER; id++)
        hops += http1_is_hop_by_hop((enum http1_field_id)id) ? 1 : 0;
    assert_int_equal(hops, ARRAY_LEN(yes));
    assert_false(http1_is_hop_by_hop(HTTP1_OTHER));
    assert_false(http1_is_hop_by_hop(HTTP1_X_AUTH_TOKEN));
}

static void test_phrases(void **state)
{
    (void)state;
    assert_string_equal(http1_phrase(200), "OK");
    assert_string_equal(http1_phrase(403), "Forbidden");
    assert_string_equal(http1_phrase(431), "Request Header Fields Too Large");
    assert_string_equal(http1_phrase(494), "Unknown");
    assert_string_equal(http1_phrase(0), "Unknown");
    for (int i = 0; i < HTTP1_FAULT_COUNT; i++) {
        assert_non_null(http1_reasons[i].code);
        assert_true(strncmp(http1_reasons[i].code, "http.", 5) == 0);
        assert_string_not_equal(http1_phrase((unsigned)http1_reasons[i].status), "Unknown");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find_head_whole), cmocka_unit_test(test_find_head_byte_by_byte),
        cmocka_unit_test(test_head_limit),      cmocka_unit_test(test_request_line_without_end),
        cmocka_unit_test(test_find_field),      cmocka_unit_test(test_hop_by_hop),
        cmocka_unit_test(test_phrases),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
