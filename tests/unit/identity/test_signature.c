/* SPDX-License-Identifier: Apache-2.0
 * Signed requests: those of real clients hold, and nothing else does. The signatures were computed
 * by other implementations. */
#include "identity/canonical.h"
#include "identity/identity.h"
#include "identity/signature.h"

#include "signed_support.h"

static struct arena arena;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 14, (size_t)1 << 30);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

struct sent {
    struct view head, body, secret;
    int64_t now_us;
    bool unjudged, unread;
};

/* NULL: it holds; else why it doesn't. */
static const struct reason_row *verify(const struct sent *sent, struct reason *why)
{
    struct http1_request request;
    struct signature signature;

    *why = (struct reason){.row = NULL};
    if (!parse_head(sent->head, &arena, &request)) {
        print_error("not a head: %.*s\n", VIEW_ARGS(sent->head));
        fail();
    }
    if (signature_read(&request, &arena, &signature, why) &&
        signature_check(&signature,
                        &(struct signed_facts){&request, sent->body, sent->unread, sent->secret,
                                               !sent->unjudged, sent->now_us},
                        &arena, why)) {
        assert_null(why->row);
        return NULL;
    }
    assert_non_null(why->row);
    assert_true(why->message.len > 0);
    return why->row;
}

#define V(literal)                      \
    {                                   \
        "" literal, sizeof(literal) - 1 \
    }
#define EXAMPLE_KEY V("EXAMPLESK")
#define VECTOR(first, host, date, more, authorization)                                             \
    V(first " HTTP/1.1\r\n" more "Host: " host "\r\nX-Sdk-Date: " date "\r\n" authorization "\r\n" \
            "\r\n")
#define AUTHORIZE(key, names, signature) \
    "Authorization: SDK-HMAC-SHA256 Access=" key ", SignedHeaders=" names ", Signature=" signature
#define OTC_FIELDS                                                                  \
    "Host: " HOST "\r\nUser-Agent: golangsdk/2.0.0\r\nAccept: application/json\r\n" \
    "Content-Type: application/json\r\nX-Sdk-Date: " DATE "\r\nConnection: close\r\n"
#define OTC_NAMES "accept;content-type;host;user-agent;x-sdk-date"

