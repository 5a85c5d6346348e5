/* SPDX-License-Identifier: Apache-2.0
 * Whether two JSON documents say the same: members in any order, elements in theirs, texts
 * unescaped, numbers by how they are written (1 is not 1.0). */
#pragma once

#include "json/doc.h"

/* A place where they differ: JREF_NONE on the side that has nothing there. */
struct difference {
    jref want, got;
};

/* Up to max differences, in document order, into ret; gives how many there are there. 0: they are
 * the same. STATUS_NOMEM. Time grows with the square of an object's members. */
MUST_CHECK enum status same_json(const struct jdoc *want, const struct jdoc *got, size_t max,
                                 struct arena *arena, struct difference *ret, size_t *ret_count);
