/* SPDX-License-Identifier: Apache-2.0
 * What the gateway shows of itself, and whom it trusts: certificates, keys, authorities and its own
 * credential towards the cloud. What `serve` and `check` open. */
#pragma once

#include "conf/conf.h"
#include "net/tls.h"

struct service_credential;

/* What the settings don't name is NULL. */
struct server_credentials {
    struct net_tls *listens[CONF_LISTENS_MAX]; /* by listener; NULL: plain */
    struct net_tls *admin, *upstream;
    struct service_credential *service; /* one thread at a time */
};

/* All or nothing; every fault goes to diag, with its place in the settings. */
MUST_CHECK bool load_credentials(const struct conf *conf, struct diag *diag,
                                 struct server_credentials *ret);
/* Warns of private keys of TLS that everybody may read, those of sinks too. No fault: where secrets
 * are mounted it may have to be so. The other files with secrets aren't read then. */
void warn_of_open_keys(const struct conf *conf, struct diag *diag);
void server_credentials_free(struct server_credentials *credentials);
