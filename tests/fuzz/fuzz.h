/* SPDX-License-Identifier: Apache-2.0
 * What the fuzz targets share. A target has one function, LLVMFuzzerTestOneInput; a property that
 * doesn't hold aborts (REQUIRE). */
#pragma once

#include <stdint.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/require.h"
#include "base/view.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every allocation gets a block of its own, so that the sanitizer sees where it ends. */
static inline void fuzz_arena(struct arena *arena)
{
    arena_init(arena, 1, (size_t)256 << 20);
}

static inline struct view fuzz_input(const uint8_t *data, size_t size)
{
    return view_of((const char *)data, size);
}

/* The part up to the separator, which is dropped; false when nothing is left. */
static inline bool fuzz_part(struct view *rest, char separator, struct view *ret)
{
    size_t at = view_find(*rest, separator);

    if (rest->ptr == NULL)
        return false;
    *ret = view_of(rest->ptr, at);
    *rest = at < rest->len ? view_from(*rest, at + 1) : VIEW_NONE;
    return true;
}

/* One byte off the front, 0 when there is none: for choices. */
static inline unsigned char fuzz_byte(struct view *rest)
{
    unsigned char byte;

    if (rest->len == 0)
        return 0;
    byte = (unsigned char)rest->ptr[0];
    *rest = view_from(*rest, 1);
    return byte;
}

/* Says what a property was about before it fails. */
static inline void fuzz_show(const char *what, struct view v)
{
    (void)fprintf(stderr, "%s (%zu bytes): ", what, v.len);
    for (size_t i = 0; i < v.len; i++) {
        unsigned char c = (unsigned char)v.ptr[i];

        if (c >= ' ' && c < 0x7F && c != '\\')
            (void)fputc(c, stderr);
        else
            (void)fprintf(stderr, "\\x%02x", c);
    }
    (void)fputc('\n', stderr);
}
