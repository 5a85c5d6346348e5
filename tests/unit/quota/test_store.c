/* SPDX-License-Identifier: Apache-2.0
 * The local store: many threads, one ledger, and what it grants before it knows what there is. */
#include "support/test.h"

#include <pthread.h>
#include <stdatomic.h>

#include "quota/store.h"

enum { THREADS = 8, TRIES = 40, LIMIT = 10 };

static struct arena arena;
static struct policy_set *set;
static struct quota_store *store;
static struct quota_mailbox *mailbox;
static struct quota_demand demand;

static void load_policies(void)
{
    static const char text[] =
        "version: 1\npolicies:\n  - name: a\n    quotas:\n      - {name: q, limit: 10}\n";
    static struct diag diag;
    size_t count;

    diag_init(&diag, &arena);
    assert_int_equal(policy_set_load(&(struct policy_file){"p.yaml", view_str(text)}, 1,
                                     &(struct policy_options){0}, &diag, &set),
                     STATUS_OK);
    demand = (struct quota_demand){.quota = policy_set_quotas(set, &count)[0], .enforced = true};
    assert_int_equal(count, 1);
}

static void open_store(bool must_scan)
{
    struct quota_settings settings = {.count_orphans = true, .must_scan = must_scan};
    struct err err;

    assert_int_equal(quota_store_open(&settings, set, &store, &err), STATUS_OK);
    mailbox = quota_mailbox_new(store, NULL, NULL);
    assert_non_null(mailbox);
}

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 4096, 1 << 20);
    load_policies();
    open_store(false);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    quota_mailbox_free(&mailbox);
    quota_store_close(&store);
    policy_set_unref(&set);
    arena_done(&arena);
    return 0;
}

static struct ledger_ask ask_of(const char *id)
{
    return (struct ledger_ask){
        .item = {.id = view_str(id),
                 .op = &operations[OP_DEMANAGER_CREATE],
                 .time_us = 1,
                 .project = VIEW("p"),
                 .user_id = VIEW("u"),
                 .flavor = VIEW("f"),
                 .name = view_str(id),
                 .run_s = -1,
                 .running = true,
                 .claimed = true},
        .demands = &demand,
        .demand_count = 1,
        .enforced = true,
        .take = true,
    };
}

static const char *reserve(const char *id)
{
    struct ledger_ask ask = ask_of(id);
    const struct reason *reasons = NULL;
    struct quota_ticket *ticket;
    size_t count = 0;

    if (quota_reserve(mailbox, &ask, NULL, &arena, &reasons, &count, &ticket) == QUOTA_GRANTED)
        return "granted";
    assert_true(count > 0);
    return reasons[0].row->code;
}

static void a_place_is_granted_kept_and_freed(void **state)
{
    struct ledger_item found;
    struct quota_state now;
    char id[16];

    (void)state;
    for (unsigned i = 0; i < LIMIT; i++) {
        (void)snprintf(id, sizeof id, "r%u", i);
        assert_string_equal(reserve(id), "granted");
    }
    assert_string_equal(reserve("over"), "quota.exceeded");
    quota_settle(store, VIEW("r0"), LEDGER_CREATED, VIEW("i0"));
    quota_settle(store, VIEW("r1"), LEDGER_HELD, VIEW_NONE);
    assert_string_equal(reserve("over"), "quota.exceeded");
    quota_settle(store, VIEW("r2"), LEDGER_NOTHING, VIEW_NONE);
    assert_string_equal(reserve("fits"), "granted");
    assert_true(quota_find_instance(store, VIEW("i0"), &arena, &found));
    assert_view(found.id, "r0");
    assert_false(quota_find_instance(store, VIEW("i1"), &arena, &found));
    quota_get_state(store, &now);
    assert_string_equal(now.kind, "local");
    assert_true(now.available);
    assert_int_equal(now.granted, LIMIT + 1);
    assert_int_equal(now.refused, 2);
    assert_int_equal(now.unavailable, 0);
    assert_int_equal(now.counts.existing, 1);
    assert_int_equal(now.counts.unknown, 1);
    assert_true(quota_send_before_us(store) == INT64_MAX);
}

static void looking_takes_nothing(void **state)
{
    struct ledger_ask ask = ask_of("r0");
    const struct reason *reasons;
    struct quota_state now;
    size_t count;

    (void)state;
    for (int i = 0; i < LIMIT * 2; i++)
        assert_int_equal(quota_look(store, &ask, &arena, &reasons, &count), QUOTA_GRANTED);
    quota_get_state(store, &now);
    assert_int_equal(now.counts.reserved, 0);
}

