/* SPDX-License-Identifier: Apache-2.0
 * The ledger for a whole process, and where it is kept: `local`, a fold over the gateway's own
 * journal, or a PostgreSQL that several gateways share. Any thread. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "quota/ledger.h"
#include "quota/scan.h"

struct quota_settings {
    const char *url;     /* NULL: local; else a libpq URL */
    const char *gateway; /* shared: a name for this gateway that outlives a restart */
    int64_t timeout_ms;  /* shared: how long a reservation may take */
    int64_t lease_ms;    /* shared: how long others take a silent gateway for alive */
    int64_t deadline_ms; /* longest time between the first byte sent and the outcome */
    bool count_orphans;
    bool must_scan; /* an empty or restored ledger grants nothing before a scan */
};

struct quota_store;

/* Shared: connects in its own thread; a store that can't be reached is no failure here.
 * STATUS_INVALID: the URL can't be read. */
MUST_CHECK enum status quota_store_open(const struct quota_settings *settings,
                                        struct policy_set *set, struct quota_store **ret,
                                        struct err *err);
void quota_store_close(struct quota_store **store);
/* Local: one entry that the journal tells of; before any worker runs. */
MUST_CHECK enum status quota_store_load(struct quota_store *store, const struct ledger_item *item);
/* All entries are loaded: an empty ledger waits for a scan where settings.must_scan. */
void quota_store_loaded(struct quota_store *store);
/* The quotas of this set are in force. */
MUST_CHECK enum status quota_store_use(struct quota_store *store, struct policy_set *set);

/* One per worker. wake: called on the store's thread when tickets wait to be collected. */
struct quota_mailbox;
MUST_CHECK struct quota_mailbox *quota_mailbox_new(struct quota_store *store,
                                                   void (*wake)(void *user), void *user);
void quota_mailbox_free(struct quota_mailbox **mailbox);

enum quota_answer {
    QUOTA_GRANTED,
    QUOTA_REFUSED, /* reasons say why */
    QUOTA_WAITS,   /* the ticket comes back by quota_collect, within settings.timeout_ms */
};

struct quota_ticket; /* one reservation under way; the store's own */

/* Reserves. The ask and what it points to must live until the answer is there. QUOTA_REFUSED:
 * reasons are in the arena. QUOTA_WAITS: *ret_ticket, whose answer quota_collect hands out with
 * user. An ask whose demands are not enforced by any quota is never kept waiting. */
MUST_CHECK enum quota_answer quota_reserve(struct quota_mailbox *mailbox,
                                           const struct ledger_ask *ask, void *user,
                                           struct arena *arena, const struct reason **ret_reasons,
                                           size_t *ret_count, struct quota_ticket **ret_ticket);
/* On the mailbox's own thread. Reasons are copied to the arena that quota_reserve was given. */
void quota_collect(struct quota_mailbox *mailbox,
                   void (*answered)(void *user, enum quota_answer answer,
                                    const struct reason *reasons, size_t count));
/* Nobody waits any more: what it gets is given back. */
void quota_abandon(struct quota_ticket *ticket);
/* Only looks, at what this process knows: dry runs, and quotas that are not enforced. */
MUST_CHECK enum quota_answer quota_look(struct quota_store *store, const struct ledger_ask *ask,
                                        struct arena *arena, const struct reason **ret_reasons,
                                        size_t *ret_count);
/* Never waits; a shared store gets it when it can. */
void quota_settle(struct quota_store *store, struct view id, enum ledger_fate fate,
                  struct view instance);

/* CLOCK_BOOTTIME in us before which a reserved request may be sent: within half of the lease.
 * INT64_MAX: local. */
int64_t quota_send_before_us(struct quota_store *store);

/* Attributes of an instance that exists, copied to the arena. */
MUST_CHECK bool quota_find_instance(struct quota_store *store, struct view instance,
                                    struct arena *arena, struct ledger_item *ret);
/* Applies a complete scan; `leads` and `mine` of the rules are the store's to set. STATUS_TIMEOUT:
 * a shared store did not say in time what it knows, nothing was applied. */
MUST_CHECK enum status quota_reconcile(struct quota_store *store, const struct scan *scan,
                                       const struct scan_rules *rules);
/* Projects that have entries, each once, copied to the arena. */
MUST_CHECK enum status quota_projects(struct quota_store *store, struct arena *arena,
                                      struct view **ret, size_t *ret_count);
/* What must be known is: an empty or restored ledger may grant from now on. */
void quota_scanned(struct quota_store *store);

/* What a shared store brought about an entry, told so that the own journal can say it too. On the
 * store's thread. Set before any worker runs. */
void quota_on_foreign(struct quota_store *store,
                      void (*told)(void *user, const struct ledger_item *item, bool gone),
                      void *user);

struct quota_state {
    const char *kind; /* "local", "postgresql" */
    bool available;   /* reservations are answered */
    bool waits_for_scan;
    struct ledger_counts counts;
    uint64_t granted, refused, unavailable, retries; /* since start */
};
void quota_get_state(struct quota_store *store, struct quota_state *ret);
/* Under the store's lock: short. */
void quota_each(struct quota_store *store, bool (*each)(void *user, const struct ledger_item *item),
                void *user);
void quota_each_usage(struct quota_store *store,
                      bool (*each)(void *user, const struct ledger_usage *usage), void *user);

/* `postern quota init`: makes or migrates the schema of a shared store. */
MUST_CHECK enum status quota_store_init(const char *url, struct buf *ret_what, struct err *err);
