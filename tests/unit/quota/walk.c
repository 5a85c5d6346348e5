/* SPDX-License-Identifier: Apache-2.0
 * The model is plain on purpose: arrays, and every number counted anew each time. */
#include "walk.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/require.h"
#include "quota/scan.h"

enum {
    INSTANCES = 40, /* that the cloud remembers */
    CALLS = 24,
    SNAPSHOTS = 64,
    ITEMS = 512,
    USERS = 4, /* the last one makes nothing */
    QUOTAS = 8,
    CHARGES = 4096,
};
static const int64_t second = 1000000, grace_us = 30000000, deadline_us = 60000000;

static const char set_a[] =
    "version: 1\nweights: {price: {\"gpu*\": 2.5, \"*\": 1}}\npolicies:\n"
    "  - name: a\n    quotas:\n"
    "      - {name: all-run, limit: 7, counts: running}\n"
    "      - {name: gpus, limit: 3, per: [project, user], flavors: [\"gpu*\"]}\n"
    "      - {name: gpus-run, limit: 4, per: [project], flavors: [\"gpu*\"], counts: running}\n"
    "      - {name: hours, hours: 40, window: 1h, per: [user], weight: price}\n"
    "      - {name: per-project, limit: 6, per: [project]}\n";
static const char set_b[] =
    "version: 1\npolicies:\n  - name: b\n    quotas:\n"
    "      - {name: all, limit: 9}\n"
    "      - {name: gpus, limit: 4, per: [user], flavors: [\"gpu*\"]}\n"
    "      - {name: hours, hours: 60, window: 1h, per: [project]}\n"
    "      - {name: run, limit: 3, per: [workspace, user], counts: running}\n";

/* One that is there, or was. */
struct instance {
    char id[16], name[8];
    unsigned project, user, flavor, workspace;
    bool family_b, exists, runs, wild;
    int64_t created_us;
};

struct call {
    bool used, answered, executes, executed, lost;
    char id[16];
    enum operation_id op;
    struct instance made; /* of a create */
    char instance[16];
    unsigned flavor;
    int64_t run_s, time_us, executes_us;
};

struct charge {
    int64_t time_us, run_s;
    unsigned project, user, flavor, workspace;
};

struct walk {
    const struct walk_source *source;
    struct ledger *ledger;
    struct policy_set *sets[2];
    unsigned in_use;
    int64_t now_us;
    unsigned serial;
    struct instance instances[INSTANCES];
    struct call calls[CALLS];
    struct charge charges[CHARGES];
    size_t charge_count;
    struct {
        int64_t time_us;
        struct instance instances[INSTANCES];
    } past[SNAPSHOTS];
    size_t past_count;
    struct ledger_item items[ITEMS];
    size_t item_count;
    struct {
        char id[16];
        unsigned flavor;
    } charged[CHARGES]; /* what was granted since the last restart, and for which flavor */
    size_t charged_count;
    int64_t bounds[QUOTAS]; /* what a quota in use may hold, at most */
    struct arena arena;
};

static const char *const projects[] = {"p1", "p2"};
static const char *const users[USERS] = {"alice", "bob", "carol", "nobody"};
static const char *const flavors[] = {"gpu.1", "gpu.2", "cpu.1"};
static const char *const workspaces[] = {"0", "w"};
static const char *const names[] = {"n1", "n2", "n3", "n4", "n5"};

static unsigned pick(struct walk *w, unsigned limit)
{
    return w->source->below(w->source->user, limit);
}

static struct policy_set *load(const char *text)
{
    const struct policy_file file = {.name = "p.yaml", .bytes = view_str(text)};
    const struct policy_options options = {0};
    struct policy_set *set = NULL;
    struct arena arena;
    struct diag diag;

    arena_init(&arena, 4096, 1 << 20);
    diag_init(&diag, &arena);
    REQUIRE(policy_set_load(&file, 1, &options, &diag, &set) == STATUS_OK);
    arena_done(&arena);
    return set;
}

/* ---- the plain recount ---- */

static bool collect(void *user, const struct ledger_item *item)
{
    struct walk *w = user;

    REQUIRE(w->item_count < ITEMS);
    REQUIRE(w->item_count == 0 || w->items[w->item_count - 1].time_us <= item->time_us);
    w->items[w->item_count++] = *item;
    return true;
}

