/* SPDX-License-Identifier: Apache-2.0
 * Documents to facts. */
#include "policy/facts.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/number.h"
#include "policy/drafts.h"
#include "policy/judge.h"

#define ROW(of, name, sense, absent, kind) \
    .about = (of), .rule = (name), .more = (sense), .left_out = (absent), .entries = (kind)
#define LIST(about, rule, more, left_out, entries) \
    {                                              \
        ROW(about, rule, more, left_out, entries)  \
    }
#define REACH(about, rule, more, left_out, entries)                                 \
    {                                                                               \
        ROW(about, rule, more, left_out, entries), .reach = (about) == ABOUT_POLICY \
    }
#define NUMBER(about, rule, more, left_out, word)                         \
    {                                                                     \
        ROW(about, rule, more, left_out, ENTRIES_WORD), .implied = (word) \
    }
/* caller: what it is that a key about the caller comes to a match that had none. */
#define MATCHES(about, more, caller)                                         \
    REACH(about, "match.projects", more, LEFT_ALL, ENTRIES_GLOB),            \
        REACH(about, "match.users", more, caller, ENTRIES_GLOB),             \
        REACH(about, "match.user_ids", more, caller, ENTRIES_GLOB),          \
        REACH(about, "match.domains", more, caller, ENTRIES_GLOB),           \
        REACH(about, "match.roles", more, caller, ENTRIES_GLOB),             \
        REACH(about, "match.groups", more, caller, ENTRIES_GLOB),            \
        REACH(about, "match.operations", more, LEFT_ALL, ENTRIES_OPERATION), \
        REACH(about, "match.families", more, LEFT_ALL, ENTRIES_FAMILY)
