/* SPDX-License-Identifier: Apache-2.0
 * Edits, typed as policies ask for them, and rendered as the journal and the caller see them. */
#pragma once

#include <stdint.h>

#include "base/view.h"

/* Words of the journal (contract): set, default, cap. */
enum edit_op { EDIT_SET, EDIT_DEFAULT, EDIT_CAP };
enum edit_field {
    EDIT_AUTO_STOP,  /* enable, and run for `seconds` at most */
    EDIT_ANNOTATION, /* key = value */
};

enum { EDITS_MAX = 64 };

struct edit {
    enum edit_op op;
    enum edit_field field;
    int64_t seconds;
    struct view key, value;
    struct view policy; /* who wants it */
    const char *rule;   /* ... by which of its rules, static; NULL: not said */
};

/* One place that changes. old_json and new_json are JSON text; old_json ptr NULL: it wasn't there.
 */
struct change {
    enum edit_op op;
    struct view path; /* JSON Pointer (RFC 6901), or "?key" of the query */
    struct view old_json, new_json;
    struct view policy;
};

const char *edit_op_name(enum edit_op op);
