/* SPDX-License-Identifier: Apache-2.0
 * The fold. Entries hang in a list (oldest first, so that checkpoints come out the same) and in two
 * chained tables, by id and by instance; a table that can't grow gets slower, never wrong, so that
 * folding a written line in cannot fail. */
#include <stdlib.h>

#include "journal/entry.h"
#include "json/write.h"

enum { FIRST_BUCKETS = 256 };

struct open_table {
    struct open_entry **by_id, **by_instance;
    size_t buckets; /* a power of two */
    struct open_entry *oldest, *newest;
    struct open_counts counts;
};

static struct open_entry **new_buckets(size_t count)
{
    /* An array of pointers it is. NOLINTNEXTLINE(bugprone-sizeof-expression) */
    return calloc(count, sizeof(struct open_entry *));
}

struct open_table *open_table_new(void)
{
    struct open_table *table = calloc(1, sizeof *table);

    if (table == NULL)
        return NULL;
    table->buckets = FIRST_BUCKETS;
    table->by_id = new_buckets(table->buckets);
    table->by_instance = new_buckets(table->buckets);
    if (table->by_id == NULL || table->by_instance == NULL)
        open_table_free(&table);
    return table;
}

void open_table_free(struct open_table **table)
{
    struct open_table *gone = *table;

    if (gone == NULL)
        return;
    while (gone->oldest != NULL) {
        struct open_entry *entry = gone->oldest;

        gone->oldest = entry->newer;
        open_entry_free(&entry);
    }
    free(gone->by_id);
    free(gone->by_instance);
    free(gone);
    *table = NULL;
}

static bool same_key(const struct open_key *a, const struct open_key *b)
{
    return a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
}

static struct open_entry **id_bucket(const struct open_table *table, uint64_t hash)
{
    return &table->by_id[hash & (table->buckets - 1)];
}

static struct open_entry **instance_bucket(const struct open_table *table, uint64_t hash)
{
    return &table->by_instance[hash & (table->buckets - 1)];
}

static struct open_entry *find_id(const struct open_table *table, const struct open_key *id)
{
    uint64_t hash = open_key_hash(id);
    struct open_entry *entry = *id_bucket(table, hash);

    while (entry != NULL && (entry->id_hash != hash || !same_key(&entry->id, id)))
        entry = entry->next_id;
    return entry;
}

static struct open_entry *find_instance(const struct open_table *table,
                                        const struct open_key *instance)
{
    uint64_t hash = open_key_hash(instance);
    struct open_entry *entry = *instance_bucket(table, hash);

    while (entry != NULL && (entry->instance_hash != hash || !same_key(&entry->instance, instance)))
        entry = entry->next_instance;
    return entry;
}

static void chain_instance(struct open_table *table, struct open_entry *entry)
{
    struct open_entry **at = instance_bucket(table, entry->instance_hash);

    if (entry->instance.len == 0)
        return;
    entry->next_instance = *at;
    *at = entry;
}

static void chain(struct open_table *table, struct open_entry *entry)
{
    struct open_entry **at = id_bucket(table, entry->id_hash);

    entry->next_id = *at;
    *at = entry;
    chain_instance(table, entry);
}

static void unchain_instance(struct open_table *table, struct open_entry *entry)
{
    struct open_entry **at = instance_bucket(table, entry->instance_hash);

    if (entry->instance.len == 0)
        return;
    while (*at != entry)
        at = &(*at)->next_instance;
    *at = entry->next_instance;
}

static void unchain(struct open_table *table, struct open_entry *entry)
{
    struct open_entry **at = id_bucket(table, entry->id_hash);

    while (*at != entry)
        at = &(*at)->next_id;
    *at = entry->next_id;
    unchain_instance(table, entry);
}

static uint64_t *counter(struct open_table *table, enum open_state state)
{
    switch (state) {
    case OPEN_RESERVED:
        return &table->counts.reserved;
    case OPEN_UNKNOWN:
        return &table->counts.unknown;
    case OPEN_EXISTING:
        return &table->counts.existing;
    case OPEN_SPENT:
        break;
    }
    return &table->counts.spent;
}

static void grow(struct open_table *table)
{
    const struct open_counts *counts = &table->counts;
    uint64_t held = counts->reserved + counts->unknown + counts->existing + counts->spent;
    size_t buckets = table->buckets * 2;
    struct open_entry **by_id, **by_instance;

    if (held < table->buckets)
        return;
    by_id = new_buckets(buckets);
    by_instance = new_buckets(buckets);
    if (by_id == NULL || by_instance == NULL) {
        free(by_id);
        free(by_instance);
        return; /* longer chains until memory is back */
    }
    free(table->by_id);
    free(table->by_instance);
    table->by_id = by_id;
    table->by_instance = by_instance;
    table->buckets = buckets;
    for (struct open_entry *entry = table->oldest; entry != NULL; entry = entry->newer)
        chain(table, entry);
}

