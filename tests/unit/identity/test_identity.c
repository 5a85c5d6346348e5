/* SPDX-License-Identifier: Apache-2.0
 * Who is calling: every refusal, both settings, judged and unjudged operations. */
#include "support/callers.h"
#include "support/test.h"

#include "base/clock.h"
#include "identity/identity.h"

#include "token_support.h"

#define PROJECT "0123456789abcdef0123456789abcdef"
#define OTHER   "fedcba9876543210fedcba9876543210"

static struct arena arena;
static int64_t now_us;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 16, 1 << 24);
    assert_true(clock_parse(VIEW("2026-01-02T03:04:05.000000Z"), &now_us));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

/* A token of alice; scope is its "project" member or what stands in its place. */
static struct view make_token(const char *scope, const char *expires, size_t roles)
{
    char *json = arena_alloc(&arena, 400 + roles * 60);
    size_t size = 400 + roles * 60, len;

    assert_non_null(json);
    len = (size_t)snprintf(json, size,
                           "{\"token\":{\"expires_at\":\"%s\",%s,\"user\":{\"id\":\"u1\",\"name\":"
                           "\"alice\",\"domain\":{\"id\":\"d1\",\"name\":\"org\"}},\"roles\":[",
                           expires, scope);
    for (size_t i = 0; i < roles; i++)
        len += (size_t)snprintf(json + len, size - len,
                                "%s{\"name\":\"op_gated_example_%06zu\",\"id\":\"0\"}",
                                i == 0 ? "" : ",", i);
    len += (size_t)snprintf(json + len, size - len, "]}}");
    return token_make(view_of(json, len), &arena);
}

static const char for_project[] = "\"project\":{\"id\":\"" PROJECT "\",\"name\":\"eu-de\"}";
static const char for_other[] = "\"project\":{\"id\":\"" OTHER "\",\"name\":\"eu-nl\"}";
static const char for_odd[] = "\"project\":{\"id\":\"a b\",\"name\":\"eu-nl\"}";
static const char for_domain[] = "\"domain\":{\"id\":\"d1\",\"name\":\"org\"}";
static const char later[] = "2026-01-02T03:04:05.000001Z";

static struct view good_token(void)
{
    return make_token(for_project, later, 2);
}

static struct credentials with_token(struct view token)
{
    return (struct credentials){.token = token, .token_count = 1};
}

static struct credentials with_authorization(struct view value)
{
    return (struct credentials){.authorization = value, .authorization_count = 1};
}

static bool judge(enum token_verify verify, const struct credentials *credentials,
                  struct identified *who, struct reason *why)
{
    memset(who, 0xA5, sizeof *who);
    return caller_is_known(&(struct caller_case){.verify = verify,
                                                 .credentials = credentials,
                                                 .project = VIEW(PROJECT),
                                                 .judged = true,
                                                 .now_us = now_us},
                           &arena, who, why);
}

static void check_digest(const struct identified *who, struct view secret)
{
    char hex[DIGEST_HEX_BYTES];

    digest_sha256_hex(secret, hex);
    assert_int_equal(strlen(who->credential.digest), 12);
    assert_memory_equal(who->credential.digest, hex, 12);
}

static void test_decode(void **state)
{
    struct view token = good_token();
    struct credentials credentials = with_token(token);
    struct identified who;
    struct reason why;

    (void)state;
    assert_true(judge(VERIFY_DECODE, &credentials, &who, &why));
    assert_string_equal(who.credential.kind, "token");
    assert_string_equal(who.credential.verified, "decoded");
    check_digest(&who, token);
    assert_int_equal(who.expires_us, now_us + 1);
    assert_view(who.subject.user_name, "alice");
    assert_view(who.subject.user_id, "u1");
    assert_view(who.subject.project_id, PROJECT);
    assert_int_equal(who.subject.role_count, 2);
    assert_int_equal(who.subject.known,
                     SUBJECT_USER | SUBJECT_DOMAIN | SUBJECT_PROJECT | SUBJECT_ROLES);
}

static void test_tokens_of_all_sizes(void **state)
{
    static const size_t roles[] = {0, 10, 60, 150, 300, 350};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(roles); i++) {
        struct view token = make_token(for_project, later, roles[i]);
        struct credentials credentials = with_token(token);
        struct identified who;
        struct reason why;

        assert_true(judge(VERIFY_DECODE, &credentials, &who, &why));
        assert_int_equal(who.subject.role_count, roles[i]);
        assert_true(i != 0 || token.len < 1300);
        assert_true(i != ARRAY_LEN(roles) - 1 || token.len > 20000);
    }
}

