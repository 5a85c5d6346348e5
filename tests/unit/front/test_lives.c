/* SPDX-License-Identifier: Apache-2.0
 * The lives of connections: deadlines, caps, drain, the end of a front, TLS. */
#include "support/pki.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "front/world.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

enum { SHORT_MS = 60, LONGER_MS = 1000 };

/* ---- deadlines ---- */

static void test_slow_head(void **state)
{
    struct front_limits limits = world_limits;
    struct world w;
    struct client c;

    (void)state;
    limits.head_timeout_ms = SHORT_MS;
    world_open(&w, &limits);
    client_open(&c, &w);
    client_send_str(&c, "GET / HTTP/1.1\r\nHo");
    WORLD_UNTIL(&w, c.eof);
    assert_true(client_has(&c, "HTTP/1.1 408 Request Timeout\r\n"));
    assert_true(client_has(&c, "http.timeout"));
    assert_true(client_has(&c, "Connection: close\r\n"));
    client_close(&c);
    world_close(&w);
}

struct trickle {
    struct client *client;
    struct event *timer;
    const char *text;
    size_t at;
};

static void on_trickle(evutil_socket_t fd, short what, void *arg)
{
    const struct timeval next = {.tv_usec = 25 * 1000};
    struct trickle *t = arg;

    (void)fd;
    (void)what;
    client_send(t->client, view_of(t->text + t->at, 1));
    t->at = (t->at + 1) % strlen(t->text);
    (void)evtimer_add(t->timer, &next);
}

static void trickle_start(struct trickle *t, struct client *c, const char *text)
{
    const struct timeval now = {.tv_usec = 1000};

    *t = (struct trickle){.client = c, .text = text};
    t->timer = evtimer_new(c->world->base, on_trickle, t);
    assert_non_null(t->timer);
    (void)evtimer_add(t->timer, &now);
}

/* Bytes that keep coming don't move the deadline of a head. */
static void test_trickled_head(void **state)
{
    struct front_limits limits = world_limits;
    struct trickle t;
    struct world w;
    struct client c;
    int64_t began_us = clock_monotonic_us();

    (void)state;
    limits.head_timeout_ms = SHORT_MS;
    world_open(&w, &limits);
    client_open(&c, &w);
    client_send_str(&c, "GET / HTTP/1.1\r\nX: ");
    trickle_start(&t, &c, "x");
    WORLD_UNTIL(&w, client_has(&c, "HTTP/1.1 408 "));
    assert_true(clock_monotonic_us() - began_us >= SHORT_MS * 1000);
    event_free(t.timer);
    client_close(&c);
    world_close(&w);
}

static void test_slow_body(void **state)
{
    static void (*const ways[])(struct item * item) = {serve_whole, serve_stream};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
        struct front_limits limits = world_limits;
        struct world w;
        struct client c;

        limits.body_timeout_ms = SHORT_MS;
        world_open(&w, &limits);
        w.serve = ways[i];
        client_open(&c, &w);
        client_send_str(&c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhell");
        WORLD_UNTIL(&w, c.eof);
        assert_true(client_has(&c, "HTTP/1.1 408 Request Timeout\r\n"));
        assert_string_equal(w.items[0].fault, "http.timeout");
        assert_false(w.items[0].body_last);
        client_close(&c);
        world_close(&w);
    }
}

