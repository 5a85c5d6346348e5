/* SPDX-License-Identifier: Apache-2.0
 * Certificates and sockets, all checked before anything is served. */
#include <unistd.h>

#include "base/log.h"
#include "server/internal.h"

enum status server_load_tls(struct server *s, struct err *err)
{
    const struct conf *conf = &s->conf;

    for (size_t i = 0; i < conf->listen_count; i++) {
        const struct conf_listen *listen = &conf->listens[i];

        if (listen->certificate != NULL &&
            net_tls_server_new(listen->certificate, listen->key, listen->client_ca,
                               &s->listen_tls[i], err) != STATUS_OK)
            return err_wrap(err, "listen %s", listen->address.text);
    }
    if (conf->has_admin_listen &&
        net_tls_server_new(conf->admin_listen.certificate, conf->admin_listen.key,
                           conf->admin_listen.client_ca, &s->admin_tls, err) != STATUS_OK)
        return err_wrap(err, "admin.address %s", conf->admin_listen.address.text);
    if (net_tls_client_new(conf->upstream.host, conf->upstream.ca_file, &s->shared.upstream_tls,
                           err) != STATUS_OK)
        return err_wrap(err, "upstream.ca_file");
    return STATUS_OK;
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
