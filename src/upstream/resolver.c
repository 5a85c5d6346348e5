/* SPDX-License-Identifier: Apache-2.0
 * The resolver thread. getaddrinfo can't be interrupted, so the thread is detached and shares a
 * counted object with its owner: who leaves last frees it. */
#include "upstream/resolver.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"

enum { FIRST_RETRY_MS = 500, LAST_RETRY_MS = 15000, HOST_BYTES = 256 };

struct resolver {
    pthread_mutex_t lock;
    pthread_cond_t stop;
    char host[HOST_BYTES];
    char port[8];
    int64_t every_ms;
    unsigned references; /* owner and thread */
    bool stopping, ready;
    struct resolver_addresses addresses;
};

/* ---- the thread ---- */

/* Called with the lock, gives it back. */
static void leave(struct resolver *r)
{
    const bool last = --r->references == 0;

    (void)pthread_mutex_unlock(&r->lock);
    if (!last)
        return;
    (void)pthread_cond_destroy(&r->stop);
    (void)pthread_mutex_destroy(&r->lock);
    free(r);
}

static void take_list(const struct addrinfo *list, struct resolver_addresses *ret)
{
    const struct addrinfo *at;

    *ret = (struct resolver_addresses){.count = 0};
    for (at = list; at != NULL && ret->count < RESOLVER_ADDRESSES; at = at->ai_next) {
        if (at->ai_family != AF_INET && at->ai_family != AF_INET6)
            continue;
        memcpy(&ret->items[ret->count], at->ai_addr, at->ai_addrlen);
        ret->lengths[ret->count++] = at->ai_addrlen;
    }
}

/* 0, or getaddrinfo's reason. Without the lock. */
static int look_up(const struct resolver *r, int flags, struct resolver_addresses *ret)
{
    const struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV | flags};
    struct addrinfo *list = NULL;
    const int reason = getaddrinfo(r->host, r->port, &hints, &list);

    if (reason != 0)
        return reason;
    take_list(list, ret);
    freeaddrinfo(list);
    return ret->count > 0 ? 0 : EAI_NONAME;
}

static void wait_ms(struct resolver *r, int64_t ms)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    while (!r->stopping && pthread_cond_timedwait(&r->stop, &r->lock, &until) != ETIMEDOUT)
        ;
}

/* Told when things change, not on every turn: the line would repeat for as long as DNS is away. */
static void tell(const struct resolver *r, int reason, int before)
{
    if (reason == before)
        return;
    if (reason != 0) {
        log_line(LOG_WARNING, "upstream name cannot be resolved host=%s reason=\"%s\" addresses=%s",
                 r->host, gai_strerror(reason), r->ready ? "old ones kept" : "none");
    } else if (r->ready) {
        log_line(LOG_INFO, "upstream name is resolved again host=%s", r->host);
    }
}

static int64_t next_wait(int64_t wait, int64_t every_ms)
{
    const int64_t next = wait == 0 ? FIRST_RETRY_MS : wait * 2;
    const int64_t capped = next < LAST_RETRY_MS ? next : LAST_RETRY_MS;

    return capped < every_ms ? capped : every_ms;
}

static void *run(void *arg)
{
    struct resolver *const r = arg;
    struct resolver_addresses found;
    int64_t retry_ms = 0;
    int reason, before = 0;

    (void)pthread_mutex_lock(&r->lock);
    while (!r->stopping) {
        (void)pthread_mutex_unlock(&r->lock);
        reason = look_up(r, 0, &found);
        (void)pthread_mutex_lock(&r->lock);
        if (r->stopping)
            break;
        tell(r, reason, before);
        before = reason;
        if (reason == 0) {
            r->addresses = found;
            r->ready = true;
        }
        retry_ms = reason == 0 ? 0 : next_wait(retry_ms, r->every_ms);
        wait_ms(r, reason == 0 ? r->every_ms : retry_ms);
    }
    leave(r);
    return NULL;
}

/* ---- public face ---- */

/* The thread takes no signals: they are the main thread's. */
static int start_thread(struct resolver *r)
{
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all, before;
    int reason;

    (void)sigfillset(&all);
    reason = pthread_attr_init(&attributes);
    if (reason != 0)
        return reason;
    (void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    reason = pthread_create(&thread, &attributes, run, r);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)pthread_attr_destroy(&attributes);
    return reason;
}

static void set_up_lock(struct resolver *r)
{
    pthread_condattr_t monotonic;

    (void)pthread_mutex_init(&r->lock, NULL);
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&r->stop, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
}

/* Without the brackets that an IPv6 address has in a URL; false: too long or empty. */
static bool set_host(struct resolver *r, const char *host)
{
    size_t len = strlen(host);

    if (len > 1 && host[0] == '[' && host[len - 1] == ']') {
        host++;
        len -= 2;
    }
    if (len == 0 || len >= sizeof r->host)
        return false;
    memcpy(r->host, host, len);
    return true;
}

enum status resolver_new(const char *host, uint16_t port, int64_t every_ms, struct resolver **ret,
                         struct err *err)
{
    struct resolver *const r = calloc(1, sizeof *r); /* heap: shared by threads */
    int reason = 0;

    if (r == NULL)
        return err_set(err, STATUS_NOMEM, "out of memory");
    if (!set_host(r, host)) {
        free(r);
        return err_set(err, STATUS_INVALID, "the upstream's host name is empty or too long");
    }
    (void)snprintf(r->port, sizeof r->port, "%u", (unsigned)port);
    r->every_ms = every_ms > 0 ? every_ms : 1;
    set_up_lock(r);
    r->references = 1;
    r->ready = look_up(r, AI_NUMERICHOST, &r->addresses) == 0;
    if (!r->ready) {
        r->references = 2;
        reason = start_thread(r);
    }
    if (reason != 0) {
        (void)err_set_errno(err, reason, "starting the resolver thread");
        (void)pthread_mutex_lock(&r->lock);
        r->references = 1;
        leave(r);
        return STATUS_IO;
    }
    *ret = r;
    return STATUS_OK;
}

void resolver_get(struct resolver *resolver, struct resolver_addresses *ret)
{
    (void)pthread_mutex_lock(&resolver->lock);
    *ret = resolver->addresses;
    (void)pthread_mutex_unlock(&resolver->lock);
}

bool resolver_ready(struct resolver *resolver)
{
    bool ready;

    (void)pthread_mutex_lock(&resolver->lock);
    ready = resolver->ready;
    (void)pthread_mutex_unlock(&resolver->lock);
    return ready;
}

void resolver_free(struct resolver **resolver)
{
    struct resolver *const r = resolver == NULL ? NULL : *resolver;

    if (r == NULL)
        return;
    *resolver = NULL;
    (void)pthread_mutex_lock(&r->lock);
    r->stopping = true;
    (void)pthread_cond_signal(&r->stop);
    leave(r);
}
