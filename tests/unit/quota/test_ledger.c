/* SPDX-License-Identifier: Apache-2.0
 * What ledger.h promises, sentence by sentence. */
#include "base/attr.h"
#include "unit/quota/support.h"

static const char gpus[] =
    "      - {name: gpus, limit: 2, per: [project, user], flavors: [\"gpu*\"]}\n";
static const char both[] = "      - {name: all, limit: 2}\n"
                           "      - {name: run, limit: 1, per: [user], counts: running}\n";
static const char hours[] = "      - {name: hours, hours: 3, window: 2h, per: [user]}\n";

static void create(struct world *w, const char *id, const char *user, const char *flavor)
{
    const struct ledger_item item = make_item(w, OP_NOTEBOOKS_CREATE, id, user, flavor, NULL);

    assert_int_equal(ask(w, &item), LEDGER_GRANTED);
}

static enum ledger_answer try_create(struct world *w, const char *id, const char *user,
                                     const char *flavor)
{
    const struct ledger_item item = make_item(w, OP_NOTEBOOKS_CREATE, id, user, flavor, NULL);

    return ask(w, &item);
}

static enum ledger_answer try_other(struct world *w, enum operation_id op, const char *id,
                                    const char *flavor, const char *instance, int64_t run_s)
{
    struct ledger_item item = make_item(w, op, id, "alice", flavor, instance);

    item.run_s = run_s;
    return ask(w, &item);
}

static void names_of_states(void **state)
{
    enum ledger_state found;

    (void)state;
    for (unsigned i = 0; i <= LEDGER_SPENT; i++) {
        assert_true(ledger_state_find(view_str(ledger_state_name((enum ledger_state)i)), &found));
        assert_int_equal(found, i);
    }
    assert_false(ledger_state_find(VIEW("exist"), &found));
    assert_false(ledger_state_find(VIEW_NONE, &found));
}

static void a_reservation_holds_its_place(void **state)
{
    struct world w;

    (void)state;
    world_begin(&w, gpus, NULL);
    create(&w, "a", "alice", "gpu.1");
    create(&w, "b", "alice", "gpu.2");
    create(&w, "c", "alice", "cpu");
    create(&w, "d", "bob", "gpu.1");
    assert_int_equal(use(&w, "gpus", "alice"), 2);
    assert_int_equal(try_create(&w, "e", "alice", "gpu.1"), LEDGER_REFUSED);
    assert_string_equal(state_of(&w, "e"), "");
    assert_true(settle(&w, "a", LEDGER_HELD, NULL));
    assert_string_equal(state_of(&w, "a"), "unknown");
    assert_int_equal(try_create(&w, "e", "alice", "gpu.1"), LEDGER_REFUSED);
    assert_true(settle(&w, "b", LEDGER_CREATED, "i-b"));
    assert_string_equal(state_of(&w, "b"), "existing");
    assert_int_equal(try_create(&w, "e", "alice", "gpu.1"), LEDGER_REFUSED);
    assert_true(settle(&w, "a", LEDGER_NOTHING, NULL));
    assert_string_equal(state_of(&w, "a"), "");
    create(&w, "e", "alice", "gpu.1");
    assert_false(settle(&w, "a", LEDGER_CREATED, "i-a"));
    assert_false(settle(&w, "b", LEDGER_NOTHING, NULL));
    world_end(&w);
}

static void a_look_takes_nothing(void **state)
{
    struct world w;
    struct ledger_item item;

    (void)state;
    world_begin(&w, gpus, NULL);
    item = make_item(&w, OP_NOTEBOOKS_CREATE, "a", "alice", "gpu.1", NULL);
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(ask_set(&w, &item, w.set, false), LEDGER_GRANTED);
    assert_int_equal(use(&w, "gpus", "alice"), -1);
    create(&w, "b", "alice", "gpu.1");
    create(&w, "c", "alice", "gpu.1");
    assert_int_equal(ask_set(&w, &item, w.set, false), LEDGER_REFUSED);
    assert_int_equal(use(&w, "gpus", "alice"), 2);
    world_end(&w);
}

static void all_places_or_none(void **state)
{
    struct world w;

    (void)state;
    world_begin(&w, both, NULL);
    create(&w, "a", "alice", "cpu");
    assert_int_equal(try_create(&w, "b", "alice", "cpu"), LEDGER_REFUSED);
    assert_int_equal(w.reason_count, 1);
    assert_int_equal(use(&w, "all", NULL), 1);
    create(&w, "c", "bob", "cpu");
    assert_int_equal(try_create(&w, "d", "alice", "cpu"), LEDGER_REFUSED);
    assert_int_equal(w.reason_count, 2);
    assert_int_equal(use(&w, "all", NULL), 2);
    assert_int_equal(use(&w, "run", "alice"), 1);
    world_end(&w);
}

