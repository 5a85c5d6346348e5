/* SPDX-License-Identifier: Apache-2.0
 * What is done to the ledger as a whole. A change that takes entries or states over can't fail: it
 * is made first and counted then, and where memory is out for the counting the ledger is stale,
 * grants nothing, and counts all anew before the next reservation. */
#include <stdlib.h>

#include "quota/counter.h"

const struct reason_row quota_reasons[QUOTA_REASON_COUNT] = {
#define REASON(id, code, status, help) [QUOTA_REASON_##id] = {(code), (status), (help)},
#include "quota/reasons.def"
#undef REASON
};

static const char *const state_names[] = {
    [LEDGER_RESERVED] = "reserved",
    [LEDGER_UNKNOWN] = "unknown",
    [LEDGER_EXISTING] = "existing",
    [LEDGER_SPENT] = "spent",
};

const char *ledger_state_name(enum ledger_state state)
{
    return state_names[state];
}

bool ledger_state_find(struct view name, enum ledger_state *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(state_names); i++) {
        if (view_eq(name, view_str(state_names[i]))) {
            *ret = (enum ledger_state)i;
            return true;
        }
    }
    return false;
}

struct ledger *ledger_new(void)
{
    struct ledger *ledger = calloc(1, sizeof *ledger);

    if (ledger == NULL)
        return NULL;
    ledger->lists = calloc(LIST_COUNT, sizeof *ledger->lists);
    if (ledger->lists == NULL || !table_init(&ledger->ids) || !table_init(&ledger->instances) ||
        !table_init(&ledger->names))
        ledger_free(&ledger);
    return ledger;
}

void ledger_free(struct ledger **ledger)
{
    struct ledger *l = *ledger;

    if (l == NULL)
        return;
    tally_free(&l->tally);
    for (size_t i = 0; l->lists != NULL && i < LIST_COUNT; i++) {
        while (l->lists[i].first != NULL) {
            struct entry *entry = OWNER_OF(l->lists[i].first, struct entry, in_list);

            entry_unlist(l, entry);
            ledger_forget(l, entry);
        }
    }
    table_done(&l->ids);
    table_done(&l->instances);
    table_done(&l->names);
    free(l->lists);
    policy_set_unref(&l->set);
    free(l);
    *ledger = NULL;
}

/* ---- quotas in use ---- */

static struct tally *tally_of(struct ledger *ledger, const struct policy_set *set)
{
    size_t count;
    const struct quota *const *quotas = policy_set_quotas(set, &count);
    struct tally *tally = tally_new(quotas, count);

    if (tally != NULL && !tally_fill(tally, ledger))
        tally_free(&tally);
    return tally;
}

enum status ledger_use(struct ledger *ledger, struct policy_set *set, int64_t now_us)
{
    struct tally *tally = tally_of(ledger, set);
    struct policy_set *former = ledger->set;

    if (tally == NULL)
        return STATUS_NOMEM;
    ledger->set = policy_set_ref(set);
    tally_free(&ledger->tally);
    ledger->tally = tally;
    ledger->stale = false;
    policy_set_unref(&former);
    ledger_purge(ledger, now_us, false);
    return STATUS_OK;
}

/* The old numbers go first: they are wrong, and their memory is needed. */
bool ledger_recount(struct ledger *ledger)
{
    if (ledger->set == NULL)
        return true;
    tally_free(&ledger->tally);
    ledger->tally = tally_of(ledger, ledger->set);
    ledger->stale = ledger->tally == NULL;
    return !ledger->stale;
}

void ledger_count_orphans(struct ledger *ledger, bool count)
{
    if (ledger->ignore_orphans == !count)
        return;
    ledger->ignore_orphans = !count;
    (void)ledger_recount(ledger);
}

void ledger_watch(struct ledger *ledger, const struct ledger_watcher *watcher)
{
    ledger->watcher = *watcher;
}

/* ---- changes ---- */

void ledger_tell(const struct ledger *ledger, const struct entry *entry, bool gone)
{
    const struct ledger_item item = entry_item(entry);

    if (ledger->watcher.changed != NULL)
        ledger->watcher.changed(ledger->watcher.user, &item, gone);
}

void ledger_attach(struct ledger *ledger, struct entry *entry)
{
    entry_list(ledger, entry);
    group_count(ledger, entry->group, entry);
}

void ledger_detach(struct ledger *ledger, struct entry *entry)
{
    entry_unlist(ledger, entry);
    entry_uncharge(entry);
    group_take_out(entry);
    group_count(ledger, entry->group, NULL);
}

void ledger_forget(struct ledger *ledger, struct entry *entry)
{
    entry_leave(ledger, entry);
    entry_free(entry);
}

/* Without a set in use nobody knows what the one to come needs. */
static bool is_needed(const struct ledger *ledger, const struct entry *entry, int64_t now_us)
{
    int64_t window_us;

    if (entry->run_s < 0 || ledger->set == NULL)
        return entry->run_s >= 0;
    window_us = policy_set_window_us(ledger->set);
    return window_us > 0 && entry->in_list.time_us > now_us - window_us;
}

