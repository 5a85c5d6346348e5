/* SPDX-License-Identifier: Apache-2.0
 * Calls that work, connections that are used again or not, the retry rule, back-pressure, and the
 * bounds of the pool. */
#include <stdlib.h>

#include "upstream/inner.h"

#include "scene.h"

static struct scene scene;

#define READ_GET                \
    {                           \
        CLOUD_READ, GET_HEAD, 0 \
    }
#define READ_POST                       \
    {                                   \
        CLOUD_READ, POST_HEAD "body", 0 \
    }
#define SEND(text_)          \
    {                        \
        CLOUD_SEND, text_, 0 \
    }
#define END                \
    {                      \
        CLOUD_END, NULL, 0 \
    }
#define WAIT                \
    {                       \
        CLOUD_WAIT, NULL, 0 \
    }

static void open_with(const struct cloud_step *const *scripts, unsigned count)
{
    scene_open(&scene, scripts, count);
}

static void run_get(struct seen *seen)
{
    const struct upstream_order order = get_order();

    seen_init(seen);
    run(&scene, seen, &order);
}

static void test_framings(void **state)
{
    static const struct {
        const char *name, *method;
        struct cloud_step script[6];
        unsigned status;
        const char *body;
        bool reused;
    } rows[] = {
        {"length", "GET", {READ_GET, SEND(OK_2)}, 200, "ok", true},
        {"length 0",
         "GET",
         {READ_GET, SEND("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")},
         404,
         "",
         true},
        {"chunks",
         "GET",
         {READ_GET, SEND("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nok\r\n"),
          SEND("3\r\n, 2\r\n0\r\nTrailer: x\r\n\r\n")},
         200,
         "ok, 2",
         true},
        {"in pieces",
         "GET",
         {READ_GET, SEND("HTTP/1"), SEND(".1 200 OK\r\nContent-Length"), SEND(": 2\r\n\r\no"),
          SEND("k")},
         200,
         "ok",
         true},
        {"until close",
         "GET",
         {READ_GET, SEND("HTTP/1.1 200 OK\r\n\r\nall"), SEND(" of it")},
         200,
         "all of it",
         false},
        {"until close, nothing",
         "GET",
         {READ_GET, SEND("HTTP/1.1 200 OK\r\n\r\n")},
         200,
         "",
         false},
        {"said to close",
         "GET",
         {READ_GET, SEND("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")},
         200,
         "ok",
         false},
        {"1.0",
         "GET",
         {READ_GET, SEND("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok")},
         200,
         "ok",
         false},
        {"interim answers",
         "GET",
         {READ_GET, SEND("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\nHTT"),
          SEND("P/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok")},
         201,
         "ok",
         true},
        {"HEAD",
         "HEAD",
         {READ_GET, SEND("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")},
         200,
         "",
         true},
        {"204", "GET", {READ_GET, SEND("HTTP/1.1 204 No Content\r\n\r\n")}, 204, "", true},
        {"304",
         "GET",
         {READ_GET, SEND("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n")},
         304,
         "",
         true},
        {"something behind the answer", "GET", {READ_GET, SEND(OK_2 "x")}, 200, "ok", false},
        {"two answers at once", "GET", {READ_GET, SEND(OK_2 OK_2)}, 200, "ok", false},
    };
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(rows); i++) {
        const struct cloud_step *const script[] = {rows[i].script};
        struct upstream_order order = get_order();
        struct seen seen;

        order.method = view_str(rows[i].method);
        open_with(script, 1);
        seen_init(&seen);
        run(&scene, &seen, &order);
        assert_row(seen.ended, rows[i].name);
        assert_row(seen.heads == 1 && seen.status == rows[i].status, rows[i].name);
        assert_row(view_eq(buf_view(&seen.body), view_str(rows[i].body)), rows[i].name);
        assert_row(counts_of(&scene).connects == 1, rows[i].name);
        if (rows[i].reused) /* until the cloud's script ends it */
            RUN_UNTIL(&scene, counts_of(&scene).idle == 0);
        assert_row(counts_of(&scene).open == 0, rows[i].name);
        seen_done(&seen);
        scene_close(&scene);
    }
}

