/* SPDX-License-Identifier: Apache-2.0
 * Inside of the gateway: an exchange's lines in the journal. */
#pragma once

#include "gateway/exchange.h"

void record_refusal(struct exchange *x);
enum flow record_intent(struct exchange *x);
enum flow record_outcome(struct exchange *x);
/* Once a second and at the end: a line that counts the refusals which got none of their own. */
void record_folded(struct gateway *gw);
/* Whether an unjudged exchange leaves a line: reads, and GET and HEAD elsewhere, don't. */
bool record_wants(const struct exchange *x);
/* Of an unjudged exchange: not waited for; counts it if the journal doesn't take it. */
void record_unjudged(struct exchange *x);
/* A result of the journal, or the end of the wait for it. */
void record_result(struct exchange *x, enum status status);
void record_forget(struct exchange *x);
/* Keeps the request id of the cloud's answer for the outcome. */
void record_answer_id(struct exchange *x, const struct http1_field *fields, unsigned count);
