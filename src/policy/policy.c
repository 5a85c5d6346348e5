/* SPDX-License-Identifier: Apache-2.0
 * The set as others hold it, and the words of decisions. */
#include <stdlib.h>

#include "policy/set.h"

const struct reason_row policy_reasons[POLICY_REASON_COUNT] = {
#define REASON(id, code, status, help) [POLICY_##id] = {code, status, help},
#include "policy/reasons.def"
#undef REASON
};

struct policy_set *policy_set_ref(struct policy_set *set)
{
    atomic_fetch_add_explicit(&set->references, 1, memory_order_relaxed);
    return set;
}

void policy_set_unref(struct policy_set **set)
{
    struct policy_set *held = set == NULL ? NULL : *set;

    if (set != NULL)
        *set = NULL;
    if (held == NULL || atomic_fetch_sub_explicit(&held->references, 1, memory_order_acq_rel) != 1)
        return;
    arena_done(&held->arena);
    free(held);
}

const char *policy_set_digest(const struct policy_set *set)
{
    return set->digest;
}

size_t policy_set_policies(const struct policy_set *set)
{
    return set->policy_count;
}

size_t policy_set_exceptions(const struct policy_set *set)
{
    return set->exception_count;
}

const char *verdict_name(enum verdict verdict)
{
    switch (verdict) {
    case VERDICT_ALLOW:
        return "allow";
    case VERDICT_REWRITE:
        return "rewrite";
    case VERDICT_REFUSE:
        return "refuse";
    }
    return "refuse";
}
