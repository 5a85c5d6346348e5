/* SPDX-License-Identifier: Apache-2.0
 * A server's loop on this thread and a client on another. The client must not use assert_*: REQUIRE
 * aborts instead. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include <event2/event.h>

#include "admin/admin.h"
#include "base/require.h"

struct world {
    struct event_base *base;
    struct admin_ops ops;
    char folder[40], socket[64];
    /* What the operations saw; read by the client between two answers. */
    char actor[300], asked[300];
    struct admin_done done;
    _Atomic unsigned reconciles, answered, gone;
    /* Written by the client. */
    int order_fd, end_fd;
    struct event *order_event, *end_event;
    void (*client)(struct world *w);
    void *more; /* of the test */
};

void world_open(struct world *w);
/* Turns the loop until the client is through. */
void world_run(struct world *w, void (*client)(struct world *w));
void world_close(struct world *w);

/* For the client: ends the reconcile that is under way, and waits until that was told. */
void world_finish_reconcile(struct world *w);
int world_connect(const struct world *w);
/* Sends a request without a body; keep: the connection may be used again. */
void world_send(int fd, const char *method, const char *path, bool keep);
/* Reads an answer with Content-Length: its status, the body in out (NUL-terminated); 0 at the end
 * of the connection. */
int world_read(int fd, char *out, size_t size);
/* All of it on a connection of its own. */
int world_ask(const struct world *w, const char *method, const char *path, char *out, size_t size);
