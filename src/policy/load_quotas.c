/* SPDX-License-Identifier: Apache-2.0
 * Quotas and the tables of weights that budgets name. Which keys go together is checked here; who
 * is asked is a matter of the policy that holds the quota. */
#include <stdlib.h>

#include "base/number.h"
#include "policy/judge.h"
#include "policy/load.h"
#include "policy/quota_filter.h"

/* ----- weights ----- */

bool load_weight_number(struct view text, int64_t *ret)
{
    static const int64_t scale[] = {1000, 100, 10, 1};
    size_t point = view_find(text, '.');
    bool has_point = point < text.len;
    struct view digits = has_point ? view_from(text, point + 1) : VIEW_NONE;
    uint64_t part = 0;
    int64_t whole;

    if (text.len == 0 || text.ptr[0] == '-' ||
        !num_parse_i64(view_of(text.ptr, point), 0, WEIGHT_MAX, &whole))
        return false;
    if (has_point && (digits.len >= ARRAY_LEN(scale) || !num_parse_digits(digits, &part)))
        return false;
    *ret = whole * QUOTA_WEIGHT_ONE + (int64_t)part * scale[digits.len];
    return *ret <= (int64_t)WEIGHT_MAX * QUOTA_WEIGHT_ONE;
}

static void load_row(struct loader *ld, const struct ynode *node, struct weight_row *ret)
{
    struct ytext flavor = {true, node->key, node->key_loc};
    const struct ytexts flavors = {true, &flavor, 1, node->key_loc};
    char quoted[DIAG_QUOTED_BYTES];

    load_check_fixed(ld, &flavors, "weights");
    ret->glob = load_glob(ld, &flavor, &ld->set->arena);
    for (size_t i = 0; i < node->key.len; i++)
        ret->literal_bytes += node->key.ptr[i] != '*' ? 1 : 0;
    if (node->kind == YNODE_SCALAR && node->plain &&
        load_weight_number(node->text, &ret->thousandths))
        return;
    diag_fault(ld->diag, node->loc,
               "weights: expected a number from 0 to %d with at most 3 digits behind the point, "
               "found %s",
               WEIGHT_MAX,
               node->kind == YNODE_SCALAR && !ynode_is_null(node) ? diag_quoted(node->text, quoted)
                                                                  : ynode_kind_name(node));
}

static int by_rank(const void *a, const void *b)
{
    const struct weight_row *one = a, *two = b;
    int order =
        (one->literal_bytes < two->literal_bytes) - (one->literal_bytes > two->literal_bytes);

    return order != 0
               ? order
               : (one->thousandths < two->thousandths) - (one->thousandths > two->thousandths);
}

static void load_rows(struct loader *ld, const struct ynode *node, struct weight_table *ret)
{
    struct weight_row *rows = load_array(ld, node->count, sizeof *rows);
    char quoted[DIAG_QUOTED_BYTES];

    for (const struct ynode *row = node->child; rows != NULL && row != NULL; row = row->next) {
        struct weight_row *made = &rows[ret->count++];

        load_row(ld, row, made);
        if (made->thousandths > ret->heaviest)
            ret->heaviest = made->thousandths;
    }
    if (rows != NULL && ret->count > 0)
        qsort(rows, ret->count, sizeof *rows, by_rank);
    ret->rows = rows;
    if (ynode_find(node, VIEW("*")) == NULL)
        diag_fault(ld->diag, node->loc,
                   "weights: table %s needs a row \"*\", for flavors that no other row names",
                   diag_quoted(ret->name, quoted));
}

static struct weight_table *find_table(const struct policy_set *set, struct view name)
{
    for (size_t i = 0; i < set->weight_count; i++) {
        if (view_eq(set->weights[i].name, name))
            return &set->weights[i];
    }
    return NULL;
}

