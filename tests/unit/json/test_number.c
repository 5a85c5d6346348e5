/* SPDX-License-Identifier: Apache-2.0
 * Numbers: grammar, the ends of int64, the first real that rounds to infinity. */
#include "json/number.h"

#include "json_support.h"

/* 2^1024 - 2^970, the first that overflows, without its last digit. */
#define EDGE                                                                                      \
    "1797693134862315807937289714053034150799341327100378269361737789804449682927647509466490179" \
    "7758720709633028641669288791094655554785194040263065748867150582068190890200070838367627385" \
    "4845817711531764475730270069855571366959622842914819860834936475292719074168444365510704342" \
    "71155969950809304288017790417449779"
/* The same with the point behind the first digit. */
#define EDGE_POINT                                                                                 \
    "1.797693134862315807937289714053034150799341327100378269361737789804449682927647509466490179" \
    "7758720709633028641669288791094655554785194040263065748867150582068190890200070838367627385"  \
    "4845817711531764475730270069855571366959622842914819860834936475292719074168444365510704342"  \
    "71155969950809304288017790417449779"

static const struct {
    const char *text;
    size_t len;
    bool ok, real, out_of_range;
} rows[] = {
    {"0", 1, true, false, false},
    {"-0", 2, true, false, false},
    {"7,", 1, true, false, false},
    {"10]", 2, true, false, false},
    {"9223372036854775807", 19, true, false, false},
    {"9223372036854775808", 19, true, false, true},
    {"-9223372036854775808", 20, true, false, false},
    {"-9223372036854775809", 20, true, false, true},
    {"10000000000000000000", 20, true, false, true},
    {"", 0, false, false, false},
    {"-", 1, false, false, false},
    {"x", 0, false, false, false},
    {"+1", 0, false, false, false},
    {"00", 0, false, false, false},
    {"-00", 1, false, false, false},
    {"01.5", 0, false, false, false},
    {"1.", 2, false, false, false},
    {"1.e5", 2, false, false, false},
    {"1e", 2, false, false, false},
    {"1e-", 3, false, false, false},
    {"1ee5", 2, false, false, false},
    {"1.5.5", 3, true, true, false},
    {"0.0", 3, true, true, false},
    {"-0.0e-0", 7, true, true, false},
    {"1E+2", 4, true, true, false},
    {"0e1000000000000000000000", 24, true, true, false},
    {"0.000e+99999", 12, true, true, false},
    {"1e308", 5, true, true, false},
    {"1e309", 5, true, true, true},
    {"-1e309", 6, true, true, true},
    {"10e308", 6, true, true, true},
    {"0.1e309", 7, true, true, false},
    {"0.1e310", 7, true, true, true},
    {"0.00001e313", 11, true, true, false},
    {"0.00002e313", 11, true, true, true},
    {"1e-999999999999999999999999", 27, true, true, false},
    {"1e999999999999999999999999", 26, true, true, true},
    {"1.7976931348623157e308", 22, true, true, false},
    {"1.7976931348623158e308", 22, true, true, false},
    {"1.7976931348623159e308", 22, true, true, true},
    {"17976931348623158e292", 21, true, true, false},
    {"17976931348623159e292", 21, true, true, true},
    {EDGE "1.9e0", 313, true, true, false},
    {EDGE "2.0", 311, true, true, true},
    {EDGE "2e0", 311, true, true, true},
    {EDGE "19e-1", 313, true, true, false},
    {EDGE_POINT "1999e308", 317, true, true, false},
    {EDGE_POINT "2e308", 314, true, true, true},
    {EDGE_POINT "20001e308", 318, true, true, true},
};

static void test_scan(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct jnumber got = jnumber_scan(view_str(rows[i].text));

        assert_row(got.ok == rows[i].ok, rows[i].text);
        if (got.len != rows[i].len)
            print_error("len %zu\n", got.len);
        assert_row(got.len == rows[i].len, rows[i].text);
        assert_row(got.real == rows[i].real, rows[i].text);
        assert_row(got.out_of_range == rows[i].out_of_range, rows[i].text);
    }
}

/* `head`, zeros up to `len` bytes, `tail`. */
static struct view with_zeros(char *text, const char *head, size_t len, const char *tail)
{
    size_t total = len;

    memset(text, '0', len);
    for (size_t i = 0; head[i] != '\0'; i++)
        text[i] = head[i];
    for (size_t i = 0; tail[i] != '\0'; i++)
        text[total++] = tail[i];
    return view_of(text, total);
}

/* The exponent alone says nothing. */
static void test_many_zeros(void **state)
{
    static const struct {
        const char *head, *tail;
        size_t len;
        bool out_of_range;
    } rows_of_zeros[] = {
        {"0.", "1e4900", 4598, false}, /* 10^303 */
        {"0.", "1e4905", 4598, false}, /* 10^308 */
        {"0.", "1e4906", 4598, true},  /* 10^309 */
        {"1", "e-4000", 4309, false},  /* 10^308 */
        {"1", "e-4000", 4310, true},   /* 10^309 */
        {"1", "e0", 309, false},       {"1", "e0", 310, true},
    };
    static char text[5000];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows_of_zeros); i++) {
        struct view v =
            with_zeros(text, rows_of_zeros[i].head, rows_of_zeros[i].len, rows_of_zeros[i].tail);

        assert_row(jnumber_scan(v).out_of_range == rows_of_zeros[i].out_of_range,
                   rows_of_zeros[i].tail);
        assert_true(jnumber_scan(v).len == v.len);
    }
}

static void test_value(void **state)
{
    (void)state;
    assert_int_equal(jnumber_value(VIEW("0")), 0);
    assert_int_equal(jnumber_value(VIEW("-0")), 0);
    assert_int_equal(jnumber_value(VIEW("-12")), -12);
    assert_true(jnumber_value(VIEW("9223372036854775807")) == INT64_MAX);
    assert_true(jnumber_value(VIEW("-9223372036854775808")) == INT64_MIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scan),
        cmocka_unit_test(test_many_zeros),
        cmocka_unit_test(test_value),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
