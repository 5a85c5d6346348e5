/* SPDX-License-Identifier: Apache-2.0
 * Regular expressions: meaning, every refusal with its position, the limits, and agreement with the
 * C library's own matcher on random patterns. */
#include "support/test.h"

#include <regex.h>

#include "policy/ere.h"

static struct arena arena;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 4096, (size_t)64 << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

static const struct ere *compile(const char *pattern)
{
    const struct ere *ere = NULL;
    struct ere_fault fault = {0, ""};
    enum status status = ere_compile(view_str(pattern), &arena, &arena, &fault, &ere);

    if (status != STATUS_OK)
        print_error("%s: %zu: %s\n", pattern, fault.position, fault.text);
    assert_int_equal(status, STATUS_OK);
    return ere;
}

static const struct {
    const char *pattern, *value;
    bool match;
} whole_rows[] = {
    {"a", "a", true},
    {"a", "ba", false},
    {"a", "ab", false},
    {"a", "", false},
    {"team-a-[a-z0-9-]+", "team-a-x9-", true},
    {"team-a-[a-z0-9-]+", "team-a-", false},
    {"team-a-[a-z0-9-]+", "team-a-X", false},
    {"a|b", "a", true},
    {"a|b", "b", true},
    {"a|b", "ab", false},
    {"ab|cd|ef", "cd", true},
    {"ab|cd|ef", "ef", true},
    {"ab|cd|ef", "abef", false},
    {"x(a|bc)y", "xbcy", true},
    {"x(a|bc)y", "xy", false},
    {"a*", "", true},
    {"a*", "aaa", true},
    {"a*b", "aaab", true},
    {"(ab)*", "abab", true},
    {"(ab)*", "aba", false},
    {"(a*)*", "aaa", true},
    {"(a*)+b", "b", true},
    {"(a|b*)*c", "abbac", true},
    {"a?", "aa", false},
    {"a{3}", "aaa", true},
    {"a{3}", "aa", false},
    {"a{2,}", "aaaa", true},
    {"a{2,}", "a", false},
    {"a{2,3}", "aaa", true},
    {"a{2,3}", "aaaa", false},
    {"a{0}", "", true},
    {"a{0}", "a", false},
    {"a{0,}", "aa", true},
    {"(ab){1,2}c", "ababc", true},
    {"(a|b){2}", "ba", true},
    {"a{255}", "a", false},
    {".", "x", true},
    {".", "", false},
    {"..", "\xC3\xA4", true}, /* bytes */
    {"\xC3\xA4", "\xC3\xA4", true},
    {"\\.", ".", true},
    {"\\.", "x", false},
    {"a\\*b", "a*b", true},
    {"\\\\", "\\", true},
    {"[]a]", "]", true},
    {"[^]a]", "b", true},
    {"[^]a]", "]", false},
    {"[a-]", "-", true},
    {"[-a]", "-", true},
    {"[^-a]", "-", false},
    {"[--/]", ".", true},
    {"[[:alpha:]_]+", "aZ_", true},
    {"[[:alpha:]_]+", "a1", false},
    {"[[:digit:][:upper:]]", "Q", true},
    {"[^[:space:]]", " ", false},
    {"[[:xdigit:]]+", "fF09", true},
    {"[[:punct:]]", "~", true},
    {"[[:cntrl:]]", "\x7f", true},
    {"[[:blank:]]", "\t", true},
    {"[.*]", "*", true},
    {"^a$", "a", true},
    {"(^a|b$)", "b", true},
    {"a^b", "a^b", false},
    {"a}", "a}", true},
    {"a]", "a]", true},
    {"^$", "", true},
    {"^$", "a", false},
    {"x$y", "xy", false},
};

static void matches_whole_values(void **state)
{

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(whole_rows); i++) {
        bool hit = ere_matches(compile(whole_rows[i].pattern), view_str(whole_rows[i].value));

        if (hit != whole_rows[i].match)
            print_error("value \"%s\"\n", whole_rows[i].value);
        assert_row(hit == whole_rows[i].match, whole_rows[i].pattern);
    }
}

