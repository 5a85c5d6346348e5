/* SPDX-License-Identifier: Apache-2.0
 * Loading TLS settings: every file fault has its own words, and a failed reload changes nothing. */
#include "support/pki.h"
#include "support/test.h"

#include <stdio.h>
#include <unistd.h>

#include "base/require.h"
#include "net/tls.h"

static struct pki pki;

static void write_file(const char *name, const char *text)
{
    char path[PKI_PATH_BYTES];
    FILE *const out = fopen(pki_path(&pki, name, path), "we");

    assert_non_null(out);
    assert_true(fputs(text, out) >= 0);
    assert_int_equal(fclose(out), 0);
}

static void copy_file(const char *from, const char *to)
{
    char path[PKI_PATH_BYTES], text[8192];
    FILE *const in = fopen(pki_path(&pki, from, path), "re");
    size_t n;

    assert_non_null(in);
    n = fread(text, 1, sizeof text - 1, in);
    text[n] = '\0';
    assert_int_equal(fclose(in), 0);
    write_file(to, text);
}

/* Replaces the folder by FOLDER, so that rows can hold whole texts. */
static void check_text(const char *row, const char *got, const char *want)
{
    const size_t folder = strlen(pki.folder);
    char plain[600] = "";
    size_t used = 0;

    while (*got != '\0' && used < sizeof plain - 8) {
        if (strncmp(got, pki.folder, folder) == 0) {
            memcpy(plain + used, "FOLDER", 6);
            used += 6;
            got += folder;
        } else {
            plain[used++] = *got++;
        }
    }
    plain[used] = '\0';
    if (strncmp(plain, want, strlen(want)) != 0) {
        print_error("row \"%s\": got \"%s\", want \"%s\"\n", row, plain, want);
        fail();
    }
}

static enum status load_server(const char *certificate, const char *key, const char *ca,
                               struct net_tls **ret, struct err *err)
{
    char paths[3][PKI_PATH_BYTES];

    return net_tls_server_new(pki_path(&pki, certificate, paths[0]), pki_path(&pki, key, paths[1]),
                              ca == NULL ? NULL : pki_path(&pki, ca, paths[2]), ret, err);
}

static void test_server_files(void **state)
{
    static const struct {
        const char *name, *certificate, *key, *ca;
        enum status status;
        const char *text;
    } rows[] = {
        {"good", "good.pem", "good.key", NULL, STATUS_OK, ""},
        {"good with CA", "good.pem", "good.key", "ca.pem", STATUS_OK, ""},
        {"no certificate", "none.pem", "good.key", NULL, STATUS_IO,
         "certificate FOLDER/none.pem cannot be read: No such file or directory"},
        {"a folder", ".", "good.key", NULL, STATUS_IO, "certificate FOLDER/. is not a file"},
        {"not PEM", "junk.pem", "good.key", NULL, STATUS_SYNTAX,
         "certificate FOLDER/junk.pem cannot be used: no start line"},
        {"empty", "empty.pem", "good.key", NULL, STATUS_SYNTAX,
         "certificate FOLDER/empty.pem cannot be used: no start line"},
        {"a key as certificate", "good.key", "good.key", NULL, STATUS_SYNTAX,
         "certificate FOLDER/good.key cannot be used: no start line"},
        {"no key", "good.pem", "none.key", NULL, STATUS_IO,
         "key FOLDER/none.key cannot be read: No such file or directory"},
        {"a certificate as key", "good.pem", "good.pem", NULL, STATUS_SYNTAX,
         "key FOLDER/good.pem holds no unencrypted PEM private key: "},
        {"encrypted", "good.pem", "encrypted.key", NULL, STATUS_SYNTAX,
         "key FOLDER/encrypted.key holds no unencrypted PEM private key: "},
        {"another's key", "good.pem", "wrong.key", NULL, STATUS_INVALID,
         "key FOLDER/wrong.key does not belong to certificate FOLDER/good.pem: key values "
         "mismatch"},
        {"no CA", "good.pem", "good.key", "none.pem", STATUS_IO,
         "client_ca FOLDER/none.pem cannot be read: No such file or directory"},
        {"CA not PEM", "good.pem", "good.key", "junk.pem", STATUS_SYNTAX,
         "client_ca FOLDER/junk.pem holds no PEM certificates: "},
        {"CA empty", "good.pem", "good.key", "empty.pem", STATUS_SYNTAX,
         "client_ca FOLDER/empty.pem holds no PEM certificates: "},
    };
    struct net_tls *tls;
    struct err err;
    size_t i;

    (void)state;
    write_file("junk.pem", "not a certificate\n");
    write_file("empty.pem", "");
    for (i = 0; i < ARRAY_LEN(rows); i++) {
        tls = NULL;
        err.text[0] = '\0';
        assert_row(load_server(rows[i].certificate, rows[i].key, rows[i].ca, &tls, &err) ==
                       rows[i].status,
                   rows[i].name);
        check_text(rows[i].name, err.text, rows[i].text);
        assert_row((tls != NULL) == (rows[i].status == STATUS_OK), rows[i].name);
        net_tls_free(&tls);
        assert_null(tls);
    }
    net_tls_free(&tls);
    net_tls_free(NULL);
}

