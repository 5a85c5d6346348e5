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

enum { JSPLICE_MAX = 256 };

/* Writes the edited document to out (cleared first). Several appends to one object keep their
 * order. STATUS_INVALID: an edit lies within another's replaced value, or appends to what isn't an
 * object. STATUS_LIMIT: more than JSPLICE_MAX edits, or out is full; STATUS_NOMEM. Only with
 * STATUS_OK is out of any use. */
MUST_CHECK enum status jsplice_apply(const struct jdoc *doc, const struct jsplice *edits,
                                     size_t count, struct buf *out);
