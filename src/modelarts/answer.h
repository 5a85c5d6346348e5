/* SPDX-License-Identifier: Apache-2.0
 * Answers: what the cloud's body says about an instance, and the bodies that we answer with
 * ourselves. */
#pragma once

#include "base/buffer.h"
#include "base/reason.h"
#include "json/doc.h"
#include "json/write.h"

/* What an answer tells; absent where it doesn't. */
struct answer_facts {
    struct view id, name, status; /* of an instance object */
    struct view error_code;       /* "ModelArts.6318", "APIG.0301"; none where it isn't so */
};

/* Reads a complete answer body; a body that isn't a JSON object tells nothing. Unescaped texts live
 * in the arena. */
void modelarts_read_answer(const struct jdoc *doc, struct arena *arena, struct answer_facts *ret);

/* The body of a refusal (contract, design section 9), whose object stays open. message: the
 * sentence that stands in error_msg, error_message and message; reasons: at most 20 are written.
 * id: the exchange. */
void modelarts_open_refusal(struct jwriter *w, int status, struct view id, struct view message,
                            const struct reason *reasons, size_t count);
/* "reasons":[...] as a member of the open object. */
void modelarts_write_reasons(struct jwriter *w, const struct reason *reasons, size_t count);
/* The sentence for those reasons: each says what was wrong and what is allowed, then whom to ask.
 */
MUST_CHECK struct view modelarts_refusal_sentence(const struct reason *reasons, size_t count,
                                                  struct arena *arena);
