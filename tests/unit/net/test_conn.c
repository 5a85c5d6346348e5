/* SPDX-License-Identifier: Apache-2.0
 * Connections over socket pairs and loopback, plain and TLS: two ends on one base. */
#include "support/pki.h"
#include "support/test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/require.h"
#include "net/conn.h"
#include "net/listen.h"

/* BIG: more than a sender's buffer grows to, and the receivers' are kept small. */
enum { LONG_MS = 20000, BIG = 8 * 1024 * 1024, RECEIVE_BYTES = 64 * 1024 };

static struct pki pki;

/* One end: notes what happened, reads all there is. */
struct end {
    struct event_base *base;
    struct net_conn *conn;
    struct buf in;
    unsigned connected, ready, readable, writable, timeouts, failed;
    bool eof, broken, hold; /* hold: don't read */
    size_t read_once;       /* read so many bytes per call only; 0: all */
    struct view out;        /* left to write */
    bool close_on_ready, close_on_readable, close_on_timeout;
    char error[200];
    bool verify;
};

struct fixture {
    struct event_base *base;
    struct end a, b; /* a connects, b accepts */
};

static void push(struct end *e)
{
    struct iovec part;
    enum net_io io;
    size_t n = 0;

    while (e->out.len > 0) {
        memcpy(&part.iov_base, &e->out.ptr, sizeof part.iov_base);
        part.iov_len = e->out.len;
        io = net_write(e->conn, &part, 1, &n);
        if (io == NET_FAILED)
            e->broken = true;
        if (io != NET_OK)
            return;
        e->out = view_from(e->out, n);
    }
}

static void on_ready(void *user)
{
    struct end *const e = user;

    e->ready++;
    assert_true(net_is_ready(e->conn));
    if (e->close_on_ready)
        net_close(&e->conn);
    else
        push(e);
}

static void on_readable(void *user)
{
    static char bytes[65536];
    struct end *const e = user;
    const size_t size = e->read_once > 0 ? e->read_once : sizeof bytes;
    enum net_io io = NET_OK;
    size_t n = 0;

    e->readable++;
    if (e->close_on_readable) {
        net_close(&e->conn);
        return;
    }
    while (!e->hold && io == NET_OK) {
        io = net_read(e->conn, bytes, size, &n);
        if (io == NET_OK)
            buf_add(&e->in, view_of(bytes, n));
        if (e->read_once > 0)
            break;
    }
    if (io == NET_EOF)
        e->eof = true;
    if (io == NET_FAILED) {
        e->broken = true;
        (void)snprintf(e->error, sizeof e->error, "%s", net_error(e->conn));
    }
}

static void on_writable(void *user)
{
    struct end *const e = user;

    e->writable++;
    push(e);
}

static void on_timeout(void *user)
{
    struct end *const e = user;

    e->timeouts++;
    if (e->close_on_timeout)
        net_close(&e->conn);
}

static void on_failed(void *user)
{
    struct end *const e = user;

    e->failed++;
    (void)snprintf(e->error, sizeof e->error, "%s", net_error(e->conn));
    e->verify = net_error_is_verify(e->conn);
    net_close(&e->conn);
}

static void on_connected(void *user)
{
    struct end *const e = user;

    e->connected++;
    assert_int_equal(e->ready, 0);
}

static const struct net_handler handler = {
    .on_ready = on_ready,
    .on_readable = on_readable,
    .on_writable = on_writable,
    .on_timeout = on_timeout,
    .on_failed = on_failed,
    .on_connected = on_connected,
};

/* Turns the loop until the condition holds; fails the test when nothing more can happen. */
#define RUN_UNTIL(f, condition)                                                  \
    do {                                                                         \
        const int64_t limit_us = clock_monotonic_us() + (int64_t)LONG_MS * 1000; \
        while (!(condition)) {                                                   \
            assert_true(clock_monotonic_us() < limit_us);                        \
            assert_int_equal(event_base_loop((f)->base, EVLOOP_ONCE), 0);        \
        }                                                                        \
    } while (0)

/* Turns the loop without waiting, often enough for everything that is due. */
static void settle(struct fixture *f)
{
    int i;

    for (i = 0; i < 10; i++)
        (void)event_base_loop(f->base, EVLOOP_NONBLOCK);
}

