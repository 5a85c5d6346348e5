/* SPDX-License-Identifier: Apache-2.0
 * A random walk of a ledger beside a cloud: creates, starts, changes and leases whose answers come,
 * are lost, or lie in the future; lists that lag; policy sets that change; memory that runs out.
 * After each step the ledger must agree with a plain recount of its entries, and what is really
 * there must be within the limits. A property that doesn't hold aborts. */
#pragma once

#include "policy/policy.h"

/* What a walk met, added up: a walk that meets nothing shows nothing. */
struct walk_sights {
    unsigned findings[8]; /* by enum scan_finding */
    unsigned granted, refused, spent, unclaimed;
};

struct walk_source {
    unsigned (*below)(void *user, unsigned limit); /* a choice, less than limit */
    bool (*more)(void *user);
    void *user;
    struct walk_sights *sights;
};
void quota_walk(const struct walk_source *source);
