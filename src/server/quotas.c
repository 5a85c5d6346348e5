/* SPDX-License-Identifier: Apache-2.0
 * Quotas and reservations as JSON. What the store shows under its lock is copied first and sorted
 * and written after. */
#include "server/quotas.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"

/* Thousandths of weighted seconds in a thousandth of a weighted hour. */
enum { PER_MILLIHOUR = 3600 };

struct use { /* one group of one quota */
    struct view quota, project, user, domain, workspace, pool;
    int64_t used;
};

struct uses {
    struct arena arena;
    struct use *items;
    size_t count;
    bool more;
};

const char *quotas_counts_name(enum quota_counts counts)
{
    switch (counts) {
    case QUOTA_EXISTING:
        return "existing";
    case QUOTA_RUNNING:
        return "running";
    case QUOTA_HOURS:
        break;
    }
    return "hours";
}

struct view quotas_format_amount(const struct quota *quota, int64_t value, bool up,
                                 char out[static QUOTA_AMOUNT_BYTES])
{
    int64_t milli = value / PER_MILLIHOUR + (up && value % PER_MILLIHOUR > 0 ? 1 : 0);
    int len;

    if (quota->counts != QUOTA_HOURS)
        len = snprintf(out, QUOTA_AMOUNT_BYTES, "%lld", (long long)value);
    else if (milli % 1000 == 0)
        len = snprintf(out, QUOTA_AMOUNT_BYTES, "%lld", (long long)(milli / 1000));
    else
        len = snprintf(out, QUOTA_AMOUNT_BYTES, "%lld.%03lld", (long long)(milli / 1000),
                       (long long)(milli % 1000));
    return view_of(out, (size_t)len);
}

static void add_amount(struct jwriter *w, const char *key, const struct quota *quota, int64_t value,
                       bool up)
{
    char text[QUOTA_AMOUNT_BYTES];

    jwriter_key(w, key);
    jwriter_raw(w, quotas_format_amount(quota, value, up, text));
}

static bool copy(struct arena *arena, struct view from, struct view *to)
{
    if (from.ptr == NULL)
        return true;
    *to = arena_copy(arena, from);
    return to->ptr != NULL;
}

static bool add_use(void *user, const struct ledger_usage *usage)
{
    struct uses *uses = user;
    struct use *use;

    if (uses->count == QUOTA_GROUPS_MAX) {
        uses->more = true;
        return false;
    }
    use = &uses->items[uses->count];
    *use = (struct use){.used = usage->used};
    if (!copy(&uses->arena, usage->quota->name, &use->quota) ||
        !copy(&uses->arena, usage->project, &use->project) ||
        !copy(&uses->arena, usage->user, &use->user) ||
        !copy(&uses->arena, usage->domain, &use->domain) ||
        !copy(&uses->arena, usage->workspace, &use->workspace) ||
        !copy(&uses->arena, usage->pool, &use->pool)) {
        uses->more = true;
        return false;
    }
    uses->count++;
    return true;
}

/* By quota, then the fullest group first, then by the group's names. */
static int compare_uses(const void *left, const void *right)
{
    const struct use *a = left, *b = right;
    const struct view pairs[][2] = {{a->project, b->project},
                                    {a->user, b->user},
                                    {a->domain, b->domain},
                                    {a->workspace, b->workspace},
                                    {a->pool, b->pool}};
    int order = view_cmp(a->quota, b->quota);

    if (order != 0)
        return order;
    if (a->used != b->used)
        return a->used > b->used ? -1 : 1;
    for (size_t i = 0; i < ARRAY_LEN(pairs) && order == 0; i++)
        order = view_cmp(pairs[i][0], pairs[i][1]);
    return order;
}

static void collect_uses(struct quota_store *store, struct uses *uses)
{
    arena_init(&uses->arena, 64U << 10, 32U << 20);
    uses->items = calloc(QUOTA_GROUPS_MAX, sizeof *uses->items);
    uses->more = uses->items == NULL;
    if (uses->items == NULL || store == NULL)
        return;
    quota_each_usage(store, add_use, uses);
    qsort(uses->items, uses->count, sizeof *uses->items, compare_uses);
}

