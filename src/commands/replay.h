/* SPDX-License-Identifier: Apache-2.0
 * What `postern replay` prints. */
#pragma once

#include "json/write.h"
#include "trial/replay_groups.h"

struct replayed {
    const struct replay_totals *totals;
    const char *policies; /* the candidate's folder */
    const char *digest;   /* and digest */
};

/* One change as JSON, an element of `changed`. */
void replay_print_change(struct jwriter *w, const struct replay_change *change);
/* What follows the list in the one object. untold: changes that the list left out. */
void replay_print_totals_json(struct jwriter *w, const struct replayed *replayed, uint64_t untold);
/* All of it for a person; false: no memory. */
MUST_CHECK bool replay_print_text(const struct replayed *replayed,
                                  const struct replay_groups *groups, struct arena *arena,
                                  struct buf *out);
