/* SPDX-License-Identifier: Apache-2.0
 * Comparing right and misplaced copies. Anything that can't be told to be equal counts as unequal.
 */
#include "modelarts/conflict.h"

#include <stdlib.h>

enum { ANY_ORDER_MAX = 64 };

static bool scalars_equal(const struct jdoc *doc, jref a, jref b, struct arena *arena)
{
    int64_t x;
    int64_t y;
    struct view text;
    struct view other;

    if (jdoc_kind(doc, a) == JKIND_INTEGER)
        return jdoc_integer(doc, a, &x) && jdoc_integer(doc, b, &y) && x == y;
    if (jdoc_kind(doc, a) != JKIND_STRING)
        return view_eq(jdoc_raw(doc, a), jdoc_raw(doc, b));
    text = jdoc_text(doc, a, arena);
    other = jdoc_text(doc, b, arena);
    return text.ptr != NULL && other.ptr != NULL && view_eq(text, other);
}

/* Element by element; for objects the names too. */
static bool children_equal(const struct jdoc *doc, jref a, jref b, struct arena *arena)
{
    jref other = jdoc_child(doc, b);

    JDOC_EACH(doc, a, child)
    {
        struct view key;

        if (jdoc_kind(doc, a) == JKIND_OBJECT) {
            key = jdoc_key(doc, child, arena);
            if (key.ptr == NULL || !view_eq(key, jdoc_key(doc, other, arena)))
                return false;
        }
        if (!json_equal(doc, child, other, arena))
            return false;
        other = jdoc_sibling(doc, other);
    }
    return true;
}

static bool members_equal(const struct jdoc *doc, jref a, jref b, struct arena *arena)
{
    JDOC_EACH(doc, a, child)
    {
        struct view key = jdoc_key(doc, child, arena);
        jref other = key.ptr == NULL ? JREF_NONE : jdoc_member(doc, b, key);

        if (other == JREF_NONE || !json_equal(doc, child, other, arena))
            return false;
    }
    return true;
}

/* Not deeper than the document, whose depth is limited. */
bool json_equal(const struct jdoc *doc, jref a, jref b, struct arena *arena)
{
    enum jkind kind = jdoc_kind(doc, a);

    if (kind != jdoc_kind(doc, b) || doc->values[a].count != doc->values[b].count)
        return false;
    if (kind == JKIND_OBJECT && doc->values[a].count <= ANY_ORDER_MAX)
        return members_equal(doc, a, b, arena);
    if (kind == JKIND_OBJECT || kind == JKIND_ARRAY)
        return children_equal(doc, a, b, arena);
    return scalars_equal(doc, a, b, arena);
}

/* The member, or JREF_NONE also for null. */
static jref present(const struct jdoc *doc, jref object, struct view name)
{
    jref v = jdoc_member(doc, object, name);

    return v == JREF_NONE || jdoc_kind(doc, v) == JKIND_NULL ? JREF_NONE : v;
}

static void add_conflict(struct faults *faults, jref stray, const char *right)
{
    faults_add(faults, MODELARTS_BODY_CONFLICT, stray,
               "says something else than %s; write it once, there", right);
}

/* Both name it, and name it differently. */
static bool members_differ(const struct jdoc *doc, jref a, jref b, struct view name,
                           struct arena *arena)
{
    jref x = present(doc, a, name);
    jref y = present(doc, b, name);

    return x != JREF_NONE && y != JREF_NONE && !json_equal(doc, x, y, arena);
}

