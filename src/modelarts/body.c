/* SPDX-License-Identifier: Apache-2.0
 * A judged request to the typed one: its body, the query where that counts, and what both say. */
#include "modelarts/body.h"

#include "modelarts/conflict.h"
#include "modelarts/query.h"
#include "modelarts/reader.h"

/* False: there is nothing more to find in it. */
static bool read_body(struct reader *r)
{
    enum body_rule rule = r->call->rule;

    if (r->doc != NULL && rule == BODY_NONE) {
        faults_say(&r->faults, MODELARTS_BODY_TYPE, "the body needs to be empty, as that of a GET");
        return false;
    }
    if (r->doc == NULL && rule == BODY_NEEDED) {
        faults_say(&r->faults, MODELARTS_BODY_MISSING,
                   "the body needs to be an object, and it is empty");
        return false;
    }
    return r->doc == NULL || rule == BODY_IS_READ || reader_read(r);
}

/* What the query says counts before what the body says. */
static void read_query(struct reader *r, struct view text)
{
    struct stop_query query = query_read(text, &r->faults);

    if (query.has_duration)
        r->stops[STOP_OF_QUERY] = (struct stop_request){
            .enable = true,
            .has_duration = true,
            .duration_ms = query.duration_ms,
            .pointer = "?duration",
        };
    check_query_conflicts(r, &query);
    if (query.type.ptr != NULL)
        r->request.stop_type = (struct text_field){true, query.type};
}

static enum status read_call(struct reader *r, const struct raw_request *raw)
{
    if (r->call->op == NULL) {
        faults_say(&r->faults, MODELARTS_OPERATION_NOT_SUPPORTED, "%s isn't judged", raw->op->name);
        return STATUS_INVALID;
    }
    if (!read_body(r))
        return STATUS_INVALID;
    if (r->call->reads_query)
        read_query(r, raw->query);
    if (!reader_finish(r))
        return STATUS_NOMEM;
    if (r->call->creates)
        reader_default_workspace(r);
    if (r->root == PLACE_DE_BODY && r->doc != NULL && !check_conflicts(r))
        return STATUS_NOMEM;
    return faults_any(&r->faults) ? STATUS_INVALID : STATUS_OK;
}

enum status modelarts_read(const struct raw_request *raw, enum unknown_fields unknown,
                           struct arena *arena, struct instance_request *ret,
                           struct body_faults *faults)
{
    const struct call *call = call_of(raw->op);
    struct reader reader = {
        .doc = raw->doc,
        .arena = arena,
        .call = call,
        .root = call->body,
        .unknown = unknown,
        .faults = faults_of_body(raw->doc, arena, faults),
        .request = {.op = call->op, .project = raw->project},
    };
    enum status status = read_call(&reader, raw);

    if (status == STATUS_OK)
        *ret = reader.request;
    return status;
}
