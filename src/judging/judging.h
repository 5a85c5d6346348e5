/* SPDX-License-Identifier: Apache-2.0
 * From received bytes to the bytes that may be sent (promise 1): read once, judged, edited, and
 * then read and judged again as they will go. One production path for the gateway and for whoever
 * asks what it would decide (`explain`). Pure: no I/O, no clock, no log. */
#pragma once

#include "modelarts/body.h"
#include "policy/policy.h"

struct judging_settings {
    struct jlimits body;   /* of what is received; an edited body may be twice as long */
    struct jlimits answer; /* of the instance that the cloud answers with */
    enum unknown_fields unknown;
};

enum judging_reason {
#define REASON(id, code, status, help) JUDGING_##id,
#include "judging/reasons.def"
#undef REASON
    JUDGING_REASON_COUNT,
};
extern const struct reason_row judging_reasons[JUDGING_REASON_COUNT];

/* What would have been decided by warn and observe policies too, rendered. */
struct judging_would {
    const struct change *changes;
    size_t change_count;
};

/* One request on its way to a decision. Views and documents live in the arena; what stands under
 * "the caller's" is set before judging_body, op may be set until judging_read. */
struct judging {
    /* the caller's */
    const struct judging_settings *settings;
    struct arena *arena;
    const struct operation *op;
    struct view project, instance, query;

    /* by judging_body */
    struct view body;
    bool has_body;
    struct jdoc doc;

    /* by judging_read and judging_stored */
    bool has_request;
    struct instance_request request;
    bool has_stored;
    struct jdoc stored;
    int64_t stored_us; /* when it was answered */

    /* by judging_decide */
    const struct decision *decision;
    const struct change *changes;
    size_t change_count;
    struct judging_would would;
    struct buf edited_body, edited_query;
    struct view sent_body, sent_query; /* as they may go; sent_query ptr NULL: none */
    int64_t run_s; /* of what may go (modelarts_run_s); -1 also where it is refused */

    /* by whichever said JUDGING_REFUSED */
    const struct reason *reasons;
    size_t reason_count;
};

enum judging_flow {
    JUDGING_GOES_ON,
    JUDGING_REFUSED, /* reasons are set: it can't be read, or the policies refuse */
    JUDGING_FAILED,  /* no decision could be made (memory): the caller must refuse */
};

void judging_init(struct judging *j, const struct judging_settings *settings, struct arena *arena);
void judging_done(struct judging *j);

/* Indexes the body (borrowed, must live as long as j). An empty one is no body. */
MUST_CHECK enum judging_flow judging_body(struct judging *j, struct view body);
/* For POST {instance}/action: its verb sets op. */
MUST_CHECK enum judging_flow judging_action(struct judging *j);
/* To the typed request, by op. */
MUST_CHECK enum judging_flow judging_read(struct judging *j);
/* The instance as the cloud answered it (borrowed likewise), where modelarts_needs_stored(op). */
MUST_CHECK enum judging_flow judging_stored(struct judging *j, struct view answer, int64_t now_us);
/* Judges by set, edits, and judges again what will be sent, which must be allowed as it is. */
MUST_CHECK enum judging_flow judging_decide(struct judging *j, const struct policy_set *set,
                                            const struct subject *subject, int64_t now_us,
                                            bool with_trace);