static void test_bearer(void **state)
{
    static const char *const schemes[] = {"Bearer ", "bearer ", "BEARER   "};
    struct view token = good_token();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        struct credentials credentials =
            with_authorization(arena_printf(&arena, "%s%.*s", schemes[i], VIEW_ARGS(token)));
        struct identified who;
        struct reason why;

        assert_row(judge(VERIFY_DECODE, &credentials, &who, &why), schemes[i]);
        assert_string_equal(who.credential.kind, "token");
        check_digest(&who, token); /* the same as in X-Auth-Token */
    }
}

static void test_project_header_that_agrees(void **state)
{
    struct credentials credentials = with_token(good_token());
    struct identified who;
    struct reason why;

    (void)state;
    credentials.project = VIEW(PROJECT);
    credentials.project_count = 1;
    assert_true(judge(VERIFY_DECODE, &credentials, &who, &why));
    assert_true(judge(VERIFY_OFF, &credentials, &who, &why));
}

static const char signature[] =
    "SDK-HMAC-SHA256 Access=EXAMPLEAK, SignedHeaders=host;x-sdk-date, Signature=0123";

/* One row a refusal. token_scope and token_expires make a token where there is one to make. The
 * members stand in the order in which a row is read. */
struct refusal { /* NOLINT(clang-analyzer-optin.performance.Padding) */
    const char *name;
    enum identity_reason reason;
    const char *says, *token_scope, *token_expires;
    struct credentials credentials;
    bool also_off; /* refused whatever the settings */
};

#define V(literal)                      \
    {                                   \
        "" literal, sizeof(literal) - 1 \
    }

