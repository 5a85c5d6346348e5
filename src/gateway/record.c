/* SPDX-License-Identifier: Apache-2.0
 * The exchange's lines in the journal, and the waits for them. A wait has a deadline; a result that
 * comes after it finds no exchange, because a cookie is never used twice. */
#include "gateway/record.h"

#include "base/clock.h"
#include "base/log.h"
#include "gateway/exchange.h"
#include "gateway/keep.h"
#include "modelarts/listing.h"

static const struct http1_field *request_id_field(const struct http1_field *fields, unsigned count)
{
    const struct http1_field *field = http1_find_field(fields, count, HTTP1_X_REQUEST_ID, NULL);

    return field != NULL ? field
                         : http1_find_field(fields, count, HTTP1_X_OPENSTACK_REQUEST_ID, NULL);
}

/* What every line of an exchange tells. */
static struct journal_facts common_facts(const struct exchange *x, enum journal_event event)
{
    return (struct journal_facts){
        .time_us = clock_now_us(),
        .event = event,
        .id = view_of(x->id, sizeof x->id),
        .operation = x->route.op,
        .project = x->route.project,
        .duration_us = -1,
    };
}

static struct view known(struct view text)
{
    return text.len > 0 ? text : VIEW_NONE;
}

/* A lease names nothing of its instance, which the cloud has just told. */
static const struct journal_instance *stored_instance(const struct exchange *x)
{
    struct journal_instance *ret;
    struct listed_instance shown;
    struct err why;

    if (!x->judging.has_stored || modelarts_read_listed(x->route.op->family, &x->judging.stored,
                                                        x->arena, &shown, &why) != STATUS_OK)
        return NULL;
    ret = ARENA_NEW(x->arena, struct journal_instance);
    if (ret != NULL)
        *ret = (struct journal_instance){.name = known(shown.name),
                                         .flavor = known(shown.flavor),
                                         .workspace = known(shown.workspace),
                                         .pool = known(shown.pool)};
    return ret;
}

/* Who asked for what. */
static void add_request(const struct exchange *x, struct journal_facts *facts)
{
    const struct http1_field *request_id = NULL;

    if (x->head != NULL) {
        request_id = request_id_field(x->head->fields, x->head->count);
        facts->method = x->head->method;
        facts->path = x->head->path;
    }
    facts->user = &x->who.subject;
    facts->credential_kind = x->who.credential.kind;
    facts->credential_digest = x->who.credential.digest;
    facts->credential_verified = x->who.credential.verified;
    facts->client = view_str(front_client(x->front));
    facts->request_id = request_id == NULL ? VIEW_NONE : request_id->value;
    facts->instance = x->judging.has_request ? &x->judging.request : NULL;
    facts->listed = stored_instance(x);
    facts->instance_id = x->route.instance;
}

static void add_decision(const struct exchange *x, struct journal_facts *facts)
{
    const struct decision *decision = x->judging.decision;

    facts->reasons = x->reasons;
    facts->reason_count = x->reason_count;
    if (decision == NULL)
        return;
    facts->would = x->has_would ? &x->would : NULL;
    facts->policies = decision->policies;
    facts->policy_count = decision->policy_count;
    facts->exceptions = decision->exceptions;
    facts->exception_count = decision->exception_count;
    facts->changes = x->judging.changes;
    facts->change_count = x->judging.change_count;
    facts->policy_set = view_str(policy_set_digest(x->set));
}

/* Heads that can't be read, reads and calls outside the two families leave no line: they are in the
 * metrics. */
static bool refusal_is_recorded(const struct exchange *x)
{
    if (x->route.op == NULL)
        return x->head != NULL && x->step == STEP_ROUTE;
    return x->route.op->class != CLASS_OTHER && x->route.op->class != CLASS_READ;
}

/* Whoever isn't identified yet could fill the disk: so many lines a second, the rest is counted. */
static bool is_over_budget(struct exchange *x)
{
    struct gateway *gw = x->gw;

    if (x->identified || gw->anonymous_lines++ < ANONYMOUS_LINES_MAX)
        return false;
    gw->anonymous_folded++;
    return true;
}

