/* SPDX-License-Identifier: Apache-2.0
 * Which quotas a request must find room in. How much of each is in use is not known here: what is
 * asked goes into the decision, and who counts judges it. */
#include "policy/judge.h"

static struct view text_of(const struct text_field *field)
{
    return field->set ? field->value : VIEW_NONE;
}

/* What filters look at. A lease names nothing of the instance, an update only what changes. */
static void read_facts(const struct judge *j, struct quota_facts *ret)
{
    const struct instance_request *request = j->request;

    *ret = (struct quota_facts){.family = request->op->family, .project = request->project};
    if (request->op->id == OP_NOTEBOOKS_LEASE)
        return;
    if (!request->has_custom_spec)
        ret->flavor = text_of(&request->flavor);
    if (request->op->class == CLASS_CHANGE)
        return;
    ret->workspace = text_of(&request->workspace);
    ret->pool = request->has_pool ? text_of(&request->pool) : VIEW("");
}

static void ask(struct hearing *h, const struct quota *quota)
{
    /* An array of pointers: NOLINTNEXTLINE(bugprone-sizeof*) */
    const size_t size = sizeof quota;
    const struct quota **asked;

    if (h->quiet) {
        h->asked_count++;
        return;
    }
    asked = judge_grow(h->judge, h->asked, h->asked_count, &h->asked_cap, size);
    if (asked == NULL)
        return;
    h->asked = asked;
    h->asked[h->asked_count++] = quota;
}

void judge_quotas(struct hearing *h)
{
    const struct operation *op = h->judge->request->op;
    struct quota_facts facts;

    read_facts(h->judge, &facts);
    for (size_t i = 0; i < h->policy->quota_count; i++) {
        const struct quota *quota = &h->policy->quotas[i];

        if (!quota_is_asked(quota->counts, op))
            hearing_skip(h, "quotas", quota->at, "this operation takes nothing of what it counts");
        else if (!quota_admits(quota, &facts))
            hearing_skip(h, "quotas", quota->at, "its filters do not pass this instance");
        else
            ask(h, quota);
    }
}

/* The forced run time as the request would be sent; -1: it has no end. */
static int64_t run_time_ms(const struct judge *j, const struct judgement *judgement)
{
    for (size_t i = 0; i < judgement->edit_count; i++) {
        if (judgement->edits[i].field == EDIT_AUTO_STOP)
            return judgement->edits[i].seconds * 1000;
    }
    return j->stop.never || !j->stop.has_any ? -1 : j->stop.longest_ms;
}

/* " per project, user" or "". */
static const char *say_per(struct judge *j, const struct quota *quota)
{
    struct view text = VIEW("");

    for (size_t i = 0; quota_per_names[i] != NULL && text.ptr != NULL; i++) {
        if ((quota->per >> i & 1) != 0)
            text = arena_printf(j->arena, "%.*s%s%s", VIEW_ARGS(text),
                                text.len == 0 ? " per " : ", ", quota_per_names[i]);
    }
    if (text.ptr == NULL)
        j->no_memory = true;
    return text.ptr == NULL ? "" : text.ptr;
}

/* ", each hour weighing 3.200", or "" where it weighs one. */
static const char *say_weight(struct judge *j, const struct quota *quota)
{
    struct quota_facts facts;
    struct view text = VIEW("");
    int64_t weight;

    read_facts(j, &facts);
    weight = quota_weight(quota, facts.flavor);
    if (weight != QUOTA_WEIGHT_ONE)
        text =
            arena_printf(j->arena, ", each hour weighing %lld.%03d",
                         (long long)(weight / QUOTA_WEIGHT_ONE), (int)(weight % QUOTA_WEIGHT_ONE));
    if (text.ptr == NULL)
        j->no_memory = true;
    return text.ptr == NULL ? "" : text.ptr;
}

static struct view say_hours(struct judge *j, const struct judgement *judgement,
                             const struct quota *quota)
{
    int64_t run_ms = run_time_ms(j, judgement);

    if (run_ms < 0)
        return VIEW("needs to know how long the instance may run, and nothing would stop it");
    return arena_printf(j->arena, "needs %s%s, of %lld hours in %s%s", judge_time(j, run_ms),
                        say_weight(j, quota),
                        (long long)(quota->limit / (3600LL * QUOTA_WEIGHT_ONE)),
                        judge_time(j, quota->window_us / 1000), say_per(j, quota));
}

static struct view say_places(struct judge *j, const struct quota *quota)
{
    return arena_printf(j->arena, "needs a place of %lld%s%s", (long long)quota->limit,
                        quota->counts == QUOTA_RUNNING ? " for running instances" : "",
                        say_per(j, quota));
}

void trace_demand(struct judge *j, const struct judgement *judgement,
                  const struct quota_demand *demand)
{
    const struct quota *quota = demand->quota;
    struct view need =
        quota->counts == QUOTA_HOURS ? say_hours(j, judgement, quota) : say_places(j, quota);
    struct view text = arena_printf(
        j->arena, "quota %.*s%s: %.*s; use is known to the gateway only", VIEW_ARGS(quota->name),
        demand->enforced ? "" : " (not enforced)", VIEW_ARGS(need));

    if (need.ptr == NULL || text.ptr == NULL)
        j->no_memory = true;
    judge_trace(j, &(struct trace_line){.policy = quota->policy,
                                        .rule = VIEW("quotas"),
                                        .at = quota->at,
                                        .what = TRACE_QUOTA,
                                        .text = text});
}
