/* SPDX-License-Identifier: Apache-2.0
 * Verification by pinned certificates. The signer's name in the token is not looked at: each pinned
 * key is tried, so that a certificate which IAM issued anew for the same key is as good. */
#include "identity/cms.h"

#include <stdlib.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "identity/envelope.h"
#include "identity/identity.h"

enum { RSA_BITS_MIN = 2048, EC_BITS_MIN = 256 };

struct pinned {
    X509 *certificate;
    int64_t from_us, to_us;
};

struct cms_keys {
    size_t count;
    struct pinned pinned[CMS_CERTIFICATES_MAX];
};

/* SHA-256 or better, and what may stand beside them as the algorithm of a signature. */
static const int digests[] = {NID_sha256,   NID_sha384,   NID_sha512,
                              NID_sha3_256, NID_sha3_384, NID_sha3_512};
static const int signatures[] = {NID_rsaEncryption,           NID_rsassaPss,
                                 NID_sha256WithRSAEncryption, NID_sha384WithRSAEncryption,
                                 NID_sha512WithRSAEncryption, NID_ecdsa_with_SHA256,
                                 NID_ecdsa_with_SHA384,       NID_ecdsa_with_SHA512};

static bool is_among(const int *list, size_t count, const X509_ALGOR *algorithm)
{
    const ASN1_OBJECT *object;
    int nid;

    X509_ALGOR_get0(&object, NULL, NULL, algorithm);
    nid = OBJ_obj2nid(object);
    for (size_t i = 0; i < count; i++) {
        if (list[i] == nid)
            return true;
    }
    return false;
}

/* ---- the file ---- */

static bool is_strong(X509 *certificate)
{
    EVP_PKEY *key = X509_get0_pubkey(certificate);

    if (key == NULL)
        return false;
    switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
    case EVP_PKEY_RSA_PSS:
        return EVP_PKEY_get_bits(key) >= RSA_BITS_MIN;
    case EVP_PKEY_EC:
        return EVP_PKEY_get_bits(key) >= EC_BITS_MIN;
    default:
        return false;
    }
}

static bool read_time(const ASN1_TIME *time, int64_t *ret_us)
{
    struct tm tm = {0};

    if (ASN1_TIME_to_tm(time, &tm) != 1)
        return false;
    *ret_us = (int64_t)timegm(&tm) * 1000000;
    return true;
}

/* Takes the certificate over. */
static enum status pin(struct cms_keys *keys, X509 *certificate, const char *file, struct err *err)
{
    struct pinned *const pinned = &keys->pinned[keys->count];
    const size_t number = keys->count + 1;

    if (keys->count == CMS_CERTIFICATES_MAX) {
        X509_free(certificate);
        return err_set(err, STATUS_INVALID, "%s: more than %d certificates", file,
                       CMS_CERTIFICATES_MAX);
    }
    pinned->certificate = certificate;
    keys->count++;
    if (!is_strong(certificate))
        return err_set(err, STATUS_INVALID,
                       "%s: certificate %zu: its key is not RSA of 2048 bits or more, nor EC of "
                       "256 bits or more",
                       file, number);
    if (!read_time(X509_get0_notBefore(certificate), &pinned->from_us) ||
        !read_time(X509_get0_notAfter(certificate), &pinned->to_us))
        return err_set(err, STATUS_INVALID, "%s: certificate %zu: its dates can't be read", file,
                       number);
    return STATUS_OK;
}

static enum status read_all(struct cms_keys *keys, BIO *in, const char *file, struct err *err)
{
    X509 *certificate;
    enum status status = STATUS_OK;

    while (status == STATUS_OK && (certificate = PEM_read_bio_X509(in, NULL, NULL, NULL)) != NULL)
        status = pin(keys, certificate, file, err);
    if (status != STATUS_OK)
        return status;
    if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
        return err_set(err, STATUS_INVALID, "%s: certificate %zu can't be read", file,
                       keys->count + 1);
    if (keys->count == 0)
        return err_set(err, STATUS_INVALID, "%s: there is no certificate in it (PEM is expected)",
                       file);
    return STATUS_OK;
}

enum status cms_keys_open(const char *file, struct cms_keys **ret, struct err *err)
{
    struct cms_keys *keys = calloc(1, sizeof *keys);
    enum status status;
    BIO *in;

    if (keys == NULL)
        return err_set(err, STATUS_NOMEM, "%s: out of memory", file);
    (void)ERR_set_mark();
    in = BIO_new_file(file, "re");
    if (in == NULL)
        status = err_set(err, STATUS_IO, "%s: the file can't be read", file);
    else
        status = read_all(keys, in, file, err);
    BIO_free(in);
    (void)ERR_pop_to_mark();
    if (status == STATUS_OK)
        *ret = keys;
    else
        cms_keys_free(&keys);
    return status;
}

void cms_keys_free(struct cms_keys **keys)
{
    if (*keys == NULL)
        return;
    for (size_t i = 0; i < (*keys)->count; i++)
        X509_free((*keys)->pinned[i].certificate);
    free(*keys);
    *keys = NULL;
}

int64_t cms_keys_end_us(const struct cms_keys *keys)
{
    int64_t end_us = keys->pinned[0].to_us;

    for (size_t i = 1; i < keys->count; i++) {
        if (keys->pinned[i].to_us > end_us)
            end_us = keys->pinned[i].to_us;
    }
    return end_us;
}

/* ---- a token ---- */