static void refuses_what_posix_leaves_open(void **state)
{
    static const struct {
        const char *pattern;
        size_t position;
        const char *text;
    } rows[] = {
        {"", 1, "an empty alternative or group"},
        {"a|", 3, "an empty alternative or group"},
        {"|a", 1, "an empty alternative or group"},
        {"a||b", 3, "an empty alternative or group"},
        {"()", 2, "an empty alternative or group"},
        {"(a", 1, "a group is not closed"},
        {"a)", 2, "this ')' closes nothing"},
        {"*a", 1, "there is nothing to repeat in front of this"},
        {"a|+", 3, "there is nothing to repeat in front of this"},
        {"({2})", 2, "there is nothing to repeat in front of this"},
        {"^*", 2, "an anchor cannot be repeated"},
        {"a**", 3, "two repeats in a row; put the first into a group"},
        {"a+?", 3, "two repeats in a row; put the first into a group"},
        {"a{2}{3}", 5, "two repeats in a row; put the first into a group"},
        {"a{", 2, "a repeat must be written {m}, {m,} or {m,n}"},
        {"a{x}", 2, "a repeat must be written {m}, {m,} or {m,n}"},
        {"a{,3}", 2, "a repeat must be written {m}, {m,} or {m,n}"},
        {"a{1", 2, "a repeat must be written {m}, {m,} or {m,n}"},
        {"a{3,2}", 2, "a repeat's end lies before its begin"},
        {"a{256}", 3, "a repeat may be at most 255"},
        {"a{1,99999999999999999999}", 5, "a repeat may be at most 255"},
        {"(a{255}){255}", 13, "the pattern is too large with its repeats"},
        {"(a)\\1", 4, "back-references are not allowed"},
        {"a\\", 2, "a backslash is the last character"},
        {"\\d+", 1, "this escape is not part of POSIX; classes are written like [[:digit:]]"},
        {"x[a", 2, "a bracket is not closed"},
        {"[]", 1, "a bracket is not closed"},
        {"[", 1, "a bracket is not closed"},
        {"[a-", 4, "a bracket is not closed"},
        {"[z-a]", 2, "this range runs backwards"},
        {"[a-c-e]", 5, "'-' in brackets stands for itself only as the first or last"},
        {"[a--/]", 2, "this range runs backwards"},
        {"[a\\-z]", 3, "a backslash in brackets is no escape in POSIX; leave it out"},
        {"[\xC3\xA4]", 2, "brackets can hold only ASCII"},
        {"[[:alpha]", 4, "a class like [:alpha:] is not closed"},
        {"[[:alfa:]]", 4,
         "this class is not known; known are alpha digit alnum upper lower xdigit blank space "
         "punct graph print cntrl"},
        {"[[:digit:]-z]", 11, "a class is no begin of a range"},
        {"[a-[:digit:]]", 4, "[. and [= are not supported, and a class is no end of a range"},
        {"[[.a.]]", 2, "[. and [= are not supported, and a class is no end of a range"},
        {"[[=a=]]", 2, "[. and [= are not supported, and a class is no end of a range"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct ere *ere = NULL;
        struct ere_fault fault = {0, ""};

        assert_row(ere_compile(view_str(rows[i].pattern), &arena, &arena, &fault, &ere) ==
                       STATUS_SYNTAX,
                   rows[i].pattern);
        if (fault.position != rows[i].position || strcmp(fault.text, rows[i].text) != 0)
            print_error("got %zu: %s\n", fault.position, fault.text);
        assert_row(fault.position == rows[i].position, rows[i].pattern);
        assert_row(strcmp(fault.text, rows[i].text) == 0, rows[i].pattern);
        assert_row(ere == NULL, rows[i].pattern);
    }
}

static void limits_hold_at_their_edge(void **state)
{
    char pattern[ERE_PATTERN_MAX + 2];
    struct ere_fault fault;
    const struct ere *ere = NULL;

    (void)state;
    memset(pattern, 'a', sizeof pattern);
    assert_int_equal(ere_compile(view_of(pattern, ERE_PATTERN_MAX), &arena, &arena, &fault, &ere),
                     STATUS_OK);
    assert_true(ere_matches(ere, view_of(pattern, ERE_PATTERN_MAX)));
    assert_int_equal(
        ere_compile(view_of(pattern, ERE_PATTERN_MAX + 1), &arena, &arena, &fault, &ere),
        STATUS_SYNTAX);
    for (size_t i = 0; i < ERE_DEPTH_MAX + 1; i++) {
        pattern[i] = '(';
        pattern[ERE_DEPTH_MAX + 2 + i] = ')';
    }
    pattern[ERE_DEPTH_MAX + 1] = 'a';
    assert_int_equal(
        ere_compile(view_of(pattern + 1, 2 * ERE_DEPTH_MAX + 1), &arena, &arena, &fault, &ere),
        STATUS_OK);
    assert_int_equal(
        ere_compile(view_of(pattern, 2 * ERE_DEPTH_MAX + 3), &arena, &arena, &fault, &ere),
        STATUS_SYNTAX);
    assert_string_equal(fault.text, "groups are nested too deep");
    assert_int_equal(fault.position, ERE_DEPTH_MAX + 1);
    /* 16 * 255 + 16 = 4096 steps */
    assert_int_equal(
        ere_compile(VIEW("(aaaaaaaaaaaaaaaa){255}bbbbbbbbbbbbbbbb"), &arena, &arena, &fault, &ere),
        STATUS_OK);
    assert_int_equal(
        ere_compile(VIEW("(aaaaaaaaaaaaaaaa){255}bbbbbbbbbbbbbbbbb"), &arena, &arena, &fault, &ere),
        STATUS_SYNTAX);
}

/* What kills a backtracking matcher takes one step a byte and active place here. */
static void hostile_patterns_stay_linear(void **state)
{
    static const char *const patterns[] = {"(a|a)*b",  "(a*)*b",          "((a*)*)*b",
                                           "(a|aa)+b", "(.*.*.*.*.*.*)b", "(a{0,40}){0,40}b"};
    char value[1024];

    (void)state;
    memset(value, 'a', sizeof value);
    for (size_t i = 0; i < ARRAY_LEN(patterns); i++) {
        const struct ere *ere = compile(patterns[i]);

        value[sizeof value - 1] = 'a';
        assert_row(!ere_matches(ere, view_of(value, sizeof value)), patterns[i]);
        value[sizeof value - 1] = 'b';
        assert_row(ere_matches(ere, view_of(value, sizeof value)), patterns[i]);
    }
}

static unsigned next(unsigned *seed)
{
    *seed = *seed * 1664525U + 1013904223U;
    return *seed >> 16;
}

/* A random pattern that both matchers read alike; depth bounds it. */
static size_t random_pattern(unsigned *seed, char *out, unsigned depth)
{
    static const char *const atoms[] = {"a", "b", ".", "[ab]", "[^a]", "c"};
    static const char *const repeats[] = {"", "", "*", "+", "?", "{2}", "{0,2}", "{1,}"};
    size_t len = 0;
    unsigned parts = 1 + next(seed) % 3;

    for (unsigned i = 0; i < parts; i++) {
        if (i > 0 && next(seed) % 3 == 0)
            out[len++] = '|';
        if (depth > 0 && next(seed) % 2 == 0) {
            out[len++] = '(';
            len += random_pattern(seed, out + len, depth - 1);
            out[len++] = ')';
        } else {
            len += (size_t)snprintf(out + len, 8, "%s", atoms[next(seed) % ARRAY_LEN(atoms)]);
        }
        len += (size_t)snprintf(out + len, 8, "%s", repeats[next(seed) % ARRAY_LEN(repeats)]);
    }
    out[len] = '\0';
    return len;
}

static void agrees_with_the_c_library(void **state)
{
    unsigned seed = 3;

    (void)state;
    for (unsigned round = 0; round < 600; round++) {
        char pattern[512], anchored[520], value[8];
        regex_t regex;
        const struct ere *ere;

        (void)random_pattern(&seed, pattern, 2);
        (void)snprintf(anchored, sizeof anchored, "^(%s)$", pattern);
        assert_int_equal(regcomp(&regex, anchored, REG_EXTENDED | REG_NOSUB), 0);
        ere = compile(pattern);
        for (unsigned k = 0; k < 20; k++) {
            size_t len = next(&seed) % 7;
            bool want;

            for (size_t i = 0; i < len; i++)
                value[i] = (char)('a' + next(&seed) % 3);
            value[len] = '\0';
            want = regexec(&regex, value, 0, NULL, 0) == 0;
            if (ere_matches(ere, view_of(value, len)) != want)
                print_error("%s with \"%s\"\n", pattern, value);
            assert_int_equal(ere_matches(ere, view_of(value, len)), want);
        }
        regfree(&regex);
        arena_reset(&arena);
    }
}

/* Any bytes: an answer or a fault inside the pattern, never a crash. */
static void random_bytes_are_read_or_refused(void **state)
{
    static const char letters[] = "ab(|)*+?{},12[]^-$.\\:[:alpha:]\xC3";
    unsigned seed = 11;

    (void)state;
    for (unsigned round = 0; round < 20000; round++) {
        char pattern[16];
        size_t len = next(&seed) % sizeof pattern;
        const struct ere *ere = NULL;
        struct ere_fault fault = {0, NULL};
        enum status status;

        for (size_t i = 0; i < len; i++)
            pattern[i] = letters[next(&seed) % (sizeof letters - 1)];
        status = ere_compile(view_of(pattern, len), &arena, &arena, &fault, &ere);
        if (status == STATUS_OK) {
            (void)ere_matches(ere, VIEW("ab1-"));
        } else {
            assert_int_equal(status, STATUS_SYNTAX);
            assert_true(fault.position >= 1 && fault.position <= len + 1);
            assert_non_null(fault.text);
        }
        arena_reset(&arena);
    }
}

static void memory_that_runs_out_is_said(void **state)
{
    enum status status = STATUS_NOMEM;

    (void)state;
    for (size_t max = 64; status != STATUS_OK; max += 8192) {
        const struct ere *ere = NULL;
        struct ere_fault fault = {0, NULL};
        struct arena small;

        arena_init(&small, 64, max);
        status = ere_compile(VIEW("([ab]{3}|c)*[[:digit:]]"), &small, &small, &fault, &ere);
        assert_true(status == STATUS_OK || status == STATUS_NOMEM);
        arena_done(&small);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(matches_whole_values, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_what_posix_leaves_open, set_up, tear_down),
        cmocka_unit_test_setup_teardown(limits_hold_at_their_edge, set_up, tear_down),
        cmocka_unit_test_setup_teardown(hostile_patterns_stay_linear, set_up, tear_down),
        cmocka_unit_test_setup_teardown(agrees_with_the_c_library, set_up, tear_down),
        cmocka_unit_test_setup_teardown(random_bytes_are_read_or_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(memory_that_runs_out_is_said, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
