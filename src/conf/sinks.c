/* SPDX-License-Identifier: Apache-2.0
 * The sinks: each has a name of its own and exactly one place to which it carries the journal's
 * lines; over a network only where nobody can read along. */
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "conf/internal.h"

enum { SINKS_MAX = 16, NAME_BYTES = 32, BATCH_LINES = 500, HTTP_MS = 30000, SYSLOG_MS = 10000 };
enum { PATH_BYTES = 4000, URL_BYTES = 2000, APP_NAME_BYTES = 48, TIMEOUT_MAX_MS = 600000 };
enum { FACILITY_LOCAL0 = 16 };

static const char *const format_names[] = {"postern", "cadf", "cloudevents", NULL};
static const char *const from_names[] = {"start", "now", NULL};
/* The index is the code (RFC 5424, table 1). */
static const char *const facility_names[] = {
    "kern",   "user",     "mail",   "daemon", "auth",   "syslog", "lpr",   "news",   "uucp",
    "cron",   "authpriv", "ftp",    "ntp",    "audit",  "alert",  "clock", "local0", "local1",
    "local2", "local3",   "local4", "local5", "local6", "local7", NULL};

#define AT(member) offsetof(struct conf_sink_rows, member)
#define TEXT(name, at, needed, most)                                                        \
    {                                                                                       \
        .key = (name), .kind = YFIELD_TEXT, .offset = (at), .required = (needed), .min = 1, \
        .max = (most)                                                                       \
    }
#define BOOL(name, at)                                     \
    {                                                      \
        .key = (name), .kind = YFIELD_BOOL, .offset = (at) \
    }
#define NUMBER(name, what, at, low, high)                                          \
    {                                                                              \
        .key = (name), .kind = (what), .offset = (at), .min = (low), .max = (high) \
    }
#define ENUM(name, at, words)                                                \
    {                                                                        \
        .key = (name), .kind = YFIELD_ENUM, .offset = (at), .names = (words) \
    }
/* NOLINTNEXTLINE(bugprone-macro-parentheses): names of members */
#define IN(object, member) (AT(object.member) - AT(object))

static const struct yfield syslog_fields[] = {
    TEXT("address", IN(syslog, address), true, PATH_BYTES),
    TEXT("ca_file", IN(syslog, ca_file), false, PATH_BYTES),
    TEXT("certificate", IN(syslog, certificate), false, PATH_BYTES),
    TEXT("key", IN(syslog, key), false, PATH_BYTES),
    ENUM("facility", IN(syslog, facility), facility_names),
    TEXT("app_name", IN(syslog, app_name), false, APP_NAME_BYTES),
    NUMBER("timeout", YFIELD_DURATION, IN(syslog, timeout), 100, TIMEOUT_MAX_MS),
    {0},
};

static const struct yfield http_fields[] = {
    TEXT("url", IN(http, url), true, URL_BYTES),
    BOOL("plain", IN(http, plain)),
    TEXT("ca_file", IN(http, ca_file), false, PATH_BYTES),
    TEXT("headers_file", IN(http, headers_file), false, PATH_BYTES),
    NUMBER("batch", YFIELD_INT, IN(http, batch), 1, 10000),
    BOOL("gzip", IN(http, gzip)),
    NUMBER("timeout", YFIELD_DURATION, IN(http, timeout), 100, TIMEOUT_MAX_MS),
    {0},
};

const struct yfield conf_sink_fields[] = {
    TEXT("name", AT(name), true, NAME_BYTES),
    BOOL("stdout", AT(to_stdout)),
    {.key = "syslog", .kind = YFIELD_OBJECT, .offset = AT(syslog), .fields = syslog_fields},
    {.key = "http", .kind = YFIELD_OBJECT, .offset = AT(http), .fields = http_fields},
    ENUM("format", AT(format), format_names),
    ENUM("from", AT(from), from_names),
    {0},
};

/* What isn't of its kind is neither read nor printed. */
static void prepare(struct conf_sink_rows *rows)
{
    *rows = (struct conf_sink_rows){.format.value = 0, .from.value = 0};
    rows->to_stdout.value = YNUMBER_NONE;
    rows->syslog.facility.value = YNUMBER_NONE;
    rows->syslog.timeout.value = YNUMBER_NONE;
    rows->http.plain.value = YNUMBER_NONE;
    rows->http.batch.value = YNUMBER_NONE;
    rows->http.gzip.value = YNUMBER_NONE;
    rows->http.timeout.value = YNUMBER_NONE;
}

