/* SPDX-License-Identifier: Apache-2.0
 * The typed request: what policies see of any create, change, start or mount, whatever API family
 * and spelling it came in. null counts as missing. Views live as long as the arena and body it was
 * read from. */
#pragma once

#include <stdint.h>

#include "modelarts/obs.h"
#include "modelarts/operation.h"

struct text_field {
    bool set;
    struct view value;
};

/* One auto-stop as the request names it. Off is enable false or missing (the API's default is
 * false). */
struct stop_request {
    bool misplaced; /* stands where a real client puts it but the API doesn't document it */
    bool enable;
    bool has_duration;
    int64_t duration_s;
    const char *pointer; /* "/spec/auto_stop" */
};

struct storage_request {
    struct view type;         /* "obs", "obsfs", "evs", ... as received */
    struct text_field path;   /* as received */
    bool has_obs;             /* obs holds path, well-formed */
    enum obs_fault obs_fault; /* why path isn't well-formed, if it is set and has_obs is false */
    struct obs_path obs;
    bool has_size;
    int64_t size_gb;
    const char *pointer; /* "/spec/storage", "/spec/extend_storage/0" */
};

struct pair {
    struct view key, value;
};

/* A create names everything; an update may name little. */
struct instance_request {
    const struct operation *op;
    struct view project; /* of the path */
    struct text_field name;
    struct text_field profile; /* demanager */
    struct text_field image;   /* notebooks */
    struct text_field flavor;
    struct text_field workspace;  /* set to "0" where the API documents that default */
    bool has_pool;                /* a dedicated pool is named in any way */
    struct text_field pool;       /* its id */
    struct text_field pool_owner; /* project id of its owner */
    const struct storage_request *storages;
    size_t storage_count;
    const struct stop_request *stops; /* at most one that isn't misplaced, and that is the first */
    size_t stop_count;
    const struct pair *annotations; /* of the right place */
    size_t annotation_count;
    const struct pair *stray_annotations; /* of a misplaced copy */
    size_t stray_annotation_count;
    bool has_custom_spec;
};
