/* SPDX-License-Identifier: Apache-2.0
 * Reservations: what is asked for is drafted in the counters, compared with the limits, and then
 * kept or dropped as a whole. */
#include "quota/counter.h"

struct asking {
    struct ledger *ledger;
    const struct ledger_ask *ask;
    int64_t now_us;
    struct arena *arena;
    struct entry *entry;
    struct tally *other;     /* quotas that aren't in use, counted for this ask alone; or NULL */
    struct draft main, side; /* in the quotas in use, and in the others */
    struct reason *reasons;
    size_t count;
};

static bool is_looked_at(const struct ledger_ask *ask, const struct quota_demand *demand)
{
    return demand->enforced == ask->enforced;
}

/* Between two policy sets: the request was judged by one that isn't in use (yet, or any more).
 * Counting all anew is slow, right, and rare. */
static bool count_others(struct asking *a)
{
    const struct ledger_ask *ask = a->ask;
    const struct quota **others =
        arena_array(a->arena, ask->demand_count, sizeof(const struct quota *));
    size_t count = 0;

    if (others == NULL)
        return false;
    for (size_t i = 0; i < ask->demand_count; i++) {
        if (is_looked_at(ask, &ask->demands[i]) &&
            tally_find(a->ledger->tally, ask->demands[i].quota) == NULL)
            others[count++] = ask->demands[i].quota;
    }
    if (count == 0)
        return true;
    a->other = tally_new(others, count);
    return a->other != NULL && tally_fill(a->other, a->ledger);
}

static struct reason *next_reason(struct asking *a)
{
    return &a->reasons[a->count++];
}

/* A create that nobody knows the outcome of may have made an instance of this name. */
static bool check_pending(struct asking *a)
{
    const struct ledger_item *item = &a->ask->item;
    enum family family = item->op == NULL ? FAMILY_NONE : item->op->family;
    const struct entry *other = NULL;

    if (entry_kind(a->entry) != KIND_CREATE || item->name.ptr == NULL || !a->ask->enforced)
        return true;
    while ((other = entry_named(a->ledger, item->project, item->name, other)) != NULL) {
        enum family its = other->op == NULL ? FAMILY_NONE : other->op->family;

        if (its == family || its == FAMILY_NONE || family == FAMILY_NONE)
            return refuse_pending(item, a->arena, next_reason(a));
    }
    return true;
}

/* Where the quota is counted, and what is drafted there. */
static const struct quota_use *use_for(const struct asking *a, const struct quota *quota,
                                       const struct draft **ret_draft)
{
    const struct quota_use *use = tally_find(a->ledger->tally, quota);

    *ret_draft = &a->main;
    if (use != NULL)
        return use;
    *ret_draft = &a->side;
    for (size_t i = 0; i < a->other->count; i++) {
        if (a->other->uses[i].quota == quota)
            use = &a->other->uses[i];
    }
    return use;
}

/* Whether what is drafted in the counters of this quota fits beside what is there. */
static bool has_room(const struct quota_use *use, const struct member *drafted, int64_t now_us,
                     struct lack *lack)
{
    for (; drafted != NULL; drafted = drafted->next) {
        wide used;

        if (drafted->counter->use != use)
            continue;
        used = use_of(drafted->counter, now_us);
        lack->more += drafted->amount;
        if (lack->counter == NULL || used > lack->used) {
            lack->counter = drafted->counter;
            lack->used = used;
        }
    }
    return lack->more == 0 || lack->used + lack->more <= lack->quota->limit;
}

static bool is_endless(const struct entry *entry, const struct quota *quota)
{
    return quota->counts == QUOTA_HOURS && entry->run_s < 0 && entry_kind(entry) != KIND_CHANGE &&
           entry_is_charged_by(entry, quota);
}

static bool check_demand(struct asking *a, const struct quota *quota)
{
    const struct draft *draft;
    const struct quota_use *use = use_for(a, quota, &draft);
    const struct member *drafted = quota->counts == QUOTA_HOURS ? draft->charges : draft->fresh;
    struct lack lack = {.asked = &a->ask->item, .quota = quota};

    if (is_endless(a->entry, quota))
        return refuse_endless(quota, a->arena, next_reason(a));
    if (has_room(use, drafted, a->now_us, &lack))
        return true;
    return refuse_lack(&lack, a->arena, next_reason(a));
}

static bool check_all(struct asking *a)
{
    const struct ledger_ask *ask = a->ask;

    a->reasons = arena_array(a->arena, ask->demand_count + 1, sizeof *a->reasons);
    if (a->reasons == NULL || !check_pending(a))
        return false;
    for (size_t i = 0; i < ask->demand_count; i++) {
        if (is_looked_at(ask, &ask->demands[i]) && !check_demand(a, ask->demands[i].quota))
            return false;
    }
    return true;
}

/* With the drafts made: whether the entry stays. */
static enum ledger_answer decide(struct asking *a)
{
    bool take = a->ask->take && a->ask->enforced;

    if (!check_all(a))
        return LEDGER_FAILED;
    if (a->count > 0)
        return LEDGER_REFUSED;
    if (take && a->ledger->tally != NULL)
        draft_keep(&a->main);
    return LEDGER_GRANTED;
}

static bool make_draft(struct asking *a, struct draft *draft, struct tally *tally)
{
    return tally == NULL || draft_make(draft, a->ledger, tally, a->entry->group, a->entry);
}

static void drop_draft(struct draft *draft)
{
    if (draft->tally != NULL)
        draft_drop(draft);
}

/* With the entry in its group, and out of it again unless it was taken. */
static enum ledger_answer ask_for(struct asking *a)
{
    struct ledger *ledger = a->ledger;
    enum ledger_answer answer = LEDGER_FAILED;
    bool taken = false;

    if (make_draft(a, &a->main, ledger->tally)) {
        if (make_draft(a, &a->side, a->other)) {
            answer = decide(a);
            drop_draft(&a->side);
        }
        taken = answer == LEDGER_GRANTED && a->ask->take && a->ask->enforced;
        if (!taken)
            drop_draft(&a->main);
    }
    if (!taken)
        return answer;
    entry_list(ledger, a->entry);
    ledger_tell(ledger, a->entry, false);
    a->entry = NULL;
    return answer;
}

enum ledger_answer ledger_reserve(struct ledger *ledger, const struct ledger_ask *ask,
                                  int64_t now_us, struct arena *arena,
                                  const struct reason **ret_reasons, size_t *ret_count)
{
    struct asking a = {.ledger = ledger, .ask = ask, .now_us = now_us, .arena = arena};
    enum ledger_answer answer = LEDGER_FAILED;

    ledger_purge(ledger, now_us, true);
    if ((ledger->stale && !ledger_recount(ledger)) || ledger_is_full(ledger) ||
        entry_find(ledger, ask->item.id) != NULL)
        return LEDGER_FAILED;
    a.entry = entry_new(&ask->item);
    if (a.entry == NULL)
        return LEDGER_FAILED;
    a.entry->state = LEDGER_RESERVED;
    a.entry->claimed = true;
    a.entry->orphan = false;
    a.entry->changed_us = now_us;
    if (count_others(&a) && entry_join(ledger, a.entry, ask->item.instance)) {
        answer = ask_for(&a);
        if (a.entry != NULL)
            entry_leave(ledger, a.entry);
    }
    if (a.entry != NULL)
        entry_free(a.entry);
    tally_free(&a.other);
    if (answer == LEDGER_REFUSED) {
        *ret_reasons = a.reasons;
        *ret_count = a.count;
    }
    return answer;
}
