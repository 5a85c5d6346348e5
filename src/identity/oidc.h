/* SPDX-License-Identifier: Apache-2.0
 * OpenID Connect: bearer tokens that are JSON Web Tokens (RFC 7519) in JWS compact form (RFC 7515),
 * signed RS256 or ES256 by a key of the provider (`identity.oidc`). For callers without a cloud
 * credential. */
#pragma once

#include "identity/identity.h"
#include "identity/jwks.h"

enum { OIDC_TOKEN_MAX = 16 * 1024, OIDC_GROUPS_MAX = 1000, OIDC_LEEWAY_S = 60 };

struct oidc_settings {
    struct view issuer; /* equal to `iss`, byte by byte; ptr NULL: off */
    struct view audience;
    struct view user_claim, groups_claim;
    const struct view *projects;
    size_t project_count;
    const char *jwks_file; /* one of the two */
    const char *jwks_url;
    const char *jwks_host; /* of the URL: without brackets or port */
    const char *jwks_path; /* with its query, from the slash on */
    uint16_t jwks_port;
};

/* Of what stands behind "Bearer": a JWT, and not an IAM token, which holds no dot. */
MUST_CHECK bool oidc_is_jwt(struct view token);

struct oidc_question {
    const struct jwks *keys; /* NULL: none were fetched yet */
    struct view token;
    struct view path_project; /* ptr NULL: the path names none */
    int64_t now_us;
};

/* True: user (the claim is both id
 * and name), project as asked for, groups if the token has the claim; domain and roles unknown;
 * credential "oidc", verified "signature"; expires_us. False: ret_why (identity.oidc_malformed,
 * .oidc_key, .oidc_signature, .oidc_claims, .oidc_expired, .project_mismatch, .unavailable), and of
 * ret the credential, verified "none". *ret_unknown_key: no key of the set has the token's kid, so
 * that it may be worth fetching a newer one. Any thread; texts live in the arena. */
MUST_CHECK bool identity_oidc(const struct oidc_settings *settings,
                              const struct oidc_question *question, struct arena *arena,
                              struct identified *ret, struct reason *ret_why,
                              bool *ret_unknown_key);