static void end_init(struct end *e, struct event_base *base)
{
    *e = (struct end){.base = base};
    buf_init(&e->in, 2 * (size_t)BIG);
}

static void fixture_init(struct fixture *f)
{
    f->base = event_base_new();
    assert_non_null(f->base);
    end_init(&f->a, f->base);
    end_init(&f->b, f->base);
}

static void fixture_done(struct fixture *f)
{
    net_close(&f->a.conn);
    net_close(&f->b.conn);
    buf_done(&f->a.in);
    buf_done(&f->b.in);
    event_base_free(f->base);
}

static int listen_here(const char *address_text)
{
    const int receive = RECEIVE_BYTES;
    struct net_address address;
    struct err err;
    int fd;

    assert_int_equal(net_address_parse(view_str(address_text), &address, &err), STATUS_OK);
    fd = net_listen(&address, true, &err);
    assert_true(fd >= 0);
    /* What is accepted here inherits it. */
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive, sizeof receive), 0);
    return fd;
}

/* As the storage that net_connect takes. */
static const struct sockaddr_storage *here(const void *address, size_t size)
{
    static struct sockaddr_storage storage;

    memset(&storage, 0, sizeof storage);
    memcpy(&storage, address, size);
    return &storage;
}

/* a connects to b over loopback. */
static void join(struct fixture *f, struct net_tls *client, struct net_tls *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int listening = listen_here("127.0.0.1:0");
    struct err err;
    int fd;

    address.sin_port = htons(net_listen_port(listening));
    f->a.conn = net_connect(f->base, here(&address, sizeof address), client, &handler, &f->a, &err);
    assert_non_null(f->a.conn);
    do
        fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    while (fd < 0 && errno == EAGAIN);
    assert_true(fd >= 0);
    (void)close(listening);
    f->b.conn = net_accept(f->base, fd, server, &handler, &f->b, &err);
    assert_non_null(f->b.conn);
    assert_int_equal(f->a.ready + f->b.ready, 0); /* never from within */
}

static struct net_tls *client_tls(const char *host, const char *ca)
{
    char path[PKI_PATH_BYTES];
    struct net_tls *tls = NULL;
    struct err err;

    assert_int_equal(net_tls_client_new(host, pki_path(&pki, ca, path), &tls, &err), STATUS_OK);
    return tls;
}

static struct net_tls *server_tls(const char *name, const char *client_ca)
{
    char file[40], certificate[PKI_PATH_BYTES], key[PKI_PATH_BYTES], ca[PKI_PATH_BYTES];
    struct net_tls *tls = NULL;
    struct err err;

    (void)snprintf(file, sizeof file, "%s.pem", name);
    (void)pki_path(&pki, file, certificate);
    (void)snprintf(file, sizeof file, "%s.key", name);
    (void)pki_path(&pki, file, key);
    if (client_ca != NULL)
        (void)pki_path(&pki, client_ca, ca);
    assert_int_equal(
        net_tls_server_new(certificate, key, client_ca == NULL ? NULL : ca, &tls, &err), STATUS_OK);
    return tls;
}

/* Every behaviour that plain and TLS share is tested on both. */
struct both {
    struct fixture f;
    struct net_tls *client, *server;
};

static void both_start(struct both *t, bool tls)
{
    *t = (struct both){.client = NULL};
    fixture_init(&t->f);
    if (tls) {
        t->client = client_tls("localhost", "ca.pem");
        t->server = server_tls("good", NULL);
    }
    join(&t->f, t->client, t->server);
}

static void both_ready(struct both *t)
{
    RUN_UNTIL(&t->f, t->f.a.ready == 1 && t->f.b.ready == 1);
}

static void both_end(struct both *t)
{
    fixture_done(&t->f);
    net_tls_free(&t->client);
    net_tls_free(&t->server);
}

/* ---- tests ---- */

static void carry_bytes(bool tls)
{
    struct both t;

    both_start(&t, tls);
    t.f.a.out = VIEW("hello");
    t.f.b.out = VIEW("and back");
    RUN_UNTIL(&t.f, t.f.b.in.len == 5 && t.f.a.in.len == 8);
    assert_view(buf_view(&t.f.b.in), "hello");
    assert_view(buf_view(&t.f.a.in), "and back");
    assert_int_equal(t.f.a.ready, 1);
    assert_int_equal(t.f.b.ready, 1);
    assert_string_equal(net_error(t.f.a.conn), "");
    both_end(&t);
}

