/* SPDX-License-Identifier: Apache-2.0
 * Annotations: `require` reads the right place only, `set` writes the right place and, through the
 * API's room, every misplaced copy. */
#include "policy/judge.h"

static bool load_sets(struct loader *ld, const struct ypairs *doc, struct policy *policy)
{
    struct annotation *sets;

    if (doc->count > ANNOTATIONS_MAX)
        diag_fault(ld->diag, doc->at, "set: at most %d annotations may be set", ANNOTATIONS_MAX);
    sets = load_array(ld, doc->count, sizeof *sets);
    for (size_t i = 0; sets != NULL && doc->set && i < doc->count; i++) {
        const struct ypair *pair = &doc->items[i];

        if (pair->key.value.len == 0)
            diag_fault(ld->diag, pair->key.at, "set: an annotation needs a name");
        sets[i] = (struct annotation){.key = load_keep(ld, pair->key.value),
                                      .value = load_keep(ld, pair->value.value),
                                      .at = load_place(ld, pair->value.at)};
    }
    policy->sets = sets;
    policy->set_count = sets != NULL && doc->set ? doc->count : 0;
    return doc->set;
}

static void load_requires(struct loader *ld, const struct ytexts *doc, struct policy *policy)
{
    struct annotation *requires;

    if (doc->count > ANNOTATIONS_MAX)
        diag_fault(ld->diag, doc->at, "require: at most %d annotations may be required",
                   ANNOTATIONS_MAX);
    requires = load_array(ld, doc->count, sizeof *requires);
    for (size_t i = 0; requires != NULL && doc->set && i < doc->count; i++) {
        const struct ytext *text = &doc->items[i];

        for (size_t k = 0; k < policy->set_count; k++) {
            if (view_eq(policy->sets[k].key, text->value))
                diag_fault(ld->diag, text->at,
                           "require: this annotation is set by the same policy");
        }
        requires[i] = (struct annotation){.key = load_keep(ld, text->value),
                                          .globs = load_glob(ld, text, &ld->set->arena),
                                          .at = load_place(ld, text->at)};
    }
    policy->requires = requires;
    policy->require_count = requires != NULL && doc->set ? doc->count : 0;
}

bool load_annotations(struct loader *ld, const struct doc_policy *doc, struct policy *policy)
{
    (void)load_sets(ld, &doc->annotations.set, policy);
    load_requires(ld, &doc->annotations.require, policy);
    return doc->annotations.self.set;
}

static const struct pair *find(const struct pair *pairs, size_t count, struct view key)
{
    for (size_t i = 0; i < count; i++) {
        if (view_eq(pairs[i].key, key))
            return &pairs[i];
    }
    return NULL;
}

bool annotation_stands(const struct instance_request *request, const struct annotation *wanted)
{
    const struct pair *right = find(request->annotations, request->annotation_count, wanted->key);
    const struct pair *stray =
        find(request->stray_annotations, request->stray_annotation_count, wanted->key);

    return right != NULL && view_eq(right->value, wanted->value) &&
           (stray == NULL || view_eq(stray->value, wanted->value));
}

static void judge_required(struct hearing *h, const struct annotation *wanted)
{
    const struct instance_request *request = h->judge->request;
    bool hit = false;

    for (size_t i = 0; i < request->annotation_count && !hit; i++) {
        if (request->annotations[i].value.len > 0 &&
            globset_match(wanted->globs, request->annotations[i].key, h->judge->arena, &hit) !=
                STATUS_OK)
            h->judge->no_memory = true;
    }
    if (hit)
        hearing_accept(h, "annotations.require", wanted->at, "the annotation is there");
    else
        hearing_refuse(
            h, &(struct finding){POLICY_ANNOTATION_MISSING, "annotations.require", wanted->at},
            "annotation %s is missing or empty; it must be set", judge_say(h->judge, wanted->key));
}

void judge_annotations(struct hearing *h)
{
    for (size_t i = 0; i < h->policy->require_count; i++)
        judge_required(h, &h->policy->requires[i]);
    for (size_t i = 0; i < h->policy->set_count; i++) {
        const struct annotation *wanted = &h->policy->sets[i];

        if (annotation_stands(h->judge->request, wanted))
            hearing_accept(h, "annotations.set", wanted->at, "the annotation has that value");
        else
            hearing_rewrite(h, &(struct finding){.rule = "annotations.set", .at = wanted->at},
                            "annotation %s is set", judge_say(h->judge, wanted->key));
    }
}
