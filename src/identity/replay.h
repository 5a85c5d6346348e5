/* SPDX-License-Identifier: Apache-2.0
 * The signatures of judged requests that came already. The scheme has no nonce: within the window
 * of X-Sdk-Date a signature holds again and again. Each is kept until its date is out of the
 * window; what there is no room for is refused, never forgotten. Any thread may call. */
#pragma once

#include <stdint.h>

#include "base/attr.h"
#include "base/view.h"

enum { REPLAY_MAX = 262144 }; /* entries of 44 bytes, each for 15 to 30 minutes */

struct replay;

enum replay_verdict {
    REPLAY_FRESH, /* it is remembered now */
    REPLAY_SEEN,  /* it came already, or what came at its date is no longer known */
    REPLAY_FULL,  /* as many as may be are remembered */
};

/* max: 1 to REPLAY_MAX. started_us: signatures of an earlier date count as seen, because another
 * process may have seen them; 0: there was none. NULL when memory is out. */
MUST_CHECK struct replay *replay_new(size_t max, int64_t started_us);
void replay_free(struct replay **replay);

/* Call it for signatures that hold, and before anything is done for the request. date_us: of
 * X-Sdk-Date, within SIGNATURE_WINDOW_US of now_us. A clock that steps back lets nothing in twice.
 */
MUST_CHECK enum replay_verdict replay_add(struct replay *replay, struct view access_key,
                                          struct view signature, int64_t date_us, int64_t now_us);
/* How many are remembered. */
size_t replay_count(struct replay *replay);