static void test_client_settings(void **state)
{
    static const struct {
        const char *name, *host, *ca;
        enum status status;
        const char *text;
    } rows[] = {
        {"system's authorities", "example.org", NULL, STATUS_OK, ""},
        {"a name", "example.org", "ca.pem", STATUS_OK, ""},
        {"IPv4", "192.0.2.1", "ca.pem", STATUS_OK, ""},
        {"IPv6", "::1", "ca.pem", STATUS_OK, ""},
        {"IPv6 in brackets", "[::1]", "ca.pem", STATUS_OK, ""},
        {"empty", "", "ca.pem", STATUS_INVALID, "the host name is empty"},
        {"empty brackets", "[]", "ca.pem", STATUS_INVALID, "the host name is empty"},
        {"no CA", "example.org", "none.pem", STATUS_IO,
         "ca_file FOLDER/none.pem cannot be read: No such file or directory"},
        {"CA not PEM", "example.org", "good.key", STATUS_SYNTAX,
         "ca_file FOLDER/good.key holds no PEM certificates: "},
    };
    char path[PKI_PATH_BYTES];
    struct net_tls *tls;
    struct err err;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(rows); i++) {
        tls = NULL;
        err.text[0] = '\0';
        assert_row(net_tls_client_new(rows[i].host,
                                      rows[i].ca == NULL ? NULL : pki_path(&pki, rows[i].ca, path),
                                      &tls, &err) == rows[i].status,
                   rows[i].name);
        check_text(rows[i].name, err.text, rows[i].text);
        net_tls_free(&tls);
    }
}

static void test_certificate_of_a_client(void **state)
{
    static const struct {
        const char *name, *certificate, *key;
        enum status status;
        const char *text;
    } rows[] = {
        {"none", NULL, NULL, STATUS_OK, ""},
        {"good", "good.pem", "good.key", STATUS_OK, ""},
        {"no certificate", "none.pem", "good.key", STATUS_IO,
         "certificate FOLDER/none.pem cannot be read: No such file or directory"},
        {"another's key", "good.pem", "wrong.key", STATUS_INVALID,
         "key FOLDER/wrong.key does not belong to certificate FOLDER/good.pem: key values "
         "mismatch"},
    };
    char ca[PKI_PATH_BYTES], certificate[PKI_PATH_BYTES], key[PKI_PATH_BYTES];

    (void)state;
    (void)pki_path(&pki, "ca.pem", ca);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const bool none = rows[i].certificate == NULL;
        struct net_tls *tls = NULL;
        struct err err = {.text = ""};

        assert_row(
            net_tls_stream_new(
                "example.org", ca, none ? NULL : pki_path(&pki, rows[i].certificate, certificate),
                none ? NULL : pki_path(&pki, rows[i].key, key), &tls, &err) == rows[i].status,
            rows[i].name);
        check_text(rows[i].name, err.text, rows[i].text);
        net_tls_free(&tls);
    }
}

static void test_reload_keeps_the_old_on_failure(void **state)
{
    struct net_tls *tls = NULL;
    struct err err;

    (void)state;
    copy_file("good.pem", "live.pem");
    copy_file("good.key", "live.key");
    assert_int_equal(load_server("live.pem", "live.key", NULL, &tls, &err), STATUS_OK);
    copy_file("wrong.pem", "live.pem"); /* caught between two files */
    assert_int_equal(net_tls_reload(tls, &err), STATUS_INVALID);
    check_text("reload", err.text, "key FOLDER/live.key does not belong to certificate");
    copy_file("wrong.key", "live.key");
    assert_int_equal(net_tls_reload(tls, &err), STATUS_OK);
    write_file("live.key", "");
    assert_int_equal(net_tls_reload(tls, &err), STATUS_SYNTAX);
    net_tls_free(&tls);
}

static int set_up(void **state)
{
    (void)state;
    pki_make(&pki);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    pki_remove(&pki);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_server_files),
        cmocka_unit_test(test_client_settings),
        cmocka_unit_test(test_certificate_of_a_client),
        cmocka_unit_test(test_reload_keeps_the_old_on_failure),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
