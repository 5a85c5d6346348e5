/* SPDX-License-Identifier: Apache-2.0
 * Numbers, durations and sizes: their ends, their units, and what isn't one. */
#include "support/test.h"

#include "base/number.h"

static void parses_integers(void **state)
{
    static const struct {
        const char *text;
        int64_t min, max, want;
        bool good;
    } rows[] = {
        {"0", 0, 0, 0, true},
        {"7", INT64_MIN, INT64_MAX, 7, true},
        {"-7", INT64_MIN, INT64_MAX, -7, true},
        {"9223372036854775807", INT64_MIN, INT64_MAX, INT64_MAX, true},
        {"-9223372036854775808", INT64_MIN, INT64_MAX, INT64_MIN, true},
        {"9223372036854775808", INT64_MIN, INT64_MAX, 0, false},
        {"-9223372036854775809", INT64_MIN, INT64_MAX, 0, false},
        {"18446744073709551616", INT64_MIN, INT64_MAX, 0, false},
        {"99999999999999999999999", INT64_MIN, INT64_MAX, 0, false},
        {"1", 1, 256, 1, true},
        {"256", 1, 256, 256, true},
        {"0", 1, 256, 0, false},
        {"257", 1, 256, 0, false},
        {"-0", -1, 1, 0, true},
        {"", 0, 9, 0, false},
        {"-", -9, 9, 0, false},
        {"--1", -9, 9, 0, false},
        {"+1", -9, 9, 0, false},
        {"01", -9, 9, 0, false},
        {"-01", -9, 9, 0, false},
        {"00", -9, 9, 0, false},
        {" 1", -9, 9, 0, false},
        {"1 ", -9, 9, 0, false},
        {"1.0", -9, 9, 0, false},
        {"1e0", -9, 9, 0, false},
        {"0x1", -9, 9, 0, false},
        {"a", -9, 9, 0, false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t got = 42;
        bool good = num_parse_i64(view_str(rows[i].text), rows[i].min, rows[i].max, &got);

        assert_row(good == rows[i].good, rows[i].text);
        assert_row(got == (good ? rows[i].want : 42), rows[i].text);
    }
    assert_false(num_parse_i64(VIEW_NONE, 0, 9, &(int64_t){0}));
    assert_false(num_parse_i64(VIEW("1\0"), 0, 9, &(int64_t){0}));
}

static void parses_digits(void **state)
{
    static const struct {
        const char *text;
        uint64_t want;
        bool good;
    } rows[] = {
        {"0", 0, true},
        {"00000000000000000001", 1, true},
        {"18446744073709551615", UINT64_MAX, true},
        {"18446744073709551616", 0, false},
        {"99999999999999999999", 0, false},
        {"000000000000000000001", 0, false},
        {"", 0, false},
        {"-1", 0, false},
        {"+1", 0, false},
        {"1a", 0, false},
        {" 1", 0, false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint64_t got = 42;
        bool good = num_parse_digits(view_str(rows[i].text), &got);

        assert_row(good == rows[i].good, rows[i].text);
        assert_row(got == (good ? rows[i].want : 42), rows[i].text);
    }
}

static void formats_integers(void **state)
{
    char out[NUM_TEXT_BYTES];

    (void)state;
    assert_view(num_format_i64(0, out), "0");
    assert_view(num_format_i64(-1, out), "-1");
    assert_view(num_format_i64(1234567890, out), "1234567890");
    assert_view(num_format_i64(INT64_MAX, out), "9223372036854775807");
    assert_view(num_format_i64(INT64_MIN, out), "-9223372036854775808");
}

static void durations(void **state)
{
    static const struct {
        const char *text;
        int64_t want;
        const char *printed; /* NULL: not a duration */
    } rows[] = {
        {"0s", 0, "0s"},
        {"0ms", 0, "0s"},
        {"0d", 0, "0s"},
        {"5ms", 5, "5ms"},
        {"1000ms", 1000, "1s"},
        {"1500ms", 1500, "1500ms"},
        {"90s", 90000, "90s"},
        {"60s", 60000, "1m"},
        {"90m", 5400000, "90m"},
        {"60m", 3600000, "1h"},
        {"1d", 86400000, "24h"},
        {"400d", INT64_C(34560000000), "9600h"},
        {"106751991167d", INT64_C(9223372036828800000), "2562047788008h"},
        {"9223372036854775807ms", INT64_MAX, "9223372036854775807ms"},
        {"106751991168d", 0, NULL},
        {"9223372036854775808ms", 0, NULL},
        {"5", 0, NULL},
        {"s", 0, NULL},
        {"", 0, NULL},
        {"5 s", 0, NULL},
        {"5s ", 0, NULL},
        {"5S", 0, NULL},
        {"5sec", 0, NULL},
        {"-5s", 0, NULL},
        {"+5s", 0, NULL},
        {"05s", 0, NULL},
        {"1.5h", 0, NULL},
        {"1h30m", 0, NULL},
        {"1w", 0, NULL},
        {"5KB", 0, NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char out[NUM_TEXT_BYTES];
        int64_t got = 42;
        bool good = num_parse_duration(view_str(rows[i].text), &got);

        assert_row(good == (rows[i].printed != NULL), rows[i].text);
        assert_row(got == (good ? rows[i].want : 42), rows[i].text);
        if (good)
            assert_row(view_eq(num_format_duration(got, out), view_str(rows[i].printed)),
                       rows[i].text);
    }
}

static void sizes(void **state)
{
    static const struct {
        const char *text;
        int64_t want;
        const char *printed;
    } rows[] = {
        {"0B", 0, "0B"},
        {"0GB", 0, "0B"},
        {"1B", 1, "1B"},
        {"1023B", 1023, "1023B"},
        {"1024B", 1024, "1KB"},
        {"64KB", 65536, "64KB"},
        {"1025KB", 1049600, "1025KB"},
        {"64MB", 67108864, "64MB"},
        {"1GB", 1073741824, "1GB"},
        {"2048GB", INT64_C(2199023255552), "2048GB"},
        {"8589934591GB", INT64_C(9223372035781033984), "8589934591GB"},
        {"8589934592GB", 0, NULL},
        {"1", 0, NULL},
        {"1K", 0, NULL},
        {"1kb", 0, NULL},
        {"1KiB", 0, NULL},
        {"1TB", 0, NULL},
        {"1b", 0, NULL},
        {"KB", 0, NULL},
        {"-1KB", 0, NULL},
        {"1.5MB", 0, NULL},
        {"1 MB", 0, NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char out[NUM_TEXT_BYTES];
        int64_t got = 42;
        bool good = num_parse_size(view_str(rows[i].text), &got);

        assert_row(good == (rows[i].printed != NULL), rows[i].text);
        assert_row(got == (good ? rows[i].want : 42), rows[i].text);
        if (good)
            assert_row(view_eq(num_format_size(got, out), view_str(rows[i].printed)), rows[i].text);
    }
}

/* What is printed is what was meant, for any value. */
static void printed_units_read_back(void **state)
{
    (void)state;
    for (int64_t value = 1; value > 0 && value < INT64_MAX / 3; value = value * 3 - 1) {
        char out[NUM_TEXT_BYTES];
        int64_t got;

        assert_true(num_parse_duration(num_format_duration(value, out), &got));
        assert_int_equal(got, value);
        assert_true(num_parse_size(num_format_size(value * 2, out), &got));
        assert_int_equal(got, value * 2);
        if (value == 1)
            value = 2;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses_integers),
        cmocka_unit_test(parses_digits),
        cmocka_unit_test(formats_integers),
        cmocka_unit_test(durations),
        cmocka_unit_test(sizes),
        cmocka_unit_test(printed_units_read_back),
    };

    return cmocka_run_group_tests_name("base/number", tests, NULL, NULL);
}
