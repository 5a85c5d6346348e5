/* SPDX-License-Identifier: Apache-2.0
 * What the quota store and the reconciler say of themselves: JSON for the admin API, text for
 * Prometheus. Of what is counted only groups are named, never instances; of reservations the
 * instance too, because somebody has to look for it. Stores and reconcilers may be NULL: then they
 * have nothing to say. */
#pragma once

#include "base/buffer.h"
#include "json/write.h"
#include "quota/store.h"
#include "reconcile/reconcile.h"

enum {
    QUOTA_GROUPS_MAX = 10000,      /* of one list */
    QUOTA_LIST_BYTES = 3 << 20,    /* of one list; what is behind it is told by `more` */
    QUOTA_RESERVATIONS_MAX = 1000, /* of one list */
    QUOTA_OPEN_MAX = 20,           /* of those in the status */
};

/* quotas: of the set in force, in name order. Times are CLOCK_REALTIME in us. */
void quotas_write_list(struct quota_store *store, const struct quota *const *quotas, size_t count,
                       struct buf *out);
/* Entries that are under way or unknown, oldest first. */
void quotas_write_reservations(struct quota_store *store, int64_t now_us, struct buf *out);
/* The members `quota` and `reconcile` of the status. */
void quotas_write_state(struct quota_store *store, int64_t now_us, struct jwriter *w);
void quotas_write_reconciler(struct reconciler *reconciler, struct jwriter *w);
void quotas_write_report(const struct reconcile_report *report, struct buf *out);

/* quota_metrics.c */
void quotas_print_metrics(struct quota_store *store, const struct quota *const *quotas,
                          size_t count, int64_t now_us, struct buf *out);
void quotas_print_reconciler(struct reconciler *reconciler, struct buf *out);
/* A use or a limit: places as they are, budgets in hours with up to three digits, uses rounded up
 * and rooms rounded down. */
enum { QUOTA_AMOUNT_BYTES = 32 };
struct view quotas_format_amount(const struct quota *quota, int64_t value, bool up,
                                 char out[static QUOTA_AMOUNT_BYTES]);
const char *quotas_counts_name(enum quota_counts counts);
