/* SPDX-License-Identifier: Apache-2.0
 * The face to clients: listeners of one worker, its connections, and on each of them one exchange
 * after the other (pipelined requests wait their turn; answers are in order). Knows HTTP framing
 * and limits, no routes and no policy. One thread. */
#pragma once

#include "base/arena.h"
#include "http1/body.h"
#include "http1/head.h"
#include "net/conn.h"
#include "net/listen.h"

/* How many connections each client address has, over all fronts that are given it (per_address
 * holds for all of them together). Thread-safe; outlives the fronts. */
struct front_addresses;
MUST_CHECK struct front_addresses *front_addresses_new(void); /* NULL when memory is out */
void front_addresses_free(struct front_addresses **addresses);

struct front_limits {
    struct http1_limits head;
    unsigned connections; /* of this front; over it: accepting pauses */
    unsigned per_address;
    struct front_addresses *addresses; /* per_address is counted here; NULL: by this front alone */
    int64_t head_timeout_ms, body_timeout_ms, idle_timeout_ms, write_timeout_ms;
    size_t arena; /* cap of an exchange's arena */
};

struct front;
struct front_exchange;

/* What the owner of a front does with requests. `user` of the last four is what front_set_user set;
 * an exchange whose user is still NULL when it ends gets no last call, front finishes it itself.
 * None of them comes from within a front_* function (but front_free). The last call for an exchange
 * is either on_sent or on_gone, once; behind it front_* functions that send or read do nothing.
 * After front_finish the exchange must not be used. */
struct front_handler {
    /* A valid head is there. The handler asks for the body, or replies, now or later. */
    void (*on_request)(void *owner, struct front_exchange *x);
    /* The request can't be read (bad head, broken framing, over a limit, too slow). The handler
     * replies at once with front_reply, fault->row->status and close; if a reply has begun, front
     * just ends the connection. No call of on_request need have come before. */
    void (*on_fault)(void *owner, struct front_exchange *x, const struct http1_fault *fault);
    /* FRONT_WHOLE: once, with all of it, last true. FRONT_STREAM: pieces as they come, last true
     * with the final one (which may be empty). data is borrowed for the call. */
    void (*on_body)(void *user, struct view data, bool last);
    /* The client took what was queued (after front_reply_data said to wait). */
    void (*on_drained)(void *user);
    /* The client went away or timed out before the reply was through, or the reply was aborted. A
     * client that only closed its own side behind a whole request is still there. The exchange's
     * arena and head live on until front_finish. */
    void (*on_gone)(void *user);
    /* The reply is wholly with the kernel; front_finish follows from the handler. */
    void (*on_sent)(void *user);
};

struct front_counts {
    uint64_t accepted;            /* also those that were then refused */
    uint64_t refused_per_address; /* closed at once */
    uint64_t requests;            /* with a valid head */
    uint64_t faults;
    unsigned connections; /* now */
};

MUST_CHECK struct front *front_new(struct event_base *base, const struct front_limits *limits,
                                   const struct front_handler *handler, void *owner);
/* Takes the listening socket over. tls NULL: plain; else borrowed for the life of the front. */
MUST_CHECK enum status front_listen(struct front *front, int fd, struct net_tls *tls,
                                    struct err *err);
/* Stops accepting, closes idle connections, answers what is under way with Connection: close. */
void front_drain(struct front *front);
/* Connections that are left. */
unsigned front_connections(const struct front *front);
void front_counts(const struct front *front, struct front_counts *ret);
/* Ends all connections; on_gone comes for exchanges under way, which may be finished later. Not
 * from within a call of the handler. */
void front_free(struct front **front);

void front_set_user(struct front_exchange *x, void *user);
void *front_user(const struct front_exchange *x);
/* NULL in on_fault if the head couldn't be parsed. */
const struct http1_request *front_request(const struct front_exchange *x);
/* Lives until front_finish. */
struct arena *front_arena(struct front_exchange *x);
const char *front_client(const struct front_exchange *x); /* address:port */
/* Who the client proved to be (net_peer_certificate); NULL: nobody, or it is gone. Ask when the
 * request comes: it is borrowed until the next wait. */
const struct peer *front_peer(const struct front_exchange *x);
int64_t front_started_us(const struct front_exchange *x); /* monotonic: when its head began */

enum front_body { FRONT_WHOLE, FRONT_STREAM };
/* Asks for the body once; sends 100 Continue if the client expects it. Over max bytes: on_fault
 * with 413 (a declared length at once, before a byte of it is read). body_timeout is for all of a
 * FRONT_WHOLE body, and for each wait within a FRONT_STREAM one that isn't paused. */
void front_read_body(struct front_exchange *x, enum front_body how, uint64_t max);
/* FRONT_STREAM: stop and go on reading. */
void front_pause(struct front_exchange *x, bool paused);

/* A whole reply: head and body in one write. Framing, Connection and Date are front's: fields of
 * these ids are left out. body of an answer to HEAD is not sent, its length is. close: end the
 * connection behind it (also done by itself when the request's body wasn't read to its end, after
 * draining a bounded part). */
struct front_reply {
    unsigned status; /* 200 or more */
    const struct http1_field *fields;
    unsigned count;
    struct view body; /* copied if it can't be written at once */
    bool close;
};
void front_reply(struct front_exchange *x, const struct front_reply *reply);
/* A streamed reply. length: bytes that will follow, or UINT64_MAX: chunked (a 1.0 client gets the
 * connection's end instead). For HEAD or 204/304 no data may follow. reply->body must be empty. */
void front_reply_begin(struct front_exchange *x, const struct front_reply *reply, uint64_t length);
/* False: enough is queued, on_drained will come. (data is taken all the same; who goes on for 8 MB
 * loses the connection.) More or less data than announced ends the connection, too. */
MUST_CHECK bool front_reply_data(struct front_exchange *x, struct view data);
void front_reply_end(struct front_exchange *x);
/* What came upstream broke off: the client must see that the reply isn't whole (the connection is
 * reset). on_gone follows. */
void front_reply_abort(struct front_exchange *x);
/* The handler is through with x (after on_sent or on_gone): arena and head are given back. Before
 * these it ends the connection, and neither of them comes. */
void front_finish(struct front_exchange *x);
