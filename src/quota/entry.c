/* SPDX-License-Identifier: Apache-2.0
 * Entries, with copies of their texts behind them in one piece of memory, and their groups. */
#include <stdlib.h>

#include "modelarts/unicode.h"
#include "quota/counter.h"

struct view ledger_cut(struct view text)
{
    return text.len <= LEDGER_TEXT_BYTES ? text : utf8_cut(text, LEDGER_TEXT_BYTES);
}

struct view shared_view(const struct shared_text *text)
{
    return text == NULL ? VIEW_NONE : view_of(text->bytes, text->len);
}

struct shared_text *shared_new(struct view text)
{
    struct view cut = ledger_cut(text);
    struct shared_text *shared = malloc(sizeof *shared + cut.len);

    if (shared == NULL)
        return NULL;
    shared->refs = 1;
    shared->len = (uint16_t)cut.len;
    if (cut.len > 0)
        memcpy(shared->bytes, cut.ptr, cut.len);
    return shared;
}

struct shared_text *shared_ref(struct shared_text *text)
{
    if (text != NULL)
        text->refs++;
    return text;
}

void shared_unref(struct shared_text **text)
{
    if (*text != NULL && --(*text)->refs == 0)
        free(*text);
    *text = NULL;
}

struct entry *entry_new(const struct ledger_item *item)
{
    const struct view texts[TEXT_COUNT] = {
        [TEXT_ID] = ledger_cut(item->id),           [TEXT_PROJECT] = ledger_cut(item->project),
        [TEXT_USER_ID] = ledger_cut(item->user_id), [TEXT_USER_NAME] = ledger_cut(item->user_name),
        [TEXT_DOMAIN] = ledger_cut(item->domain),   [TEXT_WORKSPACE] = ledger_cut(item->workspace),
        [TEXT_POOL] = ledger_cut(item->pool),       [TEXT_NAME] = ledger_cut(item->name),
        [TEXT_GATEWAY] = ledger_cut(item->gateway),
    };
    size_t bytes = 0;
    struct entry *entry;

    for (size_t i = 0; i < TEXT_COUNT; i++)
        bytes += texts[i].len;
    entry = malloc(sizeof *entry + bytes);
    if (entry == NULL)
        return NULL;
    *entry = (struct entry){.in_list = {.time_us = item->time_us},
                            .op = item->op,
                            .settle_after_us = item->settle_after_us,
                            .run_s = item->run_s,
                            .state = item->state,
                            .running = item->running,
                            .orphan = item->orphan,
                            .claimed = item->claimed};
    for (size_t i = 0, at = 0; i < TEXT_COUNT; i++) {
        if (texts[i].ptr == NULL)
            entry->absent |= (uint16_t)(1U << i);
        if (texts[i].len > 0)
            memcpy(entry->bytes + at, texts[i].ptr, texts[i].len);
        at += texts[i].len;
        entry->at[i + 1] = (uint16_t)at;
    }
    if (item->flavor.ptr != NULL) {
        entry->flavor = shared_new(item->flavor);
        if (entry->flavor == NULL) {
            free(entry);
            return NULL;
        }
    }
    return entry;
}

void entry_free(struct entry *entry)
{
    shared_unref(&entry->flavor);
    shared_unref(&entry->charged);
    free(entry);
}

struct view entry_text(const struct entry *entry, enum entry_text text)
{
    if ((entry->absent >> text & 1) != 0)
        return VIEW_NONE;
    return view_of(entry->bytes + entry->at[text], entry->at[text + 1] - entry->at[text]);
}

/* An operation that a later release knows and this one doesn't is taken for a create, which takes
 * most. */
enum entry_kind entry_kind(const struct entry *entry)
{
    if (entry->op == NULL)
        return KIND_CREATE;
    if (entry->op->class == CLASS_START)
        return KIND_START;
    if (entry->op->class != CLASS_CHANGE)
        return KIND_CREATE;
    return entry->op->id == OP_NOTEBOOKS_LEASE ? KIND_LEASE : KIND_CHANGE;
}

bool entry_is_open(const struct entry *entry)
{
    return entry->state == LEDGER_RESERVED || entry->state == LEDGER_UNKNOWN;
}

struct view entry_user(const struct entry *entry)
{
    struct view id = entry_text(entry, TEXT_USER_ID);

