/* SPDX-License-Identifier: Apache-2.0
 * Requests: what real clients send is taken, what two readers could read differently is refused
 * with the status that HTTP gives it. */
#include "support/test.h"

#include <stdlib.h>

#include "http1/head.h"

static const struct http1_limits limits = {
    .head = 65536, .uri = 8192, .header_value = 32768, .headers = 128};

struct parsed {
    struct arena arena;
    struct http1_request req;
    struct http1_fault fault;
    enum status status;
};

/* Finds and parses, as a connection does. A head that isn't found is parsed all the same: parsing
 * may not rely on finding. */
static void parse(struct view bytes, const struct http1_limits *with, struct parsed *ret)
{
    size_t scanned = 0, n;

    *ret = (struct parsed){.status = STATUS_SYNTAX};
    arena_init(&ret->arena, 4096, 1 << 20);
    n = http1_find_head(bytes, with, &scanned, &ret->fault);
    if (n == SIZE_MAX)
        return;
    ret->status = http1_parse_request(n == 0 ? bytes : view_of(bytes.ptr, n), with, &ret->arena,
                                      &ret->req, &ret->fault);
}

/* ---- refused ---- */

#define V(literal)                      \
    {                                   \
        "" literal, sizeof(literal) - 1 \
    }
#define H "Host: a.example\r\n"