static void test_keep_alive_and_resumption(void **state)
{
    static const struct cloud_step two[] = {READ_GET, SEND(OK_2), READ_POST, SEND(OK_2), END};
    static const struct cloud_step *const script[] = {two};
    const struct upstream_order post = post_order();
    struct seen seen;
    int i;

    (void)state;
    open_with(script, 1);
    for (i = 0; i < 3; i++) {
        run_get(&seen);
        assert_true(seen.ended);
        seen_done(&seen);
        seen_init(&seen);
        run(&scene, &seen, &post); /* fresh: it has just answered */
        assert_true(seen.ended);
        seen_done(&seen);
        RUN_UNTIL(&scene, counts_of(&scene).open == 0); /* the cloud closes: dropped */
    }
    assert_int_equal(counts_of(&scene).connects, 3);
    assert_int_equal(counts_of(&scene).reuses, 3);
    assert_int_equal(counts_of(&scene).resumed, 2);
    assert_int_equal(cloud_resumed(&scene.cloud), 2);
    assert_int_equal(cloud_connections(&scene.cloud), 3);
    scene_close(&scene);
}

/* Bytes that nobody asked for end an idle connection: they are no answer to what comes next. */
static void test_unsolicited_bytes(void **state)
{
    static const struct cloud_step chatty[] = {READ_GET, SEND(OK_2), WAIT,
                                               SEND("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n"
                                                    "\r\nevil"),
                                               END};
    static const struct cloud_step plain[] = {READ_GET, SEND(OK_2), END};
    static const struct cloud_step *const scripts[] = {chatty, plain};
    struct seen seen;

    (void)state;
    open_with(scripts, 2);
    run_get(&seen);
    assert_int_equal(counts_of(&scene).idle, 1);
    seen_done(&seen);
    cloud_go(&scene.cloud);
    RUN_UNTIL(&scene, counts_of(&scene).idle == 0);
    run_get(&seen);
    assert_view(buf_view(&seen.body), "ok");
    assert_int_equal(counts_of(&scene).connects, 2);
    seen_done(&seen);
    scene_close(&scene);
}

static void test_unused_connections_are_let_go(void **state)
{
    static const struct cloud_step hold[] = {READ_GET, SEND(OK_2), READ_GET, END};
    static const struct cloud_step *const script[] = {hold};
    const struct upstream_settings patient = scene.settings;
    struct seen seen;

    (void)state;
    scene.settings.keep_alive_ms = 20;
    open_with(script, 1);
    run_get(&seen);
    seen_done(&seen);
    assert_int_equal(counts_of(&scene).idle, 1);
    RUN_UNTIL(&scene, counts_of(&scene).open == 0);
    scene_close(&scene);
    scene.settings.keep_alive_ms = 0; /* not kept at all */
    open_with(script, 1);
    run_get(&seen);
    seen_done(&seen);
    assert_int_equal(counts_of(&scene).open, 0);
    scene_close(&scene);
    scene.settings = patient;
}

/* ---- the retry rule (promise 3) ---- */

/* The second request on a connection meets its end, before or within an answer. */
static void test_retry(void **state)
{
    static const struct cloud_step closes[] = {
        READ_GET, SEND(OK_2), {CLOUD_READ_ANY, NULL, 5}, {CLOUD_CLOSE, NULL, 0}};
    static const struct cloud_step resets[] = {
        READ_GET, SEND(OK_2), {CLOUD_READ_ANY, NULL, 5}, {CLOUD_RESET, NULL, 0}};
    static const struct cloud_step begins[] = {
        READ_GET, SEND(OK_2), READ_GET, SEND("H"), {CLOUD_CLOSE, NULL, 0}};
    static const struct cloud_step serves[] = {READ_GET, SEND(OK_2), END};
    static const struct cloud_step refuses[] = {{CLOUD_READ_ANY, NULL, 5}, {CLOUD_CLOSE, NULL, 0}};
    static const struct {
        const char *name;
        const struct cloud_step *scripts[2];
        bool idempotent, fresh, ends;
        unsigned retries, connections;
    } rows[] = {
        {"closed", {closes, serves}, true, false, true, 1, 2},
        {"reset", {resets, serves}, true, false, true, 1, 2},
        {"not idempotent", {closes, serves}, false, false, false, 0, 1},
        {"judged", {closes, serves}, true, true, false, 0, 1},
        {"judged, not idempotent", {resets, serves}, false, true, false, 0, 1},
        {"a byte of an answer came", {begins, serves}, true, false, false, 0, 1},
        {"the second one breaks too", {closes, refuses}, true, false, false, 1, 2},
    };
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(rows); i++) {
        struct upstream_order order = get_order();
        struct seen seen;

        order.idempotent = rows[i].idempotent;
        order.fresh = rows[i].fresh;
        open_with(rows[i].scripts, 2);
        run_get(&seen);
        assert_row(seen.ended && counts_of(&scene).idle == 1, rows[i].name);
        seen_done(&seen);
        seen_init(&seen);
        run(&scene, &seen, &order);
        assert_row(seen.ended == rows[i].ends, rows[i].name);
        assert_row(seen.ended || seen.sent, rows[i].name);
        assert_row(counts_of(&scene).retries == rows[i].retries, rows[i].name);
        assert_row(cloud_connections(&scene.cloud) == rows[i].connections, rows[i].name);
        assert_row(!seen.ended || view_eq(buf_view(&seen.body), VIEW("ok")), rows[i].name);
        seen_done(&seen);
        scene_close(&scene);
    }
}

