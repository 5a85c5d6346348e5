/* SPDX-License-Identifier: Apache-2.0
 * The fold. Entries hang in a list (oldest first, so that checkpoints come out the same) and in two
 * chained tables, by id and by instance; a table that can't grow gets slower, never wrong, so that
 * folding a written line in cannot fail. */
#include "journal/open.h"

#include <stdlib.h>

#include "json/write.h"

enum { FIRST_BUCKETS = 256 };

struct open_entry {
    /* What a walk along a chain looks at stands together: each entry costs it one cache miss. */
    struct open_entry *next_id, *next_instance; /* chains of the tables */
    uint64_t id_hash, instance_hash;
    struct open_entry *older, *newer;
    const struct operation *operation;
    enum open_state state;
    struct open_key id, instance;
    size_t head_len, tail_len;
    char text[]; /* head: members id to user; tail: members of instance but its id. JSON text */
};

struct open_table {
    struct open_entry **by_id, **by_instance;
    size_t buckets; /* a power of two */
    struct open_entry *oldest, *newest;
    struct open_counts counts;
};

static const char *const state_names[] = {
    [OPEN_RESERVED] = "reserved", [OPEN_UNKNOWN] = "unknown", [OPEN_EXISTING] = "existing"};

const char *open_state_name(enum open_state state)
{
    return state_names[state];
}

bool open_state_find(struct view name, enum open_state *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(state_names); i++) {
        if (view_eq(name, view_str(state_names[i]))) {
            *ret = (enum open_state)i;
            return true;
        }
    }
    return false;
}

void open_key_set(struct open_key *key, struct view text)
{
    size_t len = text.len < OPEN_KEY_BYTES ? text.len : OPEN_KEY_BYTES;

    key->len = 0;
    if (text.ptr == NULL)
        return;
    memcpy(key->text, text.ptr, len);
    key->len = (unsigned char)len;
}

struct view open_key_view(const struct open_key *key)
{
    return view_of(key->text, key->len);
}

void open_step_of(const struct journal_facts *facts, struct open_step *ret)
{
    ret->event = facts->event;
    ret->operation = facts->operation;
    ret->outcome = facts->outcome;
    ret->status = facts->status;
    open_key_set(&ret->id, facts->id);
    open_key_set(&ret->instance, facts->instance_id);
}

static struct view field(const struct text_field *field)
{
    return field->set ? field->value : VIEW_NONE;
}

void open_item_of(const struct journal_facts *facts, struct view time, struct open_item *ret)
{
    const struct subject *user = facts->user;
    const struct instance_request *request = facts->instance;
    unsigned known = user == NULL ? 0 : user->known;

    *ret = (struct open_item){.id = facts->id,
                              .time = time,
                              .project = facts->project,
                              .instance = facts->instance_id,
                              .name = facts->instance_name,
                              .operation = facts->operation,
                              .auto_stop_s = -1,
                              .state = OPEN_RESERVED};
    if (known & SUBJECT_USER) {
        ret->user_id = user->user_id;
        ret->user_name = user->user_name;
    }
    if (known & SUBJECT_DOMAIN)
        ret->user_domain = user->domain_name.ptr != NULL ? user->domain_name : user->domain_id;
    if (request == NULL)
        return;
    if (request->name.set)
        ret->name = request->name.value;
    ret->flavor = field(&request->flavor);
    ret->workspace = field(&request->workspace);
    ret->pool = field(&request->pool);
    ret->profile = journal_profile(request);
    ret->auto_stop_s = journal_auto_stop_s(request);
}

bool open_needs_entry(enum journal_event event)
{
    return event == JOURNAL_INTENT || event == JOURNAL_ORPHAN;
}

static void member_cut(struct jwriter *w, const char *key, struct view text)
{
    if (text.len > OPEN_TEXT_BYTES)
        text.len = OPEN_TEXT_BYTES;
    jwriter_member_opt(w, key, text);
}