void record_folded(struct gateway *gw)
{
    const struct journal_facts facts = {
        .time_us = clock_now_us(),
        .event = JOURNAL_REFUSAL,
        .has_decision = true,
        .decision = VERDICT_REFUSE,
        .outcome = OUTCOME_REFUSED,
        .duration_us = -1,
        .count = (int64_t)gw->anonymous_folded,
    };

    gw->anonymous_lines = 0;
    if (gw->anonymous_folded > 0 &&
        journal_submit(gw->shared->journal, NULL, &facts, JOURNAL_NO_WAIT, 0) != STATUS_OK)
        metrics_unrecorded(&gw->metrics);
    gw->anonymous_folded = 0;
}

void record_refusal(struct exchange *x)
{
    struct journal_facts facts = common_facts(x, JOURNAL_REFUSAL);
    struct keeping keeping;

    if (!refusal_is_recorded(x) || is_over_budget(x))
        return;
    add_request(x, &facts);
    add_decision(x, &facts);
    facts.has_decision = true;
    facts.decision = VERDICT_REFUSE;
    facts.outcome = OUTCOME_REFUSED;
    keep_request(x, &keeping, &facts);
    if (journal_submit(x->gw->shared->journal, NULL, &facts, JOURNAL_NO_WAIT, 0) != STATUS_OK)
        metrics_unrecorded(&x->gw->metrics);
    keeping_done(&keeping);
}

static void on_timeout(evutil_socket_t fd, short what, void *user)
{
    (void)fd;
    (void)what;
    record_result(user, STATUS_TIMEOUT);
}

/* Submits a line and begins to wait for it. */
static enum status submit_and_wait(struct exchange *x, const struct journal_facts *facts,
                                   enum journal_wait wait)
{
    struct gateway *gw = x->gw;
    uint64_t cookie = ++gw->last_cookie;
    enum status status = journal_submit(gw->shared->journal, gw->mailbox, facts, wait, cookie);

    if (status != STATUS_OK)
        return status;
    event_active(gw->kick, EV_TIMEOUT, 0);
    x->cookie = cookie;
    LIST_INSERT_HEAD(&gw->waiting[cookie % WAITING_BUCKETS], x, waiting);
    if (!x->timer_set) {
        (void)event_assign(&x->timer, gw->base, -1, 0, on_timeout, x);
        x->timer_set = true;
    }
    (void)event_add(&x->timer, gw->journal_timeout);
    return STATUS_OK;
}

void record_forget(struct exchange *x)
{
    if (x->cookie != 0)
        LIST_REMOVE(x, waiting);
    x->cookie = 0;
    if (x->timer_set)
        (void)event_del(&x->timer);
}

enum flow record_intent(struct exchange *x)
{
    struct journal_facts facts = common_facts(x, JOURNAL_INTENT);
    struct keeping keeping;
    enum status status;

    add_request(x, &facts);
    add_decision(x, &facts);
    facts.has_decision = true;
    facts.decision = x->judging.decision->judgement.verdict;
    facts.request_sha256 = view_of(x->sending_sha256, sizeof x->sending_sha256);
    facts.has_run = true;
    facts.run_s = x->judging.run_s;
    if (x->reserved)
        facts.reservation = facts.id;
    keep_request(x, &keeping, &facts);
    status = submit_and_wait(x, &facts, JOURNAL_SYNCED);
    keeping_done(&keeping);
    if (status == STATUS_OK) {
        /* It was taken: whatever comes of it, an outcome must follow. */
        x->intent = true;
        return FLOW_WAIT;
    }
    return exchange_refuse(
        x, &gateway_reasons[GATEWAY_JOURNAL_UNAVAILABLE],
        "the gateway can't record this request now, so it was not sent; try again later");
}

enum flow step_intent(struct exchange *x)
{
    return record_intent(x);
}

void record_answer_id(struct exchange *x, const struct http1_field *fields, unsigned count)
{
    const struct http1_field *request_id = request_id_field(fields, count);

    if (request_id != NULL)
        x->answer.request_id = arena_copy(x->arena, request_id->value);
}

