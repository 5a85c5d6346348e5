/* SPDX-License-Identifier: Apache-2.0 */
#include "support/test.h"

#include "reconcile/steps.h"

enum { S = 1000000, HOLD = 60 * S };

static const int64_t day = 86400LL * S;

static void test_without_steps(void **state)
{
    struct steps steps;

    (void)state;
    steps_init(&steps, 5 * day, 7 * S, HOLD);
    assert_int_equal(steps_wall_us(&steps, 5 * day + S, 8 * S), 5 * day + S);
    /* A thread that didn't run for a day, or a machine that slept. */
    assert_int_equal(steps_wall_us(&steps, 6 * day, day + 7 * S), 6 * day);
    /* Slewed. */
    assert_int_equal(steps_wall_us(&steps, 6 * day + 10 * S + S / 4, day + 17 * S),
                     6 * day + 10 * S + S / 4);
}

static void test_set_ahead(void **state)
{
    struct steps steps;

    (void)state;
    steps_init(&steps, day, 0, HOLD);
    assert_int_equal(steps_wall_us(&steps, 2 * day + S, S), day + S);
    assert_int_equal(steps_wall_us(&steps, 2 * day + 60 * S, 60 * S), day + 60 * S);
    /* All that was recent is old by now. */
    assert_int_equal(steps_wall_us(&steps, 2 * day + 61 * S, 61 * S), 2 * day + 61 * S);
}

static void test_set_ahead_twice(void **state)
{
    struct steps steps;

    (void)state;
    steps_init(&steps, day, 0, HOLD);
    assert_int_equal(steps_wall_us(&steps, 2 * day, 0), day);
    assert_int_equal(steps_wall_us(&steps, 3 * day + 50 * S, 50 * S), day + 50 * S);
    assert_int_equal(steps_wall_us(&steps, 3 * day + 109 * S, 109 * S), day + 109 * S);
    assert_int_equal(steps_wall_us(&steps, 3 * day + 110 * S, 110 * S), 3 * day + 110 * S);
}

static void test_set_right_again(void **state)
{
    struct steps steps;

    (void)state;
    steps_init(&steps, day, 0, HOLD);
    assert_int_equal(steps_wall_us(&steps, 2 * day, 0), day);
    assert_int_equal(steps_wall_us(&steps, day + S, S), day + S);
    /* Set back: later is not told from earlier, and nothing is taken away. */
    assert_int_equal(steps_wall_us(&steps, 2 * S, 2 * S), 2 * S);
    assert_int_equal(steps_wall_us(&steps, 3 * S, 3 * S), 3 * S);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_steps),
        cmocka_unit_test(test_set_ahead),
        cmocka_unit_test(test_set_ahead_twice),
        cmocka_unit_test(test_set_right_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
