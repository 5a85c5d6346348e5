/* SPDX-License-Identifier: Apache-2.0
 * The tree: shapes, places, everything that is refused, every limit at its edge. */
#include "support/test.h"

#include "yaml/doc.h"

static struct arena arena;
static struct diag diag;
static struct buf out;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 65536, (size_t)256 << 20);
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

static bool read_limited(struct view text, const struct ydoc_limits *limits,
                         const struct ynode **ret)
{
    diag_init(&diag, &arena);
    return ydoc_read("f", text, limits, &arena, &diag, ret);
}

static const struct ynode *read_good(struct view text)
{
    const struct ynode *root = NULL;

    if (!read_limited(text, NULL, &root)) {
        diag_print(&diag, &out);
        print_error("%.*s", VIEW_ARGS(buf_view(&out)));
        fail();
    }
    return root;
}

static void an_empty_file_has_no_root(void **state)
{
    const struct view texts[] = {VIEW_NONE, VIEW(""), VIEW("# only a comment\n"), VIEW("\n\n"),
                                 VIEW("\xef\xbb\xbf")};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        assert_null(read_good(texts[i]));
}

static void an_empty_document_is_null(void **state)
{
    (void)state;
    assert_true(ynode_is_null(read_good(VIEW("---\n"))));
}

static void builds_the_tree(void **state)
{
    const struct ynode *root = read_good(VIEW("a: 1\n"
                                              "b: [x, \"y\", {z: 2}]\n"
                                              "\"c d\":\n"
                                              "  - e\n"
                                              "f: {}\n"
                                              "g: []\n"));
    const struct ynode *b, *c;

    (void)state;
    assert_int_equal(root->kind, YNODE_MAPPING);
    assert_int_equal(root->count, 5);
    assert_view(root->child->key, "a");
    assert_view(root->child->text, "1");
    assert_true(root->child->plain);
    b = ynode_find(root, VIEW("b"));
    assert_int_equal(b->kind, YNODE_SEQUENCE);
    assert_int_equal(b->count, 3);
    assert_null(b->child->key.ptr);
    assert_view(b->child->next->text, "y");
    assert_false(b->child->next->plain);
    assert_view(ynode_find(b->child->next->next, VIEW("z"))->text, "2");
    assert_null(b->child->next->next->next);
    c = ynode_find(root, VIEW("c d"));
    assert_int_equal(c->kind, YNODE_SEQUENCE);
    assert_view(c->child->text, "e");
    assert_int_equal(ynode_find(root, VIEW("f"))->count, 0);
    assert_null(ynode_find(root, VIEW("g"))->child);
    assert_null(ynode_find(root, VIEW("h")));
    assert_null(ynode_find(b, VIEW("x")));
    assert_null(ynode_find(NULL, VIEW("x")));
}

static void every_node_knows_its_place(void **state)
{
    const struct ynode *root = read_good(VIEW("# c\n"
                                              "\xc3\xbc: \"\xe2\x82\xac\"\n"
                                              "m:\n"
                                              "  k: [a, b]\n"));
    const struct ynode *k;

    (void)state;
    assert_int_equal(root->loc.line, 2);
    assert_int_equal(root->loc.column, 1);
    assert_string_equal(root->loc.file, "f");
    assert_int_equal(root->child->key_loc.line, 2);
    assert_int_equal(root->child->key_loc.column, 1);
    assert_int_equal(root->child->loc.column, 4); /* columns count characters, not bytes */
    k = root->child->next->child;
    assert_int_equal(k->key_loc.line, 4);
    assert_int_equal(k->key_loc.column, 3);
    assert_int_equal(k->loc.column, 6);
    assert_int_equal(k->child->next->loc.column, 10);
}

static void a_byte_order_mark_moves_nothing(void **state)
{
    const struct ynode *root = read_good(VIEW("\xef\xbb\xbf"
                                              "a: 1\nb: 2\n"));

    (void)state;
    assert_int_equal(root->child->key_loc.column, 1);
    assert_int_equal(root->count, 2);
}

