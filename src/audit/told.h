/* SPDX-License-Identifier: Apache-2.0
 * What an exchange says, all its lines together, by the rule of audit/query.h. Pure. */
#pragma once

#include "audit/query.h"
#include "trail/row.h"

/* Absent texts have ptr NULL; everything lives in the arena and the exchange's lines. */
struct audit_told {
    int64_t time_us, outcome_us; /* 0: not known; outcome_us: of the line that said the outcome */
    struct view time, event, id, operation, class, project;
    struct view user_id, user_name, user_domain;
    struct view credential_kind, credential_digest, credential_verified, client, request_id;
    struct view instance, name, flavor, decision, outcome, policy_set, error_code, error;
    struct view reasons, policies, exceptions; /* lists: audit_list_next takes them apart */
    int64_t auto_stop_s;                       /* -1: not said */
    int64_t status;                            /* the cloud's; 0: not said */
    bool gone;                                 /* a settled line says that the instance is gone */
};
/* STATUS_NOMEM; STATUS_SYNTAX: a line can't be read. */
MUST_CHECK enum status audit_tell(const struct audit_exchange *exchange, struct arena *arena,
                                  struct audit_told *ret);
/* Takes the next element off a list; false at the end. */
MUST_CHECK bool audit_list_next(struct view *list, struct view *ret);

/* Whether a text is what a filter asks for: any if it asks for none, else one that is there and
 * matches. */
bool audit_passes(struct view wanted, struct view text);
/* Which of the ids it is; their count: none of them. */
MUST_CHECK size_t audit_subject_find(const struct audit_subject *subject, struct view id);
/* Whether it is what the filter asks for, but for the instance. */
bool audit_told_passes(const struct audit_told *told, const struct audit_filter *filter);

/* Whether the whole text matches; `*` stands for any run of bytes. */
bool audit_matches(struct view pattern, struct view text);

/* When so many seconds behind that time are over, both as lines have them: at most the last moment
 * of the year 9999. */
MUST_CHECK int64_t audit_end_us(int64_t time_us, int64_t seconds);
