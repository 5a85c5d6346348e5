/* SPDX-License-Identifier: Apache-2.0
 * The query of a start or a lease of the notebooks family: "duration" (milliseconds) and "type",
 * each at most once, nothing else, nothing escaped: so that there is one reading of it. */
#pragma once

#include "base/buffer.h"
#include "modelarts/faults.h"

struct stop_query {
    bool has_duration;
    int64_t duration_ms;
    struct view type; /* ptr NULL: not named */
};

/* What can't be read is added to the faults. */
struct stop_query query_read(struct view text, struct faults *faults);
/* duration, then type; nothing if neither is there. */
void query_write(const struct stop_query *query, struct buf *out);
