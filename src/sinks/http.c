/* SPDX-License-Identifier: Apache-2.0
 * One POST a batch. The receiver has it once all of it has gone and the head of a 2xx answer is
 * here. */
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/clock.h"
#include "base/number.h"
#include "http1/write.h"
#include "sinks/batch.h"
#include "sinks/headers.h"
#include "upstream/upstream.h"

enum {
    HEAD_BYTES = 64 * 1024,
    BODY_BYTES = BATCH_BYTES + BATCH_LINE_BYTES_MAX + 2 * BATCH_LINES_MAX,
    KEPT_BYTES = 4 << 20, /* of a body's memory, from one to the next */
    RESOLVE_MS = 30000,
    CONNECT_MS = 10000,
    KEEP_ALIVE_MS = 60000,
    LOOK_US = 20000,        /* for the first answer of the name service */
    ANSWER_BYTES = 1 << 20, /* of which nothing is needed */
    WHY_BYTES = 96,
    GZIP_BITS = 15 + 16,
    GZIP_LEVEL = 5,
    GZIP_MEMORY = 8,
};

struct http {
    struct transport transport;
    struct transport_http_settings settings;
    struct net_tls *tls;
    struct resolver *resolver;
    struct upstream *upstream;
    struct upstream_call *call;
    struct event *timer; /* until the name is known */
    int64_t give_up_us;  /* monotonic: for that */
    struct buf fields;   /* of the headers file */
    struct buf head, body, packed;
    z_stream gzip;
    bool has_gzip;

    const struct transport_batch *batch; /* NULL: none is under way */
    transport_done *done;
    void *user;
    unsigned status; /* of the answer; 0: none yet */
    int64_t wait_ms;
    uint64_t answered; /* bytes */
};

/* ---- answers ---- */

static void finish(struct http *http, const struct transport_why_not *why_not)
{
    const size_t count = http->batch->count;

    http->call = NULL;
    http->batch = NULL;
    if (http->body.cap > KEPT_BYTES)
        buf_done(&http->body);
    if (http->packed.cap > KEPT_BYTES)
        buf_done(&http->packed);
    http->done(http->user, why_not == NULL ? count : 0, why_not);
}

static void fail(struct http *http, enum transport_trouble trouble, const char *text)
{
    const struct transport_why_not why_not = {
        .trouble = trouble, .wait_ms = http->wait_ms, .text = text};

    finish(http, &why_not);
}

/* RFC 9110 15: what of these is worth the same request again. */
static enum transport_trouble trouble_of(unsigned status)
{
    if (status == 413)
        return TRANSPORT_TOO_BIG;
    if (status >= 500 || status == 408 || status == 425 || status == 429)
        return TRANSPORT_AWAY;
    return TRANSPORT_REFUSES;
}

static bool is_well(unsigned status)
{
    return status >= 200 && status < 300;
}

static void conclude(struct http *http)
{
    char why[WHY_BYTES];

    if (is_well(http->status)) {
        finish(http, NULL);
        return;
    }
    (void)snprintf(why, sizeof why, "the receiver answered %u", http->status);
    fail(http, trouble_of(http->status), why);
}

/* "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 5.6.7). */
static bool parse_date(struct view date, int64_t *ret_us)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    char text[CLOCK_TEXT_BYTES];
    unsigned month = 0;

    if (date.len != 29 || !view_ends(date, VIEW(" GMT")))
        return false;
    while (month < 12 && memcmp(months + (size_t)3 * month, date.ptr + 8, 3) != 0)
        month++;
    if (month == 12)
        return false;
    (void)snprintf(text, sizeof text,
                   "%.4s-%02u-%.2s"
                   "T%.8sZ",
                   date.ptr + 12, month + 1, date.ptr + 5, date.ptr + 17);
    return clock_parse(view_str(text), ret_us);
}

static bool is_digits(struct view text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
    }
    return text.len > 0;
}

/* Retry-After, RFC 9110 10.2.3; 0 where it says nothing. */
static int64_t wait_of(const struct http1_response *head)
{
    const struct http1_field *const field =
        http1_find_field(head->fields, head->count, HTTP1_RETRY_AFTER, NULL);
    int64_t at_us;
    uint64_t seconds;

    if (field == NULL)
        return 0;
    if (is_digits(field->value)) /* more than fits is very long, too */
        return num_parse_digits(field->value, &seconds) && seconds < INT32_MAX
                   ? (int64_t)seconds * 1000
                   : (int64_t)INT32_MAX * 1000;
    if (parse_date(field->value, &at_us) && at_us > clock_now_us())
        return (at_us - clock_now_us()) / 1000;
    return 0;
}

/* Whoever says well before all has gone to them can't have stored it. */
static void refuse_early(struct http *http, unsigned status)
{
    char why[WHY_BYTES];

    upstream_cancel(http->call);
    (void)snprintf(why, sizeof why, "the receiver answered %u before it had the whole batch",
                   status);
    fail(http, TRANSPORT_REFUSES, why);
}

