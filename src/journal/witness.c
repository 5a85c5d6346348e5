/* SPDX-License-Identifier: Apache-2.0
 * Seals wait in a ring until they are told, in their order. */
#include "journal/witness.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "journal/journal.h"
#include "journal/segment.h"

enum {
    PATH_BYTES = 4096,
    SYSLOG_PRIORITY = 10 * 8 + 5, /* authpriv.notice */
};
static const char syslog_socket[] = "/dev/log";

struct waiting {
    uint64_t seq;
    size_t len;
    char text[WITNESS_LINE_BYTES];
};

struct witness {
    char target[PATH_BYTES];
    bool syslog;
    int dir_fd; /* -1: nothing is to be made up for, or was */
    uint64_t segment, until;
    pthread_t thread;

    pthread_mutex_t lock;
    pthread_cond_t work, done;
    struct waiting lines[WITNESS_LINES];
    size_t first, count;
    uint64_t durable, given_up, failures;
    bool closing, ended, abandoned;

    /* The thread's. */
    bool failing;    /* it was said that it fails */
    uint64_t unread; /* the last segment of which it was said that it can't be read */
};

/* ---- telling ---- */

static enum status tell_syslog(struct view line, struct err *err)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    char text[WITNESS_LINE_BYTES + 64];
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int failed = fd < 0 ? errno : 0, len;

    memcpy(name.sun_path, syslog_socket, sizeof syslog_socket);
    /* Without a time: the log stamps what it gets, and the seal has its own. */
    len = snprintf(text, sizeof text, "<%d>postern[%d]: %.*s", SYSLOG_PRIORITY, (int)getpid(),
                   (int)line.len - 1, line.ptr);
    if (failed == 0 && (connect(fd, (const struct sockaddr *)&name, sizeof name) != 0 ||
                        send(fd, text, (size_t)len, MSG_NOSIGNAL) != (ssize_t)len))
        failed = errno;
    if (fd >= 0)
        (void)close(fd);
    return failed == 0 ? STATUS_OK : err_set_errno(err, failed, "%s", syslog_socket);
}

static enum status tell(const struct witness *witness, struct view line, struct err *err)
{
    return witness->syslog ? tell_syslog(line, err)
                           : witness_file_append(witness->target, line, err);
}

/* ---- seals of the last run ---- */

/* Old segments may be moved away, or be damaged: one that can't be read keeps nobody from the seals
 * behind it, and err has why. Want of memory or descriptors is over later. */
static enum status pass_over(struct witness *witness, uint64_t segment, int failed, struct err *err)
{
    if (failed == ENOMEM || failed == EMFILE || failed == ENFILE)
        return err->status;
    if (segment > witness->unread) {
        log_line(LOG_ERROR, "the journal's witness goes without the seals of a segment: %s",
                 err->text);
        witness->unread = segment;
    }
    return STATUS_OK;
}

static enum status tell_missing(struct witness *witness, struct line_reader *reader,
                                uint64_t segment, uint64_t last, struct err *err)
{
    struct view text;
    bool whole;
    int got, failed;

    while ((got = line_reader_next(reader, &text, &whole)) == 1) {
        uint64_t seq = witness_seal_seq(text);
        enum status status;

        if (seq > witness->until)
            return STATUS_OK;
        /* What is longer is no seal of ours: whoever can write to the journal's folder doesn't get
         * that into the witness, whose end could not be read then. */
        if (!whole || seq <= last || text.len >= WITNESS_LINE_BYTES)
            continue;
        /* Its LF stands behind it in the reader's memory. */
        status = tell(witness, view_of(text.ptr, text.len + 1), err);
        if (status != STATUS_OK)
            return status;
    }
    if (got == 0)
        return STATUS_OK;
    failed = errno;
    (void)err_set_errno(err, failed, "can't read segment %020llu.jsonl",
                        (unsigned long long)segment);
    return pass_over(witness, segment, failed, err);
}

/* Of one segment; it may be too old by now. */
static enum status make_up_of(struct witness *witness, uint64_t segment, uint64_t last,
                              struct err *err)
{
    struct line_reader reader CLEANUP(line_reader_done) = {.fd = -1};
    const int failed = line_reader_open(&reader, witness->dir_fd, segment);