static void demands_that_are_not_enforced_only_look(void **state)
{
    struct world w;
    struct quota_demand demand = {0};
    struct ledger_ask asked = {.demands = &demand, .demand_count = 1, .take = true};

    (void)state;
    world_begin(&w, gpus, NULL);
    demand.quota = quota_of(w.set, "gpus");
    asked.item = make_item(&w, OP_NOTEBOOKS_CREATE, "x", "alice", "gpu.1", NULL);
    assert_int_equal(
        ledger_reserve(w.ledger, &asked, w.now_us, &w.arena, &w.reasons, &w.reason_count),
        LEDGER_GRANTED);
    assert_string_equal(state_of(&w, "x"), "");
    create(&w, "a", "alice", "gpu.1");
    create(&w, "b", "alice", "gpu.1");
    assert_int_equal(
        ledger_reserve(w.ledger, &asked, w.now_us, &w.arena, &w.reasons, &w.reason_count),
        LEDGER_REFUSED);
    /* Asked for enforced ones, it looks at none, and takes the place all the same. */
    asked.enforced = true;
    assert_int_equal(
        ledger_reserve(w.ledger, &asked, w.now_us, &w.arena, &w.reasons, &w.reason_count),
        LEDGER_GRANTED);
    assert_int_equal(use(&w, "gpus", "alice"), 3);
    world_end(&w);
}

static void says_who_fills_it(void **state)
{
    struct world w;
    struct ledger_item other;

    (void)state;
    world_begin(&w, "      - {name: all, limit: 3}\n", NULL);
    create(&w, "train-1", "alice", "cpu");
    w.now_us += SECOND;
    create(&w, "train\xE2\x80\x8B-2", "bob", "cpu");
    other = make_existing(&w, "secret", "mallory", "cpu", "i-3");
    other.project = VIEW("elsewhere");
    put(&w, &other);
    assert_int_equal(try_create(&w, "x", "alice", "cpu"), LEDGER_REFUSED);
    assert_int_equal(w.reason_count, 1);
    assert_string_equal(w.reasons[0].row->code, "quota.exceeded");
    assert_view(w.reasons[0].message,
                "quota all has no room: 3 of 3 places are taken by \"train-1\" (alice), "
                "\"train?-2\" (bob) and 1 more; stop and delete one, or ask for more");
    assert_view(w.reasons[0].policy, "base");
    assert_view(w.reasons[0].rule, "quotas.all");
    assert_view(w.reasons[0].contact, "ops@example.org");
    assert_string_equal(w.reasons[0].at.file, "p.yaml");
    assert_int_not_equal(w.reasons[0].at.line, 0);
    world_end(&w);
}

static void names_ten_at_most(void **state)
{
    struct world w;
    static char ids[40][8];
    size_t named = 0;

    (void)state;
    world_begin(&w, "      - {name: all, limit: 40, per: [project], counts: running}\n", NULL);
    for (unsigned i = 0; i < 40; i++) {
        (void)snprintf(ids[i], sizeof ids[i], "n-%02u", i);
        create(&w, ids[i], "alice", "cpu");
    }
    assert_int_equal(try_create(&w, "x", "alice", "cpu"), LEDGER_REFUSED);
    for (size_t i = 0; i + 3 < w.reasons[0].message.len; i++)
        named += memcmp(w.reasons[0].message.ptr + i, "\"n-", 3) == 0;
    assert_int_equal(named, LEDGER_NAMES_MAX);
    assert_true(view_ends(w.reasons[0].message, VIEW(" and 30 more; stop one, or ask for more")));
    world_end(&w);
}

static void a_budget_says_hours(void **state)
{
    struct world w;
    struct ledger_item item;

    (void)state;
    world_begin(&w, "      - {name: hours, hours: 2, window: 30d, weight: price}\n",
                "{price: {\"gpu*\": 1.25, \"*\": 0.5}}");
    create(&w, "a", "alice", "gpu.1");
    create(&w, "b", "alice", "cpu");
    assert_int_equal(use(&w, "hours", NULL), (int64_t)3600 * 1750);
    assert_int_equal(try_create(&w, "c", "alice", "gpu.1"), LEDGER_REFUSED);
    assert_view(w.reasons[0].message,
                "quota hours has no room: 1.75 of 2 hours within 30d are spent by \"a\" "
                "(alice), \"b\" (alice), and this asks for 1.25; let it stop sooner, wait until "
                "earlier starts no longer count, or ask for more");
    item = make_item(&w, OP_NOTEBOOKS_CREATE, "d", "alice", "cpu", NULL);
    item.run_s = 1801;
    assert_int_equal(ask(&w, &item), LEDGER_REFUSED);
    item.run_s = 1800;
    assert_int_equal(ask(&w, &item), LEDGER_GRANTED);
    world_end(&w);
}

