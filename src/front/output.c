/* SPDX-License-Identifier: Apache-2.0
 * The way to the client's socket: straight to it; what it doesn't take is queued. */
#include "base/require.h"
#include "front/inner.h"

enum { PARTS_MAX = 3 };

size_t output_left(const struct conn *c)
{
    return c->out.len - c->written;
}

static void restart_clock(struct conn *c)
{
    c->write_due_us = 0; /* most often all goes before anybody has to look at the clock */
}

/* n bytes of the queue went. */
static void advance(struct conn *c, size_t n)
{
    c->written += n;
    if (c->written == c->out.len) {
        buf_clear(&c->out);
        c->written = 0;
    }
}

/* What of the parts is behind the first `skip` bytes. */
static void queue(struct conn *c, const struct iovec *parts, int count, size_t skip)
{
    if (output_left(c) == 0)
        restart_clock(c);
    /* The place of what went is used again before the queue grows. */
    if (c->written > c->out.len / 2) {
        buf_drop(&c->out, c->written);
        c->written = 0;
    }
    for (int i = 0; i < count; i++) {
        size_t gone = skip < parts[i].iov_len ? skip : parts[i].iov_len;
        const char *from = parts[i].iov_base;

        skip -= gone;
        if (gone < parts[i].iov_len)
            buf_add(&c->out, view_of(from + gone, parts[i].iov_len - gone));
    }
    if (c->out.failed != STATUS_OK)
        conn_fail(c, true);
}

void output_flush(struct conn *c)
{
    while (output_left(c) > 0 && !c->blocked && !c->dead) {
        const struct iovec part = {.iov_base = c->out.ptr + c->written, .iov_len = output_left(c)};
        size_t n = 0;

        switch (net_write(c->net, &part, 1, &n)) {
        case NET_OK:
            advance(c, n);
            restart_clock(c);
            break;
        case NET_AGAIN:
            c->blocked = true;
            break;
        case NET_EOF:
        case NET_FAILED:
            conn_fail(c, false);
            break;
        }
    }
}

/* The queue and the parts in one write. */
static void write_all(struct conn *c, const struct iovec *parts, int count)
{
    struct iovec all[1 + PARTS_MAX];
    size_t before = output_left(c), n = 0;

    REQUIRE(count <= PARTS_MAX);
    all[0] =
        (struct iovec){.iov_base = before > 0 ? c->out.ptr + c->written : NULL, .iov_len = before};
    memcpy(all + 1, parts, (size_t)count * sizeof *parts);
    switch (before > 0 ? net_write(c->net, all, count + 1, &n)
                       : net_write(c->net, parts, count, &n)) {
    case NET_OK:
        advance(c, n < before ? n : before);
        queue(c, parts, count, n < before ? 0 : n - before);
        output_flush(c); /* tells net that we wait */
        break;
    case NET_AGAIN:
        c->blocked = true;
        queue(c, parts, count, 0);
        break;
    case NET_EOF:
    case NET_FAILED:
        conn_fail(c, false);
        break;
    }
}

void output_put(struct conn *c, const struct iovec *parts, int count, bool cork)
{
    size_t total = output_left(c);

    for (int i = 0; i < count; i++)
        total += parts[i].iov_len;
    if (c->blocked || (cork && total <= FRONT_CORK_BYTES))
        queue(c, parts, count, 0);
    else
        write_all(c, parts, count);
    conn_schedule(c);
}
