/* SPDX-License-Identifier: Apache-2.0
 * The privileged API over libevhtp, on a Unix socket of mode 0600 for root and the gateway's own
 * user, and, if asked for, over TLS for whoever shows a certificate of the right authority. The
 * only room that includes evhtp. The routes are a table in routes.c; docs/operations.md tells what
 * each answers. Answers are JSON but for a reload's and for refusals of a route, which are text. */
#pragma once

#include <event2/event.h>

#include "admin/ops.h"
#include "base/error.h"
#include "net/tls.h"

struct admin;

/* A socket file that nobody listens on is replaced; one in use is a failure. ops is copied. */
MUST_CHECK enum status admin_new(struct event_base *base, const char *path,
                                 const struct admin_ops *ops, struct admin **ret, struct err *err);
/* The same routes behind client certificates. Takes the listening socket over, also on failure.
 * tls: borrowed, must have been made with a client_ca; certificates that are loaded later are used
 * by the next connection. */
MUST_CHECK enum status admin_new_tls(struct event_base *base, int fd, struct net_tls *tls,
                                     const struct admin_ops *ops, struct admin **ret,
                                     struct err *err);
/* Ends all its connections; removes the socket file. */
void admin_free(struct admin **admin);
