/* SPDX-License-Identifier: Apache-2.0
 * The thread: all sinks on one loop, woken by the journal's writer. */
#include "sinks/sinks.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "net/loop.h"
#include "sinks/sink.h"

enum {
    OFTEN_US = 10000,
    GATHER_MS = 100,
    RETRY_MS = 500,
    RETRY_MAX_MS = 30 * 1000,
    ASKED_MAX_MS = 5 * 60 * 1000,
};

struct sinks {
    struct sinks_settings settings;
    struct journal *journal;
    struct net_loop loop;
    struct sink_env env;
    struct err no_folder; /* why there is none */
    struct sink list[SINKS_MAX];
    size_t open;         /* of the list: those that were opened */
    uint64_t held;       /* what the journal was told last */
    struct event *watch; /* while stopping: looks whether all are drained */
    bool watching;
    _Atomic bool reloading, stopping;

    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool drained; /* under the lock */
};

/* ---- the folder of the positions ---- */

static bool is_missing(const char *path)
{
    struct stat facts;

    return lstat(path, &facts) != 0 && errno == ENOENT;
}

/* Where it isn't there and can't be made the sinks wait for it, and say why. One that is there and
 * can't be opened is a failure: nobody knows where its sinks stand. */
static enum status make_folder(struct sinks *sinks, struct err *err)
{
    const char *const path = sinks->settings.directory;
    int fd;

    if (mkdir(path, 0700) != 0 && errno != EEXIST) {
        (void)err_set_errno(err, errno, "can't make the folder %s", path);
        sinks->no_folder = *err;
        return is_missing(path) ? STATUS_OK : err->status;
    }
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_set_errno(err, errno, "can't open the folder %s", path);
    sinks->env.dir_fd = fd;
    return STATUS_OK;
}

/* ---- the thread ---- */

static void hold(struct sinks *sinks)
{
    uint64_t lowest = UINT64_MAX;

    for (size_t i = 0; i < sinks->open; i++) {
        const uint64_t needs = sink_needs(&sinks->list[i]);

        lowest = needs < lowest ? needs : lowest;
    }
    if (lowest == sinks->held)
        return;
    sinks->held = lowest;
    journal_hold(sinks->journal, lowest);
}

static void tell_drained(struct sinks *sinks)
{
    for (size_t i = 0; i < sinks->open; i++) {
        if (!sink_is_drained(&sinks->list[i]))
            return;
    }
    (void)pthread_mutex_lock(&sinks->lock);
    sinks->drained = true;
    (void)pthread_cond_signal(&sinks->changed);
    (void)pthread_mutex_unlock(&sinks->lock);
}

static void on_watch(evutil_socket_t fd, short what, void *user)
{
    struct sinks *const sinks = user;
    struct err err;

    (void)fd;
    (void)what;
    if (sinks->env.dir_fd < 0) /* the sinks say that it isn't there */
        (void)make_folder(sinks, &err);
    hold(sinks);
    if (atomic_load(&sinks->stopping))
        tell_drained(sinks);
}

/* From now on it is looked often whether they are through. */
static void drain(struct sinks *sinks)
{
    const struct timeval often = {.tv_usec = OFTEN_US};

    for (size_t i = 0; i < sinks->open; i++)
        sink_drain(&sinks->list[i]);
    (void)event_add(sinks->watch, &often);
}

static void on_woken(void *user)
{
    struct sinks *const sinks = user;
    const uint64_t durable = journal_durable_seq(sinks->journal);
    const bool reloading = atomic_exchange(&sinks->reloading, false);

    for (size_t i = 0; i < sinks->open; i++) {
        if (reloading)
            sink_reload(&sinks->list[i]);
        sink_wake(&sinks->list[i], durable);
    }
    hold(sinks);
    if (!atomic_load(&sinks->stopping) || sinks->watching)
        return;
    sinks->watching = true;
    drain(sinks);
}

/* ---- beginning ---- */

static enum status make_transport(struct sinks *sinks, const struct sink_settings *settings,
                                  struct transport **ret, struct err *err)
{
    struct event_base *const base = sinks->loop.base;

    switch (settings->kind) {
    case SINK_STDOUT:
        return transport_stdout_new(base, STDOUT_FILENO, ret, err);
    case SINK_SYSLOG:
        return transport_syslog_new(base, &settings->syslog, ret, err);
    case SINK_HTTP:
        return transport_http_new(base, &settings->http, ret, err);
    }
    return err_set(err, STATUS_INVALID, "there is no such transport");
}

static enum status open_sink(struct sinks *sinks, const struct sink_settings *settings,
                             struct err *err)
{
    struct transport *transport = NULL;

    if (make_transport(sinks, settings, &transport, err) != STATUS_OK)
        return err_wrap(err, "sink %s", settings->name);
    sinks->open++;
    if (sink_open(&sinks->list[sinks->open - 1], settings, &sinks->env, transport,
                  journal_durable_seq(sinks->journal), err) != STATUS_OK)
        return err_wrap(err, "sink %s", settings->name);
    return STATUS_OK;
}