static void a_budget_refuses_endless_runs(void **state)
{
    struct world w;
    struct ledger_item item;

    (void)state;
    world_begin(&w, "      - {name: hours, hours: 9, window: 1h, flavors: [\"gpu*\"]}\n", NULL);
    put(&w, &(struct ledger_item){0}); /* anything at all may be put */
    item = make_item(&w, OP_NOTEBOOKS_CREATE, "a", "alice", "gpu.1", NULL);
    item.run_s = -1;
    assert_int_equal(ask(&w, &item), LEDGER_REFUSED);
    assert_string_equal(w.reasons[0].row->code, "quota.endless");
    assert_view(w.reasons[0].rule, "quotas.hours");
    assert_int_equal(try_other(&w, OP_NOTEBOOKS_START, "b", "gpu.1", "i", -1), LEDGER_REFUSED);
    assert_int_equal(try_other(&w, OP_NOTEBOOKS_LEASE, "b", "gpu.1", "i", -1), LEDGER_REFUSED);
    assert_int_equal(try_other(&w, OP_NOTEBOOKS_UPDATE, "c", "gpu.1", "i", -1), LEDGER_GRANTED);
    item.flavor = VIEW("cpu");
    assert_int_equal(ask(&w, &item), LEDGER_GRANTED);
    world_end(&w);
}

static void charges_leave_with_their_window(void **state)
{
    struct world w;

    (void)state;
    world_begin(&w, hours, NULL);
    create(&w, "a", "alice", "cpu");
    w.now_us += HOUR;
    create(&w, "b", "alice", "cpu");
    create(&w, "c", "alice", "cpu");
    assert_int_equal(try_create(&w, "d", "alice", "cpu"), LEDGER_REFUSED);
    assert_true(settle(&w, "a", LEDGER_CREATED, "i-a"));
    w.now_us += HOUR - 1;
    assert_int_equal(try_create(&w, "d", "alice", "cpu"), LEDGER_REFUSED);
    w.now_us += 1;
    create(&w, "d", "alice", "cpu");
    assert_int_equal(use(&w, "hours", "alice"), (int64_t)3 * 3600 * 1000);
    assert_string_equal(state_of(&w, "a"), "existing");
    w.now_us += 2 * HOUR;
    assert_int_equal(use(&w, "hours", "alice"), -1);
    world_end(&w);
}

static void what_is_done_is_spent_as_long_as_it_counts(void **state)
{
    struct world w;
    struct ledger_item item;

    (void)state;
    world_begin(&w, hours, NULL);
    item = make_existing(&w, "a", "alice", "cpu", "i-a");
    item.running = false;
    item.run_s = -1;
    put(&w, &item);
    assert_int_equal(try_other(&w, OP_NOTEBOOKS_START, "s", "cpu", "i-a", 3600), LEDGER_GRANTED);
    assert_true(settle(&w, "s", LEDGER_DONE, NULL));
    assert_string_equal(state_of(&w, "s"), "spent");
    assert_true(ledger_get(w.ledger, VIEW("s"), &item));
    assert_view(item.instance, "i-a");
    assert_true(ledger_find_instance(w.ledger, VIEW("i-a"), &item));
    assert_true(item.running);
    assert_view(item.id, "a");
    assert_int_equal(try_other(&w, OP_NOTEBOOKS_LEASE, "l", "cpu", "i-a", 7200), LEDGER_GRANTED);
    assert_true(settle(&w, "l", LEDGER_DONE, NULL));
    assert_int_equal(use(&w, "hours", "alice"), (int64_t)3 * 3600 * 1000);
    assert_int_equal(ledger_count(w.ledger).spent, 2);
    w.now_us += 2 * HOUR;
    assert_false(settle(&w, "none", LEDGER_DONE, NULL));
    create(&w, "b", "alice", "cpu");
    assert_int_equal(ledger_count(w.ledger).spent, 0);
    world_end(&w);
}

