/* SPDX-License-Identifier: Apache-2.0
 * One message a line. Syslog has no answers, so a batch counts as delivered once the other side's
 * kernel has acknowledged all of it (TCP), or the receiver has read it (Unix sockets), and is still
 * there then. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "sinks/batch.h"
#include "sinks/syslog_inner.h"

enum {
    RESOLVE_MS = 30000,
    LOOK_NAME_MS = 20, /* for the first answer of the name service */
    LOOK_FIRST_MS = 1, /* for an acknowledgement; then twice as long each time */
    LOOK_MAX_MS = 50,
    OUT_BYTES = BATCH_LINE_BYTES_MAX + (2 << 20),
    OUT_KEPT_BYTES = 1 << 20,
};

static void look_in(struct syslog *s, int64_t ms)
{
    const struct timeval wait = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

    (void)event_add(s->timer, &wait);
}

static void close_link(struct syslog *s)
{
    (void)event_del(s->timer);
    if (s->link != NULL)
        s->link->close(s);
    else
        net_close(&s->conn);
    s->link = NULL;
    s->stale = false;
}

/* ---- the end of a batch ---- */

/* What the other side has for sure: all lines before next, if none waits in between. */
static void confirm(struct syslog *s)
{
    size_t unsent;

    if (s->link != NULL && s->written == s->out.len && s->next > s->confirmed &&
        s->link->fate(s, &unsent) == SYSLOG_TAKEN)
        s->confirmed = s->next;
}

static void finish(struct syslog *s, const struct transport_why_not *why_not)
{
    (void)event_del(s->timer);
    s->batch = NULL;
    s->awaiting = false;
    if (s->stale)
        close_link(s);
    if (s->out.cap > OUT_KEPT_BYTES)
        buf_done(&s->out);
    s->done(s->user, s->confirmed, why_not);
}

void syslog_fail(struct syslog *s, enum transport_trouble trouble, const char *text)
{
    char copy[SYSLOG_WHY_BYTES]; /* the text may be the link's */
    const struct transport_why_not why_not = {.trouble = trouble, .text = copy};

    (void)snprintf(copy, sizeof copy, "%s", text);
    close_link(s);
    if (s->batch != NULL)
        finish(s, &why_not);
}

void syslog_moved(struct syslog *s)
{
    s->moved_us = clock_monotonic_us();
}

static void look(struct syslog *s)
{
    size_t unsent = 0;
    const enum syslog_fate fate = s->link->fate(s, &unsent);

    if (fate == SYSLOG_TAKEN) {
        s->confirmed = s->batch->count;
        finish(s, NULL);
        return;
    }
    if (fate == SYSLOG_BROKEN) {
        syslog_fail(s, TRANSPORT_AWAY, "the receiver went away before it had everything");
        return;
    }
    if (unsent != s->unsent)
        syslog_moved(s);
    s->unsent = unsent;
    if (clock_monotonic_us() - s->moved_us >= s->settings.timeout_ms * 1000) {
        syslog_fail(s, TRANSPORT_AWAY, "the receiver takes nothing");
        return;
    }
    look_in(s, s->look_ms);
    s->look_ms = s->look_ms * 2 < LOOK_MAX_MS ? s->look_ms * 2 : LOOK_MAX_MS;
}

void syslog_sent(struct syslog *s)
{
    s->awaiting = true;
    s->look_ms = LOOK_FIRST_MS;
    s->unsent = 0;
    look(s);
}

/* ---- the beginning of one ---- */

void syslog_ready(struct syslog *s, const struct syslog_link *link)
{
    s->link = link;
    buf_clear(&s->out);
    s->written = 0;
    s->next = 0;
    syslog_moved(s);
    if (s->batch != NULL)
        link->pump(s);
}

