/* SPDX-License-Identifier: Apache-2.0
 * A strict index over JSON bytes (RFC 8259), which proves that there is one reading of them. The
 * bytes are never changed; a value is a span of them.
 *
 * Accepted is what jansson 2.14 accepts with JSON_REJECT_DUPLICATES, no more, and less only where a
 * limit says so, and in one point: jansson drops a NUL byte right behind a number or a word. So
 * refused are: duplicate members at any depth (compared after unescaping), a top level that isn't
 * an object or array, anything behind it but white space, a BOM, comments, trailing commas, NaN,
 * leading zeros, control bytes in strings, invalid UTF-8 (overlong, surrogates, over U+10FFFF),
 * lone surrogate escapes, \u0000 (but see jlimits), integers outside 64 bits signed, reals that
 * overflow a double. O(n log n), one allocation for the index. */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/reason.h"

enum jkind {
    JKIND_NULL,
    JKIND_FALSE,
    JKIND_TRUE,
    JKIND_INTEGER,
    JKIND_REAL,
    JKIND_STRING,
    JKIND_ARRAY,
    JKIND_OBJECT
};

/* Index of a value; the root is 0. */
typedef uint32_t jref;
#define JREF_NONE UINT32_MAX

struct jvalue {
    uint32_t start, end;         /* span of the value; strings with their quotes */
    uint32_t key_start, key_end; /* span of the member's name with quotes; both 0 outside objects */
    jref next;      /* index after this value's subtree: its next sibling, if parent has one */
    jref parent;    /* JREF_NONE for the root */
    uint32_t count; /* children */
    uint8_t kind;   /* enum jkind */
    bool escaped, key_escaped; /* the text holds a backslash */
};

struct jdoc {
    struct view bytes;
    const struct jvalue *values; /* in document order: the first child of v is v + 1 */
    uint32_t count;
};

/* A larger limit counts as this one: jansson counts a value in the innermost array as one more of
 * its 2,048 levels. */
enum { JDEPTH_MAX = 2047 };

struct jlimits {
    size_t bytes;
    unsigned depth;   /* nesting of arrays and objects; 1 is the top level; JDEPTH_MAX at most */
    unsigned members; /* values in all, members and elements, the root not counted */
    bool nul;         /* \u0000 passes in texts, as with jansson's JSON_ALLOW_NUL; never in names */
};

enum jreason {
#define REASON(id, code, status, help) JSON_##id,
#include "json/reasons.def"
#undef REASON
    JREASON_COUNT,
};
extern const struct reason_row json_reasons[JREASON_COUNT];

/* Why it was refused, and where. text never holds bytes of the document but printable ASCII of a
 * name. */
struct jfault {
    const struct reason_row *row;
    size_t offset;
    unsigned line, column; /* from 1; columns count bytes */
    char text[160];
};

/* STATUS_OK, STATUS_SYNTAX (ret_fault filled) or STATUS_NOMEM. *ret borrows bytes. */
MUST_CHECK enum status jdoc_read(struct view bytes, const struct jlimits *limits,
                                 struct arena *arena, struct jdoc *ret, struct jfault *ret_fault);

static inline enum jkind jdoc_kind(const struct jdoc *doc, jref v)
{
    return (enum jkind)doc->values[v].kind;
}
/* The first child, or JREF_NONE; then its sibling, or JREF_NONE. JREF_NONE has no child. */
static inline jref jdoc_child(const struct jdoc *doc, jref v)
{
    return v == JREF_NONE || doc->values[v].count == 0 ? JREF_NONE : v + 1;
}

static inline jref jdoc_sibling(const struct jdoc *doc, jref v)
{
    const struct jvalue *value = &doc->values[v];

    if (value->parent == JREF_NONE || value->next == doc->values[value->parent].next)
        return JREF_NONE;
    return value->next;
}

/* NOLINTBEGIN(bugprone-macro-parentheses): child is what it declares */
#define JDOC_EACH(doc, v, child) \
    for (jref child = jdoc_child(doc, v); child != JREF_NONE; child = jdoc_sibling(doc, child))
/* NOLINTEND(bugprone-macro-parentheses) */

/* The member of that (unescaped) name, or JREF_NONE; also if v isn't an object or is JREF_NONE. */
jref jdoc_member(const struct jdoc *doc, jref v, struct view name);
/* The bytes of the value as they stand. */
struct view jdoc_raw(const struct jdoc *doc, jref v);
/* The string unescaped; borrows from the document when nothing is escaped, else from the arena.
 * ptr NULL when memory is out. Only for strings. */
MUST_CHECK struct view jdoc_text(const struct jdoc *doc, jref v, struct arena *arena);
/* The same for the name of a member. */
MUST_CHECK struct view jdoc_key(const struct jdoc *doc, jref v, struct arena *arena);
/* True for JKIND_INTEGER: an optional minus and digits, no fraction, no exponent. */
MUST_CHECK bool jdoc_integer(const struct jdoc *doc, jref v, int64_t *ret);
/* RFC 6901 pointer of the value: "/spec/auto_stop"; "" for the root; ptr NULL when memory is out.
 */
MUST_CHECK struct view jdoc_pointer(const struct jdoc *doc, jref v, struct arena *arena);
