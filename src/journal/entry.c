/* SPDX-License-Identifier: Apache-2.0
 * Entries of the fold. */
#include "journal/entry.h"

#include <stdlib.h>

#include "base/clock.h"
#include "json/write.h"
#include "modelarts/unicode.h"

static const char *const state_names[] = {[OPEN_RESERVED] = "reserved",
                                          [OPEN_UNKNOWN] = "unknown",
                                          [OPEN_EXISTING] = "existing",
                                          [OPEN_SPENT] = "spent"};

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

/* The ids are our own random ones and the cloud's, no caller chooses them. */
uint64_t open_key_hash(const struct open_key *key)
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

/* ---- of facts ---- */

void open_step_of(const struct journal_facts *facts, struct open_step *ret)
{
    ret->event = facts->event;
    ret->operation = facts->operation;
    ret->outcome = facts->outcome;
    open_key_set(&ret->id, facts->id);
    open_key_set(&ret->instance, journal_instance_id(facts));
}

void open_item_of(const struct journal_facts *facts, struct view time, struct open_item *ret)
{
    const struct journal_instance of = journal_instance_of(facts);
    const struct subject *user = facts->user;
    unsigned known = user == NULL ? 0 : user->known;

    *ret = (struct open_item){.id = facts->id,
                              .time = time,
                              .time_us = facts->time_us,
                              .project = facts->project,
                              .instance = of.id,
                              .name = of.name,
                              .flavor = of.flavor,
                              .workspace = of.workspace,
                              .pool = of.pool,
                              .operation = facts->operation,
                              .auto_stop_s = journal_run_s(facts),
                              .state = OPEN_RESERVED,
                              .orphan = facts->event == JOURNAL_ORPHAN};
    if (known & SUBJECT_USER) {
        ret->user_id = user->user_id;
        ret->user_name = user->user_name;
    }
    if (known & SUBJECT_DOMAIN)
        ret->user_domain = user->domain_name.ptr != NULL ? user->domain_name : user->domain_id;
    if (facts->instance != NULL)
        ret->profile = journal_profile(facts->instance);
}

bool open_needs_entry(enum journal_event event, const struct open_item *item)
{
    return event == JOURNAL_INTENT || event == JOURNAL_ORPHAN ||
           (event == JOURNAL_SETTLED && item->flavor.len > 0);
}

/* ---- entries ---- */

/* The texts of an item, in the order of enum journal_entry_text, cut. Gives the bytes of all. */
static size_t texts_of(const struct open_item *item, struct view ret[ENTRY_TEXTS])
{
    const struct view texts[ENTRY_TEXTS] = {
        [ENTRY_TIME] = item->time,
        [ENTRY_PROJECT] = item->project,
        [ENTRY_USER_ID] = item->user_id,
        [ENTRY_USER_NAME] = item->user_name,
        [ENTRY_USER_DOMAIN] = item->user_domain,
        [ENTRY_NAME] = item->name,
        [ENTRY_FLAVOR] = item->flavor,
        [ENTRY_WORKSPACE] = item->workspace,
        [ENTRY_POOL] = item->pool,
        [ENTRY_PROFILE] = item->profile,
    };
    size_t bytes = 0;

    for (int i = 0; i < ENTRY_TEXTS; i++) {
        ret[i] = utf8_cut(texts[i], OPEN_TEXT_BYTES);
        bytes += ret[i].ptr == NULL ? 0 : ret[i].len;
    }
    return bytes;
}

void entry_set_instance(struct open_entry *entry, const struct open_key *instance)
{
    entry->instance = *instance;
    entry->instance_hash = open_key_hash(instance);
}

struct open_entry *open_entry_new(const struct open_item *item)
{
    struct view texts[ENTRY_TEXTS];
    size_t bytes = texts_of(item, texts), used = 0;
    /* It outlives the request: it goes when its instance does. */
    struct open_entry *entry = malloc(sizeof *entry + bytes);

    if (entry == NULL)
        return NULL;
    *entry = (struct open_entry){.operation = item->operation,
                                 .state = item->state,
                                 .orphan = item->orphan,
                                 .time_us = item->time_us,
                                 .auto_stop_s = item->auto_stop_s};
    for (int i = 0; i < ENTRY_TEXTS; i++) {
        if (texts[i].ptr != NULL) {
            entry->known |= 1u << i;
            memcpy(entry->text + used, texts[i].ptr, texts[i].len);
            used += texts[i].len;
        }
        entry->ends[i] = (uint16_t)used;
    }
    open_key_set(&entry->id, item->id);
    open_key_set(&entry->instance, item->instance);
    entry->id_hash = open_key_hash(&entry->id);
    entry->instance_hash = open_key_hash(&entry->instance);
    return entry;
}

