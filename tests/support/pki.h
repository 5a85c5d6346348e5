/* SPDX-License-Identifier: Apache-2.0
 * Certificates for tests, made anew by each run in a temporary folder. */
#pragma once

enum { PKI_PATH_BYTES = 96 };

struct pki {
    char folder[64];
};

/* Fills a new folder; each NAME stands for NAME.pem and NAME.key:
 *   ca, other-ca   two authorities
 *   good           localhost, 127.0.0.1 and ::1, by ca
 *   wrong          example.org, by ca
 *   cn-only        localhost in the subject alone, by ca
 *   expired        as good, but it ended yesterday
 *   stranger       as good, by other-ca
 *   self           as good, by itself
 *   client         a caller's, by ca
 *   odd-client, nameless-client   its common name has bytes that must be escaped; it has none
 *   stranger-client  a caller's, by other-ca
 * and encrypted.key, good's under a passphrase. Aborts on failure. */
void pki_make(struct pki *pki);
void pki_remove(struct pki *pki);
/* "FOLDER/name" in out, which it returns. */
const char *pki_path(const struct pki *pki, const char *name, char out[PKI_PATH_BYTES]);
