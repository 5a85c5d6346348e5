/* SPDX-License-Identifier: Apache-2.0
 * What the parts of this room share. Nobody else includes it. */
#pragma once

#include <sys/un.h>

#include <evhtp.h>

#include "admin/admin.h"

enum {
    ADMIN_ANSWER_MAX = 4 << 20,
    ADMIN_CONNECTIONS_MAX = 64,
    ADMIN_BODY_MAX = 4096,
    ADMIN_TIMEOUT_S = 10,
    ADMIN_ACTOR_BYTES = 4 * 64 + 8, /* "cert:" and a common name (X.520: 64 bytes), all escaped */
};

/* What is answered later: one of each at a time, which the operations see to. */
enum waiting { WAITING_RECONCILE, WAITING_AUDIT, WAITING_COUNT };

struct waiter {
    struct admin *admin;
    evhtp_request_t *request;          /* NULL: nobody, or who asked has gone */
    void (*gone)(struct admin *admin); /* to be told that; NULL: nobody minds */
};

struct admin {
    evhtp_t *htp;
    struct admin_ops ops;
    struct net_tls *tls;                             /* NULL: the Unix socket */
    struct event *listen_again;                      /* after descriptors ran out */
    evhtp_connection_t *open[ADMIN_CONNECTIONS_MAX]; /* libevhtp itself keeps no list of them */
    struct waiter waiters[WAITING_COUNT];
    char path[sizeof((struct sockaddr_un *)NULL)->sun_path]; /* "" with TLS */
};

/* peer.c: the uid behind a connection of the Unix socket, or -1. */
long admin_peer_uid(int fd);
/* Who asks, for the record: "uid:N", or "cert:NAME" by the common name of the certificate, its odd
 * bytes escaped. False: nobody that could be named. */
MUST_CHECK bool admin_actor(const struct admin *admin, const evhtp_connection_t *connection,
                            char actor[static ADMIN_ACTOR_BYTES]);

/* routes.c */
void admin_on_request(evhtp_request_t *request, void *user);