static void write_per(struct jwriter *w, unsigned per)
{
    static const struct {
        unsigned bit;
        const char *name;
    } names[] = {{QUOTA_PER_PROJECT, "project"},
                 {QUOTA_PER_USER, "user"},
                 {QUOTA_PER_DOMAIN, "domain"},
                 {QUOTA_PER_WORKSPACE, "workspace"},
                 {QUOTA_PER_POOL, "pool"}};

    jwriter_key(w, "per");
    jwriter_open_array(w);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if ((per & names[i].bit) != 0)
            jwriter_text(w, view_str(names[i].name));
    }
    jwriter_close_array(w);
}

static void write_use(struct jwriter *w, const struct quota *quota, const struct use *use)
{
    int64_t room = quota->limit > use->used ? quota->limit - use->used : 0;

    jwriter_open_object(w);
    jwriter_member_opt(w, "project", use->project);
    jwriter_member_opt(w, "user", use->user);
    jwriter_member_opt(w, "domain", use->domain);
    jwriter_member_opt(w, "workspace", use->workspace);
    jwriter_member_opt(w, "pool", use->pool);
    add_amount(w, "used", quota, use->used, true);
    add_amount(w, "free", quota, room, false);
    jwriter_close_object(w);
}

/* One quota with its groups. at: the first use that may be its own, moved behind the last. */
static void write_quota(struct jwriter *w, const struct quota *quota, struct uses *uses, size_t *at)
{
    static const struct use none;
    bool any = false;

    while (*at < uses->count && view_cmp(uses->items[*at].quota, quota->name) < 0)
        (*at)++;
    jwriter_open_object(w);
    jwriter_member_text(w, "name", quota->name);
    jwriter_member_text(w, "policy", quota->policy);
    jwriter_member_text(w, "counts", view_str(quotas_counts_name(quota->counts)));
    add_amount(w, "limit", quota, quota->limit, false);
    if (quota->counts == QUOTA_HOURS)
        jwriter_member_int(w, "window_s", quota->window_us / 1000000);
    write_per(w, quota->per);
    jwriter_key(w, "groups");
    jwriter_open_array(w);
    for (; *at < uses->count && view_eq(uses->items[*at].quota, quota->name); (*at)++) {
        if (w->out->len > QUOTA_LIST_BYTES) {
            uses->more = true;
            break;
        }
        write_use(w, quota, &uses->items[*at]);
        any = true;
    }
    if (!any && quota->per == 0 && !uses->more)
        write_use(w, quota, &none);
    jwriter_close_array(w);
    jwriter_close_object(w);
}

void quotas_write_list(struct quota_store *store, const struct quota *const *quotas, size_t count,
                       struct buf *out)
{
    struct uses uses = {0};
    struct jwriter w;
    size_t at = 0;

    collect_uses(store, &uses);
    jwriter_init(&w, out);
    jwriter_open_object(&w);
    jwriter_key(&w, "quotas");
    jwriter_open_array(&w);
    for (size_t i = 0; i < count; i++)
        write_quota(&w, quotas[i], &uses, &at);
    jwriter_close_array(&w);
    jwriter_key(&w, "more");
    jwriter_bool(&w, uses.more);
    jwriter_close_object(&w);
    buf_add_byte(out, '\n');
    free(uses.items);
    arena_done(&uses.arena);
}

struct open_list {
    struct jwriter *w;
    int64_t now_us;
    size_t count, max;
    bool more;
};

static bool is_open(const struct ledger_item *item)
{
    return item->state == LEDGER_RESERVED || item->state == LEDGER_UNKNOWN;
}

/* 0 where the clock was set back since. */
static int64_t seconds_since(int64_t time_us, int64_t now_us)
{
    return now_us > time_us ? (now_us - time_us) / 1000000 : 0;
}

static bool write_open(void *user, const struct ledger_item *item)
{
    struct open_list *list = user;
    struct jwriter *w = list->w;

    if (!is_open(item))
        return true;
    if (list->count == list->max || w->out->len > QUOTA_LIST_BYTES) {
        list->more = true;
        return false;
    }
    list->count++;
    jwriter_open_object(w);
    jwriter_member_text(w, "id", item->id);
    jwriter_member_text(w, "state", view_str(ledger_state_name(item->state)));
    jwriter_member_text(w, "operation", view_str(item->op->name));
    jwriter_member_int(w, "age_s", seconds_since(item->time_us, list->now_us));
    jwriter_member_opt(w, "project", item->project);
    jwriter_member_opt(w, "user", item->user_name.ptr != NULL ? item->user_name : item->user_id);
    jwriter_member_opt(w, "flavor", item->flavor);
    jwriter_member_opt(w, "name", item->name);
    jwriter_member_opt(w, "instance", item->instance);
    jwriter_member_opt(w, "gateway", item->gateway);
    jwriter_close_object(w);
    return true;
}

