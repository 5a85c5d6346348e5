/* SPDX-License-Identifier: Apache-2.0
 * Lines in the formats of others, byte for byte, and what can't be one. */
#include "support/test.h"

#include "formats/format.h"

enum { OUT_MAX = 1 << 20, ARENA_MAX = 8 << 20 };

static const struct {
    const char *name, *line, *cadf, *cloudevents;
} rows[] = {
#define ROW(...) {__VA_ARGS__},
#include "format_rows.def"
#undef ROW
};

static const enum format formats[] = {FORMAT_POSTERN, FORMAT_CADF, FORMAT_CLOUDEVENTS};

/* The text with its quotes; in the arena. */
static struct view quoted(const char *text, struct arena *arena)
{
    char *out = arena_strdup(arena, view_str(text));

    assert_non_null(out);
    for (char *at = out; *at != '\0'; at++) {
        if (*at == '\'')
            *at = '"';
    }
    return view_str(out);
}

static void check_row(const char *name, enum format format, struct view line, struct view want)
{
    struct arena arena;
    struct buf out;

    arena_init(&arena, 1024, ARENA_MAX);
    buf_init(&out, OUT_MAX);
    buf_add_str(&out, "before ");
    assert_row(format_line(format, VIEW("gw"), line, &arena, &out) == STATUS_OK, name);
    if (!view_eq(view_from(buf_view(&out), 7), want))
        fail_msg("row \"%s\"\ngot  %.*s\nwant %.*s", name, VIEW_ARGS(view_from(buf_view(&out), 7)),
                 VIEW_ARGS(want));
    buf_done(&out);
    arena_done(&arena);
}

static void test_cadf(void **state)
{
    struct arena arena;

    (void)state;
    arena_init(&arena, 4096, ARENA_MAX);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        check_row(rows[i].name, FORMAT_CADF, quoted(rows[i].line, &arena),
                  quoted(rows[i].cadf, &arena));
    arena_done(&arena);
}

/* `data` is the line as it goes in our own format. */
static void test_cloudevents(void **state)
{
    struct arena arena;
    struct buf own;

    (void)state;
    arena_init(&arena, 4096, ARENA_MAX);
    buf_init(&own, OUT_MAX);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct view line = quoted(rows[i].line, &arena), head = quoted(rows[i].cloudevents, &arena);

        buf_clear(&own);
        assert_int_equal(format_line(FORMAT_POSTERN, VIEW("gw"), line, &arena, &own), STATUS_OK);
        check_row(rows[i].name, FORMAT_CLOUDEVENTS, line,
                  arena_printf(&arena, "%.*s,\"data\":%.*s}", VIEW_ARGS(head),
                               VIEW_ARGS(buf_view(&own))));
    }
    buf_done(&own);
    arena_done(&arena);
}

static void test_own_format(void **state)
{
    static const struct {
        const char *line, *want; /* NULL: the line itself */
    } table[] = {
        {"{'v':1,'seq':7,'event':'start','x':1.50, 'open':[1]}", NULL},
        {"{'v':1,'seq':7,'event':'checkpoint'}", NULL},
        {"{'v':1,'seq':7,'event':'checkpoint','open':[{'id':'a','open':2}]}",
         "{'v':1,'seq':7,'event':'checkpoint'}"},
        {"{'v':1,'seq':7,'event':'checkpoint' , 'open' : [ ] ,'z':{'open':1}}",
         "{'v':1,'seq':7,'event':'checkpoint' ,'z':{'open':1}}"},
        {"{'open':[],'v':1,'seq':7,'event':'checkpoint'}", "{'v':1,'seq':7,'event':'checkpoint'}"},
        {"{'v':1,'seq':7,'event':'checkpoint','op\\u0065n':3}",
         "{'v':1,'seq':7,'event':'checkpoint'}"},
    };
    struct arena arena;

    (void)state;
    arena_init(&arena, 4096, ARENA_MAX);
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        const char *want = table[i].want == NULL ? table[i].line : table[i].want;

        check_row(table[i].line, FORMAT_POSTERN, quoted(table[i].line, &arena),
                  quoted(want, &arena));
    }
    arena_done(&arena);
}

/* A new operation needs a row in cadf_actions.def. */
static void test_every_operation_has_an_action(void **state)
{
    static const char *const names[] = {
#define OPERATION(id, name, class, family, method, path) name,
#include "modelarts/operations.def"
#undef OPERATION
    };
    struct arena arena;
    struct buf out;

    (void)state;
    arena_init(&arena, 4096, ARENA_MAX);
    buf_init(&out, OUT_MAX);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct view line = arena_printf(&arena,
                                        "{\"v\":1,\"seq\":1,\"time\":\"2026-01-01T00:00:00Z\","
                                        "\"event\":\"intent\",\"operation\":\"%s\"}",
                                        names[i]);
        const bool other = strcmp(names[i], "other") == 0;

        buf_clear(&out);
        assert_int_equal(format_line(FORMAT_CADF, VIEW("gw"), line, &arena, &out), STATUS_OK);
        buf_add_byte(&out, '\0');
        assert_row((strstr(out.ptr, "\"action\":\"unknown\"") != NULL) == other, names[i]);
    }
    buf_done(&out);
    arena_done(&arena);
}

