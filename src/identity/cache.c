/* SPDX-License-Identifier: Apache-2.0
 * Decoding a real token of 9 KB costs more than all the rest of a judgement, and one caller sends
 * the same token for a day. */
#include "identity/cache.h"

#include <stdlib.h>

#include "base/require.h"
#include "identity/facts.h"

struct entry {
    unsigned char digest[DIGEST_BYTES];
    uint64_t used; /* 0: free */
    struct token_facts facts;
    void *block; /* what facts points into */
};

struct identity_cache {
    uint64_t now; /* counts uses */
    size_t count;
    struct entry entries[];
};

struct identity_cache *identity_cache_new(size_t entries)
{
    struct identity_cache *cache;

    REQUIRE(entries > 0 && entries <= IDENTITY_CACHE_ENTRIES);
    /* Lives as long as its worker. */
    cache = calloc(1, sizeof *cache + entries * sizeof cache->entries[0]);
    if (cache != NULL)
        cache->count = entries;
    return cache;
}

void identity_cache_free(struct identity_cache **cache)
{
    if (*cache == NULL)
        return;
    for (size_t i = 0; i < (*cache)->count; i++)
        free((*cache)->entries[i].block);
    free(*cache);
    *cache = NULL;
}

bool cache_find(struct identity_cache *cache, const unsigned char digest[DIGEST_BYTES],
                struct arena *arena, struct token_facts *ret)
{
    struct entry *found = NULL;

    for (size_t i = 0; i < cache->count && found == NULL; i++) {
        struct entry *entry = &cache->entries[i];

        if (entry->used > 0 && memcmp(entry->digest, digest, DIGEST_BYTES) == 0)
            found = entry;
    }
    if (found == NULL || !facts_copy(&found->facts, arena, ret))
        return false;
    found->used = ++cache->now;
    return true;
}

void cache_add(struct identity_cache *cache, const unsigned char digest[DIGEST_BYTES],
               const struct token_facts *facts)
{
    /* One more than is needed, so that it is never a block of nothing. */
    void *block = malloc(facts_bytes(facts) + 1);
    struct entry *oldest = &cache->entries[0];

    if (block == NULL)
        return;
    for (size_t i = 1; i < cache->count; i++) {
        if (cache->entries[i].used < oldest->used)
            oldest = &cache->entries[i];
    }
    free(oldest->block);
    oldest->block = block;
    oldest->facts = *facts;
    facts_move(&oldest->facts, block);
    memcpy(oldest->digest, digest, DIGEST_BYTES);
    oldest->used = ++cache->now;
}
