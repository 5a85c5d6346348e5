/* SPDX-License-Identifier: Apache-2.0
 * Edits of a JSON text that leave every other byte as it came. */
#pragma once

#include "base/buffer.h"
#include "json/doc.h"

enum jsplice_op {
    JSPLICE_REPLACE, /* the value `at` by `text` */
    JSPLICE_APPEND,  /* a member `name`: `text` behind the last one of the object `at` */
};

struct jsplice {
    enum jsplice_op op;
    jref at;
    struct view name; /* JSPLICE_APPEND: unescaped UTF-8 */
    struct view text; /* valid JSON text */
};

/* Writes the edited document to out (cleared first). No edit may lie within another's replaced
 * value; several appends to one object keep their order. STATUS_LIMIT or STATUS_NOMEM come from
 * out. */
MUST_CHECK enum status jsplice_apply(const struct jdoc *doc, const struct jsplice *edits,
                                     size_t count, struct buf *out);
