/* SPDX-License-Identifier: Apache-2.0
 * Policy files as they are written: rows of the schema and the structs that they fill. */
#pragma once

#include "policy/set.h"
#include "yaml/schema.h"

struct doc_file {
    struct yobject self;
    struct ynumber version, preset; /* preset: `default` */
    const struct ynode *weights, *policies, *exceptions;
};

struct doc_match {
    struct yobject self;
    struct ytexts keys[MATCH_KEYS];
    struct ytexts operations, families;
};

struct doc_list {
    struct yobject self;
    struct ytexts allow, deny;
};

struct doc_pools {
    struct yobject self;
    struct ytexts allow;
    struct ynumber public;
};

struct doc_name {
    struct yobject self;
    struct ytext pattern;
};

struct doc_storage {
    struct yobject self;
    struct ytexts types, obs_prefixes;
    struct ynumber max_size_gb;
};

struct doc_stop {
    struct yobject self;
    struct ynumber required, on_missing, preset, min, max, over_max;
    struct ytexts types;
};

struct doc_annotations {
    struct yobject self;
    struct ypairs set;
    struct ytexts require;
};

struct doc_access_ips {
    struct yobject self;
    struct ytexts allow;
    struct ynumber required;
};

struct doc_policy {
    struct yobject self;
    struct ytext name, contact;
    struct ynumber mode, custom_spec, hooks;
    struct doc_match match;
    struct doc_list flavors, profiles, images, workspaces;
    struct doc_pools pools;
    struct doc_name pattern;
    struct doc_storage storage;
    struct doc_stop stop;
    struct doc_annotations annotations;
    struct doc_access_ips access_ips;
    const struct ynode *quotas; /* a list of doc_quota */
};

struct doc_quota {
    struct yobject self;
    struct ytext name, weight;
    struct ynumber limit, counts, hours, window;
    struct ytexts per, flavors, families, pools, workspaces;
};

struct doc_allow {
    struct yobject self;
    struct ytexts flavors, profiles, images, workspaces, pools, access_ips;
    struct doc_storage storage;
};

struct doc_exception {
    struct yobject self;
    struct ytext name, policy, reason, approved_by, expires;
    struct doc_match match;
    struct doc_allow allow;
    struct ytexts lift;
};

extern const struct yfield doc_file_fields[];
extern const struct yfield doc_policy_fields[]; /* without the rule `name` */
extern const struct yfield doc_name_fields[];
extern const struct yfield doc_quota_fields[];
extern const struct yfield doc_exception_fields[];

enum { DOC_TEXT_MAX = 256 };
