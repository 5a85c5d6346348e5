/* SPDX-License-Identifier: Apache-2.0
 * Edits: a table of what comes out byte for byte, and random edits of random documents, after which
 * the result is read again and must hold exactly the edits. */
#include "json/splice.h"
#include "json/write.h"

#include "json_support.h"

struct step {
    enum jsplice_op op;
    jref at;
    const char *name, *text;
};

static const struct {
    const char *name, *before;
    struct step steps[4];
    size_t count;
    const char *after;
} rows[] = {
    {"nothing", " { \"a\" : 1 } \n", {{0}}, 0, " { \"a\" : 1 } \n"},
    {"replace",
     "{\"a\": 1 ,\"b\":2}",
     {{JSPLICE_REPLACE, 1, "", "[9]"}},
     1,
     "{\"a\": [9] ,\"b\":2}"},
    {"replace the root", " {\"a\":1} ", {{JSPLICE_REPLACE, 0, "", "[]"}}, 1, " [] "},
    {"replace with spaces", "[1,2]", {{JSPLICE_REPLACE, 2, "", " 3 "}}, 1, "[1, 3 ]"},
    {"append", "{\"a\":1}", {{JSPLICE_APPEND, 0, "b", "2"}}, 1, "{\"a\":1,\"b\":2}"},
    {"append behind white space",
     "{ \"a\" : 1 }",
     {{JSPLICE_APPEND, 0, "b", "2"}},
     1,
     "{ \"a\" : 1,\"b\":2 }"},
    {"append to nothing", "{}", {{JSPLICE_APPEND, 0, "b", "2"}}, 1, "{\"b\":2}"},
    {"append to white space", "{ \n }\n", {{JSPLICE_APPEND, 0, "b", "2"}}, 1, "{\"b\":2 \n }\n"},
    {"append twice",
     "{\"a\":1}",
     {{JSPLICE_APPEND, 0, "b", "2"}, {JSPLICE_APPEND, 0, "c", "3"}},
     2,
     "{\"a\":1,\"b\":2,\"c\":3}"},
    {"append twice to nothing",
     "{}",
     {{JSPLICE_APPEND, 0, "b", "2"}, {JSPLICE_APPEND, 0, "a", "3"}},
     2,
     "{\"b\":2,\"a\":3}"},
    {"replace the last and append",
     "{\"a\":1}",
     {{JSPLICE_APPEND, 0, "b", "2"}, {JSPLICE_REPLACE, 1, "", "\"x\""}},
     2,
     "{\"a\":\"x\",\"b\":2}"},
    {"inner and outer append",
     "{\"a\":{\"b\":{}}}",
     {{JSPLICE_APPEND, 0, "x", "1"}, {JSPLICE_APPEND, 2, "z", "3"}, {JSPLICE_APPEND, 1, "y", "2"}},
     3,
     "{\"a\":{\"b\":{\"z\":3},\"y\":2},\"x\":1}"},
    {"inner replace and outer append",
     "{\"a\":{\"b\":[]}}",
     {{JSPLICE_APPEND, 0, "x", "1"}, {JSPLICE_REPLACE, 2, "", "{}"}},
     2,
     "{\"a\":{\"b\":{}},\"x\":1}"},
    {"from the end to the start",
     "[1,2,3,4]",
     {{JSPLICE_REPLACE, 4, "", "d"}, {JSPLICE_REPLACE, 2, "", "b"}, {JSPLICE_REPLACE, 1, "", "a"}},
     3,
     "[a,b,3,d]"},
    {"siblings",
     "[{},{}]",
     {{JSPLICE_APPEND, 2, "b", "2"}, {JSPLICE_APPEND, 1, "a", "1"}, {JSPLICE_APPEND, 2, "c", "3"}},
     3,
     "[{\"a\":1},{\"b\":2,\"c\":3}]"},
    {"name to escape",
     "{}",
     {{JSPLICE_APPEND, 0, "q\"\\\n\xC3\xA9", "1"}},
     1,
     "{\"q\\\"\\\\\\n\xC3\xA9\":1}"},
    {"empty name", "{}", {{JSPLICE_APPEND, 0, "", "1"}}, 1, "{\"\":1}"},
    {"the text stays",
     "[1]",
     {{JSPLICE_REPLACE, 1, "", "[\n\t\"\xC3\xA9\" ]"}},
     1,
     "[[\n\t\"\xC3\xA9\" ]]"},
    {"all else stays",
     "{\"x\":1.10,\"y\":\"\\u0041\\/\", \"z\" :1e2,\"n\":null}\r\n",
     {{JSPLICE_REPLACE, 4, "", "0"}},
     1,
     "{\"x\":1.10,\"y\":\"\\u0041\\/\", \"z\" :1e2,\"n\":0}\r\n"},
};

