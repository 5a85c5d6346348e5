/* SPDX-License-Identifier: Apache-2.0
 * Replies: whole and streamed, to clients that read slowly, went away, speak HTTP/1.0, or closed
 * their side. */
#include <stdlib.h>
#include <sys/socket.h>

#include "front/world.h"

#define GET(path)     "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"
#define GET_1_0(path) "GET " path " HTTP/1.0\r\nHost: a\r\n\r\n"
#define KEEP_1_0      "GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n"

/* ---- one reply, its exact bytes but for Date ---- */

struct plan {
    const char *name, *request;
    unsigned status;
    bool streamed, close;
    uint64_t length; /* of a streamed one */
    const char *pieces[3];
    const char *head, *body; /* what must come: the head behind its Date, then the body */
    bool ends;
};

static const struct plan plans[] = {
    {"whole", GET("/"), 200, false, false, 0, {"hello"}, "Content-Length: 5\r\n", "hello", false},
    {"whole, empty", GET("/"), 200, false, false, 0, {""}, "Content-Length: 0\r\n", "", false},
    {"close",
     GET("/"),
     200,
     false,
     true,
     0,
     {"hello"},
     "Content-Length: 5\r\nConnection: close\r\n",
     "hello",
     true},
    {"asked to close",
     "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
     200,
     false,
     false,
     0,
     {"hello"},
     "Content-Length: 5\r\nConnection: close\r\n",
     "hello",
     true},
    {"HEAD",
     "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n",
     200,
     false,
     false,
     0,
     {"hello"},
     "Content-Length: 5\r\n",
     "",
     false},
    {"204", "DELETE / HTTP/1.1\r\nHost: a\r\n\r\n", 204, false, false, 0, {""}, "", "", false},
    {"304", GET("/"), 304, false, false, 0, {""}, "", "", false},
    {"204 with a body by mistake", GET("/"), 204, false, false, 0, {"oops"}, "", "", false},
    {"1.0",
     GET_1_0("/"),
     200,
     false,
     false,
     0,
     {"hello"},
     "Content-Length: 5\r\nConnection: close\r\n",
     "hello",
     true},
    {"1.0 keep-alive",
     KEEP_1_0,
     200,
     false,
     false,
     0,
     {"hello"},
     "Content-Length: 5\r\nConnection: keep-alive\r\n",
     "hello",
     false},
    {"streamed, length",
     GET("/"),
     200,
     true,
     false,
     10,
     {"hello", "", "world"},
     "Content-Length: 10\r\n",
     "helloworld",
     false},
    {"streamed, length 0",
     GET("/"),
     200,
     true,
     false,
     0,
     {NULL},
     "Content-Length: 0\r\n",
     "",
     false},
    {"streamed, chunked",
     GET("/"),
     200,
     true,
     false,
     UINT64_MAX,
     {"hello", "", " wide world"},
     "Transfer-Encoding: chunked\r\n",
     "5\r\nhello\r\nb\r\n wide world\r\n0\r\n\r\n",
     false},
    {"streamed, chunked, empty",
     GET("/"),
     200,
     true,
     false,
     UINT64_MAX,
     {NULL},
     "Transfer-Encoding: chunked\r\n",
     "0\r\n\r\n",
     false},
    {"streamed, close",
     GET("/"),
     200,
     true,
     true,
     UINT64_MAX,
     {"hello"},
     "Transfer-Encoding: chunked\r\nConnection: close\r\n",
     "5\r\nhello\r\n0\r\n\r\n",
     true},
    {"streamed, HEAD",
     "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n",
     200,
     true,
     false,
     1234,
     {NULL},
     "Content-Length: 1234\r\n",
     "",
     false},
    {"streamed, HEAD, no length",
     "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n",
     200,
     true,
     false,
     UINT64_MAX,
     {NULL},
     "",
     "",
     false},
    {"streamed, HEAD, data by mistake",
     "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n",
     200,
     true,
     false,
     5,
     {"hello"},
     "Content-Length: 5\r\n",
     "",
     false},
    {"streamed, 304", GET("/"), 304, true, false, 1234, {NULL}, "", "", false},
    {"streamed, 204", GET("/"), 204, true, false, UINT64_MAX, {NULL}, "", "", false},
    {"streamed, 1.0",
     GET_1_0("/"),
     200,
     true,
     false,
     UINT64_MAX,
     {"hello", "world"},
     "Connection: close\r\n",
     "helloworld",
     true},
    {"streamed, 1.0 keep-alive without a length",
     KEEP_1_0,
     200,
     true,
     false,
     UINT64_MAX,
     {"hello", "world"},
     "Connection: close\r\n",
     "helloworld",
     true},
    {"streamed, 1.0 keep-alive with a length",
     KEEP_1_0,
     200,
     true,
     false,
     5,
     {"hello"},
     "Content-Length: 5\r\nConnection: keep-alive\r\n",
     "hello",
     false},
};

