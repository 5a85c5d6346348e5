/* SPDX-License-Identifier: Apache-2.0
 * Signatures against vectors that other implementations agree on. */
#include "support/test.h"

#include "base/attr.h"
#include "base/digest.h"
#include "identity/sign.h"

#define PROJECT "0123456789abcdef0123456789abcdef"

static struct arena arena;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 14, 1 << 22);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

static const char body[] =
    "{\"name\":\"nb-1\",\"profile_id\":\"Multi-Engine 1.0 (python3)-cpu\",\"flavor\":"
    "\"modelarts.vm.cpu.2u\",\"spec\":{\"storage\":{\"type\":\"obs\",\"location\":{\"path\":"
    "\"/team-bucket/notebooks/nb-1/\"}},\"auto_stop\":{\"enable\":true,\"duration\":3600}}}";

enum { FIELDS_MAX = 6 };

struct vector {
    const char *name, *access, *secret, *method, *path, *query, *body;
    struct {
        const char *name, *value;
    } fields[FIELDS_MAX];
    const char *canonical, *signature; /* canonical NULL: not printed with the vector */
};

#define CREATE                                                      \
    .access = "EXAMPLEAK", .secret = "EXAMPLESK", .method = "POST", \
    .path = "/v1/" PROJECT "/demanager/instances", .query = "", .body = body
#define TYPE                               \
    {                                      \
        "content-type", "application/json" \
    }
#define HOST                                        \
    {                                               \
        "host", "modelarts.eu-de.otc.t-systems.com" \
    }
#define IN                      \
    {                           \
        "x-project-id", PROJECT \
    }
#define DATE                             \
    {                                    \
        "x-sdk-date", "20260102T030405Z" \
    }
#define EXAMPLE                                      \
    {                                                \
        "host", "service.endpoint.myhuaweicloud.com" \
    }

static const struct vector vectors[] = {
    {.name = "get",
     .access = "AccessKey",
     .secret = "SecretKey",
     .method = "GET",
     .path = "/resources",
     .query = "size=1",
     .body = "",
     .fields = {EXAMPLE, {"x-sdk-date", "20200608T023900Z"}},
     .canonical = "de94dd1e1ccdb730b403ce35d7e14f7c7b04337f6def1c3a3a2ba936852b133f",
     .signature = "cfb4171acec81de07d50e53d57eb77edd537414d66ddb1d7d780f128e12cd842"},
    {.name = "post",
     .access = "AccessKey",
     .secret = "SecretKey",
     .method = "POST",
     .path = "/resources",
     .query = "size=1",
     .body = "{\"name\":\"test\",\"id\":1}",
     .fields = {EXAMPLE, {"x-sdk-date", "20200608T023900Z"}},
     .canonical = "2b1b2515e48cb55e043ff2ec5b93d3f13ec287e1da1d7a2e4e14b0611a341969",
     .signature = "436b1ac0a1ae03705934bb70ef2f2e09f7bfed2117d731a38235053199323a1f"},
    {.name = "create",
     CREATE,
     .fields = {TYPE, HOST, IN, DATE},
     .canonical = "d63834991d135a45ad08640d8d442d03f3ea352929cbca86262da2877e300735",
     .signature = "dc7f5eddb31cea6163771234d10c342a36371132f0fc1705dc6decb7ddb27b95"},
    {.name = "temporary key",
     CREATE,
     .fields = {TYPE, HOST, IN, DATE, {"x-security-token", "EXAMPLETOKEN"}},
     .signature = "678251d847e04f9391b5392dff6ea529719c5c22a7b8285b148a4c6c12c480dd"},
    {.name = "body not signed",
     CREATE,
     .fields = {TYPE, HOST, IN, {"x-sdk-content-sha256", "UNSIGNED-PAYLOAD"}, DATE},
     .signature = "98101bee0287eeab2ca1bd25dc9af31c3af386987fc369378306fa0a705a0b2e"},
    {.name = "no host signed",
     .access = "AccessKey",
     .secret = "SecretKey",
     .method = "GET",
     .path = "/path",
     .query = "limit=1",
     .body = "",
     .fields = {{"x-sdk-date", "20060102T150405Z"}},
     .signature = "5a2ce64c865e0e6046321c6f3d5a77ba8413eeaf355c3166c03d58d02ac79624"},
};

