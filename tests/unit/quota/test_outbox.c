/* SPDX-License-Identifier: Apache-2.0
 * What waits for the shared store: the newest change of each entry, until that very one is written.
 */
#include "support/test.h"

#include <stdlib.h>

#include "quota/outbox.h"

enum { MOST = 5000 };

static struct outbox *outbox;

static int set_up(void **state)
{
    (void)state;
    outbox = outbox_new(MOST);
    return outbox == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    outbox_free(&outbox);
    return 0;
}

static struct ledger_item item(const char *id)
{
    return (struct ledger_item){.id = view_str(id),
                                .op = &operations[OP_DEMANAGER_CREATE],
                                .project = VIEW("p"),
                                .pool = VIEW("")};
}

static void add(const char *id, const char *name, bool gone)
{
    struct ledger_item one = item(id);

    one.name = view_str(name);
    assert_true(outbox_add(outbox, &one, gone));
}

static void full(void **state)
{
    const struct ledger_item more = item("more");
    char id[8];

    (void)state;
    for (unsigned i = 0; i < MOST; i++) {
        (void)snprintf(id, sizeof id, "%u", i);
        add(id, "1", false);
    }
    assert_false(outbox_add(outbox, &more, false));
    add("0", "2", true); /* what is in it may still change */
    assert_int_equal(outbox_count(outbox), MOST);
}

static void the_newest_of_each_in_the_order_of_the_first(void **state)
{
    const struct outbox_change *changes[8];

    (void)state;
    add("a", "1", false);
    add("b", "2", false);
    add("a", "3", true);
    assert_int_equal(outbox_count(outbox), 2);
    assert_int_equal(outbox_first(outbox, changes, 1), 1);
    assert_int_equal(outbox_first(outbox, changes, ARRAY_LEN(changes)), 2);
    assert_view(changes[0]->item.id, "a");
    assert_view(changes[0]->item.name, "3");
    assert_true(changes[0]->gone);
    assert_view(changes[1]->item.id, "b");
    assert_null(changes[1]->item.user_id.ptr);
    assert_non_null(changes[1]->item.pool.ptr);
    assert_true(outbox_has(outbox, VIEW("b")));
    assert_false(outbox_has(outbox, VIEW("c")));
}

static void what_changed_while_it_was_written_stays(void **state)
{
    const struct outbox_change *changes[8];
    uint64_t first, second;

    (void)state;
    add("a", "1", false);
    add("b", "1", false);
    (void)outbox_first(outbox, changes, ARRAY_LEN(changes));
    first = changes[0]->version;
    second = changes[1]->version;
    add("a", "2", false);
    outbox_sent(outbox, VIEW("a"), first);
    outbox_sent(outbox, VIEW("b"), second);
    outbox_sent(outbox, VIEW("c"), second);
    assert_int_equal(outbox_first(outbox, changes, ARRAY_LEN(changes)), 1);
    assert_view(changes[0]->item.name, "2");
    outbox_sent(outbox, VIEW("a"), changes[0]->version);
    assert_int_equal(outbox_count(outbox), 0);
    add("d", "1", false);
    assert_int_equal(outbox_first(outbox, changes, ARRAY_LEN(changes)), 1);
}

static void many(void **state)
{
    const struct outbox_change *changes[1];
    char id[16];

    (void)state;
    for (unsigned i = 0; i < 5000; i++) {
        (void)snprintf(id, sizeof id, "%u", i);
        add(id, "n", false);
    }
    for (unsigned i = 0; i < 5000; i++) {
        (void)snprintf(id, sizeof id, "%u", i);
        assert_int_equal(outbox_first(outbox, changes, 1), 1);
        assert_view_eq(changes[0]->item.id, view_str(id));
        outbox_sent(outbox, view_str(id), changes[0]->version);
    }
    assert_int_equal(outbox_count(outbox), 0);
}

static void a_copy_is_equal_and_its_own(void **state)
{
    struct ledger_item one = item("a");
    struct ledger_item *copy = item_copy(&one);

    (void)state;
    assert_non_null(copy);
    assert_true(item_eq(&one, copy));
    assert_true(copy->id.ptr != one.id.ptr);
    copy->gateway = VIEW("other");
    assert_true(item_eq(&one, copy));
    copy->pool = VIEW_NONE;
    assert_false(item_eq(&one, copy));
    copy->pool = VIEW("");
    copy->running = true;
    assert_false(item_eq(&one, copy));
    free(copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(full, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_newest_of_each_in_the_order_of_the_first, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_changed_while_it_was_written_stays, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many, set_up, tear_down),
        cmocka_unit_test(a_copy_is_equal_and_its_own),
    };

    return cmocka_run_group_tests_name("quota/outbox", tests, NULL, NULL);
}
