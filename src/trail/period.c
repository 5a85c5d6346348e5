/* SPDX-License-Identifier: Apache-2.0 */
#include "trail/period.h"

#include "base/clock.h"
#include "base/number.h"

struct period period_always(void)
{
    return (struct period){INT64_MIN, INT64_MAX};
}

bool period_parse_since(struct view text, int64_t now_us, int64_t *ret_from_us)
{
    int64_t ms;

    if (!num_parse_duration(text, &ms) || ms > INT64_MAX / 1000)
        return false;
    *ret_from_us = now_us - ms * 1000;
    return true;
}

bool period_parse_time(struct view text, int64_t *ret_us)
{
    return clock_parse(text, ret_us) || clock_parse_date(text, ret_us);
}
