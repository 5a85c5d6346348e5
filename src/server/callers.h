/* SPDX-License-Identifier: Apache-2.0
 * The files that the settings name under `identity`: what `serve`, `check` and a reload open. */
#pragma once

#include "conf/conf.h"
#include "identity/cms.h"
#include "identity/keys.h"

/* What the settings don't name is NULL. */
struct caller_files {
    struct cms_keys *certificate;       /* identity.tokens.certificate */
    struct access_keys *access_keys;    /* identity.access_keys */
    struct service_credential *sign_as; /* identity.sign_as; one thread at a time */
    struct jwks *jwks;                  /* identity.oidc.jwks, if it is a file */
};

/* All or nothing; faults go to diag, each with its place in the settings or in the file. Also those
 * that lie between files: a key that says sign_as: true needs identity.sign_as. */
MUST_CHECK bool load_callers(const struct conf *conf, struct diag *diag, struct caller_files *ret);
void caller_files_free(struct caller_files *files);
