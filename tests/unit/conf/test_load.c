/* SPDX-License-Identifier: Apache-2.0
 * The settings: defaults, every key, every range at its ends, every rule between keys. */
#include "support/test.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "conf/conf.h"

#define URL    "upstream: {url: \"https://c.example\"}\n"
#define DECODE "identity: {tokens: {verify: decode}}\n"
#define P      "0123456789abcdef0123456789abcdef"
#define MTLS \
    URL "listen: [{address: \"127.0.0.1:1\", tls: {certificate: c, key: k, client_ca: a}}]\n"
#define SIGN       "identity: {sign_as: k, "
#define OIDC(jwks) "identity: {oidc: {issuer: i, audience: a, projects: [" P "], " jwks "}}"
#define SERVICE(value)                                                        \
    "upstream: {url: \"https://c.example\", service_credential: " value "}\n" \
    "identity: {tokens: {verify: decode}}\n"
#define NEEDED URL DECODE

static struct arena arena;
static struct diag diag;
static struct buf out;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 65536, 1 << 24);
    buf_init(&out, 65536);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    buf_done(&out);
    arena_done(&arena);
    return 0;
}

static bool load(struct view text, struct conf *conf)
{
    bool good;

    diag_init(&diag, &arena);
    good = conf_load("/e/p.yaml", text, &arena, &diag, conf);
    buf_clear(&out);
    diag_print(&diag, &out);
    assert_true(good == (diag.faults == 0));
    return good;
}

static struct conf load_good(struct view text)
{
    struct conf conf;

    if (!load(text, &conf))
        fail_msg("%.*s", VIEW_ARGS(buf_view(&out)));
    return conf;
}

static void fills_the_struct_with_defaults(void **state)
{
    struct conf conf = load_good(VIEW(NEEDED));

    (void)state;
    assert_string_equal(conf.path, "/e/p.yaml");
    assert_int_equal(conf.listen_count, 1);
    assert_string_equal(conf.listens[0].address.text, "127.0.0.1:8080");
    assert_null(conf.listens[0].certificate);
    assert_true(conf.has_status);
    assert_string_equal(conf.status.text, "127.0.0.1:9080");
    assert_string_equal(conf.admin_socket, "/e/run/admin.sock");
    assert_false(conf.has_admin_listen);
    assert_null(conf.quota.url);
    assert_int_equal(conf.quota.timeout_ms, 2000);
    assert_int_equal(conf.quota.lease_ms, 30000);
    assert_int_equal(conf.quota.reconcile_ms, 300000);
    assert_int_equal(conf.quota.grace_ms, 60000);
    assert_true(conf.quota.count_orphans);
    assert_string_equal(conf.upstream.url, "https://c.example");
    assert_string_equal(conf.upstream.host, "c.example");
    assert_int_equal(conf.upstream.port, 443);
    assert_null(conf.upstream.ca_file);
    assert_int_equal(conf.upstream.connect_ms, 5000);
    assert_int_equal(conf.upstream.tls_ms, 5000);
    assert_int_equal(conf.upstream.send_ms, 30000);
    assert_int_equal(conf.upstream.first_byte_ms, 60000);
    assert_int_equal(conf.upstream.idle_ms, 60000);
    assert_int_equal(conf.upstream.total_ms, 120000);
    assert_int_equal(conf.upstream.keep_alive_ms, 50000);
    assert_int_equal(conf.upstream.max_connections, 256);
    assert_int_equal(conf.identity.verify, VERIFY_DECODE);
    assert_string_equal(conf.policies, "/e/policies");
    assert_string_equal(conf.journal.directory, "/e/journal");
    assert_string_equal(conf.journal.sets, "/e/sets");
    assert_int_equal(conf.journal.durability, DURABILITY_SYNC);
    assert_int_equal(conf.journal.timeout_ms, 5000);
    assert_int_equal(conf.journal.segment_bytes, 67108864);
    assert_int_equal(conf.journal.keep_ms, INT64_C(34560000000));
    assert_int_equal(conf.journal.low_space_bytes, 1073741824);
    assert_false(conf.journal.keep_requests);
    assert_int_equal(conf.journal.redact.count, 0);
    assert_int_equal(conf.journal.warn_space_bytes, INT64_C(2147483648));
    assert_null(conf.journal.seal_key);
    assert_null(conf.journal.witness);
    assert_true(conf.other_pass);
    assert_int_equal(conf.routes_refuse_count, 29);
    assert_view(conf.routes_refuse[1], "POST /v2/*/training-jobs");
    assert_int_equal(conf.unknown_fields, UNKNOWN_REFUSE);
    assert_int_equal(conf.workers, 0);
    assert_int_equal(conf.log_level, LOG_INFO);
    assert_int_equal(conf.log_format, LOG_TEXT);
}

static void fills_the_limits_with_defaults(void **state)
{
    struct conf conf = load_good(VIEW(NEEDED));

    (void)state;
    assert_int_equal(conf.limits.head, 65536);
    assert_int_equal(conf.limits.uri, 8192);
    assert_int_equal(conf.limits.header_value, 32768);
    assert_int_equal(conf.limits.headers, 128);
    assert_int_equal(conf.limits.body, 262144);
    assert_int_equal(conf.limits.body_memory, 67108864);
    assert_int_equal(conf.limits.json_depth, 64);
    assert_int_equal(conf.limits.json_members, 8192);
    assert_int_equal(conf.limits.stream_body, 12582912);
    assert_int_equal(conf.limits.answer, 4194304);
    assert_int_equal(conf.limits.connections, 4096);
    assert_int_equal(conf.limits.per_address, 256);
    assert_int_equal(conf.limits.head_timeout_ms, 10000);
    assert_int_equal(conf.limits.body_timeout_ms, 30000);
    assert_int_equal(conf.limits.idle_timeout_ms, 75000);
    assert_int_equal(conf.limits.write_timeout_ms, 30000);
    assert_int_equal(conf.limits.drain_ms, 30000);
}

