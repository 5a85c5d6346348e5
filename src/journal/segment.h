/* SPDX-License-Identifier: Apache-2.0
 * One segment file and the folder that holds them. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "base/buffer.h"

enum { SEGMENT_NAME_BYTES = 27 }; /* 20 digits, ".jsonl", NUL */

struct segment {
    int dir_fd; /* borrowed */
    int fd;     /* -1: none is open */
    char name[SEGMENT_NAME_BYTES];
    uint64_t size;  /* of the complete lines in it */
    uint64_t limit; /* a line that would end behind it belongs into the next segment */
    uint64_t room;  /* space is allocated up to here */
    bool no_room;   /* the file system can't allocate ahead */
};

void segment_name_format(uint64_t seq, char out[SEGMENT_NAME_BYTES]);
/* False: that is no segment: not 20 digits and ".jsonl", or a number that no line has. */
MUST_CHECK bool segment_name_parse(const char *name, uint64_t *ret_seq);

/* The first seqs of the segments in the folder, ascending; *ret from malloc, free it. */
MUST_CHECK enum status segment_list(int dir_fd, uint64_t **ret, size_t *ret_count, struct err *err);

/* When it began, by its first line: a file's times follow whoever copied it. False: the line
 * doesn't tell, or there is none. */
MUST_CHECK bool segment_began(int dir_fd, uint64_t seq, int64_t *ret_us);

/* These give 0 or an errno and leave the segment closed on a failure. limit: allocated ahead. A
 * file system that can't allocate ahead is no failure. */
MUST_CHECK int segment_create(struct segment *segment, int dir_fd, uint64_t seq, uint64_t limit);
/* An existing one, of size bytes, to append to; lack of space is no failure, *ret_full says it.
 */
MUST_CHECK int segment_reopen(struct segment *segment, int dir_fd, uint64_t seq, uint64_t size,
                              uint64_t limit, bool *ret_full);
/* NULL-safe in effect: nothing if none is open. Gives unused space back. */
void segment_close(struct segment *segment);
/* Closes it and takes it away: it never counted. False if it may still be there after a crash. */
MUST_CHECK bool segment_discard(struct segment *segment);

/* Appends bytes; *ret_done: how many are in the file now. size stays: segment_keep moves it. */
MUST_CHECK int segment_append(struct segment *segment, struct view bytes, size_t *ret_done);
/* What was appended up to size counts; false: the rest couldn't be cut off. */
MUST_CHECK bool segment_keep(struct segment *segment, uint64_t size, bool cut_rest);
MUST_CHECK int segment_sync(const struct segment *segment);
/* Allocates up to limit again. */
MUST_CHECK int segment_allocate(struct segment *segment);

/* Reads a segment line by line. */
struct line_reader {
    int fd;
    struct buf buf;
    size_t at;       /* of the next line in buf */
    uint64_t offset; /* the same in the file */
    uint64_t
        length; /* of the last line, without its LF: more than was handed out if it is too long */
    uint64_t dropped; /* of the next one, which is too long to be kept */
    bool ended;       /* the end of the file was seen */
};
/* EINVAL: it is no regular file, but a link, a folder, a pipe, ... */
MUST_CHECK int line_reader_open(struct line_reader *reader, int dir_fd, uint64_t seq);
/* What that errno means: "can't open segment NAME: ..."; STATUS_IO. */
MUST_CHECK enum status line_reader_say(uint64_t seq, int failed, struct err *err);
/* Any file of lines. Both give 0 or an errno; line_reader_done is due either way. */
MUST_CHECK int line_reader_open_file(struct line_reader *reader, const char *path);
void line_reader_done(struct line_reader *reader);
/* 1: a line, without its LF; 0: the end; -1: errno says. *ret_whole: it ended with LF. One that is
 * longer than a line may be (journal/line.h) is read over, and handed out without any byte. */
MUST_CHECK int line_reader_next(struct line_reader *reader, struct view *ret, bool *ret_whole);
/* Takes back the last line, which was half a one, and what was read behind it: it is read again,
 * since the writer may have cut it off. False: errno says. */
MUST_CHECK bool line_reader_back(struct line_reader *reader);
/* Whether the last line was longer than a line may be. */
static inline bool line_reader_was_too_long(const struct line_reader *reader, struct view text)
{
    return reader->length > text.len;
}
