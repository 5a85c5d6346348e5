/* SPDX-License-Identifier: Apache-2.0
 * JSON Web Tokens as JWS in compact form (RFC 7515 7.1), and whether one of the keys signed them.
 * Private to the room, and for its tests. */
#pragma once

#include "identity/jwks.h"
#include "json/doc.h"

enum jwt_verdict {
    JWT_GOOD,
    JWT_MALFORMED,   /* not three parts of strict Base64url, the first two of them JSON objects
                        without duplicates */
    JWT_ALGORITHM,   /* alg is neither RS256 nor ES256, or typ or crit say that it is something else
                      */
    JWT_UNKNOWN_KEY, /* no key of alg's kind has the kid, or without a kid there is none */
    JWT_MANY_KEYS,   /* it has no kid, and several keys are of the kind */
    JWT_FORGED,      /* the key didn't make this signature */
    JWT_NO_MEMORY,
};

/* JWT_GOOD: *ret are the claims, in the arena; what they say is the caller's to judge. Any thread.
 */
MUST_CHECK enum jwt_verdict jwt_read(struct view token, size_t bytes_max, const struct jwks *keys,
                                     struct arena *arena, struct jdoc *ret);
