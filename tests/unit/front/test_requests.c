/* SPDX-License-Identifier: Apache-2.0
 * Requests as they come: alone, one after the other, in one piece and in many, with bodies, and
 * what is refused before or while it comes. */
#include <stdlib.h>
#include <unistd.h>

#include "front/inner.h"
#include "front/world.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

static void test_keep_alive(void **state)
{
    struct world w;
    struct client c;
    struct front_counts counts;

    (void)state;
    world_open(&w, NULL);
    client_open(&c, &w);
    for (unsigned i = 1; i <= 3; i++) {
        client_send_str(&c, GET("/a"));
        WORLD_UNTIL(&w, client_count(&c, "\r\n\r\nGET /a") == i);
    }
    assert_int_equal(client_count(&c, "HTTP/1.1 200 OK\r\n"), 3);
    assert_int_equal(client_count(&c, "Content-Length: 6\r\n"), 3);
    assert_int_equal(client_count(&c, "Content-Type: text/plain\r\n"), 3);
    assert_int_equal(client_count(&c, "\r\nDate: "), 3);
    assert_int_equal(client_count(&c, " GMT\r\n"), 3);
    assert_int_equal(client_count(&c, "Connection"), 0);
    front_counts(w.front, &counts);
    assert_int_equal(counts.accepted, 1);
    assert_int_equal(counts.requests, 3);
    assert_int_equal(counts.faults, 0);
    assert_int_equal(counts.connections, 1);
    assert_true(w.items[0].sent && w.items[2].sent);
    client_close(&c);
    WORLD_UNTIL(&w, front_connections(w.front) == 0);
    world_close(&w);
}

/* The facts of an exchange. */
static void serve_facts(struct item *item)
{
    const struct http1_request *req = front_request(item->x);

    assert_non_null(strchr(front_client(item->x), ':'));
    assert_int_equal(strncmp(front_client(item->x), "127.0.0.1:", 10), 0);
    assert_true(front_started_us(item->x) > 0);
    assert_non_null(front_arena(item->x));
    assert_view(req->method, "GET");
    assert_view(req->host, "a");
    assert_ptr_equal(front_user(item->x), item);
    answer_ok(item);
}

static void test_facts(void **state)
{
    struct world w;
    struct client c;

    (void)state;
    world_open(&w, NULL);
    w.serve = serve_facts;
    client_open(&c, &w);
    client_send_str(&c, GET("/"));
    WORLD_UNTIL(&w, client_has(&c, "GET /"));
    client_close(&c);
    world_close(&w);
}

/* Head and arena outlive the connection until the handler is through. */
static void test_exchange_outlives_connection(void **state)
{
    struct world w;
    struct client c;

    (void)state;
    world_open(&w, NULL);
    w.keep = true;
    client_open(&c, &w);
    client_send_str(&c, "GET /kept HTTP/1.0\r\nHost: a\r\n\r\n");
    WORLD_UNTIL(&w, c.eof && front_connections(w.front) == 0);
    assert_true(w.items[0].sent);
    assert_view(front_request(w.items[0].x)->path, "/kept");
    assert_non_null(arena_alloc(front_arena(w.items[0].x), 100));
    client_close(&c);
    world_close(&w); /* finishes the item after the front is freed */
}

static void test_pipelining(void **state)
{
    struct world w;
    struct client c;

    (void)state;
    world_open(&w, NULL);
    client_open(&c, &w);
    client_send_str(&c, GET("/1") "\r\n" GET("/2") "\r\n" GET("/3")); /* RFC 9112 2.2 */
    WORLD_UNTIL(&w, client_has(&c, "GET /3"));
    assert_int_equal(w.count, 3);
    assert_string_equal(w.items[0].line, "GET /1");
    assert_string_equal(w.items[2].line, "GET /3");
    client_close(&c);
    world_close(&w);
}

