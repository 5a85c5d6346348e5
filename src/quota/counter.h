/* SPDX-License-Identifier: Apache-2.0
 * What the files that count share.
 *
 * GLOSSARY, beside those of ledger.h and inner.h
 * tally  the counters of some quotas, for all entries
 * draft  what a group and an entry would hold in a tally; kept or dropped as a whole */
#pragma once

#include "quota/inner.h"

/* Sums of charges: more than a million of the largest ones fit. */
__extension__ typedef __int128 wide;

struct member {
    struct link in_counter;
    struct counter *counter;
    struct member *next; /* of its owner */
    void *owner;         /* the group; of a charge the entry */
    int64_t amount;      /* 1; of a charge thousandths of weighted seconds */
};

enum { PER_COUNT = 5 };

/* For whom something counts. Texts that the quota isn't counted by have ptr NULL and no bit. */
struct counter_key {
    struct view per[PER_COUNT]; /* in the order of the bits QUOTA_PER_* */
    unsigned unknown;           /* bits of `per`: not known, so for each that it could be */
};

struct counter {
    struct hook hook;
    struct counter *prev, *next; /* of its quota */
    struct tally *tally;
    struct quota_use *use;
    struct order members;
    wide used;
    size_t holds; /* members, in the list or drafted */
    unsigned unknown;
    uint16_t at[PER_COUNT + 1];
    char bytes[];
};

struct quota_use {
    const struct quota *quota;
    struct counter *counters;
    uint32_t shapes; /* bits: which sets of unknown attributes its counters have */
    size_t shape_count[1U << PER_COUNT]; /* counters of each */
};

struct tally {
    struct quota_use *uses; /* in the order of the quotas' names */
    size_t count;
    struct table counters;
};

MUST_CHECK struct tally *tally_new(const struct quota *const *quotas, size_t count);
void tally_free(struct tally **tally);
/* The place of the quota in the tally, or NULL. */
struct quota_use *tally_find(struct tally *tally, const struct quota *quota);
/* Counts all entries. False: memory; the tally is of no use. */
MUST_CHECK bool tally_fill(struct tally *tally, struct ledger *ledger);
/* Charges whose window is over leave the quota's counters. */
void use_expire(struct quota_use *use, int64_t now_us);
/* What is in use for whom the counter is. Of one with unknown attributes, for the worst off that
 * it could be. */
wide use_of(struct counter *counter, int64_t now_us);
/* Whether the filters of a budget let the entry's run time pass. */
bool entry_is_charged_by(const struct entry *entry, const struct quota *quota);
struct counter_key counter_key(const struct counter *counter);
bool counter_covers(const struct counter *counter, const struct counter_key *key);
void member_free(struct member *member);

struct draft {
    struct tally *tally;
    struct group *group;
    struct entry *entry;    /* whose charges; or NULL */
    struct member *kept;    /* of the group already */
    struct member *fresh;   /* places to be taken */
    struct member *charges; /* charges to be made */
};
/* False: memory; nothing is changed and there is no draft. entry: one that has no charges yet. */
MUST_CHECK bool draft_make(struct draft *draft, const struct ledger *ledger, struct tally *tally,
                           struct group *group, struct entry *entry);
void draft_keep(struct draft *draft);
void draft_drop(struct draft *draft);
/* Counts the group (and the charges of the entry, or NULL) as it is now; without memory for it the
 * ledger is stale. */
void group_count(struct ledger *ledger, struct group *group, struct entry *entry);
void entry_uncharge(struct entry *entry);

/* refuse.c: reasons */
struct lack {
    const struct ledger_item *asked;
    const struct quota *quota;
    struct counter *counter;
    wide used, more;
};
/* False: memory. */
MUST_CHECK bool refuse_lack(const struct lack *lack, struct arena *arena, struct reason *ret);
MUST_CHECK bool refuse_endless(const struct quota *quota, struct arena *arena, struct reason *ret);
MUST_CHECK bool refuse_pending(const struct ledger_item *asked, struct arena *arena,
                               struct reason *ret);
