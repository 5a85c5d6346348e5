/* SPDX-License-Identifier: Apache-2.0
 * The thread that keeps the ledger in memory and the database at one. */
#include "quota/shared.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

enum {
    US_PER_MS = 1000,
    NS_PER_US = 1000,
    RETRY_FIRST_MS = 100,
    RETRY_MOST_MS = 5000,
    STEADY_US = 1000000, /* what works for so long is tried again at once */
    SILENCE_LEAST_MS = 1000,
    NAME_BYTES = 128,
    LOSSES_BEFORE_LOCK = 2, /* after so many lost races it locks the others out for a moment */
    JITTER_MS = 4,
    LAST_WRITES = 64,
    WORK_BLOCK_BYTES = 65536,
    WORK_MAX_BYTES = 64 << 20,
};

int64_t boottime_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / NS_PER_US;
}

bool shared_may_send(const struct shared *shared)
{
    return shared->send_before_us > boottime_us();
}

/* Not before all is read: what is not known would be taken for an orphan. */
bool shared_leads(const struct shared *shared)
{
    return shared->ready && shared->first_of_all && shared_may_send(shared) &&
           boottime_us() >= shared->leads_from_us;
}

void shared_is_current(struct shared *shared, int64_t us)
{
    shared->current_us = us;
    (void)pthread_mutex_lock(&shared->store->lock);
    shared->known_us = us;
    (void)pthread_cond_broadcast(&shared->caught_up);
    (void)pthread_mutex_unlock(&shared->store->lock);
}

bool shared_catch_up(struct shared *shared)
{
    int64_t now_us = clock_monotonic_us(), until_us = now_us + shared->timeout_ms * US_PER_MS;
    const struct timespec until = {.tv_sec = until_us / 1000000,
                                   .tv_nsec = until_us % 1000000 * NS_PER_US};

    shared->sync_asked = true;
    shared_wake(shared);
    while (shared->known_us < now_us && !shared->stopping) {
        if (pthread_cond_timedwait(&shared->caught_up, &shared->store->lock, &until) != 0)
            break;
    }
    return shared->known_us >= now_us && shared->ready;
}

void shared_wake(struct shared *shared)
{
    uint64_t one = 1;

    /* It fails only where the thread is to wake already. */
    if (write(shared->wake_fd, &one, sizeof one) < 0)
        return;
}

/* The ledger's watcher; under the lock. */
static void changed(void *user, const struct ledger_item *item, bool gone)
{
    struct shared *shared = user;

    if (shared->deciding.ptr != NULL && view_eq(item->id, shared->deciding))
        return;
    if (!outbox_add(shared->outbox, item, gone))
        shared->outbox_failed = true;
    shared_wake(shared);
}

static bool is_stopping(struct shared *shared)
{
    bool stopping;

    (void)pthread_mutex_lock(&shared->store->lock);
    stopping = shared->stopping;
    (void)pthread_mutex_unlock(&shared->store->lock);
    return stopping;
}

/* Until there is something to do, the server has something to say, or the time has come. */
static void wait_until(struct shared *shared, int64_t until_us, bool listen)
{
    struct pollfd fds[] = {{.fd = shared->wake_fd, .events = POLLIN},
                           {.fd = listen ? pg_socket(shared->pg) : -1, .events = POLLIN}};
    int64_t left_us = until_us - clock_monotonic_us();
    uint64_t count;

    if (left_us > 0 && poll(fds, ARRAY_LEN(fds), (int)(left_us / US_PER_MS) + 1) <= 0)
        return;
    if (read(shared->wake_fd, &count, sizeof count) < 0)
        return;
}

static void rest(struct shared *shared)
{
    int64_t until_us = clock_monotonic_us() + shared->retry_ms * US_PER_MS;

    while (clock_monotonic_us() < until_us && !is_stopping(shared))
        wait_until(shared, until_us, false);
    shared->retry_ms = shared->retry_ms * 2 > RETRY_MOST_MS ? RETRY_MOST_MS : shared->retry_ms * 2;
}

static void set_ready(struct shared *shared, bool ready)
{
    (void)pthread_mutex_lock(&shared->store->lock);
    shared->ready = ready;
    (void)pthread_mutex_unlock(&shared->store->lock);
}

