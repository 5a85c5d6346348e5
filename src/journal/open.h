/* SPDX-License-Identifier: Apache-2.0
 * What is open: a fold over the lines of the journal that a checkpoint writes down. Reservations
 * (intents without an outcome), unknown outcomes, existing instances, and starts of the past whose
 * run time still counts. Pure but for the memory of its entries; the writer thread feeds it as it
 * writes, recovery feeds it what it reads. The rules are docs/journal.md, "Checkpoints". */
#pragma once

#include "journal/record.h"

struct jwriter;

enum {
    OPEN_KEY_BYTES = 128,  /* ids and instance ids are told apart by so much */
    OPEN_TEXT_BYTES = 256, /* other texts are cut here */
};

enum open_state {
    OPEN_RESERVED, /* an intent without an outcome */
    OPEN_UNKNOWN,
    OPEN_EXISTING,
    OPEN_SPENT, /* a create, start or lease that is over: its run time counts for budgets */
};
const char *open_state_name(enum open_state state);
MUST_CHECK bool open_state_find(struct view name, enum open_state *ret);

struct open_key {
    unsigned char len;
    char text[OPEN_KEY_BYTES];
};
void open_key_set(struct open_key *key, struct view text);
struct view open_key_view(const struct open_key *key);

/* One line, as far as the fold looks. Fixed size: it travels with the line. */
struct open_step {
    enum journal_event event;
    const struct operation *operation; /* NULL: not known */
    enum journal_outcome outcome;
    struct open_key id, instance;
};

/* What an entry keeps of its line. Texts that the line doesn't name have ptr NULL. */
struct open_item {
    struct view id, time, project;
    int64_t time_us; /* the same as time; 0: it can't be read */
    struct view user_id, user_name, user_domain;
    struct view instance, name, flavor, workspace, pool, profile;
    int64_t auto_stop_s;               /* -1: nothing stops it, or the line doesn't say */
    const struct operation *operation; /* of an orphan its family's create; NULL: not known */
    enum open_state state;
    bool orphan; /* an orphan line brought it, no intent */
};

struct open_entry;
struct open_table;

/* The step and the item of a line. time: its text. The item borrows from facts and time. */
void open_step_of(const struct journal_facts *facts, struct open_step *ret);
void open_item_of(const struct journal_facts *facts, struct view time, struct open_item *ret);

/* Whether the line brings an entry: an intent, an orphan, a settled line that names a flavor. */
bool open_needs_entry(enum journal_event event, const struct open_item *item);
/* A copy, texts cut. NULL when memory is out. */
MUST_CHECK struct open_entry *open_entry_new(const struct open_item *item);
void open_entry_free(struct open_entry **entry);

MUST_CHECK struct open_table *open_table_new(void); /* NULL when memory is out */
void open_table_free(struct open_table **table);

/* Puts an entry in as it is: the elements of a checkpoint. Replaces one of the same id. */
void open_put(struct open_table *table, struct open_entry **entry);
/* Folds one line in; *entry (may be NULL inside) is taken where the line brings one. Cannot fail.
 */
void open_apply(struct open_table *table, const struct open_step *step, struct open_entry **entry);

struct open_counts {
    uint64_t reserved, unknown, existing, spent;
};
struct open_counts open_count(const struct open_table *table);
/* When what is reserved or unknown began, the oldest of it, in us: INT64_MAX where there is
 * nothing, 0 where one doesn't say it. */
int64_t open_oldest_us(const struct open_table *table);
/* Drops what is spent and of that time (us) or before. */
void open_prune(struct open_table *table, int64_t until_us);
/* Whether an instance of that id exists, as far as the lines tell. */
bool open_has_instance(const struct open_table *table, struct view instance);
/* The state of the entry of that id; false: there is none. */
MUST_CHECK bool open_find_state(const struct open_table *table, struct view id,
                                enum open_state *ret);
/* Whether the id is an intent without an outcome. */
bool open_is_reserved(const struct open_table *table, struct view id);

/* Reservations, oldest first: next after NULL is the first. NULL at the end. */
struct open_entry *open_next_reserved(const struct open_table *table,
                                      const struct open_entry *after);
struct view open_entry_id(const struct open_entry *entry);
const struct operation *open_entry_operation(const struct open_entry *entry);
/* Whether an intent's operation isn't known: earlier checkpoints didn't say it. */
bool open_lacks_operations(const struct open_table *table);
/* Of the entry of that id, if there is one. */
void open_set_operation(struct open_table *table, struct view id,
                        const struct operation *operation);

/* All entries, oldest first; views live as long as the call. False ends it. */
void open_each(const struct open_table *table,
               bool (*each)(void *user, const struct open_item *item), void *user);
/* One element of a checkpoint's `open`. */
void open_item_format(const struct open_item *item, struct jwriter *w);
/* Appends the array of a checkpoint's `open`, oldest first. */
void open_format(const struct open_table *table, struct buf *out);
