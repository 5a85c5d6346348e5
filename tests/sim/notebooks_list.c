/* SPDX-License-Identifier: Apache-2.0
 * Lists of notebooks: one's own, or everybody's, in pages. */
#include <stdlib.h>
#include <string.h>

#include "lists.h"
#include "notebooks.h"

enum { PAGE_DEFAULT = 10, PAGE_MOST = 50 };

/* A filter that the query doesn't name lets everything through. */
static bool fits(const struct call *call, const char *parameter, const char *have)
{
    const char *wanted = call_query(call, parameter, NULL);
    return wanted == NULL || strcmp(wanted, have) == 0;
}

static bool passes_filters(const struct call *call, json_t *object)
{
    const char *feature = text_in(object, "feature");
    if (strcmp(call_query(call, "feature", "NOTEBOOK"), feature[0] ? feature : "NOTEBOOK") != 0)
        return false;
    if (strstr(text_in(object, "name"), call_query(call, "name", "")) == NULL)
        return false;
    return fits(call, "owner", text_in(json_object_get(object, "user"), "id")) &&
           fits(call, "status", text_in(object, "status")) &&
           fits(call, "id", text_in(object, "id")) &&
           fits(call, "flavor", text_in(object, "flavor")) &&
           fits(call, "image_id", text_in(json_object_get(object, "image"), "id")) &&
           fits(call, "pool_id", text_in(json_object_get(object, "pool"), "id")) &&
           fits(call, "workspace_id", text_in(object, "workspace_id")) &&
           fits(call, "workspaceId", text_in(object, "workspace_id"));
}

static bool is_listed(const struct call *call, const struct machine *machine)
{
    const char *owner = text_in(json_object_get(machine->object, "user"), "id");
    bool all = call->rest_count > 0;
    if (machine->family != NOTEBOOKS || strcmp(machine->project, call->project) != 0)
        return false;
    if (!all && owner[0] != '\0' && !lists_own(call, machine))
        return false;
    return passes_filters(call, machine->object);
}

void notebooks_list(struct call *call)
{
    bool rising = evutil_ascii_strcasecmp(call_query(call, "sort_dir", "DESC"), "ASC") == 0;
    long limit = strtol(call_query(call, "limit", "0"), NULL, 10);
    long offset = strtol(call_query(call, "offset", "0"), NULL, 10), total;
    json_t *data = json_array();
    struct machine **sorted;
    size_t count;
    limit = limit > 0 ? limit : PAGE_DEFAULT;
    limit = limit < PAGE_MOST ? limit : PAGE_MOST;
    offset = offset > 0 ? offset : 0;
    machine_settle_all(call->sim);
    sorted = lists_sorted(call, is_listed, false, !rising, &count);
    total = (long)count;
    for (long i = offset; i < total && i < offset + limit; i++)
        json_array_append(data, sorted[i]->object);
    free(sorted);
    answer_json(call->answer, 200,
                json_pack("{s:I,s:o,s:I,s:I,s:I}", "current", (json_int_t)(offset / limit), "data",
                          data, "pages", (json_int_t)((total + limit - 1) / limit), "size",
                          (json_int_t)limit, "total", (json_int_t)total));
}
