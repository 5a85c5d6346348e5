/* SPDX-License-Identifier: Apache-2.0
 * A growing run of bytes that is born with its maximum. The first failure sticks: after it every
 * append is a no-op, so that ten appends need one check at the end. */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "base/view.h"

struct buf {
    char *ptr; /* NULL until the first append */
    size_t len, cap, max;
    enum status failed; /* STATUS_OK, STATUS_LIMIT or STATUS_NOMEM */
};

void buf_init(struct buf *b, size_t max);
/* Overwrites and frees the memory; the buffer may be used again with the same maximum. NULL is
 * fine. */
void buf_done(struct buf *b);
/* Empties it, keeps the memory, forgets a failure. */
void buf_clear(struct buf *b);
/* What buf_reserve does where there is not enough room. */
MUST_CHECK bool buf_grow(struct buf *b, size_t more);
/* Room for `more` bytes behind len; false sets failed. Nearly always there is room already. */
MUST_CHECK static inline bool buf_reserve(struct buf *b, size_t more)
{
    return (b->failed == STATUS_OK && more <= b->cap - b->len) || buf_grow(b, more);
}
void buf_add(struct buf *b, struct view v);
void buf_add_str(struct buf *b, const char *str);
void buf_add_byte(struct buf *b, char byte);
void buf_add_i64(struct buf *b, int64_t value);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Drops the first n bytes, n <= len. */
void buf_drop(struct buf *b, size_t n);

static inline struct view buf_view(const struct buf *b)
{
    return view_of(b->ptr, b->len);
}
