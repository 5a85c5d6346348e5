/* SPDX-License-Identifier: Apache-2.0
 * Walking an index, finding members, texts and pointers. */
#include "json_support.h"

static const char sample[] =
    "{\"name\":\"nb-1\",\"spec\":{\"auto_stop\":{\"enable\":true,\"duration\":3600},"
    "\"list\":[1,[2,{\"x\":-3}],\"\"]},\"a/b~c\":null,\"caf\\u00e9\":\"\\u20ac \\ud83d\\ude00\","
    "\"empty\":{},\"real\":1.50}";

struct fixture {
    struct arena arena;
    struct jdoc doc;
};

static int set_up(void **state)
{
    static struct fixture fixture;

    arena_init(&fixture.arena, 4096, 1 << 20);
    fixture.doc = read_good(view_str(sample), &fixture.arena);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    arena_done(&fixture->arena);
    return 0;
}

static void test_kinds_and_spans(void **state)
{
    struct fixture *f = *state;
    const struct jdoc *doc = &f->doc;
    jref spec = jdoc_member(doc, 0, VIEW("spec"));

    assert_int_equal(jdoc_kind(doc, 0), JKIND_OBJECT);
    assert_int_equal(doc->values[0].parent, JREF_NONE);
    assert_int_equal(doc->values[0].count, 6);
    assert_int_equal(doc->values[0].next, doc->count);
    assert_view_eq(jdoc_raw(doc, 0), view_str(sample));
    assert_view(jdoc_raw(doc, jdoc_member(doc, 0, VIEW("name"))), "\"nb-1\"");
    assert_view(jdoc_raw(doc, jdoc_member(doc, spec, VIEW("auto_stop"))),
                "{\"enable\":true,\"duration\":3600}");
    assert_view(jdoc_raw(doc, jdoc_member(doc, 0, VIEW("real"))), "1.50");
    assert_int_equal(jdoc_kind(doc, jdoc_member(doc, 0, VIEW("real"))), JKIND_REAL);
    assert_int_equal(jdoc_kind(doc, jdoc_member(doc, 0, VIEW("a/b~c"))), JKIND_NULL);
    assert_int_equal(doc->values[spec].parent, 0);
}

static void test_walk(void **state)
{
    struct fixture *f = *state;
    const struct jdoc *doc = &f->doc;
    jref list = jdoc_member(doc, jdoc_member(doc, 0, VIEW("spec")), VIEW("list"));
    unsigned members = 0, elements = 0;

    JDOC_EACH(doc, 0, member)
    {
        assert_int_equal(doc->values[member].parent, 0);
        assert_true(doc->values[member].key_end > doc->values[member].key_start);
        members++;
    }
    assert_int_equal(members, 6);
    JDOC_EACH(doc, list, element)
    {
        assert_int_equal(doc->values[element].key_end, 0);
        elements++;
    }
    assert_int_equal(elements, 3);
    assert_int_equal(jdoc_child(doc, jdoc_member(doc, 0, VIEW("empty"))), JREF_NONE);
    assert_int_equal(jdoc_child(doc, jdoc_member(doc, 0, VIEW("name"))), JREF_NONE);
    assert_int_equal(jdoc_child(doc, JREF_NONE), JREF_NONE);
    assert_int_equal(jdoc_sibling(doc, 0), JREF_NONE);
}

static void test_member(void **state)
{
    struct fixture *f = *state;
    const struct jdoc *doc = &f->doc;

    assert_int_equal(jdoc_member(doc, 0, VIEW("name")), 1);
    assert_int_not_equal(jdoc_member(doc, 0, VIEW("caf\xC3\xA9")), JREF_NONE);
    assert_int_equal(jdoc_member(doc, 0, VIEW("caf\\u00e9")), JREF_NONE);
    assert_int_equal(jdoc_member(doc, 0, VIEW("Name")), JREF_NONE);
    assert_int_equal(jdoc_member(doc, 0, VIEW("nam")), JREF_NONE);
    assert_int_equal(jdoc_member(doc, 0, VIEW("")), JREF_NONE);
    assert_int_equal(jdoc_member(doc, 0, VIEW("auto_stop")), JREF_NONE);
    assert_int_equal(jdoc_member(doc, 1, VIEW("name")), JREF_NONE);
    assert_int_equal(jdoc_member(doc, JREF_NONE, VIEW("name")), JREF_NONE);
}

