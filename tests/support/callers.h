/* SPDX-License-Identifier: Apache-2.0
 * Callers by the headers alone, without asking anybody: what identity_find makes of them. */
#pragma once

#include "identity/caller.h"

struct caller_case {
    enum token_verify verify;
    const struct credentials *credentials;
    struct view project; /* the path's */
    bool judged, recorded;
    int64_t now_us;
    struct identity_cache *cache;
};

static inline bool caller_is_known(const struct caller_case *c, struct arena *arena,
                                   struct identified *who, struct reason *why)
{
    const struct identity_means means = {.verify = c->verify, .decoded = c->cache};
    const struct identity_request request = {.credentials = *c->credentials,
                                             .project = c->project,
                                             .judged = c->judged,
                                             .recorded = c->recorded,
                                             .now_us = c->now_us};
    struct identity_found found;
    enum identity_flow flow = identity_find(&means, &request, arena, &found);

    *who = found.who;
    if (flow == IDENTITY_REFUSED)
        *why = found.why;
    return flow == IDENTITY_KNOWN;
}
