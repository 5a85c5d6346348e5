/* SPDX-License-Identifier: Apache-2.0
 * The books. A row is kept as text, so that a hundred thousand of them are small and a row cannot
 * change with the instance that it tells of. */
#include "ledger.h"

#include <stdlib.h>
#include <string.h>

#include "cloud.h"
#include "sim.h"

struct ledger_row {
    TAILQ_ENTRY(ledger_row) next;
    char *text;
};

static json_t *member(json_t *object, const char *outer, const char *name)
{
    return json_object_get(json_object_get(object, outer), name);
}

/* A reference, or null where there is nothing. */
static json_t *or_null(json_t *value)
{
    return value == NULL ? json_null() : json_incref(value);
}

static void add_storage(json_t *list, const char *place, json_t *type, json_t *path, json_t *size)
{
    json_array_append_new(list,
                          json_pack("{s:s,s:o,s:o,s:o}", "place", place, "type", or_null(type),
                                    "path", or_null(path), "size", or_null(size)));
}

static void add_demanager_storage(json_t *list, const char *place, json_t *storage)
{
    add_storage(list, place, json_object_get(storage, "type"), member(storage, "location", "path"),
                member(storage, "location", "volume_size"));
}

static void add_volume(json_t *list, const char *place, json_t *volume)
{
    add_storage(list, place, json_object_get(volume, "category"), json_object_get(volume, "uri"),
                json_object_get(volume, "capacity"));
}

static json_t *demanager_view(json_t *object)
{
    json_t *spec = json_object_get(object, "spec"), *storages = json_array();
    json_t *auto_stop = json_object_get(spec, "auto_stop");
    json_t *extend = json_object_get(spec, "extend_storage");
    bool stops = json_is_true(json_object_get(auto_stop, "enable"));
    json_int_t seconds = json_integer_value(json_object_get(auto_stop, "duration"));
    add_demanager_storage(storages, "storage", json_object_get(spec, "storage"));
    for (size_t i = 0; i < json_array_size(extend); i++)
        add_demanager_storage(storages, "extend_storage", json_array_get(extend, i));
    return json_pack("{s:o,s:I,s:s,s:o,s:o,s:o,s:n,s:n,s:n}", "image",
                     or_null(member(object, "profile", "name")), "auto_stop_ms",
                     stops ? seconds * 1000 : -1, "auto_stop_type", "TIMING", "storages", storages,
                     "pool", or_null(json_object_get(object, "pool")), "workspace",
                     or_null(member(object, "workspace", "id")), "custom_spec", "hooks",
                     "endpoints");
}

static json_t *notebooks_view(const struct machine *machine)
{
    json_t *object = machine->object, *storages = json_array();
    json_t *lease = json_object_get(object, "lease");
    json_t *volumes = json_object_get(object, "data_volumes");
    bool stops = json_is_true(json_object_get(lease, "enable"));
    add_volume(storages, "volume", json_object_get(object, "volume"));
    for (size_t i = 0; i < json_array_size(volumes); i++)
        add_volume(storages, "data_volumes", json_array_get(volumes, i));
    for (size_t i = 0; i < json_array_size(machine->mounts); i++)
        add_volume(storages, "mount", json_array_get(machine->mounts, i));
    return json_pack("{s:o,s:I,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "image",
                     or_null(member(object, "image", "id")), "auto_stop_ms",
                     stops ? json_integer_value(json_object_get(lease, "duration")) : -1,
                     "auto_stop_type", or_null(json_object_get(lease, "type")), "storages",
                     storages, "pool", or_null(json_object_get(object, "pool")), "workspace",
                     or_null(json_object_get(object, "workspace_id")), "custom_spec",
                     or_null(json_object_get(object, "custom_spec")), "hooks",
                     or_null(json_object_get(object, "hooks")), "endpoints",
                     or_null(json_object_get(object, "endpoints")));
}

static void drop_first(struct ledger *ledger)
{
    struct ledger_row *row = TAILQ_FIRST(&ledger->rows);
    TAILQ_REMOVE(&ledger->rows, row, next);
    free(row->text);
    free(row);
    ledger->kept--;
}

static void drop_excess(struct ledger *ledger)
{
    for (; ledger->kept > ledger->most; ledger->dropped++)
        drop_first(ledger);
}

static void append(struct ledger *ledger, char *text)
{
    struct ledger_row *row = text == NULL ? NULL : calloc(1, sizeof *row);
    if (row == NULL) {
        free(text);
        return;
    }
    row->text = text;
    TAILQ_INSERT_TAIL(&ledger->rows, row, next);
    ledger->kept++;
    drop_excess(ledger);
}

void ledger_note(const struct call *call, const struct machine *machine, const char *name)
{
    struct ledger *ledger = &call->sim->ledger;
    json_t *object = machine->object, *row, *view;
    view = machine->family == DEMANAGER ? demanager_view(object) : notebooks_view(machine);
    row = json_pack("{s:I,s:s,s:s,s:s,s:o,s:I,s:I,s:o,s:o,s:o,s:o}", "seq",
                    (json_int_t)++ledger->sequence, "family", machine_family(machine), "call", name,
                    "project", machine->project, "instance", or_null(json_object_get(object, "id")),
                    "request_seq", (json_int_t)call->sim->sequence, "time_ms",
                    (json_int_t)sim_now_ms(call->sim), "name",
                    or_null(json_object_get(object, "name")), "description",
                    or_null(json_object_get(object, "description")), "status",
                    or_null(json_object_get(object, "status")), "flavor",
                    or_null(json_object_get(object, "flavor")));
    json_object_update(row, view);
    append(ledger, json_dumps(row, JSON_COMPACT));
    json_decref(view);
    json_decref(row);
}

void ledger_answer(struct sim *sim, struct answer *answer)
{
    struct ledger_row *row;
    const char *between = "";
    answer_json(answer, 200, NULL);
    evbuffer_add_printf(answer->body, "{\"dropped\":%lu,\"calls\":[", sim->ledger.dropped);
    for (row = TAILQ_FIRST(&sim->ledger.rows); row != NULL; row = TAILQ_NEXT(row, next)) {
        evbuffer_add(answer->body, between, strlen(between));
        evbuffer_add(answer->body, row->text, strlen(row->text));
        between = ",";
    }
    evbuffer_add(answer->body, "]}", 2);
}

void ledger_clear(struct sim *sim)
{
    while (!TAILQ_EMPTY(&sim->ledger.rows))
        drop_first(&sim->ledger);
    sim->ledger.dropped = 0;
}

void ledger_limit(struct sim *sim, unsigned long most)
{
    sim->ledger.most = most;
    drop_excess(&sim->ledger);
}
