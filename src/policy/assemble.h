/* SPDX-License-Identifier: Apache-2.0
 * Adding up what policies said: reasons in policy order, then contradictions, then edits. */
#pragma once

#include "policy/judge.h"

struct opinion {
    const struct policy *policy;
    enum match_result match; /* never MATCHED_NOT */
    const struct exception *exception;
    struct reasons reasons;
    enum stop_wish stop_wish;
    const struct quota **asked;
    size_t asked_count;
};

struct opinions {
    struct opinion *items;
    size_t count, cap;
};

/* modes: bits of those that count as enforced. */
void assemble(struct judge *j, const struct opinions *opinions, unsigned modes,
              struct judgement *ret);
/* Whether it satisfies `default: refuse` where it matches. Policies that hold only annotations,
 * quotas or both say nothing about who may do what. */
bool is_a_match(const struct policy *policy);
/* The refusal of an operation that policies don't judge. */
void assemble_not_judged(struct judge *j, struct judgement *ret);