static void load_table(struct loader *ld, const struct ynode *node)
{
    const struct ytext name = {true, node->key, node->key_loc};
    const struct weight_table *same = find_table(ld->set, node->key);
    struct weight_table *table = &ld->set->weights[ld->set->weight_count++];
    char quoted[DIAG_QUOTED_BYTES];

    table->name = load_keep(ld, node->key);
    table->at = load_place(ld, node->key_loc);
    load_check_text(ld, &name, "weights");
    if (node->key.len == 0 || node->key.len > DOC_TEXT_MAX)
        diag_fault(ld->diag, node->key_loc,
                   "weights: expected a name of 1 to %d bytes, found one of %zu", DOC_TEXT_MAX,
                   node->key.len);
    if (same != NULL)
        diag_fault(ld->diag, node->key_loc, "weights: a table %s stands at %s:%u:%u already",
                   diag_quoted(node->key, quoted), same->at.file, same->at.line, same->at.column);
    if (node->kind == YNODE_MAPPING)
        load_rows(ld, node, table);
    else
        diag_fault(ld->diag, node->loc,
                   "weights: expected a mapping of flavors to numbers, found %s",
                   ynode_kind_name(node));
}

void load_weights(struct loader *ld, const struct ynode *node)
{
    struct policy_set *set = ld->set;
    struct weight_table *wide;

    if (node == NULL || ynode_is_null(node))
        return;
    if (node->kind != YNODE_MAPPING) {
        diag_fault(ld->diag, node->loc, "weights: expected a mapping of names to tables, found %s",
                   ynode_kind_name(node));
        return;
    }
    if (node->count > TABLES_MAX || set->weight_count + node->count > TABLES_MAX) {
        diag_fault(ld->diag, node->loc, "weights: a set may have at most %d tables", TABLES_MAX);
        return;
    }
    wide = load_array(ld, set->weight_count + node->count, sizeof *wide);
    if (wide == NULL)
        return;
    if (set->weight_count > 0)
        memcpy(wide, set->weights, set->weight_count * sizeof *wide);
    set->weights = wide;
    for (const struct ynode *table = node->child; table != NULL; table = table->next)
        load_table(ld, table);
}

/* ----- quotas ----- */

/* Whether the list can be built; says what is wrong with it. */
static bool check_filter(struct loader *ld, const struct ytexts *doc, const char *what)
{
    size_t before = ld->diag->faults;

    if (!doc->set)
        return false;
    if (doc->count == 0)
        diag_fault(ld->diag, doc->at, "%s: an empty list passes no instance; leave it out", what);
    if (doc->count > FILTER_MAX)
        diag_fault(ld->diag, doc->at, "%s: at most %d entries may stand here", what, FILTER_MAX);
    load_check_fixed(ld, doc, what);
    return ld->diag->faults == before;
}

static void load_filter(struct loader *ld, const struct ytexts *doc, const char *what,
                        struct filter_list *ret)
{
    struct view *plain;
    size_t plain_count = 0;

    if (!check_filter(ld, doc, what))
        return;
    plain = arena_array(ld->scratch, doc->count, sizeof *plain);
    ret->sets = load_array(ld, doc->count + 1, sizeof(const struct globset *));
    ld->no_memory = ld->no_memory || plain == NULL;
    if (ld->no_memory)
        return;
    for (size_t i = 0; i < doc->count; i++) {
        const struct ytext *entry = &doc->items[i];
        const struct globset *glob = load_glob(ld, entry, &ld->set->arena);

        if (glob == NULL)
            continue;
        if (view_find(entry->value, '*') < entry->value.len)
            ret->sets[ret->count++] = glob;
        else
            plain[plain_count++] = entry->value;
    }
    if (plain_count > 0 &&
        globset_build(plain, plain_count, &ld->set->arena, &ret->sets[ret->count++]) != STATUS_OK)
        ld->no_memory = true;
    ret->set = true;
}

static const struct weight_table *load_weight(struct loader *ld, const struct ytext *doc)
{
    struct weight_table *table = find_table(ld->set, doc->value);
    const char *names[TABLES_MAX + 1] = {NULL};
    char quoted[DIAG_QUOTED_BYTES];

    if (!doc->set)
        return NULL;
    if (table != NULL) {
        table->used = true;
        return table;
    }
    for (size_t i = 0; i < ld->set->weight_count; i++)
        names[i] = ld->set->weights[i].name.ptr;
    diag_fault(ld->diag, doc->at, "weight: %s is no table of weights%s",
               diag_quoted(doc->value, quoted), load_hint(ld, doc->value, names));
    return NULL;
}