static const struct {
    const char *name;
    struct view bytes;
    int status;
    const char *code;
} refused[] = {
    /* lengths */
    {"CL then TE",
     V("POST / HTTP/1.1\r\n" H "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"), 400,
     "http.ambiguous_length"},
    {"TE then CL",
     V("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"), 400,
     "http.ambiguous_length"},
    {"CL twice, equal", V("POST / HTTP/1.1\r\n" H "Content-Length: 5\r\nContent-Length: 5\r\n\r\n"),
     400, "http.ambiguous_length"},
    {"CL twice, different",
     V("POST / HTTP/1.1\r\n" H "Content-Length: 5\r\ncontent-length: 0\r\n\r\n"), 400,
     "http.ambiguous_length"},
    {"CL +5", V("POST / HTTP/1.1\r\n" H "Content-Length: +5\r\n\r\n"), 400, "http.bad_length"},
    {"CL -1", V("POST / HTTP/1.1\r\n" H "Content-Length: -1\r\n\r\n"), 400, "http.bad_length"},
    {"CL 0x5", V("POST / HTTP/1.1\r\n" H "Content-Length: 0x5\r\n\r\n"), 400, "http.bad_length"},
    {"CL 5 5", V("POST / HTTP/1.1\r\n" H "Content-Length: 5 5\r\n\r\n"), 400, "http.bad_length"},
    {"CL list", V("POST / HTTP/1.1\r\n" H "Content-Length: 5, 5\r\n\r\n"), 400, "http.bad_length"},
    {"CL behind a TAB", V("POST / HTTP/1.1\r\n" H "Content-Length:\t5\r\n\r\n"), 400,
     "http.bad_length"},
    {"CL with white space behind", V("POST / HTTP/1.1\r\n" H "Content-Length: 5 \t\r\n\r\n"), 400,
     "http.bad_length"},
    {"CL with a NUL", V("POST / HTTP/1.1\r\n" H "Content-Length: 5\0\r\n\r\n"), 400,
     "http.bad_header"},
    {"CL empty", V("POST / HTTP/1.1\r\n" H "Content-Length:\r\n\r\n"), 400, "http.bad_length"},
    {"CL one blank", V("POST / HTTP/1.1\r\n" H "Content-Length: \r\n\r\n"), 400, "http.bad_length"},
    {"CL 2^64+5", V("POST / HTTP/1.1\r\n" H "Content-Length: 18446744073709551621\r\n\r\n"), 400,
     "http.bad_length"},
    {"CL 2^63", V("POST / HTTP/1.1\r\n" H "Content-Length: 9223372036854775808\r\n\r\n"), 400,
     "http.bad_length"},
    {"CL of 20 digits", V("POST / HTTP/1.1\r\n" H "Content-Length: 40992764608243448036\r\n\r\n"),
     400, "http.bad_length"},
    {"CL of 21 digits", V("POST / HTTP/1.1\r\n" H "Content-Length: 000000000000000000005\r\n\r\n"),
     400, "http.bad_length"},
    {"CL folded", V("POST / HTTP/1.1\r\n" H "Content-Length: 1\r\n\t0\r\n\r\n"), 400,
     "http.bad_header"},
    {"CL, blank before the colon", V("POST / HTTP/1.1\r\n" H "Content-Length : 5\r\n\r\n"), 400,
     "http.bad_header"},
    /* codings */
    {"TE xchunked", V("POST / HTTP/1.1\r\n" H "Transfer-Encoding: xchunked\r\n\r\n"), 501,
     "http.transfer_coding"},
    {"TE CHUNKED", V("POST / HTTP/1.1\r\n" H "Transfer-Encoding: CHUNKED\r\n\r\n"), 501,
     "http.transfer_coding"},
    {"TE with a blank behind", V("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked \r\n\r\n"),
     501, "http.transfer_coding"},
    {"TE chunked, identity",
     V("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked, identity\r\n\r\n"), 501,
     "http.transfer_coding"},
    {"TE gzip, chunked", V("POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n\r\n"), 501,
     "http.transfer_coding"},
    {"TE gzip", V("POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip\r\n\r\n"), 501,
     "http.transfer_coding"},
    {"TE identity", V("POST / HTTP/1.1\r\n" H "Transfer-Encoding: identity\r\n\r\n"), 501,
     "http.transfer_coding"},
    {"TE quoted", V("POST / HTTP/1.1\r\n" H "Transfer-Encoding: \"chunked\"\r\n\r\n"), 501,
     "http.transfer_coding"},
    {"TE empty", V("POST / HTTP/1.1\r\n" H "Transfer-Encoding:\r\n\r\n"), 501,
     "http.transfer_coding"},
    {"TE behind a TAB", V("POST / HTTP/1.1\r\n" H "Transfer-Encoding:\tchunked\r\n\r\n"), 501,
     "http.transfer_coding"},
    {"TE behind a VT", V("POST / HTTP/1.1\r\n" H "Transfer-Encoding: \vchunked\r\n\r\n"), 400,
     "http.bad_header"},
    {"TE twice",
     V("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n"),
     400, "http.ambiguous_length"},
    {"TE twice, equal",
     V("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"),
     400, "http.ambiguous_length"},
    {"TE folded", V("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chun\r\n\tked\r\n\r\n"), 501,
     "http.transfer_coding"},
    {"TE, blank before the colon", V("POST / HTTP/1.1\r\n" H "Transfer-Encoding : chunked\r\n\r\n"),
     400, "http.bad_header"},
    {"TE, NUL in the name", V("POST / HTTP/1.1\r\n" H "Transfer-Encoding\0: chunked\r\n\r\n"), 400,
     "http.bad_header"},
    {"TE on 1.0", V("POST / HTTP/1.0\r\n" H "Transfer-Encoding: chunked\r\n\r\n"), 400,
     "http.ambiguous_length"},
    /* bodies that mean nothing */
    {"GET with a body", V("GET / HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\n"), 400,
     "http.unexpected_body"},
    {"HEAD with a body", V("HEAD / HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\n"), 400,
     "http.unexpected_body"},
    {"GET with chunks", V("GET / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n"), 400,
     "http.unexpected_body"},
    /* bytes */
    {"NUL in a value", V("GET / HTTP/1.1\r\n" H "X: a\0b\r\n\r\n"), 400, "http.bad_header"},
    {"NUL in Host", V("GET / HTTP/1.1\r\nHost: good\0.evil\r\n\r\n"), 400, "http.bad_header"},
    {"NUL in the path", V("GET /a\0b HTTP/1.1\r\n" H "\r\n"), 400, "http.bad_request_line"},
    {"BEL in a value", V("GET / HTTP/1.1\r\n" H "X: a\ab\r\n\r\n"), 400, "http.bad_header"},
    {"DEL in a value", V("GET / HTTP/1.1\r\n" H "X: aaaaaaa\x7f bbbbbbbbb\r\n\r\n"), 400,
     "http.bad_header"},
    {"ESC in a long value", V("GET / HTTP/1.1\r\n" H "X: aaaaaaaaaaaaaaaaaaaaaaaaaa\x1b\r\n\r\n"),
     400, "http.bad_header"},
    {"control byte beside a TAB", V("GET / HTTP/1.1\r\n" H "X: aaa\taaa\x01\t\taaaaaaa\r\n\r\n"),
     400, "http.bad_header"},
    {"control byte in a name", V("GET / HTTP/1.1\r\n" H "X\x01Y: a\r\n\r\n"), 400,
     "http.bad_header"},
    {"high byte in a name", V("GET / HTTP/1.1\r\n" H "X\xc3\xa4: a\r\n\r\n"), 400,
     "http.bad_header"},
    {"underscore in a name", V("GET / HTTP/1.1\r\n" H "X_Auth_Token: a\r\n\r\n"), 400,
     "http.bad_header"},
    {"brackets in a name", V("GET / HTTP/1.1\r\n" H "(X): a\r\n\r\n"), 400, "http.bad_header"},
    {"first field line begins with a blank", V("GET / HTTP/1.1\r\n Host: a.example\r\n\r\n"), 400,
     "http.bad_header"},
    {"folding with a TAB", V("GET / HTTP/1.1\r\n" H "X: 1\r\n\tfolded\r\n\r\n"), 400,
     "http.bad_header"},
    {"folding with a blank", V("GET / HTTP/1.1\r\n" H "X: 1\r\n folded\r\n\r\n"), 400,
     "http.bad_header"},
    {"bare LF in the fields", V("GET / HTTP/1.1\r\n" H "X: 1\nY: 2\r\n\r\n"), 400,
     "http.bad_header"},
    {"bare LF ends the head", V("GET / HTTP/1.1\r\n" H "\n"), 400, "http.bad_header"},
    {"bare LF behind a blank in the request line", V("GET / \nHost: a\r\n\r\n"), 400,
     "http.bad_request_line"},
    {"bare CR in a value", V("GET / HTTP/1.1\r\n" H "X: 1\rY: 2\r\n\r\n"), 400, "http.bad_header"},
    {"no colon", V("GET / HTTP/1.1\r\n" H "Broken\r\n\r\n"), 400, "http.bad_header"},
    {"empty name", V("GET / HTTP/1.1\r\n" H ": a\r\n\r\n"), 400, "http.bad_header"},
    {"no blank line", V("GET / HTTP/1.1\r\n" H), 400, "http.bad_header"},
    /* Host */
    {"no Host", V("GET / HTTP/1.1\r\nX: 1\r\n\r\n"), 400, "http.bad_host"},
    {"no fields", V("GET / HTTP/1.1\r\n\r\n"), 400, "http.bad_host"},
    {"two Hosts", V("GET / HTTP/1.1\r\n" H H "\r\n"), 400, "http.bad_host"},
    {"two Hosts on 1.0", V("GET / HTTP/1.0\r\n" H H "\r\n"), 400, "http.bad_host"},
    {"Host empty", V("GET / HTTP/1.1\r\nHost:\r\n\r\n"), 400, "http.bad_host"},
    {"Host with blank, path and userinfo", V("GET / HTTP/1.1\r\nHost: a b/c@d\r\n\r\n"), 400,
     "http.bad_host"},
    {"Host with userinfo", V("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"), 400, "http.bad_host"},
    {"Host with a path", V("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"), 400, "http.bad_host"},
    {"Host list", V("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"), 400, "http.bad_host"},
    {"Host with an escape", V("GET / HTTP/1.1\r\nHost: a%2eb\r\n\r\n"), 400, "http.bad_host"},
    {"Host, port empty", V("GET / HTTP/1.1\r\nHost: a:\r\n\r\n"), 400, "http.bad_host"},
    {"Host, port of letters", V("GET / HTTP/1.1\r\nHost: a:http\r\n\r\n"), 400, "http.bad_host"},
    {"Host, port 65536", V("GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n"), 400, "http.bad_host"},
    {"Host, two ports", V("GET / HTTP/1.1\r\nHost: a:1:2\r\n\r\n"), 400, "http.bad_host"},
    {"Host, port only", V("GET / HTTP/1.1\r\nHost: :80\r\n\r\n"), 400, "http.bad_host"},
    {"Host, bracket open", V("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n"), 400, "http.bad_host"},
    {"Host, brackets empty", V("GET / HTTP/1.1\r\nHost: []\r\n\r\n"), 400, "http.bad_host"},
    {"Host, text behind the bracket", V("GET / HTTP/1.1\r\nHost: [::1]x\r\n\r\n"), 400,
     "http.bad_host"},
    {"Host, high byte", V("GET / HTTP/1.1\r\nHost: \xc3\xa4\r\n\r\n"), 400, "http.bad_host"},
    {"absolute-form of another host", V("GET http://b.example/ HTTP/1.1\r\n" H "\r\n"), 400,
     "http.bad_host"},
    {"absolute-form with a port that Host hasn't",
     V("GET http://a.example:80/ HTTP/1.1\r\n" H "\r\n"), 400, "http.bad_host"},
    {"absolute-form with userinfo", V("GET http://u@a.example/ HTTP/1.1\r\n" H "\r\n"), 400,
     "http.bad_host"},
    {"absolute-form without a host", V("GET http:///x HTTP/1.1\r\n" H "\r\n"), 400,
     "http.bad_host"},
    {"absolute-form without Host on 1.0", V("GET http://a.example/ HTTP/1.0\r\n\r\n"), 400,
     "http.bad_host"},
    /* request line */
    {"HTTP/0.9", V("GET /\r\n\r\n"), 400, "http.bad_request_line"},
    {"HTTP/0.9 with a blank behind", V("GET /abc \r\n\r\n"), 400, "http.bad_request_line"},
    {"HTTP/1.2", V("GET / HTTP/1.2\r\n" H "\r\n"), 505, "http.version"},
    {"HTTP/1.10", V("GET / HTTP/1.10\r\n" H "\r\n"), 505, "http.version"},
    {"HTTP/2.0", V("GET / HTTP/2.0\r\n" H "\r\n"), 505, "http.version"},
    {"HTTP/2", V("GET / HTTP/2\r\n" H "\r\n"), 505, "http.version"},
    {"HTTP/0.9 spelled out", V("GET / HTTP/0.9\r\n" H "\r\n"), 505, "http.version"},
    {"HTTP/257.257", V("GET / HTTP/257.257\r\n" H "\r\n"), 505, "http.version"},
    {"HTTP/1.", V("GET / HTTP/1.\r\n" H "\r\n"), 400, "http.bad_request_line"},
    {"HTTP/1.x", V("GET / HTTP/1.x\r\n" H "\r\n"), 400, "http.bad_request_line"},
    {"HTTP/1.1 and a blank", V("GET / HTTP/1.1 \r\n" H "\r\n"), 400, "http.bad_request_line"},
    {"http/1.1", V("GET / http/1.1\r\n" H "\r\n"), 400, "http.bad_request_line"},
    {"two blanks before the target", V("GET  / HTTP/1.1\r\n" H "\r\n"), 400,
     "http.bad_request_line"},
    {"two blanks before the version", V("GET /  HTTP/1.1\r\n" H "\r\n"), 400,
     "http.bad_request_line"},
    {"a blank in front", V(" GET / HTTP/1.1\r\n" H "\r\n"), 400, "http.bad_request_line"},
    {"TABs between", V("GET\t/\tHTTP/1.1\r\n" H "\r\n"), 400, "http.bad_request_line"},
    {"a word too many", V("GET / x HTTP/1.1\r\n" H "\r\n"), 400, "http.bad_request_line"},
    {"method in lower case", V("get / HTTP/1.1\r\n" H "\r\n"), 400, "http.bad_request_line"},
    {"method with a digit", V("GET1 / HTTP/1.1\r\n" H "\r\n"), 400, "http.bad_request_line"},
    {"method of 33 letters", V("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA / HTTP/1.1\r\n" H "\r\n"), 501,
     "http.method"},
    {"CONNECT", V("CONNECT a.example:443 HTTP/1.1\r\n" H "\r\n"), 501, "http.method"},
    {"TRACE", V("TRACE / HTTP/1.1\r\n" H "\r\n"), 501, "http.method"},
    {"HTTP/2 preface", V("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 501, "http.upgrade"},
    /* target */
    {"fragment", V("GET /a#b HTTP/1.1\r\n" H "\r\n"), 400, "http.bad_target"},
    {"fragment in the query", V("GET /a?b#c HTTP/1.1\r\n" H "\r\n"), 400, "http.bad_target"},
    {"TAB in the path", V("GET /a\tb HTTP/1.1\r\n" H "\r\n"), 400, "http.bad_target"},
    {"control byte in the path",
     V("GET /a\x01"
       "b HTTP/1.1\r\n" H "\r\n"),
     400, "http.bad_target"},
    {"DEL in the query", V("GET /?\x7f HTTP/1.1\r\n" H "\r\n"), 400, "http.bad_target"},
    {"raw UTF-8 in the path", V("GET /\xc3\xa4 HTTP/1.1\r\n" H "\r\n"), 400, "http.bad_target"},
    {"no slash", V("GET a HTTP/1.1\r\n" H "\r\n"), 400, "http.bad_target"},
    {"query only", V("GET ?a HTTP/1.1\r\n" H "\r\n"), 400, "http.bad_target"},
    {"* with GET", V("GET * HTTP/1.1\r\n" H "\r\n"), 400, "http.bad_target"},
    {"authority-form", V("GET a.example:80 HTTP/1.1\r\n" H "\r\n"), 400, "http.bad_target"},
    {"another scheme", V("GET ftp://a.example/ HTTP/1.1\r\n" H "\r\n"), 400, "http.bad_target"},
    /* Expect */
    {"Expect something", V("POST / HTTP/1.1\r\n" H "Expect: 200-ok\r\nContent-Length: 1\r\n\r\n"),
     417, "http.expectation"},
    {"Expect empty", V("POST / HTTP/1.1\r\n" H "Expect:\r\nContent-Length: 1\r\n\r\n"), 417,
     "http.expectation"},
    {"Expect twice",
     V("POST / HTTP/1.1\r\n" H "Expect: 100-continue\r\nExpect: 100-continue\r\n\r\n"), 417,
     "http.expectation"},
};

static void test_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        struct parsed p;

        parse(refused[i].bytes, &limits, &p);
        assert_row(p.status == STATUS_SYNTAX, refused[i].name);
        if (strcmp(p.fault.row->code, refused[i].code) != 0)
            print_error("%s: got %s\n", refused[i].name, p.fault.row->code);
        assert_row(strcmp(p.fault.row->code, refused[i].code) == 0, refused[i].name);
        assert_row(p.fault.row->status == refused[i].status, refused[i].name);
        assert_row(p.fault.text != NULL, refused[i].name);
        assert_row(p.req.method.ptr == NULL, refused[i].name); /* nothing half-filled */
        arena_done(&p.arena);
    }
}