static void recollect(struct walk *w)
{
    w->item_count = 0;
    ledger_each(w->ledger, collect, w);
}

static bool is_open(const struct ledger_item *item)
{
    return item->state == LEDGER_RESERVED || item->state == LEDGER_UNKNOWN;
}

static bool starts_now(const struct walk *w, struct view instance)
{
    for (size_t i = 0; i < w->item_count; i++) {
        if (is_open(&w->items[i]) && w->items[i].op->class == CLASS_START &&
            view_eq(w->items[i].instance, instance))
            return true;
    }
    return false;
}

static bool takes(const struct walk *w, const struct quota *quota, const struct ledger_item *item)
{
    bool running = quota->counts == QUOTA_RUNNING;

    if (item->state == LEDGER_EXISTING)
        return !running || item->running || starts_now(w, item->instance);
    if (!is_open(item) || item->op->id == OP_NOTEBOOKS_LEASE)
        return false;
    return item->op->class != CLASS_START || running;
}

/* What a start or change doesn't know, the existing entry of its instance may. */
static struct view user_of(const struct walk *w, const struct ledger_item *item)
{
    for (size_t i = 0; i < w->item_count && item->user_id.ptr == NULL; i++) {
        if (w->items[i].state == LEDGER_EXISTING && view_eq(w->items[i].instance, item->instance))
            return w->items[i].user_id;
    }
    return item->user_id;
}

static struct quota_facts facts_of(const struct walk *w, const struct ledger_item *item)
{
    return (struct quota_facts){.family = item->op->family,
                                .project = item->project,
                                .user = user_of(w, item),
                                .domain = item->domain,
                                .workspace = item->workspace,
                                .pool = item->pool,
                                .flavor = item->flavor};
}

static bool may_be(struct view known, struct view whom)
{
    return known.ptr == NULL || view_eq(known, whom);
}

struct group_key {
    struct view project, user, workspace;
};

static bool is_in(const struct walk *w, const struct quota *quota, const struct ledger_item *item,
                  const struct group_key *group)
{
    const struct quota_facts facts = facts_of(w, item);
    struct view user = quota->counts == QUOTA_HOURS ? item->user_id : facts.user;

    return quota_admits(quota, &facts) &&
           ((quota->per & QUOTA_PER_PROJECT) == 0 || may_be(item->project, group->project)) &&
           ((quota->per & QUOTA_PER_USER) == 0 || may_be(user, group->user)) &&
           ((quota->per & QUOTA_PER_WORKSPACE) == 0 || may_be(item->workspace, group->workspace));
}

static bool seen_before(const struct walk *w, const struct quota *quota,
                        const struct group_key *group, size_t at)
{
    const struct ledger_item *item = &w->items[at];

    for (size_t i = 0; i < at && item->instance.ptr != NULL; i++) {
        if (takes(w, quota, &w->items[i]) && is_in(w, quota, &w->items[i], group) &&
            view_eq(w->items[i].instance, item->instance))
            return true;
    }
    return false;
}

/* A run stays charged for the flavor that it was started with. */
static struct view charged_flavor(const struct walk *w, const struct ledger_item *item)
{
    for (size_t i = 0; i < w->charged_count; i++) {
        if (view_eq(item->id, view_str(w->charged[i].id)))
            return view_str(flavors[w->charged[i].flavor]);
    }
    return item->flavor;
}

static int64_t plain_use(const struct walk *w, const struct quota *quota,
                         const struct group_key *group)
{
    int64_t used = 0;

    for (size_t i = 0; i < w->item_count; i++) {
        const struct ledger_item *item = &w->items[i];

        if (!is_in(w, quota, item, group))
            continue;
        if (quota->counts != QUOTA_HOURS)
            used += takes(w, quota, item) && !seen_before(w, quota, group, i) ? 1 : 0;
        else if (item->run_s >= 0 && item->time_us + quota->window_us > w->now_us)
            used += item->run_s * quota_weight(quota, charged_flavor(w, item));
    }
    return used;
}

static struct group_key group_of(unsigned project, unsigned user, unsigned workspace)
{
    return (struct group_key){view_str(projects[project]), view_str(users[user]),
                              view_str(workspaces[workspace])};
}