static void on_head(void *user, const struct http1_response *head)
{
    struct http *const http = user;

    http->wait_ms = wait_of(head);
    if (is_well(head->status) && !upstream_is_sent(http->call))
        refuse_early(http, head->status);
    else
        http->status = head->status;
}

static void on_data(void *user, struct view data)
{
    struct http *const http = user;

    http->answered += data.len;
    if (http->answered <= ANSWER_BYTES)
        return;
    upstream_cancel(http->call);
    conclude(http);
}

static void on_end(void *user)
{
    conclude(user);
}

static void on_failed(void *user, enum upstream_failure failure, bool sent, const char *detail)
{
    struct http *const http = user;
    char why[WHY_BYTES];

    (void)sent;
    if (http->status != 0) {
        conclude(http);
        return;
    }
    (void)snprintf(why, sizeof why, "%s: %s", upstream_failure_name(failure), detail);
    fail(http, failure == UPSTREAM_CERTIFICATE ? TRANSPORT_REFUSES : TRANSPORT_AWAY, why);
}

static const struct upstream_handler handler = {
    .on_head = on_head, .on_data = on_data, .on_end = on_end, .on_failed = on_failed};

/* ---- requests ---- */

static void put_lines(struct http *http)
{
    const bool array = http->settings.array;
    struct buf *const out = &http->body;

    buf_clear(out);
    if (array)
        buf_add_byte(out, '[');
    for (size_t i = 0; i < http->batch->count; i++) {
        if (array && i > 0)
            buf_add_byte(out, ',');
        buf_add(out, http->batch->lines[i].text);
        if (!array)
            buf_add_byte(out, '\n');
    }
    if (array)
        buf_add_byte(out, ']');
}

/* The body in gzip's format (RFC 1952), in packed. */
static bool pack(struct http *http)
{
    z_stream *const gzip = &http->gzip;
    const size_t most = deflateBound(gzip, http->body.len);

    buf_clear(&http->packed);
    if (!buf_reserve(&http->packed, most) || deflateReset(gzip) != Z_OK)
        return false;
    gzip->next_in = (unsigned char *)http->body.ptr;
    gzip->avail_in = (unsigned)http->body.len;
    gzip->next_out = (unsigned char *)http->packed.ptr;
    gzip->avail_out = (unsigned)most;
    if (deflate(gzip, Z_FINISH) != Z_STREAM_END)
        return false;
    http->packed.len = most - gzip->avail_out;
    return true;
}

static void put_host(struct http *http)
{
    const struct transport_http_settings *const settings = &http->settings;
    const bool v6 = strchr(settings->host, ':') != NULL;
    char host[300];
    size_t len = (size_t)snprintf(host, sizeof host - 8, v6 ? "[%s]" : "%s", settings->host);

    if (settings->port != (settings->plain ? 80 : 443))
        len += (size_t)snprintf(host + len, sizeof host - len, ":%u", (unsigned)settings->port);
    http1_put_field(&http->head, VIEW("Host"), view_of(host, len));
}

static void put_head(struct http *http, struct view body)
{
    buf_clear(&http->head);
    http1_put_request_line(&http->head, VIEW("POST"), view_str(http->settings.target));
    put_host(http);
    http1_put_field(&http->head, VIEW("User-Agent"), VIEW("postern"));
    http1_put_field(&http->head, VIEW("Content-Type"), view_str(http->settings.content_type));
    if (http->settings.gzip)
        http1_put_field(&http->head, VIEW("Content-Encoding"), VIEW("gzip"));
    http1_put_field(&http->head, VIEW("Postern-Batch"), view_str(http->batch->id));
    buf_add(&http->head, buf_view(&http->fields));
    http1_put_length(&http->head, body.len);
    http1_put_end(&http->head);
}

/* A batch that is repeated says so by its id: the receiver may get it twice. */
static void post(struct http *http)
{
    struct upstream_order order = {.method = VIEW("POST"), .urgent = true, .idempotent = true};

    put_lines(http);
    if (http->body.failed != STATUS_OK || (http->settings.gzip && !pack(http))) {
        fail(http, TRANSPORT_AWAY, "there is no memory for the request");
        return;
    }
    order.body = buf_view(http->settings.gzip ? &http->packed : &http->body);
    put_head(http, order.body);
    order.head = buf_view(&http->head);
    if (http->head.failed == STATUS_OK)
        http->call = upstream_start(http->upstream, &order, &handler, http);
    if (http->call == NULL)
        fail(http, TRANSPORT_AWAY, "there is no memory for the request");
}

static void wait_for_name(struct http *http)
{
    const struct timeval soon = {.tv_usec = LOOK_US};

    if (resolver_ready(http->resolver) || clock_monotonic_us() >= http->give_up_us)
        post(http);
    else
        (void)event_add(http->timer, &soon);
}

