/* SPDX-License-Identifier: Apache-2.0
 * A hash table that grows: chained, without memory of its own per member. Whatever is in a table
 * embeds a hook. When memory is out it only gets slower. */
#pragma once

#include <stdint.h>

#include "base/attr.h"
#include "base/view.h"

struct hook {
    struct hook *next;
    uint64_t hash;
};

struct table {
    struct hook **buckets;
    size_t size, count; /* size: a power of two */
};

MUST_CHECK bool table_init(struct table *table); /* false: memory is out */
void table_done(struct table *table);
void table_add(struct table *table, struct hook *hook, uint64_t hash);
void table_remove(struct table *table, struct hook *hook);
/* The first hook of that hash, or the next one behind it; NULL: none. */
struct hook *table_first(const struct table *table, uint64_t hash);
struct hook *table_next(const struct hook *hook);

/* A hash of texts, each with its length; start with HASH_START. */
#define HASH_START UINT64_C(14695981039346656037)
uint64_t hash_add(uint64_t hash, struct view text);

/* What the hook (or link) is a member of. */
#define OWNER_OF(member_ptr, type, member) \
    ((type *)(void *)((char *)(member_ptr)-offsetof(type, member)))