static void test_carries_bytes_both_ways(void **state)
{
    (void)state;
    carry_bytes(false);
    carry_bytes(true);
}

static void fill(char *bytes, size_t size)
{
    uint32_t x = 1;
    size_t i;

    for (i = 0; i < size; i++) {
        x = x * 1664525u + 1013904223u;
        bytes[i] = (char)(x >> 24);
    }
}

static void carry_much(bool tls, size_t read_once)
{
    char *const bytes = malloc(BIG);
    struct both t;

    assert_non_null(bytes);
    fill(bytes, BIG);
    both_start(&t, tls);
    t.f.b.hold = true;
    t.f.b.read_once = read_once;
    both_ready(&t);
    net_watch_read(t.f.b.conn, false);
    t.f.a.out = view_of(bytes, BIG);
    push(&t.f.a);
    settle(&t.f);
    assert_true(t.f.a.out.len > 0); /* the kernel's buffers are full */
    assert_int_equal(t.f.b.in.len, 0);
    t.f.b.hold = false;
    net_watch_read(t.f.b.conn, true);
    RUN_UNTIL(&t.f, t.f.b.in.len == BIG);
    assert_true(t.f.a.writable > 0);
    assert_memory_equal(t.f.b.in.ptr, bytes, BIG);
    both_end(&t);
    free(bytes);
}

/* A peer whose buffers are full acknowledges no more; once it has read, nothing is left. */
static void tell_what_is_unsent(bool tls)
{
    char *const bytes = malloc(BIG); /* heap: too large for a stack */
    struct both t;
    size_t unsent = 0;

    assert_non_null(bytes);
    fill(bytes, BIG);
    both_start(&t, tls);
    assert_false(net_unsent(t.f.a.conn, &unsent)); /* not ready yet */
    t.f.b.hold = true;
    both_ready(&t);
    net_watch_read(t.f.b.conn, false);
    t.f.a.out = view_of(bytes, BIG);
    push(&t.f.a);
    settle(&t.f);
    assert_true(net_unsent(t.f.a.conn, &unsent) && unsent > 0);
    t.f.b.hold = false;
    net_watch_read(t.f.b.conn, true);
    RUN_UNTIL(&t.f, t.f.b.in.len == BIG);
    for (const int64_t until_us = clock_monotonic_us() + LONG_MS * 1000; unsent > 0;) {
        settle(&t.f); /* an acknowledgement may be late, and is no event */
        assert_true(net_unsent(t.f.a.conn, &unsent) && clock_monotonic_us() < until_us);
    }
    both_end(&t);
    free(bytes);
}

static void test_tells_what_is_unsent(void **state)
{
    (void)state;
    tell_what_is_unsent(false);
    tell_what_is_unsent(true);
}

static void test_carries_much_with_back_pressure(void **state)
{
    (void)state;
    carry_much(false, 0);
    carry_much(true, 0);
}

/* Who reads a part only is called again, also for what lies inside TLS. */
static void test_partial_reads_are_called_again(void **state)
{
    (void)state;
    carry_much(false, 3000);
    carry_much(true, 3000);
}

static void write_vector(bool tls)
{
    static char big[40000];
    const struct iovec parts[] = {
        {(char[]){'a', 'b'}, 2}, {NULL, 0}, {(char[]){'c'}, 1}, {big, sizeof big}, {big, 5},
    };
    struct both t;
    size_t n = 0;

    fill(big, sizeof big);
    both_start(&t, tls);
    assert_int_equal(net_write(t.f.a.conn, parts, 5, &n), NET_AGAIN); /* not ready */
    assert_int_equal(net_read(t.f.a.conn, big, 1, &n), NET_AGAIN);
    both_ready(&t);
    assert_int_equal(net_write(t.f.a.conn, parts, 5, &n), NET_OK);
    assert_int_equal(n, 40008);
    assert_int_equal(net_write(t.f.a.conn, parts + 1, 1, &n), NET_OK); /* nothing */
    assert_int_equal(n, 0);
    RUN_UNTIL(&t.f, t.f.b.in.len == 40008);
    assert_memory_equal(t.f.b.in.ptr, "abc", 3);
    assert_memory_equal(t.f.b.in.ptr + 3, big, sizeof big);
    assert_memory_equal(t.f.b.in.ptr + 40003, big, 5);
    both_end(&t);
}

