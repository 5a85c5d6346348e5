/* SPDX-License-Identifier: Apache-2.0
 * `match`: lists of who and what a policy is for. Empty lists are faults, because a policy that
 * never matches is a mistake; unknown operations and families are faults with the nearest name. */
#include <stdlib.h>

#include "base/nearest.h"
#include "policy/load.h"
#include "policy/match.h"

/* create, change, start, mount */
static bool is_judged_class(enum op_class class)
{
    return class == CLASS_CREATE || class == CLASS_CHANGE || class == CLASS_START ||
           class == CLASS_MOUNT;
}

static const char *const families[] = {
    [FAMILY_DEMANAGER] = "demanager", [FAMILY_NOTEBOOKS] = "notebooks"};

/* Classes and judged operations, for hints; NULL-terminated. */
static const char *const *operation_names(struct loader *ld)
{
    const char **names = arena_array(ld->scratch, OP_COUNT + CLASS_OTHER + 2, sizeof *names);
    size_t count = 0;

    if (names == NULL) {
        ld->no_memory = true;
        return NULL;
    }
    for (int class = CLASS_CREATE; class <= CLASS_OTHER; class ++) {
        if (is_judged_class((enum op_class) class))
            names[count++] = op_class_name((enum op_class) class);
    }
    for (size_t i = 0; i < OP_COUNT; i++) {
        if (operation_is_judged(&operations[i]))
            names[count++] = operations[i].name;
    }
    return names;
}

const char *load_hint(struct loader *ld, struct view word, const char *const *names)
{
    const char *near = names == NULL ? NULL : nearest_name(word, names);
    struct view hint;

    if (near == NULL)
        return "";
    hint = arena_printf(ld->scratch, " (did you mean \"%s\"?)", near);
    return hint.ptr == NULL ? "" : hint.ptr;
}

static void unknown_operation(struct loader *ld, const struct ytext *entry)
{
    const struct operation *op = operation_find(entry->value);
    char quoted[DIAG_QUOTED_BYTES];

    if (op != NULL)
        diag_fault(ld->diag, entry->at, "operations: %s is never judged", op->name);
    else
        diag_fault(ld->diag, entry->at, "operations: %s is no operation or class%s",
                   diag_quoted(entry->value, quoted),
                   load_hint(ld, entry->value, operation_names(ld)));
}

static void load_operation(struct loader *ld, const struct ytext *entry, bool *ret)
{
    const struct globset *glob = load_glob(ld, entry, ld->scratch);
    bool known = false;

    for (size_t i = 0; glob != NULL && i < OP_COUNT; i++) {
        const struct operation *op = &operations[i];

        if (!operation_is_judged(op) || !(load_glob_matches(ld, glob, op->name) ||
                                          load_glob_matches(ld, glob, op_class_name(op->class))))
            continue;
        known = true;
        ret[i] = true;
    }
    if (!known && glob != NULL)
        unknown_operation(ld, entry);
}

static void load_family(struct loader *ld, const struct ytext *entry, bool *ret)
{
    static const char *const names[] = {"demanager", "notebooks", NULL};
    const struct globset *glob = load_glob(ld, entry, ld->scratch);
    char quoted[DIAG_QUOTED_BYTES];
    bool known = false;

    for (int family = FAMILY_DEMANAGER; glob != NULL && family <= FAMILY_NOTEBOOKS; family++) {
        if (!load_glob_matches(ld, glob, families[family]))
            continue;
        known = true;
        ret[family] = true;
    }
    if (!known && glob != NULL)
        diag_fault(ld->diag, entry->at, "families: %s is no family%s",
                   diag_quoted(entry->value, quoted), load_hint(ld, entry->value, names));
}

void load_operations(struct loader *ld, const struct ytexts *doc, bool *ret)
{
    for (size_t i = 0; i < doc->count; i++)
        load_operation(ld, &doc->items[i], ret);
}

void load_families(struct loader *ld, const struct ytexts *doc, bool *ret)
{
    for (size_t i = 0; i < doc->count; i++)
        load_family(ld, &doc->items[i], ret);
}

static bool check_list(struct loader *ld, const struct ytexts *doc, const char *what)
{
    if (doc->set && doc->count == 0)
        diag_fault(ld->diag, doc->at, "%s: an empty list matches nobody; leave it out", what);
    return doc->set && doc->count > 0;
}

static int by_text(const void *a, const void *b)
{
    return view_cmp(((const struct ytext *)a)->value, ((const struct ytext *)b)->value);
}

/* "users" and its values, sorted, each once and with its length, so that no two lists look alike.
 */
static void canon_values(struct loader *ld, const char *name, const struct ytexts *doc,
                         struct buf *out)
{
    struct ytext *sorted = arena_array(ld->scratch, doc->count, sizeof *sorted);

    if (sorted == NULL) {
        ld->no_memory = true;
        return;
    }
    memcpy(sorted, doc->items, doc->count * sizeof *sorted);
    qsort(sorted, doc->count, sizeof *sorted, by_text);
    buf_printf(out, "%s:", name);
    for (size_t i = 0; i < doc->count; i++) {
        if (i > 0 && view_eq(sorted[i].value, sorted[i - 1].value))
            continue;
        buf_printf(out, "%zu=", sorted[i].value.len);
        buf_add(out, sorted[i].value);
    }
}

static void canon_bits(const char *name, const bool *bits, size_t count, struct buf *out)
{
    buf_add_str(out, name);
    for (size_t i = 0; i < count; i++)
        buf_add_byte(out, bits[i] ? '1' : '0');
}

static void make_canon(struct loader *ld, const struct doc_match *doc, struct match *ret)
{
    CLEANUP(buf_done) struct buf canon;

    buf_init(&canon, ld->set->arena.max_bytes);
    for (size_t key = 0; key < MATCH_KEYS; key++) {
        if (doc->keys[key].set)
            canon_values(ld, match_key_name((enum match_key)key), &doc->keys[key], &canon);
    }
    if (ret->has_operations)
        canon_bits("operations:", ret->operations, OP_COUNT, &canon);
    if (ret->has_families)
        canon_bits("families:", ret->families, FAMILY_NOTEBOOKS + 1, &canon);
    ret->canon = arena_copy(ld->scratch, buf_view(&canon));
    ld->no_memory = ld->no_memory || canon.failed != STATUS_OK || ret->canon.ptr == NULL;
}

void load_match(struct loader *ld, const struct doc_match *doc, struct match *ret)
{
    ret->at = load_place(ld, doc->self.at);
    for (size_t i = 0; i < MATCH_KEYS; i++) {
        enum match_key key = (enum match_key)i;
        const char *name = match_key_name(key);

        if (!check_list(ld, &doc->keys[key], name))
            continue;
        if (ld->options->no_identity && key != MATCH_PROJECTS)
            diag_fault(ld->diag, doc->keys[key].at,
                       "%s: this needs to know who is calling, which \"verify: off\" does not tell",
                       name);
        load_values(ld, &doc->keys[key], name, &ret->keys[key]);
    }
    ret->has_operations = check_list(ld, &doc->operations, "operations");
    ret->operations_at = load_place(ld, doc->operations.at);
    if (ret->has_operations)
        load_operations(ld, &doc->operations, ret->operations);
    ret->has_families = check_list(ld, &doc->families, "families");
    ret->families_at = load_place(ld, doc->families.at);
    if (ret->has_families)
        load_families(ld, &doc->families, ret->families);
    make_canon(ld, doc, ret);
}
