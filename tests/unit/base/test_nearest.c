/* SPDX-License-Identifier: Apache-2.0
 * "Did you mean ...?": near enough, not near enough, and words of any length. */
#include "support/test.h"

#include "base/attr.h"
#include "base/nearest.h"

static const char *const names[] = {"flavors", "profiles", "images", "name",
                                    "max",     "listen",   "limits", NULL};

static void finds(void **state)
{
    static const struct {
        const char *word, *want;
    } rows[] = {
        {"flavours", "flavors"},
        {"flavor", "flavors"},
        {"Flavors", "flavors"},
        {"flavors", "flavors"},
        {"profile", "profiles"},
        {"naem", "name"},
        {"nme", "name"},
        {"maxx", "max"},
        {"limit", "limits"},
        {"lisetn", "listen"},
        {"zzzzz", NULL},
        {"flavor_allow_list", NULL},
        {"", NULL},
        {"x", NULL},
        {"ab", NULL},
        {"eman", NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *got = nearest_name(view_str(rows[i].word), names);

        if (rows[i].want == NULL)
            assert_row(got == NULL, rows[i].word);
        else
            assert_row(got != NULL && strcmp(got, rows[i].want) == 0, rows[i].word);
    }
}

static void the_first_of_equals_wins(void **state)
{
    static const char *const twins[] = {"abcd1", "abcd2", NULL};

    (void)state;
    assert_string_equal(nearest_name(VIEW("abcd3"), twins), "abcd1");
    assert_string_equal(nearest_name(VIEW("abcd2"), twins), "abcd2");
}

static void no_names_no_answer(void **state)
{
    static const char *const none[] = {NULL};

    (void)state;
    assert_null(nearest_name(VIEW("a"), none));
    assert_null(nearest_name(VIEW_NONE, names));
}

static void words_of_any_length(void **state)
{
    char word[66], name[66];
    const char *const one[] = {name, NULL};

    (void)state;
    memset(word, 'a', sizeof word);
    memset(name, 'a', sizeof name);
    name[64] = '\0';
    assert_ptr_equal(nearest_name(view_of(word, 64), one), name);
    assert_null(nearest_name(view_of(word, 65), one));
    name[64] = 'a';
    name[65] = '\0';
    assert_null(nearest_name(view_of(word, 64), one));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds),
        cmocka_unit_test(the_first_of_equals_wins),
        cmocka_unit_test(no_names_no_answer),
        cmocka_unit_test(words_of_any_length),
    };

    return cmocka_run_group_tests_name("base/nearest", tests, NULL, NULL);
}