static void test_text_and_key(void **state)
{
    struct fixture *f = *state;
    jref name = jdoc_member(&f->doc, 0, VIEW("name"));
    jref cafe = jdoc_member(&f->doc, 0, VIEW("caf\xC3\xA9"));
    struct view text = jdoc_text(&f->doc, name, &f->arena);

    assert_view(text, "nb-1");
    assert_ptr_equal(text.ptr, f->doc.bytes.ptr + f->doc.values[name].start + 1);
    assert_view(jdoc_text(&f->doc, cafe, &f->arena), "\xE2\x82\xAC \xF0\x9F\x98\x80");
    assert_view(jdoc_key(&f->doc, cafe, &f->arena), "caf\xC3\xA9");
    assert_view(jdoc_key(&f->doc, name, &f->arena), "name");
}

/* Present and empty is not absent. */
static void test_empty_text_has_a_pointer(void **state)
{
    struct fixture *f = *state;
    struct jdoc doc = read_good(VIEW("{\"\":\"\"}"), &f->arena);

    assert_non_null(jdoc_text(&doc, 1, &f->arena).ptr);
    assert_non_null(jdoc_key(&doc, 1, &f->arena).ptr);
    assert_int_equal(jdoc_text(&doc, 1, &f->arena).len, 0);
    assert_int_equal(jdoc_member(&doc, 0, VIEW("")), 1);
    assert_view(jdoc_pointer(&doc, 1, &f->arena), "/");
}

static void test_integer(void **state)
{
    static const struct {
        const char *text;
        bool ok;
        int64_t value;
    } rows[] = {
        {"[0]", true, 0},
        {"[-0]", true, 0},
        {"[-7]", true, -7},
        {"[9223372036854775807]", true, INT64_MAX},
        {"[-9223372036854775808]", true, INT64_MIN},
        {"[3600.0]", false, 1},
        {"[36e2]", false, 1},
        {"[\"1\"]", false, 1},
        {"[true]", false, 1},
        {"[null]", false, 1},
        {"[[]]", false, 1},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct jdoc doc = read_good(view_str(rows[i].text), &f->arena);
        int64_t value = 1;

        assert_row(jdoc_integer(&doc, 1, &value) == rows[i].ok, rows[i].text);
        assert_row(value == rows[i].value, rows[i].text);
    }
}

static void test_pointer(void **state)
{
    struct fixture *f = *state;
    const struct jdoc *doc = &f->doc;
    jref spec = jdoc_member(doc, 0, VIEW("spec"));
    jref list = jdoc_member(doc, spec, VIEW("list"));
    jref second = jdoc_sibling(doc, jdoc_child(doc, list));
    jref object = jdoc_sibling(doc, jdoc_child(doc, second));

    assert_view(jdoc_pointer(doc, 0, &f->arena), "");
    assert_non_null(jdoc_pointer(doc, 0, &f->arena).ptr);
    assert_view(jdoc_pointer(doc, jdoc_member(doc, 0, VIEW("name")), &f->arena), "/name");
    assert_view(jdoc_pointer(doc, jdoc_member(doc, object, VIEW("x")), &f->arena),
                "/spec/list/1/1/x");
    assert_view(jdoc_pointer(doc, jdoc_sibling(doc, second), &f->arena), "/spec/list/2");
    assert_view(jdoc_pointer(doc, jdoc_member(doc, 0, VIEW("a/b~c")), &f->arena), "/a~1b~0c");
    assert_view(jdoc_pointer(doc, jdoc_member(doc, 0, VIEW("caf\xC3\xA9")), &f->arena),
                "/caf\xC3\xA9");
}

static void test_pointer_of_worst_names(void **state)
{
    struct fixture *f = *state;
    struct jdoc doc = read_good(VIEW("{\"////~~~~\":{\"\\u002f\\u007e\":[[]]}}"), &f->arena);

    assert_view(jdoc_pointer(&doc, 3, &f->arena), "/~1~1~1~1~0~0~0~0/~1~0/0");
}

static void test_out_of_memory(void **state)
{
    struct fixture *f = *state;
    jref cafe = jdoc_member(&f->doc, 0, VIEW("caf\xC3\xA9"));
    struct arena small;

    arena_init(&small, 16, 0);
    assert_null(jdoc_text(&f->doc, cafe, &small).ptr);
    assert_null(jdoc_key(&f->doc, cafe, &small).ptr);
    assert_null(jdoc_pointer(&f->doc, cafe, &small).ptr);
    assert_view(jdoc_text(&f->doc, 1, &small), "nb-1");
    arena_done(&small);
    /* Room for the pointer, not for the name it needs. */
    arena_init(&small, 16, 64);
    assert_null(jdoc_pointer(&f->doc, cafe, &small).ptr);
    arena_done(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_kinds_and_spans, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_walk, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_member, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_text_and_key, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_empty_text_has_a_pointer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_integer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_pointer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_pointer_of_worst_names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_out_of_memory, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
