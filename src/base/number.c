/* SPDX-License-Identifier: Apache-2.0
 * Numbers in text. One table of units serves parsing and printing of durations and sizes. */
#include "base/number.h"

#include <stdio.h>

struct unit {
    const char *name;
    int64_t factor;
    bool printed;
};

/* Smallest first. */
static const struct unit durations[] = {
    {"ms", 1, true},      {"s", 1000, true},      {"m", 60000, true},
    {"h", 3600000, true}, {"d", 86400000, false},
};
static const struct unit sizes[] = {
    {"B", 1, true},
    {"KB", 1024, true},
    {"MB", INT64_C(1024) * 1024, true},
    {"GB", INT64_C(1024) * 1024 * 1024, true},
};

bool num_parse_digits(struct view v, uint64_t *ret)
{
    uint64_t value = 0;

    if (v.len == 0 || v.len > 20)
        return false;
    for (size_t i = 0; i < v.len; i++) {
        if (v.ptr[i] < '0' || v.ptr[i] > '9')
            return false;
        if (__builtin_mul_overflow(value, (uint64_t)10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(v.ptr[i] - '0'), &value))
            return false;
    }
    *ret = value;
    return true;
}

bool num_parse_i64(struct view v, int64_t min, int64_t max, int64_t *ret)
{
    bool negative = v.len > 0 && v.ptr[0] == '-';
    struct view digits = negative ? view_from(v, 1) : v;
    uint64_t magnitude;
    int64_t value;

    if (digits.len > 1 && digits.ptr[0] == '0')
        return false;
    if (!num_parse_digits(digits, &magnitude))
        return false;
    if (magnitude > (uint64_t)INT64_MAX + (negative ? 1 : 0))
        return false;
    value = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    if (value < min || value > max)
        return false;
    *ret = value;
    return true;
}

struct view num_format_i64(int64_t value, char out[NUM_TEXT_BYTES])
{
    uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    char *at = out + NUM_TEXT_BYTES;

    do {
        *--at = (char)('0' + magnitude % 10);
        magnitude /= 10;
    } while (magnitude > 0);
    if (value < 0)
        *--at = '-';
    return view_of(at, (size_t)(out + NUM_TEXT_BYTES - at));
}

static bool parse_unit(struct view v, const struct unit *units, size_t count, int64_t *ret)
{
    size_t digits = 0;
    int64_t number;

    while (digits < v.len && v.ptr[digits] >= '0' && v.ptr[digits] <= '9')
        digits++;
    if (!num_parse_i64(view_of(v.ptr, digits), 0, INT64_MAX, &number))
        return false;
    for (size_t i = 0; i < count; i++) {
        int64_t product;

        if (!view_eq(view_from(v, digits), view_str(units[i].name)))
            continue;
        if (__builtin_mul_overflow(number, units[i].factor, &product))
            return false;
        *ret = product;
        return true;
    }
    return false;
}

static struct view format_unit(int64_t value, const struct unit *units, size_t count, size_t zero,
                               char out[NUM_TEXT_BYTES])
{
    const struct unit *unit = &units[value == 0 ? zero : 0];
    int len;

    for (size_t i = 0; value != 0 && i < count; i++) {
        if (units[i].printed && value % units[i].factor == 0)
            unit = &units[i];
    }
    len = snprintf(out, NUM_TEXT_BYTES, "%lld%s", (long long)(value / unit->factor), unit->name);
    return view_of(out, (size_t)len);
}

bool num_parse_duration(struct view v, int64_t *ret_ms)
{
    return parse_unit(v, durations, ARRAY_LEN(durations), ret_ms);
}

struct view num_format_duration(int64_t ms, char out[NUM_TEXT_BYTES])
{
    return format_unit(ms, durations, ARRAY_LEN(durations), 1, out);
}

bool num_parse_size(struct view v, int64_t *ret_bytes)
{
    return parse_unit(v, sizes, ARRAY_LEN(sizes), ret_bytes);
}

struct view num_format_size(int64_t bytes, char out[NUM_TEXT_BYTES])
{
    return format_unit(bytes, sizes, ARRAY_LEN(sizes), 0, out);
}
