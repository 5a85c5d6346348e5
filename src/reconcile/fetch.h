/* SPDX-License-Identifier: Apache-2.0
 * One page: a GET, and its whole answer. One at a time. Private to the room. */
#pragma once

#include "base/buffer.h"
#include "upstream/upstream.h"

enum { FETCH_HEAD_MAX = 128 * 1024 };

struct fetch {
    struct upstream *upstream; /* borrowed */
    struct upstream_call *call;
    struct buf head, body;
    unsigned status;
    /* failed: NULL, and the answer is in status and body; else our own words. Once per fetch_start
     * that was true, never from within it. */
    void (*done)(void *user, const char *failed);
    void *user;
    char why[160];
};

/* body_max: bytes of an answer. */
void fetch_init(struct fetch *fetch, struct upstream *upstream, size_t body_max,
                void (*done)(void *user, const char *failed), void *user);
/* Cancels what is under way, wipes the head. */
void fetch_done(struct fetch *fetch);
/* The head to write a request into, empty and with room for all of FETCH_HEAD_MAX, so that a
 * credential in it is never copied elsewhere. NULL when memory is out. */
MUST_CHECK struct buf *fetch_head(struct fetch *fetch);
/* Sends it. False: memory is out. */
MUST_CHECK bool fetch_start(struct fetch *fetch);
void fetch_cancel(struct fetch *fetch);
