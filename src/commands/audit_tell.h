/* SPDX-License-Identifier: Apache-2.0
 * One exchange of a story, for a person. */
#pragma once

#include "audit/existing.h"
#include "commands/audit_ask.h"

enum { TELL_PROJECT, TELL_FLAVOR, TELL_POLICY_SET, TELL_CREDENTIAL, TELL_REPEATED };

/* Where one instance is told of. */
struct telling {
    struct buf out;
    struct arena arena;
    struct view last[TELL_REPEATED]; /* what was said already: again only if it changes */
};

void telling_init(struct telling *t);
void telling_done(struct telling *t);

/* Who asked for what, when, how it was judged, what came of it, and where its lines are. */
void tell_exchange(struct telling *t, const struct audit_exchange *exchange,
                   const struct audit_told *told, struct arena *scratch);
/* The same, as far as it is known, of a create that has no line any more. */
void tell_retired(struct telling *t, const struct open_instance *entry, struct arena *scratch);
