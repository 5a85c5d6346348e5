/* SPDX-License-Identifier: Apache-2.0
 * The scan of one project: its workspaces, then every page of both families' lists. One at a time.
 * Private to the room. */
#pragma once

#include "identity/service.h"
#include "quota/store.h"
#include "reconcile/fetch.h"
#include "reconcile/pages.h"

struct walk_settings {
    struct upstream *upstream;          /* borrowed, as all of these */
    struct quota_store *store;          /* asked for workspaces and domains that it knows */
    struct service_credential *service; /* NULL: callers' tokens only */
    const char *host;
    size_t answer_max;
    int64_t grace_ms;
    int64_t deadline_ms; /* as in reconcile_settings */
};

struct walk_order { /* copied */
    struct view project;
    struct view user_id, token; /* of a caller; ptr NULL: the service credential */
};

enum walk_end {
    WALK_COMPLETE,
    WALK_VOID,
    WALK_DENIED, /* the credential isn't good any more (401) */
};

struct walk;

/* done: scan is there when it is complete, why otherwise; both are the walk's and live until the
 * next start. It may be called from within walk_start, and must not start another one itself. */
MUST_CHECK struct walk *walk_new(const struct walk_settings *settings,
                                 void (*done)(void *user, enum walk_end end,
                                              const struct scan *scan, const char *why),
                                 void *user);
/* Cancels. */
void walk_free(struct walk **walk);
void walk_start(struct walk *walk, const struct walk_order *order);
