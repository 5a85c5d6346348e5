/* SPDX-License-Identifier: Apache-2.0
 * The notebooks family, as far as reads and releases need it, and a create without checks. */
#include <string.h>

#include "cloud.h"
#include "sim.h"

static void create(struct call *call)
{
    json_t *lease = json_object_get(call->body, "lease"), *duration, *object;
    struct machine *machine;
    if (!json_is_string(json_object_get(call->body, "name"))) {
        answer_failure(call->answer, "ModelArts.6335", "'name' is a required property.");
        return;
    }
    duration = json_object_get(lease, "duration");
    object = json_pack("{s:s,s:O,s:s,s:s,s:{s:b,s:I,s:s}}", "id", machine_make_id(NOTEBOOKS).text,
                       "name", json_object_get(call->body, "name"), "status", "CREATING", "feature",
                       "NOTEBOOK", "lease", "enable", json_integer_value(duration) >= 0, "duration",
                       duration == NULL ? (json_int_t)3600000 : json_integer_value(duration),
                       "type", "TIMING");
    if (json_is_string(json_object_get(call->body, "flavor")))
        json_object_set(object, "flavor", json_object_get(call->body, "flavor"));
    machine = machine_new(call->sim, NOTEBOOKS, call->project, object);
    if (machine != NULL)
        answer_json(call->answer, 201, json_incref(machine->object));
}

static void list(struct call *call)
{
    json_t *data = json_array();
    struct machine *machine;
    machine_settle_all(call->sim);
    for (machine = TAILQ_FIRST(&call->sim->machines); machine != NULL;
         machine = TAILQ_NEXT(machine, next))
        if (machine->family == NOTEBOOKS && strcmp(machine->project, call->project) == 0)
            json_array_append(data, machine->object);
    answer_json(call->answer, 200,
                json_pack("{s:i,s:I,s:i,s:i,s:o}", "current", 0, "total",
                          (json_int_t)json_array_size(data), "pages", 1, "size", 10, "data", data));
}

static void serve_verb(struct call *call, struct machine *machine, const char *verb)
{
    bool get = call->method == EVHTTP_REQ_GET, post = call->method == EVHTTP_REQ_POST;
    if (get && strcmp(verb, "lease") == 0)
        answer_json(call->answer, 200, json_incref(json_object_get(machine->object, "lease")));
    else if (get && strcmp(verb, "flavors") == 0)
        answer_json(call->answer, 200, json_pack("{s:i,s:[]}", "total", 0, "data"));
    else if (post && (strcmp(verb, "stop") == 0 || strcmp(verb, "start") == 0)) {
        machine_enter(call->sim, machine, verb[2] == 'o' ? "STOPPING" : "STARTING");
        answer_json(call->answer, 200, json_incref(machine->object));
    } else
        answer_front_door(call->answer, 404, "APIG.0101",
                          "The API does not exist or has not been published.");
}

static void serve_one(struct call *call)
{
    struct machine *machine =
        machine_find(call->sim, NOTEBOOKS, call->project, call->rest[0], NULL);
    if (machine == NULL)
        answer_failure(call->answer, "ModelArts.6404", "The notebook does not exist.");
    else if (call->rest_count > 1)
        serve_verb(call, machine, call->rest[1]);
    else if (call->method == EVHTTP_REQ_DELETE) {
        answer_json(call->answer, 200, json_incref(machine->object));
        machine_remove(call->sim, machine);
    } else
        answer_json(call->answer, 200, json_incref(machine->object));
}

void notebooks_serve(struct call *call)
{
    bool get = call->method == EVHTTP_REQ_GET || call->method == EVHTTP_REQ_HEAD;
    if (get && (call->rest_count == 0 || strcmp(call->rest[0], "all") == 0))
        list(call);
    else if (get && (strcmp(call->rest[0], "flavors") == 0 || strcmp(call->rest[0], "tags") == 0))
        answer_json(call->answer, 200, json_pack("{s:i,s:[]}", "total", 0, "data"));
    else if (call->method == EVHTTP_REQ_POST && call->rest_count == 0)
        create(call);
    else if (call->rest_count > 0)
        serve_one(call);
    else
        answer_front_door(call->answer, 404, "APIG.0101",
                          "The API does not exist or has not been published.");
}