static void reads_every_key(void **state)
{
    struct conf conf = load_good(
        VIEW("version: 1\n"
             "listen:\n"
             "  - {address: \"127.0.0.2:0\"}\n"
             "  - address: 0.0.0.0:8443\n"
             "    tls: {certificate: a.pem, key: /b.key, client_ca: ./c.pem}\n"
             "  - {address: \"[::]:80\", plain: true}\n"
             "status: {address: \"[::1]:9\"}\n"
             "admin: {socket: /s, address: \"[::1]:7\",\n"
             "  tls: {certificate: ac.pem, key: ak.pem, client_ca: /aca.pem}}\n"
             "upstream:\n"
             "  url: https://cloud.example:9443/\n"
             "  ca_file: ca.pem\n"
             "  timeouts: {connect: 1s, tls: 2s, send: 3s, first_byte: 4s, idle: 5s, total: "
             "6s}\n"
             "  keep_alive: 7s\n"
             "  max_connections: 8\n"
             "  service_credential: {token_file: token, projects: "
             "[0123456789abcdef0123456789abcdef]}\n"
             "identity: {tokens: {verify: off, iam_url: \"https://i\", cache: 1m}, "
             "client_certificates: off, signatures: refuse}\n"
             "policies: ../p/\n"
             "journal: {directory: /var/j/, durability: write, timeout: 9s, segment: 1MB, "
             "keep: 10d, low_space: 11KB, requests: full, redact: [/a~1b/*/0]}\n"
             "quota: {store: local, timeout: 21s, lease: 22s, reconcile: 27s, grace: 28s, orphans: "
             "ignore}\n"
             "routes: {other: refuse, refuse: [\"POST /x/*\", \"* /y\"]}\n"
             "requests: {unknown_fields: pass}\n"
             "workers: 12\n"
             "limits: {head: 2KB, uri: 1KB, header_value: 2KB, headers: 13, body: 14KB, "
             "body_memory: 15MB, json_depth: 16, json_members: 17, stream_body: 18KB, answer: "
             "19MB, connections: 20, per_address: 21, head_timeout: 22s, body_timeout: 23s, "
             "idle_timeout: 24s, write_timeout: 25s, drain: 26s}\n"
             "log: {level: debug, format: json}\n"));

    (void)state;
    assert_int_equal(conf.listen_count, 3);
    assert_int_equal(conf.listens[0].address.port, 0);
    assert_string_equal(conf.listens[1].certificate, "/e/a.pem");
    assert_string_equal(conf.listens[1].key, "/b.key");
    assert_string_equal(conf.listens[1].client_ca, "/e/./c.pem");
    assert_int_equal(conf.listens[1].at.line, 4);
    assert_int_equal(conf.listens[1].at.column, 5);
    assert_null(conf.listens[2].certificate);
    assert_string_equal(conf.status.text, "[::1]:9");
    assert_string_equal(conf.admin_socket, "/s");
    assert_true(conf.has_admin_listen);
    assert_string_equal(conf.admin_listen.address.text, "[::1]:7");
    assert_string_equal(conf.admin_listen.certificate, "/e/ac.pem");
    assert_string_equal(conf.admin_listen.key, "/e/ak.pem");
    assert_string_equal(conf.admin_listen.client_ca, "/aca.pem");
    assert_string_equal(conf.upstream.host, "cloud.example");
    assert_int_equal(conf.upstream.port, 9443);
    assert_string_equal(conf.upstream.ca_file, "/e/ca.pem");
    assert_int_equal(conf.upstream.connect_ms, 1000);
    assert_int_equal(conf.upstream.tls_ms, 2000);
    assert_int_equal(conf.upstream.send_ms, 3000);
    assert_int_equal(conf.upstream.first_byte_ms, 4000);
    assert_int_equal(conf.upstream.idle_ms, 5000);
    assert_int_equal(conf.upstream.total_ms, 6000);
    assert_int_equal(conf.upstream.keep_alive_ms, 7000);
    assert_int_equal(conf.upstream.max_connections, 8);
    assert_string_equal(conf.upstream.token_file, "/e/token");
    assert_null(conf.upstream.access_key_file);
    assert_int_equal(conf.upstream.service_project_count, 1);
    assert_view(conf.upstream.service_projects[0], "0123456789abcdef0123456789abcdef");
    assert_null(conf.quota.url);
    assert_int_equal(conf.quota.timeout_ms, 21000);
    assert_int_equal(conf.quota.lease_ms, 22000);
    assert_int_equal(conf.quota.reconcile_ms, 27000);
    assert_int_equal(conf.quota.grace_ms, 28000);
    assert_false(conf.quota.count_orphans);
    assert_int_equal(conf.identity.verify, VERIFY_OFF);
    assert_string_equal(conf.policies, "/e/../p");
    assert_string_equal(conf.journal.directory, "/var/j");
    assert_string_equal(conf.journal.sets, "/var/sets");
    assert_int_equal(conf.journal.durability, DURABILITY_WRITE);
    assert_int_equal(conf.journal.timeout_ms, 9000);
    assert_int_equal(conf.journal.segment_bytes, 1048576);
    assert_int_equal(conf.journal.keep_ms, 864000000);
    assert_int_equal(conf.journal.low_space_bytes, 11264);
    assert_true(conf.journal.keep_requests);
    assert_int_equal(conf.journal.redact.count, 1);
    assert_int_equal(conf.journal.redact.paths[0].count, 3);
    assert_true(view_eq(conf.journal.redact.paths[0].steps[0], VIEW("a/b")));
    assert_null(conf.journal.redact.paths[0].steps[1].ptr);
    assert_int_equal(conf.journal.warn_space_bytes, 22528);
    assert_false(conf.other_pass);
    assert_int_equal(conf.routes_refuse_count, 2);
    assert_view(conf.routes_refuse[1], "* /y");
    assert_int_equal(conf.unknown_fields, UNKNOWN_PASS);
    assert_int_equal(conf.workers, 12);
    assert_int_equal(conf.limits.head, 2048);
    assert_int_equal(conf.limits.uri, 1024);
    assert_int_equal(conf.limits.header_value, 2048);
    assert_int_equal(conf.limits.headers, 13);
    assert_int_equal(conf.limits.body, 14336);
    assert_int_equal(conf.limits.body_memory, 15728640);
    assert_int_equal(conf.limits.json_depth, 16);
    assert_int_equal(conf.limits.json_members, 17);
    assert_int_equal(conf.limits.stream_body, 18432);
    assert_int_equal(conf.limits.answer, 19922944);
    assert_int_equal(conf.limits.connections, 20);
    assert_int_equal(conf.limits.per_address, 21);
    assert_int_equal(conf.limits.head_timeout_ms, 22000);
    assert_int_equal(conf.limits.body_timeout_ms, 23000);
    assert_int_equal(conf.limits.idle_timeout_ms, 24000);
    assert_int_equal(conf.limits.write_timeout_ms, 25000);
    assert_int_equal(conf.limits.drain_ms, 26000);
    assert_int_equal(conf.log_level, LOG_DEBUG);
    assert_int_equal(conf.log_format, LOG_JSON);
}

