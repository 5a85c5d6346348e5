/* SPDX-License-Identifier: Apache-2.0
 * Who calls. Tokens are asked about as soon as the head is there, signatures cover the body and are
 * checked behind it; the verb of an action decides what is asked of its caller. */
#include "base/clock.h"
#include "gateway/exchange.h"
#include "gateway/outgoing.h"
#include "gateway/record.h"
#include "identity/canonical.h"
#include "identity/signature.h"

static bool find_credential(const struct exchange *x, enum http1_field_id id, struct view *value,
                            unsigned *count)
{
    const struct http1_field *field = http1_find_field(x->head->fields, x->head->count, id, count);

    *value = field == NULL ? VIEW_NONE : field->value;
    return field != NULL;
}

static struct identity_request request_of(const struct exchange *x, bool judged)
{
    struct identity_request request = {
        .head = x->head,
        .peer = front_peer(x->front),
        .project = route_project(x),
        .judged = judged,
        .recorded = record_wants(x),
        .now_us = clock_now_us(),
    };
    struct credentials *c = &request.credentials;

    (void)find_credential(x, HTTP1_X_AUTH_TOKEN, &c->token, &c->token_count);
    (void)find_credential(x, HTTP1_AUTHORIZATION, &c->authorization, &c->authorization_count);
    (void)find_credential(x, HTTP1_X_PROJECT_ID, &c->project, &c->project_count);
    return request;
}

/* Most gateways have none, and then no request takes the lock for them. */
static void pin_sources(struct exchange *x)
{
    if (x->sources == NULL && x->gw->shared->has_sources)
        x->sources = source_slot_get(&x->gw->shared->sources);
}

void identify_forget(struct exchange *x)
{
    if (x->asked != NULL)
        iam_abandon(x->asked);
    x->asked = NULL;
    sources_unref(&x->sources);
}

/* ---- callers without a credential of the cloud ---- */

/* What was made around the gateway is the service user's in the cloud's lists, whoever that was: no
 * caller of that id or name may have it. */
static bool owns(const struct exchange *x)
{
    const struct subject *subject = &x->who.subject;
    struct ledger_item item;

    if (!quota_find_instance(x->gw->shared->quota, x->route.instance, x->arena, &item) ||
        !view_eq(item.project, x->route.project) || item.orphan || !item.claimed)
        return false;
    return (item.user_id.len > 0 && view_eq(item.user_id, subject->user_id)) ||
           (item.user_id.len == 0 && item.user_name.len > 0 &&
            view_eq(item.user_name, subject->user_name));
}

static bool lists_all(const struct operation *op)
{
    return op->id == OP_DEMANAGER_LIST || op->id == OP_NOTEBOOKS_LIST ||
           op->id == OP_NOTEBOOKS_LIST_ALL;
}

/* The organisation's key may do more than any of them: the cloud can't tell them apart, so the
 * gateway does. */
static enum flow check_service_caller(struct exchange *x)
{
    if (x->who.sends != SENDS_SERVICE)
        return FLOW_NEXT;
    if (x->route.op->family == FAMILY_NONE)
        return exchange_refuse(x, &gateway_reasons[GATEWAY_FAMILIES_ONLY],
                               "callers without a credential of the cloud reach development "
                               "environments only (demanager and notebooks)");
    if (lists_all(x->route.op))
        return exchange_refuse(x, &gateway_reasons[GATEWAY_LIST_OF_ALL],
                               "this list would show everybody's instances; ask for yours by its "
                               "id");
    if (x->route.instance.ptr != NULL && !owns(x))
        return exchange_refuse(x, &gateway_reasons[GATEWAY_NOT_OWNER],
                               "this instance was not made by you through this gateway");
    return FLOW_NEXT;
}

/* The cloud locks a key after some signatures that it finds wrong, and this key is everybody's. */
static enum flow check_query(struct exchange *x)
{
    if (x->who.sends != SENDS_SERVICE ||
        (canonical_text_is_plain(x->head->path) && canonical_query_is_plain(x->head->query)))
        return FLOW_NEXT;
    return exchange_refuse(x, &gateway_reasons[GATEWAY_QUERY_TO_SIGN],
                           "the gateway signs this request anew, and its path or query can be read "
                           "in more than one way; write name=value pairs with & between them, and "
                           "escape what is special as %XX of UTF-8, also + and ;");
}

