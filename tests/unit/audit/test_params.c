/* SPDX-License-Identifier: Apache-2.0
 * Queries of the admin API: what is read, and what is refused with a reason. */
#include "support/test.h"

#include "audit/params.h"

static const struct param_key keys[] = {{"from", false}, {"user", true}, {NULL, false}};
static const struct param_key none[] = {{NULL, false}};

static const struct {
    const char *text, *why;
} faults[] = {
    {"x=1", "\"x\" is not known here; known are: from, user"},
    {"From=1", "\"From\" is not known here; known are: from, user"},
    {"from=1&", "\"\" is not known here; known are: from, user"},
    {"&from=1", "\"\" is not known here; known are: from, user"},
    {"=1", "\"\" is not known here; known are: from, user"},
    {"fro%6d=1", "\"fro%6d\" is not known here; known are: from, user"},
    {"a\"b\n=1", "\"a\" is not known here; known are: from, user"},
    {"from", "\"from\" needs a value, as in from=..."},
    {"from=", "\"from\": expected 1 to 4096 bytes, found 0"},
    {"from=1&from=1", "\"from\" stands twice"},
    {"from=%", "\"from\": a '%' needs two hex digits behind it, not 00"},
    {"from=%4", "\"from\": a '%' needs two hex digits behind it, not 00"},
    {"from=%zz", "\"from\": a '%' needs two hex digits behind it, not 00"},
    {"from=a%00", "\"from\": a '%' needs two hex digits behind it, not 00"},
};

static struct arena arena;

static int begin(void **state)
{
    (void)state;
    arena_init(&arena, 4096, 1 << 20);
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

static void keys_and_values_are_read(void **state)
{
    struct err err = {0};
    struct params params;

    (void)state;
    assert_int_equal(
        params_read(VIEW("user=a%20b&from=1+2=3&user=%C3%a4"), keys, &arena, &params, &err),
        STATUS_OK);
    assert_int_equal(params.count, 3);
    assert_view(params.items[0].value, "a b");
    assert_view(params_find(&params, "from"), "1+2=3");
    assert_view(params.items[2].value, "\xc3\xa4");
    assert_int_equal(params_read(VIEW_NONE, keys, &arena, &params, &err), STATUS_OK);
    assert_int_equal(params.count, 0);
    assert_null(params_find(&params, "from").ptr);
}

static void what_is_wrong_is_told(void **state)
{
    struct params params;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
        struct err err = {0};

        assert_int_equal(params_read(view_str(faults[i].text), keys, &arena, &params, &err),
                         STATUS_SYNTAX);
        assert_string_equal(err.text, faults[i].why);
    }
}

static void nothing_may_be_known(void **state)
{
    struct err err = {0};
    struct params params;

    (void)state;
    assert_int_equal(params_read(VIEW("x=1"), none, &arena, &params, &err), STATUS_SYNTAX);
    assert_string_equal(err.text, "\"x\" is not known here, nor is any other key");
}

static void there_are_limits(void **state)
{
    char text[PARAM_VALUE_MAX + 16] = "from=";
    char many[(PARAMS_MAX + 1) * 7 + 1] = "";
    struct err err = {0};
    struct params params;

    (void)state;
    memset(text + 5, 'a', PARAM_VALUE_MAX);
    assert_int_equal(params_read(view_str(text), keys, &arena, &params, &err), STATUS_OK);
    text[5 + PARAM_VALUE_MAX] = 'a';
    assert_int_equal(params_read(view_str(text), keys, &arena, &params, &err), STATUS_SYNTAX);
    for (size_t i = 0; i <= PARAMS_MAX; i++)
        memcpy(many + i * 7, "user=a&", 8);
    many[PARAMS_MAX * 7 - 1] = '\0';
    assert_int_equal(params_read(view_str(many), keys, &arena, &params, &err), STATUS_OK);
    many[PARAMS_MAX * 7 - 1] = '&';
    many[sizeof many - 2] = '\0';
    assert_int_equal(params_read(view_str(many), keys, &arena, &params, &err), STATUS_SYNTAX);
    assert_string_equal(err.text, "at most 64 keys may stand here");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(keys_and_values_are_read, begin, end),
        cmocka_unit_test_setup_teardown(what_is_wrong_is_told, begin, end),
        cmocka_unit_test_setup_teardown(nothing_may_be_known, begin, end),
        cmocka_unit_test_setup_teardown(there_are_limits, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
