/* SPDX-License-Identifier: Apache-2.0
 * Paths as received, and as lenient readers would read them: those that decode escapes (once or
 * more, before or after they cut the path into segments), fold case, strip ";..." and trim slashes.
 */
#pragma once

#include "base/attr.h"
#include "base/view.h"

enum {
    PATH_BYTES_MAX = 16384,
    PATH_LEVELS_MAX = 8, /* how often one thing may be escaped */
};

enum path_fault {
    PATH_OK,
    PATH_LONG,
    PATH_NO_SLASH,
    PATH_CONTROL,
    PATH_BACKSLASH,
    PATH_HASH,
    PATH_BROKEN_ESCAPE,
    PATH_EMPTY_SEGMENT,
    PATH_DOT_SEGMENT,
    PATH_DEEP,
};

/* A path with all escapes decoded until none is left. */
struct path_decoded {
    size_t len;
    unsigned levels;                     /* the largest of level[] */
    char text[PATH_BYTES_MAX];           /* ASCII letters in lower case */
    unsigned char level[PATH_BYTES_MAX]; /* how many decodings the byte took */
};

/* What may not stand in any path; PATH_OK: *ret is filled. */
MUST_CHECK enum path_fault path_decode(struct view path, struct path_decoded *ret);
/* One sentence for the caller. */
const char *path_fault_text(enum path_fault fault);

enum path_reading {
    READING_WHOLE,           /* nothing but decoded */
    READING_CUT,             /* each segment without ";...", trailing slashes trimmed */
    READING_COLLAPSED,       /* that, and empty segments left out */
    READING_ENDED,           /* each segment also ends at a control byte, '?' and '#' */
    READING_ENDED_COLLAPSED, /* both */
    READING_COUNT,
};

/* One of the lenient readers: it decodes `depth` times, cuts the path into segments, then decodes
 * the rest. */
struct path_reader {
    unsigned depth;
    enum path_reading how;
    bool at_backslash; /* takes '\' for a slash */
};

/* The next of all readers of that path, of which the first is all zeros; false behind the last. */
MUST_CHECK bool path_reader_next(const struct path_decoded *path, struct path_reader *reader);
/* What that reader sees. Slashes that it doesn't take for such come out as 0x01. */
struct view path_read(const struct path_decoded *path, const struct path_reader *reader,
                      char out[PATH_BYTES_MAX + 1]);
/* The first segment of a path that begins with '/', which goes on with what is behind it; ptr NULL
 * at its end. */
struct view path_next(struct view *path);
/* The segment at `index` from 0; ptr NULL when it has fewer. */
struct view path_segment(struct view path, size_t index);