/* ---- checks ---- */

struct usages {
    struct ledger_usage all[ITEMS];
    size_t count;
};

static bool collect_usage(void *user, const struct ledger_usage *usage)
{
    struct usages *u = user;

    REQUIRE(u->count < ITEMS);
    u->all[u->count++] = *usage;
    return true;
}

static bool same_text(bool by, struct view got, struct view want)
{
    return by ? got.ptr != NULL && view_eq(got, want) : got.ptr == NULL;
}

static int64_t told_use(const struct usages *u, const struct quota *quota,
                        const struct group_key *group)
{
    for (size_t i = 0; i < u->count; i++) {
        const struct ledger_usage *usage = &u->all[i];

        if (usage->quota == quota &&
            same_text(quota->per & QUOTA_PER_PROJECT, usage->project, group->project) &&
            same_text(quota->per & QUOTA_PER_USER, usage->user, group->user) &&
            same_text(quota->per & QUOTA_PER_WORKSPACE, usage->workspace, group->workspace))
            return usage->used;
    }
    return -1;
}

/* What is really there, and has really run. */
static int64_t real_use(const struct walk *w, const struct quota *quota, unsigned project,
                        unsigned user, unsigned workspace)
{
    int64_t used = 0;

    for (size_t i = 0; i < INSTANCES && quota->counts != QUOTA_HOURS; i++) {
        const struct instance *real = &w->instances[i];
        const struct quota_facts facts = {.family = FAMILY_NOTEBOOKS,
                                          .flavor = view_str(flavors[real->flavor])};

        if (real->exists && !real->wild && (quota->counts == QUOTA_EXISTING || real->runs) &&
            quota_admits(quota, &facts) &&
            ((quota->per & QUOTA_PER_PROJECT) == 0 || real->project == project) &&
            ((quota->per & QUOTA_PER_USER) == 0 || real->user == user) &&
            ((quota->per & QUOTA_PER_WORKSPACE) == 0 || real->workspace == workspace))
            used++;
    }
    for (size_t i = 0; i < w->charge_count && quota->counts == QUOTA_HOURS; i++) {
        const struct charge *charge = &w->charges[i];

        if (charge->time_us + quota->window_us > w->now_us &&
            ((quota->per & QUOTA_PER_PROJECT) == 0 || charge->project == project) &&
            ((quota->per & QUOTA_PER_USER) == 0 || charge->user == user))
            used += charge->run_s * quota_weight(quota, view_str(flavors[charge->flavor]));
    }
    return used;
}

static void show(const struct walk *w)
{
    for (size_t i = 0; i < w->item_count; i++) {
        const struct ledger_item *item = &w->items[i];

        (void)fprintf(stderr, "%.*s %s %s %.*s/%.*s %.*s of %.*s%s%s%s\n", VIEW_ARGS(item->id),
                      ledger_state_name(item->state), item->op->name, VIEW_ARGS(item->project),
                      VIEW_ARGS(item->instance), VIEW_ARGS(item->flavor), VIEW_ARGS(item->user_id),
                      item->running ? " running" : "", item->orphan ? " orphan" : "",
                      item->claimed ? "" : " unclaimed");
    }
}

/* bounds: raise them to what is in use instead of checking against them. */
static void check_quota(struct walk *w, const struct quota *quota, const struct usages *usages,
                        int64_t *bound, bool raise)
{
    for (unsigned i = 0; i < 2 * USERS * 2; i++) {
        unsigned project = i % 2, user = i / 2 % USERS, workspace = i / 2 / USERS;
        const struct group_key group = group_of(project, user, workspace);
        int64_t plain = plain_use(w, quota, &group), told = told_use(usages, quota, &group);
        int64_t real = real_use(w, quota, project, user, workspace);

        if (told >= 0 && told != plain) {
            (void)fprintf(stderr, "%.*s for %s: %lld counted, %lld told\n", VIEW_ARGS(quota->name),
                          users[user], (long long)plain, (long long)told);
            show(w);
        }
        REQUIRE(told < 0 || told == plain);
        if (raise && plain > *bound)
            *bound = plain;
        if (raise && real > *bound)
            *bound = real;
        if (real > *bound)
            (void)fprintf(stderr, "%.*s for %s: %lld of %lld really there, %lld counted\n",
                          VIEW_ARGS(quota->name), users[user], (long long)real, (long long)*bound,
                          (long long)plain);
        REQUIRE(real <= *bound);
    }
}

