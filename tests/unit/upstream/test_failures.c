/* SPDX-License-Identifier: Apache-2.0
 * Every way in which a call can fail, with `sent` told right: on it hangs whether a judged request
 * is refused or unknown. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "scene.h"

static struct scene scene;

struct row {
    const char *name;
    struct cloud_step script[6];
    enum upstream_failure failure;
    bool sent;
    const char *detail; /* how it begins */
    unsigned heads;     /* that were told before */
    const char *certificate;
    int64_t tls_ms, send_ms, first_byte_ms, idle_ms, total_ms; /* 0: patient */
    bool streams;                                              /* no matter what total_ms is */
};

#define READ_GET                \
    {                           \
        CLOUD_READ, GET_HEAD, 0 \
    }
#define SEND(text_)          \
    {                        \
        CLOUD_SEND, text_, 0 \
    }

static void run_row(const struct row *row)
{
    const struct cloud_step *const scripts[] = {row->script};
    const struct upstream_settings patient = scene.settings;
    struct upstream_settings *const set = &scene.settings;
    struct upstream_order order = get_order();
    struct seen seen;

    order.urgent = !row->streams;
    set->tls_ms = row->tls_ms > 0 ? row->tls_ms : set->tls_ms;
    set->first_byte_ms = row->first_byte_ms > 0 ? row->first_byte_ms : set->first_byte_ms;
    set->idle_ms = row->idle_ms > 0 ? row->idle_ms : set->idle_ms;
    set->total_ms = row->total_ms > 0 ? row->total_ms : set->total_ms;
    scene.certificate = row->certificate != NULL ? row->certificate : "good";
    scene_open(&scene, scripts, 1);
    seen_init(&seen);
    run(&scene, &seen, &order);
    if (!seen.failed || seen.failure != row->failure ||
        strncmp(seen.detail, row->detail, strlen(row->detail)) != 0) {
        print_error("row \"%s\": %s, %s: %s\n", row->name, seen.failed ? "failed" : "ended",
                    upstream_failure_name(seen.failure), seen.detail);
        fail();
    }
    assert_row(seen.sent == row->sent, row->name);
    assert_row(seen.heads == row->heads, row->name);
    assert_row(counts_of(&scene).open == 0, row->name); /* never used again */
    assert_row(counts_of(&scene).retries == 0, row->name);
    seen_done(&seen);
    scene_close(&scene);
    scene.settings = patient;
}

static void run_rows(const struct row *rows, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++)
        run_row(&rows[i]);
}

static void test_certificates_and_tls(void **state)
{
    static const struct row rows[] = {
        {.name = "wrong host",
         .certificate = "wrong",
         .failure = UPSTREAM_CERTIFICATE,
         .detail = "TLS handshake: certificate not verified: hostname mismatch"},
        {.name = "expired",
         .certificate = "expired",
         .failure = UPSTREAM_CERTIFICATE,
         .detail = "TLS handshake: certificate not verified: certificate has expired"},
        {.name = "unknown authority",
         .certificate = "stranger",
         .failure = UPSTREAM_CERTIFICATE,
         .detail = "TLS handshake: certificate not verified: unable to get local issuer"},
        {.name = "signed by itself",
         .certificate = "self",
         .failure = UPSTREAM_CERTIFICATE,
         .detail = "TLS handshake: certificate not verified: self-signed"},
        {.name = "not TLS",
         .script = {{CLOUD_PLAIN, "HTTP/1.1 400 Bad Request\r\n\r\n", 0}},
         .failure = UPSTREAM_TLS,
         .detail = "TLS handshake: wrong version number"},
        {.name = "hangs in the handshake",
         .script = {{CLOUD_SILENT, NULL, 0}},
         .tls_ms = 30,
         .failure = UPSTREAM_TLS,
         .detail = "the TLS handshake took too long"},
        {.name = "reset in the handshake",
         .script = {{CLOUD_RESET, NULL, 0}},
         .failure = UPSTREAM_TLS,
         .detail = "TLS handshake: Connection reset by peer"},
        {.name = "total time ends in the handshake",
         .script = {{CLOUD_SILENT, NULL, 0}},
         .total_ms = 30,
         .failure = UPSTREAM_TIMEOUT,
         .detail = "no whole answer within the total time"},
    };

    (void)state;
    run_rows(rows, ARRAY_LEN(rows));
}