static const struct quota_filter *load_filters(struct loader *ld, const struct doc_quota *doc)
{
    struct quota_filter *filter = ARENA_NEW(&ld->set->arena, struct quota_filter);

    if (filter == NULL) {
        ld->no_memory = true;
        return NULL;
    }
    load_filter(ld, &doc->flavors, "flavors", &filter->flavors);
    load_filter(ld, &doc->pools, "pools", &filter->pools);
    load_filter(ld, &doc->workspaces, "workspaces", &filter->workspaces);
    filter->has_families = check_filter(ld, &doc->families, "families");
    if (filter->has_families)
        load_families(ld, &doc->families, filter->families);
    filter->weights = load_weight(ld, &doc->weight);
    return filter;
}

static unsigned per_bit(struct view word)
{
    for (size_t i = 0; quota_per_names[i] != NULL; i++) {
        if (view_eq(word, view_str(quota_per_names[i])))
            return 1U << i;
    }
    return 0;
}

static unsigned load_per(struct loader *ld, const struct ytexts *doc)
{
    unsigned per = 0;

    for (size_t i = 0; i < doc->count; i++) {
        const struct ytext *word = &doc->items[i];
        unsigned bit = per_bit(word->value);
        char quoted[DIAG_QUOTED_BYTES];

        per |= bit;
        if (bit == 0)
            diag_fault(ld->diag, word->at,
                       "per: expected project, user, domain, workspace or pool, found %s%s",
                       diag_quoted(word->value, quoted),
                       load_hint(ld, word->value, quota_per_names));
        if (ld->options->no_identity && (bit & (QUOTA_PER_USER | QUOTA_PER_DOMAIN)) != 0)
            diag_fault(
                ld->diag, word->at,
                "per: %.*s needs to know who is calling, which \"verify: off\" does not tell",
                VIEW_ARGS(word->value));
    }
    return per;
}

/* A key that stands beside the wrong one. */
static void misfit(struct loader *ld, struct loc at, bool wrong, const char *text)
{
    if (wrong && at.line != 0)
        diag_fault(ld->diag, at, "%s", text);
}

/* Either places or hours. `at` tells a key that is there from one that is left out, also where its
 * value is a fault. */
static void check_form(struct loader *ld, const struct doc_quota *doc)
{
    bool places = doc->limit.at.line != 0, budget = doc->hours.at.line != 0;

    if (!places && !budget) {
        diag_fault(ld->diag, doc->self.at, "a quota needs limit, or hours and a window");
        return;
    }
    misfit(ld, doc->hours.at, places, "hours: a quota has either limit or hours");
    misfit(ld, doc->window.at, !budget, "window does nothing without hours");
    misfit(ld, doc->weight.at, !budget, "weight does nothing without hours");
    misfit(ld, doc->counts.at, budget, "counts: a budget of hours counts starts, not instances");
    misfit(ld, doc->hours.at, !places && doc->window.at.line == 0,
           "hours needs a window, in which they are added up");
}

/* Only operations that the policy matches ask its quotas. */
static bool can_be_asked(const struct match *match, const struct quota *quota)
{
    for (size_t i = 0; i < OP_COUNT; i++) {
        const struct operation *op = &operations[i];
        const struct quota_facts facts = {.family = op->family};

        if (operation_is_judged(op) && (!match->has_operations || match->operations[i]) &&
            (!match->has_families || match->families[op->family]) &&
            quota_is_asked(quota->counts, op) && quota_admits(quota, &facts))
            return true;
    }
    return false;
}

static void load_quota(struct loader *ld, const struct ynode *node, const struct policy *policy,
                       struct quota *ret)
{
    size_t before = ld->diag->faults;
    struct doc_quota doc = {.self.at = node->loc};
    char quoted[DIAG_QUOTED_BYTES];

