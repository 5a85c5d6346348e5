/* SPDX-License-Identifier: Apache-2.0
 * Start-up in order, the main thread's loop, and the end in reverse order. Nothing is listened on
 * before settings, policies, certificates and the journal are well. */
#include "server/server.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "server/credentials.h"
#include "server/internal.h"
#include "server/seal.h"

enum exit_status { EXIT_WELL = 0, EXIT_FAULTS = 1, EXIT_CANNOT_RUN = 2 };
enum { RESOLVE_EVERY_MS = 30000, CLOSE_WAIT_MS = 5000 };

static void print_diag(const struct diag *diag)
{
    struct buf text;

    buf_init(&text, 1 << 20);
    diag_print(diag, &text);
    if (text.len > 0)
        (void)fwrite(text.ptr, 1, text.len, stderr);
    buf_done(&text);
}

/* A request with a large token takes and gives back some hundred KB at the heap's end. glibc would
 * return them to the system at once, and the next request would pay for the same pages again, all
 * of them faults: so it keeps a few MB. Larger blocks still get mappings of their own. */
static void tune_memory(void)
{
    /* NOLINTBEGIN(concurrency-mt-unsafe): no thread runs yet */
    (void)mallopt(M_TRIM_THRESHOLD, 8 << 20);
    (void)mallopt(M_TOP_PAD, 1 << 20);
    (void)mallopt(M_MMAP_THRESHOLD, 4 << 20);
    /* NOLINTEND(concurrency-mt-unsafe) */
}

/* Secrets of callers pass through this memory: no core dump, no other process of this user looks
 * in. */
static void guard_process(void)
{
    const struct rlimit none = {0};

    (void)setrlimit(RLIMIT_CORE, &none);
    (void)prctl(PR_SET_DUMPABLE, 0);
    (void)signal(SIGPIPE, SIG_IGN);
}

/* Where one of the standard files is closed, the next that is opened would take its place, and get
 * what a sink or the log writes there. */
static void fill_standard_files(void)
{
    int fd;

    do
        fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        (void)close(fd);
}

/* Threads that are started later inherit the mask; only the main thread takes signals. */
static void mask_signals(int how)
{
    const int handled[] = {SIGHUP, SIGTERM, SIGINT, SIGUSR1};
    sigset_t set;

    (void)sigemptyset(&set);
    for (size_t i = 0; i < ARRAY_LEN(handled); i++)
        (void)sigaddset(&set, handled[i]);
    (void)pthread_sigmask(how, &set, NULL);
}

static void begin_drain(struct server *s)
{
    const struct timeval limit = {.tv_sec = s->conf.limits.drain_ms / 1000,
                                  .tv_usec = s->conf.limits.drain_ms % 1000 * 1000};

    if (s->draining)
        return;
    s->draining = true;
    s->drain_us = clock_monotonic_us();
    (void)sd_notify(0, "STOPPING=1");
    log_line(LOG_INFO, "draining");
    for (unsigned i = 0; i < s->worker_count; i++)
        worker_drain(s->workers[i]);
    (void)event_add(s->drain_timer, &limit);
}

static void on_signal(evutil_socket_t number, short what, void *user)
{
    struct server *s = user;
    struct buf text;

    (void)what;
    switch (number) {
    case SIGHUP:
        buf_init(&text, 1 << 20);
        (void)server_reload(s, "signal", &text);
        buf_done(&text);
        break;
    case SIGUSR1:
        /* Logs go to stderr, which whoever collects them reopens. */
        log_line(LOG_INFO, "log goes to stderr, nothing to reopen");
        break;
    default:
        begin_drain(s);
        break;
    }
}

static void on_drain_timeout(evutil_socket_t fd, short what, void *user)
{
    struct server *s = user;

    (void)fd;
    (void)what;
    log_line(LOG_WARNING, "drain took longer than limits.drain, what is left is ended");
    for (unsigned i = 0; i < s->worker_count; i++)
        worker_stop(s->workers[i]);
}

/* On a worker's thread. */
static void on_worker_end(void *user)
{
    const struct server *s = user;
    const uint64_t one = 1;
    ssize_t written = write(s->ended_fd, &one, sizeof one);

    (void)written;
}

static void on_ended(evutil_socket_t fd, short what, void *user)
{
    struct server *s = user;
    uint64_t count = 0;

    (void)what;
    if (read(fd, &count, sizeof count) == (ssize_t)sizeof count)
        s->workers_ended += (unsigned)count;
    if (s->workers_ended >= s->worker_count)
        (void)event_base_loopbreak(s->base);
}

