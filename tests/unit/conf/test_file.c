/* SPDX-License-Identifier: Apache-2.0
 * Reading files and the policy folder: caps, order, what is passed over and what is refused. */
#include "support/test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/file.h"

static char folder[64];
static struct arena arena;
static struct err err;

static int set_up(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/postern-file-XXXXXX");
    arena_init(&arena, 65536, (size_t)64 << 20);
    err = (struct err){0};
    return mkdtemp(folder) == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
    DIR *all = opendir(folder);
    const struct dirent *entry;
    char path[400];

    (void)state;
    if (all == NULL)
        return -1;
    while ((entry = readdir(all)) != NULL) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (unlink(path) != 0)
            (void)rmdir(path);
    }
    (void)closedir(all);
    arena_done(&arena);
    return rmdir(folder);
}

static const char *path_of(const char *name)
{
    const char *path = arena_printf(&arena, "%s/%s", folder, name).ptr;

    assert_non_null(path);
    return path;
}

static void make_file(const char *name, struct view bytes)
{
    int fd = open(path_of(name), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes.ptr, bytes.len), bytes.len);
    (void)close(fd);
}

static void reads_a_whole_file(void **state)
{
    struct view got;

    (void)state;
    make_file("a", VIEW("x\0y\n"));
    make_file("empty", VIEW(""));
    assert_int_equal(file_read(path_of("a"), 4, &arena, &got, &err), STATUS_OK);
    assert_view_eq(got, VIEW("x\0y\n"));
    assert_int_equal(file_read(path_of("empty"), 0, &arena, &got, &err), STATUS_OK);
    assert_int_equal(got.len, 0);
    assert_non_null(got.ptr);
}

static void follows_links(void **state)
{
    struct view got;

    (void)state;
    make_file("a", VIEW("x"));
    assert_int_equal(symlink("a", path_of("link")), 0);
    assert_int_equal(file_read(path_of("link"), 9, &arena, &got, &err), STATUS_OK);
    assert_view(got, "x");
}

static void refuses_what_it_can_not_read(void **state)
{
    struct view got = VIEW("before");

    (void)state;
    make_file("a", VIEW("12345"));
    assert_int_equal(mkfifo(path_of("pipe"), 0600), 0);
    assert_int_equal(mkdir(path_of("dir"), 0700), 0);

    assert_int_equal(file_read(path_of("a"), 4, &arena, &got, &err), STATUS_LIMIT);
    assert_true(view_ends(view_str(err.text), VIEW("/a: has 5 bytes; at most 4 may be")));
    assert_int_equal(file_read(path_of("pipe"), 4, &arena, &got, &err), STATUS_INVALID);
    assert_true(view_ends(view_str(err.text), VIEW("/pipe: not a regular file")));
    assert_int_equal(file_read(path_of("dir"), 4, &arena, &got, &err), STATUS_INVALID);
    assert_int_equal(file_read("/dev/null", 4, &arena, &got, &err), STATUS_INVALID);
    assert_int_equal(file_read(path_of("none"), 4, &arena, &got, &err), STATUS_IO);
    assert_true(view_ends(view_str(err.text), VIEW("/none: No such file or directory")));
    assert_int_equal(file_read(path_of("none"), 4, &arena, &got, NULL), STATUS_IO);
    assert_view(got, "before");
}

/* Files of /proc have no size but contents: they don't keep still. */
static void refuses_a_file_that_is_not_what_its_size_says(void **state)
{
    struct view got;

    (void)state;
    assert_int_equal(file_read("/proc/self/status", 65536, &arena, &got, &err), STATUS_IO);
    assert_true(view_ends(view_str(err.text), VIEW(": changed while it was read; try again")));
}

