/* SPDX-License-Identifier: Apache-2.0
 * auto_stop: missing, off and without a duration are "never stops", which exceeds every maximum and
 * misses `required`. Each policy judges the value as received; what they add up to is merged by the
 * judge. A misplaced copy can offend, never satisfy. */
#include "policy/judge.h"

static const char rule_required[] = "auto_stop.required";
static const char rule_default[] = "auto_stop.default";
static const char rule_max[] = "auto_stop.max";
static const char rule_min[] = "auto_stop.min";
static const char rule_types[] = "auto_stop.types";

/* The words of `types`, and their bits. */
static const char *const type_names[] = {"timing", "idle", NULL};
static const unsigned type_bits[] = {STOP_TIMING, STOP_IDLE};

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

static unsigned type_of(struct view word)
{
    for (size_t i = 0; i < ARRAY_LEN(type_bits); i++) {
        if (view_eq(word, view_str(type_names[i])))
            return type_bits[i];
    }
    return 0;
}

static void load_types(struct loader *ld, const struct doc_stop *from, struct stop_rule *stop)
{
    stop->types = from->types.set ? 0 : STOP_TIMING;
    stop->types_at = load_place(ld, from->types.set ? from->types.at : from->self.at);
    if (from->types.set && from->types.count == 0)
        diag_fault(ld->diag, from->types.at, "types: an empty list would refuse every auto_stop");
    for (size_t i = 0; from->types.set && i < from->types.count; i++) {
        const struct ytext *word = &from->types.items[i];
        char quoted[DIAG_QUOTED_BYTES];

        stop->types |= type_of(word->value);
        if (type_of(word->value) == 0)
            diag_fault(ld->diag, word->at, "types: expected timing or idle, found %s%s",
                       diag_quoted(word->value, quoted), load_hint(ld, word->value, type_names));
    }
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
    load_types(ld, from, stop);
    policy->implied |= from->types.set ? 0 : IMPLIED_STOP_TYPES;
    return from->self.set;
}

int64_t limit_ms(const struct limit *limit)
{
    return limit->seconds * 1000; /* at most 366 days */
}

int64_t stop_total_ms(int64_t a_ms, int64_t b_ms)
{
    int64_t total;

    return __builtin_add_overflow(a_ms, b_ms, &total) ? INT64_MAX : total;
}

static bool never_stops(const struct stop_request *stop)
{
    return !stop->enable || !stop->has_duration || stop->duration_ms <= 0;
}

/* What an update leaves out stays as it is stored, so it would have to be judged blindly. Only
 * demanager has two members for it. */
static bool leaves_out(const struct stop_request *stop)
{
    bool is_off = stop->has_enable && !stop->enable;

    return !is_off && (!stop->has_enable || !stop->has_duration);
}

static void add_copy(struct stop_facts *facts, const struct stop_request *stop, bool is_update)
{
    bool never = never_stops(stop), gap = is_update && leaves_out(stop);

    facts->missing = facts->missing && stop->misplaced;
    facts->never = facts->never || never;
    facts->open = facts->open || (gap && never);
    facts->partial = facts->partial || (gap && !never);
    if (never)
        return;
    if (!facts->has_any || stop->duration_ms < facts->shortest_ms)
        facts->shortest_ms = stop->duration_ms;
    if (!facts->has_any || stop->duration_ms > facts->longest_ms)
        facts->longest_ms = stop->duration_ms;
    facts->has_any = true;
}

