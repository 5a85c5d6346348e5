/* SPDX-License-Identifier: Apache-2.0
 * Messages of syslog byte for byte, in each framing, and at the lengths that RFC 5424 has. */
#include "support/test.h"

#include "sinks/syslog_message.h"

#define TIME_US 1767323045123456

static const struct transport_line refusal = {
    .text = {"{\"a\":\"\xc3\xa4\"}", 10}, .event = {"refusal", 7}, .seq = 17, .time_us = TIME_US};
static const struct syslog_origin origin = {
    .facility = 16, .app_name = "postern", .process = 4711, .host = {"gw1.example.org", 15}};

static void check(const char *name, const struct buf *out, const char *want)
{
    assert_row(out->failed == STATUS_OK, name);
    if (!view_eq(buf_view(out), view_str(want)))
        fail_msg("row \"%s\"\ngot  %.*s\nwant %s", name, VIEW_ARGS(buf_view(out)), want);
}

static void test_framings(void **state)
{
    static const struct {
        const char *name;
        enum syslog_framing framing;
        const char *want;
    } rows[] = {
        {"datagram", SYSLOG_DATAGRAM,
         "<133>1 2026-01-02T03:04:05.123456Z gw1.example.org postern 4711 refusal [postern@32473 "
         "seq=\"17\"] {\"a\":\"\xc3\xa4\"}"},
        {"octets", SYSLOG_OCTETS,
         "107 <133>1 2026-01-02T03:04:05.123456Z gw1.example.org postern 4711 refusal "
         "[postern@32473 seq=\"17\"] {\"a\":\"\xc3\xa4\"}"},
        {"lf", SYSLOG_LF,
         "<133>1 2026-01-02T03:04:05.123456Z gw1.example.org postern 4711 refusal [postern@32473 "
         "seq=\"17\"] {\"a\":\"\xc3\xa4\"}\n"},
    };
    struct buf out;

    (void)state;
    buf_init(&out, 4096);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf_clear(&out);
        syslog_put(&origin, &refusal, rows[i].framing, &out);
        check(rows[i].name, &out, rows[i].want);
    }
    buf_clear(&out);
    syslog_put_shortened(&origin, &refusal, &out);
    check("shortened", &out,
          "<133>1 2026-01-02T03:04:05.123456Z gw1.example.org postern 4711 refusal [postern@32473 "
          "seq=\"17\" shortened=\"10\"] {\"v\":1,\"seq\":17,\"shortened\":10}");
    buf_done(&out);
}

static void test_severities(void **state)
{
    static const struct {
        const char *event, *text, *want;
    } rows[] = {
        {"intent", "{}", "<6>1 "},
        {"refusal", "{}", "<5>1 "},
        {"outcome", "{\"outcome\":\"done\"}", "<6>1 "},
        {"outcome", "{\"outcome\":\"unknown\"}", "<4>1 "},
        {"outcome", "{\"data\":{\"x\":1,\"outcome\":\"unknown\"}}", "<4>1 "},
        {"outcome", "{\"error\":\"\\\"outcome\\\":\\\"unknown\\\"\"}", "<6>1 "},
        {"settled", "{\"outcome\":\"unknown\"}", "<6>1 "},
        {"outcome", "", "<6>1 "},
    };
    const struct syslog_origin kernel = {.facility = 0, .app_name = "p", .host = VIEW("h")};
    struct buf out;

    (void)state;
    buf_init(&out, 4096);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct transport_line line = {
            .text = view_str(rows[i].text), .event = view_str(rows[i].event), .seq = 1};

        buf_clear(&out);
        syslog_put(&kernel, &line, SYSLOG_DATAGRAM, &out);
        assert_row(view_starts(buf_view(&out), view_str(rows[i].want)), rows[i].text);
    }
    buf_done(&out);
}

static void test_fields_that_do_not_fit(void **state)
{
    char host[300], app[100], event[100], want[600];
    struct buf out;

    (void)state;
    memset(host, 'h', sizeof host);
    memset(app, 'a', sizeof app);
    app[sizeof app - 1] = '\0';
    memset(event, 'e', sizeof event);
    host[1] = ' ';
    host[2] = '\n';
    app[1] = '\x7f';
    event[1] = '\xc3';
    buf_init(&out, 4096);
    syslog_put(
        &(struct syslog_origin){
            .facility = 23, .app_name = app, .process = 1, .host = view_of(host, sizeof host)},
        &(struct transport_line){
            .text = VIEW("{}"), .event = view_of(event, sizeof event), .seq = UINT64_MAX},
        SYSLOG_DATAGRAM, &out);
    (void)snprintf(want, sizeof want,
                   "<190>1 1970-01-01T00:00:00.000000Z h__%.252s a_%.46s 1 e_%.30s [postern@32473 "
                   "seq=\"18446744073709551615\"] {}",
                   host + 3, app + 2, event + 2);
    check("long", &out, want);
    buf_clear(&out);
    syslog_put(&(struct syslog_origin){.app_name = ""}, &(struct transport_line){.text = VIEW("x")},
               SYSLOG_DATAGRAM, &out);
    check("empty", &out, "<6>1 1970-01-01T00:00:00.000000Z - - 0 - [postern@32473 seq=\"0\"] x");
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_framings),
        cmocka_unit_test(test_severities),
        cmocka_unit_test(test_fields_that_do_not_fit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