/* ---- relayed signatures ---- */

static bool survives(const struct exchange *x, const struct canonical_field *field)
{
    const struct http1_field as_sent = {.name = field->name, .value = field->value};

    if (view_eq(field->name, VIEW("host")))
        return view_eq(field->value, view_str(x->gw->shared->host));
    return forward_passes(x, &as_sent, route_is_judged(x));
}

static enum flow refuse_relay(struct exchange *x, const char *message)
{
    return exchange_refuse(x, &gateway_reasons[GATEWAY_RELAY], message);
}

/* What is signed must go on as it came, and the cloud must be asked for nothing besides. */
static enum flow check_relay(struct exchange *x)
{
    struct signature signature;
    struct reason why;

    if (x->who.sends != SENDS_RELAYED)
        return FLOW_NEXT;
    if (!signature_read(x->head, x->arena, &signature, &why))
        return exchange_refuse_one(x, &why);
    if (x->route.verb_in_body || modelarts_needs_stored(x->route.op))
        return refuse_relay(x,
                            "the cloud has to be asked for this instance first, which a signature "
                            "doesn't allow; send an IAM token in X-Auth-Token");
    for (size_t i = 0; i < signature.count; i++) {
        if (!survives(x, &signature.fields[i]))
            return refuse_relay(x, "the signature covers a header field that is not sent on as it "
                                   "came (Host, as a rule); sign without it, or send an IAM token "
                                   "in X-Auth-Token");
    }
    return FLOW_NEXT;
}

/* ---- the answer ---- */

static enum flow known(struct exchange *x)
{
    enum flow flow = check_service_caller(x);

    x->identified = true;
    if (flow == FLOW_NEXT)
        flow = check_query(x);
    return flow == FLOW_NEXT ? check_relay(x) : flow;
}

static enum flow token_answer(struct exchange *x, enum iam_answer answer,
                              const struct iam_verdict *verdict)
{
    struct reason why;

    if (answer == IAM_REFUSED) {
        why = (struct reason){.row = verdict->why, .message = view_str(verdict->message)};
        return exchange_refuse_one(x, &why);
    }
    if (!identity_of_token(&verdict->facts, "iam", x->route.project, clock_now_us(), x->arena,
                           &x->who, &why))
        return exchange_refuse_one(x, &why);
    return known(x);
}

void identify_answered(void *user, enum iam_answer answer, const struct iam_verdict *verdict)
{
    struct exchange *x = user;

    x->asked = NULL;
    exchange_go(x, token_answer(x, answer, verdict));
}

static enum flow ask_iam(struct exchange *x, const struct token_question *question)
{
    struct iam_verdict verdict;
    enum iam_answer answer =
        iam_ask(x->gw->iam_mailbox, question, x, x->arena, &verdict, &x->asked);

    return answer == IAM_WAITS ? FLOW_WAIT : token_answer(x, answer, &verdict);
}

static enum identity_flow find(struct exchange *x, bool judged, struct identity_found *found)
{
    const struct gateway_shared *shared = x->gw->shared;
    const struct identity_request request = request_of(x, judged);
    struct identity_means means = shared->means;
    struct jwks *fetched = NULL;
    enum identity_flow flow;

    pin_sources(x);
    means.decoded = x->gw->tokens;
    if (x->sources != NULL) {
        means.pinned = x->sources->pinned;
        means.jwks = x->sources->jwks;
    }
    if (shared->jwks_source != NULL)
        means.jwks = fetched = jwks_source_get(shared->jwks_source);
    flow = identity_find(&means, &request, x->arena, found);
    jwks_unref(&fetched);
    if (found->wants_keys && shared->jwks_source != NULL)
        jwks_source_wish(shared->jwks_source);
    return flow;
}

static enum flow identify(struct exchange *x, bool judged)
{
    struct identity_found found;
    enum identity_flow flow = find(x, judged, &found);

    x->who = found.who;
    switch (flow) {
    case IDENTITY_KNOWN:
        return known(x);
    case IDENTITY_REFUSED:
        break;
    case IDENTITY_ASKS:
        return ask_iam(x, &found.question);
    case IDENTITY_SIGNED:
        x->signed_by_caller = true;
        return FLOW_NEXT;
    }
    return exchange_refuse_one(x, &found.why);
}