static const struct {
    const char *name;
    struct sent sent;
} good[] = {
    {"V1: get",
     {VECTOR("GET /resources?size=1", "service.endpoint.myhuaweicloud.com", "20200608T023900Z", "",
             AUTHORIZE("AccessKey", "host;x-sdk-date",
                       "cfb4171acec81de07d50e53d57eb77edd537414d66ddb1d7d780f128e12cd842")),
      V(""), V("SecretKey"), INT64_C(1591583940000000), false, false}},
    {"V2: post",
     {VECTOR("POST /resources?size=1", "service.endpoint.myhuaweicloud.com", "20200608T023900Z",
             "Content-Length: 22\r\n",
             AUTHORIZE("AccessKey", "host;x-sdk-date",
                       "436b1ac0a1ae03705934bb70ef2f2e09f7bfed2117d731a38235053199323a1f")),
      V("{\"name\":\"test\",\"id\":1}"), V("SecretKey"), INT64_C(1591583940000000), false, false}},
    {"V3: the guide's",
     {VECTOR("GET /v1/77b6a44cba5143ab91d13ab9a8ff44fd/vpcs?limit=2&"
             "marker=13551d6b-755d-4757-b956-536f674975c0",
             "service.region.example.com", "20191115T033655Z", "Content-Type: application/json\r\n",
             AUTHORIZE("QTWAOYTTINDUT2QVKYUC", "content-type;host;x-sdk-date",
                       "7be6668032f70418fcc22abc52071e57aff61b84a1d2381bb430d6870f4f6ebe")),
      V(""), V("MFyfvK41ba2giqM7Uio6PznpdUKGpownRZlmVmHc"), INT64_C(1573789015000000), false,
      false}},
    {"V4: create", {V(CREATE_HEAD), V(BODY), EXAMPLE_KEY, DATE_US, false, false}},
    {"V5: temporary key",
     {V(CREATE_OF("X-Security-Token: EXAMPLETOKEN\r\n", OF_KEY SIGNED
                  ";x-security-token, Signature="
                  "678251d847e04f9391b5392dff6ea529719c5c22a7b8285b148a4c6c12c480dd")),
      V(BODY), EXAMPLE_KEY, DATE_US, false, false}},
    {"V6: body not signed, not judged",
     {V(CREATE_OF("X-Sdk-Content-Sha256: UNSIGNED-PAYLOAD\r\n",
                  OF_KEY "content-type;host;x-project-id;x-sdk-content-sha256;x-sdk-date, "
                         "Signature="
                         "98101bee0287eeab2ca1bd25dc9af31c3af386987fc369378306fa0a705a0b2e")),
      V("any body"), EXAMPLE_KEY, DATE_US, true, false}},
    {"V6 without having read the body",
     {V(CREATE_OF("X-Sdk-Content-Sha256: UNSIGNED-PAYLOAD\r\n",
                  OF_KEY "content-type;host;x-project-id;x-sdk-content-sha256;x-sdk-date, "
                         "Signature="
                         "98101bee0287eeab2ca1bd25dc9af31c3af386987fc369378306fa0a705a0b2e")),
      {NULL, 0},
      EXAMPLE_KEY,
      DATE_US,
      true,
      true}},
    {"V7: empty region and service",
     {V(CREATE_OF("", SCOPED("20260102///sdk_request", "content-type;host;x-sdk-date",
                             "d2ebd636934bb33402956aa0b019592052c3da8a27d99d654a77eb5668dad3d"
                             "f"))),
      V(BODY), EXAMPLE_KEY, DATE_US, false, false}},
    {"V8: region and service",
     {V(CREATE_OF("", SCOPED("20260102/eu-de/modelarts/sdk_request", "content-type;host;x-sdk-date",
                             "bdbb218c628352e23108546ac5e69d97b08c299226889f4f7d7920e7178e39f"
                             "e"))),
      V(BODY), EXAMPLE_KEY, DATE_US, false, false}},
    {"V9: query",
     {VECTOR("GET /p?limit=1&enable=true&test=%E4%B8%80+%28%26%3D%3F%21%23%25.%2a%29&multi=1&"
             "multi=3&multi=2",
             HOST, DATE, "",
             AUTHORIZE("EXAMPLEAK", "host;x-sdk-date",
                       "a5f0d4f28b7c44ae60fe6bcea331412a9b2207ab3452436b86fac6f7cddbc86f")),
      V(""), EXAMPLE_KEY, DATE_US, false, false}},
    {"V10: no host signed",
     {VECTOR("GET /path?limit=1", "any.example", "20060102T150405Z", "",
             AUTHORIZE("AccessKey", "x-sdk-date",
                       "5a2ce64c865e0e6046321c6f3d5a77ba8413eeaf355c3166c03d58d02ac79624")),
      V(""), V("SecretKey"), INT64_C(1136214245000000), false, false}},
    {"V11: Node, whole head",
     {V(NODE_HEAD), V(NODE_BODY), EXAMPLE_KEY, NODE_DATE_US, false, false}},
    {"Python",
     {V(CREATE "Host: " HOST
               "\r\nUser-Agent: huaweicloud-usdk-python/3.0; os/Linux#6.1#x86_64 python/3.11.2 "
               "impl/CPython; app/0\r\nAccept-Encoding: gzip, deflate\r\nAccept: */*\r\n"
               "Connection: keep-alive\r\nContent-Type: application/json;charset=utf-8\r\n"
               "X-Project-Id: " PROJECT "\r\nX-Sdk-Date: " DATE "\r\n" OF_KEY
               "content-type;host;user-agent;x-project-id;x-sdk-date, Signature="
               "4ab06fadbd298dbc9c19310c9a9a25b9307436aa9426aa969ab96e77b3fdddaf\r\n"
               "Content-Length: 239\r\n\r\n"),
      V("{\"name\": \"nb-1\", \"profile_id\": \"Multi-Engine 1.0 (python3)-cpu\", \"flavor\": "
        "\"modelarts.vm.cpu.2u\", \"spec\": {\"storage\": {\"type\": \"obs\", \"location\": "
        "{\"path\": \"/team-bucket/notebooks/nb-1/\"}}, \"auto_stop\": {\"enable\": true, "
        "\"duration\": 3600}}}"),
      EXAMPLE_KEY, DATE_US, false, false}},
    {"Terraform: no host, project and domain added later",
     {V("POST /v1/" PROJECT "/notebooks HTTP/1.1\r\nHost: gateway.example\r\nUser-Agent: "
        "terraform-provider-iac golangsdk/2.0.0\r\nContent-Length: 222\r\nAccept: "
        "application/json\r\n" OF_KEY
        "accept;content-type;user-agent;x-language;x-sdk-date, Signature="
        "248bbe93f2486eca4278742713b7850d10dd885c3e6e2edd643b66c833aa3a2c\r\n"
        "Content-Type: application/json\r\nX-Domain-Id: d\r\nX-Language: en-us\r\nX-Project-Id: "
        "" PROJECT "\r\nX-Sdk-Date: " DATE "\r\nAccept-Encoding: gzip\r\n\r\n"),
      V(BODY "\n"), EXAMPLE_KEY, DATE_US, false, false}},
    {"Go SDK: no host, no content type",
     {V("GET /v1/" PROJECT "/demanager/instances?limit=10&status=RUNNING HTTP/1.1\r\nHost: "
        "gateway.example\r\nUser-Agent: huaweicloud-usdk-go/3.0\r\n" OF_KEY
        "user-agent;x-project-id;x-sdk-date, Signature="
        "c3aa5d9882ea4a5a979424e9bd394f9e937af52602d1918e5c4a6956001d556f\r\n"
        "Content-Type: application/json\r\nX-Project-Id: " PROJECT "\r\nX-Sdk-Date: " DATE
        "\r\nAccept-Encoding: gzip\r\n\r\n"),
      V(""), EXAMPLE_KEY, DATE_US, false, false}},
    {"other Go SDK: get",
     {V("GET /v1/" PROJECT
        "/demanager/instances?limit=10 HTTP/1.1\r\n" OTC_FIELDS OF_SCOPE OTC_NAMES ", Signature="
        "8c2f5c94d85d2ee7dc9647ee58e8231eb68a98e2f27cfd5eb469de707df193b7\r\n\r\n"),
      V(""), EXAMPLE_KEY, DATE_US, false, false}},
    {"other Go SDK: start without body, the query is the payload",
     {V("POST /v1/" PROJECT "/notebooks/nb/start?duration=3600000&type=timing HTTP/1.1\r\n"
        "Content-Length: 0\r\n" OTC_FIELDS OF_SCOPE OTC_NAMES ", Signature="
        "3d687a19aa39bed89f972d75a6484c322e29c8fb0332179f117ed76cfe25036f\r\n\r\n"),
      V(""), EXAMPLE_KEY, DATE_US, false, false}},
    {"other Go SDK: start with an empty body",
     {V("POST /v1/" PROJECT "/notebooks/nb/start?duration=3600000&type=timing HTTP/1.1\r\n"
        "Content-Length: 0\r\n" OTC_FIELDS OF_SCOPE OTC_NAMES ", Signature="
        "c7bb94b00498ea3e31ab0c03d82fd68dad8a10beff18a3478d083eef1a85f675\r\n\r\n"),
      V(""), EXAMPLE_KEY, DATE_US, false, false}},
    {"query as payload: sorted by bytes, a blank is '+'",
     {VECTOR("POST /p?a=x+y&B=2", HOST, DATE, "Content-Length: 0\r\n",
             SCOPED("20260102///sdk_request", "host;x-sdk-date",
                    "5ad3348cc3d65e429b98f4c384d7ff5afcce29d133add86684a40d9ace36447f")),
      V(""), EXAMPLE_KEY, DATE_US, false, false}},
    {"path that was decoded",
     {VECTOR("GET /a%20b", HOST, DATE, "",
             AUTHORIZE("EXAMPLEAK", "host;x-sdk-date",
                       "17b5471202fba3c8737d3298e47a26bde6708f27520944b5ab5e01cb552a5158")),
      V(""), EXAMPLE_KEY, DATE_US, false, false}},
    {"path that was held encoded",
     {VECTOR("GET /a%20b", HOST, DATE, "",
             AUTHORIZE("EXAMPLEAK", "host;x-sdk-date",
                       "7bfa720ad7f9e1793db9a21067d5ddd777888a293ab69a0583c3d2a274615e94")),
      V(""), EXAMPLE_KEY, DATE_US, false, false}},
    {"declared digest",
     {V(CREATE_OF("X-Sdk-Content-Sha256: " BODY_SHA256 "\r\n",
                  OF_KEY SIGNED ", Signature=" CREATE_SIGN)),
      V(BODY), EXAMPLE_KEY, DATE_US, false, false}},
};

