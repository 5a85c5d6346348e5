/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/quota/support.h"

struct policy_set *quotas_from(const char *quotas, const char *weights)
{
    struct policy_file file = {.name = "p.yaml"};
    const struct policy_options options = {0};
    struct policy_set *set = NULL;
    struct arena arena;
    struct diag diag;
    struct buf text, told;

    buf_init(&text, 65536);
    buf_init(&told, 65536);
    buf_printf(&text,
               "version: 1\nweights: %s\npolicies:\n  - name: base\n    contact: ops@example.org\n "
               "   quotas:\n",
               weights == NULL ? "{}" : weights);
    buf_add_str(&text, quotas);
    file.bytes = buf_view(&text);
    arena_init(&arena, 4096, 1 << 20);
    diag_init(&diag, &arena);
    if (policy_set_load(&file, 1, &options, &diag, &set) != STATUS_OK) {
        diag_print(&diag, &told);
        print_error("%.*s\n", VIEW_ARGS(buf_view(&told)));
        fail();
    }
    arena_done(&arena);
    buf_done(&text);
    buf_done(&told);
    return set;
}

void world_begin(struct world *w, const char *quotas, const char *weights)
{
    *w = (struct world){.ledger = ledger_new(), .now_us = INT64_C(1795430000000000)};
    assert_non_null(w->ledger);
    arena_init(&w->arena, 4096, 1 << 20);
    w->set = quotas_from(quotas, weights);
    assert_int_equal(ledger_use(w->ledger, w->set, w->now_us), STATUS_OK);
}

void world_end(struct world *w)
{
    ledger_free(&w->ledger);
    policy_set_unref(&w->set);
    arena_done(&w->arena);
}

struct ledger_item make_item(const struct world *w, enum operation_id op, const char *id,
                             const char *user, const char *flavor, const char *instance)
{
    return (struct ledger_item){.id = view_str(id),
                                .op = &operations[op],
                                .time_us = w->now_us,
                                .settle_after_us = w->now_us + 60 * SECOND,
                                .project = VIEW("p"),
                                .user_id = view_str(user),
                                .user_name = view_str(user),
                                .domain = VIEW("d"),
                                .workspace = VIEW("0"),
                                .pool = VIEW(""),
                                .flavor = view_str(flavor),
                                .name = view_str(id),
                                .instance = view_str(instance),
                                .run_s = 3600};
}

struct ledger_item make_existing(const struct world *w, const char *id, const char *user,
                                 const char *flavor, const char *instance)
{
    struct ledger_item item = make_item(w, OP_NOTEBOOKS_CREATE, id, user, flavor, instance);

    item.state = LEDGER_EXISTING;
    item.running = item.claimed = true;
    return item;
}

void put(struct world *w, const struct ledger_item *item)
{
    assert_int_equal(ledger_put(w->ledger, item, w->now_us), STATUS_OK);
}

static bool is_asked(const struct quota *quota, const struct operation *op)
{
    if (op->id == OP_NOTEBOOKS_LEASE)
        return quota->counts == QUOTA_HOURS;
    if (op->class == CLASS_START)
        return quota->counts != QUOTA_EXISTING;
    return op->class == CLASS_CREATE || quota->counts != QUOTA_HOURS;
}

enum ledger_answer ask_set(struct world *w, const struct ledger_item *item,
                           const struct policy_set *set, bool take)
{
    size_t quota_count, count = 0;
    const struct quota *const *quotas = policy_set_quotas(set, &quota_count);
    struct quota_demand demands[16];
    struct ledger_ask made = {.item = *item, .demands = demands, .enforced = true, .take = take};

    for (size_t i = 0; i < quota_count; i++) {
        if (is_asked(quotas[i], item->op))
            demands[count++] = (struct quota_demand){.quota = quotas[i], .enforced = true};
    }
    made.demand_count = count;
    w->reason_count = 0;
    return ledger_reserve(w->ledger, &made, w->now_us, &w->arena, &w->reasons, &w->reason_count);
}

enum ledger_answer ask(struct world *w, const struct ledger_item *item)
{
    return ask_set(w, item, w->set, true);
}

bool settle(struct world *w, const char *id, enum ledger_fate fate, const char *instance)
{
    return ledger_settle(w->ledger, view_str(id), fate, view_str(instance), w->now_us);
}

struct wanted {
    const char *quota, *user;
    int64_t used;
};

static bool match(void *user, const struct ledger_usage *usage)
{
    struct wanted *wanted = user;

    if (view_eq(usage->quota->name, view_str(wanted->quota)) &&
        (wanted->user == NULL || view_eq(usage->user, view_str(wanted->user))))
        wanted->used = usage->used;
    return wanted->used < 0;
}

int64_t use(struct world *w, const char *quota, const char *user)
{
    struct wanted wanted = {quota, user, -1};

    ledger_each_use(w->ledger, w->now_us, match, &wanted);
    return wanted.used;
}

const char *state_of(const struct world *w, const char *id)
{
    struct ledger_item item;

    return ledger_get(w->ledger, view_str(id), &item) ? ledger_state_name(item.state) : "";
}

const struct quota *quota_of(const struct policy_set *set, const char *name)
{
    size_t count;
    const struct quota *const *quotas = policy_set_quotas(set, &count);

    for (size_t i = 0; i < count; i++) {
        if (view_eq(quotas[i]->name, view_str(name)))
            return quotas[i];
    }
    fail();
    return NULL;
}
