/* SPDX-License-Identifier: Apache-2.0
 * Printing by rows, and that what was printed loads again to the same values. */
#include "support/test.h"

#include "yaml/schema.h"

struct inner {
    struct yobject object;
    struct ytext text;
    struct ynumber number;
};

struct outer {
    struct ytext text;
    struct ynumber flag, workers, count, wait, size, mode;
    struct ytexts list;
    struct ypairs pairs;
    const struct ynode *node;
    struct inner inner;
};

static const char *const words[] = {"auto", NULL};
static const char *const modes[] = {"pass", "off", NULL};

static const struct yfield inner_fields[] = {
    {.key = "text", .kind = YFIELD_TEXT, .offset = offsetof(struct inner, text)},
    {.key = "number", .kind = YFIELD_INT, .offset = offsetof(struct inner, number)},
    {0},
};

static const struct yfield fields[] = {
    {.key = "text", .kind = YFIELD_TEXT, .offset = offsetof(struct outer, text)},
    {.key = "flag", .kind = YFIELD_BOOL, .offset = offsetof(struct outer, flag)},
    {.key = "workers",
     .kind = YFIELD_INT,
     .offset = offsetof(struct outer, workers),
     .names = words},
    {.key = "count", .kind = YFIELD_INT, .offset = offsetof(struct outer, count)},
    {.key = "wait", .kind = YFIELD_DURATION, .offset = offsetof(struct outer, wait)},
    {.key = "size", .kind = YFIELD_SIZE, .offset = offsetof(struct outer, size)},
    {.key = "mode", .kind = YFIELD_ENUM, .offset = offsetof(struct outer, mode), .names = modes},
    {.key = "list", .kind = YFIELD_TEXTS, .offset = offsetof(struct outer, list)},
    {.key = "pairs", .kind = YFIELD_PAIRS, .offset = offsetof(struct outer, pairs)},
    {.key = "node", .kind = YFIELD_NODE, .offset = offsetof(struct outer, node)},
    {.key = "inner",
     .kind = YFIELD_OBJECT,
     .offset = offsetof(struct outer, inner),
     .fields = inner_fields},
    {0},
};

static struct arena arena;
static struct diag diag;
static struct buf out;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 65536, 1 << 22);
    diag_init(&diag, &arena);
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

static const struct outer nothing = {
    .flag.value = YNUMBER_NONE,
    .workers.value = YNUMBER_NONE,
    .count.value = YNUMBER_NONE,
    .wait.value = YNUMBER_NONE,
    .size.value = YNUMBER_NONE,
    .mode.value = YNUMBER_NONE,
    .inner.number.value = YNUMBER_NONE,
};

static void prints_nothing_for_nothing(void **state)
{
    (void)state;
    yschema_print(fields, &nothing, 0, &out);
    assert_int_equal(out.len, 0);
}

static void prints_values_that_were_not_set(void **state)
{
    struct outer v = nothing;

    (void)state;
    v.count.value = 0;
    v.wait.value = 5000;
    v.mode.value = 1;
    v.inner.number.value = 3;
    yschema_print(fields, &v, 2, &out);
    assert_view(buf_view(&out), "  count: 0\n"
                                "  wait: 5s\n"
                                "  mode: off\n"
                                "  inner:\n"
                                "    number: 3\n");
}

static void prints_every_kind_and_reads_it_again(void **state)
{
    static const char text[] = "text: \"a: b\"\n"
                               "flag: true\n"
                               "workers: auto\n"
                               "count: -7\n"
                               "wait: 400h\n"
                               "size: 64MB\n"
                               "mode: pass\n"
                               "list:\n"
                               "  - POST /v2/*/pools\n"
                               "  - \"yes\"\n"
                               "pairs:\n"
                               "  k: \"\"\n"
                               "  \"4711\": \"x\\x0ay\"\n"
                               "inner:\n"
                               "  text: /run/x.sock\n"
                               "  number: 0\n";
    const struct ynode *root = NULL;
    struct outer v = {0};

    (void)state;
    assert_true(ydoc_read("f", view_str(text), NULL, &arena, &diag, &root));
    yschema_read(root, root->loc, fields, &v, &arena, &diag);
    assert_int_equal(diag.faults, 0);
    assert_view(v.pairs.items[1].value.value, "x\ny");
    yschema_print(fields, &v, 0, &out);
    assert_view_eq(buf_view(&out), view_str(text));
}

static void prints_empty_lists_and_mappings(void **state)
{
    struct outer v = nothing;
    struct ytext none[1];
    struct ypair no_pair[1];

    (void)state;
    v.list = (struct ytexts){.items = none};
    v.pairs = (struct ypairs){.items = no_pair};
    yschema_print(fields, &v, 0, &out);
    assert_view(buf_view(&out), "list: []\npairs: {}\n");
}

