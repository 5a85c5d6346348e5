/* SPDX-License-Identifier: Apache-2.0
 * POSIX extended regular expressions over bytes, matched against a whole value in time linear in
 * it: no back-references, no backtracking, no locale. What POSIX leaves undefined is refused. */
#pragma once

#include "base/arena.h"
#include "base/error.h"

enum {
    ERE_PATTERN_MAX = 1024, /* bytes of a pattern */
    ERE_REPEAT_MAX = 255,   /* of {m,n}: RE_DUP_MAX of POSIX */
    ERE_PROGRAM_MAX = 4096, /* steps after repeats are written out */
    ERE_DEPTH_MAX = 32,     /* groups within groups */
};

struct ere;

struct ere_fault {
    size_t position;  /* counts from 1 */
    const char *text; /* end of a sentence: "a group is not closed" */
};

/* STATUS_SYNTAX fills fault; STATUS_NOMEM. The result lives in the arena; scratch holds what is
 * needed only while reading. */
MUST_CHECK enum status ere_compile(struct view pattern, struct arena *arena, struct arena *scratch,
                                   struct ere_fault *fault, const struct ere **ret);
/* Whether the whole value matches. */
bool ere_matches(const struct ere *ere, struct view value);
