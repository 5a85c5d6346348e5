/* SPDX-License-Identifier: Apache-2.0
 * What callers are identified by that a reload may replace: published whole, pinned by each
 * exchange that needs it. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "identity/cms.h"
#include "identity/jwks.h"
#include "identity/keys.h"

struct identity_sources {
    atomic_size_t references;
    struct access_keys *keys; /* NULL: none */
    struct cms_keys *pinned;  /* NULL: tokens aren't verified by a certificate */
    struct jwks *jwks;        /* of a file; NULL: none, or they come from a URL */
};

struct source_slot {
    pthread_mutex_t lock;
    struct identity_sources *sources;
};

/* Empty, with one reference; NULL when memory is out. */
MUST_CHECK struct identity_sources *sources_new(void);
void sources_unref(struct identity_sources **sources); /* thread-safe, NULL-safe */

void source_slot_init(struct source_slot *slot);
/* A reference of the caller's own; NULL before the first was published. */
struct identity_sources *source_slot_get(struct source_slot *slot);
/* Takes the reference over. */
void source_slot_publish(struct source_slot *slot, struct identity_sources *sources);
void source_slot_done(struct source_slot *slot);
