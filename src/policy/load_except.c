/* SPDX-License-Identifier: Apache-2.0
 * Exceptions: each names one policy of the set, for whom it is, what it adds or lifts, and the day
 * on which it ends. */
#include <stdlib.h>

#include "base/clock.h"
#include "policy/judge.h"
#include "policy/load.h"

static const int64_t day_us = (int64_t)24 * 3600 * 1000 * 1000;

unsigned load_lifted(struct loader *ld, const struct ytexts *doc)
{
    unsigned all = 0;
    const char *names[GROUP_COUNT + 1] = {NULL};

    for (size_t group = 0; group < GROUP_COUNT; group++)
        names[group] = rules[group].name;
    if (doc->set && doc->count == 0)
        diag_fault(ld->diag, doc->at, "lift: an empty list lifts nothing");
    for (size_t i = 0; doc->set && i < doc->count; i++) {
        const struct globset *glob = load_glob(ld, &doc->items[i], ld->scratch);
        unsigned lifted = 0;
        char quoted[DIAG_QUOTED_BYTES];

        for (size_t group = 0; group < GROUP_COUNT; group++)
            lifted |= load_glob_matches(ld, glob, names[group]) ? 1U << group : 0;
        all |= lifted;
        if (lifted == 0 && glob != NULL)
            diag_fault(ld->diag, doc->items[i].at, "lift: %s is no group of rules%s",
                       diag_quoted(doc->items[i].value, quoted),
                       load_hint(ld, doc->items[i].value, names));
    }
    return all;
}

static void load_allow(struct loader *ld, const struct doc_allow *doc, struct exception *exception)
{
    const struct {
        const struct ytexts *doc;
        const char *what;
        enum list_id list;
    } lists[] = {
        {&doc->flavors, "flavors", LIST_FLAVORS}, {&doc->profiles, "profiles", LIST_PROFILES},
        {&doc->images, "images", LIST_IMAGES},    {&doc->workspaces, "workspaces", LIST_WORKSPACES},
        {&doc->pools, "pools", LIST_POOLS},       {&doc->storage.types, "types", LIST_TYPES},
    };

    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        load_values(ld, lists[i].doc, lists[i].what, &exception->allow[lists[i].list]);
    load_prefixes(ld, &doc->storage.obs_prefixes, &exception->prefixes);
    load_networks(ld, &doc->access_ips, &exception->networks);
}

static void load_expiry(struct loader *ld, const struct ytext *doc, struct exception *exception)
{
    int64_t begin;
    char quoted[DIAG_QUOTED_BYTES];

    if (!doc->set)
        return;
    if (!clock_parse_date(doc->value, &begin)) {
        diag_fault(ld->diag, doc->at, "expires: expected a date like 2026-12-31, found %s",
                   diag_quoted(doc->value, quoted));
        return;
    }
    exception->expires_us = begin + day_us;
    if (ld->options->now_us >= exception->expires_us)
        diag_warn(ld->diag, doc->at, "exception %s has expired",
                  diag_quoted(exception->name, quoted));
}

static void load_exception(struct loader *ld, const struct doc_exception *doc,
                           struct exception *exception)
{
    load_check_text(ld, &doc->name, "name");
    load_check_text(ld, &doc->approved_by, "approved_by");
    exception->name = load_keep(ld, doc->name.value);
    exception->at = load_place(ld, doc->name.set ? doc->name.at : doc->self.at);
    exception->policy = load_keep(ld, doc->policy.value);
    exception->policy_at = load_place(ld, doc->policy.at);
    load_match(ld, &doc->match, &exception->match);
    if (exception->match.canon.len == 0 && doc->match.self.at.line == 0)
        diag_fault(ld->diag, doc->self.at, "match is missing; an exception is for somebody");
    else if (doc->match.self.set && exception->match.canon.len == 0)
        diag_fault(ld->diag, doc->match.self.at, "match: an exception needs at least one key");
    exception->lifted = load_lifted(ld, &doc->lift);
    load_allow(ld, &doc->allow, exception);
    if (doc->lift.at.line == 0 && doc->allow.self.at.line == 0)
        diag_fault(ld->diag, doc->self.at, "an exception needs allow or lift");
    load_expiry(ld, &doc->expires, exception);
}