static void reads_how_the_journal_is_guarded(void **state)
{
    struct conf conf = load_good(VIEW(URL "journal: {low_space: {warn: 4GB, refuse: 3GB},\n"
                                          "  seal: {key: seal.key, every: 90s}, witness: ../w}\n"));

    (void)state;
    assert_int_equal(conf.journal.low_space_bytes, INT64_C(3221225472));
    assert_int_equal(conf.journal.warn_space_bytes, INT64_C(4294967296));
    assert_string_equal(conf.journal.seal_key, "/e/seal.key");
    assert_int_equal(conf.journal.seal_key_at.line, 3);
    assert_int_equal(conf.journal.seal_every_ms, 90000);
    assert_string_equal(conf.journal.witness, "/e/../w");
    conf = load_good(VIEW(URL "journal: {seal: {key: /k}, witness: syslog}\n"));
    assert_int_equal(conf.journal.seal_every_ms, 300000);
    assert_string_equal(conf.journal.seal_key, "/k");
    assert_string_equal(conf.journal.witness, JOURNAL_SYSLOG);
    conf = load_good(VIEW(URL "journal: {seal: {key: /k}, witness: ./syslog}\n"));
    assert_string_equal(conf.journal.witness, "/e/./syslog");
}

static void reads_how_callers_are_told(void **state)
{
    struct conf conf = load_good(VIEW(
        URL "listen: [{address: \"127.0.0.1:1\", tls: {certificate: c, key: k, client_ca: a}}]\n"
            "identity:\n"
            "  tokens: {verify: certificate, iam_url: \"https://iam.example:8443\", ca_file: ca,\n"
            "    cache: 1m, certificate: iam.pem}\n"
            "  signatures: verify\n"
            "  access_keys: keys.yaml\n"
            "  sign_as: /own.yaml\n"
            "  oidc: {issuer: \"https://i\", audience: us, jwks: \"https://i.example:99/k?x=1\",\n"
            "    user_claim: email, groups_claim: roles, projects: [" P "]}\n"
            "  forwarded_user: {header: X-User, from: [\"CN=proxy,*\"], projects: [" P "]}\n"
            "  client_certificates:\n"
            "    rules:\n"
            "      - {subject: \"CN=a\", user: alice, user_id: i, domain: d, projects: [" P "]}\n"
            "      - {san: b, user: bob, projects: [" P "]}\n"));
    const struct conf_identity *identity = &conf.identity;
    const struct certificate_rule *rules = identity->certificates.rules;

    (void)state;
    assert_int_equal(identity->verify, VERIFY_CERTIFICATE);
    assert_string_equal(identity->iam_url, "https://iam.example:8443");
    assert_string_equal(identity->iam_host, "iam.example");
    assert_int_equal(identity->iam_port, 8443);
    assert_string_equal(identity->iam_ca_file, "/e/ca");
    assert_int_equal(identity->cache_ms, 60000);
    assert_string_equal(identity->certificate, "/e/iam.pem");
    assert_int_equal(identity->signatures, SIGNATURES_VERIFY);
    assert_string_equal(identity->access_keys, "/e/keys.yaml");
    assert_string_equal(identity->sign_as, "/own.yaml");
    assert_view(identity->oidc.issuer, "https://i");
    assert_view(identity->oidc.audience, "us");
    assert_view(identity->oidc.user_claim, "email");
    assert_view(identity->oidc.groups_claim, "roles");
    assert_view(identity->oidc.projects[0], P);
    assert_null(identity->oidc.jwks_file);
    assert_string_equal(identity->oidc.jwks_url, "https://i.example:99/k?x=1");
    assert_string_equal(identity->oidc.jwks_host, "i.example");
    assert_string_equal(identity->oidc.jwks_path, "/k?x=1");
    assert_int_equal(identity->oidc.jwks_port, 99);
    assert_view(identity->forwarded.header, "X-User");
    assert_int_equal(identity->forwarded.from_count, 1);
    assert_view(identity->forwarded.from[0], "CN=proxy,*");
    assert_view(identity->forwarded.projects[0], P);
    assert_int_equal(identity->certificates.count, 2);
    assert_view(rules[0].subject, "CN=a");
    assert_null(rules[0].san.ptr);
    assert_view(rules[0].user, "alice");
    assert_view(rules[0].user_id, "i");
    assert_view(rules[0].domain, "d");
    assert_view(rules[0].projects[0], P);
    assert_view(rules[1].san, "b");
    assert_null(rules[1].subject.ptr);
    assert_view(rules[1].user_id, "bob");
    assert_null(rules[1].domain.ptr);
}

static void iam_is_asked_unless_told_otherwise(void **state)
{
    struct conf conf = load_good(VIEW(URL));

    (void)state;
    assert_int_equal(conf.identity.verify, VERIFY_IAM);
    assert_string_equal(conf.identity.iam_host, "iam.eu-de.otc.t-systems.com");
    assert_int_equal(conf.identity.iam_port, 443);
    assert_null(conf.identity.iam_ca_file);
    assert_int_equal(conf.identity.cache_ms, 300000);
    assert_null(conf.identity.sign_as);
    assert_null(conf.identity.oidc.issuer.ptr);
    assert_null(conf.identity.forwarded.header.ptr);
    assert_int_equal(conf.identity.certificates.count, 0);
    assert_int_equal(diag.count, 0);
}

static void what_has_no_effect_is_told(void **state)
{
    static const char *const rows[] = {
        URL "identity: {tokens: {certificate: c}}",
        URL "identity: {access_keys: k}",
        URL "identity: {signatures: relay, access_keys: k}",
        URL "identity: {sign_as: k}",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct conf conf = load_good(view_str(rows[i]));

        (void)conf;
        assert_row(diag.count == 1 && diag.items[0].warning, rows[i]);
    }
}

