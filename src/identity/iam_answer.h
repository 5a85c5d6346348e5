/* SPDX-License-Identifier: Apache-2.0
 * The answer of IAM's GET /v3/auth/tokens (API reference, "Verifying a Token"): the same document
 * as the one in a token, without its signature. */
#pragma once

#include "identity/token.h"

enum { IAM_ANSWER_BYTES_MAX = 256 * 1024 };

/* The facts of a 200's body; texts borrow from body and the arena. STATUS_SYNTAX: something that
 * matters is missing or has the wrong type. STATUS_NOMEM. */
MUST_CHECK enum status iam_answer_read(struct view body, struct arena *arena,
                                       struct token_facts *ret);

/* Is an answer with so many X-Subject-Token fields about that token? echo: the value of the only
 * one. An answer without one is about what was asked. */
MUST_CHECK bool iam_answer_is_about(struct view token, unsigned echoes, struct view echo);

/* What a 404's body says: that IAM looked for the token and doesn't know it (`error` of Keystone or
 * an IAM error code), or nothing of the kind, as where the path itself isn't there. */
MUST_CHECK bool iam_answer_is_verdict(struct view body, struct arena *arena);
