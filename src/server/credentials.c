/* SPDX-License-Identifier: Apache-2.0
 * Opening them one by one, so that one run tells the faults of all. */
#include "server/credentials.h"

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

void server_credentials_free(struct server_credentials *credentials)
{
    for (size_t i = 0; i < CONF_LISTENS_MAX; i++)
        net_tls_free(&credentials->listens[i]);
    net_tls_free(&credentials->admin);
    net_tls_free(&credentials->upstream);
    service_free(&credentials->service);
}
