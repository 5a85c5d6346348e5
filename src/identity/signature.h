/* SPDX-License-Identifier: Apache-2.0
 * AK/SK signatures of requests (SDK-HMAC-SHA256, with `Access=` and with `Credential=`): what
 * Authorization says, and whether it is true. Pure. No message holds a signature, a secret or what
 * was signed. Private to the room.
 *
 * Stricter than the clients need: the grammar is exactly theirs, each signed field stands exactly
 * once, X-Sdk-Date is signed, and whatever a signature leaves open is refused (see
 * signature_check). */
#pragma once

#include <stdint.h>

#include "http1/head.h"
#include "identity/canonical.h"

enum {
    SIGNATURE_HEADERS_MAX = 32,
    SIGNATURE_NAME_MAX = 64,   /* bytes of a signed field's name, of region and of service */
    SIGNATURE_ACCESS_MAX = 128 /* bytes of an access key's id: letters, digits, "-_." */
};
/* X-Sdk-Date may be so far from our clock, in both directions, both ends included. */
#define SIGNATURE_WINDOW_US ((int64_t)15 * 60 * 1000000)

/* What the request's fields say; all borrows from the head, the arrays from the arena. */
struct signature {
    enum canonical_form form;
    struct view access_key;
    struct canonical_scope scope;         /* CANONICAL_CREDENTIAL */
    const struct canonical_field *fields; /* that are signed, sorted */
    size_t count;
    struct view hex;  /* 64 lower-case digits */
    struct view date; /* X-Sdk-Date */
    int64_t date_us;
    struct view declared;       /* X-Sdk-Content-Sha256; ptr NULL: it isn't there */
    struct view security_token; /* X-Security-Token, signed or not; ptr NULL: it isn't there */
};

/* False with ret_why: Authorization doesn't stand exactly once, is of another algorithm, has
 * another shape than both forms have; a signed field is missing or repeated; X-Sdk-Date is missing,
 * not signed, no date, or not of the scope's day. */
MUST_CHECK bool signature_read(const struct http1_request *request, struct arena *arena,
                               struct signature *ret, struct reason *ret_why);

/* What a signature is checked against. */
struct signed_facts {
    const struct http1_request *request;
    struct view body; /* the whole one */
    bool unread;      /* it wasn't read; only UNSIGNED-PAYLOAD allows that, where judged is false */
    struct view secret;
    bool judged;
    int64_t now_us; /* since the epoch */
};

/* Whether the holder of the secret signed this request, now.
 *
 * Two readings of a path are tried, decoded once and as sent; no signature holds for paths of both:
 * one that was decoded passes only without a "%XX" left in it, the other one only with it.
 * Refused because the signature would cover less than is sent: a query key that stands twice
 * (CANONICAL_CREDENTIAL covers its first value), and a POST whose body could have been signed as a
 * query (CANONICAL_CREDENTIAL). */
MUST_CHECK bool signature_check(const struct signature *signature, const struct signed_facts *facts,
                                struct arena *arena, struct reason *ret_why);
