/* SPDX-License-Identifier: Apache-2.0
 * Lists as a cloud might answer them. Whatever is read has ids and statuses, counts what doesn't
 * surely hold nothing, and never has a total below zero but -1. */
#include "modelarts/listing.h"

#include "fuzz.h"

static void check_item(const struct listed_instance *item, enum family family)
{
    REQUIRE(item->family == family);
    REQUIRE(item->id.len > 0 && item->status.len > 0);
    REQUIRE(item->pool.ptr != NULL && item->workspace.len > 0);
    REQUIRE(item->exists || !item->runs);
    REQUIRE(item->created_us >= 0);
}

static void read_list(enum listing list, enum family family, const struct jdoc *doc,
                      struct arena *arena)
{
    struct listing_page page;
    struct listed_instance one;
    struct err err = {0};
    enum status status = modelarts_read_listing(list, doc, arena, &page, &err);

    if (status == STATUS_OK) {
        REQUIRE(page.total >= -1);
        for (size_t i = 0; i < page.count; i++)
            check_item(&page.items[i], family);
    } else {
        REQUIRE(err.status == status && err.text[0] != '\0');
    }
    if (modelarts_read_listed(family, doc, arena, &one, &err) == STATUS_OK)
        check_item(&one, family);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct jlimits limits = {.bytes = 65536, .depth = 64, .members = 8192};
    struct arena arena;
    struct jdoc doc;
    struct jfault fault;
    struct view *ids;
    size_t count;
    int64_t total;

    arena_init(&arena, 4096, (size_t)8 << 20);
    if (jdoc_read(view_of((const char *)data, size), &limits, &arena, &doc, &fault) == STATUS_OK) {
        read_list(LISTING_DEMANAGER, FAMILY_DEMANAGER, &doc, &arena);
        read_list(LISTING_NOTEBOOKS, FAMILY_NOTEBOOKS, &doc, &arena);
        if (modelarts_read_workspaces(&doc, &arena, &ids, &count, &total, NULL) == STATUS_OK) {
            for (size_t i = 0; i < count; i++)
                REQUIRE(ids[i].len > 0);
        }
    }
    arena_done(&arena);
    return 0;
}
