/* SPDX-License-Identifier: Apache-2.0
 * Time. Pure rooms take a time as an argument; the rooms that may know it ask clock_now_*. */
#pragma once

#include <stdint.h>

#include "base/attr.h"
#include "base/view.h"

enum { CLOCK_TEXT_BYTES = 28 }; /* "2026-01-02T03:04:05.123456Z" and a NUL */

/* Microseconds since the epoch, UTC; may step. */
int64_t clock_now_us(void);
/* Microseconds that never step; for durations only. */
int64_t clock_monotonic_us(void);
/* As monotonic, but it runs on while the machine is suspended: for leases that others watch. */
int64_t clock_boottime_us(void);

/* RFC 3339, UTC, six fraction digits, NUL behind it. Years 0 to 9999; others print as year 9999. */
struct view clock_format(int64_t us, char out[CLOCK_TEXT_BYTES]);
/* "2026-01-02T03:04:05Z" with no or one to nine fraction digits (cut to microseconds). */
MUST_CHECK bool clock_parse(struct view v, int64_t *ret_us);
/* "2026-12-31", a real date: the first microsecond of that day, UTC. */
MUST_CHECK bool clock_parse_date(struct view v, int64_t *ret_us);
