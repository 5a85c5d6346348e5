/* SPDX-License-Identifier: Apache-2.0
 * The keys in a set. Private to the room. */
#pragma once

#include <cjose/jwk.h>

#include "identity/jwks.h"

enum jwk_kind { JWK_RSA, JWK_P256 };

struct jwk {
    enum jwk_kind kind;
    struct view kid;  /* ptr NULL: it has none */
    cjose_jwk_t *key; /* its public part alone */
    size_t signature_bytes;
};

/* The key of that kind with that kid; kid.ptr NULL: the only one of the kind, whether or not it has
 * a kid. NULL: there is none, or *ret_many. */
const struct jwk *jwks_find(const struct jwks *jwks, enum jwk_kind kind, struct view kid,
                            bool *ret_many);
