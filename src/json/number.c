/* SPDX-License-Identifier: Apache-2.0
 * The range of a real is decided on its digits: strtod would look at the locale, and only the
 * question whether the value rounds to infinity is open. */
#include "json/number.h"

#include "base/require.h"

/* 2^1024 - 2^970: half-way between the largest double and the next power of two. Round-half-even
 * takes it, and all above, to infinity. */
static const char first_infinite[] =
    "1797693134862315807937289714053034150799341327100378269361737789"
    "8044496829276475094664901797758720709633028641669288791094655554"
    "7851940402630657488671505820681908902000708383676273854845817711"
    "5317644757302700698555713669596228429148198608349364752927190741"
    "68444365510704342711559699508093042880177904174497792";
enum { INFINITE_ORDER = (int)sizeof first_infinite - 2 };

/* Exponents beyond it decide alone: a document is shorter than the digits that could outweigh it.
 */
static const int64_t exponent_cap = INT64_C(1) << 40;

static bool is_digit(struct view v, size_t at)
{
    return at < v.len && v.ptr[at] >= '0' && v.ptr[at] <= '9';
}

static size_t skip_digits(struct view v, size_t at)
{
    while (is_digit(v, at))
        at++;
    return at;
}

/* Does the number fit int64? Its digits were checked. */
static bool fits_integer(struct view v, int64_t *ret)
{
    bool negative = v.ptr[0] == '-';
    int64_t value = 0;

    for (size_t i = negative ? 1 : 0; i < v.len; i++) {
        int digit = v.ptr[i] - '0';

        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, negative ? -digit : digit, &value))
            return false;
    }
    *ret = value;
    return true;
}

int64_t jnumber_value(struct view v)
{
    int64_t value = 0;

    REQUIRE(fits_integer(v, &value));
    return value;
}

static int64_t read_exponent(struct view v)
{
    bool negative = v.len > 0 && v.ptr[0] == '-';
    int64_t value = 0;

    for (size_t i = negative || (v.len > 0 && v.ptr[0] == '+') ? 1 : 0; i < v.len; i++) {
        if (value < exponent_cap)
            value = value * 10 + (v.ptr[i] - '0');
    }
    return negative ? -value : value;
}

/* Are the digits from the first that isn't zero, at an order of INFINITE_ORDER, too many? */
static bool reaches_infinity(struct view mantissa, size_t first)
{
    size_t at = first;

    for (int i = 0; i <= INFINITE_ORDER; i++) {
        char digit = '0';

        if (at < mantissa.len && mantissa.ptr[at] == '.')
            at++;
        if (at < mantissa.len)
            digit = mantissa.ptr[at++];
        if (digit != first_infinite[i])
            return digit > first_infinite[i];
    }
    return true;
}

static bool overflows(struct view v)
{
    size_t minus = v.ptr[0] == '-' ? 1 : 0, first = minus, mark = minus, point;
    struct view mantissa;
    int64_t order;

    while (mark < v.len && v.ptr[mark] != 'e' && v.ptr[mark] != 'E')
        mark++;
    mantissa = view_of(v.ptr, mark);
    while (first < mark && (v.ptr[first] == '0' || v.ptr[first] == '.'))
        first++;
    if (first == mark)
        return false; /* zero, whatever the exponent */
    point = view_find(mantissa, '.');
    /* The power of ten of the first digit that isn't zero. */
    order = (int64_t)point - (int64_t)first - (first < point ? 1 : 0);
    if (mark < v.len)
        order += read_exponent(view_from(v, mark + 1));
    if (order != INFINITE_ORDER)
        return order > INFINITE_ORDER;
    return reaches_infinity(mantissa, first);
}

/* Takes the digits of a part that needs at least one; false if there is none. */
static bool take_digits(struct view v, size_t *at)
{
    size_t start = *at;

    *at = skip_digits(v, start);
    return *at > start;
}

static bool take_one_of(struct view v, size_t *at, char a, char b)
{
    if (*at == v.len || (v.ptr[*at] != a && v.ptr[*at] != b))
        return false;
    ++*at;
    return true;
}

/* Moves *at over a number as RFC 8259 6 has it, or to where it breaks. */
static bool take_number(struct view v, size_t *at, bool *ret_real)
{
    bool fraction, exponent;
    size_t start;

    (void)take_one_of(v, at, '-', '-');
    start = *at;
    if (!take_digits(v, at))
        return false;
    if (v.ptr[start] == '0' && *at > start + 1) {
        *at = start;
        return false;
    }
    fraction = take_one_of(v, at, '.', '.');
    if (fraction && !take_digits(v, at))
        return false;
    exponent = take_one_of(v, at, 'e', 'E');
    if (exponent) {
        (void)take_one_of(v, at, '+', '-');
        if (!take_digits(v, at))
            return false;
    }
    *ret_real = fraction || exponent;
    return true;
}

struct jnumber jnumber_scan(struct view v)
{
    struct jnumber number = {.len = 0};
    int64_t value;

    number.ok = take_number(v, &number.len, &number.real);
    if (!number.ok)
        return number;
    v.len = number.len;
    number.out_of_range = number.real ? overflows(v) : !fits_integer(v, &value);
    return number;
}