static void quotes_where_plain_would_be_read_otherwise(void **state)
{
    const struct {
        struct view text;
        const char *want;
    } rows[] = {
        {VIEW("abc"), "abc"},
        {VIEW("a b"), "a b"},
        {VIEW("/etc/x.pem"), "/etc/x.pem"},
        {VIEW("./x"), "./x"},
        {VIEW("https://a.b:1/c"), "https://a.b:1/c"},
        {VIEW("127.0.0.1:8080"), "127.0.0.1:8080"},
        {VIEW("modelarts.vm.*"), "modelarts.vm.*"},
        {VIEW("[::1]:80"), "\"[::1]:80\""},
        {VIEW(""), "\"\""},
        {VIEW("~"), "\"~\""},
        {VIEW("null"), "\"null\""},
        {VIEW("True"), "\"True\""},
        {VIEW("off"), "\"off\""},
        {VIEW("N"), "\"N\""},
        {VIEW(".inf"), "\".inf\""},
        {VIEW("0"), "\"0\""},
        {VIEW("-1"), "\"-1\""},
        {VIEW("1e5"), "\"1e5\""},
        {VIEW("0x1f"), "\"0x1f\""},
        {VIEW("0o17"), "\"0o17\""},
        {VIEW("1.5"), "\"1.5\""},
        {VIEW(".5"), "\".5\""},
        {VIEW("12:30:45"), "\"12:30:45\""},
        {VIEW("2026-12-31"), "\"2026-12-31\""},
        {VIEW("1_000"), "\"1_000\""},
        {VIEW("*"), "\"*\""},
        {VIEW("- a"), "\"- a\""},
        {VIEW("a: b"), "\"a: b\""},
        {VIEW("a:"), "\"a:\""},
        {VIEW("a #b"), "\"a #b\""},
        {VIEW(" a"), "\" a\""},
        {VIEW("a "), "\"a \""},
        {VIEW("a  b"), "\"a  b\""},
        {VIEW("a,b"), "\"a,b\""},
        {VIEW("{a}"), "\"{a}\""},
        {VIEW("a\"b\\c"), "\"a\\\"b\\\\c\""},
        {VIEW("a\tb"), "\"a\\x09b\""},
        {VIEW("a\x7f"), "\"a\\x7f\""},
        {VIEW("\xc3\xbc"), "\"\xc3\xbc\""},
        {VIEW("\xc2\x85"), "\"\\x85\""},
        {VIEW("\xe2\x80\xa9"), "\"\\u2029\""},
        {VIEW("\xe2\x80\xa8x"), "\"\\u2028x\""},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct ynode *root = NULL;

        buf_clear(&out);
        yschema_print_text(rows[i].text, &out);
        if (!view_eq(buf_view(&out), view_str(rows[i].want)))
            print_error("got: %.*s\n", VIEW_ARGS(buf_view(&out)));
        assert_row(view_eq(buf_view(&out), view_str(rows[i].want)), rows[i].want);
        assert_row(ydoc_read("f", buf_view(&out), NULL, &arena, &diag, &root), rows[i].want);
        assert_row(view_eq(root->text, rows[i].text), rows[i].want);
        assert_row(!ynode_is_null(root), rows[i].want);
    }
}

/* All two-character texts and some others: what is printed reads as the same text. */
static void printed_text_reads_as_itself(void **state)
{
    (void)state;
    for (unsigned i = 1; i < 0x8000; i++) {
        char pair[2] = {(char)(i >> 8), (char)(i & 0x7f)};
        struct view text = pair[0] == '\0' ? view_of(pair + 1, 1) : view_of(pair, 2);
        const struct ynode *root = NULL;
        struct arena small;

        if (pair[1] == '\0' || (i & 0x80) != 0)
            continue;
        arena_init(&small, 4096, 65536);
        buf_clear(&out);
        buf_add_str(&out, "k: [");
        yschema_print_text(text, &out);
        buf_add_str(&out, ", z]");
        assert_row(ydoc_read("f", buf_view(&out), NULL, &small, &diag, &root), out.ptr);
        assert_row(view_eq(root->child->child->text, text), out.ptr);
        assert_row(root->child->count == 2, out.ptr);
        arena_done(&small);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(prints_nothing_for_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(prints_values_that_were_not_set, set_up, tear_down),
        cmocka_unit_test_setup_teardown(prints_every_kind_and_reads_it_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(prints_empty_lists_and_mappings, set_up, tear_down),
        cmocka_unit_test_setup_teardown(quotes_where_plain_would_be_read_otherwise, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(printed_text_reads_as_itself, set_up, tear_down),
    };

    return cmocka_run_group_tests_name("yaml/print", tests, NULL, NULL);
}
