/* SPDX-License-Identifier: Apache-2.0
 * The sinks of the settings: checked, started, told of, stopped. */
#include "server/sinks.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "server/internal.h"
#include "sinks/headers.h"

enum { HOST_BYTES = 80, STOP_MS = 5000, STOP_LEAST_MS = 500 };

/* ---- checking ---- */

static void check_headers(const struct conf_sink *sink, struct diag *diag)
{
    struct buf fields;
    struct err err;

    if (sink->http.headers_file == NULL)
        return;
    buf_init(&fields, (size_t)2 * HEADERS_BYTES_MAX);
    if (headers_read(sink->http.headers_file, &fields, &err) != STATUS_OK)
        diag_fault(diag, sink->at, "headers_file: %s", err.text);
    buf_done(&fields);
}

static void check_http_tls(const struct conf_sink *sink, struct diag *diag)
{
    struct net_tls *tls = NULL;
    struct err err;

    if (net_tls_client_new(sink->http.host, sink->http.ca_file, &tls, &err) != STATUS_OK)
        diag_fault(diag, sink->at, "http: %s", err.text);
    net_tls_free(&tls);
}

static void check_syslog_tls(const struct conf_sink *sink, struct diag *diag)
{
    struct net_tls *tls = NULL;
    struct err err;

    if (net_tls_stream_new(sink->syslog.host, sink->syslog.ca_file, sink->syslog.certificate,
                           sink->syslog.key, &tls, &err) != STATUS_OK)
        diag_fault(diag, sink->at, "syslog: %s", err.text);
    net_tls_free(&tls);
}

bool check_sinks(const struct conf *conf, struct diag *diag)
{
    const size_t before = diag->faults;

    for (size_t i = 0; i < conf->sink_count; i++) {
        const struct conf_sink *const sink = &conf->sinks[i];

        check_headers(sink, diag);
        if (sink->kind == CONF_SINK_HTTP && !sink->http.plain)
            check_http_tls(sink, diag);
        if (sink->kind == CONF_SINK_SYSLOG && sink->syslog.kind == CONF_SYSLOG_TLS)
            check_syslog_tls(sink, diag);
    }
    return diag->faults == before;
}

/* ---- starting ---- */

/* As it stands in batch ids: whatever isn't a host name's byte becomes a hyphen. */
static const char *host_name(struct server *s)
{
    char name[HOST_BYTES] = "";

    if (gethostname(name, sizeof name - 1) != 0 || name[0] == '\0')
        (void)snprintf(name, sizeof name, "postern");
    for (char *c = name; *c != '\0'; c++) {
        if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') ||
              *c == '.' || *c == '-'))
            *c = '-';
    }
    return arena_strdup(&s->arena, view_str(name));
}

static struct sink_settings settings_of(const struct conf_sink *conf)
{
    const bool array = conf->format == FORMAT_CLOUDEVENTS;

    return (struct sink_settings){
        .name = conf->name,
        .format = (enum format)conf->format,
        .from_now = conf->from_now,
        .batch = (size_t)conf->batch,
        .kind = (enum sink_kind)conf->kind,
        .http = {.host = conf->http.host,
                 .port = conf->http.port,
                 .plain = conf->http.plain,
                 .target = conf->http.target,
                 .ca_file = conf->http.ca_file,
                 .headers_file = conf->http.headers_file,
                 .gzip = conf->http.gzip,
                 .array = array,
                 .content_type =
                     array ? "application/cloudevents-batch+json" : "application/x-ndjson",
                 .timeout_ms = conf->http.timeout_ms},
        .syslog = {.kind = (enum transport_syslog_kind)conf->syslog.kind,
                   .path = conf->syslog.path,
                   .host = conf->syslog.host,
                   .port = conf->syslog.port,
                   .ca_file = conf->syslog.ca_file,
                   .certificate = conf->syslog.certificate,
                   .key = conf->syslog.key,
                   .facility = (unsigned)conf->syslog.facility,
                   .app_name = conf->syslog.app_name,
                   .timeout_ms = conf->syslog.timeout_ms},
    };
}

enum status server_start_sinks(struct server *s, struct err *err)
{
    struct sink_settings *list = arena_array(&s->arena, s->conf.sink_count, sizeof *list);
    struct sinks_settings settings = {
        .directory = s->conf.positions,
        .journal = s->conf.journal.directory,
        .gateway = host_name(s),
        .list = list,
        .count = s->conf.sink_count,
    };

    if (s->conf.sink_count == 0)
        return STATUS_OK;
    if (list == NULL || settings.gateway == NULL)
        return err_set(err, STATUS_NOMEM, "sinks: out of memory");
    for (size_t i = 0; i < settings.count; i++)
        list[i] = settings_of(&s->conf.sinks[i]);
    return sinks_start(&settings, s->shared.journal, &s->sinks, err);
}

void server_stop_sinks(struct server *s)
{
    const int64_t passed_ms = s->drain_us == 0 ? 0 : (clock_monotonic_us() - s->drain_us) / 1000;
    int64_t left_ms = s->conf.limits.drain_ms - passed_ms;

    if (left_ms > STOP_MS)
        left_ms = STOP_MS;
    sinks_stop(&s->sinks, left_ms < STOP_LEAST_MS ? STOP_LEAST_MS : left_ms);
}

