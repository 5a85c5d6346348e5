/* SPDX-License-Identifier: Apache-2.0
 * Counting and printing. Series are found by the addresses of their label texts, which are static.
 */
#include "gateway/metrics.h"

#include <stdio.h>
#include <stdlib.h>

const int64_t metrics_bounds_us[METRICS_BUCKETS - 1] = {
    50, 100, 250, 500, 1000, 2500, 5000, 10000, 25000, 100000, 1000000, 10000000, 60000000,
};

static const char *const bound_names[METRICS_BUCKETS] = {
    "0.00005", "0.0001", "0.00025", "0.0005", "0.001", "0.0025", "0.005",
    "0.01",    "0.025",  "0.1",     "1",      "10",    "60",     "+Inf",
};

const char *step_name(enum step step)
{
    static const char *const names[STEP_COUNT] = {
#define STEP(id, name, function, waits) name,
#include "gateway/steps.def"
#undef STEP
    };

    return names[step];
}

void metrics_init(struct metrics *m)
{
    *m = (struct metrics){0};
    (void)pthread_mutex_init(&m->lock, NULL);
}

void metrics_done(struct metrics *m)
{
    (void)pthread_mutex_destroy(&m->lock);
}

/* Only the worker adds to its histograms, so that nothing is lost; a scrape reads whole numbers. */
static void add(_Atomic uint64_t *counter, uint64_t more)
{
    uint64_t before = atomic_load_explicit(counter, memory_order_relaxed);

    atomic_store_explicit(counter, before + more, memory_order_relaxed);
}

static void observe(struct metrics_histogram *h, int64_t us)
{
    unsigned bucket = 0;

    while (bucket < METRICS_BUCKETS - 1 && us > metrics_bounds_us[bucket])
        bucket++;
    add(&h->buckets[bucket], 1);
    add(&h->sum_us, (uint64_t)us);
}

void metrics_step(struct metrics *m, enum step step, int64_t duration_us)
{
    observe(&m->steps[step], duration_us);
}

static bool same_series(const struct metrics_series *a, const struct metrics_series *b)
{
    return a->operation == b->operation && a->decision == b->decision && a->reason == b->reason &&
           a->status == b->status;
}

/* Adds to the series with those labels, or to "overflow" when the table is three quarters full. */
static void count_series(struct metrics *m, struct metrics_series labels, uint64_t more)
{
    static const char overflow[] = "overflow";
    uint64_t hash;
    size_t at;

    hash =
        ((uint64_t)(uintptr_t)labels.operation * 31 + (uint64_t)(uintptr_t)labels.decision) * 31 +
        (uint64_t)(uintptr_t)labels.reason * 7 + (uint64_t)labels.status;
    hash *= 11400714819323198485u;
    for (at = (size_t)(hash >> 32) % METRICS_SERIES; m->series[at].used;
         at = (at + 1) % METRICS_SERIES) {
        if (same_series(&m->series[at], &labels)) {
            m->series[at].count += more;
            return;
        }
    }
    if (m->series_count >= METRICS_SERIES / 4 * 3 && labels.operation != overflow) {
        labels = (struct metrics_series){.operation = overflow, .decision = "none", .reason = ""};
        count_series(m, labels, more);
        return;
    }
    m->series[at] = labels;
    m->series[at].used = true;
    m->series[at].count = more;
    if (labels.operation != overflow)
        m->series_count++;
}

void metrics_end(struct metrics *m, const struct metrics_exchange *exchange)
{
    struct metrics_series labels = {
        .operation = exchange->op == NULL ? "none" : exchange->op->name,
        .decision = exchange->decision,
        .reason = exchange->reason,
        .status = exchange->status,
    };

    if (exchange->op != NULL)
        observe(&m->whole[exchange->op->class], exchange->duration_us);
    (void)pthread_mutex_lock(&m->lock);
    count_series(m, labels, 1);
    (void)pthread_mutex_unlock(&m->lock);
}

void metrics_unrecorded(struct metrics *m)
{
    (void)pthread_mutex_lock(&m->lock);
    m->unrecorded++;
    (void)pthread_mutex_unlock(&m->lock);
}

