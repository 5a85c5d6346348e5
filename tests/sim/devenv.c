/* SPDX-License-Identifier: Apache-2.0
 * The demanager family: create, list, get, update, action, delete, token. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud.h"
#include "lists.h"
#include "sim.h"

/* What every instance has; names, times and ids are filled in. */
static const char instance_text[] =
    "{\"ai_project\":{\"id\":\"default-ai-project\"},\"creation_timestamp\":\"0\",\"description\":"
    "\"\","
    "\"flavor\":\"\",\"flavor_details\":{\"name\":\"\",\"params\":{\"CPU\":24,\"NPU\":1,"
    "\"graphics_memory\":\"32GiB\",\"memory\":\"96GiB\",\"type\":\"Ascend 910\"},"
    "\"status\":\"onSale\",\"storage_list\":[\"obs\",\"efs\"],\"type\":\"Ascend\"},\"id\":\"\","
    "\"latest_update_timestamp\":\"0\",\"name\":\"\",\"profile\":{\"de_type\":\"Notebook\","
    "\"description\":\"Ascend 910, python 3.7/3.6 for notebook\",\"flavor_type\":\"Ascend\","
    "\"id\":\"efa847c0-7359-11eb-b34f-0255ac100057\",\"name\":\"Ascend-Powered-Engine 1.0 "
    "(python3)\",\"provision\":{\"annotations\":"
    "{\"category\":\"Ascend-Powered-Engine 1.0 (Python3)\",\"type\":\"system\"},\"spec\":"
    "{\"engine\":\"CCE\",\"params\":{\"image_name\":\"mul-kernel-d910-arm-cp37\","
    "\"image_tag\":\"3.1.0-c76-2-test\",\"namespace\":\"atelier\"}},\"type\":\"Docker\"}},"
    "\"spec\":{\"annotations\":{\"target_domain\":\"https://"
    "notebook-modelarts.cn-south-222.pcl.ac.cn\","
    "\"url\":\"\"},\"extend_params\":null,\"extend_storage\":null,\"failed_reasons\":null,"
    "\"repository\":null},\"status\":\"CREATING\",\"user\":"
    "{\"id\":\"f3779708b547462dbca12a70555d0690\",\"name\":\"modelarts_manage_admin\"},"
    "\"workspace\":{\"id\":\"0\"}}";

static void fill_spec(json_t *spec, json_t *wanted)
{
    json_t *auto_stop = json_object_get(wanted, "auto_stop");
    json_t *annotations = json_object_get(wanted, "annotations");
    json_t *extend = json_object_get(wanted, "extend_storage");
    json_object_set(spec, "storage", json_object_get(wanted, "storage"));
    if (json_is_object(auto_stop)) {
        auto_stop = json_deep_copy(auto_stop);
        if (json_object_get(auto_stop, "prompt") == NULL)
            json_object_set_new(auto_stop, "prompt", json_true());
        json_object_set_new(spec, "auto_stop", auto_stop);
    }
    if (json_is_object(annotations))
        json_object_update(json_object_get(spec, "annotations"), annotations);
    if (extend != NULL)
        json_object_set(spec, "extend_storage", extend);
}

static json_t *make_instance(const struct call *call)
{
    struct sim *sim = call->sim;
    json_t *body = call->body;
    json_t *instance = json_loads(instance_text, 0, NULL);
    static const char *const copied[] = {"name",      "description", "flavor",
                                         "workspace", "pool",        "ai_project"};
    char stamp[24];
    (void)snprintf(stamp, sizeof stamp, "%lld", (long long)sim_now_ms(sim));
    for (size_t i = 0; i < sizeof copied / sizeof copied[0]; i++) {
        json_t *value = json_object_get(body, copied[i]);
        if (value != NULL && !json_is_null(value))
            json_object_set(instance, copied[i], value);
    }
    json_object_set_new(instance, "id", json_string(machine_make_id(DEMANAGER).text));
    json_object_set_new(instance, "creation_timestamp", json_string(stamp));
    json_object_set_new(instance, "user", caller_user(&call->caller, false));
    json_object_set(json_object_get(instance, "flavor_details"), "name",
                    json_object_get(body, "flavor"));
    json_object_set(json_object_get(instance, "profile"), "name",
                    json_object_get(body, "profile_id"));
    fill_spec(json_object_get(instance, "spec"), json_object_get(body, "spec"));
    return instance;
}