/* ---- telling ---- */

static uint64_t seconds_since(int64_t since_us)
{
    const int64_t passed_us = clock_now_us() - since_us;

    return since_us == 0 || passed_us <= 0 ? 0 : (uint64_t)passed_us / 1000000;
}

enum value {
    VALUE_POSITION,
    VALUE_LAG_LINES,
    VALUE_LAG_SECONDS,
    VALUE_AWAY,
    VALUE_DELIVERED,
    VALUE_BATCHES,
    VALUE_FAILURES,
    VALUE_REFUSALS,
    VALUE_LOST,
    VALUE_UNREADABLE,
    VALUE_REWINDS,
    VALUES
};

static const struct {
    const char *name, *type, *help;
} series[VALUES] = {
    [VALUE_POSITION] = {"position", "gauge", "The seq of the last line that a sink was given."},
    [VALUE_LAG_LINES] = {"lag_lines", "gauge", "Lines of the journal that a sink waits for."},
    [VALUE_LAG_SECONDS] = {"lag_seconds", "gauge", "Age of the oldest of them."},
    [VALUE_AWAY] = {"away_seconds", "gauge", "How long a sink has failed, 0 if it is well."},
    [VALUE_DELIVERED] = {"delivered_total", "counter", "Lines that a sink took."},
    [VALUE_BATCHES] = {"batches_total", "counter", "Batches that a sink took."},
    [VALUE_FAILURES] = {"failures_total", "counter", "Tries that failed."},
    [VALUE_REFUSALS] = {"refusals_total", "counter", "Of these, those that the sink refused."},
    [VALUE_LOST] = {"lost_lines_total", "counter",
                    "Lines that were gone from the journal before a sink was given them."},
    [VALUE_UNREADABLE] = {"unreadable_lines_total", "counter",
                          "Lines that could not be handed on."},
    [VALUE_REWINDS] = {"rewinds_total", "counter",
                       "How often the journal was not the one that a sink was given before."},
};

static void values_of(const struct sink_state *state, uint64_t out[VALUES])
{
    out[VALUE_POSITION] = state->seq;
    out[VALUE_LAG_LINES] = state->lag_lines;
    out[VALUE_LAG_SECONDS] = seconds_since(state->oldest_us);
    out[VALUE_AWAY] = seconds_since(state->away_since_us);
    out[VALUE_DELIVERED] = state->delivered;
    out[VALUE_BATCHES] = state->batches;
    out[VALUE_FAILURES] = state->failures;
    out[VALUE_REFUSALS] = state->refusals;
    out[VALUE_LOST] = state->lost;
    out[VALUE_UNREADABLE] = state->unreadable;
    out[VALUE_REWINDS] = state->rewinds;
}

void server_print_sinks(struct server *s, struct buf *out)
{
    const size_t count = sinks_count(s->sinks);
    const char *names[SINKS_MAX];
    uint64_t values[SINKS_MAX][VALUES];

    for (size_t i = 0; i < count; i++) {
        struct sink_state state;

        sinks_get_state(s->sinks, i, &state);
        names[i] = state.name;
        values_of(&state, values[i]);
    }
    for (size_t v = 0; v < VALUES && count > 0; v++) {
        buf_printf(out, "# HELP postern_sink_%s %s\n# TYPE postern_sink_%s %s\n", series[v].name,
                   series[v].help, series[v].name, series[v].type);
        for (size_t i = 0; i < count; i++)
            buf_printf(out, "postern_sink_%s{sink=\"%s\"} %llu\n", series[v].name, names[i],
                       (unsigned long long)values[i][v]);
    }
}

static void write_sink(const struct sink_state *state, struct jwriter *w)
{
    static const char *const kinds[] = {"stdout", "syslog", "http"};
    char text[CLOCK_TEXT_BYTES];

    jwriter_open_object(w);
    jwriter_member_text(w, "name", view_str(state->name));
    jwriter_member_text(w, "kind", view_str(kinds[state->kind]));
    jwriter_member_int(w, "seq", (int64_t)state->seq);
    jwriter_member_int(w, "lag_lines", (int64_t)state->lag_lines);
    jwriter_member_int(w, "lag_s", (int64_t)seconds_since(state->oldest_us));
    jwriter_member_int(w, "delivered", (int64_t)state->delivered);
    jwriter_member_int(w, "failures", (int64_t)state->failures);
    if (state->lost > 0)
        jwriter_member_int(w, "lost", (int64_t)state->lost);
    if (state->away_since_us != 0)
        jwriter_member_text(w, "away_since", clock_format(state->away_since_us, text));
    if (state->why[0] != '\0')
        jwriter_member_text(w, "why", view_str(state->why));
    jwriter_close_object(w);
}

void server_write_sinks(struct server *s, struct jwriter *w)
{
    if (s->sinks == NULL)
        return;
    jwriter_key(w, "sinks");
    jwriter_open_array(w);
    for (size_t i = 0; i < sinks_count(s->sinks); i++) {
        struct sink_state state;

        sinks_get_state(s->sinks, i, &state);
        write_sink(&state, w);
    }
    jwriter_close_array(w);
}
