/* SPDX-License-Identifier: Apache-2.0
 * Syslog over a Unix socket: datagrams, as /dev/log takes them, or a stream if the socket is one. A
 * line that no datagram holds goes as a shortened message. */
#include <errno.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "sinks/syslog_inner.h"

enum { SEND_BUFFER_BYTES = 4 << 20 }; /* wished for: the system has a limit of its own */

static void on_writable(evutil_socket_t fd, short what, void *user);

static void fail_errno(struct syslog *s, const char *what, int failed)
{
    struct err err = {0};

    (void)err_set_errno(&err, failed, "%s", what);
    syslog_fail(s, TRANSPORT_AWAY, err.text);
}

static int connect_to(const struct syslog *s, int fd)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const size_t len = strlen(s->settings.path);

    if (len >= sizeof address.sun_path)
        return ENAMETOOLONG;
    memcpy(address.sun_path, s->settings.path, len);
    return connect(fd, (const struct sockaddr *)&address, sizeof address) == 0 ? 0 : errno;
}

/* A connected socket of that type, or -1 with *ret_failed. */
static int open_socket(const struct syslog *s, int type, int *ret_failed)
{
    const int fd = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        *ret_failed = errno;
        return -1;
    }
    *ret_failed = connect_to(s, fd);
    if (*ret_failed == 0)
        return fd;
    (void)close(fd);
    return -1;
}

/* ---- datagrams ---- */

static void close_datagram(struct syslog *s)
{
    if (s->writable != NULL)
        event_free(s->writable);
    s->writable = NULL;
    if (s->fd >= 0)
        (void)close(s->fd);
    s->fd = -1;
}

static void wait_for_room(struct syslog *s)
{
    const struct timeval wait = {.tv_sec = s->settings.timeout_ms / 1000,
                                 .tv_usec = s->settings.timeout_ms % 1000 * 1000};

    (void)event_add(s->writable, &wait);
}

/* 0, or an errno. */
static int send_message(const struct syslog *s)
{
    ssize_t n;

    if (s->out.failed != STATUS_OK)
        return ENOMEM;
    do
        n = send(s->fd, s->out.ptr, s->out.len, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n < 0 ? errno : 0;
}

static int send_line(struct syslog *s, const struct transport_line *line)
{
    int failed;

    buf_clear(&s->out);
    syslog_put(&s->origin, line, SYSLOG_DATAGRAM, &s->out);
    failed = send_message(s);
    if (failed == EMSGSIZE) {
        buf_clear(&s->out);
        syslog_put_shortened(&s->origin, line, &s->out);
        failed = send_message(s);
    }
    s->written = s->out.len; /* a datagram goes whole or not at all */
    return failed;
}

static void pump(struct syslog *s)
{
    while (s->next < s->batch->count) {
        const int failed = send_line(s, &s->batch->lines[s->next]);

        if (failed == EAGAIN || failed == ENOBUFS) {
            wait_for_room(s);
            return;
        }
        if (failed != 0) {
            fail_errno(s, "sending", failed);
            return;
        }
        s->next++;
        syslog_moved(s);
    }
    syslog_sent(s);
}

/* Which socket the path is: no two have all three. */
static struct syslog_inode inode_of(const struct syslog *s)
{
    struct stat facts;

    if (stat(s->settings.path, &facts) != 0)
        return (struct syslog_inode){.number = 0};
    return (struct syslog_inode){facts.st_dev, facts.st_ino, facts.st_ctim};
}

static bool is_same(const struct syslog_inode *a, const struct syslog_inode *b)
{
    return a->number != 0 && a->device == b->device && a->number == b->number &&
           a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

/* What the receiver hasn't read is counted by the kernel, but also forgotten with a receiver that
 * ends: so the question whether it is there, and still the same one, comes behind. */
static enum syslog_fate fate(struct syslog *s, size_t *ret_unsent)
{
    struct syslog_inode now;
    int waiting;

    if (ioctl(s->fd, SIOCOUTQ, &waiting) != 0 || waiting < 0)
        return SYSLOG_BROKEN;
    *ret_unsent = (size_t)waiting;
    if (waiting > 0)
        return SYSLOG_WAITING;
    if (connect_to(s, s->fd) != 0)
        return SYSLOG_BROKEN;
    now = inode_of(s);
    return is_same(&now, &s->inode) ? SYSLOG_TAKEN : SYSLOG_BROKEN;
}

static const struct syslog_link datagram_link = {
    .pump = pump, .fate = fate, .close = close_datagram};

static void on_writable(evutil_socket_t fd, short what, void *user)
{
    struct syslog *const s = user;

    (void)fd;
    if (s->batch == NULL || s->awaiting)
        return;
    if ((what & EV_WRITE) != 0)
        pump(s);
    else
        syslog_fail(s, TRANSPORT_AWAY, "the receiver takes nothing");
}

/* ---- connecting ---- */

static void begin_datagrams(struct syslog *s, int fd)
{
    const int bytes = SEND_BUFFER_BYTES;

    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    s->fd = fd;
    s->writable = event_new(s->base, fd, EV_WRITE, on_writable, s);
    if (s->writable == NULL) {
        close_datagram(s);
        syslog_fail(s, TRANSPORT_AWAY, "there is no memory for the socket");
        return;
    }
    syslog_ready(s, &datagram_link);
}

void syslog_unix_connect(struct syslog *s)
{
    int failed, fd;

    s->inode = inode_of(s); /* before it is connected to: one that is made behind is another */
    fd = open_socket(s, SOCK_DGRAM, &failed);

    if (fd >= 0) {
        begin_datagrams(s, fd);
        return;
    }
    if (failed == EPROTOTYPE) {
        fd = open_socket(s, SOCK_STREAM, &failed);
        s->framing = SYSLOG_LF;
    }
    if (fd >= 0)
        syslog_stream_adopt(s, fd);
    else
        fail_errno(s, "connecting", failed);
}
