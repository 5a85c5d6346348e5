/* SPDX-License-Identifier: Apache-2.0
 * Inside of the server: everything that one process holds. */
#pragma once

#include "admin/admin.h"
#include "admin/status.h"
#include "server/load.h"
#include "server/worker.h"

enum { WORKERS_MAX = 256 };

struct server {
    struct arena arena; /* settings */
    struct conf conf;
    struct gateway_shared shared;
    struct net_tls *listen_tls[64]; /* by listener; NULL: plain */
    struct event_base *base;        /* the main thread's: signals, admin, status */
    struct event *signals[5];
    struct event *drain_timer, *ended_event;
    int ready_fd; /* -1: nobody asked */
    int ended_fd; /* workers that ended write here */
    struct worker *workers[WORKERS_MAX];
    unsigned worker_count, workers_ended;
    bool draining;
    struct admin *admin;
    struct status_page *status;
    struct net_address listens[64]; /* with the ports that the system chose */
    struct net_address status_address;
    int64_t started_us;
};

/* listen.c */
MUST_CHECK enum status server_load_tls(struct server *s, struct err *err);
MUST_CHECK enum status server_listen(struct server *s, struct err *err);
/* reload.c: policies and certificates; out gets a line for each fault or the new digest. */
bool server_reload(struct server *s, const char *actor, struct buf *out);
/* A copy of the set's files beside the journal; arena: for the work. */
MUST_CHECK enum status server_keep_set(struct server *s, const struct loaded_policies *loaded,
                                       struct arena *arena, struct err *err);
/* state.c */
extern const char *const postern_version;
void server_ops(struct server *s, struct admin_ops *ret);
/* The descriptor that POSTERN_READY_FD names, if it is open, or -1. To be called before anything is
 * opened, so that it can't be one of our own. */
int server_ready_fd(void);
void server_tell_ready(const struct server *s);
