/* SPDX-License-Identifier: Apache-2.0
 * What scan.h promises, sentence by sentence. */
#include "unit/quota/support.h"

static const char both[] = "      - {name: all, limit: 9}\n"
                           "      - {name: run, limit: 9, counts: running}\n"
                           "      - {name: gpus, limit: 9, flavors: [\"gpu*\"]}\n";
enum { GRACE_S = 30 };

struct seen {
    struct world w;
    struct scan_instance items[8];
    size_t count;
    struct view own_of, mine, agent;
    bool follows;
    unsigned ids;
    char told[512];
};

static void new_id(void *user, char id[static 32])
{
    struct seen *s = user;
    char text[33];

    (void)snprintf(text, sizeof text, "%032u", ++s->ids);
    memcpy(id, text, 32);
}

static void told(void *user, enum scan_finding finding, const struct ledger_item *item)
{
    struct seen *s = user;
    size_t used = strlen(s->told);

    (void)snprintf(s->told + used, sizeof s->told - used, "%s%s %.*s", used == 0 ? "" : ", ",
                   scan_finding_name(finding),
                   VIEW_ARGS(finding == SCAN_ORPHAN ? item->instance : item->id));
}

static void begin(struct seen *s)
{
    memset(s, 0, sizeof *s);
    world_begin(&s->w, both, NULL);
}

static struct scan_instance *list(struct seen *s, const char *id, const char *name,
                                  const char *user, const char *flavor)
{
    struct scan_instance *item = &s->items[s->count++];

    *item = (struct scan_instance){.family = FAMILY_NOTEBOOKS,
                                   .id = view_str(id),
                                   .name = view_str(name),
                                   .flavor = view_str(flavor),
                                   .user_id = view_str(user),
                                   .exists = true,
                                   .runs = true,
                                   .created_us = s->w.now_us};
    return item;
}

/* One complete scan of what is listed, begun after a while; what it found, as text. */
static const char *scan(struct seen *s, int64_t after_s)
{
    struct scan scan = {.project = VIEW("p"),
                        .own_of = s->own_of,
                        .grace_us = GRACE_S * SECOND,
                        .items = s->items,
                        .count = s->count};
    const struct scan_rules rules = {new_id, told, s, s->mine, !s->follows, s->agent};

    s->w.now_us += after_s * SECOND;
    scan.begun_us = s->w.now_us;
    s->told[0] = '\0';
    assert_int_equal(ledger_reconcile(s->w.ledger, &scan, &rules, s->w.now_us), STATUS_OK);
    return s->told;
}

static void lost(struct seen *s, enum operation_id op, const char *id, const char *flavor,
                 const char *instance)
{
    struct ledger_item item = make_item(&s->w, op, id, "alice", flavor, instance);

    item.gateway = VIEW("g1");
    assert_int_equal(ask(&s->w, &item), LEDGER_GRANTED);
    assert_true(settle(&s->w, id, LEDGER_HELD, NULL));
}

static void exists(struct seen *s, const char *id, const char *user, const char *flavor)
{
    const struct ledger_item item = make_existing(&s->w, id, user, flavor, id);

    put(&s->w, &item);
}

static void names_of_findings(void **state)
{
    (void)state;
    assert_string_equal(scan_finding_name(SCAN_CREATED), "created");
    assert_string_equal(scan_finding_name(SCAN_ORPHAN), "orphan");
}

static void what_is_listed_was_created(void **state)
{
    struct seen s;

    (void)state;
    begin(&s);
    lost(&s, OP_NOTEBOOKS_CREATE, "a", "cpu", NULL);
    (void)list(&s, "i-1", "a", "alice", "cpu");
    assert_string_equal(scan(&s, 1), "created a");
    assert_string_equal(state_of(&s.w, "a"), "existing");
    assert_int_equal(use(&s.w, "all", NULL), 1);
    assert_string_equal(scan(&s, 1), "");
    world_end(&s.w);
}

/* Of callers for whom the gateway signs, the cloud knows only whose key that is. */
static void the_agent_made_it_for_the_caller(void **state)
{
    struct seen s;

    (void)state;
    begin(&s);
    s.agent = VIEW("robot");
    lost(&s, OP_NOTEBOOKS_CREATE, "a", "cpu", NULL);
    (void)list(&s, "i-1", "a", "robot", "cpu");
    assert_string_equal(scan(&s, 1), "created a");
    assert_int_equal(use(&s.w, "all", NULL), 1);
    world_end(&s.w);
}

