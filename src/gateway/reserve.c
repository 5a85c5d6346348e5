/* SPDX-License-Identifier: Apache-2.0
 * The place that a request needs: taken before the intent, and told afterwards what came of it. */
#include "base/clock.h"
#include "base/log.h"
#include "gateway/exchange.h"
#include "modelarts/listing.h"

/* A budget's time, or a place of another flavor; other changes take nothing. */
static bool takes_a_place(const struct exchange *x)
{
    const struct operation *op = x->route.op;

    switch (op->class) {
    case CLASS_CREATE:
    case CLASS_START:
        return true;
    case CLASS_CHANGE:
        return op->id == OP_NOTEBOOKS_LEASE || x->judging.request.flavor.set ||
               x->judging.request.has_custom_spec;
    case CLASS_MOUNT:
    case CLASS_RELEASE:
    case CLASS_READ:
    case CLASS_OTHER:
        break;
    }
    return false;
}

/* Nothing of the request can be acted on later than this: waits for the journal, then the whole
 * call within its total. */
static int64_t settled_by_us(const struct exchange *x, int64_t now_us)
{
    const struct conf *conf = x->gw->shared->conf;

    return now_us + (conf->journal.timeout_ms + conf->upstream.total_ms) * 1000;
}

static struct view first_known(struct view a, struct view b)
{
    return a.ptr != NULL && a.len > 0 ? a : b;
}

/* What the caller's credential says; the instance will be this user's. */
static void add_caller(const struct exchange *x, struct ledger_item *item)
{
    const struct subject *subject = &x->who.subject;

    if (subject->known & SUBJECT_USER) {
        item->user_id = subject->user_id;
        item->user_name = subject->user_name;
    }
    if (subject->known & SUBJECT_DOMAIN)
        item->domain = first_known(subject->domain_name, subject->domain_id);
}

static void add_request(const struct exchange *x, struct ledger_item *item)
{
    const struct instance_request *request = &x->judging.request;

    item->name = request->name.set ? request->name.value : VIEW_NONE;
    item->flavor = request->flavor.set ? request->flavor.value : VIEW_NONE;
    if (request->has_custom_spec)
        item->flavor = MODELARTS_CUSTOM_FLAVOR;
    item->workspace = request->workspace.set ? request->workspace.value : VIEW_NONE;
    if (!request->has_pool)
        item->pool = VIEW("");
    else
        item->pool = request->pool.set ? request->pool.value : VIEW_NONE;
}

/* Whoever starts or prolongs it, the place is its owner's. */
static void add_owner(struct ledger_item *item, struct view user_id, struct view user_name,
                      struct view domain)
{
    if (user_id.ptr == NULL || user_id.len == 0)
        return;
    item->user_id = user_id;
    item->user_name = user_name;
    if (domain.ptr != NULL && domain.len > 0)
        item->domain = domain;
}

/* Of an instance that is there. Whose it is the ledger knows best (to the cloud it may be the
 * organisation's), what it is the cloud, which has just been asked before a start. */
static void add_instance(const struct exchange *x, struct ledger_item *item)
{
    struct listed_instance shown;
    struct ledger_item known;
    struct err why;

    item->instance = x->route.instance;
    item->workspace = item->pool = VIEW_NONE;
    if (x->judging.has_stored && modelarts_read_listed(x->route.op->family, &x->judging.stored,
                                                       x->arena, &shown, &why) == STATUS_OK) {
        add_owner(item, shown.user_id, shown.user_name, shown.domain);
        item->name = shown.name;
        item->flavor = shown.flavor;
        item->workspace = shown.workspace;
        item->pool = shown.pool;
    }
    if (!quota_find_instance(x->gw->shared->quota, x->route.instance, x->arena, &known))
        return;
    add_owner(item, known.user_id, known.user_name, known.domain);
    item->name = first_known(item->name, known.name);
    item->workspace = first_known(item->workspace, known.workspace);
    if (item->pool.ptr == NULL)
        item->pool = known.pool;
    if (item->flavor.ptr == NULL)
        item->flavor = known.flavor;
}

static void fill_ask(struct exchange *x)
{
    const struct decision *decision = x->judging.decision;
    struct ledger_item *item = &x->ask.item;
    int64_t now_us = clock_now_us();

    *item = (struct ledger_item){
        .id = view_of(x->id, sizeof x->id),
        .state = LEDGER_RESERVED,
        .op = x->route.op,
        .time_us = now_us,
        .settle_after_us = settled_by_us(x, now_us),
        .project = x->route.project,
        .run_s = x->judging.run_s,
        .claimed = true,
    };
    add_caller(x, item);
    add_request(x, item);
    if (x->route.op->class != CLASS_CREATE)
        add_instance(x, item);
    x->ask.demands = decision->quotas;
    x->ask.demand_count = decision->quota_count;
}