static const struct refusal refusals[] = {
    {"nothing", IDENTITY_MISSING, "X-Auth-Token", NULL, NULL, {.token_count = 0}, false},
    {"empty token",
     IDENTITY_MISSING,
     "no token",
     NULL,
     NULL,
     {.token = V(""), .token_count = 1},
     false},
    {"empty bearer",
     IDENTITY_MISSING,
     "X-Auth-Token",
     NULL,
     NULL,
     {.authorization = V("Bearer"), .authorization_count = 1},
     false},
    {"bearer and blanks",
     IDENTITY_MISSING,
     "no token",
     NULL,
     NULL,
     {.authorization = V("Bearer  "), .authorization_count = 1},
     false},
    {"basic",
     IDENTITY_MISSING,
     "Authorization header holds no",
     NULL,
     NULL,
     {.authorization = V("Basic YTpi"), .authorization_count = 1},
     false},
    {"empty authorization",
     IDENTITY_MISSING,
     "Authorization header holds no",
     NULL,
     NULL,
     {.authorization = V(""), .authorization_count = 1},
     false},
    {"not a token",
     IDENTITY_TOKEN_MALFORMED,
     "cannot be decoded",
     NULL,
     NULL,
     {.token = V("gAAAAABk"), .token_count = 1},
     false},
    {"bearer with two words",
     IDENTITY_TOKEN_MALFORMED,
     "cannot be decoded",
     NULL,
     NULL,
     {.authorization = V("Bearer MIIA MIIA"), .authorization_count = 1},
     false},
    {"expired now",
     IDENTITY_TOKEN_EXPIRED,
     "expired at 2026-01-02T03:04:05.000000Z",
     for_project,
     "2026-01-02T03:04:05Z",
     {.token_count = 1},
     false},
    {"expired long ago",
     IDENTITY_TOKEN_EXPIRED,
     "1999",
     for_project,
     "1999-01-02T03:04:05Z",
     {.token_count = 1},
     false},
    {"expired and of another project",
     IDENTITY_TOKEN_EXPIRED,
     "expired",
     for_other,
     "1999-01-02T03:04:05Z",
     {.token_count = 1},
     false},
    {"for a domain",
     IDENTITY_TOKEN_UNSCOPED,
     "scoped to the project",
     for_domain,
     later,
     {.token_count = 1},
     false},
    {"of another project",
     IDENTITY_PROJECT_MISMATCH,
     "the token is for project " OTHER ", the path for project " PROJECT,
     for_other,
     later,
     {.token_count = 1},
     false},
    {"of an odd project",
     IDENTITY_PROJECT_MISMATCH,
     "for project another one, the path",
     for_odd,
     later,
     {.token_count = 1},
     false},
    {"X-Project-Id of another",
     IDENTITY_PROJECT_MISMATCH,
     "X-Project-Id is for project " OTHER,
     for_project,
     later,
     {.token_count = 1, .project = V(OTHER), .project_count = 1},
     true},
    {"X-Project-Id empty",
     IDENTITY_PROJECT_MISMATCH,
     "X-Project-Id",
     for_project,
     later,
     {.token_count = 1, .project = V(""), .project_count = 1},
     true},
    {"X-Project-Id in capitals",
     IDENTITY_PROJECT_MISMATCH,
     "X-Project-Id",
     for_project,
     later,
     {.token_count = 1, .project = V("0123456789ABCDEF0123456789ABCDEF"), .project_count = 1},
     true},
    {"X-Project-Id twice",
     IDENTITY_AMBIGUOUS,
     "X-Project-Id",
     for_project,
     later,
     {.token_count = 1, .project = V(PROJECT), .project_count = 2},
     true},
    {"two tokens",
     IDENTITY_AMBIGUOUS,
     "X-Auth-Token",
     for_project,
     later,
     {.token_count = 2},
     true},
    {"two authorizations",
     IDENTITY_AMBIGUOUS,
     "Authorization",
     NULL,
     NULL,
     {.authorization = V("Bearer MIIA"), .authorization_count = 2},
     true},
    {"two signatures",
     IDENTITY_AMBIGUOUS,
     "Authorization",
     NULL,
     NULL,
     {.authorization = V("SDK-HMAC-SHA256 x"), .authorization_count = 2},
     true},
    {"token and bearer",
     IDENTITY_AMBIGUOUS,
     "stand together",
     for_project,
     later,
     {.token_count = 1, .authorization = V("Bearer MIIA"), .authorization_count = 1},
     true},
    {"token and signature",
     IDENTITY_AMBIGUOUS,
     "stand together",
     for_project,
     later,
     {.token_count = 1, .authorization = V("SDK-HMAC-SHA256 Access=x"), .authorization_count = 1},
     true},
    {"token and basic",
     IDENTITY_AMBIGUOUS,
     "stand together",
     for_project,
     later,
     {.token_count = 1, .authorization = V("Basic YTpi"), .authorization_count = 1},
     true},
    {"signature",
     IDENTITY_SIGNATURE_REFUSED,
     "X-Auth-Token",
     NULL,
     NULL,
     {.authorization = V("SDK-HMAC-SHA256 Access=EXAMPLEAK"), .authorization_count = 1},
     true},
    {"signature in lower case",
     IDENTITY_SIGNATURE_REFUSED,
     "X-Auth-Token",
     NULL,
     NULL,
     {.authorization = V("sdk-hmac-sha256 Access=EXAMPLEAK"), .authorization_count = 1},
     true},
    {"other signature",
     IDENTITY_SIGNATURE_REFUSED,
     "X-Auth-Token",
     NULL,
     NULL,
     {.authorization = V("SDK-ECDSA-P256-SHA256 Access=x"), .authorization_count = 1},
     true},
    {"derived signature",
     IDENTITY_SIGNATURE_REFUSED,
     "X-Auth-Token",
     NULL,
     NULL,
     {.authorization = V("V11-HMAC-SHA256 Credential=x"), .authorization_count = 1},
     true},
};

/* A sentence for the caller: printable, and nothing of the credential in it. */
static void check_message(const struct refusal *row, const struct credentials *c,
                          const struct reason *why)
{
    struct view message = why->message, secrets[2] = {c->token, c->authorization};
    char *text = arena_strdup(&arena, message);

    if (strstr(text, row->says) == NULL)
        print_error("message %s\n", text);
    assert_row(strstr(text, row->says) != NULL, row->name);
    for (size_t i = 0; i < message.len; i++)
        assert_row(message.ptr[i] >= ' ' && message.ptr[i] <= '~', row->name);
    for (size_t i = 0; i < ARRAY_LEN(secrets); i++)
        assert_row(secrets[i].len < 8 || strstr(text, arena_strdup(&arena, secrets[i])) == NULL,
                   row->name);
}

