/* SPDX-License-Identifier: Apache-2.0
 * The life of one connection: made, connected, shaken hands, watched, ended. */
#include "net/conn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <openssl/err.h>

#include "base/clock.h"
#include "base/require.h"
#include "net/inner.h"

enum { KEEPALIVE_IDLE_S = 60, KEEPALIVE_EVERY_S = 10, KEEPALIVE_COUNT = 6 };

/* ---- ending ---- */

static void free_memory(struct event *event, void *arg)
{
    (void)event;
    free(arg);
}

static void end_tls(struct net_conn *c, bool reset)
{
    const bool sound = c->state == NET_READY && !c->write_broken;

    if (c->ssl == NULL)
        return;
    ERR_clear_error();
    /* With a record half out nothing may follow it. */
    if (sound && !reset && c->sealed == 0 && !c->fin_sent)
        (void)SSL_shutdown(c->ssl);
    /* Else OpenSSL would take the session for a broken one and not resume it. */
    if (sound)
        SSL_set_shutdown(c->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(c->ssl);
    c->ssl = NULL;
    ERR_clear_error();
}

static void end(struct net_conn **at, bool reset)
{
    struct net_conn *const c = at == NULL ? NULL : *at;
    const struct linger linger = {.l_onoff = 1, .l_linger = 0};

    if (c == NULL)
        return;
    *at = NULL;
    end_tls(c, reset);
    net_peer_free(&c->certificate);
    net_tls_free(&c->tls);
    c->state = NET_CLOSED;
    (void)event_del(&c->writing);
    (void)event_del(&c->timer);
    (void)event_del(&c->soon);
    /* Callbacks of c may be on the stack: the loop frees the memory when they are not. */
    REQUIRE(event_finalize(0, &c->reading, free_memory) == 0);
    if (reset)
        (void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    (void)close(c->fd);
    c->fd = -1;
}

void net_close(struct net_conn **c)
{
    end(c, false);
}

void net_reset(struct net_conn **c)
{
    end(c, true);
}

/* ---- beginning ---- */

static void become_ready(struct net_conn *c);

static void fail(struct net_conn *c)
{
    c->state = NET_BROKEN;
    io_arm_read(c);
    (void)event_del(&c->writing);
    c->handler->on_failed(c->user);
}

static bool check_handshake(struct net_conn *c)
{
    const unsigned char *alpn = NULL;
    unsigned alpn_len = 0;

    if (!tls_is_client(c->tls))
        return true;
    SSL_get0_alpn_selected(c->ssl, &alpn, &alpn_len);
    if (alpn_len != 0 && !view_eq(view_of((const char *)alpn, alpn_len), VIEW("http/1.1"))) {
        (void)snprintf(c->error, sizeof c->error,
                       "TLS handshake: the server chose a protocol that was not offered");
        return false;
    }
    /* The handshake fails without these; said again, because everything hangs on it. */
    c->verify_failed =
        SSL_get_verify_result(c->ssl) != X509_V_OK || SSL_get0_peer_certificate(c->ssl) == NULL;
    if (c->verify_failed)
        (void)snprintf(c->error, sizeof c->error, "TLS handshake: certificate not verified");
    return !c->verify_failed;
}

static void shake_hands(struct net_conn *c)
{
    int errno_value, result, why;

    ERR_clear_error();
    errno = 0;
    result = SSL_do_handshake(c->ssl);
    errno_value = errno;
    if (result == 1) {
        if (check_handshake(c))
            become_ready(c);
        else
            fail(c);
        return;
    }
    why = SSL_get_error(c->ssl, result);
    if (why == SSL_ERROR_WANT_READ)
        return; /* `reading` is armed all through the handshake */
    if (why == SSL_ERROR_WANT_WRITE) {
        io_arm_write(c);
        return;
    }
    io_error_tls(c, "TLS handshake", why, errno_value);
    fail(c);
}

static void begin_handshake(struct net_conn *c)
{
    c->state = NET_HANDSHAKING;
    io_arm_read(c);
    if (c->handler->on_connected != NULL)
        c->handler->on_connected(c->user);
    if (c->state == NET_HANDSHAKING)
        shake_hands(c);
}

static void on_connected(struct net_conn *c)
{
    int error = 0;
    socklen_t len = sizeof error;

    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
        error = errno;
    if (error != 0) {
        io_error_errno(c, "connecting", error);
        fail(c);
    } else if (c->ssl != NULL) {
        begin_handshake(c);
    } else {
        become_ready(c);
    }
}

/* ---- events ---- */

static void give_readable(struct net_conn *c)
{
    c->handler->on_readable(c->user);
    /* What lies inside TLS makes no socket readable. */
    if (c->state == NET_READY && c->watching && !c->dry && !c->read_ended && net_has_pending(c))
        event_active(&c->soon, EV_TIMEOUT, 0);
}

static void become_ready(struct net_conn *c)
{
    c->state = NET_READY;
    io_arm_read(c);
    c->handler->on_ready(c->user);
    /* The peer's first bytes may have come with the end of its handshake. */
    if (c->state == NET_READY && c->watching && net_has_pending(c))
        give_readable(c);
}

static void give_writable(struct net_conn *c)
{
    c->clogged = false;
    c->write_wants_read = false;
    if (!c->wants_writable)
        return;
    c->wants_writable = false;
    c->handler->on_writable(c->user);
}

static void on_reading(evutil_socket_t fd, short what, void *arg)
{
    struct net_conn *const c = arg;

    (void)fd;
    (void)what;
    c->dry = false;
    if (c->state == NET_HANDSHAKING) {
        shake_hands(c);
        return;
    }
    if (c->write_wants_read)
        give_writable(c);
    if (c->state != NET_READY)
        return;
    io_arm_read(c);
    if (c->watching && !c->read_ended)
        give_readable(c);
}

static void on_writing(evutil_socket_t fd, short what, void *arg)
{
    struct net_conn *const c = arg;

    (void)fd;
    (void)what;
    if (c->state == NET_CONNECTING) {
        on_connected(c);
        return;
    }
    if (c->state == NET_HANDSHAKING) {
        shake_hands(c);
        return;
    }
    if (c->state == NET_READY && c->fin_wanted)
        io_finish_writing(c);
    if (c->state == NET_READY && c->read_wants_write) {
        c->read_wants_write = false;
        c->dry = false;
        if (c->watching)
            give_readable(c);
    }
    if (c->state == NET_READY)
        give_writable(c);
}

static void on_soon(evutil_socket_t fd, short what, void *arg)
{
    struct net_conn *const c = arg;

    (void)fd;
    (void)what;
    if (c->state == NET_STARTING)
        become_ready(c);
    else if (c->state == NET_READY && c->watching && !c->read_ended)
        give_readable(c);
}

static void set_timer(struct net_conn *c, int64_t now_us)
{
    const int64_t left_us = c->deadline_us > now_us ? c->deadline_us - now_us : 1;
    const struct timeval left = {.tv_sec = left_us / 1000000, .tv_usec = left_us % 1000000};

    c->timer_us = c->deadline_us;
    REQUIRE(evtimer_add(&c->timer, &left) == 0);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct net_conn *const c = arg;
    const int64_t now_us = clock_monotonic_us();

    (void)fd;
    (void)what;
    c->timer_us = 0;
    if (c->deadline_us == 0)
        return;
    if (now_us < c->deadline_us) { /* moved out since the timer was set */
        set_timer(c, now_us);
        return;
    }
    c->deadline_us = 0;
    c->handler->on_timeout(c->user);
}

/* A deadline is moved far more often than it passes: the timer is left alone unless it would come
 * too late. */
void net_deadline_at(struct net_conn *c, int64_t due_us)
{
    c->deadline_us = due_us;
    if (due_us != 0 && (c->timer_us == 0 || due_us < c->timer_us))
        set_timer(c, clock_monotonic_us());
}

void net_deadline(struct net_conn *c, int64_t ms)
{
    net_deadline_at(c, ms > 0 ? clock_monotonic_us() + ms * 1000 : 0);
}

void net_watch_read(struct net_conn *c, bool wanted)
{
    c->watching = wanted;
    if (c->state != NET_READY)
        return;
    io_arm_read(c);
    if (wanted && !c->read_ended && net_has_pending(c)) {
        c->dry = false;
        event_active(&c->soon, EV_TIMEOUT, 0);
    }
}

/* ---- making ---- */

static void set_options(int fd)
{
    static const struct {
        int level, name, value;
    } options[] = {
        {IPPROTO_TCP, TCP_NODELAY, 1},
        {SOL_SOCKET, SO_KEEPALIVE, 1},
        {IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S},
        {IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_EVERY_S},
        {IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_COUNT},
    };
    size_t i;

    /* A Unix socket has none of them, and lives without. */
    for (i = 0; i < ARRAY_LEN(options); i++) {
        (void)setsockopt(fd, options[i].level, options[i].name, &options[i].value,
                         sizeof options[i].value);
    }
}

static void set_peer(struct net_conn *c)
{
    char host[INET6_ADDRSTRLEN] = "";
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;

    if (c->peer_address.ss_family == AF_INET) {
        memcpy(&v4, &c->peer_address, sizeof v4);
        (void)inet_ntop(AF_INET, &v4.sin_addr, host, sizeof host);
        (void)snprintf(c->peer, sizeof c->peer, "%s:%u", host, (unsigned)ntohs(v4.sin_port));
    } else if (c->peer_address.ss_family == AF_INET6) {
        memcpy(&v6, &c->peer_address, sizeof v6);
        (void)inet_ntop(AF_INET6, &v6.sin6_addr, host, sizeof host);
        (void)snprintf(c->peer, sizeof c->peer, "[%s]:%u", host, (unsigned)ntohs(v6.sin6_port));
    } else {
        (void)snprintf(c->peer, sizeof c->peer, "local");
    }
}

static bool assign_events(struct net_conn *c)
{
    return event_assign(&c->reading, c->base, c->fd, EV_READ | EV_PERSIST, on_reading, c) == 0 &&
           event_assign(&c->writing, c->base, c->fd, EV_WRITE, on_writing, c) == 0 &&
           event_assign(&c->timer, c->base, -1, 0, on_timer, c) == 0 &&
           event_assign(&c->soon, c->base, -1, 0, on_soon, c) == 0;
}

/* Takes fd over, also on failure. */
static struct net_conn *make(struct event_base *base, int fd, struct net_tls *tls,
                             const struct net_handler *handler, void *user, struct err *err)
{
    struct net_conn *const c = calloc(1, sizeof *c); /* heap: it lives as long as its peer wants */

    if (c != NULL) {
        c->base = base;
        c->fd = fd;
        c->handler = handler;
        c->user = user;
        c->watching = true;
    }
    if (c == NULL || !assign_events(c)) {
        (void)err_set(err, STATUS_NOMEM, "out of memory for a connection");
        free(c);
        (void)close(fd);
        return NULL;
    }
    if (tls != NULL) {
        c->ssl = tls_connection(tls, err);
        if (c->ssl == NULL || SSL_set_fd(c->ssl, fd) != 1) {
            if (c->ssl != NULL)
                (void)err_set(err, STATUS_NOMEM, "TLS connection: %s", tls_reason());
            SSL_free(c->ssl);
            free(c);
            (void)close(fd);
            return NULL;
        }
        c->tls = tls_ref(tls);
    }
    set_options(fd);
    return c;
}

struct net_conn *net_accept(struct event_base *base, int fd, struct net_tls *tls,
                            const struct net_handler *handler, void *user, struct err *err)
{
    struct net_conn *const c = make(base, fd, tls, handler, user, err);
    socklen_t len = sizeof c->peer_address;

    if (c == NULL)
        return NULL;
    if (getpeername(fd, (struct sockaddr *)&c->peer_address, &len) != 0)
        c->peer_address.ss_family = AF_UNSPEC;
    set_peer(c);
    if (tls == NULL) {
        c->state = NET_STARTING;
        event_active(&c->soon, EV_TIMEOUT, 0);
    } else { /* the client speaks first */
        c->state = NET_HANDSHAKING;
        io_arm_read(c);
    }
    return c;
}

struct net_conn *net_connect(struct event_base *base, const struct sockaddr_storage *address,
                             struct net_tls *tls, const struct net_handler *handler, void *user,
                             struct err *err)
{
    const socklen_t len =
        address->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    const int fd = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct net_conn *c;

    if (fd < 0) {
        (void)err_set_errno(err, errno, "opening a socket");
        return NULL;
    }
    c = make(base, fd, tls, handler, user, err);
    if (c == NULL)
        return NULL;
    c->peer_address = *address;
    set_peer(c);
    if (connect(fd, (const struct sockaddr *)address, len) != 0 && errno != EINPROGRESS) {
        (void)err_set_errno(err, errno, "connecting");
        end(&c, false);
        return NULL;
    }
    c->state = NET_CONNECTING; /* also if it is done already: callbacks come from the loop */
    io_arm_write(c);
    return c;
}

/* ---- asking ---- */

bool net_is_ready(const struct net_conn *c)
{
    return c->state == NET_READY;
}

bool net_unsent(const struct net_conn *c, size_t *ret)
{
    int waiting;

    if (c->state != NET_READY || ioctl(c->fd, SIOCOUTQ, &waiting) != 0 || waiting < 0)
        return false;
    *ret = (size_t)waiting + c->sealed;
    return true;
}

bool net_is_resumed(const struct net_conn *c)
{
    return c->ssl != NULL && SSL_session_reused(c->ssl);
}

bool net_has_pending(const struct net_conn *c)
{
    return c->ssl != NULL && SSL_has_pending(c->ssl);
}

const char *net_error(const struct net_conn *c)
{
    return c->error;
}

bool net_error_is_verify(const struct net_conn *c)
{
    return c->verify_failed;
}

const char *net_peer(const struct net_conn *c)
{
    return c->peer;
}

void net_peer_key(const struct net_conn *c, unsigned char out[16])
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;

    memset(out, 0, 16);
    if (c->peer_address.ss_family == AF_INET6) {
        memcpy(&v6, &c->peer_address, sizeof v6);
        memcpy(out, &v6.sin6_addr, 16);
    } else if (c->peer_address.ss_family == AF_INET) {
        memcpy(&v4, &c->peer_address, sizeof v4);
        memcpy(out, mapped, sizeof mapped);
        memcpy(out + 12, &v4.sin_addr, 4);
    }
}
