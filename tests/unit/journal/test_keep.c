/* SPDX-License-Identifier: Apache-2.0
 * What a kept request loses, and that nothing else of it changes. */
#include "support/test.h"

#include <stdlib.h>

#include "journal/keep.h"
#include "journal/secret.h"

#define TOKEN_REST "IIDkgYJKoZIhvcNAQcCoIIDgzCCA38CAQExAz"
#define TOKEN      "M" TOKEN_REST
#define D40        "1234567890123456789012345678901234567890"

static const struct jlimits limits = {.bytes = 1 << 20, .depth = 64, .members = 65536};

static enum status keep(struct arena *arena, const char *json, const char *const *paths,
                        struct view *ret, struct kept_list *told)
{
    struct keep_path items[KEEP_PATHS_MAX];
    struct keep_rules rules = {items, 0};
    struct jfault fault;
    struct jdoc doc;
    const char *why;

    for (; *paths != NULL; paths++)
        assert_int_equal(keep_path_parse(view_str(*paths), arena, &items[rules.count++], &why),
                         STATUS_OK);
    assert_int_equal(jdoc_read(view_str(json), &limits, arena, &doc, &fault), STATUS_OK);
    told->count = 0;
    return keep_document(&doc, &rules, "/request", arena, ret, told);
}

