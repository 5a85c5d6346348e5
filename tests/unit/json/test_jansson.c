/* SPDX-License-Identifier: Apache-2.0
 * The reader against jansson 2.14: over many mutated documents both accept or both refuse, and what
 * they accept says the same. */
#include <math.h>
#include <stdlib.h>

#include <jansson.h>

#include "json_support.h"

enum { CASES = 200000, DOCUMENT_MAX = 2048, STEPS_MAX = 6 };

static const char *const seeds[] = {
    "{}",
    "[]",
    " \t\r\n{ } \n",
    ("{\"name\":\"nb-1\",\"profile_id\":\"Multi-Engine 1.0 (python3)-cpu\",\"flavor\":"
     "\"modelarts.vm.cpu.2u\",\"spec\":{\"storage\":{\"type\":\"obs\",\"location\":{\"path\":"
     "\"/team-bucket/notebooks/nb-1/\"}},\"auto_stop\":{\"enable\":true,\"duration\":3600}}}"),
    "{\"a\":1,\"b\":[true,false,null],\"c\":{\"d\":\"e\"}}",
    "[0,-0,1,-1,9223372036854775807,-9223372036854775808,9223372036854775808]",
    "[0.0,-0.0,1.5,1e2,1E+2,1e-2,-1.25e10,0e400,1e308,1e309,1e-400]",
    "[1.7976931348623157e308,1.7976931348623158e308,1.7976931348623159e308]",
    "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\",\"\\u0041\\u00e9\\u20ac\\ud83d\\ude00\"]",
    "[\"\\u0000\",\"\\ud83d\",\"\\ude00\",\"\\ud83d\\u0041\"]",
    "[\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\",\"\x7F\"]",
    "{\"a\":1,\"\\u0061\":2}",
    "{\"\":0,\"\\u00e9\":1,\"\xC3\xA9\":2}",
    "[[[[[[[[[[]]]]]]]]]]",
    "[{},{},[],[{\"a\":[]}],\"\",0]",
    ("{\"k1\":1,\"k2\":2,\"k3\":3,\"k4\":4,\"k5\":5,\"k6\":6,\"k7\":7,\"k8\":8,\"k9\":9,\"k10\":10,"
     "\"k11\":11,\"k12\":12,\"k13\":13,\"k14\":14,\"\\u006b1\":15}"),
};

#define PIECE(literal)                  \
    {                                   \
        "" literal, sizeof(literal) - 1 \
    }

/* What mutations put in: the points where readers like to differ. */
static const struct view pieces[] = {
    PIECE("{"),
    PIECE("}"),
    PIECE("["),
    PIECE("]"),
    PIECE(","),
    PIECE(":"),
    PIECE("\""),
    PIECE("\\"),
    PIECE(" "),
    PIECE("\n"),
    PIECE("\t"),
    PIECE("\r"),
    PIECE("\v"),
    PIECE("\f"),
    PIECE("\0"),
    PIECE("\x01"),
    PIECE("\x1F"),
    PIECE("\x7F"),
    PIECE("\x80"),
    PIECE("\xC0\x80"),
    PIECE("\xC3\xA9"),
    PIECE("\xC3"),
    PIECE("\xED\xA0\x80"),
    PIECE("\xED\x9F\xBF"),
    PIECE("\xEF\xBB\xBF"),
    PIECE("\xEF\xBF\xBE"),
    PIECE("\xE0\x80\xAF"),
    PIECE("\xF0\x8F\xBF\xBF"),
    PIECE("\xF4\x8F\xBF\xBF"),
    PIECE("\xF4\x90\x80\x80"),
    PIECE("\xF8"),
    PIECE("\xFF"),
    PIECE("true"),
    PIECE("false"),
    PIECE("null"),
    PIECE("nul"),
    PIECE("True"),
    PIECE("NaN"),
    PIECE("Infinity"),
    PIECE("//"),
    PIECE("/**/"),
    PIECE("'"),
    PIECE("0"),
    PIECE("-"),
    PIECE("+"),
    PIECE("."),
    PIECE("e"),
    PIECE("E9"),
    PIECE("e308"),
    PIECE("e-999"),
    PIECE("e99999999999999999999"),
    PIECE("9223372036854775807"),
    PIECE("18446744073709551616"),
    PIECE("-9223372036854775808"),
    PIECE("\\u0000"),
    PIECE("\\u0061"),
    PIECE("\\u00"),
    PIECE("\\ud800"),
    PIECE("\\udc00"),
    PIECE("\\uDBFF\\uDFFF"),
    PIECE("\\uD7FF"),
    PIECE("\\uE000"),
    PIECE("\\x"),
    PIECE("\"a\":1"),
    PIECE("\"\":"),
    PIECE("\"a\""),
    PIECE("[]"),
    PIECE("{}"),
    PIECE(",,"),
    PIECE("1.7976931348623158079372897140530341507993413271003782693617377898044496829276475094664e"
          "308"),
};