static size_t to_edits(const struct step *steps, size_t count, struct jsplice *edits)
{
    for (size_t i = 0; i < count; i++)
        edits[i] = (struct jsplice){steps[i].op, steps[i].at, view_str(steps[i].name),
                                    view_str(steps[i].text)};
    return count;
}

static void test_table(void **state)
{
    struct arena arena;
    struct buf out;

    (void)state;
    arena_init(&arena, 4096, 1 << 20);
    buf_init(&out, 4096);
    buf_add_str(&out, "left over");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct jdoc doc = read_good(view_str(rows[i].before), &arena);
        struct jsplice edits[4];
        size_t count = to_edits(rows[i].steps, rows[i].count, edits);

        assert_row(jsplice_apply(&doc, edits, count, &out) == STATUS_OK, rows[i].name);
        if (!view_eq(buf_view(&out), view_str(rows[i].after)))
            print_error("got %.*s\n", VIEW_ARGS(buf_view(&out)));
        assert_row(view_eq(buf_view(&out), view_str(rows[i].after)), rows[i].name);
    }
    buf_done(&out);
    arena_done(&arena);
}

static const struct {
    const char *name, *before;
    struct step steps[2];
    size_t count;
} misuses[] = {
    {"append to an array", "[]", {{JSPLICE_APPEND, 0, "a", "1"}}, 1},
    {"append to a string", "[\"\"]", {{JSPLICE_APPEND, 1, "a", "1"}}, 1},
    {"beyond the index", "[1]", {{JSPLICE_REPLACE, 2, "", "1"}}, 1},
    {"no place", "[1]", {{JSPLICE_REPLACE, JREF_NONE, "", "1"}}, 1},
    {"twice the same", "[1]", {{JSPLICE_REPLACE, 1, "", "1"}, {JSPLICE_REPLACE, 1, "", "2"}}, 2},
    {"inside a replaced value",
     "[[1]]",
     {{JSPLICE_REPLACE, 1, "", "1"}, {JSPLICE_REPLACE, 2, "", "2"}},
     2},
    {"inside a replaced value, other order",
     "[[1]]",
     {{JSPLICE_REPLACE, 2, "", "1"}, {JSPLICE_REPLACE, 1, "", "2"}},
     2},
    {"append to a replaced object",
     "{\"a\":{}}",
     {{JSPLICE_APPEND, 1, "b", "1"}, {JSPLICE_REPLACE, 1, "", "2"}},
     2},
    {"append inside the replaced root",
     "{\"a\":{\"b\":1}}",
     {{JSPLICE_REPLACE, 0, "", "{}"}, {JSPLICE_APPEND, 1, "c", "2"}},
     2},
};

static void test_misuse(void **state)
{
    struct arena arena;
    struct buf out;

    (void)state;
    arena_init(&arena, 4096, 1 << 20);
    buf_init(&out, 4096);
    for (size_t i = 0; i < ARRAY_LEN(misuses); i++) {
        struct jdoc doc = read_good(view_str(misuses[i].before), &arena);
        struct jsplice edits[2];
        size_t count = to_edits(misuses[i].steps, misuses[i].count, edits);

        assert_row(jsplice_apply(&doc, edits, count, &out) == STATUS_INVALID, misuses[i].name);
    }
    buf_done(&out);
    arena_done(&arena);
}

