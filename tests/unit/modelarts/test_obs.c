/* SPDX-License-Identifier: Apache-2.0
 * OBS locations: what passes, each fault, prefixes by whole segments. */
#include "base/attr.h"
#include "modelarts/obs.h"

#include "bodies.h"

#define TEN     "0123456789"
#define FIFTY   TEN TEN TEN TEN TEN
#define HUNDRED FIFTY FIFTY

struct row {
    const char *text;
    enum obs_fault want;
    const char *bucket, *key;
};

static const struct row paths[] = {
    {"/team-bucket/notebooks/nb-1/", OBS_OK, "team-bucket", "notebooks/nb-1/"},
    {"/abc/d/", OBS_OK, "abc", "d/"},
    {"/a.b.c/d/", OBS_OK, "a.b.c", "d/"},
    {"/a--b/d/", OBS_OK, "a--b", "d/"},
    {"/1234/d/", OBS_OK, "1234", "d/"},
    {"/1.2.3/d/", OBS_OK, "1.2.3", "d/"},
    {"/abc/with blank/", OBS_OK, "abc", "with blank/"},
    {"/abc/ lead and trail /", OBS_OK, "abc", " lead and trail /"},
    {"/abc/100%/", OBS_OK, "abc", "100%/"},
    {"/abc/50% off/", OBS_OK, "abc", "50% off/"},
    {"/abc/%/", OBS_OK, "abc", "%/"},
    {"/abc/%a/", OBS_OK, "abc", "%a/"},
    {"/abc/%zz/", OBS_OK, "abc", "%zz/"},
    {"/abc/a.b/...x/", OBS_OK, "abc", "a.b/...x/"},
    {"/abc/.../", OBS_OK, "abc", ".../"},
    {"/abc/.hidden/", OBS_OK, "abc", ".hidden/"},
    {"/abc/\xc3\xa4\xc3\xb6/\xe6\x97\xa5\xe6\x9c\xac/", OBS_OK, "abc",
     "\xc3\xa4\xc3\xb6/\xe6\x97\xa5\xe6\x9c\xac/"},
    {"/abc/\xf0\x9f\x98\x80/", OBS_OK, "abc", "\xf0\x9f\x98\x80/"},
    {"/abc/a*b?c:d\"e<f>|/", OBS_OK, "abc", "a*b?c:d\"e<f>|/"},
    {"/abc/NotFolded/", OBS_OK, "abc", "NotFolded/"},

    {"", OBS_EMPTY, NULL, NULL},
    {"abc/d/", OBS_NO_LEADING_SLASH, NULL, NULL},
    {"obs://abc/d/", OBS_NO_LEADING_SLASH, NULL, NULL},
    {"https://abc.obs.example.org/d/", OBS_NO_LEADING_SLASH, NULL, NULL},
    {"/abc/d", OBS_NO_TRAILING_SLASH, NULL, NULL},
    {"/abc", OBS_NO_TRAILING_SLASH, NULL, NULL},
    {"/abc/d/ ", OBS_NO_TRAILING_SLASH, NULL, NULL},
    {"/abc/", OBS_BUCKET_ROOT, NULL, NULL},
    {"/", OBS_EMPTY_SEGMENT, NULL, NULL},
    {"//", OBS_EMPTY_SEGMENT, NULL, NULL},
    {"//abc/d/", OBS_EMPTY_SEGMENT, NULL, NULL},
    {"/abc//", OBS_EMPTY_SEGMENT, NULL, NULL},
    {"/abc//d/", OBS_EMPTY_SEGMENT, NULL, NULL},
    {"/abc/d//", OBS_EMPTY_SEGMENT, NULL, NULL},
    {"/abc/./", OBS_DOT_SEGMENT, NULL, NULL},
    {"/abc/../", OBS_DOT_SEGMENT, NULL, NULL},
    {"/abc/d/../e/", OBS_DOT_SEGMENT, NULL, NULL},
    {"/abc/d/..", OBS_NO_TRAILING_SLASH, NULL, NULL},
    {"/ab/d/", OBS_BUCKET_NAME, NULL, NULL},
    {"/" FIFTY TEN "abc/d/", OBS_OK, FIFTY TEN "abc", "d/"},
    {"/" FIFTY TEN "abcd/d/", OBS_BUCKET_NAME, NULL, NULL},
    {"/Abc/d/", OBS_BUCKET_NAME, NULL, NULL},
    {"/abC/d/", OBS_BUCKET_NAME, NULL, NULL},
    {"/a_c/d/", OBS_BUCKET_NAME, NULL, NULL},
    {"/-abc/d/", OBS_BUCKET_NAME, NULL, NULL},
    {"/abc-/d/", OBS_BUCKET_NAME, NULL, NULL},
    {"/.abc/d/", OBS_BUCKET_NAME, NULL, NULL},
    {"/abc./d/", OBS_BUCKET_NAME, NULL, NULL},
    {"/a..c/d/", OBS_BUCKET_NAME, NULL, NULL},
    {"/a.-c/d/", OBS_BUCKET_NAME, NULL, NULL},
    {"/a-.c/d/", OBS_BUCKET_NAME, NULL, NULL},
    {"/../d/", OBS_BUCKET_NAME, NULL, NULL},
    {"/10.0.0.1/d/", OBS_BUCKET_NAME, NULL, NULL},
    {"/\xc3\xa4\x62\x63/d/", OBS_BUCKET_NAME, NULL, NULL},
    {"/abc/%2e%2e/", OBS_ESCAPE, NULL, NULL},
    {"/abc/a%2Fb/", OBS_ESCAPE, NULL, NULL},
    {"/abc/%252e/", OBS_ESCAPE, NULL, NULL},
    {"/abc/%41/", OBS_ESCAPE, NULL, NULL},
    {"/abc/%%41/", OBS_ESCAPE, NULL, NULL},
    {"/abc/a\\b/", OBS_BACKSLASH, NULL, NULL},
    {"\\abc\\d\\", OBS_BACKSLASH, NULL, NULL},
    {"/abc/a\tb/", OBS_CONTROL, NULL, NULL},
    {"/abc/a\nb/", OBS_CONTROL, NULL, NULL},
    {"/abc/a\x7f\x62/", OBS_CONTROL, NULL, NULL},
    {"/abc/a\xc2\x85/", OBS_CONTROL, NULL, NULL},
    {"/abc/soft\xc2\xadhyphen/", OBS_CONTROL, NULL, NULL},
    {"/abc/zero\xe2\x80\x8bwidth/", OBS_CONTROL, NULL, NULL},
    {"/abc/zwj\xe2\x80\x8d/", OBS_CONTROL, NULL, NULL},
    {"/abc/rlo\xe2\x80\xae\xe2\x80\xac/", OBS_CONTROL, NULL, NULL},
    {"/abc/isolate\xe2\x81\xa6\xe2\x81\xa9/", OBS_CONTROL, NULL, NULL},
    {"/abc/line\xe2\x80\xa8/", OBS_CONTROL, NULL, NULL},
    {"/abc/joiner\xe2\x81\xa0/", OBS_CONTROL, NULL, NULL},
    {"/abc/\xef\xbb\xbf/", OBS_CONTROL, NULL, NULL},
    {"/abc/tag\xf3\xa0\x80\xa1/", OBS_CONTROL, NULL, NULL},
    {"/abc/filler\xe3\x85\xa4/", OBS_CONTROL, NULL, NULL},
    {"/abc/a\xef\xbc\x8f\x62/", OBS_LOOKALIKE, NULL, NULL},        /* U+FF0F */
    {"/abc/\xef\xbc\x8e\xef\xbc\x8e/", OBS_LOOKALIKE, NULL, NULL}, /* U+FF0E */
    {"/abc/a\xef\xbc\xbc\x62/", OBS_LOOKALIKE, NULL, NULL},        /* U+FF3C */
    {"/abc/\xe2\x80\xa4/", OBS_LOOKALIKE, NULL, NULL},             /* U+2024 */
    {"/abc/\xe2\x80\xa5/", OBS_LOOKALIKE, NULL, NULL},             /* U+2025 */
    {"/abc/\xe2\x80\xa6/", OBS_LOOKALIKE, NULL, NULL},             /* U+2026 */
    {"/abc/\xef\xb9\x92/", OBS_LOOKALIKE, NULL, NULL},             /* U+FE52 */
    {"/abc/\xef\xb9\xa8/", OBS_LOOKALIKE, NULL, NULL},             /* U+FE68 */
    {"/abc/\xef\xb8\xb0/", OBS_LOOKALIKE, NULL, NULL},             /* U+FE30 */
    {"/abc/\xe2\x84\x85/", OBS_LOOKALIKE, NULL, NULL},             /* U+2105 */
    {"/abc/\xe2\x92\x88/", OBS_LOOKALIKE, NULL, NULL},             /* U+2488 */
    {"/abc/\xe3\x8f\x82/", OBS_LOOKALIKE, NULL, NULL},             /* U+33C2 */
    {"/abc/\xf0\x9f\x84\x80/", OBS_LOOKALIKE, NULL, NULL},         /* U+1F100 */
    {"/abc/\xc0\xaf/", OBS_ENCODING, NULL, NULL},
    {"/abc/\xed\xa0\x80/", OBS_ENCODING, NULL, NULL},
    {"/abc/\xf4\x90\x80\x80/", OBS_ENCODING, NULL, NULL},
    {"/abc/\x80/", OBS_ENCODING, NULL, NULL},
    {"/abc/\xe2\x82", OBS_ENCODING, NULL, NULL},
    {"/abc/\xff/", OBS_ENCODING, NULL, NULL},
};

