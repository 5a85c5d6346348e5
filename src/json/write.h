/* SPDX-License-Identifier: Apache-2.0
 * A JSON writer: compact, members in the order of the calls, everything but ASCII kept as UTF-8.
 * It needs no end check of its own: look at buf.failed. Misuse (a key outside an object) is a bug.
 */
#pragma once

#include "base/buffer.h"

struct jwriter {
    struct buf *out;
    bool ascii; /* non-ASCII as \uXXXX: for header values */
    bool comma; /* the next member or element needs one before it */
    unsigned depth;
};

void jwriter_init(struct jwriter *w, struct buf *out);
void jwriter_open_object(struct jwriter *w);
void jwriter_close_object(struct jwriter *w);
void jwriter_open_array(struct jwriter *w);
void jwriter_close_array(struct jwriter *w);
void jwriter_key(struct jwriter *w, const char *key); /* ASCII without anything to escape */
void jwriter_key_view(struct jwriter *w, struct view key);
/* Bytes that aren't valid UTF-8 come out as U+FFFD: a line of ours is always valid JSON. */
void jwriter_text(struct jwriter *w, struct view text);
void jwriter_int(struct jwriter *w, int64_t value);
void jwriter_bool(struct jwriter *w, bool value);
void jwriter_null(struct jwriter *w);
/* Valid JSON text, as it is but for the white space between its tokens, which is left out: a line
 * stays a line. */
void jwriter_raw(struct jwriter *w, struct view json);

/* key and value in one; the _opt forms leave the member out for an absent view. */
void jwriter_member_text(struct jwriter *w, const char *key, struct view text);
void jwriter_member_opt(struct jwriter *w, const char *key, struct view text);
void jwriter_member_raw_opt(struct jwriter *w, const char *key, struct view json);
void jwriter_member_int(struct jwriter *w, const char *key, int64_t value);
