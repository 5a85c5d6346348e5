/* SPDX-License-Identifier: Apache-2.0
 * Who is at the other end: the kernel says so of a Unix socket, the certificate of a TLS
 * connection. */
#include <stdio.h>
#include <sys/socket.h>

#include "admin/inner.h"

long admin_peer_uid(int fd)
{
    struct ucred peer;
    socklen_t len = sizeof peer;

    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 ? (long)peer.uid : -1;
}

static void add_escaped(const unsigned char *name, int len, char *out, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    size_t at = strlen(out);

    for (int i = 0; i < len && at + 5 < size; i++) {
        if (name[i] >= ' ' && name[i] < 0x7f && name[i] != '\\') {
            out[at++] = (char)name[i];
            continue;
        }
        out[at++] = '\\';
        out[at++] = 'x';
        out[at++] = digits[name[i] >> 4];
        out[at++] = digits[name[i] & 15];
    }
    out[at] = '\0';
}

/* The last common name of the subject, which is the most specific one. */
static bool add_common_name(const X509 *certificate, char *out, size_t size)
{
    const X509_NAME *subject = X509_get_subject_name(certificate);
    const ASN1_STRING *value;
    unsigned char *text = NULL;
    int at = -1, next, len;

    while ((next = X509_NAME_get_index_by_NID(subject, NID_commonName, at)) >= 0)
        at = next;
    if (at < 0)
        return false;
    value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
    len = ASN1_STRING_to_UTF8(&text, value);
    if (len > 0)
        add_escaped(text, len, out, size);
    OPENSSL_free(text);
    return len > 0;
}

static bool certificate_actor(SSL *ssl, char actor[static ADMIN_ACTOR_BYTES])
{
    X509 *certificate = SSL_get1_peer_certificate(ssl);
    bool named;

    /* The context demands a certificate and verifies it; who got here without one is nobody. */
    if (certificate == NULL)
        return false;
    (void)snprintf(actor, ADMIN_ACTOR_BYTES, "cert:");
    named = SSL_get_verify_result(ssl) == X509_V_OK &&
            add_common_name(certificate, actor, ADMIN_ACTOR_BYTES);
    X509_free(certificate);
    return named;
}

bool admin_actor(const struct admin *admin, const evhtp_connection_t *connection,
                 char actor[static ADMIN_ACTOR_BYTES])
{
    if (admin->tls != NULL)
        return connection->ssl != NULL && certificate_actor(connection->ssl, actor);
    (void)snprintf(actor, ADMIN_ACTOR_BYTES, "uid:%ld", admin_peer_uid(connection->sock));
    return true;
}
