/* SPDX-License-Identifier: Apache-2.0
 * IAM's tokens: CMS SignedData, Base64 with '-' for '/'. */
#pragma once

#include <stdbool.h>

#include <jansson.h>
#include <openssl/x509.h>

/* A token with this document in it; the caller frees it. NULL: it can't be made. */
char *token_sign(json_t *document, X509 *certificate, EVP_PKEY *key);
/* The document in a token, NULL if it is none. certificate: its key must have signed it; or NULL.
 */
json_t *token_open(const char *token, X509 *certificate);
/* Its SHA-256 in hex. */
void token_digest(const char *token, char hex[65]);
