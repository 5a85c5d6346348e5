/* SPDX-License-Identifier: Apache-2.0
 * Which pages make a whole list. */
#include "support/test.h"

#include "base/attr.h"
#include "reconcile/pages.h"

static struct pages pages;
static struct listed_instance items[PAGE_RECORDS];

static int set_up(void **state)
{
    (void)state;
    pages_init(&pages);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    pages_done(&pages);
    return 0;
}

static void begin(void)
{
    pages_reset(&pages);
    pages_begin(&pages);
}

/* A page of one-letter ids. */
static enum pages_state add(const char *ids, int64_t total)
{
    struct listing_page page = {.items = items, .count = strlen(ids), .total = total};

    for (size_t i = 0; i < page.count; i++)
        items[i] = (struct listed_instance){.id = view_of(ids + i, 1),
                                            .status = VIEW("RUNNING"),
                                            .pool = VIEW(""),
                                            .exists = true,
                                            .runs = true,
                                            .created_us = 100 - ids[i]};
    return pages_add(&pages, &page);
}

static void test_whole_lists(void **state)
{
    (void)state;
    begin();
    assert_int_equal(add("", 0), PAGES_END);
    begin();
    assert_int_equal(add("ab", 2), PAGES_END);
    begin();
    assert_int_equal(add("ab", 5), PAGES_MORE);
    assert_int_equal(pages.seen, 2);
    assert_int_equal(add("cd", 5), PAGES_MORE);
    assert_int_equal(add("e", 5), PAGES_END);
    assert_int_equal(pages.count, 5);
    begin();
    assert_int_equal(add("ab", -1), PAGES_END);
}

static void test_lists_that_shift(void **state)
{
    (void)state;
    begin();
    assert_int_equal(add("ab", 4), PAGES_MORE);
    assert_int_equal(add("cd", 5), PAGES_VOID);
    begin();
    assert_int_equal(add("ab", 4), PAGES_MORE);
    assert_int_equal(add("bc", 4), PAGES_VOID); /* one is there twice, so one was missed */
    begin();
    assert_int_equal(add("ab", 4), PAGES_MORE);
    assert_int_equal(add("cde", 4), PAGES_VOID);
    begin();
    assert_int_equal(add("ab", 4), PAGES_MORE);
    assert_int_equal(add("", 4), PAGES_VOID);
    assert_non_null(pages.why_void);
    begin();
    assert_int_equal(add("abc", 2), PAGES_VOID);
    begin();
    assert_int_equal(add("ab", 4), PAGES_MORE);
    assert_int_equal(add("cd", -1), PAGES_VOID);
    begin();
    assert_int_equal(add("", 4), PAGES_VOID);
    begin();
    assert_int_equal(add("aa", 2), PAGES_VOID);
}

static void test_full_page_without_a_total(void **state)
{
    static const char full[PAGE_RECORDS + 1] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWX";

    (void)state;
    begin();
    assert_int_equal(add(full, -1), PAGES_VOID);
}

static void test_lists_that_overlap(void **state)
{
    (void)state;
    begin();
    assert_int_equal(add("ab", 2), PAGES_END);
    pages_begin(&pages);
    assert_int_equal(add("cb", 2), PAGES_END);
    for (size_t i = 2; i < pages.count; i++)
        pages.items[i].runs = false; /* the later reading */
    pages_begin(&pages);
    assert_int_equal(add("", 0), PAGES_END);
    assert_true(pages_finish(&pages, VIEW_NONE));
    assert_int_equal(pages.count, 3);
    assert_view(pages.items[0].id, "c"); /* oldest first */
    assert_view(pages.items[1].id, "b");
    assert_view(pages.items[2].id, "a");
    assert_false(pages.items[1].runs);
    assert_true(pages.items[2].runs);
    assert_true(pages.items[0].pool.ptr != NULL);
    assert_null(pages.items[0].name.ptr);
    assert_null(pages.items[0].domain.ptr);
}

static void test_domain(void **state)
{
    (void)state;
    begin();
    assert_int_equal(add("ab", 2), PAGES_END);
    pages.items[0].domain = VIEW("other spelling");
    assert_true(pages_finish(&pages, VIEW("d")));
    assert_view(pages.items[0].domain, "d");
    assert_view(pages.items[1].domain, "d");
}

static void test_workspaces(void **state)
{
    const struct view ids[] = {VIEW("0"), VIEW("w1")}, more[] = {VIEW("w1")};

    (void)state;
    begin();
    assert_int_equal(pages_add_workspaces(&pages, ids, 2, 3), PAGES_MORE);
    assert_int_equal(pages_add_workspaces(&pages, more, 1, 3), PAGES_VOID);
    begin();
    assert_int_equal(pages_add_workspaces(&pages, ids, 2, -1), PAGES_END);
    assert_true(pages_add_workspace(&pages, VIEW("0")));
    assert_int_equal(pages.workspace_count, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_lists),
        cmocka_unit_test(test_lists_that_shift),
        cmocka_unit_test(test_full_page_without_a_total),
        cmocka_unit_test(test_lists_that_overlap),
        cmocka_unit_test(test_domain),
        cmocka_unit_test(test_workspaces),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