static int by_exception_name(const void *a, const void *b)
{
    const struct exception *one = a, *two = b;
    int order = view_cmp(one->name, two->name);

    return order != 0 ? order : (one->at.line > two->at.line) - (one->at.line < two->at.line);
}

static struct policy *find_policy(struct policy_set *set, struct view name)
{
    for (size_t i = 0; i < set->policy_count; i++) {
        if (view_eq(set->policies[i].name, name))
            return &set->policies[i];
    }
    return NULL;
}

static void unknown_policy(struct loader *ld, const struct exception *exception)
{
    const char **names = arena_array(ld->scratch, ld->set->policy_count + 1, sizeof *names);
    char quoted[DIAG_QUOTED_BYTES];

    for (size_t i = 0; names != NULL && i < ld->set->policy_count; i++)
        names[i] = ld->set->policies[i].name.ptr;
    diag_fault(ld->diag, load_given(ld, exception->policy_at),
               "policy: %s is no policy of the set%s", diag_quoted(exception->policy, quoted),
               load_hint(ld, exception->policy, names));
}

/* What can't have an effect is shown, but it is no fault: policies change under exceptions. */
static void check_use(struct loader *ld, const struct exception *exception,
                      const struct policy *policy)
{
    static const struct {
        enum list_id list;
        const char *name;
    } lists[] = {
        {LIST_FLAVORS, "flavors.allow"}, {LIST_PROFILES, "profiles.allow"},
        {LIST_IMAGES, "images.allow"},   {LIST_WORKSPACES, "workspaces.allow"},
        {LIST_POOLS, "pools.allow"},     {LIST_TYPES, "storage.types"},
    };
    char quoted[DIAG_QUOTED_BYTES];

    (void)diag_quoted(policy->name, quoted);
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        if (exception->allow[lists[i].list].set && !policy->allow[lists[i].list].set)
            diag_warn(ld->diag, load_given(ld, exception->allow[lists[i].list].at),
                      "policy %s has no %s to add to", quoted, lists[i].name);
    }
    if (exception->prefixes.values.set && !policy->prefixes.values.set)
        diag_warn(ld->diag, load_given(ld, exception->prefixes.values.at),
                  "policy %s has no storage.obs_prefixes to add to", quoted);
    if (exception->networks.values.set && !policy->networks.values.set)
        diag_warn(ld->diag, load_given(ld, exception->networks.values.at),
                  "policy %s has no allowed_access_ips.allow to add to", quoted);
    if (exception->lifted != 0 && (exception->lifted & policy->groups) == 0)
        diag_warn(ld->diag, load_given(ld, exception->at),
                  "policy %s has nothing of what is lifted", quoted);
}

static void attach(struct loader *ld, const struct exception *exception)
{
    struct policy *policy = find_policy(ld->set, exception->policy);

    if (exception->policy.len == 0)
        return;
    if (policy == NULL) {
        unknown_policy(ld, exception);
        return;
    }
    check_use(ld, exception, policy);
    if (policy->exceptions == NULL) /* an array of pointers: NOLINTNEXTLINE(bugprone-sizeof*) */
        policy->exceptions = load_array(ld, ld->set->exception_count, sizeof *policy->exceptions);
    if (policy->exceptions != NULL)
        policy->exceptions[policy->exception_count++] = exception;
}

void load_exceptions(struct loader *ld, const struct doc_exception *docs, size_t count)
{
    struct policy_set *set = ld->set;

    set->exceptions = load_array(ld, count, sizeof *set->exceptions);
    if (set->exceptions == NULL)
        return;
    for (size_t i = 0; i < count; i++)
        load_exception(ld, &docs[i], &set->exceptions[i]);
    set->exception_count = count;
    qsort(set->exceptions, count, sizeof *set->exceptions, by_exception_name);
    for (size_t i = 0; i < count; i++) {
        const struct exception *one = &set->exceptions[i], *before = one - (i > 0 ? 1 : 0);
        char quoted[DIAG_QUOTED_BYTES];

        if (i > 0 && one->name.len > 0 && view_eq(one->name, before->name))
            diag_fault(ld->diag, load_given(ld, one->at),
                       "name: an exception %s stands at %s:%u:%u already",
                       diag_quoted(one->name, quoted), before->at.file, before->at.line,
                       before->at.column);
        attach(ld, one);
    }
}
