/* SPDX-License-Identifier: Apache-2.0
 * An index over a journal, so that questions are answered without reading all of it. It is a SQLite
 * file beside the journal, made and caught up by whoever asks; it holds nothing that the journal
 * doesn't, and whenever there is a doubt about it, it is made anew. Many processes and threads may
 * have one open; one struct audit_index is for one thread at a time. The rules are docs/audit.md,
 * "The index". */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"

struct audit_index;

/* When to give up. Looked at every few milliseconds of work. */
struct audit_patience {
    int64_t deadline_us;      /* by clock_monotonic_us; 0: none */
    bool (*stop)(void *user); /* true: give up now; may be NULL */
    void *user;
};

struct audit_index_settings {
    const char *directory; /* of the segments */
    const char *path;      /* of the index; NULL: `<directory>.index` */
    bool anew;             /* whatever is there is thrown away: it was found to be corrupt */
    struct audit_patience patience;
};

/* Opens the index and catches it up with the journal; afterwards it shows one moment until it is
 * closed. Borrows the settings' texts for the call only. What was caught up before it gives up
 * stays, so a second call goes on from there. STATUS_IO: the journal can't be read or the disk is
 * full; STATUS_TIMEOUT: patience; STATUS_NOMEM; STATUS_SYNTAX: SQLite found the file corrupt even
 * when new. */
MUST_CHECK enum status audit_index_open(const struct audit_index_settings *settings,
                                        struct audit_index **ret, struct err *err);
void audit_index_close(struct audit_index **index);

/* What was in the way, for stderr or a log: that a temporary index had to be made. "": nothing. */
const char *audit_index_note(const struct audit_index *index);
/* Lines that are in no answer: they can't be read, or are out of their order. 0 in a journal that
 * verifies. */
uint64_t audit_index_damaged(const struct audit_index *index);
/* The seq of the last line that it knows; 0: none. */
uint64_t audit_index_seq(const struct audit_index *index);
