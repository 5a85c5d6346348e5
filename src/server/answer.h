/* SPDX-License-Identifier: Apache-2.0
 * Questions to the journal as the admin API takes them: a word and a query, answered as JSON by way
 * of the journal's index. The keys are those of docs/operations.md, "The admin API". */
#pragma once

#include <stdatomic.h>

#include "base/buffer.h"

enum { ANSWER_ROWS = 100 /* if nothing is said */, ANSWER_ROWS_MAX = 1000 };

struct answer_question {
    const char *action;    /* "query", "summary", "open", "who-created" */
    struct view query;     /* of the URL, as received */
    const char *directory; /* of the journal's segments */
    int64_t now_us;        /* for `since` */
};

/* Gives the HTTP status; out gets one JSON object: the answer, or {"why":...}. May take minutes
 * where the index is new; it gives up soon after *stop, and after ten minutes (what was caught up
 * until then stays). Any thread. */
MUST_CHECK int answer_question(const struct answer_question *question, const _Atomic bool *stop,
                               struct buf *out);