struct text {
    char bytes[DOCUMENT_MAX + 256];
    size_t len;
};

/* Puts piece in place of `drop` bytes. */
static void replace_bytes(struct text *t, size_t at, size_t drop, struct view piece)
{
    if (t->len - drop + piece.len > DOCUMENT_MAX)
        return;
    memmove(t->bytes + at + piece.len, t->bytes + at + drop, t->len - at - drop);
    memcpy(t->bytes + at, piece.ptr, piece.len);
    t->len += piece.len - drop;
}

static void mutate(struct text *t, uint64_t *state)
{
    size_t at = random_below(state, t->len + 1), left = t->len - at;
    size_t drop = left == 0 ? 0 : random_below(state, left < 8 ? left + 1 : 8);
    char copy[64];
    struct view piece = pieces[random_below(state, ARRAY_LEN(pieces))];

    switch (random_below(state, 6)) {
    case 0:
        replace_bytes(t, at, drop, VIEW(""));
        break;
    case 1:
        replace_bytes(t, at, drop, piece);
        break;
    case 2:
        if (left > 0)
            t->bytes[at] = (char)(t->bytes[at] ^ (1 << random_below(state, 8)));
        break;
    case 3:
        if (left > 0) {
            size_t len = 1 + random_below(state, left < sizeof copy ? left : sizeof copy);

            memcpy(copy, t->bytes + at, len);
            replace_bytes(t, random_below(state, t->len + 1), 0, view_of(copy, len));
        }
        break;
    case 4:
        t->len = at;
        break;
    default:
        replace_bytes(t, at, 0, piece);
        break;
    }
}

static bool same_value(const struct jdoc *doc, jref v, json_t *value, struct arena *arena);

static bool same_array(const struct jdoc *doc, jref v, json_t *value, struct arena *arena)
{
    size_t i = 0;

    JDOC_EACH(doc, v, child)
    {
        if (!same_value(doc, child, json_array_get(value, i++), arena))
            return false;
    }
    return i == json_array_size(value) && i == doc->values[v].count;
}

static bool same_object(const struct jdoc *doc, jref v, json_t *value, struct arena *arena)
{
    void *iter = json_object_iter(value);

    JDOC_EACH(doc, v, child)
    {
        struct view key = jdoc_key(doc, child, arena);

        if (iter == NULL || !view_eq(key, view_str(json_object_iter_key(iter))) ||
            jdoc_member(doc, v, key) != child ||
            !same_value(doc, child, json_object_iter_value(iter), arena))
            return false;
        iter = json_object_iter_next(value, iter);
    }
    return iter == NULL && json_object_size(value) == doc->values[v].count;
}

