/* SPDX-License-Identifier: Apache-2.0
 * Ed25519 by OpenSSL's EVP. Keys are kept as their raw bytes: values that threads can share and
 * copy. OpenSSL's own object is made for each call, which costs less than a signature does. */
#include "base/ed25519.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "base/fd.h"
#include "base/secret_file.h"

enum { FILE_MAX_BYTES = 16 * 1024, SPKI_PREFIX_BYTES = 12 };

/* What stands before the 32 bytes in a SubjectPublicKeyInfo (RFC 8410, section 4). */
static const unsigned char spki_prefix[SPKI_PREFIX_BYTES] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
                                                             0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};

void ed25519_set_public(const unsigned char bytes[ED25519_KEY_BYTES], struct ed25519_public *ret)
{
    char der[SPKI_PREFIX_BYTES + ED25519_KEY_BYTES];

    memcpy(der, spki_prefix, sizeof spki_prefix);
    memcpy(der + sizeof spki_prefix, bytes, ED25519_KEY_BYTES);
    memcpy(ret->bytes, bytes, sizeof ret->bytes);
    digest_sha256_hex(view_of(der, sizeof der), ret->id);
    ret->id[DIGEST_HEX_BYTES] = '\0';
}

void ed25519_wipe(struct ed25519_private *key)
{
    explicit_bzero(key, sizeof *key);
}

/* Never ask a person on the terminal: an encrypted key is an error. */
static int no_passphrase(char *out, int size, int writing, void *user) /* NOLINT: OpenSSL's type */
{
    (void)out;
    (void)size;
    (void)writing;
    (void)user;
    return -1;
}

static enum status check_kind(const char *path, const EVP_PKEY *key, struct err *err)
{
    const char *kind = EVP_PKEY_get0_type_name(key);

    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519)
        return STATUS_OK;
    return err_set(err, STATUS_INVALID,
                   "%s: expected an Ed25519 key, found one for %s; `openssl genpkey -algorithm "
                   "ed25519` makes the right one",
                   path, kind == NULL ? "something else" : kind);
}

static EVP_PKEY *private_object(const struct ed25519_private *key)
{
    return EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, key->seed, sizeof key->seed);
}

enum status ed25519_set_private(const unsigned char seed[ED25519_KEY_BYTES],
                                struct ed25519_private *ret)
{
    struct ed25519_private key CLEANUP(ed25519_wipe) = {.seed = {0}};
    unsigned char public[ED25519_KEY_BYTES];
    size_t len = sizeof public;
    EVP_PKEY *object;
    bool good;

    memcpy(key.seed, seed, sizeof key.seed);
    object = private_object(&key);
    good = object != NULL && EVP_PKEY_get_raw_public_key(object, public, &len) == 1;
    EVP_PKEY_free(object);
    if (!good)
        return STATUS_NOMEM;
    ed25519_set_public(public, &key.public);
    *ret = key;
    return STATUS_OK;
}

/* The private half of a PEM text. */
static enum status read_private(const char *path, struct view pem, struct ed25519_private *ret,
                                struct err *err)
{
    BIO *in = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    EVP_PKEY *key = in == NULL ? NULL : PEM_read_bio_PrivateKey(in, NULL, no_passphrase, NULL);
    size_t len = ED25519_KEY_BYTES;
    enum status status;

    BIO_free(in);
    ERR_clear_error();
    if (key == NULL)
        return err_set(err, in == NULL ? STATUS_NOMEM : STATUS_SYNTAX,
                       "%s: holds no unencrypted PEM private key", path);
    status = check_kind(path, key, err);
    if (status == STATUS_OK && (EVP_PKEY_get_raw_private_key(key, ret->seed, &len) != 1 ||
                                ed25519_set_private(ret->seed, ret) != STATUS_OK))
        status = err_set(err, STATUS_NOMEM, "%s: the key can't be taken out", path);
    EVP_PKEY_free(key);
    return status;
}