static const struct plan *plan;

static void follow_plan(struct item *item)
{
    /* What front makes itself is left out, wherever it came from. */
    const struct http1_field fields[] = {
        {VIEW("X-Kept"), VIEW("1"), HTTP1_OTHER},
        {VIEW("Content-Length"), VIEW("99"), HTTP1_CONTENT_LENGTH},
        {VIEW("Transfer-Encoding"), VIEW("chunked"), HTTP1_TRANSFER_ENCODING},
        {VIEW("Connection"), VIEW("x"), HTTP1_CONNECTION},
        {VIEW("Date"), VIEW("never"), HTTP1_DATE},
    };
    struct front_reply reply = {
        .status = plan->status, .fields = fields, .count = ARRAY_LEN(fields), .close = plan->close};

    if (!plan->streamed) {
        reply.body = view_str(plan->pieces[0]);
        front_reply(item->x, &reply);
        return;
    }
    front_reply_begin(item->x, &reply, plan->length);
    for (size_t i = 0; i < ARRAY_LEN(plan->pieces) && plan->pieces[i] != NULL; i++)
        assert_true(front_reply_data(item->x, view_str(plan->pieces[i])));
    front_reply_end(item->x);
    assert_false(item->sent); /* never from within */
}

/* The same with the loop turned between the pieces, from outside of the handler. */
static void follow_slowly(struct world *w)
{
    const struct front_reply reply = {.status = plan->status, .close = plan->close};
    struct item *item = &w->items[0];

    front_reply_begin(item->x, &reply, plan->length);
    for (size_t i = 0; i < ARRAY_LEN(plan->pieces) && plan->pieces[i] != NULL; i++) {
        world_settle(w);
        assert_true(front_reply_data(item->x, view_str(plan->pieces[i])));
    }
    world_settle(w);
    front_reply_end(item->x);
}

static void check_reply(const struct client *c, bool kept)
{
    static const char date[] = "Date: ";
    struct view got = buf_view(&c->in);
    struct buf want;
    const char *at = memmem(got.ptr, got.len, date, sizeof date - 1);

    assert_row(at != NULL, plan->name);
    buf_init(&want, 4096);
    buf_printf(&want, "HTTP/1.1 %u %s\r\n%s", plan->status, http1_phrase(plan->status),
               kept ? "X-Kept: 1\r\n" : "");
    assert_row(view_eq(view_of(got.ptr, (size_t)(at - got.ptr)), buf_view(&want)), plan->name);
    buf_clear(&want);
    buf_printf(&want, "%s\r\n%s", plan->head, plan->body);
    /* "Date: Mon, 23 Nov 2026 15:16:03 GMT" CRLF */
    got = view_from(got, (size_t)(at - got.ptr) + 37);
    check_views(got, buf_view(&want), plan->name, __FILE__, __LINE__);
    buf_done(&want);
}

static void run_plan(bool slowly)
{
    struct world w;
    struct client c;

    world_open(&w, NULL);
    w.serve = slowly ? serve_later : follow_plan;
    client_open(&c, &w);
    client_send_str(&c, plan->request);
    WORLD_UNTIL(&w, w.count == 1);
    if (slowly)
        follow_slowly(&w);
    WORLD_UNTIL(&w, w.items[0].sent);
    if (plan->ends) {
        WORLD_UNTIL(&w, c.eof);
        check_reply(&c, !slowly);
    } else {
        size_t len;

        /* The next request on the same connection shows where the reply ended. */
        w.serve = serve_ok;
        client_send_str(&c, GET("/next"));
        WORLD_UNTIL(&w, client_has(&c, "GET /next"));
        len = (size_t)((char *)memmem(c.in.ptr + 1, c.in.len - 1, "HTTP/1.1 200 OK\r\nContent-Type",
                                      29) -
                       c.in.ptr);
        c.in.len = len;
        check_reply(&c, !slowly);
    }
    client_close(&c);
    world_close(&w);
}

