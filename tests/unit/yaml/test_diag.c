/* SPDX-License-Identifier: Apache-2.0
 * The list of faults: form, order, what happens when it or the memory is full. */
#include "support/test.h"

#include "yaml/diag.h"

static struct arena arena;
static struct diag diag;
static struct buf out;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 4096, 65536);
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

static void prints_a_line_each(void **state)
{
    (void)state;
    diag_fault(&diag, (struct loc){"a.yaml", 3, 7}, "unknown key \"%s\"", "x");
    diag_warn(&diag, (struct loc){"b.yaml", 1, 1}, "expired");
    diag_fault(&diag, (struct loc){"b.yaml", 0, 0}, "empty");
    diag_print(&diag, &out);
    assert_view(buf_view(&out), "a.yaml:3:7: unknown key \"x\"\n"
                                "b.yaml:1:1: warning: expired\n"
                                "b.yaml: empty\n");
    assert_int_equal(diag.faults, 2);
    assert_int_equal(diag.count, 3);
    assert_int_equal(diag.dropped, 0);
}

static void prints_nothing_when_empty(void **state)
{
    (void)state;
    diag_print(&diag, &out);
    assert_int_equal(out.len, 0);
}

static void keeps_twenty_and_counts_the_rest(void **state)
{
    (void)state;
    for (unsigned i = 1; i <= DIAG_MAX + 3; i++)
        diag_fault(&diag, (struct loc){"f", i, 1}, "fault %u", i);
    assert_int_equal(diag.count, DIAG_MAX);
    assert_int_equal(diag.faults, DIAG_MAX + 3);
    assert_int_equal(diag.dropped, 3);
    assert_view(diag.items[DIAG_MAX - 1].message, "fault 20");
    diag_print(&diag, &out);
    assert_true(view_ends(buf_view(&out), VIEW("f:20:1: fault 20\nand 3 more\n")));
}

static void a_fault_takes_the_place_of_the_last_warning(void **state)
{
    (void)state;
    diag_fault(&diag, (struct loc){"f", 1, 1}, "first");
    for (unsigned i = 0; i < DIAG_MAX - 1; i++)
        diag_warn(&diag, (struct loc){"f", 2 + i, 1}, "warning %u", i);
    diag_warn(&diag, (struct loc){"f", 50, 1}, "one too many");
    assert_int_equal(diag.dropped, 1);
    diag_fault(&diag, (struct loc){"f", 60, 1}, "second");
    assert_int_equal(diag.count, DIAG_MAX);
    assert_int_equal(diag.faults, 2);
    assert_int_equal(diag.dropped, 2);
    assert_view(diag.items[0].message, "first");
    assert_view(diag.items[DIAG_MAX - 2].message, "warning 17");
    assert_view(diag.items[DIAG_MAX - 1].message, "second");
    assert_false(diag.items[DIAG_MAX - 1].warning);
}

static void without_memory_a_fault_still_counts(void **state)
{
    struct arena tiny;
    struct diag poor;

    (void)state;
    arena_init(&tiny, 16, 16);
    diag_init(&poor, &tiny);
    diag_fault(&poor, (struct loc){"f", 2, 3}, "something %s", "long");
    assert_int_equal(poor.faults, 1);
    diag_print(&poor, &out);
    assert_view(buf_view(&out), "f:2:3: a fault whose message had no memory left\n");
    arena_done(&tiny);
}

static void cuts_a_message_of_any_length(void **state)
{
    char text[3000];

    (void)state;
    memset(text, '.', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    diag_fault(&diag, (struct loc){NULL, 1, 1}, "%s", text);
    assert_int_equal(diag.items[0].message.len, 1023);
    assert_string_equal(diag.items[0].loc.file, "");
}

/* A folder of policies may come from anybody who proposes a change. */
static void names_of_files_are_printable(void **state)
{
    (void)state;
    diag_fault(&diag, (struct loc){"a\n\xe2\x80\xae.yaml", 1, 2}, "x");
    diag_print(&diag, &out);
    assert_view(buf_view(&out), "a\\x0a\\xe2\\x80\\xae.yaml:1:2: x\n");
}

static void quotes(void **state)
{
    const struct {
        const char *name;
        struct view text;
        const char *want;
    } rows[] = {
        {"plain", VIEW("abc"), "\"abc\""},
        {"empty", VIEW(""), "\"\""},
        {"absent", VIEW_NONE, "\"\""},
        {"quote and backslash", VIEW("a\"b\\c"), "\"a\\\"b\\\\c\""},
        {"umlaut stays", VIEW("M\xc3\xbcller"), "\"M\xc3\xbcller\""},
        {"four bytes stay", VIEW("\xf0\x9f\x98\x80"), "\"\xf0\x9f\x98\x80\""},
        {"newline", VIEW("a\nb"), "\"a\\x0ab\""},
        {"escape sequence", VIEW("\x1b[31m"), "\"\\x1b[31m\""},
        {"NUL", VIEW("a\0b"), "\"a\\x00b\""},
        {"C1 control", VIEW("\xc2\x9b"), "\"\\xc2\\x9b\""},
        {"no-break space stays", VIEW("\xc2\xa0"), "\"\xc2\xa0\""},
        {"line separator", VIEW("\xe2\x80\xa8"), "\"\\xe2\\x80\\xa8\""},
        {"right-to-left override", VIEW("\xe2\x80\xae"), "\"\\xe2\\x80\\xae\""},
        {"right-to-left isolate", VIEW("\xe2\x81\xa7"), "\"\\xe2\\x81\\xa7\""},
        {"no width", VIEW("a\xe2\x80\x8b"), "\"a\\xe2\\x80\\x8b\""},
        {"not UTF-8", VIEW("\xff\x80"), "\"\\xff\\x80\""},
        {"cut character", VIEW("a\xe2\x82"), "\"a\\xe2\\x82\""},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char quoted[DIAG_QUOTED_BYTES];

        assert_row(view_eq(view_str(diag_quoted(rows[i].text, quoted)), view_str(rows[i].want)),
                   rows[i].name);
    }
}

static void a_long_text_is_cut_between_characters(void **state)
{
    (void)state;
    for (size_t lead = 0; lead < 8; lead++) {
        char text[400], quoted[DIAG_QUOTED_BYTES];
        struct view got;

        memset(text, 'x', lead);
        for (size_t i = lead; i + 3 <= sizeof text; i += 3)
            memcpy(text + i, "\xe2\x82\xac", 3);
        got = view_str(diag_quoted(view_of(text, lead + (sizeof text - lead) / 3 * 3), quoted));
        assert_true(got.len < DIAG_QUOTED_BYTES);
        assert_true(view_ends(got, VIEW("\xe2\x82\xac...\"")));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(prints_a_line_each, set_up, tear_down),
        cmocka_unit_test_setup_teardown(prints_nothing_when_empty, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keeps_twenty_and_counts_the_rest, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_fault_takes_the_place_of_the_last_warning, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(without_memory_a_fault_still_counts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(cuts_a_message_of_any_length, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_of_files_are_printable, set_up, tear_down),
        cmocka_unit_test(quotes),
        cmocka_unit_test(a_long_text_is_cut_between_characters),
    };

    return cmocka_run_group_tests_name("yaml/diag", tests, NULL, NULL);
}
