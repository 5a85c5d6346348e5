/* SPDX-License-Identifier: Apache-2.0
 * The sum of the opinions. It is the same in whatever order they come: the smallest maximum and
 * default and the largest minimum are in force, and what contradicts refuses. */
#include "policy/assemble.h"

#include <stdlib.h>

struct sum {
    struct judge *judge;
    const struct opinions *opinions;
    unsigned modes;
    struct reasons reasons;
    struct edit *edits;
    size_t edit_count, edit_cap;
};

static bool counts(const struct sum *sum, const struct opinion *opinion)
{
    return (sum->modes >> opinion->policy->mode & 1) != 0;
}

/* Whether the policy speaks about the group: both are for this request, and no exception lifts it.
 */
static bool speaks(const struct sum *sum, const struct opinion *opinion, enum group group)
{
    unsigned lifted = opinion->exception == NULL ? 0 : opinion->exception->lifted;

    return counts(sum, opinion) && opinion->match == MATCHED &&
           sum->judge->not_applied[group] == NULL &&
           ((opinion->policy->groups & ~lifted) >> group & 1) != 0;
}

static void add_reason(struct sum *sum, const struct reason *reason)
{
    reasons_add(sum->judge, &sum->reasons, reason);
    judge_trace(sum->judge, &(struct trace_line){.policy = reason->policy,
                                                 .rule = reason->rule,
                                                 .at = reason->at,
                                                 .what = TRACE_REFUSE,
                                                 .text = reason->message});
}

static void add_edit(struct sum *sum, const struct edit *edit, const char *rule, struct loc at)
{
    struct judge *j = sum->judge;
    struct edit *edits = judge_grow(j, sum->edits, sum->edit_count, &sum->edit_cap, sizeof *edits);
    struct trace_line line = {
        .policy = edit->policy, .rule = view_str(rule), .at = at, .what = TRACE_EDIT};

    if (edits == NULL)
        return;
    sum->edits = edits;
    sum->edits[sum->edit_count] = *edit;
    sum->edits[sum->edit_count++].rule = rule;
    if (!j->with_trace)
        return;
    line.text =
        edit->field == EDIT_AUTO_STOP
            ? arena_printf(j->arena, "auto_stop becomes %s", judge_time(j, edit->seconds * 1000))
            : arena_printf(j->arena, "annotation %s becomes %s", judge_say(j, edit->key),
                           judge_say(j, edit->value));
    if (line.text.ptr == NULL)
        j->no_memory = true;
    judge_trace(j, &line);
}

/* One side of a contradiction. */
struct side {
    const struct policy *policy;
    const char *rule;
    struct loc at;
    const char *text; /* "min of 4h" */
};

static void add_conflict(struct sum *sum, struct side a, struct side b)
{
    struct judge *j = sum->judge;
    bool swap = view_cmp(a.policy->name, b.policy->name) > 0;
    struct side first = swap ? b : a, second = swap ? a : b;
    struct view message = arena_printf(
        j->arena, "policies %.*s and %.*s contradict each other: %s and %s",
        VIEW_ARGS(first.policy->name), VIEW_ARGS(second.policy->name), first.text, second.text);

    if (message.ptr == NULL)
        j->no_memory = true;
    add_reason(sum, &(struct reason){.row = &policy_reasons[POLICY_CONFLICT],
                                     .policy = first.policy->name,
                                     .rule = view_str(first.rule),
                                     .at = first.at,
                                     .message = message,
                                     .contact = first.policy->contact});
}

static struct side limit_side(struct sum *sum, const struct policy *policy,
                              const struct limit *limit, const char *rule)
{
    struct judge *j = sum->judge;
    struct view text = arena_printf(j->arena, "%s of %s", rule, judge_limit(j, limit));

    if (text.ptr == NULL)
        j->no_memory = true;
    return (struct side){policy, rule, limit->at, text.ptr == NULL ? "" : text.ptr};
}

static struct side min_side(struct sum *sum, const struct policy *policy)
{
    return limit_side(sum, policy, &policy->stop.min, "auto_stop.min");
}

static struct side max_side(struct sum *sum, const struct policy *policy)
{
    return limit_side(sum, policy, &policy->stop.max, "auto_stop.max");
}

