/* SPDX-License-Identifier: Apache-2.0
 * Signing a request with an access key: SDK-HMAC-SHA256 in its form with `Access=` (API reference,
 * signing). Pure. Private to the room. */
#pragma once

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"

struct sign_field {
    struct view name, value; /* name in lower case; each once */
};
struct sign_request {
    struct view method, path, query, body; /* path and query as they are sent */
    const struct sign_field *fields;       /* all that are signed, x-sdk-date among them; sorted */
    size_t count;
};

enum { SIGN_DATE_BYTES = 16 }; /* "20260102T030405Z" */

/* The text of X-Sdk-Date, no NUL. */
void sign_date(int64_t now_us, char out[SIGN_DATE_BYTES]);
/* Appends the canonical request. A field x-sdk-content-sha256 stands for the body's digest. Memory
 * for the query comes from the arena. Look at out->failed. */
void sign_canonical(const struct sign_request *request, struct arena *arena, struct buf *out);
/* The value of Authorization; ptr NULL when memory is out. */
MUST_CHECK struct view sign_authorization(const struct sign_request *request, struct view access,
                                          struct view secret, struct arena *arena);