static void number_default(struct ynumber *number, int64_t value)
{
    if (number->value == YNUMBER_NONE)
        number->value = value;
}

static void text_default(struct ytext *text, struct view value)
{
    if (text->value.ptr == NULL)
        text->value = value;
}

static const char *ca_file_of(struct conf_loading *l, struct ytext *ca_file)
{
    return view_eq(ca_file->value, VIEW("system")) ? NULL : conf_path(l, ca_file);
}

static bool is_visible(struct view text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] <= ' ' || text.ptr[i] > '~')
            return false;
    }
    return text.len > 0;
}

/* ---- http ---- */

static bool is_loopback(struct view host)
{
    char text[128];
    struct net_address address;
    struct err err;
    const bool v6 = view_find(host, ':') < host.len;
    const int len = snprintf(text, sizeof text, v6 ? "[%.*s]:1" : "%.*s:1", VIEW_ARGS(host));

    if (view_eq(host, VIEW("localhost")))
        return true;
    return len > 0 && (size_t)len < sizeof text &&
           net_address_parse(view_of(text, (size_t)len), &address, &err) == STATUS_OK &&
           net_address_is_loopback(&address);
}

/* Whether what the scheme says and `plain` agree. */
static bool check_scheme(struct conf_loading *l, struct conf_sink_rows *rows, bool plain)
{
    const struct ytext *const url = &rows->http.url;
    const bool said = rows->http.plain.value == 1;
    char quoted[DIAG_QUOTED_BYTES];

    if (!plain && !view_starts(url->value, VIEW("https://"))) {
        diag_fault(l->diag, url->at, "url: expected https://HOST[:PORT]/PATH%s%s",
                   conf_found(url->value, quoted), quoted);
        return false;
    }
    if (plain && !said) {
        diag_fault(l->diag, url->at,
                   "url: http:// would carry the journal's lines in the clear; write https://, or "
                   "`plain: true` beside it for a receiver on this host");
        return false;
    }
    if (!plain && said)
        diag_fault(l->diag, rows->http.plain.at, "plain: true contradicts https://; leave it out");
    return true;
}

static void read_url(struct conf_loading *l, struct conf_sink_rows *rows, struct conf_sink *sink)
{
    const struct ytext *const url = &rows->http.url;
    const bool plain = view_starts(url->value, VIEW("http://"));
    struct view rest, host, target;
    size_t slash;
    int64_t port = plain ? 80 : 443;

    if (!check_scheme(l, rows, plain))
        return;
    rest = view_from(url->value, plain ? 7 : 8);
    slash = view_find(rest, '/');
    target = slash == rest.len ? VIEW("/") : view_from(rest, slash);
    if (!is_visible(target) || view_find(target, '#') < target.len ||
        !conf_split_authority(view_of(rest.ptr, slash), &host, &port)) {
        diag_fault(l->diag, url->at,
                   "url: expected a host, perhaps a port, and a path of visible ASCII characters, "
                   "without a user or a fragment");
        return;
    }
    if (plain && !is_loopback(host)) {
        diag_fault(l->diag, url->at,
                   "url: http:// goes to this host alone (127.0.0.1, [::1], "
                   "localhost), whatever `plain` says");
        return;
    }
    sink->http.plain = plain;
    sink->http.host = conf_text(l, host);
    sink->http.port = (uint16_t)port;
    sink->http.target = conf_text(l, target);
}

static void read_http(struct conf_loading *l, struct conf_sink_rows *rows, struct conf_sink *sink)
{
    number_default(&rows->http.plain, 0);
    number_default(&rows->http.batch, BATCH_LINES);
    number_default(&rows->http.gzip, 1);
    number_default(&rows->http.timeout, HTTP_MS);
    text_default(&rows->http.ca_file, VIEW("system"));
    if (rows->http.url.set)
        read_url(l, rows, sink);
    sink->http.ca_file = ca_file_of(l, &rows->http.ca_file);
    sink->http.headers_file = conf_path(l, &rows->http.headers_file);
    sink->http.gzip = rows->http.gzip.value != 0;
    sink->http.timeout_ms = rows->http.timeout.value;
    sink->batch = rows->http.batch.value;
}

/* ---- syslog ---- */

static void read_host(struct conf_loading *l, struct conf_sink_rows *rows, struct view authority,
                      struct conf_sink *sink)
{
    struct view host;
    int64_t port = 0;

