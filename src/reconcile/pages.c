/* SPDX-License-Identifier: Apache-2.0
 * Pages of a list are read one after the other while instances come and go. What shifted between
 * them shows as another total, or as an id that is there twice. */
#include "reconcile/pages.h"

#include <stdlib.h>
#include <string.h>

enum { ARENA_BLOCK = 65536, ARENA_MAX = 1 << 30, FIRST_ITEMS = 64 };

void pages_init(struct pages *pages)
{
    *pages = (struct pages){.total = -1};
    arena_init(&pages->arena, ARENA_BLOCK, ARENA_MAX);
}

void pages_done(struct pages *pages)
{
    arena_done(&pages->arena);
    free(pages->items);
    free(pages->workspaces);
    *pages = (struct pages){.total = -1};
}

void pages_reset(struct pages *pages)
{
    arena_reset(&pages->arena);
    pages->count = pages->workspace_count = 0;
    pages->why_void = NULL;
    pages_begin(pages);
}

void pages_begin(struct pages *pages)
{
    pages->from = pages->count;
    pages->seen = 0;
    pages->total = -1;
}

static enum pages_state make_void(struct pages *pages, const char *why)
{
    pages->why_void = why;
    return PAGES_VOID;
}

static enum pages_state count_page(struct pages *pages, size_t count, int64_t total)
{
    bool first = pages->seen == 0 && pages->total < 0;

    pages->seen += (int64_t)count;
    if (total < 0) {
        if (first && count < PAGE_RECORDS)
            return PAGES_END;
        return make_void(pages, "it doesn't say how many there are");
    }
    if (!first && total != pages->total)
        return make_void(pages, "another page says that there are more, or fewer");
    pages->total = total;
    if (pages->seen > total)
        return make_void(pages, "there are more than it says");
    if (pages->seen == total)
        return PAGES_END;
    return count > 0 ? PAGES_MORE : make_void(pages, "there are fewer than it says");
}

/* Room for one more; false: memory is out, or there are too many. */
static bool grow(void *at, size_t size, size_t count, size_t *cap, size_t most)
{
    void **items = at;
    size_t more = *cap == 0 ? FIRST_ITEMS : *cap * 2;
    void *grown;

    if (count < *cap)
        return true;
    if (count >= most)
        return false;
    grown = reallocarray(*items, more, size);
    if (grown == NULL)
        return false;
    *items = grown;
    *cap = more;
    return true;
}

static struct view keep(struct pages *pages, struct view text, bool *failed)
{
    struct view copy;

    if (text.ptr == NULL)
        return VIEW_NONE;
    if (text.len == 0)
        return VIEW("");
    copy = arena_copy(&pages->arena, text);
    *failed = *failed || copy.ptr == NULL;
    return copy;
}

static bool add_item(struct pages *pages, const struct listed_instance *from)
{
    bool failed = false;
    void *items = pages->items;
    struct scan_instance *item;

    if (!grow(&items, sizeof *pages->items, pages->count, &pages->cap, PAGES_ITEMS_MAX))
        return false;
    pages->items = items;
    item = &pages->items[pages->count];
    *item = (struct scan_instance){
        .family = from->family,
        .id = keep(pages, from->id, &failed),
        .name = keep(pages, from->name, &failed),
        .flavor = keep(pages, from->flavor, &failed),
        .workspace = keep(pages, from->workspace, &failed),
        .pool = keep(pages, from->pool, &failed),
        .user_id = keep(pages, from->user_id, &failed),
        .user_name = keep(pages, from->user_name, &failed),
        .domain = keep(pages, from->domain, &failed),
        .exists = from->exists,
        .runs = from->runs,
        .created_us = from->created_us,
    };
    if (!failed)
        pages->count++;
    return !failed;
}

static int compare_ids(const void *a, const void *b)
{
    const struct scan_instance *left = a, *right = b;

    return view_cmp(left->id, right->id);
}

/* Sorts the items of this list by their ids. */
static bool all_differ(struct pages *pages)
{
    size_t count = pages->count - pages->from;
    struct scan_instance *items = pages->items + pages->from;

    if (count < 2)
        return true;
    qsort(items, count, sizeof *items, compare_ids);
    for (size_t i = 1; i < count; i++) {
        if (view_eq(items[i - 1].id, items[i].id))
            return false;
    }
    return true;
}

enum pages_state pages_add(struct pages *pages, const struct listing_page *page)
{
    enum pages_state state = count_page(pages, page->count, page->total);

    for (size_t i = 0; state != PAGES_VOID && i < page->count; i++) {
        if (!add_item(pages, &page->items[i]))
            return make_void(pages, "it is larger than can be held");
    }
    if (state == PAGES_END && !all_differ(pages))
        return make_void(pages, "an instance is on two of its pages");
    return state;
}

bool pages_add_workspace(struct pages *pages, struct view id)
{
    void *items = pages->workspaces;
    bool failed = false;

    for (size_t i = 0; i < pages->workspace_count; i++) {
        if (view_eq(pages->workspaces[i], id))
            return true;
    }
    if (!grow(&items, sizeof *pages->workspaces, pages->workspace_count, &pages->workspace_cap,
              PAGES_WORKSPACES_MAX))
        return false;
    pages->workspaces = items;
    pages->workspaces[pages->workspace_count] = keep(pages, id, &failed);
    if (!failed)
        pages->workspace_count++;
    return !failed;
}

enum pages_state pages_add_workspaces(struct pages *pages, const struct view *ids, size_t count,
                                      int64_t total)
{
    enum pages_state state = count_page(pages, count, total);

    for (size_t i = 0; state != PAGES_VOID && i < count; i++) {
        if (!pages_add_workspace(pages, ids[i]))
            return make_void(pages, "there are too many workspaces");
    }
    if (state == PAGES_END && pages->workspace_count != (size_t)pages->seen)
        return make_void(pages, "a workspace is on two of its pages");
    return state;
}

/* By id, of one id the later list first: what it says is newer. Lists came one after the other, so
 * that the place in the array tells. */
struct ranked {
    struct scan_instance item;
    size_t at;
};

static int compare_ranked(const void *a, const void *b)
{
    const struct ranked *left = a, *right = b;
    int order = view_cmp(left->item.id, right->item.id);

    if (order != 0)
        return order;
    return left->at > right->at ? -1 : 1;
}

static int compare_times(const void *a, const void *b)
{
    const struct scan_instance *left = a, *right = b;

    if (left->created_us != right->created_us)
        return left->created_us < right->created_us ? -1 : 1;
    return view_cmp(left->id, right->id);
}

bool pages_finish(struct pages *pages, struct view domain)
{
    struct ranked *all = reallocarray(NULL, pages->count + 1, sizeof *all);
    size_t kept = 0;

    if (all == NULL)
        return false;
    for (size_t i = 0; i < pages->count; i++)
        all[i] = (struct ranked){pages->items[i], i};
    qsort(all, pages->count, sizeof *all, compare_ranked);
    for (size_t i = 0; i < pages->count; i++) {
        if (i > 0 && view_eq(all[i - 1].item.id, all[i].item.id))
            continue;
        pages->items[kept] = all[i].item;
        if (domain.len > 0)
            pages->items[kept].domain = domain;
        kept++;
    }
    free(all);
    pages->count = kept;
    if (kept > 1)
        qsort(pages->items, kept, sizeof *pages->items, compare_times);
    return true;
}
