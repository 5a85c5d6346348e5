/* SPDX-License-Identifier: Apache-2.0
 * PUT of a notebook. What it names is changed, or nothing is. */
#include <string.h>

#include "notebooks.h"

static struct verdict check_new_size(json_t *size)
{
    return json_integer_value(size) <= 4096
               ? check_fine
               : check_say("ModelArts.6331", "The capacity is out of range.", NULL);
}

static struct verdict check_new_name(json_t *name)
{
    return check_name(name, 128);
}

static struct verdict check_against(json_t *body, const struct machine *machine)
{
    json_t *size = json_object_get(body, "storage_new_size");
    json_t *volume = json_object_get(machine->object, "volume");
    json_int_t now_gb = json_integer_value(json_object_get(volume, "capacity"));
    bool other_flavor =
        json_object_get(body, "flavor") != NULL || json_object_get(body, "custom_spec") != NULL;
    if (other_flavor && strcmp(machine_status(machine), "STOPPED") != 0)
        return check_say("ModelArts.6347", "can only be changed while it is stopped.", "flavor");
    if (size != NULL && json_integer_value(size) <= now_gb)
        return check_say("ModelArts.6331", "The storage can only grow.", NULL);
    return check_fine;
}

static struct verdict check_update(json_t *body, const struct machine *machine)
{
    static const struct rule rules[] = {
        {.name = "name", .kind = TEXT, .also = check_new_name},
        {.name = "description", .kind = TEXT, .also = check_description},
        {.name = "flavor", .kind = TEXT, .also = check_flavor},
        {.name = "image_id", .kind = TEXT, .most = 256},
        {.name = "endpoints", .kind = ARRAY, .also = shape_endpoint},
        {.name = "hooks", .kind = OBJECT, .also = shape_hooks},
        {.name = "storage_new_size", .kind = INTEGER, .also = check_new_size},
        {.name = "data_volumes", .kind = ARRAY, .also = shape_volume},
        {.name = "custom_spec", .kind = OBJECT, .also = shape_custom_spec},
        {.name = "affinity", .kind = OBJECT}};
    struct verdict verdict;
    if (!json_is_object(body))
        return check_say("ModelArts.6400", "The request body is not a JSON object.", NULL);
    verdict = check_members(body, rules, sizeof rules / sizeof rules[0]);
    return verdict.code != NULL ? verdict : check_against(body, machine);
}

static void apply(json_t *notebook, json_t *body)
{
    static const char *const names[] = {"name",  "description", "flavor",  "endpoints",
                                        "hooks", "custom_spec", "affinity"};
    json_t *image = json_object_get(body, "image_id");
    json_t *size = json_object_get(body, "storage_new_size");
    json_t *volumes = json_object_get(body, "data_volumes");
    bool custom = json_object_get(body, "custom_spec") != NULL;
    if (json_object_get(body, "flavor") != NULL)
        json_object_del(notebook, "custom_spec");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (json_object_get(body, names[i]) != NULL)
            json_object_set(notebook, names[i], json_object_get(body, names[i]));
    if (custom)
        json_object_set_new(notebook, "flavor", json_string(CUSTOM_FLAVOR));
    if (image != NULL)
        json_object_set(json_object_get(notebook, "image"), "id", image);
    if (size != NULL)
        json_object_set(json_object_get(notebook, "volume"), "capacity", size);
    if (volumes != NULL)
        json_object_set_new(notebook, "data_volumes", shape_shown_volumes(volumes));
}

void notebooks_update(struct call *call, struct machine *machine)
{
    json_t *body = json_deep_copy(call->body);
    if (!call_fails(call, check_update(body, machine))) {
        apply(machine->object, body);
        json_object_set_new(machine->object, "update_at", json_integer(sim_now_ms(call->sim)));
        ledger_note(call, machine, "update");
        answer_json(call->answer, 200, json_incref(machine->object));
    }
    json_decref(body);
}
