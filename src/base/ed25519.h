/* SPDX-License-Identifier: Apache-2.0
 * Ed25519 (RFC 8032): keys in PEM files as `openssl genpkey -algorithm ed25519` writes them,
 * signatures, and the id that names a key. */
#pragma once

#include "base/digest.h"
#include "base/error.h"

enum { ED25519_KEY_BYTES = 32, ED25519_SIGNATURE_BYTES = 64 };

struct ed25519_public {
    unsigned char bytes[ED25519_KEY_BYTES];
    /* SHA-256 of its DER SubjectPublicKeyInfo in hex, NUL-terminated. */
    char id[DIGEST_HEX_BYTES + 1];
};

/* A plain value: whoever copies it wipes every copy. */
struct ed25519_private {
    unsigned char seed[ED25519_KEY_BYTES];
    struct ed25519_public public;
};

/* An unencrypted PEM private key of one's own (base/secret_file.h says who else may read it:
 * nobody). STATUS_IO: the file can't be read; STATUS_INVALID: others may, or it is another kind of
 * key; STATUS_SYNTAX: no such PEM text; STATUS_LIMIT: too large; STATUS_NOMEM. err names the path.
 */
MUST_CHECK enum status ed25519_load_private(const char *path, struct ed25519_private *ret,
                                            struct err *err);
/* A PEM public key ("BEGIN PUBLIC KEY"), the only one in its file; anybody may read it. Failures as
 * above; STATUS_INVALID: there is more than one. */
MUST_CHECK enum status ed25519_load_public(const char *path, struct ed25519_public *ret,
                                           struct err *err);
/* The same of the text of a file; path is for messages only. */
MUST_CHECK enum status ed25519_read_public(const char *path, struct view pem,
                                           struct ed25519_public *ret, struct err *err);
/* Of the raw key as RFC 8032 has it; cannot fail. */
void ed25519_set_public(const unsigned char bytes[ED25519_KEY_BYTES], struct ed25519_public *ret);
/* STATUS_NOMEM. */
MUST_CHECK enum status ed25519_set_private(const unsigned char seed[ED25519_KEY_BYTES],
                                           struct ed25519_private *ret);
void ed25519_wipe(struct ed25519_private *key);

/* Signs the text as it is. STATUS_NOMEM. */
MUST_CHECK enum status ed25519_sign(const struct ed25519_private *key, struct view text,
                                    unsigned char out[ED25519_SIGNATURE_BYTES]);
/* False: the signature isn't that key's over that text, or memory is out. */
MUST_CHECK bool ed25519_verify(const struct ed25519_public *key, struct view text,
                               const unsigned char signature[ED25519_SIGNATURE_BYTES]);
