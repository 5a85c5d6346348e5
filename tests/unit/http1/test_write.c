/* SPDX-License-Identifier: Apache-2.0
 * Serialised heads, read again by the parser; and what may never be serialised. */
#include "support/test.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "http1/write.h"

static void test_request(void **state)
{
    static const struct http1_limits limits = {1024, 1024, 1024, 16};
    struct arena arena;
    struct http1_request req;
    struct http1_fault fault;
    struct buf out;

    (void)state;
    buf_init(&out, 1024);
    arena_init(&arena, 1024, 65536);
    http1_put_request_line(&out, VIEW("POST"), VIEW("/v1/p?q=1"));
    http1_put_field(&out, VIEW("Host"), VIEW("a.example"));
    http1_put_field(&out, VIEW("X-Empty"), VIEW(""));
    http1_put_field(&out, VIEW("X-Tab"), VIEW("a\tb \xc3\xa4"));
    http1_put_length(&out, 42);
    http1_put_end(&out);
    assert_view(buf_view(&out), "POST /v1/p?q=1 HTTP/1.1\r\nHost: a.example\r\nX-Empty: \r\n"
                                "X-Tab: a\tb \xc3\xa4\r\nContent-Length: 42\r\n\r\n");
    assert_int_equal(http1_parse_request(buf_view(&out), &limits, &arena, &req, &fault), STATUS_OK);
    assert_int_equal(req.length, 42);
    assert_int_equal(req.count, 4);
    arena_done(&arena);
    buf_done(&out);
}

static void test_status_line(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 1024);
    http1_put_status_line(&out, 431);
    http1_put_status_line(&out, 494);
    assert_view(buf_view(&out),
                "HTTP/1.1 431 Request Header Fields Too Large\r\nHTTP/1.1 494 Unknown\r\n");
    buf_done(&out);
}

static void test_chunk_sizes(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 1024);
    http1_put_chunk_size(&out, 1);
    http1_put_chunk_size(&out, 500);
    http1_put_chunk_size(&out, 0xabcdef);
    http1_put_chunk_size(&out, SIZE_MAX);
    http1_put_last_chunk(&out);
    assert_view(buf_view(&out), "1\r\n1f4\r\nabcdef\r\nffffffffffffffff\r\n0\r\n\r\n");
    buf_done(&out);
}

static void test_length(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 1024);
    http1_put_length(&out, 0);
    http1_put_length(&out, INT64_MAX);
    assert_view(buf_view(&out), "Content-Length: 0\r\nContent-Length: 9223372036854775807\r\n");
    buf_done(&out);
}

/* A full buffer fails as a whole; it never holds half a line. */
static void test_full(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 10);
    http1_put_field(&out, VIEW("Name"), VIEW("value"));
    assert_int_equal(out.failed, STATUS_LIMIT);
    assert_int_equal(out.len, 0);
    buf_done(&out);
}

/* Runs the writer in a child: it must abort. */
static void check_aborts(struct view name, struct view value, const char *row)
{
    int status = 0;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        struct buf out;

        (void)!freopen("/dev/null", "w", stderr);
        buf_init(&out, 1024);
        if (name.ptr == NULL)
            http1_put_request_line(&out, VIEW("GET"), value);
        else
            http1_put_field(&out, name, value);
        _exit(0);
    }
    assert_true(waitpid(child, &status, 0) == child);
    assert_row(!WIFEXITED(status) || WEXITSTATUS(status) != 0, row);
}

static void test_injection_aborts(void **state)
{
    (void)state;
    check_aborts(VIEW("X"), VIEW("a\r\nEvil: 1"), "CRLF in a value");
    check_aborts(VIEW("X"), VIEW("a\nEvil: 1"), "LF in a value");
    check_aborts(VIEW("X"), VIEW("a\rb"), "CR in a value");
    check_aborts(VIEW("X"), VIEW("a\0b"), "NUL in a value");
    check_aborts(VIEW("X: y\r\nEvil"), VIEW("1"), "CRLF in a name");
    check_aborts(VIEW(""), VIEW("1"), "no name");
    check_aborts(VIEW_NONE, VIEW("/ HTTP/1.1\r\nEvil: 1"), "CRLF in a target");
    check_aborts(VIEW_NONE, VIEW("/a b"), "blank in a target");
    check_aborts(VIEW_NONE, VIEW(""), "no target");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request),     cmocka_unit_test(test_status_line),
        cmocka_unit_test(test_chunk_sizes), cmocka_unit_test(test_length),
        cmocka_unit_test(test_full),        cmocka_unit_test(test_injection_aborts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
