/* SPDX-License-Identifier: Apache-2.0
 * Reading by rows: each kind of field, good, at its edges and wrong; unknown and missing keys. */
#include "support/test.h"

#include "yaml/schema.h"

struct inner {
    struct yobject object;
    struct ytext certificate;
    struct ynumber depth;
};

struct outer {
    struct ytext name, tag;
    struct ynumber workers, plain, count, any, wait, size, age, room, mode;
    struct ytexts list;
    struct ypairs pairs;
    const struct ynode *node;
    struct inner inner, lone;
};

static const char *const modes[] = {"enforce", "warn", "observe", NULL};

static const char *const words[] = {"auto", NULL};

static const struct yfield inner_fields[] = {
    {.key = "certificate",
     .kind = YFIELD_TEXT,
     .offset = offsetof(struct inner, certificate),
     .required = true},
    {.key = "depth",
     .kind = YFIELD_INT,
     .offset = offsetof(struct inner, depth),
     .min = 1,
     .max = 9},
    {0},
};

static const struct yfield fields[] = {
    {.key = "name", .kind = YFIELD_TEXT, .offset = offsetof(struct outer, name), .required = true},
    {.key = "tag", .kind = YFIELD_TEXT, .offset = offsetof(struct outer, tag), .min = 2, .max = 4},
    {.key = "workers",
     .kind = YFIELD_INT,
     .offset = offsetof(struct outer, workers),
     .min = 1,
     .max = 256,
     .names = words},
    {.key = "plain", .kind = YFIELD_BOOL, .offset = offsetof(struct outer, plain)},
    {.key = "count",
     .kind = YFIELD_INT,
     .offset = offsetof(struct outer, count),
     .min = 1,
     .max = 256},
    {.key = "any", .kind = YFIELD_INT, .offset = offsetof(struct outer, any)},
    {.key = "wait",
     .kind = YFIELD_DURATION,
     .offset = offsetof(struct outer, wait),
     .min = 100,
     .max = 3600000},
    {.key = "age", .kind = YFIELD_DURATION, .offset = offsetof(struct outer, age)},
    {.key = "size",
     .kind = YFIELD_SIZE,
     .offset = offsetof(struct outer, size),
     .min = 1024,
     .max = 1048576},
    {.key = "room", .kind = YFIELD_SIZE, .offset = offsetof(struct outer, room)},
    {.key = "mode", .kind = YFIELD_ENUM, .offset = offsetof(struct outer, mode), .names = modes},
    {.key = "flavors", .kind = YFIELD_TEXTS, .offset = offsetof(struct outer, list)},
    {.key = "pairs", .kind = YFIELD_PAIRS, .offset = offsetof(struct outer, pairs)},
    {.key = "node", .kind = YFIELD_NODE, .offset = offsetof(struct outer, node)},
    {.key = "inner",
     .kind = YFIELD_OBJECT,
     .offset = offsetof(struct outer, inner),
     .fields = inner_fields},
    {.key = "lone",
     .kind = YFIELD_OBJECT,
     .offset = offsetof(struct outer, lone),
     .fields = inner_fields,
     .lone = "depth"},
    {0},
};

static struct arena arena;
static struct diag diag;
static struct buf out;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 65536, 1 << 20);
    buf_init(&out, 65536);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    buf_done(&out);
    arena_done(&arena);
    return 0;
}

static void read_into(struct view text, struct outer *values)
{
    const struct ynode *root = NULL;

    diag_init(&diag, &arena);
    if (!ydoc_read("f", text, NULL, &arena, &diag, &root))
        fail_msg("the row itself is not valid: %.*s", VIEW_ARGS(diag.items[0].message));
    yschema_read(root, (struct loc){"f", 1, 1}, fields, values, &arena, &diag);
    buf_clear(&out);
    diag_print(&diag, &out);
}

