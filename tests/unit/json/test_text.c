/* SPDX-License-Identifier: Apache-2.0
 * Plain runs, UTF-8 and escapes. */
#include "json/text.h"

#include "json_support.h"

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/* Each byte value at each place, with neighbours that provoke borrows and carries. */
static void test_plain_against_one_byte_at_a_time(void **state)
{
    static const char fill[] = {' ', '!', '~', '\x7F', '#', '[', ']'};
    char text[40];

    (void)state;
    for (size_t f = 0; f < sizeof fill; f++) {
        for (unsigned value = 0; value < 256; value++) {
            for (size_t at = 0; at < sizeof text; at++) {
                size_t want = is_plain((unsigned char)value) ? sizeof text : at;

                memset(text, fill[f], sizeof text);
                text[at] = (char)value;
                assert_int_equal(jtext_plain(text, sizeof text), want);
            }
        }
    }
}

static void test_plain_of_any_length(void **state)
{
    (void)state;
    for (size_t len = 0; len <= 20; len++)
        assert_int_equal(jtext_plain("aaaaaaaaaaaaaaaaaaaa\"", len), len);
    assert_int_equal(jtext_plain("aaaaaaaaaaaaaaaaaaaa\"", 21), 20);
}

static void test_utf8_round_trip(void **state)
{
    (void)state;
    for (uint32_t code = 0; code <= 0x10FFFF; code++) {
        char bytes[4];
        unsigned len = jtext_encode(code, bytes);
        bool surrogate = code >= 0xD800 && code <= 0xDFFF;
        uint32_t back = 0;

        if (jtext_utf8(view_of(bytes, len), &back) != (surrogate ? 0 : len) ||
            (!surrogate && back != code)) {
            print_error("U+%04X\n", code);
            fail();
        }
        /* Never longer than it is, never shorter. */
        if (jtext_utf8(view_of(bytes, len - 1), NULL) != 0)
            fail();
    }
}

static void test_utf8_refusals(void **state)
{
    static const char *const bad[] = {
        "\x80",
        "\xBF",
        "\xC0\x80",
        "\xC1\xBF",
        "\xC2",
        "\xC2\x7F",
        "\xC2\xC2",
        "\xE0\x80\x80",
        "\xE0\x9F\xBF",
        "\xED\xA0\x80",
        "\xED\xBF\xBF",
        "\xE2\x82",
        "\xE2\x82\x41",
        "\xF0\x80\x80\x80",
        "\xF0\x8F\xBF\xBF",
        "\xF0\x9F\x98",
        "\xF4\x90\x80\x80",
        "\xF5\x80\x80\x80",
        "\xF8\x88\x80\x80\x80",
        "\xFE",
        "\xFF",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        uint32_t code = 7;

        if (jtext_utf8(view_str(bad[i]), &code) != 0 || code != 7) {
            print_error("row %zu\n", i);
            fail();
        }
    }
    assert_int_equal(jtext_utf8(VIEW_NONE, NULL), 0);
}

static void test_hex4(void **state)
{
    (void)state;
    assert_int_equal(jtext_hex4("0000"), 0);
    assert_int_equal(jtext_hex4("09aF"), 0x9AF);
    assert_int_equal(jtext_hex4("ffff"), 0xFFFF);
    assert_int_equal(jtext_hex4("00g0"), -1);
    assert_int_equal(jtext_hex4("000/"), -1);
    assert_int_equal(jtext_hex4("000:"), -1);
    assert_int_equal(jtext_hex4("@000"), -1);
    assert_int_equal(jtext_hex4(" 123"), -1);
    assert_int_equal(jtext_hex4("-001"), -1);
}

static const struct {
    const char *raw, *text;
} escapes[] = {
    {"", ""},
    {"plain", "plain"},
    {"\\\"\\\\\\/\\b\\f\\n\\r\\t", "\"\\/\b\f\n\r\t"},
    {"a\\u0041b", "aAb"},
    {"\\u00e9\\u20AC", "\xC3\xA9\xE2\x82\xAC"},
    {"\\ud83d\\ude00", "\xF0\x9F\x98\x80"},
    {"\\ud800\\udc00", "\xF0\x90\x80\x80"},
    {"\\uDBFF\\uDFFF!", "\xF4\x8F\xBF\xBF!"},
    {"\\\\u0041", "\\u0041"},
    {"\xC3\xA9\\n\xC3\xA9", "\xC3\xA9\n\xC3\xA9"},
};

static void test_escapes(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(escapes); i++) {
        struct view raw = view_str(escapes[i].raw), text = view_str(escapes[i].text);
        char out[64];

        assert_view_eq(view_of(out, jtext_unescape(raw, out)), text);
        assert_true(jtext_is(raw, text));
        assert_false(jtext_is(raw, VIEW("plai")));
        assert_false(jtext_is(raw, VIEW("plain!")));
    }
}

static const struct {
    const char *a, *b;
    int sign;
} pairs[] = {
    {"", "", 0},
    {"a", "a", 0},
    {"a", "\\u0061", 0},
    {"\\/", "/", 0},
    {"a", "b", -1},
    {"a", "aa", -1},
    {"", "a", -1},
    {"a", "\\u00e9", -1},
    {"\\u007a", "{", -1},
    {"\xC3\xA9", "\\u00E9", 0},
    {"\\n", "\\t", 1},
    {"\\ud83d\\ude00", "\xF0\x9F\x98\x80", 0},
    {"\\ud83d\\ude00", "\\uffff", 1},
};

static void test_compare(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        struct view a = view_str(pairs[i].a), b = view_str(pairs[i].b);
        int there = jtext_cmp(a, b), back = jtext_cmp(b, a);

        assert_row((there > 0) - (there < 0) == pairs[i].sign, pairs[i].a);
        assert_row((back > 0) - (back < 0) == -pairs[i].sign, pairs[i].a);
        assert_row((jtext_hash(a) == jtext_hash(b)) == (pairs[i].sign == 0), pairs[i].a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_against_one_byte_at_a_time),
        cmocka_unit_test(test_plain_of_any_length),
        cmocka_unit_test(test_utf8_round_trip),
        cmocka_unit_test(test_utf8_refusals),
        cmocka_unit_test(test_hex4),
        cmocka_unit_test(test_escapes),
        cmocka_unit_test(test_compare),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