static struct sign_request request_of(const struct vector *v)
{
    struct canonical_field *fields = arena_array(&arena, FIELDS_MAX, sizeof *fields);
    struct sign_request request = {.method = view_str(v->method),
                                   .path = view_str(v->path),
                                   .query = view_str(v->query),
                                   .body = view_str(v->body),
                                   .fields = fields};

    assert_non_null(fields);
    for (; request.count < FIELDS_MAX && v->fields[request.count].name != NULL; request.count++)
        fields[request.count] = (struct canonical_field){view_str(v->fields[request.count].name),
                                                         view_str(v->fields[request.count].value)};
    return request;
}

static struct view canonical_of(const struct sign_request *request)
{
    struct buf out;
    struct view copy;

    buf_init(&out, 65536);
    sign_canonical(request, &arena, &out);
    assert_int_equal(out.failed, STATUS_OK);
    copy = arena_copy(&arena, buf_view(&out));
    assert_non_null(copy.ptr);
    buf_done(&out);
    return copy;
}

static void test_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        const struct vector *v = &vectors[i];
        struct sign_request request = request_of(v);
        struct view value =
            sign_authorization(&request, view_str(v->access), view_str(v->secret), &arena);
        char hex[DIGEST_HEX_BYTES];

        assert_row(value.ptr != NULL && view_ends(value, view_str(v->signature)), v->name);
        digest_sha256_hex(canonical_of(&request), hex);
        assert_row(v->canonical == NULL ||
                       view_eq(view_of(hex, sizeof hex), view_str(v->canonical)),
                   v->name);
    }
}

static void test_the_whole_field(void **state)
{
    struct sign_request request = request_of(&vectors[0]);

    (void)state;
    assert_view(sign_authorization(&request, VIEW("AccessKey"), VIEW("SecretKey"), &arena),
                "SDK-HMAC-SHA256 Access=AccessKey, SignedHeaders=host;x-sdk-date, Signature="
                "cfb4171acec81de07d50e53d57eb77edd537414d66ddb1d7d780f128e12cd842");
}

/* Fields in any order, of a create that goes on to the cloud; one too many is refused. */
static void test_order_and_bounds(void **state)
{
    struct canonical_field fields[SIGN_FIELDS_MAX + 1] = {
        {VIEW("x-security-token"), VIEW("EXAMPLETOKEN")},
        {VIEW("x-sdk-date"), VIEW("20260102T030405Z")},
        {VIEW("host"), VIEW("modelarts.eu-de.otc.t-systems.com")},
        {VIEW("x-project-id"), VIEW(PROJECT)},
        {VIEW("content-type"), VIEW("application/json")},
    };
    struct sign_request request = {.method = VIEW("POST"),
                                   .path = VIEW("/v1/" PROJECT "/demanager/instances"),
                                   .body = view_str(body),
                                   .fields = fields,
                                   .count = 5};

    (void)state;
    assert_view(sign_authorization(&request, VIEW("EXAMPLEAK"), VIEW("EXAMPLESK"), &arena),
                "SDK-HMAC-SHA256 Access=EXAMPLEAK, SignedHeaders=content-type;host;x-project-id;"
                "x-sdk-date;x-security-token, Signature="
                "678251d847e04f9391b5392dff6ea529719c5c22a7b8285b148a4c6c12c480dd");
    assert_view(fields[0].name, "x-security-token");
    for (size_t i = 5; i <= SIGN_FIELDS_MAX; i++)
        // cppcheck-suppress unreadVariable ; request points to it
        fields[i] = (struct canonical_field){VIEW("y"), VIEW("")};
    request.count = SIGN_FIELDS_MAX;
    assert_non_null(sign_authorization(&request, VIEW("EXAMPLEAK"), VIEW("EXAMPLESK"), &arena).ptr);
    request.count++;
    assert_null(sign_authorization(&request, VIEW("EXAMPLEAK"), VIEW("EXAMPLESK"), &arena).ptr);
}