static bool add_events(struct server *s)
{
    const int handled[] = {SIGHUP, SIGTERM, SIGINT, SIGUSR1};

    s->base = event_base_new();
    s->ended_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (s->base == NULL || s->ended_fd < 0)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(handled); i++) {
        s->signals[i] = evsignal_new(s->base, handled[i], on_signal, s);
        if (s->signals[i] == NULL || event_add(s->signals[i], NULL) != 0)
            return false;
    }
    if (!server_reconcile_init(s) || !server_audit_init(s))
        return false;
    s->drain_timer = event_new(s->base, -1, 0, on_drain_timeout, s);
    s->ended_event = event_new(s->base, s->ended_fd, EV_READ | EV_PERSIST, on_ended, s);
    return s->drain_timer != NULL && s->ended_event != NULL && event_add(s->ended_event, NULL) == 0;
}

static enum status add_workers(struct server *s, struct err *err)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    int64_t wanted = s->conf.workers > 0 ? s->conf.workers : cores;

    if (wanted < 1)
        wanted = 1;
    if (wanted > WORKERS_MAX)
        wanted = WORKERS_MAX;
    s->shared.workers = (unsigned)wanted;
    s->shared.addresses = front_addresses_new();
    if (s->shared.addresses == NULL)
        return err_set(err, STATUS_NOMEM, "workers: out of memory");
    for (int64_t i = 0; i < wanted; i++) {
        s->workers[i] = worker_new(&s->shared, on_worker_end, s);
        if (s->workers[i] == NULL)
            return err_set(err, STATUS_NOMEM, "workers: out of memory or descriptors");
        s->worker_count++;
    }
    return STATUS_OK;
}

/* Each client and each call to the cloud needs a descriptor. */
static void raise_descriptors(const struct server *s)
{
    struct rlimit limit;
    rlim_t need = (rlim_t)(s->conf.limits.connections + s->conf.upstream.max_connections + 128);

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= need)
        return;
    limit.rlim_cur = need < limit.rlim_max ? need : limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < need)
        log_line(LOG_WARNING, "the limit of open files is low limit=%llu wanted=%llu",
                 (unsigned long long)limit.rlim_cur, (unsigned long long)need);
}

static enum status open_journal(struct server *s, const struct loaded_policies *loaded,
                                struct err *err)
{
    struct ed25519_private key CLEANUP(ed25519_wipe) = {.seed = {0}};
    const struct journal_settings settings = {
        .directory = s->conf.journal.directory,
        .sets = s->conf.journal.sets,
        .durability = s->conf.journal.durability,
        .segment_bytes = s->conf.journal.segment_bytes,
        .low_space_bytes = s->conf.journal.low_space_bytes,
        .warn_space_bytes = s->conf.journal.warn_space_bytes,
        .keep_us = s->conf.journal.keep_ms * 1000,
        .seal_key = s->conf.journal.seal_key == NULL ? NULL : &key,
        .seal_every_us = s->conf.journal.seal_every_ms * 1000,
        .witness = s->conf.journal.witness,
        .held = s->conf.sink_count > 0,
    };
    struct journal_state state;

    if (settings.seal_key != NULL && load_seal_key(&s->conf, &key, err) != STATUS_OK)
        return err->status;
    if (journal_open(&settings, &s->shared.journal, err) != STATUS_OK)
        return err_wrap(err, "journal");
    journal_get_state(s->shared.journal, &state);
    if (!state.accepting)
        log_line(LOG_ERROR, "judged requests are refused: %s", state.why_not);
    if (server_keep_set(s, loaded, &s->arena, err) != STATUS_OK)
        return err_wrap(err, "journal: the policy set can't be kept");
    return STATUS_OK;
}

static enum status start(struct server *s, const struct loaded_policies *loaded, struct err *err)
{
    const struct conf *conf = &s->conf;

    s->shared.judging = conf_judging(conf);
    (void)snprintf(s->shared.host, sizeof s->shared.host,
                   conf->upstream.port == 443 ? "%s" : "%s:%u", conf->upstream.host,
                   (unsigned)conf->upstream.port);
    if (server_load_credentials(s, err) != STATUS_OK || open_journal(s, loaded, err) != STATUS_OK)
        return err->status;
    if (resolver_new(conf->upstream.host, conf->upstream.port, RESOLVE_EVERY_MS,
                     &s->shared.resolver, err) != STATUS_OK)
        return err->status;
    if (server_open_identity(s, err) != STATUS_OK ||
        server_open_quota(s, loaded->set, err) != STATUS_OK ||
        server_start_reconciler(s, err) != STATUS_OK || server_start_sinks(s, err) != STATUS_OK)
        return err->status;
    if (!add_events(s))
        return err_set(err, STATUS_IO, "the event loop can't be made");
    if (add_workers(s, err) != STATUS_OK || server_listen(s, err) != STATUS_OK)
        return err->status;
    for (unsigned i = 0; i < s->worker_count; i++) {
        if (worker_start(s->workers[i], err) != STATUS_OK)
            return err->status;
    }
    return STATUS_OK;
}

