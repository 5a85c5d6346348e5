/* SPDX-License-Identifier: Apache-2.0
 * What a worker counts, and the Prometheus text of all workers' counts. Each worker has its own set
 * and alone adds to it: histograms without a lock, as there are several for each exchange, the rest
 * under a lock of its own, which only a scrape ever contends for. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "base/buffer.h"
#include "gateway/steps.h"
#include "modelarts/operation.h"

enum {
    METRICS_SERIES = 2048, /* label combinations; more are counted as operation "overflow" */
    METRICS_BUCKETS = 14,
};

/* Upper bounds in microseconds, the last one is +Inf. */
extern const int64_t metrics_bounds_us[METRICS_BUCKETS - 1];

struct metrics_histogram {
    _Atomic uint64_t buckets[METRICS_BUCKETS];
    _Atomic uint64_t sum_us;
};

/* One exchange as it ended. decision: "allow", "rewrite", "refuse", "none"; reason: the first one's
 * code, "" for none; both must be static strings. */
struct metrics_exchange {
    const struct operation *op;
    const char *decision, *reason;
    int status; /* as sent to the client; 0: the client was gone */
    int64_t duration_us;
};

struct metrics_series {
    bool used;
    const char *operation, *decision, *reason;
    int status;
    uint64_t count;
};

struct metrics {
    pthread_mutex_t lock;
    struct metrics_series series[METRICS_SERIES];
    unsigned series_count; /* without the one that is called overflow */
    struct metrics_histogram steps[STEP_COUNT];
    struct metrics_histogram whole[CLASS_OTHER + 1];
    uint64_t unrecorded; /* outcomes of release and other that the journal didn't take */
};

void metrics_init(struct metrics *m);
void metrics_done(struct metrics *m);
void metrics_step(struct metrics *m, enum step step, int64_t duration_us);
void metrics_end(struct metrics *m, const struct metrics_exchange *exchange);
void metrics_unrecorded(struct metrics *m);

/* The sum of all, as Prometheus text. */
void metrics_print(struct metrics *const *all, size_t count, struct buf *out);
/* One histogram's lines; labels: `step="judge",` or "". */
void metrics_print_histogram(const char *name, const char *labels,
                             const struct metrics_histogram *h, struct buf *out);
