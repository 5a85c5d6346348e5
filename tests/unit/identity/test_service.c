/* SPDX-License-Identifier: Apache-2.0
 * The gateway's own credential: files that are read, refused, and read again. */
#include "support/test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/buffer.h"
#include "identity/service.h"

#include "token_support.h"

#define PROJECT "0123456789abcdef0123456789abcdef"
#define OTHER   "00000000000000000000000000000002"

static struct arena arena;
static char folder[] = "/tmp/service-XXXXXX";
static char path[sizeof folder + 16];

static int set_up_all(void **state)
{
    if (token_signer_setup(state) != 0 || mkdtemp(folder) == NULL)
        return -1;
    (void)snprintf(path, sizeof path, "%s/file", folder);
    return 0;
}

static int tear_down_all(void **state)
{
    (void)unlink(path);
    (void)rmdir(folder);
    return token_signer_teardown(state);
}

/* A new file in the place of the old one. */
static void write_file(struct view text, mode_t mode)
{
    int fd;

    (void)unlink(path);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text.ptr, text.len), (ssize_t)text.len);
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(close(fd), 0);
}

static struct view token_of(const char *project)
{
    struct view json = arena_printf(
        &arena,
        "{\"token\":{\"expires_at\":\"2036-01-03T03:04:05.000000Z\",\"issued_at\":"
        "\"2026-01-02T03:04:05.000000Z\",\"methods\":[\"password\"],\"roles\":[],\"project\":"
        "{\"id\":\"%s\",\"name\":\"eu-de\",\"domain\":{\"id\":\"d\",\"name\":\"dn\"}},\"user\":"
        "{\"id\":\"u\",\"name\":\"n\",\"domain\":{\"id\":\"d\",\"name\":\"dn\"}}}}",
        project);

    return token_make(json, &arena);
}

static struct service_credential *open_file(bool is_key)
{
    struct service_settings settings = {.token_file = is_key ? NULL : path,
                                        .access_key_file = is_key ? path : NULL};
    struct service_credential *service = NULL;
    struct err err = {0};

    if (service_open(&settings, &service, &err) != STATUS_OK)
        fail_msg("%s", err.text);
    return service;
}

static struct service_field fields[SERVICE_FIELDS_MAX];
static size_t field_count;
static struct err why;

static enum status ask(struct service_credential *service)
{
    const struct service_request request = {.method = VIEW("GET"),
                                            .path = VIEW("/v1/" PROJECT "/notebooks/all"),
                                            .query = VIEW("offset=0&limit=50"),
                                            .host = VIEW("cloud.example"),
                                            .project = VIEW(PROJECT),
                                            .now_us = INT64_C(1767323045000000)};

    return service_fields(service, &request, &arena, fields, &field_count, &why);
}

static struct view field(const char *name)
{
    for (size_t i = 0; i < field_count; i++) {
        if (view_eq(fields[i].name, view_str(name)))
            return fields[i].value;
    }
    return VIEW_NONE;
}

static void test_token(void **state)
{
    struct view token = token_of(PROJECT);
    struct service_credential *service;

    (void)state;
    write_file(arena_printf(&arena, "%.*s\r\n\n", VIEW_ARGS(token)), 0600);
    service = open_file(false);
    assert_view(service_project(service), PROJECT);
    assert_false(service_is_key(service));
    assert_int_equal(ask(service), STATUS_OK);
    assert_int_equal(field_count, 2);
    assert_view_eq(field("X-Auth-Token"), token);
    assert_view(field("X-Project-Id"), PROJECT);
    service_free(&service);
    assert_null(service);
    service_free(&service);
}

static void test_token_that_says_nothing(void **state)
{
    struct service_credential *service;

    (void)state;
    write_file(VIEW("0123456789abcdef"), 0400);
    service = open_file(false);
    assert_null(service_project(service).ptr);
    assert_int_equal(ask(service), STATUS_OK);
    assert_view(field("X-Auth-Token"), "0123456789abcdef");
    service_free(&service);
}

static void test_token_that_changes(void **state)
{
    struct service_credential *service;

    (void)state;
    write_file(token_of(PROJECT), 0600);
    service = open_file(false);
    write_file(token_of(OTHER), 0600);
    assert_int_equal(ask(service), STATUS_OK);
    assert_view_eq(field("X-Auth-Token"), token_of(OTHER));
    assert_view(service_project(service), OTHER);

    write_file(VIEW("two words"), 0600);
    assert_int_equal(ask(service), STATUS_IO);
    assert_non_null(strstr(why.text, path));
    assert_null(strstr(why.text, "two words"));
    assert_int_equal(ask(service), STATUS_IO);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(ask(service), STATUS_IO);

    write_file(VIEW("again"), 0600);
    assert_int_equal(ask(service), STATUS_OK);
    assert_view(field("X-Auth-Token"), "again");
    assert_int_equal(chmod(path, 0640), 0);
    write_file(VIEW("other"), 0640);
    assert_int_equal(ask(service), STATUS_IO);
    assert_non_null(strstr(why.text, "0640"));
    service_free(&service);
}

