/* SPDX-License-Identifier: Apache-2.0
 * Yesterday's requests under tomorrow's policies: the journal's kept requests (`journal.requests:
 * full`) are judged once more by the set that judged them and by a candidate, and what they say is
 * compared. docs/replay.md is the manual. Reads files through the journal's trail only; the sets
 * come from the caller. */
#pragma once

#include "judging/judging.h"
#include "trail/period.h"

struct replay_reason {
    struct view code, policy, rule, message; /* policy, rule: ptr NULL where it has none */
};

struct replay_edit {
    struct view op, path, old_json, new_json, policy; /* old_json ptr NULL: nothing was there */
};

struct replay_judgement {
    enum verdict verdict;
    const struct replay_reason *reasons;
    size_t reason_count;
    const struct replay_edit *edits;
    size_t edit_count;
};

struct replay_answer {
    struct replay_judgement is;
    bool has_would;
    struct replay_judgement would; /* with the warn and observe policies enforced */
};

/* What is different under the candidate; the first that holds. */
enum replay_kind {
    REPLAY_NEWLY_REFUSED,
    REPLAY_NEWLY_ALLOWED,
    REPLAY_EDITED_DIFFERENTLY, /* allowed by both, but sent as something else */
    REPLAY_REFUSED_OTHERWISE,  /* by both, but for other reasons */
    REPLAY_WARNED_DIFFERENTLY, /* only what warn and observe policies would do */
    REPLAY_KINDS
};
const char *replay_kind_name(enum replay_kind kind); /* "newly_refused" */

/* Why a kept request can't be compared. */
enum replay_obstacle {
    REPLAY_NO_SET,     /* there is no copy of the set that judged it, or it doesn't load */
    REPLAY_UNREADABLE, /* its line doesn't hold what has to be known of it */
    REPLAY_OBSTACLES
};
const char *replay_obstacle_text(enum replay_obstacle obstacle); /* a sentence's end */

/* Who asked, as far as the line says; ptr NULL: it doesn't. Names are unique in their domain only.
 */
struct replay_user {
    struct view id, name, domain;
};

/* One request that would be answered differently. Lives until the callback returns. */
struct replay_change {
    enum replay_kind kind;
    struct view id, time, operation, project, policy_set;
    struct replay_user user;
    bool redacted;              /* something was left out of it: the answers may differ for that */
    bool not_reproducible;      /* the set that judged it says something else today than its line */
    struct replay_reason cause; /* of an edit: rule is its path, code its op */
    const struct replay_answer *before, *after;
};

enum { REPLAY_MISSING_MAX = 64, REPLAY_SETS_MAX = 16 };

struct replay_totals {
    uint64_t lines;    /* of requests in the period that policies have judged */
    uint64_t kept;     /* of these, those whose request was kept */
    uint64_t judged;   /* of these, by both sets */
    uint64_t unjudged; /* kept, but refused before any policy was asked; not among the others */
    uint64_t obstacles[REPLAY_OBSTACLES];
    uint64_t changed, kinds[REPLAY_KINDS];
    uint64_t aside;            /* refused then by a quota or the gateway: judged without */
    uint64_t redacted;         /* judged, though something was left out of them */
    uint64_t not_reproducible; /* judged, though the line says something else */
    uint64_t bad_lines;        /* that can't be read at all */
    char missing[REPLAY_MISSING_MAX][65]; /* digests of sets that were not found */
    size_t missing_count;
};

struct replay_plan {
    const char *directory; /* of the segments */
    struct period period;
    const struct judging_settings *judging;
    const struct policy_set *candidate;
    /* The set of that digest, one reference for the room; NULL: there is none. */
    struct policy_set *(*load_set)(void *user, const char *digest);
    /* False ends the run. */
    bool (*on_change)(void *user, const struct replay_change *change);
    void *user;
};

/* STATUS_IO: the folder can't be read, or on_change has ended the run (err is empty then);
 * STATUS_NOMEM. Memory doesn't grow with the number of lines. */
MUST_CHECK enum status replay_run(const struct replay_plan *plan, struct replay_totals *ret,
                                  struct err *err);
