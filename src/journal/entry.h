/* SPDX-License-Identifier: Apache-2.0
 * One entry of the fold: what it keeps of its line, and its text in a checkpoint. The room's own.
 */
#pragma once

#include "journal/open.h"

enum journal_entry_text {
    ENTRY_TIME,
    ENTRY_PROJECT,
    ENTRY_USER_ID,
    ENTRY_USER_NAME,
    ENTRY_USER_DOMAIN,
    ENTRY_NAME,
    ENTRY_FLAVOR,
    ENTRY_WORKSPACE,
    ENTRY_POOL,
    ENTRY_PROFILE,
    ENTRY_TEXTS,
};

struct open_entry {
    /* What a walk along a chain looks at stands together: each entry costs it one cache miss. */
    struct open_entry *next_id, *next_instance; /* chains of the tables */
    uint64_t id_hash, instance_hash;
    struct open_entry *older, *newer;
    const struct operation *operation;
    enum open_state state;
    bool orphan;
    struct open_key id, instance;
    int64_t time_us, auto_stop_s;
    /* Owned, or NULL: the line that told which flavor the instance has now. Kept as it is, since
     * folding a written line in must not need memory. */
    struct open_entry *flavor_of;
    unsigned known;             /* bit of each text that is there */
    uint16_t ends[ENTRY_TEXTS]; /* each text begins where the one before ends */
    char text[];
};

void entry_set_instance(struct open_entry *entry, const struct open_key *instance);
/* ptr NULL: absent. The flavor as the entry's own line had it. */
struct view journal_entry_text(const struct open_entry *entry, enum journal_entry_text which);
/* The entry as it is now; borrows from it. */
void journal_entry_item(const struct open_entry *entry, struct open_item *ret);
uint64_t open_key_hash(const struct open_key *key);
