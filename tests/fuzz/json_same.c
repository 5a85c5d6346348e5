/* SPDX-License-Identifier: Apache-2.0
 * See json_same.h. */
#include "json_same.h"

#include <math.h>
#include <stdlib.h>

const struct jlimits json_wide = {
    .bytes = (size_t)1 << 24, .depth = JDEPTH_MAX, .members = 1U << 24};

static bool same_scalar(const struct jdoc *doc, jref v, const json_t *value, struct arena *arena)
{
    int64_t integer;

    switch (jdoc_kind(doc, v)) {
    case JKIND_NULL:
        return json_is_null(value);
    case JKIND_TRUE:
        return json_is_true(value);
    case JKIND_FALSE:
        return json_is_false(value);
    case JKIND_INTEGER:
        return json_is_integer(value) && jdoc_integer(doc, v, &integer) &&
               integer == json_integer_value(value);
    case JKIND_REAL: {
        double ours = strtod(arena_strdup(arena, jdoc_raw(doc, v)), NULL);
        double theirs = json_real_value(value);

        return json_is_real(value) && ours == theirs && signbit(ours) == signbit(theirs);
    }
    case JKIND_STRING:
        return json_is_string(value) &&
               view_eq(jdoc_text(doc, v, arena),
                       view_of(json_string_value(value), json_string_length(value)));
    case JKIND_ARRAY:
    case JKIND_OBJECT:
        break;
    }
    return false;
}

/* A list instead of a call of itself: a document may be 2,047 levels deep. */
struct level {
    jref child;     /* the next to look at, JREF_NONE at the end */
    json_t *parent; /* theirs */
    void *iter;     /* of an object */
    size_t index;   /* of an array */
};

static json_t *next_of(const struct jdoc *doc, jref parent, struct level *level,
                       struct arena *arena)
{
    json_t *value;
    struct view key;

    if (jdoc_kind(doc, parent) == JKIND_ARRAY)
        return json_array_get(level->parent, level->index++);
    if (level->iter == NULL)
        return NULL;
    key = jdoc_key(doc, level->child, arena);
    if (!view_eq(key, view_str(json_object_iter_key(level->iter))) ||
        jdoc_member(doc, parent, key) != level->child)
        return NULL;
    value = json_object_iter_value(level->iter);
    level->iter = json_object_iter_next(level->parent, level->iter);
    return value;
}

static bool opens(const struct jdoc *doc, jref v, json_t *value, struct level *ret)
{
    bool array = jdoc_kind(doc, v) == JKIND_ARRAY;
    size_t size = array ? json_array_size(value) : json_object_size(value);

    *ret = (struct level){.child = jdoc_child(doc, v), .parent = value};
    if (!array)
        ret->iter = json_object_iter(value);
    return (array ? json_is_array(value) : json_is_object(value)) && size == doc->values[v].count;
}

bool json_same(const struct jdoc *doc, jref v, json_t *value, struct arena *arena)
{
    struct level *levels = arena_array(arena, JDEPTH_MAX + 1, sizeof *levels);
    size_t depth = 0;

    if (levels == NULL || value == NULL)
        return false;
    if (jdoc_kind(doc, v) < JKIND_ARRAY)
        return same_scalar(doc, v, value, arena);
    if (!opens(doc, v, value, &levels[depth++]))
        return false;
    while (depth > 0) {
        struct level *level = &levels[depth - 1];
        jref child = level->child;
        json_t *theirs;

        if (child == JREF_NONE) {
            depth--;
            continue;
        }
        theirs = next_of(doc, doc->values[child].parent, level, arena);
        level->child = jdoc_sibling(doc, child);
        if (theirs == NULL)
            return false;
        if (jdoc_kind(doc, child) >= JKIND_ARRAY) {
            if (depth > JDEPTH_MAX || !opens(doc, child, theirs, &levels[depth++]))
                return false;
        } else if (!same_scalar(doc, child, theirs, arena)) {
            return false;
        }
    }
    return true;
}