    if (failed == ENOENT)
        return STATUS_OK;
    if (failed != 0) {
        (void)!line_reader_say(segment, failed, err);
        return pass_over(witness, segment, failed, err);
    }
    return tell_missing(witness, &reader, segment, last, err);
}

/* Those that end behind `last`, up to the last one. */
static enum status make_up_of_all(struct witness *witness, uint64_t last, struct err *err)
{
    uint64_t *list = NULL;
    size_t count = 0, end = 0;
    enum status status = segment_list(witness->dir_fd, &list, &count, err);

    if (status != STATUS_OK)
        return status;
    while (end < count && list[end] <= witness->segment)
        end++;
    for (size_t i = end > WITNESS_SEGMENTS ? end - WITNESS_SEGMENTS : 0;
         i < end && status == STATUS_OK; i++) {
        const bool told = i + 1 < end && list[i + 1] <= last;

        if (!told)
            status = make_up_of(witness, list[i], last, err);
    }
    free(list);
    return status;
}

/* What a crash, or a witness that was away, left out. */
static enum status make_up(struct witness *witness, struct err *err)
{
    uint64_t last = 0;
    enum status status;

    if (witness->dir_fd < 0)
        return STATUS_OK;
    status = witness_file_last(witness->target, &last, err);
    if (status != STATUS_OK)
        return status;
    if (last > witness->until)
        log_line(LOG_ERROR,
                 "the journal's witness knows a seal of seq %llu, and the journal ends at %llu: "
                 "lines are missing, or it is another journal's witness; see `postern audit "
                 "verify`",
                 (unsigned long long)last, (unsigned long long)witness->until);
    status = make_up_of_all(witness, last, err);
    if (status == STATUS_OK) {
        (void)close(witness->dir_fd);
        witness->dir_fd = -1;
    }
    return status;
}

/* ---- the thread ---- */

/* With the lock. */
static bool has_work(const struct witness *witness)
{
    return witness->count > 0 && witness->lines[witness->first].seq <= witness->durable;
}

/* With the lock; tells the first line without it. False: that failed. */
static bool tell_first(struct witness *witness)
{
    struct waiting line = witness->lines[witness->first];
    uint64_t given_up = witness->given_up;
    bool there = has_work(witness);
    enum status status;
    struct err err;

    (void)pthread_mutex_unlock(&witness->lock);
    status = make_up(witness, &err);
    if (status == STATUS_OK && there)
        status = tell(witness, view_of(line.text, line.len), &err);
    if (status != STATUS_OK && !witness->failing)
        log_line(LOG_ERROR, "the journal's witness can't be told of a seal, tried again later: %s",
                 err.text);
    if (status == STATUS_OK && witness->failing)
        log_line(LOG_INFO, "the journal's witness is told of seals again");
    witness->failing = status != STATUS_OK;
    (void)pthread_mutex_lock(&witness->lock);
    witness->failures += status != STATUS_OK;
    if (status == STATUS_OK && there && given_up == witness->given_up) {
        witness->first = (witness->first + 1) % WITNESS_LINES;
        witness->count--;
    }
    return status == STATUS_OK;
}

/* With the lock. Until the next seal, the end, or the time for another try. */
static void wait_for_retry(struct witness *witness)
{
    int64_t due_us = clock_monotonic_us() + (int64_t)WITNESS_RETRY_MS * 1000;
    struct timespec due = {.tv_sec = due_us / 1000000, .tv_nsec = due_us % 1000000 * 1000};
    uint64_t durable = witness->durable;
    int result = 0;

    while (result == 0 && !witness->closing && witness->durable == durable)
        result = pthread_cond_timedwait(&witness->work, &witness->lock, &due);
}

static void destroy(struct witness *witness)
{
    if (witness->dir_fd >= 0)
        (void)close(witness->dir_fd);
    (void)pthread_mutex_destroy(&witness->lock);
    (void)pthread_cond_destroy(&witness->work);
    (void)pthread_cond_destroy(&witness->done);
    free(witness);
}

