/* SPDX-License-Identifier: Apache-2.0
 * Lists of values, OBS prefixes and networks: checked entry by entry, then built into sets. */
#include <stdio.h>

#include "policy/load.h"
#include "policy/placeholder.h"

enum { STARS_MAX = 16, QUOTED_BYTES = DIAG_QUOTED_BYTES };

static size_t count_stars(struct view v)
{
    size_t stars = 0;

    for (size_t i = 0; i < v.len; i++)
        stars += v.ptr[i] == '*' ? 1 : 0;
    return stars;
}

static bool check_value(struct loader *ld, const struct ytext *text, const char *what)
{
    size_t before = ld->diag->faults;

    if (text->value.len == 0)
        diag_fault(ld->diag, text->at, "%s: an entry is empty", what);
    if (text->value.len > VALUE_MAX)
        diag_fault(ld->diag, text->at, "%s: an entry may have at most %d bytes, this one has %zu",
                   what, VALUE_MAX, text->value.len);
    if (count_stars(text->value) > STARS_MAX)
        diag_fault(ld->diag, text->at, "%s: an entry may have at most %d stars", what, STARS_MAX);
    return ld->diag->faults == before;
}

const struct globset *load_glob(struct loader *ld, const struct ytext *entry, struct arena *arena)
{
    const struct globset *glob = NULL;

    if (check_value(ld, entry, "list") &&
        globset_build(&entry->value, 1, arena, &glob) != STATUS_OK)
        ld->no_memory = true;
    return glob;
}

bool load_glob_matches(struct loader *ld, const struct globset *glob, const char *name)
{
    bool hit = false;

    if (glob != NULL && globset_match(glob, view_str(name), ld->scratch, &hit) != STATUS_OK)
        ld->no_memory = true;
    return hit;
}

static bool holds_placeholder(struct view v)
{
    for (size_t i = 0; i + 1 < v.len; i++) {
        if (v.ptr[i] == '$' && v.ptr[i + 1] == '{')
            return true;
    }
    return false;
}

/* Views of the entries in the scratch arena, NULL when one is at fault. */
static struct view *check_entries(struct loader *ld, const struct ytexts *doc, const char *what)
{
    struct view *entries = arena_array(ld->scratch, doc->count, sizeof *entries);
    bool good = entries != NULL;

    ld->no_memory = ld->no_memory || entries == NULL;
    for (size_t i = 0; i < doc->count; i++) {
        good = check_value(ld, &doc->items[i], what) && good;
        if (good)
            entries[i] = doc->items[i].value;
    }
    return good ? entries : NULL;
}

static void build(struct loader *ld, const struct view *entries, size_t count, struct values *ret)
{
    if (globset_build(entries, count, &ld->set->arena, &ret->globs) != STATUS_OK)
        ld->no_memory = true;
}

/* The first few entries stand in messages; a set that is asked for them needs no more. */
static void show(struct loader *ld, const struct ytexts *doc, struct values *ret)
{
    ret->set = true;
    ret->at = load_place(ld, doc->at);
    ret->count = doc->count;
    for (size_t i = 0; i < doc->count && i < SHOWN_MAX; i++)
        ret->shown[ret->shown_count++] = load_keep(ld, doc->items[i].value);
}

void load_check_fixed(struct loader *ld, const struct ytexts *doc, const char *what)
{
    for (size_t i = 0; i < doc->count; i++) {
        if (holds_placeholder(doc->items[i].value))
            diag_fault(ld->diag, doc->items[i].at, "%s: placeholders work only in obs_prefixes",
                       what);
    }
}

void load_values(struct loader *ld, const struct ytexts *doc, const char *what, struct values *ret)
{
    const struct view *entries;

    if (!doc->set)
        return;
    load_check_fixed(ld, doc, what);
    entries = check_entries(ld, doc, what);
    if (entries == NULL)
        return;
    show(ld, doc, ret);
    build(ld, entries, doc->count, ret);
}

/* With samples for what is filled later, the prefix must be one that OBS allows. */
static bool check_prefix(struct loader *ld, const struct ytext *text)
{
    struct placeholder_fault wrong;
    struct view sample;
    struct obs_path path;
    enum obs_fault fault;

    switch (placeholder_sample(text->value, ld->scratch, &wrong, &sample)) {
    case STATUS_OK:
        break;
    case STATUS_INVALID: {
        char quoted[QUOTED_BYTES];

        diag_fault(ld->diag, text->at, "obs_prefixes: %s is not a placeholder%s",
                   diag_quoted(wrong.text, quoted),
                   wrong.nearest == NULL ? "" : load_hint(ld, wrong.name, placeholder_names));
        return false;
    }
    default: /* memory; a status is not an enum of this room */
        ld->no_memory = true;
        return false;
    }
    if (ld->options->no_identity && placeholder_needs_identity(text->value)) {
        diag_fault(ld->diag, text->at,
                   "obs_prefixes: this placeholder needs to know who is calling, which "
                   "\"verify: off\" does not tell");
        return false;
    }
    fault = obs_parse_prefix(sample, &path);
    if (fault != OBS_OK)
        diag_fault(ld->diag, text->at, "obs_prefixes: a prefix %s", obs_fault_text(fault));
    return fault == OBS_OK;
}

static struct view closed(struct loader *ld, struct view prefix)
{
    struct view made = arena_printf(ld->scratch, "%.*s%s", VIEW_ARGS(prefix),
                                    view_ends(prefix, VIEW("/")) ? "" : "/");

    ld->no_memory = ld->no_memory || made.ptr == NULL;
    return made;
}

void load_prefixes(struct loader *ld, const struct ytexts *doc, struct prefixes *ret)
{
    struct view *entries, *templates;
    size_t fixed = 0, open = 0;
    bool good = true;

    if (!doc->set)
        return;
    entries = check_entries(ld, doc, "obs_prefixes");
    for (size_t i = 0; entries != NULL && i < doc->count; i++)
        good = check_prefix(ld, &doc->items[i]) && good;
    templates = load_array(ld, doc->count, sizeof *templates);
    if (entries == NULL || templates == NULL || !good)
        return;
    for (size_t i = 0; i < doc->count; i++) {
        struct view prefix = closed(ld, doc->items[i].value);

        if (holds_placeholder(prefix))
            templates[open++] = load_keep(ld, prefix);
        else
            entries[fixed++] = prefix;
    }
    ret->templates = templates;
    ret->template_count = open;
    show(ld, doc, &ret->values);
    build(ld, entries, fixed, &ret->values);
}

void load_networks(struct loader *ld, const struct ytexts *doc, struct networks *ret)
{
    struct network *items;

    if (!doc->set)
        return;
    if (doc->count > NETWORKS_MAX) {
        diag_fault(ld->diag, doc->at, "allowed_access_ips: at most %d entries may stand here",
                   NETWORKS_MAX);
        return;
    }
    items = load_array(ld, doc->count, sizeof *items);
    for (size_t i = 0; items != NULL && i < doc->count; i++) {
        const struct ytext *entry = &doc->items[i];
        enum network_fault fault = network_parse(entry->value, &items[i]);
        char quoted[QUOTED_BYTES];

        if (fault != NETWORK_OK)
            diag_fault(ld->diag, entry->at, "allowed_access_ips: %s %s",
                       diag_quoted(entry->value, quoted), network_fault_text(fault));
    }
    ret->items = items;
    ret->count = items == NULL ? 0 : doc->count;
    show(ld, doc, &ret->values);
}
