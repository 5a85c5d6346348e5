/* SPDX-License-Identifier: Apache-2.0
 * The bounded buffer. */
#include "base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "base/require.h"

enum { FIRST_BYTES = 256 };

void buf_init(struct buf *b, size_t max)
{
    *b = (struct buf){.max = max};
}

/* Any may have held a credential. */
static void release(struct buf *b)
{
    if (b->ptr != NULL)
        explicit_bzero(b->ptr, b->cap);
    free(b->ptr);
}

void buf_done(struct buf *b)
{
    if (b == NULL)
        return;
    release(b);
    *b = (struct buf){.max = b->max};
}

void buf_clear(struct buf *b)
{
    b->len = 0;
    b->failed = STATUS_OK;
}

static bool fail(struct buf *b, enum status status)
{
    b->failed = status;
    return false;
}

bool buf_grow(struct buf *b, size_t more)
{
    size_t need, cap = b->cap == 0 ? FIRST_BYTES : b->cap;
    char *grown;

    if (b->failed != STATUS_OK)
        return false;
    if (__builtin_add_overflow(b->len, more, &need) || need > b->max)
        return fail(b, STATUS_LIMIT);
    if (need <= b->cap)
        return true;
    while (cap < need && cap <= b->max / 2)
        cap *= 2;
    if (cap < need || cap > b->max)
        cap = b->max;
    if (cap == SIZE_MAX)
        return fail(b, STATUS_NOMEM);
    grown = malloc(cap + 1); /* one more for the NUL that vsnprintf writes */
    if (grown == NULL)
        return fail(b, STATUS_NOMEM);
    if (b->len > 0)
        memcpy(grown, b->ptr, b->len);
    release(b); /* realloc would leave a copy behind */
    b->ptr = grown;
    b->cap = cap;
    return true;
}

void buf_add(struct buf *b, struct view v)
{
    if (v.len == 0 || !buf_reserve(b, v.len))
        return;
    memcpy(b->ptr + b->len, v.ptr, v.len);
    b->len += v.len;
}

void buf_add_str(struct buf *b, const char *str)
{
    buf_add(b, view_str(str));
}

void buf_add_byte(struct buf *b, char byte)
{
    buf_add(b, view_of(&byte, 1));
}

void buf_add_i64(struct buf *b, int64_t value)
{
    char digits[NUM_TEXT_BYTES];

    buf_add(b, num_format_i64(value, digits));
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list args;
    int len;

    va_start(args, fmt);
    len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (len <= 0 || !buf_reserve(b, (size_t)len))
        return;
    va_start(args, fmt);
    (void)vsnprintf(b->ptr + b->len, (size_t)len + 1, fmt, args);
    va_end(args);
    b->len += (size_t)len;
}

void buf_drop(struct buf *b, size_t n)
{
    REQUIRE(n <= b->len);
    if (n > 0)
        memmove(b->ptr, b->ptr + n, b->len - n);
    b->len -= n;
}
