/* SPDX-License-Identifier: Apache-2.0
 * Judging: every policy that matches is heard alone on the request as received, then what was said
 * is added up, once for what happens (enforced policies) and once for what would happen. */
#include "policy/judge.h"

#include <stdlib.h>

#include "policy/assemble.h"

/* The least of what an exception must be: for this caller, and not over. */
static bool applies(struct judge *j, const struct exception *exception)
{
    enum match_result result = MATCHED_NOT;
    struct match_why why;

    if (j->now_us >= exception->expires_us)
        return false;
    if (match_judge(&exception->match, j->request, j->subject, j->arena, &result, &why) !=
        STATUS_OK)
        j->no_memory = true;
    return result == MATCHED;
}

/* Without a match between group and request there is nothing to judge; says why in the trace. */
static bool is_off(struct hearing *h, size_t group)
{
    const char *why_not = h->judge->not_applied[group];

    if (why_not != NULL) {
        hearing_skip(h, rules[group].name, h->policy->at, why_not);
        return true;
    }
    if (h->exception != NULL && (h->exception->lifted >> group & 1) != 0) {
        hearing_skip(h, rules[group].name, h->exception->at, "lifted by an exception");
        return true;
    }
    return false;
}

static void hear(struct hearing *h)
{
    const struct instance_request *request = h->judge->request;

    for (size_t group = 0; group < GROUP_COUNT; group++) {
        if ((h->policy->groups >> group & 1) == 0 || is_off(h, group))
            continue;
        h->stored = group == GROUP_AUTO_STOP ? request->stops_stored : request->stored;
        rules[group].judge(h);
    }
}

/* What is left to say under this exception. */
static struct hearing try_under(struct judge *j, const struct policy *policy,
                                const struct exception *exception)
{
    struct hearing h = {.judge = j, .policy = policy, .exception = exception, .quiet = true};

    hear(&h);
    return h;
}

/* How much the policy has to say: most a refusal, then an edit, then a quota to ask. */
enum { QUOTAS_ONLY = 1, SOME_EDIT = 2, SOME_REFUSAL = 4 };

static int say_of(const struct hearing *h)
{
    return (h->refusals > 0   ? SOME_REFUSAL
            : h->rewrites > 0 ? SOME_EDIT
                              : 0) +
           (h->asked_count > 0 ? QUOTAS_ONLY : 0);
}

/* The first exception in name order under which the policy has the least to say, if that is less
 * than without one. This order makes edited requests stay as they are when they are judged again:
 * what sufficed once suffices without a further edit. */
static const struct exception *choose_exception(struct judge *j, const struct policy *policy)
{
    const struct exception *chosen = NULL;
    struct hearing h;
    int least;

    if (policy->exception_count == 0)
        return NULL;
    h = try_under(j, policy, NULL);
    least = say_of(&h);
    for (size_t i = 0; i < policy->exception_count && least > 0; i++) {
        const struct exception *exception = policy->exceptions[i];

        if (least == QUOTAS_ONLY && (exception->lifted >> GROUP_QUOTAS & 1) == 0)
            continue;
        if (!applies(j, exception))
            continue;
        h = try_under(j, policy, exception);
        if (say_of(&h) >= least)
            continue;
        least = say_of(&h);
        chosen = exception;
    }
    return chosen;
}

static void hear_unknown(struct judge *j, const struct match_why *why, struct opinion *opinion)
{
    struct hearing h = {.judge = j, .policy = opinion->policy};
    struct view rule = arena_printf(j->arena, "match.%s", why->key);

    if (rule.ptr == NULL)
        j->no_memory = true;
    hearing_refuse(
        &h,
        &(struct finding){POLICY_ATTRIBUTE_UNKNOWN, rule.ptr == NULL ? "match" : rule.ptr, why->at},
        "the credential does not tell %s, which this policy needs to know", why->key);
    opinion->reasons = h.reasons;
}

