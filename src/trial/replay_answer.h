/* SPDX-License-Identifier: Apache-2.0
 * What is said of a request: by a set today, or by its line. Private to the room. */
#pragma once

#include "trial/replay_request.h"

/* STATUS_INVALID: the request isn't the operation of its line; STATUS_NOMEM. The answer lives in
 * the arena. */
MUST_CHECK enum status replay_judge(const struct replay_request *request,
                                    const struct judging_settings *settings,
                                    const struct policy_set *set, struct arena *arena,
                                    struct replay_answer *ret);
/* As the line has it. False: it has no decision, or memory was out (row->failed). */
MUST_CHECK bool replay_answer_of(struct row *row, struct replay_judgement *ret);
/* Whether it was the judgement that refused, and not a quota or the gateway. */
bool replay_is_judged(const struct replay_judgement *line);
/* Whether the line says what the set says today; values of edits may depend on the very moment. */
bool replay_agrees(const struct replay_judgement *line, const struct replay_judgement *today);
/* What the candidate changes; false: nothing. *ret_cause is its first reason or edit. */
bool replay_differs(const struct replay_answer *before, const struct replay_answer *after,
                    enum replay_kind *ret_kind, struct replay_reason *ret_cause);
