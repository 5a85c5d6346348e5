/* SPDX-License-Identifier: Apache-2.0
 * Judged requests of every operation, decisions and what becomes of them: shared by the targets of
 * policies. */
#pragma once

#include "modelarts/body.h"
#include "policy/policy.h"

#include "fuzz.h"

struct judged {
    struct raw_request raw;
    struct jdoc doc;
    struct instance_request request;
};

/* The text is the body, or the stored instance where the operation has none of its own (a start).
 * False when it isn't one of the API, or the operation isn't judged. */
MUST_CHECK bool judged_read(enum operation_id op, struct view text, enum unknown_fields unknown,
                            struct arena *arena, struct judged *ret);
/* Callers: one of whom all is known, one of whom nothing is, an odd one. */
enum { SUBJECTS = 3 };
extern const struct subject judged_subjects[SUBJECTS];

/* Judges, checks what holds of every decision, and returns it as text. *ret_decision may be NULL.
 */
struct view judged_text(const struct policy_set *set, const struct judged *judged,
                        const struct subject *subject, struct arena *arena,
                        const struct decision **ret_decision);
/* Applies the edits of a rewrite, reads and judges again: it must be allowed as it is. */
void judged_check_rewrite(const struct policy_set *set, const struct judged *judged,
                          const struct subject *subject, const struct decision *decision,
                          enum unknown_fields unknown, struct arena *arena);
