/* SPDX-License-Identifier: Apache-2.0
 * The small readers: positions, heads of lines, header files. */
#include "support/test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sinks/head.h"
#include "sinks/headers.h"
#include "sinks/position.h"

#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static char root[] = "/tmp/sinks-position-XXXXXX";
static int dir_fd;

static int set_up(void **state)
{
    (void)state;
    memcpy(root + sizeof root - 7, "XXXXXX", 6);
    assert_non_null(mkdtemp(root));
    dir_fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    (void)unlinkat(dir_fd, "one.position", 0);
    (void)unlinkat(dir_fd, "fields", 0);
    (void)close(dir_fd);
    (void)rmdir(root);
    return 0;
}

static void put(const char *name, const char *bytes, mode_t mode)
{
    const int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

    assert_int_equal(write(fd, bytes, strlen(bytes)), strlen(bytes));
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(close(fd), 0);
}

static void what_was_written_is_read(void **state)
{
    const struct position position = {.seq = 7,
                                      .next = {.segment = 1, .offset = 1234, .line = 8},
                                      .hash = HASH,
                                      .first = 8,
                                      .last = 20,
                                      .id = "gw.example/8-20-0123456789abcdef"};
    struct position got;
    struct stat facts;
    struct err err;
    bool found;

    (void)state;
    assert_int_equal(position_read(dir_fd, "one", &got, &found, &err), STATUS_OK);
    assert_false(found);
    assert_int_equal(position_write(dir_fd, "one", &position, &err), STATUS_OK);
    assert_int_equal(position_read(dir_fd, "one", &got, &found, &err), STATUS_OK);
    assert_true(found);
    assert_int_equal(got.seq, 7);
    assert_int_equal(got.next.offset, 1234);
    assert_int_equal(got.next.line, 8);
    assert_string_equal(got.hash, HASH);
    assert_int_equal(got.first, 8);
    assert_int_equal(got.last, 20);
    assert_string_equal(got.id, "gw.example/8-20-0123456789abcdef");
    assert_int_equal(fstatat(dir_fd, "one.position", &facts, 0), 0);
    assert_int_equal(facts.st_mode & 0777, 0600);
}

static void what_stands_in_the_way_goes(void **state)
{
    const struct position anew = {.seq = 0};
    struct position got;
    struct err err;
    bool found;

    (void)state;
    put("one.position.next", "half of", 0600);
    assert_int_equal(position_write(dir_fd, "one", &anew, &err), STATUS_OK);
    assert_int_equal(symlinkat("/nowhere/at/all", dir_fd, "one.position.next"), 0);
    assert_int_equal(position_write(dir_fd, "one", &anew, &err), STATUS_OK);
    assert_int_equal(mkfifoat(dir_fd, "one.position.next", 0600), 0);
    assert_int_equal(position_write(dir_fd, "one", &anew, &err), STATUS_OK);
    assert_int_equal(position_read(dir_fd, "one", &got, &found, &err), STATUS_OK);
    assert_true(found);
}

static void what_is_no_position_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "{",
        "[]",
        "{\"v\":2,\"seq\":0,\"segment\":0,\"offset\":0,\"line\":0,\"hash\":\"\"}",
        "{\"v\":1,\"seq\":5,\"segment\":0,\"offset\":0,\"line\":0,\"hash\":\"\"}",
        "{\"v\":1,\"seq\":5,\"segment\":1,\"offset\":9,\"line\":2,\"hash\":\"12\"}",
        "{\"v\":1,\"seq\":-5,\"segment\":1,\"offset\":9,\"line\":2,\"hash\":\"" HASH "\"}",
        "{\"v\":1,\"seq\":5,\"segment\":1,\"offset\":9,\"line\":2,\"hash\":\"" HASH
        "\",\"batch\":{\"first\":9,\"last\":8}}",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct position got;
        struct err err;
        bool found;

        put("one.position", bad[i], 0600);
        assert_int_not_equal(position_read(dir_fd, "one", &got, &found, &err), STATUS_OK);
    }
}

#define HEAD "{\"v\":1,\"seq\":12,\"prev\":\"" HASH "\",\"time\":\"2026-01-02T03:04:05.000006Z\","

static void a_head_is_five_members_in_their_order(void **state)
{
    const struct view bad[] = {
        VIEW(""),
        VIEW("{}"),
        VIEW(HEAD "\"event\":\"intent\""),
        VIEW(HEAD "\"id\":\"1\",\"event\":\"intent\"}"),
        VIEW("{\"v\":2,\"seq\":12}"),
        VIEW("{\"v\":1,\"seq\":0,\"prev\":\"" HASH
             "\",\"time\":\"2026-01-02T03:04:05Z\",\"event\":\"x\"}"),
        VIEW("{\"v\":1,\"seq\":1,\"prev\":\"12\",\"time\":\"2026-01-02T03:04:05Z\",\"event\":"
             "\"x\"}"),
        VIEW("{\"v\":1,\"seq\":1,\"prev\":\"" HASH "\",\"time\":\"now\",\"event\":\"x\"}"),
    };
    struct line_head head;

    (void)state;
    assert_true(line_head_read(VIEW(HEAD "\"event\":\"intent\",\"id\":\"1\"}"), &head));
    assert_int_equal(head.seq, 12);
    assert_true(view_eq(head.prev, VIEW(HASH)));
    assert_true(view_eq(head.event, VIEW("intent")));
    assert_int_equal(head.time_us % 1000000, 6);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(line_head_read(bad[i], &head));
}

static enum status read_fields(const char *bytes, mode_t mode, struct buf *out, struct err *err)
{
    char path[64];

    put("fields", bytes, mode);
    (void)snprintf(path, sizeof path, "%s/fields", root);
    buf_init(out, (size_t)2 * HEADERS_BYTES_MAX);
    return headers_read(path, out, err);
}

static void fields_of_a_file_go_out_as_they_stand(void **state)
{
    struct buf out;
    struct err err;

    (void)state;
    assert_int_equal(
        read_fields("# who we are\n\nAuthorization: Bearer s3cret.x\r\nX-Tenant:  a b \n", 0600,
                    &out, &err),
        STATUS_OK);
    assert_true(
        view_eq(buf_view(&out), VIEW("Authorization: Bearer s3cret.x\r\nX-Tenant: a b\r\n")));
    buf_done(&out);
}

static void bad_fields_are_refused_without_a_word_of_them(void **state)
{
    static const struct {
        const char *bytes;
        mode_t mode;
        const char *says;
    } bad[] = {
        {"Authorization: s3cret\n", 0640, "mode 0640"},
        {"X: 1\ns3cret\n", 0600, "fields:2: expected"},
        {"s3cret s3cret: 1\n", 0600, "fields:1: expected"},
        {"X: s3cret\x01\n", 0600, "visible"},
        {"X:\n", 0600, "visible"},
        {"Content-Length: 5\n", 0600, "own"},
        {"HOST: s3cret\n", 0600, "own"},
        {"Postern-Batch: s3cret\n", 0600, "own"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct buf out;
        struct err err;

        assert_int_not_equal(read_fields(bad[i].bytes, bad[i].mode, &out, &err), STATUS_OK);
        assert_non_null(strstr(err.text, bad[i].says));
        assert_null(strstr(err.text, "s3cret"));
        buf_done(&out);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_written_is_read),
        TEST(what_stands_in_the_way_goes),
        TEST(what_is_no_position_is_refused),
        TEST(a_head_is_five_members_in_their_order),
        TEST(fields_of_a_file_go_out_as_they_stand),
        TEST(bad_fields_are_refused_without_a_word_of_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
