/* SPDX-License-Identifier: Apache-2.0
 * The storage rules: types, OBS prefixes and size, over every storage that a request names. */
#include "policy/judge.h"
#include "policy/placeholder.h"

bool load_storage(struct loader *ld, const struct doc_policy *doc, struct policy *policy)
{
    const struct doc_storage *storage = &doc->storage;

    load_values(ld, &storage->types, "types", &policy->allow[LIST_TYPES]);
    load_prefixes(ld, &storage->obs_prefixes, &policy->prefixes);
    policy->has_max_size = storage->max_size_gb.set;
    policy->max_size_gb = storage->max_size_gb.value;
    policy->max_size_at = load_place(ld, storage->max_size_gb.at);
    return storage->self.set;
}

/* A copy in the other case: ASCII letters from..to are turned. */
static struct view cased(struct judge *j, struct view text, char from, char to)
{
    unsigned char *copy = arena_alloc(j->arena, text.len);

    if (copy == NULL) {
        j->no_memory = true;
        return VIEW_NONE;
    }
    for (size_t i = 0; i < text.len; i++) {
        bool turns = text.ptr[i] >= from && text.ptr[i] <= to;

        copy[i] = (unsigned char)text.ptr[i] ^ (turns ? 0x20U : 0U);
    }
    return view_of((const char *)copy, text.len);
}

/* The cloud reads the types of notebooks in either case. */
static bool allows_type(struct hearing *h, struct view type)
{
    bool folds = h->judge->request->op->family == FAMILY_NOTEBOOKS;

    if (type.len > VALUE_MAX)
        return false;
    return hearing_allows(h, LIST_TYPES, type) ||
           (folds && (hearing_allows(h, LIST_TYPES, cased(h->judge, type, 'A', 'Z')) ||
                      hearing_allows(h, LIST_TYPES, cased(h->judge, type, 'a', 'z'))));
}

static void judge_type(struct hearing *h, const struct storage_request *storage)
{
    static const char rule[] = "storage.types";
    const struct values *values = &h->policy->allow[LIST_TYPES];

    if (!values->set || storage->grows)
        return;
    if (storage->type.len == 0)
        hearing_refuse(h, &(struct finding){POLICY_STORAGE_TYPE_MISSING, rule, values->at},
                       "the type of %s is missing; allowed: %s", storage->pointer,
                       judge_list(h->judge, values));
    else if (allows_type(h, storage->type))
        hearing_accept(h, rule, values->at, "the storage type is allowed");
    else
        hearing_refuse(h, &(struct finding){POLICY_STORAGE_TYPE, rule, values->at},
                       "storage type %s is not allowed; allowed: %s",
                       judge_say(h->judge, storage->type), judge_list(h->judge, values));
}

static void judge_size(struct hearing *h, const struct storage_request *storage)
{
    static const char rule[] = "storage.max_size_gb";

    if (!h->policy->has_max_size || !storage->has_size)
        return;
    if (storage->size_gb > h->policy->max_size_gb)
        hearing_refuse(h, &(struct finding){POLICY_STORAGE_SIZE, rule, h->policy->max_size_at},
                       "a volume of %lld GB is too large; allowed: up to %lld GB",
                       (long long)storage->size_gb, (long long)h->policy->max_size_gb);
    else
        hearing_accept(h, rule, h->policy->max_size_at, "the size is allowed");
}

/* Fills the templates of one list into one more set. False: one can't be filled, and that is
 * refused. *ret stays NULL where there are none. */
static bool fill_templates(struct hearing *h, const struct prefixes *prefixes,
                           const struct globset **ret)
{
    struct judge *j = h->judge;
    struct view *filled = arena_array(j->arena, prefixes->template_count, sizeof *filled);
    const char *placeholder = NULL;

    if (filled == NULL) {
        j->no_memory = true;
        return false;
    }
    for (size_t i = 0; i < prefixes->template_count; i++) {
        enum status status = placeholder_fill(prefixes->templates[i], j->request, j->subject,
                                              j->arena, &filled[i], &placeholder);

        if (status == STATUS_NOMEM)
            j->no_memory = true;
        if (status == STATUS_INVALID)
            hearing_refuse(h,
                           &(struct finding){POLICY_OBS_PLACEHOLDER, "storage.obs_prefixes",
                                             prefixes->values.at},
                           "${%s} cannot be filled for this caller; it needs to be known and to "
                           "consist of letters, digits, '_', '-' and '.' inside",
                           placeholder);
        if (status != STATUS_OK)
            return false;
    }
    if (prefixes->template_count > 0 &&
        globset_build(filled, prefixes->template_count, j->arena, ret) != STATUS_OK)
        j->no_memory = true;
    return !j->no_memory;
}

/* What a path is compared with: the fixed and the filled prefixes of policy and exception. */
struct prefix_sets {
    const struct globset *sets[4];
    size_t count;
};

static bool add_prefixes(struct hearing *h, const struct prefixes *prefixes,
                         struct prefix_sets *sets)
{
    const struct globset *filled = NULL;

    if (!prefixes->values.set)
        return true;
    sets->sets[sets->count++] = prefixes->values.globs;
    if (!fill_templates(h, prefixes, &filled))
        return false;
    if (filled != NULL)
        sets->sets[sets->count++] = filled;
    return true;
}

