/* SPDX-License-Identifier: Apache-2.0
 * The cache of all workers: shards, each with a lock, a hash table and a list by last use. SHA-256
 * spreads tokens evenly over shards and buckets. An entry is one block. */
#include "identity/shared_cache.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "base/require.h"
#include "identity/facts.h"

enum {
    SHARDS = 16,
    STEP_BACK_US = 1000 * 1000, /* threads read the clock at slightly different moments */
};

struct held {
    LIST_ENTRY(held) chain;
    TAILQ_ENTRY(held) by_use; /* the newest first */
    unsigned char digest[DIGEST_BYTES];
    int64_t added_us, until_us;
    struct token_facts facts;
    size_t bytes;        /* of the whole entry */
    struct view block[]; /* what facts points into */
};
LIST_HEAD(bucket, held);
TAILQ_HEAD(uses, held);

struct shard {
    pthread_mutex_t lock;
    struct bucket *buckets;
    struct uses uses;
    size_t entries, bytes;
    uint64_t hits, evicted;
};

struct shared_cache {
    size_t entries_max, bytes_max; /* of one shard */
    size_t buckets;                /* of one shard, a power of two */
    struct shard shards[SHARDS];
};

static size_t bucket_count(size_t entries)
{
    size_t count = 1;

    while (count < entries)
        count *= 2;
    return count;
}

static bool add_buckets(struct shared_cache *cache)
{
    for (size_t i = 0; i < SHARDS; i++) {
        cache->shards[i].buckets = calloc(cache->buckets, sizeof cache->shards[i].buckets[0]);
        if (cache->shards[i].buckets == NULL)
            return false;
    }
    return true;
}

struct shared_cache *shared_cache_new(size_t entries, size_t bytes)
{
    struct shared_cache *cache = calloc(1, sizeof *cache);

    REQUIRE(entries > 0 && entries <= SIZE_MAX / 4);
    if (cache == NULL)
        return NULL;
    cache->entries_max = (entries + SHARDS - 1) / SHARDS;
    cache->bytes_max = bytes / SHARDS;
    cache->buckets = bucket_count(cache->entries_max);
    for (size_t i = 0; i < SHARDS; i++) {
        (void)pthread_mutex_init(&cache->shards[i].lock, NULL);
        TAILQ_INIT(&cache->shards[i].uses);
    }
    if (!add_buckets(cache))
        shared_cache_free(&cache);
    return cache;
}

static void drop(struct shard *shard, struct held *held)
{
    LIST_REMOVE(held, chain);
    TAILQ_REMOVE(&shard->uses, held, by_use);
    shard->entries--;
    shard->bytes -= held->bytes;
    free(held);
}

static void clear_shard(struct shard *shard)
{
    struct held *held = TAILQ_FIRST(&shard->uses), *older;

    for (; held != NULL; held = older) {
        older = TAILQ_NEXT(held, by_use);
        drop(shard, held);
    }
}

void shared_cache_free(struct shared_cache **cache)
{
    if (*cache == NULL)
        return;
    for (size_t i = 0; i < SHARDS; i++) {
        struct shard *const shard = &(*cache)->shards[i];

        clear_shard(shard);
        free(shard->buckets);
        (void)pthread_mutex_destroy(&shard->lock);
    }
    free(*cache);
    *cache = NULL;
}

static struct shard *shard_of(struct shared_cache *cache, const unsigned char *digest)
{
    return &cache->shards[digest[0] % SHARDS];
}

static struct bucket *bucket_of(const struct shared_cache *cache, const struct shard *shard,
                                const unsigned char *digest)
{
    uint32_t number;

    memcpy(&number, digest + 1, sizeof number);
    return &shard->buckets[number & (cache->buckets - 1)];
}

static struct held *find(const struct shared_cache *cache, const struct shard *shard,
                         const unsigned char *digest)
{
    struct held *held = LIST_FIRST(bucket_of(cache, shard, digest));

    while (held != NULL && memcmp(held->digest, digest, DIGEST_BYTES) != 0)
        held = LIST_NEXT(held, chain);
    return held;
}

