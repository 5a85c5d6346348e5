/* SPDX-License-Identifier: Apache-2.0
 * The IAM beside the service: tokens are issued and validated. Its time is the real one, because
 * those who read tokens go by that. */
#pragma once

#include <stdbool.h>

#include <jansson.h>
#include <openssl/x509.h>

struct sim;
struct exchange;
struct answer;

struct iam {
    EVP_PKEY *key; /* signs what is issued; NULL: nothing is */
    X509 *certificate;
    json_t *counts;  /* validations by the token's SHA-256 */
    json_t *revoked; /* SHA-256 of tokens: true */
    unsigned long validations, issued;
    int status;     /* of all validations; 0: as it is */
    int get_status; /* of GET, which isn't there; 0: it is */
    int expires_s;  /* of what is issued, from now */
    unsigned roles; /* of what is issued, beside te_admin */
    bool verify;    /* only what this key signed is good */
    bool down;      /* connections are reset */
};

/* False, and a line on stderr: the files can't be used. NULL: no key. */
bool iam_init(struct iam *iam, const char *certificate, const char *key);
void iam_done(struct iam *iam);
/* Fills exchange->answer. */
void iam_serve(struct exchange *exchange);
/* The control API: the state, and changes to it. */
void iam_control_get(struct sim *sim, json_t *body, struct answer *answer);
void iam_control_set(struct sim *sim, json_t *body, struct answer *answer);
void iam_control_forget(struct sim *sim, json_t *body, struct answer *answer);
