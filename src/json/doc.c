/* SPDX-License-Identifier: Apache-2.0
 * Questions to an index. */
#include "json/doc.h"

#include "base/number.h"
#include "base/require.h"
#include "json/duplicate.h"
#include "json/number.h"
#include "json/text.h"

static bool has_name(const struct jdoc *doc, jref v, struct view name)
{
    if (doc->values[v].key_escaped)
        return jtext_is(jkey_raw(doc, v), name);
    return view_eq(jkey_raw(doc, v), name);
}

jref jdoc_member(const struct jdoc *doc, jref v, struct view name)
{
    if (v == JREF_NONE || doc->values[v].kind != JKIND_OBJECT)
        return JREF_NONE;
    JDOC_EACH(doc, v, child)
    {
        if (has_name(doc, child, name))
            return child;
    }
    return JREF_NONE;
}

struct view jdoc_raw(const struct jdoc *doc, jref v)
{
    const struct jvalue *value = &doc->values[v];

    return view_of(doc->bytes.ptr + value->start, (size_t)value->end - value->start);
}

static struct view unescaped(struct view raw, bool escaped, struct arena *arena)
{
    char *text;

    if (!escaped)
        return raw;
    text = arena_alloc(arena, raw.len);
    if (text == NULL)
        return VIEW_NONE;
    return view_of(text, jtext_unescape(raw, text));
}

struct view jdoc_text(const struct jdoc *doc, jref v, struct arena *arena)
{
    const struct jvalue *value = &doc->values[v];
    struct view raw =
        view_of(doc->bytes.ptr + value->start + 1, (size_t)value->end - value->start - 2);

    REQUIRE(value->kind == JKIND_STRING);
    return unescaped(raw, value->escaped, arena);
}

struct view jdoc_key(const struct jdoc *doc, jref v, struct arena *arena)
{
    REQUIRE(doc->values[v].key_end != 0);
    return unescaped(jkey_raw(doc, v), doc->values[v].key_escaped, arena);
}

bool jdoc_integer(const struct jdoc *doc, jref v, int64_t *ret)
{
    if (doc->values[v].kind != JKIND_INTEGER)
        return false;
    *ret = jnumber_value(jdoc_raw(doc, v));
    return true;
}

/* Writes token in front of *front with '~' and '/' escaped (RFC 6901 3) and a '/' before it. */
static void put_token(char **front, struct view token)
{
    for (size_t i = token.len; i-- > 0;) {
        char c = token.ptr[i];

        if (c == '~' || c == '/') {
            *--*front = c == '~' ? '0' : '1';
            c = '~';
        }
        *--*front = c;
    }
    *--*front = '/';
}

/* The name of a member, the index of an element. */
static struct view token_of(const struct jdoc *doc, jref v, struct arena *arena,
                            char digits[NUM_TEXT_BYTES])
{
    int64_t index = 0;

    if (doc->values[v].key_end != 0)
        return jdoc_key(doc, v, arena);
    for (jref c = doc->values[v].parent + 1; c != v; c = doc->values[c].next)
        index++;
    return num_format_i64(index, digits);
}

static bool put_step(const struct jdoc *doc, jref v, struct arena *arena, char **front)
{
    char digits[NUM_TEXT_BYTES];
    struct view token = token_of(doc, v, arena, digits);

    if (token.ptr == NULL)
        return false;
    put_token(front, token);
    return true;
}

struct view jdoc_pointer(const struct jdoc *doc, jref v, struct arena *arena)
{
    size_t room = 0;
    char *end, *front;

    for (jref up = v; up != 0; up = doc->values[up].parent)
        room += doc->values[up].key_end != 0 ? 1 + 2 * jkey_raw(doc, up).len : NUM_TEXT_BYTES;
    end = arena_alloc(arena, room);
    if (end == NULL)
        return VIEW_NONE;
    end += room;
    front = end;
    for (jref up = v; up != 0; up = doc->values[up].parent) {
        if (!put_step(doc, up, arena, &front))
            return VIEW_NONE;
    }
    return view_of(front, (size_t)(end - front));
}
