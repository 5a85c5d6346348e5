/* SPDX-License-Identifier: Apache-2.0
 * A JSON document as the journal keeps it (`journal.requests: full`): without the values that the
 * settings name and those that look like secrets. Pure. docs/replay.md is the manual. */
#pragma once

#include "json/doc.h"

#define KEEP_REDACTED "[redacted]" /* stands for a value that was taken out */

enum {
    KEEP_PATHS_MAX = 64, /* of rules */
    KEEP_STEPS_MAX = 32, /* of a path */
    KEEP_TOLD_MAX = 64,  /* pointers that tell what was taken out; the rest goes untold */
};

/* A JSON Pointer (RFC 6901), taken apart; a step with ptr NULL is any member or element. */
struct keep_path {
    const struct view *steps;
    size_t count;
};

struct keep_rules {
    const struct keep_path *paths;
    size_t count;
};

/* "/spec/annotations/token"; a step "*" stands for any. The steps live in the arena.
 * STATUS_INVALID: not one of 1 to KEEP_STEPS_MAX steps, *ret_why is a static text that follows
 * "expected"; STATUS_NOMEM. */
MUST_CHECK enum status keep_path_parse(struct view text, struct arena *arena, struct keep_path *ret,
                                       const char **ret_why);

struct kept_list {
    struct view items[KEEP_TOLD_MAX]; /* pointers, in the arena */
    size_t count;
};

/* Whether a member of that name holds a secret by its name, whatever the settings say: "password",
 * "Access-Key", "api_token". A field that a rule judges never does. In the arena: scratch. */
MUST_CHECK enum status keep_name_is_secret(struct view name, struct arena *arena, bool *ret);

/* The document as it stands, but with KEEP_REDACTED for each value that a rule names, that is
 * called a secret, by its member or by a label or option beside it, or that looks like one
 * (base/redact.h, and private keys in PEM), escaped or not; for each text that gives one a value,
 * unless it is judged; and for each object one of whose names looks like one. *ret borrows from the
 * document where nothing is taken out, else from the arena. Pointers of what was taken out are
 * added to told, behind `root`. STATUS_INVALID: nothing is left of it; STATUS_NOMEM. */
MUST_CHECK enum status keep_document(const struct jdoc *doc, const struct keep_rules *rules,
                                     const char *root, struct arena *arena, struct view *ret,
                                     struct kept_list *told);
