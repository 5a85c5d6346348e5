/* SPDX-License-Identifier: Apache-2.0
 * Inside of the gateway: the judged request in its line (`journal.requests: full`). */
#pragma once

#include "gateway/exchange.h"

struct keeping {
    struct arena arena; /* the exchange's own must not run out for this */
    struct journal_kept kept;
};

/* Has facts->kept point into *keeping where the settings want the request kept, there is one, and
 * all that is secret could be taken out of it; else facts stay as they are. Borrows from the
 * exchange; keeping_done when the line was submitted. */
void keep_request(const struct exchange *x, struct keeping *keeping, struct journal_facts *facts);
void keeping_done(struct keeping *keeping);
