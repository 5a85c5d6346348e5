/* SPDX-License-Identifier: Apache-2.0
 * The face to the cloud: the pool of one worker's connections to one host, always TLS, always
 * verified. A call is one request and its answer. One thread. */
#pragma once

#include <event2/event.h>

#include "http1/body.h"
#include "http1/head.h"
#include "net/tls.h"
#include "upstream/resolver.h"

struct upstream_settings {
    struct http1_limits head;
    int64_t connect_ms, tls_ms, send_ms, first_byte_ms, idle_ms, total_ms;
    int64_t keep_alive_ms; /* how long an unused connection is kept */
    bool secret; /* answers hold secrets: what was read of them is overwritten in the end */
    unsigned max_connections; /* of this pool; further calls wait their turn within connect_ms */
};

struct upstream;
struct upstream_call;

enum upstream_failure {
    UPSTREAM_UNRESOLVED,  /* the name is not known (yet) */
    UPSTREAM_CONNECT,     /* refused, unreachable, timed out, or no connection was free in time */
    UPSTREAM_TLS,         /* handshake failed */
    UPSTREAM_CERTIFICATE, /* chain or host name not verified */
    UPSTREAM_SEND,        /* broke off or timed out while sending */
    UPSTREAM_CLOSED,      /* closed or reset before an answer was whole */
    UPSTREAM_MALFORMED,   /* the answer is not HTTP as we accept it */
    UPSTREAM_TIMEOUT,     /* first byte, idle or total */
    UPSTREAM_LATE,        /* send_before_us had come before the first byte went */
};
const char *upstream_failure_name(
    enum upstream_failure failure); /* "connect", "tls", ... for logs and metrics */

/* Callbacks never come from within upstream_start. After on_end or on_failed the call is gone. */
struct upstream_handler {
    /* The final answer's head (1xx are skipped); borrowed until the call ends. */
    void (*on_head)(void *user, const struct http1_response *head);
    void (*on_data)(void *user, struct view data);
    void (*on_end)(void *user);
    /* sent: a byte of the request may have reached the cloud. detail: our own words. */
    void (*on_failed)(void *user, enum upstream_failure failure, bool sent, const char *detail);
    /* A streamed request body may go on. */
    void (*on_drained)(void *user);
};

struct upstream_order {
    struct view method; /* for the answer's framing */
    struct view head;   /* the whole serialised head, its blank line included; must live until the
                           call ends */
    struct view body;   /* what follows it at once; must live as long */
    bool streams;       /* more body follows by upstream_send (already framed by the caller) */
    bool fresh;  /* a judged request: only on a new connection or on one that answered within the
                    last 5 s, and never repeated once a byte may have been sent (promise 3) */
    bool urgent; /* judged calls, what is looked up for them, stops and deletes: over within
                    total_ms; what streams takes as long as it goes on, but a quarter of the
                    connections is kept from it, so that slow streams can't hold all of them */
    int64_t send_before_us; /* CLOCK_BOOTTIME by which its first byte must go; 0: no such moment */
    bool idempotent; /* may be sent again once, on a new connection, if a reused one broke before
                        any byte of an answer; only where the body doesn't stream */
};

/* A connection that was verified before tls was reloaded serves no further call; the call that it
 * serves then may end on it. */
MUST_CHECK struct upstream *upstream_new(struct event_base *base,
                                         const struct upstream_settings *settings,
                                         struct net_tls *tls, struct resolver *resolver);
/* NULL only when memory is out. */
MUST_CHECK struct upstream_call *upstream_start(struct upstream *upstream,
                                                const struct upstream_order *order,
                                                const struct upstream_handler *handler, void *user);
/* False: enough is queued, on_drained will come. */
MUST_CHECK bool upstream_send(struct upstream_call *call, struct view data, bool last);
/* Whether the system took the whole request: whoever answers before that has not read it. While the
 * call lasts. */
MUST_CHECK bool upstream_is_sent(const struct upstream_call *call);
/* Stop and go on reading the answer. */
void upstream_pause(struct upstream_call *call, bool paused);
/* Drops the call and its connection; no callback comes. */
void upstream_cancel(struct upstream_call *call);

struct upstream_counts {
    unsigned open, idle, waiting; /* now */
    uint64_t connects, reuses, resumed, retries;
};
void upstream_counts(const struct upstream *upstream, struct upstream_counts *ret);
/* Closes idle connections and ends; no call may be under way. */
void upstream_free(struct upstream **upstream);