static void reads_every_kind(void **state)
{
    struct outer v = {.any.value = 77};

    (void)state;
    read_into(VIEW("name: 'x y'\n"
                   "tag: 0x1f\n"
                   "plain: true\n"
                   "count: 256\n"
                   "wait: 45m\n"
                   "age: 400d\n"
                   "size: 1KB\n"
                   "room: 0B\n"
                   "mode: observe\n"
                   "flavors: [a, \"*\", 12]\n"
                   "pairs: {k: v, cost-centre: 4711}\n"
                   "node: [1]\n"
                   "inner: {certificate: c, depth: 9}\n"),
              &v);
    assert_view(buf_view(&out), "");
    assert_true(v.name.set);
    assert_view(v.name.value, "x y");
    assert_int_equal(v.name.at.line, 1);
    assert_int_equal(v.name.at.column, 7);
    assert_view(v.tag.value, "0x1f");
    assert_int_equal(v.plain.value, 1);
    assert_int_equal(v.count.value, 256);
    assert_false(v.any.set);
    assert_int_equal(v.any.value, 77);
    assert_int_equal(v.any.at.line, 0);
    assert_int_equal(v.wait.value, 2700000);
    assert_int_equal(v.age.value, INT64_C(34560000000));
    assert_int_equal(v.size.value, 1024);
    assert_true(v.room.set);
    assert_int_equal(v.mode.value, 2);
    assert_int_equal(v.list.count, 3);
    assert_view(v.list.items[1].value, "*");
    assert_view(v.list.items[2].value, "12");
    assert_int_equal(v.list.items[2].at.column, 19);
    assert_int_equal(v.pairs.count, 2);
    assert_view(v.pairs.items[1].key.value, "cost-centre");
    assert_view(v.pairs.items[1].value.value, "4711");
    assert_int_equal(v.node->kind, YNODE_SEQUENCE);
    assert_true(v.inner.object.set);
    assert_int_equal(v.inner.object.at.line, 13);
    assert_view(v.inner.certificate.value, "c");
    assert_int_equal(v.inner.depth.value, 9);
}

static void a_word_may_stand_for_zero(void **state)
{
    struct outer v = {.workers.value = 7};

    (void)state;
    read_into(VIEW("{name: x, workers: auto}"), &v);
    assert_true(v.workers.set);
    assert_int_equal(v.workers.value, 0);
    read_into(VIEW("{name: x, workers: 256}"), &v);
    assert_int_equal(v.workers.value, 256);
}

static void null_counts_as_left_out(void **state)
{
    struct outer v = {.count.value = 5};

    (void)state;
    read_into(VIEW("{name: x, tag: ~, plain: null, count: , wait: null, size: ~, mode: ~, "
                   "flavors: ~, pairs: null, node: ~, inner: ~}"),
              &v);
    assert_view(buf_view(&out), "");
    assert_false(v.tag.set);
    assert_false(v.count.set);
    assert_int_equal(v.count.value, 5);
    assert_false(v.list.set);
    assert_false(v.pairs.set);
    assert_null(v.node);
    assert_false(v.inner.object.set);
}

static void empty_lists_and_mappings_are_set(void **state)
{
    struct outer v = {0};

    (void)state;
    read_into(VIEW("{name: '', flavors: [], pairs: {}}"), &v);
    assert_view(buf_view(&out), "");
    assert_true(v.name.set);
    assert_int_equal(v.name.value.len, 0);
    assert_true(v.list.set);
    assert_int_equal(v.list.count, 0);
    assert_true(v.pairs.set);
}