static void test_broken_answers(void **state)
{
    static const struct row rows[] = {
        {.name = "closed before an answer",
         .script = {READ_GET, {CLOUD_CLOSE, NULL, 0}},
         .failure = UPSTREAM_CLOSED,
         .sent = true,
         .detail = "the connection was closed before an answer"},
        {.name = "reset before an answer",
         .script = {READ_GET, {CLOUD_RESET, NULL, 0}},
         .failure = UPSTREAM_CLOSED,
         .sent = true,
         .detail = "reading: Connection reset by peer"},
        {.name = "closed within the head",
         .script = {READ_GET, SEND("HTTP/1.1 200 OK\r\nContent-Len"), {CLOUD_CLOSE, NULL, 0}},
         .failure = UPSTREAM_CLOSED,
         .sent = true,
         .detail = "the connection was closed within the answer"},
        {.name = "closed after 100",
         .script = {READ_GET, SEND("HTTP/1.1 100 Continue\r\n\r\n"), {CLOUD_CLOSE, NULL, 0}},
         .failure = UPSTREAM_CLOSED,
         .sent = true,
         .detail = "the connection was closed within the answer"},
        {.name = "length cut short",
         .script = {READ_GET,
                    SEND("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok"),
                    {CLOUD_CLOSE, NULL, 0}},
         .failure = UPSTREAM_CLOSED,
         .sent = true,
         .heads = 1,
         .detail = "the connection was closed within the answer"},
        {.name = "chunks cut short",
         .script = {READ_GET,
                    SEND("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n"),
                    {CLOUD_CLOSE, NULL, 0}},
         .failure = UPSTREAM_CLOSED,
         .sent = true,
         .heads = 1,
         .detail = "the connection was closed within the answer"},
        {.name = "until close, but without close_notify",
         .script = {READ_GET, SEND("HTTP/1.1 200 OK\r\n\r\nsome"), {CLOUD_CUT, NULL, 0}},
         .failure = UPSTREAM_CLOSED,
         .sent = true,
         .heads = 1,
         .detail = "reading: unexpected eof while reading"},
        {.name = "until close, but reset",
         .script = {READ_GET, SEND("HTTP/1.1 200 OK\r\n\r\nsome"), {CLOUD_RESET, NULL, 0}},
         .failure = UPSTREAM_CLOSED,
         .sent = true,
         .heads = 1,
         .detail = "reading: Connection reset by peer"},
        {.name = "garbage",
         .script = {READ_GET, SEND("\x01\x02\x03 not http\r\n\r\n")},
         .failure = UPSTREAM_MALFORMED,
         .sent = true,
         .detail = ""},
        {.name = "bad status line",
         .script = {READ_GET, SEND("HTTP/2 200\r\n\r\n")},
         .failure = UPSTREAM_MALFORMED,
         .sent = true,
         .detail = ""},
        {.name = "length and chunks",
         .script = {READ_GET, SEND("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n"
                                   "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n")},
         .failure = UPSTREAM_MALFORMED,
         .sent = true,
         .detail = ""},
        {.name = "bad chunk",
         .script = {READ_GET, SEND("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")},
         .failure = UPSTREAM_MALFORMED,
         .sent = true,
         .heads = 1,
         .detail = ""},
        {.name = "head too large at once",
         .script = {READ_GET, SEND("HTTP/1.1 200 OK\r\nA: "), {CLOUD_FILL, NULL, 100000}},
         .failure = UPSTREAM_MALFORMED,
         .sent = true,
         .detail = ""},
        {.name = "switching protocols",
         .script = {READ_GET, SEND("HTTP/1.1 101 Switching Protocols\r\n\r\n")},
         .failure = UPSTREAM_MALFORMED,
         .sent = true,
         .detail = "the answer switches to a protocol"},
        {.name = "nine interim answers",
         .script = {READ_GET,
                    SEND(
                        "HTTP/1.1 102 P\r\n\r\nHTTP/1.1 102 P\r\n\r\nHTTP/1.1 102 P\r\n\r\n"
                        "HTTP/1.1 102 P\r\n\r\nHTTP/1.1 102 P\r\n\r\nHTTP/1.1 102 P\r\n\r\n"
                        "HTTP/1.1 102 P\r\n\r\nHTTP/1.1 102 P\r\n\r\nHTTP/1.1 102 P\r\n\r\n" OK_2)},
         .failure = UPSTREAM_MALFORMED,
         .sent = true,
         .detail = "there are too many interim answers"},
    };

    (void)state;
    run_rows(rows, ARRAY_LEN(rows));
}

