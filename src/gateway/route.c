/* SPDX-License-Identifier: Apache-2.0
 * Which operation it is. */
#include "gateway/exchange.h"

static bool settings_refuse(const struct conf *conf, const struct exchange *x)
{
    if (x->route.op->class == CLASS_OTHER && !conf->other_pass)
        return true;
    return modelarts_routes_refuse(conf->routes_refuse, conf->routes_refuse_count, x->head->method,
                                   x->head->path);
}

struct view route_project(const struct exchange *x)
{
    return x->route.op->family == FAMILY_NONE ? VIEW_NONE : x->route.project;
}

bool route_is_judged(const struct exchange *x)
{
    return !x->route.verb_in_body && operation_is_judged(x->route.op);
}

/* Protocol changes are refused on every route: what follows them would be out of sight (RFC
 * 9110 7.8). */
static enum flow check_protocol(struct exchange *x)
{
    if (x->head->upgrade)
        return exchange_refuse(x, &http1_reasons[HTTP1_FAULT_UPGRADE],
                               "this gateway speaks HTTP/1.1 only and does not upgrade");
    return FLOW_NEXT;
}

/* Somebody who asks only must never have it done: whatever is unclear about it refuses. */
static enum flow check_dry_run(struct exchange *x)
{
    unsigned count;
    const struct http1_field *field =
        http1_find_field(x->head->fields, x->head->count, HTTP1_POSTERN_DRY_RUN, &count);

    if (count == 0)
        return FLOW_NEXT;
    if (field == NULL || count > 1 || !view_eq(field->value, VIEW("true")))
        return exchange_refuse(x, &gateway_reasons[GATEWAY_DRY_RUN],
                               "Postern-Dry-Run may stand once, with the value true");
    if (!route_is_judged(x) && !x->route.verb_in_body)
        return exchange_refuse(x, &gateway_reasons[GATEWAY_DRY_RUN],
                               "this call isn't judged, so there is nothing to try without doing "
                               "it; leave Postern-Dry-Run out");
    x->dry_run = true;
    return FLOW_NEXT;
}

/* A cloud that reads parameters from body and query alike must not find other ones than were
 * judged. */
static bool has_unread_query(const struct exchange *x)
{
    return x->head->query.ptr != NULL && (route_is_judged(x) || x->route.verb_in_body) &&
           !modelarts_reads_query(x->route.op);
}

enum flow step_route(struct exchange *x)
{
    const struct conf *conf = x->gw->shared->conf;
    struct reason why;

    if (check_protocol(x) == FLOW_REFUSE)
        return FLOW_REFUSE;
    if (!modelarts_route(x->head->method, x->head->path, x->arena, &x->route, &why))
        return exchange_refuse_one(x, &why);
    if (settings_refuse(conf, x))
        return exchange_refuse(x, &gateway_reasons[GATEWAY_ROUTE_REFUSED],
                               "this gateway's settings do not let this call through");
    if (has_unread_query(x))
        return exchange_refuse(x, &gateway_reasons[GATEWAY_UNREAD_QUERY],
                               "this call has no query in the API: leave out the \"?\" and what "
                               "stands behind it");
    return check_dry_run(x);
}