/* A rule without a row is compared byte for byte, and nothing is said of its sense. */
static const struct fact_row rows[] = {
    NUMBER(ABOUT_SET, "default", DIFF_LOOSER, LEFT_UNTOLD, "refuse"),
    {ROW(ABOUT_POLICY, "mode", DIFF_LOOSER, LEFT_UNTOLD, ENTRIES_WORD), .implied = "enforce",
     .reach = true},
    NUMBER(ABOUT_POLICY, "match", DIFF_LOOSER, LEFT_UNTOLD, NULL),
    /* A policy refuses those of whom its match can't be told. An exception doesn't hold for them.
     */
    MATCHES(ABOUT_POLICY, DIFF_STRICTER, LEFT_UNTOLD),
    LIST(ABOUT_POLICY, "flavors.allow", DIFF_LOOSER, LEFT_ALL, ENTRIES_GLOB),
    LIST(ABOUT_POLICY, "flavors.deny", DIFF_STRICTER, LEFT_NONE, ENTRIES_GLOB),
    LIST(ABOUT_POLICY, "profiles.allow", DIFF_LOOSER, LEFT_ALL, ENTRIES_GLOB),
    LIST(ABOUT_POLICY, "images.allow", DIFF_LOOSER, LEFT_ALL, ENTRIES_GLOB),
    LIST(ABOUT_POLICY, "workspaces.allow", DIFF_LOOSER, LEFT_ALL, ENTRIES_GLOB),
    LIST(ABOUT_POLICY, "pools.allow", DIFF_LOOSER, LEFT_ALL, ENTRIES_GLOB),
    NUMBER(ABOUT_POLICY, "pools.public", DIFF_LOOSER, LEFT_ALL, "false"),
    LIST(ABOUT_POLICY, "storage.types", DIFF_LOOSER, LEFT_ALL, ENTRIES_GLOB),
    LIST(ABOUT_POLICY, "storage.obs_prefixes", DIFF_LOOSER, LEFT_ALL, ENTRIES_PREFIX),
    NUMBER(ABOUT_POLICY, "storage.max_size_gb", DIFF_LOOSER, LEFT_ALL, NULL),
    NUMBER(ABOUT_POLICY, "name.pattern", DIFF_UNTOLD, LEFT_ALL, NULL),
    {ROW(ABOUT_POLICY, "auto_stop.required", DIFF_STRICTER, LEFT_NONE, ENTRIES_WORD),
     .implied = "false", .blurred_by = "auto_stop.over_max"},
    NUMBER(ABOUT_POLICY, "auto_stop.on_missing", DIFF_STRICTER, LEFT_NONE, "set"),
    NUMBER(ABOUT_POLICY, "auto_stop.default", DIFF_LOOSER, LEFT_ALL, NULL),
    NUMBER(ABOUT_POLICY, "auto_stop.min", DIFF_STRICTER, LEFT_NONE, NULL),
    NUMBER(ABOUT_POLICY, "auto_stop.max", DIFF_LOOSER, LEFT_ALL, NULL),
    NUMBER(ABOUT_POLICY, "auto_stop.over_max", DIFF_STRICTER, LEFT_NONE, "cap"),
    {ROW(ABOUT_POLICY, "auto_stop.types", DIFF_LOOSER, LEFT_ALL, ENTRIES_GLOB),
     .implied = "timing"},
    LIST(ABOUT_POLICY, "annotations.require", DIFF_STRICTER, LEFT_NONE, ENTRIES_WORD),
    NUMBER(ABOUT_POLICY, "custom_spec", DIFF_LOOSER, LEFT_ALL, "allow"),
    NUMBER(ABOUT_POLICY, "hooks", DIFF_LOOSER, LEFT_ALL, "allow"),
    LIST(ABOUT_POLICY, "allowed_access_ips.allow", DIFF_LOOSER, LEFT_ALL, ENTRIES_NETWORK),
    NUMBER(ABOUT_POLICY, "allowed_access_ips.required", DIFF_STRICTER, LEFT_NONE, "true"),
    NUMBER(ABOUT_QUOTA, "limit", DIFF_LOOSER, LEFT_ALL, NULL),
    NUMBER(ABOUT_QUOTA, "hours", DIFF_LOOSER, LEFT_ALL, NULL),
    NUMBER(ABOUT_QUOTA, "window", DIFF_STRICTER, LEFT_UNTOLD, NULL),
    LIST(ABOUT_QUOTA, "per", DIFF_UNTOLD, LEFT_NONE, ENTRIES_WORD),
    LIST(ABOUT_QUOTA, "flavors", DIFF_STRICTER, LEFT_ALL, ENTRIES_GLOB),
    LIST(ABOUT_QUOTA, "pools", DIFF_STRICTER, LEFT_ALL, ENTRIES_GLOB),
    LIST(ABOUT_QUOTA, "workspaces", DIFF_STRICTER, LEFT_ALL, ENTRIES_GLOB),
    LIST(ABOUT_QUOTA, "families", DIFF_STRICTER, LEFT_ALL, ENTRIES_FAMILY),
    NUMBER(ABOUT_WEIGHTS, "weights", DIFF_STRICTER, LEFT_UNTOLD, NULL),
    MATCHES(ABOUT_EXCEPTION, DIFF_LOOSER, LEFT_ALL),
    LIST(ABOUT_EXCEPTION, "allow.flavors", DIFF_LOOSER, LEFT_NONE, ENTRIES_GLOB),
    LIST(ABOUT_EXCEPTION, "allow.profiles", DIFF_LOOSER, LEFT_NONE, ENTRIES_GLOB),
    LIST(ABOUT_EXCEPTION, "allow.images", DIFF_LOOSER, LEFT_NONE, ENTRIES_GLOB),
    LIST(ABOUT_EXCEPTION, "allow.workspaces", DIFF_LOOSER, LEFT_NONE, ENTRIES_GLOB),
    LIST(ABOUT_EXCEPTION, "allow.pools", DIFF_LOOSER, LEFT_NONE, ENTRIES_GLOB),
    LIST(ABOUT_EXCEPTION, "allow.storage.types", DIFF_LOOSER, LEFT_NONE, ENTRIES_GLOB),
    LIST(ABOUT_EXCEPTION, "allow.storage.obs_prefixes", DIFF_LOOSER, LEFT_NONE, ENTRIES_PREFIX),
    LIST(ABOUT_EXCEPTION, "allow.allowed_access_ips", DIFF_LOOSER, LEFT_NONE, ENTRIES_NETWORK),
    LIST(ABOUT_EXCEPTION, "lift", DIFF_LOOSER, LEFT_NONE, ENTRIES_LIFTED),
    LIST(ABOUT_EXCEPTION, "expires", DIFF_LOOSER, LEFT_UNTOLD, ENTRIES_DATE),
};

