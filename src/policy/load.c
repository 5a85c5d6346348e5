/* SPDX-License-Identifier: Apache-2.0
 * Files to a policy set: read every file, load every policy and exception, then look at what they
 * say together. All faults are shown; one of them is enough for nothing to load. */
#include "policy/load.h"

#include <stdio.h>
#include <stdlib.h>

#include "policy/drafts.h"
#include "policy/judge.h"

enum { BLOCK_BYTES = 16384 };
static const size_t default_max_bytes = (size_t)256 * 1024 * 1024;

struct view load_keep(struct loader *ld, struct view text)
{
    struct view copy = arena_copy(&ld->set->arena, text);

    ld->no_memory = ld->no_memory || copy.ptr == NULL;
    return copy;
}

void *load_array(struct loader *ld, size_t count, size_t size)
{
    void *array = arena_array(&ld->set->arena, count, size);

    ld->no_memory = ld->no_memory || array == NULL;
    return array;
}

struct loc load_place(const struct loader *ld, struct loc given)
{
    for (size_t i = 0; given.file != NULL && i < ld->file_count; i++) {
        if (given.file == ld->files[i].name)
            return (struct loc){ld->kept_names[i], given.line, given.column};
    }
    return given;
}

struct loc load_given(const struct loader *ld, struct loc kept)
{
    for (size_t i = 0; kept.file != NULL && i < ld->file_count; i++) {
        if (kept.file == ld->kept_names[i])
            return (struct loc){ld->files[i].name, kept.line, kept.column};
    }
    return kept;
}

void load_check_text(struct loader *ld, const struct ytext *text, const char *what)
{
    for (size_t i = 0; text->set && i < text->value.len; i++) {
        unsigned char c = (unsigned char)text->value.ptr[i];

        if (c >= 0x20 && c != 0x7F)
            continue;
        diag_fault(ld->diag, text->at, "%s: control characters can't stand here", what);
        return;
    }
}

static void take_default(struct loader *ld, const struct ynumber *preset)
{
    struct policy_set *set = ld->set;

    if (!preset->set)
        return;
    if (set->has_default && set->allow_unmatched != (preset->value == 1)) {
        diag_fault(ld->diag, preset->at, "default is %s here, but %s at %s:%u:%u",
                   preset->value == 1 ? "allow" : "refuse",
                   set->allow_unmatched ? "allow" : "refuse", set->default_at.file,
                   set->default_at.line, set->default_at.column);
        return;
    }
    set->has_default = true;
    set->allow_unmatched = preset->value == 1;
    set->default_at = load_place(ld, preset->at);
}

static void read_file(struct loader *ld, const struct policy_file *file, struct drafts *drafts)
{
    struct doc_file doc = {0};

    if (!drafts_read(ld, file, &doc))
        return;
    if (doc.version.set && doc.version.value != 1)
        diag_fault(ld->diag, doc.version.at,
                   "version: this version of the program reads version 1");
    take_default(ld, &doc.preset);
    load_weights(ld, doc.weights);
    drafts_add(ld, &doc, drafts);
}

static void load_policy(struct loader *ld, const struct doc_policy *doc, struct policy *policy)
{
    load_check_text(ld, &doc->name, "name");
    load_check_text(ld, &doc->contact, "contact");
    policy->name = load_keep(ld, doc->name.value);
    policy->contact = doc->contact.set ? load_keep(ld, doc->contact.value) : VIEW_NONE;
    policy->at = load_place(ld, doc->name.set ? doc->name.at : doc->self.at);
    policy->mode = doc->mode.set ? (enum policy_mode)doc->mode.value : MODE_ENFORCE;
    load_match(ld, &doc->match, &policy->match);
    if (!doc->match.self.set)
        policy->match.at = policy->at;
    for (size_t group = 0; group < GROUP_COUNT; group++) {
        if (rules[group].load(ld, doc, policy))
            policy->groups |= 1U << group;
    }
}

/* A draft's name is missing only after a fault. */
static int by_policy_name(const void *a, const void *b)
{
    const struct policy *one = a, *two = b;
    int order = view_cmp(one->name, two->name);

    return order != 0 ? order : (one->at.line > two->at.line) - (one->at.line < two->at.line);
}