static struct side preset_side(struct sum *sum, const struct policy *policy)
{
    return limit_side(sum, policy, &policy->stop.preset, "auto_stop.default");
}

/* A smallest default outside what all allow. True: nothing is wrong. */
static bool preset_fits(struct sum *sum, const struct stop_merged *merged)
{
    const struct policy *preset = merged->preset, *min = merged->min, *max = merged->max;
    int64_t seconds = preset->stop.preset.seconds;
    bool low = min != NULL && seconds < min->stop.min.seconds;
    bool high = max != NULL && seconds > max->stop.max.seconds;

    if (low)
        add_conflict(sum, preset_side(sum, preset), min_side(sum, min));
    if (high)
        add_conflict(sum, preset_side(sum, preset), max_side(sum, max));
    return !low && !high;
}

/* A reason of one policy that only shows when all are heard. */
static void add_finding(struct sum *sum, const struct policy *policy, const struct finding *f,
                        struct view message)
{
    if (message.ptr == NULL)
        sum->judge->no_memory = true;
    add_reason(sum, &(struct reason){.row = &policy_reasons[f->code],
                                     .policy = policy->name,
                                     .rule = view_str(f->rule),
                                     .at = f->at,
                                     .message = message,
                                     .contact = policy->contact});
}

static void add_incomplete(struct sum *sum, const struct policy *policy, struct view message)
{
    add_finding(sum, policy,
                &(struct finding){POLICY_AUTO_STOP_INCOMPLETE, "auto_stop", policy->at}, message);
}

/* Whole seconds that a lease may still run; all of max for what begins now. */
static int64_t left_s(const struct stop_facts *facts, const struct limit *max)
{
    int64_t used_s = facts->elapsed_ms / 1000 + (facts->elapsed_ms % 1000 > 0 ? 1 : 0);

    return max->seconds - used_s;
}

static void add_used_up(struct sum *sum, const struct stop_merged *merged)
{
    struct judge *j = sum->judge;
    const struct limit *max = &merged->max->stop.max;
    bool some = left_s(&j->stop, max) > 0;

    add_finding(
        sum, merged->max, &(struct finding){POLICY_AUTO_STOP_OVER_MAX, "auto_stop.max", max->at},
        arena_printf(j->arena, "%s of the lease are used and up to %s are allowed in all%s%s",
                     judge_time(j, j->stop.elapsed_ms), judge_limit(j, max),
                     some ? "; what is left is shorter than " : ", so nothing is left",
                     some ? judge_limit(j, &merged->min->stop.min) : ""));
}

/* True: the maximum leaves enough to set. Before a lease runs it always does, since a minimum above
 * the maximum has been refused. */
static bool leaves_enough(const struct sum *sum, const struct stop_merged *merged)
{
    int64_t left, least = merged->min == NULL ? 1 : merged->min->stop.min.seconds;

    if (merged->max == NULL)
        return true;
    left = left_s(&sum->judge->stop, &merged->max->stop.max);
    return left >= least;
}

static enum edit_op stop_op(const struct stop_facts *facts, bool use_preset)
{
    if (facts->never && !facts->missing)
        return EDIT_SET;
    return use_preset ? EDIT_DEFAULT : EDIT_CAP;
}

/* The smallest default where nothing would stop the instance, and never more than is left of the
 * smallest maximum. */
static void edit_stop(struct sum *sum, const struct stop_merged *merged, const struct policy *wants)
{
    const struct stop_facts *facts = &sum->judge->stop;
    const struct policy *policy = facts->never ? merged->preset : NULL, *max = merged->max;
    bool use_preset;
    struct edit edit = {.field = EDIT_AUTO_STOP};

    if (policy == NULL && max == NULL) {
        add_incomplete(sum, wants,
                       VIEW("an update that switches auto_stop on must name its duration too"));
        return;
    }
    if (policy != NULL && !preset_fits(sum, merged))
        return;
    if (!leaves_enough(sum, merged)) {
        add_used_up(sum, merged);
        return;
    }
    use_preset = policy != NULL &&
                 (max == NULL || policy->stop.preset.seconds <= left_s(facts, &max->stop.max));
    if (!use_preset)
        policy = max;
    edit.op = stop_op(facts, use_preset);
    edit.seconds = use_preset ? policy->stop.preset.seconds : left_s(facts, &max->stop.max);
    edit.policy = policy->name;
    add_edit(sum, &edit, use_preset ? "auto_stop.default" : "auto_stop.max",
             use_preset ? policy->stop.preset.at : policy->stop.max.at);
}

