/* SPDX-License-Identifier: Apache-2.0
 * Decoding a real token of 9 KB costs more than all the rest of a judgement, and one caller sends
 * the same token for a day. An entry is one block: the lists of names, then the names. */
#include "identity/cache.h"

#include <stdlib.h>

#include "base/require.h"

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

static size_t text_bytes(const struct view *texts, size_t count)
{
    size_t total = 0;

    for (size_t i = 0; i < count; i++)
        total += texts[i].len;
    return total;
}

/* The single texts of a subject, as a list. */
enum { SINGLE_TEXTS = 6 };

static void list_texts(struct subject *s, struct view *ret[SINGLE_TEXTS])
{
    ret[0] = &s->user_id;
    ret[1] = &s->user_name;
    ret[2] = &s->domain_id;
    ret[3] = &s->domain_name;
    ret[4] = &s->project_id;
    ret[5] = &s->project_name;
}

static size_t block_bytes(struct subject s)
{
    size_t total = (s.role_count + s.group_count) * sizeof(struct view);
    struct view *texts[SINGLE_TEXTS];

    list_texts(&s, texts);
    for (size_t i = 0; i < SINGLE_TEXTS; i++)
        total += texts[i]->len;
    return total + text_bytes(s.roles, s.role_count) + text_bytes(s.groups, s.group_count);
}

static void move_text(struct view *text, char **free_bytes)
{
    if (text->ptr == NULL)
        return;
    if (text->len > 0)
        memcpy(*free_bytes, text->ptr, text->len);
    text->ptr = *free_bytes;
    *free_bytes += text->len;
}

static const struct view *move_list(const struct view *list, size_t count, struct view **free_views,
                                    char **free_bytes)
{
    struct view *moved = *free_views;

    for (size_t i = 0; i < count; i++) {
        moved[i] = list[i];
        move_text(&moved[i], free_bytes);
    }
    *free_views += count;
    return moved;
}

/* Moves all that s points to into a block of block_bytes. */
static void move_into(struct subject *s, void *block)
{
    struct view *views = block, *texts[SINGLE_TEXTS];
    char *bytes = (char *)(views + s->role_count + s->group_count);

    s->roles = move_list(s->roles, s->role_count, &views, &bytes);
    s->groups = move_list(s->groups, s->group_count, &views, &bytes);
    list_texts(s, texts);
    for (size_t i = 0; i < SINGLE_TEXTS; i++)
        move_text(texts[i], &bytes);
}

bool cache_find(struct identity_cache *cache, const unsigned char digest[DIGEST_BYTES],
                struct arena *arena, struct token_facts *ret)
{
    struct token_facts facts;
    struct entry *found = NULL;
    void *block;

    for (size_t i = 0; i < cache->count && found == NULL; i++) {
        struct entry *entry = &cache->entries[i];

        if (entry->used > 0 && memcmp(entry->digest, digest, DIGEST_BYTES) == 0)
            found = entry;
    }
    if (found == NULL)
        return false;
    facts = found->facts;
    block = arena_alloc(arena, block_bytes(facts.subject));
    if (block == NULL)
        return false;
    move_into(&facts.subject, block);
    found->used = ++cache->now;
    *ret = facts;
    return true;
}

void cache_add(struct identity_cache *cache, const unsigned char digest[DIGEST_BYTES],
               const struct token_facts *facts)
{
    /* One more than is needed, so that it is never a block of nothing. */
    void *block = malloc(block_bytes(facts->subject) + 1);
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
    move_into(&oldest->facts.subject, block);
    memcpy(oldest->digest, digest, DIGEST_BYTES);
    oldest->used = ++cache->now;
}
