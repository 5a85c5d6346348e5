/* SPDX-License-Identifier: Apache-2.0
 * The reconciler: a thread that reads the cloud's own lists and corrects the ledger by them. It
 * settles unknown outcomes, frees places that the cloud says are free, finds orphans, and writes a
 * journal line for each. docs/quotas.md is the manual. */
#pragma once

#include "identity/service.h"
#include "journal/journal.h"
#include "net/tls.h"
#include "quota/store.h"
#include "upstream/upstream.h"

struct reconcile_settings {
    int64_t interval_ms; /* between full scans when nothing is open */
    int64_t grace_ms;    /* how long the cloud's list may lag behind its answers */
    int64_t deadline_ms; /* from a request's intent to the last moment at which it is acted on */
    struct upstream_settings upstream;
    const char *host;            /* for the Host field */
    size_t answer_max;           /* bytes of one page */
    const struct view *projects; /* to scan besides those that the ledger names */
    size_t project_count;
    const char *agent; /* the cloud's id of the user whom the gateway signs as for callers; NULL:
                          it doesn't */
};

struct reconciler;

/* service: borrowed, may be NULL: then only callers' tokens read. */
MUST_CHECK enum status reconcile_start(const struct reconcile_settings *settings,
                                       struct quota_store *store, struct journal *journal,
                                       struct service_credential *service, struct net_tls *tls,
                                       struct resolver *resolver, struct reconciler **ret,
                                       struct err *err);
void reconcile_stop(struct reconciler **reconciler);

/* The journal line of a finding, if it has one. False: the journal did not take it. */
MUST_CHECK bool reconcile_record(struct journal *journal, enum scan_finding finding,
                                 const struct ledger_item *item);

/* A caller's credential, kept in memory (bounded, wiped) until it expires or fails: reads its own
 * user's instances where there is no service credential. */
struct reconcile_caller {
    struct view project, user_id, token;
    int64_t expires_us; /* 0: not known, kept for an hour */
};
/* Any thread, never waits. The project has something to find out soon: an unknown outcome, a stop
 * or delete that was accepted, a refusal for want of a place. caller may be NULL. */
void reconcile_hint(struct reconciler *reconciler, struct view project,
                    const struct reconcile_caller *caller);
/* Scan everything now; done(user, ...) is called on the reconciler's thread when that ended. False:
 * one that was asked for is still under way. Any thread. */
struct reconcile_report {
    unsigned scans, failed; /* projects (or callers) that were read, or could not be */
    unsigned settled, gone, corrected, orphans;
    char why[256]; /* of the last failure, or "" */
};
MUST_CHECK bool reconcile_now(struct reconciler *reconciler, const char *actor,
                              void (*done)(void *user, const struct reconcile_report *report),
                              void *user);

struct reconcile_state {
    uint64_t scans, failed; /* since start */
    uint64_t settled, gone, corrected, orphans;
    int64_t last_complete_us; /* of a full round without a failure; 0: none yet */
    unsigned callers;         /* callers' tokens that are kept */
    char why[256];            /* of the last failed scan, or "" */
};
void reconcile_get_state(struct reconciler *reconciler, struct reconcile_state *ret);
