/* SPDX-License-Identifier: Apache-2.0
 * A thread with an event loop of its own, which others reach only by waking it: the base has no
 * locks. What hangs on the base is its owner's. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <event2/event.h>

#include "base/error.h"

struct net_loop {
    struct event_base *base;
    struct event *woken;
    int fd; /* an eventfd */
    void (*on_woken)(void *user);
    void (*on_end)(void *user);
    void *user;
    _Atomic bool ending;
    bool started;
    pthread_t thread;
};

/* on_woken: called on the loop's thread some time after each net_loop_wake, many of them at once.
 * on_end: on the same thread when the loop has ended, or NULL. False: memory or descriptors are
 * out; net_loop_done is fine in any case. */
MUST_CHECK bool net_loop_init(struct net_loop *loop, void (*on_woken)(void *user),
                              void (*on_end)(void *user), void *user);
/* The thread begins; until then the loop is the caller's. what: for err, whose loop it is. */
MUST_CHECK enum status net_loop_start(struct net_loop *loop, const char *what, struct err *err);
/* Any thread. */
void net_loop_wake(const struct net_loop *loop);
/* The loop ends once it has been woken a last time. Any thread. */
void net_loop_end(struct net_loop *loop);
bool net_loop_is_ending(const struct net_loop *loop);
/* Ends it and waits for its thread, if that ever began. */
void net_loop_stop(struct net_loop *loop);
/* Behind net_loop_stop, and after all that hangs on the base is freed. Fine also for one that is
 * all zero. */
void net_loop_done(struct net_loop *loop);
