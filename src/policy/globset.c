/* SPDX-License-Identifier: Apache-2.0
 * Values without a star stand in a hash table. The others make one trie over bytes in which a star
 * is a node with a loop to itself, run as an automaton: a node other than a star is entered only
 * from its one parent, so only star nodes need to be kept apart, and a star once reached stays. */
#include "policy/globset.h"

#include <stdint.h>
#include <stdlib.h>

enum { FEW = 32 };

/* Node 0 is the root. 0 as a star or a child: none. */
struct node {
    uint32_t star;    /* the star node behind this one */
    uint32_t star_no; /* of a star node: its bit */
    unsigned char byte;
    bool accept;
};

struct edge {
    uint32_t from, to;
};

struct globset {
    struct view *exact; /* open addressing; ptr NULL is free */
    size_t exact_mask;
    size_t exact_count;
    struct node *nodes;
    uint32_t node_count, star_count;
    struct edge *edges; /* open addressing; to 0 is free */
    size_t edge_mask;
};

struct walk {
    const struct globset *set;
    struct arena *scratch;
    bool failed, accepted; /* accepted: a star at the end was reached, the rest doesn't matter */
    uint32_t *now, *next;
    size_t now_count, next_count, now_cap, next_cap;
    uint32_t *stars;
    size_t star_count, star_cap;
    uint64_t *seen; /* a bit for each star node */
    uint32_t few[3][FEW];
    uint64_t few_seen;
};

/* FNV-1a, byte by byte, so that every part of a path costs one more step. */
static const uint64_t hash_start = 14695981039346656037U;

static uint64_t hash_step(uint64_t h, char byte)
{
    return (h ^ (unsigned char)byte) * 1099511628211U;
}

static size_t hash_slot(uint64_t h, size_t mask)
{
    return (size_t)(h ^ (h >> 29)) & mask;
}

static uint64_t hash_bytes(struct view v)
{
    uint64_t h = hash_start;

    for (size_t i = 0; i < v.len; i++)
        h = hash_step(h, v.ptr[i]);
    return h;
}

static size_t hash_edge(uint32_t from, unsigned char byte)
{
    uint64_t h = (((uint64_t)from << 8) | byte) * 0x9E3779B97F4A7C15U;

    return (size_t)(h >> 24);
}

/* A power of two that is at least twice the count. */
static size_t table_size(size_t count)
{
    size_t size = 4;

    while (size < count * 2)
        size *= 2;
    return size;
}

static bool has_star(struct view v)
{
    return view_find(v, '*') < v.len;
}

static bool exact_has(const struct globset *set, struct view v, uint64_t hash)
{
    for (size_t i = hash_slot(hash, set->exact_mask); set->exact[i].ptr != NULL;
         i = (i + 1) & set->exact_mask) {
        if (view_eq(set->exact[i], v))
            return true;
    }
    return false;
}

static bool exact_find(const struct globset *set, struct view v)
{
    return set->exact_count > 0 && exact_has(set, v, hash_bytes(v));
}

static bool exact_add(struct globset *set, struct view v, struct arena *arena)
{
    size_t i = hash_slot(hash_bytes(v), set->exact_mask);

    if (exact_find(set, v))
        return true;
    while (set->exact[i].ptr != NULL)
        i = (i + 1) & set->exact_mask;
    set->exact[i] = arena_copy(arena, v);
    set->exact_count++;
    return set->exact[i].ptr != NULL;
}

static uint32_t edge_find(const struct globset *set, uint32_t from, unsigned char byte)
{
    for (size_t i = hash_edge(from, byte) & set->edge_mask; set->edges[i].to != 0;
         i = (i + 1) & set->edge_mask) {
        if (set->edges[i].from == from && set->nodes[set->edges[i].to].byte == byte)
            return set->edges[i].to;
    }
    return 0;
}

static uint32_t edge_make(struct globset *set, uint32_t from, unsigned char byte)
{
    uint32_t to = edge_find(set, from, byte);
    size_t i = hash_edge(from, byte) & set->edge_mask;

    if (to != 0)
        return to;
    while (set->edges[i].to != 0)
        i = (i + 1) & set->edge_mask;
    to = set->node_count++;
    set->nodes[to].byte = byte;
    set->edges[i] = (struct edge){from, to};
    return to;
}

