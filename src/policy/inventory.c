/* SPDX-License-Identifier: Apache-2.0
 * Listing what stands in a set. Every name here is one that a rule_*.c or the judge says; a test
 * holds them together. */
#include "policy/inventory.h"

#include "policy/assemble.h"
#include "policy/match.h"
#include "policy/set.h"

/* Walked twice: once to count, once to fill. */
struct listing {
    struct arena *arena;
    const struct policy *policy;
    struct inventory_item *items; /* NULL: only count */
    size_t count;
    bool no_memory;
};

static void add_item(struct listing *l, const struct inventory_item *item)
{
    if (l->items != NULL) {
        l->items[l->count] = *item;
        l->items[l->count].policy = l->policy == NULL ? VIEW_NONE : l->policy->name;
        l->items[l->count].mode = mode_names[l->policy == NULL ? MODE_ENFORCE : l->policy->mode];
    }
    l->count++;
}

static void add_rule(struct listing *l, const char *rule, struct loc at, bool implied)
{
    add_item(l, &(struct inventory_item){
                    .kind = INVENTORY_RULE, .rule = view_str(rule), .at = at, .implied = implied});
}

static void add_written(struct listing *l, bool stands, const char *rule, struct loc at)
{
    if (stands)
        add_rule(l, rule, at, false);
}

static bool is_implied(const struct listing *l, unsigned bit)
{
    return (l->policy->implied & bit) != 0;
}

/* "quotas.NAME", "match.roles" */
static struct view joined(struct listing *l, const char *before, struct view name)
{
    struct view text;

    if (l->items == NULL)
        return VIEW_NONE;
    text = arena_printf(l->arena, "%s.%.*s", before, VIEW_ARGS(name));
    l->no_memory = l->no_memory || text.ptr == NULL;
    return text;
}

/* Only what is about the caller can be unknown. */
static void list_match(struct listing *l)
{
    const struct match *match = &l->policy->match;

    add_item(l, &(struct inventory_item){
                    .kind = INVENTORY_MATCH, .rule = VIEW("match"), .at = match->at});
    for (size_t i = 0; i < MATCH_KEYS; i++) {
        if (!match->keys[i].set || i == MATCH_PROJECTS)
            continue;
        add_item(l, &(struct inventory_item){
                        .kind = INVENTORY_RULE,
                        .rule = joined(l, "match", view_str(match_key_name((enum match_key)i))),
                        .at = match->keys[i].at,
                        .implied = true});
    }
}

static void list_flavors(struct listing *l)
{
    const struct values *allow = &l->policy->allow[LIST_FLAVORS], *deny = &l->policy->deny_flavors;

    add_written(l, allow->set, "flavors.allow", allow->at);
    add_written(l, deny->set, "flavors.deny", deny->at);
}

static void list_pools(struct listing *l)
{
    const struct values *allow = &l->policy->allow[LIST_POOLS];

    add_written(l, allow->set, "pools.allow", allow->at);
    add_rule(l, "pools.public", l->policy->public_at, is_implied(l, IMPLIED_PUBLIC));
}

static void list_storage(struct listing *l)
{
    const struct policy *policy = l->policy;

    add_written(l, policy->allow[LIST_TYPES].set, "storage.types", policy->allow[LIST_TYPES].at);
    add_written(l, policy->prefixes.values.set, "storage.obs_prefixes", policy->prefixes.values.at);
    add_written(l, policy->has_max_size, "storage.max_size_gb", policy->max_size_at);
}

static void list_auto_stop(struct listing *l)
{
    const struct stop_rule *stop = &l->policy->stop;

    add_written(l, stop->required, "auto_stop.required", stop->required_at);
    add_written(l, stop->preset.set, "auto_stop.default", stop->preset.at);
    add_written(l, stop->min.set, "auto_stop.min", stop->min.at);
    add_written(l, stop->max.set, "auto_stop.max", stop->max.at);
    add_rule(l, "auto_stop.types", stop->types_at, is_implied(l, IMPLIED_STOP_TYPES));
}

static void list_annotations(struct listing *l)
{
    const struct policy *policy = l->policy;

    if (policy->set_count > 0)
        add_rule(l, "annotations.set", policy->sets[0].at, false);
    if (policy->require_count > 0)
        add_rule(l, "annotations.require", policy->requires[0].at, false);
}