    if (!conf_split_authority(authority, &host, &port) || port == 0) {
        diag_fault(l->diag, rows->syslog.address.at,
                   "address: expected tcp:HOST:PORT or "
                   "tls:HOST:PORT");
        return;
    }
    if (sink->syslog.kind == CONF_SYSLOG_TCP && !is_loopback(host))
        diag_warn(l->diag, rows->syslog.address.at,
                  "address: the journal's lines cross the network in the clear; tls:HOST:PORT "
                  "encrypts them and verifies who takes them");
    sink->syslog.host = conf_text(l, host);
    sink->syslog.port = (uint16_t)port;
}

static void read_path(struct conf_loading *l, const struct ytext *address, struct ytext *path,
                      struct conf_sink *sink)
{
    struct sockaddr_un name;

    if (path->value.len == 0) {
        diag_fault(l->diag, address->at, "address: expected unix:PATH, found no path");
        return;
    }
    sink->syslog.path = conf_path(l, path);
    if (sink->syslog.path != NULL && strlen(sink->syslog.path) >= sizeof name.sun_path)
        diag_fault(l->diag, address->at,
                   "address: %s has %zu bytes; the name of a socket may have %zu",
                   sink->syslog.path, strlen(sink->syslog.path), sizeof name.sun_path - 1);
}

static void read_address(struct conf_loading *l, struct conf_sink_rows *rows,
                         struct conf_sink *sink)
{
    static const struct {
        struct view prefix;
        enum conf_syslog_kind kind;
    } kinds[] = {{{"unix:", 5}, CONF_SYSLOG_UNIX},
                 {{"tcp:", 4}, CONF_SYSLOG_TCP},
                 {{"tls:", 4}, CONF_SYSLOG_TLS}};
    const struct ytext *const address = &rows->syslog.address;
    char quoted[DIAG_QUOTED_BYTES];

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        struct ytext rest = *address;

        if (!view_starts(address->value, kinds[i].prefix))
            continue;
        rest.value = view_from(address->value, kinds[i].prefix.len);
        sink->syslog.kind = kinds[i].kind;
        if (kinds[i].kind == CONF_SYSLOG_UNIX)
            read_path(l, address, &rest, sink);
        else
            read_host(l, rows, rest.value, sink);
        return;
    }
    diag_fault(l->diag, address->at,
               "address: expected unix:PATH, tcp:HOST:PORT or tls:HOST:PORT, found %s",
               diag_quoted(address->value, quoted));
}

static void check_files(struct conf_loading *l, const struct conf_sink_rows *rows,
                        const struct conf_sink *sink)
{
    const struct ytext *const files[] = {&rows->syslog.ca_file, &rows->syslog.certificate,
                                         &rows->syslog.key};

    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        if (sink->syslog.kind != CONF_SYSLOG_TLS && files[i]->set)
            diag_fault(l->diag, files[i]->at,
                       "ca_file, certificate and key are for tls:HOST:PORT alone");
    }
    if (rows->syslog.certificate.set != rows->syslog.key.set)
        diag_fault(l->diag, rows->syslog.object.at,
                   "syslog: certificate and key go together; one of them is left out");
}

static void read_syslog(struct conf_loading *l, struct conf_sink_rows *rows, struct conf_sink *sink)
{
    number_default(&rows->syslog.facility, FACILITY_LOCAL0);
    number_default(&rows->syslog.timeout, SYSLOG_MS);
    text_default(&rows->syslog.app_name, VIEW("postern"));
    if (rows->syslog.address.set)
        read_address(l, rows, sink);
    check_files(l, rows, sink);
    if (sink->syslog.kind == CONF_SYSLOG_TLS)
        text_default(&rows->syslog.ca_file, VIEW("system"));
    if (!is_visible(rows->syslog.app_name.value))
        diag_fault(l->diag, rows->syslog.app_name.at,
                   "app_name: expected visible ASCII characters");
    sink->syslog.ca_file = ca_file_of(l, &rows->syslog.ca_file);
    sink->syslog.certificate = conf_path(l, &rows->syslog.certificate);
    sink->syslog.key = conf_path(l, &rows->syslog.key);
    sink->syslog.facility = (int)rows->syslog.facility.value;
    sink->syslog.app_name = conf_text(l, rows->syslog.app_name.value);
    sink->syslog.timeout_ms = rows->syslog.timeout.value;
}

/* ---- all of them ---- */