static void check_refusal(const struct refusal *row, enum token_verify verify)
{
    struct credentials credentials = row->credentials;
    struct identified who;
    struct reason why = {.row = NULL};
    bool wanted = verify == VERIFY_DECODE || row->also_off;

    if (row->token_scope != NULL)
        credentials.token = make_token(row->token_scope, row->token_expires, 1);
    assert_row(judge(verify, &credentials, &who, &why) == !wanted, row->name);
    assert_row(who.subject.known == 0, row->name);
    assert_row(strcmp(who.credential.verified, "none") == 0, row->name);
    if (!wanted)
        return;
    assert_row(why.row == &identity_reasons[row->reason], row->name);
    assert_row(why.policy.ptr == NULL && why.rule.ptr == NULL && why.at.line == 0, row->name);
    check_message(row, &credentials, &why);
}

static void test_refusals(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
        check_refusal(&refusals[i], VERIFY_DECODE);
        check_refusal(&refusals[i], VERIFY_OFF);
    }
}

/* A refusal is recorded with the credential that was shown. */
static void test_refused_credentials_are_noted(void **state)
{
    struct view token = make_token(for_project, "1999-01-02T03:04:05Z", 1);
    struct credentials expired = with_token(token);
    struct credentials signed_one = with_authorization(view_str(signature));
    struct identified who;
    struct reason why;

    (void)state;
    assert_false(judge(VERIFY_DECODE, &expired, &who, &why));
    assert_string_equal(who.credential.kind, "token");
    check_digest(&who, token);
    assert_false(judge(VERIFY_DECODE, &signed_one, &who, &why));
    assert_string_equal(who.credential.kind, "signature");
    check_digest(&who, view_str(signature));
}

static void test_off(void **state)
{
    struct view token = VIEW("anything goes");
    struct credentials none = {.token_count = 0}, some = with_token(token);
    struct credentials basic = with_authorization(VIEW("Basic YTpi"));
    struct identified who;
    struct reason why;

    (void)state;
    assert_true(judge(VERIFY_OFF, &none, &who, &why));
    assert_string_equal(who.credential.kind, "none");
    assert_string_equal(who.credential.digest, "");
    assert_string_equal(who.credential.verified, "none");
    assert_int_equal(who.subject.known, 0);
    assert_int_equal(who.expires_us, 0);
    assert_true(judge(VERIFY_OFF, &some, &who, &why));
    assert_string_equal(who.credential.kind, "token");
    check_digest(&who, token);
    assert_int_equal(who.subject.known, 0);
    assert_true(judge(VERIFY_OFF, &basic, &who, &why));
    assert_string_equal(who.credential.kind, "none");
}

/* What needs others to be asked is an error until it is built. */
/* Asking IAM is for whoever has a connection to it. */
static void test_iam_is_to_be_asked(void **state)
{
    const struct credentials credentials = with_token(good_token());
    const struct identity_means means = {.verify = VERIFY_IAM};
    const struct identity_request request = {
        .credentials = credentials, .project = VIEW(PROJECT), .judged = true, .now_us = now_us};
    struct identity_found found;

    (void)state;
    assert_int_equal(identity_find(&means, &request, &arena, &found), IDENTITY_ASKS);
    assert_true(view_eq(found.question.token, credentials.token));
    assert_ptr_equal(found.question.digest, found.digest);
    assert_string_equal(found.who.credential.kind, "token");
    assert_string_equal(found.who.credential.verified, "none");
}

static void test_out_of_memory_is_no_bad_token(void **state)
{
    struct credentials credentials = with_token(good_token());
    struct identified who;
    struct reason why;
    struct arena small;

    (void)state;
    arena_init(&small, 16, 100);
    assert_false(caller_is_known(&(struct caller_case){.verify = VERIFY_DECODE,
                                                       .credentials = &credentials,
                                                       .project = VIEW(PROJECT),
                                                       .judged = true,
                                                       .now_us = now_us},
                                 &small, &who, &why));
    assert_ptr_equal(why.row, &identity_reasons[IDENTITY_UNAVAILABLE]);
    /* No memory for a sentence with ids in it: the table's line has to do. */
    credentials.project = VIEW(OTHER);
    credentials.project_count = 1;
    assert_false(caller_is_known(&(struct caller_case){.verify = VERIFY_DECODE,
                                                       .credentials = &credentials,
                                                       .project = VIEW(PROJECT),
                                                       .judged = true,
                                                       .now_us = now_us},
                                 &small, &who, &why));
    assert_ptr_equal(why.row, &identity_reasons[IDENTITY_PROJECT_MISMATCH]);
    assert_true(why.message.len > 10);
    arena_done(&small);
}

