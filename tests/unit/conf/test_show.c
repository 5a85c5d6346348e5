/* SPDX-License-Identifier: Apache-2.0
 * What `check --show` prints: every setting, in the order of the contract, loadable to the same;
 * and the sample file, which must say what holds without it. */
#include "support/test.h"

#include "base/number.h"
#include "conf/conf.h"
#include "conf/file.h"
#include "conf/rows.h"

#define NEEDED "upstream: {url: \"https://c.example\"}\nidentity: {tokens: {verify: decode}}\n"

static struct arena arena;
static struct diag diag;
static struct buf first, second;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 65536, 1 << 22);
    diag_init(&diag, &arena);
    buf_init(&first, 65536);
    buf_init(&second, 65536);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    buf_done(&first);
    buf_done(&second);
    arena_done(&arena);
    return 0;
}

static void show(const char *path, struct view text, struct buf *out)
{
    struct conf conf;

    if (!conf_load(path, text, &arena, &diag, &conf)) {
        diag_print(&diag, out);
        fail_msg("%.*s", VIEW_ARGS(buf_view(out)));
    }
    buf_clear(out);
    conf_show(&conf, out);
    assert_int_equal(out->failed, STATUS_OK);
}

static const char *const shown_defaults = "version: 1\n"
                                          "listen:\n"
                                          "  - address: 127.0.0.1:8080\n"
                                          "    plain: false\n"
                                          "status:\n"
                                          "  address: 127.0.0.1:9080\n"
                                          "admin:\n"
                                          "  socket: /etc/postern/run/admin.sock\n"
                                          "upstream:\n"
                                          "  url: https://c.example\n"
                                          "  ca_file: system\n"
                                          "  timeouts:\n"
                                          "    connect: 5s\n"
                                          "    tls: 5s\n"
                                          "    send: 30s\n"
                                          "    first_byte: 1m\n"
                                          "    idle: 1m\n"
                                          "    total: 2m\n"
                                          "  keep_alive: 50s\n"
                                          "  max_connections: 256\n"
                                          "identity:\n"
                                          "  tokens:\n"
                                          "    verify: decode\n"
                                          "    iam_url: https://iam.eu-de.otc.t-systems.com\n"
                                          "    ca_file: system\n"
                                          "    cache: 5m\n"
                                          "  signatures: refuse\n"
                                          "  client_certificates: off\n"
                                          "policies: /etc/postern/policies\n"
                                          "journal:\n"
                                          "  directory: /etc/postern/journal\n"
                                          "  durability: sync\n"
                                          "  timeout: 5s\n"
                                          "  segment: 64MB\n"
                                          "  keep: 9600h\n"
                                          "  low_space:\n"
                                          "    warn: 2GB\n"
                                          "    refuse: 1GB\n"
                                          "  requests: digest\n"
                                          "quota:\n"
                                          "  store: local\n"
                                          "  timeout: 2s\n"
                                          "  lease: 30s\n"
                                          "  reconcile: 5m\n"
                                          "  grace: 1m\n"
                                          "  orphans: count\n"
                                          "routes:\n"
                                          "  other: pass\n"
                                          "  refuse:\n"
                                          "    - POST /v1/*/training-jobs\n"
                                          "    - POST /v2/*/training-jobs\n"
                                          "    - POST /v1/*/training-jobs/*/versions\n"
                                          "    - POST /v1/*/services\n"
                                          "    - POST /v2/*/services\n"
                                          "    - PUT /v1/*/services/*\n"
                                          "    - PUT /v2/*/services/*\n"
                                          "    - POST /v1/*/services/*/start\n"
                                          "    - POST /v2/*/services/*/start\n"
                                          "    - POST /v1/*/services/*/scale\n"
                                          "    - POST /v2/*/services/*/scale\n"
                                          "    - POST /v1/*/services/*/hpa\n"
                                          "    - POST /v2/*/services/*/hpa\n"
                                          "    - POST /v1/*/services/*/tasks\n"
                                          "    - POST /v2/*/pools\n"
                                          "    - PATCH /v2/*/pools/*\n"
                                          "    - POST /v2/*/pools/*/nodepools\n"
                                          "    - POST /v2/*/pools/*/nodes/batch-resize\n"
                                          "    - POST /v1/*/dev-servers\n"
                                          "    - POST /v1/*/dev-servers/hyper-clusters\n"
                                          "    - PUT /v1/*/dev-servers/*/start\n"
                                          "    - POST /v1/*/visualization-jobs\n"
                                          "    - POST /v1/*/visualization-jobs/*/restart\n"
                                          "    - POST /v2/*/workflows/*/executions\n"
                                          "    - POST /v2/*/workflows/*/schedules\n"
                                          "    - POST /v2/*/processor-tasks/*/versions\n"
                                          "    - PUT /v1/*/workspaces/*/quotas\n"
                                          "    - POST /v2/*/authorizations\n"
                                          "    - POST /v2/*/agency\n"
                                          "requests:\n"
                                          "  unknown_fields: refuse\n"
                                          "workers: auto\n"
                                          "limits:\n"
                                          "  head: 64KB\n"
                                          "  uri: 8KB\n"
                                          "  header_value: 32KB\n"
                                          "  headers: 128\n"
                                          "  body: 256KB\n"
                                          "  body_memory: 64MB\n"
                                          "  json_depth: 64\n"
                                          "  json_members: 8192\n"
                                          "  stream_body: 12MB\n"
                                          "  answer: 4MB\n"
                                          "  connections: 4096\n"
                                          "  per_address: 256\n"
                                          "  head_timeout: 10s\n"
                                          "  body_timeout: 30s\n"
                                          "  idle_timeout: 75s\n"
                                          "  write_timeout: 30s\n"
                                          "  drain: 30s\n"
                                          "log:\n"
                                          "  level: info\n"
                                          "  format: text\n";

