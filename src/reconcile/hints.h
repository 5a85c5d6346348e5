/* SPDX-License-Identifier: Apache-2.0
 * Hints on their way to the reconciler's thread: a short queue under a lock. Private to the room.
 */
#pragma once

#include <pthread.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/attr.h"
#include "base/view.h"

enum { HINTS_MAX = 1024 };

struct hint {
    STAILQ_ENTRY(hint) link;
    struct view project, user_id, token; /* of a caller; else ptr NULL. They lie behind the hint */
    int64_t expires_us;
    size_t bytes;
};

STAILQ_HEAD(hint_queue, hint);

struct hints {
    pthread_mutex_t lock;
    struct hint_queue all;
    unsigned count;
    bool lost; /* one had no room: anything may have happened anywhere */
};

void hints_init(struct hints *hints);
/* Wipes what is left. */
void hints_done(struct hints *hints);
/* Copies. Any thread, never waits for long. */
void hints_put(struct hints *hints, const struct hint *from);
/* The next one, to be freed by hint_free, or NULL; *ret_lost: some were lost since. */
MUST_CHECK struct hint *hints_take(struct hints *hints, bool *ret_lost);
void hint_free(struct hint **hint);