static void end(struct server *s)
{
    for (unsigned i = 0; i < s->worker_count; i++)
        worker_stop(s->workers[i]);
    status_page_free(&s->status);
    server_reconcile_forget(s);
    server_audit_forget(s);
    admin_free(&s->admin);
    admin_free(&s->admin_remote);
    /* libevent frees a connection only in the next turn of the loop. */
    if (s->base != NULL)
        (void)event_base_loop(s->base, EVLOOP_NONBLOCK);
    for (unsigned i = 0; i < s->worker_count; i++)
        worker_free(&s->workers[i]);
    front_addresses_free(&s->shared.addresses);
    server_close_quota(s);
    server_close_identity(s);
    server_stop_sinks(s);
    journal_close(&s->shared.journal, CLOSE_WAIT_MS);
    resolver_free(&s->shared.resolver);
    net_tls_free(&s->shared.upstream_tls);
    net_tls_free(&s->admin_tls);
    for (size_t i = 0; i < ARRAY_LEN(s->listen_tls); i++)
        net_tls_free(&s->listen_tls[i]);
    for (size_t i = 0; i < ARRAY_LEN(s->signals); i++) {
        if (s->signals[i] != NULL)
            event_free(s->signals[i]);
    }
    server_audit_done(s);
    server_reconcile_done(s);
    if (s->drain_timer != NULL)
        event_free(s->drain_timer);
    if (s->ended_event != NULL)
        event_free(s->ended_event);
    if (s->base != NULL)
        event_base_free(s->base);
    if (s->ended_fd >= 0)
        (void)close(s->ended_fd);
    pending_done(&s->shared.pending);
    source_slot_done(&s->shared.sources);
    (void)pthread_mutex_destroy(&s->shared.sign_lock);
    policy_slot_done(&s->shared.policies);
    arena_done(&s->arena);
    libevent_global_shutdown();
}

/* Settings and policies; faults are printed. */
static bool load(struct server *s, const char *conf_path, struct loaded_policies *ret)
{
    struct diag diag;
    bool well;

    diag_init(&diag, &s->arena);
    well = load_conf(conf_path, &s->arena, &diag, &s->conf) &&
           load_policies(&s->conf, &s->arena, &diag, ret);
    if (well)
        warn_of_open_keys(&s->conf, &diag);
    print_diag(&diag);
    return well;
}

int server_run(const char *conf_path)
{
    struct server *s = calloc(1, sizeof *s);
    struct loaded_policies loaded = {0};
    struct err err = {0};
    enum exit_status result = EXIT_WELL;

    if (s == NULL)
        return EXIT_CANNOT_RUN;
    tune_memory();
    guard_process();
    fill_standard_files();
    mask_signals(SIG_BLOCK);
    s->ready_fd = server_ready_fd();
    s->ended_fd = -1;
    arena_init(&s->arena, LOAD_ARENA_BLOCK, LOAD_ARENA_MAX);
    if (!load(s, conf_path, &loaded)) {
        arena_done(&s->arena);
        free(s);
        return EXIT_FAULTS;
    }
    log_configure((enum log_level)s->conf.log_level, (enum log_format)s->conf.log_format);
    s->started_us = clock_now_us();
    s->shared.conf = &s->conf;
    policy_slot_init(&s->shared.policies, loaded.set, s->started_us);
    pending_init(&s->shared.pending);
    source_slot_init(&s->shared.sources);
    (void)pthread_mutex_init(&s->shared.sign_lock, NULL);
    raise_descriptors(s);
    if (start(s, &loaded, &err) == STATUS_OK) {
        server_tell_ready(s);
        mask_signals(SIG_UNBLOCK);
        (void)event_base_dispatch(s->base);
        log_line(LOG_INFO, "stopped");
    } else {
        (void)fprintf(stderr, "postern: %s\n", err.text);
        result = EXIT_CANNOT_RUN;
    }
    /* What asks once more must not kill what is ending: without its event a signal has its default
     * action again. */
    mask_signals(SIG_BLOCK);
    end(s);
    free(s);
    return result;
}