static void *run(void *user)
{
    struct witness *witness = user;
    bool told = true, abandoned;

    (void)pthread_mutex_lock(&witness->lock);
    told = tell_first(witness); /* what is to be made up for */
    /* At the end, one failure is enough: the next start makes up for it. */
    while (told || !witness->closing) {
        if (!told)
            wait_for_retry(witness);
        while (told && !has_work(witness) && !witness->closing)
            (void)pthread_cond_wait(&witness->work, &witness->lock);
        if (!has_work(witness) && witness->closing)
            break;
        told = tell_first(witness);
    }
    witness->ended = true;
    abandoned = witness->abandoned;
    (void)pthread_cond_signal(&witness->done);
    (void)pthread_mutex_unlock(&witness->lock);
    if (abandoned)
        destroy(witness);
    return NULL;
}

/* ---- from outside ---- */

static bool init_waits(struct witness *witness)
{
    pthread_condattr_t attr;
    bool good;

    if (pthread_condattr_init(&attr) != 0)
        return false;
    good = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0 &&
           pthread_mutex_init(&witness->lock, NULL) == 0 &&
           pthread_cond_init(&witness->work, &attr) == 0 &&
           pthread_cond_init(&witness->done, &attr) == 0;
    (void)pthread_condattr_destroy(&attr);
    return good;
}

struct witness *witness_new(const struct witness_settings *settings)
{
    struct witness *witness = calloc(1, sizeof *witness);

    if (witness == NULL)
        return NULL;
    (void)snprintf(witness->target, sizeof witness->target, "%s", settings->target);
    witness->syslog = strcmp(settings->target, JOURNAL_SYSLOG) == 0;
    witness->segment = settings->segment;
    witness->until = settings->until;
    witness->dir_fd = witness->syslog || settings->segment == 0
                          ? -1
                          : fcntl(settings->dir_fd, F_DUPFD_CLOEXEC, 0);
    if (!init_waits(witness) || pthread_create(&witness->thread, NULL, run, witness) != 0) {
        destroy(witness);
        return NULL;
    }
    return witness;
}

void witness_add(struct witness *witness, uint64_t seq, struct view line)
{
    struct waiting *at;

    if (line.len > WITNESS_LINE_BYTES)
        return;
    (void)pthread_mutex_lock(&witness->lock);
    if (witness->count == WITNESS_LINES) {
        witness->first = (witness->first + 1) % WITNESS_LINES;
        witness->count--;
        witness->given_up++;
    }
    at = &witness->lines[(witness->first + witness->count++) % WITNESS_LINES];
    at->seq = seq;
    at->len = line.len;
    memcpy(at->text, line.ptr, line.len);
    (void)pthread_mutex_unlock(&witness->lock);
}

void witness_durable(struct witness *witness, uint64_t seq)
{
    (void)pthread_mutex_lock(&witness->lock);
    witness->durable = seq;
    (void)pthread_cond_signal(&witness->work);
    (void)pthread_mutex_unlock(&witness->lock);
}

void witness_look(struct witness *witness, uint64_t *ret_failures, unsigned *ret_waiting)
{
    (void)pthread_mutex_lock(&witness->lock);
    *ret_failures = witness->failures;
    *ret_waiting = (unsigned)witness->count;
    (void)pthread_mutex_unlock(&witness->lock);
}

void witness_close(struct witness **witness, int64_t wait_ms)
{
    struct witness *gone = *witness;
    int64_t due_us = clock_monotonic_us() + wait_ms * 1000;
    struct timespec due = {.tv_sec = due_us / 1000000, .tv_nsec = due_us % 1000000 * 1000};
    pthread_t thread;
    int result = 0;
    bool ended;

    if (gone == NULL)
        return;
    *witness = NULL;
    thread = gone->thread;
    (void)pthread_mutex_lock(&gone->lock);
    gone->closing = true;
    (void)pthread_cond_signal(&gone->work);
    while (!gone->ended && result == 0)
        result = pthread_cond_timedwait(&gone->done, &gone->lock, &due);
    ended = gone->ended;
    gone->abandoned = !ended;
    if (gone->count > 0 || !ended)
        log_line(LOG_WARNING,
                 "the journal's witness lacks %zu seals; the next start makes up for "
                 "those of the last segment",
                 gone->count);
    (void)pthread_mutex_unlock(&gone->lock);
    if (!ended) {
        (void)pthread_detach(thread);
        return;
    }
    (void)pthread_join(thread, NULL);
    destroy(gone);
}
