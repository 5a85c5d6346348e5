/* SPDX-License-Identifier: Apache-2.0
 * The table of fields, and what a name looks like. Two names look alike when they fold to one text:
 * case aside, '_', '-', blanks and what is invisible left out, letters and digits of other shapes
 * or scripts as the ASCII ones that they look like, then the pairs that fonts make alike (i l 1, o
 * 0, m rn, w vv). */
#include "modelarts/fields.h"

#include <stddef.h>

#include "base/nearest.h"
#include "modelarts/unicode.h"

enum { FOLDED_MAX = 64, NAMES_MAX = 32 };

/* The numbers of the rows: a place's first, and so on from there. */
enum {
    FIRST_NONE,
    BEFORE_NONE = FIRST_NONE - 1,
#define PLACE(id, root, makes, pointer)                FIRST_##id, BEFORE_##id = FIRST_##id - 1,
#define ANSWER(id, pointer)                            FIRST_##id, BEFORE_##id = FIRST_##id - 1,
#define FIELD(at, name, kind, child, target)           ROW_##at##_##name,
#define NEEDED(at, name, kind, child, target, missing) ROW_##at##_##name,
#define STRAY(at, name, kind, child, target)           ROW_##at##_##name,
#include "modelarts/bodies.def"
    FIELD_COUNT,
};

const struct place_row places[] = {
    [PLACE_NONE] = {.first = FIRST_NONE},
#define PLACE_ROW(id, ...) [PLACE_##id] = {__VA_ARGS__, .first = FIRST_##id},
#define PLACE(id, of, what, at) \
    PLACE_ROW(id, .root = PLACE_##of, .makes = RECORD_##what, .pointer = (at))
#define ANSWER(id, at) PLACE_ROW(id, .root = PLACE_##id, .pointer = (at), .answer = true)
#include "modelarts/bodies.def"
    [PLACE_COUNT] = {.first = FIELD_COUNT},
};

/* NOLINTBEGIN(bugprone-macro-parentheses): offsetof takes names, not expressions */
#define NOWHERE           .value_at = FIELD_NOWHERE, .flag_at = FIELD_NOWHERE
#define VALUE(record, at) .value_at = offsetof(struct record, at), .flag_at = FIELD_NOWHERE
#define FLAG(record, at)  .value_at = FIELD_NOWHERE, .flag_at = offsetof(struct record, at)
#define VALUE_AND_FLAG(record, at, flag) \
    .value_at = offsetof(struct record, at), .flag_at = offsetof(struct record, flag)
#define TEXT_AT(record, text) VALUE_AND_FLAG(record, text.value, text.set)
#define ROW(at, text, type, below, code, astray, ...) \
    [ROW_##at##_##text] = {.name = #text,             \
                           .missing = (code),         \
                           .place = PLACE_##at,       \
                           .child = PLACE_##below,    \
                           .kind = FIELD_##type,      \
                           .stray = (astray),         \
                           __VA_ARGS__},
const struct field fields[] = {
#define FIELD(at, name, kind, child, target) ROW(at, name, kind, child, NULL, false, target)
#define NEEDED(at, name, kind, child, target, missing) \
    ROW(at, name, kind, child, missing, false, target)
#define STRAY(at, name, kind, child, target) ROW(at, name, kind, child, NULL, true, target)
#include "modelarts/bodies.def"
    [FIELD_COUNT] = {.name = NULL},
};
/* NOLINTEND(bugprone-macro-parentheses) */

const struct field *field_find(enum place place, struct view name)
{
    const struct field *end = place_end(place);

    for (const struct field *field = place_fields(place); field < end; field++) {
        if (view_eq(view_str(field->name), name))
            return field;
    }
    return NULL;
}

const struct field *field_known(enum place root, struct view name)
{
    const struct field *elsewhere = NULL;

    for (const struct field *field = fields; field->name != NULL; field++) {
        const struct place_row *place = &places[field->place];

        if (place->answer || !view_eq(view_str(field->name), name))
            continue;
        if (place->root == root)
            return field;
        if (elsewhere == NULL)
            elsewhere = field;
    }
    return elsewhere;
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

        if (places[field->place].answer || *fold_letter(own.ptr) != folded.ptr[0])
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

    for (const struct field *field = place_fields(place); field < place_end(place); field++) {
        if (count < NAMES_MAX)
            names[count++] = field->name;
    }
    names[count] = NULL;
    return nearest_name(name, names);
}