static void test_limits(void **state)
{
    static struct jsplice edits[JSPLICE_MAX + 1];
    struct arena arena;
    struct buf out;
    struct jdoc doc;

    (void)state;
    arena_init(&arena, 4096, 1 << 20);
    buf_init(&out, 1 << 16);
    doc = read_good(VIEW("{\"a\":1}"), &arena);
    for (size_t i = 0; i <= JSPLICE_MAX; i++)
        edits[i] = (struct jsplice){JSPLICE_APPEND, 0, arena_printf(&arena, "k%zu", i), VIEW("0")};
    assert_int_equal(jsplice_apply(&doc, edits, JSPLICE_MAX, &out), STATUS_OK);
    assert_int_equal(read_good(buf_view(&out), &arena).count, JSPLICE_MAX + 2);
    assert_int_equal(jsplice_apply(&doc, edits, JSPLICE_MAX + 1, &out), STATUS_LIMIT);
    buf_done(&out);
    buf_init(&out, 13);
    assert_int_equal(jsplice_apply(&doc, edits, 1, &out), STATUS_LIMIT);
    buf_done(&out);
    buf_init(&out, 14);
    assert_int_equal(jsplice_apply(&doc, edits, 1, &out), STATUS_OK);
    assert_view(buf_view(&out), "{\"a\":1,\"k0\":0}");
    buf_done(&out);
    arena_done(&arena);
}

/* Random documents. */

static void put_space(struct buf *b, uint64_t *random)
{
    static const char *const spaces[] = {"", "", "", " ", "\n  ", "\t\r\n"};

    buf_add_str(b, spaces[random_below(random, ARRAY_LEN(spaces))]);
}

static void put_value(struct buf *b, uint64_t *random, unsigned depth)
{
    static const char *const scalars[] = {
        "0", "-1", "1.50", "1e2", "true", "false", "null", "\"\"", "\"}],{[\"", "\"\\\"\\u00e9\"",
    };
    size_t kind = depth == 0 ? 9 : random_below(random, 6), count = random_below(random, 4);

    if (kind > 1) {
        buf_add_str(b, scalars[random_below(random, ARRAY_LEN(scalars))]);
        return;
    }
    buf_add_byte(b, kind == 0 ? '{' : '[');
    put_space(b, random);
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_add_byte(b, ',');
        put_space(b, random);
        if (kind == 0)
            buf_printf(b, "\"m%zu\":", i);
        put_space(b, random);
        put_value(b, random, depth - 1);
        put_space(b, random);
    }
    buf_add_byte(b, kind == 0 ? '}' : ']');
}

/* Is v, or something above it, replaced? */
static bool is_covered(const struct jdoc *doc, jref v, const struct jsplice *edits, size_t count)
{
    for (; v != JREF_NONE; v = doc->values[v].parent) {
        for (size_t i = 0; i < count; i++) {
            if (edits[i].op == JSPLICE_REPLACE && edits[i].at == v)
                return true;
        }
    }
    return false;
}

static size_t random_edits(const struct jdoc *doc, uint64_t *random, struct arena *arena,
                           struct jsplice *edits, size_t want)
{
    static const char *const texts[] = {"7", "\"new\"", "[1,{\"i\":2}]", "{}", "null"};
    size_t count = 0;

    for (size_t tries = 0; tries < 20 && count < want; tries++) {
        struct jsplice edit = {JSPLICE_REPLACE, (jref)random_below(random, doc->count), VIEW(""),
                               view_str(texts[random_below(random, ARRAY_LEN(texts))])};
        bool holds_edits = false;

        if (jdoc_kind(doc, edit.at) == JKIND_OBJECT && random_below(random, 2) == 0) {
            edit.op = JSPLICE_APPEND;
            edit.name = arena_printf(arena, "new-%zu", count);
        }
        if (edit.at == 0 && edit.op == JSPLICE_REPLACE)
            edit.text = VIEW("[\"root\"]"); /* a scalar can't stand on top */
        for (size_t i = 0; i < count && edit.op == JSPLICE_REPLACE; i++)
            holds_edits |= edits[i].at >= edit.at && edits[i].at < doc->values[edit.at].next;
        if (!holds_edits && !is_covered(doc, edit.at, edits, count))
            edits[count++] = edit;
    }
    return count;
}