/* ---- taken ---- */

static const struct {
    const char *name;
    struct view bytes;
    struct http1_request want; /* method, path, query, host, count, minor, framing, length, ... */
} taken[] = {
    {"plain",
     V("GET /a/b HTTP/1.1\r\n" H "\r\n"),
     {.method = V("GET"),
      .path = V("/a/b"),
      .host = V("a.example"),
      .count = 1,
      .minor = 1,
      .keep_alive = true}},
    {"1.0", V("GET / HTTP/1.0\r\n\r\n"), {.method = V("GET"), .path = V("/")}},
    {"1.0 with Host and keep-alive",
     V("GET / HTTP/1.0\r\n" H "Connection: Keep-Alive\r\n\r\n"),
     {.method = V("GET"), .path = V("/"), .host = V("a.example"), .count = 2, .keep_alive = true}},
    {"1.0 ignores Expect",
     V("POST / HTTP/1.0\r\n" H "Expect: 100-continue\r\nContent-Length: 1\r\n\r\n"),
     {.method = V("POST"),
      .path = V("/"),
      .host = V("a.example"),
      .count = 3,
      .framing = HTTP1_LENGTH,
      .length = 1}},
    {"query",
     V("GET /a?b=c&d HTTP/1.1\r\n" H "\r\n"),
     {.method = V("GET"),
      .path = V("/a"),
      .query = V("b=c&d"),
      .host = V("a.example"),
      .count = 1,
      .minor = 1,
      .keep_alive = true}},
    {"empty query",
     V("GET /a? HTTP/1.1\r\n" H "\r\n"),
     {.method = V("GET"),
      .path = V("/a"),
      .query = V(""),
      .host = V("a.example"),
      .count = 1,
      .minor = 1,
      .keep_alive = true}},
    {"query kept raw",
     V("GET /a??&&=v&%zz HTTP/1.1\r\n" H "\r\n"),
     {.method = V("GET"),
      .path = V("/a"),
      .query = V("?&&=v&%zz"),
      .host = V("a.example"),
      .count = 1,
      .minor = 1,
      .keep_alive = true}},
    {"path kept raw",
     V("GET //a/../%2f%2e%2e%00%zz\\b HTTP/1.1\r\n" H "\r\n"),
     {.method = V("GET"),
      .path = V("//a/../%2f%2e%2e%00%zz\\b"),
      .host = V("a.example"),
      .count = 1,
      .minor = 1,
      .keep_alive = true}},
    {"OPTIONS *",
     V("OPTIONS * HTTP/1.1\r\n" H "\r\n"),
     {.method = V("OPTIONS"),
      .path = V("*"),
      .host = V("a.example"),
      .count = 1,
      .minor = 1,
      .keep_alive = true}},
    {"absolute-form",
     V("GET http://A.example/a?b HTTP/1.1\r\n" H "\r\n"),
     {.method = V("GET"),
      .path = V("/a"),
      .query = V("b"),
      .host = V("a.example"),
      .count = 1,
      .minor = 1,
      .keep_alive = true}},
    {"absolute-form, https and a port",
     V("GET HTTPS://[::1]:8443/ HTTP/1.1\r\nHost: [::1]:8443\r\n\r\n"),
     {.method = V("GET"),
      .path = V("/"),
      .host = V("[::1]:8443"),
      .count = 1,
      .minor = 1,
      .keep_alive = true}},
    {"absolute-form without a path",
     V("GET http://a.example HTTP/1.1\r\n" H "\r\n"),
     {.method = V("GET"),
      .path = V("/"),
      .host = V("a.example"),
      .count = 1,
      .minor = 1,
      .keep_alive = true}},
    {"absolute-form, query without a path",
     V("GET http://a.example?x HTTP/1.1\r\n" H "\r\n"),
     {.method = V("GET"),
      .path = V("/"),
      .query = V("x"),
      .host = V("a.example"),
      .count = 1,
      .minor = 1,
      .keep_alive = true}},
    {"absolute-form of OPTIONS *",
     V("OPTIONS http://a.example HTTP/1.1\r\n" H "\r\n"),
     {.method = V("OPTIONS"),
      .path = V("*"),
      .host = V("a.example"),
      .count = 1,
      .minor = 1,
      .keep_alive = true}},
    {"Host with a port",
     V("GET / HTTP/1.1\r\nhost: 127.0.0.1:32947\r\n\r\n"),
     {.method = V("GET"),
      .path = V("/"),
      .host = V("127.0.0.1:32947"),
      .count = 1,
      .minor = 1,
      .keep_alive = true}},
    {"Host with underscore",
     V("GET / HTTP/1.1\r\nHost: my_service\r\n\r\n"),
     {.method = V("GET"),
      .path = V("/"),
      .host = V("my_service"),
      .count = 1,
      .minor = 1,
      .keep_alive = true}},
    {"unknown method",
     V("M-SEARCH / HTTP/1.1\r\n" H "\r\n"),
     {.method = V("M-SEARCH"),
      .path = V("/"),
      .host = V("a.example"),
      .count = 1,
      .minor = 1,
      .keep_alive = true}},
    {"method of 32 letters",
     V("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA / HTTP/1.1\r\n" H "\r\n"),
     {.method = V("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
      .path = V("/"),
      .host = V("a.example"),
      .count = 1,
      .minor = 1,
      .keep_alive = true}},
    {"GET with length 0",
     V("GET / HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n"),
     {.method = V("GET"),
      .path = V("/"),
      .host = V("a.example"),
      .count = 2,
      .minor = 1,
      .framing = HTTP1_LENGTH,
      .keep_alive = true}},
    {"DELETE with a body",
     V("DELETE / HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabc"),
     {.method = V("DELETE"),
      .path = V("/"),
      .host = V("a.example"),
      .count = 2,
      .minor = 1,
      .framing = HTTP1_LENGTH,
      .length = 3,
      .keep_alive = true}},
    {"DELETE with length 0",
     V("DELETE / HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n"),
     {.method = V("DELETE"),
      .path = V("/"),
      .host = V("a.example"),
      .count = 2,
      .minor = 1,
      .framing = HTTP1_LENGTH,
      .keep_alive = true}},
    {"CL with leading zeros",
     V("POST / HTTP/1.1\r\n" H "Content-Length:007\r\n\r\n"),
     {.method = V("POST"),
      .path = V("/"),
      .host = V("a.example"),
      .count = 2,
      .minor = 1,
      .framing = HTTP1_LENGTH,
      .length = 7,
      .keep_alive = true}},
    {"CL 2^63-1",
     V("POST / HTTP/1.1\r\n" H "Content-Length: 9223372036854775807\r\n\r\n"),
     {.method = V("POST"),
      .path = V("/"),
      .host = V("a.example"),
      .count = 2,
      .minor = 1,
      .framing = HTTP1_LENGTH,
      .length = INT64_MAX,
      .keep_alive = true}},
    {"chunked",
     V("POST / HTTP/1.1\r\n" H "transfer-encoding:chunked\r\n\r\n"),
     {.method = V("POST"),
      .path = V("/"),
      .host = V("a.example"),
      .count = 2,
      .minor = 1,
      .framing = HTTP1_CHUNKED,
      .keep_alive = true}},
    {"Connection: CLOSE in a list",
     V("GET / HTTP/1.1\r\n" H "Connection: foo , CLOSE\r\n\r\n"),
     {.method = V("GET"), .path = V("/"), .host = V("a.example"), .count = 2, .minor = 1}},
    {"close beats keep-alive",
     V("GET / HTTP/1.1\r\n" H "Connection: keep-alive\r\nConnection: close\r\n\r\n"),
     {.method = V("GET"), .path = V("/"), .host = V("a.example"), .count = 3, .minor = 1}},
    {"closer is not close",
     V("GET / HTTP/1.1\r\n" H "Connection: closer,,\r\n\r\n"),
     {.method = V("GET"),
      .path = V("/"),
      .host = V("a.example"),
      .count = 2,
      .minor = 1,
      .keep_alive = true}},
    {"Upgrade field",
     V("GET / HTTP/1.1\r\n" H "Upgrade: h2c\r\n\r\n"),
     {.method = V("GET"),
      .path = V("/"),
      .host = V("a.example"),
      .count = 2,
      .minor = 1,
      .keep_alive = true,
      .upgrade = true}},
    {"Connection: Upgrade",
     V("GET / HTTP/1.1\r\n" H "Connection: x, Upgrade\r\n\r\n"),
     {.method = V("GET"),
      .path = V("/"),
      .host = V("a.example"),
      .count = 2,
      .minor = 1,
      .keep_alive = true,
      .upgrade = true}},
    {"Expect",
     V("POST / HTTP/1.1\r\n" H "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\n"),
     {.method = V("POST"),
      .path = V("/"),
      .host = V("a.example"),
      .count = 3,
      .minor = 1,
      .framing = HTTP1_LENGTH,
      .length = 1,
      .keep_alive = true,
      .expect_continue = true}},
    {"empty value, TABs and high bytes in values",
     V("GET / HTTP/1.1\r\n" H "A:\r\nB: \t \r\nC: a\tb\xc3\xa4\xff\r\n\r\n"),
     {.method = V("GET"),
      .path = V("/"),
      .host = V("a.example"),
      .count = 4,
      .minor = 1,
      .keep_alive = true}},
    {"names of every token byte",
     V("GET / HTTP/1.1\r\n" H "!#$%&'*+-.^`|~09AZaz: x\r\n\r\n"),
     {.method = V("GET"),
      .path = V("/"),
      .host = V("a.example"),
      .count = 2,
      .minor = 1,
      .keep_alive = true}},
};

static void check_taken(const char *name, const struct http1_request *got,
                        const struct http1_request *want)
{
    assert_row(view_eq(got->method, want->method), name);
    assert_row(view_eq(got->path, want->path), name);
    assert_row(view_eq(got->query, want->query), name);
    assert_row((got->query.ptr == NULL) == (want->query.ptr == NULL), name);
    assert_row(view_eq(got->host, want->host), name);
    assert_row((got->host.ptr == NULL) == (want->host.ptr == NULL), name);
    assert_row(got->count == want->count, name);
    assert_row(got->minor == want->minor, name);
    assert_row(got->framing == want->framing, name);
    assert_row(got->length == want->length, name);
    assert_row(got->keep_alive == want->keep_alive, name);
    assert_row(got->expect_continue == want->expect_continue, name);
    assert_row(got->upgrade == want->upgrade, name);
}

static void test_taken(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(taken); i++) {
        struct parsed p;

        parse(taken[i].bytes, &limits, &p);
        if (p.status != STATUS_OK)
            print_error("%s: %s\n", taken[i].name, p.fault.text);
        assert_row(p.status == STATUS_OK, taken[i].name);
        check_taken(taken[i].name, &p.req, &taken[i].want);
        arena_done(&p.arena);
    }
}

