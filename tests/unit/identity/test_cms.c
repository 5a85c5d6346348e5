/* SPDX-License-Identifier: Apache-2.0
 * Tokens verified by a pinned certificate. Keys and certificates are made anew. */
#include "support/test.h"

#include <stdlib.h>
#include <unistd.h>

#include <openssl/cms.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "base/clock.h"
#include "base/require.h"
#include "identity/cms.h"

#include "token_support.h"

#define JSON(name)                                                                        \
    "{\"token\":{\"expires_at\":\"2999-01-03T03:04:05.000000Z\",\"user\":{\"id\":\"u1\"," \
    "\"name\":\"" name "\"}}}"

enum { DAY_S = 86400 };
#define DAY_US ((int64_t)DAY_S * 1000000)

struct signer {
    EVP_PKEY *key;
    X509 *certificate;
};

static struct signer good, other, small, ec, again, later;
static struct arena arena;
static char path[] = "/tmp/postern-cms-XXXXXX";

/* Of this key, good from `from_s` to a day later. */
static struct signer sign_up(EVP_PKEY *key, long serial, long from_s)
{
    X509 *const c = X509_new();

    REQUIRE(key != NULL && c != NULL);
    (void)X509_set_version(c, 2);
    (void)ASN1_INTEGER_set(X509_get_serialNumber(c), serial);
    (void)X509_gmtime_adj(X509_getm_notBefore(c), from_s);
    (void)X509_gmtime_adj(X509_getm_notAfter(c), from_s + DAY_S);
    (void)X509_NAME_add_entry_by_txt(X509_get_subject_name(c), "CN", MBSTRING_ASC,
                                     (const unsigned char *)"iam", -1, -1, 0);
    (void)X509_set_issuer_name(c, X509_get_subject_name(c));
    (void)X509_set_pubkey(c, key);
    REQUIRE(X509_sign(c, key, EVP_sha256()) > 0);
    return (struct signer){.key = key, .certificate = c};
}

static int set_up(void **state)
{
    int fd = mkstemp(path);

    (void)state;
    REQUIRE(fd >= 0);
    (void)close(fd);
    arena_init(&arena, 1 << 14, 1 << 22);
    good = sign_up(EVP_RSA_gen(2048), 1, -3600);
    other = sign_up(EVP_RSA_gen(2048), 1, -3600); /* the same name and number */
    small = sign_up(EVP_RSA_gen(1024), 1, -3600);
    ec = sign_up(EVP_EC_gen("P-256"), 2, -3600);
    again = sign_up(good.key, 77, -3600);
    later = sign_up(good.key, 78, 3600);
    return 0;
}

static int tear_down(void **state)
{
    struct signer *const own[] = {&good, &other, &small, &ec};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(own); i++) {
        EVP_PKEY_free(own[i]->key);
        X509_free(own[i]->certificate);
    }
    X509_free(again.certificate);
    X509_free(later.certificate);
    arena_done(&arena);
    (void)unlink(path);
    return 0;
}

/* How a token is signed; flags as of CMS_sign. */
static struct view token_by(const struct signer *signer, const char *json, const EVP_MD *digest,
                            unsigned flags)
{
    const unsigned all = CMS_BINARY | CMS_NOSMIMECAP | CMS_PARTIAL | flags;
    BIO *const in = BIO_new_mem_buf(json, -1);
    CMS_ContentInfo *const cms = CMS_sign(NULL, NULL, NULL, NULL, all);
    unsigned char *der = NULL;
    struct view token;
    int len;

    REQUIRE(in != NULL && cms != NULL);
    REQUIRE(CMS_add1_signer(cms, signer->certificate, signer->key, digest, all) != NULL);
    REQUIRE(CMS_final(cms, in, NULL, all) == 1);
    len = i2d_CMS_ContentInfo(cms, &der);
    REQUIRE(len > 0);
    token = token_text(view_of((const char *)der, (size_t)len), &arena);
    OPENSSL_free(der);
    CMS_ContentInfo_free(cms);
    BIO_free(in);
    return token;
}

/* As IAM does it: no certificate in it, no signed attributes. */
static struct view usual_token(const struct signer *signer)
{
    return token_by(signer, JSON("alice"), EVP_sha256(), CMS_NOATTR | CMS_NOCERTS);
}

static void write_pem(const struct signer *const *signers, size_t count)
{
    FILE *const file = fopen(path, "we");

    REQUIRE(file != NULL);
    for (size_t i = 0; i < count; i++)
        REQUIRE(PEM_write_X509(file, signers[i]->certificate) == 1);
    REQUIRE(fclose(file) == 0);
}