static void create(struct call *call)
{
    struct machine *machine;
    if (call_fails(call, create_check(call->sim, call->project, call->body)))
        return;
    machine = machine_new(call->sim, DEMANAGER, call->project, make_instance(call));
    if (machine == NULL)
        return;
    ledger_note(call, machine, "create");
    answer_instance(call->answer, 200, json_incref(machine->object));
}

static const char *text_at(json_t *object, const char *outer, const char *name)
{
    return text_in(json_object_get(object, outer), name);
}

static bool is_listed(const struct call *call, const struct machine *machine)
{
    const char *status = call_query(call, "status", NULL);
    const char *show_self = call_query(call, "show_self", "true");
    const char *pool = call_query(call, "pool_id", NULL);
    if (machine->family != DEMANAGER || strcmp(machine->project, call->project) != 0)
        return false;
    if (status != NULL && strcmp(status, machine_status(machine)) != 0)
        return false;
    if (pool != NULL)
        return strcmp(pool, text_at(machine->object, "pool", "id")) == 0;
    if (strcmp(call_query(call, "workspace_id", "0"),
               text_at(machine->object, "workspace", "id")) != 0)
        return false;
    return evutil_ascii_strcasecmp(show_self, "false") == 0 || lists_own(call, machine);
}

static void list(struct call *call)
{
    const char *de_type = call_query(call, "de_type", "Notebook");
    const char *sort = call_query(call, "sortby", "name");
    long offset = strtol(call_query(call, "offset", "0"), NULL, 10);
    long limit = strtol(call_query(call, "limit", "0"), NULL, 10), total = 0;
    json_t *instances = json_array();
    struct machine **sorted;
    size_t count;
    bool falling = evutil_ascii_strcasecmp(call_query(call, "order", "asc"), "desc") == 0;
    if (strcmp(de_type, "Notebook") != 0 ||
        (strcmp(sort, "name") != 0 && strcmp(sort, "creation_timestamp") != 0)) {
        json_decref(instances);
        answer_failure(call->answer,
                       strcmp(de_type, "Notebook") != 0 ? "ModelArts.6336" : "ModelArts.6303",
                       "The query is not supported.");
        return;
    }
    machine_settle_all(call->sim);
    sorted = lists_sorted(call, is_listed, strcmp(sort, "name") == 0, falling, &count);
    for (; total < (long)count; total++)
        if (total >= offset && (limit == 0 || total < offset + limit))
            json_array_append(instances, sorted[total]->object);
    free(sorted);
    answer_json(call->answer, 200,
                json_pack("{s:I,s:o}", "total_count", (json_int_t)total, "instances", instances));
}

/* Lays an auto_stop over the one in spec; what it doesn't name stays. */
static void merge_auto_stop(json_t *spec, json_t *auto_stop)
{
    if (!json_is_object(auto_stop))
        return;
    if (!json_is_object(json_object_get(spec, "auto_stop")))
        json_object_set_new(spec, "auto_stop", json_object());
    json_object_update(json_object_get(spec, "auto_stop"), auto_stop);
}

/* The instance's spec as the body wants it. Whether the service takes an auto_stop at the top level
 * is unknown, and a client sends it there, so this cloud takes either. */
static json_t *updated_spec(const struct call *call, const struct machine *machine)
{
    json_t *spec = json_deep_copy(json_object_get(machine->object, "spec"));
    json_t *top = json_object_get(call->body, "auto_stop");
    json_t *inner = json_object_get(json_object_get(call->body, "spec"), "auto_stop");
    bool top_wins = call->sim->reading.auto_stop == TOP_WINS;
    spec = spec == NULL ? json_object() : spec;
    merge_auto_stop(spec, top_wins ? inner : top);
    merge_auto_stop(spec, top_wins ? top : inner);
    return spec;
}