struct reader {
    struct loader loader; /* its scratch is the arena */
    struct facts *facts;
    struct topic *topic; /* that facts are added to */
};

static struct arena *arena_of(struct reader *r)
{
    return r->loader.scratch;
}

static struct view checked(struct reader *r, struct view made)
{
    r->loader.no_memory = r->loader.no_memory || made.ptr == NULL;
    return made;
}

static const struct fact_row *row_of(enum fact_about about, const char *rule)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].about == about && strcmp(rows[i].rule, rule) == 0)
            return &rows[i];
    }
    return NULL;
}

/* Room for one more item behind the others, twice as much each time; NULL: memory is out. */
static void *one_more(struct reader *r, void *items, size_t count, size_t *room, size_t size)
{
    size_t wide = *room == 0 ? 16 : *room * 2;
    void *made;

    if (count < *room)
        return items;
    made = arena_array(arena_of(r), wide, size);
    if (made == NULL) {
        r->loader.no_memory = true;
        return NULL;
    }
    if (count > 0)
        memcpy(made, items, count * size);
    *room = wide;
    return made;
}

static void begin_topic(struct reader *r, const struct topic *topic)
{
    struct facts *facts = r->facts;
    struct topic *topics =
        one_more(r, facts->topics, facts->count, &facts->room, sizeof *facts->topics);

    if (topics == NULL)
        return;
    facts->topics = topics;
    r->topic = &topics[facts->count++];
    *r->topic = *topic;
}

static void add(struct reader *r, const struct fact *fact)
{
    struct topic *topic = r->topic;
    struct fact *facts =
        one_more(r, topic->facts, topic->count, &topic->room, sizeof *topic->facts);

    if (facts == NULL)
        return;
    topic->facts = facts;
    facts[topic->count++] = *fact;
}

/* ----- one value ----- */

static struct view number_text(struct reader *r, const struct yfield *field, int64_t value)
{
    char text[NUM_TEXT_BYTES];

    if (field->kind == YFIELD_BOOL)
        return value != 0 ? VIEW("true") : VIEW("false");
    if (field->kind == YFIELD_ENUM)
        return view_str(field->names[value]);
    return checked(r, arena_copy(arena_of(r), field->kind == YFIELD_DURATION
                                                  ? num_format_duration(value, text)
                                                  : num_format_i64(value, text)));
}

/* The number of a word that is in force where nothing is written. */
static int64_t word_number(const struct yfield *field, const char *word)
{
    int64_t number = 0;

    if (field->kind == YFIELD_BOOL)
        return strcmp(word, "true") == 0 ? 1 : 0;
    while (strcmp(field->names[number], word) != 0)
        number++;
    return number;
}

static void add_number(struct reader *r, const struct yfield *field, const struct ynumber *value,
                       struct fact *fact)
{
    const struct fact_row *row = fact->row;

    if (!value->set && (row == NULL || row->implied == NULL))
        return;
    fact->implied = !value->set;
    fact->number = value->set ? value->value : word_number(field, row->implied);
    fact->value = number_text(r, field, fact->number);
    fact->at = value->set ? value->at : r->topic->at;
    add(r, fact);
}

static void add_text(struct reader *r, const struct ytext *text, struct fact *fact)
{
    int64_t begin;

    if (!text->set)
        return;
    fact->value = text->value;
    fact->at = text->at;
    fact->is_text = true;
    if (fact->row != NULL && fact->row->entries == ENTRIES_DATE &&
        clock_parse_date(text->value, &begin)) {
        fact->number = begin;
        fact->is_text = false;
    }
    add(r, fact);
}

static void add_pairs(struct reader *r, const struct ypairs *pairs, struct fact *fact)
{
    for (size_t i = 0; pairs->set && i < pairs->count; i++) {
        fact->is_text = true;
        fact->part = pairs->items[i].key.value;
        fact->value = pairs->items[i].value.value;
        fact->at = pairs->items[i].value.at;
        add(r, fact);
    }
}

/* ----- lists ----- */

static int by_key(const void *a, const void *b)
{
    return view_cmp(((const struct entry *)a)->key, ((const struct entry *)b)->key);
}

