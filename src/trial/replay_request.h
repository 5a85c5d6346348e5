/* SPDX-License-Identifier: Apache-2.0
 * A journal line's request as it was judged. Private to the room. */
#pragma once

#include "policy/subject.h"
#include "trail/row.h"
#include "trial/replay.h"

struct replay_request {
    struct route route;
    struct view operation;           /* as the line calls it */
    struct view query, body, stored; /* stored ptr NULL: it isn't judged by the instance */
    struct subject subject;
    int64_t time_us;
};

/* Whether the line keeps one. */
bool replay_is_kept(const struct row *row);
/* Borrows from the row and its arena. STATUS_INVALID: something is missing; STATUS_NOMEM. */
MUST_CHECK enum status replay_request_of(struct row *row, struct replay_request *ret);
