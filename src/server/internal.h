/* SPDX-License-Identifier: Apache-2.0
 * Inside of the server: everything that one process holds. */
#pragma once

#include <pthread.h>

#include "admin/admin.h"
#include "admin/status.h"
#include "json/write.h"
#include "server/answer.h"
#include "server/load.h"
#include "server/worker.h"
#include "sinks/sinks.h"

enum { WORKERS_MAX = 256 };

/* A reconcile that was asked for over the admin API. */
struct reconcile_call {
    int fd; /* the reconciler's thread writes here when it ended */
    struct event *event;
    bool has_credential; /* the gateway can read lists on its own */
    bool busy;           /* from the question to the answer; the main thread's */
    struct admin_done done;
    _Atomic bool ended; /* report is filled */
    struct reconcile_report report;
};

/* A question to the journal that was asked over the admin API. All but `stop` and what stands
 * behind `ended` is the main thread's. */
struct audit_call {
    int fd; /* the question's thread writes here when it ended */
    struct event *event;
    pthread_t thread; /* while busy */
    bool busy;        /* from the question to the answer */
    struct admin_done done;
    char *query; /* a copy, which the question borrows */
    struct answer_question question;
    _Atomic bool stop;  /* nobody wants the answer any more */
    _Atomic bool ended; /* status and answer are there */
    int status;
    struct buf answer;
};

/* A host that is asked besides the cloud. */
struct server_peer {
    struct net_tls *tls;
    struct resolver *resolver;
};

struct server {
    struct arena arena; /* settings */
    struct conf conf;
    struct gateway_shared shared;
    struct service_credential *service; /* NULL: the gateway has none */
    struct server_peer iam_peer, jwks_peer;
    const char *agent; /* the cloud's id of whom the gateway signs as; NULL: it doesn't */
    struct net_tls *listen_tls[CONF_LISTENS_MAX]; /* by listener; NULL: plain */
    struct event_base *base;                      /* the main thread's: signals, admin, status */
    struct event *signals[5];
    struct event *drain_timer, *ended_event;
    int ready_fd; /* -1: nobody asked */
    int ended_fd; /* workers that ended write here */
    struct worker *workers[WORKERS_MAX];
    unsigned worker_count, workers_ended;
    bool draining;
    int64_t drain_us;                   /* monotonic: when it began; 0: it didn't */
    struct sinks *sinks;                /* NULL: there are none */
    struct admin *admin, *admin_remote; /* on the socket, and over TLS if asked for */
    struct net_tls *admin_tls;
    struct reconcile_call reconcile;
    struct audit_call audit;
    struct status_page *status;
    struct net_address listens[CONF_LISTENS_MAX]; /* with the ports that the system chose */
    struct net_address status_address, admin_address;
    int64_t started_us;
};

/* listen.c */
/* Certificates, keys and the credential of its own, before anything else is opened. */
MUST_CHECK enum status server_load_credentials(struct server *s, struct err *err);
MUST_CHECK enum status server_listen(struct server *s, struct err *err);
/* identity.c: how callers are identified and signed for; before the workers. */
MUST_CHECK enum status server_open_identity(struct server *s, struct err *err);
/* The files of it: all or none of them is taken. */
MUST_CHECK enum status server_load_identity(struct server *s, struct err *err);
void server_close_identity(struct server *s);
/* identity_metrics.c: of what is configured. For Prometheus; as a member of the open object. */
void server_print_identity(struct server *s, struct buf *out);
void server_write_identity(struct server *s, struct jwriter *w);
/* What callers can't be identified by in full, a constant text; NULL: all is well. */
const char *server_identity_away(struct server *s);
/* ledger.c: quotas, and what keeps them right. The service credential first: it decides what an
 * empty ledger may grant; the reconciler last. */
MUST_CHECK enum status server_open_quota(struct server *s, struct policy_set *set, struct err *err);
MUST_CHECK enum status server_start_reconciler(struct server *s, struct err *err);
/* Of a set that comes into force. */
MUST_CHECK enum status server_use_quotas(struct server *s, struct policy_set *set);
void server_close_quota(struct server *s);
/* sinks.c: behind the journal. Stopped before it, within what is left of the drain. */
MUST_CHECK enum status server_start_sinks(struct server *s, struct err *err);
void server_stop_sinks(struct server *s);
/* For Prometheus; as a member of the open object. */
void server_print_sinks(struct server *s, struct buf *out);
void server_write_sinks(struct server *s, struct jwriter *w);
/* reload.c: policies and certificates; out gets a line for each fault or the new digest. */
bool server_reload(struct server *s, const char *actor, struct buf *out);
/* A copy of the set's files beside the journal; arena: for the work. */
MUST_CHECK enum status server_keep_set(struct server *s, const struct loaded_policies *loaded,
                                       struct arena *arena, struct err *err);
/* An `admin` line: what was asked through the admin API stands in the record with who asked. error:
 * NULL, or what went wrong. */
void server_record_admin(struct server *s, const char *path, const char *actor, const char *error);
/* audit.c: the operations of struct admin_ops, and what they need on s->base. Forget: the admin API
 * is about to go, nobody is to be answered any more. Done waits for the thread, which is told to
 * break off. */
int server_audit(void *user, const struct admin_question *question, const struct admin_done *done,
                 struct buf *out);
void server_audit_gone(void *user);
MUST_CHECK bool server_audit_init(struct server *s);
void server_audit_forget(struct server *s);
void server_audit_done(struct server *s);
/* reconcile.c: the operation of struct admin_ops, and what it needs on s->base. Done is to be
 * called when the reconciler is stopped; the admin API may be gone by then, but not the other way
 * round. */
int server_reconcile(void *user, const char *actor, const struct admin_done *done, struct buf *out);
MUST_CHECK bool server_reconcile_init(struct server *s);
void server_reconcile_forget(struct server *s);
void server_reconcile_done(struct server *s);
/* state.c */
extern const char *const postern_version;
void server_ops(struct server *s, struct admin_ops *ret);
/* The descriptor that POSTERN_READY_FD names, if it is open, or -1. To be called before anything is
 * opened, so that it can't be one of our own. */
int server_ready_fd(void);
void server_tell_ready(const struct server *s);
