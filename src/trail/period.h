/* SPDX-License-Identifier: Apache-2.0
 * A stretch of time that somebody asks about. Pure. */
#pragma once

#include <stdint.h>

#include "base/attr.h"
#include "base/view.h"

struct period {
    int64_t from_us;  /* the first microsecond in it */
    int64_t until_us; /* the first one behind it */
};

/* All time. */
struct period period_always(void);
static inline bool period_has(const struct period *period, int64_t time_us)
{
    return time_us >= period->from_us && time_us < period->until_us;
}
/* "7d", "36h", "90m", "30s": as far back from now_us. */
MUST_CHECK bool period_parse_since(struct view text, int64_t now_us, int64_t *ret_from_us);
/* "2026-12-31" (its first microsecond, UTC) or "2026-12-31T12:00:00Z". */
MUST_CHECK bool period_parse_time(struct view text, int64_t *ret_us);