static void without_a_window_nothing_is_spent(void **state)
{
    struct world w;
    struct ledger_item item;

    (void)state;
    world_begin(&w, both, NULL);
    item = make_existing(&w, "a", "alice", "cpu", "i-a");
    put(&w, &item);
    assert_int_equal(try_other(&w, OP_NOTEBOOKS_START, "s", "cpu", "i-a", 3600), LEDGER_GRANTED);
    assert_true(settle(&w, "s", LEDGER_DONE, NULL));
    assert_string_equal(state_of(&w, "s"), "");
    item.id = VIEW("old");
    item.state = LEDGER_SPENT;
    put(&w, &item);
    assert_string_equal(state_of(&w, "old"), "");
    world_end(&w);
}

static void a_start_of_what_runs_takes_nothing(void **state)
{
    struct world w;
    struct ledger_item item;

    (void)state;
    world_begin(&w, both, NULL);
    item = make_existing(&w, "a", "alice", "cpu", "i-a");
    put(&w, &item);
    assert_int_equal(try_other(&w, OP_NOTEBOOKS_START, "s", "cpu", "i-a", 60), LEDGER_GRANTED);
    assert_int_equal(use(&w, "run", "alice"), 1);
    assert_int_equal(try_other(&w, OP_NOTEBOOKS_START, "s2", "cpu", "i-b", 60), LEDGER_REFUSED);
    assert_view(w.reasons[0].message, "quota run has no room: 1 of 1 places per user are taken "
                                      "by \"a\" (alice); stop one, or ask for more");
    item.running = false;
    put(&w, &item);
    /* The start under way holds it still. */
    assert_int_equal(try_other(&w, OP_NOTEBOOKS_START, "s2", "cpu", "i-b", 60), LEDGER_REFUSED);
    assert_true(settle(&w, "s", LEDGER_NOTHING, NULL));
    assert_int_equal(try_other(&w, OP_NOTEBOOKS_START, "s2", "cpu", "i-b", 60), LEDGER_GRANTED);
    assert_int_equal(use(&w, "all", NULL), 1);
    /* Of an instance without an entry the start becomes the entry. */
    assert_true(settle(&w, "s2", LEDGER_DONE, NULL));
    assert_string_equal(state_of(&w, "s2"), "existing");
    assert_int_equal(use(&w, "all", NULL), 2);
    world_end(&w);
}

static void a_change_takes_the_new_place_before_it_frees_the_old(void **state)
{
    struct world w;
    struct ledger_item item;

    (void)state;
    world_begin(&w,
                "      - {name: big, limit: 1, flavors: [\"gpu.big*\"]}\n"
                "      - {name: gpus, limit: 2, flavors: [\"gpu*\"]}\n"
                "      - {name: small, limit: 1, flavors: [\"gpu.small\"]}\n",
                NULL);
    item = make_existing(&w, "a", "alice", "gpu.small", "i-a");
    put(&w, &item);
    assert_int_equal(try_other(&w, OP_NOTEBOOKS_UPDATE, "u", "gpu.big", "i-a", -1), LEDGER_GRANTED);
    assert_int_equal(use(&w, "gpus", NULL), 1);
    assert_int_equal(use(&w, "big", NULL), 1);
    assert_int_equal(use(&w, "small", NULL), 1);
    assert_int_equal(try_create(&w, "b", "bob", "gpu.big"), LEDGER_REFUSED);
    assert_true(settle(&w, "u", LEDGER_HELD, NULL));
    assert_int_equal(try_create(&w, "b", "bob", "gpu.small"), LEDGER_REFUSED);
    assert_true(settle(&w, "u", LEDGER_DONE, NULL));
    assert_string_equal(state_of(&w, "u"), "");
    assert_true(ledger_find_instance(w.ledger, VIEW("i-a"), &item));
    assert_view(item.flavor, "gpu.big");
    assert_int_equal(use(&w, "small", NULL), 0);
    assert_int_equal(use(&w, "big", NULL), 1);
    create(&w, "b", "bob", "gpu.small");
    world_end(&w);
}

static void a_run_stays_charged_for_its_flavor(void **state)
{
    struct world w;
    struct ledger_item item;

    (void)state;
    world_begin(&w, "      - {name: hours, hours: 10, window: 2h, weight: price}\n",
                "{price: {\"gpu*\": 5, \"*\": 1}}");
    item = make_existing(&w, "a", "alice", "cpu", "i-a");
    put(&w, &item);
    assert_int_equal(try_other(&w, OP_NOTEBOOKS_UPDATE, "u", "gpu.1", "i-a", -1), LEDGER_GRANTED);
    assert_true(settle(&w, "u", LEDGER_DONE, NULL));
    assert_int_equal(use(&w, "hours", NULL), (int64_t)3600 * 1000);
    assert_int_equal(ledger_use(w.ledger, w.set, w.now_us), STATUS_OK);
    assert_int_equal(use(&w, "hours", NULL), (int64_t)3600 * 1000);
    world_end(&w);
}

