/* SPDX-License-Identifier: Apache-2.0
 * An arena: memory that is given back all at once. One exchange, one policy set, one load has one.
 */
#pragma once

#include "base/attr.h"
#include "base/view.h"

struct arena_block;

struct arena {
    struct arena_block *blocks; /* newest first */
    size_t block_bytes;         /* size of the next block */
    size_t used_bytes;          /* total of all blocks, headers included */
    size_t max_bytes;           /* cap over all blocks */
};

/* Takes no memory yet. block_bytes is the usual block size, max_bytes the cap over all. */
void arena_init(struct arena *arena, size_t block_bytes, size_t max_bytes);
/* Overwrites what was handed out (any of it may have been a credential) and gives everything back;
 * the arena may be used again. NULL is fine. */
void arena_done(struct arena *arena);
/* As arena_done, and says that there were secrets; overwrites whole blocks. */
void arena_wipe(struct arena *arena);
/* Forgets everything but keeps the first block for the next use. */
void arena_reset(struct arena *arena);
/* Zeroed memory aligned for any type, or NULL when memory or the cap is out. size 0 gives a valid
 * pointer. */
MUST_CHECK void *arena_alloc(struct arena *arena, size_t size);
/* As arena_alloc for count * size, NULL also on overflow. */
MUST_CHECK void *arena_array(struct arena *arena, size_t count, size_t size);
/* Copies with a NUL behind the copy; a NULL result (or ptr NULL) means out of memory. */
MUST_CHECK char *arena_strdup(struct arena *arena, struct view v);
MUST_CHECK struct view arena_copy(struct arena *arena, struct view v);
/* Formatted text, NUL-terminated; ptr NULL when memory is out. */
MUST_CHECK struct view arena_printf(struct arena *arena, const char *fmt, ...) PRINTF_LIKE(2, 3);

#define ARENA_NEW(arena, type) ((type *)arena_alloc((arena), sizeof(type)))