/* The members `reservations` and `more`. */
static void write_open_list(struct quota_store *store, int64_t now_us, size_t max,
                            struct jwriter *w)
{
    struct open_list list = {.w = w, .now_us = now_us, .max = max};

    jwriter_key(w, "reservations");
    jwriter_open_array(w);
    if (store != NULL)
        quota_each(store, write_open, &list);
    jwriter_close_array(w);
    jwriter_key(w, "more");
    jwriter_bool(w, list.more);
}

void quotas_write_reservations(struct quota_store *store, int64_t now_us, struct buf *out)
{
    struct jwriter w;

    jwriter_init(&w, out);
    jwriter_open_object(&w);
    write_open_list(store, now_us, QUOTA_RESERVATIONS_MAX, &w);
    jwriter_close_object(&w);
    buf_add_byte(out, '\n');
}

void quotas_write_state(struct quota_store *store, int64_t now_us, struct jwriter *w)
{
    struct quota_state state;
    const struct ledger_counts *counts = &state.counts;

    if (store == NULL)
        return;
    quota_get_state(store, &state);
    jwriter_key(w, "quota");
    jwriter_open_object(w);
    jwriter_member_text(w, "store", view_str(state.kind));
    jwriter_key(w, "available");
    jwriter_bool(w, state.available);
    jwriter_key(w, "waits_for_scan");
    jwriter_bool(w, state.waits_for_scan);
    jwriter_member_int(w, "reserved", (int64_t)counts->reserved);
    jwriter_member_int(w, "unknown", (int64_t)counts->unknown);
    if (counts->unknown > 0 && counts->oldest_unknown_us > 0)
        jwriter_member_int(w, "unknown_oldest_s", seconds_since(counts->oldest_unknown_us, now_us));
    jwriter_member_int(w, "existing", (int64_t)counts->existing);
    jwriter_member_int(w, "running", (int64_t)counts->running);
    jwriter_member_int(w, "orphans", (int64_t)counts->orphans);
    jwriter_member_int(w, "spent", (int64_t)counts->spent);
    jwriter_member_int(w, "granted", (int64_t)state.granted);
    jwriter_member_int(w, "refused", (int64_t)state.refused);
    jwriter_member_int(w, "unavailable", (int64_t)state.unavailable);
    jwriter_member_int(w, "retries", (int64_t)state.retries);
    write_open_list(store, now_us, QUOTA_OPEN_MAX, w);
    jwriter_close_object(w);
}

void quotas_write_reconciler(struct reconciler *reconciler, struct jwriter *w)
{
    struct reconcile_state state;
    char text[CLOCK_TEXT_BYTES];

    if (reconciler == NULL)
        return;
    reconcile_get_state(reconciler, &state);
    jwriter_key(w, "reconcile");
    jwriter_open_object(w);
    jwriter_member_int(w, "scans", (int64_t)state.scans);
    jwriter_member_int(w, "failed", (int64_t)state.failed);
    if (state.last_complete_us > 0)
        jwriter_member_text(w, "last_complete", clock_format(state.last_complete_us, text));
    jwriter_member_int(w, "settled", (int64_t)state.settled);
    jwriter_member_int(w, "gone", (int64_t)state.gone);
    jwriter_member_int(w, "corrected", (int64_t)state.corrected);
    jwriter_member_int(w, "orphans", (int64_t)state.orphans);
    jwriter_member_int(w, "callers", state.callers);
    jwriter_member_text(w, "why", view_str(state.why));
    jwriter_close_object(w);
}

void quotas_write_report(const struct reconcile_report *report, struct buf *out)
{
    struct jwriter w;

    jwriter_init(&w, out);
    jwriter_open_object(&w);
    jwriter_member_int(&w, "scans", report->scans);
    jwriter_member_int(&w, "failed", report->failed);
    jwriter_member_int(&w, "settled", report->settled);
    jwriter_member_int(&w, "gone", report->gone);
    jwriter_member_int(&w, "corrected", report->corrected);
    jwriter_member_int(&w, "orphans", report->orphans);
    jwriter_member_text(&w, "why", view_str(report->why));
    jwriter_close_object(&w);
    buf_add_byte(out, '\n');
}