static bool look_unjudged_at(enum token_verify verify, const struct credentials *credentials,
                             struct view project, struct identified *who, struct reason *why)
{
    memset(who, 0xA5, sizeof *who);
    return caller_is_known(&(struct caller_case){.verify = verify,
                                                 .credentials = credentials,
                                                 .project = project,
                                                 .recorded = true,
                                                 .now_us = now_us},
                           &arena, who, why);
}

static bool look_unjudged(enum token_verify verify, const struct credentials *credentials,
                          struct identified *who, struct reason *why)
{
    return look_unjudged_at(verify, credentials, VIEW_NONE, who, why);
}

/* Of a call that leaves no line. */
static bool pass(const struct credentials *credentials, struct view project, struct reason *why)
{
    struct identified who;

    return caller_is_known(&(struct caller_case){.verify = VERIFY_DECODE,
                                                 .credentials = credentials,
                                                 .project = project},
                           &arena, &who, why);
}

static void test_unjudged_decodes_what_it_can(void **state)
{
    struct view token = make_token(for_other, later, 1);
    struct credentials credentials = with_token(token);
    struct identified who;
    struct reason why;

    (void)state;
    assert_true(look_unjudged(VERIFY_DECODE, &credentials, &who, &why));
    assert_view(who.subject.user_name, "alice");
    assert_string_equal(who.credential.verified, "decoded");
    check_digest(&who, token);
    assert_true(look_unjudged(VERIFY_OFF, &credentials, &who, &why));
    assert_int_equal(who.subject.known, 0);
    assert_string_equal(who.credential.verified, "none");
    check_digest(&who, token);
}

static void test_unjudged_refuses_signatures_and_several(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
        const struct refusal *row = &refusals[i];
        struct credentials credentials = row->credentials;
        bool dropped = strcmp(row->name, "token and signature") == 0;
        bool signature_there = row->reason == IDENTITY_SIGNATURE_REFUSED && !dropped;
        bool several = !dropped && (row->reason == IDENTITY_AMBIGUOUS ||
                                    strstr(row->name, "two words") != NULL);
        struct identified who;
        struct reason why = {.row = NULL};

        if (row->token_scope != NULL)
            credentials.token = make_token(row->token_scope, row->token_expires, 1);
        assert_row(look_unjudged(VERIFY_DECODE, &credentials, &who, &why) ==
                       !(signature_there || several),
                   row->name);
        assert_row(pass(&credentials, VIEW_NONE, &why) == !(signature_there || several), row->name);
        if (signature_there)
            assert_row(why.row == &identity_reasons[IDENTITY_SIGNATURE_REFUSED], row->name);
        else if (several)
            assert_row(why.row == &identity_reasons[IDENTITY_AMBIGUOUS], row->name);
        if (row->reason == IDENTITY_TOKEN_EXPIRED || row->reason == IDENTITY_TOKEN_MALFORMED)
            assert_row(who.subject.known == 0 && strcmp(who.credential.verified, "none") == 0,
                       row->name);
    }
}

static const struct {
    const char *name;
    struct credentials credentials;
    int refused; /* -1: taken */
    struct view path_project;
} unjudged[] = {
    {"nothing", {.token_count = 0}, -1, {NULL, 0}},
    {"an opaque token", {.token = V("opaque"), .token_count = 1}, -1, {NULL, 0}},
    {"an empty token", {.token = V(""), .token_count = 1}, -1, {NULL, 0}},
    {"a list", {.token = V("MIIA,MIIB"), .token_count = 1}, IDENTITY_AMBIGUOUS, {NULL, 0}},
    {"two words", {.token = V("MIIA MIIB"), .token_count = 1}, IDENTITY_AMBIGUOUS, {NULL, 0}},
    {"a tab", {.token = V("MIIA\tMIIB"), .token_count = 1}, IDENTITY_AMBIGUOUS, {NULL, 0}},
    {"bearer", {.authorization = V("Bearer MIIA"), .authorization_count = 1}, -1, {NULL, 0}},
    {"bearer of two",
     {.authorization = V("Bearer MIIA, Bearer MIIB"), .authorization_count = 1},
     IDENTITY_AMBIGUOUS,
     {NULL, 0}},
    {"something else",
     {.authorization = V("Basic YTpi, x"), .authorization_count = 1},
     -1,
     {NULL, 0}},
    {"the path's project", {.project = V(PROJECT), .project_count = 1}, -1, V(PROJECT)},
    {"another project",
     {.project = V(OTHER), .project_count = 1},
     IDENTITY_PROJECT_MISMATCH,
     V(PROJECT)},
    {"no project", {.project = V(""), .project_count = 1}, IDENTITY_PROJECT_MISMATCH, V(PROJECT)},
    {"a path without a project", {.project = V(OTHER), .project_count = 1}, -1, {NULL, 0}},
};

