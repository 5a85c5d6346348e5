/* SPDX-License-Identifier: Apache-2.0
 * All stages of a judgement in their turn, for who has everything at hand before it begins: an
 * explanation, a test of policies. The gateway waits for the caller and the cloud in between. */
#pragma once

#include "judging/judging.h"

struct judging_whole {
    struct view received; /* the body; empty: none */
    struct view stored;   /* the cloud's answer to a GET of the instance; ptr NULL: none at hand */
    const struct policy_set *set;
    const struct subject *subject;
    int64_t at_us; /* now, as far as the judgement is concerned */
    bool with_trace;
};

/* j: after judging_init, with op, project and query set; its instance becomes that of `stored`,
 * whichever it is. Where modelarts_needs_stored(op), stored must be there. What is refused before
 * the policies are asked leaves j->decision NULL. */
MUST_CHECK enum judging_flow judging_whole(struct judging *j, const struct judging_whole *whole);