static void wake(void *user)
{
    net_loop_wake(&((struct sinks *)user)->loop);
}

static enum status start(struct sinks *sinks, struct err *err)
{
    const struct timeval now_and_then = {.tv_sec = 1};
    struct journal_state state;

    if (make_folder(sinks, err) != STATUS_OK)
        return err->status;
    journal_get_state(sinks->journal, &state);
    sinks->env.damaged = state.damaged;
    if (!net_loop_init(&sinks->loop, on_woken, NULL, sinks))
        return err_set(err, STATUS_IO, "sinks: the event loop can't be made");
    sinks->env.base = sinks->loop.base;
    sinks->watch = event_new(sinks->loop.base, -1, EV_PERSIST, on_watch, sinks);
    if (sinks->watch == NULL || event_add(sinks->watch, &now_and_then) != 0)
        return err_set(err, STATUS_NOMEM, "sinks: out of memory");
    for (size_t i = 0; i < sinks->settings.count; i++) {
        if (open_sink(sinks, &sinks->settings.list[i], err) != STATUS_OK)
            return err->status;
    }
    hold(sinks);
    if (net_loop_start(&sinks->loop, "sinks", err) != STATUS_OK)
        return err->status;
    journal_watch(sinks->journal, wake, sinks);
    /* What was written before the journal was watched. */
    net_loop_wake(&sinks->loop);
    return STATUS_OK;
}

static void init_lock(struct sinks *sinks)
{
    pthread_condattr_t monotonic;

    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&sinks->lock, NULL);
    (void)pthread_cond_init(&sinks->changed, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
}

enum status sinks_start(const struct sinks_settings *settings, struct journal *journal,
                        struct sinks **ret, struct err *err)
{
    struct sinks *sinks;
    enum status status;

    if (settings->count > SINKS_MAX)
        return err_set(err, STATUS_LIMIT, "sinks: at most %d may be", SINKS_MAX);
    sinks = calloc(1, sizeof *sinks); /* heap: as long as the process */
    if (sinks == NULL)
        return err_set(err, STATUS_NOMEM, "sinks: out of memory");
    sinks->settings = *settings;
    sinks->journal = journal;
    sinks->env = (struct sink_env){
        .dir_fd = -1,
        .why_no_folder = sinks->no_folder.text,
        .journal = settings->journal,
        .gateway = settings->gateway,
        .pace = {.gather_ms = GATHER_MS,
                 .retry_ms = RETRY_MS,
                 .retry_max_ms = RETRY_MAX_MS,
                 .asked_max_ms = ASKED_MAX_MS},
    };
    init_lock(sinks);
    status = start(sinks, err);
    if (status == STATUS_OK)
        *ret = sinks;
    else
        sinks_stop(&sinks, 0);
    return status;
}

/* ---- end ---- */

static void wait_drained(struct sinks *sinks, int64_t wait_ms)
{
    const int64_t until_us = clock_monotonic_us() + wait_ms * 1000;
    const struct timespec until = {.tv_sec = until_us / 1000000,
                                   .tv_nsec = until_us % 1000000 * 1000};
    int failed = 0;

    atomic_store(&sinks->stopping, true);
    net_loop_wake(&sinks->loop);
    (void)pthread_mutex_lock(&sinks->lock);
    while (!sinks->drained && failed == 0)
        failed = pthread_cond_timedwait(&sinks->changed, &sinks->lock, &until);
    (void)pthread_mutex_unlock(&sinks->lock);
}

void sinks_stop(struct sinks **sinks, int64_t wait_ms)
{
    struct sinks *const all = *sinks;

    if (all == NULL)
        return;
    if (all->loop.started) {
        wait_drained(all, wait_ms);
        journal_watch(all->journal, NULL, NULL);
    }
    net_loop_stop(&all->loop);
    for (size_t i = 0; i < all->open; i++)
        sink_close(&all->list[i]);
    if (all->watch != NULL)
        event_free(all->watch);
    net_loop_done(&all->loop);
    if (all->env.dir_fd >= 0)
        (void)close(all->env.dir_fd);
    (void)pthread_cond_destroy(&all->changed);
    (void)pthread_mutex_destroy(&all->lock);
    free(all);
    *sinks = NULL;
}

/* ---- any thread ---- */

void sinks_reload(struct sinks *sinks)
{
    if (sinks == NULL)
        return;
    atomic_store(&sinks->reloading, true);
    net_loop_wake(&sinks->loop);
}

size_t sinks_count(const struct sinks *sinks)
{
    return sinks == NULL ? 0 : sinks->open;
}

void sinks_get_state(struct sinks *sinks, size_t number, struct sink_state *ret)
{
    sink_get_state(&sinks->list[number], ret);
}