static void without_memory_nothing_is_read(void **state)
{
    struct view got;
    struct arena small;
    struct policy_file *files;
    size_t count;

    (void)state;
    make_file("a.yaml", VIEW("12345"));
    arena_init(&small, 16, 16);
    assert_int_equal(file_read(path_of("a.yaml"), 9, &small, &got, &err), STATUS_NOMEM);
    assert_int_equal(file_read_policies(folder, &small, &files, &count, &err), STATUS_NOMEM);
    arena_done(&small);
    for (size_t cap = 16000; cap < 24000; cap += 16) {
        enum status status;

        arena_init(&small, 16, cap);
        status = file_read_policies(folder, &small, &files, &count, &err);
        assert_true(status == STATUS_NOMEM || status == STATUS_OK);
        arena_done(&small);
    }
}

static void reads_policies_in_name_order(void **state)
{
    static const char *const names[] = {"b.yaml",  "B.yaml", "a.yaml",       "a-b.yaml",
                                        "10.yaml", "9.yaml", "\xc3\xa4.yaml"};
    static const char *const sorted[] = {"10.yaml", "9.yaml", "B.yaml",       "a-b.yaml",
                                         "a.yaml",  "b.yaml", "\xc3\xa4.yaml"};
    static const char *const passed_over[] = {
        ".hidden.yaml", ".yaml",   "a.test.yaml", "x.yml",
        "README",       "x.yaml~", "x.YAML",      "x.yaml.bak",
    };
    struct policy_file *files;
    size_t count;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        make_file(names[i], view_str(names[i]));
    for (size_t i = 0; i < ARRAY_LEN(passed_over); i++)
        make_file(passed_over[i], VIEW("?"));
    assert_int_equal(file_read_policies(folder, &arena, &files, &count, &err), STATUS_OK);
    assert_int_equal(count, ARRAY_LEN(sorted));
    for (size_t i = 0; i < count; i++) {
        assert_row(strcmp(files[i].name, sorted[i]) == 0, sorted[i]);
        assert_row(view_eq(files[i].bytes, view_str(sorted[i])), sorted[i]);
    }
}

static void a_folder_without_policies_is_refused(void **state)
{
    struct policy_file *files;
    size_t count;

    (void)state;
    assert_int_equal(file_read_policies(folder, &arena, &files, &count, &err), STATUS_INVALID);
    assert_true(view_ends(view_str(err.text), VIEW(": no policies here; expected *.yaml files")));
    make_file("a.test.yaml", VIEW("x"));
    assert_int_equal(file_read_policies(folder, &arena, &files, &count, &err), STATUS_INVALID);
    assert_int_equal(file_read_policies(path_of("none"), &arena, &files, &count, &err), STATUS_IO);
    assert_int_equal(file_read_policies(path_of("a.test.yaml"), &arena, &files, &count, &err),
                     STATUS_IO);
}

static void cases_stand_beside_policies(void **state)
{
    struct policy_file *files;
    bool has = true;
    size_t count = 7;

    (void)state;
    assert_int_equal(file_read_cases(folder, &arena, &files, &count, &err), STATUS_OK);
    assert_int_equal(count, 0);
    make_file("b.test.yaml", VIEW("b"));
    make_file("a.test.yaml", VIEW("a"));
    make_file(".c.test.yaml", VIEW("c"));
    make_file("test.yaml.d", VIEW("d"));
    assert_int_equal(file_has_policies(folder, &has, &err), STATUS_OK);
    assert_false(has);
    make_file("test.yaml", VIEW("e"));
    assert_int_equal(file_has_policies(folder, &has, &err), STATUS_OK);
    assert_true(has);
    assert_int_equal(file_read_cases(folder, &arena, &files, &count, &err), STATUS_OK);
    assert_int_equal(count, 2);
    assert_string_equal(files[0].name, "a.test.yaml");
    assert_view(files[1].bytes, "b");
    assert_int_equal(file_has_policies(path_of("none"), &has, &err), STATUS_IO);
    assert_int_equal(file_read_cases(path_of("none"), &arena, &files, &count, &err), STATUS_IO);
}

