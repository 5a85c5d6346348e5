/* SPDX-License-Identifier: Apache-2.0
 * Sets of globs: compared with a plain matcher on many random sets, at their edges, and in cost. */
#include "support/test.h"

#include "policy/globset.h"

enum { VALUES_MAX = 24, MANY = 10000 };

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

static bool matches(const struct globset *set, struct view value)
{
    bool hit = false;

    assert_int_equal(globset_match(set, value, &arena, &hit), STATUS_OK);
    return hit;
}

static bool below(const struct globset *set, struct view path)
{
    bool hit = false;

    assert_int_equal(globset_match_below(set, path, &arena, &hit), STATUS_OK);
    return hit;
}

static const struct globset *set_of(const struct view *values, size_t count)
{
    const struct globset *set = NULL;

    assert_int_equal(globset_build(values, count, &arena, &set), STATUS_OK);
    return set;
}

static void matches_whole_values(void **state)
{
    static const struct {
        const char *pattern, *value;
        bool match;
    } rows[] = {
        {"a", "a", true},
        {"a", "", false},
        {"a", "aa", false},
        {"a", "A", false},
        {"*", "", true},
        {"*", "a/b\n", true},
        {"**", "", true},
        {"a*", "a", true},
        {"a*", "ab/c", true},
        {"a*", "ba", false},
        {"*a", "a", true},
        {"*a", "bba", true},
        {"*a", "ab", false},
        {"a*b", "ab", true},
        {"a*b", "aXbYb", true},
        {"a*b", "aXbY", false},
        {"*.gpu.*", "modelarts.vm.gpu.v100", true},
        {"*.gpu.*", "modelarts.vm.cpu.2u", false},
        {"a*b*c", "a-b-b-c", true},
        {"a*b*c", "acb", false},
        {"modelarts.vm.cpu.*", "modelarts.vm.cpu.", true},
        {"modelarts.vm.cpu.*", "modelarts.vm.cpu", false},
        {"a?c", "abc", false},
        {"a?c", "a?c", true},
        {"[ab]", "a", false},
        {"*\\*", "x\\y", true},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct view pattern = view_str(rows[i].pattern);

        assert_row(matches(set_of(&pattern, 1), view_str(rows[i].value)) == rows[i].match,
                   rows[i].pattern);
    }
}

static void matches_whole_segments_of_paths(void **state)
{
    static const struct {
        const char *prefix, *path;
        bool match;
    } rows[] = {
        {"/team-a/", "/team-a/", true},
        {"/team-a/", "/team-a/x/y/", true},
        {"/team-a/", "/team-ab/", false},
        {"/team-a/", "/team-a", false},
        {"/team-a/x/", "/team-a/", false},
        {"/team-a/x/", "/team-a/x/", true},
        {"/team-a/x/", "/team-a/xy/", false},
        {"/team-*/", "/team-a/x/", true},
        {"/team-*/", "/other/", false},
        {"/team-*/x/", "/team-a/x/y/", true},
        {"/team-*/x/", "/team-a/b/x/", true},
        {"/team-*/x/", "/team-a/xx/", false},
        {"/*/", "/a/b/", true},
        {"/a/*/", "/a/", false},
        {"/a/*/", "/a/b/", true},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct view prefix = view_str(rows[i].prefix);

        assert_row(below(set_of(&prefix, 1), view_str(rows[i].path)) == rows[i].match,
                   rows[i].path);
    }
}

static void an_empty_set_matches_nothing(void **state)
{
    const struct globset *set = set_of(NULL, 0);

    (void)state;
    assert_false(matches(set, VIEW("")));
    assert_false(matches(set, VIEW("a")));
    assert_false(below(set, VIEW("/a/")));
}

/* The matcher that everybody believes: exponential, but short values only. */
static bool slow_match(struct view pattern, struct view value)
{
    if (pattern.len == 0)
        return value.len == 0;
    if (pattern.ptr[0] == '*') {
        for (size_t i = 0; i <= value.len; i++) {
            if (slow_match(view_from(pattern, 1), view_from(value, i)))
                return true;
        }
        return false;
    }
    return value.len > 0 && value.ptr[0] == pattern.ptr[0] &&
           slow_match(view_from(pattern, 1), view_from(value, 1));
}

static unsigned next(unsigned *seed)
{
    *seed = *seed * 1664525U + 1013904223U;
    return *seed >> 16;
}

