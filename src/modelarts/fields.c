/* SPDX-License-Identifier: Apache-2.0
 * The table of fields, and what a name looks like. Two names look alike when they fold to one text:
 * case aside, '_', '-', blanks and what is invisible left out, letters and digits of other shapes
 * or scripts as the ASCII ones that they look like, then the pairs that fonts make alike (i l 1, o
 * 0, m rn, w vv). */
#include "modelarts/fields.h"

#include <stddef.h>

#include "base/nearest.h"
#include "modelarts/request.h"
#include "modelarts/unicode.h"

enum { FOLDED_MAX = 64 };

const struct field fields[FIELD_COUNT] = {
#define NOWHERE               FIELD_NOWHERE, FIELD_NOWHERE
#define VALUE(record, member) offsetof(struct record, member), FIELD_NOWHERE
#define VALUE_AND_FLAG(record, value, flag) \
    offsetof(struct record, value), offsetof(struct record, flag)
#define TEXT_AT(record, member) VALUE_AND_FLAG(record, member.value, member.set)
#define FIELD(place, name, kind, child, target, missing) \
    {PLACE_##place, name, FIELD_##kind, PLACE_##child, target, missing},
#include "modelarts/fields.def"
#undef FIELD
};

const char *place_pointer(enum place place)
{
    static const char *const pointers[PLACE_COUNT] = {
#define PLACE(id, pointer) [PLACE_##id] = pointer,
#include "modelarts/fields.def"
#undef PLACE
    };

    return pointers[place];
}

const struct field *field_find(enum place place, struct view name)
{
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        if (fields[i].place == place && view_eq(view_str(fields[i].name), name))
            return &fields[i];
    }
    return NULL;
}

const struct field *field_known(struct view name)
{
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        if (view_eq(view_str(fields[i].name), name))
            return &fields[i];
    }
    return NULL;
}

/* The ASCII letters that fonts make alike, as one of them. */
static const char *fold_letter(const char *letter)
{
    switch (*letter) {
    case 'i':
    case '1':
        return "l";
    case '0':
        return "o";
    case 'm':
        return "rn";
    case 'w':
        return "vv";
    default:
        return letter;
    }
}

/* The next code point's text, "" for what isn't seen; NULL when it looks like no ASCII. */
static const char *next_look(struct view *rest)
{
    uint32_t point = 0;
    size_t len = utf8_decode(*rest, &point);

    if (len == 0)
        return NULL;
    *rest = view_from(*rest, len);
    return point == '|' ? "l" : unicode_looks_like(point);
}

static bool add_folded(struct view *folded, char *out, const char *look)
{
    for (; *look != '\0'; look++) {
        const char letter[2] = {*look, '\0'};

        for (const char *part = fold_letter(letter); *part != '\0'; part++) {
            if (folded->len == FOLDED_MAX)
                return false;
            out[folded->len++] = *part;
        }
    }
    return true;
}

/* False: it looks like none of our names, which are ASCII and short. */
static bool fold_name(struct view name, char out[FOLDED_MAX], struct view *ret)
{
    *ret = view_of(out, 0);
    while (name.len > 0) {
        const char *look = next_look(&name);

        if (look == NULL || !add_folded(ret, out, look))
            return false;
    }
    return true;
}

const struct field *field_lookalike(struct view name)
{
    char text[FOLDED_MAX];
    char known_text[FOLDED_MAX];
    struct view folded;
    struct view known;

    if (!fold_name(name, text, &folded) || folded.len == 0)
        return NULL;
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        struct view own = view_str(fields[i].name);

        if (*fold_letter(own.ptr) != folded.ptr[0])
            continue;
        if (fold_name(own, known_text, &known) && view_eq(known, folded) && !view_eq(own, name))
            return &fields[i];
    }
    return NULL;
}

const char *field_nearest(enum place place, struct view name)
{
    const char *names[FIELD_COUNT + 1];
    size_t count = 0;

    for (size_t i = 0; i < FIELD_COUNT; i++) {
        if (fields[i].place == place)
            names[count++] = fields[i].name;
    }
    names[count] = NULL;
    return nearest_name(name, names);
}