static void test_many_pipelined(void **state)
{
    struct world w;
    struct client c;
    struct buf all;

    (void)state;
    world_open(&w, NULL);
    buf_init(&all, 1 << 20);
    for (unsigned i = 0; i < WORLD_ITEMS; i++)
        buf_add_str(&all, GET("/x"));
    client_open(&c, &w);
    client_send(&c, buf_view(&all));
    WORLD_UNTIL(&w, client_count(&c, "\r\n\r\nGET /x") == WORLD_ITEMS);
    buf_done(&all);
    client_close(&c);
    world_close(&w);
}

/* The second waits until the first is answered, however late. */
static void test_pipelining_first_late(void **state)
{
    struct world w;
    struct client c;

    (void)state;
    world_open(&w, NULL);
    w.serve = serve_later;
    client_open(&c, &w);
    client_send_str(&c, GET("/1") GET("/2"));
    WORLD_UNTIL(&w, w.count == 1);
    world_settle(&w);
    client_send_str(&c, GET("/3"));
    world_settle(&w);
    assert_int_equal(w.count, 1);
    answer_ok(&w.items[0]);
    assert_false(w.items[0].sent); /* never from within */
    WORLD_UNTIL(&w, w.count == 2);
    assert_true(w.items[0].sent);
    answer_ok(&w.items[1]);
    WORLD_UNTIL(&w, w.count == 3);
    answer_ok(&w.items[2]);
    WORLD_UNTIL(&w, client_has(&c, "GET /3"));
    assert_true(strstr(strstr(c.in.ptr, "GET /1"), "GET /2") != NULL);
    client_close(&c);
    world_close(&w);
}

static void send_by_bytes(struct world *w, struct client *c, const char *text)
{
    for (; *text != '\0'; text++) {
        client_send(c, view_of(text, 1));
        world_settle(w);
    }
}

static void test_byte_by_byte(void **state)
{
    struct world w;
    struct client c;

    (void)state;
    world_open(&w, NULL);
    w.serve = serve_whole;
    client_open(&c, &w);
    send_by_bytes(&w, &c,
                  "\r\nPOST /slow?q HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
                  "POST /chunks HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "3;x\r\nwor\r\n2\r\nld\r\n0\r\nT: v\r\n\r\n");
    WORLD_UNTIL(&w, client_has(&c, "\r\n\r\nworld"));
    assert_true(client_has(&c, "\r\n\r\nhello"));
    assert_string_equal(w.items[0].line, "POST /slow?q");
    assert_string_equal(w.items[1].line, "POST /chunks");
    client_close(&c);
    world_close(&w);
}

static struct view big_request(size_t token, size_t uri)
{
    size_t cap = token + uri + 128, at;
    char *text = malloc(cap);

    assert_non_null(text);
    at = (size_t)snprintf(text, cap, "GET /");
    memset(text + at, 'u', uri - 1);
    at += uri - 1;
    at += (size_t)snprintf(text + at, cap - at, " HTTP/1.1\r\nHost: a\r\nX-Auth-Token: ");
    memset(text + at, 't', token);
    at += token;
    at += (size_t)snprintf(text + at, cap - at, "\r\n\r\n");
    return view_of(text, at);
}

static void free_request(struct view request)
{
    free((void *)(uintptr_t)request.ptr);
}

static void serve_token(struct item *item)
{
    const struct http1_request *req = front_request(item->x);
    const struct http1_field *token =
        http1_find_field(req->fields, req->count, HTTP1_X_AUTH_TOKEN, NULL);
    char text[32];

    assert_non_null(token);
    (void)snprintf(text, sizeof text, "token %zu", token->value.len);
    answer(item, 200, text);
}

/* Real tokens are longer than what many servers take in one header. */
static void test_huge_tokens(void **state)
{
    struct view request = big_request(20480, 1);
    struct world w;
    struct client c;

    (void)state;
    world_open(&w, NULL);
    w.serve = serve_token;
    client_open(&c, &w);
    for (unsigned i = 1; i <= 3; i++) {
        client_send(&c, request);
        WORLD_UNTIL(&w, client_count(&c, "token 20480") == i);
    }
    /* In pieces that are cut anywhere. */
    for (size_t at = 0; at < request.len; at += 1000) {
        size_t n = request.len - at < 1000 ? request.len - at : 1000;

        client_send(&c, view_of(request.ptr + at, n));
        world_settle(&w);
    }
    WORLD_UNTIL(&w, client_count(&c, "token 20480") == 4);
    free_request(request);
    client_close(&c);
    world_close(&w);
}

static const struct {
    const char *name;
    size_t token, uri, head;
    int status;
} sizes[] = {
    {"all at their limits", 1000, 100, 0, 200},
    {"value over", 1001, 100, 0, 431},
    {"target over", 1000, 101, 0, 414},
    {"head at its limit", 0, 100, 1, 200},
    {"head over", 0, 100, 2, 431},
};

static void test_limits(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct front_limits limits = world_limits;
        struct view request =
            big_request(sizes[i].token == 0 ? 1000 : sizes[i].token, sizes[i].uri);
        struct world w;
        struct client c;
        char line[32];

        limits.head.header_value = 1000;
        limits.head.uri = 100;
        if (sizes[i].head != 0)
            limits.head.head = request.len + 1 - sizes[i].head;
        world_open(&w, &limits);
        client_open(&c, &w);
        client_send(&c, request);
        (void)snprintf(line, sizeof line, "HTTP/1.1 %d ", sizes[i].status);
        if (sizes[i].status == 200)
            WORLD_UNTIL(&w, c.in.len > 0);
        else
            WORLD_UNTIL(&w, c.eof);
        assert_row(client_has(&c, line), sizes[i].name);
        free_request(request);
        client_close(&c);
        world_close(&w);
    }
}

