/* SPDX-License-Identifier: Apache-2.0
 * Bytes in and out of one connection, and failures put into words. */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>

#include "base/require.h"
#include "net/inner.h"

/* A record that isn't full ends what the peer had to say: asking the socket again would cost a
 * system call only to hear "not now". If more comes, the loop tells. */
static bool looks_like_the_end(size_t got)
{
    return got < NET_RECORD_BYTES;
}

/* Before each call of OpenSSL whose error may be asked for. Most often there is nothing to forget,
 * and looking is cheaper than wiping. */
static void tls_forget_errors(void)
{
    if (ERR_peek_error() != 0)
        ERR_clear_error();
}

/* ---- failures ---- */

void io_error_errno(struct net_conn *c, const char *what, int errno_value)
{
    char reason[96];

    (void)snprintf(c->error, sizeof c->error, "%s: %s", what,
                   errno_value == 0 ? "closed without a TLS close"
                                    : strerror_r(errno_value, reason, sizeof reason));
}

static bool is_verify_reason(unsigned long code)
{
    const int reason = ERR_GET_REASON(code);

    return ERR_GET_LIB(code) == ERR_LIB_SSL && (reason == SSL_R_CERTIFICATE_VERIFY_FAILED ||
                                                reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE);
}

/* OpenSSL's reasons and verify results are texts of its own tables; nothing of the peer is in
 * them. */
void io_error_tls(struct net_conn *c, const char *what, int ssl_error, int errno_value)
{
    const unsigned long code = ERR_peek_last_error();
    const long result = SSL_get_verify_result(c->ssl);

    if (ssl_error == SSL_ERROR_SYSCALL && code == 0) {
        io_error_errno(c, what, errno_value);
        return;
    }
    c->verify_failed = is_verify_reason(code);
    if (c->verify_failed && result != X509_V_OK) {
        (void)snprintf(c->error, sizeof c->error, "%s: certificate not verified: %s", what,
                       X509_verify_cert_error_string(result));
    } else {
        (void)snprintf(c->error, sizeof c->error, "%s: %s", what, tls_reason());
    }
    ERR_clear_error();
}

static enum net_io reading_failed(struct net_conn *c)
{
    c->state = NET_BROKEN;
    io_arm_read(c);
    return NET_FAILED;
}

/* What has come may still be read: an early answer often stands before a reset. */
static enum net_io writing_failed(struct net_conn *c)
{
    c->write_broken = true;
    c->write_wants_read = false;
    io_arm_read(c);
    return NET_FAILED;
}

static enum net_io ended(struct net_conn *c)
{
    c->read_ended = true;
    io_arm_read(c);
    return NET_EOF;
}

/* ---- waiting ---- */

void io_arm_read(struct net_conn *c)
{
    const bool wanted =
        c->state == NET_HANDSHAKING ||
        (c->state == NET_READY && ((c->watching && !c->read_ended) || c->write_wants_read));

    if (wanted == c->read_armed)
        return;
    c->read_armed = wanted;
    if (wanted)
        REQUIRE(event_add(&c->reading, NULL) == 0);
    else
        (void)event_del(&c->reading);
}

void io_arm_write(struct net_conn *c)
{
    if (!event_pending(&c->writing, EV_WRITE, NULL))
        REQUIRE(event_add(&c->writing, NULL) == 0);
}

static enum net_io write_again(struct net_conn *c)
{
    c->wants_writable = true;
    c->clogged = true;
    if (!c->write_wants_read)
        io_arm_write(c);
    return NET_AGAIN;
}

/* ---- reading ---- */

static enum net_io read_plain(struct net_conn *c, void *out, size_t size, size_t *ret_n)
{
    ssize_t n;

    do
        n = recv(c->fd, out, size, 0);
    while (n < 0 && errno == EINTR);
    if (n > 0) {
        c->dry = (size_t)n < size;
        *ret_n = (size_t)n;
        return NET_OK;
    }
    if (n == 0)
        return ended(c);
    if (errno == EAGAIN) {
        c->dry = true;
        return NET_AGAIN;
    }
    io_error_errno(c, "reading", errno);
    return reading_failed(c);
}

static enum net_io read_tls(struct net_conn *c, void *out, size_t size, size_t *ret_n)
{
    int errno_value, result, why;

    tls_forget_errors();
    errno = 0;
    result = SSL_read_ex(c->ssl, out, size, ret_n);
    errno_value = errno;
    if (result == 1) {
        c->dry = looks_like_the_end(*ret_n) && *ret_n < size && !SSL_has_pending(c->ssl);
        return NET_OK;
    }
    why = SSL_get_error(c->ssl, result);
    switch (why) {
    case SSL_ERROR_WANT_READ:
        c->dry = true;
        return NET_AGAIN;
    case SSL_ERROR_WANT_WRITE:
        c->dry = true;
        c->read_wants_write = true;
        io_arm_write(c);
        return NET_AGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return ended(c);
    default:
        io_error_tls(c, "reading", why, errno_value);
        return reading_failed(c);
    }
}