static void matched_on_all_that_is_known(void **state)
{
    static const struct {
        const char *what, *name, *user, *flavor;
        enum family family;
        int64_t age_s;
        bool claimed;
    } rows[] = {
        {"the same", "a", "alice", "cpu", FAMILY_NOTEBOOKS, 0, true},
        {"another name", "b", "alice", "cpu", FAMILY_NOTEBOOKS, 0, false},
        {"no name", NULL, "alice", "cpu", FAMILY_NOTEBOOKS, 0, false},
        {"another user", "a", "bob", "cpu", FAMILY_NOTEBOOKS, 0, false},
        {"no user", "a", NULL, "cpu", FAMILY_NOTEBOOKS, 0, true},
        {"another flavor", "a", "alice", "gpu", FAMILY_NOTEBOOKS, 0, false},
        {"no flavor", "a", "alice", NULL, FAMILY_NOTEBOOKS, 0, true},
        {"another family", "a", "alice", "cpu", FAMILY_DEMANAGER, 0, false},
        {"clocks differ", "a", "alice", "cpu", FAMILY_NOTEBOOKS, 4, true},
        {"made before", "a", "alice", "cpu", FAMILY_NOTEBOOKS, 6, false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct scan_instance *item;
        struct seen s;

        begin(&s);
        lost(&s, OP_NOTEBOOKS_CREATE, "a", "cpu", NULL);
        item = list(&s, "i-1", rows[i].name, rows[i].user, rows[i].flavor);
        item->family = rows[i].family;
        item->created_us -= rows[i].age_s * SECOND;
        assert_row(strcmp(scan(&s, 1), rows[i].claimed ? "created a" : "orphan i-1") == 0,
                   rows[i].what);
        assert_row(use(&s.w, "all", NULL) == (rows[i].claimed ? 1 : 2), rows[i].what);
        world_end(&s.w);
    }
}

static void one_instance_settles_one_create(void **state)
{
    struct seen s;
    struct ledger_item twin;

    (void)state;
    begin(&s);
    lost(&s, OP_NOTEBOOKS_CREATE, "a", "cpu", NULL);
    s.w.now_us += 20 * SECOND;
    twin = make_item(&s.w, OP_NOTEBOOKS_CREATE, "b", "alice", "cpu", NULL);
    twin.state = LEDGER_UNKNOWN;
    twin.name = VIEW("a");
    put(&s.w, &twin);
    (void)list(&s, "i-2", "a", "alice", "cpu");
    assert_string_equal(scan(&s, 1), "created b");
    assert_string_equal(scan(&s, 1), "");
    list(&s, "i-1", "a", "alice", "cpu")->created_us -= 21 * SECOND;
    assert_string_equal(scan(&s, 1), "created a");
    world_end(&s.w);
}

static void a_known_id_settles_nothing(void **state)
{
    struct seen s;

    (void)state;
    begin(&s);
    exists(&s, "i-1", "alice", "cpu");
    lost(&s, OP_NOTEBOOKS_CREATE, "a", "cpu", NULL);
    (void)list(&s, "i-1", "a", "alice", "cpu");
    assert_string_equal(scan(&s, 1), "");
    assert_string_equal(state_of(&s.w, "a"), "unknown");
    world_end(&s.w);
}

static void absence_takes_two_scans(void **state)
{
    struct seen s;

    (void)state;
    begin(&s);
    lost(&s, OP_NOTEBOOKS_CREATE, "a", "cpu", NULL);
    assert_string_equal(scan(&s, 60 + GRACE_S), "");
    assert_string_equal(scan(&s, 0), ""); /* the same list again is no second one */
    assert_string_equal(scan(&s, 1), "absent a");
    assert_string_equal(state_of(&s.w, "a"), "");
    assert_int_equal(use(&s.w, "all", NULL), 0);
    world_end(&s.w);
}

static void the_second_begins_when_nothing_can_come(void **state)
{
    struct seen s;

    (void)state;
    begin(&s);
    lost(&s, OP_NOTEBOOKS_CREATE, "a", "cpu", NULL);
    assert_string_equal(scan(&s, 1), "");
    assert_string_equal(scan(&s, 58 + GRACE_S), "");
    assert_string_equal(scan(&s, 1), "absent a");
    world_end(&s.w);
}

static void only_lost_ones_are_settled(void **state)
{
    struct seen s;
    struct ledger_item item;

    (void)state;
    begin(&s);
    item = make_item(&s.w, OP_NOTEBOOKS_CREATE, "a", "alice", "cpu", NULL);
    assert_int_equal(ask(&s.w, &item), LEDGER_GRANTED);
    assert_string_equal(scan(&s, 1000), "");
    assert_string_equal(scan(&s, 1000), "");
    assert_string_equal(state_of(&s.w, "a"), "reserved");
    world_end(&s.w);
}

static void only_ones_own_are_settled(void **state)
{
    struct seen s;

    (void)state;
    begin(&s);
    lost(&s, OP_NOTEBOOKS_CREATE, "a", "cpu", NULL);
    s.mine = VIEW("g2");
    (void)scan(&s, 1000);
    assert_string_equal(scan(&s, 1000), "");
    s.mine = VIEW("g1");
    (void)scan(&s, 1000);
    assert_string_equal(scan(&s, 1000), "absent a");
    world_end(&s.w);
}

static void a_callers_token_proves_for_its_own(void **state)
{
    struct seen s;

    (void)state;
    begin(&s);
    lost(&s, OP_NOTEBOOKS_CREATE, "a", "cpu", NULL);
    exists(&s, "i-a", "alice", "cpu");
    exists(&s, "i-b", "bob", "cpu");
    s.own_of = VIEW("bob");
    (void)scan(&s, 1000);
    assert_string_equal(scan(&s, 1000), "gone i-b");
    s.own_of = VIEW("alice");
    (void)scan(&s, 1000);
    assert_string_equal(scan(&s, 1000), "absent a, gone i-a");
    world_end(&s.w);
}

static void another_project_proves_nothing(void **state)
{
    struct seen s;
    struct ledger_item item;

    (void)state;
    begin(&s);
    item = make_existing(&s.w, "a", "alice", "cpu", "i-a");
    item.project = VIEW("elsewhere");
    put(&s.w, &item);
    (void)scan(&s, 1000);
    assert_string_equal(scan(&s, 1000), "");
    world_end(&s.w);
}

static void gone_takes_two_scans(void **state)
{
    struct seen s;

    (void)state;
    begin(&s);
    exists(&s, "i-a", "alice", "cpu");
    assert_string_equal(scan(&s, 1000), "");
    (void)list(&s, "i-a", "a", "alice", "cpu");
    assert_string_equal(scan(&s, 1), ""); /* there again: missed from the start */
    s.count = 0;
    assert_string_equal(scan(&s, 1), "");
    assert_string_equal(scan(&s, 1), "gone i-a");
    assert_int_equal(use(&s.w, "all", NULL), 0);
    world_end(&s.w);
}

static void gone_at_once_if_the_list_says_so(void **state)
{
    struct seen s;
    struct scan_instance *item;

    (void)state;
    begin(&s);
    exists(&s, "i-a", "alice", "cpu");
    item = list(&s, "i-a", "a", "alice", "cpu");
    item->exists = item->runs = false;
    assert_string_equal(scan(&s, 1), "gone i-a");
    assert_string_equal(scan(&s, 1), ""); /* and no orphan */
    world_end(&s.w);
}

static void what_is_young_is_not_gone(void **state)
{
    struct seen s;

    (void)state;
    begin(&s);
    lost(&s, OP_NOTEBOOKS_CREATE, "a", "cpu", NULL);
    assert_true(settle(&s.w, "a", LEDGER_CREATED, "i-a"));
    assert_string_equal(scan(&s, 1), "");
    assert_string_equal(scan(&s, GRACE_S - 2), "");
    assert_string_equal(scan(&s, 1), "gone a");
    world_end(&s.w);
}

static void what_is_gone_stays_charged(void **state)
{
    struct seen s;

    (void)state;
    memset(&s, 0, sizeof s);
    world_begin(&s.w, "      - {name: hours, hours: 3, window: 2h}\n", NULL);
    exists(&s, "i-a", "alice", "cpu");
    (void)scan(&s, 100);
    assert_string_equal(scan(&s, 1), "gone i-a");
    assert_string_equal(state_of(&s.w, "i-a"), "spent");
    assert_int_equal(use(&s.w, "hours", NULL), (int64_t)3600 * 1000);
    lost(&s, OP_NOTEBOOKS_CREATE, "b", "cpu", NULL);
    (void)scan(&s, 100);
    assert_string_equal(scan(&s, 1), "absent b");
    assert_int_equal(use(&s.w, "hours", NULL), (int64_t)3600 * 1000);
    world_end(&s.w);
}

static void stopped_and_started(void **state)
{
    struct seen s;
    struct scan_instance *item;

    (void)state;
    begin(&s);
    exists(&s, "i-a", "alice", "cpu");
    item = list(&s, "i-a", "a", "alice", "cpu");
    item->runs = false;
    assert_string_equal(scan(&s, GRACE_S - 1), ""); /* it may lag behind what made it run */
    assert_string_equal(scan(&s, 1), "stopped i-a");
    assert_int_equal(use(&s.w, "run", NULL), 0);
    assert_int_equal(use(&s.w, "all", NULL), 1);
    item->runs = true;
    assert_string_equal(scan(&s, 1), "started i-a");
    assert_int_equal(use(&s.w, "run", NULL), 1);
    item->runs = false;
    assert_string_equal(scan(&s, 1), "stopped i-a");
    world_end(&s.w);
}

static void a_scan_from_before_a_start_does_not_stop_it(void **state)
{
    struct seen s;
    struct ledger_item item;
    struct scan_instance listed;
    struct scan before = {.project = VIEW("p"), .items = &listed, .count = 1};
    const struct scan_rules rules = {new_id, told, &s, VIEW_NONE, true, {NULL, 0}};

    (void)state;
    begin(&s);
    exists(&s, "i-a", "alice", "cpu");
    (void)list(&s, "i-a", "a", "alice", "cpu");
    s.items[0].runs = false;
    // cppcheck-suppress unreadVariable ; before points to it
    listed = s.items[0];
    assert_string_equal(scan(&s, 100), "stopped i-a");
    s.w.now_us += 100 * SECOND;
    before.begun_us = s.w.now_us;
    s.w.now_us += SECOND;
    item = make_item(&s.w, OP_NOTEBOOKS_START, "s", "alice", "cpu", "i-a");
    assert_int_equal(ask(&s.w, &item), LEDGER_GRANTED);
    assert_true(settle(&s.w, "s", LEDGER_DONE, NULL));
    s.told[0] = '\0';
    assert_int_equal(ledger_reconcile(s.w.ledger, &before, &rules, s.w.now_us), STATUS_OK);
    assert_string_equal(s.told, "");
    assert_int_equal(use(&s.w, "run", NULL), 1);
    world_end(&s.w);
}

static void another_flavor(void **state)
{
    struct seen s;

    (void)state;
    begin(&s);
    exists(&s, "i-a", "alice", "cpu");
    (void)list(&s, "i-a", "a", "alice", "gpu.1");
    assert_string_equal(scan(&s, GRACE_S - 1), "");
    assert_string_equal(scan(&s, 1), "changed i-a");
    assert_int_equal(use(&s.w, "gpus", NULL), 1);
    s.items[0].flavor = VIEW_NONE;
    assert_string_equal(scan(&s, 1), "");
    world_end(&s.w);
}

static void a_lost_start(void **state)
{
    struct seen s;

    (void)state;
    begin(&s);
    exists(&s, "i-a", "alice", "cpu");
    (void)list(&s, "i-a", "a", "alice", "cpu");
    s.items[0].runs = false;
    assert_string_equal(scan(&s, 100), "stopped i-a");
    lost(&s, OP_NOTEBOOKS_START, "s", "cpu", "i-a");
    assert_string_equal(scan(&s, 1), "");
    assert_int_equal(use(&s.w, "run", NULL), 1);
    assert_string_equal(scan(&s, 100), "absent s");
    assert_int_equal(use(&s.w, "run", NULL), 0);
    lost(&s, OP_NOTEBOOKS_START, "s", "cpu", "i-a");
    s.items[0].runs = true;
    assert_string_equal(scan(&s, 1), "done s");
    assert_int_equal(use(&s.w, "run", NULL), 1);
    world_end(&s.w);
}

static void a_lost_change(void **state)
{
    struct seen s;

    (void)state;
    begin(&s);
    exists(&s, "i-a", "alice", "cpu");
    s.w.now_us += 100 * SECOND;
    lost(&s, OP_NOTEBOOKS_UPDATE, "u", "gpu.1", "i-a");
    (void)list(&s, "i-a", "a", "alice", NULL);
    (void)scan(&s, 100);
    assert_string_equal(scan(&s, 100), ""); /* it doesn't say */
    s.items[0].flavor = VIEW("gpu.1");
    assert_string_equal(scan(&s, 1), "done u");
    assert_int_equal(use(&s.w, "gpus", NULL), 1);
    lost(&s, OP_NOTEBOOKS_UPDATE, "v", "gpu.2", "i-a");
    assert_string_equal(scan(&s, 100), "");
    assert_string_equal(scan(&s, 1), "absent v");
    assert_int_equal(use(&s.w, "gpus", NULL), 1);
    world_end(&s.w);
}

static void a_lost_lease_stays_charged(void **state)
{
    struct seen s;

    (void)state;
    begin(&s);
    exists(&s, "i-a", "alice", "cpu");
    lost(&s, OP_NOTEBOOKS_LEASE, "l", "cpu", "i-a");
    (void)list(&s, "i-a", "a", "alice", "cpu");
    assert_string_equal(scan(&s, 1), "");
    assert_string_equal(scan(&s, 100), "done l");
    world_end(&s.w);
}

static void a_start_of_what_is_gone_is_absent(void **state)
{
    struct seen s;

    (void)state;
    begin(&s);
    lost(&s, OP_NOTEBOOKS_START, "s", "cpu", "i-a");
    s.own_of = VIEW("alice"); /* whose instance it is, nobody knows */
    (void)scan(&s, 1000);
    assert_string_equal(scan(&s, 1), "");
    s.own_of = VIEW_NONE;
    (void)scan(&s, 1);
    assert_string_equal(scan(&s, 1), "absent s");
    world_end(&s.w);
}

static void orphans_are_found_once(void **state)
{
    struct seen s;
    struct ledger_item item;

    (void)state;
    begin(&s);
    list(&s, "i-1", "x", "bob", "gpu.1")->created_us -= HOUR;
    list(&s, "i-2", "y", "bob", "cpu")->exists = false;
    (void)list(&s, "i-1", "x", "bob", "gpu.1"); /* listed twice */
    list(&s, NULL, "z", "bob", "cpu")->created_us = 0;
    assert_string_equal(scan(&s, 1), "orphan i-1");
    assert_string_equal(scan(&s, 1), "");
    assert_true(ledger_find_instance(s.w.ledger, VIEW("i-1"), &item));
    assert_true(item.orphan && item.running && item.claimed);
    assert_int_equal(item.time_us, s.items[0].created_us);
    assert_int_equal(item.op->id, OP_NOTEBOOKS_CREATE);
    assert_int_equal(item.id.len, 32);
    assert_int_equal(item.run_s, -1);
    assert_view(item.user_id, "bob");
    assert_int_equal(use(&s.w, "gpus", NULL), 1);
    s.count = 0;
    (void)scan(&s, 1000);
    assert_string_equal(scan(&s, 1), "gone 00000000000000000000000000000001");
    world_end(&s.w);
}

static void what_an_open_reservation_may_have_made_is_no_orphan_yet(void **state)
{
    struct seen s;
    struct ledger_item item;

    (void)state;
    begin(&s);
    item = make_item(&s.w, OP_NOTEBOOKS_CREATE, "a", "alice", "cpu", NULL);
    assert_int_equal(ask(&s.w, &item), LEDGER_GRANTED);
    (void)list(&s, "i-1", "a", "alice", "cpu");
    assert_string_equal(scan(&s, 1), "");
    assert_true(ledger_find_instance(s.w.ledger, VIEW("i-1"), &item));
    assert_false(item.claimed || item.orphan);
    assert_int_equal(use(&s.w, "all", NULL), 2);
    assert_string_equal(scan(&s, 1), "");
    /* Its answer comes. */
    assert_true(settle(&s.w, "a", LEDGER_CREATED, "i-1"));
    assert_int_equal(use(&s.w, "all", NULL), 1);
    assert_string_equal(scan(&s, 1), "");
    world_end(&s.w);
}

static void nobodys_instance_is_claimed_or_an_orphan(void **state)
{
    struct seen s;
    struct ledger_item item;

    (void)state;
    for (unsigned lost_too = 0; lost_too < 2; lost_too++) {
        begin(&s);
        item = make_item(&s.w, OP_NOTEBOOKS_CREATE, "a", "alice", "cpu", NULL);
        assert_int_equal(ask(&s.w, &item), LEDGER_GRANTED);
        (void)list(&s, "i-1", "a", "alice", "cpu");
        assert_string_equal(scan(&s, 1), "");
        assert_true(settle(&s.w, "a", lost_too == 1 ? LEDGER_HELD : LEDGER_NOTHING, NULL));
        assert_string_equal(scan(&s, 1), lost_too == 1 ? "created a" : "orphan i-1");
        assert_int_equal(use(&s.w, "all", NULL), 1);
        assert_string_equal(scan(&s, 1), "");
        world_end(&s.w);
    }
}

/* It was listed before anybody knew that another gateway had created it. */
static void nobodys_instance_that_is_somebodys_by_now_is_dropped(void **state)
{
    struct seen s;
    struct ledger_item listed;

    (void)state;
    begin(&s);
    listed = make_existing(&s.w, "n", "alice", "cpu", "i-1");
    listed.claimed = false;
    put(&s.w, &listed);
    listed = make_existing(&s.w, "a", "alice", "cpu", "i-1");
    put(&s.w, &listed);
    (void)list(&s, "i-1", "a", "alice", "cpu");
    assert_string_equal(scan(&s, 1), "");
    assert_string_equal(state_of(&s.w, "n"), "");
    assert_string_equal(state_of(&s.w, "a"), "existing");
    assert_int_equal(use(&s.w, "all", NULL), 1);
    world_end(&s.w);
}

static void who_does_not_lead_corrects_nothing(void **state)
{
    struct seen s;

    (void)state;
    begin(&s);
    s.follows = true;
    exists(&s, "i-a", "alice", "cpu");
    exists(&s, "i-b", "alice", "cpu");
    lost(&s, OP_NOTEBOOKS_CREATE, "c", "cpu", NULL);
    list(&s, "i-a", "a", "alice", "gpu")->runs = false;
    (void)list(&s, "i-x", "x", "alice", "gpu");
    (void)list(&s, "i-c", "c", "alice", "cpu");
    assert_string_equal(scan(&s, 1000), "created c");
    assert_string_equal(scan(&s, 1000), "");
    world_end(&s.w);
}

static void those_without_a_time_come_last(void **state)
{
    struct seen s;

    (void)state;
    begin(&s);
    lost(&s, OP_NOTEBOOKS_CREATE, "a", "cpu", NULL);
    list(&s, "i-old", "a", "alice", "cpu")->created_us = 0;
    (void)list(&s, "i-new", "a", "alice", "cpu");
    assert_string_equal(scan(&s, 1), "created a, orphan i-old");
    world_end(&s.w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_findings),
        cmocka_unit_test(what_is_listed_was_created),
        cmocka_unit_test(the_agent_made_it_for_the_caller),
        cmocka_unit_test(matched_on_all_that_is_known),
        cmocka_unit_test(one_instance_settles_one_create),
        cmocka_unit_test(a_known_id_settles_nothing),
        cmocka_unit_test(absence_takes_two_scans),
        cmocka_unit_test(the_second_begins_when_nothing_can_come),
        cmocka_unit_test(only_lost_ones_are_settled),
        cmocka_unit_test(only_ones_own_are_settled),
        cmocka_unit_test(a_callers_token_proves_for_its_own),
        cmocka_unit_test(another_project_proves_nothing),
        cmocka_unit_test(gone_takes_two_scans),
        cmocka_unit_test(gone_at_once_if_the_list_says_so),
        cmocka_unit_test(what_is_young_is_not_gone),
        cmocka_unit_test(what_is_gone_stays_charged),
        cmocka_unit_test(stopped_and_started),
        cmocka_unit_test(a_scan_from_before_a_start_does_not_stop_it),
        cmocka_unit_test(another_flavor),
        cmocka_unit_test(a_lost_start),
        cmocka_unit_test(a_lost_change),
        cmocka_unit_test(a_lost_lease_stays_charged),
        cmocka_unit_test(a_start_of_what_is_gone_is_absent),
        cmocka_unit_test(orphans_are_found_once),
        cmocka_unit_test(what_an_open_reservation_may_have_made_is_no_orphan_yet),
        cmocka_unit_test(nobodys_instance_is_claimed_or_an_orphan),
        cmocka_unit_test(nobodys_instance_that_is_somebodys_by_now_is_dropped),
        cmocka_unit_test(who_does_not_lead_corrects_nothing),
        cmocka_unit_test(those_without_a_time_come_last),
    };

    return cmocka_run_group_tests_name("quota scan", tests, NULL, NULL);
}