/* What each of the known clients puts on the wire. */
static void test_real_clients(void **state)
{
    static const struct view heads[] = {
        V("POST /v1/0123456789abcdef0123456789abcdef/demanager/instances HTTP/1.1\r\n"
          "Accept: application/json\r\n"
          "Content-Type: application/json\r\n"
          "User-Agent: huaweicloud-usdk-nodejs/3.0; os/linux#6.1#x64 nodejs/v20.20.2 meta/C; "
          "app/1b4e28ba\r\n"
          "X-Project-Id: 0123456789abcdef0123456789abcdef\r\n"
          "X-Sdk-Date: 20261123T072741Z\r\n"
          "host: 127.0.0.1:32947\r\n"
          "Authorization: SDK-HMAC-SHA256 Access=EXAMPLEAK, "
          "SignedHeaders=content-type;host;x-project-id;x-sdk-date, Signature=ea08f3239fb5\r\n"
          "Content-Length: 288\r\n"
          "Accept-Encoding: gzip, compress, deflate, br\r\n"
          "Connection: keep-alive\r\n\r\n"),
        V("DELETE /v1/p/demanager/instances/DE-1 HTTP/1.1\r\n"
          "Host: gateway.example:8080\r\n"
          "User-Agent: huaweicloud-usdk-python/3.0; os/Linux#6.1#x86_64 python/3.11.2 "
          "impl/CPython; app/1b4e28ba\r\n"
          "Accept-Encoding: gzip, deflate\r\nAccept: */*\r\nConnection: keep-alive\r\n"
          "Content-Type: application/json;charset=utf-8\r\nContent-Length: 0\r\n\r\n"),
        V("POST /v1/p/demanager/instances HTTP/1.1\r\n"
          "Host: gateway.example\r\nUser-Agent: terraform-provider-iac golangsdk/2.0.0\r\n"
          "Content-Length: 0\r\nContent-Type: application/json\r\nX-Domain-Id: d\r\n"
          "Accept-Encoding: gzip\r\nConnection: close\r\n\r\n"),
        V("GET /v1/p/demanager/instances?limit=1 HTTP/1.1\r\n"
          "Host: gateway.example\r\nUser-Agent: app keystoneauth1/5.0.0 python-requests/2.28.1 "
          "CPython/3.11.2\r\nAccept-Encoding: gzip, deflate\r\nAccept: application/json\r\n"
          "Connection: keep-alive\r\nContent-type: application/json\r\nX-Auth-Token: MII\r\n\r\n"),
    };
    static const unsigned counts[] = {10, 7, 7, 7};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
        struct parsed p;

        parse(heads[i], &limits, &p);
        assert_int_equal(p.status, STATUS_OK);
        assert_int_equal(p.req.count, counts[i]);
        assert_non_null(http1_find_field(p.req.fields, p.req.count, HTTP1_HOST, NULL));
        assert_non_null(http1_find_field(p.req.fields, p.req.count, HTTP1_CONTENT_TYPE, NULL));
        assert_non_null(http1_find_field(p.req.fields, p.req.count, HTTP1_USER_AGENT, NULL));
        arena_done(&p.arena);
    }
}

