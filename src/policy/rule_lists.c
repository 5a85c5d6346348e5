/* SPDX-License-Identifier: Apache-2.0
 * Rules that look a value up: flavors, profiles, images, workspaces, pools; and the two that stand
 * beside them, name and custom_spec. A value that a rule needs and that is missing refuses. */
#include "policy/judge.h"

/* How an allow-list speaks of its value. */
struct list_words {
    enum list_id list;
    const char *rule, *what;
    enum policy_reason not_allowed, missing;
};

static bool load_list(struct loader *ld, const struct doc_list *doc, const char *what,
                      struct values *ret)
{
    load_values(ld, &doc->allow, what, ret);
    return doc->self.set;
}

bool load_flavors(struct loader *ld, const struct doc_policy *doc, struct policy *policy)
{
    load_values(ld, &doc->flavors.deny, "flavors.deny", &policy->deny_flavors);
    return load_list(ld, &doc->flavors, "flavors.allow", &policy->allow[LIST_FLAVORS]);
}

bool load_profiles(struct loader *ld, const struct doc_policy *doc, struct policy *policy)
{
    return load_list(ld, &doc->profiles, "profiles.allow", &policy->allow[LIST_PROFILES]);
}

bool load_images(struct loader *ld, const struct doc_policy *doc, struct policy *policy)
{
    return load_list(ld, &doc->images, "images.allow", &policy->allow[LIST_IMAGES]);
}

bool load_workspaces(struct loader *ld, const struct doc_policy *doc, struct policy *policy)
{
    return load_list(ld, &doc->workspaces, "workspaces.allow", &policy->allow[LIST_WORKSPACES]);
}

bool load_pools(struct loader *ld, const struct doc_policy *doc, struct policy *policy)
{
    load_values(ld, &doc->pools.allow, "pools.allow", &policy->allow[LIST_POOLS]);
    policy->public = doc->pools.public.set && doc->pools.public.value != 0;
    policy->implied |= doc->pools.public.set ? 0 : IMPLIED_PUBLIC;
    policy->public_at =
        load_place(ld, doc->pools.public.set ? doc->pools.public.at : doc->pools.self.at);
    return doc->pools.self.set;
}

bool load_name(struct loader *ld, const struct doc_policy *doc, struct policy *policy)
{
    const struct ytext *pattern = &doc->pattern.pattern;
    struct ere_fault fault;

    if (!pattern->set)
        return doc->pattern.self.set;
    policy->pattern_at = load_place(ld, pattern->at);
    policy->pattern_text = load_keep(ld, pattern->value);
    switch (ere_compile(pattern->value, &ld->set->arena, ld->scratch, &fault, &policy->pattern)) {
    case STATUS_OK:
        break;
    case STATUS_SYNTAX:
        diag_fault(ld->diag, pattern->at, "pattern: at position %zu: %s", fault.position,
                   fault.text);
        break;
    default:
        ld->no_memory = true;
        break;
    }
    return true;
}

bool load_custom_spec(struct loader *ld, const struct doc_policy *doc, struct policy *policy)
{
    bool written = doc->custom_spec.set;

    policy->refuse_custom_spec = written ? doc->custom_spec.value == 0 : doc->flavors.self.set;
    policy->implied |= written ? 0 : IMPLIED_CUSTOM_SPEC;
    policy->custom_spec_at = load_place(ld, written ? doc->custom_spec.at : doc->flavors.self.at);
    return written || doc->flavors.self.set;
}

/* Whether the value may be looked up at all; a longer one is in no list. */
static bool is_lookable(struct hearing *h, const struct finding *f, const char *what,
                        struct view value)
{
    if (value.len <= VALUE_MAX)
        return true;
    hearing_refuse(h, f, "%s is longer than %d bytes", what, VALUE_MAX);
    return false;
}

static void judge_value(struct hearing *h, const struct list_words *words,
                        const struct text_field *field)
{
    const struct values *values = &h->policy->allow[words->list];
    const struct finding refused = {words->not_allowed, words->rule, values->at};

    if (!values->set)
        return;
    if (!field->set) {
        hearing_refuse(h, &(struct finding){words->missing, words->rule, values->at},
                       "%s is missing; allowed: %s", words->what, judge_list(h->judge, values));
        return;
    }
    if (!is_lookable(h, &refused, words->what, field->value))
        return;
    if (hearing_allows(h, words->list, field->value))
        hearing_accept(h, words->rule, values->at, "the value is allowed");
    else
        hearing_refuse(h, &refused, "%s %s is not allowed; allowed: %s", words->what,
                       judge_say(h->judge, field->value), judge_list(h->judge, values));
}

