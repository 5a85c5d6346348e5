/* SPDX-License-Identifier: Apache-2.0
 * A case counts once for an item, however many lines speak of it. */
#include "trial/reach.h"

enum status reach_init(const struct policy_set *set, struct arena *arena, struct reach *ret)
{
    struct reach coverage = {.cases = 0};

    if (inventory_make(set, arena, &coverage.inventory) != STATUS_OK)
        return STATUS_NOMEM;
    coverage.counts = arena_array(arena, coverage.inventory.count, sizeof *coverage.counts);
    if (coverage.counts == NULL)
        return STATUS_NOMEM;
    *ret = coverage;
    return STATUS_OK;
}

static void count(struct reach *coverage, const struct inventory_item *item, bool acted)
{
    struct reach_count *counted;

    if (item == NULL)
        return;
    counted = &coverage->counts[item - coverage->inventory.items];
    if (counted->last != coverage->cases)
        counted->cases++;
    counted->last = coverage->cases;
    if (acted && counted->last_acted != coverage->cases) {
        counted->acted++;
        counted->last_acted = coverage->cases;
    }
}

static void count_line(struct reach *coverage, const struct trace_line *line)
{
    bool acted = line->what == TRACE_EDIT || line->what == TRACE_REFUSE ||
                 line->what == TRACE_QUOTA || view_eq(line->rule, VIEW("exception"));

    if (line->what != TRACE_NO_MATCH && line->what != TRACE_NOT_APPLIED)
        count(coverage, inventory_find_line(&coverage->inventory, line), acted);
}

/* The trace tells what happens; what warn and observe policies add up to shows in no line of it. */
static void count_judgement(struct reach *coverage, const struct judgement *judgement)
{
    for (size_t i = 0; i < judgement->reason_count; i++)
        count(coverage,
              inventory_find(&coverage->inventory, judgement->reasons[i].policy,
                             judgement->reasons[i].rule),
              true);
    for (size_t i = 0; i < judgement->edit_count; i++) {
        const struct edit *edit = &judgement->edits[i];

        count(coverage, inventory_find(&coverage->inventory, edit->policy, view_str(edit->rule)),
              true);
    }
}

void reach_add(struct reach *coverage, const struct decision *decision)
{
    coverage->cases++;
    if (decision == NULL)
        return;
    for (size_t i = 0; i < decision->trace_count; i++)
        count_line(coverage, &decision->trace[i]);
    if (decision->has_would)
        count_judgement(coverage, &decision->would);
}

bool reach_demands(const struct inventory_item *item)
{
    return !item->implied;
}
