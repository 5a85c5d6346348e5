/* SPDX-License-Identifier: Apache-2.0
 * A line of the journal, read back. For recovery and repair; off the request path. */
#pragma once

#include "base/arena.h"
#include "journal/open.h"
#include "json/doc.h"

/* Of a line without its LF, whoever wrote it. The writer's own have 1 MB and a prefix at most. */
enum {
    LINE_READ_MAX_BYTES = 2 << 20,
    CHECKPOINT_MAX_BYTES = 1 << 30, /* the same of a segment's first line, if it is a checkpoint */
};

struct line {
    uint64_t seq;
    struct view prev;
    struct view seal_key; /* of a seal: the id of its key */
    bool known_event;     /* false: of a later version; only its place in the chain counts */
    struct open_step step;
    struct open_item item;
    struct jdoc doc;
    struct arena arena; /* of the index, and of texts that had escapes */
};

/* The line borrows the text. STATUS_SYNTAX: *ret_why says what is wrong, a static text.
 * STATUS_NOMEM. Only after STATUS_OK is there something for line_done. */
MUST_CHECK enum status line_parse(struct view text, struct line *ret, const char **ret_why);
void line_done(struct line *line);

/* The time of a line that begins as the journal's writer begins one, of LINE_FRONT_BYTES of it or
 * more, without reading on: since the epoch. False: it doesn't begin so. */
enum { LINE_FRONT_BYTES = 160 };
MUST_CHECK bool line_peek_time(struct view front, int64_t *ret_us);

/* Puts the elements of a checkpoint's `open` into the table. STATUS_SYNTAX: it isn't such a list.
 * STATUS_NOMEM. */
MUST_CHECK enum status line_read_open(struct line *line, struct open_table *table);
/* What the line brings into the fold; *ret NULL: nothing. STATUS_NOMEM. */
MUST_CHECK enum status line_entry(const struct line *line, struct open_entry **ret);
/* Folds the line in; STATUS_NOMEM. */
MUST_CHECK enum status line_apply(const struct line *line, struct open_table *table);