static void shows_the_defaults_of_the_contract(void **state)
{
    (void)state;
    show("/etc/postern/postern.yaml", VIEW(NEEDED), &first);
    assert_view_eq(buf_view(&first), view_str(shown_defaults));
}

static void what_is_shown_loads_to_the_same(void **state)
{
    const struct view texts[] = {
        VIEW(NEEDED),
        VIEW(
            "version: 1\n"
            "listen:\n"
            "  - {address: \"[::1]:8080\"}\n"
            "  - {address: \"0.0.0.0:80\", plain: true}\n"
            "  - address: 0.0.0.0:8443\n"
            "    tls: {certificate: \"tls/a b: c.pem\", key: /k.key, client_ca: ../ca.pem}\n"
            "  - {address: \"[::]:8444\", tls: {certificate: c, key: k}}\n"
            "status: {address: \"0.0.0.0:9080\"}\n"
            "admin: {socket: \"/run/postern/#1.sock\", address: \"127.0.0.1:9081\",\n"
            "  tls: {certificate: a.pem, key: k.key, client_ca: ../ca.pem}}\n"
            "quota: {store: \"postgresql:///p?host=/run\", grace: 0s, orphans: ignore}\n"
            "upstream: {url: \"https://[::1]:9443\", ca_file: \"true\",\n"
            "  timeouts: {connect: 10ms, tls: 1500ms, send: 90s, first_byte: 1h, idle: 61s, total: "
            "1d},\n"
            "  keep_alive: 1m, max_connections: 1}\n"
            "identity: {tokens: {verify: off, iam_url: \"https://i:1\", cache: 0s}}\n"
            "policies: \"p\\tq\"\n"
            "journal: {directory: \"j\xc3\xbc\", durability: write, timeout: 10ms, segment: "
            "1025KB, keep: 1h, low_space: 0B, requests: full,\n"
            "  redact: [/a/*, \"/b~1c/0\"]}\n"
            "routes: {other: refuse, refuse: []}\n"
            "requests: {unknown_fields: pass}\n"
            "workers: 256\n"
            "limits: {head: 1MB, uri: 1025B, headers: 8, body: 1KB, drain: 0s}\n"
            "log: {level: debug, format: json}\n"),
        VIEW("upstream: {url: \"https://c\"}\n"
             "listen: [{address: \"[::]:8443\", tls: {certificate: c, key: k, client_ca: a}}]\n"
             "identity:\n"
             "  tokens: {verify: certificate, ca_file: ca.pem, certificate: \"iam #1.pem\"}\n"
             "  signatures: verify\n"
             "  access_keys: keys.yaml\n"
             "  sign_as: ../own.yaml\n"
             "  oidc: {issuer: \"https://i/\", audience: \"a: b\", jwks: \"https://i:1/k?x=%20\",\n"
             "    projects: [0123456789abcdef0123456789abcdef]}\n"
             "  forwarded_user: {header: Remote-User, from: [\"CN=proxy,*\", \"*\"],\n"
             "    projects: [0123456789abcdef0123456789abcdef]}\n"
             "  client_certificates:\n"
             "    rules:\n"
             "      - {subject: \"CN=a\\\\,b,O=*\", user: \"true\", projects: "
             "[0123456789abcdef0123456789abcdef]}\n"
             "      - {san: \"urn:x\", user: b, user_id: \"7\", domain: \"- d\", projects: "
             "[0123456789abcdef0123456789abcdef, 1123456789abcdef0123456789abcdef]}\n"),
        VIEW("upstream: {url: \"https://c\"}\n"
             "identity: {sign_as: /k, oidc: {issuer: i, audience: a, jwks: k.json, user_claim: u,\n"
             "  groups_claim: g, projects: [0123456789abcdef0123456789abcdef]}}\n"),
        VIEW("upstream: {url: \"https://c\"}\n"
             "journal: {low_space: {warn: 5GB}, seal: {key: k, every: 1s}, witness: ./syslog}\n"),
        VIEW("upstream: {url: \"https://c\"}\n"
             "journal: {low_space: 3GB, seal: {key: k}, witness: syslog}\n"),
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        show("/etc/postern/postern.yaml", texts[i], &first);
        show("/somewhere/else.yaml", buf_view(&first), &second);
        assert_view_eq(buf_view(&second), buf_view(&first));
    }
    assert_true(view_find(buf_view(&first), '\t') == first.len);
}

