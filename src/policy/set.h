/* SPDX-License-Identifier: Apache-2.0
 * A loaded policy set from the inside; only this room includes it. */
#pragma once

#include <stdatomic.h>

#include "base/digest.h"
#include "policy/ere.h"
#include "policy/globset.h"
#include "policy/network.h"
#include "policy/policy.h"
#include "policy/quota.h"

enum {
    SHOWN_MAX = 10,       /* values of a list that a message names */
    VALUE_MAX = 1024,     /* bytes of one value in a list, and of a request's value in a rule */
    ANNOTATIONS_MAX = 64, /* of one policy, set and required each */
    NETWORKS_MAX = 256    /* in one list: they are looked through one by one */
};

enum policy_mode { MODE_ENFORCE, MODE_WARN, MODE_OBSERVE };
extern const char *const mode_names[]; /* by enum policy_mode; NULL-terminated */
enum { MODE_BIT_ENFORCE = 1, MODE_BIT_WARN = 2, MODE_BIT_OBSERVE = 4, MODE_BITS_ALL = 7 };

/* The groups of rules; the order is that of the rows in rules.c and of reasons in a policy. */
enum group {
    GROUP_FLAVORS,
    GROUP_PROFILES,
    GROUP_IMAGES,
    GROUP_WORKSPACES,
    GROUP_POOLS,
    GROUP_NAME,
    GROUP_STORAGE,
    GROUP_AUTO_STOP,
    GROUP_ANNOTATIONS,
    GROUP_CUSTOM_SPEC,
    GROUP_HOOKS,
    GROUP_ACCESS_IPS,
    GROUP_QUOTAS,
    GROUP_COUNT
};

/* Allow-lists that an exception may add to. */
enum list_id {
    LIST_FLAVORS,
    LIST_PROFILES,
    LIST_IMAGES,
    LIST_WORKSPACES,
    LIST_POOLS,
    LIST_TYPES,
    LIST_COUNT
};

struct values {
    bool set;
    struct loc at;
    const struct globset *globs;
    struct view shown[SHOWN_MAX];
    size_t shown_count, count;
};

/* Prefixes without placeholders stand in `values`, the others are filled for each caller. */
struct prefixes {
    struct values values;
    const struct view *templates; /* each ends with '/' */
    size_t template_count;
};

struct networks {
    struct values values; /* for messages; no globs */
    const struct network *items;
    size_t count;
};

enum match_key {
    MATCH_PROJECTS,
    MATCH_USERS,
    MATCH_USER_IDS,
    MATCH_DOMAINS,
    MATCH_ROLES,
    MATCH_GROUPS,
    MATCH_KEYS
};

struct match {
    struct loc at;
    struct values keys[MATCH_KEYS];
    bool has_operations, operations[OP_COUNT];
    struct loc operations_at;
    bool has_families, families[FAMILY_NOTEBOOKS + 1];
    struct loc families_at;
    struct view canon; /* equal for matches that hold for the same requests; "" for all; only while
                          loading */
};

struct limit { /* of time */
    bool set;
    int64_t seconds;
    struct loc at;
};

enum { STOP_TIMING = 1, STOP_IDLE = 2 }; /* bits: types of auto_stop */

struct stop_rule {
    bool required, refuse_missing, refuse_over;
    struct loc required_at;
    struct limit preset, min, max; /* preset: `default` */
    unsigned types;                /* STOP_TIMING alone if left out */
    struct loc types_at;
};

struct annotation {
    struct view key, value;      /* required ones have no value, */
    const struct globset *globs; /* but a set of one */
    struct loc at;
};

enum { IMPLIED_PUBLIC = 1, IMPLIED_CUSTOM_SPEC = 2, IMPLIED_SSH = 4, IMPLIED_STOP_TYPES = 8 };

struct policy {
    struct view name, contact;
    struct loc at; /* of the name */
    enum policy_mode mode;
    struct match match;
    unsigned groups; /* bits by enum group: which stand */
    bool public, has_max_size, refuse_custom_spec, refuse_hooks;
    bool open_ssh;    /* allowed_access_ips.required: false */
    unsigned implied; /* bits: rules that stand as they do because they were left out */
    struct values allow[LIST_COUNT], deny_flavors;
    struct prefixes prefixes;
    struct loc public_at;
    const struct ere *pattern;
    struct view pattern_text;
    struct loc pattern_at;
    int64_t max_size_gb;
    struct loc max_size_at;
    struct stop_rule stop;
    const struct annotation *sets, *requires;
    size_t set_count, require_count;
    struct loc custom_spec_at, hooks_at, access_at;
    struct networks networks;
    struct quota *quotas; /* in the order of the file */
    size_t quota_count;
    const struct exception **exceptions; /* in name order */
    size_t exception_count;
};

struct exception {
    struct view name;
    struct loc at;
    struct view policy;
    struct loc policy_at;
    struct match match;
    unsigned lifted; /* bits by enum group */
    struct values allow[LIST_COUNT];
    struct prefixes prefixes;
    struct networks networks;
    int64_t expires_us; /* the first microsecond in which it no longer holds */
};

struct weight_table;

struct policy_set {
    atomic_size_t references;
    struct arena arena;
    char digest[DIGEST_HEX_BYTES + 1];
    bool allow_unmatched;
    bool has_default;
    struct loc default_at;
    struct policy *policies; /* in name order */
    size_t policy_count;
    struct exception *exceptions; /* in name order */
    size_t exception_count;
    struct weight_table *weights; /* in the order of the files */
    size_t weight_count;
    const struct quota **quotas; /* in name order */
    size_t quota_count;
};

/* "auto_stop", ... */
const char *group_name(enum group group);