static void sort_once(struct entry *entries, size_t *count)
{
    size_t kept = 0;

    if (*count > 0)
        qsort(entries, *count, sizeof *entries, by_key);
    for (size_t i = 0; i < *count; i++) {
        if (kept == 0 || !view_eq(entries[i].key, entries[kept - 1].key))
            entries[kept++] = entries[i];
    }
    *count = kept;
}

/* Family, length and bits of a network, however it is spelled. */
static struct view network_key(struct reader *r, struct view text)
{
    struct network network = {0};

    if (network_parse(text, &network) != NETWORK_OK)
        return text;
    return checked(r, arena_copy(arena_of(r), view_of((const char *)&network, sizeof network)));
}

static struct view closed(struct reader *r, struct view prefix)
{
    if (view_ends(prefix, VIEW("/")))
        return prefix;
    return checked(r, arena_printf(arena_of(r), "%.*s/", VIEW_ARGS(prefix)));
}

static void plain_entries(struct reader *r, const struct ytexts *texts, enum fact_entries entries,
                          struct fact *fact)
{
    for (size_t i = 0; i < texts->count; i++) {
        struct entry *entry = &fact->values[fact->count++];

        entry->text = texts->items[i].value;
        if (entries == ENTRIES_PREFIX)
            entry->text = closed(r, entry->text);
        entry->key = entries == ENTRIES_NETWORK ? network_key(r, entry->text) : entry->text;
    }
}

static void add_entry(struct fact *fact, const char *word)
{
    fact->values[fact->count].text = view_str(word);
    fact->values[fact->count++].key = view_str(word);
}

/* What the globs of a list stand for. */
static void spelled_entries(struct reader *r, const struct ytexts *texts, enum fact_entries entries,
                            struct fact *fact)
{
    bool ops[OP_COUNT] = {false}, families[FAMILY_NOTEBOOKS + 1] = {false};
    unsigned lifted = 0;

    if (entries == ENTRIES_OPERATION)
        load_operations(&r->loader, texts, ops);
    else if (entries == ENTRIES_FAMILY)
        load_families(&r->loader, texts, families);
    else
        lifted = load_lifted(&r->loader, texts);
    for (size_t i = 0; i < OP_COUNT; i++) {
        if (ops[i])
            add_entry(fact, operations[i].name);
    }
    for (int family = FAMILY_DEMANAGER; family <= FAMILY_NOTEBOOKS; family++) {
        if (families[family])
            add_entry(fact, family_name((enum family)family));
    }
    for (size_t group = 0; group < GROUP_COUNT; group++) {
        if ((lifted >> group & 1U) != 0)
            add_entry(fact, rules[group].name);
    }
}

static bool is_spelled(enum fact_entries entries)
{
    return entries == ENTRIES_OPERATION || entries == ENTRIES_FAMILY || entries == ENTRIES_LIFTED;
}

static void add_list(struct reader *r, const struct ytexts *texts, struct fact *fact)
{
    const struct fact_row *row = fact->row;
    enum fact_entries entries = row == NULL ? ENTRIES_WORD : row->entries;
    bool implied = !texts->set && row != NULL && row->implied != NULL;
    size_t room = texts->count + OP_COUNT + GROUP_COUNT + 1;

    if (!texts->set && !implied)
        return;
    fact->is_list = true;
    fact->implied = implied;
    fact->at = texts->set ? texts->at : r->topic->at;
    fact->values = arena_array(arena_of(r), room, sizeof *fact->values);
    if (fact->values == NULL) {
        r->loader.no_memory = true;
        return;
    }
    if (implied)
        add_entry(fact, row->implied);
    else if (is_spelled(entries))
        spelled_entries(r, texts, entries, fact);
    else
        plain_entries(r, texts, entries, fact);
    sort_once(fact->values, &fact->count);
    add(r, fact);
}

/* ----- mappings ----- */

static const char *join(struct reader *r, const char *prefix, const char *key)
{
    if (prefix[0] == '\0')
        return key;
    return checked(r, arena_printf(arena_of(r), "%s.%s", prefix, key)).ptr;
}

/* What names the topic is no fact of it. */
static bool is_identity(const char *rule)
{
    return strcmp(rule, "name") == 0;
}