/* A first line that never ends is given up at the limit, not at the deadline. */
static void test_endless_line(void **state)
{
    struct world w;
    struct client c;
    char junk[1024];

    (void)state;
    memset(junk, 'j', sizeof junk);
    world_open(&w, NULL);
    client_open(&c, &w);
    for (unsigned i = 0; i < 64; i++)
        client_send(&c, view_of(junk, sizeof junk));
    WORLD_UNTIL(&w, c.eof);
    assert_true(client_has(&c, "HTTP/1.1 414 URI Too Long\r\n"));
    client_close(&c);
    world_close(&w);
}

/* ---- bodies ---- */

static const struct {
    const char *name, *request, *body;
} bodies[] = {
    {"none", "DELETE / HTTP/1.1\r\nHost: a\r\n\r\n", ""},
    {"length 0", "DELETE / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", ""},
    {"length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", "hello"},
    {"chunked",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
     "hello"},
    {"chunked, empty", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     ""},
    {"with OPTIONS", "OPTIONS / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx", "x"},
    {"at the limit",
     "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n"
     "0123456789012345678901234567890123456789012345678901234567890123456789"
     "012345678901234567890123456789",
     "0123456789012345678901234567890123456789012345678901234567890123456789"
     "012345678901234567890123456789"},
};

static void check_bodies(void (*serve)(struct item *item))
{
    struct world w;
    struct client c;

    world_open(&w, NULL);
    w.serve = serve;
    client_open(&c, &w);
    for (unsigned i = 0; i < ARRAY_LEN(bodies); i++) {
        client_send_str(&c, bodies[i].request);
        WORLD_UNTIL(&w, w.count == i + 1 && w.items[i].sent);
        assert_row(w.items[i].body_last, bodies[i].name);
        assert_row(view_eq(buf_view(&w.items[i].body), view_str(bodies[i].body)), bodies[i].name);
        if (serve == serve_whole)
            assert_row(w.items[i].pieces == 1, bodies[i].name);
    }
    client_close(&c);
    world_close(&w);
}

static void test_bodies_whole(void **state)
{
    (void)state;
    check_bodies(serve_whole);
}

static void test_bodies_streamed(void **state)
{
    (void)state;
    check_bodies(serve_stream);
}

