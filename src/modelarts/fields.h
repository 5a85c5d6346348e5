/* SPDX-License-Identifier: Apache-2.0
 * The create body's fields as a table, and names that only look like one of them. */
#pragma once

#include <stdint.h>

#include "base/view.h"

enum place {
#define PLACE(id, pointer) PLACE_##id,
#include "modelarts/places.def"
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
    const char *name;
    const char *missing;
    enum place place, child;
    enum field_kind kind;
    uint16_t value_at, flag_at;
};

/* Ends with a row whose name is NULL. */
extern const struct field fields[];

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
