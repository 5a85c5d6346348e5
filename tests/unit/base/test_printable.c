/* SPDX-License-Identifier: Apache-2.0
 * What strangers write, for a terminal. */
#include "support/test.h"

#include "base/printable.h"

static void what_is_not_seen_is_written_out(void **state)
{
    const struct {
        const char *name;
        struct view text;
        const char *want;
    } rows[] = {
        {"absent", VIEW_NONE, ""},
        {"letters", VIEW("a M\xc3\xbc \xe5\xa4\xa7 \xf0\x9f\x98\x80"),
         "a M\xc3\xbc \xe5\xa4\xa7 \xf0\x9f\x98\x80"},
        {"controls", VIEW("\x1b[31m\n\0\x7f"), "\\x1b[31m\\x0a\\x00\\x7f"},
        {"C1", VIEW("\xc2\x9b"), "\\xc2\\x9b"},
        {"direction", VIEW("\xe2\x80\xae\xe2\x81\xa6"), "\\xe2\\x80\\xae\\xe2\\x81\\xa6"},
        {"no width", VIEW("a\xe2\x80\x8b\xef\xbb\xbf"), "a\\xe2\\x80\\x8b\\xef\\xbb\\xbf"},
        {"a joiner of graphemes", VIEW("\xcd\x8f"), "\\xcd\\x8f"},
        {"a filler of Hangul", VIEW("\xe3\x85\xa4"), "\\xe3\\x85\\xa4"},
        {"a half one", VIEW("\xef\xbe\xa0"), "\\xef\\xbe\\xa0"},
        {"a vowel of Khmer that isn't one", VIEW("\xe1\x9e\xb4"), "\\xe1\\x9e\\xb4"},
        {"variations", VIEW("\xef\xb8\x8f\xe1\xa0\x8b"), "\\xef\\xb8\\x8f\\xe1\\xa0\\x8b"},
        {"more of them", VIEW("\xf3\xa0\x84\x80"), "\\xf3\\xa0\\x84\\x80"},
        {"marks of music", VIEW("\xf0\x9d\x85\xb3"), "\\xf0\\x9d\\x85\\xb3"},
        {"no UTF-8", VIEW("\xff\xc0\x80\xed\xa0\x80\xe2\x82"),
         "\\xff\\xc0\\x80\\xed\\xa0\\x80\\xe2\\x82"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf out;

        buf_init(&out, 256);
        printable_add(&out, rows[i].text);
        if (!view_eq(buf_view(&out), view_str(rows[i].want)))
            fail_msg("row \"%s\": %.*s", rows[i].name, VIEW_ARGS(buf_view(&out)));
        buf_done(&out);
    }
}

static void lines_stay_lines(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 256);
    printable_add_lines(&out, VIEW("a\n\n\tb\r\n"));
    assert_view(buf_view(&out), "a\n\n\tb\\x0d\n");
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_seen_is_written_out),
        cmocka_unit_test(lines_stay_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