static void load_policies(struct loader *ld, const struct drafts *drafts)
{
    struct policy_set *set = ld->set;

    set->policies = load_array(ld, drafts->policy_count, sizeof *set->policies);
    if (set->policies == NULL)
        return;
    for (size_t i = 0; i < drafts->policy_count; i++)
        load_policy(ld, &drafts->policies[i], &set->policies[i]);
    set->policy_count = drafts->policy_count;
    qsort(set->policies, set->policy_count, sizeof *set->policies, by_policy_name);
    for (size_t i = 1; i < set->policy_count; i++) {
        const struct policy *one = &set->policies[i - 1], *two = &set->policies[i];
        char quoted[DIAG_QUOTED_BYTES];

        if (two->name.len > 0 && view_eq(one->name, two->name))
            diag_fault(ld->diag, load_given(ld, two->at),
                       "name: a policy %s stands at %s:%u:%u already",
                       diag_quoted(two->name, quoted), one->at.file, one->at.line, one->at.column);
    }
}

static void load_all(struct loader *ld)
{
    struct drafts drafts = {0};

    for (size_t i = 0; i < ld->file_count && !ld->no_memory; i++)
        read_file(ld, &ld->files[i], &drafts);
    if (ld->no_memory)
        return;
    load_policies(ld, &drafts);
    if (!ld->no_memory)
        load_quota_names(ld);
    if (!ld->no_memory)
        load_exceptions(ld, drafts.exceptions, drafts.exception_count);
    if (!ld->no_memory)
        load_conflicts(ld);
}

bool policy_files_digest(const struct policy_file *files, size_t count, char ret[])
{
    struct digest *digest = digest_new();
    unsigned char sum[DIGEST_BYTES];

    if (digest == NULL)
        return false;
    digest_start(digest);
    for (size_t i = 0; i < count; i++) {
        char size[32];
        int len = snprintf(size, sizeof size, "%zu", files[i].bytes.len);

        digest_add(digest, view_of(files[i].name, strlen(files[i].name) + 1));
        digest_add(digest, view_of(size, (size_t)len + 1));
        digest_add(digest, files[i].bytes);
    }
    digest_finish(digest, sum);
    digest_hex(sum, ret);
    ret[DIGEST_HEX_BYTES] = '\0';
    digest_free(&digest);
    return true;
}

static int by_file_name(const void *a, const void *b)
{
    return view_cmp(view_str(((const struct policy_file *)a)->name),
                    view_str(((const struct policy_file *)b)->name));
}

/* The files in name order, and the set's own copies of their names. */
static void sort_files(struct loader *ld, const struct policy_file *files, size_t count)
{
    struct policy_file *sorted = arena_array(ld->scratch, count, sizeof *sorted);

    ld->kept_names = arena_array(ld->scratch, count, sizeof *ld->kept_names);
    if (sorted == NULL || ld->kept_names == NULL) {
        ld->no_memory = true;
        return;
    }
    if (count > 0)
        memcpy(sorted, files, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, by_file_name);
    ld->files = sorted;
    ld->file_count = count;
    for (size_t i = 0; i < count; i++)
        ld->kept_names[i] = load_keep(ld, view_str(sorted[i].name)).ptr;
}

enum status policy_set_load(const struct policy_file *files, size_t count,
                            const struct policy_options *options, struct diag *diag,
                            struct policy_set **ret)
{
    size_t max = options->max_bytes == 0 ? default_max_bytes : options->max_bytes;
    /* From the heap: a set outlives every exchange and is freed by whoever lets go of it last. */
    struct policy_set *set = calloc(1, sizeof *set);
    size_t faults = diag->faults;
    enum status status = STATUS_OK;
    struct arena scratch;
    struct loader ld = {.set = set, .scratch = &scratch, .diag = diag, .options = options};

    if (set == NULL)
        return STATUS_NOMEM;
    atomic_init(&set->references, 1);
    arena_init(&set->arena, BLOCK_BYTES, max);
    arena_init(&scratch, BLOCK_BYTES, max);
    sort_files(&ld, files, count);
    if (!ld.no_memory)
        load_all(&ld);
    if (ld.no_memory || !policy_files_digest(ld.files, ld.file_count, set->digest))
        status = STATUS_NOMEM;
    else if (diag->faults > faults)
        status = STATUS_INVALID;
    arena_done(&scratch);
    if (status == STATUS_OK)
        *ret = set;
    else
        policy_set_unref(&set);
    return status;
}
