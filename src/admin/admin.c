/* SPDX-License-Identifier: Apache-2.0
 * Sockets and connections under libevhtp. Its parser faces only peers that somebody vouches for:
 * the kernel for root and our own user, a certificate for whoever comes over TLS. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <event2/listener.h>

#include "admin/inner.h"
#include "base/log.h"

enum { BACKLOG = 128 };

// cppcheck-suppress constParameter ; the signature is evhtp's
static evhtp_res on_connection_end(evhtp_connection_t *connection, void *user)
{
    struct admin *admin = user;

    for (size_t i = 0; i < ADMIN_CONNECTIONS_MAX; i++) {
        if (admin->open[i] == connection)
            admin->open[i] = NULL;
    }
    return EVHTP_RES_OK;
}

static bool remember(struct admin *admin, evhtp_connection_t *connection)
{
    for (size_t i = 0; i < ADMIN_CONNECTIONS_MAX; i++) {
        if (admin->open[i] != NULL)
            continue;
        if (evhtp_connection_set_hook(connection, evhtp_hook_on_connection_fini,
                                      (evhtp_hook)on_connection_end, admin) != 0)
            return false;
        admin->open[i] = connection;
        return true;
    }
    return false;
}

/* Who has shown no certificate yet gives way to the next: nobody can fill the table without one. */
static void make_room(struct admin *admin)
{
    for (size_t i = 0; admin->tls != NULL && i < ADMIN_CONNECTIONS_MAX; i++) {
        if (admin->open[i] == NULL)
            return;
    }
    for (size_t i = 0; admin->tls != NULL && i < ADMIN_CONNECTIONS_MAX; i++) {
        if (SSL_is_init_finished(admin->open[i]->ssl) == 0) {
            evhtp_connection_free(admin->open[i]);
            return;
        }
    }
}

/* Each connection gets the certificates that are in use now. */
static evhtp_res before_accept(evhtp_connection_t *connection, void *user)
{
    const struct admin *admin = user;

    (void)connection;
    SSL_CTX_free(admin->htp->ssl_ctx);
    admin->htp->ssl_ctx = net_tls_context(admin->tls);
    return EVHTP_RES_OK;
}

static bool is_allowed(const struct admin *admin, const evhtp_connection_t *connection)
{
    long uid;

    if (admin->tls != NULL)
        return true; /* the handshake is still to come */
    uid = admin_peer_uid(connection->sock);
    if (uid == 0 || uid == (long)geteuid())
        return true;
    log_line(LOG_WARNING, "admin connection refused uid=%ld", uid);
    return false;
}

static evhtp_res on_accept(evhtp_connection_t *connection, void *user)
{
    struct admin *admin = user;

    if (!is_allowed(admin, connection))
        return EVHTP_RES_ERROR;
    make_room(admin);
    if (!remember(admin, connection)) {
        log_line(LOG_WARNING, "admin connection refused, there are too many");
        return EVHTP_RES_ERROR;
    }
    /* libevent's TLS asks the socket whether there is more, and not what was read ahead. */
    if (connection->ssl != NULL)
        SSL_set_read_ahead(connection->ssl, 0);
    evhtp_connection_set_max_body_size(connection, ADMIN_BODY_MAX);
    return EVHTP_RES_OK;
}

/* Out of descriptors: the listener would ask again at once, for ever. */
static void on_listen_error(struct evconnlistener *listener, void *user)
{
    const struct timeval pause = {.tv_usec = 100000};
    const struct admin *admin = user;

    (void)evconnlistener_disable(listener);
    (void)event_add(admin->listen_again, &pause);
}

static void on_listen_again(evutil_socket_t fd, short what, void *user)
{
    const struct admin *admin = user;

    (void)fd;
    (void)what;
    (void)evconnlistener_enable(admin->htp->server);
}

/* A file left by a gateway that died is no obstacle; one that somebody listens on is. */
static enum status clear_path(const struct sockaddr_un *address, struct err *err)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct stat st;
    bool alive;

    if (fd < 0)
        return err_set_errno(err, errno, "admin socket");
    alive = connect(fd, (const struct sockaddr *)address, sizeof *address) == 0;
    (void)close(fd);
    if (alive)
        return err_set(err, STATUS_IO, "admin socket %s: another gateway listens there",
                       address->sun_path);
    if (lstat(address->sun_path, &st) != 0)
        return STATUS_OK;
    if (!S_ISSOCK(st.st_mode))
        return err_set(err, STATUS_IO, "admin socket %s: there is a file that is not a socket",
                       address->sun_path);
    if (unlink(address->sun_path) != 0)
        return err_set_errno(err, errno, "admin socket %s", address->sun_path);
    return STATUS_OK;
}

