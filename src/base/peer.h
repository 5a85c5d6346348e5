/* SPDX-License-Identifier: Apache-2.0
 * Who the other side of a connection proved to be, by a TLS certificate that was verified. Net
 * fills it, identity judges it. */
#pragma once

#include "base/digest.h"

enum { PEER_NAMES_MAX = 64, PEER_BYTES_MAX = 16384 };

enum peer_name_kind { PEER_EMAIL, PEER_DNS, PEER_URI };

/* A subject alternative name (RFC 5280 4.2.1.6): rfc822Name, dNSName, uniformResourceIdentifier. */
struct peer_name {
    enum peer_name_kind kind;
    struct view value;
};

struct peer {
    /* The subject as RFC 4514 writes it: the most specific part first, "," between the parts, "+"
     * within one (in the reverse order of the certificate), the special characters escaped by a
     * backslash, characters beyond ASCII as UTF-8; types by OpenSSL's short names (CN, O, OU, C,
     * DC, UID, emailAddress), others as digits. */
    struct view subject;
    const struct peer_name *names; /* of other kinds none */
    size_t name_count;
    unsigned char digest[DIGEST_BYTES]; /* SHA-256 of the certificate as DER */
    /* NULL, or why nobody may go by these names, which are empty then: a control character, text
     * that isn't UTF-8, too many of them, no memory. A constant. */
    const char *fault;
};