/* Nested as deep as the schema. NOLINTNEXTLINE(misc-no-recursion) */
static void walk(struct reader *r, const struct yfield *fields, const void *base,
                 const char *prefix)
{
    for (const struct yfield *field = fields; field->key != NULL; field++) {
        const void *at = (const char *)base + field->offset;
        const char *rule = join(r, prefix, field->key);
        struct fact fact = {.rule = rule};

        if (r->loader.no_memory || rule == NULL || is_identity(rule))
            continue;
        fact.row = row_of(r->topic->about, rule);
        if (field->kind == YFIELD_OBJECT && ((const struct yobject *)at)->set)
            walk(r, field->fields, at, rule);
        else if (field->kind == YFIELD_TEXT)
            add_text(r, at, &fact);
        else if (field->kind == YFIELD_TEXTS)
            add_list(r, at, &fact);
        else if (field->kind == YFIELD_PAIRS)
            add_pairs(r, at, &fact);
        else if (field->kind != YFIELD_OBJECT && field->kind != YFIELD_NODE)
            add_number(r, field, at, &fact);
    }
}

/* ----- topics ----- */

static void read_quotas(struct reader *r, const struct doc_policy *policy)
{
    const struct ynode *item = policy->quotas == NULL ? NULL : policy->quotas->child;

    for (; item != NULL && !r->loader.no_memory; item = item->next) {
        struct doc_quota doc = {.self.at = item->loc};
        struct fact owner = {.rule = "policy", .is_text = true, .value = policy->name.value};

        yschema_read(item, item->loc, doc_quota_fields, &doc, arena_of(r), r->loader.diag);
        if (doc.limit.set && !doc.counts.set)
            doc.counts = (struct ynumber){true, 0, doc.limit.at}; /* what is left out */
        begin_topic(r, &(struct topic){.about = ABOUT_QUOTA,
                                       .name = doc.name.value,
                                       .policy = policy->name.value,
                                       .at = doc.name.at});
        if (r->loader.no_memory)
            return;
        owner.at = doc.name.at;
        add(r, &owner);
        walk(r, doc_quota_fields, &doc, "");
    }
}

/* Source: docs/policies.md, "Keys of a policy". */
static bool is_match(const struct doc_policy *doc)
{
    bool speaks = doc->flavors.self.set || doc->profiles.self.set || doc->images.self.set ||
                  doc->workspaces.self.set || doc->pools.self.set || doc->pattern.self.set ||
                  doc->storage.self.set || doc->stop.self.set || doc->custom_spec.set ||
                  doc->hooks.set || doc->access_ips.self.set;

    return speaks || (!doc->annotations.self.set && doc->quotas == NULL);
}

static void read_policy(struct reader *r, const struct doc_policy *given)
{
    struct doc_policy doc = *given;
    struct fact match = {.rule = "match", .implied = true};

    /* Of a list of flavors it would be the way past. */
    if (!doc.custom_spec.set && doc.flavors.self.set)
        doc.custom_spec = (struct ynumber){true, 0, doc.flavors.self.at};
    begin_topic(r, &(struct topic){.about = ABOUT_POLICY,
                                   .name = doc.name.value,
                                   .policy = doc.name.value,
                                   .at = doc.name.at,
                                   .is_match = is_match(&doc)});
    if (r->loader.no_memory)
        return;
    match.row = row_of(ABOUT_POLICY, "match");
    match.number = r->topic->is_match ? 1 : 0;
    match.value = r->topic->is_match ? VIEW("a match") : VIEW("no match");
    match.at = doc.name.at;
    if (!r->facts->allow_unmatched)
        add(r, &match);
    walk(r, doc_policy_fields, &doc, "");
    if (doc.pattern.self.set)
        walk(r, doc_name_fields, &doc.pattern, "name");
    read_quotas(r, &doc);
}

static void read_table(struct reader *r, const struct ynode *table)
{
    begin_topic(r,
                &(struct topic){.about = ABOUT_WEIGHTS, .name = table->key, .at = table->key_loc});
    for (const struct ynode *row = table->child; row != NULL && !r->loader.no_memory;
         row = row->next) {
        struct fact fact = {.rule = "weights",
                            .row = row_of(ABOUT_WEIGHTS, "weights"),
                            .part = row->key,
                            .value = row->text,
                            .at = row->loc};

        if (load_weight_number(row->text, &fact.number))
            add(r, &fact);
    }
}