/* Quotas of warn and observe policies hold nothing back; what they would have said is told. */
static void add_would(struct exchange *x)
{
    struct ledger_ask ask = x->ask;
    const struct reason *found, *before = x->would.reasons;
    struct reason *all;
    size_t count,
        kept = x->has_would && x->would.verdict == VERDICT_REFUSE ? x->would.reason_count : 0;

    ask.enforced = false;
    if (quota_look(x->gw->shared->quota, &ask, x->arena, &found, &count) != QUOTA_REFUSED)
        return;
    all = arena_array(x->arena, kept + count, sizeof *all);
    if (all == NULL)
        return;
    if (kept > 0)
        memcpy(all, before, kept * sizeof *all);
    memcpy(all + kept, found, count * sizeof *all);
    for (size_t i = 0; i < ask.demand_count; i++)
        x->warns = x->warns || (!ask.demands[i].enforced && ask.demands[i].warn);
    x->has_would = true;
    x->would = (struct journal_would){
        .verdict = VERDICT_REFUSE, .reasons = all, .reason_count = kept + count};
}

static enum flow answer_flow(struct exchange *x, enum quota_answer answer,
                             const struct reason *reasons, size_t count)
{
    switch (answer) {
    case QUOTA_GRANTED:
        x->reserved = x->ask.take;
        return FLOW_NEXT;
    case QUOTA_REFUSED:
        reserve_hint(x);
        return exchange_refuse_with(x, reasons, count);
    case QUOTA_WAITS:
        break;
    }
    return FLOW_WAIT;
}

static enum flow try_it(struct exchange *x)
{
    const struct reason *reasons = NULL;
    size_t count = 0;
    enum quota_answer answer =
        quota_look(x->gw->shared->quota, &x->ask, x->arena, &reasons, &count);
    enum flow flow = answer_flow(x, answer, reasons, count);

    return flow == FLOW_NEXT ? FLOW_ANSWER : flow;
}

static bool has_demands(const struct exchange *x, bool enforced)
{
    for (size_t i = 0; i < x->ask.demand_count; i++) {
        if (x->ask.demands[i].enforced == enforced)
            return true;
    }
    return false;
}

bool reserve_is_checked(const struct exchange *x)
{
    return x->reserved && has_demands(x, true);
}

enum flow step_reserve(struct exchange *x)
{
    const struct reason *reasons = NULL;
    enum quota_answer answer;
    size_t count = 0;

    if (!takes_a_place(x))
        return x->dry_run ? FLOW_ANSWER : FLOW_NEXT;
    fill_ask(x);
    if (has_demands(x, false))
        add_would(x);
    x->ask.enforced = true;
    x->ask.take = !x->dry_run;
    if (x->dry_run)
        return try_it(x);
    answer =
        quota_reserve(x->gw->quota_mailbox, &x->ask, x, x->arena, &reasons, &count, &x->ticket);
    return answer_flow(x, answer, reasons, count);
}

void reserve_answered(void *user, enum quota_answer answer, const struct reason *reasons,
                      size_t count)
{
    struct exchange *x = user;

    x->ticket = NULL;
    exchange_go(x, answer_flow(x, answer, reasons, count));
}

static void settle(struct exchange *x, enum ledger_fate fate, struct view instance)
{
    if (x->reserved)
        quota_settle(x->gw->shared->quota, view_of(x->id, sizeof x->id), fate, instance);
    x->reserved = false;
}

void reserve_give_back(struct exchange *x)
{
    if (x->ticket != NULL)
        quota_abandon(x->ticket);
    x->ticket = NULL;
    settle(x, LEDGER_NOTHING, VIEW_NONE);
}

/* Of the calls that free a place or lose their outcome, the credential is what can look at the
 * cloud's lists where the gateway has none of its own. */
void reserve_hint(struct exchange *x)
{
    const struct http1_field *token =
        http1_find_field(x->head->fields, x->head->count, HTTP1_X_AUTH_TOKEN, NULL);
    const struct subject *subject = &x->who.subject;
    const struct reconcile_caller caller = {
        .project = x->route.project,
        .user_id = subject->user_id,
        .token = token == NULL ? VIEW_NONE : token->value,
        .expires_us = x->who.expires_us,
    };
    bool usable = token != NULL && (subject->known & SUBJECT_USER) && subject->user_id.len > 0;

    if (x->gw->shared->reconciler != NULL && !x->dry_run)
        reconcile_hint(x->gw->shared->reconciler, x->route.project, usable ? &caller : NULL);
}

enum flow step_settle(struct exchange *x)
{
    switch (x->outcome) {
    case OUTCOME_CREATED:
        settle(x, LEDGER_CREATED, x->answer.facts.id);
        break;
    case OUTCOME_DONE:
        settle(x, LEDGER_DONE, VIEW_NONE);
        break;
    case OUTCOME_FAILED:
    case OUTCOME_REFUSED:
        settle(x, LEDGER_NOTHING, VIEW_NONE);
        break;
    case OUTCOME_NONE:
    case OUTCOME_UNKNOWN:
        settle(x, LEDGER_HELD, VIEW_NONE);
        reserve_hint(x);
        break;
    }
    return FLOW_NEXT;
}
