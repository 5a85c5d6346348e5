/* SPDX-License-Identifier: Apache-2.0
 * Comparing JSON: what counts as the same, and which places differ. */
#include "support/test.h"

#include "base/buffer.h"
#include "trial/same.h"

/* The pointers of what differs, in a line; "-" stands for a side that has nothing. Static. */
static const char *differences(const char *want, const char *got, size_t max)
{
    static char copy[1024];
    const struct jlimits limits = {.bytes = 4096, .depth = 64, .members = 1000};
    struct difference found[8];
    struct jdoc a, b;
    struct jfault fault;
    struct arena arena;
    struct buf out;
    size_t count;

    arena_init(&arena, 4096, 1 << 20);
    buf_init(&out, sizeof copy - 1);
    assert_int_equal(jdoc_read(view_str(want), &limits, &arena, &a, &fault), STATUS_OK);
    assert_int_equal(jdoc_read(view_str(got), &limits, &arena, &b, &fault), STATUS_OK);
    assert_int_equal(same_json(&a, &b, max, &arena, found, &count), STATUS_OK);
    for (size_t i = 0; i < count; i++) {
        struct view one =
            found[i].want == JREF_NONE ? VIEW("-") : jdoc_pointer(&a, found[i].want, &arena);
        struct view two =
            found[i].got == JREF_NONE ? VIEW("-") : jdoc_pointer(&b, found[i].got, &arena);

        buf_printf(&out, "%s%.*s %.*s", i == 0 ? "" : ", ", VIEW_ARGS(one), VIEW_ARGS(two));
    }
    (void)snprintf(copy, sizeof copy, "%.*s", VIEW_ARGS(buf_view(&out)));
    buf_done(&out);
    arena_done(&arena);
    return copy;
}

static void what_differs_is_found(void **state)
{
    static const struct {
        const char *want, *got, *found;
    } rows[] = {
        {"{}", "{}", ""},
        {"{\"a\":1,\"b\":[true,null]}", " {\"b\" : [ true , null ], \"a\" : 1 }", ""},
        {"[\"\\u0061\\/\"]", "[\"a/\"]", ""},
        {"{\"\\u0061\":1}", "{\"a\":1}", ""},
        {"[1]", "[1.0]", "/0 /0"},
        {"[10]", "[1e1]", "/0 /0"},
        {"[1]", "[\"1\"]", "/0 /0"},
        {"[null]", "[false]", "/0 /0"},
        {"[\"a\"]", "[\"A\"]", "/0 /0"},
        {"[1,2]", "[2,1]", "/0 /0, /1 /1"},
        {"[1,2]", "[1]", "/1 -"},
        {"[]", "[1]", "- /0"},
        {"{\"a\":1}", "{}", "/a -"},
        {"{\"a\":null}", "{}", "/a -"},
        {"{\"a\":{\"b\":1}}", "{\"a\":{\"b\":2,\"c\":3}}", "/a/b /a/b, - /a/c"},
        {"{}", "[]", " "},
        {"{\"a\":{}}", "{\"a\":[]}", "/a /a"},
        {"{\"\":{\"\":1}}", "{\"\":{\"\":2}}", "// //"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_string_equal(differences(rows[i].want, rows[i].got, 8), rows[i].found);
}

static void as_many_are_told_as_were_asked_for(void **state)
{
    (void)state;
    assert_string_equal(differences("[1,2,3,4]", "[0,0,0,0]", 2), "/0 /0, /1 /1");
    assert_string_equal(differences("[1,2]", "[0,0]", 2), "/0 /0, /1 /1");
}

static void memory_that_runs_out_is_said(void **state)
{
    static const char text[] = "{\"\\u0061\":[\"\\u0062\",{\"\\u0063\":\"\\u0064\"}]}";
    const struct jlimits limits = {.bytes = 4096, .depth = 64, .members = 1000};
    struct difference found;
    struct arena docs, small;
    struct jfault fault;
    struct jdoc doc;
    size_t count = 1;
    bool worked = false;

    (void)state;
    arena_init(&docs, 4096, 1 << 20);
    assert_int_equal(jdoc_read(view_str(text), &limits, &docs, &doc, &fault), STATUS_OK);
    for (size_t max = 0; !worked; max += 8) {
        arena_init(&small, 16, max);
        worked = same_json(&doc, &doc, 1, &small, &found, &count) == STATUS_OK;
        arena_done(&small);
        assert_true(max < 65536);
    }
    assert_int_equal(count, 0);
    arena_done(&docs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_differs_is_found),
        cmocka_unit_test(as_many_are_told_as_were_asked_for),
        cmocka_unit_test(memory_that_runs_out_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
