/* SPDX-License-Identifier: Apache-2.0
 * Bodies written as YAML: what each scalar becomes, and what can't become anything. */
#include "support/test.h"

#include "json/doc.h"
#include "trial/yaml_json.h"

enum { OUT_MAX = 4096 };

/* "value: ..." as JSON, or the first fault as "line:column: message". Static. */
static const char *turned_within(const char *yaml, size_t max)
{
    static char copy[OUT_MAX + 256];
    const struct ydoc_limits limits = {.depth = 96};
    const struct ynode *root = NULL;
    struct arena arena;
    struct diag diag;
    struct buf out;
    bool good;

    arena_init(&arena, 4096, 1 << 22);
    diag_init(&diag, &arena);
    buf_init(&out, max);
    good = ydoc_read("t", view_str(yaml), &limits, &arena, &diag, &root) && root != NULL &&
           yaml_json(root, &diag, &out);
    if (good) {
        (void)snprintf(copy, sizeof copy, "%.*s", VIEW_ARGS(buf_view(&out)));
    } else if (diag.count == 0) {
        (void)snprintf(copy, sizeof copy, "status %d", out.failed);
    } else {
        const struct diag_item *item = &diag.items[0];

        (void)snprintf(copy, sizeof copy, "%u:%u: %.*s", item->loc.line, item->loc.column,
                       VIEW_ARGS(item->message));
    }
    buf_done(&out);
    arena_done(&arena);
    return copy;
}

static const char *turned(const char *yaml)
{
    return turned_within(yaml, OUT_MAX);
}

static void scalars_are_what_the_core_schema_says(void **state)
{
    static const struct {
        const char *yaml, *json;
    } rows[] = {
        {"null", "null"},
        {"Null", "null"},
        {"~", "null"},
        {"nULL", "\"nULL\""},
        {"true", "true"},
        {"True", "true"},
        {"TRUE", "true"},
        {"FALSE", "false"},
        {"tRUE", "\"tRUE\""},
        {"yes", "\"yes\""}, /* of YAML 1.1 */
        {"on", "\"on\""},
        {"0", "0"},
        {"-0", "-0"},
        {"+12", "12"},
        {"007", "7"},
        {"-007", "-7"},
        {"000", "0"},
        {"0o17", "15"},
        {"0o18", "\"0o18\""},
        {"0o", "\"0o\""},
        {"-0o17", "\"-0o17\""},
        {"017", "17"},
        {"0xFf", "255"},
        {"0xfg", "\"0xfg\""},
        {"0x7fffffffffffffff", "9223372036854775807"},
        {"9223372036854775808", "9223372036854775808"},
        {"1e3", "1e3"},
        {"1E+03", "1E+03"},
        {"1e", "\"1e\""},
        {"1e+", "\"1e+\""},
        {"e3", "\"e3\""},
        {"1.50", "1.50"},
        {"1.", "1.0"},
        {".5", "0.5"},
        {"-.5e-2", "-0.5e-2"},
        {"+01.50", "1.50"},
        {".", "\".\""},
        {"-", "[null]"}, /* a list of nothing */
        {"+", "\"+\""},
        {"1.2.3", "\"1.2.3\""},
        {"1_000", "\"1_000\""},
        {"12:30:45", "\"12:30:45\""},
        {"2026-01-02", "\"2026-01-02\""},
        {".infinity", "\".infinity\""},
        {"\"5\"", "\"5\""},
        {"'true'", "\"true\""},
        {"''", "\"\""},
        {"\"~\"", "\"~\""},
        {"\"a\\nb\\u00e9\\\"\"", "\"a\\nb\xc3\xa9\\\"\""},
        {"|\n  {\"a\": 1}\n  x\n", "\"{\\\"a\\\": 1}\\nx\\n\""},
        {">-\n  5\n", "\"5\""},
        {"a b", "\"a b\""},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_string_equal(turned(rows[i].yaml), rows[i].json);
}

static void mappings_and_lists_keep_their_order(void **state)
{
    static const struct {
        const char *yaml, *json;
    } rows[] = {
        {"{}", "{}"},
        {"[]", "[]"},
        {"b: 1\na: {d: [x, 2], c: }\n", "{\"b\":1,\"a\":{\"d\":[\"x\",2],\"c\":null}}"},
        {"- - 1\n- {a: b}\n", "[[1],{\"a\":\"b\"}]"},
        {"1: x\ntrue: y\n\"q\\\"\": z\n", "{\"1\":\"x\",\"true\":\"y\",\"q\\\"\":\"z\"}"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_string_equal(turned(rows[i].yaml), rows[i].json);
}

static void what_has_no_json_is_refused_at_its_place(void **state)
{
    static const struct {
        const char *yaml, *fault;
    } rows[] = {
        {"a: .inf", "1:4: \".inf\" is a number that JSON does not have; quote it if text is meant"},
        {"a:\n  - -.INF\n",
         "2:5: \"-.INF\" is a number that JSON does not have; quote it if text is meant"},
        {"[.nan]", "1:2: \".nan\" is a number that JSON does not have; quote it if text is meant"},
        {"a: 0x8000000000000000", "1:4: this number is over 63 bits"},
        {"a: 0o1000000000000000000000", "1:4: this number is over 63 bits"},
        {"a: &x 1\nb: *x\n", "1:4: an anchor (&x) can't be used here; write the value out"},
        {"a: *x\n", "1:4: an alias (*x) can't be used here; write the value out"},
        {"a: 1\na: 2\n", "2:1: duplicate key \"a\"; it is at line 1 already"},
        {"<<: {a: 1}\n", "1:1: a merge key (<<) can't be used here; write the values out"},
        {"a: !!str 5\n", NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *fault = turned(rows[i].yaml);

        if (rows[i].fault != NULL)
            assert_string_equal(fault, rows[i].fault);
        else
            assert_true(fault[0] == '1' && strstr(fault, "tag") != NULL);
    }
}

/* Each level that may be, and one more. */
static void depth_has_a_limit(void **state)
{
    char yaml[256];

    (void)state;
    for (size_t depth = 95; depth <= 97; depth++) {
        memset(yaml, '[', depth);
        memset(yaml + depth, ']', depth);
        yaml[2 * depth] = '\0';
        if (depth <= 96)
            assert_string_equal(turned(yaml), yaml);
        else
            assert_string_equal(turned(yaml), "1:97: nested too deep; at most 96 levels may be");
    }
}

static void size_has_a_limit(void **state)
{
    (void)state;
    assert_string_equal(turned_within("[1234, \"ab\"]", 11), "[1234,\"ab\"]");
    assert_string_equal(turned_within("[1234, \"ab\"]", 10), "status -4");
    assert_string_equal(turned_within("+123456", 6), "123456");
    assert_string_equal(turned_within("+123456", 5), "status -4");
}

/* A long number is turned whole. */
static void numbers_of_any_length_keep_their_digits(void **state)
{
    char yaml[3001];

    (void)state;
    memset(yaml, '7', 3000);
    yaml[3000] = '\0';
    assert_string_equal(turned(yaml), yaml);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scalars_are_what_the_core_schema_says),
        cmocka_unit_test(mappings_and_lists_keep_their_order),
        cmocka_unit_test(what_has_no_json_is_refused_at_its_place),
        cmocka_unit_test(depth_has_a_limit),
        cmocka_unit_test(size_has_a_limit),
        cmocka_unit_test(numbers_of_any_length_keep_their_digits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
