/* SPDX-License-Identifier: Apache-2.0
 * Tokens verified by their own signature (RFC 5652 5.6), against certificates of IAM that the
 * settings pin. Nothing in the token is believed: no certificate, no name of an issuer; the
 * signature must be by one of these keys. IAM isn't asked, so that a revoked token stays good until
 * it expires. */
#pragma once

#include "base/reason.h"
#include "identity/shared_cache.h"

enum { CMS_CERTIFICATES_MAX = 8 };

struct cms_keys;

/* A PEM file of 1 to CMS_CERTIFICATES_MAX certificates, several so that IAM can change its key.
 * RSA of 2048 bits or more, or EC of 256 bits or more. STATUS_IO, STATUS_INVALID: err says which
 * file and what is wrong. */
MUST_CHECK enum status cms_keys_open(const char *file, struct cms_keys **ret, struct err *err);
void cms_keys_free(struct cms_keys **keys);
/* When the last of the certificates expires, us since the epoch: for warnings and metrics. */
int64_t cms_keys_end_us(const struct cms_keys *keys);

enum cms_verdict {
    CMS_GOOD,
    CMS_MALFORMED, /* not a token: CMS SignedData with its content embedded and one signer */
    CMS_WEAK,      /* a digest below SHA-256 */
    CMS_FORGED,    /* no pinned key made this signature */
    CMS_OUTDATED,  /* a pinned key did, but now is outside its certificate's dates */
    CMS_NO_MEMORY,
};
/* CMS_GOOD: *ret, and *ret_until_us, when the certificate that verified it expires. Whether the
 * token has expired is the caller's to judge. Texts live in the arena. Any thread. */
MUST_CHECK enum cms_verdict cms_read(const struct cms_keys *keys, struct view token, int64_t now_us,
                                     struct arena *arena, struct token_facts *ret,
                                     int64_t *ret_until_us);
/* The reason of a refusal: identity.token_malformed, .token_refused or .unavailable; NULL for
 * CMS_GOOD. */
const struct reason_row *cms_verdict_row(enum cms_verdict verdict);
/* A sentence for the caller; NULL for CMS_GOOD. */
const char *cms_verdict_text(enum cms_verdict verdict);

/* A token whose SHA-256 is known already. */
struct token_question {
    struct view token;
    const unsigned char *digest; /* DIGEST_BYTES of the whole token */
    int64_t now_us;              /* since the epoch */
};
/* The same by way of a cache, in which a good token stays for cache_us, not beyond its expiry and
 * that of the certificate. */
MUST_CHECK enum cms_verdict cms_read_cached(const struct cms_keys *keys, struct shared_cache *cache,
                                            int64_t cache_us, const struct token_question *question,
                                            struct arena *arena, struct token_facts *ret);
