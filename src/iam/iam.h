/* SPDX-License-Identifier: Apache-2.0
 * Tokens verified by IAM (GET /v3/auth/tokens, API reference "Verifying a Token"), for a whole
 * process: a thread with connections of its own, and a cache that all workers share. A token is
 * looked up once however many requests carry it, and is wiped after that; what stays is its SHA-256
 * and what IAM said. Any thread, but a mailbox and its tickets belong to one. */
#pragma once

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/reason.h"
#include "identity/cms.h"
#include "net/tls.h"
#include "upstream/resolver.h"

enum {
    IAM_CACHE_ENTRIES = 65536,
    IAM_CACHE_BYTES = 128 << 20,
    IAM_WAITING_MAX = 1024,      /* requests that wait, and look-ups under way, of all workers */
    IAM_REFUSED_KEEP_MS = 10000, /* how long IAM's "no" is believed, at most cache_ms */
    IAM_HEAD_KEEP_MS = 3600000,  /* how long it is believed that GET isn't there */
};

struct iam_settings {
    const char *host;   /* the Host field: name, and ":port" if it isn't 443 */
    const char *path;   /* in front of /v3/auth/tokens; "" as a rule */
    int64_t cache_ms;   /* how long IAM's "yes" is believed, at most to the token's expiry; 0: every
                           request asks */
    int64_t timeout_ms; /* from the question to the answer, all steps together */
    unsigned connections; /* at most so many, 1 or more */
    /* NULL: each token validates itself. Otherwise adds the gateway's own token, with which all are
     * validated; called on the thread of the room, which wipes what it gets. */
    enum status (*service_token)(void *user, struct buf *ret);
    void *service_user;
};

struct iam;

/* Starts the thread; an IAM that can't be reached is no failure here. tls, resolver: of IAM's host
 * alone, they must outlive it. Settings are copied, the texts too. STATUS_NOMEM, STATUS_IO. */
MUST_CHECK enum status iam_start(const struct iam_settings *settings, struct net_tls *tls,
                                 struct resolver *resolver, struct iam **ret, struct err *err);
/* No mailbox may be left. Ends what is under way. */
void iam_stop(struct iam **iam);

/* One per worker. wake: called on the room's thread when tickets wait to be collected; it
 * must not call into the room. */
struct iam_mailbox;
MUST_CHECK struct iam_mailbox *iam_mailbox_new(struct iam *iam, void (*wake)(void *user),
                                               void *user);
/* Abandons what still waits; no wake comes after it. */
void iam_mailbox_free(struct iam_mailbox **mailbox);

enum iam_answer {
    IAM_KNOWN,   /* IAM said yes, now or within cache_ms */
    IAM_REFUSED, /* why says why */
    IAM_WAITS,   /* the ticket comes back by iam_collect, within timeout_ms */
};

/* What was found; row and message are constant texts. */
struct iam_verdict {
    struct token_facts facts;     /* IAM_KNOWN */
    const struct reason_row *why; /* IAM_REFUSED: identity.token_refused, .token_malformed,
                                     .token_expired, .unavailable */
    const char *message;          /* IAM_REFUSED: a sentence for the caller */
};

struct iam_ticket; /* one request that waits; the room's own */

/* IAM_WAITS: *ret_ticket, handed out by iam_collect with user; the arena must live until then or
 * until iam_abandon. The question is copied. Otherwise *ret; texts of the facts live in the arena.
 */
MUST_CHECK enum iam_answer iam_ask(struct iam_mailbox *mailbox,
                                   const struct token_question *question, void *user,
                                   struct arena *arena, struct iam_verdict *ret,
                                   struct iam_ticket **ret_ticket);
/* On the mailbox's own thread. verdict: as by iam_ask, borrowed for the call (its facts live in the
 * arena). answered may ask and abandon. */
void iam_collect(struct iam_mailbox *mailbox, void (*answered)(void *user, enum iam_answer answer,
                                                               const struct iam_verdict *verdict));
/* Nobody waits any more; on the mailbox's own thread. */
void iam_abandon(struct iam_ticket *ticket);

struct iam_state {
    uint64_t lookups;      /* sent to IAM, HEAD after GET counted once */
    uint64_t hits;         /* answered from the cache, refusals too */
    uint64_t joined;       /* waited for a look-up that another request began */
    uint64_t refused;      /* look-ups that IAM answered with no */
    uint64_t failures;     /* look-ups that brought no answer to go by */
    uint64_t overflows;    /* refused because too many waited */
    int64_t away_since_us; /* since the epoch; 0: IAM answers */
    size_t entries, bytes; /* of the cache */
    size_t waiting;        /* requests */
    bool by_head;          /* GET isn't there */
};
void iam_get_state(struct iam *iam, struct iam_state *ret);