static void block_text_is_text(void **state)
{
    const struct ynode *root = read_good(VIEW("a: |\n  null\nb: >\n  x\n  y\n"));

    (void)state;
    assert_view(root->child->text, "null\n");
    assert_false(ynode_is_null(root->child));
    assert_view(root->child->next->text, "x y\n");
}

static void knows_nulls(void **state)
{
    const struct {
        struct view text;
        bool null;
    } rows[] = {
        {VIEW("a: null"), true},      {VIEW("a: ~"), true},    {VIEW("a:"), true},
        {VIEW("a: NULL"), true},      {VIEW("a: Null"), true}, {VIEW("a: nULL"), false},
        {VIEW("a: \"null\""), false}, {VIEW("a: ''"), false},  {VIEW("a: []"), false},
        {VIEW("a: {}"), false},       {VIEW("a: nil"), false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_row(ynode_is_null(read_good(rows[i].text)->child) == rows[i].null, rows[i].text.ptr);
    }
    assert_false(ynode_is_null(NULL));
}

static void names_kinds(void **state)
{
    const struct ynode *root = read_good(VIEW("{a: x, b: [], c: {}, d: }"));

    (void)state;
    assert_string_equal(ynode_kind_name(root->child), "text");
    assert_string_equal(ynode_kind_name(root->child->next), "a list");
    assert_string_equal(ynode_kind_name(root->child->next->next), "a mapping");
    assert_string_equal(ynode_kind_name(root->child->next->next->next), "nothing");
    assert_string_equal(ynode_kind_name(NULL), "nothing");
}

static void refuses(void **state)
{
    const struct {
        const char *name;
        struct view text;
        const char *want;
    } rows[] = {
        {"anchor", VIEW("a: &x 1\n"),
         "f:1:4: an anchor (&x) can't be used here; write the value out\n"},
        {"alias", VIEW("a: 1\nb: *x\n"),
         "f:2:4: an alias (*x) can't be used here; write the value out\n"},
        {"anchor and alias, both told", VIEW("a: &x [1]\nb: *x\n"),
         "f:1:4: an anchor (&x) can't be used here; write the value out\n"
         "f:2:4: an alias (*x) can't be used here; write the value out\n"},
        {"alias as a key", VIEW("*x : 1\n"),
         "f:1:1: an alias (*x) can't be used here; write the value out\n"},
        {"anchor on a mapping", VIEW("a: &x {b: 1}\n"),
         "f:1:4: an anchor (&x) can't be used here; write the value out\n"},
        {"anchor on a key", VIEW("&x a: 1\n"),
         "f:1:1: an anchor (&x) can't be used here; write the value out\n"},
        {"tag", VIEW("a: !!str 1\n"), "f:1:4: a tag (!) can't be used here; remove it\n"},
        {"own tag on a list", VIEW("a: !x [1]\n"),
         "f:1:4: a tag (!) can't be used here; remove it\n"},
        {"tag on a mapping", VIEW("a: !!map {b: 1}\n"),
         "f:1:4: a tag (!) can't be used here; remove it\n"},
        {"lone tag", VIEW("\xc3\xbc: 1\r\na: ! 1\n"),
         "f:2:4: a tag (!) can't be used here; remove it\n"},
        {"verbatim tag", VIEW("a: !<tag:yaml.org,2002:str> 1\n"),
         "f:1:4: a tag (!) can't be used here; remove it\n"},
        {"tag directive", VIEW("%TAG ! tag:x,2000:\n---\na: 1\n"),
         "f:1:1: a %TAG directive can't be used here; remove it\n"},
        {"two documents", VIEW("a: 1\n---\nb: 2\n"),
         "f:2:1: a second document begins here; a file holds one\n"},
        {"merge key", VIEW("<<: {a: 1}\n"),
         "f:1:1: a merge key (<<) can't be used here; write the values out\n"},
        {"duplicate key", VIEW("a: 1\nb: 2\na: 3\n"),
         "f:3:1: duplicate key \"a\"; it is at line 1 already\n"},
        {"duplicate key, other quotes", VIEW("m: {\"a\": 1, a: 2}\n"),
         "f:1:13: duplicate key \"a\"; it is at line 1 already\n"},
        {"duplicate key, escaped", VIEW("{\"\\x61\": 1, a: 2}\n"),
         "f:1:13: duplicate key \"a\"; it is at line 1 already\n"},
        {"three times", VIEW("a: 1\na: 1\na: 1\n"),
         "f:2:1: duplicate key \"a\"; it is at line 1 already\n"
         "f:3:1: duplicate key \"a\"; it is at line 2 already\n"},
        {"list as key", VIEW("? [a]\n: 1\n"), "f:1:3: a key must be text, not a list\n"},
        {"mapping as key", VIEW("{{a: 1}: 2}\n"), "f:1:2: a key must be text, not a mapping\n"},
        {"block text as key", VIEW("? |\n  a\n: 1\n"),
         "f:1:3: a key must be plain or quoted text, not a block of text\n"},
        {"missing key", VIEW("? \n: 2\n"), "f:1:2: a key is missing here\n"},
        {"missing key in braces", VIEW("{a: 1, : 2}\n"),
         "f:1:8: not valid YAML: did not find expected node content, while parsing a flow "
         "node\n"},
        {"NUL in text", VIEW("a: \"x\\0y\"\n"), "f:1:4: this text holds a NUL character\n"},
        {"tab as indent", VIEW("a:\n\tb: 1\n"),
         "f:2:1: a tab can't stand here; indent with blanks\n"},
        {"open bracket", VIEW("a: [1\nb: 2\n"),
         "f:2:2: not valid YAML: did not find expected ',' or ']', while parsing a flow "
         "sequence that begins at line 1\n"},
        {"value after value", VIEW("a: b: c\n"),
         "f:1:5: not valid YAML: mapping values are not allowed in this context\n"},
        {"reserved character", VIEW("a: @b\n"),
         "f:1:4: not valid YAML: found character that cannot start any token, while scanning for "
         "the next token\n"},
        {"bad UTF-8", VIEW("a: 1\nbc: \xff\n"),
         "f:2:5: not readable as UTF-8 text: invalid leading UTF-8 octet\n"},
        {"bad UTF-8 behind characters", VIEW("\xc3\xbc: \xe2\x82\xac\xc0\x80\n"),
         "f:1:5: not readable as UTF-8 text: invalid length of a UTF-8 sequence\n"},
        {"bad UTF-8 at CRLF", VIEW("a: 1\r\n\r\n\xff\n"),
         "f:3:1: not readable as UTF-8 text: invalid leading UTF-8 octet\n"},
        {"bad UTF-8 at next line", VIEW("a: 1\xc2\x85\xe2\x80\xa8\xff"),
         "f:3:1: not readable as UTF-8 text: invalid leading UTF-8 octet\n"},
        {"control byte", VIEW("a: x\x01y\n"),
         "f:1:5: not readable as UTF-8 text: control characters are not allowed\n"},
        {"raw NUL", VIEW("a: x\0y\n"),
         "f:1:5: not readable as UTF-8 text: control characters are not allowed\n"},
        {"UTF-16",
         VIEW("\xff\xfe"
              "a\0:\0"),
         "f:1:1: not readable as UTF-8 text: invalid leading UTF-8 octet\n"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct ynode *root = NULL;
        bool good = read_limited(rows[i].text, NULL, &root);

        buf_clear(&out);
        diag_print(&diag, &out);
        if (good || root != NULL || !view_eq(buf_view(&out), view_str(rows[i].want)))
            print_error("got: %.*swant: %s", VIEW_ARGS(buf_view(&out)), rows[i].want);
        assert_row(!good, rows[i].name);
        assert_row(root == NULL, rows[i].name);
        assert_row(view_eq(buf_view(&out), view_str(rows[i].want)), rows[i].name);
    }
}

/* Each limit: what just fits loads, one more is refused with the number. */
static void limits_hold_at_their_edge(void **state)
{
    const struct {
        const char *name;
        struct ydoc_limits limits;
        struct view good, bad;
        const char *want;
    } rows[] = {
        {"bytes",
         {.bytes = 5},
         VIEW("a: 1\n"),
         VIEW("a: 12\n"),
         "f: the file has 6 bytes; at most 5 may be\n"},
        {"depth",
         {.depth = 2},
         VIEW("a: [1]"),
         VIEW("a: [[1]]"),
         "f:1:5: nested too deep; at most 2 levels may be\n"},
        {"depth, again after the end",
         {.depth = 2},
         VIEW("a: [1]\nb: [2]\nc: {}"),
         VIEW("a: [1]\nb: [{}]"),
         "f:2:5: nested too deep; at most 2 levels may be\n"},
        {"nodes",
         {.nodes = 3},
         VIEW("a: [1]"),
         VIEW("a: [1, 2]"),
         "f:1:8: too many values; at most 3 may stand in one file\n"},
        {"scalar",
         {.scalar = 3},
         VIEW("a: 123"),
         VIEW("a: 1234"),
         "f:1:4: this text is 4 bytes long; at most 3 may be\n"},
        {"key",
         {.scalar = 3},
         VIEW("abc: 1"),
         VIEW("abcd: 1"),
         "f:1:1: this text is 4 bytes long; at most 3 may be\n"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct ynode *root = NULL;

        assert_row(read_limited(rows[i].good, &rows[i].limits, &root), rows[i].name);
        assert_row(!read_limited(rows[i].bad, &rows[i].limits, &root), rows[i].name);
        buf_clear(&out);
        diag_print(&diag, &out);
        if (!view_eq(buf_view(&out), view_str(rows[i].want)))
            print_error("got: %.*s", VIEW_ARGS(buf_view(&out)));
        assert_row(view_eq(buf_view(&out), view_str(rows[i].want)), rows[i].name);
    }
}

static char *repeat(const char *text, size_t times)
{
    size_t len = strlen(text);
    char *all = test_malloc(len * times);

    for (size_t i = 0; i < times; i++)
        memcpy(all + i * len, text, len);
    return all;
}

static void default_limits(void **state)
{
    const struct ynode *root = NULL;
    char *deep = repeat("[", 500000), *wide = repeat("- 1\n", 200001);
    char *text = repeat("x", 65537), *large = repeat("#", 1048577);

    (void)state;
    assert_false(read_limited(view_of(deep, 33), NULL, &root));
    assert_view(diag.items[0].message, "nested too deep; at most 32 levels may be");
    assert_false(read_limited(view_of(deep, 500000), NULL, &root));
    assert_view(diag.items[0].message, "nested too deep; at most 32 levels may be");
    assert_true(read_limited(view_of(wide, (size_t)4 * 199999), NULL, &root));
    assert_int_equal(root->count, 199999);
    assert_false(read_limited(view_of(wide, (size_t)4 * 200000), NULL, &root));
    assert_true(read_limited(view_of(text, 65536), NULL, &root));
    assert_false(read_limited(view_of(text, 65537), NULL, &root));
    assert_true(read_limited(view_of(large, 1048576), NULL, &root));
    assert_false(read_limited(view_of(large, 1048577), NULL, &root));
    assert_int_equal(diag.items[0].loc.line, 0);
    test_free(deep);
    test_free(wide);
    test_free(text);
    test_free(large);
}

/* A mapping with very many keys: found without comparing each with each. */
static void finds_one_duplicate_among_many_keys(void **state)
{
    struct buf many;
    const struct ynode *root = NULL;

    (void)state;
    buf_init(&many, 1 << 20);
    for (unsigned i = 0; i < 80000; i++)
        buf_printf(&many, "k%u: 1\n", i * 7919u % 80000u);
    assert_true(read_limited(buf_view(&many), NULL, &root));
    buf_add_str(&many, "k79999: 1\n");
    assert_false(read_limited(buf_view(&many), NULL, &root));
    assert_int_equal(diag.faults, 1);
    assert_int_equal(diag.items[0].loc.line, 80001);
    buf_done(&many);
}

/* The policy language has `name` twice: text names the policy, a mapping is the rule. */
static void one_key_may_stand_twice_as_text_and_mapping(void **state)
{
    static const struct {
        const char *name, *text;
        bool good;
    } rows[] = {
        {"text and mapping", "name: a\nname: {b: 1}\n", true},
        {"mapping and text", "name: {b: 1}\nname: a\n", true},
        {"nested", "x: [{name: a, name: {}}]\n", true},
        {"text twice", "name: a\nname: b\n", false},
        {"mapping twice", "name: {}\nname: {}\n", false},
        {"a list is neither", "name: a\nname: []\n", false},
        {"three", "name: a\nname: {}\nname: c\n", false},
        {"another key", "nome: a\nnome: {}\n", false},
    };
    const struct ydoc_limits limits = {.twice = "name"};
    const struct ynode *root;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_row(read_limited(view_str(rows[i].text), &limits, &root) == rows[i].good,
                   rows[i].name);
        assert_row(!read_limited(view_str(rows[i].text), NULL, &root), rows[i].name);
    }
}

static void faults_of_another_file_do_not_count(void **state)
{
    const struct ynode *root = NULL;

    (void)state;
    diag_init(&diag, &arena);
    diag_fault(&diag, (struct loc){"other", 1, 1}, "wrong");
    assert_true(ydoc_read("f", VIEW("a: 1"), NULL, &arena, &diag, &root));
    assert_non_null(root);
}

/* Whatever the cap: a refusal that says so, or a tree; never a crash. */
static void memory_that_runs_out_is_a_fault(void **state)
{
    unsigned refused = 0;

    (void)state;
    for (size_t cap = 0; cap < 20000; cap += 64) {
        const struct ynode *root = NULL;
        struct arena small;

        arena_init(&small, 64, cap);
        diag_init(&diag, &arena);
        if (!ydoc_read("f", VIEW("a: {b: 1, c: [2, three]}\nd: e\n"), NULL, &small, &diag, &root)) {
            refused++;
            assert_int_equal(diag.faults, 1);
            assert_view(diag.items[0].message, "no memory left for this file");
            assert_null(root);
        }
        arena_done(&small);
    }
    assert_in_range(refused, 10, 300);
}

/* Every prefix of a file that uses all of the language: read or refused, never more. */
static void every_prefix_is_read_or_refused(void **state)
{
    static const char text[] =
        "%YAML 1.1\n---\na: &x !!str 'q''r'\nb: [*x, {c: \"\\u00e9\\n\"}, ~]\n"
        "? k\n: - |+\n    t\n  - >-\n    u\n<<: {}\n\xc3\xa9: 1 # c\n...\n";

    (void)state;
    for (size_t len = 0; len < sizeof text; len++) {
        const struct ynode *root = NULL;
        char *exact = test_malloc(len + 1);
        bool good;

        memcpy(exact, text, len);
        good = read_limited(view_of(exact, len), NULL, &root);
        assert_true(good == (diag.faults == 0));
        test_free(exact);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_empty_file_has_no_root, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_empty_document_is_null, set_up, tear_down),
        cmocka_unit_test_setup_teardown(builds_the_tree, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_node_knows_its_place, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_byte_order_mark_moves_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(block_text_is_text, set_up, tear_down),
        cmocka_unit_test_setup_teardown(knows_nulls, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_kinds, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses, set_up, tear_down),
        cmocka_unit_test_setup_teardown(limits_hold_at_their_edge, set_up, tear_down),
        cmocka_unit_test_setup_teardown(default_limits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(finds_one_duplicate_among_many_keys, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_key_may_stand_twice_as_text_and_mapping, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(faults_of_another_file_do_not_count, set_up, tear_down),
        cmocka_unit_test_setup_teardown(memory_that_runs_out_is_a_fault, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_prefix_is_read_or_refused, set_up, tear_down),
    };

    return cmocka_run_group_tests_name("yaml/doc", tests, NULL, NULL);
}
