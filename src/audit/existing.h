/* SPDX-License-Identifier: Apache-2.0
 * What exists by the journal now: from its last checkpoint and the lines behind it. No index is
 * needed. */
#pragma once

#include "audit/query.h"
#include "journal/recover.h"

/* Texts live in the arena; ptr NULL where the journal doesn't say. */
struct open_instance {
    struct view id; /* of the intent or orphan line */
    struct view user_id, user_name, project, flavor, instance, name;
    int64_t since_us; /* of that line */
    int64_t until_us; /* it is stopped then, by its last start that is known; 0: nothing says so */
    enum open_state state;
    bool orphan;
};
struct open_list {
    struct open_instance *list; /* newest first; free it */
    size_t count;
    char damage[RECOVERY_TEXT_BYTES]; /* "": the journal's end is well; else the list may be wrong:
                                         it is of the lines that can be read, those behind the
                                         damage too */
};
/* Whether an entry that has this name, cut as all are, is of that name or pattern; one of another
 * name that begins with so many of the same bytes is, too. */
bool open_has_name(struct view wanted, struct view name);
/* The same of a table, without damage. */
MUST_CHECK enum status open_list_of(const struct open_table *table,
                                    const struct audit_filter *filter, struct arena *arena,
                                    struct open_list *ret, struct err *err);
/* By user, project, flavor, instance, operation and period of the filter. STATUS_IO; STATUS_NOMEM;
 * STATUS_INVALID: as salvage_read. */
MUST_CHECK enum status open_collect(const char *directory, const struct audit_filter *filter,
                                    struct arena *arena, struct open_list *ret, struct err *err);
