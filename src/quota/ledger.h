/* SPDX-License-Identifier: Apache-2.0
 * The ledger: all that is counted, and how much of each quota is in use. Pure: no I/O, no clock, no
 * lock; time is an argument. The rules are design sections 5 and 6; docs/quotas.md is the manual.
 *
 * GLOSSARY
 * entry        one thing that is counted, with its attributes (never with names of quotas): an
 *              instance, a start or change under way, or a start of the past whose time still
 * counts reservation  an entry whose outcome isn't known yet: under way (reserved) or lost
 * (unknown) counter      one quota for one project, user, ...: what of it is in use, and by which
 * entries claim        joining a listed instance to the reservation that made it */
#pragma once

#include "base/reason.h"
#include "policy/decision.h"
#include "policy/quota.h"

enum quota_reason {
#define REASON(id, code, status, help) QUOTA_REASON_##id,
#include "quota/reasons.def"
#undef REASON
    QUOTA_REASON_COUNT,
};
extern const struct reason_row quota_reasons[QUOTA_REASON_COUNT];

enum ledger_state {
    LEDGER_RESERVED, /* under way */
    LEDGER_UNKNOWN,  /* what came of it is to be found out */
    LEDGER_EXISTING,
    LEDGER_SPENT, /* a start that is over, whose run time counts until its window ends */
};
const char *ledger_state_name(enum ledger_state state);
MUST_CHECK bool ledger_state_find(struct view name, enum ledger_state *ret);

enum {
    LEDGER_TEXT_BYTES = 256, /* texts are cut here */
    LEDGER_NAMES_MAX = 10,   /* instances that a refusal names */
    LEDGER_ENTRIES_MAX = 1000000,
};

/* An entry's attributes, and what is asked for. Views; the ledger keeps copies. */
struct ledger_item {
    struct view id; /* of the intent, or of the orphan line; unique */
    enum ledger_state state;
    const struct operation *op; /* of the intent; of an orphan its family's create */
    int64_t time_us;            /* of the intent; of an orphan when the cloud made it */
    int64_t settle_after_us;    /* when nothing more can come of what was sent: the send deadline is
                                   over; absence is proved by lists later than that and a grace */
    struct view project, user_id, user_name, domain, workspace, pool, flavor, name;
    struct view instance; /* ptr NULL: not known yet; of starts and changes always there */
    int64_t run_s;        /* forced run time of this start; -1: no charge (a change), or it never
                             stops */
    bool running;         /* of an existing one: not stopped or failed, as far as is known */
    bool orphan;          /* made around the gateway */
    bool claimed;         /* false: listed by the cloud, but nobody's yet; counts besides */
    struct view gateway;  /* whose it is, where gateways share a store; else VIEW_NONE */
};

struct ledger;

MUST_CHECK struct ledger *ledger_new(void); /* NULL when memory is out */
void ledger_free(struct ledger **ledger);
/* From now on the quotas of this set are counted (a reference is kept): all entries are counted
 * anew. STATUS_NOMEM: the former set stays. */
MUST_CHECK enum status ledger_use(struct ledger *ledger, struct policy_set *set, int64_t now_us);
/* Whether orphans and unclaimed instances count; they do unless this says no. */
void ledger_count_orphans(struct ledger *ledger, bool count);

/* Called within each change by reserve, settle and reconcile (not by put and drop), after it was
 * made: for whoever keeps a copy elsewhere. gone: the entry is no more. */
struct ledger_watcher {
    void (*changed)(void *user, const struct ledger_item *item, bool gone);
    void *user;
};
void ledger_watch(struct ledger *ledger, const struct ledger_watcher *watcher);

enum ledger_answer {
    LEDGER_GRANTED,
    LEDGER_REFUSED, /* with reasons */
    LEDGER_FAILED,  /* memory, or too many entries: the caller must refuse */
};

struct ledger_ask {
    struct ledger_item item; /* state RESERVED; class create, start, or change (an update that
                                names a flavor, a lease) */
    const struct quota_demand *demands;
    size_t demand_count;
    bool enforced; /* look at the enforced demands; else at the others (never takes a place) */
    bool take;     /* false: only look */
};

/* All places or none. Refused, with reasons in the arena, when an enforced quota has no room
 * (quota.exceeded; instances that fill it are named if they are in the asking project), a budget is
 * asked for a run without end (quota.endless), or an unsettled create has the same family, project
 * and name (create.pending). An instance counts once in a counter, whatever is known of it: a start
 * of one that runs takes no place, a change of flavor takes one only where the old flavor holds
 * none. The demands' quotas may be of an older set than the one in use. */
MUST_CHECK enum ledger_answer ledger_reserve(struct ledger *ledger, const struct ledger_ask *ask,
                                             int64_t now_us, struct arena *arena,
                                             const struct reason **ret_reasons, size_t *ret_count);

/* What came of a reservation. */
enum ledger_fate {
    LEDGER_CREATED, /* exists, with the instance id */
    LEDGER_DONE,    /* of a start: the instance runs; of a change: it has the new flavor */
    LEDGER_NOTHING, /* nothing came of it: its place and its charge are free */
    LEDGER_HELD,    /* unknown: keeps all */
};
/* False: there is no such reservation (it is settled already). instance: of CREATED. An unclaimed
 * entry of that instance is joined. A start or change that is done becomes a charge (SPENT), or
 * goes if no window needs it; of one whose instance has no entry, the item becomes the existing
 * one. */
bool ledger_settle(struct ledger *ledger, struct view id, enum ledger_fate fate,
                   struct view instance, int64_t now_us);

/* An entry as it is: at start, or as another gateway left it. Replaces the one of that id. */
MUST_CHECK enum status ledger_put(struct ledger *ledger, const struct ledger_item *item,
                                  int64_t now_us);
void ledger_drop(struct ledger *ledger, struct view id);

MUST_CHECK bool ledger_get(const struct ledger *ledger, struct view id, struct ledger_item *ret);
/* The existing entry of an instance. Views live until the next change. */
MUST_CHECK bool ledger_find_instance(const struct ledger *ledger, struct view instance,
                                     struct ledger_item *ret);
/* All entries, oldest first; the callback must not change the ledger. False ends it. */
void ledger_each(const struct ledger *ledger,
                 bool (*each)(void *user, const struct ledger_item *item), void *user);

struct ledger_counts {
    uint64_t reserved, unknown, existing, running, orphans, spent;
    int64_t oldest_unknown_us; /* 0: none */
};
struct ledger_counts ledger_count(const struct ledger *ledger);

/* Each quota of the set in use for each group that has entries (or, without `per`, once): for
 * lists and metrics. The charges whose window is over at now_us don't count. */
struct ledger_usage {
    const struct quota *quota;
    struct view project, user, domain, workspace, pool; /* the group; ptr NULL: not by that */
    int64_t used;                                       /* in the unit of quota->limit */
};
void ledger_each_use(struct ledger *ledger, int64_t now_us,
                     bool (*each)(void *user, const struct ledger_usage *usage), void *user);