static void test_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct reason why;

        assert_row(verify(&good[i].sent, &why) == NULL, good[i].name);
    }
}

static const struct http1_request *request_of(const char *name, struct http1_request *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        if (strcmp(good[i].name, name) == 0) {
            assert_true(parse_head(good[i].sent.head, &arena, ret));
            return ret;
        }
    }
    fail();
    return NULL;
}

/* The digests of the canonical text that are printed with the vectors. */
static void test_queries_with_one_reading(void **state)
{
    static const char *const plain[] = {
        "", "a", "a=", "a=1&b", "a=%2B&a=%3b", "x=1,2*'()", "x=%e4%bd%a0&y=%C3%A9"};
    static const char *const odd[] = {
        "=",     "=1", "&",    "a&",      "&a",    "a&&b",  "a==",   "a=b=c", "a+b",     "a=1;b",
        "a=%g0", "%",  "a=%2", "a=%2520", "a=%00", "a=%7f", "a=%FF", "a=%C3", "a=%C3%28"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(plain); i++)
        assert_true(canonical_query_is_plain(view_str(plain[i])));
    for (size_t i = 0; i < ARRAY_LEN(odd); i++)
        assert_false(canonical_query_is_plain(view_str(odd[i])));
    assert_true(canonical_query_is_plain(VIEW_NONE));
    assert_true(canonical_text_is_plain(VIEW("/v1/p/notebooks/a%20b")));
    assert_false(canonical_text_is_plain(VIEW("/v1/p/notebooks/%0a")));
    assert_false(canonical_text_is_plain(VIEW("/v1/p/notebooks/%C0%AF")));
}

