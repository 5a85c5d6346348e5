/* SPDX-License-Identifier: Apache-2.0
 * What the reader refuses, why and where; its limits; duplicates in objects of every size. */
#include <stdlib.h>

#include "base/clock.h"

#include "json_support.h"

struct refusal {
    const char *name;
    struct view text;
    enum jreason reason;
    size_t offset;
    const char *says; /* part of the fault's text */
};

#define TEXT(literal)                   \
    {                                   \
        "" literal, sizeof(literal) - 1 \
    }

static const struct refusal refusals[] = {
    {"empty", TEXT(""), JSON_SYNTAX, 0, "ends too early"},
    {"blank", TEXT(" \n\t"), JSON_SYNTAX, 3, "ends too early"},
    {"byte order mark", TEXT("\xEF\xBB\xBF{}"), JSON_SYNTAX, 0, "expected an object"},
    {"string on top", TEXT("\"a\""), JSON_SYNTAX, 0, "expected an object"},
    {"number on top", TEXT("1"), JSON_SYNTAX, 0, "expected an object"},
    {"word on top", TEXT("null"), JSON_SYNTAX, 0, "expected an object"},
    {"second document", TEXT("{} {}"), JSON_SYNTAX, 3, "behind the end"},
    {"NUL at the end", TEXT("{}\0"), JSON_SYNTAX, 2, "behind the end"},
    {"comma at the end", TEXT("{},"), JSON_SYNTAX, 2, "behind the end"},
    {"open object", TEXT("{"), JSON_SYNTAX, 1, "ends too early"},
    {"open array", TEXT("[1"), JSON_SYNTAX, 2, "ends too early"},
    {"wrong bracket", TEXT("[}"), JSON_SYNTAX, 1, "expected a value"},
    {"wrong bracket after", TEXT("[1}"), JSON_SYNTAX, 2, "',' or ']'"},
    {"wrong brace after", TEXT("{\"a\":1]"), JSON_SYNTAX, 6, "',' or '}'"},
    {"trailing comma", TEXT("[1,]"), JSON_SYNTAX, 3, "expected a value"},
    {"trailing comma in an object", TEXT("{\"a\":1,}"), JSON_SYNTAX, 7, "name of a member"},
    {"leading comma", TEXT("[,1]"), JSON_SYNTAX, 1, "expected a value"},
    {"missing comma", TEXT("[1 2]"), JSON_SYNTAX, 3, "',' or ']'"},
    {"bare name", TEXT("{a:1}"), JSON_SYNTAX, 1, "name of a member"},
    {"number as name", TEXT("{1:1}"), JSON_SYNTAX, 1, "name of a member"},
    {"single quotes", TEXT("{'a':1}"), JSON_SYNTAX, 1, "name of a member"},
    {"no colon", TEXT("{\"a\" 1}"), JSON_SYNTAX, 5, "expected ':'"},
    {"no value", TEXT("{\"a\":}"), JSON_SYNTAX, 5, "expected a value"},
    {"comment", TEXT("[1/**/]"), JSON_SYNTAX, 2, "',' or ']'"},
    {"form feed", TEXT("[\f1]"), JSON_SYNTAX, 1, "expected a value"},
    {"no-break space", TEXT("[\xC2\xA0]"), JSON_SYNTAX, 1, "expected a value"},
    {"NaN", TEXT("[NaN]"), JSON_SYNTAX, 1, "expected a value"},
    {"Infinity", TEXT("[-Infinity]"), JSON_SYNTAX, 2, "number"},
    {"capital word", TEXT("[True]"), JSON_SYNTAX, 1, "expected a value"},
    {"cut word", TEXT("[tru"), JSON_SYNTAX, 1, "expected a value"},
    {"long word", TEXT("[nulls]"), JSON_SYNTAX, 5, "',' or ']'"},
    {"leading zero", TEXT("[01]"), JSON_SYNTAX, 1, "number"},
    {"minus zero one", TEXT("[-01]"), JSON_SYNTAX, 2, "number"},
    {"plus", TEXT("[+1]"), JSON_SYNTAX, 1, "expected a value"},
    {"lone minus", TEXT("[-]"), JSON_SYNTAX, 2, "number"},
    {"bare fraction", TEXT("[.5]"), JSON_SYNTAX, 1, "expected a value"},
    {"empty fraction", TEXT("[1.]"), JSON_SYNTAX, 3, "number"},
    {"empty exponent", TEXT("[1e]"), JSON_SYNTAX, 3, "number"},
    {"signed empty exponent", TEXT("[1e+]"), JSON_SYNTAX, 4, "number"},
    {"hexadecimal", TEXT("[0x1]"), JSON_SYNTAX, 2, "',' or ']'"},
    {"number at the end", TEXT("[1."), JSON_SYNTAX, 3, "number"},
    {"NUL behind a number", TEXT("[1\0]"), JSON_SYNTAX, 2, "',' or ']'"},
    {"integer over 64 bits", TEXT("[9223372036854775808]"), JSON_NUMBER, 1, "64 bits"},
    {"integer under 64 bits", TEXT("[-9223372036854775809]"), JSON_NUMBER, 1, "64 bits"},
    {"unsigned 64 bits", TEXT("[18446744073709551615]"), JSON_NUMBER, 1, "64 bits"},
    {"real overflow", TEXT("[0, 1e400]"), JSON_NUMBER, 4, "double"},
    {"negative real overflow", TEXT("[-1e309]"), JSON_NUMBER, 1, "double"},
    {"open string", TEXT("[\"a"), JSON_SYNTAX, 3, "ends too early"},
    {"newline in a string", TEXT("[\"a\nb\"]"), JSON_SYNTAX, 3, "control byte"},
    {"NUL in a string", TEXT("[\"\0\"]"), JSON_SYNTAX, 2, "control byte"},
    {"0x1F in a name", TEXT("{\"\x1F\":1}"), JSON_SYNTAX, 2, "control byte"},
    {"unknown escape", TEXT("[\"\\x41\"]"), JSON_SYNTAX, 2, "escape"},
    {"capital \\U", TEXT("[\"\\U0041\"]"), JSON_SYNTAX, 2, "escape"},
    {"escape at the end", TEXT("[\"\\"), JSON_SYNTAX, 2, "escape"},
    {"short \\u", TEXT("[\"\\u12\"]"), JSON_SYNTAX, 2, "hexadecimal"},
    {"\\u at the end", TEXT("[\"\\u123"), JSON_SYNTAX, 2, "hexadecimal"},
    {"\\u with a sign", TEXT("[\"\\u+123\"]"), JSON_SYNTAX, 2, "hexadecimal"},
    {"\\u0000 in a value", TEXT("[\"\\u0000\"]"), JSON_SYNTAX, 2, "\\u0000"},
    {"\\u0000 in a name", TEXT("{\"a\\u0000\":1}"), JSON_SYNTAX, 3, "\\u0000"},
    {"lone high surrogate", TEXT("[\"\\ud83d\"]"), JSON_ENCODING, 2, "surrogate"},
    {"lone low surrogate", TEXT("[\"\\ude00\"]"), JSON_ENCODING, 2, "surrogate"},
    {"two high surrogates", TEXT("[\"\\ud83d\\ud83d\"]"), JSON_ENCODING, 2, "surrogate"},
    {"high surrogate and letter", TEXT("[\"\\ud83d\\u0041\"]"), JSON_ENCODING, 2, "surrogate"},
    {"high surrogate and escape", TEXT("[\"\\ud83d\\n12345\"]"), JSON_ENCODING, 2, "surrogate"},
    {"high surrogate at the end", TEXT("[\"\\ud83d\\ude0"), JSON_ENCODING, 2, "surrogate"},
    {"continuation byte alone", TEXT("[\"\x80\"]"), JSON_ENCODING, 2, "UTF-8"},
    {"overlong slash", TEXT("[\"\xC0\xAF\"]"), JSON_ENCODING, 2, "UTF-8"},
    {"overlong of three", TEXT("[\"\xE0\x9F\xBF\"]"), JSON_ENCODING, 2, "UTF-8"},
    {"overlong of four", TEXT("[\"\xF0\x8F\xBF\xBF\"]"), JSON_ENCODING, 2, "UTF-8"},
    {"raw surrogate", TEXT("[\"\xED\xA0\x80\"]"), JSON_ENCODING, 2, "UTF-8"},
    {"over U+10FFFF", TEXT("[\"\xF4\x90\x80\x80\"]"), JSON_ENCODING, 2, "UTF-8"},
    {"cut sequence", TEXT("[\"\xE2\x82\"]"), JSON_ENCODING, 2, "UTF-8"},
    {"cut sequence at the end", TEXT("[\"\xE2\x82"), JSON_ENCODING, 2, "UTF-8"},
    {"Latin-1 name", TEXT("{\"caf\xE9\":1}"), JSON_ENCODING, 5, "UTF-8"},
    {"twin", TEXT("{\"a\":1,\"a\":2}"), JSON_DUPLICATE, 7, "\"a\" stands twice"},
    {"twin that is equal", TEXT("{\"a\":1,\"b\":0,\"a\":1}"), JSON_DUPLICATE, 13, "\"a\""},
    {"twin across an escape", TEXT("{\"ab\":1,\"\\u0061b\":2}"), JSON_DUPLICATE, 8, "\\u0061b"},
    {"twin with two escapes", TEXT("{\"\\/\":1,\"\\u002F\":2}"), JSON_DUPLICATE, 8, "u002F"},
    {"twin of a pair", TEXT("{\"\xF0\x9F\x98\x80\":1,\"\\ud83d\\uDE00\":2}"), JSON_DUPLICATE, 10,
     "twice"},
    {"empty twin", TEXT("{\"\":1,\"\":2}"), JSON_DUPLICATE, 6, "\"\""},
    {"twin below", TEXT("[{\"a\":{\"b\":[{\"c\":1,\"c\":2}]}}]"), JSON_DUPLICATE, 19, "\"c\""},
    {"twin with bytes", TEXT("{\"\xC3\xA9\":1,\"\xC3\xA9\":2}"), JSON_DUPLICATE, 8, "\"??\""},
    {"long twin",
     TEXT("{\"aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee\":1,"
          "\"aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee\":1}"),
     JSON_DUPLICATE, 56, "\"aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeee...\""},
};