static bool same_scalar(const struct jdoc *doc, jref v, const json_t *value, struct arena *arena)
{
    int64_t integer;

    switch (jdoc_kind(doc, v)) {
    case JKIND_NULL:
        return json_is_null(value);
    case JKIND_TRUE:
        return json_is_true(value);
    case JKIND_FALSE:
        return json_is_false(value);
    case JKIND_INTEGER:
        return json_is_integer(value) && jdoc_integer(doc, v, &integer) &&
               integer == json_integer_value(value);
    case JKIND_REAL: {
        double ours = strtod(arena_strdup(arena, jdoc_raw(doc, v)), NULL);
        double theirs = json_real_value(value);

        return json_is_real(value) && ours == theirs && signbit(ours) == signbit(theirs);
    }
    case JKIND_STRING:
        return json_is_string(value) &&
               view_eq(jdoc_text(doc, v, arena),
                       view_of(json_string_value(value), json_string_length(value)));
    case JKIND_ARRAY:
    case JKIND_OBJECT:
        break;
    }
    return false;
}

static bool same_value(const struct jdoc *doc, jref v, json_t *value, struct arena *arena)
{
    if (jdoc_kind(doc, v) == JKIND_ARRAY)
        return json_is_array(value) && same_array(doc, v, value, arena);
    if (jdoc_kind(doc, v) == JKIND_OBJECT)
        return json_is_object(value) && same_object(doc, v, value, arena);
    return same_scalar(doc, v, value, arena);
}

static void print_case(struct view text, const char *what)
{
    print_error("%s: \"", what);
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];

        if (c >= ' ' && c < 0x7F && c != '\\')
            print_error("%c", c);
        else
            print_error("\\x%02x", c);
    }
    print_error("\"\n");
}

/* Fails if the two readers differ; true if both accept. */
static bool check_case(struct view text, struct arena *arena)
{
    /* On the heap in its exact size, so that the sanitizer sees a read past the end. */
    char *exact = malloc(text.len == 0 ? 1 : text.len);
    json_t *theirs;
    struct jdoc doc;
    struct jfault fault = {.row = NULL};
    enum status status;
    bool accepted, same;

    assert_non_null(exact);
    memcpy(exact, text.ptr, text.len);
    theirs = json_loadb(exact, text.len, JSON_REJECT_DUPLICATES, NULL);
    status = jdoc_read(view_of(exact, text.len), &wide, arena, &doc, &fault);
    accepted = status == STATUS_OK;
    if (!accepted && theirs != NULL && fault.offset < text.len && exact[fault.offset] == '\0') {
        /* jansson loses a NUL that it has looked at to find the end of a number or a word. */
        json_decref(theirs);
        theirs = NULL;
    }
    if (accepted != (theirs != NULL)) {
        print_case(text, accepted ? "only we accept" : "only jansson accepts");
        fail();
    }
    if (accepted)
        same = same_value(&doc, 0, theirs, arena);
    else
        same = status == STATUS_SYNTAX && fault.row != NULL && fault.text[0] != '\0' &&
               fault.offset <= text.len && fault.line > 0 && fault.column > 0;
    if (!same) {
        print_case(text, accepted ? "read differently" : "no proper fault");
        fail();
    }
    json_decref(theirs);
    free(exact);
    arena_reset(arena);
    return accepted;
}

static void test_seeds(void **state)
{
    struct arena arena;

    (void)state;
    arena_init(&arena, 1 << 16, 1 << 24);
    for (size_t i = 0; i < ARRAY_LEN(seeds); i++)
        (void)check_case(view_str(seeds[i]), &arena);
    for (size_t i = 0; i < ARRAY_LEN(pieces); i++)
        (void)check_case(pieces[i], &arena);
    arena_done(&arena);
}

/* Every piece as an element, as a string and as a member's name. */
static void test_pieces_in_place(void **state)
{
    static const char *const frames[][2] = {
        {"[", "]"},  {"[\"", "\"]"}, {"{\"", "\":1}"}, {"{\"a\":", "}"},
        {"[1", "]"}, {"[-", "]"},    {"[1.", "]"},     {"[0", "]"},
        {"[]", ""},  {"", "[]"},     {"[\"\\", "\"]"}, {"{\"a\":1,", "}"},
    };
    struct arena arena;

    (void)state;
    arena_init(&arena, 1 << 16, 1 << 24);
    for (size_t i = 0; i < ARRAY_LEN(frames); i++) {
        for (size_t j = 0; j < ARRAY_LEN(pieces); j++) {
            struct text t = {.len = 0};

            replace_bytes(&t, 0, 0, view_str(frames[i][0]));
            replace_bytes(&t, t.len, 0, pieces[j]);
            replace_bytes(&t, t.len, 0, view_str(frames[i][1]));
            (void)check_case(view_of(t.bytes, t.len), &arena);
        }
    }
    arena_done(&arena);
}