static uint32_t star_make(struct globset *set, uint32_t from)
{
    uint32_t to = set->nodes[from].star;

    if (to != 0)
        return to;
    to = set->node_count++;
    set->nodes[to].star_no = set->star_count++;
    set->nodes[from].star = to;
    return to;
}

static void glob_add(struct globset *set, struct view v)
{
    uint32_t at = 0;
    bool star = false;

    for (size_t i = 0; i < v.len; i++) {
        if (v.ptr[i] != '*')
            at = edge_make(set, at, (unsigned char)v.ptr[i]);
        else if (!star) /* a run of stars is one */
            at = star_make(set, at);
        star = v.ptr[i] == '*';
    }
    set->nodes[at].accept = true;
}

static int by_bytes(const void *a, const void *b)
{
    return view_cmp(*(const struct view *)a, *(const struct view *)b);
}

/* How many nodes sorted values need at most: what one shares with the one before is counted once.
 */
static size_t count_nodes(const struct view *sorted, size_t count)
{
    size_t nodes = 1;

    for (size_t i = 0; i < count; i++) {
        size_t shared = 0;

        while (i > 0 && shared < sorted[i].len && shared < sorted[i - 1].len &&
               sorted[i].ptr[shared] == sorted[i - 1].ptr[shared])
            shared++;
        nodes += sorted[i].len - shared;
    }
    return nodes;
}

static enum status build_trie(struct globset *set, struct view *globs, size_t count,
                              struct arena *arena)
{
    size_t nodes;

    if (count == 0)
        return STATUS_OK;
    qsort(globs, count, sizeof *globs, by_bytes);
    nodes = count_nodes(globs, count);
    if (nodes > UINT32_MAX / 2)
        return STATUS_NOMEM;
    set->edge_mask = table_size(nodes) - 1;
    set->edges = arena_array(arena, set->edge_mask + 1, sizeof *set->edges);
    set->nodes = arena_array(arena, nodes, sizeof *set->nodes);
    if (set->edges == NULL || set->nodes == NULL)
        return STATUS_NOMEM;
    set->node_count = 1;
    for (size_t i = 0; i < count; i++)
        glob_add(set, globs[i]);
    return STATUS_OK;
}

enum status globset_build(const struct view *values, size_t count, struct arena *arena,
                          const struct globset **ret)
{
    struct globset *set = ARENA_NEW(arena, struct globset);
    size_t globs = 0;
    struct view *starred;
    enum status status;

    for (size_t i = 0; i < count; i++)
        globs += has_star(values[i]) ? 1 : 0;
    starred = arena_array(arena, globs, sizeof *starred);
    if (set == NULL || starred == NULL)
        return STATUS_NOMEM;
    set->exact_mask = table_size(count - globs) - 1;
    set->exact = arena_array(arena, set->exact_mask + 1, sizeof *set->exact);
    if (set->exact == NULL)
        return STATUS_NOMEM;
    globs = 0;
    for (size_t i = 0; i < count; i++) {
        if (has_star(values[i]))
            starred[globs++] = values[i];
        else if (!exact_add(set, values[i], arena))
            return STATUS_NOMEM;
    }
    status = build_trie(set, starred, globs, arena);
    if (status == STATUS_OK)
        *ret = set;
    return status;
}

/* Twice the room, in the scratch arena. */
static bool walk_grow(struct walk *w, uint32_t **items, size_t count, size_t *cap)
{
    uint32_t *more = arena_array(w->scratch, *cap * 2, sizeof *more);

    if (more == NULL) {
        w->failed = true;
        return false;
    }
    memcpy(more, *items, count * sizeof *more);
    *items = more;
    *cap *= 2;
    return true;
}

