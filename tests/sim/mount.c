/* SPDX-License-Identifier: Apache-2.0
 * OBS folders that are mounted into a running notebook. */
#include <string.h>

#include "notebooks.h"

static struct verdict check_mount(const struct call *call, json_t *mount,
                                  const struct machine *machine)
{
    static const char *const categories[] = {"OBS", "OBSFS", NULL};
    static const struct rule rules[] = {
        {.name = "category", .kind = ENUM, .required = true, .values = categories},
        {.name = "mount_path", .kind = TEXT, .required = true, .most = 256},
        {.name = "uri", .kind = TEXT, .required = true, .most = 256}};
    struct verdict verdict;
    const char *path;
    if (!json_is_object(call->body))
        return check_say("ModelArts.6400", "The request body is not a JSON object.", NULL);
    verdict = check_members(mount, rules, sizeof rules / sizeof rules[0]);
    if (verdict.code == NULL)
        verdict = shape_volume(mount);
    path = text_in(mount, "mount_path");
    if (verdict.code == NULL && (strncmp(path, "/data/", 6) != 0 || path[6] == '\0'))
        verdict = check_say("ModelArts.6336", "must be below /data/.", "mount_path");
    if (verdict.code == NULL && strcmp(machine_status(machine), "RUNNING") != 0)
        verdict = check_say("ModelArts.6327", "The instance is not running.", NULL);
    return verdict;
}

void mount_add(struct call *call, struct machine *machine)
{
    json_t *mount = json_deep_copy(call->body);
    if (!call_fails(call, check_mount(call, mount, machine))) {
        json_object_set_new(mount, "id", json_string(machine_make_id(NOTEBOOKS).text));
        json_object_set_new(mount, "category", json_string("OBSFS"));
        json_object_set_new(mount, "status", json_string("MOUNTED"));
        if (machine->mounts == NULL)
            machine->mounts = json_array();
        json_array_append(machine->mounts, mount);
        ledger_note(call, machine, "mount");
        answer_json(call->answer, 200, json_incref(mount));
    }
    json_decref(mount);
}

void mount_list(struct call *call, struct machine *machine)
{
    json_t *all = machine->mounts == NULL ? json_array() : json_incref(machine->mounts);
    json_int_t count = (json_int_t)json_array_size(all);
    answer_json(call->answer, 200,
                json_pack("{s:i,s:o,s:i,s:I,s:I}", "current", 0, "data", all, "pages", 1, "size",
                          count, "total", count));
}

/* The place of the mount that the path names, or the number of mounts. */
static size_t find(const struct call *call, const struct machine *machine)
{
    size_t i = 0, count = json_array_size(machine->mounts);
    while (i < count && strcmp(text_in(json_array_get(machine->mounts, i), "id"), call->rest[2]))
        i++;
    return i;
}

void mount_get(struct call *call, struct machine *machine)
{
    json_t *mount = json_array_get(machine->mounts, find(call, machine));
    if (mount == NULL)
        answer_failure(call->answer, "ModelArts.6404", "The storage does not exist.");
    else
        answer_json(call->answer, 200, json_incref(mount));
}

void mount_remove(struct call *call, struct machine *machine)
{
    if (json_array_remove(machine->mounts, find(call, machine)) != 0) {
        answer_failure(call->answer, "ModelArts.6404", "The storage does not exist.");
        return;
    }
    ledger_note(call, machine, "unmount");
    answer_json(call->answer, 204, NULL);
}