static const struct row uris[] = {
    {"obs://abc/d/", OBS_OK, "abc", "d/"},
    {"obs://abc/d", OBS_OK, "abc", "d"},
    {"obs://abc/", OBS_OK, "abc", ""},
    {"obs://abc", OBS_OK, "abc", ""},
    {"OBS://abc/d/", OBS_NO_SCHEME, NULL, NULL},
    {"obs:/abc/d/", OBS_NO_SCHEME, NULL, NULL},
    {"/abc/d/", OBS_NO_SCHEME, NULL, NULL},
    {"s3://abc/d/", OBS_NO_SCHEME, NULL, NULL},
    {"obs:///abc/d/", OBS_EMPTY_SEGMENT, NULL, NULL},
    {"obs://", OBS_EMPTY_SEGMENT, NULL, NULL},
    {"obs://abc/../d/", OBS_DOT_SEGMENT, NULL, NULL},
    {"obs://abc/..", OBS_DOT_SEGMENT, NULL, NULL},
    {"obs://abc//d/", OBS_EMPTY_SEGMENT, NULL, NULL},
    {"obs://abc/secret?/d/", OBS_URI_END, NULL, NULL},
    {"obs://abc/secret#/d/", OBS_URI_END, NULL, NULL},
    {"obs://abc?x", OBS_URI_END, NULL, NULL},
    {"obs://user@abc/d/", OBS_BUCKET_NAME, NULL, NULL},
    {"obs://abc:443/d/", OBS_BUCKET_NAME, NULL, NULL},
    {"", OBS_EMPTY, NULL, NULL},
};

