/* SPDX-License-Identifier: Apache-2.0
 * The journal on disk: segments, chain, checkpoints, group commit by one writer thread, recovery.
 * The rules are design section 5 and promises 2 and 3; docs/journal.md is the manual. */
#pragma once

#include "base/ed25519.h"
#include "journal/open.h"
#include "journal/record.h"

struct journal;
struct journal_mailbox;

#define JOURNAL_SYSLOG "syslog" /* the witness's name for the system's log */

enum journal_durability { DURABILITY_SYNC, DURABILITY_WRITE };

struct journal_settings {
    const char *directory; /* made (0700) if its parent is there */
    const char *sets;      /* folder of policy set copies, made likewise */
    enum journal_durability durability;
    int64_t segment_bytes;
    int64_t low_space_bytes;  /* with less free space, intents are refused */
    int64_t warn_space_bytes; /* with less, it is said */
    int64_t keep_us;
    bool held; /* all segments are kept until the first journal_hold */
    /* NULL: no seals. Copied. */
    const struct ed25519_private *seal_key;
    int64_t seal_every_us; /* at most from a line to the seal that covers it */
    /* Where seals are told besides: a file, JOURNAL_SYSLOG, NULL: nowhere. */
    const char *witness;
};

/* Opens, locks, recovers, starts the writer, and has written its `start` line (synced) on return.
 * Damage that recovery may not mend does not fail: the state tells, and intents are refused until
 * `postern audit repair` was run. STATUS_IO: can't be opened or locked; err says which and
 * why. */
MUST_CHECK enum status journal_open(const struct journal_settings *settings, struct journal **ret,
                                    struct err *err);
/* Waits for what is queued (at most wait_ms), writes a `stop` line, ends the writer. */
void journal_close(struct journal **journal, int64_t wait_ms);

/* One per worker thread. wake is called on the writer thread when results wait in the mailbox; it
 * must not call the journal (an eventfd is what it is for). After journal_mailbox_free no wake
 * comes; lines that still wait lose their results, not their place. */
MUST_CHECK struct journal_mailbox *journal_mailbox_new(struct journal *journal,
                                                       void (*wake)(void *user), void *user);
void journal_mailbox_free(struct journal_mailbox **mailbox);
/* From now on, lines submitted with this mailbox don't wake the writer: whoever submits them calls
 * journal_kick soon, once for all of them. Before the first line; on the mailbox's own thread. */
void journal_mailbox_lazy(struct journal_mailbox *mailbox);
/* Wakes the writer if it sleeps while lines are queued. Any thread. */
void journal_kick(struct journal *journal);

enum journal_wait {
    JOURNAL_NO_WAIT, /* queued; no result comes */
    JOURNAL_WRITTEN, /* result once it is written; its sync may come later */
    JOURNAL_SYNCED, /* result once it is on disk (durability sync), or written (durability write) */
};

/* Queues a line. Intents and lines of the gateway's own are synced soon (docs/journal.md,
 * "Durability"); outcomes and refusals with the next of those, at the end of their segment, or
 * within a second. cookie comes back with the result, which may come late: the caller tells by
 * cookies that are never used twice. An intent (its id may not be empty) is taken only if its
 * outcome has room too (docs/journal.md, "Low space"); its outcome is then always taken.
 * STATUS_LIMIT: no room (low space, queue full, an intent over 1 MB); STATUS_IO: damaged, the disk
 * failed, or closing; STATUS_NOMEM. Nothing was queued then, and no result comes.
 *
 * An intent that was taken needs exactly one outcome, whatever its result is and whether or not it
 * came: a failed sync leaves the line possibly there (STATUS_IO), and STATUS_LIMIT as a result
 * means that it isn't. An outcome whose result is a failure is kept and tried again: never submit
 * it twice. A refusal with JOURNAL_NO_WAIT is counted instead of queued while there is trouble. A
 * settled or orphan line (their ids may not be empty either) that was taken is kept and tried again
 * as well, up to a number; it is lost when the gateway ends before the disk is well.
 * With mailbox NULL, wait must be JOURNAL_NO_WAIT. Any thread. */
MUST_CHECK enum status journal_submit(struct journal *journal, struct journal_mailbox *mailbox,
                                      const struct journal_facts *facts, enum journal_wait wait,
                                      uint64_t cookie);
