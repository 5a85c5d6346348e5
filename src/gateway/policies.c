/* SPDX-License-Identifier: Apache-2.0
 * Publishing and pinning policy sets. The lock is held for a pointer's copy, never over work. */
#include "gateway/policies.h"

#include <stdio.h>

void policy_slot_init(struct policy_slot *slot, struct policy_set *set, int64_t now_us)
{
    *slot = (struct policy_slot){.set = set, .loaded_us = now_us};
    (void)pthread_mutex_init(&slot->lock, NULL);
}

struct policy_set *policy_slot_get(struct policy_slot *slot)
{
    struct policy_set *set;

    (void)pthread_mutex_lock(&slot->lock);
    set = policy_set_ref(slot->set);
    (void)pthread_mutex_unlock(&slot->lock);
    return set;
}

void policy_slot_publish(struct policy_slot *slot, struct policy_set *set, int64_t now_us)
{
    struct policy_set *old;

    (void)pthread_mutex_lock(&slot->lock);
    old = slot->set;
    slot->set = set;
    slot->loaded_us = now_us;
    slot->reloads++;
    slot->last_error[0] = '\0';
    (void)pthread_mutex_unlock(&slot->lock);
    policy_set_unref(&old);
}

void policy_slot_failed(struct policy_slot *slot, const char *error)
{
    (void)pthread_mutex_lock(&slot->lock);
    slot->failed_reloads++;
    (void)snprintf(slot->last_error, sizeof slot->last_error, "%s", error);
    (void)pthread_mutex_unlock(&slot->lock);
}

void policy_slot_done(struct policy_slot *slot)
{
    policy_set_unref(&slot->set);
    (void)pthread_mutex_destroy(&slot->lock);
}
