/* SPDX-License-Identifier: Apache-2.0
 * To a file that somebody else opened and may share: its flags, O_NONBLOCK among them, belong to
 * the open file and not to us, so that each kind of file is written in its own way without them. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "sinks/transport.h"

enum { WHY_BYTES = 96 };

/* How it is written to. */
enum way {
    WAY_PLAIN,   /* a file of a disk: never waits for a reader */
    WAY_OWN,     /* opened once more, with O_NONBLOCK */
    WAY_SOCKET,  /* send has a flag for it */
    WAY_CAREFUL, /* may not be opened again: a little at a time, and only when there is room */
};

struct out {
    struct transport transport;
    struct event_base *base;
    int given; /* the file as it was opened */
    int fd;    /* what is written to; -1: not open */
    enum way way;
    struct event *writable;

    const struct transport_batch *batch; /* NULL: none is under way */
    transport_done *done;
    void *user;
    size_t line;       /* of the batch */
    size_t offset;     /* in that line: what is written */
    uint64_t torn_seq; /* a line that began to go and didn't end; 0: none */
    size_t torn_at;
};

/* ---- opening ---- */

static void close_out(struct out *out)
{
    if (out->writable != NULL)
        event_free(out->writable);
    out->writable = NULL;
    if (out->fd >= 0 && out->fd != out->given)
        (void)close(out->fd);
    out->fd = -1;
}

static void on_writable(evutil_socket_t fd, short what, void *user);

/* 0, or an errno. */
static int open_again(struct out *out)
{
    char path[64];

    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", out->given);
    out->fd = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    out->way = WAY_OWN;
    if (out->fd >= 0)
        return 0;
    if (errno == ENXIO)
        return errno; /* a pipe without a reader */
    out->fd = out->given;
    out->way = WAY_CAREFUL;
    return 0;
}

static int open_out(struct out *out)
{
    struct stat facts;
    int failed = 0;

    if (out->fd >= 0)
        return 0;
    if (fstat(out->given, &facts) != 0)
        return errno;
    out->way = S_ISSOCK(facts.st_mode) ? WAY_SOCKET : WAY_PLAIN;
    if (S_ISFIFO(facts.st_mode) || S_ISCHR(facts.st_mode))
        failed = open_again(out);
    else
        out->fd = out->given;
    if (failed != 0 || out->way == WAY_PLAIN)
        return failed;
    out->writable = event_new(out->base, out->fd, EV_WRITE, on_writable, out);
    if (out->writable != NULL)
        return 0;
    close_out(out);
    return ENOMEM;
}

/* ---- writing ---- */

/* A pipe that polls as writable has room for PIPE_BUF bytes. */
static ssize_t write_careful(int fd, const struct iovec *parts, int count)
{
    struct pollfd room = {.fd = fd, .events = POLLOUT};
    struct iovec one = parts[0].iov_len > 0 || count == 1 ? parts[0] : parts[1];
    ssize_t written = pwritev2(fd, parts, count, -1, RWF_NOWAIT);

    if (written >= 0 || (errno != EOPNOTSUPP && errno != ENOSYS && errno != EINVAL))
        return written;
    if (poll(&room, 1, 0) != 1 || (room.revents & (POLLOUT | POLLERR)) == 0) {
        errno = EAGAIN;
        return -1;
    }
    if (one.iov_len > PIPE_BUF)
        one.iov_len = PIPE_BUF;
    return write(fd, one.iov_base, one.iov_len);
}