enum status ed25519_load_private(const char *path, struct ed25519_private *ret, struct err *err)
{
    struct secret_bytes bytes CLEANUP(secret_bytes_wipe) = {.ptr = NULL};
    struct ed25519_private key CLEANUP(ed25519_wipe) = {.seed = {0}};
    enum status status = secret_file_read(path, FILE_MAX_BYTES, &bytes, err);

    if (status == STATUS_OK)
        status = read_private(path, view_of(bytes.ptr, bytes.len), &key, err);
    if (status == STATUS_OK)
        *ret = key;
    return status;
}

/* By its words: what OpenSSL can't read behind the first was to be a key as well. */
static bool has_several(struct view pem)
{
    static const char begin[] = "-----BEGIN PUBLIC KEY-----";
    const char *first = memmem(pem.ptr, pem.len, begin, sizeof begin - 1);

    return first != NULL && memmem(first + 1, (size_t)(pem.ptr + pem.len - first) - 1, begin,
                                   sizeof begin - 1) != NULL;
}

enum status ed25519_read_public(const char *path, struct view pem, struct ed25519_public *ret,
                                struct err *err)
{
    BIO *in = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    EVP_PKEY *key = in == NULL ? NULL : PEM_read_bio_PUBKEY(in, NULL, no_passphrase, NULL);
    unsigned char bytes[ED25519_KEY_BYTES];
    size_t len = sizeof bytes;
    enum status status;

    BIO_free(in);
    ERR_clear_error();
    if (key == NULL)
        return err_set(err, in == NULL ? STATUS_NOMEM : STATUS_SYNTAX,
                       "%s: holds no PEM public key (BEGIN PUBLIC KEY); `openssl pkey -in KEY "
                       "-pubout` writes it",
                       path);
    status = check_kind(path, key, err);
    if (status == STATUS_OK && has_several(pem))
        status = err_set(err, STATUS_INVALID,
                         "%s: holds more than one public key; give each in a file of its own, in "
                         "the order in which they were used: --key OLD --key NEW",
                         path);
    if (status == STATUS_OK && EVP_PKEY_get_raw_public_key(key, bytes, &len) != 1)
        status = err_set(err, STATUS_NOMEM, "%s: the key can't be taken out", path);
    EVP_PKEY_free(key);
    if (status == STATUS_OK)
        ed25519_set_public(bytes, ret);
    return status;
}

enum status ed25519_load_public(const char *path, struct ed25519_public *ret, struct err *err)
{
    /* O_NONBLOCK: opening a named pipe must not wait for its other end. */
    int fd CLEANUP(fd_close) = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    char text[FILE_MAX_BYTES + 1];
    ssize_t len = fd < 0 ? -1 : fd_read(fd, text, sizeof text);

    if (len < 0)
        return err_set_errno(err, errno, "%s", path);
    if (len > FILE_MAX_BYTES)
        return err_set(err, STATUS_LIMIT, "%s: has more than %d bytes", path, FILE_MAX_BYTES);
    return ed25519_read_public(path, view_of(text, (size_t)len), ret, err);
}

enum status ed25519_sign(const struct ed25519_private *key, struct view text,
                         unsigned char out[ED25519_SIGNATURE_BYTES])
{
    EVP_PKEY *object = private_object(key);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    size_t len = ED25519_SIGNATURE_BYTES;
    bool good = object != NULL && ctx != NULL &&
                EVP_DigestSignInit(ctx, NULL, NULL, NULL, object) == 1 &&
                EVP_DigestSign(ctx, out, &len, (const unsigned char *)text.ptr, text.len) == 1;

    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(object);
    ERR_clear_error();
    return good ? STATUS_OK : STATUS_NOMEM;
}

bool ed25519_verify(const struct ed25519_public *key, struct view text,
                    const unsigned char signature[ED25519_SIGNATURE_BYTES])
{
    EVP_PKEY *object =
        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key->bytes, sizeof key->bytes);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool good = object != NULL && ctx != NULL &&
                EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, object) == 1 &&
                EVP_DigestVerify(ctx, signature, ED25519_SIGNATURE_BYTES,
                                 (const unsigned char *)text.ptr, text.len) == 1;

    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(object);
    ERR_clear_error();
    return good;
}