static void check_counts(const struct walk *w)
{
    struct ledger_counts want = {0}, got = ledger_count(w->ledger);

    for (size_t i = 0; i < w->item_count; i++) {
        const struct ledger_item *item = &w->items[i];
        struct ledger_item found;

        REQUIRE(ledger_get(w->ledger, item->id, &found));
        want.reserved += item->state == LEDGER_RESERVED;
        want.unknown += item->state == LEDGER_UNKNOWN;
        want.existing += item->state == LEDGER_EXISTING;
        want.running += item->state == LEDGER_EXISTING && item->running;
        want.orphans += item->state == LEDGER_EXISTING && item->orphan;
        want.spent += item->state == LEDGER_SPENT;
        w->source->sights->spent += item->state == LEDGER_SPENT;
        w->source->sights->unclaimed += item->state == LEDGER_EXISTING && !item->claimed;
        if (item->state == LEDGER_UNKNOWN && want.oldest_unknown_us == 0)
            want.oldest_unknown_us = item->time_us;
        if (item->state == LEDGER_EXISTING)
            REQUIRE(ledger_find_instance(w->ledger, item->instance, &found));
    }
    REQUIRE(memcmp(&want, &got, sizeof want) == 0);
}

static void check(struct walk *w, bool raise)
{
    size_t count;
    const struct quota *const *quotas = policy_set_quotas(w->sets[w->in_use], &count);
    static struct usages usages;

    recollect(w);
    check_counts(w);
    usages.count = 0;
    ledger_each_use(w->ledger, w->now_us, collect_usage, &usages);
    for (size_t i = 0; i < count; i++)
        check_quota(w, quotas[i], &usages, &w->bounds[i], raise);
}

/* ---- the cloud ---- */

static struct instance *real_of(struct walk *w, const char *id)
{
    for (size_t i = 0; i < INSTANCES; i++) {
        if (w->instances[i].id[0] != '\0' && strcmp(w->instances[i].id, id) == 0)
            return &w->instances[i];
    }
    return NULL;
}

static struct instance *free_slot(struct walk *w)
{
    for (size_t i = 0; i < INSTANCES; i++) {
        if (!w->instances[i].exists)
            return &w->instances[i];
    }
    return NULL;
}

/* One that exists, if there is any. */
static struct instance *some_instance(struct walk *w)
{
    size_t from = pick(w, INSTANCES);

    for (size_t i = 0; i < INSTANCES; i++) {
        if (w->instances[(from + i) % INSTANCES].exists)
            return &w->instances[(from + i) % INSTANCES];
    }
    return NULL;
}

static void charge_for(struct walk *w, const struct call *call, const struct instance *real)
{
    if (call->run_s < 0)
        return;
    REQUIRE(w->charge_count < CHARGES - 1 && w->charged_count < CHARGES - 1);
    w->charges[w->charge_count++] = (struct charge){.time_us = call->time_us,
                                                    .run_s = call->run_s,
                                                    .project = real->project,
                                                    .user = real->user,
                                                    .flavor = call->flavor,
                                                    .workspace = real->workspace};
}

static void execute(struct walk *w, struct call *call)
{
    struct instance *real = call->instance[0] == '\0' ? free_slot(w) : real_of(w, call->instance);

    call->executed = true;
    if (real == NULL || (call->instance[0] != '\0' && !real->exists)) {
        call->executes = false;
        return;
    }
    charge_for(w, call, call->instance[0] == '\0' ? &call->made : real);
    switch (operations[call->op].class) {
    case CLASS_CREATE:
        *real = call->made;
        real->created_us = w->now_us;
        break;
    case CLASS_START:
        real->runs = true;
        break;
    default:
        if (call->op != OP_NOTEBOOKS_LEASE)
            real->flavor = call->flavor;
        break;
    }
}

static void snapshot(struct walk *w)
{
    size_t at = w->past_count++ % SNAPSHOTS;

    w->past[at].time_us = w->now_us;
    memcpy(w->past[at].instances, w->instances, sizeof w->instances);
}