static void take_out(struct open_table *table, struct open_entry *entry)
{
    unchain(table, entry);
    *(entry->older == NULL ? &table->oldest : &entry->older->newer) = entry->newer;
    *(entry->newer == NULL ? &table->newest : &entry->newer->older) = entry->older;
    (*counter(table, entry->state))--;
}

static void drop(struct open_table *table, struct open_entry *entry)
{
    take_out(table, entry);
    open_entry_free(&entry);
}

static void set_state(struct open_table *table, struct open_entry *entry, enum open_state state)
{
    (*counter(table, entry->state))--;
    entry->state = state;
    (*counter(table, entry->state))++;
}

void open_put(struct open_table *table, struct open_entry **entry)
{
    struct open_entry *taken = *entry, *same = find_id(table, &taken->id);

    *entry = NULL;
    if (same != NULL)
        drop(table, same);
    grow(table);
    taken->older = table->newest;
    taken->newer = NULL;
    *(table->newest == NULL ? &table->oldest : &table->newest->newer) = taken;
    table->newest = taken;
    (*counter(table, taken->state))++;
    chain(table, taken);
}

/* From now on the instance has the flavor that this line names, if it names one. */
static void take_flavor(struct open_entry *entry, struct open_entry **line)
{
    if (*line == NULL || journal_entry_text(*line, ENTRY_FLAVOR).len == 0)
        return;
    open_entry_free(&entry->flavor_of);
    entry->flavor_of = *line;
    *line = NULL;
}

static struct open_entry *find_existing(const struct open_table *table,
                                        const struct open_key *instance)
{
    struct open_entry *entry;

    /* Changes and starts of it stand under the same instance. */
    for (entry = find_instance(table, instance); entry != NULL; entry = entry->next_instance) {
        if (entry->state == OPEN_EXISTING && same_key(&entry->instance, instance))
            return entry;
    }
    return NULL;
}

/* The instance that an intent created, or what is now known of it. */
static void exists(struct open_table *table, struct open_entry *entry, const struct open_step *step,
                   struct open_entry **line)
{
    if (step->instance.len > 0) {
        unchain_instance(table, entry);
        entry_set_instance(entry, &step->instance);
        chain_instance(table, entry);
    }
    take_flavor(entry, line);
    set_state(table, entry, OPEN_EXISTING);
}

/* An update that names a flavor. */
static bool is_resize(const struct open_entry *entry)
{
    return entry->operation != NULL && entry->operation->class == CLASS_CHANGE &&
           entry->operation->id != OP_NOTEBOOKS_LEASE && entry->state != OPEN_EXISTING;
}

/* What made an instance run, for a time that is known: that counts beyond its end. */
static bool is_charge(const struct open_entry *entry)
{
    const struct operation *operation = entry->operation;

    if (entry->auto_stop_s < 0)
        return false;
    return entry->state == OPEN_EXISTING ||
           (operation != NULL &&
            (operation->class == CLASS_CREATE || operation->class == CLASS_START ||
             operation->id == OP_NOTEBOOKS_LEASE));
}

/* A start or change that is done, an instance that is gone. */
static void finish(struct open_table *table, struct open_entry *entry)
{
    if (is_charge(entry)) {
        set_state(table, entry, OPEN_SPENT);
        return;
    }
    take_out(table, entry);
    if (is_resize(entry) && entry->instance.len > 0) {
        struct open_entry *existing = find_existing(table, &entry->instance);

        if (existing != NULL)
            take_flavor(existing, &entry);
    }
    open_entry_free(&entry);
}

/* An outcome that nobody can read is an unknown one. */
static void close_entry(struct open_table *table, struct open_entry *entry,
                        const struct open_step *step, struct open_entry **line)
{
    switch (step->outcome) {
    case OUTCOME_CREATED:
        exists(table, entry, step, line);
        return;
    case OUTCOME_DONE:
        finish(table, entry);
        return;
    case OUTCOME_FAILED:
    case OUTCOME_REFUSED:
        drop(table, entry);
        return;
    case OUTCOME_NONE:
    case OUTCOME_UNKNOWN:
        set_state(table, entry, OPEN_UNKNOWN);
        return;
    }
}

/* An outcome without an intent frees nothing, not even that of a delete: the cloud has accepted it,
 * and takes its time. A settled line says when the instance is gone. */
static void apply_outcome(struct open_table *table, const struct open_step *step,
                          struct open_entry **line)
{
    struct open_entry *entry = find_id(table, &step->id);

