/* SPDX-License-Identifier: Apache-2.0
 * One connection, plain or TLS, non-blocking, on a libevent base. Reads and writes go straight to
 * the socket; the loop is asked only for what would have blocked. Not thread-safe: a connection
 * belongs to the thread of its base. The process must ignore SIGPIPE: OpenSSL writes with write(2).
 */
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <event2/event.h>

#include "base/error.h"
#include "base/peer.h"
#include "net/tls.h"

struct net_conn;

enum net_io {
    NET_OK,     /* some bytes went */
    NET_AGAIN,  /* would block (or isn't ready yet): the callback comes when it is worth it */
    NET_EOF,    /* reading: the peer ended its side properly (FIN, and with TLS its close_notify) */
    NET_FAILED, /* reset, truncated TLS, handshake or certificate refused: net_error tells */
};

/* Callbacks may close the connection. After EOF or a failure was given out on_readable doesn't come
 * any more, so a connection that is kept open for its other direction makes no loop spin. */
struct net_handler {
    void (*on_ready)(void *user); /* connected and, with TLS, the handshake is done and verified */
    void (*on_readable)(void *user); /* also when only EOF or an error is to be read */
    void (*on_writable)(void *user); /* after NET_AGAIN from net_write */
    void (*on_timeout)(void *user);  /* the deadline passed */
    void (*on_failed)(void *user);   /* connecting or the handshake failed; net_error tells */
    /* May be NULL. The socket is connected, TLS comes next: for deadlines of their own. */
    void (*on_connected)(void *user);
};

/* Takes fd over, also on failure. tls NULL: plain. on_ready comes later, never from within. */
MUST_CHECK struct net_conn *net_accept(struct event_base *base, int fd, struct net_tls *tls,
                                       const struct net_handler *handler, void *user,
                                       struct err *err);
/* Starts to connect to an IPv4 or IPv6 address; NULL also when the system refuses at once. With
 * tls: SNI and the host check by tls' own host (net_tls_client_new); a session of an earlier
 * connection is resumed. */
MUST_CHECK struct net_conn *net_connect(struct event_base *base,
                                        const struct sockaddr_storage *address, struct net_tls *tls,
                                        const struct net_handler *handler, void *user,
                                        struct err *err);
/* Ends it (with a close_notify where one can be sent without waiting) and frees it; sets *c NULL.
 * The memory goes from the loop (or with its base), never under a callback that is running. */
void net_close(struct net_conn **c);
/* As net_close, but ends with RST instead of FIN: the peer must not take what came for whole. */
void net_reset(struct net_conn **c);

/* NET_OK: *ret_n >= 1 bytes are in out. Who stops before NET_AGAIN gets on_readable again if more
 * is there. What has come stays readable after a write failed. */
MUST_CHECK enum net_io net_read(struct net_conn *c, void *out, size_t size, size_t *ret_n);
/* NET_OK: *ret_n >= 1 bytes of the vector went (all, or the rest will be NET_AGAIN). With TLS the
 * parts are joined into one record where they fit. The rest, and what is tried after NET_AGAIN,
 * must begin with the same bytes and not be shorter: TLS may hold a sealed record of them. */
MUST_CHECK enum net_io net_write(struct net_conn *c, const struct iovec *parts, int count,
                                 size_t *ret_n);
/* No more bytes from us: FIN (close_notify first). Reading goes on, writing is over:
 * everything should have been written. */
void net_shutdown_write(struct net_conn *c);

/* on_readable is wanted (it is at first) or not: back-pressure. Bytes inside TLS are not forgotten:
 * switching on again calls on_readable soon if there are any. */
void net_watch_read(struct net_conn *c, bool wanted);
/* on_timeout comes `ms` from now unless set again or cleared with 0. */
void net_deadline(struct net_conn *c, int64_t ms);
/* The same with the moment itself, by clock_monotonic_us; 0 clears. */
void net_deadline_at(struct net_conn *c, int64_t due_us);
/* Whether on_ready has come. */
bool net_is_ready(const struct net_conn *c);
/* Ready, open, and without a byte of the peer that nobody read: looks at the socket, once. */
bool net_is_quiet(const struct net_conn *c);
/* How much of what net_write took the other side's kernel hasn't acknowledged: 0 is all of it. A
 * Unix socket tells what its peer hasn't read, in bytes of the kernel's memory. False: nobody knows
 * (the connection is broken). */
MUST_CHECK bool net_unsent(const struct net_conn *c, size_t *ret);
/* Whether TLS took up an earlier session. */
bool net_is_resumed(const struct net_conn *c);
/* Whether bytes that net_read would give out already wait inside TLS. */
bool net_has_pending(const struct net_conn *c);
/* Text of the last failure: ours, without text of the peer. */
const char *net_error(const struct net_conn *c);
/* Was the failure one of certificate or host verification? */
bool net_error_is_verify(const struct net_conn *c);
/* "127.0.0.1:5123", "[::1]:5123"; borrowed. */
const char *net_peer(const struct net_conn *c);
/* The peer's address without the port, as 16 bytes (IPv4 mapped): for per-address counts. */
void net_peer_key(const struct net_conn *c, unsigned char out[16]);
/* Who the peer of a server's connection proved to be; NULL before on_ready, without TLS, and when
 * no certificate was demanded and verified (client_ca), or it has expired since. Made at the first
 * call, borrowed until the connection is closed. */
const struct peer *net_peer_certificate(struct net_conn *c);
