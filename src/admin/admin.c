/* SPDX-License-Identifier: Apache-2.0
 * Two routes over libevhtp. Its parser faces only peers that the kernel vouches for: root and our
 * own user. */
#include "admin/admin.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <evhtp.h>

#include "base/log.h"

enum { ANSWER_MAX = 1 << 20, CONNECTIONS_MAX = 64, BODY_MAX = 4096 };

struct admin {
    evhtp_t *htp;
    struct admin_ops ops;
    evhtp_connection_t *open[CONNECTIONS_MAX]; /* libevhtp itself keeps no list of them */
    char path[sizeof((struct sockaddr_un *)NULL)->sun_path];
};

/* The uid behind a connection, or -1. */
static long peer_uid(int fd)
{
    struct ucred peer;
    socklen_t len = sizeof peer;

    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 ? (long)peer.uid : -1;
}

// cppcheck-suppress constParameter ; the signature is evhtp's
static evhtp_res on_connection_end(evhtp_connection_t *connection, void *user)
{
    struct admin *admin = user;

    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        if (admin->open[i] == connection)
            admin->open[i] = NULL;
    }
    return EVHTP_RES_OK;
}

static bool remember(struct admin *admin, evhtp_connection_t *connection)
{
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
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

static evhtp_res on_accept(evhtp_connection_t *connection, void *user)
{
    long uid = peer_uid(connection->sock);

    if (uid != 0 && uid != (long)geteuid()) {
        log_line(LOG_WARNING, "admin connection refused uid=%ld", uid);
        return EVHTP_RES_ERROR;
    }
    if (!remember(user, connection)) {
        log_line(LOG_WARNING, "admin connection refused, there are too many");
        return EVHTP_RES_ERROR;
    }
    evhtp_connection_set_max_body_size(connection, BODY_MAX);
    return EVHTP_RES_OK;
}

static void reply(evhtp_request_t *request, evhtp_res status, const char *type,
                  const struct buf *body)
{
    evhtp_headers_add_header(request->headers_out, evhtp_header_new("Content-Type", type, 1, 1));
    if (body->len > 0)
        (void)evbuffer_add(request->buffer_out, body->ptr, body->len);
    evhtp_send_reply(request, body->failed == STATUS_OK ? status : EVHTP_RES_SERVERR);
}

static void reply_text(evhtp_request_t *request, evhtp_res status, const char *text)
{
    struct buf body;

    buf_init(&body, ANSWER_MAX);
    buf_add_str(&body, text);
    reply(request, status, "text/plain", &body);
    buf_done(&body);
}

static void reply_unknown(evhtp_request_t *request)
{
    reply_text(request, EVHTP_RES_NOTFOUND, "known here: GET /v1/status, POST /v1/reload\n");
}

/* libevhtp's routes also match what only begins with them. */
static bool is_path(const evhtp_request_t *request, const char *path)
{
    const char *got = request->uri == NULL ? NULL : request->uri->path->full;

    return got != NULL && strcmp(got, path) == 0;
}

static void on_status(evhtp_request_t *request, void *user)
{
    const struct admin *admin = user;
    struct buf body;

    if (!is_path(request, "/v1/status")) {
        reply_unknown(request);
        return;
    }
    if (evhtp_request_get_method(request) != htp_method_GET) {
        reply_text(request, EVHTP_RES_METHNALLOWED, "use GET\n");
        return;
    }
    buf_init(&body, ANSWER_MAX);
    admin->ops.status(admin->ops.user, &body);
    reply(request, EVHTP_RES_OK, "application/json", &body);
    buf_done(&body);
}

static void on_reload(evhtp_request_t *request, void *user)
{
    const struct admin *admin = user;
    struct buf body;
    char actor[32];
    bool done;

    if (!is_path(request, "/v1/reload")) {
        reply_unknown(request);
        return;
    }
    if (evhtp_request_get_method(request) != htp_method_POST) {
        reply_text(request, EVHTP_RES_METHNALLOWED, "use POST\n");
        return;
    }
    (void)snprintf(actor, sizeof actor, "uid:%ld", peer_uid(request->conn->sock));
    buf_init(&body, ANSWER_MAX);
    done = admin->ops.reload(admin->ops.user, actor, &body);
    reply(request, done ? EVHTP_RES_OK : EVHTP_RES_CONFLICT, "text/plain", &body);
    buf_done(&body);
}

static void on_other(evhtp_request_t *request, void *user)
{
    (void)user;
    reply_unknown(request);
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

static bool add_routes(struct admin *admin)
{
    evhtp_disable_flag(admin->htp, EVHTP_FLAG_ENABLE_100_CONT);
    evhtp_set_post_accept_cb(admin->htp, on_accept, admin);
    evhtp_set_gencb(admin->htp, on_other, admin);
    return evhtp_set_cb(admin->htp, "/v1/status", on_status, admin) != NULL &&
           evhtp_set_cb(admin->htp, "/v1/reload", on_reload, admin) != NULL;
}

enum status admin_new(struct event_base *base, const char *path, const struct admin_ops *ops,
                      struct admin **ret, struct err *err)
{
    const struct timeval timeout = {.tv_sec = 10};
    struct admin *admin;
    int fd = bind_socket(path, err);

    if (fd < 0)
        return err->status;
    admin = calloc(1, sizeof *admin);
    if (admin == NULL) {
        (void)close(fd);
        return err_set(err, STATUS_NOMEM, "admin socket: out of memory");
    }
    admin->ops = *ops;
    (void)snprintf(admin->path, sizeof admin->path, "%s", path);
    admin->htp = evhtp_new(base, NULL);
    if (admin->htp == NULL || !add_routes(admin) || evhtp_accept_socket(admin->htp, fd, 16) != 0) {
        (void)close(fd);
        admin_free(&admin);
        return err_set(err, STATUS_IO, "admin socket %s: can't listen", path);
    }
    evhtp_set_timeouts(admin->htp, &timeout, &timeout);
    *ret = admin;
    return STATUS_OK;
}

void admin_free(struct admin **admin)
{
    struct admin *a = *admin;

    if (a == NULL)
        return;
    *admin = NULL;
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        if (a->open[i] != NULL)
            evhtp_connection_free(a->open[i]);
    }
    if (a->htp != NULL) {
        evhtp_unbind_socket(a->htp);
        evhtp_free(a->htp);
    }
    (void)unlink(a->path);
    free(a);
}