static bool is_name(struct view name)
{
    for (size_t i = 0; i < name.len; i++) {
        const char c = name.ptr[i];

        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'))
            return false;
    }
    return name.len > 0;
}

static void check_name(struct conf_loading *l, size_t index)
{
    const struct ytext *const name = &l->rows->sink_list[index].name;
    char quoted[DIAG_QUOTED_BYTES];

    if (!name->set)
        return;
    if (!is_name(name->value))
        diag_fault(l->diag, name->at, "name: expected a-z, 0-9 and hyphens, found %s",
                   diag_quoted(name->value, quoted));
    for (size_t i = 0; i < index; i++) {
        if (view_eq(l->rows->sink_list[i].name.value, name->value))
            diag_fault(l->diag, name->at, "name: another sink is called %s",
                       diag_quoted(name->value, quoted));
    }
}

static void read_sink(struct conf_loading *l, const struct ynode *item, size_t index,
                      struct conf_sink *sink)
{
    struct conf_sink_rows *const rows = &l->rows->sink_list[index];
    int places;

    prepare(rows);
    yschema_read(item, item->loc, conf_sink_fields, rows, l->arena, l->diag);
    sink->at = item->loc;
    check_name(l, index);
    if (rows->to_stdout.value == 0)
        diag_fault(l->diag, rows->to_stdout.at, "stdout: expected true; leave it out otherwise");
    places = (rows->to_stdout.at.line > 0) + (rows->syslog.object.at.line > 0) +
             (rows->http.object.at.line > 0);
    if (places != 1)
        diag_fault(l->diag, item->loc,
                   "a sink has exactly one of stdout, syslog and http, found %d of them", places);
    sink->name = conf_text(l, rows->name.value);
    sink->format = (int)rows->format.value;
    sink->from_now = rows->from.value == 1;
    sink->batch = BATCH_LINES;
    if (rows->syslog.object.set) {
        sink->kind = CONF_SINK_SYSLOG;
        read_syslog(l, rows, sink);
    } else if (rows->http.object.set) {
        sink->kind = CONF_SINK_HTTP;
        read_http(l, rows, sink);
    }
}

/* One file can't be shared by lines that are written at the same time. */
static void check_stdout(struct conf_loading *l, const struct conf_sink *sinks, size_t count)
{
    size_t found = 0;

    for (size_t i = 0; i < count; i++) {
        if (sinks[i].kind == CONF_SINK_STDOUT && ++found > 1)
            diag_fault(l->diag, sinks[i].at, "stdout: another sink writes there");
    }
}

static void find_positions(struct conf_loading *l)
{
    const struct ytext *const directory = &l->rows->journal.directory;
    struct view parent = directory->value;

    while (parent.len > 0 && parent.ptr[parent.len - 1] != '/')
        parent.len--;
    l->conf.positions = arena_printf(l->arena, "%.*ssinks", VIEW_ARGS(parent)).ptr;
    if (l->conf.positions == NULL)
        conf_no_memory(l);
    else if (view_eq(directory->value, view_str(l->conf.positions)))
        diag_fault(l->diag, directory->at,
                   "directory: the journal can't be %s; the sinks' positions are kept there",
                   l->conf.positions);
}

void conf_read_sinks(struct conf_loading *l)
{
    const struct ynode *list = l->rows->sinks;
    struct conf_sink *sinks;
    size_t at = 0;

    if (list == NULL || ynode_is_null(list))
        return;
    if (list->kind != YNODE_SEQUENCE) {
        diag_fault(l->diag, list->loc, "sinks: expected a list of sinks, found %s",
                   ynode_kind_name(list));
        return;
    }
    if (list->count > SINKS_MAX) {
        diag_fault(l->diag, list->loc, "sinks: expected at most %d sinks, found %zu", SINKS_MAX,
                   list->count);
        return;
    }
    sinks = arena_array(l->arena, list->count, sizeof *sinks);
    l->rows->sink_list = arena_array(l->arena, list->count, sizeof *l->rows->sink_list);
    if (sinks == NULL || l->rows->sink_list == NULL) {
        conf_no_memory(l);
        return;
    }
    for (const struct ynode *item = list->child; item != NULL; item = item->next, at++)
        read_sink(l, item, at, &sinks[at]);
    check_stdout(l, sinks, list->count);
    find_positions(l);
    l->rows->sink_count = list->count;
    l->conf.sinks = sinks;
    l->conf.sink_count = list->count;
}
