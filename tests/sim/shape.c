/* SPDX-License-Identifier: Apache-2.0
 * The parts that a notebook is made of, and what the service checks of them. */
#include <string.h>

#include "notebooks.h"

enum { EVS_DEFAULT_GB = 5, SHARE_DEFAULT_GB = 50, CAPACITY_MIN = 5, CAPACITY_MAX = 4096 };

static struct verdict check_capacity(json_t *capacity)
{
    json_int_t value = json_integer_value(capacity);
    if (value >= CAPACITY_MIN && value <= CAPACITY_MAX)
        return check_fine;
    return check_say("ModelArts.6331", "The capacity must be from 5 to 4096.", NULL);
}

static bool is_object_storage(json_t *volume)
{
    return strncmp(text_in(volume, "category"), "OBS", 3) == 0;
}

struct verdict shape_volume(json_t *volume)
{
    static const char *const categories[] = {"EVS", "SFS", "EFS", "OBS", "OBSFS", NULL};
    static const char *const ownerships[] = {"MANAGED", "DEDICATED", NULL};
    static const struct rule rules[] = {
        {.name = "category", .kind = ENUM, .required = true, .values = categories},
        {.name = "ownership", .kind = ENUM, .values = ownerships},
        {.name = "capacity", .kind = INTEGER, .also = check_capacity},
        {.name = "uri", .kind = TEXT, .most = 1024},
        {.name = "id", .kind = TEXT},
        {.name = "mount_path", .kind = TEXT, .most = 256},
        {.name = "read_only", .kind = BOOLEAN},
        {.name = "dew_secret_name", .kind = TEXT}};
    struct verdict verdict;
    const char *uri;
    if (!json_is_object(volume))
        return check_wrong_type("volume");
    verdict = check_members(volume, rules, sizeof rules / sizeof rules[0]);
    uri = text_in(volume, "uri");
    if (verdict.code != NULL || !is_object_storage(volume))
        return verdict;
    if (strncmp(uri, "obs://", 6) != 0)
        return check_say("ModelArts.6317", "The param uri must be an OBS location.", NULL);
    if (uri[strlen(uri) - 1] != '/' || strlen(uri) == 6)
        return check_say("ModelArts.6318", "The param uri needs to end with /.", NULL);
    return check_fine;
}

static struct verdict check_text(json_t *text)
{
    return json_is_string(text) ? check_fine : check_wrong_type("endpoints");
}

struct verdict shape_endpoint(json_t *endpoint)
{
    static const char *const services[] = {"NOTEBOOK", "SSH", NULL};
    static const struct rule rules[] = {
        {.name = "service", .kind = ENUM, .required = true, .values = services},
        {.name = "key_pair_names", .kind = ARRAY, .also = check_text},
        {.name = "allowed_access_ips", .kind = ARRAY, .most = 5, .also = check_text}};
    if (!json_is_object(endpoint))
        return check_wrong_type("endpoints");
    return check_members(endpoint, rules, sizeof rules / sizeof rules[0]);
}

static struct verdict check_hook(json_t *hook)
{
    static const char *const types[] = {"SCRIPT", "COMMAND", NULL};
    static const struct rule rules[] = {
        {.name = "type", .kind = ENUM, .required = true, .values = types},
        {.name = "script", .kind = TEXT, .required = true}};
    return check_members(hook, rules, sizeof rules / sizeof rules[0]);
}

static struct verdict check_container_hooks(json_t *hooks)
{
    static const struct rule rules[] = {{.name = "pre_start", .kind = OBJECT, .also = check_hook},
                                        {.name = "post_start", .kind = OBJECT, .also = check_hook}};
    return check_members(hooks, rules, sizeof rules / sizeof rules[0]);
}

struct verdict shape_hooks(json_t *hooks)
{
    static const struct rule rules[] = {
        {.name = "container_hooks", .kind = OBJECT, .also = check_container_hooks}};
    return check_members(hooks, rules, sizeof rules / sizeof rules[0]);
}

static struct verdict check_cpu(json_t *cpu)
{
    return json_number_value(cpu) >= 0.4 ? check_fine
                                         : check_say("ModelArts.6336", "has a wrong value.", "cpu");
}

static struct verdict check_memory(json_t *memory)
{
    return json_integer_value(memory) >= 513
               ? check_fine
               : check_say("ModelArts.6336", "has a wrong value.", "memory");
}

struct verdict shape_custom_spec(json_t *custom_spec)
{
    static const struct rule rules[] = {{.name = "cpu", .kind = NUMBER, .also = check_cpu},
                                        {.name = "memory", .kind = INTEGER, .also = check_memory},
                                        {.name = "gpu", .kind = NUMBER},
                                        {.name = "gpu_type", .kind = TEXT},
                                        {.name = "arch", .kind = TEXT},
                                        {.name = "category", .kind = TEXT},
                                        {.name = "resource_flavor", .kind = TEXT}};
    return check_members(custom_spec, rules, sizeof rules / sizeof rules[0]);
}

static void set_missing(json_t *object, const char *name, json_t *value)
{
    if (json_object_get(object, name) == NULL)
        json_object_set(object, name, value);
    json_decref(value);
}

json_t *shape_shown_volume(json_t *volume)
{
    json_t *shown = json_deep_copy(volume);
    bool disk = strcmp(text_in(volume, "category"), "EVS") == 0;
    set_missing(shown, "ownership", json_string("MANAGED"));
    if (!is_object_storage(volume))
        set_missing(shown, "capacity", json_integer(disk ? EVS_DEFAULT_GB : SHARE_DEFAULT_GB));
    set_missing(shown, "mount_path", json_string("/home/ma-user/work/"));
    set_missing(shown, "read_only", json_false());
    json_object_set_new(shown, "status", json_string("MOUNTED"));
    return shown;
}

json_t *shape_shown_volumes(json_t *volumes)
{
    json_t *shown = json_array();
    for (size_t i = 0; i < json_array_size(volumes); i++)
        json_array_append_new(shown, shape_shown_volume(json_array_get(volumes, i)));
    return shown;
}
