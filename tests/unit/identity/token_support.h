/* SPDX-License-Identifier: Apache-2.0
 * Tokens in the form of IAM's, made in the test with a key of its own. */
#pragma once

#include "base/arena.h"
#include "base/view.h"

/* For cmocka's group set-up and tear-down: the key and its certificate. */
int token_signer_setup(void **state);
int token_signer_teardown(void **state);

/* What the form of a token can be. */
struct token_form {
    bool detached;     /* without the content */
    bool certificates; /* with the signer's certificate */
    int content_type;  /* a NID; 0: plain data */
};

/* The DER of a CMS SignedData with json in it. */
struct view token_der(struct view json, const struct token_form *form, struct arena *arena);
/* DER as a token: Base64 with '-' for '/'. */
struct view token_text(struct view der, struct arena *arena);
/* Both in one, in the usual form. */
struct view token_make(struct view json, struct arena *arena);
