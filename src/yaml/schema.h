/* SPDX-License-Identifier: Apache-2.0
 * Rows that say what a mapping may hold. The same rows read it, name the nearest known key for an
 * unknown one, and print the result. A null value counts as left out. */
#pragma once

#include "yaml/doc.h"

/* What a field is read into. `set` is false (and the rest as the caller prepared it) when the key
 * was left out or its value is a fault; `at`, the place of the value, is filled in both cases but
 * the first, so that at.line tells "left out" from "wrong, and already said so". */
struct ytext {
    bool set;
    struct view value;
    struct loc at;
};
struct ynumber { /* integers, durations (ms), sizes (bytes), booleans (0, 1), enums (index) */
    bool set;
    int64_t value;
    struct loc at;
};
struct ytexts {
    bool set;
    struct ytext *items;
    size_t count;
    struct loc at;
};
struct ypair {
    struct ytext key, value;
};
struct ypairs { /* a mapping of text to text, in the order of the file */
    bool set;
    struct ypair *items;
    size_t count;
    struct loc at;
};

enum yfield_kind {
    YFIELD_TEXT,     /* struct ytext: any scalar, its text as it stands; min and max limit its bytes
                        if max > 0 */
    YFIELD_BOOL,     /* struct ynumber; only true and false, without quotes */
    YFIELD_INT,      /* struct ynumber, min..max; names[0], if given, is a word that stands for 0 */
    YFIELD_DURATION, /* struct ynumber in ms, min..max in ms */
    YFIELD_SIZE,     /* struct ynumber in bytes, min..max */
    YFIELD_ENUM,     /* struct ynumber: index into names */
    YFIELD_TEXTS,    /* struct ytexts: a list of text; a lone scalar is a fault */
    YFIELD_PAIRS,    /* struct ypairs */
    YFIELD_NODE,     /* const struct ynode *: read by the caller */
    YFIELD_OBJECT,   /* a nested struct at offset, read by `fields`; its first member is a struct
                        yobject */
};

/* First member of a nested struct. A nested mapping that is left out is a fault only if it is
 * required itself; its own required keys count once it is there. */
struct yobject {
    bool set;
    struct loc at;
};

struct yfield {
    const char *key; /* NULL ends the rows */
    enum yfield_kind kind;
    bool required;
    size_t offset;
    int64_t min, max;            /* both 0: no range */
    const char *const *names;    /* YFIELD_ENUM: NULL-terminated; YFIELD_INT */
    const struct yfield *fields; /* YFIELD_OBJECT */
    /* YFIELD_OBJECT: the key of the field that a lone scalar stands for; NULL: a scalar is a fault.
     */
    const char *lone;
};

/* Reads the mapping into *out by the rows; every fault goes to diag and reading goes on. node may
 * be NULL (nothing is set; a required key is then a fault at `at`). */
void yschema_read(const struct ynode *node, struct loc at, const struct yfield *fields, void *out,
                  struct arena *arena, struct diag *diag);
/* For ynumber.value: nothing to print. */
#define YNUMBER_NONE INT64_MIN

/* Prints *values as YAML by the rows, `indent` blanks deep, in row order, also what was not set but
 * has a value (text and lists whose pointer isn't NULL, numbers other than YNUMBER_NONE, objects
 * with anything in them); reading the text again gives the same values. YFIELD_NODE rows are
 * skipped. */
void yschema_print(const struct yfield *fields, const void *values, unsigned indent,
                   struct buf *out);
/* Text as a YAML scalar, in double quotes where plain would be read as something else. */
void yschema_print_text(struct view text, struct buf *out);