static void write_head(const struct open_item *item, struct buf *out)
{
    struct jwriter w;

    jwriter_init(&w, out);
    w.depth = 1;
    member_cut(&w, "id", item->id);
    member_cut(&w, "time", item->time);
    member_cut(&w, "project", item->project);
    if (item->user_id.ptr == NULL && item->user_name.ptr == NULL && item->user_domain.ptr == NULL)
        return;
    jwriter_key(&w, "user");
    jwriter_open_object(&w);
    member_cut(&w, "id", item->user_id);
    member_cut(&w, "name", item->user_name);
    member_cut(&w, "domain", item->user_domain);
    jwriter_close_object(&w);
}

static void write_tail(const struct open_item *item, struct buf *out)
{
    struct jwriter w;

    jwriter_init(&w, out);
    w.depth = 1;
    member_cut(&w, "name", item->name);
    member_cut(&w, "flavor", item->flavor);
    member_cut(&w, "workspace", item->workspace);
    member_cut(&w, "pool", item->pool);
    member_cut(&w, "profile", item->profile);
    if (item->auto_stop_s >= 0)
        jwriter_member_int(&w, "auto_stop_s", item->auto_stop_s);
}

/* The ids are our own random ones and the cloud's, no caller chooses them. */
static uint64_t hash_of(const struct open_key *key)
{
    uint64_t hash = key->len, word;

    for (size_t i = 0; i < key->len; i += sizeof word) {
        size_t left = key->len - i;

        word = 0;
        memcpy(&word, key->text + i, left < sizeof word ? left : sizeof word);
        hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
        hash ^= hash >> 32;
    }
    return hash;
}

struct open_entry *open_entry_new(const struct open_item *item, struct buf *scratch)
{
    size_t from = scratch->len, head_len, tail_len;
    struct open_entry *entry = NULL;

    write_head(item, scratch);
    head_len = scratch->len - from;
    write_tail(item, scratch);
    tail_len = scratch->len - from - head_len;
    if (scratch->failed == STATUS_OK)
        /* It outlives the request: it goes when its instance does. */
        entry = malloc(sizeof *entry + head_len + tail_len);
    if (entry != NULL) {
        *entry = (struct open_entry){.operation = item->operation,
                                     .state = item->state,
                                     .head_len = head_len,
                                     .tail_len = tail_len};
        open_key_set(&entry->id, item->id);
        open_key_set(&entry->instance, item->instance);
        entry->id_hash = hash_of(&entry->id);
        entry->instance_hash = hash_of(&entry->instance);
        if (head_len + tail_len > 0)
            memcpy(entry->text, scratch->ptr + from, head_len + tail_len);
    }
    scratch->len = from;
    return entry;
}

void open_entry_free(struct open_entry **entry)
{
    free(*entry);
    *entry = NULL;
}

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
        free(entry);
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
    uint64_t hash = hash_of(id);
    struct open_entry *entry = *id_bucket(table, hash);

    while (entry != NULL && (entry->id_hash != hash || !same_key(&entry->id, id)))
        entry = entry->next_id;
    return entry;
}

static struct open_entry *find_instance(const struct open_table *table,
                                        const struct open_key *instance)
{
    uint64_t hash = hash_of(instance);
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
    if (state == OPEN_RESERVED)
        return &table->counts.reserved;
    return state == OPEN_UNKNOWN ? &table->counts.unknown : &table->counts.existing;
}