static struct cms_keys *pin(const struct signer *first, const struct signer *second)
{
    const struct signer *const signers[] = {first, second};
    struct cms_keys *keys;
    struct err err;

    write_pem(signers, second == NULL ? 1 : 2);
    REQUIRE(cms_keys_open(path, &keys, &err) == STATUS_OK);
    return keys;
}

static enum cms_verdict read_at(const struct cms_keys *keys, struct view token, int64_t later_us)
{
    struct token_facts facts;
    int64_t until_us;
    enum cms_verdict verdict =
        cms_read(keys, token, clock_now_us() + later_us, &arena, &facts, &until_us);

    assert_int_equal(ERR_peek_error(), 0);
    if (verdict == CMS_GOOD)
        assert_view(facts.subject.user_name, "alice");
    assert_true((cms_verdict_text(verdict) == NULL) == (verdict == CMS_GOOD));
    assert_true((cms_verdict_row(verdict) == NULL) == (verdict == CMS_GOOD));
    if (verdict == CMS_FORGED)
        assert_string_equal(cms_verdict_row(verdict)->code, "identity.token_refused");
    return verdict;
}

static void test_good(void **state)
{
    struct cms_keys *keys = pin(&good, &ec);

    (void)state;
    assert_int_equal(read_at(keys, usual_token(&good), 0), CMS_GOOD);
    assert_int_equal(read_at(keys, usual_token(&ec), 0), CMS_GOOD);
    /* With signed attributes, with a better digest, and with certificates that nobody looks at. */
    assert_int_equal(read_at(keys, token_by(&good, JSON("alice"), EVP_sha256(), CMS_NOCERTS), 0),
                     CMS_GOOD);
    assert_int_equal(read_at(keys, token_by(&good, JSON("alice"), EVP_sha512(), CMS_NOATTR), 0),
                     CMS_GOOD);
    cms_keys_free(&keys);
}

static void test_forged(void **state)
{
    struct cms_keys *keys = pin(&good, NULL);

    (void)state;
    assert_int_equal(read_at(keys, usual_token(&other), 0), CMS_FORGED);
    assert_int_equal(read_at(keys, usual_token(&ec), 0), CMS_FORGED);
    assert_int_equal(read_at(keys, token_by(&other, JSON("alice"), EVP_sha256(), 0), 0),
                     CMS_FORGED);
    cms_keys_free(&keys);
}

/* Each byte of a token matters, those of the signer's name apart. */
static void test_changed(void **state)
{
    struct cms_keys *keys = pin(&good, NULL);
    const struct view token = usual_token(&good);
    char *const copy = arena_strdup(&arena, token);
    unsigned kept = 0;

    (void)state;
    assert_non_null(copy);
    for (size_t i = 0; i < token.len; i++) {
        const char was = copy[i];

        copy[i] = was == 'A' ? 'B' : 'A';
        kept += read_at(keys, view_of(copy, token.len), 0) == CMS_GOOD;
        copy[i] = was;
    }
    assert_true(kept < 60);
    assert_int_equal(read_at(keys, view_of(copy, token.len), 0), CMS_GOOD);
    assert_int_equal(read_at(keys, view_of(copy, token.len - 4), 0), CMS_MALFORMED);
    cms_keys_free(&keys);
}

static void test_weak(void **state)
{
    struct cms_keys *keys = pin(&good, NULL);

    (void)state;
    assert_int_equal(
        read_at(keys, token_by(&good, JSON("alice"), EVP_sha1(), CMS_NOATTR | CMS_NOCERTS), 0),
        CMS_WEAK);
    assert_int_equal(
        read_at(keys, token_by(&good, JSON("alice"), EVP_sha224(), CMS_NOATTR | CMS_NOCERTS), 0),
        CMS_WEAK);
    cms_keys_free(&keys);
}

static void test_malformed(void **state)
{
    struct cms_keys *keys = pin(&good, NULL);

    (void)state;
    assert_int_equal(read_at(keys, VIEW("gAAAAABfernet"), 0), CMS_MALFORMED);
    assert_int_equal(read_at(keys,
                             token_by(&good, JSON("alice"), EVP_sha256(),
                                      CMS_NOATTR | CMS_NOCERTS | CMS_DETACHED),
                             0),
                     CMS_MALFORMED);
    /* Signed well, and no token. */
    assert_int_equal(
        read_at(keys, token_by(&good, "{\"token\":{}}", EVP_sha256(), CMS_NOATTR | CMS_NOCERTS), 0),
        CMS_MALFORMED);
    cms_keys_free(&keys);
}

