/* SPDX-License-Identifier: Apache-2.0
 * Tokens and other credentials. Input: a JSON document, which is put into a token first; DER (it
 * begins with '0'), which is written as Base64; or a token as it is. */
#include <stdlib.h>
#include <unistd.h>

#include <openssl/ec.h>
#include <openssl/pem.h>

#include "identity/cache.h"
#include "identity/caller.h"
#include "identity/cms.h"
#include "identity/token.h"

#include "facts.h"
#include "fuzz.h"

enum { NOW_US = 0 };

static const struct view project = {"0123456789abcdef0123456789abcdef", 32};

struct bytes {
    unsigned char at[3 * TOKEN_BYTES_MAX];
    size_t len;
};

/* Puts tag and length in front of what stands behind `start`. */
static void wrap(struct bytes *der, size_t start, unsigned char tag)
{
    size_t len = der->len - start;
    unsigned char head[4] = {tag, 0x82, (unsigned char)(len >> 8), (unsigned char)len};
    size_t head_len = sizeof head;

    if (len < 128) {
        head[1] = (unsigned char)len;
        head_len = 2;
    } else if (len < 256) {
        head[1] = 0x81;
        head[2] = (unsigned char)len;
        head_len = 3;
    }
    memmove(der->at + start + head_len, der->at + start, len);
    memcpy(der->at + start, head, head_len);
    der->len += head_len;
}

static void add(struct bytes *der, const char *bytes, size_t len)
{
    memcpy(der->at + der->len, bytes, len);
    der->len += len;
}

/* SignedData (RFC 5652 5.1) without signers; who reads it decodes, and doesn't verify. */
static void make_der(struct view content, struct bytes *der)
{
    static const char signed_data[] = "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02";
    static const char plain_data[] = "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01";
    size_t inner, outer, info, octets;

    der->len = 0;
    add(der, signed_data, sizeof signed_data - 1);
    outer = der->len;
    add(der, "\x02\x01\x01\x31\x00", 5); /* version, no digest algorithms */
    info = der->len;
    add(der, plain_data, sizeof plain_data - 1);
    octets = der->len;
    add(der, content.ptr, content.len);
    wrap(der, octets, 0x04);
    wrap(der, octets, 0xA0);
    wrap(der, info, 0x30);
    add(der, "\x31\x00", 2); /* no signers */
    inner = outer;
    wrap(der, inner, 0x30);
    wrap(der, outer, 0xA0);
    wrap(der, 0, 0x30);
}

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-";

/* Base64 with '-' for '/'. */
static void write_base64(const struct bytes *from, struct bytes *ret)
{
    ret->len = 0;
    for (size_t i = 0; i < from->len; i += 3) {
        size_t left = from->len - i;
        uint32_t bits = (uint32_t)from->at[i] << 16;

        bits |= left > 1 ? (uint32_t)from->at[i + 1] << 8 : 0;
        bits |= left > 2 ? (uint32_t)from->at[i + 2] : 0;
        for (unsigned k = 0; k < 4; k++)
            ret->at[ret->len++] =
                (unsigned char)(k > left ? '=' : letters[bits >> (18 - 6 * k) & 63]);
    }
}

static int letter_value(char c)
{
    const char *at = c == '\0' ? NULL : strchr(letters, c);

    return at == NULL ? -1 : (int)(at - letters);
}

/* One content has one token: written again it is the same. False: it isn't Base64 at all. */
static bool is_canonical(struct view token)
{
    static struct bytes der, text;
    uint32_t bits = 0;
    unsigned have = 0;

    der.len = 0;
    for (size_t i = 0; i < token.len && token.ptr[i] != '='; i++) {
        int value = letter_value(token.ptr[i]);

        if (value < 0)
            return false;
        bits = bits << 6 | (uint32_t)value;
        have += 6;
        if (have >= 8) {
            have -= 8;
            der.at[der.len++] = (unsigned char)(bits >> have);
        }
    }
    write_base64(&der, &text);
    return view_eq(token, view_of((const char *)text.at, text.len));
}

static struct token_facts facts_of(const struct identified *who)
{
    return (struct token_facts){.subject = who->subject, .expires_us = who->expires_us};
}

static void check_same_caller(const struct identified *a, const struct identified *b)
{
    const struct token_facts first = facts_of(a), second = facts_of(b);

    check_same(&first, &second);
}

static void check_refusal(const struct identified *who, const struct reason *why)
{
    REQUIRE(why->row >= identity_reasons && why->row < identity_reasons + IDENTITY_REASON_COUNT);
    REQUIRE(why->message.len > 0 && who->subject.known == 0);
    REQUIRE(strcmp(who->credential.verified, "none") == 0);
}

static bool judged(enum token_verify verify, const struct credentials *sent, struct view of_path,
                   struct identity_cache *cache, struct arena *arena, struct identity_found *ret)
{
    const struct identity_means means = {.verify = verify, .decoded = cache};
    const struct identity_request request = {
        .credentials = *sent, .project = of_path, .judged = true, .now_us = NOW_US};

    return identity_find(&means, &request, arena, ret) == IDENTITY_KNOWN;
}

