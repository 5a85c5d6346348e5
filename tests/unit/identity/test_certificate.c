/* SPDX-License-Identifier: Apache-2.0
 * Who a verified certificate is, and whom a proxy may name. */
#include "support/test.h"

#include "identity/certificate.h"

#define P1 "0123456789abcdef0123456789abcdef"
#define P2 "1123456789abcdef0123456789abcdef"
#define T(text)                \
    {                          \
        text, sizeof(text) - 1 \
    }

static const struct view first[] = {T(P1)}, second[] = {T(P2)};

static void patterns_stay_within_a_value(void **state)
{
    static const struct {
        const char *pattern, *subject;
        bool fits;
    } rows[] = {
        {"CN=alice,O=Example", "CN=alice,O=Example", true},
        {"CN=alice,O=Example", "CN=alice,O=example", false},
        {"CN=alice,O=Example", "O=Example,CN=alice", false},
        {"CN=alice,O=Example", "CN=alice,O=Example,C=DE", false},
        {"CN=alice,O=Example", "CN=alice", false},
        {"CN=alice", "CN=alice,O=Example", false},
        {"CN=alice,*", "CN=alice,O=Example,C=DE", true},
        {"CN=alice,*", "CN=alice", true},
        {"CN=alice,*", "CN=alicex", false},
        {"CN=alice,*", "OU=x,CN=alice", false},
        {"*", "CN=anybody", true},
        {"*", "", false},
        {"", "", false},
        {"CN=*,O=Example", "CN=bob,O=Example", true},
        {"CN=*,O=Example", "CN=,O=Example", true},
        {"CN=*,O=Example", "CN=bob,OU=x,O=Example", false},
        {"CN=*,O=Example", "CN=bob+UID=7,O=Example", false},
        {"CN=*+UID=7,O=Example", "CN=bob+UID=7,O=Example", true},
        {"CN=*,O=Example", "CN=bob\\,O=Example,O=Example", true},
        {"CN=*,O=Example", "CN=bob\\,O=Example", false},
        {"CN=*,O=Example", "CN=bob\\+x,O=Example", true},
        {"CN=*\\,x,O=a", "CN=b\\,x,O=a", true},
        {"CN=b\\,x,O=a", "CN=b,x,O=a", false},
        {"CN=a*b*c", "CN=aXbXbYc", true},
        {"CN=a*b*c", "CN=aXbXbYcd", false},
        {"CN=*\\", "CN=a\\\\", false},
        {"CN=a**", "CN=a", true},
        {"CN=a,O=*", "CN=a,O=b,C=c", false},
        {"CN=a*", "CN=a\\,O=b", true},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_row(certificate_pattern_fits(view_str(rows[i].pattern), view_str(rows[i].subject)) ==
                       rows[i].fits,
                   rows[i].pattern);
}

static void patterns_are_checked(void **state)
{
    static const struct {
        const char *pattern;
        bool ok;
    } rows[] = {
        {"CN=a", true},        {"*", true},       {"CN=a,*", true},     {"CN=*,O=x", true},
        {"", false},           {"alice", false},  {"CN=", false},       {"=a", false},
        {"CN=a,", false},      {",CN=a", false},  {"*,CN=a", false},    {"CN=a,*,O=b", false},
        {"C*=a", false},       {"CN=a\n", false}, {"CN=a, O=b", false}, {"CN=a\\,b", true},
        {"1.2.3=#0401", true},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_row(certificate_pattern_ok(view_str(rows[i].pattern)) == rows[i].ok,
                   rows[i].pattern);
}

/* A walk that goes back for each star would take for ever. */
static void no_pattern_is_slow(void **state)
{
    static char pattern[2000], subject[16000];

    (void)state;
    memcpy(pattern, "CN=", 3);
    for (size_t i = 3; i + 1 < sizeof pattern; i += 2)
        memcpy(pattern + i, "*a", 2);
    memset(subject, 'a', sizeof subject);
    memcpy(subject, "CN=", 3);
    subject[sizeof subject - 1] = 'b';
    assert_false(certificate_pattern_fits(view_of(pattern, sizeof pattern - 1),
                                          view_of(subject, sizeof subject)));
}

static const struct certificate_rule rules[] = {
    {.subject = T("CN=alice,*"),
     .san = T("alice@example.org"),
     .user = T("alice"),
     .user_id = T("a1"),
     .domain = T("d"),
     .projects = first,
     .project_count = 1},
    {.san = T("urn:bob"),
     .user = T("bob"),
     .user_id = T("bob"),
     .projects = first,
     .project_count = 1},
    {.subject = T("CN=bob"),
     .user = T("bob"),
     .user_id = T("bob"),
     .projects = second,
     .project_count = 1},
    {.subject = T("CN=eve"), .user = T("eve"), .user_id = T("eve")},
    {.user = T("all"), .user_id = T("all"), .projects = first, .project_count = 1},
};
static const struct certificate_rules all = {rules, ARRAY_LEN(rules)};

static const struct peer_name alice_names[] = {{PEER_DNS, T("host")},
                                               {PEER_EMAIL, T("alice@example.org")}};
static const struct peer_name bob_names[] = {{PEER_URI, T("urn:bob")}};
static const struct peer_name both_names[] = {{PEER_URI, T("urn:bob")},
                                              {PEER_EMAIL, T("alice@example.org")}};

static const struct peer alice = {
    .subject = T("CN=alice,O=x"), .names = alice_names, .name_count = 2, .digest = {0xAB, 0xCD}};
static const struct peer bob = {.subject = T("CN=bob"), .names = bob_names, .name_count = 1};

static void all_that_a_rule_gives_must_hold(void **state)
{
    const struct peer no_san = {.subject = T("CN=alice,O=x")};
    const struct peer both = {.subject = T("CN=alice,O=x"), .names = both_names, .name_count = 2};
    const struct peer odd = {.fault = "odd"};
    const struct peer eve = {.subject = T("CN=eve")};
    const struct {
        const struct peer *peer;
        const char *project;
        enum certificate_answer want;
        const char *user, *code;
    } rows[] = {
        {NULL, P1, CERTIFICATE_NOBODY, NULL, "identity.missing"},
        {&alice, P1, CERTIFICATE_KNOWN, "alice", NULL},
        {&alice, NULL, CERTIFICATE_KNOWN, "alice", NULL},
        {&alice, P2, CERTIFICATE_REFUSED, NULL, "identity.project_mismatch"},
        {&bob, P1, CERTIFICATE_KNOWN, "bob", NULL},
        {&bob, P2, CERTIFICATE_KNOWN, "bob", NULL},
        {&no_san, P1, CERTIFICATE_NOBODY, NULL, "identity.certificate_unknown"},
        {&both, P1, CERTIFICATE_REFUSED, NULL, "identity.certificate_ambiguous"},
        {&odd, P1, CERTIFICATE_REFUSED, NULL, "identity.certificate_malformed"},
        {&eve, P1, CERTIFICATE_REFUSED, NULL, "identity.project_mismatch"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct identified who;
        struct reason why;
        enum certificate_answer answer =
            identity_certificate(&all, rows[i].peer, view_str(rows[i].project), &who, &why);

        assert_int_equal(answer, rows[i].want);
        if (rows[i].user != NULL)
            assert_view_eq(who.subject.user_name, view_str(rows[i].user));
        else
            assert_int_equal(who.subject.known, 0);
        if (rows[i].code != NULL)
            assert_string_equal(why.row->code, rows[i].code);
        assert_string_equal(who.credential.verified, rows[i].user != NULL ? "certificate" : "none");
    }
}

static void without_rules_nobody_is_told_by_it(void **state)
{
    static const struct certificate_rules off = {NULL, 0};
    const struct peer odd = {.fault = "odd"};
    struct identified who;
    struct reason why;

    (void)state;
    assert_int_equal(identity_certificate(&off, &alice, VIEW(P1), &who, &why), CERTIFICATE_NOBODY);
    assert_string_equal(why.row->code, "identity.missing");
    assert_string_equal(who.credential.kind, "none");
    assert_int_equal(identity_certificate(&off, &odd, VIEW(P1), &who, &why), CERTIFICATE_NOBODY);
}

static void a_certificate_tells_no_roles(void **state)
{
    struct identified who;
    struct reason why;

    (void)state;
    assert_int_equal(identity_certificate(&all, &alice, VIEW(P1), &who, &why), CERTIFICATE_KNOWN);
    assert_int_equal(who.subject.known, SUBJECT_USER | SUBJECT_DOMAIN | SUBJECT_PROJECT);
    assert_view(who.subject.user_id, "a1");
    assert_view(who.subject.domain_name, "d");
    assert_view(who.subject.project_id, P1);
    assert_string_equal(who.credential.kind, "certificate");
    assert_string_equal(who.credential.digest, "abcd00000000");
    assert_int_equal(identity_certificate(&all, &bob, VIEW_NONE, &who, &why), CERTIFICATE_KNOWN);
    assert_int_equal(who.subject.known, SUBJECT_USER);
}

/* ---- a proxy in front ---- */

static const struct view proxies[] = {T("CN=proxy,*")};
static const struct forwarded_settings forwarded = {.header = T("X-Forwarded-User"),
                                                    .from = proxies,
                                                    .from_count = 1,
                                                    .projects = first,
                                                    .project_count = 1};

static enum certificate_answer forward(const struct peer *peer, const char *a, const char *b,
                                       struct identified *who, struct reason *why)
{
    const struct http1_field fields[] = {
        {.name = VIEW("Accept"), .value = VIEW("*/*")},
        {.name = VIEW("x-forwarded-USER"), .value = view_str(a)},
        {.name = VIEW("X-Forwarded-User"), .value = view_str(b)},
    };
    const struct http1_request head = {.fields = fields,
                                       .count = 1 + (a == NULL ? 0U : 1U) + (b == NULL ? 0U : 1U)};

    return identity_forwarded(&forwarded, peer, &head, VIEW(P1), who, why);
}

static void only_the_proxy_is_believed(void **state)
{
    const struct peer proxy = {.subject = T("CN=proxy,O=x"), .digest = {1}};
    const struct peer odd = {.subject = T("CN=proxy,O=x"), .fault = "odd"};
    const struct peer other = {.subject = T("CN=proxy2,O=x")};
    static const char *const bad[] = {"",         "a\x7f",    "a\tb", "a\xE2\x80\xAEz",
                                      "\xC0\xAF", "a\xC2\xA0"};
    struct identified who;
    struct reason why;

    (void)state;
    assert_int_equal(forward(&proxy, "alice", NULL, &who, &why), CERTIFICATE_KNOWN);
    assert_view(who.subject.user_name, "alice");
    assert_view(who.subject.user_id, "alice");
    assert_int_equal(who.subject.known, SUBJECT_USER | SUBJECT_PROJECT);
    assert_string_equal(who.credential.kind, "forwarded");
    assert_string_equal(who.credential.verified, "certificate");
    assert_string_equal(who.credential.digest, "010000000000");
    assert_int_equal(forward(NULL, "alice", NULL, &who, &why), CERTIFICATE_NOBODY);
    assert_int_equal(forward(&other, "alice", NULL, &who, &why), CERTIFICATE_NOBODY);
    assert_int_equal(forward(&other, "alice", "bob", &who, &why), CERTIFICATE_NOBODY);
    assert_int_equal(forward(&odd, "alice", NULL, &who, &why), CERTIFICATE_NOBODY);
    assert_int_equal(who.subject.known, 0);
    assert_string_equal(who.credential.kind, "none");
    assert_int_equal(forward(&proxy, NULL, NULL, &who, &why), CERTIFICATE_NOBODY);
    assert_int_equal(forward(&proxy, "alice", "alice", &who, &why), CERTIFICATE_REFUSED);
    assert_string_equal(why.row->code, "identity.forwarded_malformed");
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_row(forward(&proxy, bad[i], NULL, &who, &why) == CERTIFICATE_REFUSED, bad[i]);
        assert_string_equal(who.credential.verified, "none");
    }
    assert_int_equal(forward(&proxy, "J\xC3\xB6rg M\xC3\xBCller", NULL, &who, &why),
                     CERTIFICATE_KNOWN);
}

static void a_name_and_its_projects_are_bounded(void **state)
{
    const struct peer proxy = {.subject = T("CN=proxy,O=x")};
    const struct http1_request none = {.count = 0};
    char name[FORWARDED_USER_MAX + 2];
    struct http1_field field = {.name = VIEW("X-Forwarded-User"), .value = VIEW("alice")};
    const struct http1_request head = {.fields = &field, .count = 1};
    const struct forwarded_settings off = {.header = VIEW_NONE};
    struct identified who;
    struct reason why;

    (void)state;
    memset(name, 'a', sizeof name);
    name[FORWARDED_USER_MAX] = 0;
    assert_int_equal(forward(&proxy, name, NULL, &who, &why), CERTIFICATE_KNOWN);
    name[FORWARDED_USER_MAX] = 'a';
    name[FORWARDED_USER_MAX + 1] = 0;
    assert_int_equal(forward(&proxy, name, NULL, &who, &why), CERTIFICATE_REFUSED);
    assert_int_equal(identity_forwarded(&forwarded, &proxy, &head, VIEW(P2), &who, &why),
                     CERTIFICATE_REFUSED);
    assert_string_equal(why.row->code, "identity.project_mismatch");
    assert_int_equal(identity_forwarded(&off, &proxy, &head, VIEW(P1), &who, &why),
                     CERTIFICATE_NOBODY);
    assert_int_equal(identity_forwarded(&forwarded, &proxy, &none, VIEW(P1), &who, &why),
                     CERTIFICATE_NOBODY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_stay_within_a_value),
        cmocka_unit_test(patterns_are_checked),
        cmocka_unit_test(no_pattern_is_slow),
        cmocka_unit_test(all_that_a_rule_gives_must_hold),
        cmocka_unit_test(without_rules_nobody_is_told_by_it),
        cmocka_unit_test(a_certificate_tells_no_roles),
        cmocka_unit_test(only_the_proxy_is_believed),
        cmocka_unit_test(a_name_and_its_projects_are_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