static void test_fields_as_received(void **state)
{
    struct parsed p;
    const struct http1_field *field;

    (void)state;
    parse(
        VIEW("GET / HTTP/1.1\r\nHOST: a\r\nx-AUTH-token: \t abc\tdef \t\r\nOther-Thing: 1\r\n\r\n"),
        &limits, &p);
    assert_int_equal(p.status, STATUS_OK);
    field = http1_find_field(p.req.fields, p.req.count, HTTP1_X_AUTH_TOKEN, NULL);
    assert_non_null(field);
    assert_view(field->name, "x-AUTH-token");
    assert_view(field->value, "abc\tdef");
    assert_int_equal(p.req.fields[0].id, HTTP1_HOST);
    assert_int_equal(p.req.fields[2].id, HTTP1_OTHER);
    assert_view(p.req.fields[2].name, "Other-Thing");
    assert_view(p.req.target, "/");
    arena_done(&p.arena);
}

/* ---- limits ---- */

/* A head with one header value, a target and further fields of given sizes; the caller frees. */
static struct view build(size_t value, size_t uri, unsigned more)
{
    size_t cap = value + uri + (size_t)more * 8 + 128, at = 0;
    char *text = malloc(cap);

    assert_non_null(text);
    at += (size_t)snprintf(text, cap, "GET /");
    memset(text + at, 'u', uri - 1);
    at += uri - 1;
    at += (size_t)snprintf(text + at, cap - at, " HTTP/1.1\r\nHost: a\r\nX-Auth-Token: ");
    memset(text + at, 'v', value);
    at += value;
    at += (size_t)snprintf(text + at, cap - at, "\r\n");
    for (unsigned i = 0; i < more; i++)
        at += (size_t)snprintf(text + at, cap - at, "X: y\r\n");
    at += (size_t)snprintf(text + at, cap - at, "\r\n");
    return view_of(text, at);
}

