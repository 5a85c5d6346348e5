/* SPDX-License-Identifier: Apache-2.0 */
#include "net/loop.h"

#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

static void on_readable(evutil_socket_t fd, short what, void *user)
{
    struct net_loop *loop = user;
    uint64_t count;
    ssize_t got = read(fd, &count, sizeof count);

    (void)got;
    (void)what;
    loop->on_woken(loop->user);
    if (net_loop_is_ending(loop))
        (void)event_base_loopbreak(loop->base);
}

static struct event_base *new_base(void)
{
    struct event_config *config = event_config_new();
    struct event_base *base = NULL;

    if (config == NULL)
        return NULL;
    if (event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK) == 0)
        base = event_base_new_with_config(config);
    event_config_free(config);
    return base;
}

bool net_loop_init(struct net_loop *loop, void (*on_woken)(void *user), void (*on_end)(void *user),
                   void *user)
{
    *loop = (struct net_loop){.on_woken = on_woken, .on_end = on_end, .user = user};
    loop->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    loop->base = new_base();
    if (loop->fd < 0 || loop->base == NULL)
        return false;
    loop->woken = event_new(loop->base, loop->fd, EV_READ | EV_PERSIST, on_readable, loop);
    return loop->woken != NULL && event_add(loop->woken, NULL) == 0;
}

static void *run(void *user)
{
    struct net_loop *loop = user;

    (void)event_base_dispatch(loop->base);
    if (loop->on_end != NULL)
        loop->on_end(loop->user);
    return NULL;
}

enum status net_loop_start(struct net_loop *loop, const char *what, struct err *err)
{
    int failed = pthread_create(&loop->thread, NULL, run, loop);

    if (failed != 0)
        return err_set_errno(err, failed, "%s: thread", what);
    loop->started = true;
    return STATUS_OK;
}

void net_loop_wake(const struct net_loop *loop)
{
    const uint64_t one = 1;
    ssize_t written = write(loop->fd, &one, sizeof one);

    /* Only a counter at its maximum refuses, and then the thread is awake anyway. */
    (void)written;
}

void net_loop_end(struct net_loop *loop)
{
    atomic_store(&loop->ending, true);
    net_loop_wake(loop);
}

bool net_loop_is_ending(const struct net_loop *loop)
{
    return atomic_load(&loop->ending);
}

void net_loop_stop(struct net_loop *loop)
{
    if (!loop->started)
        return;
    net_loop_end(loop);
    (void)pthread_join(loop->thread, NULL);
    loop->started = false;
}

void net_loop_done(struct net_loop *loop)
{
    if (loop->woken != NULL)
        event_free(loop->woken);
    if (loop->base != NULL)
        event_base_free(loop->base);
    if (loop->on_woken != NULL && loop->fd >= 0)
        (void)close(loop->fd);
    *loop = (struct net_loop){.fd = -1};
}