static size_t random_text(unsigned *seed, const char *letters, char *out, size_t max)
{
    size_t len = next(seed) % (max + 1);

    for (size_t i = 0; i < len; i++)
        out[i] = letters[next(seed) % strlen(letters)];
    return len;
}

static void agrees_with_a_plain_matcher(void **state)
{
    unsigned seed = 7;

    (void)state;
    for (unsigned round = 0; round < 2000; round++) {
        char texts[VALUES_MAX][8], value[10];
        struct view values[VALUES_MAX], v;
        size_t count = next(&seed) % VALUES_MAX;
        bool want = false, want_below = false;
        const struct globset *set;

        for (size_t i = 0; i < count; i++)
            values[i] = view_of(texts[i], random_text(&seed, "ab/**", texts[i], 8));
        set = set_of(values, count);
        v = view_of(value, random_text(&seed, "ab/", value, 10));
        for (size_t i = 0; i < count; i++) {
            want = want || slow_match(values[i], v);
            for (size_t k = 0; k <= v.len; k++) {
                if (k == v.len || (k > 0 && v.ptr[k - 1] == '/'))
                    want_below = want_below || (k > 0 && slow_match(values[i], view_of(v.ptr, k)));
            }
            want_below = want_below || slow_match(values[i], v);
        }
        if (matches(set, v) != want || below(set, v) != want_below)
            print_error("round %u value \"%.*s\"\n", round, VIEW_ARGS(v));
        assert_int_equal(matches(set, v), want);
        assert_int_equal(below(set, v), want_below);
        arena_reset(&arena);
    }
}

/* More star nodes and more active places than the few that need no memory. */
static void many_globs_at_once(void **state)
{
    struct view *values = test_calloc(MANY, sizeof *values);
    const struct globset *set;
    char value[600];

    (void)state;
    for (size_t i = 0; i < MANY; i++) {
        values[i] = arena_printf(&arena, "%s%zu*x%zu*z", i % 2 == 0 ? "a*" : "", i, i);
        assert_non_null(values[i].ptr);
    }
    set = set_of(values, MANY);
    memset(value, 'a', sizeof value);
    assert_false(matches(set, view_of(value, sizeof value)));
    assert_true(matches(set, VIEW("a-44-x44-z")));
    assert_false(matches(set, VIEW("a-44-y44-z")));
    assert_true(matches(set, VIEW("4711--x4711z")));
    assert_false(matches(set, VIEW("-4711--x4711z")));
    test_free(values);
}

/* Nested stars over one long run: every star node is reached, each byte once. */
static void long_values_stay_linear(void **state)
{
    struct view values[64];
    size_t size = (size_t)1 << 20;
    char *value = test_malloc(size);

    (void)state;
    memset(value, 'a', size);
    for (size_t i = 0; i < ARRAY_LEN(values); i++)
        values[i] =
            arena_printf(&arena, "%.*s*b", (int)i + 1,
                         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    assert_false(matches(set_of(values, ARRAY_LEN(values)), view_of(value, size)));
    value[size - 1] = 'b';
    assert_true(matches(set_of(values, ARRAY_LEN(values)), view_of(value, size)));
    test_free(value);
}

static void memory_that_runs_out_is_said(void **state)
{
    struct view values[100];
    const struct globset *set = NULL;
    size_t max = 1;
    bool built = false;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(values); i++)
        values[i] = arena_printf(&arena, "%s%zu*%zu*", i % 3 == 0 ? "" : "a*b*c*", i, i);
    for (; !built; max += 97) {
        struct arena small;

        arena_init(&small, 64, max);
        built = globset_build(values, ARRAY_LEN(values), &small, &set) == STATUS_OK;
        arena_done(&small);
    }
    assert_true(max > 4096);
}

static void a_lookup_without_memory_is_no_answer(void **state)
{
    struct view values[100];
    const struct globset *set;
    struct arena none;
    bool hit = false;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(values); i++)
        values[i] = arena_printf(&arena, "%zu*%zu", i, i);
    set = set_of(values, ARRAY_LEN(values));
    arena_init(&none, 64, 0);
    assert_int_equal(globset_match(set, VIEW("1-1"), &none, &hit), STATUS_NOMEM);
    assert_false(hit);
    arena_done(&none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(matches_whole_values, set_up, tear_down),
        cmocka_unit_test_setup_teardown(matches_whole_segments_of_paths, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_empty_set_matches_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(agrees_with_a_plain_matcher, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_globs_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(long_values_stay_linear, set_up, tear_down),
        cmocka_unit_test_setup_teardown(memory_that_runs_out_is_said, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_lookup_without_memory_is_no_answer, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