static const struct {
    const char *name;
    size_t value, uri;
    unsigned more;
    int status; /* 0: taken */
} sizes[] = {
    {"token of 20 KB", 20480, 1, 0, 0},         {"value at the limit", 32768, 1, 0, 0},
    {"value over the limit", 32769, 1, 0, 431}, {"target at the limit", 1, 8192, 0, 0},
    {"target over the limit", 1, 8193, 0, 414}, {"fields at the limit", 1, 1, 126, 0},
    {"fields over the limit", 1, 1, 127, 431},  {"20000 fields", 1, 1, 20000, 431},
};

static void test_sizes(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct view head = build(sizes[i].value, sizes[i].uri, sizes[i].more);
        struct http1_limits wide = limits;
        struct parsed p;

        wide.head = 1 << 20;
        parse(head, &wide, &p);
        if (sizes[i].status == 0) {
            assert_row(p.status == STATUS_OK, sizes[i].name);
            assert_row(p.req.count == sizes[i].more + 2, sizes[i].name);
        } else {
            assert_row(p.status == STATUS_SYNTAX, sizes[i].name);
            assert_row(p.fault.row->status == sizes[i].status, sizes[i].name);
        }
        arena_done(&p.arena);
        free((void *)(uintptr_t)head.ptr);
    }
}