static const struct {
    const char *name, *request, *code;
    int status;
} bad_bodies[] = {
    {"declared over", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\n\r\n",
     "http.body_too_large", 413},
    {"chunks over",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
     "65\r\n0123456789012345678901234567890123456789012345678901234567890123456789"
     "0123456789012345678901234567890",
     "http.body_too_large", 413},
    {"a broken chunk",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxx\r\n", "http.bad_body",
     400},
    {"no size", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx",
     "http.bad_body", 400},
};

static void check_bad_bodies(void (*serve)(struct item *item))
{
    for (size_t i = 0; i < ARRAY_LEN(bad_bodies); i++) {
        struct world w;
        struct client c;
        char line[32];

        world_open(&w, NULL);
        w.serve = serve;
        client_open(&c, &w);
        client_send_str(&c, bad_bodies[i].request);
        WORLD_UNTIL(&w, c.eof);
        (void)snprintf(line, sizeof line, "HTTP/1.1 %d ", bad_bodies[i].status);
        assert_row(client_has(&c, line), bad_bodies[i].name);
        assert_row(client_has(&c, "Connection: close\r\n"), bad_bodies[i].name);
        assert_row(w.count == 1, bad_bodies[i].name);
        assert_string_equal(w.items[0].fault, bad_bodies[i].code);
        assert_row(!w.items[0].body_last, bad_bodies[i].name);
        WORLD_UNTIL(&w, w.items[0].sent);
        client_close(&c);
        world_close(&w);
    }
}

static void test_bad_bodies(void **state)
{
    (void)state;
    check_bad_bodies(serve_whole);
    check_bad_bodies(serve_stream);
}

