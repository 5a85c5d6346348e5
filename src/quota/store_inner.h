/* SPDX-License-Identifier: Apache-2.0
 * The store from within. Private to the room. One lock is over all of it: what is done under it is
 * short, and never I/O. */
#pragma once

#include <pthread.h>

#include "quota/store.h"

struct shared; /* what a store in PostgreSQL has besides: shared.h */

struct quota_store {
    pthread_mutex_t lock;
    struct ledger *ledger;
    struct view gateway; /* VIEW_NONE: local; never changes */
    bool must_scan;      /* never changes */
    bool waits_for_scan;
    uint64_t granted, refused, unavailable, retries;
    void (*told)(void *user, const struct ledger_item *item, bool gone);
    void *told_user;
    struct shared *shared; /* NULL: local; never changes */
};

/* A refusal that is the store's own; needs no memory. */
const struct reason *store_reason(enum quota_reason reason);
/* Whether an enforced quota may stand in the way. */
bool store_is_checked(const struct ledger_ask *ask);
/* Decides on what the ledger holds now. Under the lock. */
enum quota_answer store_decide(struct quota_store *store, const struct ledger_ask *ask,
                               struct arena *arena, const struct reason **ret_reasons,
                               size_t *ret_count);
/* Counts an answer that is given. Under the lock. */
void store_count(struct quota_store *store, enum quota_answer answer, const struct reason *reasons,
                 size_t count);
