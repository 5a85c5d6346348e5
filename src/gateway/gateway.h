/* SPDX-License-Identifier: Apache-2.0
 * The life of exchanges on one worker: the only room that knows both policy and HTTP, and it holds
 * no rule of its own. docs/ARCHITECTURE.md draws it.
 *
 * GLOSSARY
 * exchange   one request of a client and its answer, from the head to the last byte
 * operation  what the request is, a row of modelarts/operations.def; its class decides what it
 * needs decision   what the policies say: allow, rewrite (with edits) or refuse (with reasons)
 * intent     the journal line that is on disk before a judged request's first byte goes to the
 * cloud outcome    the journal line that says what came of it: created, done, failed, unknown,
 * refused set        the policy set in force when the exchange was judged; pinned until it ends */
#pragma once

#include <stdatomic.h>

#include <event2/event.h>

#include "conf/conf.h"
#include "front/front.h"
#include "gateway/metrics.h"
#include "gateway/pending.h"
#include "gateway/policies.h"
#include "gateway/sources.h"
#include "iam/iam.h"
#include "iam/jwks.h"
#include "identity/caller.h"
#include "identity/service.h"
#include "identity/signed.h"
#include "journal/journal.h"
#include "judging/judging.h"
#include "quota/store.h"
#include "reconcile/reconcile.h"
#include "upstream/upstream.h"

enum gateway_reason {
#define REASON(id, code, status, help) GATEWAY_##id,
#include "gateway/reasons.def"
#undef REASON
    GATEWAY_REASON_COUNT,
};
extern const struct reason_row gateway_reasons[GATEWAY_REASON_COUNT];

/* What all workers share. */
struct gateway_shared {
    const struct conf *conf;
    unsigned workers;                  /* that share the limits which hold for the whole gateway */
    struct judging_settings judging;   /* of conf */
    char host[280];                    /* the Host that the cloud is asked with */
    struct front_addresses *addresses; /* connections by client address */
    struct policy_slot policies;
    struct pending pending;
    _Atomic int64_t body_bytes; /* judged bodies in memory, against limits.body_memory */
    struct journal *journal;
    struct quota_store *quota;
    struct reconciler *reconciler;
    struct identity_means means; /* but what is a worker's or an exchange's own */
    struct source_slot sources;
    bool has_sources;                /* something is published there; never changes */
    struct iam *iam;                 /* NULL: IAM isn't asked */
    struct jwks_source *jwks_source; /* NULL: not from a URL */
    struct replay *replay;
    pthread_mutex_t sign_lock;
    struct service_credential *sign_as; /* under sign_lock; NULL: the gateway signs for nobody */
    struct net_tls *upstream_tls;
    struct resolver *resolver;
};

/* How calls to the cloud are made; max_connections is left to whoever makes the pool. */
struct upstream_settings gateway_upstream_settings(const struct gateway_shared *shared);

struct gateway;

/* wake: called on the journal's thread when results wait; it must make the worker call
 * gateway_collect. */
MUST_CHECK struct gateway *gateway_new(struct event_base *base, struct gateway_shared *shared,
                                       void (*wake)(void *user), void *user);
MUST_CHECK enum status gateway_listen(struct gateway *gw, int fd, struct net_tls *tls,
                                      struct err *err);
/* Hands the journal's results to the exchanges that wait for them. */
void gateway_collect(struct gateway *gw);
/* No new connections; exchanges under way run to their outcome. */
void gateway_drain(struct gateway *gw);
/* Exchanges and connections that are left. */
unsigned gateway_busy(const struct gateway *gw);

/* What a worker looks like from outside, copied once a second; any thread. */
struct gateway_view {
    struct front_counts front;
    struct upstream_counts upstream;
    unsigned exchanges;
};
void gateway_look(struct gateway *gw, struct gateway_view *ret);
struct metrics *gateway_metrics(struct gateway *gw);
/* Ends everything at once; exchanges past their intent are closed as unknown. */
void gateway_free(struct gateway **gw);
