/* SPDX-License-Identifier: Apache-2.0
 * What is to be scanned, and when: projects with the service credential, or callers' own instances
 * with their tokens. Pure; times are microseconds of a clock that never steps, but for expiries.
 * Private to the room.
 *
 * A target is due with each round. A hint makes it due soon, and again at doubling intervals: what
 * was hinted at may take a while to show. So does whatever is unsettled, and a scan that failed. */
#pragma once

#include <stdint.h>
#include <sys/queue.h>

#include "base/view.h"

enum {
    TARGETS_PROJECTS_MAX = 4096,
    TARGETS_CALLERS_MAX = 1000,
};

struct target {
    TAILQ_ENTRY(target) link;
    struct view project, user_id, token; /* of a caller; else ptr NULL */
    int64_t expires_us;                  /* of the token, wall clock */
    int64_t due_us;                      /* INT64_MAX: with the next round */
    int64_t pause_us;                    /* to the next scan; 0: nothing is expected */
    int64_t hinted_us;                   /* when the pauses began anew */
    bool round;                          /* this round needs a scan of it still */
    bool asked;                          /* so does an operator */
    bool failing;                        /* the last scan failed */
    bool named;                          /* by the ledger or the settings */
    bool again; /* a round began, or was asked for, while it was being scanned */
};

TAILQ_HEAD(target_list, target);

struct targets {
    struct target_list all; /* callers: the one that wasn't heard of for longest first */
    unsigned projects, callers;
    struct target *current; /* is being scanned: it is not dropped; NULL: none */
    int64_t first_pause_us, last_pause_us, warm_us;
};

/* first_pause_us: from a hint to the scan; pauses double up to last_pause_us, and go on until a
 * hint is so old as warm_us. */
void targets_init(struct targets *targets, int64_t first_pause_us, int64_t last_pause_us,
                  int64_t warm_us);
/* Wipes the tokens. */
void targets_done(struct targets *targets);

/* The project, which is added (and belongs to the round, if there is one) if there is room; NULL if
 * there isn't or memory is out. */
struct target *targets_project(struct targets *targets, struct view project);
/* The caller's, with this token from now on; the oldest one goes for it if need be. */
struct target *targets_caller(struct targets *targets, struct view project, struct view user_id,
                              struct view token, int64_t expires_us);
/* Frees it, and wipes the token. */
void targets_drop(struct targets *targets, struct target *target);
/* Drops the callers whose tokens are over. */
void targets_expire(struct targets *targets, int64_t wall_us);

void targets_hint(const struct targets *targets, struct target *target, int64_t now_us);
/* A round begins: all of them are due. Projects that nobody names any more, and of which nothing is
 * expected or which can't be read, are dropped. */
void targets_begin_round(struct targets *targets, int64_t now_us);
/* The time of the next round has come, and this one isn't over: all of them are due, what it
 * lacks first, and what it has read counts. Were it begun anew, a round that takes longer than the
 * time between two would never be over. Drops as a beginning does. */
void targets_prolong_round(struct targets *targets, int64_t now_us);
/* An operator wants all of them scanned. */
void targets_ask(struct targets *targets, int64_t now_us);
/* What was asked for is not tried any more; how many. */
unsigned targets_give_up(struct targets *targets);
/* Is every target of the round read? Of what was asked for? */
bool targets_round_over(const struct targets *targets);
bool targets_asked_over(const struct targets *targets);
/* The first that is due, or NULL: what the round lacks before what it doesn't; *ret_us is when the
 * next one will be, INT64_MAX: none. */
struct target *targets_due(const struct targets *targets, int64_t now_us, int64_t *ret_us);

/* The current one was scanned, and is it no longer. settles_us: when the next scan may settle
 * something; INT64_MAX: nothing is unsettled; a time that is over: with any scan. */
void targets_scanned(struct targets *targets, bool complete, int64_t settles_us, int64_t now_us);