/* One fault each; `text` stands alone, so that lines count from 1. */
static void refuses(void **state)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"", "/e/p.yaml:1:1: upstream is missing\n"},
        {URL "identity: {tokens: {verify: certificate}}",
         "/e/p.yaml:2:29: verify: certificate needs `certificate`, a PEM file with the "
         "certificate that IAM signs tokens with\n"},
        {URL "identity: {tokens: {verify: on}}",
         "/e/p.yaml:2:29: verify: expected iam, certificate, decode or off, found \"on\"\n"},
        {URL "identity: {tokens: {verify: off, iam_url: \"http://i\"}}",
         "/e/p.yaml:2:43: iam_url: http:// is refused, tokens would cross the network in the "
         "clear; write https://\n"},
        {URL "identity: {signatures: verify}",
         "/e/p.yaml:2:24: signatures: verify needs access_keys, the file of the keys to verify "
         "with\n"},
        {URL "identity: {client_certificates: on}",
         "/e/p.yaml:2:33: client_certificates: expected off or a mapping with rules, found "
         "\"on\"\n"},
        {URL "identity: {client_certificates: []}",
         "/e/p.yaml:2:33: client_certificates: expected off or a mapping with rules, found a "
         "list\n"},
        {URL "identity: {tokens: {verify: decode}, sign_as: k, signatures: verify, access_keys: a}",
         "/e/p.yaml:2:47: sign_as: a key that signs for callers does not go together with verify: "
         "decode, which believes what callers say; set iam or certificate\n"},
        {URL "identity: {tokens: {verify: off}, sign_as: k, signatures: verify, access_keys: a}",
         "/e/p.yaml:2:44: sign_as: a key that signs for callers does not go together with verify: "
         "off, which believes what callers say; set iam or certificate\n"},
        {MTLS "identity: {client_certificates: {rules: [{san: a, user: u, projects: [" P "]}]}}",
         "/e/p.yaml:3:33: client_certificates: needs sign_as, the access key that signs for "
         "callers without one\n"},
        {URL "identity: {sign_as: k, client_certificates: {rules: [{san: a, user: u, projects: "
             "[" P "]}]}}",
         "/e/p.yaml:2:45: client_certificates: needs a listener with tls and client_ca, or no "
         "client has a certificate\n"},
        {MTLS SIGN "client_certificates: {}}", "/e/p.yaml:3:45: rules is missing\n"},
        {MTLS SIGN "client_certificates: {rules: []}}",
         "/e/p.yaml:3:53: rules: expected a list of 1 to 1000 rules\n"},
        {MTLS SIGN "client_certificates: {rules: [a]}}",
         "/e/p.yaml:3:54: expected a mapping, found \"a\"\n"},
        {MTLS SIGN "client_certificates: {rules: [{user: u, projects: [" P "]}]}}",
         "/e/p.yaml:3:54: expected subject, san or both in a rule\n"},
        {MTLS SIGN "client_certificates: {rules: [{san: a, projects: [" P "]}]}}",
         "/e/p.yaml:3:54: user is missing\n"},
        {MTLS SIGN "client_certificates: {rules: [{san: a, user: u}]}}",
         "/e/p.yaml:3:54: projects is missing\n"},
        {MTLS SIGN "client_certificates: {rules: [{san: a, user: u, projects: []}]}}",
         "/e/p.yaml:3:82: projects: expected at least one\n"},
        {MTLS SIGN "client_certificates: {rules: [{san: a, user: u, projects: [x]}]}}",
         "/e/p.yaml:3:83: projects: expected the id of a project, 32 hex digits in lower case, "
         "found \"x\"\n"},
        {MTLS SIGN "client_certificates: {rules: [{san: a, user: \"u\\n\", projects: [" P "]}]}}",
         "/e/p.yaml:3:69: user: expected text without control characters\n"},
        {MTLS SIGN "client_certificates: {rules: [{subject: alice, user: u, projects: [" P "]}]}}",
         "/e/p.yaml:3:64: subject: expected a subject like \"CN=alice,O=Example\", in which * "
         "stands for any run of characters of a value and a last * for any parts, found "
         "\"alice\"\n"},
        {URL OIDC("jwks: j"), "/e/p.yaml:2:18: oidc: needs sign_as, the access key that signs for "
                              "callers without one\n"},
        {URL SIGN "oidc: {issuer: i, audience: a, projects: [" P "]}}",
         "/e/p.yaml:2:30: jwks is missing\n"},
        {URL SIGN "oidc: {issuer: i, jwks: j, projects: [" P "]}}",
         "/e/p.yaml:2:30: audience is missing\n"},
        {URL SIGN "oidc: {audience: i, jwks: j, projects: [" P "]}}",
         "/e/p.yaml:2:30: issuer is missing\n"},
        {URL SIGN "oidc: {issuer: i, audience: i, jwks: j}}",
         "/e/p.yaml:2:30: projects is missing\n"},
        {URL SIGN "oidc: {issuer: i, audience: a, projects: [" P "], jwks: \"http://i/k\"}}",
         "/e/p.yaml:2:107: jwks: expected a file or an https:// URL, found \"http://i/k\"\n"},
        {URL SIGN "oidc: {issuer: i, audience: a, projects: [" P "], jwks: \"https://u@i/k\"}}",
         "/e/p.yaml:2:107: jwks: expected https://HOST or https://HOST:PORT without path, user or "
         "query\n"},
        {URL SIGN "oidc: {issuer: i, audience: a, projects: [" P "], jwks: \"https://i/k#a\"}}",
         "/e/p.yaml:2:107: jwks: expected a URL of visible ASCII characters without a fragment\n"},
        {MTLS "identity: {forwarded_user: {header: X-User, from: [\"*\"], projects: [" P "]}}",
         "/e/p.yaml:3:28: forwarded_user: needs sign_as, the access key that signs for callers "
         "without one\n"},
        {URL SIGN "forwarded_user: {header: X-User, from: [\"*\"], projects: [" P "]}}",
         "/e/p.yaml:2:40: forwarded_user: needs a listener with tls and client_ca, or no client "
         "has a certificate\n"},
        {MTLS SIGN "forwarded_user: {header: X-Auth-Token, from: [\"*\"], projects: [" P "]}}",
         "/e/p.yaml:3:49: header: expected the name of a header that is free for this, beginning "
         "with X- or Remote-, found \"X-Auth-Token\"\n"},
        {MTLS SIGN "forwarded_user: {header: \"X-User:\", from: [\"*\"], projects: [" P "]}}",
         "/e/p.yaml:3:49: header: expected the name of a header that is free for this, beginning "
         "with X- or Remote-, found \"X-User:\"\n"},
        {MTLS SIGN "forwarded_user: {header: Authorization, from: [\"*\"], projects: [" P "]}}",
         "/e/p.yaml:3:49: header: expected the name of a header that is free for this, beginning "
         "with X- or Remote-, found \"Authorization\"\n"},
        {MTLS SIGN "forwarded_user: {header: X-User, from: [], projects: [" P "]}}",
         "/e/p.yaml:3:63: from: expected at least one\n"},
        {MTLS SIGN "forwarded_user: {header: X-User, from: [\"CN=*,*,O=x\"], projects: [" P "]}}",
         "/e/p.yaml:3:64: from: expected a subject like \"CN=alice,O=Example\", in which * "
         "stands for any run of characters of a value and a last * for any parts, found "
         "\"CN=*,*,O=x\"\n"},
        {DECODE "upstream: {}", "/e/p.yaml:2:11: url is missing\n"},
        {DECODE "upstream: {url: \"\"}",
         "/e/p.yaml:2:17: url: expected text of 1 to 1000 bytes, found one of 0\n"},
        {DECODE "upstream: {url: \"http://c.example\"}",
         "/e/p.yaml:2:17: url: http:// is refused, tokens would cross the network in the clear; "
         "write https://\n"},
        {NEEDED "version: 2", "/e/p.yaml:3:10: version: expected 1, found 2\n"},
        {NEEDED "version: one",
         "/e/p.yaml:3:10: version: expected a whole number, found \"one\"\n"},
        {NEEDED "listen: []", "/e/p.yaml:3:9: listen: expected 1 to 64 listeners, found 0\n"},
        {NEEDED "listen: 127.0.0.1:8080",
         "/e/p.yaml:3:9: listen: expected a list of listeners, found text\n"},
        {NEEDED "listen: [127.0.0.1]", "/e/p.yaml:3:10: expected a mapping, found \"127.0.0.1\"\n"},
        {NEEDED "listen: [{plain: true}]", "/e/p.yaml:3:10: address is missing\n"},
        {NEEDED "listen: [{address: \"0.0.0.0:80\"}]",
         "/e/p.yaml:3:20: address: 0.0.0.0:80 can be reached from outside and has no tls; add "
         "tls, or `plain: true` if something in front encrypts\n"},
        {NEEDED "listen: [{address: \"[::]:80\", plain: false}]",
         "/e/p.yaml:3:20: address: [::]:80 can be reached from outside and has no tls; add tls, "
         "or `plain: true` if something in front encrypts\n"},
        {NEEDED "listen: [{address: \"0.0.0.0:80\", tls: {certificate: c, key: k}, plain: true}]",
         "/e/p.yaml:3:72: plain: true contradicts tls; leave one of them out\n"},
        {NEEDED "listen: [{address: \"0.0.0.0:80\", tls: {certificate: c}}]",
         "/e/p.yaml:3:39: key is missing\n"},
        {NEEDED "listen: [{address: \"127.0.0.1:80\"}, {address: \"127.0.0.1:80\"}]",
         "/e/p.yaml:3:47: address: 127.0.0.1:80 is in the list already\n"},
        {NEEDED "admin: {socket: \"\"}",
         "/e/p.yaml:3:17: socket: expected text of 1 to 4000 bytes, found one of 0\n"},
        {NEEDED "journal: {segment: 1023KB}",
         "/e/p.yaml:3:20: segment: expected a size from 1MB to 64GB (a whole number and one of B "
         "KB MB GB), found \"1023KB\"\n"},
        {NEEDED "journal: {directory: sets}",
         "/e/p.yaml:3:22: directory: the journal can't be /e/sets; copies of policy sets are kept "
         "in /e/sets\n"},
        {NEEDED "journal: {directory: /}",
         "/e/p.yaml:3:22: directory: the journal can't be /; copies of policy sets are kept in "
         "/sets\n"},
        {NEEDED "quota: {store: \"postgres:u:secret@h/d\"}",
         "/e/p.yaml:3:16: store: expected local or postgresql://USER@HOST:PORT/DATABASE\n"},
        {NEEDED "quota: {store: memory}",
         "/e/p.yaml:3:16: store: expected local or postgresql://USER@HOST:PORT/DATABASE, found "
         "\"memory\"\n"},
        {SERVICE("{}"), "/e/p.yaml:1:58: service_credential: needs token_file or "
                        "access_key_file\n"},
        {SERVICE("{token_file: a, access_key_file: b}"),
         "/e/p.yaml:1:58: service_credential: needs token_file or access_key_file, not both\n"},
        {SERVICE("{token_file: a, projects: [p, 0123456789ABCDEF0123456789abcdef]}"),
         "/e/p.yaml:1:85: projects: expected the id of a project, 32 hex digits in lower case, "
         "found \"p\"\n"
         "/e/p.yaml:1:88: projects: expected the id of a project, 32 hex digits in lower case, "
         "found \"0123456789ABCDEF0123456789abcdef\"\n"},
        {SERVICE("{token: a}"),
         "/e/p.yaml:1:59: unknown key \"token\"; known here: token_file, access_key_file, "
         "projects\n"
         "/e/p.yaml:1:58: service_credential: needs token_file or access_key_file\n"},
        {NEEDED "quota: {reconcile: 99ms}",
         "/e/p.yaml:3:20: reconcile: expected a duration from 100ms to 24h (a whole number and one "
         "of ms s m h d), found \"99ms\"\n"},
        {NEEDED "quota: {grace: 61m}",
         "/e/p.yaml:3:16: grace: expected a duration from 0s to 1h (a whole number and one of ms s "
         "m h d), found \"61m\"\n"},
        {NEEDED "quota: {orphans: keep}",
         "/e/p.yaml:3:18: orphans: expected count or ignore, found \"keep\"\n"},
        {NEEDED "quota: {timeout: 49ms}",
         "/e/p.yaml:3:18: timeout: expected a duration from 50ms to 1m (a whole number and one of "
         "ms s m h d), found \"49ms\"\n"},
        {NEEDED "quota: {lease: 11m}",
         "/e/p.yaml:3:16: lease: expected a duration from 1s to 10m (a whole number and one of ms "
         "s m h d), found \"11m\"\n"},
        {NEEDED "admin: {address: \"127.0.0.1:1\"}",
         "/e/p.yaml:3:18: address: the admin API is not served without client certificates; add "
         "tls with certificate, key and client_ca\n"},
        {NEEDED "admin: {address: \"127.0.0.1:1\", tls: {certificate: c, key: k}}",
         "/e/p.yaml:3:38: client_ca is missing\n"},
        {NEEDED "admin: {address: \"127.0.0.1:1\", tls: []}",
         "/e/p.yaml:3:38: tls: expected a mapping, found a list\n"},
        {NEEDED "admin: {address: host, tls: {certificate: c, key: k, client_ca: a}}",
         "/e/p.yaml:3:18: address: \"host\" is not an address: expected a numeric IP and a port, "
         "as "
         "in 127.0.0.1:8080 or [::1]:8443\n"},
        {NEEDED "admin: {tls: {certificate: c, key: k, client_ca: a}}",
         "/e/p.yaml:3:14: tls: it is for address, which is left out\n"},
        {NEEDED "routes: {refuse: [POST /a, POST, \"post /a\", POST a]}",
         "/e/p.yaml:3:28: refuse: expected \"METHOD /path\" with * for any run of characters, "
         "found \"POST\"\n"
         "/e/p.yaml:3:34: refuse: expected \"METHOD /path\" with * for any run of characters, "
         "found \"post /a\"\n"
         "/e/p.yaml:3:45: refuse: expected \"METHOD /path\" with * for any run of characters, "
         "found \"POST a\"\n"},
        {NEEDED "journal: {requests: all, redact: [/a, a, /b~x]}",
         "/e/p.yaml:3:21: requests: expected digest or full, found \"all\"\n"
         "/e/p.yaml:3:39: redact: expected a JSON Pointer that begins with '/', such as "
         "/spec/annotations/*, found \"a\"\n"
         "/e/p.yaml:3:42: redact: expected ~0 for each ~ and ~1 for each / in a name (RFC "
         "6901), found \"/b~x\"\n"},
        {NEEDED "routes: {other: deny}",
         "/e/p.yaml:3:17: other: expected refuse or pass, found \"deny\"\n"},
        {NEEDED "workers: 0",
         "/e/p.yaml:3:10: workers: expected auto or a whole number from 1 to 256, found \"0\"\n"},
        {NEEDED "workers: 257",
         "/e/p.yaml:3:10: workers: expected auto or a whole number from 1 to 256, found \"257\"\n"},
        {NEEDED "limits: {uri: 33KB, head: 32KB}",
         "/e/p.yaml:3:15: uri: 33KB is more than head, which is 32KB\n"},
        {NEEDED "limits: {head: 31KB}",
         "/e/p.yaml:3:16: header_value: 32KB is more than head, which is 31KB\n"},
        {NEEDED "limits: {head: 4KB}",
         "/e/p.yaml:3:16: uri: 8KB is more than head, which is 4KB\n"
         "/e/p.yaml:3:16: header_value: 32KB is more than head, which is 4KB\n"},
        {NEEDED "limits: {body: 2MB, body_memory: 1MB}",
         "/e/p.yaml:3:16: body: 2MB is more than body_memory, which is 1MB\n"},
        {NEEDED "journal: {low_space: {refuse: 2GB, warn: 1GB}}",
         "/e/p.yaml:3:31: refuse: 2GB is more than warn, which is 1GB\n"},
        {NEEDED "journal: {low_space: {warn: 1023MB}}",
         "/e/p.yaml:3:29: refuse: 1GB is more than warn, which is 1023MB\n"},
        {NEEDED "journal: {low_space: [1GB]}",
         "/e/p.yaml:3:22: low_space: expected a mapping, or one value, found a list\n"},
        {NEEDED "journal: {low_space: much}",
         "/e/p.yaml:3:22: low_space: expected a size from 0B to 1024GB (a whole number and one of "
         "B KB MB GB), found \"much\"\n"},
        {NEEDED "journal: {seal: {every: 5m}}", "/e/p.yaml:3:17: key is missing\n"},
        {NEEDED "journal: {seal: k}", "/e/p.yaml:3:17: seal: expected a mapping, found \"k\"\n"},
        {NEEDED "journal: {witness: w}",
         "/e/p.yaml:3:20: witness: there is nothing to tell it; add seal with the key to sign "
         "with\n"},
        {NEEDED "journal: {seal: {key: k}, witness: journal/w}",
         "/e/p.yaml:3:36: witness: expected a file outside of the journal's folder /e/journal, "
         "found /e/journal/w\n"},
        {NEEDED "log: {level: trace}",
         "/e/p.yaml:3:14: level: expected error, warning, info or debug, found \"trace\"\n"},
        {NEEDED "upstram: {}", "/e/p.yaml:3:1: unknown key \"upstram\"; did you mean "
                               "\"upstream\"?\n"},
        {NEEDED "limits: {per_adress: 1}",
         "/e/p.yaml:3:10: unknown key \"per_adress\"; did you mean \"per_address\"?\n"},
        {NEEDED "signing: {key: k}",
         "/e/p.yaml:3:1: unknown key \"signing\"; known here: version, listen, status, admin, "
         "upstream, identity, policies, journal, sinks, quota, routes, requests, workers, "
         "limits, log\n"},
        {"[a]", "/e/p.yaml:1:1: expected a mapping, found a list\n"},
        {"a: [", "/e/p.yaml:2:1: not valid YAML: did not find expected node content, while parsing "
                 "a flow node\n"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct conf conf = {.path = "before"};

        assert_row(!load(view_str(rows[i].text), &conf), rows[i].text);
        if (!view_eq(buf_view(&out), view_str(rows[i].want)))
            print_error("got:  %.*swant: %s", VIEW_ARGS(buf_view(&out)), rows[i].want);
        assert_row(view_eq(buf_view(&out), view_str(rows[i].want)), rows[i].text);
        assert_row(strcmp(conf.path, "before") == 0, rows[i].text);
    }
}