static void on_timer(evutil_socket_t fd, short what, void *user)
{
    (void)fd;
    (void)what;
    wait_for_name(user);
}

static void http_send(struct transport *transport, const struct transport_batch *batch,
                      transport_done *done, void *user)
{
    struct http *const http = (struct http *)transport;

    http->batch = batch;
    http->done = done;
    http->user = user;
    http->status = 0;
    http->wait_ms = 0;
    http->answered = 0;
    http->give_up_us = clock_monotonic_us() + (int64_t)CONNECT_MS * 1000;
    wait_for_name(http);
}

static size_t http_cancel(struct transport *transport)
{
    struct http *const http = (struct http *)transport;
    const size_t count = http->batch->count;

    (void)event_del(http->timer);
    if (http->call != NULL)
        upstream_cancel(http->call);
    http->call = NULL;
    http->batch = NULL;
    return is_well(http->status) ? count : 0;
}

/* ---- beginning, files and end ---- */

/* *ret is the caller's, empty where there is no file or it can't be read. */
static enum status read_fields(const struct http *http, struct buf *ret, struct err *err)
{
    enum status status = STATUS_OK;

    buf_init(ret, (size_t)2 * HEADERS_BYTES_MAX);
    if (http->settings.headers_file != NULL)
        status = headers_read(http->settings.headers_file, ret, err);
    if (status != STATUS_OK)
        buf_done(ret);
    return status;
}

/* Both files, or neither. The next batch goes under the new ones. */
static enum status http_reload(struct transport *transport, struct err *err)
{
    struct http *const http = (struct http *)transport;
    struct buf fields;

    if (read_fields(http, &fields, err) != STATUS_OK)
        return err->status;
    if (http->tls != NULL && net_tls_reload(http->tls, err) != STATUS_OK) {
        buf_done(&fields);
        return err->status;
    }
    buf_done(&http->fields);
    http->fields = fields;
    return STATUS_OK;
}

static void http_free(struct transport *transport)
{
    struct http *const http = (struct http *)transport;

    upstream_free(&http->upstream);
    if (http->timer != NULL)
        event_free(http->timer);
    if (http->has_gzip)
        (void)deflateEnd(&http->gzip);
    resolver_free(&http->resolver);
    net_tls_free(&http->tls);
    buf_done(&http->fields);
    if (http->head.ptr != NULL)
        explicit_bzero(http->head.ptr, http->head.cap);
    buf_done(&http->head);
    buf_done(&http->body);
    buf_done(&http->packed);
    free(http);
}

static enum status set_up(struct http *http, struct event_base *base, struct err *err)
{
    const struct transport_http_settings *const settings = &http->settings;
    const int64_t ms = settings->timeout_ms, connect_ms = ms < CONNECT_MS ? ms : CONNECT_MS;
    const struct upstream_settings limits = {
        .head = {.head = 65536, .uri = 8192, .header_value = 32768, .headers = 128},
        .connect_ms = connect_ms,
        .tls_ms = connect_ms,
        .send_ms = ms,
        .first_byte_ms = ms,
        .idle_ms = ms,
        .total_ms = ms,
        .keep_alive_ms = KEEP_ALIVE_MS,
        .max_connections = 1,
    };

    if (read_fields(http, &http->fields, err) != STATUS_OK ||
        (!settings->plain &&
         net_tls_client_new(settings->host, settings->ca_file, &http->tls, err) != STATUS_OK) ||
        resolver_new(settings->host, settings->port, RESOLVE_MS, &http->resolver, err) != STATUS_OK)
        return err->status;
    http->has_gzip = deflateInit2(&http->gzip, GZIP_LEVEL, Z_DEFLATED, GZIP_BITS, GZIP_MEMORY,
                                  Z_DEFAULT_STRATEGY) == Z_OK;
    http->timer = event_new(base, -1, 0, on_timer, http);
    http->upstream = upstream_new(base, &limits, http->tls, http->resolver);
    if (!http->has_gzip || http->timer == NULL || http->upstream == NULL)
        return err_set(err, STATUS_NOMEM, "out of memory");
    return STATUS_OK;
}

static const struct transport_class http_class = {
    .send = http_send, .cancel = http_cancel, .reload = http_reload, .free = http_free};

enum status transport_http_new(struct event_base *base,
                               const struct transport_http_settings *settings,
                               struct transport **ret, struct err *err)
{
    struct http *http = calloc(1, sizeof *http); /* heap: as long as its sink */
    enum status status;

    if (http == NULL)
        return err_set(err, STATUS_NOMEM, "out of memory");
    http->transport.class = &http_class;
    http->settings = *settings;
    buf_init(&http->head, HEAD_BYTES);
    buf_init(&http->body, BODY_BYTES);
    buf_init(&http->packed, (size_t)BODY_BYTES + (1 << 16));
    status = set_up(http, base, err);
    if (status == STATUS_OK)
        *ret = &http->transport;
    else
        http_free(&http->transport);
    return status;
}