static void test_exact_replies(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(plans); i++) {
        plan = &plans[i];
        run_plan(false);
        if (plan->streamed)
            run_plan(true);
    }
}

/* ---- slow readers ---- */

enum { PIECE = 32 * 1024, ENDLESS = 48 << 20 };

static char piece[PIECE];

static void pour(struct item *item)
{
    bool more = true;

    while (more && item->streamed < ENDLESS) {
        size_t i;

        for (i = 0; i < PIECE; i++)
            piece[i] = (char)((item->streamed + i) % 251);
        more = front_reply_data(item->x, view_of(piece, PIECE));
        item->streamed += PIECE;
    }
    if (item->streamed == ENDLESS)
        front_reply_end(item->x);
}

static void check_poured(const struct client *c, size_t head)
{
    for (size_t i = 0; i < ENDLESS; i++)
        if (c->in.ptr[head + i] != (char)(i % 251))
            fail_msg("byte %zu differs", i);
}

/* A reader that stops stops the producer; memory is bounded; on_drained wakes it. */
static void test_slow_reader(void **state)
{
    const struct front_reply reply = {.status = 200};
    const int small = 16 * 1024;
    struct world w;
    struct client c;
    struct item *item = &w.items[0];
    unsigned drained = 0;
    size_t stopped_at;
    const char *end;

    (void)state;
    world_open(&w, NULL);
    w.serve = serve_later;
    client_open(&c, &w);
    (void)setsockopt(c.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    client_watch(&c, false);
    client_send_str(&c, GET("/"));
    WORLD_UNTIL(&w, w.count == 1);
    front_reply_begin(item->x, &reply, ENDLESS);
    pour(item);
    for (unsigned idle = 0; idle < 50; idle++) {
        world_settle(&w);
        if (item->drained > drained) {
            drained = item->drained;
            idle = 0;
            pour(item);
        }
    }
    stopped_at = item->streamed;
    assert_true(stopped_at < ENDLESS / 2);
    client_watch(&c, true);
    while (!item->sent) {
        world_turn(&w, "the slow reader", __FILE__, __LINE__);
        if (item->drained > drained && item->streamed < ENDLESS) {
            drained = item->drained;
            pour(item);
        }
    }
    assert_true(drained > 0);
    WORLD_UNTIL(&w, c.in.len > ENDLESS);
    end = memmem(c.in.ptr, 4096, "\r\n\r\n", 4);
    assert_non_null(end);
    WORLD_UNTIL(&w, c.in.len == (size_t)(end - c.in.ptr) + 4 + ENDLESS);
    check_poured(&c, (size_t)(end - c.in.ptr) + 4);
    client_close(&c);
    world_close(&w);
}

/* A whole reply that the socket doesn't take at once is copied and comes whole. */
static void test_large_whole_reply(void **state)
{
    enum { LARGE = 6 << 20 };
    char *large = malloc(LARGE);
    struct front_reply reply = {.status = 200};
    struct world w;
    struct client c;

    (void)state;
    assert_non_null(large);
    for (size_t i = 0; i < LARGE; i++)
        large[i] = (char)(i % 241);
    reply.body = view_of(large, LARGE);
    world_open(&w, NULL);
    w.serve = serve_later;
    client_open(&c, &w);
    client_watch(&c, false);
    client_send_str(&c, GET("/") GET("/next"));
    WORLD_UNTIL(&w, w.count == 1);
    front_reply(w.items[0].x, &reply);
    memset(large, 0, LARGE);
    world_settle(&w);
    assert_int_equal(w.count, 1); /* the next one waits */
    client_watch(&c, true);
    WORLD_UNTIL(&w, w.count == 2);
    assert_true(w.items[0].sent);
    answer_ok(&w.items[1]);
    WORLD_UNTIL(&w, client_has(&c, "GET /next"));
    for (size_t i = 0; i < LARGE; i++)
        large[i] = (char)(i % 241);
    assert_non_null(memmem(c.in.ptr, c.in.len, large, LARGE));
    free(large);
    client_close(&c);
    world_close(&w);
}

/* Who goes on although told to wait loses the connection, not the memory of all. */
static void test_producer_out_of_bounds(void **state)
{
    const struct front_reply reply = {.status = 200};
    struct world w;
    struct client c;
    size_t poured = 0;

    (void)state;
    world_open(&w, NULL);
    w.serve = serve_later;
    client_open(&c, &w);
    client_watch(&c, false);
    client_send_str(&c, GET("/"));
    WORLD_UNTIL(&w, w.count == 1);
    front_reply_begin(w.items[0].x, &reply, UINT64_MAX);
    while (!w.items[0].gone) {
        for (unsigned i = 0; i < 16; i++) {
            (void)!front_reply_data(w.items[0].x, view_of(piece, PIECE));
            poured += PIECE;
        }
        world_settle(&w);
        assert_true(poured < (size_t)256 << 20);
    }
    assert_int_equal(front_connections(w.front), 0);
    client_close(&c);
    world_close(&w);
}

/* ---- clients that go ---- */

static void test_gone_while_waiting(void **state)
{
    struct world w;
    struct client c;

    (void)state;
    world_open(&w, NULL);
    w.serve = serve_later;
    w.keep = true;
    client_open(&c, &w);
    client_send_str(&c, GET("/kept"));
    WORLD_UNTIL(&w, w.count == 1);
    client_reset(&c);
    WORLD_UNTIL(&w, w.items[0].gone);
    assert_int_equal(front_connections(w.front), 0);
    /* Head and arena live on; replies go nowhere. */
    assert_view(front_request(w.items[0].x)->path, "/kept");
    assert_int_equal(strncmp(front_client(w.items[0].x), "127.0.0.1:", 10), 0);
    answer_ok(&w.items[0]);
    assert_true(front_reply_data(w.items[0].x, VIEW("x")));
    front_reply_end(w.items[0].x);
    front_reply_abort(w.items[0].x);
    front_pause(w.items[0].x, true);
    world_settle(&w);
    assert_false(w.items[0].sent);
    world_close(&w);
}

static void test_gone_while_streaming(void **state)
{
    const struct front_reply reply = {.status = 200};
    struct world w;
    struct client c;

    (void)state;
    world_open(&w, NULL);
    w.serve = serve_later;
    client_open(&c, &w);
    client_send_str(&c, GET("/"));
    WORLD_UNTIL(&w, w.count == 1);
    front_reply_begin(w.items[0].x, &reply, UINT64_MAX);
    assert_true(front_reply_data(w.items[0].x, VIEW("some")));
    WORLD_UNTIL(&w, client_has(&c, "some"));
    client_reset(&c);
    WORLD_UNTIL(&w, w.items[0].gone);
    assert_int_equal(front_connections(w.front), 0);
    world_close(&w);
}

/* A client that closes for good is noticed when it is written to. */
static void test_closed_while_streaming(void **state)
{
    const struct front_reply reply = {.status = 200};
    struct world w;
    struct client c;

    (void)state;
    world_open(&w, NULL);
    w.serve = serve_later;
    client_open(&c, &w);
    client_send_str(&c, GET("/"));
    WORLD_UNTIL(&w, w.count == 1);
    front_reply_begin(w.items[0].x, &reply, UINT64_MAX);
    client_close(&c);
    while (!w.items[0].gone) {
        (void)!front_reply_data(w.items[0].x, view_of(piece, 16));
        world_settle(&w);
        assert_false(w.late);
    }
    world_close(&w);
}

static void test_gone_in_a_body(void **state)
{
    struct world w;
    struct client c;

    (void)state;
    for (unsigned reset = 0; reset < 2; reset++) {
        world_open(&w, NULL);
        w.serve = serve_whole;
        client_open(&c, &w);
        client_send_str(&c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhell");
        WORLD_UNTIL(&w, w.count == 1);
        if (reset == 0)
            client_close(&c);
        else
            client_reset(&c);
        WORLD_UNTIL(&w, w.items[0].gone);
        assert_false(w.items[0].body_last);
        world_close(&w);
    }
}

/* FIN behind a whole request says only that no further request comes. */
static void test_half_close(void **state)
{
    struct world w;
    struct client c;

    (void)state;
    world_open(&w, NULL);
    w.serve = serve_later;
    client_open(&c, &w);
    client_send_str(&c, GET("/1") GET("/2"));
    client_send_end(&c);
    WORLD_UNTIL(&w, w.count == 1);
    world_settle(&w);
    assert_false(w.items[0].gone);
    answer_ok(&w.items[0]);
    WORLD_UNTIL(&w, w.count == 2);
    answer_ok(&w.items[1]);
    WORLD_UNTIL(&w, c.eof);
    assert_true(client_has(&c, "GET /1"));
    assert_true(client_has(&c, "GET /2"));
    assert_int_equal(client_count(&c, "Connection: close"), 1);
    assert_int_equal(front_connections(w.front), 0);
    client_close(&c);
    world_close(&w);
}

static void test_half_close_behind_a_body(void **state)
{
    struct world w;
    struct client c;

    (void)state;
    world_open(&w, NULL);
    w.serve = serve_whole;
    client_open(&c, &w);
    client_send_str(&c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
    client_send_end(&c);
    WORLD_UNTIL(&w, c.eof);
    assert_true(client_has(&c, "\r\n\r\nhello"));
    client_close(&c);
    world_close(&w);
}

/* Half a head and FIN: nobody to answer. */
static void test_end_in_a_head(void **state)
{
    struct world w;
    struct client c;

    (void)state;
    world_open(&w, NULL);
    client_open(&c, &w);
    client_send_str(&c, "GET / HTTP/1.1\r\nHo");
    client_send_end(&c);
    WORLD_UNTIL(&w, c.eof);
    assert_int_equal(c.in.len, 0);
    assert_int_equal(w.count, 0);
    client_close(&c);
    world_close(&w);
}

/* ---- broken off ---- */

static void start_reply(struct world *w, struct client *c, uint64_t length, const char *data)
{
    const struct front_reply reply = {.status = 200};

    world_open(w, NULL);
    w->serve = serve_later;
    client_open(c, w);
    client_send_str(c, GET("/"));
    WORLD_UNTIL(w, w->count == 1);
    front_reply_begin(w->items[0].x, &reply, length);
    assert_true(front_reply_data(w->items[0].x, view_str(data)));
    WORLD_UNTIL(w, client_has(c, data));
}

static void expect_broken(struct world *w, struct client *c)
{
    assert_false(w->items[0].gone); /* never from within */
    WORLD_UNTIL(w, c->eof || c->failed);
    assert_true(c->failed); /* a RST, nothing that looks like an end */
    assert_false(client_has(c, "0\r\n\r\n"));
    assert_true(w->items[0].gone);
    client_close(c);
    world_close(w);
}

static void test_abort(void **state)
{
    struct world w;
    struct client c;

    (void)state;
    start_reply(&w, &c, UINT64_MAX, "half");
    front_reply_abort(w.items[0].x);
    expect_broken(&w, &c);
}

static void test_less_than_announced(void **state)
{
    struct world w;
    struct client c;

    (void)state;
    start_reply(&w, &c, 5, "half");
    front_reply_end(w.items[0].x);
    expect_broken(&w, &c);
}

static void test_more_than_announced(void **state)
{
    struct world w;
    struct client c;

    (void)state;
    start_reply(&w, &c, 5, "half");
    (void)!front_reply_data(w.items[0].x, VIEW("too much"));
    expect_broken(&w, &c);
}

/* Finished in the middle: the connection ends, and no call comes for it. */
static void test_finished_in_the_middle(void **state)
{
    struct world w;
    struct client c;

    (void)state;
    start_reply(&w, &c, UINT64_MAX, "half");
    front_finish(w.items[0].x);
    w.items[0].x = NULL;
    WORLD_UNTIL(&w, c.failed);
    assert_false(w.items[0].gone || w.items[0].sent);
    assert_int_equal(front_connections(w.front), 0);
    client_close(&c);
    world_close(&w);
}

/* A body that breaks under a reply that has begun: there is no place for an error reply. */
static void test_fault_under_a_reply(void **state)
{
    const struct front_reply reply = {.status = 200};
    struct world w;
    struct client c;

    (void)state;
    world_open(&w, NULL);
    w.serve = serve_later;
    client_open(&c, &w);
    client_send_str(&c, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    WORLD_UNTIL(&w, w.count == 1);
    front_read_body(w.items[0].x, FRONT_STREAM, 100);
    front_reply_begin(w.items[0].x, &reply, UINT64_MAX);
    assert_true(front_reply_data(w.items[0].x, VIEW("early")));
    WORLD_UNTIL(&w, client_has(&c, "early"));
    assert_true(client_has(&c, "Connection: close\r\n")); /* the body isn't through */
    client_send_str(&c, "zzz\r\n");
    WORLD_UNTIL(&w, w.items[0].gone);
    assert_null(w.items[0].fault);
    WORLD_UNTIL(&w, c.failed || c.eof);
    assert_false(client_has(&c, "0\r\n\r\n"));
    client_close(&c);
    world_close(&w);
}

/* Both directions at once; the reply ends first. */
static void test_early_reply_to_an_upload(void **state)
{
    const struct front_reply reply = {.status = 200};
    struct world w;
    struct client c;

    (void)state;
    world_open(&w, NULL);
    w.serve = serve_later;
    client_open(&c, &w);
    client_send_str(&c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello");
    WORLD_UNTIL(&w, w.count == 1);
    front_read_body(w.items[0].x, FRONT_STREAM, 100);
    WORLD_UNTIL(&w, w.items[0].pieces == 1);
    front_pause(w.items[0].x, true);
    client_send_str(&c, "wor");
    world_settle(&w);
    front_reply_begin(w.items[0].x, &reply, 5);
    front_pause(w.items[0].x, false);
    WORLD_UNTIL(&w, w.items[0].pieces == 2);
    assert_view(buf_view(&w.items[0].body), "hellowor");
    assert_true(front_reply_data(w.items[0].x, VIEW("early")));
    front_reply_end(w.items[0].x);
    client_send_str(&c, "ld");
    WORLD_UNTIL(&w, c.eof);
    assert_true(client_has(&c, "\r\n\r\nearly"));
    assert_true(w.items[0].sent);
    client_close(&c);
    world_close(&w);
}

/* ---- exchanges nobody owns ---- */

static void serve_disowned(struct item *item)
{
    front_set_user(item->x, NULL);
    answer_ok(item);
    item->x = NULL; /* front finishes it */
}

static void test_no_user(void **state)
{
    struct world w;
    struct client c;

    (void)state;
    world_open(&w, NULL);
    w.serve = serve_disowned;
    client_open(&c, &w);
    client_send_str(&c, GET("/1") GET("/2"));
    WORLD_UNTIL(&w, client_has(&c, "GET /2"));
    assert_false(w.items[0].sent);
    client_close(&c);
    world_close(&w);
}

/* A reply whose head is too large to be made ends the connection. */
static void serve_too_much(struct item *item)
{
    enum { HUGE_VALUE = 2 << 20 };
    char *value = calloc(1, HUGE_VALUE);
    struct http1_field field = {VIEW("X"), {value, HUGE_VALUE}, HTTP1_OTHER};
    const struct front_reply reply = {.status = 200, .fields = &field, .count = 1};

    assert_non_null(value);
    memset(value, 'v', HUGE_VALUE);
    front_reply(item->x, &reply);
    free(value);
}

static void test_head_of_reply_too_large(void **state)
{
    struct world w;
    struct client c;

    (void)state;
    world_open(&w, NULL);
    w.serve = serve_too_much;
    client_open(&c, &w);
    client_send_str(&c, GET("/"));
    WORLD_UNTIL(&w, c.eof || c.failed);
    assert_int_equal(c.in.len, 0);
    assert_true(w.items[0].gone);
    client_close(&c);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact_replies),
        cmocka_unit_test(test_slow_reader),
        cmocka_unit_test(test_large_whole_reply),
        cmocka_unit_test(test_producer_out_of_bounds),
        cmocka_unit_test(test_gone_while_waiting),
        cmocka_unit_test(test_gone_while_streaming),
        cmocka_unit_test(test_closed_while_streaming),
        cmocka_unit_test(test_gone_in_a_body),
        cmocka_unit_test(test_half_close),
        cmocka_unit_test(test_half_close_behind_a_body),
        cmocka_unit_test(test_end_in_a_head),
        cmocka_unit_test(test_abort),
        cmocka_unit_test(test_less_than_announced),
        cmocka_unit_test(test_more_than_announced),
        cmocka_unit_test(test_finished_in_the_middle),
        cmocka_unit_test(test_fault_under_a_reply),
        cmocka_unit_test(test_early_reply_to_an_upload),
        cmocka_unit_test(test_no_user),
        cmocka_unit_test(test_head_of_reply_too_large),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
