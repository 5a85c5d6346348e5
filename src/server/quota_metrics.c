/* SPDX-License-Identifier: Apache-2.0
 * Quotas for Prometheus. Groups are added up: a series for each user would never end. */
#include <stdlib.h>

#include "server/quotas.h"

struct total { /* of one quota */
    const struct quota *quota;
    int64_t sum, max;
};

struct totals {
    struct total *items; /* in name order */
    size_t count;
};

static int compare_name(const void *key, const void *item)
{
    const struct view *name = key;
    const struct total *total = item;

    return view_cmp(*name, total->quota->name);
}

static bool add_usage(void *user, const struct ledger_usage *usage)
{
    const struct totals *totals = user;
    struct total *total = bsearch(&usage->quota->name, totals->items, totals->count,
                                  sizeof *totals->items, compare_name);

    /* Right after a reload the store may still count for the set before. */
    if (total == NULL)
        return true;
    if (__builtin_add_overflow(total->sum, usage->used, &total->sum))
        total->sum = INT64_MAX;
    if (usage->used > total->max)
        total->max = usage->used;
    return true;
}

static void print_head(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* The text format's own escapes. */
static void add_label(struct buf *out, struct view text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\n') {
            buf_add_str(out, "\\n");
            continue;
        }
        if (text.ptr[i] == '"' || text.ptr[i] == '\\')
            buf_add_byte(out, '\\');
        buf_add_byte(out, text.ptr[i]);
    }
}

enum amount { AMOUNT_USED, AMOUNT_MAX, AMOUNT_LIMIT };

static int64_t pick(const struct total *total, enum amount which)
{
    switch (which) {
    case AMOUNT_USED:
        return total->sum;
    case AMOUNT_MAX:
        return total->max;
    case AMOUNT_LIMIT:
        break;
    }
    return total->quota->limit;
}

static void print_amount(struct buf *out, const char *name, const struct total *total,
                         enum amount which)
{
    char text[QUOTA_AMOUNT_BYTES];

    buf_printf(out, "%s{quota=\"", name);
    add_label(out, total->quota->name);
    buf_printf(out, "\",counts=\"%s\"} ", quotas_counts_name(total->quota->counts));
    buf_add(out,
            quotas_format_amount(total->quota, pick(total, which), which != AMOUNT_LIMIT, text));
    buf_add_byte(out, '\n');
}

static void print_totals(const struct totals *totals, struct buf *out)
{
    static const struct {
        enum amount which;
        const char *name, *help;
    } rows[] = {
        {AMOUNT_USED, "postern_quota_used", "Places, or weighted hours, in use by all groups."},
        {AMOUNT_MAX, "postern_quota_used_max", "The same of the group that uses most."},
        {AMOUNT_LIMIT, "postern_quota_limit", "What each group may use."},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        print_head(out, rows[i].name, "gauge", rows[i].help);
        for (size_t q = 0; q < totals->count; q++)
            print_amount(out, rows[i].name, &totals->items[q], rows[i].which);
    }
}

static void print_uses(struct quota_store *store, const struct quota *const *quotas, size_t count,
                       struct buf *out)
{
    struct totals totals = {.items = calloc(count + 1, sizeof *totals.items)};

    if (totals.items == NULL) {
        out->failed = STATUS_NOMEM;
        return;
    }
    for (; totals.count < count; totals.count++)
        totals.items[totals.count].quota = quotas[totals.count];
    quota_each_usage(store, add_usage, &totals);
    print_totals(&totals, out);
    free(totals.items);
}

struct series {
    const char *labels; /* "" or with braces */
    uint64_t value;
};

static void print_series(struct buf *out, const char *name, const char *type, const char *help,
                         const struct series *series, size_t count)
{
    print_head(out, name, type, help);
    for (size_t i = 0; i < count; i++)
        buf_printf(out, "%s%s %llu\n", name, series[i].labels, (unsigned long long)series[i].value);
}

static void print_one(struct buf *out, const char *name, const char *type, const char *help,
                      uint64_t value)
{
    const struct series series = {"", value};

    print_series(out, name, type, help, &series, 1);
}

static uint64_t oldest_unknown_s(const struct ledger_counts *counts, int64_t now_us)
{
    if (counts->unknown == 0 || counts->oldest_unknown_us == 0 ||
        counts->oldest_unknown_us >= now_us)
        return 0;
    return (uint64_t)(now_us - counts->oldest_unknown_us) / 1000000;
}

static void print_state(const struct quota_state *state, int64_t now_us, struct buf *out)
{
    const struct ledger_counts *counts = &state->counts;
    const struct series entries[] = {
        {"{state=\"reserved\"}", counts->reserved},
        {"{state=\"unknown\"}", counts->unknown},
        {"{state=\"existing\"}", counts->existing},
        {"{state=\"spent\"}", counts->spent},
    };
    const struct series results[] = {
        {"{result=\"granted\"}", state->granted},
        {"{result=\"refused\"}", state->refused},
        {"{result=\"unavailable\"}", state->unavailable},
    };

    print_one(out, "postern_quota_store_up", "gauge",
              "1 if reservations are answered, 0 if what quotas hold for is refused.",
              state->available && !state->waits_for_scan);
    print_one(out, "postern_quota_store_retries_total", "counter",
              "Transactions of a shared store that were done again.", state->retries);
    print_series(out, "postern_ledger_entries", "gauge", "What is counted, by its state.", entries,
                 ARRAY_LEN(entries));
    print_one(out, "postern_ledger_running", "gauge", "Existing instances that run.",
              counts->running);
    print_one(out, "postern_orphans", "gauge", "Instances that were made around the gateway.",
              counts->orphans);
    print_one(out, "postern_unknown_oldest_seconds", "gauge",
              "Age of the oldest outcome that is unknown, 0 if there is none.",
              oldest_unknown_s(counts, now_us));
    print_series(out, "postern_reservations_total", "counter", "Requests that quotas hold for.",
                 results, ARRAY_LEN(results));
}

void quotas_print_metrics(struct quota_store *store, const struct quota *const *quotas,
                          size_t count, int64_t now_us, struct buf *out)
{
    struct quota_state state;

    if (store == NULL)
        return;
    quota_get_state(store, &state);
    print_state(&state, now_us, out);
    print_uses(store, quotas, count, out);
}

void quotas_print_reconciler(struct reconciler *reconciler, struct buf *out)
{
    struct reconcile_state state;

    if (reconciler == NULL)
        return;
    reconcile_get_state(reconciler, &state);
    {
        const struct series scans[] = {
            {"{result=\"complete\"}", state.scans},
            {"{result=\"failed\"}", state.failed},
        };
        const struct series corrections[] = {
            {"{kind=\"settled\"}", state.settled},
            {"{kind=\"gone\"}", state.gone},
            {"{kind=\"corrected\"}", state.corrected},
            {"{kind=\"orphan\"}", state.orphans},
        };

        print_series(out, "postern_reconcile_scans_total", "counter", "Scans of the cloud's lists.",
                     scans, ARRAY_LEN(scans));
        print_series(out, "postern_reconcile_corrections_total", "counter",
                     "What scans changed in the ledger.", corrections, ARRAY_LEN(corrections));
    }
    print_one(out, "postern_reconcile_last_success_timestamp_seconds", "gauge",
              "When all was last read without a failure, 0 if never.",
              (uint64_t)(state.last_complete_us / 1000000));
}
