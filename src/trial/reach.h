/* SPDX-License-Identifier: Apache-2.0
 * Which items of a set's inventory cases reach. Reached is what a judgement speaks of: a policy
 * that matches, a rule that judges (whether it is kept, edits or refuses), a quota that is asked,
 * an exception that is used. */
#pragma once

#include "policy/inventory.h"

struct reach_count {
    size_t cases;            /* that reached the item */
    size_t acted;            /* of those, where it edited or refused, was asked or was used */
    size_t last, last_acted; /* the number of the case that was counted last */
};

struct reach {
    struct inventory inventory;
    struct reach_count *counts; /* one for each item */
    size_t cases;
};

MUST_CHECK enum status reach_init(const struct policy_set *set, struct arena *arena,
                                  struct reach *ret);
/* Counts one more case. decision: with its trace; NULL: no policy was asked. */
void reach_add(struct reach *coverage, const struct decision *decision);
/* Whether a case has to reach it: what nobody wrote doesn't. */
bool reach_demands(const struct inventory_item *item);