static void test_refusals(void **state)
{
    struct arena arena;

    (void)state;
    arena_init(&arena, 4096, 1 << 20);
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
        const struct refusal *row = &refusals[i];
        struct jdoc doc = {.count = 77};
        struct jfault fault = {.row = NULL};

        assert_row(jdoc_read(row->text, &wide, &arena, &doc, &fault) == STATUS_SYNTAX, row->name);
        assert_row(doc.count == 77, row->name);
        assert_row(fault.row == &json_reasons[row->reason], row->name);
        if (fault.offset != row->offset)
            print_error("offset %zu\n", fault.offset);
        assert_row(fault.offset == row->offset, row->name);
        if (strstr(fault.text, row->says) == NULL)
            print_error("text %s\n", fault.text);
        assert_row(strstr(fault.text, row->says) != NULL, row->name);
        for (const char *c = fault.text; *c != '\0'; c++)
            assert_row(*c >= ' ' && *c <= '~', row->name);
        arena_reset(&arena);
    }
    arena_done(&arena);
}

static const struct {
    const char *name;
    struct view text;
    uint32_t values;
} accepted[] = {
    {"object", TEXT("{}"), 1},
    {"array", TEXT("[]"), 1},
    {"white space everywhere", TEXT(" \t\r\n{ \"a\" : [ 1 , 2 ] , \"b\" : { } } \r\n\t "), 5},
    {"all kinds", TEXT("[null,true,false,0,0.0,\"\",[],{}]"), 9},
    {"64-bit ends", TEXT("[9223372036854775807,-9223372036854775808]"), 3},
    {"minus zero", TEXT("[-0,-0.0,-0e0]"), 4},
    {"underflow", TEXT("[1e-400,1e-999999999999999999999]"), 3},
    {"zero with any exponent", TEXT("[0e999999999999999999999]"), 2},
    {"DEL", TEXT("[\"\x7F\"]"), 2},
    {"noncharacters", TEXT("[\"\xEF\xBF\xBE\xEF\xBF\xBF\\uffff\"]"), 2},
    {"last code point", TEXT("[\"\xF4\x8F\xBF\xBF\\udbff\\udfff\"]"), 2},
    {"same name in two objects", TEXT("[{\"a\":1},{\"a\":{\"a\":1}}]"), 6},
    {"names that differ in case", TEXT("{\"a\":1,\"A\":2}"), 3},
    {"name and longer name", TEXT("{\"a\":1,\"aa\":2,\"\":3}"), 4},
    {"brackets in strings", TEXT("[\"[{,,,,\",\"]}\"]"), 3},
    {"eight bytes of string", TEXT("[\"12345678\",\"1234567\\n\",\"123456\\\\\"]"), 4},
};

