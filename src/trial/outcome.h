/* SPDX-License-Identifier: Apache-2.0
 * One case judged by the production code, and what of its expectation did not come true. */
#pragma once

#include "judging/judging.h"
#include "trial/cases.h"

struct outcome {
    struct judging judging; /* decision NULL: refused before any policy was asked */
    enum verdict verdict;   /* refuse also where the judgement as a whole refuses an edit */
};

/* Judges the case by the set, with a trace; now_us is the time of a case that names none. The
 * outcome lives in the arena and is ended by outcome_done, also after a failure. STATUS_NOMEM: no
 * decision could be made. */
MUST_CHECK enum status outcome_judge(const struct policy_case *one,
                                     const struct judging_settings *settings,
                                     const struct policy_set *set, int64_t now_us,
                                     struct arena *arena, struct outcome *ret);
void outcome_done(struct outcome *outcome);

/* Appends what was expected and what came, a line for each with two blanks in front, and the
 * reasons and edits that came in full; nothing where all came true. Text of callers is made
 * printable. STATUS_NOMEM; of out's limit out->failed tells. */
MUST_CHECK enum status outcome_compare(const struct policy_case *one, const struct outcome *outcome,
                                       struct arena *arena, struct buf *out);