static void test_continue(void **state)
{
    struct world w;
    struct client c;

    (void)state;
    world_open(&w, NULL);
    w.serve = serve_whole;
    client_open(&c, &w);
    client_send_str(&c, "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                        "Content-Length: 5\r\n\r\n");
    WORLD_UNTIL(&w, client_has(&c, "HTTP/1.1 100 Continue\r\n\r\n"));
    client_send_str(&c, "hello");
    WORLD_UNTIL(&w, client_has(&c, "\r\n\r\nhello"));
    /* The body is there already: nothing to ask for. */
    client_send_str(&c, "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                        "Content-Length: 5\r\n\r\nworld");
    WORLD_UNTIL(&w, client_has(&c, "\r\n\r\nworld"));
    assert_int_equal(client_count(&c, "100 Continue"), 1);
    client_close(&c);
    world_close(&w);
}

/* Who is refused isn't asked for the body, and the connection ends: nobody knows whether it comes.
 */
static void test_no_continue_for_the_refused(void **state)
{
    struct world w;
    struct client c;

    (void)state;
    world_open(&w, NULL);
    client_open(&c, &w);
    client_send_str(&c, "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                        "Content-Length: 5\r\n\r\n");
    WORLD_UNTIL(&w, c.eof);
    assert_true(client_has(&c, "HTTP/1.1 200 OK\r\n"));
    assert_true(client_has(&c, "Connection: close\r\n"));
    assert_false(client_has(&c, "100 Continue"));
    client_close(&c);

    w.serve = serve_whole;
    client_open(&c, &w);
    client_send_str(&c, "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                        "Content-Length: 101\r\n\r\n");
    WORLD_UNTIL(&w, c.eof);
    assert_true(client_has(&c, "HTTP/1.1 413 Content Too Large\r\n"));
    assert_false(client_has(&c, "100 Continue"));
    client_close(&c);
    world_close(&w);
}

/* Refused without a look at the body: what is there already is dropped, and the connection stays;
 * what isn't there ends it. */
static void test_unread_body(void **state)
{
    struct world w;
    struct client c;

    (void)state;
    world_open(&w, NULL);
    client_open(&c, &w);
    client_send_str(&c, "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello" GET("/2"));
    WORLD_UNTIL(&w, client_has(&c, "GET /2"));
    assert_false(client_has(&c, "Connection: close"));
    w.serve = serve_later;
    client_send_str(&c, "POST /3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    WORLD_UNTIL(&w, w.count == 3);
    client_send_str(&c, "1\r\nx\r\n0\r\n\r\n" GET("/4"));
    world_settle(&w);
    answer_ok(&w.items[2]); /* from outside of a callback */
    WORLD_UNTIL(&w, w.count == 4);
    assert_string_equal(w.items[3].line, "GET /4");
    answer_ok(&w.items[3]);
    w.serve = serve_ok;
    client_send_str(&c, "POST /5 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhell");
    WORLD_UNTIL(&w, c.eof);
    assert_true(client_has(&c, "POST /5"));
    assert_int_equal(client_count(&c, "Connection: close"), 1);
    client_close(&c);
    world_close(&w);
}

/* A big upload that is refused at once: the client can finish sending and sees the answer. */
static void test_refused_upload_sees_the_answer(void **state)
{
    enum { UPLOAD = 200 * 1024 };
    char *junk = calloc(1, UPLOAD);
    struct world w;
    struct client c;

    (void)state;
    assert_non_null(junk);
    world_open(&w, NULL);
    w.serve = serve_whole;
    client_open(&c, &w);
    client_send_str(&c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 204800\r\n\r\n");
    client_send(&c, view_of(junk, UPLOAD));
    WORLD_UNTIL(&w, c.eof || c.failed);
    assert_true(c.eof);
    assert_true(client_has(&c, "HTTP/1.1 413 "));
    client_close(&c);
    WORLD_UNTIL(&w, front_connections(w.front) == 0);
    free(junk);
    world_close(&w);
}

/* More than the bound isn't drained. */
static void test_drain_is_bounded(void **state)
{
    enum { PIECE = 64 * 1024 };
    char *junk = calloc(1, PIECE);
    struct world w;
    struct client c;
    size_t sent = 0;

    (void)state;
    assert_non_null(junk);
    world_open(&w, NULL);
    w.serve = serve_whole;
    client_open(&c, &w);
    client_send_str(&c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1073741824\r\n\r\n");
    while (front_connections(w.front) > 0 || w.count == 0) {
        client_send(&c, view_of(junk, PIECE));
        sent += PIECE;
        world_settle(&w);
        assert_true(sent < (size_t)64 << 20);
    }
    free(junk);
    client_close(&c);
    world_close(&w);
}

/* ---- back-pressure ---- */

static void take_and_pause(struct item *item, struct view data, bool last)
{
    (void)data;
    if (!last)
        front_pause(item->x, true);
}

static void serve_paused(struct item *item)
{
    item->world->take = take_and_pause;
    front_read_body(item->x, FRONT_STREAM, UINT64_MAX);
}

/* A paused upload holds the client back; memory stays bounded; nothing is lost. */
static void test_pause(void **state)
{
    enum { UPLOAD = 12 << 20 };
    char *junk = malloc(UPLOAD);
    size_t sent = 0, before;
    struct world w;
    struct client c;
    struct item *item = &w.items[0];

    (void)state;
    assert_non_null(junk);
    for (size_t i = 0; i < UPLOAD; i++)
        junk[i] = (char)(i * 7 + i / 251);
    world_open(&w, NULL);
    w.serve = serve_paused;
    client_open(&c, &w);
    client_send_str(&c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 12582912\r\n\r\n");
    for (unsigned idle = 0; idle < 50 && sent < UPLOAD;) {
        ssize_t n = send(c.fd, junk + sent, UPLOAD - sent, MSG_NOSIGNAL | MSG_DONTWAIT);

        world_settle(&w);
        idle = n > 0 ? 0 : idle + 1;
        sent += n > 0 ? (size_t)n : 0;
    }
    assert_true(sent < UPLOAD); /* held back by the sockets' buffers alone */
    assert_int_equal(item->pieces, 1);
    assert_true(item->body.len <= 64 * 1024);
    before = item->body.len;
    world_settle(&w);
    assert_int_equal(item->body.len, before);
    while (!item->body_last) {
        if (sent < UPLOAD) {
            ssize_t n = send(c.fd, junk + sent, UPLOAD - sent, MSG_NOSIGNAL | MSG_DONTWAIT);

            sent += n > 0 ? (size_t)n : 0;
        }
        front_pause(item->x, false);
        world_turn(&w, "the upload", __FILE__, __LINE__);
    }
    assert_int_equal(item->body.len, UPLOAD);
    assert_memory_equal(item->body.ptr, junk, UPLOAD);
    answer(item, 200, "all of it");
    WORLD_UNTIL(&w, client_has(&c, "all of it"));
    assert_false(client_has(&c, "Connection: close"));
    free(junk);
    client_close(&c);
    world_close(&w);
}

/* No piece comes while it is paused, also not of what was read already. */
static void test_pause_between_chunks(void **state)
{
    struct world w;
    struct client c;

    (void)state;
    world_open(&w, NULL);
    w.serve = serve_paused;
    client_open(&c, &w);
    client_send_str(&c, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                        "1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n");
    for (unsigned i = 1; i <= 3; i++) {
        WORLD_UNTIL(&w, w.items[0].pieces == i);
        world_settle(&w);
        assert_int_equal(w.items[0].pieces, i);
        front_pause(w.items[0].x, false);
        assert_int_equal(w.items[0].pieces, i);
    }
    WORLD_UNTIL(&w, w.items[0].body_last);
    assert_view(buf_view(&w.items[0].body), "abc");
    client_close(&c);
    world_close(&w);
}

/* Pipelined bytes are bounded, too, while a request waits for its answer. */
static void test_unread_requests_are_bounded(void **state)
{
    enum { PIECE = 64 * 1024 };
    char *junk = malloc(PIECE);
    size_t sent = 0;
    struct world w;
    struct client c;

    (void)state;
    assert_non_null(junk);
    memset(junk, 'A', PIECE);
    world_open(&w, NULL);
    w.serve = serve_later;
    client_open(&c, &w);
    client_send_str(&c, GET("/1"));
    WORLD_UNTIL(&w, w.count == 1);
    for (unsigned idle = 0; idle < 50;) {
        ssize_t n = send(c.fd, junk, PIECE, MSG_NOSIGNAL | MSG_DONTWAIT);

        world_settle(&w);
        idle = n > 0 ? 0 : idle + 1;
        sent += n > 0 ? (size_t)n : 0;
        assert_true(sent < (size_t)64 << 20);
    }
    answer_ok(&w.items[0]);
    WORLD_UNTIL(&w, client_has(&c, "HTTP/1.1 414 ") || c.eof || c.failed);
    free(junk);
    client_close(&c);
    world_close(&w);
}

/* Kept bytes that fill their buffer exactly: the next read makes it grow and finds nothing. The
 * bytes were once looked for where they had been before. */
static void test_kept_bytes_move(void **state)
{
    struct view request = big_request(4096 - 43, 1);
    struct world w;
    struct client c;

    (void)state;
    assert_int_equal(request.len, 4096); /* a power of two, as the buffer's sizes are */
    world_open(&w, NULL);
    w.serve = serve_later;
    client_open(&c, &w);
    client_send_str(&c, GET("/1"));
    WORLD_UNTIL(&w, w.count == 1);
    client_send(&c, request);
    world_settle(&w);
    answer_ok(&w.items[0]);
    WORLD_UNTIL(&w, w.count == 2);
    assert_string_equal(w.items[1].line, "GET /");
    free_request(request);
    client_close(&c);
    world_close(&w);
}

static void on_poke(evutil_socket_t fd, short what, void *arg)
{
    char byte;

    (void)what;
    assert_int_equal(read(fd, &byte, 1), 1);
    answer_ok(arg);
}

/* An answer drops the unread body; bytes that are read before the connection has its turn again
 * must not bring it back. */
static void test_read_right_behind_an_answer(void **state)
{
    struct event *poked;
    struct world w;
    struct client c;
    int ends[2];

    (void)state;
    world_open(&w, NULL);
    w.serve = serve_later;
    client_open(&c, &w);
    client_send_str(&c, "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
    WORLD_UNTIL(&w, w.count == 1);
    assert_int_equal(pipe(ends), 0);
    poked = event_new(w.base, ends[0], EV_READ, on_poke, &w.items[0]);
    (void)event_add(poked, NULL);
    world_settle(&w);
    /* Both are ready in one turn of the loop, in this order. */
    assert_int_equal(write(ends[1], "x", 1), 1);
    client_send_str(&c, GET("/2"));
    WORLD_UNTIL(&w, w.count == 2);
    assert_string_equal(w.items[1].line, "GET /2");
    assert_null(w.items[1].fault);
    event_free(poked);
    (void)close(ends[0]);
    (void)close(ends[1]);
    client_close(&c);
    world_close(&w);
}

/* Behind the end of its reply an exchange gets no more of the body. */
static void test_no_body_behind_the_reply(void **state)
{
    enum { LARGE = 8 << 20 };
    char *large = calloc(1, LARGE);
    const struct front_reply reply = {.status = 200};
    struct world w;
    struct client c;

    (void)state;
    assert_non_null(large);
    world_open(&w, NULL);
    w.serve = serve_later;
    client_open(&c, &w);
    client_watch(&c, false);
    client_send_str(&c, "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello");
    WORLD_UNTIL(&w, w.count == 1);
    front_read_body(w.items[0].x, FRONT_STREAM, 100);
    WORLD_UNTIL(&w, w.items[0].pieces == 1);
    front_reply_begin(w.items[0].x, &reply, LARGE);
    (void)!front_reply_data(w.items[0].x, view_of(large, LARGE));
    front_reply_end(w.items[0].x); /* most of it is queued */
    client_send_str(&c, "world");
    world_settle(&w);
    assert_false(w.items[0].gone || w.items[0].sent);
    assert_int_equal(w.items[0].pieces, 1);
    free(large);
    client_close(&c);
    world_close(&w);
}

/* ---- bad heads ---- */

static const struct {
    const char *name, *bytes, *code;
    int status;
} bad_heads[] = {
    {"CL and TE",
     "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: "
     "chunked\r\n\r\n0\r\n\r\n",
     "http.ambiguous_length", 400},
    {"bare LF", "GET / HTTP/1.1\nHost: a\n\n", "http.bad_request_line", 400},
    {"no Host", "GET / HTTP/1.1\r\n\r\n", "http.bad_host", 400},
    {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "http.upgrade", 501},
    {"CONNECT", "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", "http.method", 501},
    {"HTTP/3.0", "GET / HTTP/3.0\r\nHost: a\r\n\r\n", "http.version", 505},
    {"Expect", "POST / HTTP/1.1\r\nHost: a\r\nExpect: x\r\n\r\n", "http.expectation", 417},
    {"a TLS hello", "\x16\x03\x01\n", "http.bad_request_line", 400},
    {"two empty lines", "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "http.bad_request_line", 400},
};

/* Also behind a good request on the same connection, and with a request behind it, which must not
 * be served. */
static void test_bad_heads(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad_heads); i++) {
        struct world w;
        struct client c;
        struct front_counts counts;
        char line[32];

        world_open(&w, NULL);
        client_open(&c, &w);
        client_send_str(&c, GET("/good"));
        client_send_str(&c, bad_heads[i].bytes);
        client_send_str(&c, GET("/smuggled"));
        WORLD_UNTIL(&w, c.eof || c.failed);
        assert_row(c.eof, bad_heads[i].name);
        (void)snprintf(line, sizeof line, "HTTP/1.1 %d ", bad_heads[i].status);
        assert_row(client_has(&c, "GET /good"), bad_heads[i].name);
        assert_row(client_has(&c, line), bad_heads[i].name);
        assert_row(client_has(&c, "Connection: close\r\n"), bad_heads[i].name);
        assert_row(w.count == 2, bad_heads[i].name);
        assert_string_equal(w.items[1].fault, bad_heads[i].code);
        assert_row(w.items[1].sent, bad_heads[i].name);
        front_counts(w.front, &counts);
        assert_int_equal(counts.requests, 1);
        assert_int_equal(counts.faults, 1);
        client_close(&c);
        world_close(&w);
    }
}

static const char *const bad_head_requests[] = {
    "HEAD / HTTP/1.1\r\n\r\n",
    "HEAD / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
    "\r\nHEAD / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n",
    "HEAD / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n",
    "HEAD / HTTP/3.0\r\nHost: a\r\n\r\n",
};

/* The answer to a HEAD has no body, though it can't be parsed: a client would read that as the next
 * answer. */
static void test_bad_heads_of_head(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad_head_requests); i++) {
        struct world w;
        struct client c;

        world_open(&w, NULL);
        client_open(&c, &w);
        client_send_str(&c, bad_head_requests[i]);
        WORLD_UNTIL(&w, c.eof || c.failed);
        assert_row(c.eof && client_has(&c, "HTTP/1.1 "), bad_head_requests[i]);
        assert_row(w.count == 1 && w.items[0].fault != NULL, bad_head_requests[i]);
        assert_row(!client_has(&c, w.items[0].fault), bad_head_requests[i]);
        client_close(&c);
        world_close(&w);
    }
}

/* An arena that can't hold the head. */
static void test_head_over_memory(void **state)
{
    struct front_limits limits = world_limits;
    struct view request = big_request(20480, 1);
    struct world w;
    struct client c;

    (void)state;
    limits.arena = 16384;
    world_open(&w, &limits);
    client_open(&c, &w);
    client_send(&c, request);
    WORLD_UNTIL(&w, c.eof);
    assert_true(client_has(&c, "HTTP/1.1 503 "));
    assert_true(client_has(&c, "http.no_memory"));
    free_request(request);
    client_close(&c);
    world_close(&w);
}

/* What a large head took isn't kept for the small ones that follow, be it the first block of the
 * exchange's arena; a usual block is. */
static void test_memory_of_large_heads_is_given_back(void **state)
{
    struct view large = big_request(32768, 8000), small = big_request(10, 1);
    struct world w;
    struct client c;

    (void)state;
    world_open(&w, NULL);
    client_open(&c, &w);
    client_send(&c, large);
    WORLD_UNTIL(&w, client_count(&c, "HTTP/1.1 200 OK\r\n") == 1);
    assert_int_equal(SLIST_FIRST(&w.front->spare)->arena.used_bytes, 0);
    client_send(&c, small);
    WORLD_UNTIL(&w, client_count(&c, "HTTP/1.1 200 OK\r\n") == 2);
    assert_in_range(SLIST_FIRST(&w.front->spare)->arena.used_bytes, FRONT_BLOCK_BYTES,
                    FRONT_SPARE_BYTES);
    free_request(large);
    free_request(small);
    client_close(&c);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keep_alive),
        cmocka_unit_test(test_facts),
        cmocka_unit_test(test_exchange_outlives_connection),
        cmocka_unit_test(test_pipelining),
        cmocka_unit_test(test_many_pipelined),
        cmocka_unit_test(test_pipelining_first_late),
        cmocka_unit_test(test_byte_by_byte),
        cmocka_unit_test(test_huge_tokens),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_endless_line),
        cmocka_unit_test(test_bodies_whole),
        cmocka_unit_test(test_bodies_streamed),
        cmocka_unit_test(test_bad_bodies),
        cmocka_unit_test(test_continue),
        cmocka_unit_test(test_no_continue_for_the_refused),
        cmocka_unit_test(test_unread_body),
        cmocka_unit_test(test_refused_upload_sees_the_answer),
        cmocka_unit_test(test_drain_is_bounded),
        cmocka_unit_test(test_pause),
        cmocka_unit_test(test_pause_between_chunks),
        cmocka_unit_test(test_unread_requests_are_bounded),
        cmocka_unit_test(test_kept_bytes_move),
        cmocka_unit_test(test_read_right_behind_an_answer),
        cmocka_unit_test(test_no_body_behind_the_reply),
        cmocka_unit_test(test_bad_heads),
        cmocka_unit_test(test_bad_heads_of_head),
        cmocka_unit_test(test_head_over_memory),
        cmocka_unit_test(test_memory_of_large_heads_is_given_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
