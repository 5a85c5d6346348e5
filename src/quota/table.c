/* SPDX-License-Identifier: Apache-2.0 */
#include "quota/table.h"

#include <stdlib.h>

#include "base/require.h"

enum { BUCKETS_MIN = 64 };

bool table_init(struct table *table)
{
    *table =
        (struct table){.buckets = calloc(BUCKETS_MIN, sizeof(struct hook *)), .size = BUCKETS_MIN};
    return table->buckets != NULL;
}

void table_done(struct table *table)
{
    free(table->buckets);
    *table = (struct table){0};
}

static struct hook **bucket_of(const struct table *table, uint64_t hash)
{
    return &table->buckets[hash & (table->size - 1)];
}

static void grow(struct table *table)
{
    struct table larger = {.buckets = calloc(table->size * 2, sizeof(struct hook *)),
                           .size = table->size * 2,
                           .count = table->count};

    if (larger.buckets == NULL)
        return;
    for (size_t i = 0; i < table->size; i++) {
        struct hook *next;

        for (struct hook *hook = table->buckets[i]; hook != NULL; hook = next) {
            struct hook **bucket = bucket_of(&larger, hook->hash);

            next = hook->next;
            hook->next = *bucket;
            *bucket = hook;
        }
    }
    free(table->buckets);
    *table = larger;
}

void table_add(struct table *table, struct hook *hook, uint64_t hash)
{
    struct hook **bucket;

    if (table->count >= table->size)
        grow(table);
    bucket = bucket_of(table, hash);
    *hook = (struct hook){.next = *bucket, .hash = hash};
    *bucket = hook;
    table->count++;
}

void table_remove(struct table *table, struct hook *hook)
{
    struct hook **at = bucket_of(table, hook->hash);

    while (*at != hook) {
        REQUIRE(*at != NULL);
        at = &(*at)->next;
    }
    *at = hook->next;
    table->count--;
}

static struct hook *with_hash(struct hook *hook, uint64_t hash)
{
    while (hook != NULL && hook->hash != hash)
        hook = hook->next;
    return hook;
}

struct hook *table_first(const struct table *table, uint64_t hash)
{
    return with_hash(*bucket_of(table, hash), hash);
}

struct hook *table_next(const struct hook *hook)
{
    return with_hash(hook->next, hook->hash);
}

/* FNV-1a, and a step that mixes high bits into the low ones that pick the bucket. */
uint64_t hash_add(uint64_t hash, struct view text)
{
    for (size_t i = 0; i < text.len; i++)
        hash = (hash ^ (unsigned char)text.ptr[i]) * UINT64_C(1099511628211);
    hash = (hash ^ text.len) * UINT64_C(1099511628211);
    return hash ^ hash >> 29;
}