static void hear_matched(struct judge *j, struct opinion *opinion)
{
    struct hearing h = {.judge = j, .policy = opinion->policy};

    opinion->exception = h.exception = choose_exception(j, opinion->policy);
    if (h.exception != NULL) {
        struct view text =
            arena_printf(j->arena, "exception %.*s is used", VIEW_ARGS(h.exception->name));

        judge_trace(j, &(struct trace_line){.policy = opinion->policy->name,
                                            .rule = VIEW("exception"),
                                            .at = h.exception->at,
                                            .what = TRACE_OK,
                                            .text = text});
    }
    hear(&h);
    opinion->reasons = h.reasons;
    opinion->stop_wish = h.stop_wish;
    opinion->asked = h.asked;
    opinion->asked_count = h.asked_count;
}

static void trace_match(struct judge *j, const struct policy *policy, enum match_result result,
                        const struct match_why *why)
{
    struct trace_line line = {.policy = policy->name, .rule = VIEW("match"), .at = why->at};

    if (!j->with_trace || result == MATCHED_UNKNOWN)
        return;
    line.what = result == MATCHED ? TRACE_MATCH : TRACE_NO_MATCH;
    line.text = result == MATCHED
                    ? arena_printf(j->arena, "every key holds; mode %s", mode_names[policy->mode])
                    : arena_printf(j->arena, "%s does not hold", why->key);
    if (line.text.ptr == NULL)
        j->no_memory = true;
    judge_trace(j, &line);
}

/* Opinions of the policies that match or can't be told to, in name order. */
static void hear_all(struct judge *j, struct opinions *opinions)
{
    for (size_t i = 0; i < j->set->policy_count && !j->no_memory; i++) {
        struct opinion opinion = {.policy = &j->set->policies[i]};
        struct match_why why;
        struct opinion *items;

        if (match_judge(&opinion.policy->match, j->request, j->subject, j->arena, &opinion.match,
                        &why) != STATUS_OK) {
            j->no_memory = true;
            return;
        }
        trace_match(j, opinion.policy, opinion.match, &why);
        if (opinion.match == MATCHED_NOT)
            continue;
        if (opinion.match == MATCHED_UNKNOWN)
            hear_unknown(j, &why, &opinion);
        else
            hear_matched(j, &opinion);
        items = judge_grow(j, opinions->items, opinions->count, &opinions->cap, sizeof *items);
        if (items == NULL)
            return;
        opinions->items = items;
        opinions->items[opinions->count++] = opinion;
    }
}

static bool same_edit(const struct edit *a, const struct edit *b)
{
    return a->op == b->op && a->field == b->field && a->seconds == b->seconds &&
           view_eq(a->key, b->key) && view_eq(a->value, b->value);
}

/* Whose edit it is doesn't matter, only what comes of it. */
static bool same_judgement(const struct judgement *a, const struct judgement *b)
{
    if (a->verdict != b->verdict || a->reason_count != b->reason_count ||
        a->edit_count != b->edit_count)
        return false;
    for (size_t i = 0; i < a->reason_count; i++) {
        if (a->reasons[i].row != b->reasons[i].row ||
            !view_eq(a->reasons[i].policy, b->reasons[i].policy))
            return false;
    }
    for (size_t i = 0; i < a->edit_count; i++) {
        if (!same_edit(&a->edits[i], &b->edits[i]))
            return false;
    }
    return true;
}

static void decide_would(struct judge *j, const struct opinions *opinions, struct decision *d)
{
    unsigned modes = 0;
    struct judgement warned;

    for (size_t i = 0; i < opinions->count; i++)
        modes |= 1U << opinions->items[i].policy->mode;
    j->with_trace = false; /* the lines tell what happens */
    if ((modes & (MODE_BIT_WARN | MODE_BIT_OBSERVE)) == 0)
        return;
    assemble(j, opinions, MODE_BITS_ALL, &d->would);
    d->has_would = !same_judgement(&d->judgement, &d->would);
    if ((modes & MODE_BIT_WARN) == 0)
        return;
    assemble(j, opinions, MODE_BIT_ENFORCE | MODE_BIT_WARN, &warned);
    d->warn = !same_judgement(&d->judgement, &warned);
}

