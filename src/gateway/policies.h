/* SPDX-License-Identifier: Apache-2.0
 * The policy set in force: published whole by a reload, pinned by each exchange when it is judged.
 */
#pragma once

#include <pthread.h>

#include "policy/policy.h"

struct policy_slot {
    pthread_mutex_t lock;
    struct policy_set *set;
    int64_t loaded_us; /* when the set in force was loaded */
    uint64_t reloads, failed_reloads;
    char last_error[512]; /* of the last reload, "" if it went well */
};

/* Takes the caller's reference over. */
void policy_slot_init(struct policy_slot *slot, struct policy_set *set, int64_t now_us);
/* A reference of the caller's own. */
struct policy_set *policy_slot_get(struct policy_slot *slot);
/* Publishes a new set (takes the reference over) and forgets the last error. */
void policy_slot_publish(struct policy_slot *slot, struct policy_set *set, int64_t now_us);
/* A reload failed: the set in force stays. */
void policy_slot_failed(struct policy_slot *slot, const char *error);
void policy_slot_done(struct policy_slot *slot);