static void list_access_ips(struct listing *l)
{
    add_rule(l, "allowed_access_ips.allow", l->policy->networks.values.at, false);
    add_rule(l, "allowed_access_ips.required", l->policy->access_at, is_implied(l, IMPLIED_SSH));
}

static void list_quotas(struct listing *l)
{
    for (size_t i = 0; i < l->policy->quota_count; i++) {
        const struct quota *quota = &l->policy->quotas[i];

        add_item(l, &(struct inventory_item){.kind = INVENTORY_QUOTA,
                                             .rule = joined(l, "quotas", quota->name),
                                             .name = quota->name,
                                             .at = quota->at});
    }
}

static void list_profiles(struct listing *l)
{
    const struct values *allow = &l->policy->allow[LIST_PROFILES];

    add_written(l, allow->set, "profiles.allow", allow->at);
}

static void list_images(struct listing *l)
{
    const struct values *allow = &l->policy->allow[LIST_IMAGES];

    add_written(l, allow->set, "images.allow", allow->at);
}

static void list_workspaces(struct listing *l)
{
    const struct values *allow = &l->policy->allow[LIST_WORKSPACES];

    add_written(l, allow->set, "workspaces.allow", allow->at);
}

static void list_name(struct listing *l)
{
    add_written(l, l->policy->pattern != NULL, "name.pattern", l->policy->pattern_at);
}

/* The rules within each group; NULL: the group is a rule itself. */
static void (*const within[GROUP_COUNT])(struct listing *l) = {
    [GROUP_FLAVORS] = list_flavors,
    [GROUP_PROFILES] = list_profiles,
    [GROUP_IMAGES] = list_images,
    [GROUP_WORKSPACES] = list_workspaces,
    [GROUP_POOLS] = list_pools,
    [GROUP_NAME] = list_name,
    [GROUP_STORAGE] = list_storage,
    [GROUP_AUTO_STOP] = list_auto_stop,
    [GROUP_ANNOTATIONS] = list_annotations,
    [GROUP_ACCESS_IPS] = list_access_ips,
    [GROUP_QUOTAS] = list_quotas,
};

static void list_group(struct listing *l, enum group group)
{
    const struct policy *policy = l->policy;

    if (within[group] != NULL) {
        add_rule(l, group_name(group), policy->at, true);
        within[group](l);
    } else if (group == GROUP_CUSTOM_SPEC) {
        add_rule(l, group_name(group), policy->custom_spec_at, is_implied(l, IMPLIED_CUSTOM_SPEC));
    } else {
        add_rule(l, group_name(group), policy->hooks_at, false);
    }
}

static void list_exceptions(struct listing *l)
{
    for (size_t i = 0; i < l->policy->exception_count; i++) {
        const struct exception *exception = l->policy->exceptions[i];

        add_item(l, &(struct inventory_item){.kind = INVENTORY_EXCEPTION,
                                             .rule = VIEW("exception"),
                                             .name = exception->name,
                                             .at = exception->at});
    }
}

static void list_policy(struct listing *l)
{
    list_match(l);
    for (size_t group = 0; group < GROUP_COUNT; group++) {
        if ((l->policy->groups >> group & 1) != 0)
            list_group(l, (enum group)group);
    }
    list_exceptions(l);
}

static bool matches_all(const struct policy *policy)
{
    const struct match *match = &policy->match;
    bool narrows = match->has_operations || match->has_families;

    for (size_t i = 0; i < MATCH_KEYS; i++)
        narrows = narrows || match->keys[i].set;
    return !narrows && policy->mode == MODE_ENFORCE && is_a_match(policy);
}

/* Allowing says nothing, so nobody can tell that it was asked. Beside a policy for everybody it
 * never is. */
static void list_default(struct listing *l, const struct policy_set *set)
{
    struct inventory_item item = {.kind = INVENTORY_DEFAULT,
                                  .rule = VIEW("default"),
                                  .at = set->default_at,
                                  .implied = !set->has_default};

    for (size_t i = 0; i < set->policy_count; i++)
        item.implied = item.implied || matches_all(&set->policies[i]);
    if (!set->allow_unmatched)
        add_item(l, &item);
}