static void test_writes_vectors(void **state)
{
    (void)state;
    write_vector(false);
    write_vector(true);
}

/* A half-closed connection neither spins nor stops the other direction. */
static void half_close(bool tls)
{
    struct both t;
    unsigned before;

    both_start(&t, tls);
    t.f.a.out = VIEW("last words");
    both_ready(&t);
    net_shutdown_write(t.f.a.conn);
    net_shutdown_write(t.f.a.conn); /* again does nothing */
    RUN_UNTIL(&t.f, t.f.b.eof);
    assert_view(buf_view(&t.f.b.in), "last words");
    before = t.f.b.readable;
    settle(&t.f);
    net_watch_read(t.f.b.conn, false);
    net_watch_read(t.f.b.conn, true);
    settle(&t.f);
    assert_int_equal(t.f.b.readable, before);
    t.f.b.out = VIEW("answer");
    push(&t.f.b);
    net_close(&t.f.b.conn);
    RUN_UNTIL(&t.f, t.f.a.eof);
    assert_view(buf_view(&t.f.a.in), "answer");
    both_end(&t);
}

static void test_half_close(void **state)
{
    (void)state;
    half_close(false);
    half_close(true);
}

static void reset_is_a_failure(bool tls)
{
    struct both t;
    unsigned before;

    both_start(&t, tls);
    both_ready(&t);
    net_reset(&t.f.a.conn);
    assert_null(t.f.a.conn);
    RUN_UNTIL(&t.f, t.f.b.broken);
    assert_false(t.f.b.eof);
    assert_string_equal(t.f.b.error, "reading: Connection reset by peer");
    before = t.f.b.readable;
    settle(&t.f);
    assert_int_equal(t.f.b.readable, before);
    t.f.b.out = VIEW("x");
    t.f.b.broken = false;
    push(&t.f.b);
    assert_true(t.f.b.broken);
    both_end(&t);
}

static void test_reset_is_a_failure(void **state)
{
    (void)state;
    reset_is_a_failure(false);
    reset_is_a_failure(true);
}

/* FIN without close_notify may be somebody cutting a body short. */
static void test_truncated_tls_is_a_failure(void **state)
{
    struct both t;

    (void)state;
    both_start(&t, true);
    t.f.a.out = VIEW("the first half");
    both_ready(&t);
    RUN_UNTIL(&t.f, t.f.b.in.len == 14);
    {
        struct sockaddr_storage unused;
        socklen_t len;
        int fd;

        /* The connection's own socket, found as the one whose peer is b. */
        for (fd = 3; fd < 64; fd++) {
            char text[64];
            struct sockaddr_in v4;

            len = sizeof unused;
            if (getsockname(fd, (struct sockaddr *)&unused, &len) != 0 ||
                unused.ss_family != AF_INET)
                continue;
            memcpy(&v4, &unused, sizeof v4);
            (void)snprintf(text, sizeof text, "127.0.0.1:%u", (unsigned)ntohs(v4.sin_port));
            if (strcmp(text, net_peer(t.f.b.conn)) == 0)
                (void)shutdown(fd, SHUT_WR);
        }
    }
    RUN_UNTIL(&t.f, t.f.b.broken);
    assert_false(t.f.b.eof);
    assert_string_equal(t.f.b.error, "reading: unexpected eof while reading");
    both_end(&t);
}

/* An answer that stands before a reset is still read after writing failed. */
static void read_after_write_failed(bool tls)
{
    static char much[1 << 20];
    struct both t;

    both_start(&t, tls);
    t.f.b.out = VIEW("413");
    t.f.a.hold = true;
    both_ready(&t);
    net_watch_read(t.f.a.conn, false);
    t.f.b.hold = true;
    t.f.a.out = view_of(much, 100000);
    push(&t.f.a);
    net_close(&t.f.b.conn); /* with unread bytes: RST */
    t.f.a.out = view_of(much, sizeof much);
    RUN_UNTIL(&t.f, (push(&t.f.a), t.f.a.broken));
    t.f.a.hold = false;
    t.f.a.broken = false;
    net_watch_read(t.f.a.conn, true);
    RUN_UNTIL(&t.f, t.f.a.broken || t.f.a.eof);
    assert_view(buf_view(&t.f.a.in), "413");
    both_end(&t);
}