/* A time-out is no sign of a connection that was closing: nothing is sent again. */
static void test_no_retry_after_a_timeout(void **state)
{
    static const struct cloud_step hangs[] = {READ_GET, SEND(OK_2), READ_GET, WAIT, END};
    static const struct cloud_step *const script[] = {hangs};
    const struct upstream_settings patient = scene.settings;
    struct seen seen;

    (void)state;
    scene.settings.first_byte_ms = 1000;
    open_with(script, 1);
    run_get(&seen);
    seen_done(&seen);
    run_get(&seen);
    assert_true(seen.failed);
    assert_int_equal(seen.failure, UPSTREAM_TIMEOUT);
    assert_int_equal(counts_of(&scene).retries, 0);
    seen_done(&seen);
    scene_close(&scene);
    scene.settings = patient;
}

/* The cloud has closed an idle connection, but the loop hasn't told yet: it is seen before a byte
 * is offered, so even a judged request goes on a new one. */
static void test_a_closed_idle_connection_is_seen_before_use(void **state)
{
    static const struct cloud_step closes[] = {READ_GET, SEND(OK_2), WAIT, {CLOUD_CLOSE, NULL, 0}};
    static const struct cloud_step serves[] = {READ_POST, SEND(OK_2), END};
    static const struct cloud_step *const scripts[] = {closes, serves};
    const struct upstream_order order = post_order();
    struct seen seen;

    (void)state;
    open_with(scripts, 2);
    run_get(&seen);
    seen_done(&seen);
    cloud_go(&scene.cloud);
    while (net_is_quiet(scene.upstream->newest->conn))
        ; /* the close is on its way over loopback; the loop doesn't turn */
    seen_init(&seen);
    run(&scene, &seen, &order);
    assert_true(seen.ended);
    assert_int_equal(counts_of(&scene).reuses, 0);
    assert_int_equal(counts_of(&scene).connects, 2);
    seen_done(&seen);
    scene_close(&scene);
}

/* Bytes that nobody asked for, and that the loop hasn't seen yet, are not the next caller's answer.
 */
static void test_stray_bytes_are_nobodys_answer(void **state)
{
    static const struct cloud_step strays[] = {
        READ_GET, SEND(OK_2), WAIT, SEND("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstray"), END};
    static const struct cloud_step serves[] = {READ_GET, SEND(OK_2), END};
    static const struct cloud_step *const scripts[] = {strays, serves};
    struct seen seen;

    (void)state;
    open_with(scripts, 2);
    run_get(&seen);
    seen_done(&seen);
    cloud_go(&scene.cloud);
    while (net_is_quiet(scene.upstream->newest->conn))
        ; /* they are on their way over loopback; the loop doesn't turn */
    run_get(&seen);
    assert_true(seen.ended);
    assert_true(view_eq(buf_view(&seen.body), VIEW("ok")));
    assert_int_equal(counts_of(&scene).reuses, 0);
    assert_int_equal(counts_of(&scene).connects, 2);
    seen_done(&seen);
    scene_close(&scene);
}

