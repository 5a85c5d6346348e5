/* SPDX-License-Identifier: Apache-2.0
 * What can be read of a journal that is damaged: recovery stops at the damage, this reads on behind
 * it. Nothing is written. */
#pragma once

#include "journal/chain.h"
#include "journal/open.h"

struct salvage {
    struct open_table *table; /* what is open by the lines that can be read, whatever their links */
    struct chain chain;       /* seq: the highest believed; hash: of the last complete line */
    uint64_t unreadable;      /* lines */
};

/* Folds what can be read, from the last segment on that starts with a readable checkpoint.
 * STATUS_INVALID: a segment is named after a seq that no journal reaches; STATUS_IO;
 * STATUS_NOMEM. */
MUST_CHECK enum status salvage_read(int dir_fd, struct salvage *ret, struct err *err);
void salvage_done(struct salvage *salvage);
