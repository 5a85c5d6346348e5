/* SPDX-License-Identifier: Apache-2.0
 * Memory that runs out at each place in turn: what is asked for is refused, nothing is forgotten,
 * and when there is memory again the numbers are those of a ledger that always had it. */
#include <stdlib.h>

#include "unit/quota/support.h"

static const char quotas[] = "      - {name: all, limit: 9}\n"
                             "      - {name: hours, hours: 9, window: 2h, per: [user]}\n"
                             "      - {name: run, limit: 9, per: [user], counts: running}\n";

static bool armed;
static unsigned left; /* allocations that still succeed */

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);

static bool has_memory(void)
{
    return !armed || left-- > 0;
}

void *__wrap_malloc(size_t size)
{
    if (!has_memory()) {
        left = 0;
        return NULL;
    }
    return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    if (!has_memory()) {
        left = 0;
        return NULL;
    }
    return __real_calloc(count, size);
}

void *__real_realloc(void *ptr, size_t size);
void *__wrap_realloc(void *ptr, size_t size);

void *__wrap_realloc(void *ptr, size_t size)
{
    if (!has_memory()) {
        left = 0;
        return NULL;
    }
    return __real_realloc(ptr, size);
}

static void arm(unsigned after)
{
    armed = true;
    left = after;
}

static bool copy(void *user, const struct ledger_item *item)
{
    struct world *w = user;

    put(w, item);
    return true;
}

/* As a ledger has it that is made from the entries. */
static void check_numbers(struct world *w)
{
    struct world fresh = {.ledger = ledger_new(), .now_us = w->now_us};
    static const char *const names[] = {"all", "hours", "run"};

    assert_non_null(fresh.ledger);
    assert_int_equal(ledger_use(fresh.ledger, w->set, w->now_us), STATUS_OK);
    ledger_each(w->ledger, copy, &fresh);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(use(w, names[i], i == 0 ? NULL : "alice"),
                         use(&fresh, names[i], i == 0 ? NULL : "alice"));
    ledger_free(&fresh.ledger);
}

static void begin(struct world *w)
{
    struct ledger_item item;

    world_begin(w, quotas, NULL);
    item = make_existing(w, "old", "alice", "cpu", "i-old");
    item.running = false;
    put(w, &item);
    item = make_item(w, OP_NOTEBOOKS_CREATE, "made", "alice", "cpu", NULL);
    assert_int_equal(ask(w, &item), LEDGER_GRANTED);
}

static void a_reservation_fails_whole(void **state)
{
    enum ledger_answer answer = LEDGER_FAILED;

    (void)state;
    for (unsigned n = 0; answer != LEDGER_GRANTED; n++) {
        struct world w;
        struct ledger_item item;

        begin(&w);
        item = make_item(&w, OP_NOTEBOOKS_START, "s", "alice", "cpu", "i-old");
        arm(n);
        answer = ask(&w, &item);
        armed = false;
        assert_true(answer == LEDGER_GRANTED || answer == LEDGER_FAILED);
        assert_int_equal(use(&w, "run", "alice"), answer == LEDGER_GRANTED ? 2 : 1);
        assert_int_equal(ledger_count(w.ledger).reserved, answer == LEDGER_GRANTED ? 2 : 1);
        check_numbers(&w);
        world_end(&w);
        assert_true(n < 100);
    }
}

static void a_refusal_fails_whole(void **state)
{
    enum ledger_answer answer = LEDGER_FAILED;

    (void)state;
    for (unsigned n = 0; answer != LEDGER_REFUSED; n++) {
        struct world w;
        struct ledger_item item;

        begin(&w);
        item = make_item(&w, OP_NOTEBOOKS_CREATE, "x", "alice", "cpu", NULL);
        item.name = VIEW("made");
        item.run_s = -1;
        arena_done(&w.arena);
        arm(n);
        answer = ask(&w, &item);
        armed = false;
        assert_true(answer == LEDGER_REFUSED || answer == LEDGER_FAILED);
        assert_int_equal(w.reason_count, answer == LEDGER_REFUSED ? 2 : 0);
        check_numbers(&w);
        world_end(&w);
        assert_true(n < 100);
    }
}