static const struct {
    const char *name, *json;
    const char *paths[4];
    const char *want, *told;
} rows[] = {
    {"nothing", "{ \"name\" : \"a\\u0041\", \"n\": [1, {}] }", {NULL}, NULL, ""},
    {"a member",
     "{\"a\":{\"b\":1,\"c\":2}}",
     {"/a/b"},
     "{\"a\":{\"b\":\"[redacted]\",\"c\":2}}",
     "/request/a/b"},
    {"a path that isn't there", "{\"a\":[1]}", {"/b", "/a/1", "/a/01", "/a/x"}, NULL, ""},
    {"an element", "{\"a\":[1,[2],3]}", {"/a/1"}, "{\"a\":[1,\"[redacted]\",3]}", "/request/a/1"},
    {"any member",
     "{\"a\":{\"b\":1,\"c\":{\"d\":2}},\"e\":3}",
     {"/a/*"},
     "{\"a\":{\"b\":\"[redacted]\",\"c\":\"[redacted]\"},\"e\":3}",
     "/request/a/b /request/a/c"},
    {"any element",
     "{\"a\":[{\"k\":1,\"l\":2},{\"k\":3}]}",
     {"/a/*/k"},
     "{\"a\":[{\"k\":\"[redacted]\",\"l\":2},{\"k\":\"[redacted]\"}]}",
     "/request/a/0/k /request/a/1/k"},
    {"one within another",
     "{\"a\":{\"b\":{\"c\":1}}}",
     {"/a/b/c", "/a/b"},
     "{\"a\":{\"b\":\"[redacted]\"}}",
     "/request/a/b"},
    {"names with slashes and tildes",
     "{\"a/b\":1,\"c~d\":2,\"e\":3}",
     {"/a~1b", "/c~0d"},
     "{\"a/b\":\"[redacted]\",\"c~d\":\"[redacted]\",\"e\":3}",
     "/request/a~1b /request/c~0d"},
    {"escaped names", "{\"\\u0061\":1}", {"/a"}, "{\"\\u0061\":\"[redacted]\"}", "/request/a"},
    {"secrets by name",
     "{\"Admin-Password\":\"x\",\"api_key\":7,\"authToken\":[1],\"my.secret\":{\"a\":1},\"key\":1}",
     {NULL},
     "{\"Admin-Password\":\"[redacted]\",\"api_key\":\"[redacted]\",\"authToken\":\"[redacted]\","
     "\"my.secret\":\"[redacted]\",\"key\":1}",
     "/request/Admin-Password /request/api_key /request/authToken /request/my.secret"},
    {"secrets by shorter names",
     "{\"adminPass\":\"x\",\"DB_PWD\":\"y\",\"bearer\":\"z\",\"bypass\":1}",
     {NULL},
     "{\"adminPass\":\"[redacted]\",\"DB_PWD\":\"[redacted]\",\"bearer\":\"[redacted]\",\"bypass\":"
     "1}",
     "/request/adminPass /request/DB_PWD /request/bearer"},
    {"an assignment for a name",
     "{\"x\":{\"PASSWORD=y\":\"\"}}",
     {NULL},
     "{\"x\":\"[redacted]\"}",
     "/request/x"},
    {"nothing to hide", "{\"token\":null,\"use_token\":true,\"password\":false}", {NULL}, NULL, ""},
    {"secrets by look",
     "{\"a\":\"" TOKEN "\",\"b\":[\"x " TOKEN "\"],\"c\":\"MIIshort\"}",
     {NULL},
     "{\"a\":\"[redacted]\",\"b\":[\"[redacted]\"],\"c\":\"MIIshort\"}",
     "/request/a /request/b/0"},
    {"secrets in escapes",
     "{\"a\":\"\\u004d" TOKEN_REST
     "\",\"b\":\"MIIDkgYJKoZIhvcN\\/AQcCoIIDgzCCA38CAQExAz\",\"c\":\"x\\n\"}",
     {NULL},
     "{\"a\":\"[redacted]\",\"b\":\"[redacted]\",\"c\":\"x\\n\"}",
     "/request/a /request/b"},
    {"a name that is a secret in escapes",
     "{\"a\":{\"\\u004d" TOKEN_REST "\":1},\"b\":3}",
     {NULL},
     "{\"a\":\"[redacted]\",\"b\":3}",
     "/request/a"},
    {"a key in PEM",
     "{\"a\":\"x\\n-----BEGIN EC PRIVATE KEY-----\\nMHcCAQEEIA\",\"b\":\"-----BEGIN PUBLIC "
     "KEY-----\\nMCow\"}",
     {NULL},
     "{\"a\":\"[redacted]\",\"b\":\"-----BEGIN PUBLIC KEY-----\\nMCow\"}",
     "/request/a"},
    {"the cloud's keys",
     "{\"ak\":\"x\",\"SK\":\"y\",\"task\":\"z\",\"sky\":1}",
     {NULL},
     "{\"ak\":\"[redacted]\",\"SK\":\"[redacted]\",\"task\":\"z\",\"sky\":1}",
     "/request/ak /request/SK"},
    {"a name that is a secret",
     "{\"a\":{\"" TOKEN "\":1,\"" TOKEN "x\":2},\"b\":3}",
     {NULL},
     "{\"a\":\"[redacted]\",\"b\":3}",
     "/request/a"},
    {"a text that gives a secret a value",
     "{\"a\":\"x; DB_PASSWORD=y z\",\"b\":[\"Token: y\"],\"c\":\"user=z: y\"}",
     {NULL},
     "{\"a\":\"[redacted]\",\"b\":[\"[redacted]\"],\"c\":\"user=z: y\"}",
     "/request/a /request/b/0"},
    {"one in escapes",
     "{\"a\":\"PASS\\u0057ORD\\u003dy\",\"b\":\"{\\\"token\\\":\\\"y\\\"}\"}",
     {NULL},
     "{\"a\":\"[redacted]\",\"b\":\"[redacted]\"}",
     "/request/a /request/b"},
    {"a text that is judged",
     "{\"name\":\"token=y\",\"allowed_access_ips\":[\"token:1\"],\"hooks\":{\"script\":\"sk=y\"}}",
     {NULL},
     "{\"name\":\"token=y\",\"allowed_access_ips\":[\"token:1\"],\"hooks\":{\"script\":"
     "\"[redacted]\"}}",
     "/request/hooks/script"},
    {"pairs of name and value",
     "[{\"name\":\"DB_PASSWORD\",\"value\":\"y\"},{\"Value\":[1],\"Key\":\"my.secret\"},"
     "{\"name\":\"HOME\",\"value\":\"/\"},{\"name\":\"token\",\"value\":null,\"n\":1},"
     "{\"key\":7,\"value\":1},{\"name\":\"token\"}]",
     {NULL},
     "[{\"name\":\"DB_PASSWORD\",\"value\":\"[redacted]\"},{\"Value\":\"[redacted]\",\"Key\":"
     "\"my.secret\"},{\"name\":\"HOME\",\"value\":\"/\"},{\"name\":\"token\",\"value\":null,"
     "\"n\":1},{\"key\":7,\"value\":1},{\"name\":\"token\"}]",
     "/request/0/value /request/1/Value"},
    {"an option and its value",
     "[\"run\",\"--db-password\",\"y\",\"--token\",\"--quiet\",\"-u\",\"x\",\"--pwd\"]",
     {NULL},
     "[\"run\",\"--db-password\",\"[redacted]\",\"--token\",\"--quiet\",\"-u\",\"x\",\"--pwd\"]",
     "/request/2"},
    /* The journal's line takes long words out, and a number that isn't there is no JSON. */
    {"a long number",
     "{\"cpu\":1." D40 D40 D40 D40 ",\"gpu\":1." D40 "}",
     {NULL},
     "{\"cpu\":\"[redacted]\",\"gpu\":1." D40 "}",
     "/request/cpu"},
};

static void values_go(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *paths[ARRAY_LEN(rows[i].paths) + 1] = {NULL};
        struct kept_list told;
        struct arena arena;
        struct view text, list = VIEW("");

        arena_init(&arena, 4096, 1 << 22);
        memcpy(paths, rows[i].paths, sizeof rows[i].paths);
        assert_row(keep(&arena, rows[i].json, paths, &text, &told) == STATUS_OK, rows[i].name);
        if (!view_eq(text, view_str(rows[i].want == NULL ? rows[i].json : rows[i].want)))
            fail_msg("row \"%s\": got %.*s", rows[i].name, VIEW_ARGS(text));
        for (size_t k = 0; k < told.count; k++)
            list = arena_printf(&arena, "%.*s%s%.*s", VIEW_ARGS(list), k > 0 ? " " : "",
                                VIEW_ARGS(told.items[k]));
        if (!view_eq(list, view_str(rows[i].told)))
            fail_msg("row \"%s\": told %.*s", rows[i].name, VIEW_ARGS(list));
        arena_done(&arena);
    }
}

