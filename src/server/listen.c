/* SPDX-License-Identifier: Apache-2.0
 * Certificates and sockets, all checked before anything is served. */
#include <unistd.h>

#include "base/log.h"
#include "server/credentials.h"
#include "server/internal.h"

enum status server_load_credentials(struct server *s, struct err *err)
{
    struct server_credentials loaded;
    struct arena arena;
    struct diag diag;
    enum status status = STATUS_OK;

    arena_init(&arena, LOAD_ARENA_BLOCK, LOAD_ARENA_MAX);
    diag_init(&diag, &arena);
    if (load_credentials(&s->conf, &diag, &loaded)) {
        memcpy(s->listen_tls, loaded.listens, sizeof s->listen_tls);
        s->admin_tls = loaded.admin;
        s->shared.upstream_tls = loaded.upstream;
        s->service = loaded.service;
    } else {
        status = load_refuse(&diag, err);
    }
    arena_done(&arena);
    return status;
}

/* One socket per worker on the same address; the first finds out whether somebody else is there. */
static enum status listen_everywhere(struct server *s, size_t i, struct err *err)
{
    struct net_address *address = &s->listens[i];

    for (unsigned w = 0; w < s->worker_count; w++) {
        int fd = net_listen(address, w == 0, err);

        if (fd < 0)
            return err->status;
        if (address->port == 0)
            address->port = net_listen_port(fd);
        if (worker_listen(s->workers[w], fd, s->listen_tls[i], err) != STATUS_OK)
            return err->status;
    }
    log_line(LOG_INFO, "listening address=%s:%u tls=%s", address->host, (unsigned)address->port,
             s->listen_tls[i] == NULL ? "no" : "yes");
    return STATUS_OK;
}

static enum status listen_status(struct server *s, const struct admin_ops *ops, struct err *err)
{
    int fd;

    s->status_address = s->conf.status;
    fd = net_listen(&s->status_address, true, err);
    if (fd < 0)
        return err_wrap(err, "status");
    s->status_address.port = net_listen_port(fd);
    if (status_page_new(s->base, fd, ops, &s->status, err) != STATUS_OK)
        return err->status;
    log_line(LOG_INFO, "status address=%s:%u", s->status_address.host,
             (unsigned)s->status_address.port);
    return STATUS_OK;
}

static enum status listen_admin(struct server *s, const struct admin_ops *ops, struct err *err)
{
    int fd;

    if (admin_new(s->base, s->conf.admin_socket, ops, &s->admin, err) != STATUS_OK)
        return err->status;
    log_line(LOG_INFO, "admin socket=%s", s->conf.admin_socket);
    if (!s->conf.has_admin_listen)
        return STATUS_OK;
    s->admin_address = s->conf.admin_listen.address;
    fd = net_listen(&s->admin_address, true, err);
    if (fd < 0)
        return err_wrap(err, "admin.address");
    s->admin_address.port = net_listen_port(fd);
    if (admin_new_tls(s->base, fd, s->admin_tls, ops, &s->admin_remote, err) != STATUS_OK)
        return err->status;
    log_line(LOG_INFO, "admin address=%s:%u", s->admin_address.host,
             (unsigned)s->admin_address.port);
    return STATUS_OK;
}

enum status server_listen(struct server *s, struct err *err)
{
    struct admin_ops ops;

    server_ops(s, &ops);
    for (size_t i = 0; i < s->conf.listen_count; i++) {
        s->listens[i] = s->conf.listens[i].address;
        if (listen_everywhere(s, i, err) != STATUS_OK)
            return err_wrap(err, "listen");
    }
    if (s->conf.has_status && listen_status(s, &ops, err) != STATUS_OK)
        return err->status;
    return listen_admin(s, &ops, err);
}
