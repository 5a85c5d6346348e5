/* SPDX-License-Identifier: Apache-2.0
 * A ledger that gateways share, from within. Private to the room.
 * docs/decisions/0009-shared-ledger.md says why it works so.
 *
 * GLOSSARY
 * revision  the number of a state of the shared ledger; every write makes the next one
 * token     random text of a revision: a database that lost its history has other ones
 * place     a reservation that is being written
 * doubt     a place whose commit got no answer
 * outbox    changes of this gateway that the database doesn't have yet */
#pragma once

#include "base/digest.h"
#include "quota/outbox.h"
#include "quota/pg.h"
#include "quota/store_inner.h"

enum { TICKETS_MAX = 16384, SYNC_EVERY_US = 1000000 /* and so how old a look may be */ };

struct quota_ticket {
    struct quota_mailbox *mailbox;
    const struct ledger_ask *ask; /* the caller's, until there is an answer */
    struct view id;
    struct arena *caller_arena; /* only touched on the caller's thread */
    void *user;
    int64_t asked_us, deadline_us; /* monotonic */
    enum { TICKET_QUEUED, TICKET_PLACED, TICKET_ANSWERED } state;
    struct place *place; /* of a PLACED one */
    struct arena arena;  /* of the id, and of the reasons until they are collected */
    enum quota_answer answer;
    const struct reason *reasons;
    size_t reason_count;
    struct quota_ticket *prev, *next; /* among those that wait, or in the mailbox */
};

struct ticket_list {
    struct quota_ticket *first, *last;
    size_t count;
};

struct place {
    struct place *next;
    struct ledger_item *item;    /* a copy of its own */
    struct quota_ticket *ticket; /* NULL: nobody waits any more */
    bool seen;                   /* of a doubt: the database has it */
};

struct shared {
    /* These never change. */
    struct quota_store *store;
    char *name; /* this gateway's */
    int64_t timeout_ms, lease_ms, deadline_ms;
    int64_t silence_ms;  /* how long the database may say nothing */
    int64_t incarnation; /* of this process; a later one's is greater */
    pthread_t thread, timer;
    int wake_fd; /* an eventfd: there is something to do */

    /* Under the store's lock. */
    pthread_cond_t caught_up; /* known_us is later than before */
    int64_t known_us;         /* current_us below, for other threads */
    bool sync_asked;          /* somebody waits for it to get later */
    bool stopping;
    bool ready;                /* connected, and all is read */
    bool first_of_all;         /* no gateway that lives has a lower name */
    bool lost;                 /* to be written: that entries may be missing ... */
    bool scanned;              /* ... or that a scan has found all */
    bool outbox_failed;        /* memory was out: the database misses a change */
    bool must_sync;            /* what follows rests on something newer (the thread's own) */
    unsigned losses;           /* races lost in a row (the thread's own) */
    pthread_cond_t timer_wake; /* the first ticket that waits is another one, or all ends */
    int64_t send_before_us, leads_from_us; /* CLOCK_BOOTTIME */
    struct ticket_list waiting;            /* in the order of their deadlines */
    struct outbox *outbox;
    struct view deciding; /* the reservation being decided: not for the outbox */

    /* The thread's own. */
    struct pg *pg;
    int64_t revision;   /* that the ledger in memory is at; -1: none yet */
    int64_t current_us; /* monotonic: when the ledger in memory was surely the newest */
    int64_t renew_at_us, sync_at_us, prune_at_us, up_since_us, retry_ms;
    int64_t absent_since_us; /* a gateway with entries is without a row since then: */
    char absent[LEDGER_TEXT_BYTES + 1];
    char token[RANDOM_ID_BYTES + 1];
    struct place *doubts;
    struct arena work; /* of one batch or one page */
    const char *complaint;
    uint64_t jitter;
};

MUST_CHECK enum status shared_open(struct quota_store *store, const struct quota_settings *settings,
                                   struct err *err);
void shared_close(struct shared **shared);
/* There is something to do. Any thread. */
void shared_wake(struct shared *shared);
int64_t boottime_us(void);
/* Whether what is reserved now may be sent. Under the lock. */
bool shared_may_send(const struct shared *shared);
/* The ledger in memory has all that the database had at that time (monotonic). */
void shared_is_current(struct shared *shared, int64_t us);
/* Waits, within the store's timeout, until the ledger in memory has all that the database has now.
 * Under the lock, which is let go meanwhile. */
MUST_CHECK bool shared_catch_up(struct shared *shared);
/* Whether this gateway corrects existing entries and orphans. Under the lock. */
bool shared_leads(const struct shared *shared);

/* tickets.c. Under the lock, but the timer. */
void *tickets_timer(void *user);
/* The next one after `after` (NULL: the first) that is to be decided, or NULL. */
struct quota_ticket *tickets_queued(struct shared *shared, const struct quota_ticket *after);
/* Whether one waits for this reservation. */
bool tickets_want(const struct shared *shared, struct view id);
/* Hands the answer to whoever asked. reasons: in the ticket's arena, or static. */
void ticket_answer(struct quota_ticket *ticket, enum quota_answer answer,
                   const struct reason *reasons, size_t count);
void ticket_refuse(struct quota_ticket *ticket, enum quota_reason reason);
/* False when memory is out. */
MUST_CHECK bool ticket_place(struct quota_ticket *ticket, const struct ledger_item *item,
                             struct place **ret);
/* The database has it: it is granted, or given back if nobody waits or the lease is over. Frees the
 * place. */
void place_taken(struct shared *shared, struct place *place);
/* The database has it not: it will be decided again if somebody waits. Frees the place. */
void place_undone(struct shared *shared, struct place *place);
/* Frees those that nobody will answer. */
void tickets_drop(struct shared *shared);

/* What each step of the thread returns: false: the connection is of no use any more. */

/* sync.c: brings the ledger in memory to the database's newest revision. lock: nobody else writes
 * until the transaction, which stays open, ends. */
MUST_CHECK bool sync_run(struct shared *shared, bool lock);

/* write.c: writes what waits: tickets and outbox. in_transaction: behind sync_run with lock. */
MUST_CHECK bool write_run(struct shared *shared, bool in_transaction);
/* Whether there is something to write. Under the lock. */
bool write_wanted(struct shared *shared);
/* Takes over the open reservations of a gateway that is dead for the database. */
MUST_CHECK bool write_takeover(struct shared *shared, const char *dead);

/* lease.c */
MUST_CHECK bool lease_renew(struct shared *shared);
void lease_end(struct shared *shared);
MUST_CHECK bool lease_prune(struct shared *shared);