static void a_folder_may_have_a_thousand_files_of_cases(void **state)
{
    struct policy_file *files;
    size_t count;

    (void)state;
    for (unsigned i = 0; i < 1000; i++) {
        char name[32];

        (void)snprintf(name, sizeof name, "%04u.test.yaml", i);
        make_file(name, VIEW("x"));
    }
    assert_int_equal(file_read_cases(folder, &arena, &files, &count, &err), STATUS_OK);
    assert_int_equal(count, 1000);
    make_file("1000.test.yaml", VIEW("x"));
    assert_int_equal(file_read_cases(folder, &arena, &files, &count, &err), STATUS_LIMIT);
    assert_true(view_ends(view_str(err.text), VIEW(": more than 1000 case files")));
}

static void one_bad_file_refuses_the_folder(void **state)
{
    struct policy_file *files = NULL;
    size_t count = 7;

    (void)state;
    make_file("a.yaml", VIEW("x"));
    assert_int_equal(mkdir(path_of("b.yaml"), 0700), 0);
    assert_int_equal(file_read_policies(folder, &arena, &files, &count, &err), STATUS_INVALID);
    assert_true(view_ends(view_str(err.text), VIEW("/b.yaml: not a regular file")));
    assert_int_equal(rmdir(path_of("b.yaml")), 0);
    make_file("b\nc.yaml", VIEW("x"));
    assert_int_equal(file_read_policies(folder, &arena, &files, &count, &err), STATUS_INVALID);
    assert_null(strchr(err.text, '\n'));
    assert_null(files);
    assert_int_equal(count, 7);
}

static void a_policy_file_may_have_a_megabyte(void **state)
{
    struct policy_file *files;
    size_t count;
    char *large = test_calloc(1, 1048577);

    (void)state;
    make_file("a.yaml", view_of(large, 1048576));
    assert_int_equal(file_read_policies(folder, &arena, &files, &count, &err), STATUS_OK);
    make_file("b.yaml", view_of(large, 1048577));
    assert_int_equal(file_read_policies(folder, &arena, &files, &count, &err), STATUS_LIMIT);
    test_free(large);
}

static void a_folder_may_have_a_thousand_policies(void **state)
{
    struct policy_file *files;
    size_t count;

    (void)state;
    for (unsigned i = 0; i < 1000; i++) {
        char name[32];

        (void)snprintf(name, sizeof name, "%04u.yaml", i);
        make_file(name, VIEW("x"));
    }
    assert_int_equal(file_read_policies(folder, &arena, &files, &count, &err), STATUS_OK);
    assert_int_equal(count, 1000);
    assert_string_equal(files[999].name, "0999.yaml");
    make_file("1000.yaml", VIEW("x"));
    assert_int_equal(file_read_policies(folder, &arena, &files, &count, &err), STATUS_LIMIT);
    assert_true(view_ends(view_str(err.text), VIEW(": more than 1000 policy files")));
}

static void no_descriptor_stays_open(void **state)
{
    struct policy_file *files;
    size_t count;
    int before, after;

    (void)state;
    make_file("a.yaml", VIEW("x"));
    before = open("/dev/null", O_RDONLY | O_CLOEXEC);
    (void)close(before);
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(file_read_policies(folder, &arena, &files, &count, &err), STATUS_OK);
        assert_int_equal(file_read(folder, 1, &arena, &files[0].bytes, &err), STATUS_INVALID);
    }
    after = open("/dev/null", O_RDONLY | O_CLOEXEC);
    (void)close(after);
    assert_int_equal(before, after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reads_a_whole_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(follows_links, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_what_it_can_not_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_a_file_that_is_not_what_its_size_says, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(without_memory_nothing_is_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reads_policies_in_name_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_folder_without_policies_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(cases_stand_beside_policies, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_folder_may_have_a_thousand_files_of_cases, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(one_bad_file_refuses_the_folder, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_policy_file_may_have_a_megabyte, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_folder_may_have_a_thousand_policies, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_descriptor_stays_open, set_up, tear_down),
    };

    return cmocka_run_group_tests_name("conf/file", tests, NULL, NULL);
}