static void enter_star(struct walk *w, uint32_t star)
{
    uint32_t no = w->set->nodes[star].star_no;
    uint64_t bit = (uint64_t)1 << (no % 64);

    if ((w->seen[no / 64] & bit) != 0)
        return;
    if (w->star_count == w->star_cap && !walk_grow(w, &w->stars, w->star_count, &w->star_cap))
        return;
    w->seen[no / 64] |= bit;
    w->stars[w->star_count++] = star;
    if (w->set->nodes[star].accept)
        w->accepted = true;
}

static void enter(struct walk *w, uint32_t node)
{
    if (w->next_count == w->next_cap && !walk_grow(w, &w->next, w->next_count, &w->next_cap))
        return;
    w->next[w->next_count++] = node;
    if (w->set->nodes[node].star != 0)
        enter_star(w, w->set->nodes[node].star);
}

static void walk_swap(struct walk *w)
{
    uint32_t *now = w->now;
    size_t cap = w->now_cap;

    w->now = w->next;
    w->now_count = w->next_count;
    w->now_cap = w->next_cap;
    w->next = now;
    w->next_cap = cap;
    w->next_count = 0;
}

static enum status walk_begin(struct walk *w, const struct globset *set, struct arena *scratch)
{
    *w = (struct walk){.set = set, .scratch = scratch};
    w->now = w->few[0];
    w->next = w->few[1];
    w->now_cap = w->next_cap = w->star_cap = FEW;
    w->stars = w->few[2];
    w->seen = &w->few_seen;
    if (set->star_count > 64) {
        w->seen = arena_array(scratch, set->star_count / 64 + 1, sizeof *w->seen);
        if (w->seen == NULL)
            return STATUS_NOMEM;
    }
    enter(w, 0);
    walk_swap(w);
    return STATUS_OK;
}

static void walk_step(struct walk *w, unsigned char byte)
{
    size_t stars = w->star_count; /* those that are reached by this byte wait for the next one */
    uint32_t to;

    for (size_t i = 0; i < w->now_count; i++) {
        to = edge_find(w->set, w->now[i], byte);
        if (to != 0)
            enter(w, to);
    }
    for (size_t i = 0; i < stars; i++) {
        to = edge_find(w->set, w->stars[i], byte);
        if (to != 0)
            enter(w, to);
    }
    walk_swap(w);
}

static bool walk_accepts(const struct walk *w)
{
    for (size_t i = 0; i < w->now_count; i++) {
        if (w->set->nodes[w->now[i]].accept)
            return true;
    }
    return w->accepted;
}

/* below: also a part that ends with '/' may match. */
static enum status run(const struct globset *set, struct view v, bool below, struct arena *scratch,
                       bool *ret)
{
    struct walk w;
    enum status status = walk_begin(&w, set, scratch);
    bool hit = false;

    for (size_t i = 0; status == STATUS_OK && i < v.len && !w.accepted && !hit; i++) {
        walk_step(&w, (unsigned char)v.ptr[i]);
        hit = below && v.ptr[i] == '/' && walk_accepts(&w);
        if (w.failed)
            status = STATUS_NOMEM;
    }
    if (status == STATUS_OK)
        *ret = hit || walk_accepts(&w);
    return status;
}

enum status globset_match(const struct globset *set, struct view value, struct arena *scratch,
                          bool *ret)
{
    if (exact_find(set, value)) {
        *ret = true;
        return STATUS_OK;
    }
    if (set->nodes != NULL)
        return run(set, value, false, scratch, ret);
    *ret = false;
    return STATUS_OK;
}

enum status globset_match_below(const struct globset *set, struct view path, struct arena *scratch,
                                bool *ret)
{
    uint64_t hash = hash_start;

    for (size_t i = 0; i < path.len && set->exact_count > 0; i++) {
        hash = hash_step(hash, path.ptr[i]);
        if (path.ptr[i] == '/' && exact_has(set, view_of(path.ptr, i + 1), hash)) {
            *ret = true;
            return STATUS_OK;
        }
    }
    if (exact_find(set, path)) {
        *ret = true;
        return STATUS_OK;
    }
    if (set->nodes != NULL)
        return run(set, path, true, scratch, ret);
    *ret = false;
    return STATUS_OK;
}