bool net_is_quiet(const struct net_conn *c)
{
    char byte;

    return c->state == NET_READY && !c->write_broken && !c->read_ended && !net_has_pending(c) &&
           recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

enum net_io net_read(struct net_conn *c, void *out, size_t size, size_t *ret_n)
{
    if (c->state == NET_BROKEN)
        return NET_FAILED;
    if (c->read_ended)
        return NET_EOF;
    if (c->state != NET_READY || c->dry)
        return NET_AGAIN;
    return c->ssl == NULL ? read_plain(c, out, size, ret_n) : read_tls(c, out, size, ret_n);
}

/* ---- writing ---- */

static size_t total_of(const struct iovec *parts, int count)
{
    size_t total = 0;
    int i;

    for (i = 0; i < count; i++)
        total += parts[i].iov_len;
    return total;
}

static ssize_t send_parts(int fd, const struct iovec *parts, int count)
{
    /* sendmsg doesn't write to the vector; its type is older than const. */
    struct msghdr message = {.msg_iovlen = (size_t)count};

    if (count == 1)
        return send(fd, parts->iov_base, parts->iov_len, MSG_NOSIGNAL);
    memcpy(&message.msg_iov, &parts, sizeof parts); /* NOLINT(bugprone-sizeof-expression) */
    return sendmsg(fd, &message, MSG_NOSIGNAL);
}

static enum net_io write_plain(struct net_conn *c, const struct iovec *parts, int count,
                               size_t *ret_n)
{
    ssize_t n;

    do
        n = send_parts(c->fd, parts, count);
    while (n < 0 && errno == EINTR);
    if (n >= 0) {
        c->clogged = (size_t)n < total_of(parts, count);
        *ret_n = (size_t)n;
        return NET_OK;
    }
    if (errno == EAGAIN)
        return write_again(c);
    io_error_errno(c, "writing", errno);
    return writing_failed(c);
}

/* Up to `want` bytes from offset `from` of the vector, in one piece: borrowed from a part where
 * they lie together, else copied into scratch. */
static struct view gather(const struct iovec *parts, size_t from, size_t want,
                          char scratch[NET_RECORD_BYTES])
{
    size_t filled = 0, n;

    while (from >= parts->iov_len) {
        from -= parts->iov_len;
        parts++;
    }
    if (parts->iov_len - from >= want)
        return view_of((const char *)parts->iov_base + from, want);
    while (filled < want) {
        n = parts->iov_len - from;
        n = n < want - filled ? n : want - filled;
        if (n > 0)
            memcpy(scratch + filled, (const char *)parts->iov_base + from, n);
        filled += n;
        from = 0;
        parts++;
    }
    return view_of(scratch, want);
}

/* One record. NET_OK: it is wholly with the kernel. */
static enum net_io write_record(struct net_conn *c, struct view record)
{
    int errno_value, result, why;
    size_t written = 0;

    tls_forget_errors();
    errno = 0;
    result = SSL_write_ex(c->ssl, record.ptr, record.len, &written);
    errno_value = errno;
    if (result == 1) {
        REQUIRE(written == record.len); /* OpenSSL splits only above a record's size */
        c->sealed = 0;
        return NET_OK;
    }
    why = SSL_get_error(c->ssl, result);
    if (why == SSL_ERROR_WANT_WRITE || why == SSL_ERROR_WANT_READ) {
        c->sealed = record.len;
        if (why == SSL_ERROR_WANT_READ) {
            c->write_wants_read = true;
            io_arm_read(c);
        }
        return NET_AGAIN;
    }
    io_error_tls(c, "writing", why, errno_value);
    return writing_failed(c);
}

static enum net_io write_tls(struct net_conn *c, const struct iovec *parts, int count,
                             size_t *ret_n)
{
    char scratch[NET_RECORD_BYTES] UNINITIALIZED;
    const size_t total = total_of(parts, count);
    size_t done = 0, want;
    enum net_io io;

    if (c->sealed > total) {
        (void)snprintf(c->error, sizeof c->error, "writing: the rest of a record was not repeated");
        return writing_failed(c);
    }
    while (done < total) {
        want = total - done < NET_RECORD_BYTES ? total - done : NET_RECORD_BYTES;
        if (c->sealed > 0)
            want = c->sealed;
        io = write_record(c, gather(parts, done, want, scratch));
        if (io == NET_FAILED)
            return io;
        if (io == NET_AGAIN && done == 0)
            return write_again(c);
        if (io == NET_AGAIN) {
            c->clogged = true;
            break;
        }
        done += want;
    }
    *ret_n = done;
    return NET_OK;
}

enum net_io net_write(struct net_conn *c, const struct iovec *parts, int count, size_t *ret_n)
{
    if (c->state == NET_BROKEN || c->write_broken || c->fin_wanted)
        return NET_FAILED;
    if (c->state != NET_READY)
        return NET_AGAIN;
    if (total_of(parts, count) == 0) {
        *ret_n = 0;
        return NET_OK;
    }
    if (c->clogged)
        return write_again(c);
    return c->ssl == NULL ? write_plain(c, parts, count, ret_n) : write_tls(c, parts, count, ret_n);
}

void io_finish_writing(struct net_conn *c)
{
    int result;

    if (c->fin_sent || c->write_broken)
        return;
    if (c->ssl != NULL && c->sealed == 0) { /* behind half a record nothing may follow */
        ERR_clear_error();
        result = SSL_shutdown(c->ssl);
        if (result < 0 && SSL_get_error(c->ssl, result) == SSL_ERROR_WANT_WRITE) {
            ERR_clear_error();
            io_arm_write(c);
            return;
        }
        ERR_clear_error();
    }
    c->fin_sent = true;
    (void)shutdown(c->fd, SHUT_WR);
}

void net_shutdown_write(struct net_conn *c)
{
    if (c->state != NET_READY || c->fin_wanted)
        return;
    c->fin_wanted = true;
    io_finish_writing(c);
}
