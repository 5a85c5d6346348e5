/* SPDX-License-Identifier: Apache-2.0
 * What the service checks of a create body, with the codes that it answers with. A member given
 * twice counts as its last one, and unknown members are ignored. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cloud.h"
#include "sim.h"

static const struct verdict fine = {.code = NULL};

static struct verdict say(const char *code, const char *format, const char *what)
{
    struct verdict verdict = {.code = code};
    if (what == NULL)
        (void)snprintf(verdict.message, sizeof verdict.message, "%s", format);
    else
        (void)snprintf(verdict.message, sizeof verdict.message, "'%.60s' %s", what, format);
    return verdict;
}

static struct verdict missing(const char *what)
{
    return say("ModelArts.6335", "is a required property.", what);
}

static struct verdict wrong_type(const char *what)
{
    return say("ModelArts.6332", "has the wrong type.", what);
}

static bool only_word_characters(const char *text)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    return text[0] != '\0' && text[strspn(text, allowed)] == '\0';
}

static struct verdict check_name(json_t *name)
{
    const char *text = json_string_value(name);
    if (name == NULL)
        return missing("name");
    if (text == NULL)
        return wrong_type("name");
    if (!only_word_characters(text))
        return say("ModelArts.6334", "The name contains forbidden characters.", NULL);
    if (strlen(text) > 64)
        return say("ModelArts.6336", "is too long.", "name");
    return fine;
}

struct verdict create_check_description(json_t *description)
{
    const char *text = json_string_value(description);
    if (description == NULL)
        return fine;
    if (text == NULL)
        return wrong_type("description");
    if (text[strcspn(text, "&<>\"'/")] != '\0')
        return say("ModelArts.6334", "The description contains forbidden characters.", NULL);
    if (strlen(text) > 512)
        return say("ModelArts.6336", "is too long.", "description");
    return fine;
}

static struct verdict check_flavor(json_t *flavor)
{
    static const char *const known[] = {"modelarts.vm.cpu.2u",   "modelarts.vm.cpu.8u",
                                        "modelarts.vm.cpu.free", "modelarts.vm.gpu.free",
                                        "modelarts.vm.gpu.p100", "modelarts.vm.gpu.v100",
                                        "modelarts.kat1.xlarge", "modelarts.bm.gpu.v100NV32"};
    const char *text = json_string_value(flavor);
    if (flavor == NULL)
        return missing("flavor");
    if (text == NULL)
        return wrong_type("flavor");
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(known[i], text) == 0)
            return fine;
    return say("ModelArts.6323", "The flavor is not supported.", NULL);
}

static struct verdict check_obs(json_t *location)
{
    json_t *path = json_object_get(location, "path");
    const char *text = json_string_value(path);
    if (path == NULL)
        return say("ModelArts.6317", "The param path is required for obs.", NULL);
    if (text == NULL)
        return wrong_type("path");
    if (text[0] == '\0' || text[strlen(text) - 1] != '/')
        return say("ModelArts.6318", "The param path needs to end with /.", NULL);
    if (text[0] != '/' || strchr(text + 1, '/') == text + strlen(text) - 1)
        return say("ModelArts.6358", "The param path must not be the root of a bucket.", NULL);
    return fine;
}

static struct verdict check_evs(json_t *location)
{
    json_t *size = json_object_get(location, "volume_size");
    if (size == NULL)
        return fine;
    if (!json_is_integer(size))
        return wrong_type("volume_size");
    if (json_integer_value(size) < 5 || json_integer_value(size) > 4096)
        return say("ModelArts.6331", "The volume size must be from 5 to 4096.", NULL);
    return fine;
}

static struct verdict check_storage(json_t *storage)
{
    const char *type = json_string_value(json_object_get(storage, "type"));
    json_t *location = json_object_get(storage, "location");
    if (storage == NULL)
        return say("ModelArts.6316", "The param storage is required.", NULL);
    if (!json_is_object(storage) || (location != NULL && !json_is_object(location)))
        return wrong_type("storage");
    if (json_object_get(storage, "type") == NULL)
        return missing("type");
    if (type == NULL)
        return wrong_type("type");
    if (strcmp(type, "obs") == 0)
        return check_obs(location);
    if (strcmp(type, "evs") == 0)
        return check_evs(location);
    if (strcmp(type, "obsfs") == 0)
        return fine;
    return say("ModelArts.6324", "The storage type is not supported.", NULL);
}

struct verdict create_check_auto_stop(json_t *auto_stop)
{
    json_t *enable = json_object_get(auto_stop, "enable");
    json_t *duration = json_object_get(auto_stop, "duration");
    if (auto_stop == NULL || json_is_null(auto_stop))
        return fine;
    if (!json_is_object(auto_stop))
        return wrong_type("auto_stop");
    if (enable != NULL && !json_is_boolean(enable))
        return wrong_type("enable");
    if (duration != NULL && !json_is_integer(duration))
        return wrong_type("duration");
    if (json_is_true(enable) && duration == NULL)
        return say("ModelArts.6348", "The param duration is mandatory when auto stop is enabled.",
                   NULL);
    if (duration != NULL &&
        (json_integer_value(duration) < 3600 || json_integer_value(duration) > 86400))
        return say("ModelArts.6349", "The param duration must be from 3600 to 86400.", NULL);
    return fine;
}

static struct verdict check_objects(json_t *body)
{
    static const char *const names[] = {"workspace", "pool", "ai_project"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        json_t *value = json_object_get(body, names[i]);
        if (value != NULL && !json_is_null(value) && !json_is_object(value))
            return wrong_type(names[i]);
    }
    return fine;
}

static struct verdict check_spec(json_t *spec)
{
    struct verdict verdict;
    if (spec == NULL)
        return missing("spec");
    if (!json_is_object(spec))
        return wrong_type("spec");
    verdict = check_storage(json_object_get(spec, "storage"));
    return verdict.code != NULL ? verdict
                                : create_check_auto_stop(json_object_get(spec, "auto_stop"));
}

struct verdict create_check(struct sim *sim, const char *project, json_t *body)
{
    json_t *name = json_object_get(body, "name"), *profile = json_object_get(body, "profile_id");
    struct verdict verdict;
    if (!json_is_object(body))
        return say("ModelArts.6400", "The request body is not a JSON object.", NULL);
    if (profile == NULL)
        return missing("profile_id");
    if (!json_is_string(profile))
        return wrong_type("profile_id");
    verdict = check_name(name);
    if (verdict.code == NULL)
        verdict = create_check_description(json_object_get(body, "description"));
    if (verdict.code == NULL)
        verdict = check_flavor(json_object_get(body, "flavor"));
    if (verdict.code == NULL)
        verdict = check_objects(body);
    if (verdict.code == NULL)
        verdict = check_spec(json_object_get(body, "spec"));
    if (verdict.code == NULL &&
        machine_find(sim, DEMANAGER, project, NULL, json_string_value(name)) != NULL)
        return say("ModelArts.6301", "The name is already used.", NULL);
    if (verdict.code == NULL && machine_count(sim, project) >= sim->max_instances)
        return say("ModelArts.6302", "The number of instances has reached its limit.", NULL);
    return verdict;
}