/* For a whole body the deadline is absolute. */
static void test_trickled_whole_body(void **state)
{
    struct front_limits limits = world_limits;
    struct trickle t;
    struct world w;
    struct client c;

    (void)state;
    limits.body_timeout_ms = SHORT_MS;
    world_open(&w, &limits);
    w.serve = serve_whole;
    client_open(&c, &w);
    client_send_str(&c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n");
    trickle_start(&t, &c, "x");
    WORLD_UNTIL(&w, client_has(&c, "HTTP/1.1 408 "));
    event_free(t.timer);
    client_close(&c);
    world_close(&w);
}

/* A stream only has to go on: 99 pieces at 25 ms each outlive a deadline of 2000 ms. */
static void test_trickled_stream_goes_on(void **state)
{
    struct front_limits limits = world_limits;
    struct trickle t;
    struct world w;
    struct client c;

    (void)state;
    limits.body_timeout_ms = 2000;
    world_open(&w, &limits);
    w.serve = serve_stream;
    client_open(&c, &w);
    client_send_str(&c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\n");
    trickle_start(&t, &c, "x");
    WORLD_UNTIL(&w, w.items[0].body_last);
    event_free(t.timer);
    assert_null(w.items[0].fault);
    client_close(&c);
    world_close(&w);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    *(bool *)arg = true;
}

/* Turns the loop for that long. */
static void let_pass(struct world *w, unsigned ms)
{
    const struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = (suseconds_t)(ms % 1000) * 1000};
    bool passed = false;

    assert_int_equal(event_base_once(w->base, -1, EV_TIMEOUT, on_tick, &passed, &tv), 0);
    WORLD_UNTIL(w, passed);
}

/* No deadline runs for the client while it is our turn. */
static void test_no_deadline_in_our_turn(void **state)
{
    struct front_limits limits = world_limits;
    struct world w;
    struct client c;

    (void)state;
    limits.head_timeout_ms = SHORT_MS;
    limits.body_timeout_ms = LONGER_MS;
    limits.idle_timeout_ms = SHORT_MS;
    limits.write_timeout_ms = SHORT_MS;
    world_open(&w, &limits);
    w.serve = serve_later;
    client_open(&c, &w);
    client_send_str(&c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhell");
    WORLD_UNTIL(&w, w.count == 1);
    let_pass(&w, 3 * SHORT_MS); /* it wasn't asked for */
    front_read_body(w.items[0].x, FRONT_STREAM, 100);
    WORLD_UNTIL(&w, w.items[0].pieces == 1);
    front_pause(w.items[0].x, true);
    let_pass(&w, LONGER_MS + SHORT_MS); /* it may not go on */
    assert_null(w.items[0].fault);
    front_pause(w.items[0].x, false);
    let_pass(&w, SHORT_MS / 2); /* its time begins anew */
    assert_null(w.items[0].fault);
    client_send_str(&c, "o");
    WORLD_UNTIL(&w, w.items[0].body_last);
    let_pass(&w, 3 * SHORT_MS); /* it is through */
    answer_ok(&w.items[0]);
    WORLD_UNTIL(&w, client_has(&c, "POST /"));
    assert_false(w.items[0].gone);
    client_close(&c);
    world_close(&w);
}

static void test_idle(void **state)
{
    struct front_limits limits = world_limits;
    struct world w;
    struct client fresh, used;

    (void)state;
    limits.idle_timeout_ms = SHORT_MS;
    world_open(&w, &limits);
    client_open(&fresh, &w);
    client_open(&used, &w);
    client_send_str(&used, GET("/"));
    WORLD_UNTIL(&w, fresh.eof && used.eof);
    assert_int_equal(fresh.in.len, 0); /* silently */
    assert_int_equal(client_count(&used, "HTTP/1.1"), 1);
    assert_int_equal(front_connections(w.front), 0);
    client_close(&fresh);
    client_close(&used);
    world_close(&w);
}

static void test_stuck_reader(void **state)
{
    enum { LARGE = 16 << 20 };
    struct front_limits limits = world_limits;
    char *large = calloc(1, LARGE);
    const struct front_reply reply = {.status = 200, .body = {large, LARGE}};
    struct world w;
    struct client c;

    (void)state;
    assert_non_null(large);
    limits.write_timeout_ms = SHORT_MS;
    world_open(&w, &limits);
    w.serve = serve_later;
    client_open(&c, &w);
    client_watch(&c, false);
    client_send_str(&c, GET("/"));
    WORLD_UNTIL(&w, w.count == 1);
    front_reply(w.items[0].x, &reply);
    WORLD_UNTIL(&w, w.items[0].gone);
    assert_int_equal(front_connections(w.front), 0);
    free(large);
    client_close(&c);
    world_close(&w);
}

static void on_sip(evutil_socket_t fd, short what, void *arg)
{
    const struct timeval next = {.tv_usec = 40 * 1000};
    struct trickle *t = arg;
    struct client *c = t->client;
    ssize_t n;

    (void)fd;
    (void)what;
    assert_true(buf_reserve(&c->in, 512 * 1024));
    n = recv(c->fd, c->in.ptr + c->in.len, 512 * 1024, 0);
    c->in.len += n > 0 ? (size_t)n : 0;
    c->failed |= n == 0;
    (void)evtimer_add(t->timer, &next);
}

/* A slow reader that goes on isn't a stuck one, however long it takes in all. */
static void test_sipping_reader(void **state)
{
    enum { LARGE = 32 << 20, SIPPING_MS = 1500 };
    const struct timeval now = {.tv_usec = 1000};
    struct front_limits limits = world_limits;
    char *large = calloc(1, LARGE);
    const struct front_reply reply = {.status = 200, .body = {large, LARGE}};
    struct trickle t = {0};
    struct world w;
    struct client c;
    int64_t began_us;

    (void)state;
    assert_non_null(large);
    limits.write_timeout_ms = SIPPING_MS;
    world_open(&w, &limits);
    w.serve = serve_later;
    client_open(&c, &w);
    client_watch(&c, false);
    client_send_str(&c, GET("/"));
    WORLD_UNTIL(&w, w.count == 1);
    began_us = clock_monotonic_us();
    front_reply(w.items[0].x, &reply);
    t.client = &c;
    t.timer = evtimer_new(w.base, on_sip, &t);
    (void)evtimer_add(t.timer, &now);
    WORLD_UNTIL(&w, c.in.len > LARGE || c.failed || w.items[0].gone);
    WORLD_UNTIL(&w, w.items[0].sent || w.items[0].gone);
    assert_false(c.failed || w.items[0].gone);
    assert_true(clock_monotonic_us() - began_us > (int64_t)SIPPING_MS * 1000);
    event_free(t.timer);
    free(large);
    client_close(&c);
    world_close(&w);
}

/* A client that doesn't close behind our reply is dropped after a while. */
static void test_lingering_ends(void **state)
{
    struct world w;
    struct client c;

    (void)state;
    world_open(&w, NULL);
    client_open(&c, &w);
    client_send_str(&c, "GET / HTTP/1.1\r\n\r\n");
    WORLD_UNTIL(&w, c.eof);
    assert_int_equal(front_connections(w.front), 1);
    WORLD_UNTIL(&w, front_connections(w.front) == 0);
    client_close(&c);
    world_close(&w);
}

/* ---- caps ---- */

static void test_per_address(void **state)
{
    struct front_limits limits = world_limits;
    struct world w;
    struct client c[3];
    struct front_counts counts;

    (void)state;
    limits.per_address = 2;
    world_open(&w, &limits);
    for (unsigned i = 0; i < 3; i++)
        client_open(&c[i], &w);
    WORLD_UNTIL(&w, c[2].eof || c[2].failed);
    front_counts(w.front, &counts);
    assert_int_equal(counts.refused_per_address, 1);
    assert_int_equal(counts.connections, 2);
    /* The others are well; and when one ends there is room again. */
    for (unsigned i = 0; i < 2; i++) {
        client_send_str(&c[i], GET("/"));
        WORLD_UNTIL(&w, client_has(&c[i], "GET /"));
    }
    client_close(&c[0]);
    WORLD_UNTIL(&w, front_connections(w.front) == 1);
    client_close(&c[2]);
    client_open(&c[2], &w);
    client_send_str(&c[2], GET("/"));
    WORLD_UNTIL(&w, client_has(&c[2], "GET /"));
    client_close(&c[1]);
    client_close(&c[2]);
    world_close(&w);
}

/* Over the cap nobody is refused: the next one waits in the listening socket. */
static void test_connections(void **state)
{
    struct front_limits limits = world_limits;
    struct world w;
    struct client c[4];

    (void)state;
    limits.connections = 2;
    world_open(&w, &limits);
    for (unsigned i = 0; i < 4; i++) {
        client_open(&c[i], &w);
        client_send_str(&c[i], GET("/"));
    }
    WORLD_UNTIL(&w, client_has(&c[0], "GET /") && client_has(&c[1], "GET /"));
    world_settle(&w);
    assert_int_equal(front_connections(w.front), 2);
    assert_int_equal(c[2].in.len, 0);
    client_close(&c[0]);
    WORLD_UNTIL(&w, client_has(&c[2], "GET /"));
    assert_int_equal(front_connections(w.front), 2);
    client_close(&c[1]);
    WORLD_UNTIL(&w, client_has(&c[3], "GET /"));
    client_close(&c[2]);
    client_close(&c[3]);
    world_close(&w);
}

/* ---- drain ---- */

static void test_drain(void **state)
{
    struct world w;
    struct client idle, busy, streaming, late;
    const struct front_reply reply = {.status = 200};

    (void)state;
    world_open(&w, NULL);
    w.serve = serve_later;
    client_open(&idle, &w);
    client_open(&busy, &w);
    client_send_str(&busy, GET("/busy"));
    WORLD_UNTIL(&w, w.count == 1);
    client_open(&streaming, &w);
    client_send_str(&streaming, GET("/streaming"));
    WORLD_UNTIL(&w, w.count == 2);
    front_reply_begin(w.items[1].x, &reply, UINT64_MAX);
    client_open(&late, &w);
    client_send_str(&late, "GET /late HTTP/1.1\r\n");
    WORLD_UNTIL(&w, front_connections(w.front) == 4);
    world_settle(&w);

    front_drain(w.front);
    WORLD_UNTIL(&w, idle.eof);
    assert_false(busy.eof || streaming.eof || late.eof);
    answer_ok(&w.items[0]);
    WORLD_UNTIL(&w, busy.eof);
    assert_true(client_has(&busy, "GET /busy"));
    assert_true(client_has(&busy, "Connection: close\r\n"));
    /* Its head was out before: it ends behind the reply. */
    assert_true(front_reply_data(w.items[1].x, VIEW("data")));
    front_reply_end(w.items[1].x);
    WORLD_UNTIL(&w, streaming.eof);
    assert_true(client_has(&streaming, "4\r\ndata\r\n0\r\n\r\n"));
    /* A head that had begun is served. */
    client_send_str(&late, "Host: a\r\n\r\n");
    WORLD_UNTIL(&w, w.count == 3);
    answer_ok(&w.items[2]);
    WORLD_UNTIL(&w, late.eof);
    assert_true(client_has(&late, "Connection: close\r\n"));
    client_close(&idle);
    client_close(&busy);
    client_close(&streaming);
    client_close(&late);
    WORLD_UNTIL(&w, front_connections(w.front) == 0);
    world_close(&w);
}

/* ---- the end of a front ---- */

static void test_free_with_exchanges(void **state)
{
    struct world w;
    struct client waiting, reading, idle;

    (void)state;
    world_open(&w, NULL);
    w.serve = serve_later;
    w.keep = true;
    client_open(&waiting, &w);
    client_send_str(&waiting, GET("/"));
    WORLD_UNTIL(&w, w.count == 1);
    w.serve = serve_whole;
    client_open(&reading, &w);
    client_send_str(&reading, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhell");
    WORLD_UNTIL(&w, w.count == 2);
    client_open(&idle, &w);
    WORLD_UNTIL(&w, front_connections(w.front) == 3);
    answer_ok(&w.items[0]); /* a run is scheduled */
    front_free(&w.front);
    assert_null(w.front);
    assert_true(w.items[0].gone || w.items[0].sent);
    assert_true(w.items[1].gone);
    front_free(&w.front); /* NULL is fine */
    client_close(&waiting);
    client_close(&reading);
    client_close(&idle);
    world_close(&w); /* the items are finished behind the front's end */
}

static void test_free_unused(void **state)
{
    struct world w;

    (void)state;
    world_open(&w, NULL);
    world_close(&w);
}

/* Exchanges are used again, and nothing of one is seen in the next. */
static void serve_clean(struct item *item)
{
    char *memory = arena_alloc(front_arena(item->x), 4096);

    assert_non_null(memory);
    for (size_t i = 0; i < 4096; i++)
        assert_int_equal(memory[i], 0);
    memset(memory, 'x', 4096);
    answer_ok(item);
}

static void test_reuse(void **state)
{
    struct front_limits limits = world_limits;
    struct world w;
    struct client c;

    (void)state;
    limits.arena = 64 * 1024; /* too little for all of them */
    world_open(&w, &limits);
    w.serve = serve_clean;
    client_open(&c, &w);
    for (unsigned i = 1; i <= WORLD_ITEMS; i++) {
        client_send_str(&c, GET("/"));
        WORLD_UNTIL(&w, client_count(&c, "\r\n\r\nGET /") == i);
    }
    client_close(&c);
    world_close(&w);
}

/* ---- TLS ---- */

struct tls_client {
    struct net_conn *net;
    struct buf in;
    struct view to_send;
    bool ready, eof, failed;
};

static void on_tls_ready(void *user)
{
    struct tls_client *c = user;
    const char *from = c->to_send.ptr;
    struct iovec part = {.iov_len = c->to_send.len};
    size_t n = 0;

    memcpy(&part.iov_base, &from, sizeof from);
    c->ready = true;
    if (part.iov_len > 0) {
        assert_int_equal(net_write(c->net, &part, 1, &n), NET_OK);
        assert_int_equal(n, part.iov_len);
    }
}

static void on_tls_readable(void *user)
{
    struct tls_client *c = user;
    enum net_io io = NET_OK;
    char bytes[4096];
    size_t n;

    while (io == NET_OK) {
        io = net_read(c->net, bytes, sizeof bytes, &n);
        if (io == NET_OK)
            buf_add(&c->in, view_of(bytes, n));
    }
    c->eof |= io == NET_EOF;
    c->failed |= io == NET_FAILED;
}

static void on_tls_nothing(void *user)
{
    (void)user;
}

static void on_tls_failed(void *user)
{
    struct tls_client *c = user;

    c->failed = true;
}

static const struct net_handler tls_handler = {
    .on_ready = on_tls_ready,
    .on_readable = on_tls_readable,
    .on_writable = on_tls_nothing,
    .on_timeout = on_tls_nothing,
    .on_failed = on_tls_failed,
};

static void tls_client_open(struct tls_client *c, struct world *w, struct net_tls *tls,
                            const char *bytes)
{
    struct client plain;
    struct sockaddr_storage address;
    socklen_t len = sizeof address;
    struct err err;

    /* Where the front listens, as a plain client sees it. */
    client_open(&plain, w);
    assert_int_equal(getpeername(plain.fd, (struct sockaddr *)&address, &len), 0);
    client_close(&plain);
    *c = (struct tls_client){.to_send = view_str(bytes)};
    buf_init(&c->in, 1 << 24);
    c->net = net_connect(w->base, &address, tls, &tls_handler, c, &err);
    assert_non_null(c->net);
}

static void tls_client_close(struct tls_client *c)
{
    net_close(&c->net);
    buf_done(&c->in);
}

static bool tls_has(const struct tls_client *c, const char *text)
{
    return c->in.len > 0 && memmem(c->in.ptr, c->in.len, text, strlen(text)) != NULL;
}

static void make_tls(struct pki *pki, struct net_tls **ret_server, struct net_tls **ret_client)
{
    char certificate[PKI_PATH_BYTES], key[PKI_PATH_BYTES], ca[PKI_PATH_BYTES];
    struct err err;

    pki_make(pki);
    assert_int_equal(net_tls_server_new(pki_path(pki, "good.pem", certificate),
                                        pki_path(pki, "good.key", key), NULL, ret_server, &err),
                     STATUS_OK);
    assert_int_equal(net_tls_client_new("localhost", pki_path(pki, "ca.pem", ca), ret_client, &err),
                     STATUS_OK);
}

static void pour_all(struct item *item)
{
    enum { ALL = 4 << 20 };
    static const char all[ALL] = {0};
    struct front_reply reply = {.status = 200, .body = {all, ALL}};

    front_reply(item->x, &reply);
}

static void test_tls(void **state)
{
    struct pki pki;
    struct net_tls *server, *client;
    struct front_limits limits = world_limits;
    struct world w;
    struct tls_client c;
    struct client plain;

    (void)state;
    make_tls(&pki, &server, &client);
    limits.head_timeout_ms = 500;
    world_open_tls(&w, &limits, server);
    w.serve = serve_whole;
    tls_client_open(&c, &w, client,
                    "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello" //
                    "POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nworld"
                    "POST /3 HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\n\r\n");
    WORLD_UNTIL(&w, c.eof || c.failed);
    assert_true(c.eof); /* with a close_notify */
    assert_true(tls_has(&c, "\r\n\r\nhello"));
    assert_true(tls_has(&c, "\r\n\r\nworld"));
    assert_true(tls_has(&c, "HTTP/1.1 413 "));
    tls_client_close(&c);

    /* A large answer, through many records. */
    w.serve = pour_all;
    tls_client_open(&c, &w, client, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    WORLD_UNTIL(&w, c.eof || c.failed);
    assert_true(c.eof && c.in.len > (size_t)4 << 20);
    tls_client_close(&c);

    /* Who doesn't shake hands is dropped, silently. */
    client_open(&plain, &w);
    WORLD_UNTIL(&w, plain.eof || plain.failed);
    client_close(&plain);
    client_open(&plain, &w);
    client_send_str(&plain, GET("/"));
    WORLD_UNTIL(&w, plain.eof || plain.failed);
    assert_false(client_has(&plain, "HTTP/"));
    client_close(&plain);
    WORLD_UNTIL(&w, front_connections(w.front) == 0);
    world_close(&w);
    net_tls_free(&server);
    net_tls_free(&client);
    pki_remove(&pki);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slow_head),
        cmocka_unit_test(test_trickled_head),
        cmocka_unit_test(test_slow_body),
        cmocka_unit_test(test_trickled_whole_body),
        cmocka_unit_test(test_trickled_stream_goes_on),
        cmocka_unit_test(test_no_deadline_in_our_turn),
        cmocka_unit_test(test_idle),
        cmocka_unit_test(test_stuck_reader),
        cmocka_unit_test(test_sipping_reader),
        cmocka_unit_test(test_lingering_ends),
        cmocka_unit_test(test_per_address),
        cmocka_unit_test(test_connections),
        cmocka_unit_test(test_drain),
        cmocka_unit_test(test_free_with_exchanges),
        cmocka_unit_test(test_free_unused),
        cmocka_unit_test(test_reuse),
        cmocka_unit_test(test_tls),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
