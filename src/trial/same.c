/* SPDX-License-Identifier: Apache-2.0
 * See same.h. Documents have a limit on their depth, so the calls have one. */
#include "trial/same.h"

struct comparison {
    const struct jdoc *want, *got;
    struct arena *arena;
    struct difference *found;
    size_t max, count;
    bool no_memory;
};

static void differ(struct comparison *c, jref want, jref got)
{
    if (c->count < c->max)
        c->found[c->count++] = (struct difference){want, got};
}

static bool same_text(struct comparison *c, jref want, jref got)
{
    struct view a = jdoc_text(c->want, want, c->arena), b = jdoc_text(c->got, got, c->arena);

    if (a.ptr == NULL || b.ptr == NULL) {
        c->no_memory = true;
        return false;
    }
    return view_eq(a, b);
}

static bool same_scalar(struct comparison *c, jref want, jref got)
{
    enum jkind kind = jdoc_kind(c->want, want);

    if (kind != jdoc_kind(c->got, got))
        return false;
    if (kind == JKIND_STRING)
        return same_text(c, want, got);
    return view_eq(jdoc_raw(c->want, want), jdoc_raw(c->got, got));
}

static void compare(struct comparison *c, jref want, jref got);

/* The member of `in` that has the name of v. */
static jref twin(struct comparison *c, const struct jdoc *of, jref v, const struct jdoc *in,
                 jref object)
{
    struct view key = jdoc_key(of, v, c->arena);

    c->no_memory = c->no_memory || key.ptr == NULL;
    return jdoc_member(in, object, key);
}

static void compare_objects(struct comparison *c, jref want, jref got)
{
    JDOC_EACH(c->want, want, member)
    {
        jref other = twin(c, c->want, member, c->got, got);

        if (other == JREF_NONE)
            differ(c, member, JREF_NONE);
        else
            compare(c, member, other);
    }
    JDOC_EACH(c->got, got, member)
    {
        if (twin(c, c->got, member, c->want, want) == JREF_NONE)
            differ(c, JREF_NONE, member);
    }
}

static void compare_arrays(struct comparison *c, jref want, jref got)
{
    jref a = jdoc_child(c->want, want), b = jdoc_child(c->got, got);

    while (a != JREF_NONE || b != JREF_NONE) {
        if (a == JREF_NONE || b == JREF_NONE)
            differ(c, a, b);
        else
            compare(c, a, b);
        a = a == JREF_NONE ? a : jdoc_sibling(c->want, a);
        b = b == JREF_NONE ? b : jdoc_sibling(c->got, b);
    }
}

static void compare(struct comparison *c, jref want, jref got)
{
    enum jkind kind = jdoc_kind(c->want, want);

    if (kind == jdoc_kind(c->got, got) && kind == JKIND_OBJECT)
        compare_objects(c, want, got);
    else if (kind == jdoc_kind(c->got, got) && kind == JKIND_ARRAY)
        compare_arrays(c, want, got);
    else if (!same_scalar(c, want, got))
        differ(c, want, got);
}

enum status same_json(const struct jdoc *want, const struct jdoc *got, size_t max,
                      struct arena *arena, struct difference *ret, size_t *ret_count)
{
    struct comparison c = {.want = want, .got = got, .arena = arena, .found = ret, .max = max};

    compare(&c, 0, 0);
    if (c.no_memory)
        return STATUS_NOMEM;
    *ret_count = c.count;
    return STATUS_OK;
}