static void test_accepted(void **state)
{
    struct arena arena;

    (void)state;
    arena_init(&arena, 4096, 1 << 20);
    for (size_t i = 0; i < ARRAY_LEN(accepted); i++) {
        struct jdoc doc = {.count = 0};
        struct jfault fault = {.row = NULL};

        assert_row(jdoc_read(accepted[i].text, &wide, &arena, &doc, &fault) == STATUS_OK,
                   accepted[i].name);
        assert_row(doc.count == accepted[i].values, accepted[i].name);
        assert_row(fault.row == NULL, accepted[i].name);
    }
    arena_done(&arena);
}

/* A quote, a backslash, a control byte and a non-ASCII byte at each place of a word of eight. */
static void test_string_scan_at_every_place(void **state)
{
    static const char odd[] = {'"', '\\', '\x1F', '\x00', '\x80'};
    struct arena arena;

    (void)state;
    arena_init(&arena, 4096, 1 << 20);
    for (size_t at = 0; at < 23; at++) {
        for (size_t i = 0; i < sizeof odd; i++) {
            char text[30] = "[\"~~~~~~~~~~~~~~~~~~~~~~~~\"]";
            struct jdoc doc;
            struct jfault fault;

            text[2 + at] = odd[i];
            assert_int_equal(jdoc_read(view_of(text, 28), &wide, &arena, &doc, &fault),
                             STATUS_SYNTAX);
            assert_int_equal(fault.offset, 2 + at + (odd[i] == '"' ? 1 : 0));
        }
    }
    arena_done(&arena);
}

