/* SPDX-License-Identifier: Apache-2.0
 * A table of text for a terminal: what was said by callers or the cloud can't play with it. */
#pragma once

#include <jansson.h>

#include "base/arena.h"
#include "base/buffer.h"

enum { COLUMNS_CELLS_MAX = 1 << 20 }; /* of a table, its head as well */

struct columns {
    struct arena *arena;
    size_t columns, count; /* count: of cells */
    const char **cells;
    size_t room;
    bool failed; /* memory */
};

/* The first row is the head. */
void columns_init(struct columns *t, struct arena *arena, const char *const *heads, size_t columns);
/* The next cell; "-" for nothing. Copied; what isn't printable becomes \xNN. */
void columns_add(struct columns *t, const char *text);
/* Numbers are told from text by their cells: only digits and points are put to the right. */
void columns_print(const struct columns *t, struct buf *out);

/* A value as text: numbers, yes, no; NULL for nothing, an empty text or what isn't a scalar. */
const char *columns_text(struct arena *arena, const json_t *value);
/* "45s", "3m20s", "2h05m", "3d04h", "30d". */
const char *columns_age(struct arena *arena, int64_t seconds);