static void texts_give_secrets_values(void **state)
{
    static const char *const given[] = {
        "PASSWORD=x",
        "export MY_TOKEN=\"x\"",
        "token: x",
        "Authorization:Bearer x",
        "my api key: x",
        "a\npassword :\n  x",
        "https://a/?x=1&access_token=x",
        "os.environ['API_KEY'] = 'x'",
        "{\"password\":\"x\"}",
        "{\\\"pass\\\":1,\\\"sk\\\": \\\"x\\\"}",
        "run --password x",
        "--api-key 'x'",
        "secret => x",
        "AK=x",
        "DB_PASS=x",
        "PASSWORD += x",
        "token ?= x",
        "${PASSWORD}=x",
        "**Password**: x",
        "api\tkey: x",
        "api  key: x",
        "password\n: x",
        "args:\n- --password\n- x",
        "args: [\"--password\", \"x\"]",
        "--token -x",
    };
    static const char *const not [] = {
        "",           "password",
        "PASSWORD=",  "token: ",
        "token \"\"", "a=b",
        "mask: x",    "task=x",
        "=x",         ": x",
        "--password", "--token --x",
        "the token",  "--no-password --x",
        "a-token x",  "1:2",
        "secret\n\n", "bypass: x",
        "--token\n",  "--token, --x",
        "api,key: x",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(given) + ARRAY_LEN(not ); i++) {
        bool want = i < ARRAY_LEN(given);
        const char *text = want ? given[i] : not [i - ARRAY_LEN(given)];
        char scratch[64];

        assert_true(strlen(text) < sizeof scratch);
        assert_row(secret_is_assigned(view_str(text), scratch) == want, text);
    }
}

static void of_some_nothing_is_left(void **state)
{
    const char *const none[] = {NULL};
    struct kept_list told;
    struct arena arena;
    struct view text;

    (void)state;
    arena_init(&arena, 4096, 1 << 22);
    assert_int_equal(keep(&arena, "{\"" TOKEN "\":1}", none, &text, &told), STATUS_INVALID);
    arena_done(&arena);
}

static void no_more_is_told_than_fits(void **state)
{
    const char *const any[] = {"/*", NULL};
    struct kept_list told;
    struct arena arena;
    struct view text;
    char json[1024];
    size_t used = 0;

    (void)state;
    arena_init(&arena, 4096, 1 << 22);
    for (size_t i = 0; i < KEEP_TOLD_MAX + 5; i++)
        used += (size_t)snprintf(json + used, sizeof json - used, "%s\"k%zu\":1",
                                 i == 0 ? "{" : ",", i);
    (void)snprintf(json + used, sizeof json - used, "}");
    assert_int_equal(keep(&arena, json, any, &text, &told), STATUS_OK);
    assert_int_equal(told.count, KEEP_TOLD_MAX);
    assert_null(memmem(text.ptr, text.len, ":1", 2));
    arena_done(&arena);
}

static void fields_that_are_judged_stay(void **state)
{
    static const struct {
        const char *name;
        bool secret;
    } names[] = {
        {"name", false},
        {"flavor", false},
        {"allowed_access_ips", false},
        {"dew_secret_name", true},
        {"PASSWORD", true},
        {"x-auth-token", true},
        {"", false},
        {"access_key_id", true},
        {"key_pair_names", false},
        {"pass", true},
        {"SMTP_PASS", true},
        {"dbPass", true},
        {"bypass", false},
        {"asspass", false},
        {"pas", false},
    };
    struct arena arena;

    (void)state;
    arena_init(&arena, 4096, 1 << 20);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        bool secret;

        assert_int_equal(keep_name_is_secret(view_str(names[i].name), &arena, &secret), STATUS_OK);
        assert_row(secret == names[i].secret, names[i].name);
    }
    arena_done(&arena);
}

static void bad_paths_are_told(void **state)
{
    static const char *const texts[] = {"", "a/b", "/a~", "/a~2b", "#/a"};
    struct keep_path path;
    struct arena arena;
    const char *why = NULL;
    char deep[2 * (KEEP_STEPS_MAX + 1)];

    (void)state;
    arena_init(&arena, 4096, 1 << 20);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        assert_row(keep_path_parse(view_str(texts[i]), &arena, &path, &why) == STATUS_INVALID,
                   texts[i]);
        assert_non_null(why);
    }
    for (size_t i = 0; i < sizeof deep; i++)
        deep[i] = i % 2 == 0 ? '/' : 'a';
    assert_int_equal(keep_path_parse(view_of(deep, sizeof deep - 2), &arena, &path, &why),
                     STATUS_OK);
    assert_int_equal(path.count, KEEP_STEPS_MAX);
    assert_int_equal(keep_path_parse(view_of(deep, sizeof deep), &arena, &path, &why),
                     STATUS_INVALID);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_go),
        cmocka_unit_test(texts_give_secrets_values),
        cmocka_unit_test(of_some_nothing_is_left),
        cmocka_unit_test(no_more_is_told_than_fits),
        cmocka_unit_test(fields_that_are_judged_stay),
        cmocka_unit_test(bad_paths_are_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
