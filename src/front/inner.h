/* SPDX-License-Identifier: Apache-2.0
 * What the sources of this room share. Nobody else includes it.
 *
 * Handlers are called only from conn_run, which the loop calls: never from within a front_*
 * function. Those change the state and ask for a run of the connection (conn_schedule). */
#pragma once

#include <sys/queue.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "base/buffer.h"
#include "front/front.h"

enum {
    FRONT_READ_BYTES = 64 * 1024,  /* of one read; also what a connection may hold unread */
    FRONT_CORK_BYTES = 16 * 1024,  /* small pieces of a reply wait for each other up to this */
    FRONT_HIGH_BYTES = 256 * 1024, /* front_reply_data asks to wait above */
    FRONT_LOW_BYTES = 64 * 1024,   /* and on_drained comes below */
    FRONT_QUEUE_BYTES = 8 << 20,   /* who doesn't wait loses the connection */
    FRONT_HEAD_BYTES = 1 << 20,    /* of a reply's head */
    FRONT_LINGER_BYTES = 256 * 1024,
    FRONT_LINGER_MS = 2000,
    FRONT_BLOCK_BYTES = 32 * 1024, /* of an exchange's arena: one does for nearly every request */
    FRONT_SPARE_EXCHANGES = 64,
    FRONT_SPARE_BYTES = FRONT_BLOCK_BYTES + 256, /* of each: a usual block and its header */
    FRONT_STEPS = 256,                           /* of one run; then others have their turn */
    FRONT_READS = 8,                             /* of one turn */
    FRONT_CLIENT_BYTES = 64,
};

struct listener {
    SLIST_ENTRY(listener) next;
    struct front *front;
    struct net_tls *tls;
    struct net_acceptor *acceptor;
};
SLIST_HEAD(listener_list, listener);

struct conn;
TAILQ_HEAD(conn_list, conn);
SLIST_HEAD(exchange_list, front_exchange);

struct front {
    struct event_base *base;
    struct front_limits limits;
    const struct front_handler *handler;
    void *owner;
    struct listener_list listeners;
    struct conn_list conns;
    struct conn_list scheduled; /* those that wait for a run */
    struct event soon;          /* runs them */
    struct exchange_list spare;
    unsigned spare_count;
    unsigned live; /* exchanges that are not finished */
    struct front_counts counts;
    bool accepting_paused, draining, freed;
    size_t input_max;
    int64_t now_us; /* the clock, as read within a run; 0: not yet */
    int64_t date_s; /* what date was made for */
    char date[32];
    struct buf head; /* a reply's head, while it is made */
    struct front_addresses *addresses;
    bool own_addresses; /* to be freed with the front */
    char scratch[FRONT_READ_BYTES];
};

enum phase {
    PHASE_HEAD,     /* between requests or in a head */
    PHASE_EXCHANGE, /* current is under way */
    PHASE_LINGER,   /* the reply is out, our side closed: what still comes is dropped */
};

struct conn {
    TAILQ_ENTRY(conn) all, next_scheduled;
    struct front *front;
    struct net_conn *net;
    struct address *address;
    struct front_exchange *current; /* PHASE_EXCHANGE */
    enum phase phase;
    bool scheduled, running;
    bool eof;       /* the client closed its side */
    bool dead;      /* to be ended by the next run */
    bool reset;     /* and with RST: the client must not take what it has for whole */
    bool blocked;   /* the socket takes nothing before on_writable */
    bool unwatched; /* reading is off: input is full */
    bool skipped_crlf;
    struct buf in;    /* unread bytes that outlived a run; empty between requests */
    struct view rest; /* unread bytes: in, or the front's scratch within a run */
    size_t scanned;   /* of rest: see http1_find_head */
    size_t lingered;
    struct buf out; /* of it, the first `written` bytes are with the kernel */
    size_t written;
    int64_t head_began_us; /* 0: no byte of a head yet */
    int64_t due_us;        /* PHASE_HEAD without a byte: idle; PHASE_LINGER */
    int64_t write_due_us;  /* 0: counts from the end of the next run */
    int64_t deadline_us;   /* what net was told; 0: none */
};

struct front_exchange {
    SLIST_ENTRY(front_exchange) next_spare;
    struct front *front;
    struct conn *conn; /* NULL: through, or the client is gone */
    void *user;
    struct arena arena;
    struct http1_request request;
    bool has_request;
    bool to_head; /* a HEAD, also one that can't be parsed: its answer has no body */
    char client[FRONT_CLIENT_BYTES];
    int64_t started_us;

    struct http1_body framing;
    struct buf body; /* FRONT_WHOLE */
    uint64_t body_max;
    enum front_body how;
    bool body_asked, body_given, paused;
    int64_t body_due_us;

    bool faulted, fault_told;
    struct http1_fault fault;

    bool begun, ended, chunked, bare, close, waits_drained;
    uint64_t left; /* of the length announced; UINT64_MAX: not known */
};

/* ---- address.c ---- */

/* Counts one more; NULL when there are `max` already, or memory is out. */
struct address;
struct address *address_take(struct front_addresses *addresses, const unsigned char key[16],
                             unsigned max);
void address_give(struct front_addresses *addresses, struct address *address);

/* ---- conn.c ---- */

/* Takes fd over. */
void conn_accept(struct listener *listener, int fd);
/* Runs c from the loop, soon. */
void conn_schedule(struct conn *c);
/* Ends c now; on_gone comes for its exchange. */
void conn_end(struct conn *c);
/* c will be ended by its next run. */
void conn_fail(struct conn *c, bool reset);
void conn_run_scheduled(evutil_socket_t fd, short what, void *front);
/* Moves what is left of c->rest into c->in. */
void conn_keep_rest(struct conn *c);
/* Nothing more to say: half-closes and drops what comes, or ends at once. */
void conn_finish_writing(struct conn *c, bool linger);
/* The time, read once in a run; conn_clock_again reads it anew. */
int64_t conn_clock(struct conn *c);
int64_t conn_clock_again(struct conn *c);

/* ---- input.c ---- */

/* Both: whether something was done, so that it is worth another look. */
bool input_head(struct conn *c);
bool input_body(struct conn *c, struct front_exchange *x);
bool input_linger(struct conn *c);
/* The request as far as it came can't go on. */
void input_fault(struct front_exchange *x, struct http1_fault fault);
void input_fault_of(struct front_exchange *x, enum http1_reason id, const char *text);
/* A new exchange for a head that didn't come whole. */
void input_late_head(struct conn *c);
/* Drops a body that nobody asked for, as far as it is there already. */
void input_skip_body(struct front_exchange *x);

/* ---- exchange.c ---- */

struct front_exchange *exchange_new(struct conn *c);
/* Takes x off its connection; the last callback of x follows. */
void exchange_detach(struct front_exchange *x);
void exchange_tell_end(struct front_exchange *x, bool sent);
void exchange_free_spare(struct front *front);

/* ---- output.c ---- */

/* Bytes queued. */
size_t output_left(const struct conn *c);
/* Writes the parts behind what is queued, or queues them. cork: small parts may wait for the next
 * run. */
void output_put(struct conn *c, const struct iovec *parts, int count, bool cork);
/* Writes what is queued, as much as goes. */
void output_flush(struct conn *c);
