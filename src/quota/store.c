/* SPDX-License-Identifier: Apache-2.0
 * What both kinds of store have in common, and all of the local one: a lock around a ledger. */
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "quota/idmap.h"
#include "quota/shared.h"

const struct reason *store_reason(enum quota_reason reason)
{
#define REASON(id, code, status, help) \
    [QUOTA_REASON_##                   \
        id] = {.row = &quota_reasons[QUOTA_REASON_##id], .message = {help, sizeof(help) - 1}},
    static const struct reason reasons[QUOTA_REASON_COUNT] = {
#include "quota/reasons.def"
    };
#undef REASON

    return &reasons[reason];
}

bool store_is_checked(const struct ledger_ask *ask)
{
    for (size_t i = 0; i < ask->demand_count; i++) {
        if (ask->demands[i].enforced)
            return true;
    }
    return false;
}

static enum quota_answer refuse(enum quota_reason reason, const struct reason **ret_reasons,
                                size_t *ret_count)
{
    *ret_reasons = store_reason(reason);
    *ret_count = 1;
    return QUOTA_REFUSED;
}

enum quota_answer store_decide(struct quota_store *store, const struct ledger_ask *ask,
                               struct arena *arena, const struct reason **ret_reasons,
                               size_t *ret_count)
{
    struct ledger_ask own = *ask;

    if (store->waits_for_scan && ask->enforced && store_is_checked(ask))
        return refuse(QUOTA_REASON_NOT_SCANNED, ret_reasons, ret_count);
    own.item.gateway = store->gateway;
    switch (ledger_reserve(store->ledger, &own, clock_now_us(), arena, ret_reasons, ret_count)) {
    case LEDGER_GRANTED:
        return QUOTA_GRANTED;
    case LEDGER_REFUSED:
        return QUOTA_REFUSED;
    case LEDGER_FAILED:
        break;
    }
    return refuse(QUOTA_REASON_FAILED, ret_reasons, ret_count);
}

void store_count(struct quota_store *store, enum quota_answer answer, const struct reason *reasons,
                 size_t count)
{
    enum { UNAVAILABLE = 503 };

    if (answer == QUOTA_GRANTED)
        store->granted++;
    else if (count > 0 && reasons[0].row->status == UNAVAILABLE)
        store->unavailable++;
    else
        store->refused++;
}

enum status quota_store_open(const struct quota_settings *settings, struct policy_set *set,
                             struct quota_store **ret, struct err *err)
{
    struct quota_store *store = calloc(1, sizeof *store);

    if (store == NULL || pthread_mutex_init(&store->lock, NULL) != 0) {
        free(store);
        return err_set(err, STATUS_NOMEM, "no memory for the ledger of quotas");
    }
    store->ledger = ledger_new();
    if (store->ledger == NULL || ledger_use(store->ledger, set, clock_now_us()) != STATUS_OK) {
        quota_store_close(&store);
        return err_set(err, STATUS_NOMEM, "no memory for the ledger of quotas");
    }
    ledger_count_orphans(store->ledger, settings->count_orphans);
    store->must_scan = settings->must_scan;
    if (settings->url != NULL) {
        enum status status = shared_open(store, settings, err);

        if (status != STATUS_OK) {
            quota_store_close(&store);
            return status;
        }
    }
    *ret = store;
    return STATUS_OK;
}

void quota_store_close(struct quota_store **store)
{
    struct quota_store *gone = *store;

    if (gone == NULL)
        return;
    shared_close(&gone->shared);
    ledger_free(&gone->ledger);
    (void)pthread_mutex_destroy(&gone->lock);
    free(gone);
    *store = NULL;
}

enum status quota_store_load(struct quota_store *store, const struct ledger_item *item)
{
    enum status status;

    (void)pthread_mutex_lock(&store->lock);
    status = ledger_put(store->ledger, item, clock_now_us());
    (void)pthread_mutex_unlock(&store->lock);
    return status;
}

static bool one_is_enough(void *user, const struct ledger_item *item)
{
    (void)item;
    *(bool *)user = true;
    return false;
}

void quota_store_loaded(struct quota_store *store)
{
    bool some = false;

    if (store->shared != NULL)
        return;
    (void)pthread_mutex_lock(&store->lock);
    ledger_each(store->ledger, one_is_enough, &some);
    store->waits_for_scan = !some && store->must_scan;
    (void)pthread_mutex_unlock(&store->lock);
}

enum status quota_store_use(struct quota_store *store, struct policy_set *set)
{
    enum status status;

    (void)pthread_mutex_lock(&store->lock);
    status = ledger_use(store->ledger, set, clock_now_us());
    (void)pthread_mutex_unlock(&store->lock);
    return status;
}

enum quota_answer quota_look(struct quota_store *store, const struct ledger_ask *ask,
                             struct arena *arena, const struct reason **ret_reasons,
                             size_t *ret_count)
{
    struct ledger_ask look = *ask;
    enum quota_answer answer;

    look.take = false;
    (void)pthread_mutex_lock(&store->lock);
    answer = store_decide(store, &look, arena, ret_reasons, ret_count);
    (void)pthread_mutex_unlock(&store->lock);
    return answer;
}

void quota_settle(struct quota_store *store, struct view id, enum ledger_fate fate,
                  struct view instance)
{
    (void)pthread_mutex_lock(&store->lock);
    (void)ledger_settle(store->ledger, id, fate, instance, clock_now_us());
    (void)pthread_mutex_unlock(&store->lock);
}

int64_t quota_send_before_us(struct quota_store *store)
{
    int64_t until_us = INT64_MAX;

    if (store->shared == NULL)
        return until_us;
    (void)pthread_mutex_lock(&store->lock);
    until_us = store->shared->send_before_us;
    (void)pthread_mutex_unlock(&store->lock);
    return until_us;
}

static bool copy_item(struct arena *arena, struct ledger_item *item)
{
    struct view *const texts[] = {&item->id,     &item->project,   &item->user_id, &item->user_name,
                                  &item->domain, &item->workspace, &item->pool,    &item->flavor,
                                  &item->name,   &item->instance,  &item->gateway};

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (texts[i]->ptr == NULL)
            continue;
        *texts[i] = arena_copy(arena, *texts[i]);
        if (texts[i]->ptr == NULL)
            return false;
    }
    return true;
}

bool quota_find_instance(struct quota_store *store, struct view instance, struct arena *arena,
                         struct ledger_item *ret)
{
    struct ledger_item item;
    bool found;

    (void)pthread_mutex_lock(&store->lock);
    found = ledger_find_instance(store->ledger, instance, &item) && copy_item(arena, &item);
    (void)pthread_mutex_unlock(&store->lock);
    if (found)
        *ret = item;
    return found;
}

enum status quota_reconcile(struct quota_store *store, const struct scan *scan,
                            const struct scan_rules *rules)
{
    struct scan_rules own = *rules;
    enum status status = STATUS_TIMEOUT;

    (void)pthread_mutex_lock(&store->lock);
    /* What the lists show was reserved before they were read, perhaps by another gateway: without
     * its reservation an instance would be taken for an orphan. */
    if (store->shared == NULL || shared_catch_up(store->shared)) {
        own.mine = store->gateway;
        own.leads = store->shared == NULL || shared_leads(store->shared);
        status = ledger_reconcile(store->ledger, scan, &own, clock_now_us());
    }
    (void)pthread_mutex_unlock(&store->lock);
    return status;
}

struct projects {
    struct arena *arena;
    struct idmap *seen;
    struct view *items;
    size_t count, cap;
    bool failed;
};

static bool make_room(struct projects *projects)
{
    size_t cap = projects->cap == 0 ? 16 : projects->cap * 2;
    struct view *grown;

    if (projects->count < projects->cap)
        return true;
    grown = arena_array(projects->arena, cap, sizeof *grown);
    if (grown == NULL)
        return false;
    if (projects->count > 0)
        memcpy(grown, projects->items, projects->count * sizeof *grown);
    projects->items = grown;
    projects->cap = cap;
    return true;
}

static bool add_project(void *user, const struct ledger_item *item)
{
    struct projects *projects = user;
    void **slot = item->project.len == 0 ? NULL : idmap_slot(projects->seen, item->project);
    struct view copy;

    if (item->project.len == 0 || (slot != NULL && *slot != NULL))
        return true;
    copy = slot == NULL || !make_room(projects) ? VIEW_NONE
                                                : arena_copy(projects->arena, item->project);
    projects->failed = copy.ptr == NULL;
    if (projects->failed)
        return false;
    *slot = projects;
    projects->items[projects->count++] = copy;
    return true;
}

enum status quota_projects(struct quota_store *store, struct arena *arena, struct view **ret,
                           size_t *ret_count)
{
    struct projects projects = {.arena = arena, .seen = idmap_new()};

    if (projects.seen == NULL)
        return STATUS_NOMEM;
    (void)pthread_mutex_lock(&store->lock);
    ledger_each(store->ledger, add_project, &projects);
    (void)pthread_mutex_unlock(&store->lock);
    idmap_free(&projects.seen, NULL);
    if (projects.failed)
        return STATUS_NOMEM;
    *ret = projects.items;
    *ret_count = projects.count;
    return STATUS_OK;
}

/* Shared: only who leads has put into the ledger all that was found, and all others wait for that.
 */
void quota_scanned(struct quota_store *store)
{
    struct shared *shared = store->shared;

    (void)pthread_mutex_lock(&store->lock);
    if (shared == NULL)
        store->waits_for_scan = false;
    else if (store->waits_for_scan && !shared->lost && shared_leads(shared))
        shared->scanned = true;
    (void)pthread_mutex_unlock(&store->lock);
    if (shared != NULL)
        shared_wake(shared);
}

void quota_on_foreign(struct quota_store *store,
                      void (*told)(void *user, const struct ledger_item *item, bool gone),
                      void *user)
{
    (void)pthread_mutex_lock(&store->lock);
    store->told = told;
    store->told_user = user;
    (void)pthread_mutex_unlock(&store->lock);
}

void quota_get_state(struct quota_store *store, struct quota_state *ret)
{
    const struct shared *shared = store->shared;

    (void)pthread_mutex_lock(&store->lock);
    *ret = (struct quota_state){
        .kind = shared == NULL ? "local" : "postgresql",
        .available = shared == NULL || (shared->ready && shared_may_send(shared)),
        .waits_for_scan = store->waits_for_scan,
        .counts = ledger_count(store->ledger),
        .granted = store->granted,
        .refused = store->refused,
        .unavailable = store->unavailable,
        .retries = store->retries,
    };
    (void)pthread_mutex_unlock(&store->lock);
}

void quota_each(struct quota_store *store, bool (*each)(void *user, const struct ledger_item *item),
                void *user)
{
    (void)pthread_mutex_lock(&store->lock);
    ledger_each(store->ledger, each, user);
    (void)pthread_mutex_unlock(&store->lock);
}

void quota_each_usage(struct quota_store *store,
                      bool (*each)(void *user, const struct ledger_usage *usage), void *user)
{
    (void)pthread_mutex_lock(&store->lock);
    ledger_each_use(store->ledger, clock_now_us(), each, user);
    (void)pthread_mutex_unlock(&store->lock);
}
