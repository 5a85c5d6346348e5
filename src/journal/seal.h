/* SPDX-License-Identifier: Apache-2.0
 * Seals: lines of the journal that sign where its chain stands (docs/journal.md, "Seals"). The
 * room's own; all of it is the writer's, or of who opens the journal before there is one. */
#pragma once

#include "journal/internal.h"
#include "journal/recover.h"

/* Takes the key, if there is one, and starts the witness, if one is named, which may lack seals of
 * what was found. STATUS_NOMEM. */
MUST_CHECK enum status seal_start(struct journal *journal, const struct journal_settings *settings,
                                  const struct recovery *found);
/* Bytes that are set aside in each segment for its last line; 0: there are no seals. */
uint64_t seal_room(const struct journal *journal);
/* Lines were written, and *last is the last of them; line: its text, with its LF. */
void seal_note(struct journal *journal, const struct node *last, struct view line);
/* A checkpoint was written. */
void seal_note_segment(struct journal *journal);
/* Seals what was written since the last seal, if anything was and there is room for it: the last
 * line of a segment, or of a run of the gateway. What a start finds without a seal stays so up to
 * its `start` line: it shows what another run left, or somebody else wrote. */
void seal_end(struct journal *journal);
/* The same if the time for it has come. Behind a change of the key it comes at once: until then
 * nothing proves the new one. */
void seal_if_due(struct journal *journal);
/* With the lock: looks whether the key was changed. */
void seal_look(struct journal *journal);
/* When that is, by the monotonic clock; INT64_MAX: there is nothing to seal. */
int64_t seal_due_us(const struct journal *journal);
/* What was written is on disk. */
void seal_durable(struct journal *journal);