static const struct row prefixes[] = {
    {"/abc/", OBS_OK, "abc", ""},
    {"/abc", OBS_OK, "abc", ""},
    {"/abc/d", OBS_OK, "abc", "d"},
    {"/abc/d/", OBS_OK, "abc", "d/"},
    {"abc/", OBS_NO_LEADING_SLASH, NULL, NULL},
    {"/abc/../", OBS_DOT_SEGMENT, NULL, NULL},
    {"/abc/%2e/", OBS_ESCAPE, NULL, NULL},
    {"/", OBS_EMPTY_SEGMENT, NULL, NULL},
};

static const struct row buckets[] = {
    {"team-files", OBS_OK, "team-files", ""},     {"team-files/", OBS_BUCKET_NAME, NULL, NULL},
    {"/team-files", OBS_BUCKET_NAME, NULL, NULL}, {"team-files/dir", OBS_BUCKET_NAME, NULL, NULL},
    {"Team", OBS_BUCKET_NAME, NULL, NULL},        {"", OBS_EMPTY, NULL, NULL},
};

typedef enum obs_fault parse_fn(struct view text, struct obs_path *ret);

static void check_rows(const struct row *rows, size_t count, parse_fn *parse)
{
    for (size_t i = 0; i < count; i++) {
        const struct obs_path before = {VIEW("untouched"), VIEW("untouched")};
        struct obs_path got = before;
        enum obs_fault fault = parse(view_str(rows[i].text), &got);

        assert_row(fault == rows[i].want, rows[i].text);
        if (fault == OBS_OK) {
            assert_row(view_eq(got.bucket, view_str(rows[i].bucket)), rows[i].text);
            assert_row(view_eq(got.key, view_str(rows[i].key)), rows[i].text);
        } else {
            assert_row(got.bucket.ptr == before.bucket.ptr && got.key.ptr == before.key.ptr,
                       rows[i].text);
        }
    }
}

static void test_paths(void **state)
{
    (void)state;
    check_rows(paths, ARRAY_LEN(paths), obs_parse_path);
}

static void test_uris(void **state)
{
    (void)state;
    check_rows(uris, ARRAY_LEN(uris), obs_parse_uri);
}

static void test_prefixes(void **state)
{
    (void)state;
    check_rows(prefixes, ARRAY_LEN(prefixes), obs_parse_prefix);
}

static void test_buckets(void **state)
{
    (void)state;
    check_rows(buckets, ARRAY_LEN(buckets), obs_parse_bucket);
}

