/* SPDX-License-Identifier: Apache-2.0
 * JSON Web Key Sets (RFC 7517): the keys of an OpenID provider. A set never changes; a new document
 * makes another one. */
#pragma once

#include "base/error.h"
#include "base/view.h"

enum {
    JWKS_BYTES_MAX = 256 * 1024,
    JWKS_KEYS_MAX = 64,
    JWKS_KID_MAX = 256,
    JWKS_RSA_BITS_MIN = 2048,
    JWKS_RSA_BITS_MAX = 8192,
};

struct jwks;

/* Keys that this gateway can't use are left out: for encryption, of another kind than RSA (2048
 * bits or more) and EC P-256, or for another algorithm than RS256 and ES256. STATUS_SYNTAX: no
 * strict JSON, no such document, a key that is broken; STATUS_INVALID: none is left, or two of a
 * kind have the same kid; STATUS_LIMIT; STATUS_NOMEM. err is of our own words. The set has one
 * reference. */
MUST_CHECK enum status jwks_read(struct view json, struct jwks **ret, struct err *err);
/* The same from a file; STATUS_IO, and err names the file. */
MUST_CHECK enum status jwks_load(const char *path, struct jwks **ret, struct err *err);
struct jwks *jwks_ref(struct jwks *jwks); /* thread-safe */
void jwks_unref(struct jwks **jwks);      /* thread-safe, NULL-safe */
size_t jwks_count(const struct jwks *jwks);