/* What the record names is what the cloud obeys. */
static void test_unjudged_is_one_token_of_one_project(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(unjudged); i++) {
        struct identified who;
        struct reason why = {.row = NULL};
        bool taken = unjudged[i].refused < 0;

        assert_row(pass(&unjudged[i].credentials, unjudged[i].path_project, &why) == taken,
                   unjudged[i].name);
        assert_row(look_unjudged_at(VERIFY_OFF, &unjudged[i].credentials, unjudged[i].path_project,
                                    &who, &why) == taken,
                   unjudged[i].name);
        if (!taken)
            assert_row(why.row == &identity_reasons[unjudged[i].refused], unjudged[i].name);
    }
}

static void test_reason_rows(void **state)
{
    static const int statuses[IDENTITY_REASON_COUNT] = {
        [IDENTITY_MISSING] = 401,
        [IDENTITY_AMBIGUOUS] = 400,
        [IDENTITY_SIGNATURE_REFUSED] = 401,
        [IDENTITY_TOKEN_MALFORMED] = 401,
        [IDENTITY_TOKEN_EXPIRED] = 401,
        [IDENTITY_TOKEN_UNSCOPED] = 401,
        [IDENTITY_PROJECT_MISMATCH] = 403,
        [IDENTITY_UNAVAILABLE] = 503,
        [IDENTITY_SIGNATURE_ALGORITHM] = 401,
        [IDENTITY_SIGNATURE_MALFORMED] = 401,
        [IDENTITY_SIGNATURE_HEADER] = 401,
        [IDENTITY_SIGNATURE_KEY] = 401,
        [IDENTITY_SIGNATURE_DATE] = 401,
        [IDENTITY_SIGNATURE_PAYLOAD] = 401,
        [IDENTITY_SIGNATURE_MISMATCH] = 401,
        [IDENTITY_SIGNATURE_REPLAYED] = 401,
        [IDENTITY_SIGNATURE_BUSY] = 503,
        [IDENTITY_TOKEN_REFUSED] = 401,
        [IDENTITY_CERTIFICATE_UNKNOWN] = 401,
        [IDENTITY_CERTIFICATE_AMBIGUOUS] = 401,
        [IDENTITY_CERTIFICATE_MALFORMED] = 401,
        [IDENTITY_FORWARDED_MALFORMED] = 400,
        [IDENTITY_OIDC_MALFORMED] = 401,
        [IDENTITY_OIDC_KEY] = 401,
        [IDENTITY_OIDC_SIGNATURE] = 401,
        [IDENTITY_OIDC_CLAIMS] = 401,
        [IDENTITY_OIDC_EXPIRED] = 401,
    };

    (void)state;
    for (size_t i = 0; i < IDENTITY_REASON_COUNT; i++) {
        assert_memory_equal(identity_reasons[i].code, "identity.", 9);
        assert_row(identity_reasons[i].status == statuses[i], identity_reasons[i].code);
        assert_row(strlen(identity_reasons[i].help) > 10, identity_reasons[i].code);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_decode, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_tokens_of_all_sizes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bearer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_project_header_that_agrees, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_refusals, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_refused_credentials_are_noted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_off, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_iam_is_to_be_asked, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_out_of_memory_is_no_bad_token, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unjudged_decodes_what_it_can, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unjudged_refuses_signatures_and_several, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_unjudged_is_one_token_of_one_project, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_reason_rows, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, token_signer_setup, token_signer_teardown);
}
