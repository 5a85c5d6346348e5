/* SPDX-License-Identifier: Apache-2.0
 * The table of rules: a row for each group of the policy language, and which operations it judges
 * (contract, "Which rule judges what"). */
#include "policy/judge.h"

/* The columns of the contract's table. A lease changes an instance too, but nothing of it except
 * its time. */
enum column { COLUMN_CREATE, COLUMN_UPDATE, COLUMN_START, COLUMN_LEASE, COLUMN_MOUNT, COLUMNS };

enum when {
    NEVER,
    NAMED, /* if the request names it */
    ALWAYS
};

struct scope {
    enum family family; /* FAMILY_NONE: both know it */
    enum when when[COLUMNS];
    bool (*is_named)(const struct instance_request *request);
};

static bool names_flavor(const struct instance_request *request)
{
    return request->flavor.set;
}

static bool names_profile(const struct instance_request *request)
{
    return request->profile.set;
}

static bool names_image(const struct instance_request *request)
{
    return request->image.set;
}

static bool names_workspace(const struct instance_request *request)
{
    return request->workspace.set;
}

static bool names_pool(const struct instance_request *request)
{
    return request->has_pool;
}

static bool names_name(const struct instance_request *request)
{
    return request->name.set;
}

static bool names_storage(const struct instance_request *request)
{
    return request->storage_count > 0;
}

static bool names_auto_stop(const struct instance_request *request)
{
    return request->stop_count > 0 || request->stop_type.set;
}

static bool names_annotations(const struct instance_request *request)
{
    return request->annotation_count + request->stray_annotation_count > 0;
}

static bool names_custom_spec(const struct instance_request *request)
{
    return request->has_custom_spec;
}

static bool names_hooks(const struct instance_request *request)
{
    return request->has_hooks;
}

/* A custom_spec is another flavor that nobody knows the name of. */
static bool names_size(const struct instance_request *request)
{
    return request->flavor.set || request->has_custom_spec;
}

static bool names_endpoints(const struct instance_request *request)
{
    return request->endpoint_count > 0;
}

/* clang-format off */
static const struct scope scopes[GROUP_COUNT] = {
    /*                                      create  update start   lease   mount */
    [GROUP_FLAVORS] =     {FAMILY_NONE,      {ALWAYS, NAMED, ALWAYS, NEVER,  NEVER},  names_flavor},
    [GROUP_PROFILES] =    {FAMILY_DEMANAGER, {ALWAYS, NAMED, NEVER,  NEVER,  NEVER},  names_profile},
    [GROUP_IMAGES] =      {FAMILY_NOTEBOOKS, {ALWAYS, NAMED, ALWAYS, NEVER,  NEVER},  names_image},
    [GROUP_WORKSPACES] =  {FAMILY_NONE,      {ALWAYS, NAMED, ALWAYS, NEVER,  NEVER},  names_workspace},
    [GROUP_POOLS] =       {FAMILY_NONE,      {ALWAYS, NAMED, ALWAYS, NEVER,  NEVER},  names_pool},
    [GROUP_NAME] =        {FAMILY_NONE,      {ALWAYS, NAMED, NEVER,  NEVER,  NEVER},  names_name},
    [GROUP_STORAGE] =     {FAMILY_NONE,      {ALWAYS, NAMED, ALWAYS, NEVER,  ALWAYS}, names_storage},
    [GROUP_AUTO_STOP] =   {FAMILY_NONE,      {ALWAYS, NAMED, ALWAYS, ALWAYS, NEVER},  names_auto_stop},
    [GROUP_ANNOTATIONS] = {FAMILY_DEMANAGER, {ALWAYS, NAMED, NEVER,  NEVER,  NEVER},  names_annotations},
    [GROUP_CUSTOM_SPEC] = {FAMILY_NONE,      {ALWAYS, NAMED, ALWAYS, NEVER,  NEVER},  names_custom_spec},
    [GROUP_HOOKS] =       {FAMILY_NOTEBOOKS, {ALWAYS, NAMED, ALWAYS, NEVER,  NEVER},  names_hooks},
    [GROUP_ACCESS_IPS] =  {FAMILY_NOTEBOOKS, {ALWAYS, NAMED, ALWAYS, NEVER,  NEVER},  names_endpoints},
    [GROUP_QUOTAS] =      {FAMILY_NONE,      {ALWAYS, NAMED, ALWAYS, ALWAYS, NEVER},  names_size},
};
/* clang-format on */

const struct rule rules[GROUP_COUNT] = {
    [GROUP_FLAVORS] = {"flavors", load_flavors, judge_flavors},
    [GROUP_PROFILES] = {"profiles", load_profiles, judge_profiles},
    [GROUP_IMAGES] = {"images", load_images, judge_images},
    [GROUP_WORKSPACES] = {"workspaces", load_workspaces, judge_workspaces},
    [GROUP_POOLS] = {"pools", load_pools, judge_pools},
    [GROUP_NAME] = {"name", load_name, judge_name},
    [GROUP_STORAGE] = {"storage", load_storage, judge_storage},
    [GROUP_AUTO_STOP] = {"auto_stop", load_auto_stop, judge_auto_stop},
    [GROUP_ANNOTATIONS] = {"annotations", load_annotations, judge_annotations},
    [GROUP_CUSTOM_SPEC] = {"custom_spec", load_custom_spec, judge_custom_spec},
    [GROUP_HOOKS] = {"hooks", load_hooks, judge_hooks},
    [GROUP_ACCESS_IPS] = {"allowed_access_ips", load_access_ips, judge_access_ips},
    [GROUP_QUOTAS] = {"quotas", load_quotas, judge_quotas},
};

const char *group_name(enum group group)
{
    return rules[group].name;
}

/* COLUMNS: no rule judges it. */
static enum column column_of(const struct operation *op)
{
    if (op->id == OP_NOTEBOOKS_LEASE)
        return COLUMN_LEASE;
    switch (op->class) {
    case CLASS_CREATE:
        return COLUMN_CREATE;
    case CLASS_CHANGE:
        return COLUMN_UPDATE;
    case CLASS_START:
        return COLUMN_START;
    case CLASS_MOUNT:
        return COLUMN_MOUNT;
    case CLASS_RELEASE:
    case CLASS_READ:
    case CLASS_OTHER:
        break;
    }
    return COLUMNS;
}

static bool is_known_in(const struct scope *scope, enum family family)
{
    return scope->family == FAMILY_NONE || scope->family == family;
}

const char *rule_why_not(enum group group, const struct instance_request *request)
{
    const struct scope *scope = &scopes[group];
    enum column column = column_of(request->op);

    if (!is_known_in(scope, request->op->family))
        return "this family has nothing of the kind";
    if (column == COLUMNS || scope->when[column] == NEVER)
        return "it does not judge this operation";
    if (scope->when[column] == NAMED && !scope->is_named(request))
        return group == GROUP_QUOTAS ? "the update names no flavor" : "the update does not name it";
    return NULL;
}

bool rule_may_apply(enum group group, const struct operation *op)
{
    const struct scope *scope = &scopes[group];
    enum column column = column_of(op);

    return is_known_in(scope, op->family) && column != COLUMNS && scope->when[column] != NEVER;
}
