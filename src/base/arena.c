/* SPDX-License-Identifier: Apache-2.0
 * A bump allocator over a list of blocks. Every byte handed out is zero, also after a reset. */
#include "base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct arena_block {
    struct arena_block *older;
    size_t size, used;
    alignas(max_align_t) char bytes[];
};

void arena_init(struct arena *arena, size_t block_bytes, size_t max_bytes)
{
    *arena = (struct arena){.block_bytes = block_bytes, .max_bytes = max_bytes};
}

static void free_blocks(struct arena_block *block)
{
    while (block != NULL) {
        struct arena_block *older = block->older;

        explicit_bzero(block->bytes, block->used); /* any may have held a credential */
        free(block);
        block = older;
    }
}

void arena_done(struct arena *arena)
{
    if (arena == NULL)
        return;
    free_blocks(arena->blocks);
    arena->blocks = NULL;
    arena->used_bytes = 0;
}

void arena_wipe(struct arena *arena)
{
    if (arena == NULL)
        return;
    for (struct arena_block *block = arena->blocks; block != NULL; block = block->older)
        explicit_bzero(block->bytes, block->size);
    arena_done(arena);
}

void arena_reset(struct arena *arena)
{
    struct arena_block *first = arena->blocks;

    if (first == NULL)
        return;
    while (first->older != NULL) {
        struct arena_block *older = first->older;

        explicit_bzero(first->bytes, first->used);
        free(first);
        first = older;
    }
    memset(first->bytes, 0, first->used);
    first->used = 0;
    arena->blocks = first;
    arena->used_bytes = sizeof *first + first->size;
}

static struct arena_block *add_block(struct arena *arena, size_t at_least)
{
    size_t size = arena->block_bytes > at_least ? arena->block_bytes : at_least;
    size_t total;
    struct arena_block *block;

    if (__builtin_add_overflow(size, sizeof *block, &total) || total > arena->max_bytes ||
        arena->used_bytes > arena->max_bytes - total)
        return NULL;
    block = calloc(1, total);
    if (block == NULL)
        return NULL;
    block->older = arena->blocks;
    block->size = size;
    arena->blocks = block;
    arena->used_bytes += total;
    return block;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    struct arena_block *block = arena->blocks;
    size_t rounded;
    void *at;

    if (__builtin_add_overflow(size, alignof(max_align_t) - 1, &rounded))
        return NULL;
    rounded &= ~(alignof(max_align_t) - 1);
    if (block == NULL || block->size - block->used < rounded)
        block = add_block(arena, rounded);
    if (block == NULL)
        return NULL;
    at = block->bytes + block->used;
    block->used += rounded;
    return at;
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
    size_t total;

    if (__builtin_mul_overflow(count, size, &total))
        return NULL;
    return arena_alloc(arena, total);
}

char *arena_strdup(struct arena *arena, struct view v)
{
    size_t total;
    char *copy;

    if (__builtin_add_overflow(v.len, (size_t)1, &total))
        return NULL;
    copy = arena_alloc(arena, total);
    if (copy != NULL && v.len > 0)
        memcpy(copy, v.ptr, v.len);
    return copy;
}

struct view arena_copy(struct arena *arena, struct view v)
{
    char *copy = arena_strdup(arena, v);

    return copy == NULL ? VIEW_NONE : view_of(copy, v.len);
}

/* What arena_alloc could still give out of the newest block, where text may be tried out. */
static char *peek(const struct arena *arena, size_t *ret_room)
{
    struct arena_block *block = arena->blocks;

    *ret_room = block == NULL ? 0 : (block->size - block->used) & ~(alignof(max_align_t) - 1);
    return block == NULL ? NULL : block->bytes + block->used;
}

struct view arena_printf(struct arena *arena, const char *fmt, ...)
{
    size_t room;
    char *tried = peek(arena, &room), *text;
    va_list args;
    int len;

    va_start(args, fmt);
    len = vsnprintf(tried, room, fmt, args);
    va_end(args);
    if (len >= 0 && (size_t)len < room)
        return view_of(arena_alloc(arena, (size_t)len + 1), (size_t)len);
    if (tried != NULL)
        memset(tried, 0, room); /* it was promised to be zero */
    text = len < 0 ? NULL : arena_alloc(arena, (size_t)len + 1);
    if (text == NULL)
        return VIEW_NONE;
    va_start(args, fmt);
    (void)vsnprintf(text, (size_t)len + 1, fmt, args);
    va_end(args);
    return view_of(text, (size_t)len);
}
