/* SPDX-License-Identifier: Apache-2.0
 * A decision is a value: everything that the journal, the caller and `explain` need to know. */
#pragma once

#include "base/reason.h"
#include "modelarts/edit.h"

enum verdict { VERDICT_ALLOW, VERDICT_REWRITE, VERDICT_REFUSE };

struct judgement {
    enum verdict verdict;
    const struct reason *reasons; /* of a refusal; all of them, in policy order */
    size_t reason_count;
    const struct edit *edits; /* of a rewrite; none with a refusal */
    size_t edit_count;
};

/* One line of `explain`: what a policy or one of its rules said. */
struct trace_line {
    struct view policy;
    struct view rule; /* "match", "flavors.allow", "auto_stop.max", ... */
    struct loc at;
    enum {
        TRACE_MATCH,
        TRACE_NO_MATCH,
        TRACE_OK,
        TRACE_EDIT,
        TRACE_REFUSE,
        TRACE_NOT_APPLIED,
        TRACE_QUOTA /* a quota must have room */
    } what;
    struct view text; /* one sentence */
};

struct quota;

/* A quota that must have room for the request: of a policy that matched, for an operation that the
 * quota counts. */
struct quota_demand {
    const struct quota *quota;
    bool enforced; /* else its lack of room only goes to `would` */
    bool warn;     /* of a warn policy: tell the caller */
};

struct decision {
    struct judgement judgement;  /* of the enforce policies: what happens */
    bool has_would;              /* warn or observe policies would have changed it */
    struct judgement would;      /* all policies as if enforced */
    bool warn;                   /* a warn policy is among those that would: tell the caller */
    const struct view *policies; /* names that matched, any mode, in name order */
    size_t policy_count;
    const struct view *exceptions; /* names that were used */
    size_t exception_count;
    const struct quota_demand *quotas; /* in name order; none with a refusal */
    size_t quota_count;
    const struct trace_line *trace; /* if asked for */
    size_t trace_count;
};

const char *verdict_name(enum verdict verdict); /* allow, rewrite, refuse */
