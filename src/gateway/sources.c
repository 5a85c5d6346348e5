/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/sources.h"

#include <stdlib.h>

struct identity_sources *sources_new(void)
{
    struct identity_sources *sources = calloc(1, sizeof *sources);

    if (sources != NULL)
        atomic_init(&sources->references, 1);
    return sources;
}

void sources_unref(struct identity_sources **sources)
{
    struct identity_sources *gone = *sources;

    *sources = NULL;
    if (gone == NULL || atomic_fetch_sub(&gone->references, 1) > 1)
        return;
    access_keys_unref(&gone->keys);
    cms_keys_free(&gone->pinned);
    jwks_unref(&gone->jwks);
    free(gone);
}

void source_slot_init(struct source_slot *slot)
{
    (void)pthread_mutex_init(&slot->lock, NULL);
    slot->sources = NULL;
}

struct identity_sources *source_slot_get(struct source_slot *slot)
{
    struct identity_sources *sources;

    (void)pthread_mutex_lock(&slot->lock);
    sources = slot->sources;
    if (sources != NULL)
        atomic_fetch_add(&sources->references, 1);
    (void)pthread_mutex_unlock(&slot->lock);
    return sources;
}

void source_slot_publish(struct source_slot *slot, struct identity_sources *sources)
{
    struct identity_sources *former;

    (void)pthread_mutex_lock(&slot->lock);
    former = slot->sources;
    slot->sources = sources;
    (void)pthread_mutex_unlock(&slot->lock);
    sources_unref(&former);
}

void source_slot_done(struct source_slot *slot)
{
    sources_unref(&slot->sources);
    (void)pthread_mutex_destroy(&slot->lock);
}