static void test_key(void **state)
{
    struct service_credential *service;

    (void)state;
    write_file(VIEW("# of the gateway\n---\naccess_key: EXAMPLEAK\nsecret_key: \"EXAMPLESK\"\n"),
               0600);
    service = open_file(true);
    assert_null(service_project(service).ptr);
    assert_true(service_is_key(service));
    assert_int_equal(ask(service), STATUS_OK);
    assert_int_equal(field_count, 3);
    assert_view(field("X-Sdk-Date"), "20260102T030405Z");
    assert_true(view_starts(
        field("Authorization"),
        VIEW("SDK-HMAC-SHA256 Access=EXAMPLEAK, SignedHeaders=host;x-project-id;x-sdk-date, "
             "Signature=")));

    write_file(VIEW("access_key: A\r\nsecret_key: 'S'\r\nsecurity_token: TOKEN\r\n\r\n"), 0600);
    assert_int_equal(ask(service), STATUS_OK);
    assert_int_equal(field_count, 4);
    assert_view(field("X-Security-Token"), "TOKEN");
    assert_true(view_starts(field("Authorization"),
                            VIEW("SDK-HMAC-SHA256 Access=A, SignedHeaders=host;x-project-id;"
                                 "x-sdk-date;x-security-token, Signature=")));
    service_free(&service);
}

static void test_files_that_are_refused(void **state)
{
    static const struct {
        const char *text, *why;
        bool is_key;
        mode_t mode;
    } rows[] = {
        {"", "must hold 1 to", false, 0600},
        {"\n", "must hold one token", false, 0600},
        {"a b", "must hold one token", false, 0600},
        {"a\tb", "must hold one token", false, 0600},
        {"a\nb", "must hold one token", false, 0600},
        {"caf\xc3\xa9", "must hold one token", false, 0600},
        {"token", "has mode 0644, needs 0600 or 0400", false, 0644},
        {"token", "has mode 0640, needs 0600 or 0400", false, 0640},
        {"token", "has mode 0700, needs 0600 or 0400", false, 0700},
        {"access_key: A\nsecret_key: S\n", "has mode 0604", true, 0604},
        {"access_key: A\n", "needs access_key and secret_key", true, 0600},
        {"secret_key: A\n", "needs access_key and secret_key", true, 0600},
        {"access_key: A\naccess_key: A\n", "file:2: must be", true, 0600},
        {"access_key: A\nsecret: S\n", "file:2: must be", true, 0600},
        {"access_key:A\n", "file:1: must be", true, 0600},
        {"access_key:\n", "file:1: must be", true, 0600},
        {"access_key: A B\n", "file:1: must be", true, 0600},
        {" access_key: A\n", "file:1: must be", true, 0600},
        {"access_key\n", "file:1: must be", true, 0600},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct service_settings settings = {.token_file = rows[i].is_key ? NULL : path,
                                            .access_key_file = rows[i].is_key ? path : NULL};
        struct service_credential *service = NULL;
        struct err err = {0};

        write_file(view_str(rows[i].text), rows[i].mode);
        assert_row(service_open(&settings, &service, &err) == STATUS_INVALID, rows[i].text);
        assert_row(strstr(err.text, rows[i].why) != NULL && service == NULL, err.text);
    }
}

static void test_settings_that_are_refused(void **state)
{
    struct service_settings both = {.token_file = path, .access_key_file = path};
    struct service_settings none = {0}, dir = {.token_file = folder};
    struct service_settings missing = {.token_file = "/nonexistent/token"};
    struct service_credential *service = NULL;
    struct err err = {0};

    (void)state;
    assert_int_equal(service_open(&both, &service, &err), STATUS_INVALID);
    assert_int_equal(service_open(&none, &service, &err), STATUS_INVALID);
    assert_int_equal(service_open(&dir, &service, &err), STATUS_INVALID);
    assert_int_equal(service_open(&missing, &service, &err), STATUS_IO);
    assert_non_null(strstr(err.text, "/nonexistent/token"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_token),
        cmocka_unit_test(test_token_that_says_nothing),
        cmocka_unit_test(test_token_that_changes),
        cmocka_unit_test(test_key),
        cmocka_unit_test(test_files_that_are_refused),
        cmocka_unit_test(test_settings_that_are_refused),
    };
    int failed;

    arena_init(&arena, 1 << 14, 1 << 22);
    failed = cmocka_run_group_tests(tests, set_up_all, tear_down_all);
    arena_done(&arena);
    return failed;
}
