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
/* rows->listen to rows->listens and conf.listens. */
void conf_read_listens(struct conf_loading *l);
/* quota.store, with its password hidden in the rows, and what belongs to it. */
void conf_read_quota(struct conf_loading *l);
/* upstream.service_credential, and of quota what it serves. */
void conf_read_service(struct conf_loading *l);
/* "https://host[:port]" with nothing behind it; other settings that hold a URL may use it too. A
 * fault goes to diag under the name `key`. */
MUST_CHECK bool conf_read_url(struct conf_loading *l, const char *key, const struct ytext *url,
                              const char **ret_host, uint16_t *ret_port);