static void grow(struct open_table *table)
{
    uint64_t held = table->counts.reserved + table->counts.unknown + table->counts.existing;
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

static void drop(struct open_table *table, struct open_entry *entry)
{
    unchain(table, entry);
    *(entry->older == NULL ? &table->oldest : &entry->older->newer) = entry->newer;
    *(entry->newer == NULL ? &table->newest : &entry->newer->older) = entry->older;
    (*counter(table, entry->state))--;
    free(entry);
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

/* The instance that an intent created. */
static void exists(struct open_table *table, struct open_entry *entry,
                   const struct open_key *instance)
{
    if (instance->len > 0) {
        unchain_instance(table, entry);
        entry->instance = *instance;
        entry->instance_hash = hash_of(instance);
        chain_instance(table, entry);
    }
    set_state(table, entry, OPEN_EXISTING);
}

/* An outcome that nobody can read is an unknown one. */
static void close_entry(struct open_table *table, struct open_entry *entry,
                        const struct open_step *step)
{
    switch (step->outcome) {
    case OUTCOME_CREATED:
        exists(table, entry, &step->instance);
        return;
    case OUTCOME_DONE:
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

static bool is_delete(const struct operation *operation)
{
    return operation != NULL && operation->class == CLASS_RELEASE &&
           view_ends(view_str(operation->name), VIEW(".delete"));
}

static void apply_outcome(struct open_table *table, const struct open_step *step)
{
    struct open_entry *entry = find_id(table, &step->id);

    if (entry != NULL && entry->state == OPEN_RESERVED) {
        close_entry(table, entry, step);
        return;
    }
    if (!is_delete(step->operation) || step->status < 200 || step->status > 299 ||
        step->instance.len == 0)
        return;
    /* Changes of it with an unknown outcome go with it; one that still runs gets its own outcome.
     */
    for (entry = find_instance(table, &step->instance); entry != NULL;) {
        struct open_entry *next = entry->next_instance;

        if (entry->state != OPEN_RESERVED && same_key(&entry->instance, &step->instance))
            drop(table, entry);
        entry = next;
    }
}

/* Carries the id of the intent; the cloud's list told what came of it, or that it is gone. */
static void apply_settled(struct open_table *table, const struct open_step *step)
{
    struct open_entry *entry = find_id(table, &step->id);

    if (entry != NULL && entry->state != OPEN_RESERVED && step->outcome != OUTCOME_NONE &&
        step->outcome != OUTCOME_UNKNOWN)
        close_entry(table, entry, step);
}

static void apply_orphan(struct open_table *table, const struct open_step *step,
                         struct open_entry **entry)
{
    if (*entry == NULL || step->instance.len == 0 || find_instance(table, &step->instance) != NULL)
        return;
    (*entry)->state = OPEN_EXISTING;
    open_put(table, entry);
}

void open_apply(struct open_table *table, const struct open_step *step, struct open_entry **entry)
{
    switch (step->event) {
    case JOURNAL_INTENT:
        if (*entry != NULL)
            open_put(table, entry);
        return;
    case JOURNAL_OUTCOME:
        apply_outcome(table, step);
        return;
    case JOURNAL_SETTLED:
        apply_settled(table, step);
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

bool open_has_instance(const struct open_table *table, struct view instance)
{
    const struct open_entry *entry;
    struct open_key key;

    /* Changes of it that run or are unknown stand under the same instance. */
    open_key_set(&key, instance);
    for (entry = find_instance(table, &key); entry != NULL; entry = entry->next_instance) {
        if (entry->state == OPEN_EXISTING && same_key(&entry->instance, &key))
            return true;
    }
    return false;
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

struct view open_entry_id(const struct open_entry *entry)
{
    return open_key_view(&entry->id);
}

const struct operation *open_entry_operation(const struct open_entry *entry)
{
    return entry->operation;
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

static void format_instance(const struct open_entry *entry, struct buf *out)
{
    struct jwriter w;

    buf_add(out, VIEW(",\"instance\":{"));
    jwriter_init(&w, out);
    w.depth = 1;
    if (entry->instance.len > 0)
        jwriter_member_text(&w, "id", open_key_view(&entry->instance));
    if (entry->instance.len > 0 && entry->tail_len > 0)
        buf_add_byte(out, ',');
    buf_add(out, view_of(entry->text + entry->head_len, entry->tail_len));
    jwriter_close_object(&w);
}

void open_format(const struct open_table *table, struct buf *out)
{
    buf_add_byte(out, '[');
    for (const struct open_entry *entry = table->oldest; entry != NULL; entry = entry->newer) {
        if (entry != table->oldest)
            buf_add_byte(out, ',');
        buf_add_byte(out, '{');
        buf_add(out, view_of(entry->text, entry->head_len));
        if (entry->instance.len > 0 || entry->tail_len > 0)
            format_instance(entry, out);
        buf_printf(out, ",\"state\":\"%s\"}", open_state_name(entry->state));
    }
    buf_add_byte(out, ']');
}
