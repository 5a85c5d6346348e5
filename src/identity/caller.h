/* SPDX-License-Identifier: Apache-2.0
 * Exactly one caller: which of all ways to say who one is a request takes, and what follows from
 * it. Two ways at once are refused on judged calls: which one the cloud would believe is not
 * documented. */
#pragma once

#include "identity/certificate.h"
#include "identity/cms.h"
#include "identity/oidc.h"

enum signature_mode { SIGNATURES_REFUSE, SIGNATURES_RELAY, SIGNATURES_VERIFY };

/* How callers are identified here. All is borrowed for the call. */
struct identity_means {
    enum token_verify verify;
    enum signature_mode signatures;
    struct identity_cache *decoded; /* the worker's own */
    const struct cms_keys *pinned;  /* VERIFY_CERTIFICATE */
    struct shared_cache *verified;
    int64_t cache_us;
    const struct certificate_rules *certificates;
    const struct forwarded_settings *forwarded;
    const struct oidc_settings *oidc; /* issuer ptr NULL: off */
    const struct jwks *jwks;
};

struct identity_request {
    struct credentials credentials;
    const struct http1_request *head;
    const struct peer *peer; /* NULL: nobody with a verified certificate */
    struct view project;     /* the path's; ptr NULL: it names none */
    bool judged;
    bool recorded; /* of an unjudged call: it leaves a line, so that a token is looked into */
    int64_t now_us;
};

enum identity_flow {
    IDENTITY_KNOWN,
    IDENTITY_REFUSED, /* ret_why */
    IDENTITY_ASKS,    /* IAM is to be asked about ret_question; then identity_of_token */
    IDENTITY_SIGNED,  /* a signature: identity_signed decides when the body is there */
};

struct identity_found {
    struct identified who; /* of a refusal the credential only */
    struct reason why;
    struct token_question question;
    unsigned char digest[DIGEST_BYTES]; /* question points here */
    bool wants_keys; /* a JWT names a key that isn't known: a newer set may have it */
};

/* Fills what its answer names. Judged calls: one identity, and the path's project. Others: a token
 * and a signature together count as the token alone; a token is only looked into, since the cloud
 * verifies it; whoever has no credential of the cloud is verified as on judged ones. Texts live in
 * the arena, borrow from request and means, or are constant. */
MUST_CHECK enum identity_flow identity_find(const struct identity_means *means,
                                            const struct identity_request *request,
                                            struct arena *arena, struct identity_found *ret);
/* A token that IAM or its certificate vouched for: not expired, and of the path's project. Adds to
 * who, which has the credential. */
MUST_CHECK bool identity_of_token(const struct token_facts *facts, const char *verified,
                                  struct view project, int64_t now_us, struct arena *arena,
                                  struct identified *who, struct reason *ret_why);