/* A settlement is never lost; what can't be counted is counted before anything is granted. */
static void settling_forgets_nothing(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 12; n++) {
        struct world w;
        struct ledger_item item;

        begin(&w);
        item = make_item(&w, OP_NOTEBOOKS_START, "s", "alice", "cpu", "i-new");
        assert_int_equal(ask(&w, &item), LEDGER_GRANTED);
        item = make_item(&w, OP_NOTEBOOKS_UPDATE, "u", "alice", "gpu", "i-old");
        assert_int_equal(ask(&w, &item), LEDGER_GRANTED);
        arm(n);
        assert_true(settle(&w, "s", LEDGER_DONE, NULL));
        assert_true(settle(&w, "made", LEDGER_CREATED, "i-made"));
        assert_true(settle(&w, "u", LEDGER_DONE, NULL));
        left = 0;
        item = make_item(&w, OP_NOTEBOOKS_CREATE, "x", "alice", "cpu", NULL);
        assert_int_equal(ask(&w, &item), LEDGER_FAILED);
        armed = false;
        assert_string_equal(state_of(&w, "s"), "existing");
        assert_string_equal(state_of(&w, "made"), "existing");
        assert_int_equal(ask(&w, &item), LEDGER_GRANTED);
        assert_int_equal(use(&w, "all", NULL), 4);
        check_numbers(&w);
        world_end(&w);
    }
}

static void putting_keeps_the_old_one(void **state)
{
    enum status status = STATUS_NOMEM;

    (void)state;
    for (unsigned n = 0; n < 20; n++) {
        struct world w;
        struct ledger_item item;

        begin(&w);
        item = make_existing(&w, "old", "bob", "gpu", "i-other");
        arm(n);
        status = ledger_put(w.ledger, &item, w.now_us);
        armed = false;
        assert_true(status == STATUS_OK || status == STATUS_NOMEM);
        assert_true(ledger_find_instance(
            w.ledger, status == STATUS_OK ? VIEW("i-other") : VIEW("i-old"), &item));
        item = make_item(&w, OP_NOTEBOOKS_CREATE, "x", "alice", "cpu", NULL);
        assert_int_equal(ask(&w, &item), LEDGER_GRANTED);
        check_numbers(&w);
        world_end(&w);
    }
    assert_int_equal(status, STATUS_OK);
}

static void the_former_set_stays(void **state)
{
    enum status status = STATUS_NOMEM;

    (void)state;
    for (unsigned n = 0; status != STATUS_OK; n++) {
        struct world w;
        struct policy_set *other = quotas_from("      - {name: other, limit: 3}\n", NULL);

        begin(&w);
        arm(n);
        status = ledger_use(w.ledger, other, w.now_us);
        armed = false;
        assert_int_equal(use(&w, "all", NULL), status == STATUS_OK ? -1 : 2);
        assert_int_equal(use(&w, "other", NULL), status == STATUS_OK ? 2 : -1);
        world_end(&w);
        policy_set_unref(&other);
        assert_true(n < 100);
    }
}

static void new_id(void *user, char id[static 32])
{
    unsigned *ids = user;
    char text[33];

    (void)snprintf(text, sizeof text, "%032u", ++*ids);
    memcpy(id, text, 32);
}

/* What one scan could not do for want of memory, the next one does. */
static void the_next_scan_does_the_rest(void **state)
{
    enum status status = STATUS_NOMEM;

    (void)state;
    for (unsigned n = 0; n < 30; n++) {
        struct world w;
        unsigned ids = 0;
        const struct scan_rules rules = {.new_id = new_id, .user = &ids, .leads = true};
        struct scan_instance items[3];
        struct scan scan = {.project = VIEW("p"), .items = items, .count = 3};

        begin(&w);
        assert_true(settle(&w, "made", LEDGER_HELD, NULL));
        for (size_t i = 0; i < 3; i++)
            items[i] = (struct scan_instance){.family = FAMILY_NOTEBOOKS,
                                              .user_id = VIEW("alice"),
                                              .exists = true,
                                              .runs = true,
                                              .created_us = w.now_us};
        items[0].id = VIEW("i-old");
        items[0].flavor = VIEW("gpu");
        items[1].id = VIEW("i-made");
        items[1].name = VIEW("made");
        // cppcheck-suppress unreadVariable ; scan points to it
        items[2].id = VIEW("i-orphan");
        w.now_us += 100 * SECOND;
        scan.begun_us = w.now_us;
        arm(n);
        status = ledger_reconcile(w.ledger, &scan, &rules, w.now_us);
        armed = false;
        assert_int_equal(ledger_reconcile(w.ledger, &scan, &rules, w.now_us), STATUS_OK);
        assert_int_equal(ledger_count(w.ledger).existing, 3);
        assert_int_equal(ledger_count(w.ledger).orphans, 1);
        assert_int_equal(use(&w, "run", "alice"), 3);
        check_numbers(&w);
        world_end(&w);
    }
    assert_int_equal(status, STATUS_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reservation_fails_whole), cmocka_unit_test(a_refusal_fails_whole),
        cmocka_unit_test(settling_forgets_nothing),  cmocka_unit_test(putting_keeps_the_old_one),
        cmocka_unit_test(the_former_set_stays),      cmocka_unit_test(the_next_scan_does_the_rest),
    };

    return cmocka_run_group_tests_name("quota memory", tests, NULL, NULL);
}
