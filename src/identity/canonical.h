/* SPDX-License-Identifier: Apache-2.0
 * What a signature covers, as text, and the signature of that text: SDK-HMAC-SHA256 in both of its
 * forms. Signing and verifying share it. Pure.
 *
 * Both forms: METHOD LF path LF query LF a line "name:value" for each signed field LF the names
 * joined with ';' LF payload. Path and query are decoded and percent-encoded again, a path ends
 * with '/', the pairs of a query are sorted. CANONICAL_CREDENTIAL differs: white space within
 * values is one blank, pairs are sorted without regard to case, and the query may be the payload.
 */
#pragma once

#include "base/arena.h"
#include "base/buffer.h"
#include "base/digest.h"

enum canonical_form {
    CANONICAL_ACCESS,     /* Authorization has Access=: the key of the HMAC is the secret itself */
    CANONICAL_CREDENTIAL, /* Authorization has Credential=: the key is derived from secret and scope
                           */
};

/* How the path's segments are read before they are percent-encoded. */
enum canonical_path {
    CANONICAL_DECODED, /* decoded once: what a URL means */
    CANONICAL_AS_SENT, /* as they are, so that '%' becomes "%25": what a client signs that holds an
                          encoded path */
};

struct canonical_field {
    struct view name, value; /* name in lower case; each once */
};

struct canonical_request {
    enum canonical_form form;
    enum canonical_path reading;
    struct view method, path, query;      /* path and query as sent; '+' in a query is a blank */
    const struct canonical_field *fields; /* all that are signed, sorted by name */
    size_t count;
    struct view payload;   /* 64 hex digits, of the body if there is one, or "UNSIGNED-PAYLOAD" */
    bool query_is_payload; /* CANONICAL_CREDENTIAL, of a POST without a body: the query is hashed
                              instead of payload and counts as empty */
};

/* False: a '%' in v doesn't begin an escape. Paths and queries must be looked at first. */
bool canonical_is_encoded(struct view v);
/* Whether a "%XX" is left in v once it is decoded. */
bool canonical_is_encoded_twice(struct view v);
/* Whether all readers make the same text of a path or query once it is decoded: UTF-8 without
 * control characters, and no broken escape. */
bool canonical_text_is_plain(struct view text);
/* Whether all readers make the same pairs of a query, so that they sign the same: plain text, no
 * name is empty, no pair has two '=', no '+' or ';', and nothing is encoded twice. */
bool canonical_query_is_plain(struct view query);
/* CANONICAL_CREDENTIAL covers the first value of a name only, and its order of names that differ in
 * case only is open. STATUS_INVALID: there is such a name; STATUS_NOMEM. */
MUST_CHECK enum status canonical_check_names(struct view query, struct arena *arena);

/* Appends the text. Memory for the query comes from the arena. Look at out->failed. */
void canonical_write(const struct canonical_request *request, struct arena *arena, struct buf *out);

enum { CANONICAL_SECRET_MAX = 256 /* bytes */ };

struct canonical_scope {
    struct view date, region, service; /* "20260102"; region and service may be empty */
};

/* The signature of that text, lower-case hex, no NUL. date: the value of X-Sdk-Date; scope: NULL
 * for CANONICAL_ACCESS. False: memory is out or a limit is passed. */
MUST_CHECK bool canonical_sign(const struct canonical_request *request, struct view date,
                               const struct canonical_scope *scope, struct view secret,
                               struct arena *arena, char ret[DIGEST_HEX_BYTES]);
