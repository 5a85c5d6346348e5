/* SPDX-License-Identifier: Apache-2.0
 * The names in a client's certificate, in one exact text form. */
#include <stdlib.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/arena.h"
#include "base/clock.h"
#include "net/inner.h"

/* RFC 4514: OpenSSL's RFC 2253, but with the characters themselves where they are UTF-8. */
static const unsigned long name_flags = XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB;

struct net_peer {
    struct peer peer;
    struct arena arena;
    int64_t until_us; /* when the certificate expires, since the epoch */
};

/* OpenSSL writes control characters as escapes, and a NUL ends what other programs see of a name.
 */
static bool is_clean(struct view text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f)
            return false;
    }
    return true;
}

static bool is_clean_entry(const X509_NAME_ENTRY *entry)
{
    unsigned char *text = NULL;
    const int len = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(entry));
    const bool clean = len >= 0 && is_clean(view_of((const char *)text, (size_t)len));

    OPENSSL_free(text);
    return clean;
}

static const char *read_subject(const X509 *certificate, struct net_peer *ret)
{
    const X509_NAME *name = X509_get_subject_name(certificate);
    BIO *out = BIO_new(BIO_s_mem());
    const char *fault = NULL;
    char *text = NULL;
    long len;

    for (int i = 0; i < X509_NAME_entry_count(name); i++) {
        if (!is_clean_entry(X509_NAME_get_entry(name, i)))
            fault = "the subject of the certificate holds what is no plain text";
    }
    if (out == NULL || X509_NAME_print_ex(out, name, 0, name_flags) < 0)
        fault = "the subject of the certificate can't be written as text";
    len = out == NULL ? 0 : BIO_get_mem_data(out, &text);
    if (fault == NULL && len > PEER_BYTES_MAX)
        fault = "the subject of the certificate is too long";
    if (fault == NULL && len > 0) {
        ret->peer.subject = arena_copy(&ret->arena, view_of(text, (size_t)len));
        if (ret->peer.subject.ptr == NULL)
            fault = "there is no memory for the names of the certificate";
    }
    BIO_free(out);
    return fault;
}

static const char *add_name(const GENERAL_NAME *general, struct net_peer *ret,
                            struct peer_name *names)
{
    struct peer_name name = {.kind = PEER_EMAIL};
    const ASN1_IA5STRING *value;
    int type;

    value = GENERAL_NAME_get0_value(general, &type);
    if (type == GEN_DNS)
        name.kind = PEER_DNS;
    else if (type == GEN_URI)
        name.kind = PEER_URI;
    else if (type != GEN_EMAIL)
        return NULL;
    name.value =
        view_of((const char *)ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value));
    if (ret->peer.name_count == PEER_NAMES_MAX || name.value.len > PEER_BYTES_MAX)
        return "the certificate has too many alternative names, or too long ones";
    for (size_t i = 0; i < name.value.len; i++) {
        if (name.value.ptr[i] <= ' ' || name.value.ptr[i] > '~')
            return "an alternative name of the certificate is no plain text";
    }
    name.value = arena_copy(&ret->arena, name.value);
    if (name.value.ptr == NULL)
        return "there is no memory for the names of the certificate";
    names[ret->peer.name_count++] = name;
    return NULL;
}

static const char *read_names(const X509 *certificate, struct net_peer *ret)
{
    struct peer_name *names = arena_array(&ret->arena, PEER_NAMES_MAX, sizeof *names);
    int critical = 0;
    GENERAL_NAMES *list = X509_get_ext_d2i(certificate, NID_subject_alt_name, &critical, NULL);
    const char *fault = NULL;

    if (list == NULL)
        return critical == -1 ? NULL : "the alternative names of the certificate can't be read";
    if (names == NULL)
        fault = "there is no memory for the names of the certificate";
    for (int i = 0; fault == NULL && i < sk_GENERAL_NAME_num(list); i++)
        fault = add_name(sk_GENERAL_NAME_value(list, i), ret, names);
    GENERAL_NAMES_free(list);
    ret->peer.names = names;
    return fault;
}

static int64_t end_of(const X509 *certificate)
{
    struct tm tm;

    if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &tm) != 1)
        return 0;
    return (int64_t)timegm(&tm) * 1000000;
}

struct net_peer *net_peer_of(const X509 *certificate)
{
    struct net_peer *ret = calloc(1, sizeof *ret);
    unsigned size = DIGEST_BYTES;

    if (ret == NULL)
        return NULL;
    arena_init(&ret->arena, 1024, (size_t)4 * PEER_BYTES_MAX);
    ERR_clear_error();
    if (X509_digest(certificate, EVP_sha256(), ret->peer.digest, &size) != 1) {
        net_peer_free(&ret);
        return NULL;
    }
    ret->until_us = end_of(certificate);
    ret->peer.fault = read_subject(certificate, ret);
    if (ret->peer.fault == NULL)
        ret->peer.fault = read_names(certificate, ret);
    if (ret->peer.fault != NULL) {
        ret->peer.subject = VIEW_NONE;
        ret->peer.name_count = 0;
    }
    ERR_clear_error();
    return ret;
}

const struct peer *net_peer_names(const struct net_peer *peer)
{
    return &peer->peer;
}

void net_peer_free(struct net_peer **peer)
{
    if (*peer == NULL)
        return;
    arena_done(&(*peer)->arena);
    free(*peer);
    *peer = NULL;
}

const struct peer *net_peer_certificate(struct net_conn *c)
{
    const X509 *certificate;

    if (c->ssl == NULL || c->state != NET_READY || tls_is_client(c->tls) ||
        (SSL_get_verify_mode(c->ssl) & SSL_VERIFY_PEER) == 0 ||
        SSL_get_verify_result(c->ssl) != X509_V_OK)
        return NULL;
    certificate = SSL_get0_peer_certificate(c->ssl);
    if (certificate == NULL)
        return NULL;
    if (c->certificate == NULL)
        c->certificate = net_peer_of(certificate);
    /* A session that is taken up isn't verified anew, and connections live on. */
    if (c->certificate == NULL || clock_now_us() >= c->certificate->until_us)
        return NULL;
    return &c->certificate->peer;
}
