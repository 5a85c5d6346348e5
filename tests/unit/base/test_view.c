/* SPDX-License-Identifier: Apache-2.0
 * Views: comparing, cutting, and what happens to a program that cuts too much. */
#include "support/test.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/require.h"
#include "base/view.h"

static void makes_views(void **state)
{
    (void)state;
    assert_int_equal(VIEW("abc").len, 3);
    assert_int_equal(VIEW("a\0b").len, 3);
    assert_int_equal(VIEW("").len, 0);
    assert_non_null(VIEW("").ptr);
    assert_null(VIEW_NONE.ptr);
    assert_null(view_str(NULL).ptr);
    assert_int_equal(view_str(NULL).len, 0);
    assert_int_equal(view_str("ab").len, 2);
}

static void compares(void **state)
{
    const struct {
        struct view a, b;
        bool equal, equal_nocase;
        int order;
    } rows[] = {
        {VIEW("a"), VIEW("a"), true, true, 0},
        {VIEW("a"), VIEW("A"), false, true, 1},
        {VIEW("a"), VIEW("b"), false, false, -1},
        {VIEW("a"), VIEW("ab"), false, false, -1},
        {VIEW("ab"), VIEW("b"), false, false, -1},
        {VIEW(""), VIEW_NONE, true, true, 0},
        {VIEW_NONE, VIEW_NONE, true, true, 0},
        {VIEW_NONE, VIEW("a"), false, false, -1},
        {VIEW("a\0b"), VIEW("a\0c"), false, false, -1},
        {VIEW("a\0"), VIEW("a"), false, false, 1},
        {VIEW("\xff"), VIEW("a"), false, false, 1},
        {VIEW("Content-Length"), VIEW("content-LENGTH"), false, true, -1},
        {VIEW("["), VIEW("{"), false, false, -1},
        {VIEW("@"), VIEW("`"), false, false, -1},
        {VIEW("\xc3\x84"), VIEW("\xc3\xa4"), false, false, -1},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *name = rows[i].a.ptr == NULL ? "(none)" : rows[i].a.ptr;
        int order = view_cmp(rows[i].a, rows[i].b), back = view_cmp(rows[i].b, rows[i].a);

        assert_row(view_eq(rows[i].a, rows[i].b) == rows[i].equal, name);
        assert_row(view_eq_nocase(rows[i].a, rows[i].b) == rows[i].equal_nocase, name);
        assert_row((order > 0) - (order < 0) == rows[i].order, name);
        assert_row((back > 0) - (back < 0) == -rows[i].order, name);
    }
}

static int folded(int byte)
{
    return byte >= 'A' && byte <= 'Z' ? byte - 'A' + 'a' : byte;
}

/* Every pair of bytes in each place of a text that is compared in words and a rest. */
static void folds_the_case_of_letters_only(void **state)
{
    static const unsigned char around[] = {0x00, 0x7f, 0xff};
    char a[11], b[11];

    (void)state;
    for (size_t i = 0; i < sizeof around * sizeof a; i++) {
        char *left = &a[i % sizeof a], *right = &b[i % sizeof b];

        memset(a, around[i / sizeof a], sizeof a);
        memcpy(b, a, sizeof b);
        for (int pair = 0; pair < 256 * 256; pair++) {
            *left = (char)(pair / 256);
            *right = (char)(pair % 256);
            if (view_eq_nocase(view_of(a, sizeof a), view_of(b, sizeof b)) !=
                (folded(pair / 256) == folded(pair % 256)))
                fail_msg("%#x and %#x", (unsigned)pair / 256, (unsigned)pair % 256);
        }
    }
}

static void starts_and_ends(void **state)
{
    (void)state;
    assert_true(view_starts(VIEW("abc"), VIEW("ab")));
    assert_true(view_starts(VIEW("abc"), VIEW("abc")));
    assert_true(view_starts(VIEW("abc"), VIEW("")));
    assert_true(view_starts(VIEW_NONE, VIEW_NONE));
    assert_false(view_starts(VIEW("abc"), VIEW("abcd")));
    assert_false(view_starts(VIEW("abc"), VIEW("b")));
    assert_false(view_starts(VIEW_NONE, VIEW("a")));
    assert_true(view_ends(VIEW("abc"), VIEW("bc")));
    assert_true(view_ends(VIEW("abc"), VIEW("abc")));
    assert_true(view_ends(VIEW("abc"), VIEW_NONE));
    assert_true(view_ends(VIEW_NONE, VIEW_NONE));
    assert_false(view_ends(VIEW("abc"), VIEW("xabc")));
    assert_false(view_ends(VIEW("abc"), VIEW("b")));
    assert_false(view_ends(VIEW_NONE, VIEW("a")));
}

static void finds(void **state)
{
    (void)state;
    assert_int_equal(view_find(VIEW("abcb"), 'b'), 1);
    assert_int_equal(view_find(VIEW("abc"), 'x'), 3);
    assert_int_equal(view_find(VIEW("ab\0"), '\0'), 2);
    assert_int_equal(view_find(VIEW("\xff"), '\xff'), 0);
    assert_int_equal(view_find(VIEW_NONE, 'a'), 0);
}

static void cuts(void **state)
{
    (void)state;
    assert_view(view_from(VIEW("abc"), 0), "abc");
    assert_view(view_from(VIEW("abc"), 2), "c");
    assert_view(view_from(VIEW("abc"), 3), "");
    assert_null(view_from(VIEW_NONE, 0).ptr);
    assert_view(view_trim(VIEW(" \t a b\t ")), "a b");
    assert_view(view_trim(VIEW("ab")), "ab");
    assert_view(view_trim(VIEW(" \t ")), "");
    assert_view(view_trim(VIEW("\na\r")), "\na\r");
    assert_int_equal(view_trim(VIEW_NONE).len, 0);
}

/* Also in release builds: a cut behind the end ends the program. */
static void a_wrong_cut_ends_the_program(void **state)
{
    int ended = 0;
    pid_t child = fork();

    (void)state;
    assert_true(child >= 0);
    if (child == 0) {
        (void)close(STDERR_FILENO);
        (void)signal(SIGABRT, SIG_DFL);
        (void)view_from(VIEW("abc"), 4);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &ended, 0), child);
    assert_true(WIFSIGNALED(ended));
    assert_int_equal(WTERMSIG(ended), SIGABRT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(makes_views),
        cmocka_unit_test(compares),
        cmocka_unit_test(folds_the_case_of_letters_only),
        cmocka_unit_test(starts_and_ends),
        cmocka_unit_test(finds),
        cmocka_unit_test(cuts),
        cmocka_unit_test(a_wrong_cut_ends_the_program),
    };

    return cmocka_run_group_tests_name("base/view", tests, NULL, NULL);
}