static void add_histogram(struct metrics_histogram *sum, const struct metrics_histogram *h)
{
    for (unsigned i = 0; i < METRICS_BUCKETS; i++)
        add(&sum->buckets[i], atomic_load_explicit(&h->buckets[i], memory_order_relaxed));
    add(&sum->sum_us, atomic_load_explicit(&h->sum_us, memory_order_relaxed));
}

static void add_metrics(struct metrics *sum, struct metrics *m)
{
    (void)pthread_mutex_lock(&m->lock);
    for (size_t i = 0; i < METRICS_SERIES; i++) {
        if (m->series[i].used)
            count_series(sum, m->series[i], m->series[i].count);
    }
    for (unsigned i = 0; i < STEP_COUNT; i++)
        add_histogram(&sum->steps[i], &m->steps[i]);
    for (unsigned i = 0; i <= CLASS_OTHER; i++)
        add_histogram(&sum->whole[i], &m->whole[i]);
    sum->unrecorded += m->unrecorded;
    (void)pthread_mutex_unlock(&m->lock);
}

void metrics_print_histogram(const char *name, const char *labels,
                             const struct metrics_histogram *h, struct buf *out)
{
    uint64_t below = 0;

    for (unsigned i = 0; i < METRICS_BUCKETS; i++) {
        below += h->buckets[i];
        buf_printf(out, "%s_bucket{%sle=\"%s\"} %llu\n", name, labels, bound_names[i],
                   (unsigned long long)below);
    }
    buf_printf(out, "%s_sum{%s} %llu.%06llu\n", name, labels,
               (unsigned long long)(h->sum_us / 1000000),
               (unsigned long long)(h->sum_us % 1000000));
    buf_printf(out, "%s_count{%s} %llu\n", name, labels, (unsigned long long)below);
}

static void print_sum(const struct metrics *sum, struct buf *out)
{
    char labels[64];

    buf_add_str(
        out, "# HELP postern_exchanges_total Exchanges that ended, by operation, decision, first "
             "reason and status sent.\n# TYPE postern_exchanges_total counter\n");
    for (size_t i = 0; i < METRICS_SERIES; i++) {
        const struct metrics_series *s = &sum->series[i];

        if (s->used)
            buf_printf(out,
                       "postern_exchanges_total{operation=\"%s\",decision=\"%s\",reason=\"%s\","
                       "status=\"%d\"} "
                       "%llu\n",
                       s->operation, s->decision, s->reason, s->status,
                       (unsigned long long)s->count);
    }
    buf_add_str(out, "# HELP postern_step_duration_seconds Time an exchange spent in each step.\n"
                     "# TYPE postern_step_duration_seconds histogram\n");
    for (unsigned i = 0; i < STEP_COUNT; i++) {
        (void)snprintf(labels, sizeof labels, "step=\"%s\",", step_name((enum step)i));
        metrics_print_histogram("postern_step_duration_seconds", labels, &sum->steps[i], out);
    }
    buf_add_str(out, "# HELP postern_exchange_duration_seconds Whole time of an exchange.\n"
                     "# TYPE postern_exchange_duration_seconds histogram\n");
    for (unsigned i = 0; i <= CLASS_OTHER; i++) {
        (void)snprintf(labels, sizeof labels, "class=\"%s\",", op_class_name((enum op_class)i));
        metrics_print_histogram("postern_exchange_duration_seconds", labels, &sum->whole[i], out);
    }
    buf_printf(
        out,
        "# HELP postern_unrecorded_total Releases and other calls whose outcome line the journal "
        "did "
        "not take.\n# TYPE postern_unrecorded_total counter\npostern_unrecorded_total %llu\n",
        (unsigned long long)sum->unrecorded);
}

void metrics_print(struct metrics *const *all, size_t count, struct buf *out)
{
    struct metrics *sum = calloc(1, sizeof *sum);

    if (sum == NULL) {
        out->failed = STATUS_NOMEM;
        return;
    }
    for (size_t i = 0; i < count; i++)
        add_metrics(sum, all[i]);
    print_sum(sum, out);
    free(sum);
}
