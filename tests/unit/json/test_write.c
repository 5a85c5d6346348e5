/* SPDX-License-Identifier: Apache-2.0
 * The writer: commas, escapes, and that whatever goes in, JSON comes out. */
#include "json/write.h"

#include "json_support.h"

static void test_document(void **state)
{
    struct buf out;
    struct jwriter w;

    (void)state;
    buf_init(&out, 4096);
    jwriter_init(&w, &out);
    jwriter_open_object(&w);
    jwriter_member_text(&w, "a", VIEW("x"));
    jwriter_member_opt(&w, "gone", VIEW_NONE);
    jwriter_member_opt(&w, "empty", VIEW(""));
    jwriter_member_int(&w, "n", INT64_MIN);
    jwriter_key(&w, "list");
    jwriter_open_array(&w);
    jwriter_int(&w, 1);
    jwriter_bool(&w, true);
    jwriter_bool(&w, false);
    jwriter_null(&w);
    jwriter_open_array(&w);
    jwriter_close_array(&w);
    jwriter_open_object(&w);
    jwriter_close_object(&w);
    jwriter_raw(&w, VIEW("{\"raw\": 1.50}"));
    jwriter_text(&w, VIEW("t"));
    jwriter_close_array(&w);
    jwriter_key_view(&w, VIEW("k\"\n"));
    jwriter_raw(&w, VIEW("null"));
    jwriter_close_object(&w);
    assert_int_equal(out.failed, STATUS_OK);
    assert_view(buf_view(&out), "{\"a\":\"x\",\"empty\":\"\",\"n\":-9223372036854775808,"
                                "\"list\":[1,true,false,null,[],{},{\"raw\":1.50},\"t\"],"
                                "\"k\\\"\\n\":null}");
    assert_int_equal(w.depth, 0);
    buf_done(&out);
}

static const struct {
    const char *name;
    struct view text;
    const char *utf8, *ascii;
} rows[] = {
    {"empty", {"", 0}, "", ""},
    {"absent", {NULL, 0}, "", ""},
    {"plain", {"abc /~", 6}, "abc /~", "abc /~"},
    {"short escapes", {"\"\\\b\f\n\r\t", 7}, "\\\"\\\\\\b\\f\\n\\r\\t", "\\\"\\\\\\b\\f\\n\\r\\t"},
    {"control", {"a\0b\x1F", 4}, "a\\u0000b\\u001f", "a\\u0000b\\u001f"},
    {"DEL", {"\x7F", 1}, "\x7F", "\\u007f"},
    {"DEL between",
     {"12345678\x7F"
      "9",
      10},
     "12345678\x7F"
     "9",
     "12345678\\u007f9"},
    {"two bytes", {"\xC3\xA9", 2}, "\xC3\xA9", "\\u00e9"},
    {"three bytes", {"\xE2\x82\xAC", 3}, "\xE2\x82\xAC", "\\u20ac"},
    {"four bytes", {"\xF0\x9F\x98\x80", 4}, "\xF0\x9F\x98\x80", "\\ud83d\\ude00"},
    {"first pair", {"\xF0\x90\x80\x80", 4}, "\xF0\x90\x80\x80", "\\ud800\\udc00"},
    {"last code point", {"\xF4\x8F\xBF\xBF", 4}, "\xF4\x8F\xBF\xBF", "\\udbff\\udfff"},
    {"last of three bytes", {"\xEF\xBF\xBF", 3}, "\xEF\xBF\xBF", "\\uffff"},
    {"invalid byte", {"a\xFFz", 3}, "a\xEF\xBF\xBDz", "a\\ufffdz"},
    {"each invalid byte", {"\xC0\xAF", 2}, "\xEF\xBF\xBD\xEF\xBF\xBD", "\\ufffd\\ufffd"},
    {"cut sequence", {"\xE2\x82", 2}, "\xEF\xBF\xBD\xEF\xBF\xBD", "\\ufffd\\ufffd"},
    {"cut by ASCII",
     {"\xC3"
      "A",
      2},
     "\xEF\xBF\xBD"
     "A",
     "\\ufffdA"},
    {"surrogate",
     {"\xED\xA0\x80", 3},
     "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD",
     "\\ufffd\\ufffd\\ufffd"},
};

static void check_text(size_t row, bool ascii)
{
    const char *want = ascii ? rows[row].ascii : rows[row].utf8;
    struct buf out;
    struct jwriter w;

    buf_init(&out, 4096);
    jwriter_init(&w, &out);
    w.ascii = ascii;
    jwriter_text(&w, rows[row].text);
    assert_row(out.len == strlen(want) + 2, rows[row].name);
    assert_row(memcmp(out.ptr + 1, want, out.len - 2) == 0, rows[row].name);
    assert_row(out.ptr[0] == '"' && out.ptr[out.len - 1] == '"', rows[row].name);
    buf_done(&out);
}

static void test_texts(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        check_text(i, false);
        check_text(i, true);
    }
}

