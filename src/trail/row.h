/* SPDX-License-Identifier: Apache-2.0
 * A line of the journal as its readers look at it: the members of members.def, found in one walk
 * over the line. Pure. */
#pragma once

#include "base/arena.h"
#include "json/doc.h"

enum row_member {
#define MEMBER(id, kind, object, name) ROW_##id,
#include "trail/members.def"
#undef MEMBER
    ROW_MEMBERS
};

struct row {
    struct jdoc doc;
    jref at[ROW_MEMBERS]; /* JREF_NONE: absent, or of another kind than the table says */
    struct arena *arena;
    uint64_t seq;
    int64_t time_us; /* 0: no time that can be read */
    bool failed;     /* memory was out for a text: look at it at the end */
};

/* Reads the line, which row and arena borrow. STATUS_SYNTAX: it is no JSON object, or has no `v` of
 * 1, no `seq` of 1 or more or no `event`; *ret_why is a static text. STATUS_NOMEM. */
MUST_CHECK enum status row_read(struct view line, struct arena *arena, struct row *ret,
                                const char **ret_why);
/* A text, unescaped; ptr NULL: absent. */
struct view row_text(struct row *row, enum row_member member);
/* An integer; absent: the other. */
int64_t row_number(const struct row *row, enum row_member member, int64_t otherwise);
/* A list, to walk with JDOC_EACH, or JREF_NONE. */
static inline jref row_list(const struct row *row, enum row_member member)
{
    return row->at[member];
}
/* The text of a member of an element: of reasons[i] the "code"; ptr NULL: absent or no text. */
struct view row_text_in(struct row *row, jref object, struct view name);
/* The element itself; ptr NULL: it is no text. */
struct view row_text_of(struct row *row, jref value);
/* "user.name": as columns and filters call it. */
const char *row_member_name(enum row_member member);