static void test_anew(void **state)
{
    static const struct canonical_field sent[] = {
        {{"host", 4}, {"modelarts.eu-de.otc.t-systems.com", 33}},
        {{"content-type", 12}, {"application/json", 16}},
        {{"x-project-id", 12}, {PROJECT, sizeof PROJECT - 1}},
    };
    struct sign_request request = {.method = VIEW("POST"),
                                   .path = VIEW("/v1/" PROJECT "/demanager/instances"),
                                   .body = view_str(body),
                                   .fields = sent,
                                   .count = ARRAY_LEN(sent)};
    struct sign_key key = {VIEW("EXAMPLEAK"), VIEW("EXAMPLESK"), VIEW("EXAMPLETOKEN")};
    struct canonical_field added[SIGN_ADDED_MAX];
    struct arena none;
    size_t count = 0;

    (void)state;
    assert_int_equal(sign_anew(&request, &key, INT64_C(1767323045999999), &arena, added, &count),
                     STATUS_OK);
    assert_int_equal(count, 3);
    assert_view(added[0].name, "X-Sdk-Date");
    assert_view(added[0].value, "20260102T030405Z");
    assert_view(added[1].name, "X-Security-Token");
    assert_view(added[1].value, "EXAMPLETOKEN");
    assert_view(added[2].name, "Authorization");
    assert_view(added[2].value,
                "SDK-HMAC-SHA256 Access=EXAMPLEAK, SignedHeaders=content-type;host;x-project-id;"
                "x-sdk-date;x-security-token, Signature="
                "678251d847e04f9391b5392dff6ea529719c5c22a7b8285b148a4c6c12c480dd");
    key.security = VIEW_NONE;
    assert_int_equal(sign_anew(&request, &key, INT64_C(1767323045000000), &arena, added, &count),
                     STATUS_OK);
    assert_int_equal(count, 2);
    assert_true(view_ends(
        added[1].value, VIEW("=dc7f5eddb31cea6163771234d10c342a36371132f0fc1705dc6decb7ddb27b95")));
    arena_init(&none, 16, 0);
    assert_int_equal(sign_anew(&request, &key, 0, &none, added, &count), STATUS_NOMEM);
    request.count = SIGN_FIELDS_MAX;
    assert_int_equal(sign_anew(&request, &key, 0, &arena, added, &count), STATUS_NOMEM);
}

static void check_query(const char *query, const char *want)
{
    struct sign_request request = {
        .method = VIEW("GET"), .path = VIEW("/a"), .query = view_str(query)};
    struct view text = canonical_of(&request);

    text = view_from(text, VIEW("GET\n/a/\n").len);
    text.len = view_find(text, '\n');
    assert_view_eq(text, view_str(want));
}

static void test_queries(void **state)
{
    (void)state;
    check_query("limit=1&enable=true&test=%e4%b8%80%20%28%26%3D%3F%21%23%25.%2A%29&multi=3&"
                "multi=1&multi=2",
                "enable=true&limit=1&multi=1&multi=2&multi=3&"
                "test=%E4%B8%80%20%28%26%3D%3F%21%23%25.%2A%29");
    check_query("a=b/c", "a=b%2Fc");
    check_query("a=b+c%2b", "a=b%20c%2B");
    check_query("b&a=&&c=d=e", "a=&b=&c=d%3De");
    check_query("a=%zz%4", "a=%25zz%254");
    check_query("", "");
}

static void check_path(const char *path, const char *want)
{
    struct sign_request request = {.method = VIEW("GET"), .path = view_str(path)};
    struct view text = view_from(canonical_of(&request), VIEW("GET\n").len);

    text.len = view_find(text, '\n');
    assert_view_eq(text, view_str(want));
}

static void test_paths(void **state)
{
    (void)state;
    check_path("/v1/p/x", "/v1/p/x/");
    check_path("/v1/p/x/", "/v1/p/x/");
    check_path("/", "/");
    check_path("", "/");
    check_path("/a%20b%7e/c:d%2fe", "/a%20b~/c%3Ad%2Fe/");
}

static void test_date(void **state)
{
    char text[SIGN_DATE_BYTES];

    (void)state;
    sign_date(INT64_C(1767323045999999), text);
    assert_view(view_of(text, sizeof text), "20260102T030405Z");
}

static void test_memory_runs_out(void **state)
{
    struct sign_request request = request_of(&vectors[0]);
    struct arena none;

    (void)state;
    arena_init(&none, 16, 0);
    assert_null(sign_authorization(&request, VIEW("A"), VIEW("S"), &none).ptr);
    arena_done(&none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors), cmocka_unit_test(test_the_whole_field),
        cmocka_unit_test(test_queries), cmocka_unit_test(test_paths),
        cmocka_unit_test(test_date),    cmocka_unit_test(test_order_and_bounds),
        cmocka_unit_test(test_anew),    cmocka_unit_test(test_memory_runs_out),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
