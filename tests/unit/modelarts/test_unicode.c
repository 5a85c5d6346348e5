/* SPDX-License-Identifier: Apache-2.0
 * UTF-8, and the tables of what code points look like. */
#include "support/test.h"

#include "base/attr.h"
#include "modelarts/fields.h"
#include "modelarts/unicode.h"

/* Every code point there is: its encoding is read back, and only in full. */
static void test_every_code_point(void **state)
{
    (void)state;
    for (uint32_t point = 0; point <= 0x10ffff; point++) {
        char text[4];
        size_t len = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
        uint32_t got = 0;

        if (len == 1)
            text[0] = (char)point;
        else
            text[0] = (char)((0xf00U >> len) | (point >> (6 * (len - 1))));
        for (size_t i = 1; i < len; i++)
            text[i] = (char)(0x80U | ((point >> (6 * (len - 1 - i))) & 0x3fU));
        if (point >= 0xd800 && point <= 0xdfff) {
            assert_int_equal(utf8_decode(view_of(text, len), &got), 0);
            continue;
        }
        assert_int_equal(utf8_decode(view_of(text, len), &got), len);
        assert_int_equal(got, point);
        assert_int_equal(utf8_decode(view_of(text, len - 1), &got), 0);
    }
}

static void test_bytes_that_are_no_utf8(void **state)
{
    static const char *const texts[] = {
        "\x80",
        "\xbf",
        "\xc0\x80",
        "\xc1\xbf",
        "\xe0\x80\x80",
        "\xe0\x9f\xbf",
        "\xf0\x80\x80\x80",
        "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80",
        "\xf8\x88\x80\x80\x80",
        "\xfe",
        "\xff",
        "\xc3\x28",
        "\xe2\x28\xa1",
        "\xe2\x82\x28",
        "\xc3",
    };
    uint32_t point = 77;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        assert_row(utf8_decode(view_str(texts[i]), &point) == 0 && point == 77, texts[i]);
    assert_int_equal(utf8_decode(VIEW_NONE, &point), 0);
}

static void test_cut(void **state)
{
    (void)state;
    assert_view(utf8_cut(VIEW("abc"), 3), "abc");
    assert_view(utf8_cut(VIEW("abc"), 2), "ab");
    assert_view(utf8_cut(VIEW("a\xc3\xa4"), 2), "a");
    assert_view(utf8_cut(VIEW("a\xc3\xa4"), 3), "a\xc3\xa4");
    assert_view(utf8_cut(VIEW("\xe2\x82\xac"), 2), "");
    assert_int_equal(utf8_cut(VIEW("\x80\x80\x80"), 2).len, 0);
    assert_null(utf8_cut(VIEW_NONE, 2).ptr);
}

/* How many code points each table tells of: a wrong search or a lost row changes these. */
static void test_counts(void **state)
{
    unsigned hidden = 0;
    unsigned separators = 0;
    unsigned looks = 0;

    (void)state;
    for (uint32_t point = 0x80; point <= 0x10ffff; point++) {
        hidden += unicode_is_hidden(point) ? 1 : 0;
        separators += unicode_folds_to_separator(point) ? 1 : 0;
        looks += unicode_looks_like(point) != NULL ? 1 : 0;
        assert_false(unicode_is_hidden(point) && unicode_folds_to_separator(point));
    }
    assert_int_equal(separators, 38);
    assert_in_range(hidden, 4096, 4400);
    assert_in_range(looks, hidden + 1000, hidden + 1400);
}

