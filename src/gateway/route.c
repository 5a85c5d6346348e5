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

/* A cloud that reads parameters from body and query alike must not find other ones than were
 * judged. Only these two have a query in the API, which is judged with them. */
static bool has_unread_query(const struct exchange *x)
{
    enum operation_id id = x->route.op->id;

    if (x->head->query.ptr == NULL || id == OP_NOTEBOOKS_START || id == OP_NOTEBOOKS_LEASE)
        return false;
    return is_judged(x) || x->route.verb_in_body;
}

enum flow step_route(struct exchange *x)
{
    const struct conf *conf = x->gw->shared->conf;
    struct reason why;
    unsigned dry_runs;

    if (check_protocol(x) == FLOW_REFUSE)
        return FLOW_REFUSE;
    if (!modelarts_route(x->head->method, x->head->path, x->arena, &x->route, &why))
        return refuse_one(x, &why);
    if (settings_refuse(conf, x))
        return exchange_refuse(x, &gateway_reasons[GATEWAY_ROUTE_REFUSED],
                               "this gateway's settings do not let this call through");
    (void)http1_find_field(x->head->fields, x->head->count, HTTP1_POSTERN_DRY_RUN, &dry_runs);
    if (dry_runs > 0)
        return exchange_refuse(x, &gateway_reasons[GATEWAY_DRY_RUN],
                               "Postern-Dry-Run is not available in this version");
    if (is_judged(x) && x->route.op->id != OP_DEMANAGER_CREATE)
        return exchange_refuse(x, &modelarts_reasons[MODELARTS_OPERATION_NOT_SUPPORTED],
                               "this operation could undo what the policies decided, and this "
                               "version can't judge it yet: "
                               "it is not let through");
    if (has_unread_query(x))
        return exchange_refuse(x, &gateway_reasons[GATEWAY_UNREAD_QUERY],
                               "this call has no query in the API: leave out the \"?\" and what "
                               "stands behind it");
    return FLOW_NEXT;
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

enum flow step_identify(struct exchange *x)
{
    const struct conf *conf = x->gw->shared->conf;
    struct credentials credentials = {0};
    struct reason why;
    bool judged = is_judged(x), known;

    read_credentials(x, &credentials);
    if (judged)
        known = identity_judged(conf->verify, &credentials, x->route.project, clock_now_us(),
                                x->arena, &x->who, &why);
    else if (!record_wants(x))
        known = identity_unrecorded(&credentials, &why);
    else
        known =
            identity_unjudged(conf->verify, &credentials, clock_now_us(), x->arena, &x->who, &why);
    if (!known)
        return refuse_one(x, &why);
    if (forward_repeats(x, judged))
        return exchange_refuse(x, &gateway_reasons[GATEWAY_REPEATED_HEADER],
                               "a header field that may stand once stands more than once");
    return judged || x->route.verb_in_body ? FLOW_NEXT : FLOW_STREAM;
}