static struct verdict check_update(json_t *body, json_t *spec)
{
    json_t *wanted = json_object_get(body, "spec");
    json_t *places[] = {json_object_get(body, "auto_stop"), json_object_get(wanted, "auto_stop")};
    if (!json_is_object(body))
        return check_say("ModelArts.6400", "The request body is not a JSON object.", NULL);
    if (wanted != NULL && !json_is_null(wanted) && !json_is_object(wanted))
        return check_wrong_type("spec");
    for (size_t i = 0; i < 2; i++)
        if (places[i] != NULL && !json_is_null(places[i]) && !json_is_object(places[i]))
            return check_wrong_type("auto_stop");
    if (check_description(json_object_get(body, "description")).code != NULL)
        return check_description(json_object_get(body, "description"));
    return create_check_auto_stop(json_object_get(spec, "auto_stop"));
}

static void update(struct call *call, struct machine *machine)
{
    json_t *spec = updated_spec(call, machine);
    json_t *description = json_object_get(call->body, "description");
    if (call_fails(call, check_update(call->body, spec))) {
        json_decref(spec);
        return;
    }
    if (description != NULL)
        json_object_set(machine->object, "description", description);
    json_object_set_new(machine->object, "spec", spec);
    ledger_note(call, machine, "update");
    answer_instance(call->answer, 200, json_incref(machine->object));
}

static void act(struct call *call, struct machine *machine)
{
    static const struct {
        const char *verb, *state;
    } rows[] = {{"start", "STARTING"},
                {"stop", "STOPPING"},
                {"restart", "RESTARTING"},
                {"queue", "START_QUEUING"},
                {"dequeue", "STOPPED"}};
    const char *verb = json_string_value(json_object_get(call->body, "action"));
    const char *before = machine_status(machine), *code;
    size_t row = 0;
    json_t *answer;
    while (row < 5 && (verb == NULL || strcmp(rows[row].verb, verb) != 0))
        row++;
    if (row == 5) {
        answer_failure(call->answer, "ModelArts.6336", "The action is not supported.");
        return;
    }
    code = machine_refuses(machine, verb);
    if (code != NULL) {
        answer_failure(call->answer, code, "The status of the instance does not allow this.");
        return;
    }
    answer = json_pack("{s:s,s:s}", "current_status", rows[row].state, "previous_state", before);
    machine_enter(call->sim, machine, rows[row].state);
    ledger_note(call, machine, verb);
    answer_json(call->answer, 200, answer);
}

static void delete_one(struct call *call, struct machine *machine)
{
    static const char *const at_rest[] = {"STOPPED", "CREATE_FAILED", "START_FAILED",
                                          "UNAVAILABLE"};
    size_t i = 0;
    while (i < 4 && strcmp(machine_status(machine), at_rest[i]) != 0)
        i++;
    if (i == 4) {
        answer_failure(call->answer, "ModelArts.6304", "Stop the instance before deleting it.");
        return;
    }
    answer_json(call->answer, 200, json_pack("{s:s}", "instance_id", call->rest[1]));
    json_object_set_new(machine->object, "status", json_string("DELETED"));
    ledger_note(call, machine, "delete");
    machine_remove(call->sim, machine);
}

static void serve_one(struct call *call)
{
    struct machine *machine =
        machine_find(call->sim, DEMANAGER, call->project, call->rest[1], NULL);
    bool get = call->method == EVHTTP_REQ_GET || call->method == EVHTTP_REQ_HEAD;
    const char *more = call->rest_count > 2 ? call->rest[2] : "";
    if (machine == NULL)
        answer_failure(call->answer, "ModelArts.6309", "The instance does not exist.");
    else if (get && strcmp(more, "token") == 0)
        answer_json(call->answer, 200,
                    json_pack("{s:s}", "token", "0f1e2d3c4b5a69788796a5b4c3d2e1f0"));
    else if (call->method == EVHTTP_REQ_POST && strcmp(more, "action") == 0)
        act(call, machine);
    else if (get && more[0] == '\0')
        answer_instance(call->answer, 200, json_incref(machine->object));
    else if (call->method == EVHTTP_REQ_PUT && more[0] == '\0')
        update(call, machine);
    else if (call->method == EVHTTP_REQ_DELETE && more[0] == '\0')
        delete_one(call, machine);
    else
        call_no_such_api(call);
}

void devenv_serve(struct call *call)
{
    if (call->rest_count > 1)
        serve_one(call);
    else if (call->method == EVHTTP_REQ_POST)
        create(call);
    else if (call->method == EVHTTP_REQ_GET || call->method == EVHTTP_REQ_HEAD)
        list(call);
    else
        call_no_such_api(call);
}
