/* SPDX-License-Identifier: Apache-2.0
 * When what is scanned. Times are seconds here. */
#include "support/test.h"

#include "reconcile/targets.h"

#define S(seconds) ((int64_t)(seconds)*1000000)

static struct targets targets;

static int set_up(void **state)
{
    (void)state;
    targets_init(&targets, S(1), S(30), S(61));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    targets_done(&targets);
    return 0;
}

static struct target *due(int64_t now_us)
{
    int64_t next_us;

    return targets_due(&targets, now_us, &next_us);
}

static int64_t next_due(void)
{
    int64_t next_us;

    (void)targets_due(&targets, INT64_MIN, &next_us);
    return next_us;
}

static void scan(struct target *target, bool complete, int64_t settles_us, int64_t now_us)
{
    targets.current = target;
    targets_scanned(&targets, complete, settles_us, now_us);
    assert_null(targets.current);
}

static struct target *project(const char *id)
{
    struct target *target = targets_project(&targets, view_str(id));

    assert_non_null(target);
    target->named = true;
    return target;
}

static void test_rounds(void **state)
{
    struct target *a = project("a"), *b = project("b");

    (void)state;
    assert_ptr_equal(project("a"), a);
    assert_int_equal(targets.projects, 2);
    assert_null(due(S(5)));
    targets_begin_round(&targets, S(10));
    assert_ptr_equal(due(S(10)), a);
    scan(a, true, INT64_MAX, S(11));
    assert_false(targets_round_over(&targets));
    assert_ptr_equal(due(S(11)), b);
    scan(b, false, INT64_MAX, S(12));
    assert_true(b->failing);
    assert_false(targets_round_over(&targets)); /* a failed one keeps it open */
    assert_int_equal(next_due(), S(13));
    scan(b, false, INT64_MAX, S(13));
    assert_int_equal(next_due(), S(15));
    scan(b, true, INT64_MAX, S(15));
    assert_true(targets_round_over(&targets));
    assert_false(b->failing);
}

static void test_pauses_double_and_end(void **state)
{
    static const int64_t pauses[] = {2, 4, 8, 16, 30};
    struct target *a = project("a");
    int64_t now_us = S(100);

    (void)state;
    targets_hint(&targets, a, now_us);
    assert_int_equal(next_due(), now_us + S(1));
    for (size_t i = 0; i < sizeof pauses / sizeof *pauses; i++) {
        now_us = next_due();
        scan(a, true, INT64_MAX, now_us);
        assert_int_equal(next_due(), now_us + S(pauses[i]));
    }
    scan(a, true, INT64_MAX, next_due());
    assert_int_equal(next_due(), INT64_MAX);
}

static void test_what_is_unsettled_is_looked_for(void **state)
{
    struct target *a = project("a");
    int64_t now_us = S(100);

    (void)state;
    for (int i = 0; i < 20; i++) {
        scan(a, true, now_us - 1, now_us);
        assert_true(next_due() > now_us && next_due() <= now_us + S(30));
        now_us = next_due();
    }
    assert_int_equal(a->pause_us, S(30));
    scan(a, true, now_us + S(7), now_us); /* exactly then */
    assert_int_equal(next_due(), now_us + S(7));
    scan(a, true, now_us + S(70), now_us);
    assert_int_equal(next_due(), now_us + S(30));
}

static void test_many_hints_scan_no_faster(void **state)
{
    struct target *a = project("a");

    (void)state;
    targets_hint(&targets, a, S(100));
    scan(a, true, INT64_MAX, S(101));
    targets_hint(&targets, a, S(101));
    assert_int_equal(next_due(), S(103));
    scan(a, true, INT64_MAX, S(103));
    scan(a, true, INT64_MAX, S(107));
    assert_int_equal(next_due(), S(115));
    targets_hint(&targets, a, S(110));
    assert_int_equal(next_due(), S(111));
}

static void test_a_scan_that_began_before_counts_for_nothing(void **state)
{
    struct target *a = project("a");

    (void)state;
    targets_begin_round(&targets, S(1));
    scan(a, true, INT64_MAX, S(2));
    targets.current = a;
    targets_begin_round(&targets, S(3));
    targets_ask(&targets, S(3));
    targets_scanned(&targets, true, INT64_MAX, S(4));
    assert_false(targets_round_over(&targets));
    assert_false(targets_asked_over(&targets));
    assert_int_equal(next_due(), S(4));
    scan(a, true, INT64_MAX, S(5));
    assert_true(targets_round_over(&targets));
    assert_true(targets_asked_over(&targets));
}