    return id.ptr != NULL ? id : entry_text(entry, TEXT_USER_NAME);
}

struct view entry_instance(const struct entry *entry)
{
    const struct group *group = entry->group;

    return group != NULL && group->known ? view_of(group->instance, group->len) : VIEW_NONE;
}

struct ledger_item entry_item(const struct entry *entry)
{
    return (struct ledger_item){.id = entry_text(entry, TEXT_ID),
                                .state = entry->state,
                                .op = entry->op,
                                .time_us = entry->in_list.time_us,
                                .settle_after_us = entry->settle_after_us,
                                .project = entry_text(entry, TEXT_PROJECT),
                                .user_id = entry_text(entry, TEXT_USER_ID),
                                .user_name = entry_text(entry, TEXT_USER_NAME),
                                .domain = entry_text(entry, TEXT_DOMAIN),
                                .workspace = entry_text(entry, TEXT_WORKSPACE),
                                .pool = entry_text(entry, TEXT_POOL),
                                .flavor = shared_view(entry->flavor),
                                .name = entry_text(entry, TEXT_NAME),
                                .instance = entry_instance(entry),
                                .run_s = entry->run_s,
                                .running = entry->running,
                                .orphan = entry->orphan,
                                .claimed = entry->claimed,
                                .gateway = entry_text(entry, TEXT_GATEWAY)};
}

/* ---- groups ---- */

static uint64_t hash_of(struct view text)
{
    return hash_add(HASH_START, text);
}

struct group *group_find(const struct ledger *ledger, struct view instance)
{
    struct view cut = ledger_cut(instance);
    struct hook *hook = table_first(&ledger->instances, hash_of(cut));

    for (; hook != NULL; hook = table_next(hook)) {
        struct group *group = OWNER_OF(hook, struct group, by_instance);

        if (view_eq(view_of(group->instance, group->len), cut))
            return group;
    }
    return NULL;
}

static void group_name(struct ledger *ledger, struct group *group, struct view instance)
{
    struct view cut = ledger_cut(instance);

    group->known = true;
    group->len = (uint16_t)cut.len;
    if (cut.len > 0)
        memcpy(group->instance, cut.ptr, cut.len);
    table_add(&ledger->instances, &group->by_instance, hash_of(cut));
}

/* One that has no instance yet has room for any, so that settling it takes no memory. */
static struct group *group_new(struct ledger *ledger, struct view instance)
{
    size_t room = instance.ptr == NULL ? LEDGER_TEXT_BYTES : ledger_cut(instance).len;
    struct group *group = malloc(sizeof *group + room);

    if (group == NULL)
        return NULL;
    *group = (struct group){0};
    if (instance.ptr != NULL)
        group_name(ledger, group, instance);
    return group;
}

static void group_append(struct group *group, struct entry *entry)
{
    struct entry **at = &group->entries;

    while (*at != NULL)
        at = &(*at)->next;
    entry->next = NULL;
    *at = entry;
}

bool entry_join(struct ledger *ledger, struct entry *entry, struct view instance)
{
    struct group *group = instance.ptr == NULL ? NULL : group_find(ledger, instance);

    if (group == NULL)
        group = group_new(ledger, instance);
    if (group == NULL)
        return false;
    group->refs++;
    entry->group = group;
    if (entry->state != LEDGER_SPENT)
        group_append(group, entry);
    return true;
}

void group_take_out(struct entry *entry)
{
    struct entry **at = &entry->group->entries;

    while (*at != NULL && *at != entry)
        at = &(*at)->next;
    if (*at == entry)
        *at = entry->next;
    entry->next = NULL;
}

void entry_leave(struct ledger *ledger, struct entry *entry)
{
    group_take_out(entry);
    group_release(ledger, entry->group);
}

void group_release(struct ledger *ledger, struct group *group)
{
    if (--group->refs > 0)
        return;
    while (group->members != NULL)
        member_free(group->members);
    if (group->known)
        table_remove(&ledger->instances, &group->by_instance);
    free(group);
}

struct entry *group_existing(const struct group *group)
{
    struct entry *entry = group->entries;

    while (entry != NULL && entry->state != LEDGER_EXISTING)
        entry = entry->next;
    return entry;
}

struct entry *group_head(const struct group *group)
{
    struct entry *existing = group_existing(group);

