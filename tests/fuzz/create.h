/* SPDX-License-Identifier: Apache-2.0
 * Bodies of creates, decisions and what becomes of them: shared by the targets of policies. */
#pragma once

#include "modelarts/body.h"
#include "policy/policy.h"

#include "fuzz.h"

#define FUZZ_PROJECT VIEW("0123456789abcdef0123456789abcdef")

struct create {
    struct jdoc doc;
    struct instance_request request;
};

/* False when it isn't a body of the API. */
MUST_CHECK bool create_read(struct view body, enum unknown_fields unknown, struct arena *arena,
                            struct create *ret);
/* Callers: one of whom all is known, one of whom nothing is, an odd one. */
enum { SUBJECTS = 3 };
extern const struct subject create_subjects[SUBJECTS];

/* Judges, checks what holds of every decision, and returns it as text; ptr NULL when memory ran
 * out. *ret_decision may be NULL. */
struct view create_judge(const struct policy_set *set, const struct create *create,
                         const struct subject *subject, struct arena *arena,
                         const struct decision **ret_decision);
/* Applies the edits of a rewrite, reads and judges again: it must be allowed as it is. */
void create_check_rewrite(const struct policy_set *set, const struct create *create,
                          const struct subject *subject, const struct decision *decision,
                          enum unknown_fields unknown, struct arena *arena);
