/* SPDX-License-Identifier: Apache-2.0
 * What the tests of the quota room share: a ledger with a set of quotas, and short ways to ask it.
 */
#pragma once

#include "support/test.h"

#include "policy/policy.h"
#include "quota/scan.h"

#define SECOND INT64_C(1000000)
#define HOUR   (3600 * SECOND)

struct world {
    struct ledger *ledger;
    struct policy_set *set;
    struct arena arena;
    int64_t now_us;
    const struct reason *reasons; /* of the last ask */
    size_t reason_count;
};

/* quotas: the lines of a policy's list; weights: a mapping, or NULL. */
struct policy_set *quotas_from(const char *quotas, const char *weights);
void world_begin(struct world *w, const char *quotas, const char *weights);
void world_end(struct world *w);

/* In project p, workspace 0, no pool, domain d, an hour's run. flavor and instance may be NULL. */
struct ledger_item make_item(const struct world *w, enum operation_id op, const char *id,
                             const char *user, const char *flavor, const char *instance);
/* The same as an existing instance. */
struct ledger_item make_existing(const struct world *w, const char *id, const char *user,
                                 const char *flavor, const char *instance);
void put(struct world *w, const struct ledger_item *item);
/* Asks all quotas of that set that the operation asks. */
enum ledger_answer ask_set(struct world *w, const struct ledger_item *item,
                           const struct policy_set *set, bool take);
enum ledger_answer ask(struct world *w, const struct ledger_item *item);
bool settle(struct world *w, const char *id, enum ledger_fate fate, const char *instance);
/* What a quota has in use for that user (NULL: not by user, or the only group); -1: no such group.
 */
int64_t use(struct world *w, const char *quota, const char *user);
/* "reserved", ..., "" when there is no such entry. */
const char *state_of(const struct world *w, const char *id);
const struct quota *quota_of(const struct policy_set *set, const char *name);
