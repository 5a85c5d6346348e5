/* SPDX-License-Identifier: Apache-2.0
 * The witness: seals are told to somebody whom the writer of the journal can't change: a file on
 * another disk, or the system's log. On a thread of its own, so that a disk that hangs holds nobody
 * up. The room's own. */
#pragma once

#include <stdint.h>

#include "base/attr.h"
#include "base/error.h"
#include "base/view.h"

struct witness;

enum {
    WITNESS_LINES = 256,      /* that wait; beyond that the oldest is given up */
    WITNESS_LINE_BYTES = 640, /* of a line with its LF */
    WITNESS_RETRY_MS = 30000, /* after a failure, if no seal comes before */
    WITNESS_SEGMENTS = 16,    /* that a start looks into for what the witness lacks */
};

struct witness_settings {
    const char *target; /* a file, or JOURNAL_SYSLOG; copied */
    int dir_fd;         /* of the journal; duplicated */
    /* The last segment; its seals up to that seq are told first, as far as the file lacks them, and
     * those of the segments before it that stand behind the file's last one; 0: none. A log can't
     * be read, and lacks nothing. */
    uint64_t segment, until;
};

/* NULL when memory or threads are out. */
MUST_CHECK struct witness *witness_new(const struct witness_settings *settings);
/* A seal, with its LF; it is told once witness_durable says that it is on disk. Never waits. */
void witness_add(struct witness *witness, uint64_t seq, struct view line);
void witness_durable(struct witness *witness, uint64_t seq);
/* Any thread. */
void witness_look(struct witness *witness, uint64_t *ret_failures, unsigned *ret_waiting);
/* Waits at most so long for what is durable to be told, or to fail. A thread that hangs is left
 * behind, and takes its memory with it. */
void witness_close(struct witness **witness, int64_t wait_ms);

/* witness_file.c */
/* Appends the line to the file (made if it isn't there), on disk on return; nothing if it is the
 * last line already. What a failed write left of it is completed; of another, ended with LF. */
MUST_CHECK enum status witness_file_append(const char *path, struct view line, struct err *err);
/* The seq of the last seal in the file, 0: there is none, or no file. */
MUST_CHECK enum status witness_file_last(const char *path, uint64_t *ret_seq, struct err *err);
/* The seq of a journal's line if that is a seal; 0: it is something else. */
uint64_t witness_seal_seq(struct view line);
