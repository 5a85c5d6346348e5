/* SPDX-License-Identifier: Apache-2.0
 * Which rules, quotas and exceptions of a policy set a journal shows at work, how often and when
 * last. A fold over lines: memory does not grow with the journal.
 *
 * A rule fired where it refused or rewrote; a policy where it matched; an exception where it was
 * used; a quota where it had no room (that one was asked stands nowhere). Each counts once for a
 * request. What warn and observe policies would have done is counted apart. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "policy/inventory.h"
#include "trail/period.h"

enum { COVERAGE_GONE_MAX = 1000, COVERAGE_NAME_MAX = 1024 /* bytes of a name that is kept */ };

struct coverage_hit {
    uint64_t fired, would;             /* requests */
    int64_t last_us, would_last_us;    /* 0: never */
    uint64_t seen_seq, seen_would_seq; /* the line that was counted last */
};

/* What the journal names and the set does not have: it was there when the line was written. */
struct coverage_gone {
    struct view policy; /* VIEW_NONE: of no policy */
    struct view rule;   /* as in reasons; "match" and "exception" as in the inventory */
    struct view name;   /* of an exception; else VIEW_NONE */
    struct coverage_hit hit;
};

struct coverage {
    const struct inventory *inventory;
    struct period period;
    struct coverage_hit *hits;  /* one for each item of the inventory */
    struct coverage_gone *gone; /* in the order in which they were met */
    size_t gone_count;
    uint64_t gone_more;  /* hits of names over COVERAGE_GONE_MAX or COVERAGE_NAME_MAX */
    uint64_t judged;     /* intents and refusals that were looked at */
    uint64_t summed;     /* refusals that stand as a number only */
    uint64_t unreadable; /* lines */
    struct arena *arena; /* of what is kept */
};

/* inventory and arena must outlive it. STATUS_NOMEM. */
MUST_CHECK enum status coverage_init(struct coverage *coverage, const struct inventory *inventory,
                                     const struct period *period, struct arena *arena);
/* One line without its LF; scratch is reset. A line that can't be read is counted. STATUS_NOMEM. */
MUST_CHECK enum status coverage_add(struct coverage *coverage, struct view line,
                                    struct arena *scratch);
/* All lines of the folder that may lie in the period: segments that end before it are passed over.
 * STATUS_IO, STATUS_NOMEM. */
MUST_CHECK enum status coverage_read(struct coverage *coverage, const char *directory,
                                     struct err *err);