static void judge_denied(struct hearing *h)
{
    static const char rule[] = "flavors.deny";
    const struct values *values = &h->policy->deny_flavors;
    const struct text_field *flavor = &h->judge->request->flavor;
    const struct finding refused = {POLICY_FLAVOR_DENIED, rule, values->at};

    if (!values->set)
        return;
    if (!flavor->set) {
        /* With an allow-list, that one has said so. */
        if (!h->policy->allow[LIST_FLAVORS].set)
            hearing_refuse(h, &(struct finding){POLICY_FLAVOR_MISSING, rule, values->at},
                           "flavor is missing");
        return;
    }
    if (!is_lookable(h, &refused, "flavor", flavor->value))
        return;
    if (hearing_has(h, values, flavor->value))
        hearing_refuse(h, &refused, "flavor %s is denied; denied: %s",
                       judge_say(h->judge, flavor->value), judge_list(h->judge, values));
    else
        hearing_accept(h, rule, values->at, "the value is not denied");
}

void judge_flavors(struct hearing *h)
{
    static const struct list_words words = {LIST_FLAVORS, "flavors.allow", "flavor",
                                            POLICY_FLAVOR_NOT_ALLOWED, POLICY_FLAVOR_MISSING};
    const struct instance_request *request = h->judge->request;

    if (!request->flavor.set && request->has_custom_spec) {
        hearing_skip(h, "flavors", h->policy->custom_spec_at,
                     "a custom_spec stands in place of a flavor; custom_spec judges it");
        return;
    }
    judge_denied(h);
    judge_value(h, &words, &request->flavor);
}

void judge_profiles(struct hearing *h)
{
    static const struct list_words words = {LIST_PROFILES, "profiles.allow", "profile",
                                            POLICY_PROFILE_NOT_ALLOWED, POLICY_PROFILE_MISSING};

    judge_value(h, &words, &h->judge->request->profile);
}

void judge_images(struct hearing *h)
{
    static const struct list_words words = {LIST_IMAGES, "images.allow", "image",
                                            POLICY_IMAGE_NOT_ALLOWED, POLICY_IMAGE_MISSING};

    judge_value(h, &words, &h->judge->request->image);
}

void judge_workspaces(struct hearing *h)
{
    static const struct list_words words = {LIST_WORKSPACES, "workspaces.allow", "workspace",
                                            POLICY_WORKSPACE_NOT_ALLOWED, POLICY_WORKSPACE_MISSING};

    judge_value(h, &words, &h->judge->request->workspace);
}

static void judge_no_pool(struct hearing *h)
{
    static const char rule[] = "pools.public";

    if (h->policy->public)
        hearing_accept(h, rule, h->policy->public_at, "it may run without a dedicated pool");
    else
        hearing_refuse(h, &(struct finding){POLICY_POOL_PUBLIC, rule, h->policy->public_at},
                       "a dedicated pool must be named; allowed: %s",
                       h->policy->allow[LIST_POOLS].set
                           ? judge_list(h->judge, &h->policy->allow[LIST_POOLS])
                           : "any");
}

/* A pool's id means one pool within a project: another owner makes it another pool. */
void judge_pools(struct hearing *h)
{
    static const struct list_words words = {LIST_POOLS, "pools.allow", "pool",
                                            POLICY_POOL_NOT_ALLOWED, POLICY_POOL_ID_MISSING};
    const struct instance_request *request = h->judge->request;
    const struct values *values = &h->policy->allow[LIST_POOLS];

    if (!request->has_pool) {
        judge_no_pool(h);
        return;
    }
    if (!values->set) {
        hearing_accept(h, "pools", h->policy->public_at, "any dedicated pool is allowed");
        return;
    }
    judge_value(h, &words, &request->pool);
    if (request->pool_owner.set && !view_eq(request->pool_owner.value, request->project))
        hearing_refuse(h, &(struct finding){POLICY_POOL_FOREIGN_OWNER, words.rule, values->at},
                       "the pool's owner %s is not the project of this request",
                       judge_say(h->judge, request->pool_owner.value));
}

void judge_name(struct hearing *h)
{
    static const char rule[] = "name.pattern";
    const struct finding refused = {POLICY_NAME_PATTERN, rule, h->policy->pattern_at};
    const struct text_field *name = &h->judge->request->name;

    if (!name->set) {
        hearing_refuse(h, &(struct finding){POLICY_NAME_MISSING, rule, h->policy->pattern_at},
                       "name is missing; it must match %s",
                       judge_say(h->judge, h->policy->pattern_text));
        return;
    }
    if (!is_lookable(h, &refused, "name", name->value))
        return;
    if (ere_matches(h->policy->pattern, name->value))
        hearing_accept(h, rule, h->policy->pattern_at, "the name matches");
    else
        hearing_refuse(h, &refused, "name %s does not match %s", judge_say(h->judge, name->value),
                       judge_say(h->judge, h->policy->pattern_text));
}

void judge_custom_spec(struct hearing *h)
{
    static const char rule[] = "custom_spec";

    if (!h->judge->request->has_custom_spec)
        hearing_skip(h, rule, h->policy->custom_spec_at, "the request has none");
    else if (h->policy->refuse_custom_spec)
        hearing_refuse(h, &(struct finding){POLICY_CUSTOM_SPEC, rule, h->policy->custom_spec_at},
                       "custom_spec is not allowed; name a flavor instead");
    else
        hearing_accept(h, rule, h->policy->custom_spec_at, "custom_spec is allowed");
}