/* The folder of the socket is made if only it is missing; 0700, like the socket itself. */
static void make_folder(const char *path)
{
    char folder[sizeof((struct sockaddr_un *)NULL)->sun_path];
    char *slash;

    (void)snprintf(folder, sizeof folder, "%s", path);
    slash = strrchr(folder, '/');
    if (slash == NULL || slash == folder)
        return;
    *slash = '\0';
    /* If it can't be made, bind says why. */
    (void)mkdir(folder, 0700);
}

static int bind_socket(const char *path, struct err *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    mode_t before;
    int fd, bound;

    if (strlen(path) >= sizeof address.sun_path) {
        (void)err_set(err, STATUS_INVALID, "admin socket %s: the path is over %zu bytes", path,
                      sizeof address.sun_path - 1);
        return -1;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    make_folder(path);
    if (clear_path(&address, err) != STATUS_OK)
        return -1;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        (void)err_set_errno(err, errno, "admin socket %s", path);
        return -1;
    }
    /* Nobody else may connect, not even for the blink between bind and chmod. */
    before = umask(0177);
    bound = bind(fd, (const struct sockaddr *)&address, sizeof address);
    (void)umask(before);
    if (bound != 0) {
        (void)err_set_errno(err, errno, "admin socket %s", path);
        (void)close(fd);
        return -1;
    }
    return fd;
}

/* tls NULL: the Unix socket. */
static struct admin *new_server(struct event_base *base, int fd, struct net_tls *tls,
                                const struct admin_ops *ops)
{
    const struct timeval timeout = {.tv_sec = ADMIN_TIMEOUT_S};
    struct admin *admin = calloc(1, sizeof *admin);

    if (admin == NULL)
        return NULL;
    admin->ops = *ops;
    admin->tls = tls;
    admin->htp = evhtp_new(base, NULL);
    admin->listen_again = evtimer_new(base, on_listen_again, admin);
    if (admin->htp == NULL || admin->listen_again == NULL) {
        admin_free(&admin);
        return NULL;
    }
    evhtp_disable_flag(admin->htp, EVHTP_FLAG_ENABLE_100_CONT);
    evhtp_set_post_accept_cb(admin->htp, on_accept, admin);
    evhtp_set_gencb(admin->htp, admin_on_request, admin);
    evhtp_set_timeouts(admin->htp, &timeout, &timeout);
    if (tls != NULL) {
        admin->htp->ssl_ctx = net_tls_context(tls);
        evhtp_set_pre_accept_cb(admin->htp, before_accept, admin);
    }
    if (evhtp_accept_socket(admin->htp, fd, BACKLOG) != 0) {
        admin_free(&admin);
        return NULL;
    }
    evconnlistener_set_error_cb(admin->htp->server, on_listen_error);
    return admin;
}

enum status admin_new(struct event_base *base, const char *path, const struct admin_ops *ops,
                      struct admin **ret, struct err *err)
{
    int fd = bind_socket(path, err);

    if (fd < 0)
        return err->status;
    *ret = new_server(base, fd, NULL, ops);
    if (*ret == NULL) {
        (void)close(fd);
        (void)unlink(path);
        return err_set(err, STATUS_IO, "admin socket %s: can't listen", path);
    }
    (void)snprintf((*ret)->path, sizeof(*ret)->path, "%s", path);
    return STATUS_OK;
}

enum status admin_new_tls(struct event_base *base, int fd, struct net_tls *tls,
                          const struct admin_ops *ops, struct admin **ret, struct err *err)
{
    *ret = new_server(base, fd, tls, ops);
    if (*ret != NULL)
        return STATUS_OK;
    (void)close(fd);
    return err_set(err, STATUS_IO, "admin address: can't listen");
}

void admin_free(struct admin **admin)
{
    struct admin *a = *admin;

    if (a == NULL)
        return;
    *admin = NULL;
    for (size_t i = 0; i < ADMIN_CONNECTIONS_MAX; i++) {
        if (a->open[i] != NULL)
            evhtp_connection_free(a->open[i]);
    }
    if (a->listen_again != NULL)
        event_free(a->listen_again);
    if (a->htp != NULL) {
        evhtp_unbind_socket(a->htp);
        evhtp_free(a->htp);
    }
    if (a->path[0] != '\0')
        (void)unlink(a->path);
    free(a);
}
