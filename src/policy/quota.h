/* SPDX-License-Identifier: Apache-2.0
 * The quotas of a set: what each counts, and whether an instance passes its filters. The numbers
 * in use are the ledger's (room quota). The language is the contract of design section 6;
 * docs/policies.md is its manual. Pure. */
#pragma once

#include "modelarts/operation.h"
#include "policy/policy.h"

enum quota_counts {
    QUOTA_EXISTING, /* places: every instance that exists */
    QUOTA_RUNNING,  /* places: all but stopped, deleted and failed ones */
    QUOTA_HOURS,    /* a budget: the forced run time of each start within the window, weighted */
};

/* Bits: what a quota is counted for each of; none: for the whole organisation. */
enum {
    QUOTA_PER_PROJECT = 1,
    QUOTA_PER_USER = 2,
    QUOTA_PER_DOMAIN = 4,
    QUOTA_PER_WORKSPACE = 8,
    QUOTA_PER_POOL = 16,
};

enum { QUOTA_WEIGHT_ONE = 1000 /* weights are in thousandths */, QUOTA_WINDOW_MAX_DAYS = 92 };

struct quota_filter;

struct quota {
    struct view name; /* unique in its set */
    struct view policy, contact;
    struct loc at; /* of the name */
    enum quota_counts counts;
    int64_t limit;     /* places; of a budget thousandths of weighted seconds */
    int64_t window_us; /* of a budget */
    unsigned per;
    const struct quota_filter *filter;
};

/* What quotas look at, whoever tells it: a request, a line of the journal, the cloud's list. A text
 * with ptr NULL is not known: it passes every filter, and counts for everybody it could be. A pool
 * of no bytes is no dedicated pool, which passes no filter of pools. */
struct quota_facts {
    enum family family;
    struct view project, user, domain, workspace, pool, flavor; /* user: the id, or else the name */
};

/* Whether the quota counts an instance of those facts. */
bool quota_admits(const struct quota *quota, const struct quota_facts *facts);
/* Thousandths that a second of this flavor weighs: the row of the table with the most literal
 * bytes that matches, of equal ones the heaviest; QUOTA_WEIGHT_ONE without a table. A flavor that
 * is not known (ptr NULL) weighs as much as the heaviest row. */
int64_t quota_weight(const struct quota *quota, struct view flavor);

/* Whether a request of the operation asks a quota that counts so (contract, "Which rule judges
 * what"); of an update, one that names a flavor. */
bool quota_is_asked(enum quota_counts counts, const struct operation *op);
const char *quota_counts_name(enum quota_counts counts); /* existing, running, hours */
/* The words of `per` in the order of the bits; NULL-terminated. */
extern const char *const quota_per_names[];

/* All quotas of a set, any mode, in name order; they live as long as the set. */
const struct quota *const *policy_set_quotas(const struct policy_set *set, size_t *ret_count);
/* The longest window of a budget in the set; 0: it has none. */
int64_t policy_set_window_us(const struct policy_set *set);