/* Each row stands behind "name: x". */
static void tells_what_was_expected(void **state)
{
    const struct {
        const char *text, *want;
    } rows[] = {
        {"tag: [a]", "tag: expected text, found a list"},
        {"tag: {}", "tag: expected text, found a mapping"},
        {"tag: a", "tag: expected text of 2 to 4 bytes, found one of 1"},
        {"tag: abcde", "tag: expected text of 2 to 4 bytes, found one of 5"},
        {"plain: yes", "plain: expected true or false (without quotes), found \"yes\""},
        {"plain: 'true'", "plain: expected true or false (without quotes), found \"true\""},
        {"plain: True", "plain: expected true or false (without quotes), found \"True\""},
        {"plain: []", "plain: expected true or false (without quotes), found a list"},
        {"count: 0", "count: expected a whole number from 1 to 256, found \"0\""},
        {"count: 257", "count: expected a whole number from 1 to 256, found \"257\""},
        {"count: -1", "count: expected a whole number from 1 to 256, found \"-1\""},
        {"count: 1.0", "count: expected a whole number from 1 to 256, found \"1.0\""},
        {"count: 010", "count: expected a whole number from 1 to 256, found \"010\""},
        {"count: 0x10", "count: expected a whole number from 1 to 256, found \"0x10\""},
        {"count: '8'", "count: expected a whole number from 1 to 256, found \"8\""},
        {"count: {}", "count: expected a whole number from 1 to 256, found a mapping"},
        {"workers: 0", "workers: expected auto or a whole number from 1 to 256, found \"0\""},
        {"workers: Auto", "workers: expected auto or a whole number from 1 to 256, found \"Auto\""},
        {"any: 9223372036854775808", "any: expected a whole number, found \"9223372036854775808\""},
        {"wait: 99ms", "wait: expected a duration from 100ms to 1h (a whole number and one of ms "
                       "s m h d), found \"99ms\""},
        {"wait: 3601s", "wait: expected a duration from 100ms to 1h (a whole number and one of ms "
                        "s m h d), found \"3601s\""},
        {"wait: 5", "wait: expected a duration from 100ms to 1h (a whole number and one of ms s m "
                    "h d), found \"5\""},
        {"age: 1.5h",
         "age: expected a duration (a whole number and one of ms s m h d), found \"1.5h\""},
        {"age: -1s",
         "age: expected a duration (a whole number and one of ms s m h d), found \"-1s\""},
        {"age: []",
         "age: expected a duration (a whole number and one of ms s m h d), found a list"},
        {"size: 1023B", "size: expected a size from 1KB to 1MB (a whole number and one of B KB MB "
                        "GB), found \"1023B\""},
        {"size: 64kb", "size: expected a size from 1KB to 1MB (a whole number and one of B KB MB "
                       "GB), found \"64kb\""},
        {"room: 9999999999GB", "room: expected a size (a whole number and one of B KB MB GB), "
                               "found \"9999999999GB\""},
        {"mode: audit", "mode: expected enforce, warn or observe, found \"audit\""},
        {"mode: [warn]", "mode: expected enforce, warn or observe, found a list"},
        {"flavors: a", "flavors: expected a list of texts, [like, this], found \"a\""},
        {"flavors: {a: b}", "flavors: expected a list of texts, [like, this], found a mapping"},
        {"flavors: [a, [b]]", "flavors: expected text, found a list"},
        {"flavors: [a, ~]", "flavors: expected text, found nothing"},
        {"pairs: [a]", "pairs: expected a mapping of text to text, {like: this}, found a list"},
        {"pairs: {a: }", "pairs: expected text, found nothing"},
        {"pairs: {a: [b]}", "pairs: expected text, found a list"},
        {"inner: x", "inner: expected a mapping, found \"x\""},
        {"inner: [x]", "inner: expected a mapping, found a list"},
        {"lone: [x]", "lone: expected a mapping, or one value, found a list"},
        {"lone: 10", "lone: expected a whole number from 1 to 9, found \"10\""},
        {"lone: {certificate: c, depth: 10}",
         "depth: expected a whole number from 1 to 9, found \"10\""},
        {"inner: {depth: 1}", "certificate is missing"},
        {"inner: {certificate: c, dept: 1}", "unknown key \"dept\"; did you mean \"depth\"?"},
        {"flavours: [a]", "unknown key \"flavours\"; did you mean \"flavors\"?"},
        {"Mode: warn", "unknown key \"Mode\"; did you mean \"mode\"?"},
        {"inner: {certificate: c, zzzzzzzzz: 1}",
         "unknown key \"zzzzzzzzz\"; known here: certificate, depth"},
        {"\"a\\nb\": 1",
         "unknown key \"a\\x0ab\"; known here: name, tag, workers, plain, count, any, wait, "
         "age, size, room, mode, flavors, pairs, node, inner, lone"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct outer v = {0};
        struct view text = arena_printf(&arena, "name: x\n%s\n", rows[i].text);

        read_into(text, &v);
        if (diag.faults != 1 || !view_eq(diag.items[0].message, view_str(rows[i].want)))
            print_error("got: %.*s", VIEW_ARGS(buf_view(&out)));
        assert_row(diag.faults == 1, rows[i].text);
        assert_row(view_eq(diag.items[0].message, view_str(rows[i].want)), rows[i].text);
        assert_row(diag.items[0].loc.line == 2, rows[i].text);
        assert_row(!v.tag.set && !v.plain.set && !v.count.set && !v.wait.set && !v.list.set &&
                       !v.pairs.set && !v.mode.set,
                   rows[i].text);
    }
}

static void reading_goes_on_after_a_fault(void **state)
{
    struct outer v = {0};

    (void)state;
    read_into(VIEW("count: 0\n"
                   "plain: maybe\n"
                   "flavors: [a, {}, [], b]\n"
                   "naem: x\n"
                   "mode: warn\n"),
              &v);
    assert_view(buf_view(&out),
                "f:1:8: count: expected a whole number from 1 to 256, found \"0\"\n"
                "f:2:8: plain: expected true or false (without quotes), found \"maybe\"\n"
                "f:3:14: flavors: expected text, found a mapping\n"
                "f:3:18: flavors: expected text, found a list\n"
                "f:4:1: unknown key \"naem\"; did you mean \"name\"?\n"
                "f:1:1: name is missing\n");
    assert_false(v.count.set);
    assert_int_equal(v.count.at.line, 1); /* wrong, not left out */
    assert_int_equal(v.mode.value, 1);
}

static void a_missing_key_is_told_at_its_mapping(void **state)
{
    const struct {
        struct view text;
        const char *want;
    } rows[] = {
        {VIEW(""), "f:1:1: name is missing\n"},
        {VIEW("---\n"), "f:1:1: name is missing\n"},
        {VIEW("\n\n  {}"), "f:3:3: name is missing\n"},
        {VIEW("mode: warn\nname:\n"), "f:2:6: name is missing\n"},
        {VIEW("[a]"), "f:1:1: expected a mapping, found a list\n"},
        {VIEW("a"), "f:1:1: expected a mapping, found \"a\"\n"},
        {VIEW("name: x\ninner:\n  depth: 1\n"), "f:3:3: certificate is missing\n"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct outer v = {0};

        read_into(rows[i].text, &v);
        assert_view_eq(buf_view(&out), view_str(rows[i].want));
    }
}

static void one_value_may_stand_for_an_object(void **state)
{
    struct outer v = {0};

    (void)state;
    read_into(VIEW("name: x\nlone: 7\n"), &v);
    assert_int_equal(out.len, 0);
    assert_int_equal(v.lone.depth.value, 7);
    assert_true(v.lone.depth.set && v.lone.object.at.line == 2);
    assert_false(v.lone.object.set);
    read_into(VIEW("name: x\nlone: {certificate: c, depth: 8}\n"), &v);
    assert_int_equal(v.lone.depth.value, 8);
    assert_true(v.lone.object.set);
}

static void a_required_object_is_missed(void **state)
{
    static const struct yfield rows[] = {
        {.key = "inner", .kind = YFIELD_OBJECT, .required = true, .fields = inner_fields},
        {0},
    };
    struct inner v = {0};

    (void)state;
    diag_init(&diag, &arena);
    yschema_read(NULL, (struct loc){"f", 7, 2}, rows, &v, &arena, &diag);
    assert_int_equal(diag.faults, 1);
    assert_view(diag.items[0].message, "inner is missing");
    assert_int_equal(diag.items[0].loc.line, 7);
}

static void a_long_value_is_cut_in_the_message(void **state)
{
    struct outer v = {0};
    char text[2000];

    (void)state;
    memset(text, '7', sizeof text - 1);
    memcpy(text, "name: x\ncount: ", 15);
    read_into(view_of(text, sizeof text - 1), &v);
    assert_true(diag.items[0].message.len < 200);
    assert_true(view_ends(diag.items[0].message, VIEW("777...\"")));
}

static void lists_without_memory_are_faults(void **state)
{
    struct outer v = {0};
    const struct ynode *root = NULL;
    struct arena none;

    (void)state;
    arena_init(&none, 0, 0);
    diag_init(&diag, &arena);
    assert_true(
        ydoc_read("f", VIEW("{name: x, flavors: [a], pairs: {a: b}}"), NULL, &arena, &diag, &root));
    yschema_read(root, root->loc, fields, &v, &none, &diag);
    assert_int_equal(diag.faults, 2);
    assert_view(diag.items[0].message, "flavors: no memory left for this value");
    assert_view(diag.items[1].message, "pairs: no memory left for this value");
    assert_false(v.list.set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reads_every_kind, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_word_may_stand_for_zero, set_up, tear_down),
        cmocka_unit_test_setup_teardown(null_counts_as_left_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(empty_lists_and_mappings_are_set, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tells_what_was_expected, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reading_goes_on_after_a_fault, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_missing_key_is_told_at_its_mapping, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_value_may_stand_for_an_object, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_required_object_is_missed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_long_value_is_cut_in_the_message, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lists_without_memory_are_faults, set_up, tear_down),
    };

    return cmocka_run_group_tests_name("yaml/schema", tests, NULL, NULL);
}
