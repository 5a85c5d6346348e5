/* SPDX-License-Identifier: Apache-2.0
 * Opening them one by one, so that one run tells the faults of all. */
#include "server/credentials.h"

#include <sys/stat.h>

#include "identity/service.h"

static void load_server(const struct conf_listen *listen, const char *what, struct diag *diag,
                        struct net_tls **ret)
{
    struct err err;

    if (listen->certificate != NULL &&
        net_tls_server_new(listen->certificate, listen->key, listen->client_ca, ret, &err) !=
            STATUS_OK)
        diag_fault(diag, listen->at, "%s %s: %s", what, listen->address.text, err.text);
}

static void load_upstream(const struct conf *conf, struct diag *diag, struct net_tls **ret)
{
    struct err err;

    if (net_tls_client_new(conf->upstream.host, conf->upstream.ca_file, ret, &err) != STATUS_OK)
        diag_fault(diag, conf->upstream.ca_file_at, "upstream.ca_file: %s", err.text);
}

static void load_service(const struct conf *conf, struct diag *diag,
                         struct service_credential **ret)
{
    const struct service_settings settings = {
        .token_file = conf->upstream.token_file,
        .access_key_file = conf->upstream.access_key_file,
    };
    struct err err;

    if ((settings.token_file != NULL || settings.access_key_file != NULL) &&
        service_open(&settings, ret, &err) != STATUS_OK)
        diag_fault(diag, conf->upstream.service_at, "upstream.service_credential: %s", err.text);
}

bool load_credentials(const struct conf *conf, struct diag *diag, struct server_credentials *ret)
{
    const size_t faults = diag->faults;
    struct server_credentials loaded = {.admin = NULL};

    for (size_t i = 0; i < conf->listen_count; i++)
        load_server(&conf->listens[i], "listen", diag, &loaded.listens[i]);
    if (conf->has_admin_listen)
        load_server(&conf->admin_listen, "admin.address", diag, &loaded.admin);
    load_upstream(conf, diag, &loaded.upstream);
    load_service(conf, diag, &loaded.service);
    if (diag->faults != faults) {
        server_credentials_free(&loaded);
        return false;
    }
    *ret = loaded;
    return true;
}

static void warn_of_open_key(const char *key, struct loc at, struct diag *diag)
{
    struct stat found;

    if (key != NULL && stat(key, &found) == 0 && (found.st_mode & S_IROTH) != 0)
        diag_warn(
            diag, at,
            "key %s has mode %04o, so that every user of this host who can get at it may read "
            "it; expected 0600 or 0640",
            key, (unsigned)(found.st_mode & 07777));
}

void warn_of_open_keys(const struct conf *conf, struct diag *diag)
{
    for (size_t i = 0; i < conf->listen_count; i++)
        warn_of_open_key(conf->listens[i].key, conf->listens[i].at, diag);
    if (conf->has_admin_listen)
        warn_of_open_key(conf->admin_listen.key, conf->admin_listen.at, diag);
    for (size_t i = 0; i < conf->sink_count; i++)
        warn_of_open_key(conf->sinks[i].syslog.key, conf->sinks[i].at, diag);
}

void server_credentials_free(struct server_credentials *credentials)
{
    for (size_t i = 0; i < CONF_LISTENS_MAX; i++)
        net_tls_free(&credentials->listens[i]);
    net_tls_free(&credentials->admin);
    net_tls_free(&credentials->upstream);
    service_free(&credentials->service);
}
