/* SPDX-License-Identifier: Apache-2.0
 * Questions to the journal over the admin API. To catch up an index may take minutes, so the answer
 * is looked for on a thread of its own, which lives as long as its question; one at a time. It is
 * broken off when whoever asked has gone, and when the gateway ends: nobody waits for it. */
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "server/internal.h"
#include "server/refuse.h"

enum { ANSWER_MAX = 4 << 20 /* as the admin API's */, QUESTION_MAX = 8 << 10 };

/* On the thread of the question. */
static void *look(void *user)
{
    struct audit_call *call = user;
    const uint64_t one = 1;
    ssize_t written;

    call->status = answer_question(&call->question, &call->stop, &call->answer);
    atomic_store(&call->ended, true);
    written = write(call->fd, &one, sizeof one);
    (void)written;
    return NULL;
}

static void join(struct audit_call *call)
{
    (void)pthread_join(call->thread, NULL);
    call->busy = false;
    free(call->query);
    call->query = NULL;
}

static void on_woken(evutil_socket_t fd, short what, void *user)
{
    struct audit_call *call = user;
    struct admin_done done = call->done;
    uint64_t count;
    ssize_t got = read(fd, &count, sizeof count);

    (void)got;
    (void)what;
    if (!call->busy || !atomic_load(&call->ended))
        return;
    join(call);
    if (atomic_load(&call->stop))
        log_line(LOG_INFO, "a question to the journal was broken off, nobody waits for it");
    if (done.call != NULL)
        done.call(done.user, call->status, &call->answer);
    buf_done(&call->answer);
}

/* Signals are the main thread's. */
static bool start(struct audit_call *call)
{
    sigset_t all, before;
    bool started;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    started = pthread_create(&call->thread, NULL, look, call) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

/* The query outlives the request: it may go before its question is looked at. */
static bool keep(struct audit_call *call, const struct admin_question *question)
{
    call->query = calloc(1, question->query.len + 1);
    if (call->query == NULL)
        return false;
    if (question->query.len > 0)
        memcpy(call->query, question->query.ptr, question->query.len);
    call->question.action = question->action; /* of a route: it stays */
    call->question.query = view_of(call->query, question->query.len);
    return true;
}

int server_audit(void *user, const struct admin_question *question, const struct admin_done *done,
                 struct buf *out)
{
    struct server *s = user;
    struct audit_call *call = &s->audit;

    if (call->busy)
        return server_refuse(out, 503,
                             "another question to the journal is being answered; try again");
    if (question->query.len > QUESTION_MAX)
        return server_refuse(out, 400, "the question has over 8192 bytes");
    if (!keep(call, question))
        return server_refuse(out, 503, "out of memory");
    atomic_store(&call->ended, false);
    atomic_store(&call->stop, false);
    buf_init(&call->answer, ANSWER_MAX);
    call->question.now_us = clock_now_us();
    call->question.directory = s->conf.journal.directory;
    call->done = *done;
    call->busy = true;
    if (start(call))
        return ADMIN_LATER;
    call->busy = false;
    free(call->query);
    call->query = NULL;
    return server_refuse(out, 503, "no thread can be started");
}

void server_audit_gone(void *user)
{
    struct server *s = user;

    atomic_store(&s->audit.stop, true);
}

bool server_audit_init(struct server *s)
{
    struct audit_call *call = &s->audit;

    call->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (call->fd < 0)
        return false;
    call->event = event_new(s->base, call->fd, EV_READ | EV_PERSIST, on_woken, call);
    if (call->event == NULL)
        (void)close(call->fd);
    return call->event != NULL && event_add(call->event, NULL) == 0;
}

void server_audit_forget(struct server *s)
{
    s->audit.done.call = NULL;
    atomic_store(&s->audit.stop, true);
}

void server_audit_done(struct server *s)
{
    struct audit_call *call = &s->audit;

    if (call->event == NULL)
        return;
    if (call->busy) {
        atomic_store(&call->stop, true);
        join(call);
        buf_done(&call->answer);
    }
    event_free(call->event);
    call->event = NULL;
    (void)close(call->fd);
}