    if (entry != NULL && entry->state == OPEN_RESERVED)
        close_entry(table, entry, step, line);
}

/* Carries the id of the intent, or of the orphan line; the cloud's list told what came of it. */
static void apply_settled(struct open_table *table, const struct open_step *step,
                          struct open_entry **line)
{
    struct open_entry *entry = find_id(table, &step->id);

    if (entry != NULL && (entry->state == OPEN_UNKNOWN || entry->state == OPEN_EXISTING) &&
        step->outcome != OUTCOME_NONE && step->outcome != OUTCOME_UNKNOWN)
        close_entry(table, entry, step, line);
}

static void apply_orphan(struct open_table *table, const struct open_step *step,
                         struct open_entry **line)
{
    if (*line == NULL || step->instance.len == 0 || find_existing(table, &step->instance) != NULL)
        return;
    (*line)->state = OPEN_EXISTING;
    open_put(table, line);
}

void open_apply(struct open_table *table, const struct open_step *step, struct open_entry **entry)
{
    switch (step->event) {
    case JOURNAL_INTENT:
        if (*entry != NULL)
            open_put(table, entry);
        return;
    case JOURNAL_OUTCOME:
        apply_outcome(table, step, entry);
        return;
    case JOURNAL_SETTLED:
        apply_settled(table, step, entry);
        return;
    case JOURNAL_ORPHAN:
        apply_orphan(table, step, entry);
        return;
    case JOURNAL_REFUSAL:
    case JOURNAL_POLICY:
    case JOURNAL_START:
    case JOURNAL_STOP:
    case JOURNAL_CHECKPOINT:
    case JOURNAL_SEAL:
    case JOURNAL_ADMIN:
        return;
    }
}

struct open_counts open_count(const struct open_table *table)
{
    return table->counts;
}

int64_t open_oldest_us(const struct open_table *table)
{
    int64_t oldest_us = INT64_MAX;

    for (const struct open_entry *entry = table->oldest; entry != NULL; entry = entry->newer) {
        if ((entry->state == OPEN_RESERVED || entry->state == OPEN_UNKNOWN) &&
            entry->time_us < oldest_us)
            oldest_us = entry->time_us;
    }
    return oldest_us;
}

void open_prune(struct open_table *table, int64_t until_us)
{
    struct open_entry *entry = table->oldest;

    while (entry != NULL) {
        struct open_entry *newer = entry->newer;

        if (entry->state == OPEN_SPENT && entry->time_us <= until_us)
            drop(table, entry);
        entry = newer;
    }
}

bool open_has_instance(const struct open_table *table, struct view instance)
{
    struct open_key key;

    open_key_set(&key, instance);
    return find_existing(table, &key) != NULL;
}

bool open_find_state(const struct open_table *table, struct view id, enum open_state *ret)
{
    struct open_key key;
    const struct open_entry *entry;

    open_key_set(&key, id);
    entry = find_id(table, &key);
    if (entry != NULL)
        *ret = entry->state;
    return entry != NULL;
}

bool open_is_reserved(const struct open_table *table, struct view id)
{
    struct open_key key;
    const struct open_entry *entry;

    open_key_set(&key, id);
    entry = find_id(table, &key);
    return entry != NULL && entry->state == OPEN_RESERVED;
}

struct open_entry *open_next_reserved(const struct open_table *table,
                                      const struct open_entry *after)
{
    struct open_entry *entry = after == NULL ? table->oldest : after->newer;

    while (entry != NULL && entry->state != OPEN_RESERVED)
        entry = entry->newer;
    return entry;
}

bool open_lacks_operations(const struct open_table *table)
{
    for (const struct open_entry *entry = table->oldest; entry != NULL; entry = entry->newer) {
        if (entry->operation == NULL && !entry->orphan)
            return true;
    }
    return false;
}

void open_set_operation(struct open_table *table, struct view id, const struct operation *operation)
{
    struct open_key key;
    struct open_entry *entry;

    open_key_set(&key, id);
    entry = find_id(table, &key);
    if (entry != NULL)
        entry->operation = operation;
}

void open_each(const struct open_table *table,
               bool (*each)(void *user, const struct open_item *item), void *user)
{
    for (const struct open_entry *entry = table->oldest; entry != NULL; entry = entry->newer) {
        struct open_item item;

        journal_entry_item(entry, &item);
        if (!each(user, &item))
            return;
    }
}

static bool format_one(void *user, const struct open_item *item)
{
    open_item_format(item, user);
    return true;
}

void open_format(const struct open_table *table, struct buf *out)
{
    struct jwriter w;

    jwriter_init(&w, out);
    jwriter_open_array(&w);
    open_each(table, format_one, &w);
    jwriter_close_array(&w);
}
