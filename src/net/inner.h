/* SPDX-License-Identifier: Apache-2.0
 * What the sources of this room share. Nobody else includes it. */
#pragma once

#include <stdint.h>

#include <event2/event.h>
#include <event2/event_struct.h>
#include <openssl/ssl.h>

#include "net/conn.h"

/* Room that is written before it is read: the compiler's zeros (-ftrivial-auto-var-init) would cost
 * more than what is done with it. */
#ifdef __has_attribute
#if __has_attribute(uninitialized)
#define UNINITIALIZED __attribute__((uninitialized))
#endif
#endif
#ifndef UNINITIALIZED
#define UNINITIALIZED
#endif

enum { NET_ERROR_BYTES = 160, NET_PEER_BYTES = 56, NET_RECORD_BYTES = 16384 };

enum net_state {
    NET_CONNECTING,
    NET_HANDSHAKING,
    NET_STARTING, /* nothing to wait for, but on_ready must not come from within */
    NET_READY,
    NET_BROKEN, /* error is filled; no event is armed any more */
    NET_CLOSED, /* only the memory is left */
};

struct net_conn {
    struct event reading, writing, timer, soon;
    struct event_base *base;
    const struct net_handler *handler;
    void *user;
    struct net_tls *tls;
    struct net_peer *certificate; /* NULL: nobody has asked */
    SSL *ssl;                     /* NULL: plain */
    int fd;
    enum net_state state;
    int64_t deadline_us, timer_us; /* 0: none; the timer may be set earlier than the deadline */
    size_t sealed;         /* bytes of the next net_write that TLS already holds as a record */
    bool watching;         /* the owner wants on_readable */
    bool read_armed;       /* `reading` is with the loop */
    bool dry;              /* nothing more to read before the loop says so */
    bool clogged;          /* nothing more to write before the loop says so */
    bool wants_writable;   /* the owner got NET_AGAIN from net_write */
    bool write_wants_read; /* TLS has to read before it can write */
    bool read_wants_write; /* and the other way round */
    bool read_ended;       /* EOF was given out */
    bool write_broken;     /* writing failed; what has come can still be read */
    bool fin_wanted;       /* close_notify and FIN are due, but would have blocked */
    bool fin_sent;
    bool verify_failed;
    struct sockaddr_storage peer_address;
    char peer[NET_PEER_BYTES];
    char error[NET_ERROR_BYTES];
};

/* tls.c */
struct net_tls *tls_ref(struct net_tls *tls);
bool tls_is_client(const struct net_tls *tls);
/* A connection object with everything set but its socket: SNI, host check, a session to resume. */
SSL *tls_connection(struct net_tls *tls, struct err *err);
/* The first reason in OpenSSL's queue in its own words; empties the queue. */
const char *tls_reason(void);

/* peer.c; NULL when memory is out */
struct net_peer;
MUST_CHECK struct net_peer *net_peer_of(const X509 *certificate);
const struct peer *net_peer_names(const struct net_peer *peer);
void net_peer_free(struct net_peer **peer);

/* io.c */
void io_arm_read(struct net_conn *c);
void io_arm_write(struct net_conn *c);
/* Sets the error text; `what` is what was being done. */
void io_error_errno(struct net_conn *c, const char *what, int errno_value);
void io_error_tls(struct net_conn *c, const char *what, int ssl_error, int errno_value);
/* Sends close_notify and FIN, or leaves that to the next EV_WRITE. */
void io_finish_writing(struct net_conn *c);
