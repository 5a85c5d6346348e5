/* SPDX-License-Identifier: Apache-2.0 */
#include "proof/pairs.h"

#include <stdlib.h>

enum { ROOM_FIRST = 64 };

void pairs_done(struct pairs *pairs)
{
    free(pairs->entries);
    *pairs = (struct pairs){.entries = NULL};
}

void pairs_clear(struct pairs *pairs)
{
    for (size_t i = 0; i < pairs->room && pairs->count > 0; i++)
        pairs->entries[i].id.len = 0;
    pairs->count = 0;
}

/* FNV-1a: who makes ids collide in a journal with the most open intents gains some seconds. */
static size_t home_of(const struct pairs *pairs, const struct open_key *id)
{
    uint64_t hash = 0xcbf29ce484222325u;

    for (size_t i = 0; i < id->len; i++)
        hash = (hash ^ (unsigned char)id->text[i]) * 0x100000001b3u;
    return (size_t)(hash ^ hash >> 32) & (pairs->room - 1);
}

/* Where it is, or the free place where it would be. */
static size_t find(const struct pairs *pairs, const struct open_key *id)
{
    size_t at = home_of(pairs, id);

    while (pairs->entries[at].id.len != 0 &&
           !view_eq(open_key_view(&pairs->entries[at].id), open_key_view(id)))
        at = (at + 1) & (pairs->room - 1);
    return at;
}

static enum status grow(struct pairs *pairs)
{
    struct pairs grown = {.room = pairs->room == 0 ? ROOM_FIRST : 2 * pairs->room,
                          .count = pairs->count};

    if (pairs->count >= PAIRS_MAX)
        return STATUS_LIMIT;
    if (2 * (pairs->count + 1) <= pairs->room)
        return STATUS_OK;
    grown.entries = calloc(grown.room, sizeof *grown.entries);
    if (grown.entries == NULL)
        return STATUS_NOMEM;
    for (size_t i = 0; i < pairs->room; i++) {
        if (pairs->entries[i].id.len != 0)
            grown.entries[find(&grown, &pairs->entries[i].id)] = pairs->entries[i];
    }
    free(pairs->entries);
    *pairs = grown;
    return STATUS_OK;
}

enum status pairs_add(struct pairs *pairs, struct view id, struct fault_place at, bool *ret_twice)
{
    struct open_key key;
    enum status status = grow(pairs);
    size_t place;

    if (status != STATUS_OK)
        return status;
    open_key_set(&key, id);
    place = find(pairs, &key);
    *ret_twice = pairs->entries[place].id.len != 0;
    if (*ret_twice)
        return STATUS_OK;
    pairs->entries[place] = (struct pair_entry){.id = key, .at = at};
    pairs->count++;
    return STATUS_OK;
}

/* Takes an entry out and moves those behind it that could not be found across the hole. */
static void remove_at(struct pairs *pairs, size_t hole)
{
    size_t mask = pairs->room - 1;

    for (size_t at = (hole + 1) & mask; pairs->entries[at].id.len != 0; at = (at + 1) & mask) {
        size_t home = home_of(pairs, &pairs->entries[at].id);

        if (((at - home) & mask) < ((at - hole) & mask))
            continue;
        pairs->entries[hole] = pairs->entries[at];
        hole = at;
    }
    pairs->entries[hole].id.len = 0;
    pairs->count--;
}

bool pairs_has(const struct pairs *pairs, struct view id)
{
    struct open_key key;

    if (pairs->count == 0)
        return false;
    open_key_set(&key, id);
    return pairs->entries[find(pairs, &key)].id.len != 0;
}

bool pairs_take(struct pairs *pairs, struct view id)
{
    struct open_key key;

    if (!pairs_has(pairs, id))
        return false;
    open_key_set(&key, id);
    remove_at(pairs, find(pairs, &key));
    return true;
}

const struct pair_entry *pairs_oldest(const struct pairs *pairs)
{
    const struct pair_entry *oldest = NULL;

    for (size_t i = 0; i < pairs->room; i++) {
        const struct pair_entry *entry = &pairs->entries[i];

        if (entry->id.len != 0 && (oldest == NULL || entry->at.seq < oldest->at.seq))
            oldest = entry;
    }
    return oldest;
}
