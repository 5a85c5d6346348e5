/* SPDX-License-Identifier: Apache-2.0
 * An IAM that fails: known tokens go on, others are refused, and it isn't stormed. */
#include <sched.h>

#include "scene.h"

static void check_recovery(struct scene *s)
{
    struct iam_ticket *ticket;
    unsigned refused = 0;

    /* Until the next look-up is let through. */
    do {
        s->box.answer = box_ask(&s->box, VIEW("token-b"), 0, NULL, &ticket);
        refused += s->box.answer == IAM_REFUSED;
        (void)sched_yield();
    } while (s->box.answer == IAM_REFUSED);
    assert_true(refused > 0);
    assert_int_equal(s->box.answer, IAM_WAITS);
    /* It is the only one. */
    assert_int_equal(box_ask(&s->box, VIEW("token-c"), 0, NULL, &ticket), IAM_REFUSED);
    assert_string_equal(s->box.verdict.why->code, "identity.unavailable");
    cloud_go(&s->cloud);
    box_wait(&s->box, s->box.answers + 1);
    assert_int_equal(s->box.answer, IAM_KNOWN);
}

static void test_away(void **state)
{
    struct scene *const s = *state;
    const char *const failure = answer(s, 503, "", "");
    const struct cloud_step script[] = {{CLOUD_READ, ASKED("GET", "token-a"), 0},
                                        {CLOUD_SEND, yes(s), 0},
                                        {CLOUD_READ, ASKED("GET", "token-b"), 0},
                                        {CLOUD_SEND, failure, 0},
                                        {CLOUD_READ, ASKED("GET", "token-b"), 0},
                                        {CLOUD_SEND, answer(s, 429, "", ""), 0},
                                        {CLOUD_READ, ASKED("GET", "token-b"), 0},
                                        {CLOUD_SEND, failure, 0},
                                        {CLOUD_READ, ASKED("GET", "token-b"), 0},
                                        {CLOUD_SEND, failure, 0},
                                        {CLOUD_READ, ASKED("GET", "token-b"), 0},
                                        {CLOUD_WAIT, NULL, 0},
                                        {CLOUD_SEND, yes(s), 0},
                                        {CLOUD_READ, ASKED("GET", "token-c"), 0},
                                        {CLOUD_SEND, yes(s), 0},
                                        {CLOUD_END, NULL, 0}};
    const struct cloud_step *const scripts[] = {script};
    const int64_t began_us = clock_now_us();
    unsigned asked = 0;

    scene_open(s, scripts, 1);
    assert_int_equal(box_run(&s->box, VIEW("token-a"), 0), IAM_KNOWN);
    assert_int_equal(state_of(s).away_since_us, 0);
    /* The fourth is the first that goes after a pause. */
    while (state_of(s).failures < 4) {
        (void)box_run(&s->box, VIEW("token-b"), 0);
        assert_refused(&s->box, IDENTITY_UNAVAILABLE);
        asked++;
        assert_int_equal(box_run(&s->box, VIEW("token-a"), 0), IAM_KNOWN);
        (void)sched_yield();
    }
    assert_true(state_of(s).away_since_us >= began_us);
    assert_true(asked >= 4);
    check_recovery(s);
    assert_int_equal(state_of(s).away_since_us, 0);
    assert_int_equal(box_run(&s->box, VIEW("token-c"), 0), IAM_KNOWN);
    assert_int_equal(state_of(s).lookups, 7);
    assert_int_equal(state_of(s).failures, 4);
    scene_close(s);
}

static void check_trouble(struct scene *s, const struct cloud_step *script, int64_t timeout_ms)
{
    s->settings = (struct iam_settings){.host = "iam.test",
                                        .path = "",
                                        .cache_ms = 1000,
                                        .timeout_ms = timeout_ms,
                                        .connections = 2};
    scene_open(s, &script, 1);
    (void)box_run(&s->box, VIEW("token-a"), 0);
    assert_refused(&s->box, IDENTITY_UNAVAILABLE);
    assert_int_equal(state_of(s).failures, 1);
    assert_int_equal(state_of(s).entries, 0);
    scene_close(s);
}

static void test_trouble(void **state)
{
    const struct cloud_step silent[] = {{CLOUD_SILENT, NULL, 0}};
    const struct cloud_step plain[] = {{CLOUD_PLAIN, "HTTP/1.1 200 OK\r\n\r\n", 0}};
    const struct cloud_step reset[] = {{CLOUD_RESET, NULL, 0}};
    const struct cloud_step closed[] = {{CLOUD_READ, ASKED("GET", "token-a"), 0},
                                        {CLOUD_CLOSE, NULL, 0}};
    const struct cloud_step half[] = {
        {CLOUD_READ, ASKED("GET", "token-a"), 0},
        {CLOUD_SEND, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", 0},
        {CLOUD_CLOSE, NULL, 0}};
    const struct cloud_step endless[] = {
        {CLOUD_READ, ASKED("GET", "token-a"), 0},
        {CLOUD_SEND, "HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n", 0},
        {CLOUD_FILL, NULL, 300000},
        {CLOUD_END, NULL, 0}};

    check_trouble(*state, silent, 100);
    check_trouble(*state, plain, PATIENCE_MS);
    check_trouble(*state, reset, PATIENCE_MS);
    check_trouble(*state, closed, PATIENCE_MS);
    check_trouble(*state, half, PATIENCE_MS);
    check_trouble(*state, endless, PATIENCE_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_away),
        cmocka_unit_test(test_trouble),
    };

    return cmocka_run_group_tests(tests, scene_setup, scene_teardown);
}
