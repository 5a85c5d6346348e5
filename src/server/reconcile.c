/* SPDX-License-Identifier: Apache-2.0
 * A reconcile that somebody asked for: begun on the main thread, ended on the reconciler's,
 * answered on the main thread again. */
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "json/write.h"
#include "server/internal.h"
#include "server/quotas.h"
#include "server/refuse.h"

/* On the reconciler's thread. */
static void on_done(void *user, const struct reconcile_report *report)
{
    struct reconcile_call *call = user;
    const uint64_t one = 1;
    ssize_t written;

    call->report = *report; /* the main thread reads it behind the descriptor */
    atomic_store(&call->ended, true);
    written = write(call->fd, &one, sizeof one);
    (void)written;
}

/* Where nobody's list could be asked for, nothing was found out. */
static int answer_status(const struct reconcile_call *call, struct reconcile_report *report)
{
    if (report->scans > 0 || (report->failed == 0 && call->has_credential))
        return 200;
    if (report->failed == 0 && report->why[0] == '\0')
        (void)snprintf(report->why, sizeof report->why,
                       "there is no upstream.service_credential, and no caller's token to read "
                       "the cloud's lists with");
    return 503;
}

static void on_woken(evutil_socket_t fd, short what, void *user)
{
    struct reconcile_call *call = user;
    struct admin_done done = call->done;
    struct buf body;
    uint64_t count;
    int status;
    ssize_t got = read(fd, &count, sizeof count);

    (void)got;
    (void)what;
    if (!call->busy || !atomic_load(&call->ended))
        return;
    buf_init(&body, 4096);
    status = answer_status(call, &call->report);
    quotas_write_report(&call->report, &body);
    call->busy = false;
    if (done.call != NULL)
        done.call(done.user, status, &body);
    buf_done(&body);
}

int server_reconcile(void *user, const char *actor, const struct admin_done *done, struct buf *out)
{
    struct server *s = user;
    struct reconcile_call *call = &s->reconcile;

    if (s->shared.reconciler == NULL)
        return server_refuse(out, 503, "this gateway does not reconcile");
    if (call->busy)
        return server_refuse(out, 409, "a reconcile is under way");
    atomic_store(&call->ended, false);
    call->done = *done;
    call->busy = true;
    if (!reconcile_now(s->shared.reconciler, actor, on_done, call)) {
        call->busy = false;
        return server_refuse(out, 409, "a reconcile is under way");
    }
    server_record_admin(s, "/v1/reconcile", actor, NULL);
    return ADMIN_LATER;
}

bool server_reconcile_init(struct server *s)
{
    struct reconcile_call *call = &s->reconcile;

    call->has_credential =
        s->conf.upstream.token_file != NULL || s->conf.upstream.access_key_file != NULL;
    call->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (call->fd < 0)
        return false;
    call->event = event_new(s->base, call->fd, EV_READ | EV_PERSIST, on_woken, call);
    if (call->event == NULL)
        (void)close(call->fd);
    return call->event != NULL && event_add(call->event, NULL) == 0;
}

void server_reconcile_forget(struct server *s)
{
    s->reconcile.done.call = NULL;
}

void server_reconcile_done(struct server *s)
{
    if (s->reconcile.event == NULL)
        return;
    event_free(s->reconcile.event);
    s->reconcile.event = NULL;
    (void)close(s->reconcile.fd);
}
