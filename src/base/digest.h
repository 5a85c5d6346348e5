/* SPDX-License-Identifier: Apache-2.0
 * SHA-256 and random bytes; besides ed25519, net and identity the only place that knows OpenSSL. */
#pragma once

#include "base/attr.h"
#include "base/view.h"

enum { DIGEST_BYTES = 32, DIGEST_HEX_BYTES = 64, RANDOM_ID_BYTES = 32 };

/* A running SHA-256. */
struct digest;

/* NULL when memory is out. */
MUST_CHECK struct digest *digest_new(void);
void digest_free(struct digest **digest);
/* Begin anew; the same object serves many digests without an allocation. */
void digest_start(struct digest *digest);
void digest_add(struct digest *digest, struct view v);
void digest_finish(struct digest *digest, unsigned char out[DIGEST_BYTES]);

/* One shot over v. */
void digest_sha256(struct view v, unsigned char out[DIGEST_BYTES]);
/* The same as 64 lower-case hex digits, no NUL. */
void digest_sha256_hex(struct view v, char out[DIGEST_HEX_BYTES]);
void digest_hex(const unsigned char in[DIGEST_BYTES], char out[DIGEST_HEX_BYTES]);
/* A text that somebody else wrote, as 64 lower-case hex digits and a NUL; false: it is none, and
 * may not become the name of anything. */
MUST_CHECK bool digest_read_hex(struct view text, char out[DIGEST_HEX_BYTES + 1]);

/* 128 random bits as 32 lower-case hex digits, no NUL. Aborts if the system has no randomness:
 * ids are never used twice. Not for a process that forks: parent and child would share ids. */
void random_id(char out[RANDOM_ID_BYTES]);
