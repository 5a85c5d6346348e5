/* SPDX-License-Identifier: Apache-2.0
 * The policy sets that lines name, each held once against its copy. Pure, but for who looks at a
 * copy. */
#pragma once

#include "base/digest.h"
#include "proof/pairs.h"

/* What stands under a set's digest. */
enum sets_copy {
    SETS_KEPT,    /* that set */
    SETS_MISSING, /* nothing, or nothing that whoever looks may read: it may have been left behind
                   */
    SETS_OTHER    /* another one, or what can't be read */
};

struct sets_report {
    uint64_t named, kept, missing, other;
    char first_missing[DIGEST_HEX_BYTES + 1]; /* if there is one */
};

struct sets {
    /* Looks at the copy of the set of that digest, 64 hex digits and a NUL. SETS_OTHER: err says
     * how that is seen, for people. NULL: none is looked at. */
    enum sets_copy (*look)(const char *sets, const char *digest, struct err *err);
    const char *folder;
    struct fault_list *faults;
    struct sets_report report;
    struct pairs seen;
    char last[DIGEST_HEX_BYTES]; /* most lines name the same as the one before */
};

/* Of a line that counts; text: its `policy_set`, none where ptr is NULL. One that isn't a digest
 * names nothing. STATUS_NOMEM; STATUS_LIMIT: there are more than PAIRS_MAX. */
MUST_CHECK enum status sets_add(struct sets *sets, struct view text, struct fault_place at);
void sets_done(struct sets *sets);
