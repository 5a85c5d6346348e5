/* SPDX-License-Identifier: Apache-2.0
 * The admin API on its socket: routes and methods, and a reconcile whose answer comes later, also
 * to somebody who has gone. */
#include "support/test.h"

#include <unistd.h>

#include "admin/world.h"

static struct world world;
static struct admin *admin;
static char text[8192];

static int set_up(void **state)
{
    struct err err;

    (void)state;
    world_open(&world);
    assert_int_equal(admin_new(world.base, world.socket, &world.ops, &admin, &err), STATUS_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    admin_free(&admin);
    world_close(&world);
    return 0;
}

static const struct {
    const char *method, *path;
    int status;
} calls[] = {
    {"GET", "/v1/status", 200},         {"GET", "/v1/quotas", 200},
    {"GET", "/v1/reservations", 200},   {"GET", "/v1/policies", 200},
    {"POST", "/v1/reload", 200},        {"POST", "/v1/status", 405},
    {"POST", "/v1/quotas", 405},        {"POST", "/v1/reservations", 405},
    {"POST", "/v1/policies", 405},      {"GET", "/v1/reload", 405},
    {"GET", "/v1/reconcile", 405},      {"DELETE", "/v1/status", 405},
    {"GET", "/v1/statuses", 404},       {"GET", "/v1/status/", 404},
    {"GET", "/v1/quota", 404},          {"GET", "/", 404},
    {"POST", "/v1/reconcile/now", 404}, {"POST", "/v1/audit/query", 405},
    {"GET", "/v1/audit", 404},          {"GET", "/v1/audit/who_created", 404},
};

static void ask_all(struct world *w)
{
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        int status = world_ask(w, calls[i].method, calls[i].path, text, sizeof text);

        if (status != calls[i].status)
            print_error("%s %s: %d\n", calls[i].method, calls[i].path, status);
        REQUIRE(status == calls[i].status);
        if (status == 404)
            REQUIRE(strcmp(text, "known here: GET /v1/status, GET /v1/quotas, GET "
                                 "/v1/reservations, GET /v1/policies, GET /v1/audit/query, GET "
                                 "/v1/audit/summary, GET /v1/audit/open, GET "
                                 "/v1/audit/who-created, POST /v1/reload, POST "
                                 "/v1/reconcile\n") == 0);
    }
}

static void routes_and_methods_are_exact(void **state)
{
    char actor[40];

    (void)state;
    world_run(&world, ask_all);
    (void)snprintf(actor, sizeof actor, "uid:%u", (unsigned)geteuid());
    assert_string_equal(world.actor, actor);
    assert_int_equal(world.reconciles, 0);
}

static void wait_for_reconcile(const struct world *w, unsigned count)
{
    char other[8192];

    /* Any answer comes behind what was sent before on the same loop, or soon after. */
    while (atomic_load(&w->reconciles) < count)
        REQUIRE(world_ask(w, "GET", "/v1/status", other, sizeof other) == 200);
}

static void wait_and_go_on(struct world *w)
{
    char other[8192];
    int fd = world_connect(w);

    world_send(fd, "POST", "/v1/reconcile", true);
    wait_for_reconcile(w, 1);
    REQUIRE(world_ask(w, "POST", "/v1/reconcile", other, sizeof other) == 409);
    REQUIRE(strcmp(other, "{\"why\":\"busy\"}\n") == 0);
    world_finish_reconcile(w);
    REQUIRE(world_read(fd, text, sizeof text) == 200);
    REQUIRE(strcmp(text, "{\"scans\":1}\n") == 0);
    /* The connection goes on, and the next one may reconcile. */
    world_send(fd, "GET", "/v1/status", true);
    REQUIRE(world_read(fd, text, sizeof text) == 200);
    world_send(fd, "POST", "/v1/reconcile", false);
    wait_for_reconcile(w, 2);
    world_finish_reconcile(w);
    REQUIRE(world_read(fd, text, sizeof text) == 200);
    (void)close(fd);
}

static void a_reconcile_is_answered_when_it_ended(void **state)
{
    (void)state;
    world_run(&world, wait_and_go_on);
    assert_int_equal(world.reconciles, 2);
}