/* Hands out the results of a mailbox; on the mailbox's own thread. */
void journal_collect(struct journal_mailbox *mailbox,
                     void (*result)(void *user, uint64_t cookie, enum status status), void *user);

/* Keeps a copy of a policy set under sets/<digest>/, files with their names; nothing if it is
 * there. What stands there and isn't those files, byte for byte, is set aside as
 * sets/<digest>.changed-<random>, and an error is logged. */
struct journal_set_file {
    const char *name;
    struct view bytes;
};
MUST_CHECK enum status journal_keep_set(struct journal *journal, const char *digest,
                                        const struct journal_set_file *files, size_t count,
                                        struct err *err);

/* Whether an instance of that id exists, as far as the lines written so far tell: an answer that
 * names it again is no new instance. Any thread. */
bool journal_knows(struct journal *journal, struct view instance);

/* All that is open, oldest first (journal/open.h): for whoever counts it, behind journal_open and
 * before the first line is submitted. Recovery has closed what a crash left under way, so nothing
 * is reserved. Of a damaged journal it is what could be read. The callback must not call the
 * journal; views live as long as the call. False ends it. */
struct open_item;
void journal_each_open(struct journal *journal,
                       bool (*each)(void *user, const struct open_item *item), void *user);
/* How long after its intent a create, start or lease that is over stays in checkpoints: the longest
 * window of the budgets in force, in us; 0: not at all. Until the first call all stay. What was
 * dropped doesn't come back when windows get longer. Any thread, any time. */
void journal_keep_spent(struct journal *journal, int64_t keep_us);

/* What the lines written so far make of the entry of that id (an intent, an orphan): false,
 * nothing. Any thread. */
MUST_CHECK bool journal_state_of(struct journal *journal, struct view id, enum open_state *ret);

/* The seq of the last line that may be handed on: it is on disk (durability write: written). Of a
 * journal that was damaged when it was opened: the last one that could be read. Any thread. */
uint64_t journal_durable_seq(struct journal *journal);
/* wake is called on the writer's thread some time after that seq moved; it must not call the
 * journal (an eventfd is what it is for). One watch at a time. NULL ends it: no wake comes behind
 * that call. Any thread but the writer's; before journal_close. */
void journal_watch(struct journal *journal, void (*wake)(void *user), void *user);
/* Segments that hold lines of that seq or later are kept whatever their age; UINT64_MAX: none is
 * needed. What is no longer needed goes at the next rotation or start. Any thread. */
void journal_hold(struct journal *journal, uint64_t seq);

/* The key of the next seals, copied; only of a journal that has one. Any thread. */
void journal_seal_with(struct journal *journal, const struct ed25519_private *key);

/* For readiness and metrics; any thread. */
struct journal_state {
    const char *why_not; /* NULL or a short sentence: damage, low space, failed sync */
    uint64_t free_bytes; /* as last measured */
    uint64_t seq;        /* of the last line written */
    uint64_t lines, batches, syncs, failures, refusals_folded;
    uint64_t open_intents, unknown, existing, spent; /* as a checkpoint would count them */
    uint64_t seals;                                  /* written since the start */
    uint64_t seal_seq;                               /* of the last of them; 0: none yet */
    int64_t seal_time_us;                            /* of the same */
    uint64_t witness_failures;
    uint64_t sync_us_sum;
    /* <= 100us 250us 500us 1ms 2.5ms 5ms 10ms 25ms 50ms 100ms 1s, more */
    uint64_t sync_us_buckets[12];
    unsigned queued;
    unsigned witness_waiting;            /* seals that the witness wasn't told of yet */
    char seal_key[DIGEST_HEX_BYTES + 1]; /* id of the key, if sealing */
    bool accepting;                      /* intents are taken */
    bool damaged;                        /* until an operator repairs it; why_not says where */
    bool space_low;                      /* less space is free than warn_space_bytes */
    bool sealing;                        /* there are seals */
    bool witnessed;                      /* seals are told somewhere */
};
void journal_get_state(struct journal *journal, struct journal_state *ret);

/* `postern audit repair`: with the folder locked, opens a new segment behind the damage, its
 * checkpoint naming what was accepted and by whom, so that intents are taken again. STATUS_INVALID
 * when there is no damage. *ret_what says what was found. */
MUST_CHECK enum status journal_repair(const struct journal_settings *settings, const char *actor,
                                      struct buf *ret_what, struct err *err);