static void connect_or_wait(struct syslog *s)
{
    if (s->resolver == NULL) {
        syslog_unix_connect(s);
        return;
    }
    if (!resolver_ready(s->resolver) && clock_monotonic_us() < s->give_up_us) {
        look_in(s, LOOK_NAME_MS);
        return;
    }
    resolver_get(s->resolver, &s->addresses);
    s->attempt = 0;
    if (s->addresses.count == 0)
        syslog_fail(s, TRANSPORT_AWAY, "the host name is not resolved");
    else
        syslog_stream_connect(s);
}

static void on_timer(evutil_socket_t fd, short what, void *user)
{
    struct syslog *const s = user;

    (void)fd;
    (void)what;
    if (s->batch == NULL)
        return;
    if (s->awaiting)
        look(s);
    else if (s->link == NULL)
        connect_or_wait(s);
}

static void syslog_send(struct transport *transport, const struct transport_batch *batch,
                        transport_done *done, void *user)
{
    struct syslog *const s = (struct syslog *)transport;

    s->batch = batch;
    s->done = done;
    s->user = user;
    s->confirmed = 0;
    s->awaiting = false;
    s->origin.host = batch->source;
    s->give_up_us = clock_monotonic_us() + s->settings.timeout_ms * 1000;
    if (s->link != NULL)
        syslog_ready(s, s->link);
    else
        connect_or_wait(s);
}

static size_t syslog_cancel(struct transport *transport)
{
    struct syslog *const s = (struct syslog *)transport;

    confirm(s);
    close_link(s);
    s->batch = NULL;
    s->awaiting = false;
    return s->confirmed;
}

/* ---- files and end ---- */

static enum status syslog_reload(struct transport *transport, struct err *err)
{
    struct syslog *const s = (struct syslog *)transport;

    if (s->tls == NULL)
        return STATUS_OK;
    if (net_tls_reload(s->tls, err) != STATUS_OK)
        return err->status;
    s->stale = true; /* the next batch goes under the new ones */
    if (s->batch == NULL)
        close_link(s);
    return STATUS_OK;
}

static void syslog_free(struct transport *transport)
{
    struct syslog *const s = (struct syslog *)transport;

    if (s->timer != NULL) {
        close_link(s);
        event_free(s->timer);
    }
    resolver_free(&s->resolver);
    net_tls_free(&s->tls);
    buf_done(&s->out);
    free(s);
}

static const struct transport_class syslog_class = {
    .send = syslog_send, .cancel = syslog_cancel, .reload = syslog_reload, .free = syslog_free};

static enum status set_up(struct syslog *s, struct err *err)
{
    const struct transport_syslog_settings *const settings = &s->settings;

    s->timer = event_new(s->base, -1, 0, on_timer, s);
    if (s->timer == NULL)
        return err_set(err, STATUS_NOMEM, "out of memory");
    if (settings->kind == SYSLOG_UNIX)
        return STATUS_OK;
    if (settings->kind == SYSLOG_TLS &&
        net_tls_stream_new(settings->host, settings->ca_file, settings->certificate, settings->key,
                           &s->tls, err) != STATUS_OK)
        return err->status;
    return resolver_new(settings->host, settings->port, RESOLVE_MS, &s->resolver, err);
}

enum status transport_syslog_new(struct event_base *base,
                                 const struct transport_syslog_settings *settings,
                                 struct transport **ret, struct err *err)
{
    struct syslog *s = calloc(1, sizeof *s); /* heap: as long as its sink */
    enum status status;

    if (s == NULL)
        return err_set(err, STATUS_NOMEM, "out of memory");
    s->transport.class = &syslog_class;
    s->settings = *settings;
    s->base = base;
    s->fd = -1;
    s->framing = SYSLOG_OCTETS;
    s->origin = (struct syslog_origin){
        .facility = settings->facility, .app_name = settings->app_name, .process = (long)getpid()};
    buf_init(&s->out, OUT_BYTES);
    status = set_up(s, err);
    if (status != STATUS_OK) {
        syslog_free(&s->transport);
        return status;
    }
    *ret = &s->transport;
    return STATUS_OK;
}
