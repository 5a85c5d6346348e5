/* SPDX-License-Identifier: Apache-2.0
 * Changes of entries that the shared store doesn't have yet: the newest of each entry, in the order
 * in which the entries first changed. Pure. */
#pragma once

#include <stdint.h>

#include "quota/ledger.h"

struct outbox;

/* A store that is away for long misses no more than that; what is left out, the repair that follows
 * finds. */
enum { OUTBOX_MAX = LEDGER_ENTRIES_MAX };

struct outbox_change {
    struct ledger_item item; /* texts are the change's own */
    bool gone;
    uint64_t version; /* another one with each change of any entry */
};

/* Of at most so many entries. NULL when memory is out. */
MUST_CHECK struct outbox *outbox_new(size_t most);
void outbox_free(struct outbox **outbox);
/* False when memory is out, or it is full: a former change of that entry is still there. */
MUST_CHECK bool outbox_add(struct outbox *outbox, const struct ledger_item *item, bool gone);
bool outbox_has(const struct outbox *outbox, struct view id);
size_t outbox_count(const struct outbox *outbox);
/* Up to max changes, the oldest first; they live until the next add or sent. */
size_t outbox_first(const struct outbox *outbox, const struct outbox_change **ret, size_t max);
/* The store has that version; a newer one stays. */
void outbox_sent(struct outbox *outbox, struct view id, uint64_t version);

/* A copy with texts of its own, to be given to free(); NULL when memory is out. */
MUST_CHECK struct ledger_item *item_copy(const struct ledger_item *item);
/* All attributes but the gateway. */
bool item_eq(const struct ledger_item *a, const struct ledger_item *b);
