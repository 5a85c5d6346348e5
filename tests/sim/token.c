/* SPDX-License-Identifier: Apache-2.0
 * Tokens by OpenSSL's calls. */
#include "token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/evp.h>

enum { DIGEST_SIZE = 32 };

static void swap(char *text, char from, char to)
{
    for (; *text != '\0'; text++)
        if (*text == from)
            *text = to;
}

static char *base64_of(CMS_ContentInfo *cms)
{
    unsigned char *der = NULL;
    int size = i2d_CMS_ContentInfo(cms, &der);
    char *text = size <= 0 ? NULL : malloc((size_t)size / 3 * 4 + 8);
    if (text != NULL) {
        EVP_EncodeBlock((unsigned char *)text, der, size);
        swap(text, '/', '-');
    }
    OPENSSL_free(der);
    return text;
}

char *token_sign(json_t *document, X509 *certificate, EVP_PKEY *key)
{
    const unsigned flags = CMS_BINARY | CMS_NOATTR | CMS_NOSMIMECAP | CMS_NOCERTS | CMS_PARTIAL;
    char *json = json_dumps(document, JSON_COMPACT), *token = NULL;
    BIO *in = json == NULL ? NULL : BIO_new_mem_buf(json, -1);
    CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, NULL, flags);
    if (in != NULL && cms != NULL &&
        CMS_add1_signer(cms, certificate, key, EVP_sha256(), flags) != NULL &&
        CMS_final(cms, in, NULL, flags) == 1)
        token = base64_of(cms);
    CMS_ContentInfo_free(cms);
    BIO_free(in);
    free(json);
    ERR_clear_error();
    return token;
}

static CMS_ContentInfo *parse(const char *token)
{
    size_t length = strlen(token);
    char *text = strdup(token);
    unsigned char *der = malloc(length + 1);
    const unsigned char *at = der;
    CMS_ContentInfo *cms = NULL;
    int size = -1;
    if (text != NULL && der != NULL) {
        swap(text, '-', '/');
        size = EVP_DecodeBlock(der, (const unsigned char *)text, (int)length);
    }
    if (size > 0)
        cms = d2i_CMS_ContentInfo(NULL, &at, size);
    free(text);
    free(der);
    return cms;
}

static bool is_signed_by(CMS_ContentInfo *cms, X509 *certificate)
{
    STACK_OF(X509) *certificates = sk_X509_new_null();
    bool well = certificates != NULL && sk_X509_push(certificates, certificate) > 0 &&
                CMS_verify(cms, certificates, NULL, NULL, NULL,
                           CMS_NOINTERN | CMS_NO_SIGNER_CERT_VERIFY | CMS_BINARY) == 1;
    sk_X509_free(certificates);
    return well;
}

json_t *token_open(const char *token, X509 *certificate)
{
    CMS_ContentInfo *cms = parse(token);
    ASN1_OCTET_STRING **content = NULL;
    json_t *document = NULL;
    if (cms != NULL && (certificate == NULL || is_signed_by(cms, certificate)))
        content = CMS_get0_content(cms);
    if (content != NULL && *content != NULL)
        document = json_loadb((const char *)ASN1_STRING_get0_data(*content),
                              (size_t)ASN1_STRING_length(*content), JSON_REJECT_DUPLICATES, NULL);
    CMS_ContentInfo_free(cms);
    ERR_clear_error();
    return document;
}

void token_digest(const char *token, char hex[65])
{
    unsigned char digest[DIGEST_SIZE];
    EVP_Digest(token, strlen(token), digest, NULL, EVP_sha256(), NULL);
    for (size_t i = 0; i < DIGEST_SIZE; i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", digest[i]);
}
