/* SPDX-License-Identifier: Apache-2.0
 * What is needed of a journal's line to hand it on: its first five members, which always stand
 * there in this order (docs/journal.md, "Lines"). Pure. */
#pragma once

#include <stdint.h>

#include "base/attr.h"
#include "base/view.h"

struct line_head {
    uint64_t seq;
    struct view prev; /* 64 hex digits */
    int64_t time_us;
    struct view event;
};

/* False: this is no line of a journal, or of another version. */
MUST_CHECK bool line_head_read(struct view line, struct line_head *ret);