static ssize_t write_parts(const struct out *out, struct iovec *parts, int count)
{
    const struct msghdr message = {.msg_iov = parts, .msg_iovlen = (size_t)count};

    switch (out->way) {
    case WAY_SOCKET:
        return sendmsg(out->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    case WAY_CAREFUL:
        return write_careful(out->fd, parts, count);
    case WAY_PLAIN:
    case WAY_OWN:
        break;
    }
    return writev(out->fd, parts, count);
}

/* writev only reads what is there, which its struct can't say. */
static void *unconst(const char *bytes)
{
    void *same;

    memcpy(&same, &bytes, sizeof same);
    return same;
}

/* Some more of the line with its LF, in one piece if it can be. */
static ssize_t write_some(struct out *out)
{
    const struct view text = out->batch->lines[out->line].text;
    char lf = '\n';
    struct iovec parts[2] = {{.iov_base = &lf, .iov_len = 1}};
    int count = 1;
    ssize_t written;

    if (out->offset < text.len) {
        parts[1] = parts[0];
        parts[0].iov_base = unconst(text.ptr + out->offset);
        parts[0].iov_len = text.len - out->offset;
        count = 2;
    }
    do
        written = write_parts(out, parts, count);
    while (written < 0 && errno == EINTR);
    return written;
}

static void finish(struct out *out, const struct transport_why_not *why_not)
{
    const struct transport_batch *const batch = out->batch;

    out->torn_seq = out->offset > 0 ? batch->lines[out->line].seq : 0;
    out->torn_at = out->offset;
    out->batch = NULL;
    out->done(out->user, out->line, why_not);
}

static void fail(struct out *out, int failed)
{
    char text[WHY_BYTES];
    struct err err;
    const struct transport_why_not why_not = {.trouble = TRANSPORT_AWAY, .text = text};

    (void)err_set_errno(&err, failed, "can't write");
    (void)snprintf(text, sizeof text, "%.*s", (int)sizeof text - 1, err.text);
    if (failed == EPIPE || failed == ENXIO)
        (void)snprintf(text, sizeof text, "nobody reads it");
    finish(out, &why_not);
}

static void write_on(struct out *out)
{
    while (out->line < out->batch->count) {
        const ssize_t written = write_some(out);

        if (written < 0 && errno == EAGAIN && out->writable != NULL) {
            (void)event_add(out->writable, NULL);
            return;
        }
        if (written < 0) {
            fail(out, errno);
            return;
        }
        out->offset += (size_t)written;
        if (out->offset > out->batch->lines[out->line].text.len) {
            out->offset = 0;
            out->line++;
        }
    }
    finish(out, NULL);
}

static void on_writable(evutil_socket_t fd, short what, void *user)
{
    (void)fd;
    (void)what;
    write_on(user);
}

static void out_send(struct transport *transport, const struct transport_batch *batch,
                     transport_done *done, void *user)
{
    struct out *const out = (struct out *)transport;
    int failed;

    out->batch = batch;
    out->done = done;
    out->user = user;
    out->line = 0;
    out->offset = batch->lines[0].seq == out->torn_seq ? out->torn_at : 0;
    failed = open_out(out);
    if (failed != 0)
        fail(out, failed);
    else
        write_on(out);
}

static size_t out_cancel(struct transport *transport)
{
    struct out *const out = (struct out *)transport;

    if (out->writable != NULL)
        (void)event_del(out->writable);
    out->batch = NULL;
    return out->line;
}

static void out_free(struct transport *transport)
{
    struct out *const out = (struct out *)transport;

    close_out(out);
    free(out);
}

static const struct transport_class out_class = {
    .send = out_send, .cancel = out_cancel, .free = out_free};

enum status transport_stdout_new(struct event_base *base, int fd, struct transport **ret,
                                 struct err *err)
{
    struct out *out = calloc(1, sizeof *out); /* heap: as long as its sink */
    int failed;

    if (out == NULL)
        return err_set(err, STATUS_NOMEM, "out of memory");
    *out = (struct out){.transport.class = &out_class, .base = base, .given = fd, .fd = -1};
    failed = open_out(out);
    if (failed != 0 && failed != ENXIO) {
        free(out);
        return err_set_errno(err, failed, "can't write to standard output");
    }
    *ret = &out->transport;
    return STATUS_OK;
}
