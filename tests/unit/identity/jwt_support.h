/* SPDX-License-Identifier: Apache-2.0
 * JSON Web Tokens and their keys, made by OpenSSL alone. */
#pragma once

#include <openssl/evp.h>

#include "base/arena.h"

/* NULL fails the test. Bits of an RSA key; 0: P-256. */
EVP_PKEY *jwt_key(unsigned bits);
struct view jwt_base64url(struct arena *arena, struct view bytes);
/* Signed as the key does it: RS256 or ES256, whatever the header says. */
struct view jwt_make(struct arena *arena, const char *header, const char *claims, EVP_PKEY *key);
/* With HMAC-SHA256. */
struct view jwt_make_hmac(struct arena *arena, const char *header, const char *claims,
                          struct view secret);
/* A member of a set: the public key, and more members ("" or begun with a comma). */
struct view jwt_jwk(struct arena *arena, EVP_PKEY *key, const char *more);
/* The public key as PEM. */
struct view jwt_pem(struct arena *arena, EVP_PKEY *key);
