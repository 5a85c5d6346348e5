/* SPDX-License-Identifier: Apache-2.0
 * Times: text to microseconds and back, dates that don't exist, the ends of the range. */
#include "support/test.h"

#include "base/clock.h"

static void formats(void **state)
{
    static const struct {
        int64_t us;
        const char *want;
    } rows[] = {
        {0, "1970-01-01T00:00:00.000000Z"},
        {-1, "1969-12-31T23:59:59.999999Z"},
        {1, "1970-01-01T00:00:00.000001Z"},
        {INT64_C(951782399999999), "2000-02-28T23:59:59.999999Z"},
        {INT64_C(951782400000000), "2000-02-29T00:00:00.000000Z"},
        {INT64_C(4107542400000000), "2100-03-01T00:00:00.000000Z"},
        {INT64_C(1798761599123456), "2026-12-31T23:59:59.123456Z"},
        {INT64_C(253402300799999999), "9999-12-31T23:59:59.999999Z"},
        {INT64_C(-62167219200000000), "0000-01-01T00:00:00.000000Z"},
        {INT64_C(-62167219200000001), "9999-12-31T23:59:59.999999Z"},
        {INT64_C(253402300800000000), "9999-01-01T00:00:00.000000Z"},
        {INT64_MAX, "9999-01-10T04:00:54.775807Z"},
        {INT64_MIN, "9999-12-21T19:59:05.224192Z"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[CLOCK_TEXT_BYTES];
        struct view got = clock_format(rows[i].us, text);

        if (!view_eq(got, view_str(rows[i].want)))
            print_error("got %.*s\n", VIEW_ARGS(got));
        assert_row(view_eq(got, view_str(rows[i].want)), rows[i].want);
        assert_row(text[got.len] == '\0', rows[i].want);
    }
}

static void parses(void **state)
{
    static const struct {
        const char *text;
        int64_t want;
    } rows[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1970-01-01T00:00:00.0Z", 0},
        {"1970-01-01T00:00:00.5Z", 500000},
        {"1970-01-01T00:00:00.000001Z", 1},
        {"1970-01-01T00:00:00.000001999Z", 1},
        {"1969-12-31T23:59:59.999999Z", -1},
        {"2026-12-31T23:59:60Z", INT64_C(1798761600000000)},
        {"2024-02-29T00:00:00Z", INT64_C(1709164800000000)},
        {"0000-01-01T00:00:00Z", INT64_C(-62167219200000000)},
        {"9999-12-31T23:59:59.999999Z", INT64_C(253402300799999999)},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t us = 42;

        assert_row(clock_parse(view_str(rows[i].text), &us), rows[i].text);
        assert_row(us == rows[i].want, rows[i].text);
    }
}

static void refuses(void **state)
{
    static const char *const rows[] = {
        "",
        "Z",
        "1970-01-01",
        "1970-01-01T00:00:00",
        "1970-01-01T00:00:00z",
        "1970-01-01t00:00:00Z",
        "1970-01-01 00:00:00Z",
        "1970-01-01T00:00:00+00:00",
        "1970-01-01T00:00:00.Z",
        "1970-01-01T00:00:00.1234567890Z",
        "1970-01-01T00:00:00.12a4Z",
        "1970-01-01T00:00:00,5Z",
        "1970-01-01T00:00:00.5",
        "1970-01-01T00:00:00ZZ",
        "1970-01-01T24:00:00Z",
        "1970-01-01T00:60:00Z",
        "1970-01-01T00:00:61Z",
        "1970-01-01T0:00:000Z",
        "1970-01-01T00-00-00Z",
        "1970-1-001T00:00:00Z",
        "+970-01-01T00:00:00Z",
        "1970-02-29T00:00:00Z",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t us = 42;

        assert_row(!clock_parse(view_str(rows[i]), &us), rows[i]);
        assert_row(us == 42, rows[i]);
    }
}

static void knows_dates(void **state)
{
    static const struct {
        const char *text;
        bool real;
    } rows[] = {
        {"2026-12-31", true},  {"2024-02-29", true},  {"2023-02-29", false},  {"2000-02-29", true},
        {"1900-02-29", false}, {"2026-04-30", true},  {"2026-04-31", false},  {"2026-00-10", false},
        {"2026-13-01", false}, {"2026-01-00", false}, {"2026-01-32", false},  {"2026/01/01", false},
        {"2026-1-1", false},   {"2026-01-1", false},  {"2026-01-011", false}, {"", false},
        {"20a6-01-01", false}, {"2026-01-0 ", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t us = 42;

        assert_row(clock_parse_date(view_str(rows[i].text), &us) == rows[i].real, rows[i].text);
        assert_row(rows[i].real == (us != 42), rows[i].text);
    }
}

/* Every day of 800 years: one day after the other, and the text reads back. */
static void days_follow_each_other(void **state)
{
    char text[CLOCK_TEXT_BYTES];
    int64_t us, first;

    (void)state;
    assert_true(clock_parse_date(VIEW("1600-01-01"), &first));
    for (int64_t day = 0; day < 292194; day++) {
        int64_t want = first + day * INT64_C(86400000000);

        assert_true(clock_parse_date(view_of(clock_format(want, text).ptr, 10), &us));
        assert_int_equal(us, want);
    }
    assert_view(view_of(text, 10), "2399-12-31");
}

static void the_clocks_run(void **state)
{
    int64_t now = clock_now_us(), before = clock_monotonic_us();

    (void)state;
    assert_true(now > INT64_C(1577836800000000)); /* 2020 */
    assert_true(clock_monotonic_us() >= before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats),
        cmocka_unit_test(parses),
        cmocka_unit_test(refuses),
        cmocka_unit_test(knows_dates),
        cmocka_unit_test(days_follow_each_other),
        cmocka_unit_test(the_clocks_run),
    };

    return cmocka_run_group_tests_name("base/clock", tests, NULL, NULL);
}