static void test_canonical_text(void **state)
{
    static const struct {
        const char *name;
        struct view payload, digest;
    } rows[] = {
        {"V1: get", V(EMPTY_SHA256),
         V("de94dd1e1ccdb730b403ce35d7e14f7c7b04337f6def1c3a3a2ba936852b133f")},
        {"V3: the guide's", V(EMPTY_SHA256),
         V("b25362e603ee30f4f25e7858e8a7160fd36e803bb2dfe206278659d71a9bcd7a")},
        {"V4: create", V(BODY_SHA256),
         V("d63834991d135a45ad08640d8d442d03f3ea352929cbca86262da2877e300735")},
        {"V7: empty region and service", V(BODY_SHA256),
         V("afd098d8f197c60c30606b497bd893d786554da31a59062728ae8e89ad576144")},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct http1_request request;
        struct signature signature;
        struct reason why;
        struct buf text;
        char hex[DIGEST_HEX_BYTES];

        assert_true(signature_read(request_of(rows[i].name, &request), &arena, &signature, &why));
        buf_init(&text, 65536);
        canonical_write(&(struct canonical_request){.form = signature.form,
                                                    .method = request.method,
                                                    .path = request.path,
                                                    .query = request.query,
                                                    .fields = signature.fields,
                                                    .count = signature.count,
                                                    .payload = rows[i].payload},
                        &arena, &text);
        digest_sha256_hex(buf_view(&text), hex);
        assert_row(view_eq(view_of(hex, sizeof hex), rows[i].digest), rows[i].name);
        buf_done(&text);
    }
}

static void test_what_was_read(void **state)
{
    struct http1_request request;
    struct signature s;
    struct reason why;

    (void)state;
    assert_true(signature_read(request_of("V8: region and service", &request), &arena, &s, &why));
    assert_int_equal(s.form, CANONICAL_CREDENTIAL);
    assert_view(s.access_key, "EXAMPLEAK");
    assert_view(s.scope.date, "20260102");
    assert_view(s.scope.region, "eu-de");
    assert_view(s.scope.service, "modelarts");
    assert_int_equal(s.count, 3);
    assert_view(s.fields[1].name, "host");
    assert_view(s.fields[1].value, HOST);
    assert_true(s.date_us == DATE_US);
    assert_null(s.security_token.ptr);
    assert_null(s.declared.ptr);
    assert_true(signature_read(request_of("V5: temporary key", &request), &arena, &s, &why));
    assert_view(s.security_token, "EXAMPLETOKEN");
}

/* ---- refused ---- */

#define SIGN64             "0000000000000000000000000000000000000000000000000000000000000000"
#define BAD(authorization) V(CREATE_OF("", authorization))
#define BAD_LIST(names)    BAD(OF_KEY names ", Signature=" CREATE_SIGN)
#define NAME16             "aaaaaaaaaaaaaaaa"

