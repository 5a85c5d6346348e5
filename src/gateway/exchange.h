/* SPDX-License-Identifier: Apache-2.0
 * Inside of the gateway: one exchange and its steps. Lives in the arena of its front_exchange. */
#pragma once

#include <sys/queue.h>

#include <event2/event_struct.h>

#include "base/digest.h"
#include "gateway/gateway.h"
#include "identity/identity.h"
#include "judging/judging.h"
#include "modelarts/answer.h"
#include "modelarts/changes.h"

/* What a step's function says; a callback that ends a wait says the same. */
enum flow {
    FLOW_NEXT,   /* on to the next row of steps.def */
    FLOW_WAIT,   /* a callback will go on */
    FLOW_REFUSE, /* reasons are set: by OUTCOME if there is an intent, then REPLY */
    FLOW_STREAM, /* not judged: on to STREAM */
    FLOW_ANSWER, /* a dry run: nothing is recorded or sent, on to REPLY */
    FLOW_END,    /* over */
};

/* The cloud's answer to a judged request. */
struct answer {
    unsigned status; /* 0: none */
    struct http1_field *fields;
    unsigned count;
    struct buf body;
    struct answer_facts facts;
    struct view request_id; /* the cloud's */
};

struct exchange {
    struct gateway *gw;
    struct front_exchange *front;
    struct arena *arena;
    const struct http1_request *head;
    enum step step;
    int sent_status; /* of the reply */

    /* what is so by now */
    bool client_gone;
    bool identified;       /* who is known well enough for what is asked */
    bool signed_by_caller; /* by a signature, which is checked when the body is there */
    bool sign_failed;      /* no head could be made, for want of the gateway's own signature */
    bool dry_run;          /* nothing is recorded, taken or sent */
    bool has_would, warns; /* warn and observe policies held something back; the caller is told */
    bool reserved;         /* a place is taken: the ledger must hear what came of it */
    bool intent;           /* the journal may hold our intent: an outcome must follow */
    bool replied;          /* a reply was handed to front */
    bool timer_set;
    bool body_done;      /* streaming: the client's body is through */
    bool chunked_upload; /* streaming: it is framed as chunks towards the cloud */

    int64_t began_us, step_began_us;
    char id[RANDOM_ID_BYTES];
    struct route route;
    struct identified who;
    struct iam_ticket *asked;         /* IAM is asked about the token */
    struct identity_sources *sources; /* pinned while the caller is identified and signed for */
    const struct access_key *key;     /* the caller's own; lives as long as sources */

    /* judged */
    struct view body;
    int64_t body_charged; /* counted in gateway_shared.body_bytes */
    struct judging judging;
    struct policy_set *set;
    struct journal_would would;            /* if has_would */
    char sending_sha256[DIGEST_HEX_BYTES]; /* of judging.sent_body */
    struct pending_entry pending;
    struct ledger_ask ask;       /* the place that it needs; its item's id ptr NULL: none */
    struct quota_ticket *ticket; /* of a reservation that is waited for */
    uint64_t cookie;             /* of the journal result that is waited for; 0: none */
    struct event timer;
    LIST_ENTRY(exchange) waiting;

    /* a refusal */
    const struct reason *reasons;
    size_t reason_count;

    /* the cloud */
    struct upstream_call *call;
    struct buf out; /* the head that goes to the cloud */
    struct answer answer;
    struct buf
        shown; /* the instance as the cloud answered it; the judged request has views of it */
    enum journal_outcome outcome;
    const char *outcome_error; /* our own words, or NULL */

    TAILQ_ENTRY(exchange) all;
};

TAILQ_HEAD(exchange_list, exchange);
LIST_HEAD(waiting_list, exchange);

enum { WAITING_BUCKETS = 256, ANONYMOUS_LINES_MAX = 20 };

struct gateway {
    struct event_base *base;
    struct gateway_shared *shared;
    struct front *front;
    struct upstream *upstream;
    struct journal_mailbox *mailbox;
    struct quota_mailbox *quota_mailbox;
    struct iam_mailbox *iam_mailbox; /* NULL: IAM isn't asked */
    struct identity_cache *tokens;
    struct exchange_list exchanges;
    unsigned exchange_count;
    struct waiting_list waiting[WAITING_BUCKETS]; /* by cookie */
    uint64_t last_cookie;
    unsigned anonymous_lines; /* refusal lines of callers not yet identified, this second */
    uint64_t anonymous_folded;
    struct metrics metrics;
    struct event *snapshot;
    struct event *kick; /* behind all that is ready in a turn of the loop: wakes the journal */
    pthread_mutex_t view_lock;
    struct gateway_view view;
    const struct timeval *journal_timeout;
};

/* exchange.c */
extern const struct front_handler exchange_handler;
/* Goes on with x as flow says until it waits or is over. */
void exchange_go(struct exchange *x, enum flow flow);
/* Sets one reason of the gateway's own table (or of another room's: the row decides). */
enum flow exchange_refuse(struct exchange *x, const struct reason_row *row, const char *message);
enum flow exchange_refuse_with(struct exchange *x, const struct reason *reasons, size_t count);

/* The same of a reason that somebody found; it is copied. */
enum flow exchange_refuse_one(struct exchange *x, const struct reason *why);

/* The steps, in their files: route.c identify.c judge.c reserve.c forward.c stream.c reply.c */
#define STEP(id, name, function, waits) enum flow function(struct exchange *x);
#include "gateway/steps.def"
#undef STEP

/* route.c: whether it is judged; an action's verb stands in its body, which is read later. */
bool route_is_judged(const struct exchange *x);
/* The project of the path; outside of the two families the second segment only looks like one, and
 * ptr is NULL. */
struct view route_project(const struct exchange *x);

/* identify.c */
/* IAM's answer about a token. */
void identify_answered(void *user, enum iam_answer answer, const struct iam_verdict *verdict);
/* Nobody waits for it any more. */
void identify_forget(struct exchange *x);

/* judge.c: the body is indexed, by the operation as it is known so far. */
enum flow judge_begin(struct exchange *x);
void judge_on_body(struct exchange *x, struct view body);
/* What the judgement said, as the driver's word. */
enum flow judge_flow(struct exchange *x, enum judging_flow flow);

/* reserve.c: places. */
/* An answer of the quota store that was waited for. */
void reserve_answered(void *user, enum quota_answer answer, const struct reason *reasons,
                      size_t count);
/* Whatever is reserved or waited for is given back; nothing was sent. */
void reserve_give_back(struct exchange *x);
/* Whether an enforced quota had to have room for it: only then a shared store that is away holds it
 * back. */
bool reserve_is_checked(const struct exchange *x);
/* There may be something new in the cloud's lists about the exchange's project. */
void reserve_hint(struct exchange *x);

/* stream.c */
void stream_on_data(struct exchange *x, struct view data, bool last);
void stream_on_drained(struct exchange *x);
/* The rest of the client's body can't be read; the cloud may have a part of it. */
void stream_on_fault(struct exchange *x, const struct http1_fault *fault);
/* True if the exchange goes on without its client. */
bool stream_on_gone(struct exchange *x);

/* reply.c: fields of the cloud's answer that go to the client, with ours behind them. */
MUST_CHECK struct http1_field *reply_fields(struct exchange *x, const struct http1_field *fields,
                                            unsigned count, unsigned *ret_count);