static void test_nul_is_a_control(void **state)
{
    struct obs_path got;

    (void)state;
    assert_int_equal(obs_parse_path(VIEW("/abc/d\0e/"), &got), OBS_CONTROL);
    assert_int_equal(obs_parse_path(VIEW_NONE, &got), OBS_EMPTY);
}

static void test_length_at_the_limit(void **state)
{
    char text[OBS_PATH_MAX + 2];
    struct obs_path got;

    (void)state;
    memset(text, 'x', sizeof text);
    put(text, "/abc/");
    text[OBS_PATH_MAX - 1] = '/';
    assert_int_equal(obs_parse_path(view_of(text, OBS_PATH_MAX), &got), OBS_OK);
    text[OBS_PATH_MAX - 1] = 'x';
    text[OBS_PATH_MAX] = '/';
    assert_int_equal(obs_parse_path(view_of(text, OBS_PATH_MAX + 1), &got), OBS_TOO_LONG);
}

static void test_no_byte_behind_the_text_is_read(void **state)
{
    struct obs_path got;

    (void)state;
    /* The escape would be complete with the bytes behind the view. */
    assert_int_equal(obs_parse_prefix(view_of("/abc/%41", 7), &got), OBS_OK);
    assert_view(got.key, "%4");
    assert_int_equal(obs_parse_prefix(view_of("/abc/\xe2\x82\xac", 7), &got), OBS_ENCODING);
}

static void test_below(void **state)
{
    static const struct {
        const char *path, *prefix;
        bool want;
    } rows[] = {
        {"/team-bucket/notebooks/x/", "/team-bucket/", true},
        {"/team-bucket/notebooks/x/", "/team-bucket", true},
        {"/team-bucket/notebooks/x/", "/team-bucket/notebooks", true},
        {"/team-bucket/notebooks/x/", "/team-bucket/notebooks/", true},
        {"/team-bucket/notebooks/", "/team-bucket/notebooks", true},
        {"/team-bucket/notebooks/", "/team-bucket/notebooks/", true},
        {"/team-bucket/notebooks-evil/", "/team-bucket/notebooks", false},
        {"/team-bucket/notebooks-evil/", "/team-bucket/notebooks/", false},
        {"/team-bucket2/notebooks/", "/team-bucket", false},
        {"/team-bucket/Notebooks/x/", "/team-bucket/notebooks/", false},
        {"/team-bucket/note/", "/team-bucket/notebooks/", false},
        {"/other/team-bucket/notebooks/", "/team-bucket/", false},
        {"/abc/d/", "/abc/d/e", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct obs_path path;
        struct obs_path prefix;

        assert_row(obs_parse_path(view_str(rows[i].path), &path) == OBS_OK, rows[i].path);
        assert_row(obs_parse_prefix(view_str(rows[i].prefix), &prefix) == OBS_OK, rows[i].prefix);
        assert_row(obs_below(&path, &prefix) == rows[i].want, rows[i].path);
    }
}

static void test_uri_without_slash_is_below_its_own_prefix(void **state)
{
    struct obs_path path;
    struct obs_path prefix;

    (void)state;
    assert_int_equal(obs_parse_uri(VIEW("obs://abc/d"), &path), OBS_OK);
    assert_int_equal(obs_parse_prefix(VIEW("/abc/d/"), &prefix), OBS_OK);
    assert_true(obs_below(&path, &prefix));
    assert_int_equal(obs_parse_uri(VIEW("obs://abc"), &path), OBS_OK);
    assert_false(obs_below(&path, &prefix));
}

static void test_every_fault_has_a_text(void **state)
{
    (void)state;
    for (int fault = 0; fault < OBS_FAULT_COUNT; fault++)
        assert_non_null(obs_fault_text((enum obs_fault)fault));
    assert_non_null(strstr(obs_fault_text(OBS_NO_TRAILING_SLASH), "ModelArts.6318"));
    assert_non_null(strstr(obs_fault_text(OBS_BUCKET_ROOT), "ModelArts.6358"));
    assert_non_null(strstr(obs_fault_text(OBS_EMPTY), "ModelArts.6317"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_uris),
        cmocka_unit_test(test_prefixes),
        cmocka_unit_test(test_buckets),
        cmocka_unit_test(test_nul_is_a_control),
        cmocka_unit_test(test_length_at_the_limit),
        cmocka_unit_test(test_no_byte_behind_the_text_is_read),
        cmocka_unit_test(test_below),
        cmocka_unit_test(test_uri_without_slash_is_below_its_own_prefix),
        cmocka_unit_test(test_every_fault_has_a_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