static void one_create_of_a_name(void **state)
{
    struct world w;
    struct ledger_item item;

    (void)state;
    world_begin(&w, "      - {name: all, limit: 1}\n", NULL);
    create(&w, "a", "alice", "cpu");
    item = make_item(&w, OP_NOTEBOOKS_CREATE, "b", "bob", "cpu", NULL);
    item.name = VIEW("a");
    assert_int_equal(ask(&w, &item), LEDGER_REFUSED);
    assert_int_equal(w.reason_count, 2);
    assert_string_equal(w.reasons[0].row->code, "create.pending");
    assert_true(view_starts(w.reasons[0].message, VIEW("another create of \"a\" in this project")));
    assert_true(settle(&w, "a", LEDGER_HELD, NULL));
    assert_int_equal(ask(&w, &item), LEDGER_REFUSED);
    assert_int_equal(w.reason_count, 2);
    assert_true(settle(&w, "a", LEDGER_CREATED, "i-a"));
    assert_int_equal(ask(&w, &item), LEDGER_REFUSED);
    assert_int_equal(w.reason_count, 1);
    world_end(&w);
}

static void a_name_is_pending_in_its_family_and_project(void **state)
{
    struct world w;
    struct ledger_item item, odd;

    (void)state;
    world_begin(&w, "      - {name: all, limit: 100}\n", NULL);
    create(&w, "a", "alice", "cpu");
    item = make_item(&w, OP_DEMANAGER_CREATE, "b", "bob", "cpu", NULL);
    item.name = VIEW("a");
    assert_int_equal(ask(&w, &item), LEDGER_GRANTED);
    item.id = VIEW("c");
    assert_int_equal(ask(&w, &item), LEDGER_REFUSED);
    item.project = VIEW("elsewhere");
    assert_int_equal(ask(&w, &item), LEDGER_GRANTED);
    /* An operation that this release doesn't know may be of either family. */
    odd = make_item(&w, OP_OTHER, "odd", "bob", "cpu", NULL);
    odd.state = LEDGER_UNKNOWN;
    odd.project = VIEW("third");
    odd.name = VIEW("a");
    put(&w, &odd);
    item.id = VIEW("d");
    item.project = VIEW("third");
    assert_int_equal(ask(&w, &item), LEDGER_REFUSED);
    /* No name, no twin. */
    item.id = VIEW("e");
    item.name = VIEW_NONE;
    assert_int_equal(ask(&w, &item), LEDGER_GRANTED);
    item.id = VIEW("f");
    assert_int_equal(ask(&w, &item), LEDGER_GRANTED);
    world_end(&w);
}

static void a_set_of_before_or_after_asks_too(void **state)
{
    struct world w;
    struct policy_set *other;
    struct ledger_item item;

    (void)state;
    world_begin(&w, both, NULL);
    other = quotas_from("      - {name: all, limit: 1}\n"
                        "      - {name: hours, hours: 1, window: 1h, per: [user]}\n",
                        NULL);
    item = make_item(&w, OP_NOTEBOOKS_CREATE, "a", "alice", "cpu", NULL);
    assert_int_equal(ask_set(&w, &item, other, true), LEDGER_GRANTED);
    item.id = item.name = VIEW("b");
    assert_int_equal(ask_set(&w, &item, other, true), LEDGER_REFUSED);
    assert_int_equal(w.reason_count, 2);
    assert_view(w.reasons[0].message, "quota all has no room: 1 of 1 places are taken by \"a\" "
                                      "(alice); stop and delete one, or ask for more");
    assert_int_equal(use(&w, "all", NULL), 1);
    assert_int_equal(ledger_use(w.ledger, other, w.now_us), STATUS_OK);
    assert_int_equal(use(&w, "hours", "alice"), (int64_t)3600 * 1000);
    assert_int_equal(ask_set(&w, &item, w.set, true), LEDGER_REFUSED);
    policy_set_unref(&other);
    world_end(&w);
}

