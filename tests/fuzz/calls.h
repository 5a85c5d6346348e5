/* SPDX-License-Identifier: Apache-2.0
 * Judged calls as inputs: one byte that picks the operation, then the query, the body and the
 * stored instance, with a NUL between them (which no JSON holds). */
#pragma once

#include "modelarts/body.h"

#include "fuzz.h"

#define FUZZ_PROJECT  VIEW("0123456789abcdef0123456789abcdef")
#define FUZZ_INSTANCE VIEW("i-1")

enum { CALL_NOW_S = 1767330000 };

struct call_text {
    const struct operation *op;
    struct view query, body, answer; /* body empty: there is none */
};

/* Not to be copied: the parts point at each other. */
struct call {
    struct raw_request raw;
    struct jdoc doc, answer;
    struct instance_request request;
};

struct call_text call_split(struct view input);
/* False when it isn't a call of the API, for which there are faults then. */
MUST_CHECK bool call_read(const struct call_text *text, enum unknown_fields unknown,
                          struct arena *arena, struct call *ret);
/* Completes a call that was read by the stored instance, where it needs one; false: that isn't
 * one. */
MUST_CHECK bool call_complete(const struct call_text *text, struct arena *arena, struct call *call);