static void pass_time(struct walk *w)
{
    int64_t until = w->now_us + (int64_t)pick(w, pick(w, 4) == 0 ? 900 : 40) * second;

    for (;;) {
        struct call *next = NULL;

        for (size_t i = 0; i < CALLS; i++) {
            struct call *call = &w->calls[i];

            if (call->used && call->executes && !call->executed && call->executes_us <= until &&
                (next == NULL || call->executes_us < next->executes_us))
                next = call;
        }
        if (next == NULL)
            break;
        w->now_us = next->executes_us > w->now_us ? next->executes_us : w->now_us;
        execute(w, next);
        snapshot(w);
    }
    w->now_us = until;
    snapshot(w);
}

static bool has_open_call(const struct walk *w, const struct instance *real, bool answered_too)
{
    for (size_t i = 0; i < CALLS; i++) {
        const struct call *call = &w->calls[i];

        if (call->used && (answered_too || !call->answered) &&
            (strcmp(call->instance, real->id) == 0 || strcmp(call->made.id, real->id) == 0))
            return true;
    }
    return false;
}

/* Somebody stops or deletes an instance, or makes one around the gateway. What a lost call started
 * is not stopped before that is known: nobody could tell that it ran. */
static void happen(struct walk *w)
{
    struct instance *real = pick(w, 12) == 0 ? free_slot(w) : some_instance(w);

    if (real == NULL)
        return;
    if (real->exists && real->wild && pick(w, 2) == 0) {
        real->runs = !real->runs;
        real->flavor = pick(w, 3);
    } else if (real->exists && !has_open_call(w, real, true)) {
        real->runs = real->runs && pick(w, 2) == 0;
        real->exists = pick(w, 2) > 0;
    } else if (!real->exists) {
        *real = (struct instance){.exists = true,
                                  .runs = true,
                                  .wild = true,
                                  .project = pick(w, 2),
                                  .user = pick(w, 3),
                                  .flavor = pick(w, 3),
                                  .created_us = w->now_us};
        (void)snprintf(real->id, sizeof real->id, "i%u", w->serial++);
        (void)snprintf(real->name, sizeof real->name, "wild");
    }
    snapshot(w);
}

/* ---- calls ---- */

static struct ledger_item item_of(const struct walk *w, const struct call *call,
                                  const struct instance *real)
{
    return (struct ledger_item){
        .id = view_str(call->id),
        .op = &operations[call->op],
        .time_us = w->now_us,
        .settle_after_us = w->now_us + deadline_us,
        .project = view_str(projects[real->project]),
        /* of every fifth name the user isn't known */
        .user_id = strcmp(real->name, names[4]) == 0 ? VIEW_NONE : view_str(users[real->user]),
        .workspace = view_str(workspaces[real->workspace]),
        .pool = VIEW(""),
        .flavor = view_str(flavors[call->flavor]),
        .name = view_str(real->name),
        .instance = call->instance[0] == '\0' ? VIEW_NONE : view_str(call->instance),
        .run_s = call->run_s};
}

static bool wants(const struct quota *quota, const struct operation *op)
{
    if (op->id == OP_NOTEBOOKS_LEASE)
        return quota->counts == QUOTA_HOURS;
    if (op->class == CLASS_START)
        return quota->counts != QUOTA_EXISTING;
    return op->class == CLASS_CREATE || quota->counts != QUOTA_HOURS;
}

/* Whether the plain recount finds no room for the item, for whom it may be. */
static bool is_over(struct walk *w, const struct quota *quota, const struct ledger_item *item)
{
    if (quota->counts == QUOTA_HOURS && item->run_s < 0 && item->op->id != OP_NOTEBOOKS_UPDATE)
        return true;
    for (unsigned i = 0; i < 2 * USERS * 2; i++) {
        const struct group_key group = group_of(i % 2, i / 2 % USERS, i / 2 / USERS);
        int64_t before = plain_use(w, quota, &group), after;

        /* A start may also make the flavor count that the ledger has. */
        w->items[w->item_count++] = *item;
        after = plain_use(w, quota, &group);
        w->item_count--;
        if (after > before && after > quota->limit)
            return true;
    }
    return false;
}

