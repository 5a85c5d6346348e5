/* SPDX-License-Identifier: Apache-2.0
 * Who an id or a name stands for, and what of that exists now: what a story is made of, whatever
 * filter it is told under. What exists is what the list of what exists says (audit/existing.h), so
 * that the two never contradict each other on a journal that is whole; but a start that the last
 * checkpoint has dropped, since no budget needs it, is known to the story alone. */
#pragma once

#include "audit/existing.h"

enum {
    AUDIT_STORY_INSTANCES = 20,   /* of one name */
    AUDIT_STORY_EXCHANGES = 1000, /* of one page, where nobody says how many */
};

struct audit_story {
    const char *directory;        /* of the journal */
    struct arena *arena;          /* of all texts */
    struct audit_subject subject; /* for a filter; instances that were named last come first */
    bool more;                    /* more instances have the name: they are left out */
    bool looked;                  /* now is known */
    struct open_list now;         /* what of it exists, newest first */
};

/* who: an id or a name. directory: the index's. What exists is looked at only if it takes that to
 * know whom a name stands for. directory and arena are
 * borrowed for as long as the story lives; audit_story_done after STATUS_OK only. As
 * audit_query and open_collect. */
MUST_CHECK enum status audit_story_find(struct audit_index *index, const char *directory,
                                        struct view who, struct arena *arena,
                                        struct audit_story *ret, struct err *err);
/* Looks at what exists, if that isn't known. Reads a segment, so it may take tenths of a second. As
 * open_collect. */
MUST_CHECK enum status audit_story_look(struct audit_story *story, struct err *err);
/* What exists, by somebody who has all exchanges of the story; *now is taken. Its texts live in the
 * story's arena. */
void audit_story_know(struct audit_story *story, struct open_list *now);
void audit_story_done(struct audit_story *story);