static void an_empty_ledger_waits_for_a_scan(void **state)
{
    struct ledger_ask ask = ask_of("look");
    const struct reason *reasons;
    size_t count;

    (void)state;
    quota_mailbox_free(&mailbox);
    quota_store_close(&store);
    open_store(true);
    quota_store_loaded(store);
    assert_string_equal(reserve("r0"), "quota.not_scanned");
    assert_int_equal(quota_look(store, &ask, &arena, &reasons, &count), QUOTA_REFUSED);
    assert_string_equal(reasons[0].row->code, "quota.not_scanned");
    ask.enforced = false; /* what only warns or observes has nothing to tell yet */
    assert_int_equal(quota_look(store, &ask, &arena, &reasons, &count), QUOTA_GRANTED);
    demand.enforced = false;
    assert_string_equal(reserve("free"), "granted");
    demand.enforced = true;
    assert_string_equal(reserve("r1"), "quota.not_scanned");
    quota_scanned(store);
    assert_string_equal(reserve("r1"), "granted");
}

static void a_ledger_that_was_loaded_waits_for_nothing(void **state)
{
    struct ledger_ask loaded = ask_of("old");

    (void)state;
    quota_mailbox_free(&mailbox);
    quota_store_close(&store);
    open_store(true);
    loaded.item.state = LEDGER_EXISTING;
    loaded.item.instance = VIEW("i");
    assert_int_equal(quota_store_load(store, &loaded.item), STATUS_OK);
    quota_store_loaded(store);
    assert_string_equal(reserve("r1"), "granted");
}

static void projects_are_told_once_each(void **state)
{
    struct view *projects;
    size_t count;

    (void)state;
    for (unsigned i = 0; i < 100; i++) {
        char id[16], project[16];
        struct ledger_ask ask;

        (void)snprintf(id, sizeof id, "r%u", i);
        (void)snprintf(project, sizeof project, "p%u", i % 40);
        ask = ask_of(id);
        ask.item.project = view_str(project);
        assert_int_equal(quota_store_load(store, &ask.item), STATUS_OK);
    }
    assert_int_equal(quota_projects(store, &arena, &projects, &count), STATUS_OK);
    assert_int_equal(count, 40);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < i; j++)
            assert_false(view_eq(projects[i], projects[j]));
    }
}

struct racer {
    pthread_t thread;
    unsigned number, granted;
};

static atomic_int held, most;

static void *race(void *user)
{
    struct racer *racer = user;
    struct quota_mailbox *own = quota_mailbox_new(store, NULL, NULL);
    struct arena memory;

    arena_init(&memory, 4096, 1 << 20);
    for (unsigned i = 0; own != NULL && i < TRIES; i++) {
        char id[32];
        struct ledger_ask ask;
        const struct reason *reasons;
        struct quota_ticket *ticket;
        size_t count;
        int now;

        (void)snprintf(id, sizeof id, "t%u-%u", racer->number, i);
        ask = ask_of(id);
        if (quota_reserve(own, &ask, NULL, &memory, &reasons, &count, &ticket) != QUOTA_GRANTED)
            continue;
        racer->granted++;
        now = atomic_fetch_add(&held, 1) + 1;
        if (now > atomic_load(&most))
            atomic_store(&most, now);
        atomic_fetch_sub(&held, 1);
        quota_settle(store, view_str(id), LEDGER_NOTHING, VIEW_NONE);
    }
    arena_done(&memory);
    quota_mailbox_free(&own);
    return NULL;
}

static void threads_never_hold_more_than_the_limit(void **state)
{
    struct racer racers[THREADS] = {0};
    struct quota_state now;
    unsigned granted = 0;

    (void)state;
    for (unsigned i = 0; i < LIMIT - 2; i++) {
        char id[16];

        (void)snprintf(id, sizeof id, "kept%u", i);
        assert_string_equal(reserve(id), "granted");
    }
    for (unsigned i = 0; i < THREADS; i++) {
        racers[i].number = i;
        assert_int_equal(pthread_create(&racers[i].thread, NULL, race, &racers[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(racers[i].thread, NULL), 0);
        granted += racers[i].granted;
    }
    assert_true(granted > 0);
    assert_in_range(atomic_load(&most), 1, 2);
    quota_get_state(store, &now);
    assert_int_equal(now.counts.reserved, LIMIT - 2);
    assert_int_equal(now.granted, LIMIT - 2 + granted);
}

static void a_url_that_is_none(void **state)
{
    static const char *const urls[] = {"mysql://h/d", "postgresql://u:sesame@[/d",
                                       "postgresql://h/d?nosuch=sesame", "memory"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        struct quota_settings settings = {.url = urls[i], .gateway = "a"};
        struct quota_store *none = NULL;
        struct err err = {0};

        assert_int_equal(quota_store_open(&settings, set, &none, &err), STATUS_INVALID);
        assert_null(none);
        assert_null(strstr(err.text, "sesame"));
        assert_non_null(strstr(err.text, "postgresql://"));
    }
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_place_is_granted_kept_and_freed),
        TEST(looking_takes_nothing),
        TEST(an_empty_ledger_waits_for_a_scan),
        TEST(a_ledger_that_was_loaded_waits_for_nothing),
        TEST(projects_are_told_once_each),
        TEST(threads_never_hold_more_than_the_limit),
        TEST(a_url_that_is_none),
    };

    return cmocka_run_group_tests_name("quota/store", tests, NULL, NULL);
}
