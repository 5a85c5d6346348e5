/* SPDX-License-Identifier: Apache-2.0
 * Signing a request with an access key: SDK-HMAC-SHA256 in its form with `Access=` (API reference,
 * signing). Pure. */
#pragma once

#include "identity/canonical.h"

struct sign_request {
    struct view method, path, query, body; /* path and query as they are sent */
    const struct canonical_field *fields;  /* all that are signed, x-sdk-date among them, in any
                                              order; at most SIGN_FIELDS_MAX */
    size_t count;
};

enum { SIGN_DATE_BYTES = 16, SIGN_FIELDS_MAX = 32 }; /* "20260102T030405Z" */

/* The text of X-Sdk-Date, no NUL. */
void sign_date(int64_t now_us, char out[SIGN_DATE_BYTES]);
/* Appends the canonical request. A field x-sdk-content-sha256 stands for the body's digest. Memory
 * comes from the arena. Look at out->failed. */
void sign_canonical(const struct sign_request *request, struct arena *arena, struct buf *out);
/* The value of Authorization; ptr NULL when memory is out, or a limit is passed: the secret may
 * have CANONICAL_SECRET_MAX bytes. */
MUST_CHECK struct view sign_authorization(const struct sign_request *request, struct view access,
                                          struct view secret, struct arena *arena);

/* With what a request is signed that goes to the cloud. */
struct sign_key {
    struct view access, secret;
    struct view security; /* X-Security-Token of a temporary key; len 0: it is a lasting one */
};
enum { SIGN_ADDED_MAX = 3 };
/* Signs request, whose fields are those that are sent and shall be signed beside the ones added
 * here: host, content-type, x-project-id. ret gets the fields to send in addition, with their usual
 * names: X-Sdk-Date, X-Security-Token of a temporary key, Authorization. Texts live in the arena
 * and in key. STATUS_NOMEM, also when a limit of sign_authorization is passed. */
MUST_CHECK enum status sign_anew(const struct sign_request *request, const struct sign_key *key,
                                 int64_t now_us, struct arena *arena,
                                 struct canonical_field ret[SIGN_ADDED_MAX], size_t *ret_count);
