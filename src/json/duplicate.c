/* SPDX-License-Identifier: Apache-2.0
 * Small objects are compared pair by pair. In larger ones the members are sorted by hash and name:
 * a hash table could be made to collide by who writes the document, a merge sort always costs the
 * same. */
#include "json/duplicate.h"

#include "json/text.h"

enum { PAIRWISE_MAX = 12 };

/* A hash in the upper half, a jref in the lower. */
typedef uint64_t entry;

struct sorter {
    const struct jdoc *doc;
    entry *entries, *other;
};

static int compare_names(const struct jdoc *doc, jref a, jref b)
{
    struct view left = jkey_raw(doc, a), right = jkey_raw(doc, b);

    if (!doc->values[a].key_escaped && !doc->values[b].key_escaped)
        return view_cmp(left, right);
    return jtext_cmp(left, right);
}

static bool same_name(const struct jdoc *doc, jref a, jref b)
{
    struct view left = jkey_raw(doc, a), right = jkey_raw(doc, b);

    if (!doc->values[a].key_escaped && !doc->values[b].key_escaped)
        return view_eq(left, right);
    return jtext_cmp(left, right) == 0;
}

/* Names without escapes differ where their lengths or first bytes do, which is nearly always. */
static bool may_be_same(const struct jdoc *doc, jref a, jref b)
{
    const struct jvalue *left = &doc->values[a], *right = &doc->values[b];

    return left->key_escaped || right->key_escaped ||
           (left->key_end - left->key_start == right->key_end - right->key_start &&
            doc->bytes.ptr[left->key_start + 1] == doc->bytes.ptr[right->key_start + 1]);
}

static jref find_pairwise(const struct jdoc *doc, jref object)
{
    jref members[PAIRWISE_MAX];
    size_t count = 0;

    JDOC_EACH(doc, object, later)
    {
        for (size_t i = 0; i < count; i++) {
            if (may_be_same(doc, members[i], later) && same_name(doc, members[i], later))
                return later;
        }
        members[count++] = later;
    }
    return JREF_NONE;
}

static int compare_entries(const struct jdoc *doc, entry a, entry b)
{
    uint32_t left = (uint32_t)(a >> 32), right = (uint32_t)(b >> 32);

    if (left != right)
        return left < right ? -1 : 1;
    return compare_names(doc, (jref)a, (jref)b);
}

/* Merges entries[from..middle) and [middle..to) into the same place of `other`. */
static void merge(const struct sorter *s, size_t from, size_t middle, size_t to)
{
    size_t left = from, right = middle;

    for (size_t at = from; at < to; at++) {
        bool take_left = left < middle && (right == to || compare_entries(s->doc, s->entries[left],
                                                                          s->entries[right]) <= 0);

        s->other[at] = take_left ? s->entries[left++] : s->entries[right++];
    }
}

static void sort(struct sorter *s, size_t count)
{
    for (size_t width = 1; width < count; width *= 2) {
        entry *sorted = s->other;

        for (size_t from = 0; from < count; from += 2 * width) {
            size_t middle = from + width < count ? from + width : count;
            size_t to = middle + width < count ? middle + width : count;

            merge(s, from, middle, to);
        }
        s->other = s->entries;
        s->entries = sorted;
    }
}

static jref find_sorted(struct sorter *s, jref object)
{
    size_t count = 0;

    JDOC_EACH(s->doc, object, child)
    s->entries[count++] = (entry)jtext_hash(jkey_raw(s->doc, child)) << 32 | child;
    sort(s, count);
    for (size_t i = 1; i < count; i++) {
        jref earlier = (jref)s->entries[i - 1], later = (jref)s->entries[i];

        if (s->entries[i - 1] >> 32 == s->entries[i] >> 32 && same_name(s->doc, earlier, later))
            return later;
    }
    return JREF_NONE;
}

static uint32_t largest_object(const struct jdoc *doc)
{
    uint32_t largest = 0;

    for (jref v = 0; v < doc->count; v++) {
        if (doc->values[v].kind == JKIND_OBJECT && doc->values[v].count > largest)
            largest = doc->values[v].count;
    }
    return largest;
}

enum status jduplicate_find(const struct jdoc *doc, struct arena *arena, jref *ret)
{
    struct sorter sorter = {.doc = doc};
    uint32_t largest = largest_object(doc);
    jref found = JREF_NONE;

    if (largest > PAIRWISE_MAX) {
        sorter.entries = arena_array(arena, largest, 2 * sizeof(entry));
        if (sorter.entries == NULL)
            return STATUS_NOMEM;
        sorter.other = sorter.entries + largest;
    }
    for (jref v = 0; v < doc->count && found == JREF_NONE; v++) {
        if (doc->values[v].kind != JKIND_OBJECT)
            continue;
        found =
            doc->values[v].count > PAIRWISE_MAX ? find_sorted(&sorter, v) : find_pairwise(doc, v);
    }
    *ret = found;
    return STATUS_OK;
}
