/* SPDX-License-Identifier: Apache-2.0
 * Lists. They lag behind what was done, if a test wants that. */
#include "lists.h"

#include <stdlib.h>
#include <string.h>

#include "sim.h"

static int64_t made_ms(const struct machine *machine)
{
    json_t *text = json_object_get(machine->object, "creation_timestamp");
    return json_is_string(text) ? strtoll(json_string_value(text), NULL, 10)
                                : json_integer_value(json_object_get(machine->object, "create_at"));
}

bool lists_hide(const struct sim *sim, const struct machine *machine)
{
    return sim->list_lag_ms > 0 && sim_now_ms(sim) - made_ms(machine) < sim->list_lag_ms;
}

bool lists_own(const struct call *call, const struct machine *machine)
{
    return strcmp(text_in(json_object_get(machine->object, "user"), "id"), call->caller.id) == 0;
}

/* For qsort. */
struct row {
    struct machine *machine;
    const char *name; /* NULL: by time */
    int64_t time_ms;
    size_t at; /* keeps the order of equal ones */
};

static int compare(const void *a, const void *b)
{
    const struct row *left = a, *right = b;
    int order = left->name != NULL ? strcmp(left->name, right->name) : 0;
    if (order == 0 && left->name == NULL && left->time_ms != right->time_ms)
        order = left->time_ms < right->time_ms ? -1 : 1;
    if (order == 0)
        order = left->at < right->at ? -1 : 1;
    return order;
}

static size_t collect(const struct call *call,
                      bool (*shown)(const struct call *call, const struct machine *machine),
                      bool by_name, struct row *rows)
{
    struct machine *machine;
    size_t count = 0, at = 0;
    for (machine = TAILQ_FIRST(&call->sim->machines); machine != NULL;
         machine = TAILQ_NEXT(machine, next), at++)
        if (shown(call, machine) && !lists_hide(call->sim, machine)) {
            if (rows != NULL)
                rows[count] =
                    (struct row){machine, by_name ? text_in(machine->object, "name") : NULL,
                                 made_ms(machine), at};
            count++;
        }
    return count;
}

struct machine **lists_sorted(const struct call *call,
                              bool (*shown)(const struct call *call, const struct machine *machine),
                              bool by_name, bool falling, size_t *ret_count)
{
    size_t count = collect(call, shown, by_name, NULL);
    struct row *rows = calloc(count + 1, sizeof *rows);
    struct machine **sorted = calloc(count + 1, sizeof(struct machine *));
    *ret_count = 0;
    if (rows != NULL && sorted != NULL) {
        (void)collect(call, shown, by_name, rows);
        qsort(rows, count, sizeof *rows, compare);
        for (size_t i = 0; i < count; i++)
            sorted[i] = rows[falling ? count - 1 - i : i].machine;
        *ret_count = count;
    }
    free(rows);
    return sorted;
}

static void add_workspace(json_t *all, const char *id)
{
    for (size_t i = 0; i < json_array_size(all); i++)
        if (strcmp(text_in(json_array_get(all, i), "id"), id) == 0)
            return;
    if (id[0] != '\0')
        json_array_append_new(all,
                              json_pack("{s:s,s:s,s:s}", "id", id, "name",
                                        strcmp(id, "0") == 0 ? "default" : id, "status", "NORMAL"));
}

void lists_workspaces(struct call *call)
{
    json_t *all = json_array(), *page = json_array();
    long offset = strtol(call_query(call, "offset", "0"), NULL, 10);
    long limit = strtol(call_query(call, "limit", "1000"), NULL, 10);
    struct machine *machine;
    size_t total;
    add_workspace(all, "0");
    for (size_t i = 0; i < json_array_size(call->sim->workspaces); i++)
        add_workspace(all, json_string_value(json_array_get(call->sim->workspaces, i)));
    for (machine = TAILQ_FIRST(&call->sim->machines); machine != NULL;
         machine = TAILQ_NEXT(machine, next))
        if (strcmp(machine->project, call->project) == 0)
            add_workspace(all, machine->family == NOTEBOOKS
                                   ? text_in(machine->object, "workspace_id")
                                   : text_in(json_object_get(machine->object, "workspace"), "id"));
    total = json_array_size(all);
    for (long i = offset < 0 ? 0 : offset; i < (long)total && i - offset < limit; i++)
        json_array_append(page, json_array_get(all, (size_t)i));
    answer_json(call->answer, 200,
                json_pack("{s:I,s:I,s:o}", "total_count", (json_int_t)total, "count",
                          (json_int_t)json_array_size(page), "workspaces", page));
    json_decref(all);
}
