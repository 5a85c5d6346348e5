/* SPDX-License-Identifier: Apache-2.0
 * What a quota looks at, from the inside, and the limits of what may be written; only this room
 * includes it. */
#pragma once

#include "policy/globset.h"
#include "policy/quota.h"

enum {
    QUOTAS_MAX = 1000, /* in a set */
    FILTER_MAX = 256,  /* entries of one list: every entry of the ledger is held against them */
    TABLES_MAX = 100,  /* of weights, in a set */
    QUOTA_LIMIT_MAX = 1000000,
    QUOTA_HOURS_MAX = 1000000000,
    WEIGHT_MAX = 1000000 /* not in thousandths */
};

/* A list that is asked without any memory at hand: the values without a star are one set, each of
 * the others is one of its own. */
struct filter_list {
    bool set;
    const struct globset **sets;
    size_t count;
};

struct weight_row {
    const struct globset *glob;
    size_t literal_bytes;
    int64_t thousandths;
};

/* The row that decides stands first: by literal bytes, then by weight. */
struct weight_table {
    struct view name;
    struct loc at;
    const struct weight_row *rows;
    size_t count;
    int64_t heaviest;
    bool used; /* while loading: a quota names it */
};

struct quota_filter {
    struct filter_list flavors, pools, workspaces;
    bool has_families, families[FAMILY_NOTEBOOKS + 1];
    const struct weight_table *weights; /* NULL: all weigh one */
};
