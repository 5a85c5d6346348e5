/* SPDX-License-Identifier: Apache-2.0
 * Syslog over a stream: TCP and TLS with octet counting (RFC 6587, RFC 5425), and Unix sockets of
 * that type. Nothing comes back but the end. */
#include <stdio.h>

#include "base/clock.h"
#include "sinks/syslog_inner.h"

enum {
    CHUNK_BYTES = 256 * 1024, /* messages that are put together */
    SCRATCH_BYTES = 1024,
    READS_MAX = 16 /* at once: more comes with the next event */
};

static const struct net_handler handler;

/* ---- writing ---- */

static bool fill(struct syslog *s)
{
    buf_clear(&s->out);
    s->written = 0;
    while (s->next < s->batch->count && s->out.len < CHUNK_BYTES && s->out.failed == STATUS_OK)
        syslog_put(&s->origin, &s->batch->lines[s->next++], s->framing, &s->out);
    return s->out.failed == STATUS_OK;
}

/* NET_OK: something went. */
static enum net_io write_some(struct syslog *s)
{
    const struct iovec part = {.iov_base = s->out.ptr + s->written,
                               .iov_len = s->out.len - s->written};
    size_t n = 0;
    const enum net_io io = net_write(s->conn, &part, 1, &n);

    if (io == NET_OK) {
        s->written += n;
        syslog_moved(s);
        net_deadline(s->conn, s->settings.timeout_ms);
    }
    return io;
}

static void pump(struct syslog *s)
{
    net_deadline(s->conn, s->settings.timeout_ms);
    for (;;) {
        enum net_io io;

        if (s->written == s->out.len && s->next == s->batch->count) {
            net_deadline(s->conn, 0);
            syslog_sent(s);
            return;
        }
        if (s->written == s->out.len && !fill(s)) {
            syslog_fail(s, TRANSPORT_AWAY, "there is no memory for the messages");
            return;
        }
        io = write_some(s);
        if (io == NET_AGAIN)
            return;
        if (io != NET_OK) {
            syslog_fail(s, TRANSPORT_AWAY, net_error(s->conn));
            return;
        }
    }
}

/* An end that has come but wasn't read yet counts: what is in the receiver's buffers is nobody's
 * then. */
static enum syslog_fate fate(struct syslog *s, size_t *ret_unsent)
{
    if (!net_unsent(s->conn, ret_unsent))
        return SYSLOG_BROKEN;
    return *ret_unsent == 0 && net_is_quiet(s->conn) ? SYSLOG_TAKEN : SYSLOG_WAITING;
}

static void close_stream(struct syslog *s)
{
    net_close(&s->conn);
}

const struct syslog_link syslog_stream_link = {.pump = pump, .fate = fate, .close = close_stream};

/* ---- connecting ---- */

/* What is left of the time is shared by the addresses that are left: a dead one leaves some for the
 * next. */
static int64_t attempt_ms(const struct syslog *s)
{
    const int64_t left_ms = (s->give_up_us - clock_monotonic_us()) / 1000;
    const int64_t share_ms = left_ms / (int64_t)(s->addresses.count - s->attempt);

    return share_ms > 0 ? share_ms : 1;
}

void syslog_stream_connect(struct syslog *s)
{
    struct err err = {.text = "connecting failed"};

    while (s->attempt < s->addresses.count) {
        const int64_t ms = attempt_ms(s);

        s->conn =
            net_connect(s->base, &s->addresses.items[s->attempt++], s->tls, &handler, s, &err);
        if (s->conn != NULL) {
            net_deadline(s->conn, ms);
            return;
        }
    }
    syslog_fail(s, TRANSPORT_AWAY, err.text);
}

void syslog_stream_adopt(struct syslog *s, int fd)
{
    struct err err = {0};

    s->conn = net_accept(s->base, fd, NULL, &handler, s, &err);
    if (s->conn == NULL)
        syslog_fail(s, TRANSPORT_AWAY, err.text);
    else
        net_deadline(s->conn, s->settings.timeout_ms);
}

/* The next address, if there is one and time is left. */
static void attempt_failed(struct syslog *s, enum transport_trouble trouble, const char *text)
{
    char why[SYSLOG_WHY_BYTES];

    (void)snprintf(why, sizeof why, "%s", text);
    net_close(&s->conn);
    if (s->resolver == NULL || s->attempt >= s->addresses.count ||
        clock_monotonic_us() >= s->give_up_us)
        syslog_fail(s, trouble, why);
    else
        syslog_stream_connect(s);
}

/* ---- what the network tells ---- */

static void on_ready(void *user)
{
    struct syslog *const s = user;

    net_deadline(s->conn, 0);
    syslog_ready(s, &syslog_stream_link);
}

/* Receivers say nothing; whatever one says is dropped. */
static void on_readable(void *user)
{
    struct syslog *const s = user;
    char scratch[SCRATCH_BYTES];
    enum net_io io = NET_OK;
    size_t n;

    for (int i = 0; i < READS_MAX && io == NET_OK; i++)
        io = net_read(s->conn, scratch, sizeof scratch, &n);
    if (io == NET_EOF)
        syslog_fail(s, TRANSPORT_AWAY, "the receiver closed the connection");
    else if (io == NET_FAILED)
        syslog_fail(s, TRANSPORT_AWAY, net_error(s->conn));
}

static void on_writable(void *user)
{
    struct syslog *const s = user;

    if (s->batch != NULL && s->link != NULL)
        pump(s);
}

static void on_timeout(void *user)
{
    struct syslog *const s = user;

    if (s->link == NULL)
        attempt_failed(s, TRANSPORT_AWAY, "nobody answers");
    else
        syslog_fail(s, TRANSPORT_AWAY, "the receiver takes nothing");
}

static void on_failed(void *user)
{
    struct syslog *const s = user;

    attempt_failed(s, net_error_is_verify(s->conn) ? TRANSPORT_REFUSES : TRANSPORT_AWAY,
                   net_error(s->conn));
}

static const struct net_handler handler = {.on_ready = on_ready,
                                           .on_readable = on_readable,
                                           .on_writable = on_writable,
                                           .on_timeout = on_timeout,
                                           .on_failed = on_failed};
