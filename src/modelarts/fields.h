/* SPDX-License-Identifier: Apache-2.0
 * The create body's fields as a table, and names that only look like one of them. */
#pragma once

#include <stdint.h>

#include "base/view.h"

enum place {
#define PLACE(id, pointer) PLACE_##id,
#include "modelarts/fields.def"
#undef PLACE
    PLACE_COUNT,
};

enum field_kind {
    FIELD_TEXT,
    FIELD_INTEGER,
    FIELD_BOOLEAN,
    FIELD_OBJECT,
    FIELD_LIST, /* of objects */
    FIELD_OBJECT_OR_LIST,
    FIELD_LABELS, /* a map from free keys to strings */
};

/* Offsets in the record of a place. */
enum { FIELD_NOWHERE = 0xffff };

struct field {
    enum place place;
    const char *name;
    enum field_kind kind;
    enum place child;
    uint16_t value_at, flag_at;
    const char *missing;
};

enum {
#define FIELD(place, name, kind, child, target, missing) +1
    FIELD_COUNT = 0
#include "modelarts/fields.def"
#undef FIELD
};

extern const struct field fields[FIELD_COUNT];

/* Where the place is documented: "/spec/storage"; "" for the body itself. */
const char *place_pointer(enum place place);
/* The field of that name at that place, or NULL. */
const struct field *field_find(enum place place, struct view name);
/* The first field of exactly that name at any place, or NULL. */
const struct field *field_known(struct view name);
/* The first field, at any place, that the name isn't but looks like: by case, '_' and '-', blanks,
 * invisible characters, letters of other scripts. NULL if there is none. */
const struct field *field_lookalike(struct view name);
/* The nearest name at that place, or NULL. */
const char *field_nearest(enum place place, struct view name);