/* Random bytes: the output is read again; in ASCII mode it is printable. */
static void test_any_bytes_give_json(void **state)
{
    static const char some[] = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\"\\";
    uint64_t random = 7;
    struct arena arena;
    struct buf out;

    (void)state;
    arena_init(&arena, 4096, 1 << 20);
    buf_init(&out, 1 << 16);
    for (size_t i = 0; i < 20000; i++) {
        char bytes[48];
        size_t len = random_below(&random, sizeof bytes);
        struct jwriter w;
        struct jdoc doc;
        struct jfault fault;

        for (size_t j = 0; j < len; j++) {
            if (random_below(&random, 3) == 0)
                bytes[j] = (char)next_random(&random);
            else
                bytes[j] = some[random_below(&random, sizeof some - 1)];
            /* jdoc_read has a rule of its own about NUL. */
            if (bytes[j] == '\0')
                bytes[j] = '0';
        }
        buf_clear(&out);
        jwriter_init(&w, &out);
        w.ascii = i % 2 == 0;
        jwriter_open_object(&w);
        jwriter_key_view(&w, view_of(bytes, len));
        jwriter_text(&w, view_of(bytes, len));
        jwriter_close_object(&w);
        assert_int_equal(jdoc_read(buf_view(&out), &wide, &arena, &doc, &fault), STATUS_OK);
        assert_view_eq(jdoc_text(&doc, 1, &arena), jdoc_key(&doc, 1, &arena));
        for (size_t j = 0; w.ascii && j < out.len; j++)
            assert_in_range(out.ptr[j], ' ', '~');
        arena_reset(&arena);
    }
    buf_done(&out);
    arena_done(&arena);
}

static void test_valid_text_comes_back(void **state)
{
    struct arena arena;
    struct buf out;

    (void)state;
    arena_init(&arena, 1 << 16, 1 << 24);
    buf_init(&out, 1 << 16);
    for (unsigned ascii = 0; ascii < 2; ascii++) {
        struct view text =
            VIEW("a\"\\/\b\f\n\r\t\x01\x7F \xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80 \xEF\xBF\xBF");
        struct jwriter w;
        struct jdoc doc;

        buf_clear(&out);
        jwriter_init(&w, &out);
        w.ascii = ascii == 1;
        jwriter_open_array(&w);
        jwriter_text(&w, text);
        jwriter_close_array(&w);
        doc = read_good(buf_view(&out), &arena);
        assert_view_eq(jdoc_text(&doc, 1, &arena), text);
    }
    buf_done(&out);
    arena_done(&arena);
}

static void test_full_buffer(void **state)
{
    struct buf out;
    struct jwriter w;

    (void)state;
    buf_init(&out, 8);
    jwriter_init(&w, &out);
    jwriter_open_array(&w);
    jwriter_text(&w, VIEW("more than eight"));
    jwriter_close_array(&w);
    assert_int_equal(out.failed, STATUS_LIMIT);
    buf_done(&out);
}

static void write_some(struct buf *out)
{
    struct jwriter w;

    jwriter_init(&w, out);
    jwriter_open_object(&w);
    jwriter_member_text(&w, "a", VIEW("plain"));
    jwriter_member_text(&w, "b", VIEW("a\nb\"c\x01"));
    jwriter_key_view(&w, VIEW("k"));
    jwriter_null(&w);
    jwriter_key_view(&w, VIEW("\t"));
    jwriter_text(&w, VIEW_NONE);
    jwriter_key(&w, "l");
    jwriter_open_array(&w);
    jwriter_text(&w, VIEW("x"));
    jwriter_text(&w, VIEW("y"));
    jwriter_raw(&w, VIEW("[1,\n2]"));
    jwriter_close_array(&w);
    jwriter_close_object(&w);
}

/* What fits exactly is written, what doesn't is a failure, wherever the room ends. */
static void test_every_room(void **state)
{
    static const char want[] = "{\"a\":\"plain\",\"b\":\"a\\nb\\\"c\\u0001\",\"k\":null,\"\\t\":"
                               "\"\",\"l\":[\"x\",\"y\",[1,2]]}";

    (void)state;
    for (size_t room = 0; room < sizeof want + 4; room++) {
        struct buf out;

        buf_init(&out, room);
        write_some(&out);
        if (room < sizeof want - 1) {
            assert_int_equal(out.failed, STATUS_LIMIT);
            assert_true(out.len <= room && (out.len == 0 || memcmp(out.ptr, want, out.len) == 0));
        } else {
            assert_int_equal(out.failed, STATUS_OK);
            assert_view_eq(buf_view(&out), view_str(want));
        }
        buf_done(&out);
    }
}

/* A text that came in from outside goes out as one line, also in a header. */
static void test_raw_is_one_line(void **state)
{
    static const struct {
        const char *raw, *utf8, *ascii;
    } texts[] = {
        {"{\r\n\t\"k\\u00e9\" :\n\"\xC3\xA9\x7F\\n\" }", "{\"k\\u00e9\":\"\xC3\xA9\x7F\\n\"}",
         "{\"k\\u00e9\":\"\\u00e9\\u007f\\n\"}"},
        {"[ \"a b\" , \" \\\" \\\\\" , 1 ]", "[\"a b\",\" \\\" \\\\\",1]",
         "[\"a b\",\" \\\" \\\\\",1]"},
        {"[\"\\\\\" ,\"\xC3\xA9 x\" ]", "[\"\\\\\",\"\xC3\xA9 x\"]", "[\"\\\\\",\"\\u00e9 x\"]"},
        {" 1 ", "1", "1"},
    };
    struct jwriter w;
    struct buf out;

    (void)state;
    buf_init(&out, 256);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        for (int ascii = 0; ascii < 2; ascii++) {
            buf_clear(&out);
            jwriter_init(&w, &out);
            w.ascii = ascii != 0;
            jwriter_raw(&w, view_str(texts[i].raw));
            assert_view_eq(buf_view(&out), view_str(ascii ? texts[i].ascii : texts[i].utf8));
        }
    }
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_document),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_any_bytes_give_json),
        cmocka_unit_test(test_valid_text_comes_back),
        cmocka_unit_test(test_full_buffer),
        cmocka_unit_test(test_every_room),
        cmocka_unit_test(test_raw_is_one_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