static void add_answer(const struct exchange *x, struct journal_facts *facts)
{
    const struct answer *answer = &x->answer;

    facts->status = (int)answer->status;
    facts->error_code = answer->facts.error_code;
    facts->upstream_request_id = answer->request_id;
    /* What other answers call "id" may be something else: that of a mount is the storage. */
    facts->instance_id = x->route.op->class == CLASS_CREATE ? answer->facts.id : x->route.instance;
    facts->instance_name = x->judging.has_request ? x->judging.request.name.value : VIEW_NONE;
}

/* The journal itself is why the request was not sent: its answer waits no second time for it. */
static bool journal_is_why(const struct exchange *x)
{
    return x->outcome == OUTCOME_REFUSED &&
           (x->reasons[0].row == &gateway_reasons[GATEWAY_JOURNAL_TIMEOUT] ||
            x->reasons[0].row == &gateway_reasons[GATEWAY_JOURNAL_UNAVAILABLE]);
}

enum flow record_outcome(struct exchange *x)
{
    struct journal_facts facts = common_facts(x, JOURNAL_OUTCOME);
    struct journal *journal = x->gw->shared->journal;

    facts.user = &x->who.subject;
    facts.outcome = x->outcome;
    facts.error = view_str(x->outcome_error);
    facts.duration_us = clock_monotonic_us() - x->began_us;
    facts.reasons = x->reasons;
    facts.reason_count = x->reason_count;
    add_answer(x, &facts);
    if (journal_is_why(x) && journal_submit(journal, NULL, &facts, JOURNAL_NO_WAIT, 0) == STATUS_OK)
        return FLOW_NEXT;
    if (!journal_is_why(x) && submit_and_wait(x, &facts, JOURNAL_WRITTEN) == STATUS_OK)
        return FLOW_WAIT;
    /* Recovery will close the intent; the caller has to know what came of the request all the same.
     */
    log_line(LOG_ERROR, "outcome not recorded, a restart closes it as unknown id=%.*s",
             RANDOM_ID_BYTES, x->id);
    metrics_unrecorded(&x->gw->metrics);
    return FLOW_NEXT;
}

enum flow step_outcome(struct exchange *x)
{
    return record_outcome(x);
}

static enum flow intent_result(struct exchange *x, enum status status)
{
    if (status == STATUS_OK)
        return FLOW_NEXT;
    if (status == STATUS_TIMEOUT)
        return exchange_refuse(x, &gateway_reasons[GATEWAY_JOURNAL_TIMEOUT],
                               "the gateway could not record this request in time, so it was not "
                               "sent; try again later");
    return exchange_refuse(
        x, &gateway_reasons[GATEWAY_JOURNAL_UNAVAILABLE],
        "the gateway can't record this request now, so it was not sent; try again later");
}

void record_result(struct exchange *x, enum status status)
{
    record_forget(x);
    if (x->step == STEP_INTENT) {
        exchange_go(x, intent_result(x, status));
        return;
    }
    if (status != STATUS_OK) {
        log_line(LOG_ERROR, "outcome not recorded in time id=%.*s", RANDOM_ID_BYTES, x->id);
        metrics_unrecorded(&x->gw->metrics);
    }
    exchange_go(x, FLOW_NEXT);
}

bool record_wants(const struct exchange *x)
{
    bool get = view_eq(x->head->method, VIEW("GET")) || view_eq(x->head->method, VIEW("HEAD"));

    if (x->route.verb_in_body)
        return true;
    return x->route.op->class != CLASS_READ && !(x->route.op->class == CLASS_OTHER && get);
}

void record_unjudged(struct exchange *x)
{
    struct journal_facts facts = common_facts(x, JOURNAL_OUTCOME);

    if (!record_wants(x))
        return;
    add_request(x, &facts);
    facts.outcome = x->outcome;
    facts.error = view_str(x->outcome_error);
    facts.duration_us = clock_monotonic_us() - x->began_us;
    add_answer(x, &facts);
    if (journal_submit(x->gw->shared->journal, NULL, &facts, JOURNAL_NO_WAIT, 0) != STATUS_OK)
        metrics_unrecorded(&x->gw->metrics);
}