static void test_slow_answers(void **state)
{
    static const struct row rows[] = {
        {.name = "no first byte",
         .script = {READ_GET, {CLOUD_WAIT, NULL, 0}},
         .first_byte_ms = 30,
         .failure = UPSTREAM_TIMEOUT,
         .sent = true,
         .detail = "no answer began in time"},
        {.name = "stalls in the head",
         .script = {READ_GET, SEND("HTTP/1.1 2"), {CLOUD_WAIT, NULL, 0}},
         .idle_ms = 30,
         .failure = UPSTREAM_TIMEOUT,
         .sent = true,
         .detail = "the answer stalled"},
        {.name = "stalls in the body",
         .script = {READ_GET,
                    SEND("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok"),
                    {CLOUD_WAIT, NULL, 0}},
         .idle_ms = 30,
         .failure = UPSTREAM_TIMEOUT,
         .sent = true,
         .heads = 1,
         .detail = "the answer stalled"},
        {.name = "total time",
         .script = {READ_GET,
                    SEND("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok"),
                    {CLOUD_WAIT, NULL, 0}},
         .total_ms = 3000,
         .failure = UPSTREAM_TIMEOUT,
         .sent = true,
         .heads = 1,
         .detail = "no whole answer within the total time"},
        {.name = "total time passes by who has none",
         .script = {READ_GET,
                    SEND("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok"),
                    {CLOUD_WAIT, NULL, 0}},
         .idle_ms = 100,
         .total_ms = 20,
         .streams = true,
         .failure = UPSTREAM_TIMEOUT,
         .sent = true,
         .heads = 1,
         .detail = "the answer stalled"},
    };

    (void)state;
    run_rows(rows, ARRAY_LEN(rows));
}

static const struct cloud_step serve_one[] = {READ_GET, SEND(OK_2), {CLOUD_END, NULL, 0}};
static const struct cloud_step *const serve_one_script[] = {serve_one};

/* Opens a scene that resolves `host`, runs one GET. */
static void run_host(const char *host, uint16_t port, int64_t connect_ms, struct seen *seen)
{
    const struct upstream_order order = get_order();
    const struct upstream_settings patient = scene.settings;

    scene.settings.connect_ms = connect_ms;
    scene.certificate = "good";
    scene.host = host;
    scene.port = port;
    scene_open(&scene, serve_one_script, 1);
    seen_init(seen);
    run(&scene, seen, &order);
    seen_done(seen);
    scene.host = "127.0.0.1";
    scene.port = 0;
    scene.settings = patient;
}

static void test_unresolved(void **state)
{
    struct seen seen;

    (void)state;
    run_host("never.test", 0, PATIENCE_MS, &seen);
    assert_int_equal(seen.failure, UPSTREAM_UNRESOLVED);
    assert_false(seen.sent);
    scene_close(&scene);
}

static void test_refused_by_all_addresses(void **state)
{
    struct seen seen;

    (void)state;
    run_host("all-dead.test", 0, PATIENCE_MS, &seen);
    assert_int_equal(seen.failure, UPSTREAM_CONNECT);
    assert_string_equal(seen.detail, "connecting: Connection refused");
    assert_false(seen.sent);
    assert_int_equal(counts_of(&scene).connects, 0);
    scene_close(&scene);
}

static void test_the_next_address_is_tried(void **state)
{
    const struct upstream_order order = get_order();
    struct seen seen;

    (void)state;
    run_host("first-dead.test", 0, PATIENCE_MS, &seen);
    assert_true(seen.ended);
    seen_init(&seen); /* now the address that worked is the first */
    run(&scene, &seen, &order);
    assert_true(seen.ended);
    assert_int_equal(counts_of(&scene).connects, 2);
    seen_done(&seen);
    scene_close(&scene);
}