static bool is_pending(const struct walk *w, const struct ledger_item *item)
{
    for (size_t i = 0; i < w->item_count && item->op->class == CLASS_CREATE; i++) {
        const struct ledger_item *other = &w->items[i];

        if (is_open(other) && other->op == item->op && view_eq(other->project, item->project) &&
            view_eq(other->name, item->name))
            return true;
    }
    return false;
}

/* Asks by the set in use, or by the other one. */
static bool reserve(struct walk *w, const struct ledger_item *item, bool other_set)
{
    size_t quota_count, count = 0, refusals = 0, want = 0;
    const struct quota *const *quotas =
        policy_set_quotas(w->sets[w->in_use ^ (other_set ? 1U : 0)], &quota_count);
    struct quota_demand demands[QUOTAS];
    struct ledger_ask ask = {.item = *item, .demands = demands, .enforced = true, .take = true};
    const struct reason *reasons;
    enum ledger_answer answer, looked;

    recollect(w);
    want = is_pending(w, item) ? 1 : 0;
    for (size_t i = 0; i < quota_count; i++) {
        if (!wants(quotas[i], item->op))
            continue;
        demands[count++] = (struct quota_demand){.quota = quotas[i], .enforced = true};
        want += is_over(w, quotas[i], item) ? 1 : 0;
    }
    ask.demand_count = count;
    ask.take = false;
    looked = ledger_reserve(w->ledger, &ask, w->now_us, &w->arena, &reasons, &refusals);
    REQUIRE(looked == (want == 0 ? LEDGER_GRANTED : LEDGER_REFUSED));
    REQUIRE(looked == LEDGER_GRANTED || refusals == want);
    ask.take = true;
    answer = ledger_reserve(w->ledger, &ask, w->now_us, &w->arena, &reasons, &refusals);
    REQUIRE(answer == looked);
    arena_reset(&w->arena);
    *(answer == LEDGER_GRANTED ? &w->source->sights->granted : &w->source->sights->refused) += 1;
    return answer == LEDGER_GRANTED;
}

static struct call *free_call(struct walk *w)
{
    for (size_t i = 0; i < CALLS; i++) {
        if (!w->calls[i].used)
            return &w->calls[i];
    }
    return NULL;
}

static bool fill_create(struct walk *w, struct call *call)
{
    struct instance *made = &call->made;

    call->op = OP_NOTEBOOKS_CREATE;
    call->run_s = pick(w, 20) == 0 ? -1 : (int64_t)(1 + pick(w, 4)) * 3600;
    *made = (struct instance){.exists = true,
                              .runs = true,
                              .project = pick(w, 2),
                              .user = pick(w, 3),
                              .flavor = call->flavor,
                              .workspace = pick(w, 2)};
    (void)snprintf(made->id, sizeof made->id, "i%u", w->serial++);
    (void)snprintf(made->name, sizeof made->name, "%s", names[pick(w, 5)]);
    return true;
}

/* One change or start of an instance at a time, until it is answered or given up. */
static bool fill_other(struct walk *w, struct call *call)
{
    static const enum operation_id others[] = {OP_NOTEBOOKS_START, OP_NOTEBOOKS_UPDATE,
                                               OP_NOTEBOOKS_LEASE};
    const struct instance *real = some_instance(w);
    struct ledger_item known;

    call->op = others[pick(w, 3)];
    call->run_s = call->op == OP_NOTEBOOKS_UPDATE ? -1 : (int64_t)(1 + pick(w, 4)) * 3600;
    if (real == NULL || real->wild || has_open_call(w, real, false) ||
        !ledger_find_instance(w->ledger, view_str(real->id), &known))
        return false;
    if (call->op != OP_NOTEBOOKS_UPDATE)
        call->flavor = real->flavor;
    (void)snprintf(call->instance, sizeof call->instance, "%s", real->id);
    return true;
}