static void shows_listeners_with_all_they_have(void **state)
{
    (void)state;
    show("/e/p.yaml",
         VIEW(NEEDED "listen:\n"
                     "  - {address: \"0.0.0.0:80\", plain: true}\n"
                     "  - {address: \"[::]:8443\", tls: {certificate: c.pem, key: k.pem}}\n"),
         &first);
    assert_true(view_starts(buf_view(&first), VIEW("version: 1\n"
                                                   "listen:\n"
                                                   "  - address: 0.0.0.0:80\n"
                                                   "    plain: true\n"
                                                   "  - address: \"[::]:8443\"\n"
                                                   "    plain: false\n"
                                                   "    tls:\n"
                                                   "      certificate: /e/c.pem\n"
                                                   "      key: /e/k.pem\n"
                                                   "status:\n")));
}

static void the_password_of_a_store_is_hidden(void **state)
{
    static const char *const rows[][2] = {
        {"postgresql://u:secret@h/d?sslmode=verify-full",
         "postgresql://u:***@h/d?sslmode=verify-full"},
        {"postgres://u:s@h:5432,[::1]/d", "postgres://u:***@h:5432,[::1]/d"},
        {"postgresql://h/d?password=secret&user=u&sslpassword=x",
         "postgresql://h/d?password=***&user=u&sslpassword=***"},
        {"postgresql://u:@/d?host=/run/secret", "postgresql://u:@/d?host=/run/secret"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[512];

        (void)snprintf(text, sizeof text,
                       "upstream: {url: \"https://c\"}\nidentity: {tokens: {verify: decode}}\n"
                       "quota: {store: \"%s\"}\n",
                       rows[i][0]);
        show("/e/p.yaml", view_str(text), &first);
        assert_row(memmem(first.ptr, first.len, rows[i][1], strlen(rows[i][1])) != NULL,
                   rows[i][0]);
    }
}

/* Besides its url and the folder of the shipped policies, the sample holds nothing but defaults. */
static void the_sample_says_what_holds_without_it(void **state)
{
    static const char needed[] = "upstream: {url: \"https://modelarts.eu-de.otc.t-systems.com\"}\n"
                                 "policies: ../policies\n";
    struct view sample = VIEW_NONE;
    struct err err;

    (void)state;
    assert_int_equal(file_read(SAMPLE_FILE, 1 << 20, &arena, &sample, &err), STATUS_OK);
    show("/etc/postern/postern.yaml", sample, &first);
    show("/etc/postern/postern.yaml", view_str(needed), &second);
    assert_view_eq(buf_view(&first), buf_view(&second));
}

/* ... and names every key, so that nobody has to look elsewhere. */
static void the_sample_names_every_key(void **state)
{
    struct view sample = VIEW_NONE, rest;
    struct err err;

    (void)state;
    assert_int_equal(file_read(SAMPLE_FILE, 1 << 20, &arena, &sample, &err), STATUS_OK);
    show("/etc/postern/postern.yaml", sample, &first);
    for (rest = buf_view(&first); rest.len > 0;) {
        struct view line = view_of(rest.ptr, view_find(rest, '\n'));
        struct view key = view_trim(view_of(line.ptr, view_find(line, ':')));

        rest = view_from(rest, line.len + 1);
        if (key.ptr[0] == '-' || view_eq(key, VIEW("plain")))
            continue;
        assert_row(memmem(sample.ptr, sample.len, key.ptr, key.len + 1) != NULL, key.ptr);
    }
}

static void add_number(const struct yfield *field, int64_t value, struct buf *row)
{
    char text[NUM_TEXT_BYTES];

    if (field->kind == YFIELD_DURATION)
        buf_add(row, num_format_duration(value, text));
    else if (field->kind == YFIELD_SIZE)
        buf_add(row, num_format_size(value, text));
    else if (field->kind == YFIELD_ENUM || (field->names != NULL && value == 0))
        buf_add_str(row, field->names[value]);
    else
        buf_add_i64(row, value);
}

static void add_range(const struct yfield *field, const char *what, struct buf *row)
{
    buf_add_str(row, what);
    if (field->min == 0 && field->max == 0)
        return;
    buf_add_str(row, ", ");
    add_number(&(struct yfield){.kind = field->kind}, field->min, row);
    buf_add_str(row, " to ");
    add_number(&(struct yfield){.kind = field->kind}, field->max, row);
}

/* The beginning of a setting's row in the manual: key, type, and what holds if it is left out. What
 * kind of text a text is, only the manual says. */
static void make_row(const struct yfield *field, const void *value, const char *prefix,
                     struct buf *row)
{
    buf_clear(row);
    buf_printf(row, "\n| `%s%s` | ", prefix, field->key);
    if (field->kind == YFIELD_TEXT || field->kind == YFIELD_TEXTS || field->kind == YFIELD_NODE)
        return;
    if (field->kind == YFIELD_ENUM) {
        for (size_t i = 0; field->names[i] != NULL; i++)
            buf_printf(row, "%s`%s`", i == 0 ? "" : ", ", field->names[i]);
    } else {
        if (field->names != NULL)
            buf_printf(row, "`%s` or ", field->names[0]);
        add_range(field,
                  field->kind == YFIELD_DURATION ? "duration"
                  : field->kind == YFIELD_SIZE   ? "size"
                                                 : "number",
                  row);
    }
    buf_add_str(row, " | `");
    add_number(field, ((const struct ynumber *)value)->value, row);
    buf_add_str(row, "` | ");
}

static void check_rows(const struct yfield *fields, const void *values, const char *prefix,
                       struct view manual)
{
    for (; fields->key != NULL; fields++) {
        const void *value = (const char *)values + fields->offset;
        char deeper[64];

        if (fields->kind == YFIELD_OBJECT) {
            (void)snprintf(deeper, sizeof deeper, "%s%s.", prefix, fields->key);
            check_rows(fields->fields, value, deeper, manual);
        } else if (fields->kind != YFIELD_NODE) {
            make_row(fields, value, prefix, &first);
            buf_add_byte(&first, '\0');
            assert_row(strstr(manual.ptr, first.ptr) != NULL, first.ptr);
        }
    }
}

/* The manual's table has a row for each setting, with the range and the default of the program. */
static void the_manual_tells_every_setting(void **state)
{
    struct view manual = VIEW_NONE;
    struct conf_rows rows;
    struct err err;

    (void)state;
    assert_int_equal(file_read(MANUAL_FILE, 1 << 20, &arena, &manual, &err), STATUS_OK);
    assert_true(conf_defaults(&arena, &rows));
    check_rows(conf_fields, &rows, "", manual);
    assert_non_null(strstr(manual.ptr, "| `listen[].address` |"));
    assert_non_null(strstr(manual.ptr, "| `listen[].plain` |"));
    assert_non_null(strstr(manual.ptr, "| `listen[].tls.client_ca` |"));
    assert_non_null(strstr(manual.ptr, "| 29 patterns |"));
    assert_int_equal(rows.routes.refuse.count, 29);
}

static void a_full_buffer_is_told(void **state)
{
    struct conf conf;
    struct buf small;

    (void)state;
    assert_true(conf_load("/e/p.yaml", VIEW(NEEDED), &arena, &diag, &conf));
    for (size_t max = 0; max < 400; max++) {
        buf_init(&small, max);
        conf_show(&conf, &small);
        assert_int_equal(small.failed, STATUS_LIMIT);
        buf_done(&small);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(shows_the_defaults_of_the_contract, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_shown_loads_to_the_same, set_up, tear_down),
        cmocka_unit_test_setup_teardown(shows_listeners_with_all_they_have, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_password_of_a_store_is_hidden, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_sample_says_what_holds_without_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_sample_names_every_key, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_manual_tells_every_setting, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_full_buffer_is_told, set_up, tear_down),
    };

    return cmocka_run_group_tests_name("conf/show", tests, NULL, NULL);
}
