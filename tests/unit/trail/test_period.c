/* SPDX-License-Identifier: Apache-2.0 */
#include "support/test.h"

#include "base/clock.h"
#include "trail/period.h"

static void since_counts_back(void **state)
{
    const int64_t now = 1767323045123456;
    static const struct {
        const char *text;
        int64_t back_us; /* -1: refused */
    } rows[] = {
        {"30s", 30000000},
        {"90m", 5400000000},
        {"36h", 129600000000},
        {"7d", 604800000000},
        {"", -1},
        {"7", -1},
        {"d", -1},
        {"-7d", -1},
        {"7d ", -1},
        {"yesterday", -1},
        {"9223372036854775d", -1},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t from = -5;
        bool good = period_parse_since(view_str(rows[i].text), now, &from);

        assert_row(good == (rows[i].back_us >= 0), rows[i].text);
        assert_row(from == (good ? now - rows[i].back_us : -5), rows[i].text);
    }
}

static void times_are_days_or_instants(void **state)
{
    static const struct {
        const char *text, *want; /* NULL: refused */
    } rows[] = {
        {"2026-12-31", "2026-12-31T00:00:00.000000Z"},
        {"2024-02-29", "2024-02-29T00:00:00.000000Z"},
        {"2026-12-31T12:00:00Z", "2026-12-31T12:00:00.000000Z"},
        {"2026-12-31T12:00:00.25Z", "2026-12-31T12:00:00.250000Z"},
        {"2026-02-29", NULL},
        {"2026-12-31T12:00:00", NULL},
        {"2026-12-31T12:00:00+01:00", NULL},
        {"31.12.2026", NULL},
        {"2026-12-31 ", NULL},
        {"", NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[CLOCK_TEXT_BYTES];
        int64_t us;
        bool good = period_parse_time(view_str(rows[i].text), &us);

        assert_row(good == (rows[i].want != NULL), rows[i].text);
        if (good)
            assert_view_eq(clock_format(us, text), view_str(rows[i].want));
    }
}

static void the_end_is_outside(void **state)
{
    const struct period period = {10, 20}, always = period_always();

    (void)state;
    assert_false(period_has(&period, 9));
    assert_true(period_has(&period, 10));
    assert_true(period_has(&period, 19));
    assert_false(period_has(&period, 20));
    assert_true(period_has(&always, INT64_MIN));
    assert_true(period_has(&always, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(since_counts_back),
        cmocka_unit_test(times_are_days_or_instants),
        cmocka_unit_test(the_end_is_outside),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
