/* SPDX-License-Identifier: Apache-2.0
 * Ed25519 against the vectors of RFC 8032, section 7.1, and key files of every wrong kind. */
#include "support/test.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ed25519.h"

static const struct {
    const char *name, *seed, *public, *text, *signature;
} vectors[] = {
    {"TEST 1", "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b"
     "46bd25bf5f0595bbe24655141438e7a100b"},
    {"TEST 2", "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11"
     "d8c387b2eaeb4302aeeb00d291612bb0c00"},
    {"TEST 3", "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc"
     "6594a7c15e9716ed28dc027beceea1ec40a"},
    {"TEST SHA(abc)", "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
     "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
     "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3fee"
     "bbd454d4423643ce80e2a9ac94fa54ca49f",
     "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e"
     "0303dca179c138ac17ad9bef1177331a704"},
};

/* The key of TEST 1, as OpenSSL writes it. */
static const char private_pem[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
    "-----END PRIVATE KEY-----\n";
#define PUBLIC_PEM                                                   \
    "-----BEGIN PUBLIC KEY-----\n"                                   \
    "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n" \
    "-----END PUBLIC KEY-----\n"
static const char public_pem[] = PUBLIC_PEM;
/* `openssl pkey -pubin -outform DER | sha256sum` of it. */
static const char public_id[] = "06e3fd8fda29bb60ab59557de61edb0aecdb231134be30e75b455f8e1b792fa9";
/* The same key under a passphrase; a key for X25519, one for P-256. */
static const char encrypted_pem[] =
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
    "MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAhrkxbZa6k+PAICCAAw\n"
    "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEM0JEb2QT+1f5lVB65M4K1EEQBln\n"
    "bW+2KCWSXETDifZhachuWw2ik4wRx/zIst4rOZSm4MCJ4AH5NeVJ2u09ROYvr4gb\n"
    "LRoYnehz3yot4xdGF+0=\n"
    "-----END ENCRYPTED PRIVATE KEY-----\n";
static const char x25519_pem[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VuBCIEIOAprRx22fVLiNKxnFQMaSFUXlNIuziMAH9jx+BMzd1v\n"
    "-----END PRIVATE KEY-----\n";
static const char p256_pem[] = "-----BEGIN PRIVATE KEY-----\n"
                               "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgXcsYw+IHvHVF51JA\n"
                               "YtXynQa51AgaaEGp1hHMDzQkWwKhRANCAASJm2HFlepdPkQw+eSvahwnvnmg8OlS\n"
                               "psIgqJ/gtY0OosMEJnDJNKsEvi7OFp+iVUzhJthDPPYEEfnTwzJ5x/3R\n"
                               "-----END PRIVATE KEY-----\n";
static const char p256_public_pem[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEiZthxZXqXT5EMPnkr2ocJ755oPDp\n"
    "UqbCIKif4LWNDqLDBCZwyTSrBL4uzhafolVM4SbYQzz2BBH508Myecf90Q==\n"
    "-----END PUBLIC KEY-----\n";

static size_t unhex(const char *hex, unsigned char *out)
{
    size_t len = strlen(hex) / 2;

    for (size_t i = 0; i < len; i++) {
        const char pair[3] = {hex[2 * i], hex[2 * i + 1], '\0'};

        out[i] = (unsigned char)strtoul(pair, NULL, 16);
    }
    return len;
}

static void known_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        unsigned char seed[32], public[32], text[64], want[64], got[64];
        struct ed25519_private key;
        struct ed25519_public other;
        struct view said;

        (void)unhex(vectors[i].seed, seed);
        (void)unhex(vectors[i].public, public);
        (void)unhex(vectors[i].signature, want);
        said = view_of((const char *)text, unhex(vectors[i].text, text));
        assert_int_equal(ed25519_set_private(seed, &key), STATUS_OK);
        ed25519_set_public(public, &other);
        assert_row(memcmp(key.public.bytes, public, 32) == 0, vectors[i].name);
        assert_string_equal(key.public.id, other.id);
        assert_int_equal(ed25519_sign(&key, said, got), STATUS_OK);
        assert_row(memcmp(got, want, 64) == 0, vectors[i].name);
        assert_row(ed25519_verify(&other, said, want), vectors[i].name);
        want[63] ^= 0x10;
        assert_row(!ed25519_verify(&other, said, want), vectors[i].name);
        assert_row(!ed25519_verify(&other, VIEW("else"), got), vectors[i].name);
    }
}

/* ---- files ---- */

static char path[64];

static int set_up(void **state)
{
    int fd;

    (void)state;
    (void)snprintf(path, sizeof path, "/tmp/ed25519-test-XXXXXX");
    fd = mkstemp(path);
    assert_true(fd >= 0);
    (void)close(fd);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    (void)unlink(path);
    return 0;
}

static void write_file(const char *text, mode_t mode)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static void key_files_of_openssl_load(void **state)
{
    struct ed25519_private private;
    struct ed25519_public public;
    unsigned char signature[64], want[64];
    struct err err;

    (void)state;
    write_file(private_pem, 0600);
    assert_int_equal(ed25519_load_private(path, &private, &err), STATUS_OK);
    write_file("a comment\n" PUBLIC_PEM "and one behind it\n", 0644);
    assert_int_equal(ed25519_load_public(path, &public, &err), STATUS_OK);
    write_file(public_pem, 0644);
    assert_int_equal(ed25519_load_public(path, &public, &err), STATUS_OK);
    assert_string_equal(public.id, public_id);
    assert_string_equal(private.public.id, public_id);
    assert_int_equal(ed25519_sign(&private, VIEW(""), signature), STATUS_OK);
    (void)unhex(vectors[0].signature, want);
    assert_memory_equal(signature, want, sizeof want);
    ed25519_wipe(&private);
    for (size_t i = 0; i < sizeof private; i++)
        assert_int_equal(((const unsigned char *)&private)[i], 0);
}

static void other_private_files_are_refused(void **state)
{
    static const struct {
        const char *what, *text;
        mode_t mode;
        enum status status;
        const char *why;
    } rows[] = {
        {"others may read it", private_pem, 0644, STATUS_INVALID, "chmod 600"},
        {"its group may read it", private_pem, 0640, STATUS_INVALID, "chmod 600"},
        {"encrypted", encrypted_pem, 0600, STATUS_SYNTAX, "no unencrypted PEM private key"},
        {"X25519", x25519_pem, 0600, STATUS_INVALID,
         "expected an Ed25519 key, found one for X25519"},
        {"P-256", p256_pem, 0600, STATUS_INVALID, "expected an Ed25519 key, found one for EC"},
        {"public", public_pem, 0600, STATUS_SYNTAX, "no unencrypted PEM private key"},
        {"garbage", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", 0600,
         STATUS_SYNTAX, "no unencrypted PEM private key"},
        {"empty", "", 0600, STATUS_SYNTAX, "no unencrypted PEM private key"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ed25519_private key = {.seed = {7}};
        struct err err;

        write_file(rows[i].text, rows[i].mode);
        assert_row(ed25519_load_private(path, &key, &err) == rows[i].status, rows[i].what);
        assert_row(strstr(err.text, rows[i].why) != NULL && strstr(err.text, path) != NULL,
                   rows[i].what);
        assert_int_equal(key.seed[0], 7);
    }
}

static void other_public_files_are_refused(void **state)
{
    static const struct {
        const char *what, *text;
        enum status status;
        const char *why;
    } rows[] = {
        {"private", private_pem, STATUS_SYNTAX, "no PEM public key"},
        {"P-256", p256_public_pem, STATUS_INVALID, "expected an Ed25519 key, found one for EC"},
        {"garbage", "seal", STATUS_SYNTAX, "no PEM public key"},
        {"the same twice", PUBLIC_PEM PUBLIC_PEM, STATUS_INVALID, "more than one public key"},
        {"another behind a comment",
         PUBLIC_PEM "another\n-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
         STATUS_INVALID, "more than one public key"},
        {"half of another", PUBLIC_PEM "-----BEGIN PUBLIC KEY-----\nMCow", STATUS_INVALID,
         "more than one public key"},
    };
    struct ed25519_public key;
    struct err err;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        write_file(rows[i].text, 0644);
        assert_row(ed25519_load_public(path, &key, &err) == rows[i].status, rows[i].what);
        assert_row(strstr(err.text, rows[i].why) != NULL && strstr(err.text, path) != NULL,
                   rows[i].what);
    }
}

static void files_have_a_limit(void **state)
{
    struct ed25519_private private;
    struct ed25519_public public;
    struct err err;
    char *text = calloc(1, 20000);

    (void)state;
    assert_non_null(text);
    /* Text before the PEM block is a comment: at the limit it loads, behind it not. */
    memset(text, '#', 16384);
    text[16384 - sizeof public_pem] = '\n';
    memcpy(text + 16385 - sizeof public_pem, public_pem, sizeof public_pem);
    write_file(text, 0644);
    assert_int_equal(ed25519_load_public(path, &public, &err), STATUS_OK);
    memcpy(text + 16384, "\n", 2);
    write_file(text, 0644);
    assert_int_equal(ed25519_load_public(path, &public, &err), STATUS_LIMIT);
    write_file(text, 0600);
    assert_int_equal(ed25519_load_private(path, &private, &err), STATUS_LIMIT);
    free(text);
}

static void no_regular_file_is_refused(void **state)
{
    struct ed25519_private private;
    struct ed25519_public public;
    struct err err;

    (void)state;
    assert_int_equal(ed25519_load_private("/dev/null", &private, &err), STATUS_INVALID);
    assert_int_equal(ed25519_load_private("/", &private, &err), STATUS_INVALID);
    assert_int_equal(ed25519_load_public("/", &public, &err), STATUS_IO);
    assert_int_equal(ed25519_load_private("/nowhere/k", &private, &err), STATUS_IO);
    assert_int_equal(ed25519_load_public("/nowhere/k", &public, &err), STATUS_IO);
}

#define FILE_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers),
        FILE_TEST(key_files_of_openssl_load),
        FILE_TEST(other_private_files_are_refused),
        FILE_TEST(other_public_files_are_refused),
        FILE_TEST(files_have_a_limit),
        cmocka_unit_test(no_regular_file_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
