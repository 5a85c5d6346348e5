/* SPDX-License-Identifier: Apache-2.0
 * Collecting what is wrong with a body, each with its JSON Pointer. */
#pragma once

#include "modelarts/body.h"

struct faults {
    const struct jdoc *doc;
    struct arena *arena;
    struct body_faults *body;
};

bool faults_any(const struct faults *faults);
/* No more fit. */
bool faults_full(const struct faults *faults);
/* "POINTER text": the text says what the value at v needs, without the value. Without memory the
 * message is the reason's own. */
void faults_add(struct faults *faults, enum modelarts_reason why, jref v, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
