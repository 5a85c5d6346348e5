/* SPDX-License-Identifier: Apache-2.0
 * Whether a journal is what was written: the chain over all its segments, intents with their
 * outcomes, seals, the witness. The rules are docs/journal.md, "Verify it". It changes nothing and
 * takes no lock; a gateway may write meanwhile. */
#pragma once

#include "base/ed25519.h"
#include "base/error.h"
#include "proof/faults.h"
#include "proof/seals.h"
#include "proof/sets.h"

struct verify_settings {
    const char *directory;             /* of the segments */
    const char *witness;               /* a file, or NULL */
    const struct ed25519_public *keys; /* whose signatures hold; none: they aren't looked at */
    size_t key_count;
    /* As in struct sets. */
    enum sets_copy (*look_at_set)(const char *sets, const char *digest, struct err *err);
    const char *sets; /* the folder that has them; for look_at_set */
};

enum { VERIFY_NOTES_MAX = 8, VERIFY_NOTE_BYTES = 320 };

struct verify_report {
    struct fault_list faults;
    uint64_t segments, lines;
    uint64_t first_seq, last_seq; /* 0: there is no line */
    int64_t first_us, last_us;    /* their times; 0: can't be read */
    char head[DIGEST_HEX_BYTES];  /* hash of the last line */
    uint64_t bytes;
    uint64_t intents, outcomes; /* lines of these events; outcomes also of what needs no intent */
    uint64_t open;              /* intents that have no outcome yet */
    struct fault_place oldest_open; /* segment 0: it stands before the first segment */
    uint64_t torn; /* bytes of half a line at the very end: a gateway writes, or a crash left it */
    /* Damage that an operator has accepted (`postern audit repair`): each is a sentence. */
    char notes[VERIFY_NOTES_MAX][VERIFY_NOTE_BYTES];
    unsigned note_count;

    uint64_t seals, seals_good; /* good: their signature was verified with a key that was given */
    uint64_t proven_from, proven_until; /* seqs, both included, that the last good one proves */
    int64_t proven_us;
    char proven_key[DIGEST_HEX_BYTES];
    struct seals_late late;
    struct seals_earlier earlier;

    struct sets_report sets;

    bool witnessed;          /* there is a witness */
    bool witness_torn;       /* its last line is half a one */
    uint64_t witness_lines;  /* seals in it */
    uint64_t witness_found;  /* that stand in the journal as they are */
    uint64_t witness_before; /* of segments that were removed since: not checkable */
    uint64_t unwitnessed;    /* seals of the journal that the witness hasn't */
    uint64_t witness_other;  /* lines that are no seals */
};

static inline bool verify_is_well(const struct verify_report *report)
{
    return report->faults.count == 0;
}

/* STATUS_OK, whatever is found; STATUS_IO: it can't be read; STATUS_INVALID: there is no segment;
 * STATUS_NOMEM; STATUS_LIMIT: 131,072 intents are open, or policy sets named. Memory is that of the
 * longest line. */
MUST_CHECK enum status verify_journal(const struct verify_settings *settings,
                                      struct verify_report *ret, struct err *err);
