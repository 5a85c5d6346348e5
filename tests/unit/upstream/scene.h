/* SPDX-License-Identifier: Apache-2.0
 * What the tests of this room share: a scripted cloud, a pool on a base, and calls that write down
 * what happens to them. */
#pragma once

#include "support/pki.h"
#include "support/test.h"

#include <event2/event.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "upstream/upstream.h"

#include "cloud.h"

#define GET_HEAD  "GET / HTTP/1.1\r\nHost: c\r\n\r\n"
#define POST_HEAD "POST / HTTP/1.1\r\nHost: c\r\nContent-Length: 4\r\n\r\n"
#define OK_2      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

enum { PATIENCE_MS = 20000, ANSWER_BYTES = 16 * 1024 * 1024 };

/* A call as seen from its owner. */
struct seen {
    struct upstream_call *call; /* NULL once it is over */
    unsigned heads, pieces, drained;
    unsigned status;
    struct buf body;
    bool ended, failed, sent;
    bool whole_at_head; /* the request had gone when the answer's head came */
    enum upstream_failure failure;
    char detail[256];
    /* what to do */
    bool pause_at_data, pause_at_head, cancel_at_head, cancel_at_data;
};

struct scene {
    struct pki pki;
    struct cloud cloud;
    struct event_base *base;
    struct net_tls *tls;
    struct resolver *resolver;
    struct upstream *upstream;
    struct upstream_settings settings; /* before scene_open */
    const char *certificate;           /* name in the pki; "good" */
    const char *host;                  /* to resolve; "127.0.0.1" */
    uint16_t port;                     /* 0: the cloud's */
};

/* Certificates and default settings. */
void scene_init(struct scene *s);
/* Starts cloud and pool. */
void scene_open(struct scene *s, const struct cloud_step *const *scripts, unsigned count);
/* Ends pool and cloud; fails the test if the cloud saw something unexpected. */
void scene_close(struct scene *s);
void scene_done(struct scene *s);

void seen_init(struct seen *seen);
void seen_done(struct seen *seen);
void start(struct scene *s, struct seen *seen, const struct upstream_order *order);
struct upstream_order get_order(void);
/* A judged one. */
struct upstream_order post_order(void);
bool is_over(const struct seen *seen);
struct upstream_counts counts_of(const struct scene *s);

/* Turns the loop until the condition holds. */
#define RUN_UNTIL(scene, condition)                                                  \
    do {                                                                             \
        const int64_t limit_us = clock_monotonic_us() + (int64_t)PATIENCE_MS * 1000; \
        while (!(condition)) {                                                       \
            if (clock_monotonic_us() > limit_us)                                     \
                fail_msg("never came: %s", #condition);                              \
            if (event_base_loop((scene)->base, EVLOOP_ONCE) != 0)                    \
                fail_msg("nothing left to wait for: %s", #condition);                \
        }                                                                            \
    } while (0)
/* Starts the call and turns the loop until it is over. */
void run(struct scene *s, struct seen *seen, const struct upstream_order *order);
