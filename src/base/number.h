/* SPDX-License-Identifier: Apache-2.0
 * Text to number and back, durations and sizes. Nothing here looks at the locale. */
#pragma once

#include <stdint.h>

#include "base/attr.h"
#include "base/view.h"

enum { NUM_TEXT_BYTES = 32 };

/* All of v is one decimal integer: an optional '-', then digits without a leading zero. False
 * leaves *ret as it was; so does a value outside min..max. */
MUST_CHECK bool num_parse_i64(struct view v, int64_t min, int64_t max, int64_t *ret);
/* All of v is 1 to 20 decimal digits, leading zeros allowed (Content-Length, RFC 9110 8.6). */
MUST_CHECK bool num_parse_digits(struct view v, uint64_t *ret);
/* The text is in out, no NUL behind it. */
struct view num_format_i64(int64_t value, char out[NUM_TEXT_BYTES]);

/* A whole number and one of ms s m h d, result in milliseconds (settings contract). */
MUST_CHECK bool num_parse_duration(struct view v, int64_t *ret_ms);
/* In the largest exact unit up to h: 90m, 24h, 0s. */
struct view num_format_duration(int64_t ms, char out[NUM_TEXT_BYTES]);
/* A whole number and one of B KB MB GB (powers of 1024), result in bytes. */
MUST_CHECK bool num_parse_size(struct view v, int64_t *ret_bytes);
/* In the largest exact unit up to GB. */
struct view num_format_size(int64_t bytes, char out[NUM_TEXT_BYTES]);
