/* SPDX-License-Identifier: Apache-2.0
 * Storages, family by family. */
#include "modelarts/storage.h"

#include "base/attr.h"

static bool is_type(const struct storage_request *storage, struct view type)
{
    return view_eq_nocase(storage->type, type);
}

/* What the API's pages give to a volume without a size. */
static void default_size(struct storage_request *storage, enum family family)
{
    static const struct {
        enum family family;
        struct view type;
        int64_t size_gb;
    } defaults[] = {
        {FAMILY_DEMANAGER, {"evs", 3}, 5},
        {FAMILY_NOTEBOOKS, {"evs", 3}, 5},
        {FAMILY_NOTEBOOKS, {"efs", 3}, 50},
        {FAMILY_NOTEBOOKS, {"sfs", 3}, 50},
    };

    for (size_t i = 0; i < ARRAY_LEN(defaults) && !storage->has_size; i++) {
        if (defaults[i].family == family && is_type(storage, defaults[i].type)) {
            storage->has_size = true;
            storage->size_gb = defaults[i].size_gb;
        }
    }
}

static bool is_host_byte(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '.';
}

/* "host:/share", and no scheme before "//". */
static bool is_address(struct view path)
{
    struct view host = view_of(path.ptr, view_find(path, ':'));
    struct view rest = view_from(path, host.len);

    for (size_t i = 0; i < host.len; i++) {
        if (!is_host_byte(host.ptr[i]))
            return false;
    }
    return host.len > 0 && view_starts(rest, VIEW(":/")) && !view_starts(rest, VIEW("://"));
}

/* The address of a file share, which no one can take for a place in OBS. */
static bool is_share(const struct storage_request *storage)
{
    struct view path = storage->path.value;
    bool begins_obs = path.len >= 3 && view_eq_nocase(view_of(path.ptr, 3), VIEW("obs"));

    return (is_type(storage, VIEW("efs")) || is_type(storage, VIEW("sfs"))) && !begins_obs &&
           is_address(path);
}

static enum obs_fault parse_location(struct storage_request *storage, enum family family)
{
    struct view path = storage->path.value;

    if (family == FAMILY_NOTEBOOKS)
        return obs_parse_uri(path, &storage->obs);
    if (is_type(storage, VIEW("obsfs")) && !view_starts(path, VIEW("/")))
        return obs_parse_bucket(path, &storage->obs);
    return obs_parse_path(path, &storage->obs);
}

/* Whether the path is well-formed is for the rule that judges paths to say: without one, the
 * cloud's own checks stay the cloud's. */
void storage_finish(struct storage_request *storage, enum family family, bool stored)
{
    default_size(storage, family);
    /* In answers of the demanager family the path of a disk is where it is mounted. */
    if (stored && family == FAMILY_DEMANAGER && is_type(storage, VIEW("evs")))
        storage->path = (struct text_field){0};
    if (!storage->path.set)
        return;
    storage->is_share = family == FAMILY_NOTEBOOKS && is_share(storage);
    if (storage->is_share)
        return;
    storage->obs_fault = parse_location(storage, family);
    storage->has_obs = storage->obs_fault == OBS_OK;
}