static void test_line_and_column(void **state)
{
    struct arena arena;
    struct jdoc doc;
    struct jfault fault;

    (void)state;
    arena_init(&arena, 4096, 1 << 20);
    assert_int_equal(
        jdoc_read(VIEW("{\n  \"a\": 1,\r\n  \"b\": ?\n}"), &wide, &arena, &doc, &fault),
        STATUS_SYNTAX);
    assert_int_equal(fault.line, 3);
    assert_int_equal(fault.column, 8);
    assert_int_equal(jdoc_read(VIEW("?"), &wide, &arena, &doc, &fault), STATUS_SYNTAX);
    assert_int_equal(fault.line, 1);
    assert_int_equal(fault.column, 1);
    arena_done(&arena);
}

struct limit_row {
    const char *name;
    const char *text;
    struct jlimits limits;
    int reason; /* -1: fits */
};

static const struct limit_row limit_rows[] = {
    {"bytes at the limit", "[1,2]", {5, 9, 9, false}, -1},
    {"bytes over it", "[1,2]", {4, 9, 9, false}, JSON_TOO_LARGE},
    {"no bytes", "[]", {0, 9, 9, false}, JSON_TOO_LARGE},
    {"depth at the limit", "[{\"a\":[1]}]", {99, 3, 9, false}, -1},
    {"depth over it", "[{\"a\":[1]}]", {99, 2, 9, false}, JSON_TOO_DEEP},
    {"depth beside", "[[],[],[[]]]", {99, 3, 9, false}, -1},
    {"depth beside, over", "[[],[],[[]]]", {99, 2, 9, false}, JSON_TOO_DEEP},
    {"no depth", "[]", {99, 0, 9, false}, JSON_TOO_DEEP},
    {"members at the limit", "[1,{\"a\":2}]", {99, 9, 3, false}, -1},
    {"members over it", "[1,{\"a\":2}]", {99, 9, 2, false}, JSON_TOO_MANY},
    {"no members", "{}", {99, 9, 0, false}, -1},
    {"no members, one", "[0]", {99, 9, 0, false}, JSON_TOO_MANY},
    {"all members", "[0]", {99, 9, UINT32_MAX, false}, -1},
    {"no NUL", "[\"\\u0000\"]", {99, 9, 9, false}, JSON_SYNTAX},
    {"a NUL", "[\"\\u0000\"]", {99, 9, 9, true}, -1},
    {"a NUL in a name", "{\"\\u0000\":0}", {99, 9, 9, true}, JSON_SYNTAX},
};

