/* SPDX-License-Identifier: Apache-2.0
 * JSON Web Tokens, as a provider makes them. */
#include "jwt_support.h"

#include "support/test.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

EVP_PKEY *jwt_key(unsigned bits)
{
    EVP_PKEY *key = bits == 0 ? EVP_EC_gen("P-256") : EVP_RSA_gen(bits);

    assert_non_null(key);
    return key;
}

struct view jwt_base64url(struct arena *arena, struct view bytes)
{
    char *out = arena_alloc(arena, bytes.len / 3 * 4 + 8);
    size_t len = (size_t)EVP_EncodeBlock((unsigned char *)out, (const unsigned char *)bytes.ptr,
                                         (int)bytes.len);

    for (size_t i = 0; i < len; i++)
        out[i] = (char)(out[i] == '+' ? '-' : out[i] == '/' ? '_' : out[i]);
    while (len > 0 && out[len - 1] == '=')
        len--;
    return view_of(out, len);
}

/* ECDSA's DER to the two numbers side by side. */
static size_t to_pair(unsigned char *signature, size_t len)
{
    const unsigned char *at = signature;
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &at, (long)len);

    assert_non_null(pair);
    assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(pair), signature, 32), 32);
    assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(pair), signature + 32, 32), 32);
    ECDSA_SIG_free(pair);
    return 64;
}

static struct view signing_input(struct arena *arena, const char *header, const char *claims)
{
    struct view first = jwt_base64url(arena, view_str(header));
    struct view second = jwt_base64url(arena, view_str(claims));

    return arena_printf(arena, "%.*s.%.*s", VIEW_ARGS(first), VIEW_ARGS(second));
}

static struct view join(struct arena *arena, struct view input, const unsigned char *signature,
                        size_t len)
{
    struct view third = jwt_base64url(arena, view_of((const char *)signature, len));

    return arena_printf(arena, "%.*s.%.*s", VIEW_ARGS(input), VIEW_ARGS(third));
}

struct view jwt_make(struct arena *arena, const char *header, const char *claims, EVP_PKEY *key)
{
    struct view input = signing_input(arena, header, claims);
    unsigned char signature[1024];
    size_t len = sizeof signature;
    EVP_MD_CTX *context = EVP_MD_CTX_new();

    assert_int_equal(EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key), 1);
    assert_int_equal(
        EVP_DigestSign(context, signature, &len, (const unsigned char *)input.ptr, input.len), 1);
    EVP_MD_CTX_free(context);
    if (EVP_PKEY_is_a(key, "EC"))
        len = to_pair(signature, len);
    return join(arena, input, signature, len);
}

struct view jwt_make_hmac(struct arena *arena, const char *header, const char *claims,
                          struct view secret)
{
    struct view input = signing_input(arena, header, claims);
    unsigned char signature[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    assert_non_null(HMAC(EVP_sha256(), secret.ptr, (int)secret.len,
                         (const unsigned char *)input.ptr, input.len, signature, &len));
    return join(arena, input, signature, len);
}

static struct view number(struct arena *arena, EVP_PKEY *key, const char *name, int pad)
{
    unsigned char bytes[1024];
    BIGNUM *n = NULL;
    int len;

    assert_int_equal(EVP_PKEY_get_bn_param(key, name, &n), 1);
    len = pad > 0 ? BN_bn2binpad(n, bytes, pad) : BN_bn2bin(n, bytes);
    BN_free(n);
    return jwt_base64url(arena, view_of((const char *)bytes, (size_t)len));
}

struct view jwt_jwk(struct arena *arena, EVP_PKEY *key, const char *more)
{
    struct view a, b;

    if (EVP_PKEY_is_a(key, "EC")) {
        a = number(arena, key, OSSL_PKEY_PARAM_EC_PUB_X, 32);
        b = number(arena, key, OSSL_PKEY_PARAM_EC_PUB_Y, 32);
        return arena_printf(arena,
                            "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"%.*s\",\"y\":\"%.*s\"%s}",
                            VIEW_ARGS(a), VIEW_ARGS(b), more);
    }
    a = number(arena, key, OSSL_PKEY_PARAM_RSA_N, 0);
    b = number(arena, key, OSSL_PKEY_PARAM_RSA_E, 0);
    return arena_printf(arena, "{\"kty\":\"RSA\",\"n\":\"%.*s\",\"e\":\"%.*s\"%s}", VIEW_ARGS(a),
                        VIEW_ARGS(b), more);
}

struct view jwt_pem(struct arena *arena, EVP_PKEY *key)
{
    BIO *out = BIO_new(BIO_s_mem());
    char *text;
    struct view copy;
    long len;

    assert_int_equal(PEM_write_bio_PUBKEY(out, key), 1);
    len = BIO_get_mem_data(out, &text);
    copy = arena_copy(arena, view_of(text, (size_t)len));
    BIO_free(out);
    return copy;
}
