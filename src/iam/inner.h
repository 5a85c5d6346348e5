/* SPDX-License-Identifier: Apache-2.0
 * What the sources of this room share. Nobody else includes it.
 *
 * A flight is one look-up of one token, a ticket one request that waits for it. Flights and tickets
 * hang on `lock`; a flight's verdict is written before its tickets become ready, and is read by
 * those who hold a ticket. The rest of a flight is the thread's own. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/queue.h>

#include <event2/event_struct.h>

#include "base/buffer.h"
#include "iam/iam.h"
#include "identity/iam_answer.h"
#include "net/loop.h"
#include "upstream/upstream.h"

enum {
    BUCKETS = 256,
    REFUSED_ENTRIES =
        16384, /* a cache of its own, so that a flood of bad tokens costs no good ones */
    REFUSED_BYTES = 8 << 20,
    FLIGHT_ARENA_BLOCK = 4096,
    FLIGHT_ARENA_BYTES = 2 << 20, /* the index of the largest answer fits */
    TROUBLES_TOLERATED = 2,       /* in a row, before look-ups are held back */
    PAUSE_MIN_MS = 250,           /* between look-ups while IAM is away; doubles */
    PAUSE_MAX_MS = 5000,
};

struct flight;

struct iam_ticket {
    TAILQ_ENTRY(iam_ticket) next;   /* in flight->waiting, or in mailbox->ready */
    TAILQ_ENTRY(iam_ticket) of_box; /* in mailbox->all */
    struct flight *flight;
    struct iam_mailbox *mailbox;
    void *user;
    struct arena *arena;
    bool ready;
};
TAILQ_HEAD(tickets, iam_ticket);

struct iam_mailbox {
    struct iam *iam;
    void (*wake)(void *user);
    void *user;
    struct tickets ready, all;
};

struct flight {
    LIST_ENTRY(flight) chain; /* by digest, while it is under way */
    TAILQ_ENTRY(flight) next; /* in iam->fresh, then in iam->flying */
    struct iam *iam;
    unsigned char digest[DIGEST_BYTES];
    struct tickets waiting;
    unsigned refs; /* the look-up itself, and tickets */

    struct buf token;    /* wiped when the look-up ends */
    int64_t asked_us;    /* since the epoch */
    int64_t deadline_us; /* monotonic */
    struct event deadline;
    struct upstream_call *call;
    struct buf head, body;
    unsigned status;
    bool by_head, armed;
    bool other_token;  /* the answer says that it is about another one */
    bool maybe_absent; /* GET was answered 404 by something that doesn't seem to be IAM */
    struct arena arena;

    enum iam_answer answer;
    struct iam_verdict verdict;
};
LIST_HEAD(chain, flight);
TAILQ_HEAD(flights, flight);

struct iam {
    struct iam_settings settings;
    struct arena arena; /* of the settings' texts */
    struct shared_cache *known, *refused;

    pthread_mutex_t lock;
    struct chain chains[BUCKETS];
    struct flights fresh; /* not yet seen by the thread */
    struct iam_state state;
    size_t flight_count, mailboxes;
    unsigned troubles;     /* in a row */
    int64_t held_until_us; /* monotonic: no look-up before, while IAM is away */

    /* The thread's own. */
    struct net_loop loop;
    struct upstream *upstream;
    struct flights flying;
    int64_t head_until_us; /* monotonic: GET isn't there */
    int64_t told_us;       /* monotonic: the last line in the log about trouble */
};

/* ---- ask.c: flights as all threads see them ---- */

/* Tells all who wait, on the thread. The flight may be gone after it. */
void flight_settle(struct flight *flight, enum iam_answer answer,
                   const struct iam_verdict *verdict);
void flight_free(struct flight *flight);

/* ---- lookup.c: on the thread ---- */

void lookup_start(struct flight *flight);
/* Ends it without a verdict, as the thread ends. */
void lookup_drop(struct flight *flight);

/* ---- iam.c ---- */

/* Under the lock: how long to wait for the next look-up while IAM is away. */
int64_t iam_pause_us(const struct iam *iam);
/* A look-up brought an answer to go by. */
void iam_tell_well(struct iam *iam);
/* It didn't; what: our own words. */
void iam_tell_trouble(struct iam *iam, const char *what);
/* It answered, but what it said of one token can't be read. */
void iam_tell_unread(struct iam *iam, const char *what);

/* ---- thread.c ---- */

MUST_CHECK enum status thread_start(struct iam *iam, struct net_tls *tls, struct resolver *resolver,
                                    struct err *err);
void thread_stop(struct iam *iam);

/* Overwrites what was in it, and frees it. */
void wipe(struct buf *secret);
