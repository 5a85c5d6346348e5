/* SPDX-License-Identifier: Apache-2.0
 * Flavors, tags and images of the notebooks family: what no policy judges, in its simplest form. */
#include <string.h>

#include "notebooks.h"

void notebooks_flavors(struct call *call)
{
    json_t *data = json_array();
    for (size_t i = 0; check_flavors[i] != NULL; i++)
        json_array_append_new(data, json_pack("{s:s,s:s,s:b}", "id", check_flavors[i], "name",
                                              check_flavors[i], "sold_out", false));
    answer_json(call->answer, 200,
                json_pack("{s:i,s:I,s:I,s:i,s:o}", "current", 0, "total",
                          (json_int_t)json_array_size(data), "size",
                          (json_int_t)json_array_size(data), "pages", 1, "data", data));
}

void notebooks_flavors_of(struct call *call, struct machine *machine)
{
    (void)machine;
    notebooks_flavors(call);
}

/* The state of the instance returns to RUNNING by the clock. */
void notebooks_create_image(struct call *call, struct machine *machine)
{
    static const struct rule rules[] = {{.name = "name", .kind = TEXT, .required = true},
                                        {.name = "namespace", .kind = TEXT},
                                        {.name = "tag", .kind = TEXT}};
    json_t *body = json_deep_copy(call->body);
    struct verdict verdict = check_members(body, rules, sizeof rules / sizeof rules[0]);
    if (verdict.code == NULL && strcmp(machine_status(machine), "RUNNING") != 0)
        verdict = check_say("ModelArts.6327", "The instance is not running.", NULL);
    if (!call_fails(call, verdict)) {
        machine_enter(call->sim, machine, "SNAPSHOTTING");
        ledger_note(call, machine, "create_image");
        answer_json(call->answer, 200,
                    json_pack("{s:s,s:O,s:s}", "id", machine_make_id(NOTEBOOKS).text, "name",
                              json_object_get(body, "name"), "status", "CREATING"));
    }
    json_decref(body);
}

static struct verdict check_tag(json_t *tag)
{
    static const struct rule rules[] = {{.name = "key", .kind = TEXT, .required = true},
                                        {.name = "value", .kind = TEXT}};
    if (!json_is_object(tag))
        return check_wrong_type("tags");
    return check_members(tag, rules, sizeof rules / sizeof rules[0]);
}

static void remove_tag(json_t *tags, const char *key)
{
    for (size_t i = json_array_size(tags); i > 0; i--)
        if (strcmp(text_in(json_array_get(tags, i - 1), "key"), key) == 0)
            json_array_remove(tags, i - 1);
}

static void change_tags(struct call *call, struct machine *machine, bool add)
{
    static const struct rule rules[] = {
        {.name = "tags", .kind = ARRAY, .required = true, .also = check_tag}};
    json_t *wanted = json_deep_copy(json_object_get(call->body, "tags"));
    json_t *tags = json_object_get(machine->object, "tags");
    if (!call_fails(call, check_members(call->body, rules, 1))) {
        for (size_t i = 0; i < json_array_size(wanted); i++) {
            remove_tag(tags, text_in(json_array_get(wanted, i), "key"));
            if (add)
                json_array_append(tags, json_array_get(wanted, i));
        }
        ledger_note(call, machine, add ? "tag" : "untag");
        answer_json(call->answer, 204, NULL);
    }
    json_decref(wanted);
}

void notebooks_tag(struct call *call, struct machine *machine)
{
    change_tags(call, machine, true);
}

void notebooks_untag(struct call *call, struct machine *machine)
{
    change_tags(call, machine, false);
}

static void gather(json_t *all, json_t *tag)
{
    const char *key = text_in(tag, "key");
    json_t *values = json_object_get(all, key);
    if (values == NULL) {
        values = json_array();
        json_object_set_new(all, key, values);
    }
    json_array_append(values, json_object_get(tag, "value"));
}

/* Every key in use, with the values that it has. */
void notebooks_tags(struct call *call)
{
    json_t *all = json_object(), *list = json_array();
    struct machine *machine;
    for (machine = TAILQ_FIRST(&call->sim->machines); machine != NULL;
         machine = TAILQ_NEXT(machine, next)) {
        json_t *tags = json_object_get(machine->object, "tags");
        bool here = machine->family == NOTEBOOKS && strcmp(machine->project, call->project) == 0;
        for (size_t i = 0; here && i < json_array_size(tags); i++)
            gather(all, json_array_get(tags, i));
    }
    for (void *at = json_object_iter(all); at != NULL; at = json_object_iter_next(all, at))
        json_array_append_new(list, json_pack("{s:s,s:O}", "key", json_object_iter_key(at),
                                              "values", json_object_iter_value(at)));
    json_decref(all);
    answer_json(call->answer, 200, json_pack("{s:o}", "tags", list));
}
