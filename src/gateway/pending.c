/* SPDX-License-Identifier: Apache-2.0
 * The table of what is pending: chained hashing, entries owned by their exchanges. */
#include "gateway/pending.h"

#include "base/require.h"

void pending_init(struct pending *pending)
{
    *pending = (struct pending){0};
    (void)pthread_mutex_init(&pending->lock, NULL);
}

/* FNV-1a; the table is small and its keys bounded by the connections, so floods gain nothing. */
static size_t bucket_of(const struct pending_entry *entry)
{
    uint64_t hash = 14695981039346656037u ^ (uint64_t)entry->family;
    const struct view parts[] = {entry->project, entry->instance};

    for (size_t p = 0; p < ARRAY_LEN(parts); p++) {
        for (size_t i = 0; i < parts[p].len; i++)
            hash = (hash ^ (unsigned char)parts[p].ptr[i]) * 1099511628211u;
        hash = (hash ^ 0xff) * 1099511628211u;
    }
    return (size_t)(hash % PENDING_BUCKETS);
}

static bool same(const struct pending_entry *a, const struct pending_entry *b)
{
    return a->family == b->family && view_eq(a->project, b->project) &&
           view_eq(a->instance, b->instance);
}

bool pending_add(struct pending *pending, struct pending_entry *entry)
{
    struct pending_entry **bucket = &pending->buckets[bucket_of(entry)];
    bool found = false;

    (void)pthread_mutex_lock(&pending->lock);
    for (const struct pending_entry *other = *bucket; other != NULL && !found; other = other->next)
        found = same(other, entry);
    if (!found) {
        entry->next = *bucket;
        entry->linked = true;
        *bucket = entry;
    }
    (void)pthread_mutex_unlock(&pending->lock);
    return !found;
}

void pending_remove(struct pending *pending, struct pending_entry *entry)
{
    struct pending_entry **at;

    if (!entry->linked)
        return;
    (void)pthread_mutex_lock(&pending->lock);
    at = &pending->buckets[bucket_of(entry)];
    while (*at != entry) {
        REQUIRE(*at != NULL);
        at = &(*at)->next;
    }
    *at = entry->next;
    (void)pthread_mutex_unlock(&pending->lock);
    entry->linked = false;
}

void pending_done(struct pending *pending)
{
    (void)pthread_mutex_destroy(&pending->lock);
}