    return existing != NULL ? existing : group->entries;
}

/* Everything of one group becomes the other's. */
static void group_merge(struct group *into, struct group *from)
{
    struct entry **end = &into->entries;
    struct member **last = &into->members;

    while (*end != NULL)
        end = &(*end)->next;
    *end = from->entries;
    for (; *end != NULL; end = &(*end)->next)
        (*end)->group = into;
    while (*last != NULL)
        last = &(*last)->next;
    *last = from->members;
    for (; *last != NULL; last = &(*last)->next)
        (*last)->owner = into;
    into->refs += from->refs;
    free(from);
}

struct group *group_become(struct ledger *ledger, struct group *group, struct view instance)
{
    struct group *there = group_find(ledger, instance);

    if (there == NULL) {
        size_t len = ledger_cut(instance).len;
        struct group *smaller = malloc(sizeof *smaller + len);

        if (smaller == NULL) {
            group_name(ledger, group, instance);
            return group;
        }
        *smaller = (struct group){0};
        group_name(ledger, smaller, instance);
        there = smaller;
    }
    group_merge(there, group);
    return there;
}

/* ---- tables and lists ---- */

static uint64_t name_hash(struct view project, struct view name)
{
    return hash_add(hash_add(HASH_START, project), name);
}

static int list_of(const struct entry *entry)
{
    return entry_is_open(entry)              ? LIST_OPEN
           : entry->state == LEDGER_EXISTING ? LIST_EXISTING
                                             : LIST_SPENT;
}

/* by: 1, or all ones for minus one */
static void count_entry(struct ledger_counts *counts, const struct entry *entry, uint64_t by)
{
    switch (entry->state) {
    case LEDGER_RESERVED:
        counts->reserved += by;
        break;
    case LEDGER_UNKNOWN:
        counts->unknown += by;
        break;
    case LEDGER_EXISTING:
        counts->existing += by;
        counts->running += entry->running ? by : 0;
        counts->orphans += entry->orphan ? by : 0;
        break;
    case LEDGER_SPENT:
        counts->spent += by;
        break;
    }
}

void entry_list(struct ledger *ledger, struct entry *entry)
{
    struct view id = entry_text(entry, TEXT_ID);

    table_add(&ledger->ids, &entry->by_id, hash_of(id));
    entry->named = entry_is_open(entry) && entry_kind(entry) == KIND_CREATE;
    if (entry->named)
        table_add(&ledger->names, &entry->by_name,
                  name_hash(entry_text(entry, TEXT_PROJECT), entry_text(entry, TEXT_NAME)));
    order_add(&ledger->lists[list_of(entry)], &entry->in_list);
    count_entry(&ledger->counts, entry, 1);
}

void entry_unlist(struct ledger *ledger, struct entry *entry)
{
    table_remove(&ledger->ids, &entry->by_id);
    if (entry->named)
        table_remove(&ledger->names, &entry->by_name);
    entry->named = false;
    order_remove(&ledger->lists[list_of(entry)], &entry->in_list);
    count_entry(&ledger->counts, entry, UINT64_MAX);
}

struct entry *entry_find(const struct ledger *ledger, struct view id)
{
    struct view cut = ledger_cut(id);
    struct hook *hook = table_first(&ledger->ids, hash_of(cut));

    for (; hook != NULL; hook = table_next(hook)) {
        struct entry *entry = OWNER_OF(hook, struct entry, by_id);

        if (view_eq(entry_text(entry, TEXT_ID), cut))
            return entry;
    }
    return NULL;
}

struct entry *entry_named(const struct ledger *ledger, struct view project, struct view name,
                          const struct entry *behind)
{
    struct view cut = ledger_cut(name), in = ledger_cut(project);
    struct hook *hook = behind == NULL ? table_first(&ledger->names, name_hash(in, cut))
                                       : table_next(&behind->by_name);

    for (; hook != NULL; hook = table_next(hook)) {
        struct entry *entry = OWNER_OF(hook, struct entry, by_name);
        struct view its = entry_text(entry, TEXT_NAME);

        if (view_eq(entry_text(entry, TEXT_PROJECT), in) && view_eq(its, cut) &&
            (its.ptr == NULL) == (name.ptr == NULL))
            return entry;
    }
    return NULL;
}
