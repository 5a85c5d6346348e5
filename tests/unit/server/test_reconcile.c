/* SPDX-License-Identifier: Apache-2.0
 * A reconcile on request: begun here, ended on a thread of the reconciler's, answered here. */
#include "support/test.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/require.h"
#include "server/internal.h"

struct reconciler { /* the last question */
    void (*done)(void *user, const struct reconcile_report *report);
    void *user;
    char actor[32];
    unsigned asked;
    bool busy;
};

static struct reconciler reconciler;
static struct server *server;
static struct buf out;
static char recorded[64];
static unsigned records;

static struct { /* the last answer */
    unsigned count;
    int status;
    char body[512];
} answered;

bool reconcile_now(struct reconciler *r, const char *actor,
                   void (*done)(void *user, const struct reconcile_report *report), void *user)
{
    if (r->busy)
        return false;
    r->done = done;
    r->user = user;
    r->asked++;
    (void)snprintf(r->actor, sizeof r->actor, "%s", actor);
    return true;
}

void server_record_admin(struct server *s, const char *path, const char *actor, const char *error)
{
    assert_ptr_equal(s, server);
    assert_null(error);
    records++;
    (void)snprintf(recorded, sizeof recorded, "%s %s", path, actor);
}

const char *ledger_state_name(enum ledger_state state)
{
    (void)state;
    return "";
}

void quota_get_state(struct quota_store *store, struct quota_state *ret)
{
    (void)store;
    (void)ret;
}

void quota_each(struct quota_store *store, bool (*each)(void *user, const struct ledger_item *item),
                void *user)
{
    (void)store;
    (void)each;
    (void)user;
}

void quota_each_usage(struct quota_store *store,
                      bool (*each)(void *user, const struct ledger_usage *usage), void *user)
{
    (void)store;
    (void)each;
    (void)user;
}

void reconcile_get_state(struct reconciler *r, struct reconcile_state *ret)
{
    (void)r;
    (void)ret;
}

static void on_answer(void *user, int status, const struct buf *body)
{
    assert_ptr_equal(user, &answered);
    answered.count++;
    answered.status = status;
    (void)snprintf(answered.body, sizeof answered.body, "%.*s", VIEW_ARGS(buf_view(body)));
}

static const struct admin_done done = {.call = on_answer, .user = &answered};

static int set_up(void **state)
{
    (void)state;
    server = calloc(1, sizeof *server);
    assert_non_null(server);
    memset(&reconciler, 0, sizeof reconciler);
    memset(&answered, 0, sizeof answered);
    records = 0;
    buf_init(&out, 4096);
    server->base = event_base_new();
    server->shared.reconciler = &reconciler;
    assert_true(server_reconcile_init(server));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    server_reconcile_done(server);
    event_base_free(server->base);
    free(server);
    buf_done(&out);
    return 0;
}

static int ask(const char *actor)
{
    buf_clear(&out);
    return server_reconcile(server, actor, &done, &out);
}

static void *end_it(void *report)
{
    reconciler.done(reconciler.user, report);
    return NULL;
}

/* On another thread, as the reconciler does. */
static void end(struct reconcile_report report)
{
    pthread_t thread;

    REQUIRE(pthread_create(&thread, NULL, end_it, &report) == 0);
    REQUIRE(pthread_join(thread, NULL) == 0);
}

static void turn(void)
{
    (void)event_base_loop(server->base, EVLOOP_NONBLOCK);
}

static void without_a_reconciler_there_is_no_reconcile(void **state)
{
    (void)state;
    server->shared.reconciler = NULL;
    assert_int_equal(ask("uid:1"), 503);
    assert_view(buf_view(&out), "{\"why\":\"this gateway does not reconcile\"}\n");
    assert_int_equal(records, 0);
}

static void the_answer_comes_on_the_main_thread(void **state)
{
    (void)state;
    assert_int_equal(ask("uid:1"), ADMIN_LATER);
    assert_string_equal(reconciler.actor, "uid:1");
    assert_string_equal(recorded, "/v1/reconcile uid:1");
    turn();
    assert_int_equal(answered.count, 0);
    end((struct reconcile_report){.scans = 2, .gone = 1});
    assert_int_equal(answered.count, 0);
    turn();
    assert_int_equal(answered.count, 1);
    assert_int_equal(answered.status, 200);
    assert_string_equal(answered.body, "{\"scans\":2,\"failed\":0,\"settled\":0,\"gone\":1,"
                                       "\"corrected\":0,\"orphans\":0,\"why\":\"\"}\n");
    assert_int_equal(ask("uid:2"), ADMIN_LATER);
    assert_int_equal(records, 2);
}

static void only_one_at_a_time(void **state)
{
    (void)state;
    assert_int_equal(ask("uid:1"), ADMIN_LATER);
    assert_int_equal(ask("uid:2"), 409);
    assert_view(buf_view(&out), "{\"why\":\"a reconcile is under way\"}\n");
    end((struct reconcile_report){.scans = 1});
    /* It ended, but its answer is still on the way. */
    assert_int_equal(ask("uid:2"), 409);
    turn();
    assert_int_equal(answered.count, 1);
    assert_int_equal(reconciler.asked, 1);
    assert_int_equal(records, 1);
    /* The reconciler itself says no. */
    reconciler.busy = true;
    assert_int_equal(ask("uid:2"), 409);
    assert_int_equal(records, 1);
    reconciler.busy = false;
    assert_int_equal(ask("uid:2"), ADMIN_LATER);
}

static void what_could_not_be_read_is_said(void **state)
{
    static const struct {
        struct reconcile_report report;
        bool credential;
        int status;
        const char *why;
    } rows[] = {
        {{.scans = 1, .failed = 1, .why = "HTTP 403"}, true, 200, "\"why\":\"HTTP 403\""},
        {{.failed = 1, .why = "HTTP 403"}, true, 503, "\"why\":\"HTTP 403\""},
        {{.failed = 1, .why = "HTTP 403"}, false, 503, "\"why\":\"HTTP 403\""},
        {{.scans = 1}, false, 200, "\"why\":\"\""},
        {{0}, true, 200, "\"why\":\"\""}, /* no project has anything */
        {{0}, false, 503, "there is no upstream.service_credential"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        server->reconcile.has_credential = rows[i].credential;
        assert_int_equal(ask("uid:1"), ADMIN_LATER);
        end(rows[i].report);
        turn();
        assert_int_equal(answered.count, i + 1);
        assert_int_equal(answered.status, rows[i].status);
        assert_row(strstr(answered.body, rows[i].why) != NULL, rows[i].why);
    }
}

/* It ended while the admin API was being freed. */
static void nobody_is_answered_once_the_api_is_gone(void **state)
{
    (void)state;
    assert_int_equal(ask("uid:1"), ADMIN_LATER);
    end((struct reconcile_report){.scans = 1});
    server_reconcile_forget(server);
    turn();
    assert_int_equal(answered.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(without_a_reconciler_there_is_no_reconcile, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_answer_comes_on_the_main_thread, set_up, tear_down),
        cmocka_unit_test_setup_teardown(only_one_at_a_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_could_not_be_read_is_said, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nobody_is_answered_once_the_api_is_gone, set_up, tear_down),
    };

    return cmocka_run_group_tests_name("server/reconcile", tests, NULL, NULL);
}
