/* SPDX-License-Identifier: Apache-2.0
 * What a quota counts. Asked for every entry of the ledger: no memory is taken, nothing can fail.
 */
#include "policy/quota_filter.h"
#include "policy/set.h"

const char *const quota_per_names[] = {"project", "user", "domain", "workspace", "pool", NULL};

const char *quota_counts_name(enum quota_counts counts)
{
    static const char *const names[] = {
        [QUOTA_EXISTING] = "existing", [QUOTA_RUNNING] = "running", [QUOTA_HOURS] = "hours"};

    return names[counts];
}

bool quota_is_asked(enum quota_counts counts, const struct operation *op)
{
    if (op->id == OP_NOTEBOOKS_LEASE)
        return counts == QUOTA_HOURS;
    switch (op->class) {
    case CLASS_CREATE:
        return true;
    case CLASS_START:
        return counts == QUOTA_RUNNING || counts == QUOTA_HOURS;
    case CLASS_CHANGE:
        return counts == QUOTA_EXISTING || counts == QUOTA_RUNNING;
    case CLASS_MOUNT:
    case CLASS_RELEASE:
    case CLASS_READ:
    case CLASS_OTHER:
        break;
    }
    return false;
}

/* A set of one glob, or of values without a star, never needs the scratch memory. */
static bool set_has(const struct globset *set, struct view value)
{
    bool hit = false;

    return globset_match(set, value, NULL, &hit) == STATUS_OK && hit;
}

/* What isn't known passes, so that it is counted rather than forgotten. */
static bool passes(const struct filter_list *list, struct view value)
{
    bool hit = !list->set || value.ptr == NULL;

    for (size_t i = 0; i < list->count && !hit; i++)
        hit = set_has(list->sets[i], value);
    return hit;
}

static bool is_no_pool(struct view pool)
{
    return pool.ptr != NULL && pool.len == 0;
}

bool quota_admits(const struct quota *quota, const struct quota_facts *facts)
{
    const struct quota_filter *filter = quota->filter;

    if (filter == NULL)
        return true;
    if (filter->has_families && facts->family != FAMILY_NONE && !filter->families[facts->family])
        return false;
    if (filter->pools.set && is_no_pool(facts->pool))
        return false;
    return passes(&filter->flavors, facts->flavor) && passes(&filter->pools, facts->pool) &&
           passes(&filter->workspaces, facts->workspace);
}

int64_t quota_weight(const struct quota *quota, struct view flavor)
{
    const struct weight_table *table = quota->filter == NULL ? NULL : quota->filter->weights;

    if (table == NULL)
        return QUOTA_WEIGHT_ONE;
    for (size_t i = 0; flavor.ptr != NULL && i < table->count; i++) {
        if (set_has(table->rows[i].glob, flavor))
            return table->rows[i].thousandths;
    }
    return table->heaviest; /* every table has a row "*", so only of an unknown flavor */
}

const struct quota *const *policy_set_quotas(const struct policy_set *set, size_t *ret_count)
{
    *ret_count = set->quota_count;
    return set->quotas;
}

int64_t policy_set_window_us(const struct policy_set *set)
{
    int64_t longest = 0;

    for (size_t i = 0; i < set->quota_count; i++) {
        if (set->quotas[i]->window_us > longest)
            longest = set->quotas[i]->window_us;
    }
    return longest;
}
