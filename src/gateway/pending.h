/* SPDX-License-Identifier: Apache-2.0
 * Changes and starts under way, by instance: what one was judged by must not change under it.
 * Shared by all workers. */
#pragma once

#include <pthread.h>
#include <stdint.h>

#include "modelarts/operation.h"

enum { PENDING_BUCKETS = 256 };

/* Stands in the exchange; linked while it is pending. */
struct pending_entry {
    enum family family;
    struct view project, instance; /* borrowed from the exchange */
    struct pending_entry *next;
    bool linked;
};

struct pending {
    pthread_mutex_t lock;
    struct pending_entry *buckets[PENDING_BUCKETS];
};

void pending_init(struct pending *pending);
/* False if the same is there already. */
MUST_CHECK bool pending_add(struct pending *pending, struct pending_entry *entry);
/* Fine also if it isn't linked. */
void pending_remove(struct pending *pending, struct pending_entry *entry);
void pending_done(struct pending *pending);
