/* SPDX-License-Identifier: Apache-2.0
 * What the files of the ledger share: its entries, and the groups that they form.
 *
 * GLOSSARY, beside that of ledger.h
 * group   the entries of one instance; of a create that has none yet, that create alone
 * member  one place in a counter, held by a group, or one charge in it, held by an entry */
#pragma once

#include "quota/ledger.h"
#include "quota/order.h"
#include "quota/table.h"

enum entry_text {
    TEXT_ID,
    TEXT_PROJECT,
    TEXT_USER_ID,
    TEXT_USER_NAME,
    TEXT_DOMAIN,
    TEXT_WORKSPACE,
    TEXT_POOL,
    TEXT_NAME,
    TEXT_GATEWAY,
    TEXT_COUNT
};

/* What an entry does to quotas, by the operation of its intent. */
enum entry_kind { KIND_CREATE, KIND_START, KIND_CHANGE, KIND_LEASE };

/* A text that several hold. NULL: not known. */
struct shared_text {
    unsigned refs;
    uint16_t len;
    char bytes[];
};

struct entry {
    struct link in_list; /* of its state; its time */
    struct hook by_id;
    struct hook by_name; /* of unsettled creates */
    struct group *group;
    struct entry *next; /* of the group */
    struct member *charges;
    const struct operation *op;
    struct shared_text *flavor;
    struct shared_text *charged; /* the flavor that the run time was charged for; NULL: flavor */
    int64_t settle_after_us;
    int64_t run_s;
    int64_t changed_us; /* lists that began before this don't know the entry as it is */
    int64_t missed_us;  /* begin of the first scan that did not show it; 0: none */
    enum ledger_state state : 8;
    bool running : 1, orphan : 1, claimed : 1, named : 1;
    uint16_t absent; /* bits: texts with ptr NULL */
    uint16_t at[TEXT_COUNT + 1];
    char bytes[];
};

struct group {
    struct hook by_instance;
    struct entry *entries; /* all but spent ones, in the order in which they came */
    struct member *members;
    unsigned refs; /* entries, spent ones too */
    uint32_t seen; /* number of the last scan that showed the instance */
    bool known;    /* has an instance id */
    uint16_t len;
    char instance[];
};

struct ledger {
    struct policy_set *set; /* in use, or NULL */
    struct tally *tally;
    bool stale; /* memory ran out while something was counted: all must be counted anew */
    bool ignore_orphans;
    struct table ids, instances, names;
    struct order *lists; /* open, existing, spent: a reader may sort them */
    struct ledger_counts counts;
    struct ledger_watcher watcher;
    uint32_t scans;
};

enum { LIST_OPEN, LIST_EXISTING, LIST_SPENT, LIST_COUNT };

/* entry.c: entries by themselves; nothing here counts */
MUST_CHECK struct entry *entry_new(const struct ledger_item *item);
void entry_free(struct entry *entry);
struct view entry_text(const struct entry *entry, enum entry_text text);
struct view shared_view(const struct shared_text *text);
/* NULL when memory is out. */
MUST_CHECK struct shared_text *shared_new(struct view text);
struct shared_text *shared_ref(struct shared_text *text);
void shared_unref(struct shared_text **text);
struct view ledger_cut(struct view text);
enum entry_kind entry_kind(const struct entry *entry);
bool entry_is_open(const struct entry *entry);
struct view entry_user(const struct entry *entry); /* the id, or else the name */
struct view entry_instance(const struct entry *entry);
struct ledger_item entry_item(const struct entry *entry);
/* Puts the entry into the group of that instance, or one of its own (ptr NULL). False: memory. */
MUST_CHECK bool entry_join(struct ledger *ledger, struct entry *entry, struct view instance);
/* Out of what counts for its group; the group stays the entry's. */
void group_take_out(struct entry *entry);
void group_release(struct ledger *ledger, struct group *group);
void entry_leave(struct ledger *ledger, struct entry *entry);
/* Into and out of the tables and the list of its state. */
void entry_list(struct ledger *ledger, struct entry *entry);
void entry_unlist(struct ledger *ledger, struct entry *entry);
struct entry *entry_find(const struct ledger *ledger, struct view id);
/* An unsettled create of that name and project (ptr NULL: of no name), or the next of them. */
struct entry *entry_named(const struct ledger *ledger, struct view project, struct view name,
                          const struct entry *behind);
struct group *group_find(const struct ledger *ledger, struct view instance);
struct entry *group_existing(const struct group *group);
/* The entry that stands for the group, for its name: the existing one, or else the first. */
struct entry *group_head(const struct group *group);
/* The create's group becomes that of the instance: one that is there takes the entry in. */
struct group *group_become(struct ledger *ledger, struct group *group, struct view instance);

/* ledger.c: changes */
void ledger_tell(const struct ledger *ledger, const struct entry *entry, bool gone);
/* Puts a new entry in, which has joined its group. */
void ledger_attach(struct ledger *ledger, struct entry *entry);
/* Takes it out of everything; its texts and its instance stay until it is forgotten. */
void ledger_detach(struct ledger *ledger, struct entry *entry);
void ledger_forget(struct ledger *ledger, struct entry *entry);
/* What the entry is about is over: it becomes a charge, or is detached where no window needs that.
 * Tells the watcher. False: the caller forgets it. */
MUST_CHECK bool ledger_end(struct ledger *ledger, struct entry *entry, int64_t now_us);
/* A lost or answered create has that instance. */
void ledger_settle_created(struct ledger *ledger, struct entry *entry, struct view instance,
                           int64_t now_us);
/* A start or change is done. False: its entry is over, and the caller forgets it. */
MUST_CHECK bool ledger_settle_done(struct ledger *ledger, struct entry *entry, int64_t now_us);
/* The existing entry is as something was seen at that time; flavor NULL: no other. Tells. */
void ledger_correct(struct ledger *ledger, struct entry *entry, bool running,
                    struct shared_text *flavor, int64_t seen_us);
/* Counts all anew; false: memory, the ledger is stale. */
bool ledger_recount(struct ledger *ledger);
bool ledger_is_full(const struct ledger *ledger);
/* Spent entries that no window needs any more go. */
void ledger_purge(struct ledger *ledger, int64_t now_us, bool tell);
