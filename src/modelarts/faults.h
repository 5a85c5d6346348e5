/* SPDX-License-Identifier: Apache-2.0
 * Collecting what is wrong with a request or an answer, each with its place. */
#pragma once

#include "modelarts/body.h"

struct faults {
    const struct jdoc *doc; /* NULL: there is no body */
    const char *of;         /* stands before each pointer: "the stored instance's ", else "" */
    const char *root;       /* what the whole document is called */
    struct arena *arena;
    struct body_faults *body;
};

/* Begins with none. */
struct faults faults_of_body(const struct jdoc *doc, struct arena *arena, struct body_faults *ret);
bool faults_any(const struct faults *faults);
/* No more fit. */
bool faults_full(const struct faults *faults);
/* "POINTER text": the text says what the value at v needs, without the value. Without memory the
 * message is the reason's own. */
void faults_add(struct faults *faults, enum modelarts_reason why, jref v, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
/* The same of what has no pointer: the text is all of the message. */
void faults_say(struct faults *faults, enum modelarts_reason why, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
