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
/* Frees the memory; the buffer may be used again with the same maximum. NULL is fine. */
void buf_done(struct buf *b);
/* Empties it, keeps the memory, forgets a failure. */
void buf_clear(struct buf *b);
/* Room for `more` bytes behind len; false sets failed. */
MUST_CHECK bool buf_reserve(struct buf *b, size_t more);
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