static void test_out_of_memory(void **state)
{
    static const struct view head = V("GET / HTTP/1.1\r\n" H "\r\n");
    struct arena arena;
    struct http1_request req = {0};
    struct http1_fault fault;

    (void)state;
    arena_init(&arena, 16, 16);
    assert_int_equal(http1_parse_request(head, &limits, &arena, &req, &fault), STATUS_NOMEM);
    assert_null(req.method.ptr);
    arena_done(&arena);
}

/* Every byte in every place of a small head: no crash, and a control byte never passes. */
static void test_each_byte_everywhere(void **state)
{
    static const char head[] = "POST /a?b HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n";
    const size_t len = sizeof head - 1;

    (void)state;
    for (size_t at = 0; at < len; at++) {
        for (unsigned byte = 0; byte < 256; byte++) {
            char copy[sizeof head];
            struct parsed p;

            memcpy(copy, head, sizeof head);
            copy[at] = (char)byte;
            parse(view_of(copy, len), &limits, &p);
            if (p.status == STATUS_OK && (byte < 0x20 || byte == 0x7f) && copy[at] != head[at])
                assert_true(byte == '\t' || byte == '\r' || byte == '\n');
            arena_done(&p.arena);
        }
    }
}

/* The same for a value, of which many bytes are looked at together. */
static void test_each_byte_of_a_long_value(void **state)
{
    static const char head[] =
        "GET / HTTP/1.1\r\nHost: a\r\nX: 0123456789abcdef0123456789abcdef0123"
        "\r\n\r\n";
    const size_t from = sizeof "GET / HTTP/1.1\r\nHost: a\r\nX: " - 1, to = sizeof head - 5;

    (void)state;
    for (size_t at = from; at < to; at++) {
        for (unsigned byte = 0; byte < 256; byte++) {
            bool good = (byte >= 0x20 && byte != 0x7f) || byte == '\t';
            char copy[sizeof head];
            struct parsed p;

            memcpy(copy, head, sizeof head);
            copy[at] = (char)byte;
            parse(view_of(copy, sizeof head - 1), &limits, &p);
            assert_int_equal(p.status, good ? STATUS_OK : STATUS_SYNTAX);
            arena_done(&p.arena);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_taken),
        cmocka_unit_test(test_real_clients),
        cmocka_unit_test(test_fields_as_received),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_each_byte_everywhere),
        cmocka_unit_test(test_each_byte_of_a_long_value),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
