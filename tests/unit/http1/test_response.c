/* SPDX-License-Identifier: Apache-2.0
 * Answers: framing by status and method, and the same strictness as for requests. */
#include "support/test.h"

#include "http1/head.h"

static const struct http1_limits limits = {
    .head = 65536, .uri = 8192, .header_value = 32768, .headers = 128};

#define V(literal)                      \
    {                                   \
        "" literal, sizeof(literal) - 1 \
    }

struct parsed {
    struct arena arena;
    struct http1_response res;
    struct http1_fault fault;
    enum status status;
};

static void parse(struct view bytes, struct view method, struct parsed *ret)
{
    size_t scanned = 0, n;

    *ret = (struct parsed){.status = STATUS_SYNTAX};
    arena_init(&ret->arena, 4096, 1 << 20);
    n = http1_find_head(bytes, &limits, &scanned, &ret->fault);
    if (n == SIZE_MAX)
        return;
    ret->status = http1_parse_response(n == 0 ? bytes : view_of(bytes.ptr, n), method, &limits,
                                       &ret->arena, &ret->res, &ret->fault);
}

static const struct {
    const char *name;
    struct view method, bytes;
    unsigned status;
    struct view reason;
    enum http1_framing framing;
    uint64_t length;
    bool keep_alive;
} taken[] = {
    {"length", V("GET"), V("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"), 200, V("OK"),
     HTTP1_LENGTH, 5, true},
    {"length 0", V("GET"), V("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), 200, V("OK"),
     HTTP1_LENGTH, 0, true},
    {"chunked", V("POST"), V("HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n"), 201,
     V("Created"), HTTP1_CHUNKED, UINT64_MAX, true},
    {"until close", V("GET"), V("HTTP/1.1 200 OK\r\n\r\n"), 200, V("OK"), HTTP1_UNTIL_CLOSE,
     UINT64_MAX, false},
    {"until close on 1.0", V("GET"), V("HTTP/1.0 200 OK\r\n\r\n"), 200, V("OK"), HTTP1_UNTIL_CLOSE,
     UINT64_MAX, false},
    {"1.0 keep-alive", V("GET"),
     V("HTTP/1.0 200 OK\r\nContent-Length: 1\r\nConnection: keep-alive\r\n\r\n"), 200, V("OK"),
     HTTP1_LENGTH, 1, true},
    {"1.0 closes", V("GET"), V("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n"), 200, V("OK"),
     HTTP1_LENGTH, 1, false},
    {"close", V("GET"), V("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\n"), 200,
     V("OK"), HTTP1_LENGTH, 1, false},
    {"HEAD with length", V("HEAD"), V("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"), 200,
     V("OK"), HTTP1_NO_BODY, 500, true},
    {"HEAD, chunked", V("HEAD"), V("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), 200,
     V("OK"), HTTP1_NO_BODY, UINT64_MAX, true},
    {"HEAD with neither", V("HEAD"), V("HTTP/1.1 200 OK\r\n\r\n"), 200, V("OK"), HTTP1_NO_BODY,
     UINT64_MAX, true},
    {"CONNECT", V("CONNECT"), V("HTTP/1.1 200 OK\r\n\r\n"), 200, V("OK"), HTTP1_NO_BODY, UINT64_MAX,
     true},
    {"CONNECT refused", V("CONNECT"), V("HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\n"), 403,
     V("No"), HTTP1_LENGTH, 2, true},
    {"100", V("POST"), V("HTTP/1.1 100 Continue\r\n\r\n"), 100, V("Continue"), HTTP1_NO_BODY,
     UINT64_MAX, true},
    {"103 with a field", V("GET"), V("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"), 103,
     V("Early Hints"), HTTP1_NO_BODY, UINT64_MAX, true},
    {"101 is the caller's to refuse", V("GET"), V("HTTP/1.1 101 S\r\nUpgrade: x\r\n\r\n"), 101,
     V("S"), HTTP1_NO_BODY, UINT64_MAX, true},
    {"204", V("DELETE"), V("HTTP/1.1 204 No Content\r\n\r\n"), 204, V("No Content"), HTTP1_NO_BODY,
     UINT64_MAX, true},
    {"204 with length 0", V("DELETE"), V("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"),
     204, V("No Content"), HTTP1_NO_BODY, 0, true},
    {"304 with length", V("GET"), V("HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n"), 304,
     V("Not Modified"), HTTP1_NO_BODY, 99, true},
    {"no phrase", V("GET"), V("HTTP/1.1 494 \r\nContent-Length: 0\r\n\r\n"), 494, V(""),
     HTTP1_LENGTH, 0, true},
    {"no blank before no phrase", V("GET"), V("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n"), 200,
     V(""), HTTP1_LENGTH, 0, true},
    {"high bytes in phrase and values", V("GET"),
     V("HTTP/1.1 200 \xc3\xa4\r\nX: \xff\tb\r\nContent-Length: 0\r\n\r\n"), 200, V("\xc3\xa4"),
     HTTP1_LENGTH, 0, true},
    {"599", V("GET"), V("HTTP/1.1 599 x\r\nContent-Length: 0\r\n\r\n"), 599, V("x"), HTTP1_LENGTH,
     0, true},
};

static void test_taken(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(taken); i++) {
        const char *name = taken[i].name;
        struct parsed p;

        parse(taken[i].bytes, taken[i].method, &p);
        assert_row(p.status == STATUS_OK, name);
        assert_row(p.res.status == taken[i].status, name);
        assert_row(view_eq(p.res.reason, taken[i].reason), name);
        assert_row(p.res.framing == taken[i].framing, name);
        assert_row(p.res.length == taken[i].length, name);
        assert_row(p.res.keep_alive == taken[i].keep_alive, name);
        arena_done(&p.arena);
    }
}

static const struct {
    const char *name;
    struct view method, bytes;
    const char *code;
} refused[] = {
    {"CL and TE", V("GET"),
     V("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"),
     "http.ambiguous_length"},
    {"CL and TE on HEAD", V("HEAD"),
     V("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"),
     "http.ambiguous_length"},
    {"CL twice", V("GET"), V("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n"),
     "http.ambiguous_length"},
    {"CL list", V("GET"), V("HTTP/1.1 200 OK\r\nContent-Length: 5,5\r\n\r\n"), "http.bad_length"},
    {"CL empty", V("GET"), V("HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n"), "http.bad_length"},
    {"CL wraps", V("GET"), V("HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551621\r\n\r\n"),
     "http.bad_length"},
    {"TE gzip, chunked", V("GET"), V("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"),
     "http.transfer_coding"},
    {"TE CHUNKED", V("GET"), V("HTTP/1.1 200 OK\r\nTransfer-Encoding: CHUNKED\r\n\r\n"),
     "http.transfer_coding"},
    {"TE on 1.0", V("GET"), V("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
     "http.ambiguous_length"},
    {"204 with length", V("GET"), V("HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\n"),
     "http.ambiguous_length"},
    {"204 chunked", V("GET"), V("HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n"),
     "http.ambiguous_length"},
    {"100 with length", V("GET"), V("HTTP/1.1 100 Go\r\nContent-Length: 5\r\n\r\n"),
     "http.ambiguous_length"},
    {"folding", V("GET"), V("HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n"), "http.bad_header"},
    {"blank before the colon", V("GET"), V("HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\n"),
     "http.bad_header"},
    {"underscore", V("GET"), V("HTTP/1.1 200 OK\r\nX_Y: 5\r\n\r\n"), "http.bad_header"},
    {"control byte", V("GET"), V("HTTP/1.1 200 OK\r\nX: \x02\r\n\r\n"), "http.bad_header"},
    {"NUL", V("GET"), V("HTTP/1.1 200 OK\r\nX: \0\r\n\r\n"), "http.bad_header"},
    {"bare LF", V("GET"), V("HTTP/1.1 200 OK\r\nX: a\n\r\n"), "http.bad_header"},
    {"no colon", V("GET"), V("HTTP/1.1 200 OK\r\nX\r\n\r\n"), "http.bad_header"},
    {"HTTP/1.2", V("GET"), V("HTTP/1.2 200 OK\r\n\r\n"), "http.version"},
    {"HTTP/2", V("GET"), V("HTTP/2 200 OK\r\n\r\n"), "http.version"},
    {"no version", V("GET"), V("200 OK\r\n\r\n"), "http.bad_status_line"},
    {"ICY", V("GET"), V("ICY 200 OK\r\n\r\n"), "http.bad_status_line"},
    {"version only", V("GET"), V("HTTP/1.1\r\n\r\n"), "http.bad_status_line"},
    {"two digits", V("GET"), V("HTTP/1.1 20\r\n\r\n"), "http.bad_status_line"},
    {"two digits and a phrase", V("GET"), V("HTTP/1.1 20 OK\r\n\r\n"), "http.bad_status_line"},
    {"four digits", V("GET"), V("HTTP/1.1 2000 OK\r\n\r\n"), "http.bad_status_line"},
    {"letters", V("GET"), V("HTTP/1.1 2x0 OK\r\n\r\n"), "http.bad_status_line"},
    {"two blanks", V("GET"), V("HTTP/1.1  200 OK\r\n\r\n"), "http.bad_status_line"},
    {"TAB", V("GET"), V("HTTP/1.1\t200 OK\r\n\r\n"), "http.bad_status_line"},
    {"099", V("GET"), V("HTTP/1.1 099 x\r\n\r\n"), "http.bad_status_line"},
    {"600", V("GET"), V("HTTP/1.1 600 x\r\n\r\n"), "http.bad_status_line"},
    {"control byte in the phrase", V("GET"), V("HTTP/1.1 200 O\x01K\r\n\r\n"),
     "http.bad_status_line"},
    {"a body first", V("GET"), V("\r\nHTTP/1.1 200 OK\r\n\r\n"), "http.bad_request_line"},
    {"cut", V("GET"), V("HTTP/1.1 200 OK\r\nX: y\r\n"), "http.bad_header"},
    {"cut in the status line", V("GET"), V("HTTP/1.1 200 OK"), "http.bad_status_line"},
};

static void test_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        struct parsed p;

        parse(refused[i].bytes, refused[i].method, &p);
        assert_row(p.status == STATUS_SYNTAX, refused[i].name);
        if (strcmp(p.fault.row->code, refused[i].code) != 0)
            print_error("%s: got %s\n", refused[i].name, p.fault.row->code);
        assert_row(strcmp(p.fault.row->code, refused[i].code) == 0, refused[i].name);
        assert_row(p.res.status == 0, refused[i].name);
        arena_done(&p.arena);
    }
}

static void test_out_of_memory(void **state)
{
    struct arena arena;
    struct http1_response res = {0};
    struct http1_fault fault;

    (void)state;
    arena_init(&arena, 16, 16);
    assert_int_equal(http1_parse_response(VIEW("HTTP/1.1 200 OK\r\nA: b\r\n\r\n"), VIEW("GET"),
                                          &limits, &arena, &res, &fault),
                     STATUS_NOMEM);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_taken),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_out_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