void open_entry_free(struct open_entry **entry)
{
    struct open_entry *gone = *entry;

    while (gone != NULL) {
        struct open_entry *next = gone->flavor_of;

        free(gone);
        gone = next;
    }
    *entry = NULL;
}

struct view journal_entry_text(const struct open_entry *entry, enum journal_entry_text which)
{
    size_t from = which == 0 ? 0 : entry->ends[which - 1];

    if ((entry->known & 1u << which) == 0)
        return VIEW_NONE;
    return view_of(entry->text + from, entry->ends[which] - from);
}

void journal_entry_item(const struct open_entry *entry, struct open_item *ret)
{
    const struct open_entry *flavor_of = entry->flavor_of == NULL ? entry : entry->flavor_of;

    *ret = (struct open_item){
        .id = open_key_view(&entry->id),
        .time = journal_entry_text(entry, ENTRY_TIME),
        .time_us = entry->time_us,
        .project = journal_entry_text(entry, ENTRY_PROJECT),
        .user_id = journal_entry_text(entry, ENTRY_USER_ID),
        .user_name = journal_entry_text(entry, ENTRY_USER_NAME),
        .user_domain = journal_entry_text(entry, ENTRY_USER_DOMAIN),
        .instance = entry->instance.len == 0 ? VIEW_NONE : open_key_view(&entry->instance),
        .name = journal_entry_text(entry, ENTRY_NAME),
        .flavor = journal_entry_text(flavor_of, ENTRY_FLAVOR),
        .workspace = journal_entry_text(entry, ENTRY_WORKSPACE),
        .pool = journal_entry_text(entry, ENTRY_POOL),
        .profile = journal_entry_text(entry, ENTRY_PROFILE),
        .auto_stop_s = entry->auto_stop_s,
        .operation = entry->operation,
        .state = entry->state,
        .orphan = entry->orphan,
    };
}

struct view open_entry_id(const struct open_entry *entry)
{
    return open_key_view(&entry->id);
}

const struct operation *open_entry_operation(const struct open_entry *entry)
{
    return entry->operation;
}

/* ---- in a checkpoint ---- */

static void format_user(const struct open_item *item, struct jwriter *w)
{
    if (item->user_id.ptr == NULL && item->user_name.ptr == NULL && item->user_domain.ptr == NULL)
        return;
    jwriter_key(w, "user");
    jwriter_open_object(w);
    jwriter_member_opt(w, "id", item->user_id);
    jwriter_member_opt(w, "name", item->user_name);
    jwriter_member_opt(w, "domain", item->user_domain);
    jwriter_close_object(w);
}

static void format_instance(const struct open_item *item, struct jwriter *w)
{
    const struct view texts[] = {item->instance,  item->name, item->flavor,
                                 item->workspace, item->pool, item->profile};
    static const char *const keys[] = {"id", "name", "flavor", "workspace", "pool", "profile"};
    bool any = item->auto_stop_s >= 0;

    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        any = any || texts[i].ptr != NULL;
    if (!any)
        return;
    jwriter_key(w, "instance");
    jwriter_open_object(w);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        jwriter_member_opt(w, keys[i], texts[i]);
    if (item->auto_stop_s >= 0)
        jwriter_member_int(w, "auto_stop_s", item->auto_stop_s);
    jwriter_close_object(w);
}

void open_item_format(const struct open_item *item, struct jwriter *w)
{
    jwriter_open_object(w);
    jwriter_member_text(w, "id", item->id);
    jwriter_member_opt(w, "time", item->time);
    jwriter_member_opt(w, "project", item->project);
    format_user(item, w);
    format_instance(item, w);
    jwriter_member_text(w, "state", view_str(open_state_name(item->state)));
    if (item->operation != NULL)
        jwriter_member_text(w, "operation", view_str(item->operation->name));
    if (item->orphan) {
        jwriter_key(w, "orphan");
        jwriter_bool(w, true);
    }
    jwriter_close_object(w);
}
