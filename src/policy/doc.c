/* SPDX-License-Identifier: Apache-2.0
 * The keys of policy files. What a row allows is only the shape; what values mean is checked by the
 * rule that loads them. */
#include "policy/doc.h"

#include "policy/quota_filter.h"

#define HOUR_MS (3600LL * 1000)
#define TEXT(name, field, must)                                                              \
    {                                                                                        \
        .key = (name), .kind = YFIELD_TEXT, .offset = (field), .required = (must), .min = 1, \
        .max = DOC_TEXT_MAX                                                                  \
    }
#define ROW(name, type, field)                           \
    {                                                    \
        .key = (name), .kind = (type), .offset = (field) \
    }
#define CHOICE(name, field, choices)                                              \
    {                                                                             \
        .key = (name), .kind = YFIELD_ENUM, .offset = (field), .names = (choices) \
    }
#define GROUP(name, field, rows)                                                  \
    {                                                                             \
        .key = (name), .kind = YFIELD_OBJECT, .offset = (field), .fields = (rows) \
    }
#define TIME(name, field)                                                       \
    {                                                                           \
        .key = (name), .kind = YFIELD_DURATION, .offset = (field), .min = 1000, \
        .max = 366LL * 24 * 3600 * 1000                                         \
    }
#define END         \
    {               \
        .key = NULL \
    }

static const char *const refuse_allow[] = {"refuse", "allow", NULL};
const char *const mode_names[] = {"enforce", "warn", "observe", NULL};
static const char *const set_refuse[] = {"set", "refuse", NULL};
static const char *const existing_running[] = {"existing", "running", NULL};
static const char *const cap_refuse[] = {"cap", "refuse", NULL};

static const struct yfield match_fields[] = {
    ROW("projects", YFIELD_TEXTS, offsetof(struct doc_match, keys[MATCH_PROJECTS])),
    ROW("users", YFIELD_TEXTS, offsetof(struct doc_match, keys[MATCH_USERS])),
    ROW("user_ids", YFIELD_TEXTS, offsetof(struct doc_match, keys[MATCH_USER_IDS])),
    ROW("domains", YFIELD_TEXTS, offsetof(struct doc_match, keys[MATCH_DOMAINS])),
    ROW("roles", YFIELD_TEXTS, offsetof(struct doc_match, keys[MATCH_ROLES])),
    ROW("groups", YFIELD_TEXTS, offsetof(struct doc_match, keys[MATCH_GROUPS])),
    ROW("operations", YFIELD_TEXTS, offsetof(struct doc_match, operations)),
    ROW("families", YFIELD_TEXTS, offsetof(struct doc_match, families)),
    END,
};
static const struct yfield flavor_fields[] = {
    ROW("allow", YFIELD_TEXTS, offsetof(struct doc_list, allow)),
    ROW("deny", YFIELD_TEXTS, offsetof(struct doc_list, deny)),
    END,
};
static const struct yfield list_fields[] = {
    ROW("allow", YFIELD_TEXTS, offsetof(struct doc_list, allow)),
    END,
};
static const struct yfield pool_fields[] = {
    ROW("allow", YFIELD_TEXTS, offsetof(struct doc_pools, allow)),
    ROW("public", YFIELD_BOOL, offsetof(struct doc_pools, public)),
    END,
};
static const struct yfield storage_fields[] = {
    ROW("types", YFIELD_TEXTS, offsetof(struct doc_storage, types)),
    ROW("obs_prefixes", YFIELD_TEXTS, offsetof(struct doc_storage, obs_prefixes)),
    {.key = "max_size_gb",
     .kind = YFIELD_INT,
     .offset = offsetof(struct doc_storage, max_size_gb),
     .min = 1,
     .max = 1048576},
    END,
};
static const struct yfield allow_storage_fields[] = {
    ROW("types", YFIELD_TEXTS, offsetof(struct doc_storage, types)),
    ROW("obs_prefixes", YFIELD_TEXTS, offsetof(struct doc_storage, obs_prefixes)),
    END,
};
static const struct yfield stop_fields[] = {
    ROW("required", YFIELD_BOOL, offsetof(struct doc_stop, required)),
    CHOICE("on_missing", offsetof(struct doc_stop, on_missing), set_refuse),
    TIME("default", offsetof(struct doc_stop, preset)),
    TIME("min", offsetof(struct doc_stop, min)),
    TIME("max", offsetof(struct doc_stop, max)),
    CHOICE("over_max", offsetof(struct doc_stop, over_max), cap_refuse),
    ROW("types", YFIELD_TEXTS, offsetof(struct doc_stop, types)),
    END,
};
static const struct yfield annotation_fields[] = {
    ROW("set", YFIELD_PAIRS, offsetof(struct doc_annotations, set)),
    ROW("require", YFIELD_TEXTS, offsetof(struct doc_annotations, require)),
    END,
};
static const struct yfield access_ips_fields[] = {
    {.key = "allow",
     .kind = YFIELD_TEXTS,
     .offset = offsetof(struct doc_access_ips, allow),
     .required = true},
    ROW("required", YFIELD_BOOL, offsetof(struct doc_access_ips, required)),
    END,
};
static const struct yfield allow_fields[] = {
    ROW("flavors", YFIELD_TEXTS, offsetof(struct doc_allow, flavors)),
    ROW("profiles", YFIELD_TEXTS, offsetof(struct doc_allow, profiles)),
    ROW("images", YFIELD_TEXTS, offsetof(struct doc_allow, images)),
    ROW("workspaces", YFIELD_TEXTS, offsetof(struct doc_allow, workspaces)),
    ROW("pools", YFIELD_TEXTS, offsetof(struct doc_allow, pools)),
    GROUP("storage", offsetof(struct doc_allow, storage), allow_storage_fields),
    ROW("allowed_access_ips", YFIELD_TEXTS, offsetof(struct doc_allow, access_ips)),
    END,
};