/* Who matched, and which exceptions made a difference to what happens. */
static void name_all(struct judge *j, const struct opinions *opinions, struct decision *d)
{
    struct view *policies = arena_array(j->arena, opinions->count, sizeof *policies);
    struct view *exceptions = arena_array(j->arena, opinions->count, sizeof *exceptions);

    if (policies == NULL || exceptions == NULL) {
        j->no_memory = true;
        return;
    }
    for (size_t i = 0; i < opinions->count; i++) {
        const struct opinion *opinion = &opinions->items[i];

        if (opinion->match == MATCHED)
            policies[d->policy_count++] = opinion->policy->name;
        if (opinion->exception != NULL && opinion->policy->mode == MODE_ENFORCE)
            exceptions[d->exception_count++] = opinion->exception->name;
    }
    d->policies = policies;
    d->exceptions = exceptions;
}

static int by_quota_name(const void *a, const void *b)
{
    const struct quota_demand *one = a, *two = b;

    return view_cmp(one->quota->name, two->quota->name);
}

/* A refused request takes nothing. */
static void demand_quotas(struct judge *j, const struct opinions *opinions, struct decision *d)
{
    struct quota_demand *demands;
    size_t count = 0;

    for (size_t i = 0; i < opinions->count; i++)
        count += opinions->items[i].asked_count;
    if (count == 0 || d->judgement.verdict == VERDICT_REFUSE)
        return;
    demands = arena_array(j->arena, count, sizeof *demands);
    if (demands == NULL) {
        j->no_memory = true;
        return;
    }
    for (size_t i = 0; i < opinions->count; i++) {
        const struct opinion *opinion = &opinions->items[i];
        enum policy_mode mode = opinion->policy->mode;

        for (size_t k = 0; k < opinion->asked_count; k++)
            demands[d->quota_count++] =
                (struct quota_demand){opinion->asked[k], mode == MODE_ENFORCE, mode == MODE_WARN};
    }
    qsort(demands, count, sizeof *demands, by_quota_name);
    d->quotas = demands;
    for (size_t i = 0; i < count && j->with_trace; i++)
        trace_demand(j, &d->judgement, &demands[i]);
}

static void decide(struct judge *j, struct decision *d)
{
    const struct operation *op = j->request->op;
    struct opinions opinions = {NULL, 0, 0};

    if (op == NULL || !operation_is_judged(op)) {
        assemble_not_judged(j, &d->judgement);
        return;
    }
    for (size_t group = 0; group < GROUP_COUNT; group++)
        j->not_applied[group] = rule_why_not((enum group)group, j->request);
    stop_read(j->request, &j->stop);
    hear_all(j, &opinions);
    assemble(j, &opinions, MODE_BIT_ENFORCE, &d->judgement);
    demand_quotas(j, &opinions, d);
    decide_would(j, &opinions, d);
    name_all(j, &opinions, d);
}

/* NOLINTNEXTLINE(readability-function-size): seven parameters, all of them facts of one judging. */
enum status policy_judge(const struct policy_set *set, const struct instance_request *request,
                         const struct subject *subject, int64_t now_us, bool with_trace,
                         struct arena *arena, const struct decision **ret)
{
    struct judge j = {.set = set,
                      .request = request,
                      .subject = subject,
                      .now_us = now_us,
                      .arena = arena,
                      .with_trace = with_trace};
    struct decision *d = ARENA_NEW(arena, struct decision);

    if (d == NULL)
        return STATUS_NOMEM;
    decide(&j, d);
    if (j.no_memory)
        return STATUS_NOMEM;
    d->trace = j.trace;
    d->trace_count = j.trace_count;
    *ret = d;
    return STATUS_OK;
}