/* A port on 127.0.0.2 that takes no connection and refuses none: its queue is full. */
static int black_hole(uint16_t port, int full[3])
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(0x7f000002)};
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    int i;

    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 0), 0);
    for (i = 0; i < 3; i++) {
        full[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)connect(full[i], (struct sockaddr *)&address, sizeof address);
    }
    return fd;
}

static void test_connecting_takes_too_long(void **state)
{
    const struct upstream_order order = get_order();
    const struct upstream_settings patient = scene.settings;
    struct seen seen;
    int i, fd, full[3], reachable;

    (void)state;
    for (reachable = 0; reachable < 2; reachable++) {
        scene.settings.connect_ms = reachable ? 2000 : 60;
        scene.host = reachable ? "first-dead.test" : "all-dead.test";
        scene_open(&scene, serve_one_script, 1);
        fd = black_hole(scene.cloud.port, full);
        seen_init(&seen);
        run(&scene, &seen, &order);
        assert_int_equal(seen.ended, reachable); /* the dead one left time for the other */
        if (!reachable) {
            assert_int_equal(seen.failure, UPSTREAM_CONNECT);
            assert_false(seen.sent);
        }
        seen_done(&seen);
        scene_close(&scene);
        (void)close(fd);
        for (i = 0; i < 3; i++)
            (void)close(full[i]);
    }
    scene.host = "127.0.0.1";
    scene.settings = patient;
}

/* The cloud stops reading: the socket fills, sending times out. */
static void test_sending_takes_too_long(void **state)
{
    static const struct cloud_step hang[] = {{CLOUD_WAIT, NULL, 0}, {CLOUD_END, NULL, 0}};
    static const struct cloud_step *const script[] = {hang};
    static char much[8 * 1024 * 1024];
    const struct upstream_settings patient = scene.settings;
    struct upstream_order order = post_order();
    struct seen seen;

    (void)state;
    order.body = view_of(much, sizeof much);
    scene.settings.send_ms = 50;
    scene_open(&scene, script, 1);
    seen_init(&seen);
    run(&scene, &seen, &order);
    assert_int_equal(seen.failure, UPSTREAM_SEND);
    assert_string_equal(seen.detail, "sending took too long");
    assert_true(seen.sent);
    seen_done(&seen);
    scene_close(&scene);
    scene.settings = patient;
}

/* The cloud goes away under a large request, with and without a word. */
static void test_broken_while_sending(void **state)
{
    static const struct cloud_step reset[] = {{CLOUD_READ_ANY, NULL, 1000}, {CLOUD_RESET, NULL, 0}};
    static const struct cloud_step closed[] = {{CLOUD_READ_ANY, NULL, 1000},
                                               {CLOUD_CLOSE, NULL, 0}};
    static const struct cloud_step *const scripts[][1] = {{reset}, {closed}};
    static char much[8 * 1024 * 1024];
    struct upstream_order order = post_order();
    struct seen seen;
    size_t i;

    (void)state;
    order.body = view_of(much, sizeof much);
    for (i = 0; i < ARRAY_LEN(scripts); i++) {
        scene_open(&scene, scripts[i], 1);
        seen_init(&seen);
        run(&scene, &seen, &order);
        assert_true(seen.failed);
        assert_true(seen.sent);
        /* Whoever hangs up properly may have read the rest of it by then. */
        assert_true(seen.failure == UPSTREAM_SEND || (i == 1 && seen.failure == UPSTREAM_CLOSED));
        seen_done(&seen);
        scene_close(&scene);
    }
}

static void test_names(void **state)
{
    static const char *const names[] = {"unresolved", "connect", "tls",       "certificate",
                                        "send",       "closed",  "malformed", "timeout"};
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(names); i++)
        assert_string_equal(upstream_failure_name((enum upstream_failure)i), names[i]);
}

static int set_up(void **state)
{
    (void)state;
    scene_init(&scene);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    scene_done(&scene);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_certificates_and_tls),
        cmocka_unit_test(test_broken_answers),
        cmocka_unit_test(test_slow_answers),
        cmocka_unit_test(test_unresolved),
        cmocka_unit_test(test_refused_by_all_addresses),
        cmocka_unit_test(test_the_next_address_is_tried),
        cmocka_unit_test(test_connecting_takes_too_long),
        cmocka_unit_test(test_sending_takes_too_long),
        cmocka_unit_test(test_broken_while_sending),
        cmocka_unit_test(test_names),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
