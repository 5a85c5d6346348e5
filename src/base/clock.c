/* SPDX-License-Identifier: Apache-2.0
 * Civil time without the C library's locale and time zone, after the usual days-from-civil method.
 */
#include "base/clock.h"

#include <time.h>

static const int64_t day_us = 86400000000;

int64_t clock_now_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now); /* cannot fail with this clock */
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t clock_monotonic_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail with this clock */
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t clock_boottime_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_BOOTTIME, &now); /* cannot fail with this clock */
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* Days since 1970-01-01 of a date of the proleptic Gregorian calendar; eras of 400 years begin in
 * March. */
static int64_t days_from_civil(int64_t year, int64_t month, int64_t day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

    return era * 146097 + day_of_era - 719468;
}

static void civil_from_days(int64_t days, int64_t *year, int64_t *month, int64_t *day)
{
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t day_of_era = z - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted = (5 * day_of_year + 2) / 153;

    *day = day_of_year - (153 * shifted + 2) / 5 + 1;
    *month = shifted < 10 ? shifted + 3 : shifted - 9;
    *year = year_of_era + era * 400 + (*month <= 2 ? 1 : 0);
}

/* The digits of the value, `width` of them, and what follows them; gives where that ends. */
static char *put_digits(char *at, unsigned value, unsigned width, char after)
{
    for (unsigned i = width; i-- > 0; value /= 10)
        at[i] = (char)('0' + value % 10);
    at[width] = after;
    return at + width + 1;
}

struct view clock_format(int64_t us, char out[CLOCK_TEXT_BYTES])
{
    int64_t days = us / day_us, rest = us % day_us;
    int64_t year, month, day;
    unsigned seconds, fraction;
    char *at = out;

    if (rest < 0) {
        rest += day_us;
        days--;
    }
    civil_from_days(days, &year, &month, &day);
    if (year < 0 || year > 9999)
        year = 9999;
    seconds = (unsigned)(rest / 1000000);
    fraction = (unsigned)(rest % 1000000);
    at = put_digits(at, (unsigned)year, 4, '-');
    at = put_digits(at, (unsigned)month, 2, '-');
    at = put_digits(at, (unsigned)day, 2, 'T');
    at = put_digits(at, seconds / 3600, 2, ':');
    at = put_digits(at, seconds / 60 % 60, 2, ':');
    at = put_digits(at, seconds % 60, 2, '.');
    at = put_digits(at, fraction, 6, 'Z');
    *at = '\0';
    return view_of(out, (size_t)(at - out));
}

/* Exactly `width` digits at `at`. */
static bool read_digits(struct view v, size_t at, size_t width, int64_t *ret)
{
    int64_t value = 0;

    if (at + width > v.len)
        return false;
    for (size_t i = at; i < at + width; i++) {
        if (v.ptr[i] < '0' || v.ptr[i] > '9')
            return false;
        value = value * 10 + (v.ptr[i] - '0');
    }
    *ret = value;
    return true;
}

static bool is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

bool clock_parse_date(struct view v, int64_t *ret_us)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t year, month, day;

    if (v.len != 10 || v.ptr[4] != '-' || v.ptr[7] != '-' || !read_digits(v, 0, 4, &year) ||
        !read_digits(v, 5, 2, &month) || !read_digits(v, 8, 2, &day))
        return false;
    if (month < 1 || month > 12 || day < 1 ||
        day > lengths[month - 1] + (month == 2 && is_leap(year) ? 1 : 0))
        return false;
    *ret_us = days_from_civil(year, month, day) * day_us;
    return true;
}

/* ".123456" behind the seconds, as microseconds; only 'Z' may follow. */
static bool read_fraction(struct view v, int64_t *ret_us)
{
    int64_t us = 0, scale = 100000;

    if (view_eq(v, VIEW("Z"))) {
        *ret_us = 0;
        return true;
    }
    if (v.len < 3 || v.len > 11 || v.ptr[0] != '.' || v.ptr[v.len - 1] != 'Z')
        return false;
    for (size_t i = 1; i < v.len - 1; i++) {
        if (v.ptr[i] < '0' || v.ptr[i] > '9')
            return false;
        us += (v.ptr[i] - '0') * scale;
        scale /= 10;
    }
    *ret_us = us;
    return true;
}

bool clock_parse(struct view v, int64_t *ret_us)
{
    int64_t date, hour, minute, second, fraction;

    if (v.len < 20 || v.ptr[10] != 'T' || v.ptr[13] != ':' || v.ptr[16] != ':' ||
        !clock_parse_date(view_of(v.ptr, 10), &date) || !read_digits(v, 11, 2, &hour) ||
        !read_digits(v, 14, 2, &minute) || !read_digits(v, 17, 2, &second) ||
        !read_fraction(view_from(v, 19), &fraction))
        return false;
    if (hour > 23 || minute > 59 || second > 60)
        return false;
    *ret_us = date + ((hour * 60 + minute) * 60 + second) * 1000000 + fraction;
    return true;
}