/* The memory of a call serves the next one, and nothing of the call before is in it. */
static void test_calls_are_used_again(void **state)
{
    static const struct cloud_step script[] = {READ_GET, SEND(OK_2), READ_POST, SEND(OK_2),
                                               READ_GET, SEND(OK_2), END};
    static const struct cloud_step *const scripts[] = {script};
    const struct upstream_order order = post_order();
    const struct upstream_call *spare;
    struct seen seen;

    (void)state;
    open_with(scripts, 1);
    assert_null(scene.upstream->spare);
    run_get(&seen);
    seen_done(&seen);
    spare = scene.upstream->spare;
    assert_non_null(spare);
    assert_non_null(spare->arena.blocks);
    assert_true(spare->arena.used_bytes <= SPARE_ARENA_BYTES);
    seen_init(&seen);
    run(&scene, &seen, &order);
    assert_true(seen.ended);
    seen_done(&seen);
    assert_ptr_equal(scene.upstream->spare, spare);
    run_get(&seen);
    assert_true(seen.ended);
    assert_int_equal(seen.status, 200);
    assert_true(view_eq(buf_view(&seen.body), VIEW("ok")));
    seen_done(&seen);
    assert_ptr_equal(scene.upstream->spare, spare);
    assert_int_equal(scene.upstream->spare_count, 1);
    scene_close(&scene);
}

/* A judged request doesn't go on a connection that answered long ago, others do. */
static void test_fresh(void **state)
{
    static const struct cloud_step first[] = {READ_GET,   SEND(OK_2), READ_GET,
                                              SEND(OK_2), READ_GET,   END};
    static const struct cloud_step second[] = {READ_POST, SEND(OK_2), READ_GET, END};
    static const struct cloud_step *const scripts[] = {first, second};
    const struct upstream_settings patient = scene.settings;
    const struct upstream_order order = post_order();
    struct seen seen;

    (void)state;
    scene.settings.max_connections = 1; /* the old one has to make room */
    open_with(scripts, 2);
    run_get(&seen);
    seen_done(&seen);
    scene.upstream->newest->answered_us -= FRESH_US + 1;
    run_get(&seen);
    assert_true(seen.ended);
    assert_int_equal(counts_of(&scene).reuses, 1);
    seen_done(&seen);
    scene.upstream->newest->answered_us -= FRESH_US + 1;
    seen_init(&seen);
    run(&scene, &seen, &order);
    assert_true(seen.ended);
    assert_int_equal(counts_of(&scene).reuses, 1);
    assert_int_equal(counts_of(&scene).connects, 2);
    assert_int_equal(counts_of(&scene).open, 1);
    seen_done(&seen);
    scene_close(&scene);
    scene.settings = patient;
}

/* ---- the pool's bounds ---- */

static void test_waiting_in_line(void **state)
{
    static const struct cloud_step serve[] = {READ_GET,   WAIT,     SEND(OK_2), READ_GET,   WAIT,
                                              SEND(OK_2), READ_GET, WAIT,       SEND(OK_2), END};
    static const struct cloud_step *const script[] = {serve};
    const struct upstream_settings patient = scene.settings;
    const struct upstream_order order = get_order();
    struct seen seen[4];
    int i;

    (void)state;
    scene.settings.max_connections = 1;
    open_with(script, 1);
    for (i = 0; i < 4; i++) {
        seen_init(&seen[i]);
        start(&scene, &seen[i], &order);
    }
    assert_int_equal(counts_of(&scene).waiting, 3);
    assert_int_equal(counts_of(&scene).open, 1);
    upstream_cancel(seen[2].call); /* leaves the line from its middle */
    for (i = 0; i < 4; i++) {
        if (i == 2)
            continue;
        assert_false(seen[i].ended);
        cloud_go(&scene.cloud);
        RUN_UNTIL(&scene, seen[i].ended);
    }
    assert_int_equal(counts_of(&scene).waiting, 0);
    assert_int_equal(counts_of(&scene).connects, 1);
    assert_int_equal(counts_of(&scene).reuses, 2);
    for (i = 0; i < 4; i++)
        seen_done(&seen[i]);
    scene_close(&scene);
    scene.settings = patient;
}

/* One of four is kept for what is urgent; the others wait although a place is left. */
static void test_a_quarter_is_kept_for_urgent_calls(void **state)
{
    static const struct cloud_step hang[] = {READ_GET, WAIT, END};
    static const struct cloud_step serve[] = {READ_GET, SEND(OK_2), READ_GET, SEND(OK_2), END};
    static const struct cloud_step *const scripts[] = {hang, hang, hang, serve};
    const struct upstream_order urgent = get_order();
    struct upstream_order common = get_order();
    struct seen slow[3], last, first;
    int i;

    (void)state;
    common.urgent = false;
    open_with(scripts, 4);
    for (i = 0; i < 3; i++) {
        seen_init(&slow[i]);
        start(&scene, &slow[i], &common);
    }
    seen_init(&last);
    start(&scene, &last, &common);
    RUN_UNTIL(&scene, counts_of(&scene).connects == 3);
    assert_int_equal(counts_of(&scene).waiting, 1);
    seen_init(&first);
    run(&scene, &first, &urgent);
    assert_true(first.ended);
    assert_false(last.ended);
    assert_int_equal(counts_of(&scene).waiting, 1);
    assert_int_equal(counts_of(&scene).idle, 1);
    upstream_cancel(slow[1].call);
    RUN_UNTIL(&scene, last.ended);
    assert_int_equal(counts_of(&scene).reuses, 1);
    upstream_cancel(slow[0].call);
    upstream_cancel(slow[2].call);
    for (i = 0; i < 3; i++)
        seen_done(&slow[i]);
    seen_done(&last);
    seen_done(&first);
    scene_close(&scene);
}

