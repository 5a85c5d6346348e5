/* SPDX-License-Identifier: Apache-2.0
 * A sink's way through the journal: lines in their order into batches. What is missing, rewritten
 * or unreadable is logged, counted and passed; nothing else is left out. Where it stands is behind
 * a line that could be read, never behind a guess. */
#pragma once

#include "base/arena.h"
#include "formats/format.h"
#include "sinks/batch.h"

struct reader_settings {
    const char *name;    /* of the sink, for the log */
    const char *journal; /* folder */
    enum format format;
    struct view source; /* the gateway */
};

struct reader {
    struct reader_settings settings;
    struct trail *trail; /* NULL: not open */
    struct digest *digest;
    struct arena arena;
    struct mark at;      /* behind the last line whose seq is known */
    struct mark began;   /* where the last rewind went */
    uint64_t wanted;     /* with at.seq 0: the first line that is needed; 0: what is there */
    uint64_t seen;       /* lines up to this seq were read or passed over */
    uint64_t missing;    /* lines behind `at` that were passed over */
    bool standing;       /* the trail is there */
    bool resumed;        /* no line was read since: the next one must follow by its hash, or the one
                            before it be what it was */
    bool proven;         /* `at` is a place of this journal, not only of one that was remembered */
    bool paused;         /* it read a lot, and there is more */
    uint64_t durable;    /* lines up to this seq may be read */
    uint64_t lost;       /* lines that were taken away before they were read */
    uint64_t unreadable; /* lines that can't be handed on */
    uint64_t rewinds;    /* the journal isn't the one of before */
    struct trail_place passed; /* before it, all that is unreadable was counted */
    struct {
        uint64_t lines; /* unreadable ones in a row that the log wasn't told of yet */
        struct trail_place first;
        const char *why; /* the first of them */
    } run;
};

/* Texts of the settings are borrowed. */
MUST_CHECK bool reader_init(struct reader *reader, const struct reader_settings *settings);
void reader_done(struct reader *reader);

/* The mark behind the last line that there is, up to durable: for a sink that begins there. */
MUST_CHECK enum status reader_find_end(struct reader *reader, struct mark *ret, struct err *err);
/* Goes on behind that mark; one with seq 0 is the first line of its segment, or of all. */
void reader_go_on(struct reader *reader, const struct mark *mark);

/* Appends lines to the batch, which is empty: up to `lines` and about BATCH_BYTES, or, if last
 * isn't 0, up to that seq. The batch may stay empty though reader->at moved. STATUS_IO,
 * STATUS_NOMEM: perhaps later; what is in the batch is good. */
MUST_CHECK enum status reader_fill(struct reader *reader, size_t lines, uint64_t last,
                                   struct batch *batch, struct err *err);