static void test_reads_after_write_failed(void **state)
{
    (void)state;
    read_after_write_failed(false);
}

static void close_within(bool tls)
{
    struct both t;

    both_start(&t, tls);
    t.f.a.close_on_ready = true;
    RUN_UNTIL(&t.f, t.f.a.conn == NULL);
    RUN_UNTIL(&t.f, t.f.b.eof || t.f.b.broken);
    both_end(&t);

    both_start(&t, tls);
    t.f.b.close_on_readable = true;
    t.f.a.out = VIEW("x");
    RUN_UNTIL(&t.f, t.f.b.conn == NULL);
    both_end(&t);

    both_start(&t, tls);
    t.f.b.close_on_timeout = true;
    net_deadline(t.f.b.conn, 1);
    RUN_UNTIL(&t.f, t.f.b.conn == NULL);
    both_end(&t);
}

static void test_callbacks_may_close(void **state)
{
    (void)state;
    close_within(false);
    close_within(true);
}

static void test_close_at_any_state_leaks_nothing(void **state)
{
    struct both t;
    int tls, turns, i;

    (void)state;
    for (tls = 0; tls < 2; tls++) {
        for (turns = 0; turns < 8; turns++) {
            both_start(&t, tls == 1);
            t.f.a.out = VIEW("x");
            for (i = 0; i < turns; i++)
                (void)event_base_loop(t.f.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
            net_close(&t.f.a.conn);
            net_close(&t.f.a.conn); /* NULL is fine */
            both_end(&t);
        }
    }
    net_close(NULL);
}

static void test_deadlines(void **state)
{
    struct both t;
    int64_t start_us;

    (void)state;
    both_start(&t, false);
    both_ready(&t);
    net_deadline(t.f.a.conn, 5000);
    net_deadline(t.f.a.conn, 1); /* sooner */
    net_deadline(t.f.b.conn, 1);
    net_deadline(t.f.b.conn, 5000); /* later */
    RUN_UNTIL(&t.f, t.f.a.timeouts == 1);
    assert_int_equal(t.f.b.timeouts, 0);
    net_deadline(t.f.b.conn, 1);
    start_us = clock_monotonic_us();
    net_deadline(t.f.b.conn, 500);
    RUN_UNTIL(&t.f, t.f.b.timeouts == 1);
    assert_true(clock_monotonic_us() - start_us >= 500000);
    net_deadline(t.f.a.conn, 1);
    net_deadline(t.f.a.conn, 0); /* cleared */
    net_deadline(t.f.b.conn, 20);
    RUN_UNTIL(&t.f, t.f.b.timeouts == 2);
    assert_int_equal(t.f.a.timeouts, 1);
    net_deadline_at(t.f.a.conn, clock_monotonic_us() - 1); /* passed: told soon, not never */
    net_deadline_at(t.f.b.conn, 1);
    net_deadline_at(t.f.b.conn, 0);
    RUN_UNTIL(&t.f, t.f.a.timeouts == 2);
    assert_int_equal(t.f.b.timeouts, 2);
    start_us = clock_monotonic_us();
    net_deadline_at(t.f.b.conn, start_us + 20000);
    RUN_UNTIL(&t.f, t.f.b.timeouts == 3);
    assert_true(clock_monotonic_us() - start_us >= 20000);
    both_end(&t);
}

/* A peer that never speaks TLS runs into the deadline. */
static void test_deadline_covers_the_handshake(void **state)
{
    struct both t = {.client = client_tls("localhost", "ca.pem")};

    (void)state;
    fixture_init(&t.f);
    join(&t.f, t.client, NULL);
    t.f.a.close_on_timeout = true;
    net_deadline(t.f.a.conn, 20);
    RUN_UNTIL(&t.f, t.f.a.timeouts == 1);
    assert_int_equal(t.f.a.ready, 0);
    both_end(&t);
}

static void test_connecting_refused(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int fd = listen_here("127.0.0.1:0");
    struct fixture f;
    struct err err;

    (void)state;
    address.sin_port = htons(net_listen_port(fd));
    (void)close(fd);
    fixture_init(&f);
    f.a.conn = net_connect(f.base, here(&address, sizeof address), NULL, &handler, &f.a, &err);
    assert_non_null(f.a.conn);
    RUN_UNTIL(&f, f.a.failed == 1);
    assert_string_equal(f.a.error, "connecting: Connection refused");
    assert_false(f.a.verify);
    fixture_done(&f);
}

static void test_connecting_refused_at_once(void **state)
{
    /* A broadcast address can't be connected to. */
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_BROADCAST), .sin_port = htons(9)};
    struct fixture f;
    struct err err;

    (void)state;
    fixture_init(&f);
    assert_null(net_connect(f.base, here(&address, sizeof address), NULL, &handler, &f.a, &err));
    assert_int_equal(err.status, STATUS_IO);
    assert_memory_equal(err.text, "connecting: ", 12);
    fixture_done(&f);
}