static void test_waiting_ends(void **state)
{
    static const struct cloud_step hang[] = {READ_GET, WAIT, END};
    static const struct cloud_step *const script[] = {hang};
    const struct upstream_settings patient = scene.settings;
    const struct upstream_order order = get_order();
    struct seen first, second;

    (void)state;
    scene.settings.max_connections = 1;
    scene.settings.connect_ms = 1000;
    open_with(script, 1);
    seen_init(&first);
    seen_init(&second);
    start(&scene, &first, &order);
    run(&scene, &second, &order);
    assert_int_equal(second.failure, UPSTREAM_CONNECT);
    assert_string_equal(second.detail, "no connection became free in time");
    assert_false(second.sent);
    assert_false(is_over(&first));
    upstream_cancel(first.call);
    seen_done(&first);
    seen_done(&second);
    scene_close(&scene);
    scene.settings = patient;
}

static void test_the_line_is_bounded(void **state)
{
    static const struct cloud_step hang[] = {READ_GET, WAIT, END};
    static const struct cloud_step *const script[] = {hang};
    const struct upstream_settings patient = scene.settings;
    const struct upstream_order order = get_order();
    struct seen *const seen = calloc(WAITING_MAX + 2, sizeof *seen);
    unsigned i;

    (void)state;
    assert_non_null(seen);
    scene.settings.max_connections = 1;
    open_with(script, 1);
    for (i = 0; i < WAITING_MAX + 2; i++) {
        seen_init(&seen[i]);
        start(&scene, &seen[i], &order);
    }
    assert_int_equal(counts_of(&scene).waiting, WAITING_MAX);
    RUN_UNTIL(&scene, seen[WAITING_MAX + 1].failed);
    assert_int_equal(seen[WAITING_MAX + 1].failure, UPSTREAM_CONNECT);
    assert_false(seen[WAITING_MAX + 1].sent);
    for (i = WAITING_MAX; i > 0; i--)
        upstream_cancel(seen[i].call);
    upstream_cancel(seen[0].call);
    assert_int_equal(counts_of(&scene).waiting, 0);
    assert_int_equal(scene.upstream->spare_count, SPARE_CALLS); /* the others' memory is gone */
    free(seen);
    scene_close(&scene);
    scene.settings = patient;
}

/* All who wait fail when nobody listens any more; without recursion through the line. */
static void test_the_line_fails_together(void **state)
{
    static const struct cloud_step reset[] = {{CLOUD_RESET, NULL, 0}};
    static const struct cloud_step *const script[] = {reset};
    const struct upstream_settings patient = scene.settings;
    const struct upstream_order order = get_order();
    struct seen seen[6];
    int i;

    (void)state;
    scene.settings.max_connections = 1;
    open_with(script, 1);
    for (i = 0; i < 6; i++) {
        seen_init(&seen[i]);
        start(&scene, &seen[i], &order);
    }
    for (i = 0; i < 6; i++) {
        RUN_UNTIL(&scene, seen[i].failed);
        assert_int_equal(seen[i].failure, UPSTREAM_TLS);
        assert_false(seen[i].sent);
        seen_done(&seen[i]);
    }
    assert_int_equal(counts_of(&scene).open, 0);
    scene_close(&scene);
    scene.settings = patient;
}

/* ---- back-pressure and large bodies ---- */

static void check_filled(struct view body, size_t size)
{
    size_t i;

    assert_int_equal(body.len, size);
    for (i = 0; i < size; i++) {
        if ((unsigned char)body.ptr[i] != (i & 0xff))
            fail_msg("byte %zu differs", i);
    }
}

#define TEN_MB "10485760"
enum { TEN_MB_BYTES = 10485760 };