/* A plain second implementation: the document is rewritten value by value. What stood between the
 * values is left out, so that the comparison is about the meaning. */
static void rewrite(const struct jdoc *doc, jref v, const struct jsplice *edits, size_t count,
                    struct jwriter *w)
{
    bool object = jdoc_kind(doc, v) == JKIND_OBJECT;

    for (size_t i = 0; i < count; i++) {
        if (edits[i].op == JSPLICE_REPLACE && edits[i].at == v) {
            jwriter_raw(w, edits[i].text);
            return;
        }
    }
    if (!object && jdoc_kind(doc, v) != JKIND_ARRAY) {
        jwriter_raw(w, jdoc_raw(doc, v));
        return;
    }
    if (object)
        jwriter_open_object(w);
    else
        jwriter_open_array(w);
    JDOC_EACH(doc, v, child)
    {
        struct arena scratch;

        arena_init(&scratch, 64, 1 << 16);
        if (object)
            jwriter_key_view(w, jdoc_key(doc, child, &scratch));
        rewrite(doc, child, edits, count, w);
        arena_done(&scratch);
    }
    for (size_t i = 0; i < count; i++) {
        if (edits[i].op == JSPLICE_APPEND && edits[i].at == v) {
            jwriter_key_view(w, edits[i].name);
            jwriter_raw(w, edits[i].text);
        }
    }
    if (object)
        jwriter_close_object(w);
    else
        jwriter_close_array(w);
}

/* `text` without white space and with names spelled one way. */
static void put_canonical(struct view text, struct arena *arena, struct buf *out)
{
    struct jdoc doc = read_good(text, arena);
    struct jwriter w;

    buf_clear(out);
    jwriter_init(&w, out);
    rewrite(&doc, 0, NULL, 0, &w);
}

/* One random document, edited both ways; gives the number of edits. */
static size_t check_random_edits(uint64_t *random, struct arena *arena, struct buf b[4])
{
    struct buf *before = &b[0], *after = &b[1], *spliced = &b[2], *expected = &b[3];
    struct jsplice edits[8];
    struct jwriter w;
    struct jdoc doc;
    size_t count;

    buf_clear(before);
    put_space(before, random);
    buf_add_byte(before, '[');
    put_value(before, random, 5);
    buf_add_byte(before, ']');
    put_space(before, random);
    doc = read_good(buf_view(before), arena);
    count = random_edits(&doc, random, arena, edits, random_below(random, 9));
    assert_int_equal(jsplice_apply(&doc, edits, count, after), STATUS_OK);
    put_canonical(buf_view(after), arena, spliced);
    buf_clear(after);
    jwriter_init(&w, after);
    rewrite(&doc, 0, edits, count, &w);
    put_canonical(buf_view(after), arena, expected);
    assert_view_eq(buf_view(spliced), buf_view(expected));
    return count;
}

static void test_random_edits(void **state)
{
    uint64_t random = 2024;
    struct arena arena;
    struct buf bufs[4];
    size_t edits_done = 0;

    (void)state;
    arena_init(&arena, 1 << 14, 1 << 22);
    for (size_t i = 0; i < ARRAY_LEN(bufs); i++)
        buf_init(&bufs[i], 1 << 16);
    for (size_t i = 0; i < 5000; i++) {
        edits_done += check_random_edits(&random, &arena, bufs);
        arena_reset(&arena);
    }
    assert_true(edits_done > 5000);
    for (size_t i = 0; i < ARRAY_LEN(bufs); i++)
        buf_done(&bufs[i]);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_misuse),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_random_edits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
