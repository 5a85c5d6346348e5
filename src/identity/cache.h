/* SPDX-License-Identifier: Apache-2.0
 * The inside of the token cache. Private to the room. */
#pragma once

#include "base/digest.h"
#include "identity/identity.h"
#include "identity/token.h"

/* The facts of that token, copied into the arena; false if they aren't there or the arena is full.
 */
MUST_CHECK bool cache_find(struct identity_cache *cache, const unsigned char digest[DIGEST_BYTES],
                           struct arena *arena, struct token_facts *ret);
/* Keeps a copy; does nothing when memory is out. */
void cache_add(struct identity_cache *cache, const unsigned char digest[DIGEST_BYTES],
               const struct token_facts *facts);