static void read_file(struct reader *r, const struct policy_file *file, struct drafts *drafts,
                      struct ynumber *preset)
{
    struct doc_file doc = {0};

    if (!drafts_read(&r->loader, file, &doc))
        return;
    if (doc.preset.set)
        *preset = doc.preset;
    drafts_add(&r->loader, &doc, drafts);
    for (const struct ynode *table = doc.weights == NULL ? NULL : doc.weights->child;
         table != NULL && !r->loader.no_memory; table = table->next)
        read_table(r, table);
}

static void read_default(struct reader *r, const struct ynumber *preset)
{
    struct fact fact = {.rule = "default", .row = row_of(ABOUT_SET, "default")};

    r->facts->allow_unmatched = preset->set && preset->value == 1;
    begin_topic(r, &(struct topic){.about = ABOUT_SET, .at = preset->at});
    fact.number = r->facts->allow_unmatched ? 1 : 0;
    fact.value = r->facts->allow_unmatched ? VIEW("allow") : VIEW("refuse");
    fact.implied = !preset->set;
    fact.at = preset->at;
    if (!r->loader.no_memory)
        add(r, &fact);
}

static void read_all(struct reader *r, const struct policy_file *files, size_t count)
{
    struct ynumber preset = {0};
    struct drafts drafts = {0};

    for (size_t i = 0; i < count && !r->loader.no_memory; i++)
        read_file(r, &files[i], &drafts, &preset);
    if (!r->loader.no_memory)
        read_default(r, &preset);
    for (size_t i = 0; i < drafts.policy_count && !r->loader.no_memory; i++)
        read_policy(r, &drafts.policies[i]);
    for (size_t i = 0; i < drafts.exception_count && !r->loader.no_memory; i++) {
        const struct doc_exception *doc = &drafts.exceptions[i];

        begin_topic(r, &(struct topic){.about = ABOUT_EXCEPTION,
                                       .name = doc->name.value,
                                       .policy = doc->policy.value,
                                       .at = doc->name.at});
        if (!r->loader.no_memory)
            walk(r, doc_exception_fields, doc, "");
    }
}

int fact_order(const struct fact *one, const struct fact *two)
{
    int order = strcmp(one->rule, two->rule);

    return order != 0 ? order : view_cmp(one->part, two->part);
}

int topic_order(const struct topic *one, const struct topic *two)
{
    if (one->about != two->about)
        return one->about < two->about ? -1 : 1;
    return view_cmp(one->name, two->name);
}

static int by_fact(const void *a, const void *b)
{
    return fact_order(a, b);
}

static int by_topic(const void *a, const void *b)
{
    return topic_order(a, b);
}

enum status facts_read(const struct policy_file *files, size_t count, struct arena *arena,
                       struct facts *ret)
{
    const struct policy_options options = {.now_us = 0};
    struct facts facts = {0};
    struct diag diag;
    struct reader r = {.loader = {.scratch = arena, .diag = &diag, .options = &options},
                       .facts = &facts};

    diag_init(&diag, arena);
    read_all(&r, files, count);
    if (r.loader.no_memory)
        return STATUS_NOMEM;
    if (diag.faults > 0)
        return STATUS_INVALID;
    qsort(facts.topics, facts.count, sizeof *facts.topics, by_topic);
    for (size_t i = 0; i < facts.count; i++) {
        if (facts.topics[i].count > 0)
            qsort(facts.topics[i].facts, facts.topics[i].count, sizeof(struct fact), by_fact);
    }
    *ret = facts;
    return STATUS_OK;
}

const char *fact_about_name(enum fact_about about)
{
    static const char *const names[] = {[ABOUT_SET] = "default",
                                        [ABOUT_POLICY] = "policy",
                                        [ABOUT_QUOTA] = "quota",
                                        [ABOUT_WEIGHTS] = "weights",
                                        [ABOUT_EXCEPTION] = "exception"};

    return names[about];
}

const struct fact *fact_find(const struct topic *topic, const char *rule)
{
    for (size_t i = 0; i < topic->count; i++) {
        if (strcmp(topic->facts[i].rule, rule) == 0)
            return &topic->facts[i];
    }
    return NULL;
}