/* All one- and two-byte contents of a string, and all three-byte ones that begin a sequence. */
static void test_string_bytes(void **state)
{
    struct arena arena;

    (void)state;
    arena_init(&arena, 1 << 16, 1 << 24);
    for (unsigned pair = 0; pair < 0x10000; pair++) {
        const char text[] = {'[', '"', (char)(pair >> 8), (char)pair, '"', ']'};

        (void)check_case(view_of(text, sizeof text), &arena);
    }
    for (unsigned pair = 0; pair < 0x10000; pair++) {
        const char text[] = {'[', '"', (char)(0xE0 | (pair >> 12)), (char)(pair >> 4), (char)0x80,
                             '"', ']'};

        (void)check_case(view_of(text, sizeof text), &arena);
    }
    arena_done(&arena);
}

static void test_mutations(void **state)
{
    uint64_t random = UINT64_C(0x9E3779B97F4A7C15);
    struct arena arena;
    size_t accepted = 0;

    (void)state;
    arena_init(&arena, 1 << 16, 1 << 24);
    for (size_t i = 0; i < CASES; i++) {
        struct view seed = view_str(seeds[random_below(&random, ARRAY_LEN(seeds))]);
        struct text t = {.len = seed.len};

        memcpy(t.bytes, seed.ptr, seed.len);
        for (size_t steps = random_below(&random, STEPS_MAX); steps > 0; steps--)
            mutate(&t, &random);
        accepted += check_case(view_of(t.bytes, t.len), &arena) ? 1 : 0;
    }
    /* The generator is only worth something if both answers come up often. */
    assert_true(accepted > CASES / 10 && accepted < CASES - CASES / 10);
    arena_done(&arena);
}

/* "[-", zeros, `count` digits of the largest double, ".5" or not, and an exponent that puts the
 * first digit near the 308th power of ten. */
static size_t write_real(uint64_t *random, char *text, size_t size)
{
    static const char largest[] =
        "17976931348623157081452742373170435679807056752584499659891747680315726078002853876058955";
    static const char zeros[] = "0.000000000000000000000000000000";
    bool below_one = random_below(random, 3) == 0;
    int digits = 1 + (int)random_below(random, sizeof largest - 1);
    int lead = below_one ? 2 + (int)random_below(random, sizeof zeros - 2) : 0;
    int exponent = (below_one ? 307 + lead : 309 - digits) + (int)random_below(random, 3) - 1;

    return (size_t)snprintf(text, size, "[%s%.*s%.*s%se%d]", random_below(random, 2) ? "-" : "",
                            lead, zeros, digits, largest,
                            !below_one && random_below(random, 2) ? ".5" : "", exponent);
}

static void test_reals(void **state)
{
    uint64_t random = 42;
    struct arena arena;
    size_t accepted = 0;

    (void)state;
    arena_init(&arena, 1 << 16, 1 << 24);
    for (size_t i = 0; i < 20000; i++) {
        char text[256];
        size_t len = write_real(&random, text, sizeof text), at = random_below(&random, len);

        if (text[at] >= '0' && text[at] <= '9' && text[1 + (text[1] == '-')] != '0')
            text[at] = (char)('1' + random_below(&random, 9));
        accepted += check_case(view_of(text, len), &arena) ? 1 : 0;
    }
    assert_true(accepted > 2000 && accepted < 18000);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seeds),        cmocka_unit_test(test_pieces_in_place),
        cmocka_unit_test(test_string_bytes), cmocka_unit_test(test_mutations),
        cmocka_unit_test(test_reals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