static void test_large_answer_to_a_pausing_reader(void **state)
{
    static const struct cloud_step big[] = {
        READ_GET,
        SEND("HTTP/1.1 200 OK\r\nContent-Length: " TEN_MB "\r\n\r\n"),
        {CLOUD_FILL, NULL, TEN_MB_BYTES},
        READ_GET,
        SEND(OK_2),
        END};
    static const struct cloud_step *const script[] = {big};
    const struct upstream_settings patient = scene.settings;
    const struct upstream_order order = get_order();
    struct seen seen;
    unsigned pauses = 0;
    size_t before;
    int i;

    (void)state;
    scene.settings.idle_ms = 3000;
    open_with(script, 1);
    seen_init(&seen);
    seen.pause_at_head = true;
    seen.pause_at_data = true;
    start(&scene, &seen, &order);
    while (!seen.ended) {
        const unsigned pieces = seen.pieces, heads = seen.heads;

        RUN_UNTIL(&scene, seen.pieces > pieces || seen.heads > heads || is_over(&seen));
        assert_false(seen.failed);
        if (seen.ended)
            break;
        before = seen.body.len;
        for (i = 0; i < 3; i++)
            (void)event_base_loop(scene.base, EVLOOP_NONBLOCK);
        assert_int_equal(seen.body.len, before); /* nothing comes while it is paused */
        pauses++;
        upstream_pause(seen.call, false);
    }
    assert_true(pauses > 50);
    check_filled(buf_view(&seen.body), TEN_MB_BYTES);
    seen_done(&seen);
    run_get(&seen); /* and the connection is as good as before */
    assert_true(seen.ended);
    assert_int_equal(counts_of(&scene).connects, 1);
    seen_done(&seen);
    scene_close(&scene);
    scene.settings = patient;
}

/* A reader that pauses isn't a cloud that stalls; only the total time goes on. */
static void test_a_pause_is_not_a_stall(void **state)
{
    static const struct cloud_step serve[] = {READ_GET, SEND(OK_2), END};
    static const struct cloud_step *const script[] = {serve};
    const struct upstream_settings patient = scene.settings;
    const struct upstream_order order = get_order();
    struct seen seen;

    (void)state;
    scene.settings.idle_ms = 50;
    scene.settings.total_ms = 3000; /* enough for a handshake on a slow machine */
    open_with(script, 1);
    seen_init(&seen);
    seen.pause_at_data = true;
    run(&scene, &seen, &order);
    assert_true(seen.failed);
    assert_string_equal(seen.detail, "no whole answer within the total time");
    assert_int_equal(seen.body.len, 2);
    seen_done(&seen);
    scene_close(&scene);
    scene.settings = patient;
}

/* What is open when trust was read anew serves no further call; a call under way ends on it. */
static void test_trust_that_is_read_anew(void **state)
{
    static const struct cloud_step idle[] = {READ_GET, SEND(OK_2), READ_GET, END};
    static const struct cloud_step busy[] = {READ_GET, WAIT, SEND(OK_2), READ_GET, END};
    static const struct cloud_step serve[] = {READ_GET, SEND(OK_2), READ_GET, SEND(OK_2), END};
    static const struct cloud_step *const scripts[] = {idle, busy, serve};
    const struct upstream_order order = get_order();
    struct seen seen;
    struct err err;
    int i;

    (void)state;
    open_with(scripts, 3);
    run_get(&seen);
    seen_done(&seen);
    assert_int_equal(counts_of(&scene).idle, 1);
    assert_int_equal(net_tls_reload(scene.tls, &err), STATUS_OK);
    seen_init(&seen);
    start(&scene, &seen, &order);
    RUN_UNTIL(&scene, counts_of(&scene).connects == 2);
    assert_int_equal(counts_of(&scene).open, 1);
    assert_int_equal(net_tls_reload(scene.tls, &err), STATUS_OK);
    cloud_go(&scene.cloud);
    RUN_UNTIL(&scene, is_over(&seen));
    assert_true(seen.ended);
    assert_int_equal(counts_of(&scene).open, 0);
    seen_done(&seen);
    for (i = 0; i < 2; i++) {
        run_get(&seen);
        assert_true(seen.ended);
        seen_done(&seen);
    }
    assert_int_equal(counts_of(&scene).connects, 3);
    assert_int_equal(counts_of(&scene).reuses, 1);
    scene_close(&scene);
}

