/* SPDX-License-Identifier: Apache-2.0
 * What the admin API and the status page can ask the server for. Called on the main thread. */
#pragma once

#include "base/buffer.h"

struct admin_ops {
    /* The state as one JSON object. */
    void (*status)(void *user, struct buf *out);
    /* Reload policies and certificates; actor is who asked. False: something was refused and stays
     * as it was. out: one line each. */
    bool (*reload)(void *user, const char *actor, struct buf *out);
    /* HTTP status and a line for /readyz: 503 before it was ever ready, else 200 "ok" or "degraded:
     * why". */
    int (*ready)(void *user, struct buf *out);
    /* Prometheus text. */
    void (*metrics)(void *user, struct buf *out);
    void *user;
};