static void urls(void **state)
{
    static const struct {
        const char *url, *host; /* NULL: refused */
        uint16_t port;
    } rows[] = {
        {"https://c.example", "c.example", 443},
        {"https://c.example/", "c.example", 443},
        {"https://C-1.Example:8443", "C-1.Example", 8443},
        {"https://c:65535/", "c", 65535},
        {"https://127.0.0.1:1", "127.0.0.1", 1},
        {"https://[::1]", "::1", 443},
        {"https://[2001:db8::1]:8443/", "2001:db8::1", 8443},
        {"https://1password.example", "1password.example", 443},
        {"https://", NULL, 0},
        {"https:///", NULL, 0},
        {"https://c.example//", NULL, 0},
        {"https://c.example/v1", NULL, 0},
        {"https://c.example?a", NULL, 0},
        {"https://c.example#a", NULL, 0},
        {"https://u@c.example", NULL, 0},
        {"https://u:p@c.example", NULL, 0},
        {"https://c.example:", NULL, 0},
        {"https://c.example:0", NULL, 0},
        {"https://c.example:65536", NULL, 0},
        {"https://c.example:0443", NULL, 0},
        {"https://c.example:443x", NULL, 0},
        {"https://c.example:1:2", NULL, 0},
        {"https://c..example", NULL, 0},
        {"https://.c", NULL, 0},
        {"https://c.", NULL, 0},
        {"https://-c", NULL, 0},
        {"https://c-.d", NULL, 0},
        {"https://c_d", NULL, 0},
        {"https://c d", NULL, 0},
        {"https://c%2e", NULL, 0},
        {"https://\xc3\xa4.example", NULL, 0},
        {"https://1.2.3", NULL, 0},
        {"https://1.2.3.256", NULL, 0},
        {"https://2130706433", NULL, 0},
        {"https://[::1", NULL, 0},
        {"https://[]", NULL, 0},
        {"https://[1.2.3.4]", NULL, 0},
        {"https://[::1]x", NULL, 0},
        {"https://[c.example]", NULL, 0},
        {"HTTPS://c.example", NULL, 0},
        {"http://c.example", NULL, 0},
        {"ftp://c.example", NULL, 0},
        {"c.example", NULL, 0},
        {"//c.example", NULL, 0},
        {"https:c.example", NULL, 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct conf conf;
        bool good =
            load(arena_printf(&arena, DECODE "upstream: {url: \"%s\"}\n", rows[i].url), &conf);

        if (good != (rows[i].host != NULL))
            print_error("%.*s", VIEW_ARGS(buf_view(&out)));
        assert_row(good == (rows[i].host != NULL), rows[i].url);
        if (good)
            assert_row(strcmp(conf.upstream.host, rows[i].host) == 0 &&
                           conf.upstream.port == rows[i].port,
                       rows[i].url);
        else
            assert_row(diag.faults == 1 && diag.items[0].loc.line == 2, rows[i].url);
    }
}

static void long_host_names(void **state)
{
    char label[65], name[300];
    struct conf conf;

    (void)state;
    memset(label, 'a', 64);
    label[64] = '\0';
    assert_true(
        load(arena_printf(&arena, DECODE "upstream: {url: \"https://%.63s\"}", label), &conf));
    assert_false(
        load(arena_printf(&arena, DECODE "upstream: {url: \"https://%s\"}", label), &conf));
    memset(name, 'a', sizeof name);
    for (size_t i = 50; i < sizeof name; i += 51)
        name[i] = '.';
    assert_true(
        load(arena_printf(&arena, DECODE "upstream: {url: \"https://%.253s\"}", name), &conf));
    assert_false(
        load(arena_printf(&arena, DECODE "upstream: {url: \"https://%.254s\"}", name), &conf));
}

/* Each range: its ends load, what lies beside them doesn't. */
static void ranges(void **state)
{
    static const struct {
        const char *where, *low, *below, *high, *above;
    } rows[] = {
        {"upstream: {url: \"https://c\", timeouts: {connect: %s}}", "10ms", "9ms", "1h", "61m"},
        {"upstream: {url: \"https://c\", timeouts: {tls: %s}}", "10ms", "9ms", "1h", "61m"},
        {"upstream: {url: \"https://c\", timeouts: {send: %s}}", "10ms", "9ms", "1h", "61m"},
        {"upstream: {url: \"https://c\", timeouts: {first_byte: %s}}", "10ms", "9ms", "1h", "61m"},
        {"upstream: {url: \"https://c\", timeouts: {idle: %s}}", "10ms", "9ms", "1h", "61m"},
        {"upstream: {url: \"https://c\", timeouts: {total: %s}}", "10ms", "9ms", "1d", "25h"},
        {"upstream: {url: \"https://c\", keep_alive: %s}", "100ms", "99ms", "1h", "61m"},
        {"upstream: {url: \"https://c\", max_connections: %s}", "1", "0", "65535", "65536"},
        {"journal: {timeout: %s}", "10ms", "0s", "10m", "11m"},
        {"journal: {segment: %s}", "1MB", "1023KB", "64GB", "65GB"},
        {"journal: {keep: %s}", "1h", "59m", "36500d", "36501d"},
        {"journal: {low_space: %s}", "0B", "-1B", "1024GB", "1025GB"},
        {"journal: {low_space: {refuse: %s, warn: 1024GB}}", "0B", "-1B", "1024GB", "1025GB"},
        {"journal: {low_space: {refuse: 0B, warn: %s}}", "0B", "-1B", "1024GB", "1025GB"},
        {"journal: {seal: {key: k, every: %s}}", "1s", "999ms", "1d", "25h"},
        {"workers: %s", "1", "0", "256", "257"},
        {"limits: {head: %s}", "32KB", "1023B", "1MB", "1025KB"},
        {"limits: {uri: %s}", "256B", "255B", "64KB", "65KB"},
        {"limits: {head: 1MB, header_value: %s}", "256B", "255B", "256KB", "257KB"},
        {"limits: {headers: %s}", "8", "7", "1024", "1025"},
        {"limits: {body: %s}", "1KB", "1023B", "64MB", "65MB"},
        {"limits: {body: 64KB, body_memory: %s}", "64KB", "63KB", "64GB", "65GB"},
        {"limits: {json_depth: %s}", "4", "3", "512", "513"},
        {"limits: {json_members: %s}", "16", "15", "1000000", "1000001"},
        {"limits: {stream_body: %s}", "1KB", "1023B", "1024GB", "1025GB"},
        {"limits: {answer: %s}", "64KB", "63KB", "1GB", "1025MB"},
        {"limits: {connections: %s}", "1", "0", "1000000", "1000001"},
        {"limits: {per_address: %s}", "1", "0", "1000000", "1000001"},
        {"limits: {head_timeout: %s}", "10ms", "9ms", "1h", "61m"},
        {"limits: {body_timeout: %s}", "10ms", "9ms", "1h", "61m"},
        {"limits: {idle_timeout: %s}", "10ms", "9ms", "1h", "61m"},
        {"limits: {write_timeout: %s}", "10ms", "9ms", "1h", "61m"},
        {"limits: {drain: %s}", "0s", "-1s", "1h", "61m"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *const values[] = {rows[i].low, rows[i].high, rows[i].below, rows[i].above};
        const char *mark = strstr(rows[i].where, "%s");

        for (size_t v = 0; v < ARRAY_LEN(values); v++) {
            const char *url = rows[i].where[0] == 'u' ? "" : URL;
            struct view text =
                arena_printf(&arena, DECODE "%s%.*s%s%s", url, (int)(mark - rows[i].where),
                             rows[i].where, values[v], mark + 2);
            struct conf conf;
            bool good = load(text, &conf);

            if (good != (v < 2))
                print_error("%s: %.*s", values[v], VIEW_ARGS(buf_view(&out)));
            assert_row(good == (v < 2), rows[i].where);
        }
    }
}

static void the_name_of_a_socket_has_a_limit(void **state)
{
    char name[200];
    struct conf conf;

    (void)state;
    memset(name, 'x', sizeof name);
    assert_true(load(arena_printf(&arena, NEEDED "admin: {socket: /%.106s}", name), &conf));
    assert_false(load(arena_printf(&arena, NEEDED "admin: {socket: /%.107s}", name), &conf));
    assert_true(view_ends(diag.items[0].message,
                          VIEW("xxx has 108 bytes; the name of a socket may have 107")));
    /* What counts is the absolute path. */
    assert_false(load(arena_printf(&arena, NEEDED "admin: {socket: %.105s}", name), &conf));
}

static void many_listeners(void **state)
{
    struct buf text;
    struct conf conf;

    (void)state;
    buf_init(&text, 65536);
    buf_add_str(&text, NEEDED "listen:\n");
    for (int i = 1; i <= 64; i++)
        buf_printf(&text, "- address: 127.0.0.1:%d\n", i);
    assert_true(load(buf_view(&text), &conf));
    assert_int_equal(conf.listen_count, 64);
    buf_add_str(&text, "- address: 127.0.0.1:65\n");
    assert_false(load(buf_view(&text), &conf));
    buf_done(&text);
    /* The system chooses each time anew. */
    assert_true(load(
        VIEW(NEEDED "listen: [{address: \"127.0.0.1:0\"}, {address: \"127.0.0.1:0\"}]"), &conf));
}

static void bad_addresses(void **state)
{
    static const char *const rows[] = {
        "listen: [{address: localhost:80}]",  "listen: [{address: 80}]",
        "listen: [{address: 127.0.0.1}]",     "listen: [{address: \"127.0.0.1:65536\"}]",
        "listen: [{address: \"::1:80\"}]",    "listen: [{address: \"127.0.0.1:80 \"}]",
        "listen: [{address: \"\"}]",          "status: {address: localhost:80}",
        "status: {address: \"127.0.0.1:x\"}",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct conf conf;

        assert_row(!load(arena_printf(&arena, NEEDED "%s", rows[i]), &conf), rows[i]);
        assert_row(diag.faults == 1, rows[i]);
        assert_row(diag.items[0].loc.line == 3, rows[i]);
        assert_row(view_starts(diag.items[0].message, VIEW("address: ")), rows[i]);
    }
}

static void all_faults_are_told_in_one_run(void **state)
{
    struct conf conf;

    (void)state;
    assert_false(load(VIEW("listen: [{address: x}, {addres_s: y}]\n"
                           "upstream: {url: \"http://c\", ca_file: [], timeouts: {connect: 5}}\n"
                           "identity: {tokens: {verify: certificate}, signatures: verify}\n"
                           "quota: {store: x}\n"
                           "limits: {uri: 64KB, head: 32KB}\n"
                           "nothing: 1\n"),
                      &conf));
    assert_int_equal(diag.faults, 11);
}

static void a_store_on_another_host_is_verified(void **state)
{
    static const struct {
        const char *url;
        bool warns;
    } rows[] = {
        {"postgresql://u@db.example/d?sslmode=verify-full", false},
        {"postgresql://u@db.example/d", true},
        {"postgresql://u@db.example/d?sslmode=require", true},
        {"postgresql://u@localhost,db.example:5432/d", true},
        {"postgresql:///d?host=db.example", true},
        {"postgresql://u@localhost:5432/d", false},
        {"postgresql://u@127.0.0.1/d", false},
        {"postgresql://u@[::1]:5432/d", false},
        {"postgresql://u@%2Frun%2Fpg/d", false},
        {"postgres:///d?host=/run/pg", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[512];
        struct conf conf;

        (void)snprintf(text, sizeof text, NEEDED "quota: {store: \"%s\"}\n", rows[i].url);
        assert_row(load(view_str(text), &conf), rows[i].url);
        assert_string_equal(conf.quota.url, rows[i].url);
        assert_int_equal(conf.quota.timeout_ms, 2000);
        assert_int_equal(conf.quota.lease_ms, 30000);
        assert_row((diag.count > 0) == rows[i].warns, rows[i].url);
    }
}

static void what_nothing_is_left_out_of_is_warned_of(void **state)
{
    struct conf conf;

    (void)state;
    assert_true(load(VIEW(NEEDED "journal: {redact: [/name]}\n"), &conf));
    assert_int_equal(diag.count, 1);
    assert_true(diag.items[0].warning && diag.items[0].loc.line > 0);
    assert_true(load(VIEW(NEEDED "journal: {requests: full, redact: [/name]}\n"), &conf));
    assert_int_equal(diag.count, 0);
}

/* libpq would say only that it can't connect. */
static void a_store_needs_an_sslmode_that_exists(void **state)
{
    struct conf conf;

    (void)state;
    assert_false(
        load(VIEW(NEEDED "quota: {store: \"postgresql://u@h/d?sslmode=verify_full\"}\n"), &conf));
    assert_int_equal(diag.faults, 1);
}

static void relative_paths_start_at_the_settings_file(void **state)
{
    char folder[] = "/tmp/postern-conf-XXXXXX", here[4096], real[4096];
    struct conf conf;
    struct view want;

    (void)state;
    assert_non_null(getcwd(here, sizeof here));
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chdir(folder), 0);
    assert_non_null(getcwd(real, sizeof real));
    diag_init(&diag, &arena);
    assert_true(conf_load("sub/p.yaml", VIEW(NEEDED), &arena, &diag, &conf));
    want = arena_printf(&arena, "%s/sub/policies", real);
    assert_string_equal(conf.policies, want.ptr);
    want = arena_printf(&arena, "%s/sub/p.yaml", real);
    assert_string_equal(conf.path, want.ptr);
    assert_true(conf_load("p.yaml", VIEW(NEEDED), &arena, &diag, &conf));
    want = arena_printf(&arena, "%s/policies", real);
    assert_string_equal(conf.policies, want.ptr);
    /* Messages name the file as the caller did. */
    assert_false(conf_load("p.yaml", VIEW("x: 1"), &arena, &diag, &conf));
    assert_string_equal(diag.items[0].loc.file, "p.yaml");
    /* A folder that is gone has no name. */
    assert_int_equal(rmdir(folder), 0);
    diag_init(&diag, &arena);
    assert_false(conf_load("p.yaml", VIEW(NEEDED), &arena, &diag, &conf));
    assert_view(diag.items[0].message,
                "the working directory has no name: No such file or directory");
    assert_int_equal(chdir("/"), 0);
    assert_true(conf_load("p.yaml", VIEW(NEEDED), &arena, &diag, &conf) == false ||
                strcmp(conf.policies, "/policies") == 0);
    assert_int_equal(chdir(here), 0);
}

static void a_file_in_the_root_folder(void **state)
{
    struct conf conf;

    (void)state;
    diag_init(&diag, &arena);
    assert_true(conf_load("/p.yaml", VIEW(NEEDED), &arena, &diag, &conf));
    assert_string_equal(conf.policies, "/policies");
    assert_string_equal(conf.journal.sets, "/sets");
}

static void memory_that_runs_out_is_a_fault(void **state)
{
    unsigned refused = 0;

    (void)state;
    for (size_t cap = 0; cap < 40000; cap += 128) {
        struct arena small;
        struct conf conf;
        bool good;

        arena_init(&small, 256, cap);
        diag_init(&diag, &arena);
        good = conf_load("/e/p.yaml",
                         VIEW(NEEDED "listen: [{address: \"0.0.0.0:8443\", tls: {certificate: c, "
                                     "key: k}}]\nroutes: {refuse: [POST /a]}\n"),
                         &small, &diag, &conf);
        assert_true(good == (diag.faults == 0));
        refused += good ? 0 : 1;
        arena_done(&small);
    }
    assert_in_range(refused, 20, 300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(fills_the_struct_with_defaults, set_up, tear_down),
        cmocka_unit_test_setup_teardown(fills_the_limits_with_defaults, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reads_every_key, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reads_how_the_journal_is_guarded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reads_how_callers_are_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(iam_is_asked_unless_told_otherwise, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_has_no_effect_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses, set_up, tear_down),
        cmocka_unit_test_setup_teardown(urls, set_up, tear_down),
        cmocka_unit_test_setup_teardown(long_host_names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ranges, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_name_of_a_socket_has_a_limit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_listeners, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bad_addresses, set_up, tear_down),
        cmocka_unit_test_setup_teardown(all_faults_are_told_in_one_run, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_nothing_is_left_out_of_is_warned_of, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_store_needs_an_sslmode_that_exists, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_store_on_another_host_is_verified, set_up, tear_down),
        cmocka_unit_test_setup_teardown(relative_paths_start_at_the_settings_file, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_file_in_the_root_folder, set_up, tear_down),
        cmocka_unit_test_setup_teardown(memory_that_runs_out_is_a_fault, set_up, tear_down),
    };

    return cmocka_run_group_tests_name("conf/load", tests, NULL, NULL);
}