static void test_large_request_in_one_piece(void **state)
{
    static const struct cloud_step take[] = {
        {CLOUD_READ, POST_HEAD, 0}, {CLOUD_READ_ANY, NULL, 3000000}, SEND(OK_2), READ_GET, END};
    static const struct cloud_step *const script[] = {take};
    static char body[3000000];
    struct upstream_order order = post_order();
    struct seen seen;

    (void)state;
    order.body = view_of(body, sizeof body);
    open_with(script, 1);
    seen_init(&seen);
    run(&scene, &seen, &order);
    assert_true(seen.ended);
    assert_true(seen.whole_at_head);
    assert_int_equal(counts_of(&scene).idle, 1);
    seen_done(&seen);
    scene_close(&scene);
}

#define STREAM_HEAD "PUT / HTTP/1.1\r\nHost: c\r\nContent-Length: 40000000\r\n\r\n"

static struct upstream_order stream_order(void)
{
    return (struct upstream_order){
        .method = VIEW("PUT"), .head = VIEW(STREAM_HEAD), .body = VIEW("12345"), .streams = true};
}

static void test_streamed_request(void **state)
{
    static const struct cloud_step take[] = {{CLOUD_READ, STREAM_HEAD "12345", 0},
                                             WAIT,
                                             {CLOUD_READ_ANY, NULL, 39999995},
                                             SEND(OK_2),
                                             READ_GET,
                                             END};
    static const struct cloud_step *const script[] = {take};
    static char piece[40000];
    const struct upstream_order order = stream_order();
    size_t left = 39999995, n;
    struct seen seen;
    unsigned waits = 0, drained;
    bool on;

    (void)state;
    open_with(script, 1);
    seen_init(&seen);
    start(&scene, &seen, &order);
    while (left > 0) {
        n = left < sizeof piece ? left : sizeof piece;
        left -= n;
        drained = seen.drained;
        on = upstream_send(seen.call, view_of(piece, n), left == 0);
        assert_int_equal(seen.drained, drained); /* never from within */
        if (on)
            continue;
        if (waits++ == 1)
            cloud_go(&scene.cloud); /* the cloud begins to read only now */
        RUN_UNTIL(&scene, seen.drained > drained);
    }
    assert_true(waits > 1);
    RUN_UNTIL(&scene, is_over(&seen));
    assert_true(seen.ended);
    assert_int_equal(counts_of(&scene).idle, 1);
    seen_done(&seen);
    scene_close(&scene);
}

/* An answer before the request is through is delivered; the connection isn't used again. */
static void test_early_answer(void **state)
{
    static const struct cloud_step stays[] = {
        {CLOUD_READ, STREAM_HEAD "12345", 0}, SEND(OK_2), READ_GET, END};
    static const struct cloud_step goes[] = {
        {CLOUD_READ, STREAM_HEAD "12345", 0}, SEND(OK_2), {CLOUD_RESET, NULL, 0}};
    static const struct cloud_step *const scripts[][1] = {{stays}, {goes}};
    const struct upstream_order order = stream_order();
    struct seen seen;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(scripts); i++) {
        open_with(scripts[i], 1);
        seen_init(&seen);
        run(&scene, &seen, &order);
        assert_string_equal(seen.detail, "");
        assert_true(seen.ended);
        assert_false(seen.whole_at_head);
        assert_view(buf_view(&seen.body), "ok");
        assert_int_equal(counts_of(&scene).open, 0);
        seen_done(&seen);
        scene_close(&scene);
    }
}

/* The same, but the cloud stops reading and our writes break before its answer is read. */
static void test_early_answer_behind_a_broken_write(void **state)
{
    static const struct cloud_step refuse[] = {
        {CLOUD_READ, STREAM_HEAD "12345", 0}, SEND(OK_2), {CLOUD_CLOSE, NULL, 0}};
    static const struct cloud_step *const script[] = {refuse};
    static char piece[50000];
    const struct upstream_order order = stream_order();
    struct seen seen;

    (void)state;
    open_with(script, 1);
    seen_init(&seen);
    start(&scene, &seen, &order);
    while (!is_over(&seen)) {
        const unsigned before = (unsigned)seen.drained;

        if (!upstream_send(seen.call, view_of(piece, sizeof piece), false))
            RUN_UNTIL(&scene, is_over(&seen) || (unsigned)seen.drained > before);
        else
            (void)event_base_loop(scene.base, EVLOOP_NONBLOCK);
    }
    assert_string_equal(seen.detail, "");
    assert_true(seen.ended);
    assert_false(seen.whole_at_head);
    assert_int_equal(seen.status, 200);
    seen_done(&seen);
    scene_close(&scene);
}

