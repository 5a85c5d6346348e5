/* SPDX-License-Identifier: Apache-2.0
 * A view: a borrowed run of bytes. Never NUL-terminated by promise, may hold any byte.
 * An absent view has ptr NULL; an empty one has len 0 and any ptr. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct view {
    const char *ptr;
    size_t len;
};

/* A view of a string literal. */
#define VIEW(literal) ((struct view){"" literal, sizeof(literal) - 1})
#define VIEW_NONE     ((struct view){NULL, 0})
/* The two arguments that "%.*s" takes. */
#define VIEW_ARGS(v) (int)(v).len, (v).ptr == NULL ? "" : (v).ptr

static inline struct view view_of(const char *ptr, size_t len)
{
    return (struct view){ptr, len};
}

/* A view of a C string; NULL gives VIEW_NONE. */
static inline struct view view_str(const char *str)
{
    return (struct view){str, str == NULL ? 0 : strlen(str)};
}

/* Byte for byte. An absent view equals only an absent or empty one. */
static inline bool view_eq(struct view a, struct view b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* Without regard to the case of ASCII letters; never looks at the locale. */
bool view_eq_nocase(struct view a, struct view b);
bool view_starts(struct view v, struct view prefix);
bool view_ends(struct view v, struct view suffix);
/* memcmp order, shorter first. */
int view_cmp(struct view a, struct view b);
/* The index of the byte, or v.len. */
size_t view_find(struct view v, char byte);
/* The part from `from` to the end; `from` may not exceed the length. */
struct view view_from(struct view v, size_t from);
/* Without the leading and trailing bytes that are blank or TAB. */
struct view view_trim(struct view v);