static bool is_below(struct hearing *h, const struct prefix_sets *sets, const struct obs_path *path)
{
    struct judge *j = h->judge;
    bool closed = path->key.len == 0 || view_ends(path->key, VIEW("/"));
    struct view text = arena_printf(j->arena, "/%.*s/%.*s%s", VIEW_ARGS(path->bucket),
                                    VIEW_ARGS(path->key), closed ? "" : "/");
    bool hit = false;

    if (text.ptr == NULL)
        j->no_memory = true;
    for (size_t i = 0; text.ptr != NULL && i < sets->count && !hit; i++) {
        if (globset_match_below(sets->sets[i], text, j->arena, &hit) != STATUS_OK)
            j->no_memory = true;
    }
    return hit;
}

static bool is_obs(const struct storage_request *storage)
{
    return view_eq_nocase(storage->type, VIEW("obs")) ||
           view_eq_nocase(storage->type, VIEW("obsfs"));
}

/* The prefixes as they are for this caller, who can't be asked to know the placeholders; one that
 * can't be filled as it was written. */
static const char *list_prefixes(struct hearing *h)
{
    struct judge *j = h->judge;
    struct values told = h->policy->prefixes.values;

    for (size_t i = 0; i < told.shown_count; i++) {
        const char *name;
        struct view filled;

        if (placeholder_fill(told.shown[i], j->request, j->subject, j->arena, &filled, &name) ==
            STATUS_OK)
            told.shown[i] = filled;
    }
    return judge_list(j, &told);
}

static void judge_path(struct hearing *h, const struct storage_request *storage,
                       const struct prefix_sets *sets)
{
    static const char rule[] = "storage.obs_prefixes";
    const struct values *values = &h->policy->prefixes.values;

    if (!storage->path.set && !storage->has_obs)
        hearing_refuse(h, &(struct finding){POLICY_OBS_MISSING, rule, values->at},
                       "the OBS path of %s is missing; allowed: %s", storage->pointer,
                       list_prefixes(h));
    else if (!storage->has_obs)
        hearing_refuse(h, &(struct finding){POLICY_OBS_UNREADABLE, rule, values->at},
                       "OBS path %s %s; allowed below: %s",
                       judge_say(h->judge, storage->path.value), obs_fault_text(storage->obs_fault),
                       list_prefixes(h));
    else if (is_below(h, sets, &storage->obs))
        hearing_accept(h, rule, values->at, "the OBS path lies below an allowed prefix");
    else
        hearing_refuse(h, &(struct finding){POLICY_OBS_PREFIX, rule, values->at},
                       "OBS path %s is not allowed; allowed below: %s",
                       judge_say(h->judge, storage->path.value), list_prefixes(h));
}

/* Any storage with a path may reach into OBS, whatever its type says, but for what is known to be
 * none. */
static bool reaches_obs(const struct storage_request *storage)
{
    return !storage->grows && !storage->is_share &&
           (is_obs(storage) || storage->path.set || storage->has_obs);
}

static void judge_prefixes(struct hearing *h)
{
    const struct instance_request *request = h->judge->request;
    struct prefix_sets sets = {.count = 0};
    bool ready = false;

    for (size_t i = 0; i < request->storage_count; i++) {
        const struct storage_request *storage = &request->storages[i];

        if (!reaches_obs(storage)) {
            hearing_skip(h, "storage.obs_prefixes", h->policy->prefixes.values.at,
                         "this storage has no OBS path");
            continue;
        }
        if (!ready && (!add_prefixes(h, &h->policy->prefixes, &sets) ||
                       (h->exception != NULL && !add_prefixes(h, &h->exception->prefixes, &sets))))
            return;
        ready = true;
        judge_path(h, storage, &sets);
    }
}

/* Whether the instance would get one that nobody has named: further ones don't make up for it. */
static bool lacks_own(const struct instance_request *request)
{
    if (request->op->class == CLASS_CHANGE)
        return false;
    for (size_t i = 0; i < request->storage_count; i++) {
        if (request->storages[i].own)
            return false;
    }
    return true;
}

static void refuse_missing(struct hearing *h)
{
    const struct policy *policy = h->policy;
    const struct values *types = &policy->allow[LIST_TYPES], *prefixes = &policy->prefixes.values;

    if (types->set)
        hearing_refuse(h, &(struct finding){POLICY_STORAGE_MISSING, "storage", types->at},
                       "storage is missing; allowed: %s", judge_list(h->judge, types));
    else if (prefixes->set)
        hearing_refuse(h, &(struct finding){POLICY_STORAGE_MISSING, "storage", prefixes->at},
                       "storage is missing; allowed: %s", list_prefixes(h));
}

void judge_storage(struct hearing *h)
{
    const struct instance_request *request = h->judge->request;
    const struct policy *policy = h->policy;

    if (lacks_own(request))
        refuse_missing(h);
    for (size_t i = 0; i < request->storage_count; i++) {
        judge_type(h, &request->storages[i]);
        judge_size(h, &request->storages[i]);
    }
    if (policy->prefixes.values.set)
        judge_prefixes(h);
}
