/* SPDX-License-Identifier: Apache-2.0
 * The gateway's own credential, with which it reads the cloud's lists: a token in a file that is
 * read again when it changes, or an access key that signs (SDK-HMAC-SHA256, `Access=`; API
 * reference, signing). */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"

struct service_settings {
    const char *token_file;      /* or NULL */
    const char *access_key_file; /* or NULL: YAML with `access_key`, `secret_key`, of temporary
                                    keys `security_token`, and maybe `user_id` */
};

struct service_credential;

/* STATUS_INVALID, STATUS_IO: err says which file and why: it can't be read, others may read it
 * (mode 0600 or 0400 is needed), or it doesn't hold what it should. */
MUST_CHECK enum status service_open(const struct service_settings *settings,
                                    struct service_credential **ret, struct err *err);
/* Wipes what it held. */
void service_free(struct service_credential **service);
/* The project of a token that can be decoded; VIEW_NONE of others, and of a key, which is good for
 * all projects of its domain. Lives until the next service_fields. */
struct view service_project(const struct service_credential *service);

/* Whether it is an access key: calls that are refused may lock it. */
bool service_is_key(const struct service_credential *service);

/* Of a key whose file says `user_id`: the cloud's id of its user; VIEW_NONE otherwise. Lives until
 * the next service_fields. */
struct view service_user(const struct service_credential *service);

struct service_request {
    struct view method, path, query, host, project, body;
    bool body_unread; /* it streams behind the head: the signature leaves it out */
    int64_t now_us;
};
struct service_field {
    struct view name, value;
};
enum { SERVICE_FIELDS_MAX = 6 };
/* The header fields to send besides Host (which must be request->host), credential and X-Project-Id
 * among them. Texts live in the arena, in the request, or (the secrets) in the credential until the
 * next call. A file that has changed is read first; STATUS_IO if that fails. One thread at a time.
 */
MUST_CHECK enum status service_fields(struct service_credential *service,
                                      const struct service_request *request, struct arena *arena,
                                      struct service_field ret[SERVICE_FIELDS_MAX],
                                      size_t *ret_count, struct err *err);