static const struct {
    const char *name;
    struct view head;
    enum identity_reason id;
} refused[] = {
    /* one Authorization, of one algorithm */
    {"no Authorization", BAD("X-A: b"), IDENTITY_MISSING},
    {"Authorization twice",
     BAD(OF_KEY SIGNED ", Signature=" CREATE_SIGN "\r\n" OF_KEY SIGNED ", Signature=" CREATE_SIGN),
     IDENTITY_AMBIGUOUS},
    {"SM3", BAD("Authorization: SDK-HMAC-SM3 Access=A, SignedHeaders=host, Signature=" SIGN64),
     IDENTITY_SIGNATURE_ALGORITHM},
    {"ECDSA", BAD("Authorization: SDK-ECDSA-P256-SHA256 Access=A"), IDENTITY_SIGNATURE_ALGORITHM},
    {"SM2", BAD("Authorization: SDK-SM2-SM3 Access=A"), IDENTITY_SIGNATURE_ALGORITHM},
    {"derived", BAD("Authorization: V11-HMAC-SHA256 Credential=A"), IDENTITY_SIGNATURE_ALGORITHM},
    {"lower case", BAD("Authorization: sdk-hmac-sha256 Access=A"), IDENTITY_SIGNATURE_ALGORITHM},
    {"longer", BAD("Authorization: SDK-HMAC-SHA2560 Access=A"), IDENTITY_SIGNATURE_ALGORITHM},
    {"algorithm alone", BAD("Authorization: SDK-HMAC-SHA256"), IDENTITY_SIGNATURE_ALGORITHM},
    {"empty", BAD("Authorization:"), IDENTITY_SIGNATURE_ALGORITHM},
    /* shape */
    {"two blanks",
     BAD("Authorization: SDK-HMAC-SHA256  Access=EXAMPLEAK, SignedHeaders=" SIGNED
         ", Signature=" CREATE_SIGN),
     IDENTITY_SIGNATURE_MALFORMED},
    {"no blank", BAD(OF_KEY SIGNED ",Signature=" CREATE_SIGN), IDENTITY_SIGNATURE_MALFORMED},
    {"tab", BAD(OF_KEY SIGNED ",\tSignature=" CREATE_SIGN), IDENTITY_SIGNATURE_MALFORMED},
    {"other order",
     BAD("Authorization: SDK-HMAC-SHA256 Access=EXAMPLEAK, Signature=" CREATE_SIGN
         ", SignedHeaders=" SIGNED),
     IDENTITY_SIGNATURE_MALFORMED},
    {"empty key",
     BAD("Authorization: SDK-HMAC-SHA256 Access=, SignedHeaders=" SIGNED
         ", Signature=" CREATE_SIGN),
     IDENTITY_SIGNATURE_MALFORMED},
    {"key with a slash",
     BAD("Authorization: SDK-HMAC-SHA256 Access=A/B, SignedHeaders=" SIGNED
         ", Signature=" CREATE_SIGN),
     IDENTITY_SIGNATURE_MALFORMED},
    {"both forms",
     BAD("Authorization: SDK-HMAC-SHA256 Access=EXAMPLEAK, Credential=EXAMPLEAK/"
         "20260102///sdk_request, SignedHeaders=" SIGNED ", Signature=" CREATE_SIGN),
     IDENTITY_SIGNATURE_MALFORMED},
    {"signature in upper case",
     BAD(OF_KEY SIGNED
         ", Signature=DC7F5EDDB31CEA6163771234D10C342A36371132F0FC1705DC6DECB7DDB27B95"),
     IDENTITY_SIGNATURE_MALFORMED},
    {"short signature", BAD(OF_KEY SIGNED ", Signature=dc7f"), IDENTITY_SIGNATURE_MALFORMED},
    {"long signature", BAD(OF_KEY SIGNED ", Signature=" CREATE_SIGN "0"),
     IDENTITY_SIGNATURE_MALFORMED},
    {"something behind", BAD(OF_KEY SIGNED ", Signature=" CREATE_SIGN ", A=b"),
     IDENTITY_SIGNATURE_MALFORMED},
    {"scope: another day", BAD(SCOPED("20260103///sdk_request", "host;x-sdk-date", SIGN64)),
     IDENTITY_SIGNATURE_MALFORMED},
    {"scope: no end", BAD(SCOPED("20260102/eu-de/modelarts", "host;x-sdk-date", SIGN64)),
     IDENTITY_SIGNATURE_MALFORMED},
    {"scope: other end", BAD(SCOPED("20260102///aws4_request", "host;x-sdk-date", SIGN64)),
     IDENTITY_SIGNATURE_MALFORMED},
    {"scope: a part more", BAD(SCOPED("20260102////sdk_request", "host;x-sdk-date", SIGN64)),
     IDENTITY_SIGNATURE_MALFORMED},
    {"scope: letters", BAD(SCOPED("2026010a///sdk_request", "host;x-sdk-date", SIGN64)),
     IDENTITY_SIGNATURE_MALFORMED},
    {"scope: odd region", BAD(SCOPED("20260102/eu de//sdk_request", "host;x-sdk-date", SIGN64)),
     IDENTITY_SIGNATURE_MALFORMED},
    {"scope: long region",
     BAD(SCOPED("20260102/" NAME16 NAME16 NAME16 NAME16 "a//sdk_request", "host;x-sdk-date",
                SIGN64)),
     IDENTITY_SIGNATURE_MALFORMED},
    {"scope: other region",
     BAD(SCOPED("20260102/eu-nl/modelarts/sdk_request", "content-type;host;x-sdk-date",
                "bdbb218c628352e23108546ac5e69d97b08c299226889f4f7d7920e71"
                "78e39fe")),
     IDENTITY_SIGNATURE_MISMATCH},
    {"scope: not the signed one",
     BAD(SCOPED("20260102///sdk_request", "content-type;host;x-sdk-date",
                "bdbb218c628352e23108546ac5e69d97b08c299226889f4f7d7"
                "920e7178e39fe")),
     IDENTITY_SIGNATURE_MISMATCH},
    /* signed names */
    {"no names", BAD_LIST(""), IDENTITY_SIGNATURE_MALFORMED},
    {"empty name", BAD_LIST("host;;x-sdk-date"), IDENTITY_SIGNATURE_MALFORMED},
    {"empty last name", BAD_LIST("host;x-sdk-date;"), IDENTITY_SIGNATURE_MALFORMED},
    {"upper case", BAD_LIST("Host;x-sdk-date"), IDENTITY_SIGNATURE_MALFORMED},
    {"not sorted", BAD_LIST("x-sdk-date;host"), IDENTITY_SIGNATURE_MALFORMED},
    {"name twice", BAD_LIST("host;host;x-sdk-date"), IDENTITY_SIGNATURE_MALFORMED},
    {"blank in the list", BAD_LIST("host; x-sdk-date"), IDENTITY_SIGNATURE_MALFORMED},
    {"authorization", BAD_LIST("authorization;host;x-sdk-date"), IDENTITY_SIGNATURE_MALFORMED},
    {"long name", BAD_LIST(NAME16 NAME16 NAME16 NAME16 "a;x-sdk-date"),
     IDENTITY_SIGNATURE_MALFORMED},
    {"signed but not there", BAD_LIST("host;x-language;x-sdk-date"), IDENTITY_SIGNATURE_HEADER},
    {"signed header twice",
     V(CREATE_OF("x-project-id: " PROJECT "\r\n", OF_KEY SIGNED ", Signature=" CREATE_SIGN)),
     IDENTITY_SIGNATURE_HEADER},
    {"signed header twice, one empty",
     V(CREATE_OF("X-Project-Id:\r\n", OF_KEY SIGNED ", Signature=" CREATE_SIGN)),
     IDENTITY_SIGNATURE_HEADER},
    {"date not signed", BAD_LIST("content-type;host;x-project-id"), IDENTITY_SIGNATURE_HEADER},
    {"no date", V("GET / HTTP/1.1\r\nHost: a\r\n" OF_KEY "host, Signature=" SIGN64 "\r\n\r\n"),
     IDENTITY_SIGNATURE_HEADER},
    {"date twice",
     V(CREATE_OF("X-Sdk-Date: 20260102T030405Z\r\n", OF_KEY SIGNED ", Signature=" CREATE_SIGN)),
     IDENTITY_SIGNATURE_HEADER},
    {"security token twice",
     V(CREATE_OF("X-Security-Token: a\r\nX-Security-Token: a\r\n",
                 OF_KEY SIGNED ", Signature=" CREATE_SIGN)),
     IDENTITY_SIGNATURE_HEADER},
    {"declared digest twice",
     V(CREATE_OF("X-Sdk-Content-Sha256: a\r\nX-Sdk-Content-Sha256: a\r\n",
                 OF_KEY SIGNED ", Signature=" CREATE_SIGN)),
     IDENTITY_SIGNATURE_HEADER},
#define DATED(text)                                                  \
    V("GET / HTTP/1.1\r\nHost: a\r\nX-Sdk-Date: " text "\r\n" OF_KEY \
      "x-sdk-date, Signature=" SIGN64 "\r\n\r\n")
    {"date of another form", DATED("2026-01-02T03:04:05Z"), IDENTITY_SIGNATURE_MALFORMED},
    {"no such day", DATED("20260230T030405Z"), IDENTITY_SIGNATURE_MALFORMED},
    {"no such hour", DATED("20260102T250405Z"), IDENTITY_SIGNATURE_MALFORMED},
    {"date with letters", DATED("20260102T03x405Z"), IDENTITY_SIGNATURE_MALFORMED},
    {"lower case z", DATED("20260102T030405z"), IDENTITY_SIGNATURE_MALFORMED},
    {"empty date", DATED(""), IDENTITY_SIGNATURE_MALFORMED},
    /* the body */
    {"unsigned body, judged",
     V(CREATE_OF("X-Sdk-Content-Sha256: UNSIGNED-PAYLOAD\r\n",
                 OF_KEY "content-type;host;x-project-id;"
                        "x-sdk-content-sha256;x-sdk-date, Signature="
                        "98101bee0287eeab2ca1bd25dc9af31c3af386987fc369"
                        "378306fa0a705a0b2e")),
     IDENTITY_SIGNATURE_PAYLOAD},
    {"digest of another body",
     V(CREATE_OF("X-Sdk-Content-Sha256: " EMPTY_SHA256 "\r\n",
                 OF_KEY SIGNED ", Signature=" CREATE_SIGN)),
     IDENTITY_SIGNATURE_PAYLOAD},
    {"digest is empty",
     V(CREATE_OF("X-Sdk-Content-Sha256:\r\n", OF_KEY SIGNED ", Signature=" CREATE_SIGN)),
     IDENTITY_SIGNATURE_PAYLOAD},
    /* the rest */
    {"other signature", BAD(OF_KEY SIGNED ", Signature=" SIGN64), IDENTITY_SIGNATURE_MISMATCH},
    {"fewer names", BAD_LIST("content-type;host;x-sdk-date"), IDENTITY_SIGNATURE_MISMATCH},
};

