/* SPDX-License-Identifier: Apache-2.0
 * Certificates for tests: a small authority in OpenSSL's C calls. */
#include "support/pki.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/attr.h"
#include "base/require.h"

enum { DAY = 24 * 60 * 60 };

struct identity {
    X509 *certificate;
    EVP_PKEY *key;
};

struct order {
    const char *name;    /* of the files */
    const char *subject; /* common name; NULL: an organisation alone */
    const char *alternative;
    const char *usage; /* extended key usage; NULL: an authority */
    long from_s, to_s; /* relative to now */
};

const char *pki_path(const struct pki *pki, const char *name, char out[PKI_PATH_BYTES])
{
    REQUIRE(snprintf(out, PKI_PATH_BYTES, "%s/%s", pki->folder, name) < PKI_PATH_BYTES);
    return out;
}

static FILE *create(const struct pki *pki, const char *name, const char *suffix)
{
    char file[64], path[PKI_PATH_BYTES];
    FILE *out;

    (void)snprintf(file, sizeof file, "%s%s", name, suffix);
    out = fopen(pki_path(pki, file, path), "we");
    REQUIRE(out != NULL);
    return out;
}

static void extend(X509 *certificate, const char *name, const char *value)
{
    X509V3_CTX context;
    X509_EXTENSION *extension;

    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    extension = X509V3_EXT_conf(NULL, &context, name, value);
    REQUIRE(extension != NULL);
    REQUIRE(X509_add_ext(certificate, extension, -1) == 1);
    X509_EXTENSION_free(extension);
}

/* issuer NULL: signed by itself. */
static struct identity issue(const struct pki *pki, const struct order *order,
                             const struct identity *issuer)
{
    static long serial = 1;
    struct identity made = {X509_new(), EVP_EC_gen("P-256")};
    X509_NAME *const subject = X509_get_subject_name(made.certificate);
    const struct identity *const by = issuer == NULL ? &made : issuer;
    FILE *out;

    REQUIRE(made.key != NULL);
    REQUIRE(X509_set_version(made.certificate, 2) == 1);
    REQUIRE(ASN1_INTEGER_set(X509_get_serialNumber(made.certificate), serial++) == 1);
    (void)X509_gmtime_adj(X509_getm_notBefore(made.certificate), order->from_s);
    (void)X509_gmtime_adj(X509_getm_notAfter(made.certificate), order->to_s);
    REQUIRE(X509_set_pubkey(made.certificate, made.key) == 1);
    REQUIRE(X509_NAME_add_entry_by_txt(
                subject, order->subject == NULL ? "O" : "CN", MBSTRING_ASC,
                (const unsigned char *)(order->subject == NULL ? "Nobody" : order->subject), -1, -1,
                0) == 1);
    REQUIRE(X509_set_issuer_name(made.certificate, X509_get_subject_name(by->certificate)) == 1);
    extend(made.certificate, "basicConstraints",
           order->usage == NULL ? "critical,CA:TRUE" : "critical,CA:FALSE");
    if (order->usage != NULL)
        extend(made.certificate, "extendedKeyUsage", order->usage);
    if (order->alternative != NULL)
        extend(made.certificate, "subjectAltName", order->alternative);
    REQUIRE(X509_sign(made.certificate, by->key, EVP_sha256()) != 0);

    out = create(pki, order->name, ".pem");
    REQUIRE(PEM_write_X509(out, made.certificate) == 1);
    REQUIRE(fclose(out) == 0);
    out = create(pki, order->name, ".key");
    REQUIRE(PEM_write_PrivateKey(out, made.key, NULL, NULL, 0, NULL, NULL) == 1);
    REQUIRE(fclose(out) == 0);
    return made;
}

static void drop(struct identity identity)
{
    X509_free(identity.certificate);
    EVP_PKEY_free(identity.key);
}

static void write_encrypted(const struct pki *pki, EVP_PKEY *key)
{
    static const unsigned char word[] = "secret";
    FILE *const out = create(pki, "encrypted", ".key");

    REQUIRE(PEM_write_PrivateKey(out, key, EVP_aes_128_cbc(), word, sizeof word - 1, NULL, NULL) ==
            1);
    REQUIRE(fclose(out) == 0);
}

void pki_make(struct pki *pki)
{
    static const char here[] = "DNS:localhost,IP:127.0.0.1,IP:::1";
    static const struct order ca = {"ca", "Test CA", NULL, NULL, -DAY, DAY};
    static const struct order other_ca = {"other-ca", "Other CA", NULL, NULL, -DAY, DAY};
    static const struct order by_ca[] = {
        {"good", "server", here, "serverAuth", -DAY, DAY},
        {"wrong", "server", "DNS:example.org,IP:192.0.2.1", "serverAuth", -DAY, DAY},
        {"cn-only", "localhost", NULL, "serverAuth", -DAY, DAY},
        {"expired", "server", here, "serverAuth", -2 * DAY, -DAY},
        {"client", "caller", NULL, "clientAuth", -DAY, DAY},
        {"odd-client", "a\\b\n\x7f\xe9", NULL, "clientAuth", -DAY, DAY},
        {"nameless-client", NULL, NULL, "clientAuth", -DAY, DAY},
    };
    static const struct order by_other[] = {
        {"stranger", "server", here, "serverAuth", -DAY, DAY},
        {"stranger-client", "caller", NULL, "clientAuth", -DAY, DAY},
    };
    static const struct order self = {"self", "server", here, "serverAuth", -DAY, DAY};
    struct identity authority, made;
    size_t i;

    (void)snprintf(pki->folder, sizeof pki->folder, "/tmp/postern-pki-XXXXXX");
    REQUIRE(mkdtemp(pki->folder) != NULL);
    authority = issue(pki, &ca, NULL);
    for (i = 0; i < ARRAY_LEN(by_ca); i++) {
        made = issue(pki, &by_ca[i], &authority);
        if (i == 0)
            write_encrypted(pki, made.key);
        drop(made);
    }
    drop(authority);
    authority = issue(pki, &other_ca, NULL);
    for (i = 0; i < ARRAY_LEN(by_other); i++)
        drop(issue(pki, &by_other[i], &authority));
    drop(authority);
    drop(issue(pki, &self, NULL));
}

void pki_remove(struct pki *pki)
{
    DIR *const folder = opendir(pki->folder);
    const struct dirent *entry;

    REQUIRE(folder != NULL);
    while ((entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] != '.')
            REQUIRE(unlinkat(dirfd(folder), entry->d_name, 0) == 0);
    }
    REQUIRE(closedir(folder) == 0);
    REQUIRE(rmdir(pki->folder) == 0);
}