    if (node->kind == YNODE_MAPPING)
        load_check_filled(ld, node);
    yschema_read(node, node->loc, doc_quota_fields, &doc, ld->scratch, ld->diag);
    if (node->kind != YNODE_MAPPING)
        return;
    load_check_text(ld, &doc.name, "name");
    check_form(ld, &doc);
    ret->name = load_keep(ld, doc.name.value);
    ret->policy = policy->name;
    ret->contact = policy->contact;
    ret->at = load_place(ld, doc.name.set ? doc.name.at : node->loc);
    ret->counts = doc.hours.at.line != 0                    ? QUOTA_HOURS
                  : doc.counts.set && doc.counts.value == 1 ? QUOTA_RUNNING
                                                            : QUOTA_EXISTING;
    ret->limit =
        ret->counts == QUOTA_HOURS ? doc.hours.value * 3600 * QUOTA_WEIGHT_ONE : doc.limit.value;
    ret->window_us = ret->counts == QUOTA_HOURS ? doc.window.value * 1000 : 0;
    ret->per = load_per(ld, &doc.per);
    ret->filter = load_filters(ld, &doc);
    if (ld->diag->faults == before && !ld->no_memory && !can_be_asked(&policy->match, ret))
        diag_warn(ld->diag, doc.name.at,
                  "quota %s is never asked: its policy matches no operation of a family that it "
                  "counts",
                  diag_quoted(ret->name, quoted));
}

bool load_quotas(struct loader *ld, const struct doc_policy *doc, struct policy *policy)
{
    const struct ynode *list = doc->quotas;

    if (list == NULL || ynode_is_null(list))
        return false;
    if (list->kind != YNODE_SEQUENCE) {
        diag_fault(ld->diag, list->loc, "quotas: expected a list, found %s", ynode_kind_name(list));
        return false;
    }
    if (list->count == 0)
        diag_fault(ld->diag, list->loc, "quotas: an empty list counts nothing; leave it out");
    policy->quotas = load_array(ld, list->count, sizeof *policy->quotas);
    for (const struct ynode *item = list->child; item != NULL && policy->quotas != NULL;
         item = item->next)
        load_quota(ld, item, policy, &policy->quotas[policy->quota_count++]);
    return list->count > 0;
}

static int by_name(const void *a, const void *b)
{
    const struct quota *one = *(const struct quota *const *)a;
    const struct quota *two = *(const struct quota *const *)b;
    int order = view_cmp(one->name, two->name);

    if (order == 0)
        order = view_cmp(view_str(one->at.file), view_str(two->at.file));
    if (order == 0)
        order = (one->at.line > two->at.line) - (one->at.line < two->at.line);
    return order != 0 ? order
                      : (one->at.column > two->at.column) - (one->at.column < two->at.column);
}

static void collect(struct policy_set *set)
{
    for (size_t i = 0; i < set->policy_count; i++) {
        for (size_t k = 0; k < set->policies[i].quota_count; k++)
            set->quotas[set->quota_count++] = &set->policies[i].quotas[k];
    }
    if (set->quota_count > 0) /* an array of pointers: NOLINTNEXTLINE(bugprone-sizeof*) */
        qsort(set->quotas, set->quota_count, sizeof *set->quotas, by_name);
}

void load_quota_names(struct loader *ld)
{
    struct policy_set *set = ld->set;
    size_t count = 0;
    char quoted[DIAG_QUOTED_BYTES];

    for (size_t i = 0; i < set->policy_count; i++)
        count += set->policies[i].quota_count;
    set->quotas = load_array(ld, count, sizeof(const struct quota *));
    if (set->quotas == NULL)
        return;
    collect(set);
    for (size_t i = 1; i < count; i++) {
        const struct quota *one = set->quotas[i - 1], *two = set->quotas[i];

        if (two->name.len > 0 && view_eq(one->name, two->name))
            diag_fault(ld->diag, load_given(ld, two->at),
                       "name: a quota %s stands at %s:%u:%u already",
                       diag_quoted(two->name, quoted), one->at.file, one->at.line, one->at.column);
    }
    if (count > QUOTAS_MAX)
        diag_fault(ld->diag, load_given(ld, set->quotas[QUOTAS_MAX]->at),
                   "quotas: a set may have at most %d", QUOTAS_MAX);
    for (size_t i = 0; i < set->weight_count; i++) {
        if (!set->weights[i].used)
            diag_warn(ld->diag, load_given(ld, set->weights[i].at),
                      "weights: no quota names the table %s",
                      diag_quoted(set->weights[i].name, quoted));
    }
}
