/* SPDX-License-Identifier: Apache-2.0
 * What verified tokens said, by the SHA-256 of the whole token, for all workers. It holds no
 * tokens. Bounded in entries and bytes; the least recently used ones go. Any thread. */
#pragma once

#include "base/digest.h"
#include "identity/token.h"

struct shared_cache;

/* entries, bytes: of all together, facts included; NULL when memory is out. */
MUST_CHECK struct shared_cache *shared_cache_new(size_t entries, size_t bytes);
void shared_cache_free(struct shared_cache **cache);

/* A copy in the arena; false if it isn't there, now_us isn't within [added, until), or the arena is
 * full. Times are of the wall clock; one that steps back makes entries invalid, not older. */
MUST_CHECK bool shared_cache_find(struct shared_cache *cache,
                                  const unsigned char digest[DIGEST_BYTES], int64_t now_us,
                                  struct arena *arena, struct token_facts *ret);
/* Keeps a copy until until_us; does nothing if that has come, when memory is out, or if the facts
 * are too large. */
void shared_cache_add(struct shared_cache *cache, const unsigned char digest[DIGEST_BYTES],
                      const struct token_facts *facts, int64_t now_us, int64_t until_us);
/* Forgets all: what verified them is no longer believed. */
void shared_cache_clear(struct shared_cache *cache);

struct shared_cache_state {
    size_t entries, bytes;  /* now */
    uint64_t hits, evicted; /* since start; evicted before their time */
};
void shared_cache_get_state(struct shared_cache *cache, struct shared_cache_state *ret);