static void test_dates(void **state)
{
    struct cms_keys *keys = pin(&good, NULL);

    (void)state;
    assert_int_equal(read_at(keys, usual_token(&good), -DAY_US), CMS_OUTDATED);
    assert_int_equal(read_at(keys, usual_token(&good), DAY_US), CMS_OUTDATED);
    cms_keys_free(&keys);
    /* The same key in an older and in a newer certificate. */
    keys = pin(&good, &later);
    assert_int_equal(read_at(keys, usual_token(&good), 0), CMS_GOOD);
    assert_int_equal(read_at(keys, usual_token(&good), DAY_US), CMS_GOOD);
    assert_int_equal(read_at(keys, usual_token(&good), 2 * DAY_US), CMS_OUTDATED);
    assert_true(cms_keys_end_us(keys) > clock_now_us() + DAY_US);
    cms_keys_free(&keys);
}

/* A certificate that was issued anew for the same key. */
static void test_reissued(void **state)
{
    struct cms_keys *keys = pin(&again, NULL);

    (void)state;
    assert_int_equal(read_at(keys, usual_token(&good), 0), CMS_GOOD);
    cms_keys_free(&keys);
}

static void check_file(const char *text, const char *fault)
{
    FILE *const file = fopen(path, "we");
    struct cms_keys *keys;
    struct err err;

    REQUIRE(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0);
    assert_int_equal(cms_keys_open(path, &keys, &err), STATUS_INVALID);
    assert_non_null(strstr(err.text, fault));
    assert_non_null(strstr(err.text, path));
    assert_int_equal(ERR_peek_error(), 0);
}

static void test_files(void **state)
{
    const struct signer *many[CMS_CERTIFICATES_MAX + 1];
    const struct signer *const weak[] = {&good, &small};
    struct cms_keys *keys;
    struct err err;

    (void)state;
    check_file("", "no certificate");
    check_file("hello\n", "no certificate");
    check_file("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
               "certificate 1 can't be read");
    write_pem(weak, 2);
    assert_int_equal(cms_keys_open(path, &keys, &err), STATUS_INVALID);
    assert_non_null(strstr(err.text, "certificate 2: its key"));
    for (size_t i = 0; i < ARRAY_LEN(many); i++)
        many[i] = &good;
    write_pem(many, CMS_CERTIFICATES_MAX);
    assert_int_equal(cms_keys_open(path, &keys, &err), STATUS_OK);
    cms_keys_free(&keys);
    write_pem(many, CMS_CERTIFICATES_MAX + 1);
    assert_int_equal(cms_keys_open(path, &keys, &err), STATUS_INVALID);
    assert_int_equal(cms_keys_open("/nonexistent/file", &keys, &err), STATUS_IO);
}

static void test_cached(void **state)
{
    struct shared_cache *cache = shared_cache_new(16, 1 << 20);
    struct cms_keys *keys = pin(&good, NULL), *others = pin(&other, NULL);
    unsigned char digest[DIGEST_BYTES];
    struct token_question question = {
        .token = usual_token(&good), .digest = digest, .now_us = clock_now_us()};
    struct token_facts facts;

    (void)state;
    assert_non_null(cache);
    digest_sha256(question.token, digest);
    assert_int_equal(cms_read_cached(others, cache, DAY_US, &question, &arena, &facts), CMS_FORGED);
    assert_int_equal(cms_read_cached(keys, cache, DAY_US, &question, &arena, &facts), CMS_GOOD);
    /* From the cache: these keys would refuse it. */
    assert_int_equal(cms_read_cached(others, cache, DAY_US, &question, &arena, &facts), CMS_GOOD);
    assert_view(facts.subject.user_name, "alice");
    /* Not beyond the certificate. */
    question.now_us += DAY_US;
    assert_int_equal(cms_read_cached(keys, cache, DAY_US, &question, &arena, &facts), CMS_OUTDATED);
    cms_keys_free(&keys);
    cms_keys_free(&others);
    shared_cache_free(&cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),      cmocka_unit_test(test_forged),
        cmocka_unit_test(test_changed),   cmocka_unit_test(test_weak),
        cmocka_unit_test(test_malformed), cmocka_unit_test(test_dates),
        cmocka_unit_test(test_reissued),  cmocka_unit_test(test_files),
        cmocka_unit_test(test_cached),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
