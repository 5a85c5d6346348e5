/* SPDX-License-Identifier: Apache-2.0
 * Accepting, TLS, and a tap on the bytes that arrive. The tap is an evbuffer callback on the input
 * of the bufferevent, so that what is recorded is what came and not what evhttp made of it. */
#include "wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <event2/bufferevent_ssl.h>
#include <event2/event.h>

#include "fault.h"
#include "record.h"
#include "sim.h"

SSL_CTX *wire_tls_new(const char *certificate, const char *key)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    if (tls == NULL)
        return NULL;
    if (SSL_CTX_use_certificate_chain_file(tls, certificate) != 1 ||
        SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(tls) != 1) {
        (void)fprintf(stderr, "modelarts-sim: cannot use certificate %s with key %s\n", certificate,
                      key);
        SSL_CTX_free(tls);
        return NULL;
    }
    SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION);
    SSL_CTX_set_session_id_context(tls, (const unsigned char *)"sim", 3);
    return tls;
}

struct conn *wire_find(struct sim *sim, const struct bufferevent *bev)
{
    struct conn *conn;
    for (conn = TAILQ_FIRST(&sim->wire.conns); conn != NULL; conn = TAILQ_NEXT(conn, next))
        if (conn->bev == bev)
            return conn;
    return NULL;
}

void wire_drop(struct conn *conn)
{
    TAILQ_REMOVE(&conn->sim->wire.conns, conn, next);
    if (conn->later != NULL)
        event_free(conn->later);
    evbuffer_free(conn->pending);
    free(conn);
}

void wire_drop_all(struct sim *sim)
{
    struct conn *conn = TAILQ_FIRST(&sim->wire.conns), *next;
    for (; conn != NULL; conn = next) {
        next = TAILQ_NEXT(conn, next);
        wire_drop(conn);
    }
}

static void run_later(evutil_socket_t fd, short what, void *arg)
{
    struct conn *conn = arg;
    (void)fd;
    (void)what;
    if (conn->action != NULL)
        conn->action(conn);
}

void wire_later(struct conn *conn, void (*action)(struct conn *conn))
{
    const struct timeval now = {0, 0};
    conn->action = action;
    if (conn->later == NULL)
        conn->later = evtimer_new(conn->sim->base, run_later, conn);
    if (conn->later != NULL)
        evtimer_add(conn->later, &now);
}

/* Connecting a connected socket to nowhere disconnects it, for which Linux sends a reset; unlike
 * SO_LINGER and close this leaves the descriptor to its owner. */
void wire_reset(struct bufferevent *bev)
{
    const struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
    evutil_socket_t fd = bufferevent_getfd(bev);
    if (fd >= 0)
        (void)connect(fd, &nowhere, sizeof nowhere);
}

void wire_notify(struct bufferevent *bev)
{
    SSL *ssl = bufferevent_openssl_get_ssl(bev);
    if (ssl != NULL)
        (void)SSL_shutdown(ssl);
}

static void on_taken_read(struct bufferevent *bev, void *arg)
{
    struct evbuffer *input = bufferevent_get_input(bev);
    (void)arg;
    evbuffer_drain(input, evbuffer_get_length(input));
}

static void on_taken_event(struct bufferevent *bev, short what, void *arg)
{
    (void)bev;
    if ((what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) != 0)
        wire_end(arg);
}

void wire_take(struct conn *conn, void (*on_flushed)(struct bufferevent *bev, void *conn))
{
    bufferevent_getcb(conn->bev, NULL, NULL, &conn->on_gone, &conn->on_gone_arg);
    bufferevent_setcb(conn->bev, on_taken_read, on_flushed, on_taken_event, conn);
    bufferevent_enable(conn->bev, EV_READ | EV_WRITE);
}

/* Before its first complete request only evhttp knows the connection: it hears that the peer has
 * gone. */
void wire_end(struct conn *conn)
{
    struct bufferevent *bev = conn->bev;
    if (conn->evcon != NULL) {
        evhttp_connection_free(conn->evcon);
        return;
    }
    conn->bev = NULL;
    if (conn->on_gone != NULL)
        conn->on_gone(bev, BEV_EVENT_EOF | BEV_EVENT_READING, conn->on_gone_arg);
}

bool wire_resumed(struct bufferevent *bev)
{
    SSL *ssl = bufferevent_openssl_get_ssl(bev);
    return ssl != NULL && SSL_session_reused(ssl) == 1;
}

/* The first head in `pending` is complete: a fault may want this request before its body is read.
 */
static void look_at_head(struct conn *conn)
{
    struct evbuffer_ptr end = evbuffer_search(conn->pending, "\r\n\r\n", 4, NULL);
    if (end.pos < 0 || conn->looked)
        return;
    conn->looked = true;
    conn->claimed = fault_on_head(conn);
}

static void on_bytes(struct evbuffer *input, const struct evbuffer_cb_info *info, void *arg)
{
    struct conn *conn = arg;
    struct evbuffer_ptr at;
    unsigned char block[4096];
    size_t length = evbuffer_get_length(input), left = info->n_added;
    while (left > 0) {
        size_t n = left < sizeof block ? left : sizeof block;
        evbuffer_ptr_set(input, &at, length - left, EVBUFFER_PTR_SET);
        if (evbuffer_copyout_from(input, &at, block, n) != (ev_ssize_t)n)
            break;
        evbuffer_add(conn->pending, block, n);
        left -= n;
    }
    if (info->n_added > 0)
        look_at_head(conn);
}

static struct conn *conn_new(struct port *port, struct bufferevent *bev)
{
    struct sim *sim = port->sim;
    struct conn *stale = wire_find(sim, bev), *conn = calloc(1, sizeof *conn);
    if (stale != NULL) /* ended before its first request, and its address is used again */
        wire_drop(stale);
    if (conn == NULL)
        return NULL;
    conn->sim = sim;
    conn->iam = port->iam;
    conn->bev = bev;
    conn->number = ++sim->wire.accepted;
    conn->pending = evbuffer_new();
    TAILQ_INSERT_TAIL(&sim->wire.conns, conn, next);
    evbuffer_add_cb(bufferevent_get_input(bev), on_bytes, conn);
    return conn;
}

static struct bufferevent *bufferevent_for(struct event_base *base, SSL_CTX *tls)
{
    SSL *ssl;
    if (tls == NULL)
        return bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
    ssl = SSL_new(tls);
    return ssl == NULL ? NULL
                       : bufferevent_openssl_socket_new(base, -1, ssl, BUFFEREVENT_SSL_ACCEPTING,
                                                        BEV_OPT_CLOSE_ON_FREE);
}

static void reset_now(struct conn *conn)
{
    wire_reset(conn->bev);
    wire_end(conn);
}

struct bufferevent *wire_accept(struct event_base *base, void *arg)
{
    struct port *port = arg;
    struct fault *fault = fault_on_accept(port->sim);
    const bool down = port->iam && port->sim->iam.down;
    /* Where a fault strikes there is no TLS: the handshake could be over before the fault acts. */
    struct bufferevent *bev = bufferevent_for(base, fault == NULL && !down ? port->tls : NULL);
    struct conn *conn = bev == NULL ? NULL : conn_new(port, bev);
    if (conn != NULL && fault != NULL)
        wire_later(conn, fault->kind->act_early);
    else if (conn != NULL && down)
        wire_later(conn, reset_now);
    fault_free(fault);
    return bev;
}