static void test_verification(void **state)
{
    static const struct {
        const char *name, *host, *ca, *server, *error; /* error NULL: accepted */
        bool verify;
    } rows[] = {
        {"by name", "localhost", "ca.pem", "good", NULL, false},
        {"by address", "127.0.0.1", "ca.pem", "good", NULL, false},
        {"by IPv6 address", "[::1]", "ca.pem", "good", NULL, false},
        {"name in upper case", "LOCALHOST", "ca.pem", "good", NULL, false},
        {"wrong name", "localhost", "ca.pem", "wrong",
         "TLS handshake: certificate not verified: hostname mismatch", true},
        {"wrong address", "127.0.0.1", "ca.pem", "wrong",
         "TLS handshake: certificate not verified: IP address mismatch", true},
        {"name in the subject only", "localhost", "ca.pem", "cn-only",
         "TLS handshake: certificate not verified: hostname mismatch", true},
        {"expired", "localhost", "ca.pem", "expired",
         "TLS handshake: certificate not verified: certificate has expired", true},
        {"signed by itself", "localhost", "ca.pem", "self",
         "TLS handshake: certificate not verified: self-signed certificate", true},
        {"unknown authority", "localhost", "ca.pem", "stranger",
         "TLS handshake: certificate not verified: unable to get local issuer certificate", true},
        {"a client's certificate", "localhost", "ca.pem", "client",
         "TLS handshake: certificate not verified: unsuitable certificate purpose", true},
    };
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(rows); i++) {
        struct both t = {.client = client_tls(rows[i].host, rows[i].ca),
                         .server = server_tls(rows[i].server, NULL)};

        fixture_init(&t.f);
        join(&t.f, t.client, t.server);
        RUN_UNTIL(&t.f, t.f.a.ready + t.f.a.failed > 0 && t.f.b.ready + t.f.b.failed > 0);
        assert_row((t.f.a.ready == 1) == (rows[i].error == NULL), rows[i].name);
        if (rows[i].error != NULL && strcmp(t.f.a.error, rows[i].error) != 0) {
            print_error("row \"%s\": %s\n", rows[i].name, t.f.a.error);
            fail();
        }
        assert_row(t.f.a.verify == rows[i].verify, rows[i].name);
        both_end(&t);
    }
}

/* One connection, then the next: is the session taken up? */
static bool resumes(struct net_tls *client, struct net_tls *server)
{
    struct both t = {.client = NULL};
    bool resumed;

    fixture_init(&t.f);
    join(&t.f, client, server);
    t.f.b.out = VIEW("x"); /* behind the tickets, so that they are read */
    RUN_UNTIL(&t.f, t.f.a.in.len == 1);
    resumed = net_is_resumed(t.f.a.conn);
    assert_int_equal(net_is_resumed(t.f.b.conn), resumed);
    both_end(&t);
    return resumed;
}

static void test_sessions_are_resumed(void **state)
{
    struct net_tls *client = client_tls("localhost", "ca.pem");
    struct net_tls *other = client_tls("localhost", "ca.pem");
    struct net_tls *server = server_tls("good", NULL);
    struct err err;
    int i;

    (void)state;
    assert_false(resumes(client, server));
    for (i = 0; i < 12; i++) /* more than are kept */
        assert_true(resumes(client, server));
    assert_false(resumes(other, server)); /* not shared between trust settings */
    assert_int_equal(net_tls_reload(client, &err), STATUS_OK);
    assert_false(resumes(client, server)); /* forgotten with the settings they came from */
    assert_true(resumes(client, server));
    assert_int_equal(net_tls_reload(server, &err), STATUS_OK);
    assert_false(resumes(client, server)); /* new ticket keys */
    net_tls_free(&client);
    net_tls_free(&other);
    net_tls_free(&server);
}

