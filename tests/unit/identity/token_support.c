/* SPDX-License-Identifier: Apache-2.0
 * Tokens for tests. */
#include "token_support.h"

#include "support/test.h"

#include <openssl/cms.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

static EVP_PKEY *key;
static X509 *certificate;

int token_signer_setup(void **state)
{
    (void)state;
    key = EVP_RSA_gen(2048);
    certificate = X509_new();
    if (key == NULL || certificate == NULL)
        return -1;
    (void)X509_set_version(certificate, 2);
    (void)ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    (void)X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    (void)X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    (void)X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                                     (const unsigned char *)"token signer", -1, -1, 0);
    (void)X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
    (void)X509_set_pubkey(certificate, key);
    return X509_sign(certificate, key, EVP_sha256()) > 0 ? 0 : -1;
}

int token_signer_teardown(void **state)
{
    (void)state;
    X509_free(certificate);
    EVP_PKEY_free(key);
    return 0;
}

struct view token_der(struct view json, const struct token_form *form, struct arena *arena)
{
    unsigned flags = CMS_BINARY | CMS_NOATTR | CMS_NOSMIMECAP | CMS_PARTIAL;
    BIO *in = BIO_new_mem_buf(json.ptr, (int)json.len);
    CMS_ContentInfo *cms;
    unsigned char *der = NULL;
    struct view copy;
    int len;

    flags |= form->detached ? CMS_DETACHED : 0U;
    flags |= form->certificates ? 0U : CMS_NOCERTS;
    cms = CMS_sign(NULL, NULL, NULL, NULL, flags);
    assert_non_null(cms);
    if (form->content_type != 0)
        (void)CMS_set1_eContentType(cms, OBJ_nid2obj(form->content_type));
    assert_non_null(CMS_add1_signer(cms, certificate, key, EVP_sha256(), flags));
    assert_int_equal(CMS_final(cms, in, NULL, flags), 1);
    len = i2d_CMS_ContentInfo(cms, &der);
    assert_true(len > 0);
    copy = arena_copy(arena, view_of((const char *)der, (size_t)len));
    OPENSSL_free(der);
    CMS_ContentInfo_free(cms);
    BIO_free(in);
    return copy;
}

struct view token_text(struct view der, struct arena *arena)
{
    char *text = arena_alloc(arena, der.len / 3 * 4 + 5);
    int len;

    assert_non_null(text);
    len = EVP_EncodeBlock((unsigned char *)text, (const unsigned char *)der.ptr, (int)der.len);
    for (int i = 0; i < len; i++) {
        if (text[i] == '/')
            text[i] = '-';
    }
    return view_of(text, (size_t)len);
}

struct view token_make(struct view json, struct arena *arena)
{
    return token_text(token_der(json, &(struct token_form){.detached = false}, arena), arena);
}