/* Its own duration, so that `enable` stands beside it; an edit holds whole seconds. */
static void complete_stop(struct sum *sum, const struct policy *policy)
{
    struct judge *j = sum->judge;

    if (j->stop.shortest_ms % 1000 != 0) {
        add_incomplete(sum, policy,
                       arena_printf(j->arena, "auto_stop of %s needs enable: true beside it",
                                    judge_time(j, j->stop.shortest_ms)));
        return;
    }
    add_edit(sum,
             &(struct edit){.op = EDIT_DEFAULT,
                            .field = EDIT_AUTO_STOP,
                            .seconds = j->stop.shortest_ms / 1000,
                            .policy = policy->name},
             "auto_stop", policy->at);
}

static void add_stop(struct sum *sum)
{
    struct stop_merged merged = {NULL, NULL, NULL};
    enum stop_wish wish = STOP_AS_IS;
    const struct policy *wants = NULL; /* the first who wants the most */

    for (size_t i = 0; i < sum->opinions->count; i++) {
        const struct opinion *opinion = &sum->opinions->items[i];

        if (!speaks(sum, opinion, GROUP_AUTO_STOP))
            continue;
        stop_merge(&merged, opinion->policy);
        if (opinion->stop_wish <= wish)
            continue;
        wish = opinion->stop_wish;
        wants = opinion->policy;
    }
    if (merged.min != NULL && merged.max != NULL &&
        merged.min->stop.min.seconds > merged.max->stop.max.seconds)
        add_conflict(sum, min_side(sum, merged.min), max_side(sum, merged.max));
    else if (wish == STOP_LIMIT)
        edit_stop(sum, &merged, wants);
    else if (wish == STOP_COMPLETE)
        complete_stop(sum, wants);
}

struct setting {
    const struct policy *policy;
    const struct annotation *annotation;
    size_t order; /* of the policy */
};

static int by_key(const void *a, const void *b)
{
    const struct setting *one = a, *two = b;
    int order = view_cmp(one->annotation->key, two->annotation->key);

    return order != 0 ? order : (one->order > two->order) - (one->order < two->order);
}

/* All settings, sorted by key and then policy. */
static struct setting *collect(struct sum *sum, size_t *ret_count)
{
    size_t count = 0;
    struct setting *settings;

    for (size_t i = 0; i < sum->opinions->count; i++) {
        if (speaks(sum, &sum->opinions->items[i], GROUP_ANNOTATIONS))
            count += sum->opinions->items[i].policy->set_count;
    }
    settings = arena_array(sum->judge->arena, count, sizeof *settings);
    if (settings == NULL) {
        sum->judge->no_memory = true;
        return NULL;
    }
    count = 0;
    for (size_t i = 0; i < sum->opinions->count; i++) {
        const struct policy *policy = sum->opinions->items[i].policy;

        if (!speaks(sum, &sum->opinions->items[i], GROUP_ANNOTATIONS))
            continue;
        for (size_t k = 0; k < policy->set_count; k++)
            settings[count++] = (struct setting){policy, &policy->sets[k], i};
    }
    if (count > 0)
        qsort(settings, count, sizeof *settings, by_key);
    *ret_count = count;
    return settings;
}

static struct side setting_side(struct sum *sum, const struct setting *setting)
{
    struct judge *j = sum->judge;
    struct view text = arena_printf(j->arena, "annotation %s set to \"%s\"",
                                    judge_say(j, setting->annotation->key),
                                    judge_say(j, setting->annotation->value));

    if (text.ptr == NULL)
        j->no_memory = true;
    return (struct side){setting->policy, "annotations.set", setting->annotation->at,
                         text.ptr == NULL ? "" : text.ptr};
}

