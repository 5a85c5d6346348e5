/* SPDX-License-Identifier: Apache-2.0
 * What callers are identified by, and what is signed with: opened at the start, and the files read
 * again by a reload. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "identity/shared_cache.h"
#include "server/callers.h"
#include "server/internal.h"

enum {
    RESOLVE_MS = 30000,
    IAM_TIMEOUT_MS = 5000,
    IAM_CONNECTIONS = 16,
};

/* ---- files ---- */

/* The scans that find what it made know the agent from the start on. */
static enum status take_sign_as(struct server *s, struct service_credential **sign_as,
                                struct err *err)
{
    struct service_credential *former;

    if (*sign_as == NULL)
        return STATUS_OK;
    if (s->agent == NULL)
        s->agent = arena_strdup(&s->arena, service_user(*sign_as));
    if (s->agent == NULL)
        return err_set(err, STATUS_NOMEM, "identity: out of memory");
    if (!view_eq(service_user(*sign_as), view_str(s->agent)))
        return err_set(err, STATUS_INVALID,
                       "identity.sign_as: user_id can't change while the gateway runs");
    (void)pthread_mutex_lock(&s->shared.sign_lock);
    former = s->shared.sign_as;
    s->shared.sign_as = *sign_as;
    (void)pthread_mutex_unlock(&s->shared.sign_lock);
    *sign_as = NULL;
    service_free(&former);
    return STATUS_OK;
}

static enum status take(struct server *s, struct caller_files *files, struct err *err)
{
    struct identity_sources *sources = sources_new();

    if (sources == NULL)
        return err_set(err, STATUS_NOMEM, "identity: out of memory");
    if (take_sign_as(s, &files->sign_as, err) != STATUS_OK) {
        sources_unref(&sources);
        return err->status;
    }
    sources->keys = files->access_keys;
    sources->pinned = files->certificate;
    sources->jwks = files->jwks;
    *files = (struct caller_files){0};
    source_slot_publish(&s->shared.sources, sources);
    /* What an old certificate vouched for must not outlive it. */
    if (s->shared.means.verified != NULL)
        shared_cache_clear(s->shared.means.verified);
    return STATUS_OK;
}

enum status server_load_identity(struct server *s, struct err *err)
{
    struct caller_files files = {0};
    struct arena arena;
    struct diag diag;
    enum status status;

    arena_init(&arena, LOAD_ARENA_BLOCK, LOAD_ARENA_MAX);
    diag_init(&diag, &arena);
    status = load_callers(&s->conf, &diag, &files) ? take(s, &files, err) : load_refuse(&diag, err);
    caller_files_free(&files);
    arena_done(&arena);
    return status;
}

/* ---- over the network ---- */

static void host_text(const char *host, uint16_t port, char *ret, size_t size)
{
    (void)snprintf(ret, size, port == 443 ? "%s" : "%s:%u", host, (unsigned)port);
}

static enum status reach(const char *host, uint16_t port, const char *ca_file,
                         struct server_peer *peer, struct err *err)
{
    if (net_tls_client_new(host, ca_file, &peer->tls, err) != STATUS_OK)
        return err->status;
    return resolver_new(host, port, RESOLVE_MS, &peer->resolver, err);
}

static enum status start_iam(struct server *s, struct err *err)
{
    const struct conf_identity *conf = &s->conf.identity;
    char host[280];
    const struct iam_settings settings = {
        .host = host,
        .path = "",
        .cache_ms = conf->cache_ms,
        .timeout_ms = IAM_TIMEOUT_MS,
        .connections = IAM_CONNECTIONS,
    };

    if (conf->verify != VERIFY_IAM)
        return STATUS_OK;
    host_text(conf->iam_host, conf->iam_port, host, sizeof host);
    if (reach(conf->iam_host, conf->iam_port, conf->iam_ca_file, &s->iam_peer, err) != STATUS_OK ||
        iam_start(&settings, s->iam_peer.tls, s->iam_peer.resolver, &s->shared.iam, err) !=
            STATUS_OK)
        return err_wrap(err, "identity.tokens.iam_url");
    return STATUS_OK;
}

static enum status start_jwks(struct server *s, struct err *err)
{
    const struct oidc_settings *oidc = &s->conf.identity.oidc;
    char host[280];
    const struct jwks_settings settings = {
        .host = host,
        .path = oidc->jwks_path,
        .refresh_ms = JWKS_REFRESH_MS,
        .pause_ms = JWKS_PAUSE_MS,
        .timeout_ms = IAM_TIMEOUT_MS,
    };

    if (oidc->issuer.ptr == NULL || oidc->jwks_url == NULL)
        return STATUS_OK;
    host_text(oidc->jwks_host, oidc->jwks_port, host, sizeof host);
    if (reach(oidc->jwks_host, oidc->jwks_port, s->conf.identity.iam_ca_file, &s->jwks_peer, err) !=
            STATUS_OK ||
        jwks_source_start(&settings, s->jwks_peer.tls, s->jwks_peer.resolver,
                          &s->shared.jwks_source, err) != STATUS_OK)
        return err_wrap(err, "identity.oidc.jwks");
    return STATUS_OK;
}

/* ---- all of it ---- */

enum status server_open_identity(struct server *s, struct err *err)
{
    const struct conf_identity *conf = &s->conf.identity;

    s->shared.means = (struct identity_means){
        .verify = conf->verify,
        .signatures = conf->signatures,
        .cache_us = conf->cache_ms * 1000,
        .certificates = &conf->certificates,
        .forwarded = &conf->forwarded,
        .oidc = &conf->oidc,
    };
    s->shared.has_sources = conf->verify == VERIFY_CERTIFICATE || conf->access_keys != NULL ||
                            conf->oidc.jwks_file != NULL;
    if (conf->verify == VERIFY_CERTIFICATE)
        s->shared.means.verified = shared_cache_new(IAM_CACHE_ENTRIES, IAM_CACHE_BYTES);
    if (conf->signatures == SIGNATURES_VERIFY)
        s->shared.replay = replay_new(REPLAY_MAX, s->started_us);
    if ((conf->verify == VERIFY_CERTIFICATE && s->shared.means.verified == NULL) ||
        (conf->signatures == SIGNATURES_VERIFY && s->shared.replay == NULL))
        return err_set(err, STATUS_NOMEM, "identity: out of memory");
    if (server_load_identity(s, err) != STATUS_OK || start_iam(s, err) != STATUS_OK ||
        start_jwks(s, err) != STATUS_OK)
        return err->status;
    return STATUS_OK;
}

void server_close_identity(struct server *s)
{
    iam_stop(&s->shared.iam);
    jwks_source_stop(&s->shared.jwks_source);
    resolver_free(&s->iam_peer.resolver);
    resolver_free(&s->jwks_peer.resolver);
    net_tls_free(&s->iam_peer.tls);
    net_tls_free(&s->jwks_peer.tls);
    replay_free(&s->shared.replay);
    shared_cache_free(&s->shared.means.verified);
    service_free(&s->shared.sign_as);
}
