/* SPDX-License-Identifier: Apache-2.0
 * From pages to one list of instances that can be trusted to be whole. Pure. Private to the room.
 */
#pragma once

#include "base/arena.h"
#include "modelarts/listing.h"
#include "quota/scan.h"

enum {
    PAGE_RECORDS = 50, /* the most that every version of the notebooks list gives */
    PAGES_ITEMS_MAX = LEDGER_ENTRIES_MAX,
    PAGES_WORKSPACES_MAX = 10000,
};

enum pages_state {
    PAGES_MORE, /* another page is to be asked for */
    PAGES_END,  /* the list is whole */
    PAGES_VOID, /* it changed while it was read, or can't be held: nothing is proved */
};

struct pages {
    struct arena arena; /* texts of the items, and of the workspaces */
    struct scan_instance *items;
    size_t count, cap;
    struct view *workspaces; /* each once */
    size_t workspace_count, workspace_cap;
    size_t from;          /* first item of the list that is being read */
    int64_t seen, total;  /* records of that list; total -1: no page yet */
    const char *why_void; /* our own words */
};

void pages_init(struct pages *pages);
void pages_done(struct pages *pages);
/* Forgets all, for another scan. */
void pages_reset(struct pages *pages);
/* A list begins. pages->seen is the offset to ask for. */
void pages_begin(struct pages *pages);
/* A page of it came. Whole is a list whose pages name one total, and whose ids are different and as
 * many; without a total only one page that isn't full. */
MUST_CHECK enum pages_state pages_add(struct pages *pages, const struct listing_page *page);
MUST_CHECK enum pages_state pages_add_workspaces(struct pages *pages, const struct view *ids,
                                                 size_t count, int64_t total);
/* One more workspace, if it isn't there. False: there are too many, or memory is out. */
MUST_CHECK bool pages_add_workspace(struct pages *pages, struct view id);
/* All lists are whole: each instance once (the later reading of two, by lists that overlap), oldest
 * first. domain: that of the project, if it is known; must live as long. False: memory is out. */
MUST_CHECK bool pages_finish(struct pages *pages, struct view domain);