/* Each complaint once, until it works again. */
static void give_up(struct shared *shared)
{
    const char *why = pg_why(shared->pg), *state = pg_sqlstate(shared->pg);

    set_ready(shared, false);
    pg_disconnect(shared->pg);
    if (shared->complaint != why)
        log_line(LOG_WARNING, "the quota store does not work store=%s reason=\"%s\"%s%s",
                 pg_where(shared->pg), why, *state == '\0' ? "" : " sqlstate=", state);
    shared->complaint = why;
}

static bool come_up(struct shared *shared)
{
    if (!pg_connect(shared->pg, shared->silence_ms) || !lease_renew(shared) ||
        !sync_run(shared, false))
        return false;
    set_ready(shared, true);
    shared->up_since_us = clock_monotonic_us();
    shared->losses = 0;
    log_line(LOG_INFO, "the quota store works store=%s gateway=%s", pg_where(shared->pg),
             shared->name);
    shared->complaint = NULL;
    return true;
}

static bool has_work(struct shared *shared)
{
    bool wanted;

    (void)pthread_mutex_lock(&shared->store->lock);
    wanted = write_wanted(shared);
    if (shared->outbox_failed || shared->sync_asked)
        shared->must_sync = true;
    shared->sync_asked = false;
    (void)pthread_mutex_unlock(&shared->store->lock);
    return wanted;
}

/* So that those that lost against each other don't meet again. */
static void dodge(struct shared *shared)
{
    struct timespec pause = {0};

    shared->jitter = shared->jitter * 6364136223846793005U + 1442695040888963407U;
    pause.tv_nsec = (long)((shared->jitter >> 33) % (JITTER_MS * 1000000L));
    (void)nanosleep(&pause, NULL);
}

static bool write_what_waits(struct shared *shared)
{
    unsigned before = shared->losses;

    if (before >= LOSSES_BEFORE_LOCK)
        return sync_run(shared, true) && write_run(shared, true);
    if (!write_run(shared, false))
        return false;
    if (shared->losses > before)
        dodge(shared);
    return true;
}

static bool step(struct shared *shared)
{
    int64_t now_us = clock_monotonic_us(), next_us;
    bool work;

    if (now_us >= shared->renew_at_us && !lease_renew(shared))
        return false;
    if (now_us >= shared->prune_at_us && !lease_prune(shared))
        return false;
    work = has_work(shared);
    if (work && shared->losses >= LOSSES_BEFORE_LOCK)
        return write_what_waits(shared);
    if ((shared->must_sync || now_us >= shared->sync_at_us) && !sync_run(shared, false))
        return false;
    if (work)
        return write_what_waits(shared);
    shared->losses = 0;
    next_us = shared->renew_at_us < shared->sync_at_us ? shared->renew_at_us : shared->sync_at_us;
    wait_until(shared, next_us, true);
    return pg_alive(shared->pg);
}

static bool is_steady(struct shared *shared)
{
    if (clock_monotonic_us() - shared->up_since_us < STEADY_US)
        return false;
    shared->retry_ms = RETRY_FIRST_MS;
    return true;
}

static void *run(void *user)
{
    struct shared *shared = user;
    bool up = false;

    while (!is_stopping(shared)) {
        bool works = up ? step(shared) : come_up(shared);

        if (!works) {
            bool was_steady = up && is_steady(shared);

            give_up(shared);
            if (!was_steady)
                rest(shared);
        }
        up = works;
    }
    for (int i = 0; up && i < LAST_WRITES && has_work(shared); i++) {
        up = (!shared->must_sync || sync_run(shared, false)) && write_run(shared, false);
    }
    if (up)
        lease_end(shared);
    return NULL;
}

static enum status start(struct shared *shared, struct err *err)
{
    pthread_condattr_t attr;
    bool made = pthread_condattr_init(&attr) == 0;