static void test_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        struct sent sent = {refused[i].head, VIEW(BODY), VIEW("EXAMPLESK"), DATE_US, false, false};
        struct reason why;

        if (verify(&sent, &why) != &identity_reasons[refused[i].id])
            print_error("%s\n", why.row == NULL ? "it holds" : why.row->code);
        assert_row(why.row == &identity_reasons[refused[i].id], refused[i].name);
        /* Nothing of the credential gets into a message. */
        assert_row(memmem(why.message.ptr, why.message.len, CREATE_SIGN, 12) == NULL,
                   refused[i].name);
        assert_row(memmem(why.message.ptr, why.message.len, "EXAMPLE", 7) == NULL, refused[i].name);
    }
}

static void test_siblings_are_named(void **state)
{
    struct sent sent = {BAD("Authorization: SDK-SM2-SM3 Access=A"),
                        VIEW(BODY),
                        VIEW("EXAMPLESK"),
                        DATE_US,
                        false,
                        false};
    struct reason why;

    (void)state;
    assert_non_null(verify(&sent, &why));
    assert_view(why.message,
                "signatures with SDK-SM2-SM3 are not taken; sign with SDK-HMAC-SHA256");
}

static void check(struct sent sent, int want, const char *name)
{
    struct reason why;
    const struct reason_row *row = verify(&sent, &why);

    if (row != (want < 0 ? NULL : &identity_reasons[want]))
        print_error("%s\n", row == NULL ? "it holds" : row->code);
    assert_row(row == (want < 0 ? NULL : &identity_reasons[want]), name);
}