/* ---- signatures ---- */

static enum flow check_signature(struct exchange *x, bool judged, bool unread)
{
    const struct signed_request request = {
        .head = x->head,
        .body = x->body,
        .unread = unread,
        .project = route_project(x),
        .judged = judged,
        .now_us = clock_now_us(),
        .keys = x->sources == NULL ? NULL : x->sources->keys,
        .replay = x->gw->shared->replay,
    };
    struct reason why;

    if (request.keys == NULL)
        return exchange_refuse(x, &gateway_reasons[GATEWAY_JUDGE_FAILED],
                               "no access keys are loaded, nothing was sent");
    if (!identity_signed(&request, x->arena, &x->who, &x->key, &why))
        return exchange_refuse_one(x, &why);
    x->who.sends = x->key->sign_as ? SENDS_SERVICE : SENDS_ANEW;
    return known(x);
}

static bool has_body(const struct exchange *x)
{
    return x->head->framing == HTTP1_CHUNKED ||
           (x->head->framing == HTTP1_LENGTH && x->head->length > 0);
}

static bool is_unsigned_payload(const struct exchange *x)
{
    for (unsigned i = 0; i < x->head->count; i++) {
        if (view_eq_nocase(x->head->fields[i].name, VIEW("x-sdk-content-sha256")))
            return view_eq(x->head->fields[i].value, VIEW("UNSIGNED-PAYLOAD"));
    }
    return false;
}

/* Of a call that isn't judged: its body is read only where a signature covers it, the caller's or
 * the one that goes to the cloud. */
static enum flow after_unjudged(struct exchange *x)
{
    if (x->route.verb_in_body)
        return FLOW_NEXT;
    if (x->signed_by_caller && has_body(x) && is_unsigned_payload(x)) {
        enum flow flow = check_signature(x, false, true);

        /* The organisation's key covers the body, whatever the caller's does. */
        return flow == FLOW_NEXT && x->who.sends != SENDS_SERVICE ? FLOW_STREAM : flow;
    }
    if (x->signed_by_caller || (x->who.sends == SENDS_SERVICE && has_body(x)))
        return FLOW_NEXT;
    return FLOW_STREAM;
}

enum flow step_identify(struct exchange *x)
{
    bool judged = route_is_judged(x);
    enum flow flow = identify(x, judged);

    if (flow == FLOW_REFUSE)
        return flow;
    if (forward_repeats(x, judged)) {
        identify_forget(x);
        return exchange_refuse(x, &gateway_reasons[GATEWAY_REPEATED_HEADER],
                               "a header field that may stand once stands more than once");
    }
    /* An action may turn out to be a judged one, which asks for more. */
    if (x->route.verb_in_body)
        x->identified = false;
    return judged || flow != FLOW_NEXT ? flow : after_unjudged(x);
}

/* The verb in the body of an action picks the row; a start is judged, a stop streams on. */
static enum flow read_verb(struct exchange *x)
{
    enum flow flow = judge_begin(x);

    if (flow == FLOW_NEXT)
        flow = judge_flow(x, judging_action(&x->judging));
    if (flow != FLOW_NEXT)
        return flow;
    x->route.op = x->judging.op;
    if (!operation_is_judged(x->route.op) && x->dry_run) {
        x->dry_run = false; /* there is no such trial to tell of */
        return exchange_refuse(x, &gateway_reasons[GATEWAY_DRY_RUN],
                               "this action isn't judged, so there is nothing to try without doing "
                               "it; leave Postern-Dry-Run out");
    }
    return FLOW_NEXT;
}

enum flow step_verify(struct exchange *x)
{
    enum flow flow = x->route.verb_in_body ? read_verb(x) : FLOW_NEXT;
    bool judged = operation_is_judged(x->route.op);

    if (flow == FLOW_NEXT && x->signed_by_caller)
        flow = check_signature(x, judged, false);
    else if (flow == FLOW_NEXT && x->route.verb_in_body)
        flow = judged ? identify(x, true) : known(x);
    return flow == FLOW_NEXT && !judged ? FLOW_STREAM : flow;
}