static void test_the_queue_is_bounded(void **state)
{
    static const struct cloud_step hang[] = {WAIT, END};
    static const struct cloud_step *const script[] = {hang};
    static char piece[QUEUE_MAX_BYTES / 4];
    const struct upstream_order order = stream_order();
    struct seen seen;
    int i, waits = 0;

    (void)state;
    open_with(script, 1);
    seen_init(&seen);
    start(&scene, &seen, &order);
    for (i = 0; i < 5; i++) /* without regard to what it answers */
        waits += !upstream_send(seen.call, view_of(piece, sizeof piece), false);
    assert_int_equal(waits, 4);
    RUN_UNTIL(&scene, is_over(&seen));
    assert_int_equal(seen.failure, UPSTREAM_SEND);
    assert_false(seen.sent); /* it wasn't even connected */
    seen_done(&seen);
    scene_close(&scene);
}

/* ---- giving up ---- */

static void test_cancel(void **state)
{
    static const struct cloud_step serve[] = {READ_GET, SEND(OK_2), END};
    static const struct cloud_step *const script[] = {serve};
    const struct upstream_order order = get_order();
    struct seen seen;
    int i;

    (void)state;
    for (i = 0; i < 6; i++) {
        open_with(script, 1);
        seen_init(&seen);
        seen.cancel_at_head = i == 4;
        seen.cancel_at_data = i == 5;
        start(&scene, &seen, &order);
        if (i < 4) { /* at once, connecting, in the handshake, sent */
            int turns;

            for (turns = 0; turns < i; turns++)
                (void)event_base_loop(scene.base, EVLOOP_ONCE);
            if (!is_over(&seen))
                upstream_cancel(seen.call);
        } else {
            RUN_UNTIL(&scene, seen.call == NULL);
        }
        assert_false(seen.failed);
        if (!seen.ended)
            assert_int_equal(counts_of(&scene).open, 0);
        seen_done(&seen);
        scene_close(&scene);
    }
}

/* A failure that is already on its way isn't told after a cancel. */
static void test_cancel_before_a_failure_is_told(void **state)
{
    static const struct cloud_step serve[] = {READ_GET, SEND(OK_2), END};
    static const struct cloud_step *const script[] = {serve};
    const struct upstream_order order = get_order();
    struct seen seen;

    (void)state;
    scene.host = "never.test";
    open_with(script, 1);
    seen_init(&seen);
    start(&scene, &seen, &order);
    upstream_pause(seen.call, true); /* both are too late to matter */
    upstream_pause(seen.call, false);
    upstream_cancel(seen.call);
    (void)event_base_loop(scene.base, EVLOOP_NONBLOCK);
    assert_false(is_over(&seen));
    seen_done(&seen);
    scene_close(&scene);
    scene.host = "127.0.0.1";
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
        cmocka_unit_test(test_framings),
        cmocka_unit_test(test_keep_alive_and_resumption),
        cmocka_unit_test(test_unsolicited_bytes),
        cmocka_unit_test(test_unused_connections_are_let_go),
        cmocka_unit_test(test_retry),
        cmocka_unit_test(test_no_retry_after_a_timeout),
        cmocka_unit_test(test_a_closed_idle_connection_is_seen_before_use),
        cmocka_unit_test(test_stray_bytes_are_nobodys_answer),
        cmocka_unit_test(test_calls_are_used_again),
        cmocka_unit_test(test_fresh),
        cmocka_unit_test(test_waiting_in_line),
        cmocka_unit_test(test_a_quarter_is_kept_for_urgent_calls),
        cmocka_unit_test(test_waiting_ends),
        cmocka_unit_test(test_the_line_is_bounded),
        cmocka_unit_test(test_the_line_fails_together),
        cmocka_unit_test(test_large_answer_to_a_pausing_reader),
        cmocka_unit_test(test_a_pause_is_not_a_stall),
        cmocka_unit_test(test_trust_that_is_read_anew),
        cmocka_unit_test(test_large_request_in_one_piece),
        cmocka_unit_test(test_streamed_request),
        cmocka_unit_test(test_early_answer),
        cmocka_unit_test(test_early_answer_behind_a_broken_write),
        cmocka_unit_test(test_the_queue_is_bounded),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_cancel_before_a_failure_is_told),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
