/* SPDX-License-Identifier: Apache-2.0
 * Copies of policy sets: whole or not at all, once, what their name says, and with names that stay
 * in their folder. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "faults.h"
#include "folder.h"

#define DIGEST_LONG "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff0"
#define DIGEST      "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static const struct journal_set_file files[] = {
    {"a.yaml", {"version: 1\n", 11}},
    {"empty.yaml", {"", 0}},
};

static void check_file(const struct folder *folder, const char *name, const char *want)
{
    char path[256], got[64] = "";
    struct stat stat_file;
    FILE *file;

    (void)snprintf(path, sizeof path, "%s/" DIGEST "/%s", folder->sets, name);
    file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fread(got, 1, sizeof got - 1, file), strlen(want));
    assert_string_equal(got, want);
    (void)fclose(file);
    assert_int_equal(stat(path, &stat_file), 0);
    assert_int_equal(stat_file.st_mode & 0777, 0600);
}

static size_t entries(const char *path)
{
    DIR *dir = opendir(path);
    size_t count = 0;

    assert_non_null(dir);
    /* cppcheck-suppress readdirCalled */
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): one thread reads the stream */
    while (readdir(dir) != NULL)
        count++;
    (void)closedir(dir);
    return count - 2;
}

static void a_set_is_kept_once(void **state)
{
    struct folder folder;
    struct journal *journal;
    struct err err;

    (void)state;
    folder_new(&folder);
    journal = folder_open(&folder);
    assert_int_equal(journal_keep_set(journal, DIGEST, files, 2, &err), STATUS_OK);
    check_file(&folder, "a.yaml", "version: 1\n");
    check_file(&folder, "empty.yaml", "");
    fault_set(&faults.openat, 0, -1, EACCES);
    assert_int_equal(journal_keep_set(journal, DIGEST, files, 2, &err), STATUS_OK);
    faults_clear();
    assert_int_equal(entries(folder.sets), 1);
    journal_close(&journal, 10000);
    folder_remove(&folder);
}

static void in_copy(const struct folder *folder, const char *name, char path[256])
{
    (void)snprintf(path, 256, "%s/" DIGEST "%s", folder->sets, name);
}

static void write_at(const char *path, const char *text)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

static void change_bytes(const struct folder *folder)
{
    char path[256];

    in_copy(folder, "/a.yaml", path);
    write_at(path, "version: 2\n");
}

static void lengthen(const struct folder *folder)
{
    char path[256];

    in_copy(folder, "/empty.yaml", path);
    write_at(path, "\n");
}

static void take_away(const struct folder *folder)
{
    char path[256];

    in_copy(folder, "/a.yaml", path);
    assert_int_equal(unlink(path), 0);
}

static void take_all_away(const struct folder *folder)
{
    char path[256];

    take_away(folder);
    in_copy(folder, "/empty.yaml", path);
    assert_int_equal(unlink(path), 0);
}

static void add_one(const struct folder *folder)
{
    char path[256];

    in_copy(folder, "/b.yaml", path);
    write_at(path, "version: 1\n");
}

static void link_one(const struct folder *folder)
{
    char path[256], other[256];

    in_copy(folder, "/a.yaml", path);
    (void)snprintf(other, sizeof other, "%s/same", folder->root);
    assert_int_equal(rename(path, other), 0);
    assert_int_equal(symlink(other, path), 0);
}

static void link_all(const struct folder *folder)
{
    char path[256], other[256];

    in_copy(folder, "", path);
    (void)snprintf(other, sizeof other, "%s/moved", folder->root);
    assert_int_equal(rename(path, other), 0);
    assert_int_equal(symlink(other, path), 0);
}

static void put_a_file_there(const struct folder *folder)
{
    char path[256];

    take_all_away(folder);
    in_copy(folder, "", path);
    assert_int_equal(rmdir(path), 0);
    write_at(path, "version: 1\n");
}

/* Audits read the copies: what was changed there must not pass for what judged. */
static void a_copy_that_is_another_set_is_replaced(void **state)
{
    static const struct {
        const char *name;
        void (*change)(const struct folder *folder);
    } rows[] = {
        {"bytes", change_bytes},          {"length", lengthen},
        {"a file less", take_away},       {"no file", take_all_away},
        {"a file more", add_one},         {"a link to a file", link_one},
        {"a link to a folder", link_all}, {"a file", put_a_file_there},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct folder folder;
        struct journal *journal;
        struct err err;

        folder_new(&folder);
        journal = folder_open(&folder);
        assert_int_equal(journal_keep_set(journal, DIGEST, files, 2, &err), STATUS_OK);
        rows[i].change(&folder);
        for (int again = 0; again < 2; again++) {
            assert_row(journal_keep_set(journal, DIGEST, files, 2, &err) == STATUS_OK,
                       rows[i].name);
            check_file(&folder, "a.yaml", "version: 1\n");
            check_file(&folder, "empty.yaml", "");
            assert_row(entries(folder.sets) == 2, rows[i].name); /* what was there stays */
        }
        journal_close(&journal, 10000);
        folder_remove(&folder);
    }
}

