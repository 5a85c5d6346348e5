/* SPDX-License-Identifier: Apache-2.0
 * The table of rules: a row for each group of the policy language. */
#include "policy/judge.h"

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
};

const char *group_name(enum group group)
{
    return rules[group].name;
}
