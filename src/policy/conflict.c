/* SPDX-License-Identifier: Apache-2.0
 * Contradictions that can be seen at load: policies with the same match, or with none, always match
 * together, so what they add up to is known. Only enforced ones: the others change nothing. */
#include <stdlib.h>

#include "policy/judge.h"
#include "policy/load.h"

static int by_canon(const void *a, const void *b)
{
    const struct policy *one = *(const struct policy *const *)a;
    const struct policy *two = *(const struct policy *const *)b;
    int order = view_cmp(one->match.canon, two->match.canon);

    return order != 0 ? order : view_cmp(one->name, two->name);
}

/* The fault stands at the policy that comes second by name. */
static void report(struct loader *ld, const struct policy *a, struct loc a_at,
                   const struct policy *b, struct loc b_at, const char *what)
{
    bool swap = view_cmp(a->name, b->name) > 0;
    const struct policy *first = swap ? b : a;
    struct loc other = swap ? b_at : a_at, at = swap ? a_at : b_at;
    char quoted[DIAG_QUOTED_BYTES];

    diag_fault(ld->diag, load_given(ld, at), "%s contradicts policy %s at %s:%u:%u", what,
               diag_quoted(first->name, quoted), other.file, other.line, other.column);
}

/* Whether the policy is for an operation that the group judges at all. */
static bool can_speak(const struct policy *policy, enum group group)
{
    const struct match *match = &policy->match;

    for (size_t i = 0; i < OP_COUNT; i++) {
        const struct operation *op = &operations[i];

        if ((!match->has_operations || match->operations[i]) &&
            (!match->has_families || match->families[op->family]) && rule_may_apply(group, op))
            return true;
    }
    return false;
}

/* Policies that always match together: `base` match everything, `same` have one match. */
struct together {
    const struct policy **base, **same;
    size_t base_count, same_count;
};

static const struct policy *member(const struct together *t, size_t i)
{
    return i < t->base_count ? t->base[i] : t->same[i - t->base_count];
}

/* Those that say it to everybody were reported with the base. */
static bool is_news(const struct together *t, const struct policy *a, const struct policy *b)
{
    return t->same_count == 0 || a->match.canon.len > 0 || b->match.canon.len > 0;
}

/* One limit of a policy. */
struct bound {
    const struct policy *policy; /* NULL: nobody sets it */
    const struct limit *limit;
};

/* low must not be above high. */
static void check_pair(struct loader *ld, const struct together *t, struct bound low,
                       struct bound high, const char *what)
{
    if (low.policy == NULL || high.policy == NULL || low.policy == high.policy ||
        !is_news(t, low.policy, high.policy))
        return;
    if (low.limit->seconds > high.limit->seconds)
        report(ld, low.policy, low.limit->at, high.policy, high.limit->at, what);
}

static void check_times(struct loader *ld, const struct together *t)
{
    struct stop_merged merged = {NULL, NULL, NULL};
    struct bound preset, min, max;

    for (size_t i = 0; i < t->base_count + t->same_count; i++) {
        if (can_speak(member(t, i), GROUP_AUTO_STOP))
            stop_merge(&merged, member(t, i));
    }
    preset =
        (struct bound){merged.preset, merged.preset == NULL ? NULL : &merged.preset->stop.preset};
    min = (struct bound){merged.min, merged.min == NULL ? NULL : &merged.min->stop.min};
    max = (struct bound){merged.max, merged.max == NULL ? NULL : &merged.max->stop.max};
    check_pair(ld, t, min, max, "auto_stop: min above max");
    check_pair(ld, t, min, preset, "auto_stop: default below min");
    check_pair(ld, t, preset, max, "auto_stop: default above max");
}

struct setting {
    const struct policy *policy;
    const struct annotation *annotation;
};

static int by_key(const void *a, const void *b)
{
    const struct setting *one = a, *two = b;
    int order = view_cmp(one->annotation->key, two->annotation->key);

    return order != 0 ? order : view_cmp(one->policy->name, two->policy->name);
}

static void check_annotations(struct loader *ld, const struct together *t)
{
    size_t count = 0;
    struct setting *settings;

    for (size_t i = 0; i < t->base_count + t->same_count; i++)
        count += member(t, i)->set_count;
    settings = arena_array(ld->scratch, count, sizeof *settings);
    if (settings == NULL) {
        ld->no_memory = true;
        return;
    }
    count = 0;
    for (size_t i = 0; i < t->base_count + t->same_count; i++) {
        const struct policy *policy = member(t, i);

        if (!can_speak(policy, GROUP_ANNOTATIONS))
            continue;
        for (size_t k = 0; k < policy->set_count; k++)
            settings[count++] = (struct setting){policy, &policy->sets[k]};
    }
    qsort(settings, count, sizeof *settings, by_key);
    for (size_t i = 1; i < count; i++) {
        const struct setting *one = &settings[i - 1], *two = &settings[i];

        if (view_eq(one->annotation->key, two->annotation->key) &&
            !view_eq(one->annotation->value, two->annotation->value) &&
            is_news(t, one->policy, two->policy))
            report(ld, one->policy, one->annotation->at, two->policy, two->annotation->at,
                   "annotations: another value");
    }
}

static void check(struct loader *ld, const struct together *t)
{
    check_times(ld, t);
    check_annotations(ld, t);
}

void load_conflicts(struct loader *ld)
{
    struct policy_set *set = ld->set;
    /* An array of pointers it is. NOLINTNEXTLINE(bugprone-sizeof-expression) */
    const struct policy **sorted = arena_array(ld->scratch, set->policy_count, sizeof *sorted);
    struct together t = {sorted, NULL, 0, 0};
    size_t count = 0;

    if (sorted == NULL) {
        ld->no_memory = true;
        return;
    }
    for (size_t i = 0; i < set->policy_count; i++) {
        if (set->policies[i].mode == MODE_ENFORCE)
            sorted[count++] = &set->policies[i];
    }
    /* NOLINTNEXTLINE(bugprone-sizeof-expression) */
    qsort(sorted, count, sizeof *sorted, by_canon);
    /* Those that match everything have the empty canon, so they come first. */
    while (t.base_count < count && sorted[t.base_count]->match.canon.len == 0)
        t.base_count++;
    check(ld, &t);
    for (size_t i = t.base_count; i < count; i += t.same_count) {
        t.same = &sorted[i];
        t.same_count = 1;
        while (i + t.same_count < count &&
               view_eq(sorted[i + t.same_count]->match.canon, sorted[i]->match.canon))
            t.same_count++;
        check(ld, &t);
    }
    /* The canons lie in memory that goes with the load. */
    for (size_t i = 0; i < set->policy_count; i++)
        set->policies[i].match.canon = VIEW_NONE;
    for (size_t i = 0; i < set->exception_count; i++)
        set->exceptions[i].match.canon = VIEW_NONE;
}
