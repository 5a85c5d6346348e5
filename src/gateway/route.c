/* SPDX-License-Identifier: Apache-2.0
 * Which operation it is, and who calls. */
#include "base/clock.h"
#include "gateway/exchange.h"

static bool settings_refuse(const struct conf *conf, const struct exchange *x)
{
    if (x->route.op->class == CLASS_OTHER && !conf->other_pass)
        return true;
    return modelarts_routes_refuse(conf->routes_refuse, conf->routes_refuse_count, x->head->method,
                                   x->head->path);
}

/* An action is judged or not by the verb in its body, which is read later. */
static bool is_judged(const struct exchange *x)
{
    return !x->route.verb_in_body && operation_is_judged(x->route.op);
}

static enum flow refuse_one(struct exchange *x, const struct reason *why)
{
    struct reason *kept = ARENA_NEW(x->arena, struct reason);

    if (kept == NULL)
        return exchange_refuse(x, why->row, why->row->help);
    *kept = *why;
    return exchange_refuse_with(x, kept, 1);
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
    if (!is_judged(x) && !x->route.verb_in_body)
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
    return x->head->query.ptr != NULL && (is_judged(x) || x->route.verb_in_body) &&
           !modelarts_reads_query(x->route.op);
}

enum flow step_route(struct exchange *x)
{
    const struct conf *conf = x->gw->shared->conf;
    struct reason why;

    if (check_protocol(x) == FLOW_REFUSE)
        return FLOW_REFUSE;
    if (!modelarts_route(x->head->method, x->head->path, x->arena, &x->route, &why))
        return refuse_one(x, &why);
    if (settings_refuse(conf, x))
        return exchange_refuse(x, &gateway_reasons[GATEWAY_ROUTE_REFUSED],
                               "this gateway's settings do not let this call through");
    if (has_unread_query(x))
        return exchange_refuse(x, &gateway_reasons[GATEWAY_UNREAD_QUERY],
                               "this call has no query in the API: leave out the \"?\" and what "
                               "stands behind it");
    return check_dry_run(x);
}

static void read_credentials(const struct exchange *x, struct credentials *c)
{
    const struct http1_field *fields = x->head->fields;
    const struct http1_field *token, *authorization, *project;

    token = http1_find_field(fields, x->head->count, HTTP1_X_AUTH_TOKEN, &c->token_count);
    authorization =
        http1_find_field(fields, x->head->count, HTTP1_AUTHORIZATION, &c->authorization_count);
    project = http1_find_field(fields, x->head->count, HTTP1_X_PROJECT_ID, &c->project_count);
    c->cache = x->gw->tokens;
    c->token = token == NULL ? VIEW_NONE : token->value;
    c->authorization = authorization == NULL ? VIEW_NONE : authorization->value;
    c->project = project == NULL ? VIEW_NONE : project->value;
    /* Elsewhere the second segment only looks like a project. */
    c->path_project = x->route.op->class == CLASS_OTHER ? VIEW_NONE : x->route.project;
}

enum flow route_identify_judged(struct exchange *x)
{
    struct credentials credentials = {0};
    struct reason why;

    read_credentials(x, &credentials);
    if (!identity_judged(x->gw->shared->conf->verify, &credentials, x->route.project,
                         clock_now_us(), x->arena, &x->who, &why))
        return refuse_one(x, &why);
    x->identified = true;
    return FLOW_NEXT;
}

/* The rest of the credentials' manners: what may stand once does. */
static enum flow check_repeats(struct exchange *x, bool judged)
{
    if (forward_repeats(x, judged))
        return exchange_refuse(x, &gateway_reasons[GATEWAY_REPEATED_HEADER],
                               "a header field that may stand once stands more than once");
    return FLOW_NEXT;
}

enum flow step_identify(struct exchange *x)
{
    struct credentials credentials = {0};
    struct reason why;
    bool known;

    if (is_judged(x)) {
        enum flow flow = route_identify_judged(x);

        return flow == FLOW_NEXT ? check_repeats(x, true) : flow;
    }
    read_credentials(x, &credentials);
    if (!record_wants(x))
        known = identity_unrecorded(&credentials, &why);
    else
        known = identity_unjudged(x->gw->shared->conf->verify, &credentials, clock_now_us(),
                                  x->arena, &x->who, &why);
    if (!known)
        return refuse_one(x, &why);
    /* An action may turn out to be a judged one, which asks for more. */
    x->identified = !x->route.verb_in_body;
    if (check_repeats(x, false) == FLOW_REFUSE)
        return FLOW_REFUSE;
    return x->route.verb_in_body ? FLOW_NEXT : FLOW_STREAM;
}