bool ledger_end(struct ledger *ledger, struct entry *entry, int64_t now_us)
{
    if (!is_needed(ledger, entry, now_us)) {
        ledger_detach(ledger, entry);
        ledger_tell(ledger, entry, true);
        return false;
    }
    entry_unlist(ledger, entry);
    group_take_out(entry);
    entry->state = LEDGER_SPENT;
    entry->running = false;
    entry_list(ledger, entry);
    group_count(ledger, entry->group, NULL);
    ledger_tell(ledger, entry, false);
    return true;
}

void ledger_correct(struct ledger *ledger, struct entry *entry, bool running,
                    struct shared_text *flavor, int64_t seen_us)
{
    entry_unlist(ledger, entry);
    if (flavor != NULL && !view_eq(shared_view(flavor), shared_view(entry->flavor))) {
        /* What ran under the former flavor stays charged for it. */
        if (entry->charged == NULL)
            entry->charged = entry->flavor;
        else
            shared_unref(&entry->flavor);
        entry->flavor = shared_ref(flavor);
    }
    entry->running = running;
    entry->changed_us = seen_us;
    entry->missed_us = 0;
    entry_list(ledger, entry);
    group_count(ledger, entry->group, NULL);
    ledger_tell(ledger, entry, false);
}

void ledger_purge(struct ledger *ledger, int64_t now_us, bool tell)
{
    struct link *oldest;

    if (ledger->set == NULL)
        return;
    while ((oldest = order_oldest(&ledger->lists[LIST_SPENT])) != NULL) {
        struct entry *entry = OWNER_OF(oldest, struct entry, in_list);

        if (is_needed(ledger, entry, now_us))
            break;
        ledger_detach(ledger, entry);
        if (tell)
            ledger_tell(ledger, entry, true);
        ledger_forget(ledger, entry);
    }
}

bool ledger_is_full(const struct ledger *ledger)
{
    return ledger->ids.count >= LEDGER_ENTRIES_MAX;
}

/* ---- settling ---- */

static void settle_existing(struct ledger *ledger, struct entry *entry, bool running,
                            int64_t now_us)
{
    entry_unlist(ledger, entry);
    entry->state = LEDGER_EXISTING;
    entry->running = running;
    entry->claimed = true;
    entry->changed_us = now_us;
    entry->missed_us = 0;
    entry_list(ledger, entry);
    group_count(ledger, entry->group, NULL);
    ledger_tell(ledger, entry, false);
}

/* What the cloud's list had of the instance before its creation was known is this entry's now. */
void ledger_settle_created(struct ledger *ledger, struct entry *entry, struct view instance,
                           int64_t now_us)
{
    struct entry *listed = NULL;
    bool running = true;

    if (!entry->group->known)
        (void)group_become(ledger, entry->group, instance);
    for (listed = entry->group->entries; listed != NULL; listed = listed->next) {
        if (listed->state == LEDGER_EXISTING && (listed->orphan || !listed->claimed))
            break;
    }
    if (listed != NULL) {
        running = listed->running;
        ledger_detach(ledger, listed);
        ledger_tell(ledger, listed, true);
        ledger_forget(ledger, listed);
    }
    /* What came of it is known: lists need not wait for its last moment to say that it is gone. */
    if (entry->settle_after_us > now_us)
        entry->settle_after_us = now_us;
    settle_existing(ledger, entry, running, now_us);
}

bool ledger_settle_done(struct ledger *ledger, struct entry *entry, int64_t now_us)
{
    struct entry *existing = group_existing(entry->group);
    enum entry_kind kind = entry_kind(entry);

    if (existing == NULL) {
        settle_existing(ledger, entry, true, now_us);
        return true;
    }
    if (kind == KIND_START)
        ledger_correct(ledger, existing, true, NULL, now_us);
    else if (kind == KIND_CHANGE)
        ledger_correct(ledger, existing, existing->running, entry->flavor, now_us);
    return ledger_end(ledger, entry, now_us);
}

static void settle_held(struct ledger *ledger, struct entry *entry, int64_t now_us)
{
    entry_unlist(ledger, entry);
    entry->state = LEDGER_UNKNOWN;
    entry->changed_us = now_us;
    entry_list(ledger, entry);
    ledger_tell(ledger, entry, false);
}

/* Created is said of creates, done of all others: one word serves for the other. */
static void settle_made(struct ledger *ledger, struct entry *entry, struct view instance,
                        int64_t now_us)
{
    bool has_instance = instance.len > 0 || entry->group->known;

    if (!has_instance)
        settle_held(ledger, entry, now_us);
    else if (entry_kind(entry) == KIND_CREATE)
        ledger_settle_created(ledger, entry, instance, now_us);
    else if (!ledger_settle_done(ledger, entry, now_us))
        ledger_forget(ledger, entry);
}

bool ledger_settle(struct ledger *ledger, struct view id, enum ledger_fate fate,
                   struct view instance, int64_t now_us)
{
    struct entry *entry = entry_find(ledger, id);

