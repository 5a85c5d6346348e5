/* SPDX-License-Identifier: Apache-2.0
 * SHA-256 by OpenSSL's EVP. Fetching the algorithm by name costs more than hashing a small body, so
 * it is fetched once per process. Random bytes are fetched in blocks for the same reason. */
#include "base/digest.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <openssl/evp.h>

#include "base/require.h"

enum { RAW_BYTES = RANDOM_ID_BYTES / 2, POOL_BYTES = 32 * RAW_BYTES };

struct digest {
    EVP_MD_CTX *ctx;
};

static const char hex_digits[] = "0123456789abcdef";
static EVP_MD *sha256;
static pthread_once_t fetched = PTHREAD_ONCE_INIT;

static void fetch(void)
{
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    REQUIRE(sha256 != NULL);
}

struct digest *digest_new(void)
{
    struct digest *digest = calloc(1, sizeof *digest);

    if (digest == NULL)
        return NULL;
    (void)pthread_once(&fetched, fetch);
    digest->ctx = EVP_MD_CTX_new();
    if (digest->ctx == NULL)
        digest_free(&digest);
    return digest;
}

void digest_free(struct digest **digest)
{
    if (*digest == NULL)
        return;
    EVP_MD_CTX_free((*digest)->ctx);
    free(*digest);
    *digest = NULL;
}

void digest_start(struct digest *digest)
{
    REQUIRE(EVP_DigestInit_ex2(digest->ctx, sha256, NULL) == 1);
}

void digest_add(struct digest *digest, struct view v)
{
    REQUIRE(EVP_DigestUpdate(digest->ctx, v.ptr, v.len) == 1);
}

void digest_finish(struct digest *digest, unsigned char out[DIGEST_BYTES])
{
    REQUIRE(EVP_DigestFinal_ex(digest->ctx, out, NULL) == 1);
}

void digest_sha256(struct view v, unsigned char out[DIGEST_BYTES])
{
    (void)pthread_once(&fetched, fetch);
    REQUIRE(EVP_Digest(v.ptr, v.len, out, NULL, sha256, NULL) == 1);
}

void digest_hex(const unsigned char in[DIGEST_BYTES], char out[DIGEST_HEX_BYTES])
{
    for (size_t i = 0; i < DIGEST_BYTES; i++) {
        out[2 * i] = hex_digits[in[i] >> 4];
        out[2 * i + 1] = hex_digits[in[i] & 15];
    }
}

bool digest_read_hex(struct view text, char out[DIGEST_HEX_BYTES + 1])
{
    if (text.len != DIGEST_HEX_BYTES)
        return false;
    memcpy(out, text.ptr, text.len);
    out[text.len] = '\0';
    return strspn(out, "0123456789abcdef") == DIGEST_HEX_BYTES;
}

void digest_sha256_hex(struct view v, char out[DIGEST_HEX_BYTES])
{
    unsigned char raw[DIGEST_BYTES];

    digest_sha256(v, raw);
    digest_hex(raw, out);
}

/* getrandom may be cut short by a signal when more than 256 bytes are asked for. */
static void fill(unsigned char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t got = getrandom(bytes, len, 0);

        REQUIRE(got > 0 || (got < 0 && errno == EINTR));
        if (got > 0) {
            bytes += got;
            len -= (size_t)got;
        }
    }
}

/* A block serves many ids: a system call costs more than all the rest of one. Each thread has its
 * own, and what was given out is wiped at once. A child of a fork would give out its parent's ids
 * again: this process never forks. */
void random_id(char out[RANDOM_ID_BYTES])
{
    static _Thread_local unsigned char pool[POOL_BYTES];
    static _Thread_local size_t left;
    unsigned char *raw;

    if (left == 0) {
        fill(pool, sizeof pool);
        left = sizeof pool;
    }
    left -= RAW_BYTES;
    raw = pool + left;
    for (size_t i = 0; i < RAW_BYTES; i++) {
        out[2 * i] = hex_digits[raw[i] >> 4];
        out[2 * i + 1] = hex_digits[raw[i] & 15];
    }
    explicit_bzero(raw, RAW_BYTES);
}
