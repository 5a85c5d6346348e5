/* SPDX-License-Identifier: Apache-2.0
 * Questions to the journal: one at a time, on a thread of its own, broken off when nobody waits any
 * more. What answers here is the test, which the library's own gives way to. */
#include "support/test.h"

#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/require.h"
#include "server/internal.h"

/* What the thread of the question and the test tell each other. */
static struct {
    _Atomic bool begun, go_on, stopped, blocked_signals;
    char asked[128];
    pthread_t thread;
} seen;

static struct {
    unsigned count;
    int status;
    char body[128];
} told;

static struct server *server;

/* Answers when it is told to go on or to stop. */
int answer_question(const struct answer_question *question, const _Atomic bool *stop,
                    struct buf *out)
{
    sigset_t blocked;

    (void)pthread_sigmask(SIG_BLOCK, NULL, &blocked);
    atomic_store(&seen.blocked_signals, sigismember(&blocked, SIGTERM) == 1);
    seen.thread = pthread_self();
    (void)snprintf(seen.asked, sizeof seen.asked, "%s %.*s of %s", question->action,
                   VIEW_ARGS(question->query), question->directory);
    atomic_store(&seen.begun, true);
    while (!atomic_load(&seen.go_on) && !atomic_load(stop))
        sched_yield();
    atomic_store(&seen.stopped, atomic_load(stop));
    buf_add_str(out, "{}");
    return 200;
}

static void on_answer(void *user, int status, const struct buf *body)
{
    assert_ptr_equal(user, &told);
    told.count++;
    told.status = status;
    (void)snprintf(told.body, sizeof told.body, "%.*s", VIEW_ARGS(buf_view(body)));
}

static int ask(const char *query, char *why, size_t size)
{
    const struct admin_done done = {.call = on_answer, .user = &told};
    char *text = strdup(query);
    const struct admin_question question = {.action = "query", .query = view_str(text)};
    struct buf out;
    int status;

    assert_non_null(text);
    buf_init(&out, 4096);
    status = server_audit(server, &question, &done, &out);
    (void)snprintf(why, size, "%.*s", VIEW_ARGS(buf_view(&out)));
    buf_done(&out);
    memset(text, 'x', strlen(query)); /* the request goes before its answer */
    free(text);
    return status;
}

static void begin(void)
{
    char why[256];

    assert_int_equal(ask("user=alice", why, sizeof why), ADMIN_LATER);
    while (!atomic_load(&seen.begun))
        sched_yield();
}

static void turn_until_told(void)
{
    while (told.count == 0)
        assert_int_not_equal(event_base_loop(server->base, EVLOOP_ONCE), -1);
}

static int set_up(void **state)
{
    (void)state;
    memset(&seen, 0, sizeof seen);
    memset(&told, 0, sizeof told);
    server = calloc(1, sizeof *server);
    assert_non_null(server);
    server->base = event_base_new();
    server->conf.journal.directory = "/j";
    assert_true(server_audit_init(server));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    server_audit_done(server);
    event_base_free(server->base);
    free(server);
    return 0;
}

static void it_is_answered_from_another_thread(void **state)
{
    (void)state;
    begin();
    assert_false(pthread_equal(seen.thread, pthread_self()));
    assert_true(atomic_load(&seen.blocked_signals));
    assert_string_equal(seen.asked, "query user=alice of /j");
    /* The loop goes on meanwhile. */
    assert_int_not_equal(event_base_loop(server->base, EVLOOP_NONBLOCK), -1);
    assert_int_equal(told.count, 0);
    atomic_store(&seen.go_on, true);
    turn_until_told();
    assert_int_equal(told.status, 200);
    assert_string_equal(told.body, "{}");
    assert_false(seen.stopped);
}

static void a_second_one_is_refused_until_the_first_was_answered(void **state)
{
    char why[256];

    (void)state;
    begin();
    assert_int_equal(ask("", why, sizeof why), 503);
    assert_non_null(strstr(why, "another question to the journal is being answered"));
    atomic_store(&seen.go_on, true);
    turn_until_told();
    atomic_store(&seen.begun, false);
    told.count = 0;
    begin();
    turn_until_told();
    assert_int_equal(told.count, 1);
}

static void whoever_asked_and_has_gone_breaks_it_off(void **state)
{
    (void)state;
    begin();
    server_audit_gone(server);
    turn_until_told();
    assert_true(seen.stopped);
    /* What is left of an old stop does not reach the next. */
    atomic_store(&seen.begun, false);
    atomic_store(&seen.go_on, true);
    told.count = 0;
    begin();
    turn_until_told();
    assert_false(seen.stopped);
}

/* tear_down joins the thread; under ASan and TSan it would be told what is left. */
static void the_end_breaks_it_off_and_answers_nobody(void **state)
{
    (void)state;
    begin();
    server_audit_forget(server);
    while (!atomic_load(&seen.stopped))
        assert_int_not_equal(event_base_loop(server->base, EVLOOP_NONBLOCK), -1);
    while (server->audit.busy)
        assert_int_not_equal(event_base_loop(server->base, EVLOOP_ONCE), -1);
    assert_int_equal(told.count, 0);
}

static void the_end_does_not_wait_for_it(void **state)
{
    (void)state;
    begin();
    server_audit_done(server);
    assert_true(seen.stopped);
    assert_int_equal(told.count, 0);
}

static void too_long_a_question_is_refused(void **state)
{
    char query[8200], why[256];

    (void)state;
    memset(query, 'a', sizeof query - 1);
    query[8193] = '\0';
    assert_int_equal(ask(query, why, sizeof why), 400);
    query[8192] = '\0';
    atomic_store(&seen.go_on, true);
    assert_int_equal(ask(query, why, sizeof why), ADMIN_LATER);
    turn_until_told();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_is_answered_from_another_thread, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_second_one_is_refused_until_the_first_was_answered,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(whoever_asked_and_has_gone_breaks_it_off, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_end_breaks_it_off_and_answers_nobody, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_end_does_not_wait_for_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(too_long_a_question_is_refused, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
