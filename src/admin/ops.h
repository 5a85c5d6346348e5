/* SPDX-License-Identifier: Apache-2.0
 * What the admin API and the status page can ask the server for. Called on the main thread. */
#pragma once

#include "base/buffer.h"

enum { ADMIN_LATER = 0 /* instead of an HTTP status: the answer comes by admin_done */ };

/* The answer to what took longer, on the main thread, at most once and never after admin_free. */
struct admin_done {
    void (*call)(void *user, int status, const struct buf *body); /* body: JSON */
    void *user;
};

/* A question to the journal. */
struct admin_question {
    const char *action; /* "query", "summary", "open", "who-created": of the route */
    struct view query;  /* behind the '?', as received; ptr NULL: none. Only for the call */
};

struct admin_ops {
    /* The state as one JSON object. */
    void (*status)(void *user, struct buf *out);
    /* Reload policies and certificates; actor is who asked. False: something was refused and stays
     * as it was. out: one line each. */
    bool (*reload)(void *user, const char *actor, struct buf *out);
    /* One JSON object each: quotas and their use, reservations, the policy set. */
    void (*quotas)(void *user, struct buf *out);
    void (*reservations)(void *user, struct buf *out);
    void (*policies)(void *user, struct buf *out);
    /* Begins a scan of everything. ADMIN_LATER: `done` gets the answer, with the report. Else an
     * HTTP status, and why as JSON in out. */
    int (*reconcile)(void *user, const char *actor, const struct admin_done *done, struct buf *out);
    /* Begins to look for the answer: ADMIN_LATER, or an HTTP status and why as JSON in out. */
    int (*audit)(void *user, const struct admin_question *question, const struct admin_done *done,
                 struct buf *out);
    /* Whoever asked has gone; `done` is still to be called. */
    void (*audit_gone)(void *user);
    /* HTTP status and a line for /readyz: 503 before it was ever ready, else 200 "ok" or "degraded:
     * why". */
    int (*ready)(void *user, struct buf *out);
    /* Prometheus text. */
    void (*metrics)(void *user, struct buf *out);
    void *user;
};
