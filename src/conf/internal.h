/* SPDX-License-Identifier: Apache-2.0
 * What the parts of the loader share. Private to the room. */
#pragma once

#include "conf/conf.h"
#include "conf/rows.h"

struct conf_loading {
    const char *file; /* as the caller named it; for messages */
    const char *path; /* absolute */
    struct view base; /* the folder of path, without a slash at the end */
    struct arena *arena;
    struct diag *diag;
    struct conf_rows *rows;
    struct conf conf; /* what becomes the result */
};

/* "No memory left", at the whole file. */
void conf_no_memory(struct conf_loading *l);
/* Makes the path absolute, in place; NULL when memory is out, and said so. */
const char *conf_path(struct conf_loading *l, struct ytext *path);
/* A copy that ends with NUL; NULL when memory is out, and said so. */
const char *conf_text(struct conf_loading *l, struct view text);
/* One number must not be over another; told where one of them was set. Sizes. */
void conf_check_order(struct conf_loading *l, const char *small_key, const struct ynumber *small,
                      const char *large_key, const struct ynumber *large);
/* journal.low_space, .seal and .witness; after journal.directory. */
void conf_read_seal(struct conf_loading *l);
/* rows->listen to rows->listens and conf.listens. */
void conf_read_listens(struct conf_loading *l);
/* journal.requests and journal.redact. */
void conf_read_keep(struct conf_loading *l);
/* sinks; after the journal, beside which they keep their positions. */
void conf_read_sinks(struct conf_loading *l);
/* quota.store, with its password hidden in the rows, and what belongs to it. */
void conf_read_quota(struct conf_loading *l);
/* identity, all of it; after the listeners. */
void conf_read_identity(struct conf_loading *l);
/* identity.client_certificates, .oidc and .forwarded_user: who has no cloud credential. */
void conf_read_callers(struct conf_loading *l);
/* A list of ids of projects, `key` for messages. */
void conf_read_projects(struct conf_loading *l, const char *key, const struct ytexts *projects,
                        const struct view **ret, size_t *ret_count);
/* upstream.service_credential, and of quota what it serves. */
void conf_read_service(struct conf_loading *l);
/* ", found ", with the value quoted in `quoted`; both empty where it may hold a password or a
 * token: a URL with a user, a query or a fragment. */
const char *conf_found(struct view url, char quoted[DIAG_QUOTED_BYTES]);
/* "host", "host:port", "[v6]" or "[v6]:port"; *ret_port stays where there is none. False: it is no
 * such thing. */
MUST_CHECK bool conf_split_authority(struct view authority, struct view *ret_host,
                                     int64_t *ret_port);
/* "https://host[:port]" with nothing behind it; other settings that hold a URL may use it too. A
 * fault goes to diag under the name `key`. */
MUST_CHECK bool conf_read_url(struct conf_loading *l, const char *key, const struct ytext *url,
                              const char **ret_host, uint16_t *ret_port);
