/* SPDX-License-Identifier: Apache-2.0
 * JSON numbers as text: their grammar and their range. Private to the room. */
#pragma once

#include <stdint.h>

#include "base/attr.h"
#include "base/view.h"

struct jnumber {
    size_t len;        /* of the number; of what was read when ok is false */
    bool ok;           /* it is one by RFC 8259 6 */
    bool real;         /* it has a fraction or an exponent */
    bool out_of_range; /* an integer outside int64, a real that rounds to infinity */
};

/* The number that v starts with. */
struct jnumber jnumber_scan(struct view v);
/* The value of a number that was scanned, is no real and not out of range. */
int64_t jnumber_value(struct view v);