/* Durations are compared as they stand, since the typed ones end at a maximum. */
static void check_stops(struct reader *r)
{
    const struct stop_request *right = &r->stops[STOP_FIRST];
    const struct stop_request *stray = &r->stops[STOP_SECOND];
    jref right_object =
        jdoc_member(r->doc, jdoc_member(r->doc, 0, VIEW("spec")), VIEW("auto_stop"));
    jref stray_object = jdoc_member(r->doc, 0, VIEW("auto_stop"));

    if (right->pointer == NULL || stray->pointer == NULL)
        return;
    if (right->enable != stray->enable || right->has_duration != stray->has_duration ||
        (r->call->updates && right->has_enable != stray->has_enable) ||
        members_differ(r->doc, right_object, stray_object, VIEW("duration"), r->arena) ||
        members_differ(r->doc, right_object, stray_object, VIEW("prompt"), r->arena))
        add_conflict(&r->faults, stray_object, "/spec/auto_stop");
}

static int by_key(const void *a, const void *b)
{
    const struct pair *x = a;
    const struct pair *y = b;

    return view_cmp(x->key, y->key);
}

static const struct pair *sorted_pairs(const struct pair *pairs, size_t count, struct arena *arena)
{
    struct pair *copy = arena_array(arena, count, sizeof *copy);

    if (copy == NULL)
        return NULL;
    if (count > 0) {
        memcpy(copy, pairs, count * sizeof *copy);
        qsort(copy, count, sizeof *copy, by_key);
    }
    return copy;
}

/* Whether each pair of a stands in b; both sorted. */
static bool pairs_within(const struct pair *a, size_t a_count, const struct pair *b, size_t b_count)
{
    size_t at = 0;

    for (size_t i = 0; i < a_count; i++, at++) {
        while (at < b_count && view_cmp(b[at].key, a[i].key) < 0)
            at++;
        if (at == b_count || !view_eq(b[at].key, a[i].key) || !view_eq(b[at].value, a[i].value))
            return false;
    }
    return true;
}

static bool check_annotations(struct reader *r)
{
    const struct jdoc *doc = r->doc;
    const struct instance_request *request = &r->request;
    jref spec = jdoc_member(doc, 0, VIEW("spec"));
    jref stray = present(doc, 0, VIEW("annotations"));
    const struct pair *right;
    const struct pair *other;

    if (stray == JREF_NONE || present(doc, spec, VIEW("annotations")) == JREF_NONE)
        return true;
    right = sorted_pairs(request->annotations, request->annotation_count, r->arena);
    other = sorted_pairs(request->stray_annotations, request->stray_annotation_count, r->arena);
    if (right == NULL || other == NULL)
        return false;
    if (!pairs_within(right, request->annotation_count, other, request->stray_annotation_count))
        add_conflict(&r->faults, stray, "/spec/annotations");
    return true;
}

static void check_storages(struct reader *r)
{
    const struct jdoc *doc = r->doc;
    jref spec = jdoc_member(doc, 0, VIEW("spec"));
    jref right = present(doc, spec, VIEW("extend_storage"));
    jref stray = present(doc, spec, VIEW("extended_storage"));
    bool same;

    if (right == JREF_NONE || stray == JREF_NONE)
        return;
    if (jdoc_kind(doc, stray) == JKIND_OBJECT)
        same = doc->values[right].count == 1 && json_equal(doc, right + 1, stray, r->arena);
    else
        same = json_equal(doc, right, stray, r->arena);
    if (!same)
        add_conflict(&r->faults, stray, "/spec/extend_storage");
}

bool check_conflicts(struct reader *r)
{
    check_stops(r);
    check_storages(r);
    return check_annotations(r);
}

void check_query_conflicts(struct reader *r, const struct stop_query *query)
{
    const struct stop_request *stop = &r->stops[STOP_FIRST];
    const struct text_field *type = &r->request.stop_type;

    if (query->has_duration && stop->pointer != NULL && stop->duration_ms != query->duration_ms)
        add_conflict(&r->faults, jdoc_member(r->doc, 0, VIEW("duration")), "?duration");
    if (query->type.ptr != NULL && type->set && !view_eq_nocase(type->value, query->type))
        add_conflict(&r->faults, jdoc_member(r->doc, 0, VIEW("type")), "?type");
}
