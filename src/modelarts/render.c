/* SPDX-License-Identifier: Apache-2.0
 * Typed edits to places of the request: what changes there, and the bytes that come of it. Changes
 * stand in the order in which they could be applied one after another. */
#include "modelarts/call.h"
#include "modelarts/plan.h"

/* Two edits of one field would say two things. */
static bool edits_clash(const struct edit *a, const struct edit *b)
{
    return a->field == b->field && (a->field == EDIT_AUTO_STOP || view_eq(a->key, b->key));
}

static enum status check_edits(const struct edit *edits, size_t count)
{
    if (count > EDITS_MAX)
        return STATUS_LIMIT;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (edits_clash(&edits[i], &edits[j]))
                return STATUS_INVALID;
        }
    }
    return STATUS_OK;
}

/* Whether the request has a place for that edit at all. */
static bool has_place(const struct instance_request *request, const struct call *call,
                      enum edit_field field)
{
    if (field == EDIT_ANNOTATION)
        return call->body == PLACE_DE_BODY;
    return !request->stops_stored && (call->body == PLACE_DE_BODY || call->reads_query ||
                                      (call->body == PLACE_NB_BODY && call->creates));
}

/* A request that was read well, and edits that it has places for. */
static bool is_possible(const struct plan *plan, const struct instance_request *request,
                        const struct call *call)
{
    if (call->op == NULL || request->op != call->op)
        return false;
    if (plan->doc == NULL && call->rule == BODY_NEEDED)
        return false;
    if (plan->doc != NULL && call->rule != BODY_IS_READ && !plan_is_object(plan, 0))
        return false;
    for (size_t i = 0; i < plan->count; i++) {
        if (!has_place(request, call, plan->edits[i].field))
            return false;
    }
    return true;
}

/* The query as it came; false: it isn't one that was read well. */
static bool read_query(struct plan *plan)
{
    struct body_faults list;
    struct faults faults = faults_of_body(plan->doc, plan->arena, &list);

    plan->query = query_read(plan->raw->query, &faults);
    return !faults_any(&faults);
}

static enum status make_plan(struct plan *plan, const struct instance_request *request)
{
    const struct call *call = call_of(plan->raw->op);
    enum status status = check_edits(plan->edits, plan->count);

    if (status != STATUS_OK)
        return status;
    if (!is_possible(plan, request, call) || (call->reads_query && !read_query(plan)))
        return STATUS_INVALID;
    plan->changes = arena_array(plan->arena, EDITS_MAX, sizeof *plan->changes);
    if (plan->changes == NULL)
        return STATUS_NOMEM;
    if (plan->count == 0)
        return STATUS_OK;
    if (call->op->family == FAMILY_DEMANAGER)
        return plan_demanager(plan);
    return plan_notebooks(plan, call->reads_query);
}

/* One parameter more than usual: a list goes in and a list comes out. */
// NOLINTNEXTLINE(readability-function-size)
enum status modelarts_render(const struct raw_request *raw, const struct instance_request *request,
                             const struct edit *edits, size_t count, struct arena *arena,
                             const struct change **ret, size_t *ret_count)
{
    struct plan plan = {
        .raw = raw, .doc = raw->doc, .arena = arena, .edits = edits, .count = count};
    enum status status = make_plan(&plan, request);

    if (status != STATUS_OK)
        return status;
    *ret = plan.changes;
    *ret_count = plan.change_count;
    return STATUS_OK;
}

/* As there: two buffers are filled. */
// NOLINTNEXTLINE(readability-function-size)
enum status modelarts_apply(const struct raw_request *raw, const struct instance_request *request,
                            const struct edit *edits, size_t count, struct arena *arena,
                            struct buf *body, struct buf *query)
{
    struct plan plan = {
        .raw = raw, .doc = raw->doc, .arena = arena, .edits = edits, .count = count};
    enum status status = make_plan(&plan, request);

    if (status != STATUS_OK)
        return status;
    buf_clear(query);
    if (call_of(raw->op)->reads_query)
        query_write(&plan.query, query);
    else
        buf_add(query, raw->query);
    if (query->failed != STATUS_OK)
        return query->failed;
    buf_clear(body);
    return raw->doc == NULL ? STATUS_OK
                            : jsplice_apply(raw->doc, plan.splices, plan.splice_count, body);
}
