/* SPDX-License-Identifier: Apache-2.0
 * Duplicate members. Private to the room. */
#pragma once

#include "json/doc.h"

/* The name of a member between its quotes. */
static inline struct view jkey_raw(const struct jdoc *doc, jref v)
{
    const struct jvalue *value = &doc->values[v];

    return view_of(doc->bytes.ptr + value->key_start + 1,
                   (size_t)value->key_end - value->key_start - 2);
}

/* *ret: a member that has an older twin, JREF_NONE when all are unique. O(n log n) over the whole
 * document, whatever the names. STATUS_NOMEM. */
MUST_CHECK enum status jduplicate_find(const struct jdoc *doc, struct arena *arena, jref *ret);