static void begin_call(struct walk *w)
{
    struct call *call = free_call(w);
    bool other_set = pick(w, 16) == 0;
    struct ledger_item item;

    if (call == NULL || free_slot(w) == NULL)
        return;
    *call = (struct call){.flavor = pick(w, 3), .time_us = w->now_us};
    if (!(pick(w, 2) == 0 ? fill_create(w, call) : fill_other(w, call)))
        return;
    (void)snprintf(call->id, sizeof call->id, "r%u", w->serial++);
    item = item_of(w, call, call->instance[0] == '\0' ? &call->made : real_of(w, call->instance));
    if (!reserve(w, &item, other_set))
        return;
    call->used = true;
    memcpy(w->charged[w->charged_count].id, call->id, sizeof call->id);
    w->charged[w->charged_count++].flavor = call->flavor;
    call->executes = pick(w, 3) > 0;
    call->executes_us = w->now_us + (int64_t)pick(w, 61) * second;
    call->lost = pick(w, 3) == 0;
    if (other_set)
        check(w, true);
}

static void answer_call(struct walk *w, struct call *call)
{
    bool create = call->instance[0] == '\0';
    struct view id = view_str(call->id);

    if (call->lost) {
        REQUIRE(ledger_settle(w->ledger, id, LEDGER_HELD, VIEW_NONE, w->now_us));
        call->answered = true;
        return;
    }
    if (call->executes && !call->executed)
        return;
    call->executes = call->executes && call->executed;
    REQUIRE(ledger_settle(w->ledger, id,
                          !call->executes ? LEDGER_NOTHING
                          : create        ? LEDGER_CREATED
                                          : LEDGER_DONE,
                          create ? view_str(call->made.id) : VIEW_NONE, w->now_us));
    REQUIRE(!ledger_settle(w->ledger, id, LEDGER_NOTHING, VIEW_NONE, w->now_us));
    call->used = false;
}

static void answer_some(struct walk *w)
{
    size_t from = pick(w, CALLS);

    for (size_t i = 0; i < CALLS; i++) {
        struct call *call = &w->calls[(from + i) % CALLS];

        if (call->used && !call->answered) {
            answer_call(w, call);
            return;
        }
    }
}

/* ---- lists ---- */

static void new_id(void *user, char id[static 32])
{
    struct walk *w = user;
    char text[33];

    (void)snprintf(text, sizeof text, "%032u", w->serial++);
    memcpy(id, text, 32);
}

static void report(void *user, enum scan_finding finding, const struct ledger_item *item)
{
    struct walk *w = user;

    REQUIRE(item->id.len > 0 && item->project.len > 0);
    REQUIRE(item->instance.len > 0 || finding == SCAN_ABSENT);
    w->source->sights->findings[finding]++;
}

static struct scan_instance listed_as(const struct instance *real)
{
    return (struct scan_instance){.family = FAMILY_NOTEBOOKS,
                                  .id = view_str(real->id),
                                  .name = view_str(real->name),
                                  .flavor = view_str(flavors[real->flavor]),
                                  .workspace = view_str(workspaces[real->workspace]),
                                  .pool = VIEW(""),
                                  .user_id = view_str(users[real->user]),
                                  .exists = real->exists,
                                  .runs = real->runs && real->exists,
                                  .created_us = real->created_us};
}

static const struct instance *shown(struct walk *w, int64_t begun_us)
{
    size_t back = pick(w, 2) == 0 ? SNAPSHOTS - 2 : pick(w, 8) + 1;

    for (; back > 1; back--) {
        size_t at = (w->past_count - back) % SNAPSHOTS;
        /* What was last taken a grace before it began may be shown, nothing older. */
        size_t after = (w->past_count - back + 1) % SNAPSHOTS;

        if (back <= w->past_count && w->past[after].time_us > begun_us - grace_us)
            return w->past[at].instances;
    }
    return w->instances;
}

/* A list that began at a time and is read now; things may have happened in between. */
static void reconcile(struct walk *w)
{
    static struct scan_instance items[INSTANCES];
    const struct instance *all;
    unsigned user = pick(w, 6), project = pick(w, 2);
    struct scan scan = {.project = view_str(projects[project]),
                        .own_of = user < 3 ? view_str(users[user]) : VIEW_NONE,
                        .begun_us = w->now_us,
                        .grace_us = grace_us,
                        .items = items};
    const struct scan_rules rules = {
        .new_id = new_id, .report = report, .user = w, .leads = pick(w, 8) > 0};

    if (pick(w, 2) == 0)
        pass_time(w);
    all = shown(w, scan.begun_us);
    for (size_t i = 0; i < INSTANCES; i++) {
        if (all[i].id[0] == '\0' || all[i].project != project ||
            (scan.own_of.ptr != NULL && all[i].user != user) || (!all[i].exists && pick(w, 2) == 0))
            continue;
        items[scan.count++] = listed_as(&all[i]);
    }
    if (pick(w, 4) == 0)
        answer_some(w);
    REQUIRE(ledger_reconcile(w->ledger, &scan, &rules, w->now_us) == STATUS_OK);
    for (size_t i = 0; i < CALLS; i++) {
        struct ledger_item item;

        if (w->calls[i].used &&
            (!ledger_get(w->ledger, view_str(w->calls[i].id), &item) || !is_open(&item)))
            w->calls[i].used = false;
    }
}