/* One way to send it: cached or not, the answer is the same. */
static void check_sent(struct credentials sent, struct view path_project)
{
    struct identity_cache *cache = identity_cache_new(2);
    struct identity_found first, second;
    struct arena arena;
    bool known;

    fuzz_arena(&arena);
    REQUIRE(cache != NULL);
    known = judged(VERIFY_DECODE, &sent, path_project, NULL, &arena, &first);
    if (!known)
        check_refusal(&first.who, &first.why);
    else
        REQUIRE((first.who.subject.known & SUBJECT_PROJECT) != 0 &&
                view_eq(first.who.subject.project_id, path_project) &&
                first.who.expires_us > NOW_US);
    for (unsigned i = 0; i < 2; i++) {
        REQUIRE(judged(VERIFY_DECODE, &sent, path_project, cache, &arena, &second) == known);
        REQUIRE(first.why.row == second.why.row && view_eq(first.why.message, second.why.message));
        REQUIRE(strcmp(first.who.credential.digest, second.who.credential.digest) == 0);
        if (known)
            check_same_caller(&first.who, &second.who);
    }
    identity_cache_free(&cache);
    if (!judged(VERIFY_OFF, &sent, path_project, NULL, &arena, &second))
        check_refusal(&second.who, &second.why);
    else
        REQUIRE(second.who.subject.known == 0);
    arena_done(&arena);
}

static void check_all_ways(struct view token)
{
    char *bearer = malloc(token.len + 7);

    REQUIRE(bearer != NULL);
    memcpy(bearer, "Bearer ", 7);
    memcpy(bearer + 7, token.ptr, token.len);
    check_sent((struct credentials){.token = token, .token_count = 1}, project);
    check_sent((struct credentials){.token = token, .token_count = 1}, VIEW("other"));
    check_sent((struct credentials){.authorization = view_of(bearer, token.len + 7),
                                    .authorization_count = 1},
               project);
    check_sent((struct credentials){.authorization = token, .authorization_count = 1}, project);
    check_sent((struct credentials){.token = token,
                                    .token_count = 1,
                                    .project = view_of(token.ptr, token.len % 40),
                                    .project_count = 1},
               project);
    free(bearer);
}

/* A pinned certificate whose key signs nothing. */
static struct cms_keys *make_keys(void)
{
    char path[] = "/tmp/postern-fuzz-XXXXXX";
    const int fd = mkstemp(path);
    FILE *const file = fd < 0 ? NULL : fdopen(fd, "w");
    EVP_PKEY *const key = EVP_EC_gen("P-256");
    X509 *const certificate = X509_new();
    struct cms_keys *keys;
    struct err err;

    REQUIRE(file != NULL && key != NULL && certificate != NULL);
    (void)X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    (void)X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    REQUIRE(X509_set_pubkey(certificate, key) == 1 &&
            X509_sign(certificate, key, EVP_sha256()) > 0);
    REQUIRE(PEM_write_X509(file, certificate) == 1 && fclose(file) == 0);
    REQUIRE(cms_keys_open(path, &keys, &err) == STATUS_OK);
    (void)unlink(path);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return keys;
}

static void check_signature(struct view token, bool is_cms)
{
    static struct cms_keys *keys;
    struct token_facts facts;
    struct arena arena;
    int64_t until_us;
    enum cms_verdict verdict;

    if (keys == NULL)
        keys = make_keys();
    fuzz_arena(&arena);
    verdict = cms_read(keys, token, NOW_US, &arena, &facts, &until_us);
    REQUIRE(verdict == CMS_MALFORMED || (is_cms && (verdict == CMS_WEAK || verdict == CMS_FORGED)));
    arena_done(&arena);
}

static void check_token(struct view token)
{
    char *exact = malloc(token.len == 0 ? 1 : token.len);
    struct token_facts facts, again;
    struct arena arena;
    struct view json;
    enum status status;

    REQUIRE(exact != NULL);
    memcpy(exact, token.ptr, token.len);
    token.ptr = exact;
    fuzz_arena(&arena);
    status = identity_decode_token(token, &arena, &json);
    REQUIRE(status == STATUS_SYNTAX || (status == STATUS_OK && is_canonical(token)));
    check_signature(token, status == STATUS_OK);
    if (status == STATUS_OK && token_read_json(json, &arena, &facts) == STATUS_OK) {
        check_facts(&facts);
        REQUIRE(token_read(token, &arena, &again) == STATUS_OK);
    } else {
        REQUIRE(token_read(token, &arena, &again) == STATUS_SYNTAX);
    }
    check_all_ways(token);
    arena_done(&arena);
    free(exact);
}

/* What was put in comes out. */
static void check_wrapped(struct view json)
{
    static struct bytes der, text;
    struct arena arena;
    struct view out, token;

    fuzz_arena(&arena);
    make_der(json, &der);
    write_base64(&der, &text);
    token = view_of((const char *)text.at, text.len);
    if (token.len <= TOKEN_BYTES_MAX) {
        REQUIRE(identity_decode_token(token, &arena, &out) == STATUS_OK);
        REQUIRE(view_eq(out, json));
    } else {
        REQUIRE(identity_decode_token(token, &arena, &out) == STATUS_SYNTAX);
    }
    check_token(token);
    arena_done(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct bytes der, text;
    struct view input = fuzz_input(data, size);

    if (size == 0 || size > TOKEN_BYTES_MAX) {
        return 0;
    } else if (input.ptr[0] == '{') {
        check_wrapped(input);
    } else if (input.ptr[0] == '0') {
        memcpy(der.at, data, size);
        der.len = size;
        write_base64(&der, &text);
        check_token(view_of((const char *)text.at, text.len));
    } else {
        check_token(input);
    }
    return 0;
}