static void orphans_and_unclaimed_count_unless_told(void **state)
{
    struct world w;
    struct ledger_item item;

    (void)state;
    world_begin(&w, both, NULL);
    item = make_existing(&w, "o", "alice", "cpu", "i-o");
    item.orphan = true;
    put(&w, &item);
    item = make_existing(&w, "n", "alice", "cpu", "i-n");
    item.claimed = false;
    put(&w, &item);
    assert_int_equal(use(&w, "all", NULL), 2);
    ledger_count_orphans(w.ledger, false);
    assert_int_equal(use(&w, "all", NULL), 0);
    assert_int_equal(ledger_count(w.ledger).orphans, 1);
    ledger_count_orphans(w.ledger, true);
    assert_int_equal(use(&w, "all", NULL), 2);
    world_end(&w);
}

static void an_unclaimed_entry_is_joined(void **state)
{
    struct world w;
    struct ledger_item item;

    (void)state;
    world_begin(&w, both, NULL);
    create(&w, "a", "alice", "cpu");
    item = make_existing(&w, "listed", "alice", "cpu", "i-a");
    item.claimed = false;
    item.running = false;
    put(&w, &item);
    assert_int_equal(use(&w, "all", NULL), 2);
    assert_true(settle(&w, "a", LEDGER_CREATED, "i-a"));
    assert_int_equal(use(&w, "all", NULL), 1);
    assert_string_equal(state_of(&w, "listed"), "");
    assert_true(ledger_find_instance(w.ledger, VIEW("i-a"), &item));
    assert_view(item.id, "a");
    assert_true(item.claimed && !item.orphan && !item.running);
    world_end(&w);
}

static void created_without_an_instance_stays_unknown(void **state)
{
    struct world w;

    (void)state;
    world_begin(&w, both, NULL);
    create(&w, "a", "alice", "cpu");
    assert_true(settle(&w, "a", LEDGER_CREATED, NULL));
    assert_string_equal(state_of(&w, "a"), "unknown");
    assert_int_equal(use(&w, "all", NULL), 1);
    world_end(&w);
}

static void what_is_not_known_counts_for_all(void **state)
{
    struct world w;
    struct ledger_item item;

    (void)state;
    world_begin(&w, gpus, NULL);
    item = make_existing(&w, "x", NULL, NULL, "i-x");
    put(&w, &item);
    create(&w, "a", "alice", "gpu.1");
    assert_int_equal(use(&w, "gpus", "alice"), 2);
    assert_int_equal(try_create(&w, "b", "alice", "gpu.1"), LEDGER_REFUSED);
    create(&w, "c", "bob", "gpu.1");
    assert_int_equal(try_create(&w, "d", "bob", "gpu.1"), LEDGER_REFUSED);
    /* Whoever it is must have room: alice has none. */
    item = make_item(&w, OP_NOTEBOOKS_CREATE, "e", NULL, "gpu.1", NULL);
    assert_int_equal(ask(&w, &item), LEDGER_REFUSED);
    item.project = VIEW("elsewhere");
    assert_int_equal(ask(&w, &item), LEDGER_GRANTED);
    world_end(&w);
}

static void with_two_things_unknown_it_is_refused_rather_than_overrun(void **state)
{
    struct world w;
    struct ledger_item item;

    (void)state;
    world_begin(&w, gpus, NULL);
    create(&w, "a", "alice", "gpu.1");
    create(&w, "b", "alice", "gpu.1");
    item = make_item(&w, OP_NOTEBOOKS_CREATE, "c", NULL, "gpu.1", NULL);
    item.project = VIEW_NONE;
    assert_int_equal(ask(&w, &item), LEDGER_REFUSED);
    world_end(&w);
}

static void each_group_by_itself(void **state)
{
    static const struct {
        const char *per;
        bool same; /* the second one is of the same group */
    } rows[] = {{"project", true},
                {"user", true},
                {"domain", false},
                {"workspace", false},
                {"pool", false}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct world w;
        struct ledger_item item;
        char quota[96];

        (void)snprintf(quota, sizeof quota, "      - {name: q, limit: 1, per: [%s]}\n",
                       rows[i].per);
        world_begin(&w, quota, NULL);
        create(&w, "a", "alice", "cpu");
        item = make_item(&w, OP_NOTEBOOKS_CREATE, "b", "alice", "cpu", NULL);
        item.domain = VIEW("other");
        item.workspace = VIEW("other");
        item.pool = VIEW("other");
        assert_row(ask(&w, &item) == (rows[i].same ? LEDGER_REFUSED : LEDGER_GRANTED), rows[i].per);
        world_end(&w);
    }
}

