/* SPDX-License-Identifier: Apache-2.0
 * Connections as they are on the wire: every byte that arrives is seen before evhttp sees it. */
#pragma once

#include <stdbool.h>
#include <sys/queue.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <openssl/ssl.h>

struct sim;
struct exchange;

struct conn {
    TAILQ_ENTRY(conn) next;
    struct sim *sim;
    struct bufferevent *bev;         /* evhttp owns it */
    struct evhttp_connection *evcon; /* from the first complete request on */
    unsigned long number;
    struct evbuffer *pending; /* received, not yet part of a recorded request */
    bool looked;              /* the head in `pending` was offered to the faults */
    bool iam;                 /* came to the port of IAM */
    bool claimed;             /* an early fault has taken this request: no answer */
    struct event *later;      /* an early action, run outside of the read callback */
    void (*action)(struct conn *conn);
    struct exchange *exchange;
    struct evhttp_request *request; /* read, and not yet answered */
    bufferevent_event_cb on_gone;   /* evhttp's, once the connection was taken from it */
    void *on_gone_arg;
};
TAILQ_HEAD(conns, conn);

struct wire {
    struct conns conns;
    unsigned long accepted;
    bool plain;
};

/* A listener's context: bevcb argument. tls NULL: plain. */
struct port {
    struct sim *sim;
    SSL_CTX *tls;
    struct evhttp *http;
    bool iam;
};

/* A server context for the certificate chain and key in these PEM files; NULL and a line on stderr.
 */
SSL_CTX *wire_tls_new(const char *certificate, const char *key);
/* evhttp_set_bevcb: makes the bufferevent of a connection that is being accepted. arg: struct port.
 */
struct bufferevent *wire_accept(struct event_base *base, void *arg);
struct conn *wire_find(struct sim *sim, const struct bufferevent *bev);
/* Forgets a connection that is gone. */
void wire_drop(struct conn *conn);
void wire_drop_all(struct sim *sim);
/* Runs action(conn) from the event loop, when no callback of the connection is on the stack. */
void wire_later(struct conn *conn, void (*action)(struct conn *conn));
/* Ends the connection with a TCP reset, at once. */
void wire_reset(struct bufferevent *bev);
/* Sends close_notify, so that what came before counts as whole. */
void wire_notify(struct bufferevent *bev);
/* Takes the connection from evhttp: what still comes is thrown away, on_flushed runs when the
 * output is empty, and the end of the peer ends it. */
void wire_take(struct conn *conn, void (*on_flushed)(struct bufferevent *bev, void *conn));
/* Closes it, whether evhttp has told us of it yet or not. */
void wire_end(struct conn *conn);
bool wire_resumed(struct bufferevent *bev);
