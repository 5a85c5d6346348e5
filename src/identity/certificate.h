/* SPDX-License-Identifier: Apache-2.0
 * Callers without a cloud credential whose TLS certificate says who they are, and those whom a
 * proxy with such a certificate names (`identity.client_certificates`, `identity.forwarded_user`).
 * The certificate was verified against `client_ca` before; here it is only compared. */
#pragma once

#include "base/peer.h"
#include "http1/head.h"
#include "identity/identity.h"

enum { FORWARDED_USER_MAX = 256 };

/* One line of `client_certificates.rules`. A certificate fits when all that is given does. */
struct certificate_rule {
    struct view subject; /* a pattern (certificate_pattern_fits); ptr NULL: any */
    struct view san;     /* one of the alternative names, byte by byte; ptr NULL: any */
    struct view user, user_id;
    struct view domain; /* its name; ptr NULL: not known */
    const struct view *projects;
    size_t project_count;
};

struct certificate_rules {
    const struct certificate_rule *rules;
    size_t count; /* 0: off */
};

/* Patterns of a subject: the text of struct peer, in which `*` stands for any run of characters
 * within one value, so that it never takes in a "," or "+" that separates. A last part that is `*`
 * alone stands for any number of parts, also none. Everything else must be equal, byte by byte. */
MUST_CHECK bool certificate_pattern_ok(struct view pattern); /* TYPE=VALUE in each part but such */
MUST_CHECK bool certificate_pattern_fits(struct view pattern, struct view subject);

enum certificate_answer {
    CERTIFICATE_KNOWN,   /* ret is filled */
    CERTIFICATE_NOBODY,  /* no certificate, or no rule is about it: another credential may do */
    CERTIFICATE_REFUSED, /* ret_why says why, of ret the credential is filled */
};

/* peer NULL: no verified certificate. KNOWN: subject (user; domain if the rule has it; project as
 * asked for; roles and groups unknown) and credential ("certificate", verified "certificate").
 * REFUSED: rules that fit name different users (identity.certificate_ambiguous), the certificate
 * has names that nobody may go by (identity.certificate_malformed), or none of the rules that fit
 * is for the project (identity.project_mismatch). path_project: the path's, ptr NULL: it names
 * none. NOBODY: ret_why is identity.certificate_unknown if there are rules and a certificate,
 * identity.missing if not, for those who have nothing else to go by. Texts borrow from the rules
 * and path_project.
 */
MUST_CHECK enum certificate_answer
identity_certificate(const struct certificate_rules *rules, const struct peer *peer,
                     struct view path_project, struct identified *ret, struct reason *ret_why);

/* `identity.forwarded_user`. */
struct forwarded_settings {
    struct view header;      /* its name; ptr NULL: off */
    const struct view *from; /* patterns of the proxies' subjects */
    size_t from_count;
    const struct view *projects;
    size_t project_count;
};

/* Whom the proxy names. It counts only from a peer with a verified certificate whose subject fits
 * one of `from`; from anybody else the header is as good as not there (NOBODY, and ret_why is
 * identity.missing). NOBODY also when a proxy sends no such header. KNOWN: the name is both user
 * name and id; domain, roles and groups unknown; credential "forwarded", verified "certificate",
 * the digest is the certificate's. REFUSED: identity.forwarded_malformed (the header stands twice,
 * or isn't a plain name: 1 to FORWARDED_USER_MAX bytes of UTF-8 without control, blank-looking or
 * direction-changing characters), identity.project_mismatch. Texts borrow from head and
 * path_project. */
MUST_CHECK enum certificate_answer
identity_forwarded(const struct forwarded_settings *settings, const struct peer *peer,
                   const struct http1_request *head, struct view path_project,
                   struct identified *ret, struct reason *ret_why);