static void the_users_id_or_else_the_name(void **state)
{
    struct world w;
    struct ledger_item item;

    (void)state;
    world_begin(&w, "      - {name: q, limit: 1, per: [user]}\n", NULL);
    item = make_item(&w, OP_NOTEBOOKS_CREATE, "a", "alice", "cpu", NULL);
    item.user_id = VIEW("u-1");
    assert_int_equal(ask(&w, &item), LEDGER_GRANTED);
    assert_int_equal(use(&w, "q", "u-1"), 1);
    item.id = item.name = VIEW("b");
    item.user_id = VIEW_NONE;
    assert_int_equal(ask(&w, &item), LEDGER_GRANTED);
    assert_int_equal(use(&w, "q", "alice"), 1);
    world_end(&w);
}

static void texts_are_cut(void **state)
{
    struct world w;
    struct ledger_item item, got;
    char text[401] = {0};

    (void)state;
    memset(text, 'x', sizeof text - 1);
    world_begin(&w, gpus, NULL);
    item = make_existing(&w, "a", "alice", "gpu.1", "i");
    item.id = item.project = item.name = item.instance = item.flavor =
        view_of(text, sizeof text - 1);
    put(&w, &item);
    put(&w, &item);
    assert_true(ledger_get(w.ledger, view_of(text, sizeof text - 1), &got));
    assert_int_equal(got.name.len, LEDGER_TEXT_BYTES);
    assert_true(ledger_find_instance(w.ledger, view_of(text, sizeof text - 1), &got));
    assert_int_equal(ledger_count(w.ledger).existing, 1);
    assert_int_equal(try_other(&w, OP_NOTEBOOKS_START, "s", text, text, 60), LEDGER_GRANTED);
    world_end(&w);
}

static void an_id_is_reserved_once(void **state)
{
    struct world w;

    (void)state;
    world_begin(&w, gpus, NULL);
    create(&w, "a", "alice", "cpu");
    assert_int_equal(try_create(&w, "a", "alice", "cpu"), LEDGER_FAILED);
    ledger_drop(w.ledger, VIEW("a"));
    ledger_drop(w.ledger, VIEW("a"));
    create(&w, "a", "alice", "cpu");
    world_end(&w);
}

static bool remember(void *user, const struct ledger_item *item)
{
    struct buf *out = user;

    buf_add(out, item->id);
    return out->len < 3;
}

static void all_entries_oldest_first(void **state)
{
    struct world w;
    struct buf out;
    static const int64_t ages[] = {3, 5, 1, 4, 2};
    static const char *const ids[] = {"a", "b", "c", "d", "e"};

    (void)state;
    world_begin(&w, hours, NULL);
    buf_init(&out, 64);
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        struct ledger_item item = make_existing(&w, ids[i], "alice", "cpu", ids[i]);

        item.time_us -= ages[i] * SECOND;
        item.state = i == 1 ? LEDGER_UNKNOWN : i == 3 ? LEDGER_SPENT : LEDGER_EXISTING;
        put(&w, &item);
    }
    ledger_each(w.ledger, remember, &out);
    assert_view(buf_view(&out), "bda");
    assert_int_equal(ledger_count(w.ledger).oldest_unknown_us, w.now_us - 5 * SECOND);
    buf_done(&out);
    world_end(&w);
}

static void many_out_of_order_are_sorted(void **state)
{
    struct world w;
    static char ids[500][8];
    struct ledger_item item;
    struct buf out;

    (void)state;
    world_begin(&w, hours, NULL);
    for (unsigned i = 0; i < 500; i++) {
        (void)snprintf(ids[i], sizeof ids[i], "%03u", i);
        item = make_existing(&w, ids[i], "alice", "cpu", ids[i]);
        item.time_us -= (int64_t)(i * 7919 % 500) * SECOND;
        put(&w, &item);
    }
    buf_init(&out, 4);
    ledger_each(w.ledger, remember, &out);
    assert_view(buf_view(&out), "321"); /* 321 * 7919 % 500 == 499 */
    buf_done(&out);
    world_end(&w);
}

struct told {
    char text[256];
};

static void tell(void *user, const struct ledger_item *item, bool gone)
{
    struct told *told = user;
    size_t used = strlen(told->text);

    (void)snprintf(told->text + used, sizeof told->text - used, "%.*s %s%s; ", VIEW_ARGS(item->id),
                   ledger_state_name(item->state), gone ? " gone" : "");
}