static void test_looks(void **state)
{
    static const struct {
        uint32_t point;
        const char *want;
    } rows[] = {
        {'a', "a"},     {'Z', "z"},     {'7', "7"},       {'_', ""},      {'-', ""},
        {' ', ""},      {'/', NULL},    {'.', NULL},      {0x00, ""},     {0x7f, ""},
        {0xa0, ""},     {0xad, ""},     {0xe4, NULL},     {0x130, "i"},   {0x131, "i"},
        {0x17f, "s"},   {0x300, ""},    {0x36f, ""},      {0x3bf, "o"},   {0x430, "a"},
        {0x440, "p"},   {0x455, "s"},   {0x200b, ""},     {0x202e, ""},   {0x2010, ""},
        {0x212a, "k"},  {0x24b6, "a"},  {0x24e9, "z"},    {0x65e5, NULL}, {0xfb00, "ff"},
        {0xfb01, "fi"}, {0xfb02, "fl"}, {0xff10, "0"},    {0xff19, "9"},  {0xff21, "a"},
        {0xff3a, "z"},  {0xff3f, ""},   {0xff41, "a"},    {0xff5a, "z"},  {0x1d400, "a"},
        {0x1d41a, "a"}, {0x1d433, "z"}, {0x1d5ba, "a"},   {0x1d6a3, "z"}, {0x1d7ce, "0"},
        {0x1d7ff, "9"}, {0xe0100, ""},  {0x10ffff, NULL}, {0xfe0f, ""},   {0x1f600, NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *got = unicode_looks_like(rows[i].point);
        char name[16];

        (void)snprintf(name, sizeof name, "U+%04X", (unsigned)rows[i].point);
        if (rows[i].want == NULL)
            assert_row(got == NULL, name);
        else
            assert_row(got != NULL && got[0] == rows[i].want[0] &&
                           (strlen(rows[i].want) < 2 || strcmp(got, rows[i].want) == 0),
                       name);
    }
}

static void test_no_two_fields_look_alike(void **state)
{
    (void)state;
    for (const struct field *field = fields; field->name != NULL; field++) {
        struct view name = view_str(field->name);
        const struct field *known;

        assert_row(field_find(field->place, name) == field, field->name);
        if (places[field->place].answer)
            continue;
        known = field_known(places[field->place].root, name);
        assert_row(known != NULL && strcmp(known->name, field->name) == 0, field->name);
        assert_row(places[known->place].root == places[field->place].root, field->name);
        assert_row(field_lookalike(name) == NULL, field->name);
    }
}

/* Of each name: in other letters, with another separator, with one letter of another script. */
static void test_every_name_is_guarded(void **state)
{
    (void)state;
    for (const struct field *field = fields; field->name != NULL; field++) {
        char upper[64];
        char dashed[64];
        char wide[64];
        size_t len = strlen(field->name);

        if (places[field->place].answer)
            continue;
        for (size_t i = 0; i <= len; i++) {
            char c = field->name[i];

            upper[i] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
            dashed[i] = c == '_' ? '-' : c;
        }
        dashed[len] = ' ';
        (void)snprintf(wide, sizeof wide, "\xef\xbd%c%s", field->name[0] - 'a' + 0x81,
                       field->name + 1);
        assert_row(field_lookalike(view_of(upper, len)) != NULL, upper);
        assert_row(field_lookalike(view_of(dashed, len + 1)) != NULL, field->name);
        assert_row(field_lookalike(view_str(wide)) != NULL, field->name);
        assert_row(strcmp(field_lookalike(view_of(upper, len))->name, field->name) == 0, upper);
    }
}

/* What only an answer holds is no name that a request could mean. */
static void test_names_of_answers_are_free(void **state)
{
    (void)state;
    assert_null(field_known(PLACE_NB_BODY, VIEW("create_at")));
    assert_null(field_known(PLACE_DE_BODY, VIEW("image")));
    assert_null(field_lookalike(VIEW("createAt")));
}

static void test_known_names_prefer_their_own_body(void **state)
{
    (void)state;
    assert_int_equal(field_known(PLACE_DE_BODY, VIEW("duration"))->place, PLACE_DE_AUTO_STOP);
    assert_int_equal(field_known(PLACE_NB_BODY, VIEW("duration"))->place, PLACE_NB_BODY);
    assert_int_equal(field_known(PLACE_NB_BODY, VIEW("profile_id"))->place, PLACE_DE_BODY);
    assert_int_equal(field_known(PLACE_NB_START, VIEW("uri"))->place, PLACE_NB_VOLUME);
}

static void test_lookalike_names(void **state)
{
    static const struct {
        const char *name, *want;
    } rows[] = {
        {"Name", "name"},
        {"NAME", "name"},
        {"na_me", "name"},
        {"n\xd0\xb0me", "name"},
        {"narne", "name"},
        {"profileId", "profile_id"},
        {"pro\xef\xac\x81le_id", "profile_id"},
        {"profi1e_id", "profile_id"},
        {"vvorkspace", "workspace"},
        {"auto stop", "auto_stop"},
        {"auto\xe2\x80\x8b_stop", "auto_stop"},
        {"extendStorage", "extend_storage"},
        {"extended-storage", "extended_storage"},
        {"imageId", "image_id"},
        {"dataVolumes", "data_volumes"},
        {"customSpec", "custom_spec"},
        {"storageNewSize", "storage_new_size"},
        {"endp\xd0\xbeints", "endpoints"},
        {"ur1", "uri"},
        {"URI", "uri"},
        {"\xce\xb9"
         "d",
         "id"},
        {"names", NULL},
        {"nam", NULL},
        {"n\xc3\xa4me", NULL},
        {"", NULL},
        {"_", NULL},
        {"name.", NULL},
        {"$name", NULL},
        {"name\xff", NULL},
        {"flavors_and_many_other_things_that_are_much_longer_than_any_name_of_ours", NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct field *field = field_lookalike(view_str(rows[i].name));

        if (rows[i].want == NULL)
            assert_row(field == NULL, rows[i].name);
        else
            assert_row(field != NULL && strcmp(field->name, rows[i].want) == 0, rows[i].name);
    }
}

static void test_places(void **state)
{
    (void)state;
    assert_string_equal(places[PLACE_DE_BODY].pointer, "");
    assert_string_equal(places[PLACE_DE_LOCATION].pointer, "/spec/storage/location");
    assert_string_equal(field_nearest(PLACE_DE_BODY, VIEW("flavour")), "flavor");
    assert_null(field_nearest(PLACE_DE_SPEC, VIEW("flavour")));
    assert_string_equal(field_nearest(PLACE_NB_BODY, VIEW("flavour")), "flavor");
    assert_null(field_nearest(PLACE_NB_START, VIEW("flavor")));
    for (int place = PLACE_NONE + 1; place < PLACE_COUNT; place++) {
        for (const struct field *f = place_fields(place); f < place_end(place); f++)
            assert_row(f->place == (enum place)place, f->name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_code_point),
        cmocka_unit_test(test_bytes_that_are_no_utf8),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_looks),
        cmocka_unit_test(test_no_two_fields_look_alike),
        cmocka_unit_test(test_every_name_is_guarded),
        cmocka_unit_test(test_names_of_answers_are_free),
        cmocka_unit_test(test_known_names_prefer_their_own_body),
        cmocka_unit_test(test_lookalike_names),
        cmocka_unit_test(test_places),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