/* Settings may go before their connections. */
static void test_connections_outlive_their_settings(void **state)
{
    struct both t;

    (void)state;
    both_start(&t, true);
    net_tls_free(&t.client);
    net_tls_free(&t.server);
    t.f.b.out = VIEW("still there");
    RUN_UNTIL(&t.f, t.f.a.in.len == 11);
    both_end(&t);
}

static void test_client_without_certificate_is_refused(void **state)
{
    struct both t = {.client = client_tls("localhost", "ca.pem"),
                     .server = server_tls("good", "ca.pem")};

    (void)state;
    fixture_init(&t.f);
    join(&t.f, t.client, t.server);
    RUN_UNTIL(&t.f, t.f.b.failed == 1);
    assert_string_equal(t.f.b.error, "TLS handshake: peer did not return a certificate");
    assert_true(t.f.b.verify);
    assert_int_equal(t.f.b.ready, 0);
    both_end(&t);
}

static void test_plain_bytes_to_tls(void **state)
{
    struct both t = {.server = server_tls("good", NULL)};

    (void)state;
    fixture_init(&t.f);
    join(&t.f, NULL, t.server);
    t.f.a.out = VIEW("GET / HTTP/1.1\r\n\r\n");
    RUN_UNTIL(&t.f, t.f.b.failed == 1);
    assert_string_equal(t.f.b.error, "TLS handshake: http request");
    assert_false(t.f.b.verify);
    both_end(&t);
}

static void test_peers(void **state)
{
    static const unsigned char v4[16] = {[10] = 0xff, [11] = 0xff, 127, 0, 0, 1};
    static const unsigned char v6[16] = {[15] = 1};
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    unsigned char key[16];
    struct fixture f;
    struct both t;
    struct err err;
    int pair[2];

    (void)state;
    both_start(&t, false);
    assert_memory_equal(net_peer(t.f.b.conn), "127.0.0.1:", 10);
    net_peer_key(t.f.b.conn, key);
    assert_memory_equal(key, v4, 16);
    both_end(&t);

    fixture_init(&f);
    address.sin6_port = htons(5123);
    f.a.conn = net_connect(f.base, here(&address, sizeof address), NULL, &handler, &f.a, &err);
    if (f.a.conn != NULL) { /* a machine without IPv6 refuses at once */
        assert_string_equal(net_peer(f.a.conn), "[::1]:5123");
        net_peer_key(f.a.conn, key);
        assert_memory_equal(key, v6, 16);
        net_close(&f.a.conn);
    }
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    f.b.conn = net_accept(f.base, pair[0], NULL, &handler, &f.b, &err);
    assert_non_null(f.b.conn);
    assert_string_equal(net_peer(f.b.conn), "local");
    RUN_UNTIL(&f, f.b.ready == 1);
    (void)close(pair[1]);
    RUN_UNTIL(&f, f.b.eof);
    fixture_done(&f);
}

static int set_up(void **state)
{
    (void)state;
    (void)signal(SIGPIPE, SIG_IGN);
    pki_make(&pki);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    pki_remove(&pki);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_carries_bytes_both_ways),
        cmocka_unit_test(test_carries_much_with_back_pressure),
        cmocka_unit_test(test_tells_what_is_unsent),
        cmocka_unit_test(test_partial_reads_are_called_again),
        cmocka_unit_test(test_writes_vectors),
        cmocka_unit_test(test_half_close),
        cmocka_unit_test(test_reset_is_a_failure),
        cmocka_unit_test(test_truncated_tls_is_a_failure),
        cmocka_unit_test(test_reads_after_write_failed),
        cmocka_unit_test(test_callbacks_may_close),
        cmocka_unit_test(test_close_at_any_state_leaks_nothing),
        cmocka_unit_test(test_deadlines),
        cmocka_unit_test(test_deadline_covers_the_handshake),
        cmocka_unit_test(test_connecting_refused),
        cmocka_unit_test(test_connecting_refused_at_once),
        cmocka_unit_test(test_verification),
        cmocka_unit_test(test_sessions_are_resumed),
        cmocka_unit_test(test_connections_outlive_their_settings),
        cmocka_unit_test(test_client_without_certificate_is_refused),
        cmocka_unit_test(test_plain_bytes_to_tls),
        cmocka_unit_test(test_peers),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