static void go_away(struct world *w)
{
    for (unsigned i = 1; i <= 20; i++) {
        int fd = world_connect(w);

        world_send(fd, "POST", "/v1/reconcile", true);
        wait_for_reconcile(w, i);
        (void)close(fd);
        /* Half of them are known to have gone by then, the others end both ways at once. */
        for (unsigned n = 0; n < i % 2 * 3; n++)
            REQUIRE(world_ask(w, "GET", "/v1/status", text, sizeof text) == 200);
        world_finish_reconcile(w);
        while (atomic_load(&w->answered) < i)
            REQUIRE(world_ask(w, "GET", "/v1/status", text, sizeof text) == 200);
    }
}

static void who_hangs_up_is_not_answered(void **state)
{
    (void)state;
    world_run(&world, go_away);
    assert_int_equal(world.answered, 20);
}

static void ask_twice(struct world *w)
{
    int fd = world_connect(w);

    world_send(fd, "POST", "/v1/reconcile", true);
    wait_for_reconcile(w, 1);
    world_send(fd, "GET", "/v1/status", true);
    REQUIRE(world_ask(w, "GET", "/v1/status", text, sizeof text) == 200);
    world_finish_reconcile(w);
    while (atomic_load(&w->answered) < 1)
        REQUIRE(world_ask(w, "GET", "/v1/status", text, sizeof text) == 200);
    (void)world_read(fd, text, sizeof text); /* an answer or the end, both are well */
    (void)close(fd);
    REQUIRE(world_ask(w, "GET", "/v1/status", text, sizeof text) == 200);
}

static void a_second_request_while_it_waits_does_no_harm(void **state)
{
    (void)state;
    world_run(&world, ask_twice);
}

static void ask_journal(struct world *w)
{
    int fd = world_connect(w), second;

    world_send(fd, "GET", "/v1/audit/who-created?instance=i-1&x=%20", true);
    wait_for_reconcile(w, 1);
    REQUIRE(strcmp(w->asked, "who-created instance=i-1&x=%20") == 0);
    second = world_connect(w);
    world_send(second, "GET", "/v1/audit/open?busy=1", false);
    REQUIRE(recv(second, text, sizeof text - 1, MSG_WAITALL) > 0);
    REQUIRE(strncmp(text, "HTTP/1.1 503", 12) == 0 &&
            strstr(text, "\r\nRetry-After: 5\r\n") != NULL);
    (void)close(second);
    world_finish_reconcile(w);
    REQUIRE(world_read(fd, text, sizeof text) == 200);
    /* Who hangs up ends his question; who was answered has none. */
    world_send(fd, "GET", "/v1/audit/summary", true);
    wait_for_reconcile(w, 2);
    REQUIRE(strcmp(w->asked, "summary ") == 0 && atomic_load(&w->gone) == 0);
    (void)close(fd);
    while (atomic_load(&w->gone) == 0)
        REQUIRE(world_ask(w, "GET", "/v1/status", text, sizeof text) == 200);
    world_finish_reconcile(w);
    while (atomic_load(&w->answered) < 2)
        REQUIRE(world_ask(w, "GET", "/v1/status", text, sizeof text) == 200);
}

static void a_question_to_the_journal_is_answered_later(void **state)
{
    (void)state;
    world_run(&world, ask_journal);
    assert_int_equal(world.gone, 1);
}

static void leave_waiting(struct world *w)
{
    int *fd = w->more;

    *fd = world_connect(w);
    world_send(*fd, "POST", "/v1/reconcile", true);
    wait_for_reconcile(w, 1);
}

static void the_end_of_the_api_ends_who_waits(void **state)
{
    int fd = -1;

    (void)state;
    world.more = &fd;
    world_run(&world, leave_waiting);
    admin_free(&admin);
    (void)event_base_loop(world.base, EVLOOP_NONBLOCK);
    assert_int_equal(world_read(fd, text, sizeof text), 0);
    (void)close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(routes_and_methods_are_exact, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_reconcile_is_answered_when_it_ended, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_question_to_the_journal_is_answered_later, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(who_hangs_up_is_not_answered, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_second_request_while_it_waits_does_no_harm, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_end_of_the_api_ends_who_waits, set_up, tear_down),
    };

    return cmocka_run_group_tests_name("admin", tests, NULL, NULL);
}
