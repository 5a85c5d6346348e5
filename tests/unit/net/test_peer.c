/* SPDX-License-Identifier: Apache-2.0
 * The names in certificates, as OpenSSL makes them: one text for each, and none for what could be
 * read in two ways. */
#include "support/test.h"

#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include "net/inner.h"

static EVP_PKEY *key;

static int make_key(void **state)
{
    (void)state;
    key = EVP_EC_gen("P-256");
    return key == NULL ? -1 : 0;
}

static int free_key(void **state)
{
    (void)state;
    EVP_PKEY_free(key);
    return 0;
}

static X509 *begin(void)
{
    X509 *certificate = X509_new();

    assert_non_null(certificate);
    (void)X509_set_version(certificate, 2);
    (void)X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
    (void)X509_gmtime_adj(X509_getm_notAfter(certificate), 60);
    assert_int_equal(X509_set_pubkey(certificate, key), 1);
    return certificate;
}

static struct net_peer *read_and_free(X509 *certificate)
{
    unsigned char digest[DIGEST_BYTES];
    unsigned size = sizeof digest;
    struct net_peer *peer;
    const struct peer *names;

    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
    assert_int_equal(X509_digest(certificate, EVP_sha256(), digest, &size), 1);
    peer = net_peer_of(certificate);
    X509_free(certificate);
    assert_non_null(peer);
    names = net_peer_names(peer);
    assert_memory_equal(names->digest, digest, DIGEST_BYTES);
    return peer;
}

struct part {
    const char *type;
    int kind; /* V_ASN1_..., or MBSTRING_ASC */
    const char *value;
    int len;
    int set; /* -1: in one part with the one before */
};

static void the_subject_has_one_text(void **state)
{
    static const struct {
        struct part parts[3];
        const char *want; /* NULL: a fault */
    } rows[] = {
        {{{"O", MBSTRING_ASC, "Example", 7, 0}, {"CN", MBSTRING_ASC, "alice", 5, 0}},
         "CN=alice,O=Example"},
        {{{"CN", MBSTRING_ASC, "alice,O=Example", 15, 0}}, "CN=alice\\,O=Example"},
        {{{"CN", MBSTRING_ASC, "a+b\"c\\d<e>f;g#=", 15, 0}}, "CN=a\\+b\\\"c\\\\d\\<e\\>f\\;g#="},
        {{{"CN", MBSTRING_ASC, "#a", 2, 0}}, "CN=\\#a"},
        {{{"CN", MBSTRING_ASC, " a ", 3, 0}}, "CN=\\ a\\ "},
        {{{"CN", MBSTRING_ASC, "*", 1, 0}}, "CN=*"},
        {{{"CN", MBSTRING_UTF8, "J\xC3\xB6rg", 5, 0}}, "CN=J\xC3\xB6rg"},
        {{{"CN", V_ASN1_BMPSTRING, "\0a\0\xF6", 4, 0}}, "CN=a\xC3\xB6"},
        {{{"CN", V_ASN1_T61STRING, "a\xF6", 2, 0}}, "CN=a\xC3\xB6"},
        {{{"emailAddress", MBSTRING_ASC, "a@b.c", 5, 0}}, "emailAddress=a@b.c"},
        {{{"DC", MBSTRING_ASC, "org", 3, 0}, {"UID", MBSTRING_ASC, "7", 1, 0}}, "UID=7,DC=org"},
        {{{"CN", MBSTRING_ASC, "a", 1, 0}, {"UID", MBSTRING_ASC, "7", 1, -1}}, "UID=7+CN=a"},
        {{{"CN", V_ASN1_UTF8STRING, "a\0b", 3, 0}}, NULL},
        {{{"CN", V_ASN1_UTF8STRING, "a\n", 2, 0}}, NULL},
        {{{"CN", V_ASN1_UTF8STRING, "a\x7f", 2, 0}}, NULL},
        {{{"CN", V_ASN1_UTF8STRING, "alice", 5, 0}, {"O", V_ASN1_UTF8STRING, "\0", 1, 0}}, NULL},
        {{{"CN", V_ASN1_BMPSTRING, "\0a\0\0", 4, 0}}, NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        X509 *certificate = begin();
        struct net_peer *peer;

        for (size_t n = 0; n < 3 && rows[i].parts[n].type != NULL; n++) {
            const struct part *part = &rows[i].parts[n];

            assert_int_equal(X509_NAME_add_entry_by_txt(
                                 X509_get_subject_name(certificate), part->type, part->kind,
                                 (const unsigned char *)part->value, part->len, -1, part->set),
                             1);
        }
        peer = read_and_free(certificate);
        if (rows[i].want != NULL)
            assert_view_eq(net_peer_names(peer)->subject, view_str(rows[i].want));
        else
            assert_int_equal(net_peer_names(peer)->subject.len, 0);
        assert_row((net_peer_names(peer)->fault == NULL) == (rows[i].want != NULL),
                   rows[i].parts[0].value);
        net_peer_free(&peer);
    }
}

static GENERAL_NAME *name_of(int type, const char *value, int len)
{
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_IA5STRING *text = ASN1_IA5STRING_new();

    assert_int_equal(ASN1_STRING_set(text, value, len), 1);
    GENERAL_NAME_set0_value(name, type, text);
    return name;
}

static void alternative_names_are_plain(void **state)
{
    static const struct {
        int type;
        const char *value;
        int len;
        bool fault;
    } rows[] = {
        {GEN_EMAIL, "alice@example.org", 17, false},
        {GEN_DNS, "host.example.org", 16, false},
        {GEN_URI, "spiffe://x/y", 12, false},
        {GEN_EMAIL, "alice@example.org\0.x", 20, true},
        {GEN_DNS, "a\0b", 3, true},
        {GEN_URI, "a b", 3, true},
        {GEN_EMAIL, "a\n", 2, true},
        {GEN_DNS, "\xC3\xB6", 2, true},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        X509 *certificate = begin();
        GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
        struct net_peer *peer;
        const struct peer *got;

        sk_GENERAL_NAME_push(names, name_of(rows[i].type, rows[i].value, rows[i].len));
        assert_int_equal(X509_add1_ext_i2d(certificate, NID_subject_alt_name, names, 0, 0), 1);
        GENERAL_NAMES_free(names);
        peer = read_and_free(certificate);
        got = net_peer_names(peer);
        assert_row((got->fault != NULL) == rows[i].fault, rows[i].value);
        assert_int_equal(got->name_count, rows[i].fault ? 0 : 1);
        if (!rows[i].fault)
            assert_view_eq(got->names[0].value, view_str(rows[i].value));
        net_peer_free(&peer);
    }
}

static void names_are_bounded(void **state)
{
    static const int counts[] = {PEER_NAMES_MAX, PEER_NAMES_MAX + 1};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        X509 *certificate = begin();
        GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
        struct net_peer *peer;

        for (int n = 0; n < counts[i]; n++)
            sk_GENERAL_NAME_push(names, name_of(GEN_DNS, "a", 1));
        assert_int_equal(X509_add1_ext_i2d(certificate, NID_subject_alt_name, names, 0, 0), 1);
        GENERAL_NAMES_free(names);
        peer = read_and_free(certificate);
        assert_int_equal(net_peer_names(peer)->name_count, i == 0 ? PEER_NAMES_MAX : 0);
        assert_int_equal(net_peer_names(peer)->fault != NULL, i);
        net_peer_free(&peer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_subject_has_one_text),
        cmocka_unit_test(alternative_names_are_plain),
        cmocka_unit_test(names_are_bounded),
    };

    return cmocka_run_group_tests(tests, make_key, free_key);
}