const struct yfield doc_policy_fields[] = {
    TEXT("name", offsetof(struct doc_policy, name), true),
    TEXT("contact", offsetof(struct doc_policy, contact), false),
    CHOICE("mode", offsetof(struct doc_policy, mode), mode_names),
    GROUP("match", offsetof(struct doc_policy, match), match_fields),
    GROUP("flavors", offsetof(struct doc_policy, flavors), flavor_fields),
    GROUP("profiles", offsetof(struct doc_policy, profiles), list_fields),
    GROUP("images", offsetof(struct doc_policy, images), list_fields),
    GROUP("workspaces", offsetof(struct doc_policy, workspaces), list_fields),
    GROUP("pools", offsetof(struct doc_policy, pools), pool_fields),
    GROUP("storage", offsetof(struct doc_policy, storage), storage_fields),
    GROUP("auto_stop", offsetof(struct doc_policy, stop), stop_fields),
    GROUP("annotations", offsetof(struct doc_policy, annotations), annotation_fields),
    CHOICE("custom_spec", offsetof(struct doc_policy, custom_spec), refuse_allow),
    CHOICE("hooks", offsetof(struct doc_policy, hooks), refuse_allow),
    GROUP("allowed_access_ips", offsetof(struct doc_policy, access_ips), access_ips_fields),
    ROW("quotas", YFIELD_NODE, offsetof(struct doc_policy, quotas)),
    END,
};

const struct yfield doc_name_fields[] = {
    {.key = "pattern",
     .kind = YFIELD_TEXT,
     .offset = offsetof(struct doc_name, pattern),
     .required = true},
    END,
};

/* Which of them go together is checked where they are loaded. */
const struct yfield doc_quota_fields[] = {
    TEXT("name", offsetof(struct doc_quota, name), true),
    {.key = "limit",
     .kind = YFIELD_INT,
     .offset = offsetof(struct doc_quota, limit),
     .max = QUOTA_LIMIT_MAX},
    CHOICE("counts", offsetof(struct doc_quota, counts), existing_running),
    {.key = "hours",
     .kind = YFIELD_INT,
     .offset = offsetof(struct doc_quota, hours),
     .max = QUOTA_HOURS_MAX},
    {.key = "window",
     .kind = YFIELD_DURATION,
     .offset = offsetof(struct doc_quota, window),
     .min = HOUR_MS,
     .max = HOUR_MS * 24 * QUOTA_WINDOW_MAX_DAYS},
    TEXT("weight", offsetof(struct doc_quota, weight), false),
    ROW("per", YFIELD_TEXTS, offsetof(struct doc_quota, per)),
    ROW("flavors", YFIELD_TEXTS, offsetof(struct doc_quota, flavors)),
    ROW("families", YFIELD_TEXTS, offsetof(struct doc_quota, families)),
    ROW("pools", YFIELD_TEXTS, offsetof(struct doc_quota, pools)),
    ROW("workspaces", YFIELD_TEXTS, offsetof(struct doc_quota, workspaces)),
    END,
};

const struct yfield doc_exception_fields[] = {
    TEXT("name", offsetof(struct doc_exception, name), true),
    TEXT("policy", offsetof(struct doc_exception, policy), true),
    GROUP("match", offsetof(struct doc_exception, match), match_fields),
    GROUP("allow", offsetof(struct doc_exception, allow), allow_fields),
    ROW("lift", YFIELD_TEXTS, offsetof(struct doc_exception, lift)),
    {.key = "reason", .kind = YFIELD_TEXT, .offset = offsetof(struct doc_exception, reason)},
    TEXT("approved_by", offsetof(struct doc_exception, approved_by), false),
    TEXT("expires", offsetof(struct doc_exception, expires), true),
    END,
};

const struct yfield doc_file_fields[] = {
    {.key = "version",
     .kind = YFIELD_INT,
     .offset = offsetof(struct doc_file, version),
     .required = true},
    CHOICE("default", offsetof(struct doc_file, preset), refuse_allow),
    ROW("weights", YFIELD_NODE, offsetof(struct doc_file, weights)),
    ROW("policies", YFIELD_NODE, offsetof(struct doc_file, policies)),
    ROW("exceptions", YFIELD_NODE, offsetof(struct doc_file, exceptions)),
    END,
};
