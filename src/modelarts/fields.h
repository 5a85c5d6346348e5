/* SPDX-License-Identifier: Apache-2.0
 * The fields of all bodies as one table, and names that only look like one of them. */
#pragma once

#include <stdint.h>

#include "modelarts/request.h"

enum place {
    PLACE_NONE,
#define PLACE(id, root, makes, pointer) PLACE_##id,
#define ANSWER(id, pointer)             PLACE_##id,
#include "modelarts/bodies.def"
    PLACE_COUNT,
};

/* What an object of a place fills: the record of the object around it, or one of its own. */
enum record { RECORD_NOTHING, RECORD_STORAGE, RECORD_STOP, RECORD_ENDPOINT };

enum field_kind {
    FIELD_TEXT,
    FIELD_INTEGER,
    FIELD_SECONDS, /* an integer, kept in milliseconds */
    FIELD_STOP_MS, /* an integer in milliseconds, an auto-stop all by itself */
    FIELD_GROWTH,  /* an integer in GB: the new size of the volume that is there; updates only */
    FIELD_NUMBER,  /* any JSON number */
    FIELD_BOOLEAN,
    FIELD_OBJECT,
    FIELD_LIST, /* of objects */
    FIELD_OBJECT_OR_LIST,
    FIELD_TEXTS,  /* a list of strings */
    FIELD_LABELS, /* a map from free keys to strings */
    FIELD_FREE,   /* an object that nothing looks into */
};

/* Offsets in the record of a place. */
enum { FIELD_NOWHERE = 0xffff };

struct field {
    const char *name;
    const char *missing; /* NULL: it may be missing */
    enum place place, child;
    enum field_kind kind;
    uint16_t value_at, flag_at;
    bool stray;
};

struct place_row {
    enum place root;
    enum record makes;
    const char *pointer; /* where it is documented: "/spec/storage"; "" for the body itself */
    bool answer;
    uint16_t first; /* of its fields; the next place's are behind them */
};

struct text_list {
    const struct view *items;
    size_t count;
};

/* An endpoint as the table fills it. */
struct endpoint_record {
    struct view service;
    struct text_list ips;
};

/* Ends with a row whose name is NULL. */
extern const struct field fields[];
/* By enum place, and one behind the last. */
extern const struct place_row places[];

/* The fields of a place: from the first to the one before its end. */
static inline const struct field *place_fields(enum place place)
{
    return &fields[places[place].first];
}
static inline const struct field *place_end(enum place place)
{
    return &fields[places[place + 1].first];
}

/* The field of that name at that place, or NULL. */
const struct field *field_find(enum place place, struct view name);
/* A field of exactly that name that a request of any family can hold: the first of that root if it
 * has one, else the first of all; or NULL. */
const struct field *field_known(enum place root, struct view name);
/* The first field of any request that the name isn't but looks like: by case, '_' and '-', blanks,
 * invisible characters, letters of other scripts. NULL if there is none. */
const struct field *field_lookalike(struct view name);
/* The nearest name at that place, or NULL. */
const char *field_nearest(enum place place, struct view name);
