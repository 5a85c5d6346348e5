/* SPDX-License-Identifier: Apache-2.0
 * The table of `postern test --coverage`. */
#include <stdio.h>

#include "commands/columns.h"
#include "commands/test.h"

enum { TABLE_ARENA_MAX = 256 << 20 };

/* NUL-terminated for a cell; "" when memory is out, which the table then says. */
static const char *cell(struct columns *t, struct view text)
{
    const char *copy = arena_strdup(t->arena, text);

    t->failed = t->failed || copy == NULL;
    return copy == NULL ? "" : copy;
}

static const char *number(struct columns *t, size_t value)
{
    struct view text = arena_printf(t->arena, "%zu", value);

    t->failed = t->failed || text.ptr == NULL;
    return text.ptr == NULL ? "" : text.ptr;
}

static struct view place_of(struct columns *t, const struct inventory_item *item,
                            const char *folder)
{
    if (item->at.file == NULL || item->at.line == 0)
        return VIEW_NONE;
    return arena_printf(t->arena, "%s/%s:%u:%u", folder, item->at.file, item->at.line,
                        item->at.column);
}

/* "exception alice-v100", "flavors.allow" */
static struct view rule_of(struct columns *t, const struct inventory_item *item)
{
    if (item->kind != INVENTORY_EXCEPTION)
        return item->rule;
    return arena_printf(t->arena, "%.*s %.*s", VIEW_ARGS(item->rule), VIEW_ARGS(item->name));
}

static void add_row(struct columns *t, const struct inventory_item *item,
                    const struct reach_count *count, const char *folder)
{
    columns_add(t, item->policy.ptr == NULL ? NULL : cell(t, item->policy));
    columns_add(t, cell(t, rule_of(t, item)));
    columns_add(t, item->mode);
    columns_add(t, number(t, count->cases));
    columns_add(t, item->kind == INVENTORY_MATCH ? NULL : number(t, count->acted));
    columns_add(t, item->at.line == 0 ? NULL : cell(t, place_of(t, item, folder)));
}

/* What nobody wrote is worth a row only if it was reached. */
static bool has_row(const struct inventory_item *item, const struct reach_count *count)
{
    return reach_demands(item) || count->cases > 0;
}

static void print_missed(struct columns *t, const struct inventory_item *item, const char *folder,
                         struct buf *out)
{
    struct view rule = rule_of(t, item), place = place_of(t, item, folder);

    buf_printf(out, "%.*s%s", VIEW_ARGS(place), place.ptr == NULL ? "" : ": ");
    if (item->policy.ptr != NULL)
        buf_printf(out, "policy %.*s: ", VIEW_ARGS(item->policy));
    buf_printf(out, "no case reaches %.*s\n", VIEW_ARGS(rule));
}

size_t test_print_coverage(const struct reach *coverage, const char *folder, struct buf *out)
{
    static const char *const heads[] = {"POLICY", "RULE", "MODE", "CASES", "ACTED", "AT"};
    const struct inventory_item *items = coverage->inventory.items;
    size_t missed = 0, demanded = 0;
    struct columns t;
    struct arena arena;

    arena_init(&arena, 1 << 16, TABLE_ARENA_MAX);
    columns_init(&t, &arena, heads, ARRAY_LEN(heads));
    for (size_t i = 0; i < coverage->inventory.count; i++) {
        if (has_row(&items[i], &coverage->counts[i]))
            add_row(&t, &items[i], &coverage->counts[i], folder);
    }
    columns_print(&t, out);
    for (size_t i = 0; i < coverage->inventory.count; i++) {
        bool demands = reach_demands(&items[i]), reached = coverage->counts[i].cases > 0;

        demanded += demands;
        missed += demands && !reached;
        if (demands && !reached)
            print_missed(&t, &items[i], folder, out);
    }
    buf_printf(out, "%zu of %zu rules, quotas and exceptions are reached\n", demanded - missed,
               demanded);
    if (t.failed)
        out->failed = STATUS_NOMEM;
    arena_done(&arena);
    return missed;
}
