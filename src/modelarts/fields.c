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

enum { FOLDED_MAX = 64, NAMES_MAX = 32 };

/* NOLINTBEGIN(bugprone-macro-parentheses): offsetof takes names, not expressions */
const struct field fields[] = {
#define NOWHERE           .value_at = FIELD_NOWHERE, .flag_at = FIELD_NOWHERE
#define VALUE(record, at) .value_at = offsetof(struct record, at), .flag_at = FIELD_NOWHERE
#define VALUE_AND_FLAG(record, at, flag) \
    .value_at = offsetof(struct record, at), .flag_at = offsetof(struct record, flag)
#define TEXT_AT(record, text) VALUE_AND_FLAG(record, text.value, text.set)
#define FIELD(at, text, type, below, target, code) \
    {.name = text,                                 \
     .missing = code,                              \
     .place = PLACE_##at,                          \
     .child = PLACE_##below,                       \
     .kind = FIELD_##type,                         \
     target},
#include "modelarts/fields.def"
#undef FIELD
    {.name = NULL},
};
/* NOLINTEND(bugprone-macro-parentheses) */

const char *place_pointer(enum place place)
{
    static const char *const pointers[PLACE_COUNT] = {
#define PLACE(id, pointer) [PLACE_##id] = (pointer),
#include "modelarts/places.def"
#undef PLACE
    };

    return pointers[place];
}

const struct field *field_find(enum place place, struct view name)
{
    for (const struct field *field = fields; field->name != NULL; field++) {
        if (field->place == place && view_eq(view_str(field->name), name))
            return field;
    }
    return NULL;
}

const struct field *field_known(struct view name)
{
    for (const struct field *field = fields; field->name != NULL; field++) {
        if (view_eq(view_str(field->name), name))
            return field;
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
    for (const struct field *field = fields; field->name != NULL; field++) {
        struct view own = view_str(field->name);

        if (*fold_letter(own.ptr) != folded.ptr[0])
            continue;
        if (fold_name(own, known_text, &known) && view_eq(known, folded) && !view_eq(own, name))
            return field;
    }
    return NULL;
}

const char *field_nearest(enum place place, struct view name)
{
    const char *names[NAMES_MAX + 1];
    size_t count = 0;

    for (const struct field *field = fields; field->name != NULL; field++) {
        if (field->place == place && count < NAMES_MAX)
            names[count++] = field->name;
    }
    names[count] = NULL;
    return nearest_name(name, names);
}