static void test_limits(void **state)
{
    struct arena arena;

    (void)state;
    arena_init(&arena, 4096, 1 << 20);
    for (size_t i = 0; i < ARRAY_LEN(limit_rows); i++) {
        const struct limit_row *row = &limit_rows[i];
        struct jdoc doc;
        struct jfault fault = {.row = NULL};
        enum status status = jdoc_read(view_str(row->text), &row->limits, &arena, &doc, &fault);

        assert_row(status == (row->reason < 0 ? STATUS_OK : STATUS_SYNTAX), row->name);
        if (row->reason >= 0)
            assert_row(fault.row == &json_reasons[row->reason], row->name);
    }
    arena_done(&arena);
}

/* As deep as jansson goes, and no stack to run out of. */
static void test_greatest_depth(void **state)
{
    static char text[2 * (JDEPTH_MAX + 1) + 1];
    struct jlimits limits = {.bytes = sizeof text, .depth = UINT32_MAX, .members = UINT32_MAX};
    struct arena arena;
    struct jdoc doc;
    struct jfault fault;

    (void)state;
    arena_init(&arena, 4096, 1 << 20);
    memset(text, '[', JDEPTH_MAX + 1);
    memset(text + JDEPTH_MAX + 1, ']', JDEPTH_MAX + 1);
    assert_int_equal(
        jdoc_read(view_of(text + 1, (size_t)2 * JDEPTH_MAX), &limits, &arena, &doc, &fault),
        STATUS_OK);
    assert_int_equal(doc.count, JDEPTH_MAX);
    assert_int_equal(jdoc_read(view_of(text, sizeof text - 1), &limits, &arena, &doc, &fault),
                     STATUS_SYNTAX);
    assert_ptr_equal(fault.row, &json_reasons[JSON_TOO_DEEP]);
    assert_int_equal(fault.offset, JDEPTH_MAX);
    arena_done(&arena);
}

/* An object of `count` members; member `twin` has the name of member 0, its first letter escaped.
 */
static size_t write_object(char *text, size_t size, size_t count, size_t twin)
{
    size_t len = 0;

    for (size_t i = 0; i < count; i++) {
        const char *start = i == twin ? "\\u006b" : "k";

        len += (size_t)snprintf(text + len, size - len, "%s\"%sey-%05zu\":0", i == 0 ? "{" : ",",
                                start, i == twin ? 0 : i * 7919 % 99991);
    }
    len += (size_t)snprintf(text + len, size - len, "}");
    return len;
}

static void test_duplicates_in_objects_of_any_size(void **state)
{
    static const size_t counts[] = {2, 3, 11, 12, 13, 14, 15, 16, 17, 31, 33, 64, 1000};
    static char text[1 << 15];
    struct arena arena;

    (void)state;
    arena_init(&arena, 1 << 16, 1 << 24);
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        size_t step = counts[i] > 100 ? 97 : 1;

        /* twin 0 is member 0 itself: a good document. */
        for (size_t twin = 0; twin < counts[i]; twin += step) {
            size_t len = write_object(text, sizeof text, counts[i], twin);
            struct jdoc doc;
            struct jfault fault = {.row = NULL};
            enum status status = jdoc_read(view_of(text, len), &wide, &arena, &doc, &fault);

            assert_int_equal(status, twin == 0 ? STATUS_OK : STATUS_SYNTAX);
            if (twin > 0) {
                assert_ptr_equal(fault.row, &json_reasons[JSON_DUPLICATE]);
                assert_memory_equal(text + fault.offset, "\"\\u006bey-00000\"", 16);
            }
            arena_reset(&arena);
        }
    }
    arena_done(&arena);
}

