/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/world.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void say(void *user, struct buf *out)
{
    (void)user;
    buf_add_str(out, "{}\n");
}

static bool reload(void *user, const char *actor, struct buf *out)
{
    struct world *w = user;

    (void)snprintf(w->actor, sizeof w->actor, "%s", actor);
    buf_add_str(out, "loaded\n");
    return true;
}

static int reconcile(void *user, const char *actor, const struct admin_done *done, struct buf *out)
{
    struct world *w = user;

    if (atomic_load(&w->reconciles) > atomic_load(&w->answered)) {
        buf_add_str(out, "{\"why\":\"busy\"}\n");
        return 409;
    }
    (void)snprintf(w->actor, sizeof w->actor, "%s", actor);
    w->done = *done;
    atomic_fetch_add(&w->reconciles, 1);
    return ADMIN_LATER;
}

static int audit(void *user, const struct admin_question *question, const struct admin_done *done,
                 struct buf *out)
{
    struct world *w = user;

    if (view_eq(question->query, VIEW("busy=1"))) {
        buf_add_str(out, "{\"why\":\"busy\"}\n");
        return 503;
    }
    (void)snprintf(w->asked, sizeof w->asked, "%s %.*s", question->action,
                   VIEW_ARGS(question->query));
    w->done = *done;
    atomic_fetch_add(&w->reconciles, 1);
    return ADMIN_LATER;
}

static void audit_gone(void *user)
{
    struct world *w = user;

    atomic_fetch_add(&w->gone, 1);
}

static int ready(void *user, struct buf *out)
{
    (void)user;
    (void)out;
    return 200;
}

/* The client's order to end the reconcile. */
static void on_order(evutil_socket_t fd, short what, void *user)
{
    struct world *w = user;
    uint64_t count;
    struct buf body;

    (void)what;
    REQUIRE(read(fd, &count, sizeof count) == (ssize_t)sizeof count);
    buf_init(&body, 100);
    buf_add_str(&body, "{\"scans\":1}\n");
    atomic_fetch_add(&w->answered, 1);
    w->done.call(w->done.user, 200, &body);
    buf_done(&body);
}

static void on_end(evutil_socket_t fd, short what, void *user)
{
    struct world *w = user;
    uint64_t count;

    (void)what;
    REQUIRE(read(fd, &count, sizeof count) == (ssize_t)sizeof count);
    (void)event_base_loopbreak(w->base);
}

void world_open(struct world *w)
{
    *w = (struct world){
        .ops = {.status = say,
                .quotas = say,
                .reservations = say,
                .policies = say,
                .metrics = say,
                .reload = reload,
                .reconcile = reconcile,
                .audit = audit,
                .audit_gone = audit_gone,
                .ready = ready,
                .user = w},
        .base = event_base_new(),
        .order_fd = eventfd(0, EFD_CLOEXEC),
        .end_fd = eventfd(0, EFD_CLOEXEC),
    };
    REQUIRE(w->base != NULL);
    REQUIRE(signal(SIGPIPE, SIG_IGN) != SIG_ERR); /* as the gateway does */
    (void)snprintf(w->folder, sizeof w->folder, "/tmp/postern-admin-XXXXXX");
    REQUIRE(mkdtemp(w->folder) != NULL);
    (void)snprintf(w->socket, sizeof w->socket, "%s/admin.sock", w->folder);
    w->order_event = event_new(w->base, w->order_fd, EV_READ | EV_PERSIST, on_order, w);
    w->end_event = event_new(w->base, w->end_fd, EV_READ | EV_PERSIST, on_end, w);
    REQUIRE(event_add(w->order_event, NULL) == 0 && event_add(w->end_event, NULL) == 0);
}

static void write_one(int fd)
{
    const uint64_t one = 1;

    REQUIRE(write(fd, &one, sizeof one) == (ssize_t)sizeof one);
}

static void *run_client(void *user)
{
    struct world *w = user;

    w->client(w);
    write_one(w->end_fd);
    return NULL;
}

void world_run(struct world *w, void (*client)(struct world *w))
{
    pthread_t thread;

    w->client = client;
    REQUIRE(pthread_create(&thread, NULL, run_client, w) == 0);
    (void)event_base_dispatch(w->base);
    REQUIRE(pthread_join(thread, NULL) == 0);
}

void world_close(struct world *w)
{
    event_free(w->order_event);
    event_free(w->end_event);
    (void)event_base_loop(w->base, EVLOOP_NONBLOCK); /* what libevent put off */
    event_base_free(w->base);
    (void)close(w->order_fd);
    (void)close(w->end_fd);
    REQUIRE(rmdir(w->folder) == 0); /* the socket's file must be gone */
}

void world_finish_reconcile(struct world *w)
{
    write_one(w->order_fd);
}

int world_connect(const struct world *w)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const struct timeval limit = {.tv_sec = 20};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", w->socket);
    REQUIRE(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0);
    REQUIRE(connect(fd, (const struct sockaddr *)&address, sizeof address) == 0);
    return fd;
}

void world_send(int fd, const char *method, const char *path, bool keep)
{
    char text[512];
    int len =
        snprintf(text, sizeof text, "%s %s HTTP/1.1\r\nHost: p\r\n%sContent-Length: 0\r\n\r\n",
                 method, path, keep ? "" : "Connection: close\r\n");

    REQUIRE(send(fd, text, (size_t)len, MSG_NOSIGNAL) == len);
}

int world_read(int fd, char *out, size_t size)
{
    size_t len = 0, want = 0;
    const char *body = NULL, *length;
    ssize_t got;
    int status;

    out[0] = '\0';
    while (body == NULL || strlen(body) < want) {
        got = recv(fd, out + len, size - len - 1, 0);
        if (got <= 0)
            return 0;
        len += (size_t)got;
        REQUIRE(len + 1 < size);
        out[len] = '\0';
        body = strstr(out, "\r\n\r\n");
        length = strcasestr(out, "Content-Length: ");
        if (body != NULL && length != NULL) {
            body += 4;
            want = strtoul(length + 16, NULL, 10);
        }
    }
    status = (int)strtol(out + strlen("HTTP/1.1 "), NULL, 10);
    memmove(out, body, strlen(body) + 1);
    return status;
}

int world_ask(const struct world *w, const char *method, const char *path, char *out, size_t size)
{
    int fd = world_connect(w), status;

    world_send(fd, method, path, false);
    status = world_read(fd, out, size);
    (void)close(fd);
    return status;
}