/* Texts that CloudEvents doesn't take as an attribute; sources and events that aren't words. */
static void test_strange_words(void **state)
{
    static const struct {
        const char *members, *want;
    } table[] = {
        {"'event':'a b','instance':{'id':'x\\u0007'},'project':'p'",
         "'type':'io.postern.journal.other','subject':'p','sequence'"},
        {"'event':'','instance':{'id':''}", "'type':'io.postern.journal.other','sequence'"},
        {"'event':'seal','instance':{'id':'\\u0085'}", "'type':'io.postern.journal.seal','seq"},
        {"'event':'seal','instance':{'id':'\\ufdd0'}", "'type':'io.postern.journal.seal','seq"},
        {"'event':'seal','instance':{'id':'\\uffff'}", "'type':'io.postern.journal.seal','seq"},
        {"'event':'seal','instance':{'id':'\\ud83f\\udffe'}", "journal.seal','seq"},
        {"'event':'seal','instance':{'id':'\\u00a0\\ufdf0'}", "'subject':'\xc2\xa0\xef\xb7\xb0'"},
        {"'event':'seal'", "'source':'/postern/g%C3%A4%20w%2Fx~.-_'"},
    };
    struct arena arena;
    struct buf out;

    (void)state;
    arena_init(&arena, 4096, ARENA_MAX);
    buf_init(&out, OUT_MAX);
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct view line = arena_printf(&arena, "{'v':1,'seq':1,%s}", table[i].members);
        struct view want = quoted(table[i].want, &arena);

        buf_clear(&out);
        assert_int_equal(format_line(FORMAT_CLOUDEVENTS, VIEW("g\xc3\xa4 w/x~.-_"),
                                     quoted(line.ptr, &arena), &arena, &out),
                         STATUS_OK);
        assert_row(memmem(out.ptr, out.len, want.ptr, want.len) != NULL, table[i].members);
    }
    buf_done(&out);
    arena_done(&arena);
}

static void check_refused(const char *name, enum format format, struct view line, size_t out_max,
                          size_t arena_max, enum status want)
{
    struct arena arena;
    struct buf out;

    arena_init(&arena, 64, arena_max);
    buf_init(&out, out_max);
    buf_add_str(&out, "before");
    assert_row(format_line(format, VIEW("gw"), line, &arena, &out) == want, name);
    assert_row(out.len == 6, name);
    buf_done(&out);
    arena_done(&arena);
}

static void test_what_is_no_line(void **state)
{
    static const char *const lines[] = {
        "",
        "[]",
        "{}",
        "half",
        "{'v':2,'seq':1,'event':'x','time':'2026-01-01T00:00:00Z'}",
        "{'v':1,'seq':0,'event':'x','time':'2026-01-01T00:00:00Z'}",
        "{'v':1,'seq':1,'time':'2026-01-01T00:00:00Z'}",
        "{'v':1,'seq':1,'event':'x','event':'y','time':'2026-01-01T00:00:00Z'}",
        "{'v':1,'seq':1,\n'event':'x','time':'2026-01-01T00:00:00Z'}",
        "{'v':1,'seq':1,'event':'x','time':'2026-01-01T00:00:00Z'}\n",
    };
    struct arena arena;

    (void)state;
    arena_init(&arena, 4096, ARENA_MAX);
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        for (size_t k = 0; k < ARRAY_LEN(formats); k++)
            check_refused(lines[i], formats[k], quoted(lines[i], &arena), OUT_MAX, ARENA_MAX,
                          STATUS_SYNTAX);
    }
    check_refused("no time", FORMAT_CADF, VIEW("{\"v\":1,\"seq\":1,\"event\":\"x\"}"), OUT_MAX,
                  ARENA_MAX, STATUS_SYNTAX);
    arena_done(&arena);
}

/* Whatever the limits are, a line comes out whole or not at all. */
static void test_limits(void **state)
{
    struct arena arena;
    struct view line;

    (void)state;
    arena_init(&arena, 4096, ARENA_MAX);
    line = quoted(rows[3].line, &arena);
    for (size_t k = 0; k < ARRAY_LEN(formats); k++) {
        for (size_t max = 16; max < line.len; max += 50)
            check_refused("limit", formats[k], line, max, ARENA_MAX, STATUS_LIMIT);
        check_refused("memory", formats[k], line, OUT_MAX, 128, STATUS_NOMEM);
    }
    arena_done(&arena);
}

static void test_names(void **state)
{
    enum format format;

    (void)state;
    assert_true(format_find(VIEW("cloudevents"), &format) && format == FORMAT_CLOUDEVENTS);
    assert_true(format_find(VIEW("cadf"), &format) && format == FORMAT_CADF);
    assert_true(format_find(VIEW("postern"), &format) && format == FORMAT_POSTERN);
    assert_false(format_find(VIEW("CADF"), &format));
    assert_false(format_find(VIEW(""), &format));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cadf),          cmocka_unit_test(test_cloudevents),
        cmocka_unit_test(test_own_format),    cmocka_unit_test(test_every_operation_has_an_action),
        cmocka_unit_test(test_strange_words), cmocka_unit_test(test_what_is_no_line),
        cmocka_unit_test(test_limits),        cmocka_unit_test(test_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