static void the_watcher_is_told(void **state)
{
    struct world w;
    struct told told = {0};
    struct ledger_item item;

    (void)state;
    world_begin(&w, both, NULL);
    ledger_watch(w.ledger, &(struct ledger_watcher){tell, &told});
    create(&w, "a", "alice", "cpu");
    (void)try_create(&w, "b", "alice", "cpu");
    (void)settle(&w, "a", LEDGER_HELD, NULL);
    (void)settle(&w, "a", LEDGER_CREATED, "i-a");
    item = make_existing(&w, "p", "bob", "cpu", "i-p");
    put(&w, &item);
    ledger_drop(w.ledger, VIEW("p"));
    (void)try_other(&w, OP_NOTEBOOKS_START, "s", "cpu", "i-a", 60);
    (void)settle(&w, "s", LEDGER_DONE, NULL);
    assert_string_equal(told.text, "a reserved; a unknown; a existing; s reserved; a existing; "
                                   "s reserved gone; ");
    world_end(&w);
}

static void a_replaced_entry_counts_once(void **state)
{
    struct world w;
    struct ledger_item item;

    (void)state;
    world_begin(&w, both, NULL);
    item = make_existing(&w, "a", "alice", "cpu", "i-a");
    put(&w, &item);
    put(&w, &item);
    item.running = false;
    put(&w, &item);
    assert_int_equal(use(&w, "all", NULL), 1);
    assert_int_equal(use(&w, "run", "alice"), -1);
    item.instance = VIEW("i-b");
    put(&w, &item);
    assert_int_equal(use(&w, "all", NULL), 1);
    assert_false(ledger_find_instance(w.ledger, VIEW("i-a"), &item));
    world_end(&w);
}

static void huge_charges_do_not_wrap(void **state)
{
    struct world w;
    static char ids[20][8];
    struct ledger_item item;

    (void)state;
    world_begin(&w, "      - {name: hours, hours: 1000000000, window: 1h, weight: t}\n",
                "{t: {\"*\": 1000000}}");
    for (unsigned i = 0; i < 20; i++) {
        (void)snprintf(ids[i], sizeof ids[i], "%u", i);
        item = make_existing(&w, ids[i], "alice", "cpu", ids[i]);
        item.run_s = INT64_MAX / 2;
        put(&w, &item);
    }
    assert_int_equal(use(&w, "hours", NULL), INT64_MAX);
    assert_int_equal(try_create(&w, "x", "alice", "cpu"), LEDGER_REFUSED);
    for (unsigned i = 0; i < 20; i++)
        ledger_drop(w.ledger, view_str(ids[i]));
    assert_int_equal(use(&w, "hours", NULL), 0);
    create(&w, "x", "alice", "cpu");
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_states),
        cmocka_unit_test(a_reservation_holds_its_place),
        cmocka_unit_test(a_look_takes_nothing),
        cmocka_unit_test(all_places_or_none),
        cmocka_unit_test(demands_that_are_not_enforced_only_look),
        cmocka_unit_test(says_who_fills_it),
        cmocka_unit_test(names_ten_at_most),
        cmocka_unit_test(a_budget_says_hours),
        cmocka_unit_test(a_budget_refuses_endless_runs),
        cmocka_unit_test(charges_leave_with_their_window),
        cmocka_unit_test(what_is_done_is_spent_as_long_as_it_counts),
        cmocka_unit_test(without_a_window_nothing_is_spent),
        cmocka_unit_test(a_start_of_what_runs_takes_nothing),
        cmocka_unit_test(a_change_takes_the_new_place_before_it_frees_the_old),
        cmocka_unit_test(a_run_stays_charged_for_its_flavor),
        cmocka_unit_test(one_create_of_a_name),
        cmocka_unit_test(a_name_is_pending_in_its_family_and_project),
        cmocka_unit_test(a_set_of_before_or_after_asks_too),
        cmocka_unit_test(orphans_and_unclaimed_count_unless_told),
        cmocka_unit_test(an_unclaimed_entry_is_joined),
        cmocka_unit_test(created_without_an_instance_stays_unknown),
        cmocka_unit_test(what_is_not_known_counts_for_all),
        cmocka_unit_test(with_two_things_unknown_it_is_refused_rather_than_overrun),
        cmocka_unit_test(each_group_by_itself),
        cmocka_unit_test(the_users_id_or_else_the_name),
        cmocka_unit_test(texts_are_cut),
        cmocka_unit_test(an_id_is_reserved_once),
        cmocka_unit_test(all_entries_oldest_first),
        cmocka_unit_test(many_out_of_order_are_sorted),
        cmocka_unit_test(the_watcher_is_told),
        cmocka_unit_test(a_replaced_entry_counts_once),
        cmocka_unit_test(huge_charges_do_not_wrap),
    };

    return cmocka_run_group_tests_name("quota ledger", tests, NULL, NULL);
}
