/* SPDX-License-Identifier: Apache-2.0
 * What the sources of this room share. Nobody else includes it.
 *
 * A link is one connection, a call one request with its answer. A link that connects, sends or
 * receives has exactly one call; one without a call is idle. Failures are always told from the
 * loop, so that no function of the public face calls back from within. */
#pragma once

#include <event2/event.h>
#include <event2/event_struct.h>

#include "base/buffer.h"
#include "net/conn.h"
#include "upstream/upstream.h"

enum {
    SCRATCH_BYTES = 128 * 1024,   /* one read of an answer */
    QUEUE_HIGH_BYTES = 64 * 1024, /* of a streamed request: ask the caller to wait */
    QUEUE_MAX_BYTES = 1024 * 1024,
    READS_AT_ONCE = 8,          /* then other connections have their turn */
    INTERIM_MAX = 8,            /* 1xx answers before the final one */
    WAITING_MAX = 1024,         /* in each of the two lines */
    KEPT_PART = 4,              /* one connection in so many is kept for urgent calls */
    FRESH_US = 5 * 1000 * 1000, /* how lately a connection must have answered for a judged call */
    ATTEMPT_MIN_MS = 250,       /* to one address while others are left */
    DETAIL_BYTES = 200,
    SPARE_CALLS = 64,              /* kept by a pool, each with its arena's first block */
    ARENA_BLOCK_BYTES = 4096,      /* enough for the head of most answers */
    SPARE_ARENA_BYTES = 16 * 1024, /* a block that a large head took isn't kept */
};

struct link {
    struct upstream *upstream;
    struct net_conn *conn;
    struct upstream_call *call; /* NULL: idle */
    struct link *newer, *older; /* among the idle */
    int64_t answered_us;        /* end of the last answer, 0: none yet */
    unsigned generation;        /* of the TLS settings that it was begun with */
    bool connected;
};

/* What a call waits for; each has a deadline of its own. */
enum phase {
    PHASE_WAITING,    /* for a place in the pool */
    PHASE_CONNECTING, /* and the next address after it */
    PHASE_SHAKING,    /* TLS */
    PHASE_SENDING,    /* for the socket */
    PHASE_STREAMING,  /* for more of the body, from the caller */
    PHASE_AWAITING,   /* for the answer's first byte */
    PHASE_ANSWERING,  /* for more of the answer */
    PHASE_PAUSED,     /* for the caller to take the answer */
    PHASE_FAILED,     /* on_failed is about to be told */
    PHASE_ENDED,      /* only the memory is left */
};

struct upstream_call {
    struct upstream *upstream;
    struct link *link;
    struct upstream_order order;
    const struct upstream_handler *handler;
    void *user;
    struct upstream_call *next; /* among the waiting, or the spare */
    struct event timer, soon;
    enum phase phase;
    unsigned depth; /* our functions that have it on the stack */
    int64_t started_us, phase_due_us, total_due_us, timer_us;
    int64_t now_us; /* the clock, as read since call_enter; 0: not yet */

    /* connecting */
    unsigned attempts; /* addresses tried for this connection */
    bool force_new;    /* the second try after a reused connection broke */
    bool retried;

    /* the request */
    size_t offset;    /* of head and body together that went */
    struct buf queue; /* of a streamed body */
    bool last_queued, drain_wanted;
    bool sent, send_failed;

    /* the answer */
    struct arena arena;
    struct buf partial; /* a head that isn't whole yet */
    struct buf rest;    /* of the body, read before the pause */
    size_t scanned;
    unsigned interims;
    struct http1_response head;
    struct http1_body body;
    bool paused, head_done, got_answer;

    enum upstream_failure failure;
    char detail[DETAIL_BYTES];
};

/* Calls that wait for a connection, first come first served. */
struct line {
    struct upstream_call *first, *last;
    unsigned length;
};

struct upstream {
    struct event_base *base;
    struct upstream_settings settings;
    struct net_tls *tls;
    struct resolver *resolver;
    struct link *newest, *oldest; /* idle */
    struct line urgent, common;   /* the waiting */
    unsigned common_taken;        /* connections that calls which aren't urgent have */
    struct upstream_call *spare;
    unsigned spare_count;
    unsigned preferred; /* the address that worked last */
    unsigned calls;
    bool pumping;
    struct upstream_counts counts;
    char *scratch;
};

/* upstream.c: the pool */
/* The call has the link from now on. */
void pool_bind(struct link *link, struct upstream_call *call);
/* Gives the call a connection or a place in the queue; may fail it. */
void pool_admit(struct upstream_call *call);
void pool_forget_waiting(struct upstream_call *call);
/* The link's call is over: keep the connection for the next one, or end it. */
/* Of the TLS settings as they are now; 0 without TLS. */
unsigned pool_generation(const struct upstream *upstream);
void pool_give_back(struct link *link, bool reusable);
/* Ends the connection; its call, if any, has no link then. */
void pool_drop(struct link *link);
/* Lets calls in that wait, as far as there is room. */
void pool_pump(struct upstream *upstream);

/* call.c: phases, deadlines, failures */
void call_set_phase(struct upstream_call *call, enum phase phase);
void call_enter(struct upstream_call *call);
/* Frees it if it is over and nobody has it on the stack. */
void call_leave(struct upstream_call *call);
/* No callback any more; the last call_leave frees it. */
void call_end(struct upstream_call *call);
/* Ends its connection and tells on_failed from the loop. */
void call_fail(struct upstream_call *call, enum upstream_failure failure, const char *detail);
/* The connection broke under the call: tries again where that is allowed, else fails. */
void call_broke(struct upstream_call *call, enum upstream_failure failure, const char *detail);
bool call_is_over(const struct upstream_call *call);
/* The time, read once between call_enter and call_leave; call_clock_again reads it anew. */
int64_t call_clock(struct upstream_call *call);
int64_t call_clock_again(struct upstream_call *call);
void call_free_spare(struct upstream *upstream);

/* link.c: connecting and sending */
/* Connects to the next address that is worth a try; fails the call when none is left. */
void link_connect(struct upstream_call *call);
/* This address didn't work out. */
void link_attempt_failed(struct upstream_call *call, enum upstream_failure failure,
                         const char *detail);
/* Sends the request of the call that has it, which is connected. */
void link_take(struct link *link);
/* Sends what there is to send. True: nothing is left of it. */
bool link_flush(struct upstream_call *call);
bool link_request_done(const struct upstream_call *call);

/* answer.c */
void answer_read(struct upstream_call *call);
/* Hands on what was read before a pause, then reads on. */
void answer_resume(struct upstream_call *call);
/* Forgets what a broken connection brought. */
void answer_reset(struct upstream_call *call);
/* Overwrites what was read of a secret answer; the call is over. */
void answer_forget(struct upstream_call *call);