static void test_a_round_that_takes_longer_than_the_time_between_two(void **state)
{
    struct target *a = project("a"), *b = project("b"), *c;

    (void)state;
    targets_begin_round(&targets, S(1));
    scan(a, true, INT64_MAX, S(2));
    targets.current = b;
    c = project("c"); /* is named meanwhile */
    targets_prolong_round(&targets, S(3));
    targets_scanned(&targets, true, INT64_MAX, S(4));
    assert_false(targets_round_over(&targets)); /* c lacks */
    assert_int_equal(next_due(), S(3));
    assert_ptr_equal(due(S(5)), c); /* before a, which was read */
    scan(c, false, INT64_MAX, S(5));
    assert_ptr_equal(due(S(5)), a);
    targets_prolong_round(&targets, S(6));
    assert_ptr_equal(due(S(6)), c);
    scan(c, true, INT64_MAX, S(7));
    assert_true(targets_round_over(&targets));
}

static void test_what_nobody_names_and_cannot_be_read_holds_no_round(void **state)
{
    struct target *gone = project("gone");

    (void)state;
    targets_begin_round(&targets, S(1));
    scan(gone, false, INT64_MAX, S(2));
    targets_prolong_round(&targets, S(3));
    assert_false(targets_round_over(&targets));
    gone->named = false;
    targets_prolong_round(&targets, S(4));
    assert_int_equal(targets.projects, 0);
    assert_true(targets_round_over(&targets));
}

static void test_asked_for_is_over_after_one_try(void **state)
{
    struct target *a = project("a");

    (void)state;
    targets_ask(&targets, S(3));
    assert_ptr_equal(due(S(3)), a);
    scan(a, false, INT64_MAX, S(5));
    assert_true(targets_asked_over(&targets));
}

static void test_projects_that_nobody_names(void **state)
{
    struct target *a = project("a"), *b = project("b"), *c = project("c");

    (void)state;
    a->named = b->named = c->named = false;
    targets_hint(&targets, b, S(1));
    targets.current = c;
    targets_begin_round(&targets, S(2));
    assert_int_equal(targets.projects, 2);
    assert_ptr_equal(targets_project(&targets, VIEW("b")), b);
    assert_ptr_equal(targets_project(&targets, VIEW("c")), c);
}

static struct target *caller(const char *user, const char *token, int64_t expires_us)
{
    struct target *target =
        targets_caller(&targets, VIEW("p"), view_str(user), view_str(token), expires_us);

    assert_non_null(target);
    return target;
}

static void test_callers(void **state)
{
    struct target *a = caller("a", "t1", S(50)), *b = caller("b", "t2", S(60));

    (void)state;
    assert_int_equal(targets.callers, 2);
    assert_ptr_equal(caller("a", "t3", S(70)), a);
    assert_view(a->token, "t3");
    assert_int_equal(targets.callers, 2);
    targets.current = b;
    targets_expire(&targets, S(60));
    assert_int_equal(targets.callers, 2); /* b is being scanned */
    targets.current = NULL;
    targets_expire(&targets, S(60));
    assert_int_equal(targets.callers, 1);
    targets_expire(&targets, S(70));
    assert_int_equal(targets.callers, 0);
    assert_int_equal(next_due(), INT64_MAX);
}

static void test_the_oldest_caller_goes(void **state)
{
    char user[16];
    struct target *first = caller("first", "t", S(9)), *second = caller("second", "t", S(9));

    (void)state;
    targets.current = first;
    for (int i = 2; i < TARGETS_CALLERS_MAX; i++) {
        (void)snprintf(user, sizeof user, "u%d", i);
        (void)caller(user, "t", S(9));
    }
    assert_int_equal(targets.callers, TARGETS_CALLERS_MAX);
    (void)caller("last", "t", S(9));
    assert_int_equal(targets.callers, TARGETS_CALLERS_MAX);
    assert_ptr_equal(TAILQ_FIRST(&targets.all), first); /* it is being scanned */
    assert_ptr_not_equal(TAILQ_NEXT(first, link), second);
    targets.current = NULL;
}

static void test_projects_are_bounded(void **state)
{
    char id[16];

    (void)state;
    for (int i = 0; i < TARGETS_PROJECTS_MAX; i++) {
        (void)snprintf(id, sizeof id, "p%d", i);
        (void)project(id);
    }
    assert_null(targets_project(&targets, VIEW("more")));
    assert_non_null(targets_project(&targets, VIEW("p7")));
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_rounds),
        TEST(test_pauses_double_and_end),
        TEST(test_what_is_unsettled_is_looked_for),
        TEST(test_many_hints_scan_no_faster),
        TEST(test_a_scan_that_began_before_counts_for_nothing),
        TEST(test_a_round_that_takes_longer_than_the_time_between_two),
        TEST(test_what_nobody_names_and_cannot_be_read_holds_no_round),
        TEST(test_asked_for_is_over_after_one_try),
        TEST(test_projects_that_nobody_names),
        TEST(test_callers),
        TEST(test_the_oldest_caller_goes),
        TEST(test_projects_are_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
