/* SPDX-License-Identifier: Apache-2.0
 * What the cloud's list says against what the ledger holds. Pure. One complete scan is applied at
 * once: it settles unknown outcomes, frees what is gone or stopped, and finds orphans. */
#pragma once

#include "quota/ledger.h"

/* An instance as the cloud lists it. Absent texts have ptr NULL. */
struct scan_instance {
    enum family family;
    struct view id, name, flavor, workspace, pool, user_id, user_name, domain;
    bool exists;        /* not deleted, and its creation did not fail */
    bool runs;          /* neither stopped nor failed either */
    int64_t created_us; /* 0: the list doesn't say */
};

/* Complete: every page of every list of this project; whoever could not read a page has no scan. */
struct scan {
    struct view project;
    struct view own_of; /* a caller's token: it lists that user's own instances, and proves absence
                           of nobody else's; ptr NULL: the whole project's */
    int64_t begun_us;
    int64_t grace_us; /* how long the cloud's list may lag behind its answers */
    const struct scan_instance *items;
    size_t count;
};

enum scan_finding {
    SCAN_CREATED, /* an unknown create is in the list: it exists */
    SCAN_DONE,    /* an unknown start or change is seen to be done */
    SCAN_ABSENT,  /* an unknown outcome came to nothing */
    SCAN_GONE,    /* an instance is no longer there */
    SCAN_STOPPED, /* its place of running is free */
    SCAN_STARTED, /* it runs, though the ledger had it as stopped */
    SCAN_CHANGED, /* it has another flavor than the ledger had */
    SCAN_ORPHAN,  /* no line of the journal made it */
};
const char *scan_finding_name(enum scan_finding finding);

/* item: the entry as it is after the finding (of GONE and ABSENT: as it was). Called before the
 * next is looked for; must not change the ledger. */
typedef void (*scan_report)(void *user, enum scan_finding finding, const struct ledger_item *item);

/* new_id: makes ids for orphans (32 hex digits into id). mine: whose reservations may be settled
 * (ptr NULL: everybody's); leads: whether existing entries and orphans are this gateway's to
 * correct.
 *
 * A listed instance settles one unknown create: of the same family, project, user, name and flavor,
 * made after the intent. Absence takes two complete scans, the second begun when settle_after_us
 * and the grace are over. So does an existing entry that is gone, unless the list itself says that
 * it is deleted. Every listed instance counts once, claimed or not, and unsettled reservations
 * besides; one that an open reservation may have made is no orphan yet. STATUS_NOMEM: some of it
 * may be applied, the next scan does the rest. */
struct scan_rules {
    void (*new_id)(void *user, char id[static 32]);
    scan_report report;
    void *user;
    struct view mine;
    bool leads;
    struct view agent; /* the cloud's id of the user whose key the gateway signs with for callers
                          that have none: to the cloud their instances are that user's. Or empty */
};
MUST_CHECK enum status ledger_reconcile(struct ledger *ledger, const struct scan *scan,
                                        const struct scan_rules *rules, int64_t now_us);
