/* SPDX-License-Identifier: Apache-2.0
 * The books: every call that changed something, and what the cloud believed after it. Tests hold
 * them against the policy, so that the effect counts and not the spelling. */
#pragma once

#include <sys/queue.h>

#include "answer.h"

struct call;
struct machine;
struct sim;

struct ledger_row;
TAILQ_HEAD(ledger_rows, ledger_row);

enum { LEDGER_MOST = 100000 }; /* unless told otherwise */

struct ledger {
    struct ledger_rows rows;
    unsigned long kept, dropped, sequence, most;
};

/* Writes the accepted call `name` on this instance down. The oldest rows go when there are too
 * many, and are counted. */
void ledger_note(const struct call *call, const struct machine *machine, const char *name);
/* {"calls":[..],"dropped":N} */
void ledger_answer(struct sim *sim, struct answer *answer);
void ledger_clear(struct sim *sim);
/* Keeps at most so many from now on; one at least. */
void ledger_limit(struct sim *sim, unsigned long most);