void stop_read(const struct instance_request *request, struct stop_facts *ret)
{
    const struct operation *op = request->op;
    bool is_update = op->class == CLASS_CHANGE && op->family == FAMILY_DEMANAGER;
    struct stop_facts facts = {.missing = true};

    for (size_t i = 0; i < request->stop_count; i++)
        add_copy(&facts, &request->stops[i], is_update);
    facts.never = facts.never || facts.missing;
    if (op->id == OP_NOTEBOOKS_LEASE && request->lease_elapsed_ms > 0)
        facts.elapsed_ms = request->lease_elapsed_ms;
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

/* "up to 4h" as this policy would have it. */
static const char *right_time(struct hearing *h)
{
    const struct stop_rule *stop = &h->policy->stop;
    const struct limit *limit = stop->preset.set ? &stop->preset : &stop->max;
    struct view text = arena_printf(h->judge->arena, "%s%s", stop->preset.set ? "" : "up to ",
                                    judge_limit(h->judge, limit));

    if (text.ptr == NULL)
        h->judge->no_memory = true;
    return text.ptr == NULL ? "" : text.ptr;
}

/* Asks for the edit that what all policies add up to will make, or, where no edit can change what
 * is stored, refuses for the same reason. what: "is missing"; done: "is set". */
static void wish(struct hearing *h, const struct finding *f, const char *what, const char *done)
{
    if (h->stored) {
        hearing_refuse(h, f, "auto_stop %s; it would have to be %s", what, right_time(h));
        return;
    }
    hearing_rewrite(h, f, "auto_stop %s and %s", what, done);
    h->stop_wish = STOP_LIMIT;
}

static const char *never_text(const struct stop_facts *facts)
{
    return facts->missing ? "is missing" : "is off or without an end";
}

static void judge_never(struct hearing *h)
{
    const struct stop_rule *stop = &h->policy->stop;
    const struct stop_facts *facts = &h->judge->stop;
    const struct finding required = {POLICY_AUTO_STOP_REQUIRED, rule_required, stop->required_at};
    const struct finding over = {POLICY_AUTO_STOP_OVER_MAX, rule_max, stop->max.at};
    const struct finding preset = {POLICY_AUTO_STOP_REQUIRED, rule_default, stop->preset.at};
    const struct finding open = {POLICY_AUTO_STOP_INCOMPLETE, "auto_stop", h->policy->at};

    if (stop->required && stop->refuse_missing)
        hearing_refuse(h, &required, "auto_stop %s, but required%s%s", never_text(facts),
                       stop->max.set ? "; allowed: up to " : "",
                       stop->max.set ? judge_limit(h->judge, &stop->max) : "");
    else if (stop->required)
        wish(h, &required, never_text(facts), "is set");
    else if (stop->max.set && stop->refuse_over)
        hearing_refuse(h, &over,
                       "auto_stop %s, so the instance would never stop; allowed: up to %s",
                       never_text(facts), judge_limit(h->judge, &stop->max));
    else if (stop->max.set)
        wish(h, &over, never_text(facts), "is set");
    else if (stop->preset.set && facts->missing)
        wish(h, &preset, never_text(facts), "gets the default");
    else if (facts->open)
        wish(h, &open, never_text(facts), "is completed");
    else
        hearing_accept(h, "auto_stop", h->policy->at, "auto_stop is not required");
}

static void judge_min(struct hearing *h)
{
    const struct limit *min = &h->policy->stop.min;
    int64_t shortest_ms = h->judge->stop.shortest_ms;

    if (!min->set)
        return;
    if (shortest_ms >= limit_ms(min))
        hearing_accept(h, rule_min, min->at, "auto_stop is long enough");
    else
        hearing_refuse(h, &(struct finding){POLICY_AUTO_STOP_BELOW_MIN, rule_min, min->at},
                       "auto_stop of %s is too short; allowed: from %s",
                       judge_time(h->judge, shortest_ms), judge_limit(h->judge, min));
}

/* For a lease the whole time since it began counts. */
static void judge_max(struct hearing *h)
{
    const struct stop_rule *stop = &h->policy->stop;
    const struct stop_facts *facts = &h->judge->stop;
    const struct finding over = {POLICY_AUTO_STOP_OVER_MAX, rule_max, stop->max.at};

    if (!stop->max.set)
        return;
    if (stop_total_ms(facts->elapsed_ms, facts->longest_ms) <= limit_ms(&stop->max))
        hearing_accept(h, rule_max, stop->max.at, "auto_stop is short enough");
    else if (!stop->refuse_over && !h->stored)
        wish(h, &over, "is too long", "is capped");
    else if (facts->elapsed_ms > 0)
        hearing_refuse(h, &over,
                       "auto_stop of %s is too long after %s of the lease; allowed: up to %s in "
                       "all",
                       judge_time(h->judge, facts->longest_ms),
                       judge_time(h->judge, facts->elapsed_ms), judge_limit(h->judge, &stop->max));
    else
        hearing_refuse(h, &over, "auto_stop of %s is too long; allowed: up to %s",
                       judge_time(h->judge, facts->longest_ms), judge_limit(h->judge, &stop->max));
}

/* Left without `enable`, it would depend on what is stored whether the instance stops at all. */
static void judge_partial(struct hearing *h)
{
    hearing_rewrite(h, &(struct finding){.rule = "auto_stop", .at = h->policy->at},
                    "auto_stop names a duration only and is completed");
    if (h->stop_wish == STOP_AS_IS)
        h->stop_wish = STOP_COMPLETE;
}

static bool is_type(struct view type, const char *name)
{
    return view_eq_nocase(type, view_str(name));
}

/* demanager has no types. The cloud reads them in either case. */
static void judge_type(struct hearing *h)
{
    const struct stop_rule *stop = &h->policy->stop;
    const struct text_field *type = &h->judge->request->stop_type;
    const char *allowed = stop->types == STOP_TIMING ? "timing"
                          : stop->types == STOP_IDLE ? "idle"
                                                     : "timing, idle";
    unsigned bit = type->set ? 0 : STOP_TIMING;

    if (h->judge->request->op->family != FAMILY_NOTEBOOKS)
        return;
    for (size_t i = 0; type->set && i < ARRAY_LEN(type_bits); i++)
        bit |= is_type(type->value, type_names[i]) ? type_bits[i] : 0;
    if ((stop->types & bit) != 0)
        hearing_accept(h, rule_types, stop->types_at, "the type of auto_stop is allowed");
    else
        hearing_refuse(h, &(struct finding){POLICY_AUTO_STOP_TYPE, rule_types, stop->types_at},
                       "auto_stop of type %s is not allowed; allowed: %s%s",
                       type->set ? judge_say(h->judge, type->value) : "timing", allowed,
                       bit == STOP_IDLE ? " (idle stops an idle instance only, and a busy loop "
                                          "keeps it alive)"
                                        : "");
}

void judge_auto_stop(struct hearing *h)
{
    const struct stop_facts *facts = &h->judge->stop;

    judge_type(h);
    if (facts->never)
        judge_never(h);
    else if (h->policy->stop.required)
        hearing_accept(h, rule_required, h->policy->stop.required_at, "auto_stop is on");
    if (facts->has_any) {
        judge_min(h);
        judge_max(h);
    }
    if (facts->partial)
        judge_partial(h);
}