/* "costarring" and "liquid", "declinate" and "macallums" share their 32-bit FNV-1a. */
static void test_names_that_share_a_hash(void **state)
{
    static const char good[] =
        "{\"costarring\":1,\"liquid\":2,\"declinate\":3,\"macallums\":4,\"a\":5,\"b\":6,\"c\":7,"
        "\"d\":8,\"e\":9,\"f\":10,\"g\":11,\"h\":12,\"i\":13}";
    static const char bad[] =
        "{\"liquid\":0,\"costarring\":1,\"declinate\":3,\"macallums\":4,\"a\":5,\"b\":6,\"c\":7,"
        "\"d\":8,\"e\":9,\"f\":10,\"g\":11,\"h\":12,\"i\":13,\"liquid\":14}";
    struct arena arena;
    struct jdoc doc;
    struct jfault fault;

    (void)state;
    arena_init(&arena, 4096, 1 << 20);
    assert_int_equal(jdoc_read(view_str(good), &wide, &arena, &doc, &fault), STATUS_OK);
    assert_int_equal(jdoc_read(view_str(bad), &wide, &arena, &doc, &fault), STATUS_SYNTAX);
    assert_string_equal(fault.text, "the member \"liquid\" stands twice in one object");
    arena_done(&arena);
}

/* 60,000 members took minutes if each were compared with each. */
static void test_many_members_take_no_square_time(void **state)
{
    enum { MEMBERS = 60000 };
    size_t size = MEMBERS * 16 + 2, len;
    char *text = malloc(size);
    struct arena arena;
    struct jdoc doc;
    struct jfault fault;
    int64_t start;

    (void)state;
    assert_non_null(text);
    arena_init(&arena, 4096, 1 << 24);
    len = write_object(text, size, MEMBERS, 0);
    start = clock_monotonic_us();
    assert_int_equal(jdoc_read(view_of(text, len), &wide, &arena, &doc, &fault), STATUS_OK);
    assert_true(clock_monotonic_us() - start < 5000000);
    assert_int_equal(doc.count, MEMBERS + 1);
    free(text);
    arena_done(&arena);
}

/* Commas in strings are no values: memory goes by the limit, not by the commas. */
static void test_index_is_bounded_by_the_member_limit(void **state)
{
    static char text[10000];
    struct jlimits limits = {.bytes = sizeof text, .depth = 4, .members = 10};
    struct arena arena;
    struct jdoc doc;
    struct jfault fault;

    (void)state;
    memset(text, ',', sizeof text);
    text[0] = '[';
    text[1] = text[sizeof text - 2] = '"';
    text[sizeof text - 1] = ']';
    arena_init(&arena, 64, 1024);
    assert_int_equal(jdoc_read(view_of(text, sizeof text), &limits, &arena, &doc, &fault),
                     STATUS_OK);
    assert_int_equal(doc.count, 2);
    arena_done(&arena);
}

static void test_out_of_memory(void **state)
{
    static char text[1 << 12];
    size_t len = write_object(text, sizeof text, 20, 0);
    struct arena arena;
    struct jdoc doc = {.count = 5};
    struct jfault fault;

    (void)state;
    arena_init(&arena, 16, 256);
    assert_int_equal(jdoc_read(view_of(text, len), &wide, &arena, &doc, &fault), STATUS_NOMEM);
    arena_done(&arena);
    /* Enough for the index, not for sorting the names. */
    arena_init(&arena, 16, 21 * sizeof(struct jvalue) + 100);
    assert_int_equal(jdoc_read(view_of(text, len), &wide, &arena, &doc, &fault), STATUS_NOMEM);
    assert_int_equal(doc.count, 5);
    arena_done(&arena);
}

static void test_reason_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < JREASON_COUNT; i++) {
        assert_memory_equal(json_reasons[i].code, "json.", 5);
        assert_int_equal(json_reasons[i].status, i == JSON_TOO_LARGE ? 413 : 400);
        assert_true(strlen(json_reasons[i].help) > 10);
    }
    assert_string_equal(json_reasons[JSON_TOO_MANY].code, "json.too_many_members");
    assert_string_equal(json_reasons[JSON_DUPLICATE].code, "json.duplicate_member");
    assert_string_equal(json_reasons[JSON_ENCODING].code, "json.invalid_utf8");
    assert_string_equal(json_reasons[JSON_NUMBER].code, "json.number_range");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_accepted),
        cmocka_unit_test(test_string_scan_at_every_place),
        cmocka_unit_test(test_line_and_column),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_greatest_depth),
        cmocka_unit_test(test_duplicates_in_objects_of_any_size),
        cmocka_unit_test(test_names_that_share_a_hash),
        cmocka_unit_test(test_many_members_take_no_square_time),
        cmocka_unit_test(test_index_is_bounded_by_the_member_limit),
        cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_reason_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