static void add_annotations(struct sum *sum)
{
    size_t count = 0;
    struct setting *settings = collect(sum, &count);

    for (size_t i = 0; settings != NULL && i < count; i++) {
        const struct annotation *wanted = settings[i].annotation;
        bool again = i > 0 && view_eq(wanted->key, settings[i - 1].annotation->key);

        if (again && !view_eq(wanted->value, settings[i - 1].annotation->value))
            add_conflict(sum, setting_side(sum, &settings[i - 1]), setting_side(sum, &settings[i]));
        if (again || annotation_stands(sum->judge->request, wanted))
            continue;
        add_edit(sum,
                 &(struct edit){.op = EDIT_SET,
                                .field = EDIT_ANNOTATION,
                                .key = wanted->key,
                                .value = wanted->value,
                                .policy = settings[i].policy->name},
                 "annotations.set", wanted->at);
    }
}

bool is_a_match(const struct policy *policy)
{
    const unsigned silent = 1U << GROUP_ANNOTATIONS | 1U << GROUP_QUOTAS;

    return policy->groups == 0 || (policy->groups & ~silent) != 0;
}

/* Without any match the default decides; one that could not be told has refused already. */
static void add_no_match(struct sum *sum)
{
    struct judge *j = sum->judge;
    struct view message;

    for (size_t i = 0; i < sum->opinions->count; i++) {
        const struct opinion *opinion = &sum->opinions->items[i];

        if (counts(sum, opinion) &&
            (opinion->match == MATCHED_UNKNOWN || is_a_match(opinion->policy)))
            return;
    }
    if (j->set->allow_unmatched)
        return;
    message = arena_printf(j->arena, "no policy covers %s in project %s for this caller",
                           j->request->op->name, judge_say(j, j->request->project));
    if (message.ptr == NULL)
        j->no_memory = true;
    add_reason(sum, &(struct reason){.row = &policy_reasons[POLICY_NO_MATCH],
                                     .rule = VIEW("default"),
                                     .at = j->set->default_at,
                                     .message = message});
}

static void limit_edits(struct sum *sum)
{
    struct view message;

    if (sum->edit_count <= EDITS_MAX)
        return;
    message = arena_printf(sum->judge->arena, "the policies ask for %zu edits; at most %d are made",
                           sum->edit_count, EDITS_MAX);
    if (message.ptr == NULL)
        sum->judge->no_memory = true;
    add_reason(sum, &(struct reason){.row = &policy_reasons[POLICY_TOO_MANY_EDITS],
                                     .policy = sum->edits[EDITS_MAX].policy,
                                     .message = message});
}

void assemble(struct judge *j, const struct opinions *opinions, unsigned modes,
              struct judgement *ret)
{
    struct sum sum = {.judge = j, .opinions = opinions, .modes = modes};

    for (size_t i = 0; i < opinions->count; i++) {
        const struct opinion *opinion = &opinions->items[i];

        for (size_t k = 0; counts(&sum, opinion) && k < opinion->reasons.count; k++)
            reasons_add(j, &sum.reasons, &opinion->reasons.items[k]);
    }
    add_stop(&sum);
    add_annotations(&sum);
    add_no_match(&sum);
    limit_edits(&sum);
    *ret = (struct judgement){.verdict = VERDICT_ALLOW};
    if (sum.reasons.count > 0) {
        ret->verdict = VERDICT_REFUSE;
        ret->reasons = sum.reasons.items;
        ret->reason_count = sum.reasons.count;
    } else if (sum.edit_count > 0) {
        ret->verdict = VERDICT_REWRITE;
        ret->edits = sum.edits;
        ret->edit_count = sum.edit_count;
    }
}

void assemble_not_judged(struct judge *j, struct judgement *ret)
{
    struct sum sum = {.judge = j};
    const struct operation *op = j->request->op;
    struct view message = arena_printf(j->arena, "policies do not judge %s",
                                       op == NULL ? "this operation" : op->name);

    if (message.ptr == NULL)
        j->no_memory = true;
    add_reason(&sum,
               &(struct reason){.row = &policy_reasons[POLICY_NOT_JUDGED], .message = message});
    *ret = (struct judgement){
        .verdict = VERDICT_REFUSE, .reasons = sum.reasons.items, .reason_count = sum.reasons.count};
}
