/* SPDX-License-Identifier: Apache-2.0
 * auto_stop: missing, off and without a duration are "never stops", which exceeds every maximum and
 * misses `required`. Each policy judges the value as received; what they add up to is merged by the
 * judge. A misplaced copy can offend, never satisfy. */
#include "policy/judge.h"

static const char rule_required[] = "auto_stop.required";
static const char rule_default[] = "auto_stop.default";
static const char rule_max[] = "auto_stop.max";
static const char rule_min[] = "auto_stop.min";

static void load_limit(struct loader *ld, const struct ynumber *doc, const char *what,
                       struct limit *ret)
{
    if (!doc->set)
        return;
    if (doc->value % 1000 != 0)
        diag_fault(ld->diag, doc->at, "%s: expected whole seconds", what);
    *ret = (struct limit){true, doc->value / 1000, load_place(ld, doc->at)};
}

/* A key that does nothing without another one. */
static void needs(struct loader *ld, const struct ynumber *key, const char *name, bool has,
                  const char *other)
{
    if (key->set && !has)
        diag_fault(ld->diag, key->at, "%s does nothing without %s", name, other);
}

static void check_order(struct loader *ld, const struct stop_rule *stop)
{
    const struct limit *preset = &stop->preset, *min = &stop->min, *max = &stop->max;

    if (min->set && max->set && min->seconds > max->seconds)
        diag_fault(ld->diag, load_given(ld, min->at), "min is above max");
    if (preset->set && ((min->set && preset->seconds < min->seconds) ||
                        (max->set && preset->seconds > max->seconds)))
        diag_fault(ld->diag, load_given(ld, preset->at), "default lies outside min to max");
}

bool load_auto_stop(struct loader *ld, const struct doc_policy *doc, struct policy *policy)
{
    const struct doc_stop *from = &doc->stop;
    struct stop_rule *stop = &policy->stop;

    load_limit(ld, &from->preset, "default", &stop->preset);
    load_limit(ld, &from->min, "min", &stop->min);
    load_limit(ld, &from->max, "max", &stop->max);
    stop->required = from->required.set && from->required.value != 0;
    stop->required_at = load_place(ld, from->required.at);
    stop->refuse_missing = from->on_missing.set && from->on_missing.value == 1;
    stop->refuse_over = from->over_max.set && from->over_max.value == 1;
    needs(ld, &from->on_missing, "on_missing", stop->required, "required: true");
    needs(ld, &from->over_max, "over_max", from->max.at.line != 0, "max");
    if (stop->required && !stop->refuse_missing && from->preset.at.line == 0 &&
        from->max.at.line == 0)
        diag_fault(ld->diag, from->required.at,
                   "required: true needs a default or a max to set, or on_missing: refuse");
    check_order(ld, stop);
    return from->self.set;
}

static bool never_stops(const struct stop_request *stop)
{
    return !stop->enable || !stop->has_duration || stop->duration_s <= 0;
}

void stop_read(const struct instance_request *request, struct stop_facts *ret)
{
    struct stop_facts facts = {.missing = true};

    for (size_t i = 0; i < request->stop_count; i++) {
        const struct stop_request *stop = &request->stops[i];

        if (!stop->misplaced)
            facts.missing = false;
        if (never_stops(stop)) {
            facts.never = true;
            continue;
        }
        if (!facts.has_any || stop->duration_s < facts.shortest_s)
            facts.shortest_s = stop->duration_s;
        if (!facts.has_any || stop->duration_s > facts.longest_s)
            facts.longest_s = stop->duration_s;
        facts.has_any = true;
    }
    facts.never = facts.never || facts.missing;
    *ret = facts;
}

void stop_merge(struct stop_merged *merged, const struct policy *policy)
{
    const struct stop_rule *stop = &policy->stop;

    if (stop->preset.set &&
        (merged->preset == NULL || stop->preset.seconds < merged->preset->stop.preset.seconds))
        merged->preset = policy;
    if (stop->max.set && (merged->max == NULL || stop->max.seconds < merged->max->stop.max.seconds))
        merged->max = policy;
    if (stop->min.set && (merged->min == NULL || stop->min.seconds > merged->min->stop.min.seconds))
        merged->min = policy;
}

/* "is missing" or "is off" */
static const char *never_text(const struct stop_facts *facts)
{
    return facts->missing ? "missing" : "off or without an end";
}

static void judge_never(struct hearing *h)
{
    const struct stop_rule *stop = &h->policy->stop;
    const struct stop_facts *facts = &h->judge->stop;
    const struct finding required = {POLICY_AUTO_STOP_REQUIRED, rule_required, stop->required_at};
    const struct finding over = {POLICY_AUTO_STOP_OVER_MAX, rule_max, stop->max.at};
    const struct finding preset = {POLICY_AUTO_STOP_REQUIRED, rule_default, stop->preset.at};

    if (stop->required && stop->refuse_missing)
        hearing_refuse(h, &required, "auto_stop is %s, but required%s%s", never_text(facts),
                       stop->max.set ? "; allowed: up to " : "",
                       stop->max.set ? judge_time(h->judge, stop->max.seconds) : "");
    else if (stop->required)
        hearing_rewrite(h, &required, "auto_stop is %s and is set", never_text(facts));
    else if (stop->max.set && stop->refuse_over)
        hearing_refuse(h, &over,
                       "auto_stop is %s, so the instance would never stop; allowed: up to %s",
                       never_text(facts), judge_time(h->judge, stop->max.seconds));
    else if (stop->max.set)
        hearing_rewrite(h, &over, "auto_stop is %s and is set", never_text(facts));
    else if (stop->preset.set && facts->missing)
        hearing_rewrite(h, &preset, "auto_stop is missing and gets the default");
    else
        hearing_accept(h, "auto_stop", h->policy->at, "auto_stop is not required");
}

static void judge_durations(struct hearing *h)
{
    const struct stop_rule *stop = &h->policy->stop;
    const struct stop_facts *facts = &h->judge->stop;
    const struct finding below = {POLICY_AUTO_STOP_BELOW_MIN, rule_min, stop->min.at};
    const struct finding over = {POLICY_AUTO_STOP_OVER_MAX, rule_max, stop->max.at};

    if (stop->min.set && facts->shortest_s < stop->min.seconds)
        hearing_refuse(h, &below, "auto_stop of %s is too short; allowed: from %s",
                       judge_time(h->judge, facts->shortest_s),
                       judge_time(h->judge, stop->min.seconds));
    else if (stop->min.set)
        hearing_accept(h, rule_min, stop->min.at, "auto_stop is long enough");
    if (!stop->max.set)
        return;
    if (facts->longest_s <= stop->max.seconds)
        hearing_accept(h, rule_max, stop->max.at, "auto_stop is short enough");
    else if (stop->refuse_over)
        hearing_refuse(h, &over, "auto_stop of %s is too long; allowed: up to %s",
                       judge_time(h->judge, facts->longest_s),
                       judge_time(h->judge, stop->max.seconds));
    else
        hearing_rewrite(h, &over, "auto_stop is too long and is capped");
}

void judge_auto_stop(struct hearing *h)
{
    if (h->judge->stop.never)
        judge_never(h);
    else if (h->policy->stop.required)
        hearing_accept(h, rule_required, h->policy->stop.required_at, "auto_stop is on");
    if (h->judge->stop.has_any)
        judge_durations(h);
}