    if (!made || pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) != 0 ||
        pthread_cond_init(&shared->timer_wake, &attr) != 0 ||
        pthread_cond_init(&shared->caught_up, &attr) != 0) {
        if (made)
            (void)pthread_condattr_destroy(&attr);
        return err_set(err, STATUS_NOMEM, "no memory for the quota store");
    }
    (void)pthread_condattr_destroy(&attr);
    if (pthread_create(&shared->timer, NULL, tickets_timer, shared) != 0) {
        (void)pthread_cond_destroy(&shared->timer_wake);
        return err_set(err, STATUS_NOMEM, "no thread for the quota store");
    }
    if (pthread_create(&shared->thread, NULL, run, shared) == 0)
        return STATUS_OK;
    (void)pthread_mutex_lock(&shared->store->lock);
    shared->stopping = true;
    (void)pthread_cond_signal(&shared->timer_wake);
    (void)pthread_mutex_unlock(&shared->store->lock);
    (void)pthread_join(shared->timer, NULL);
    (void)pthread_cond_destroy(&shared->timer_wake);
    return err_set(err, STATUS_NOMEM, "no thread for the quota store");
}

static void shared_free(struct shared *shared)
{
    arena_done(&shared->work);
    outbox_free(&shared->outbox);
    pg_free(&shared->pg);
    if (shared->wake_fd >= 0)
        (void)close(shared->wake_fd);
    free(shared->name);
    free(shared);
}

static bool is_name(const char *name)
{
    size_t len = name == NULL ? 0 : strlen(name);

    for (size_t i = 0; i < len; i++) {
        if (name[i] <= ' ' || name[i] > '~')
            return false;
    }
    return len > 0 && len <= NAME_BYTES;
}

static enum status prepare(struct shared *shared, const struct quota_settings *settings,
                           struct err *err)
{
    enum status status = pg_new(settings->url, &shared->pg, err);

    if (status != STATUS_OK)
        return status;
    if (!is_name(settings->gateway))
        return err_set(err, STATUS_INVALID,
                       "a gateway that shares quotas needs a name of 1 to %d printable ASCII bytes",
                       NAME_BYTES);
    shared->name = malloc(strlen(settings->gateway) + 1);
    shared->outbox = outbox_new(OUTBOX_MAX);
    shared->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (shared->name == NULL || shared->outbox == NULL || shared->wake_fd < 0)
        return err_set(err, STATUS_NOMEM, "no memory for the quota store");
    memcpy(shared->name, settings->gateway, strlen(settings->gateway) + 1);
    return STATUS_OK;
}

enum status shared_open(struct quota_store *store, const struct quota_settings *settings,
                        struct err *err)
{
    struct shared *shared = calloc(1, sizeof *shared);
    enum status status;

    if (shared == NULL)
        return err_set(err, STATUS_NOMEM, "no memory for the quota store");
    *shared = (struct shared){
        .store = store,
        .timeout_ms = settings->timeout_ms,
        .silence_ms =
            settings->timeout_ms < SILENCE_LEAST_MS ? SILENCE_LEAST_MS : settings->timeout_ms,
        .lease_ms = settings->lease_ms,
        .deadline_ms = settings->deadline_ms,
        .incarnation = clock_now_us(),
        .wake_fd = -1,
        .revision = -1,
        .retry_ms = RETRY_FIRST_MS,
    };
    shared->jitter = (uint64_t)shared->incarnation ^ (uint64_t)getpid() << 32;
    arena_init(&shared->work, WORK_BLOCK_BYTES, WORK_MAX_BYTES);
    status = prepare(shared, settings, err);
    if (status == STATUS_OK) {
        store->shared = shared;
        store->gateway = view_str(shared->name);
        ledger_watch(store->ledger, &(struct ledger_watcher){changed, shared});
        status = start(shared, err);
    }
    if (status != STATUS_OK) {
        store->shared = NULL;
        shared_free(shared);
    }
    return status;
}

void shared_close(struct shared **shared)
{
    struct shared *gone = *shared;

    if (gone == NULL)
        return;
    (void)pthread_mutex_lock(&gone->store->lock);
    gone->stopping = true;
    (void)pthread_cond_signal(&gone->timer_wake);
    (void)pthread_cond_broadcast(&gone->caught_up);
    (void)pthread_mutex_unlock(&gone->store->lock);
    shared_wake(gone);
    (void)pthread_join(gone->thread, NULL);
    (void)pthread_join(gone->timer, NULL);
    (void)pthread_cond_destroy(&gone->timer_wake);
    (void)pthread_cond_destroy(&gone->caught_up);
    tickets_drop(gone);
    shared_free(gone);
    *shared = NULL;
}
