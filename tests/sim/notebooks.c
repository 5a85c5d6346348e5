/* SPDX-License-Identifier: Apache-2.0
 * The notebooks family: which call is whose, and the short ones. */
#include "notebooks.h"

#include <string.h>

static void get_one(struct call *call, struct machine *machine)
{
    answer_json(call->answer, 200, json_incref(machine->object));
}

/* Its storage goes with it, in whatever state it is. */
static void delete_one(struct call *call, struct machine *machine)
{
    json_object_set_new(machine->object, "status", json_string("DELETED"));
    ledger_note(call, machine, "delete");
    answer_json(call->answer, 200, json_incref(machine->object));
    machine_remove(call->sim, machine);
}

static struct verdict may(const struct machine *machine, const char *verb)
{
    const char *code = machine_refuses(machine, verb);
    return code == NULL ? check_fine
                        : check_say(code, "The status of the instance does not allow this.", NULL);
}

/* Every start begins a new lease. */
static void start(struct call *call, struct machine *machine)
{
    json_t *wish = lease_wish(call, NULL);
    struct verdict verdict = lease_check(wish);
    if (verdict.code == NULL)
        verdict = may(machine, "start");
    if (!call_fails(call, verdict)) {
        json_object_set_new(machine->object, "lease", lease_new(call->sim, wish));
        machine_enter(call->sim, machine, "STARTING");
        ledger_note(call, machine, "start");
        answer_json(call->answer, 200, json_incref(machine->object));
    }
    json_decref(wish);
}

static void stop(struct call *call, struct machine *machine)
{
    if (call_fails(call, may(machine, "stop")))
        return;
    machine_enter(call->sim, machine, "STOPPING");
    ledger_note(call, machine, "stop");
    answer_json(call->answer, 200, json_incref(machine->object));
}

/* What can be done to one instance. `path` is what stands behind its id; * is any one segment. */
static const struct {
    unsigned methods;
    const char *path[2];
    void (*serve)(struct call *call, struct machine *machine);
} routes[] = {{EVHTTP_REQ_GET, {NULL}, get_one},
              {EVHTTP_REQ_PUT, {NULL}, notebooks_update},
              {EVHTTP_REQ_DELETE, {NULL}, delete_one},
              {EVHTTP_REQ_POST | EVHTTP_REQ_GET, {"start"}, start},
              {EVHTTP_REQ_POST, {"stop"}, stop},
              {EVHTTP_REQ_GET, {"lease"}, lease_get},
              {EVHTTP_REQ_PATCH, {"lease"}, lease_patch},
              {EVHTTP_REQ_GET, {"flavors"}, notebooks_flavors_of},
              {EVHTTP_REQ_POST, {"storage"}, mount_add},
              {EVHTTP_REQ_GET, {"storage"}, mount_list},
              {EVHTTP_REQ_GET, {"storage", "*"}, mount_get},
              {EVHTTP_REQ_DELETE, {"storage", "*"}, mount_remove},
              {EVHTTP_REQ_POST, {"create-image"}, notebooks_create_image},
              {EVHTTP_REQ_POST, {"tags", "create"}, notebooks_tag},
              {EVHTTP_REQ_DELETE, {"tags", "delete"}, notebooks_untag}};

static bool is_at(const struct call *call, const char *const path[2])
{
    size_t count = path[0] == NULL ? 0 : path[1] == NULL ? 1 : 2;
    if (call->rest_count != 1 + count)
        return false;
    for (size_t i = 0; i < count; i++)
        if (strcmp(path[i], "*") != 0 && strcmp(path[i], call->rest[1 + i]) != 0)
            return false;
    return true;
}

static void serve_one(struct call *call, enum evhttp_cmd_type method)
{
    struct machine *machine =
        machine_find(call->sim, NOTEBOOKS, call->project, call->rest[0], NULL);
    size_t i = 0;
    while (i < sizeof routes / sizeof routes[0] &&
           ((routes[i].methods & method) == 0 || !is_at(call, routes[i].path)))
        i++;
    if (i == sizeof routes / sizeof routes[0])
        call_no_such_api(call);
    else if (machine == NULL)
        answer_failure(call->answer, "ModelArts.6404", "The notebook does not exist.");
    else if (call->unreadable && method != EVHTTP_REQ_GET)
        answer_failure(call->answer, "ModelArts.6400", "The request body is not a JSON object.");
    else
        routes[i].serve(call, machine);
}

void notebooks_serve(struct call *call)
{
    static const struct {
        enum evhttp_cmd_type method;
        const char *word; /* the one segment behind the family; NULL: none */
        void (*serve)(struct call *call);
    } rows[] = {{EVHTTP_REQ_POST, NULL, notebooks_create},
                {EVHTTP_REQ_GET, NULL, notebooks_list},
                {EVHTTP_REQ_GET, "all", notebooks_list},
                {EVHTTP_REQ_GET, "flavors", notebooks_flavors},
                {EVHTTP_REQ_GET, "tags", notebooks_tags}};
    enum evhttp_cmd_type method = call->method == EVHTTP_REQ_HEAD ? EVHTTP_REQ_GET : call->method;
    const char *word = call->rest_count == 1 ? call->rest[0] : NULL;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0] && call->rest_count < 2; i++)
        if (rows[i].method == method && (rows[i].word == NULL) == (word == NULL) &&
            (word == NULL || strcmp(rows[i].word, word) == 0)) {
            rows[i].serve(call);
            return;
        }
    if (call->rest_count > 0)
        serve_one(call, method);
    else
        call_no_such_api(call);
}
