/* SPDX-License-Identifier: Apache-2.0
 * The typed request: what policies see of any create, change, start or mount, whatever API family
 * and spelling it came in. null counts as missing. Views live as long as the arena and body it was
 * read from. */
#pragma once

#include <stdint.h>

#include "modelarts/obs.h"
#include "modelarts/operation.h"

/* What the cloud calls the flavor of an instance whose resources were chosen one by one, whatever
 * flavor was named beside them. It may be any. */
#define MODELARTS_CUSTOM_FLAVOR VIEW("custom.flavor.spec.code")

struct text_field {
    bool set;
    struct view value;
};

/* One auto-stop as the request names it. demanager: off is enable false or missing (the API's
 * default is false). notebooks: on whenever a duration is named, and a duration of 0 or less never
 * stops. */
struct stop_request {
    bool misplaced;  /* stands where a real client puts it but the API doesn't document it */
    bool has_enable; /* the request says `enable` itself */
    bool enable;
    bool has_duration;
    int64_t duration_ms; /* INT64_MAX where the unit's conversion overflows */
    const char *pointer; /* "/spec/auto_stop", "/duration", "/lease", "?duration" */
};

struct storage_request {
    struct view type;         /* "obs", "obsfs", "evs", "EVS", ... as received */
    bool own;                 /* the instance's own, which every instance has; not a further one */
    bool grows;               /* a new size for a volume that is there: only the size is judged */
    bool is_share;            /* path is that of a file share (EFS, SFS), not of OBS */
    struct text_field path;   /* as received */
    bool has_obs;             /* obs holds path, well-formed */
    enum obs_fault obs_fault; /* why path isn't well-formed, if it is set and has_obs is false */
    struct obs_path obs;
    bool has_size; /* size_gb is what is asked for, or the API's default for this type */
    int64_t size_gb;
    const char *pointer; /* "/spec/storage", "/data_volumes/0"; "/uri" of a mount */
};

/* A way into the instance (notebooks). */
struct endpoint_request {
    bool ssh;               /* every service but NOTEBOOK, also one that is missing */
    const struct view *ips; /* allowed_access_ips as received; none lets every address in */
    size_t ip_count;
    const char *pointer; /* "/endpoints/0" */
};

struct pair {
    struct view key, value;
};

/* A create names everything; an update may name little. A start is judged by what the instance is:
 * its fields are those that the cloud has stored. */
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
    struct text_field stop_type; /* notebooks: "TIMING", "IDLE" as received; not set: timed */
    bool has_hooks;              /* notebooks: scripts that run in the container */
    const struct endpoint_request *endpoints; /* notebooks */
    size_t endpoint_count;
    bool stored;              /* the fields are the stored ones (a start) */
    bool stops_stored;        /* the stops too: no edit of this request can change them */
    int64_t lease_elapsed_ms; /* of a lease: time since it began, for which `max` counts too */
};

/* Seconds (of a part of one: a whole one) after which the instance that this request starts,
 * prolongs or changes is stopped, whatever it does: the longest that one of its auto-stops names.
 * -1: never, or the request doesn't say: no auto-stop at the right place, one that is off or has no
 * end, or one that waits for the instance to be idle. */
int64_t modelarts_run_s(const struct instance_request *request);
