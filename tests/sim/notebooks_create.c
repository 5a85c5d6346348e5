/* SPDX-License-Identifier: Apache-2.0
 * Making a notebook. Names may repeat. */
#include "notebooks.h"

static struct verdict check_pool_id(json_t *pool_id)
{
    return json_string_length(pool_id) >= 4
               ? check_fine
               : check_say("ModelArts.6336", "is too short.", "pool_id");
}

static struct verdict check_create(json_t *body)
{
    static const char *const features[] = {"NOTEBOOK", "DEFAULT", NULL};
    static const struct rule rules[] = {
        {.name = "image_id", .kind = TEXT, .required = true, .most = 256},
        {.name = "volume", .kind = OBJECT, .required = true, .also = shape_volume},
        {.name = "feature", .kind = ENUM, .values = features},
        {.name = "description", .kind = TEXT, .also = check_description},
        {.name = "duration", .kind = INTEGER},
        {.name = "lease", .kind = OBJECT},
        {.name = "pool_id", .kind = TEXT, .most = 64, .also = check_pool_id},
        {.name = "workspace_id", .kind = TEXT, .most = 32},
        {.name = "endpoints", .kind = ARRAY, .also = shape_endpoint},
        {.name = "hooks", .kind = OBJECT, .also = shape_hooks},
        {.name = "custom_spec", .kind = OBJECT, .also = shape_custom_spec},
        {.name = "data_volumes", .kind = ARRAY, .also = shape_volume},
        {.name = "affinity", .kind = OBJECT},
        {.name = "run_user", .kind = OBJECT},
        {.name = "user_vpc", .kind = OBJECT}};
    struct verdict verdict;
    if (!json_is_object(body))
        return check_say("ModelArts.6400", "The request body is not a JSON object.", NULL);
    verdict = check_name(json_object_get(body, "name"), 128);
    if (verdict.code == NULL)
        verdict = check_members(body, rules, sizeof rules / sizeof rules[0]);
    /* With a custom_spec there need be no flavor; one that is there must be one. */
    if (verdict.code == NULL &&
        (json_object_get(body, "custom_spec") == NULL || json_object_get(body, "flavor") != NULL))
        verdict = check_flavor(json_object_get(body, "flavor"));
    return verdict;
}

/* The lease that the body asks for: `duration` alone, if it is there, and of type TIMING. */
static json_t *wish_of(json_t *body)
{
    json_t *duration = json_object_get(body, "duration"), *lease = json_object_get(body, "lease");
    if (duration != NULL)
        return json_pack("{s:O}", "duration", duration);
    return lease == NULL ? json_object() : json_incref(lease);
}

static void copy_as_given(json_t *notebook, json_t *body)
{
    static const char *const names[] = {"name",      "description", "feature",     "flavor",
                                        "endpoints", "hooks",       "custom_spec", "affinity",
                                        "run_user",  "user_vpc",    "workspace_id"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        json_t *value = json_object_get(body, names[i]);
        if (value != NULL)
            json_object_set(notebook, names[i], value);
    }
}

static json_t *make_notebook(const struct call *call, json_t *body, json_t *wish)
{
    json_int_t now = sim_now_ms(call->sim);
    json_t *pool_id = json_object_get(body, "pool_id");
    json_t *notebook = json_pack(
        "{s:s,s:s,s:s,s:s,s:s,s:{s:O,s:s},s:o,s:o,s:o,s:[s],s:o,s:s,"
        "s:[],s:[],s:I,s:I,s:s,s:s}",
        "id", machine_make_id(NOTEBOOKS).text, "description", "", "feature", "NOTEBOOK", "status",
        "CREATING", "workspace_id", "0", "image", "id", json_object_get(body, "image_id"), "name",
        "image", "lease", lease_new(call->sim, wish), "volume",
        shape_shown_volume(json_object_get(body, "volume")), "data_volumes",
        shape_shown_volumes(json_object_get(body, "data_volumes")), "billing_items", "STORAGE",
        "user", caller_user(&call->caller, true), "user_id", call->caller.id, "endpoints", "tags",
        "create_at", now, "update_at", now, "url", "https://notebook.example", "token",
        "0f1e2d3c4b5a69788796a5b4c3d2e1f0");
    copy_as_given(notebook, body);
    if (json_object_get(body, "custom_spec") != NULL)
        json_object_set_new(notebook, "flavor", json_string(CUSTOM_FLAVOR));
    if (pool_id != NULL)
        json_object_set_new(notebook, "pool",
                            json_pack("{s:O,s:O}", "id", pool_id, "name", pool_id));
    return notebook;
}

void notebooks_create(struct call *call)
{
    json_t *body = json_deep_copy(call->body), *wish;
    struct verdict verdict = check_create(body);
    struct machine *machine;
    wish = wish_of(body);
    if (verdict.code == NULL)
        verdict = lease_check(wish);
    if (verdict.code == NULL && machine_is_full(call->sim, call->project))
        verdict = check_say("ModelArts.0113", "The quota is used up.", NULL);
    if (!call_fails(call, verdict)) {
        machine = machine_new(call->sim, NOTEBOOKS, call->project, make_notebook(call, body, wish));
        if (machine != NULL) {
            ledger_note(call, machine, "create");
            answer_json(call->answer, 201, json_incref(machine->object));
        }
    }
    json_decref(wish);
    json_decref(body);
}