    if (entry == NULL || !entry_is_open(entry))
        return false;
    switch (fate) {
    case LEDGER_CREATED:
    case LEDGER_DONE:
        settle_made(ledger, entry, instance, now_us);
        break;
    case LEDGER_NOTHING:
        ledger_detach(ledger, entry);
        ledger_tell(ledger, entry, true);
        ledger_forget(ledger, entry);
        break;
    case LEDGER_HELD:
        settle_held(ledger, entry, now_us);
        break;
    }
    ledger_purge(ledger, now_us, true);
    return true;
}

/* ---- entries as they are ---- */

/* What is known of it beside the item stays, if the item says nothing new. */
static void inherit(struct entry *entry, const struct entry *old)
{
    if (entry->state != old->state || entry->running != old->running ||
        entry->group != old->group ||
        !view_eq(shared_view(entry->flavor), shared_view(old->flavor)))
        return;
    entry->changed_us = old->changed_us;
    entry->missed_us = old->missed_us;
    entry->charged = shared_ref(old->charged);
}

enum status ledger_put(struct ledger *ledger, const struct ledger_item *item, int64_t now_us)
{
    struct entry *old = entry_find(ledger, item->id), *entry;

    if (old == NULL && ledger_is_full(ledger))
        return STATUS_LIMIT;
    entry = entry_new(item);
    if (entry == NULL)
        return STATUS_NOMEM;
    if (!entry_join(ledger, entry, item->instance)) {
        entry_free(entry);
        return STATUS_NOMEM;
    }
    entry->changed_us = now_us;
    if (old != NULL) {
        inherit(entry, old);
        ledger_detach(ledger, old);
        ledger_forget(ledger, old);
    }
    ledger_attach(ledger, entry);
    ledger_purge(ledger, now_us, false);
    return STATUS_OK;
}

void ledger_drop(struct ledger *ledger, struct view id)
{
    struct entry *entry = entry_find(ledger, id);

    if (entry == NULL)
        return;
    ledger_detach(ledger, entry);
    ledger_forget(ledger, entry);
}

/* ---- reading ---- */

bool ledger_get(const struct ledger *ledger, struct view id, struct ledger_item *ret)
{
    const struct entry *entry = entry_find(ledger, id);

    if (entry != NULL)
        *ret = entry_item(entry);
    return entry != NULL;
}

bool ledger_find_instance(const struct ledger *ledger, struct view instance,
                          struct ledger_item *ret)
{
    const struct group *group = group_find(ledger, instance);
    const struct entry *entry = group == NULL ? NULL : group_existing(group);

    if (entry != NULL)
        *ret = entry_item(entry);
    return entry != NULL;
}

void ledger_each(const struct ledger *ledger,
                 bool (*each)(void *user, const struct ledger_item *item), void *user)
{
    struct link *next[LIST_COUNT];

    for (size_t i = 0; i < LIST_COUNT; i++)
        next[i] = order_oldest(&ledger->lists[i]);
    for (;;) {
        struct link **oldest = NULL;
        struct ledger_item item;

        for (size_t i = 0; i < LIST_COUNT; i++) {
            if (next[i] != NULL && (oldest == NULL || next[i]->time_us < (*oldest)->time_us))
                oldest = &next[i];
        }
        if (oldest == NULL)
            return;
        item = entry_item(OWNER_OF(*oldest, struct entry, in_list));
        *oldest = (*oldest)->next;
        if (!each(user, &item))
            return;
    }
}

struct ledger_counts ledger_count(const struct ledger *ledger)
{
    struct ledger_counts counts = ledger->counts;
    struct link *link = order_oldest(&ledger->lists[LIST_OPEN]);

    while (link != NULL && OWNER_OF(link, struct entry, in_list)->state != LEDGER_UNKNOWN)
        link = link->next;
    counts.oldest_unknown_us = link == NULL ? 0 : link->time_us;
    return counts;
}

static struct ledger_usage usage_of(const struct quota_use *use, struct counter *counter,
                                    int64_t now_us)
{
    struct ledger_usage usage = {.quota = use->quota};
    struct counter_key key = {0};
    wide used = 0;

    if (counter != NULL) {
        key = counter_key(counter);
        used = use_of(counter, now_us);
    }
    usage.project = key.per[0];
    usage.user = key.per[1];
    usage.domain = key.per[2];
    usage.workspace = key.per[3];
    usage.pool = key.per[4];
    usage.used = used > INT64_MAX ? INT64_MAX : (int64_t)used;
    return usage;
}

void ledger_each_use(struct ledger *ledger, int64_t now_us,
                     bool (*each)(void *user, const struct ledger_usage *usage), void *user)
{
    if (ledger->stale)
        (void)ledger_recount(ledger);
    for (size_t i = 0; ledger->tally != NULL && i < ledger->tally->count; i++) {
        struct quota_use *use = &ledger->tally->uses[i];
        struct counter *counter;
        bool once = use->quota->per == 0;

        use_expire(use, now_us);
        counter = use->counters;
        for (; counter != NULL || once; once = false) {
            const struct ledger_usage usage = usage_of(use, counter, now_us);

            if (!each(user, &usage))
                return;
            counter = counter == NULL ? NULL : counter->next;
        }
    }
}