static void test_the_window(void **state)
{
    struct sent sent = {VIEW(CREATE_HEAD), VIEW(BODY), VIEW("EXAMPLESK"), DATE_US, false, false};

    (void)state;
    sent.now_us = DATE_US + SIGNATURE_WINDOW_US;
    check(sent, -1, "last moment");
    sent.now_us++;
    check(sent, IDENTITY_SIGNATURE_DATE, "too late");
    sent.now_us = DATE_US - SIGNATURE_WINDOW_US;
    check(sent, -1, "first moment");
    sent.now_us--;
    check(sent, IDENTITY_SIGNATURE_DATE, "too early");
}

static void test_bodies_and_secrets(void **state)
{
    struct sent sent = {VIEW(CREATE_HEAD), VIEW(BODY " "), VIEW("EXAMPLESK"),
                        DATE_US,           false,          false};
    char huge[CANONICAL_SECRET_MAX + 1];

    (void)state;
    check(sent, IDENTITY_SIGNATURE_MISMATCH, "a byte more");
    sent.body = VIEW("");
    check(sent, IDENTITY_SIGNATURE_MISMATCH, "no body");
    sent.body = VIEW_NONE;
    check(sent, IDENTITY_SIGNATURE_MISMATCH, "no body, no place");
    sent.unread = true;
    check(sent, IDENTITY_SIGNATURE_PAYLOAD, "body not read");
    sent.unjudged = true;
    check(sent, IDENTITY_SIGNATURE_PAYLOAD, "body not read, not judged");
    sent.unread = false;
    sent.body = VIEW(BODY);
    check(sent, -1, "not judged");
    sent.secret = VIEW("EXAMPLESK2");
    check(sent, IDENTITY_SIGNATURE_MISMATCH, "another secret");
    sent.secret = VIEW("");
    check(sent, IDENTITY_UNAVAILABLE, "no secret");
    memset(huge, 'a', sizeof huge);
    sent.secret = view_of(huge, sizeof huge);
    check(sent, IDENTITY_UNAVAILABLE, "huge secret");
}

static void test_memory_runs_out(void **state)
{
    struct http1_request request;
    struct signature signature;
    struct reason why;
    struct arena none;

    (void)state;
    (void)request_of("V1: get", &request);
    arena_init(&none, 16, 0);
    assert_false(signature_read(&request, &none, &signature, &why));
    assert_ptr_equal(why.row, &identity_reasons[IDENTITY_UNAVAILABLE]);
    assert_true(signature_read(&request, &arena, &signature, &why));
    assert_false(
        signature_check(&signature,
                        &(struct signed_facts){&request, VIEW(""), false, VIEW("SecretKey"), true,
                                               INT64_C(1591583940000000)},
                        &none, &why));
    assert_ptr_equal(why.row, &identity_reasons[IDENTITY_UNAVAILABLE]);
}

/* ---- what one signature holds for ---- */

#define SHORT(first, authorization) VECTOR(first, HOST, DATE, "", authorization)
#define KEY_SIGN(hex)               AUTHORIZE("EXAMPLEAK", "host;x-sdk-date", hex)
#define SCOPE_SIGN(hex)             SCOPED("20260102///sdk_request", "host;x-sdk-date", hex)