static void what_stands_there_stays_if_no_right_one_can_be_made(void **state)
{
    struct folder folder;
    struct journal *journal;
    struct err err = {STATUS_OK, {NULL, 0, 0}, ""};

    (void)state;
    folder_new(&folder);
    journal = folder_open(&folder);
    assert_int_equal(journal_keep_set(journal, DIGEST, files, 2, &err), STATUS_OK);
    change_bytes(&folder);
    fault_set(&faults.write, 0, 1, ENOSPC);
    assert_int_equal(journal_keep_set(journal, DIGEST, files, 2, &err), STATUS_IO);
    faults_clear();
    assert_int_equal(entries(folder.sets), 1);
    check_file(&folder, "a.yaml", "version: 2\n");
    journal_close(&journal, 10000);
    folder_remove(&folder);
}

static void names_stay_in_the_folder(void **state)
{
    static const char *const names[] = {"", ".", "..", ".hidden", "a/b", "../x", "/etc/x"};
    static const char *const digests[] = {
        "",          "x",
        "..",        "00112233445566778899AABBCCDDEEFF00112233445566778899aabbccddeeff",
        DIGEST_LONG, "../2233445566778899aabbccddeeff00112233445566778899aabbccddeeff0",
    };
    struct folder folder;
    struct journal *journal;
    struct err err;

    (void)state;
    folder_new(&folder);
    journal = folder_open(&folder);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct journal_set_file file = {names[i], VIEW("x")};

        assert_row(journal_keep_set(journal, DIGEST, &file, 1, &err) == STATUS_INVALID, names[i]);
        assert_non_null(strstr(err.text, "file name"));
    }
    for (size_t i = 0; i < ARRAY_LEN(digests); i++)
        assert_row(journal_keep_set(journal, digests[i], files, 2, &err) == STATUS_INVALID,
                   digests[i]);
    assert_int_equal(entries(folder.sets), 0);
    journal_close(&journal, 10000);
    folder.settings.sets = NULL;
    journal = folder_open(&folder);
    assert_int_equal(journal_keep_set(journal, DIGEST, files, 2, &err), STATUS_INVALID);
    assert_non_null(strstr(err.text, "no folder is set"));
    journal_close(&journal, 10000);
    folder_remove(&folder);
}

static void a_failure_leaves_nothing(void **state)
{
    static const struct {
        const char *name;
        struct call_fault *fault;
        int skip;
    } rows[] = {
        {"create", &faults.openat, 0},
        {"second file", &faults.openat, 1},
        {"write", &faults.write, 0},
        {"sync of a file", &faults.fsync, 0},
        {"sync of the folder", &faults.fsync, 2},
    };
    struct folder folder;
    struct journal *journal;

    (void)state;
    folder_new(&folder);
    journal = folder_open(&folder);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = {STATUS_OK, {NULL, 0, 0}, ""};

        fault_set(rows[i].fault, rows[i].skip, 1, ENOSPC);
        assert_row(journal_keep_set(journal, DIGEST, files, 2, &err) == STATUS_IO, rows[i].name);
        assert_row(strstr(err.text, "can't keep the policy set in") != NULL, rows[i].name);
        assert_row(strstr(err.text, "No space left") != NULL, rows[i].name);
        faults_clear();
        assert_row(entries(folder.sets) == 0, rows[i].name);
    }
    faults.write_most = 3;
    fault_set(&faults.write, 1, 1, EINTR);
    assert_int_equal(journal_keep_set(journal, DIGEST, files, 2, NULL), STATUS_OK);
    faults_clear();
    check_file(&folder, "a.yaml", "version: 1\n");
    journal_close(&journal, 10000);
    folder_remove(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_set_is_kept_once),
        cmocka_unit_test(a_copy_that_is_another_set_is_replaced),
        cmocka_unit_test(what_stands_there_stays_if_no_right_one_can_be_made),
        cmocka_unit_test(names_stay_in_the_folder),
        cmocka_unit_test(a_failure_leaves_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
