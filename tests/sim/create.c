/* SPDX-License-Identifier: Apache-2.0
 * What the service checks of a demanager create body. Unknown members are ignored. */
#include <string.h>

#include "cloud.h"
#include "sim.h"

static struct verdict check_obs(json_t *location)
{
    json_t *path = json_object_get(location, "path");
    const char *text = json_string_value(path);
    if (path == NULL)
        return check_say("ModelArts.6317", "The param path is required for obs.", NULL);
    if (text == NULL)
        return check_wrong_type("path");
    if (text[0] == '\0' || text[strlen(text) - 1] != '/')
        return check_say("ModelArts.6318", "The param path needs to end with /.", NULL);
    if (text[0] != '/' || strchr(text + 1, '/') == text + strlen(text) - 1)
        return check_say("ModelArts.6358", "The param path must not be the root of a bucket.",
                         NULL);
    return check_fine;
}

static struct verdict check_evs(json_t *location)
{
    json_t *size = json_object_get(location, "volume_size");
    if (size == NULL)
        return check_fine;
    if (!json_is_integer(size))
        return check_wrong_type("volume_size");
    if (json_integer_value(size) < 5 || json_integer_value(size) > 4096)
        return check_say("ModelArts.6331", "The volume size must be from 5 to 4096.", NULL);
    return check_fine;
}

static struct verdict check_storage(json_t *storage)
{
    const char *type = json_string_value(json_object_get(storage, "type"));
    json_t *location = json_object_get(storage, "location");
    if (storage == NULL)
        return check_say("ModelArts.6316", "The param storage is required.", NULL);
    if (!json_is_object(storage) || (location != NULL && !json_is_object(location)))
        return check_wrong_type("storage");
    if (json_object_get(storage, "type") == NULL)
        return check_missing("type");
    if (type == NULL)
        return check_wrong_type("type");
    if (strcmp(type, "obs") == 0)
        return check_obs(location);
    if (strcmp(type, "evs") == 0)
        return check_evs(location);
    if (strcmp(type, "obsfs") == 0)
        return check_fine;
    return check_say("ModelArts.6324", "The storage type is not supported.", NULL);
}

struct verdict create_check_auto_stop(json_t *auto_stop)
{
    json_t *enable = json_object_get(auto_stop, "enable");
    json_t *duration = json_object_get(auto_stop, "duration");
    if (auto_stop == NULL || json_is_null(auto_stop))
        return check_fine;
    if (!json_is_object(auto_stop))
        return check_wrong_type("auto_stop");
    if (enable != NULL && !json_is_boolean(enable))
        return check_wrong_type("enable");
    if (duration != NULL && !json_is_integer(duration))
        return check_wrong_type("duration");
    if (json_is_true(enable) && duration == NULL)
        return check_say("ModelArts.6348",
                         "The param duration is mandatory when auto stop is enabled.", NULL);
    if (duration != NULL &&
        (json_integer_value(duration) < 3600 || json_integer_value(duration) > 86400))
        return check_say("ModelArts.6349", "The param duration must be from 3600 to 86400.", NULL);
    return check_fine;
}

static struct verdict check_objects(json_t *body)
{
    static const char *const names[] = {"workspace", "pool", "ai_project"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        json_t *value = json_object_get(body, names[i]);
        if (value != NULL && !json_is_null(value) && !json_is_object(value))
            return check_wrong_type(names[i]);
    }
    return check_fine;
}

/* `extend_storage`: more of the same objects. */
static struct verdict check_extend_storage(json_t *list)
{
    struct verdict verdict = check_fine;
    if (list == NULL || json_is_null(list))
        return check_fine;
    if (!json_is_array(list))
        return check_wrong_type("extend_storage");
    for (size_t i = 0; i < json_array_size(list) && verdict.code == NULL; i++)
        verdict = check_storage(json_array_get(list, i));
    return verdict;
}

static struct verdict check_spec(json_t *spec)
{
    struct verdict verdict;
    if (spec == NULL)
        return check_missing("spec");
    if (!json_is_object(spec))
        return check_wrong_type("spec");
    verdict = check_storage(json_object_get(spec, "storage"));
    if (verdict.code == NULL)
        verdict = check_extend_storage(json_object_get(spec, "extend_storage"));
    return verdict.code != NULL ? verdict
                                : create_check_auto_stop(json_object_get(spec, "auto_stop"));
}

struct verdict create_check(struct sim *sim, const char *project, json_t *body)
{
    json_t *name = json_object_get(body, "name"), *profile = json_object_get(body, "profile_id");
    struct verdict verdict;
    if (!json_is_object(body))
        return check_say("ModelArts.6400", "The request body is not a JSON object.", NULL);
    if (profile == NULL)
        return check_missing("profile_id");
    if (!json_is_string(profile))
        return check_wrong_type("profile_id");
    verdict = check_name(name, 64);
    if (verdict.code == NULL)
        verdict = check_description(json_object_get(body, "description"));
    if (verdict.code == NULL)
        verdict = check_flavor(json_object_get(body, "flavor"));
    if (verdict.code == NULL)
        verdict = check_objects(body);
    if (verdict.code == NULL)
        verdict = check_spec(json_object_get(body, "spec"));
    if (verdict.code == NULL &&
        machine_find(sim, DEMANAGER, project, NULL, json_string_value(name)) != NULL)
        return check_say("ModelArts.6301", "The name is already used.", NULL);
    if (verdict.code == NULL && machine_is_full(sim, project))
        return check_say("ModelArts.6302", "The number of instances has reached its limit.", NULL);
    return verdict;
}