static const struct {
    const char *name;
    struct view head, body;
    int want; /* -1: it holds */
} spellings[] = {
    /* signed: the path "/a%41" as it was held, which means "/aA" */
    {"held",
     SHORT("GET /a%41",
           KEY_SIGN("904c1c408dec34270047245899e9b8148db535c72d9064a4363a59bbd2102778")),
     V(""), -1},
    {"not the one that decodes to it",
     SHORT("GET /a%2541",
           KEY_SIGN("904c1c408dec34270047245899e9b8148db535c72d9064a4363a59bbd2102778")),
     V(""), IDENTITY_SIGNATURE_MISMATCH},
    {"not what it means",
     SHORT("GET /aA", KEY_SIGN("904c1c408dec34270047245899e9b8148db535c72d9064a4363a59bbd2102778")),
     V(""), IDENTITY_SIGNATURE_MISMATCH},
    /* signed: "/aA" */
    {"decoded",
     SHORT("GET /aA", KEY_SIGN("f9abea9983787e5d8863b4af1dc246823f67d1c02e9098e928f6c"
                               "afefeca0984")),
     V(""), -1},
    {"another spelling of the same path",
     SHORT("GET /a%41",
           KEY_SIGN("f9abea9983787e5d8863b4af1dc246823f67d1c02e9098e928f6cafefeca0984")),
     V(""), -1},
    {"a slash at the end isn't signed",
     SHORT("GET /aA/",
           KEY_SIGN("f9abea9983787e5d8863b4af1dc246823f67d1c02e9098e928f6cafefeca0984")),
     V(""), -1},
    {"two slashes",
     SHORT("GET /aA//",
           KEY_SIGN("f9abea9983787e5d8863b4af1dc246823f67d1c02e9098e928f6cafefeca0984")),
     V(""), IDENTITY_SIGNATURE_MISMATCH},
    {"an encoded slash",
     SHORT("GET /aA%2F",
           KEY_SIGN("f9abea9983787e5d8863b4af1dc246823f67d1c02e9098e928f6cafefeca0984")),
     V(""), IDENTITY_SIGNATURE_MISMATCH},
    {"broken escape",
     SHORT("GET /aA%4",
           KEY_SIGN("f9abea9983787e5d8863b4af1dc246823f67d1c02e9098e928f6cafefeca0984")),
     V(""), IDENTITY_SIGNATURE_MALFORMED},
    {"broken escape in the query",
     SHORT("GET /aA?%zz",
           KEY_SIGN("f9abea9983787e5d8863b4af1dc246823f67d1c02e9098e928f6cafefeca0984")),
     V(""), IDENTITY_SIGNATURE_MALFORMED},
    /* a blank in a query is '+' or %20, a plus neither */
    {"blank",
     SHORT("GET /p?a=x%20y", KEY_SIGN("229bb67028d4cd557a34fb4c6375dd3357720c3dd96d41a68"
                                      "e928613720cdc36")),
     V(""), -1},
    {"plus for a blank",
     SHORT("GET /p?a=x+y",
           KEY_SIGN("229bb67028d4cd557a34fb4c6375dd3357720c3dd96d41a68e928613720cdc36")),
     V(""), -1},
    {"plus",
     SHORT("GET /p?a=x%2By",
           KEY_SIGN("229bb67028d4cd557a34fb4c6375dd3357720c3dd96d41a68e928613720cdc36")),
     V(""), IDENTITY_SIGNATURE_MISMATCH},
    /* Credential= covers the first value of a key */
    {"one value",
     SHORT("GET /p?a=1", SCOPE_SIGN("2118f860886e964d1c7bbd31c5be9fc61f2cb467dcb8383"
                                    "114d62ff316bf6049")),
     V(""), -1},
    {"a second value",
     SHORT("GET /p?a=1&a=9",
           SCOPE_SIGN("2118f860886e964d1c7bbd31c5be9fc61f2cb467dcb8383114d62ff316bf6049")),
     V(""), IDENTITY_SIGNATURE_MALFORMED},
    {"a second value, spelled otherwise",
     SHORT("GET /p?a=1&%61=9",
           SCOPE_SIGN("2118f860886e964d1c7bbd31c5be9fc61f2cb467dcb8383114d62ff316bf6049")),
     V(""), IDENTITY_SIGNATURE_MALFORMED},
    {"keys that differ in case",
     SHORT("GET /p?a=1&A=9",
           SCOPE_SIGN("2118f860886e964d1c7bbd31c5be9fc61f2cb467dcb8383114d62ff316bf6049")),
     V(""), IDENTITY_SIGNATURE_MALFORMED},
    /* the query that was the payload can't become the body */
    {"query as body",
     VECTOR("POST /p", HOST, DATE, "Content-Length: 9\r\n",
            SCOPE_SIGN("5ad3348cc3d65e429b98f4c384d7ff5afcce29d133add86684a40d9ace36447f")),
     V("B=2&a=x+y"), IDENTITY_SIGNATURE_MALFORMED},
    /* nor stay open where the digest is declared */
    {"declared digest with a query as payload",
     VECTOR("POST /p?a=x+y&B=2", HOST, DATE,
            "Content-Length: 0\r\nX-Sdk-Content-Sha256: " EMPTY_SHA256 "\r\n",
            SCOPE_SIGN("5ad3348cc3d65e429b98f4c384d7ff5afcce29d133add86684a40d9ace36447f")),
     V(""), IDENTITY_SIGNATURE_MISMATCH},
    {"query as payload, but another query",
     VECTOR("POST /p?a=x+y&B=3", HOST, DATE, "Content-Length: 0\r\n",
            SCOPE_SIGN("5ad3348cc3d65e429b98f4c384d7ff5afcce29d133add86684a40d9ace36447f")),
     V(""), IDENTITY_SIGNATURE_MISMATCH},
    {"query as payload of Access=",
     VECTOR("POST /p?a=x+y&B=2", HOST, DATE, "Content-Length: 0\r\n",
            KEY_SIGN("5ad3348cc3d65e429b98f4c384d7ff5afcce29d133add86684a40d9ace36447f")),
     V(""), IDENTITY_SIGNATURE_MISMATCH},
};

static void test_spellings(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(spellings); i++)
        check((struct sent){spellings[i].head, spellings[i].body, VIEW("EXAMPLESK"), DATE_US, false,
                            false},
              spellings[i].want, spellings[i].name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_canonical_text),
        cmocka_unit_test(test_queries_with_one_reading),
        cmocka_unit_test(test_what_was_read),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_siblings_are_named),
        cmocka_unit_test(test_the_window),
        cmocka_unit_test(test_bodies_and_secrets),
        cmocka_unit_test(test_memory_runs_out),
        cmocka_unit_test(test_spellings),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
