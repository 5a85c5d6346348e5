/* SPDX-License-Identifier: Apache-2.0
 * A worker: a thread with a loop of its own and a gateway on it. */
#pragma once

#include "gateway/gateway.h"

struct worker;

/* Builds loop and gateway on the calling thread; the thread starts with worker_start. on_end(user)
 * is called on the worker's thread when its loop has ended. */
MUST_CHECK struct worker *worker_new(struct gateway_shared *shared, void (*on_end)(void *user),
                                     void *user);
/* Before worker_start. Takes the socket over. */
MUST_CHECK enum status worker_listen(struct worker *worker, int fd, struct net_tls *tls,
                                     struct err *err);
MUST_CHECK enum status worker_start(struct worker *worker, struct err *err);
/* No new connections; the loop ends when all exchanges are through. Any thread. */
void worker_drain(struct worker *worker);
/* The loop ends now. Any thread. */
void worker_stop(struct worker *worker);
struct gateway *worker_gateway(struct worker *worker);
/* Waits for the thread (call worker_stop first) and frees all. */
void worker_free(struct worker **worker);
