/* SPDX-License-Identifier: Apache-2.0
 * The query of a URL as keys and values, read strictly: known keys only, each once unless it may be
 * repeated, every escape whole. Pure. */
#pragma once

#include "base/arena.h"
#include "base/error.h"

enum { PARAMS_MAX = 64, PARAM_VALUE_MAX = 4096 /* bytes, unescaped */ };

struct param_key {
    const char *name; /* NULL ends the rows */
    bool many;        /* may stand more than once */
};

struct param {
    const struct param_key *key;
    struct view value; /* unescaped; NUL-terminated */
};

struct params {
    struct param items[PARAMS_MAX]; /* in the order of the text */
    size_t count;
};

/* "from=2026-12-31&user=alice%20b"; an absent or empty text has none. '+' is a plus. Values live in
 * the arena. STATUS_SYNTAX: err says what is wrong and which keys are known; STATUS_NOMEM. */
MUST_CHECK enum status params_read(struct view text, const struct param_key *keys,
                                   struct arena *arena, struct params *ret, struct err *err);
/* The value of a key that stands once; ptr NULL: it isn't there. */
struct view params_find(const struct params *params, const char *name);