static bool is_good(const struct held *held, int64_t now_us)
{
    return now_us < held->until_us && now_us >= held->added_us - STEP_BACK_US;
}

bool shared_cache_find(struct shared_cache *cache, const unsigned char digest[DIGEST_BYTES],
                       int64_t now_us, struct arena *arena, struct token_facts *ret)
{
    struct shard *const shard = shard_of(cache, digest);
    struct held *held;
    bool found = false;

    (void)pthread_mutex_lock(&shard->lock);
    held = find(cache, shard, digest);
    if (held != NULL && !is_good(held, now_us)) {
        drop(shard, held);
    } else if (held != NULL && facts_copy(&held->facts, arena, ret)) {
        TAILQ_REMOVE(&shard->uses, held, by_use);
        TAILQ_INSERT_HEAD(&shard->uses, held, by_use);
        shard->hits++;
        found = true;
    }
    (void)pthread_mutex_unlock(&shard->lock);
    return found;
}

static struct held *new_held(const unsigned char *digest, const struct token_facts *facts,
                             size_t bytes)
{
    struct held *held = malloc(bytes);

    if (held == NULL)
        return NULL;
    held->bytes = bytes;
    held->facts = *facts;
    facts_move(&held->facts, held->block);
    memcpy(held->digest, digest, DIGEST_BYTES);
    return held;
}

static bool is_full(const struct shared_cache *cache, const struct shard *shard, size_t bytes)
{
    return shard->entries >= cache->entries_max || shard->bytes + bytes > cache->bytes_max;
}

static void make_room(const struct shared_cache *cache, struct shard *shard, size_t bytes)
{
    struct held *oldest = TAILQ_LAST(&shard->uses, uses), *newer;

    for (; oldest != NULL && is_full(cache, shard, bytes); oldest = newer) {
        newer = TAILQ_PREV(oldest, uses, by_use);
        drop(shard, oldest);
        shard->evicted++;
    }
}

void shared_cache_add(struct shared_cache *cache, const unsigned char digest[DIGEST_BYTES],
                      const struct token_facts *facts, int64_t now_us, int64_t until_us)
{
    struct shard *const shard = shard_of(cache, digest);
    const size_t bytes = sizeof(struct held) + facts_bytes(facts);
    struct held *held, *old;

    if (now_us >= until_us || bytes > cache->bytes_max)
        return;
    held = new_held(digest, facts, bytes);
    if (held == NULL)
        return;
    held->added_us = now_us;
    held->until_us = until_us;
    (void)pthread_mutex_lock(&shard->lock);
    old = find(cache, shard, digest);
    if (old != NULL)
        drop(shard, old);
    make_room(cache, shard, bytes);
    LIST_INSERT_HEAD(bucket_of(cache, shard, digest), held, chain);
    TAILQ_INSERT_HEAD(&shard->uses, held, by_use);
    shard->entries++;
    shard->bytes += bytes;
    (void)pthread_mutex_unlock(&shard->lock);
}

void shared_cache_clear(struct shared_cache *cache)
{
    for (size_t i = 0; i < SHARDS; i++) {
        struct shard *const shard = &cache->shards[i];

        (void)pthread_mutex_lock(&shard->lock);
        clear_shard(shard);
        (void)pthread_mutex_unlock(&shard->lock);
    }
}

void shared_cache_get_state(struct shared_cache *cache, struct shared_cache_state *ret)
{
    *ret = (struct shared_cache_state){.entries = 0};
    for (size_t i = 0; i < SHARDS; i++) {
        struct shard *const shard = &cache->shards[i];

        (void)pthread_mutex_lock(&shard->lock);
        ret->entries += shard->entries;
        ret->bytes += shard->bytes;
        ret->hits += shard->hits;
        ret->evicted += shard->evicted;
        (void)pthread_mutex_unlock(&shard->lock);
    }
}