static void list_set(struct listing *l, const struct policy_set *set)
{
    l->count = 0;
    l->policy = NULL;
    list_default(l, set);
    for (size_t i = 0; i < set->policy_count; i++) {
        l->policy = &set->policies[i];
        list_policy(l);
    }
}

enum status inventory_make(const struct policy_set *set, struct arena *arena, struct inventory *ret)
{
    struct listing l = {.arena = arena};

    list_set(&l, set);
    l.items = arena_array(arena, l.count, sizeof *l.items);
    if (l.items == NULL)
        return STATUS_NOMEM;
    list_set(&l, set);
    if (l.no_memory)
        return STATUS_NOMEM;
    *ret = (struct inventory){l.items, l.count};
    return STATUS_OK;
}

/* The first item of the policy, found by halving; count where there is none. */
static size_t first_of(const struct inventory *inventory, struct view policy)
{
    size_t from = 0, to = inventory->count;

    while (from < to) {
        size_t middle = from + (to - from) / 2;

        if (view_cmp(inventory->items[middle].policy, policy) < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

static bool is_of(const struct inventory *inventory, size_t i, struct view policy)
{
    return i < inventory->count && view_eq(inventory->items[i].policy, policy);
}

const struct inventory_item *inventory_find(const struct inventory *inventory, struct view policy,
                                            struct view rule)
{
    for (size_t i = first_of(inventory, policy); is_of(inventory, i, policy); i++) {
        if (view_eq(inventory->items[i].rule, rule))
            return &inventory->items[i];
    }
    return NULL;
}

const struct inventory_item *inventory_find_exception(const struct inventory *inventory,
                                                      struct view name)
{
    for (size_t i = 0; i < inventory->count; i++) {
        const struct inventory_item *item = &inventory->items[i];

        if (item->kind == INVENTORY_EXCEPTION && view_eq(item->name, name))
            return item;
    }
    return NULL;
}

static bool same_place(struct loc a, struct loc b)
{
    return a.line == b.line && a.column == b.column && view_eq(view_str(a.file), view_str(b.file));
}

const struct inventory_item *inventory_find_line(const struct inventory *inventory,
                                                 const struct trace_line *line)
{
    bool names = view_eq(line->rule, VIEW("quotas")) || view_eq(line->rule, VIEW("exception"));

    for (size_t i = first_of(inventory, line->policy); names && is_of(inventory, i, line->policy);
         i++) {
        const struct inventory_item *item = &inventory->items[i];

        if (item->name.ptr != NULL && same_place(item->at, line->at))
            return item;
    }
    return inventory_find(inventory, line->policy, line->rule);
}

/* A JSON Pointer into annotations, wherever they stand: /spec/annotations/owner. */
static bool names_annotation(struct view path)
{
    static const struct view word = {"/annotations", sizeof "/annotations" - 1};

    for (size_t i = 0; i + word.len <= path.len; i++) {
        struct view rest = view_from(path, i);

        if (view_starts(rest, word) && (rest.len == word.len || rest.ptr[word.len] == '/'))
            return true;
    }
    return false;
}

const struct inventory_item *inventory_find_edit(const struct inventory *inventory,
                                                 struct view policy, struct view op,
                                                 struct view path)
{
    const struct inventory_item *item;

    if (names_annotation(path))
        return inventory_find(inventory, policy, VIEW("annotations.set"));
    /* Where nothing stands all of auto_stop is set: only to complete it, `enable` comes alone. */
    if (view_eq(op, view_str(edit_op_name(EDIT_DEFAULT))) &&
        view_eq(path, VIEW("/spec/auto_stop/enable")))
        return inventory_find(inventory, policy, VIEW("auto_stop"));
    item = view_eq(op, view_str(edit_op_name(EDIT_CAP)))
               ? NULL
               : inventory_find(inventory, policy, VIEW("auto_stop.default"));
    if (item == NULL && !view_eq(op, view_str(edit_op_name(EDIT_DEFAULT))))
        item = inventory_find(inventory, policy, VIEW("auto_stop.max"));
    return item != NULL ? item : inventory_find(inventory, policy, VIEW("auto_stop"));
}
