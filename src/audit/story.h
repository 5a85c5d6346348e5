/* SPDX-License-Identifier: Apache-2.0
 * Who an id or a name stands for, and what of that exists now: what a story is made of, whatever
 * filter it is told under. What exists is what the list of what exists says (audit/existing.h), so
 * that the two never contradict each other. */
#pragma once

#include "audit/existing.h"

enum {
    AUDIT_STORY_INSTANCES = 20,   /* of one name */
    AUDIT_STORY_EXCHANGES = 1000, /* of one page, where nobody says how many */
};

struct audit_story {
    struct audit_subject subject; /* for a filter; instances that were named last come first */
    bool more;                    /* more instances have the name: they are left out */
    struct open_list now;         /* what of it exists, newest first */
};

/* who: an id or a name. directory: the index's. Texts live in the arena; audit_story_done after
 * STATUS_OK only. As audit_query and open_collect. */
MUST_CHECK enum status audit_story_find(struct audit_index *index, const char *directory,
                                        struct view who, struct arena *arena,
                                        struct audit_story *ret, struct err *err);
void audit_story_done(struct audit_story *story);