/* The one signer, NULL if there are none or several. */
static CMS_SignerInfo *signer_of(CMS_ContentInfo *cms)
{
    STACK_OF(CMS_SignerInfo) *const signers = CMS_get0_SignerInfos(cms);

    return sk_CMS_SignerInfo_num(signers) == 1 ? sk_CMS_SignerInfo_value(signers, 0) : NULL;
}

static bool is_signed_well(CMS_SignerInfo *signer)
{
    X509_ALGOR *digest, *signature;

    CMS_SignerInfo_get0_algs(signer, NULL, NULL, &digest, &signature);
    return is_among(digests, ARRAY_LEN(digests), digest) &&
           is_among(signatures, ARRAY_LEN(signatures), signature);
}

/* Verifies content and signed attributes with this certificate's key; which certificates stand in
 * the token, and whom the pinned one was issued by, doesn't matter. */
static bool is_by(CMS_ContentInfo *cms, CMS_SignerInfo *signer, X509 *certificate)
{
    CMS_SignerInfo_set1_signer_cert(signer, certificate);
    return CMS_verify(cms, NULL, NULL, NULL, NULL,
                      CMS_NO_SIGNER_CERT_VERIFY | CMS_NOINTERN | CMS_NOCRL | CMS_BINARY) == 1;
}

static enum cms_verdict verify(const struct cms_keys *keys, CMS_ContentInfo *cms, int64_t now_us,
                               int64_t *ret_until_us)
{
    CMS_SignerInfo *const signer = signer_of(cms);
    enum cms_verdict verdict = CMS_FORGED;

    if (signer == NULL)
        return CMS_MALFORMED;
    if (!is_signed_well(signer))
        return CMS_WEAK;
    for (size_t i = 0; i < keys->count; i++) {
        const struct pinned *const pinned = &keys->pinned[i];

        if (!is_by(cms, signer, pinned->certificate))
            continue;
        if (now_us >= pinned->from_us && now_us < pinned->to_us) {
            *ret_until_us = pinned->to_us;
            return CMS_GOOD;
        }
        verdict = CMS_OUTDATED;
    }
    return verdict;
}

static enum cms_verdict verdict_of(enum status status)
{
    if (status == STATUS_OK)
        return CMS_GOOD;
    return status == STATUS_NOMEM ? CMS_NO_MEMORY : CMS_MALFORMED;
}

/* What is read is what was verified: both come from one parse. */
static enum cms_verdict read_signed(const struct cms_keys *keys, struct view token, int64_t now_us,
                                    struct arena *arena, struct view *ret_json,
                                    int64_t *ret_until_us)
{
    CMS_ContentInfo *cms = NULL;
    enum cms_verdict verdict = verdict_of(envelope_open(token, arena, &cms));

    if (verdict == CMS_GOOD)
        verdict = verify(keys, cms, now_us, ret_until_us);
    if (verdict == CMS_GOOD)
        verdict = verdict_of(envelope_copy(cms, arena, ret_json));
    CMS_ContentInfo_free(cms);
    return verdict;
}

enum cms_verdict cms_read(const struct cms_keys *keys, struct view token, int64_t now_us,
                          struct arena *arena, struct token_facts *ret, int64_t *ret_until_us)
{
    struct view json;
    enum cms_verdict verdict;

    /* What OpenSSL says about a bad token must not be found by TLS code of this thread later. */
    (void)ERR_set_mark();
    verdict = read_signed(keys, token, now_us, arena, &json, ret_until_us);
    (void)ERR_pop_to_mark();
    return verdict == CMS_GOOD ? verdict_of(token_read_json(json, arena, ret)) : verdict;
}

const struct reason_row *cms_verdict_row(enum cms_verdict verdict)
{
    switch (verdict) {
    case CMS_GOOD:
        break;
    case CMS_MALFORMED:
        return &identity_reasons[IDENTITY_TOKEN_MALFORMED];
    case CMS_WEAK:
    case CMS_FORGED:
    case CMS_OUTDATED:
        return &identity_reasons[IDENTITY_TOKEN_REFUSED];
    case CMS_NO_MEMORY:
        return &identity_reasons[IDENTITY_UNAVAILABLE];
    }
    return NULL;
}

const char *cms_verdict_text(enum cms_verdict verdict)
{
    switch (verdict) {
    case CMS_GOOD:
        break;
    case CMS_MALFORMED:
        return "the token cannot be read; send an unchanged IAM token of a project";
    case CMS_WEAK:
        return "the token's signature is of a kind that is not accepted; SHA-256 or better is";
    case CMS_FORGED:
        return "the token was not signed by the IAM that this gateway trusts";
    case CMS_OUTDATED:
        return "the token was signed with a certificate that is not valid now";
    case CMS_NO_MEMORY:
        return "there is no memory to read the token now";
    }
    return NULL;
}

enum cms_verdict cms_read_cached(const struct cms_keys *keys, struct shared_cache *cache,
                                 int64_t cache_us, const struct token_question *question,
                                 struct arena *arena, struct token_facts *ret)
{
    const int64_t now_us = question->now_us;
    int64_t until_us;
    enum cms_verdict verdict;

    if (shared_cache_find(cache, question->digest, now_us, arena, ret))
        return CMS_GOOD;
    verdict = cms_read(keys, question->token, now_us, arena, ret, &until_us);
    if (verdict != CMS_GOOD)
        return verdict;
    if (until_us > ret->expires_us)
        until_us = ret->expires_us;
    if (until_us > now_us + cache_us)
        until_us = now_us + cache_us;
    shared_cache_add(cache, question->digest, ret, now_us, until_us);
    return CMS_GOOD;
}