/* ---- steps ---- */

static void change_set(struct walk *w)
{
    size_t count;
    const struct quota *const *quotas;

    w->in_use ^= pick(w, 2);
    REQUIRE(ledger_use(w->ledger, w->sets[w->in_use], w->now_us) == STATUS_OK);
    quotas = policy_set_quotas(w->sets[w->in_use], &count);
    for (size_t i = 0; i < count; i++)
        w->bounds[i] = quotas[i]->limit;
    check(w, true);
}

static unsigned flavor_number(struct view flavor)
{
    unsigned i = 0;

    while (i < ARRAY_LEN(flavors) && !view_eq(flavor, view_str(flavors[i])))
        i++;
    REQUIRE(i < ARRAY_LEN(flavors));
    return i;
}

/* The ledger is left, and another one made from what it held. */
static void restart(struct walk *w)
{
    struct ledger *next = ledger_new();

    REQUIRE(next != NULL);
    recollect(w);
    REQUIRE(pick(w, 2) == 0 || ledger_use(next, w->sets[w->in_use], w->now_us) == STATUS_OK);
    for (size_t i = 0; i < w->item_count; i++) {
        struct ledger_item item = w->items[pick(w, 2) == 0 ? i : w->item_count - 1 - i];

        item.running = item.running || item.state == LEDGER_EXISTING;
        REQUIRE(ledger_put(next, &item, w->now_us) == STATUS_OK);
        item = w->items[i];
        item.running = item.running || item.state == LEDGER_EXISTING;
        REQUIRE(ledger_put(next, &item, w->now_us) == STATUS_OK);
    }
    REQUIRE(ledger_use(next, w->sets[w->in_use], w->now_us) == STATUS_OK);
    ledger_free(&w->ledger);
    w->ledger = next;
    recollect(w);
    for (w->charged_count = 0; w->charged_count < w->item_count; w->charged_count++) {
        const struct ledger_item *item = &w->items[w->charged_count];

        (void)snprintf(w->charged[w->charged_count].id, sizeof w->charged[0].id, "%.*s",
                       VIEW_ARGS(item->id));
        w->charged[w->charged_count].flavor = flavor_number(item->flavor);
    }
    /* Charges count by the flavor of now: what has run is another sum than what is counted. */
    w->charge_count = 0;
    check(w, true); /* what was stopped counts as running again */
}

static void step(struct walk *w)
{
    unsigned what = pick(w, 64);

    if (what < 24)
        begin_call(w);
    else if (what < 38)
        answer_some(w);
    else if (what < 48)
        pass_time(w);
    else if (what < 54)
        happen(w);
    else if (what < 62)
        reconcile(w);
    else if (what == 62)
        change_set(w);
    else
        restart(w);
    check(w, false);
}

void quota_walk(const struct walk_source *source)
{
    struct walk *w = calloc(1, sizeof *w);

    REQUIRE(w != NULL);
    w->source = source;
    w->ledger = ledger_new();
    REQUIRE(w->ledger != NULL);
    w->sets[0] = load(set_a);
    w->sets[1] = load(set_b);
    w->now_us = INT64_C(1795430000000000);
    arena_init(&w->arena, 4096, 1 << 20);
    change_set(w);
    while (source->more(source->user) && w->charge_count < CHARGES - 1 &&
           w->charged_count < CHARGES - 1)
        step(w);
    ledger_free(&w->ledger);
    policy_set_unref(&w->sets[0]);
    policy_set_unref(&w->sets[1]);
    arena_done(&w->arena);
    free(w);
}
