/* SPDX-License-Identifier: Apache-2.0
 * Copies of the policy sets that judged: what a line's `policy_set` means stays readable. A copy
 * appears whole under its name or not at all. What stands there already is believed as far as its
 * bytes go: somebody may have changed it, or a restored backup has half of it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "journal/internal.h"

enum { ID_NAME_BYTES = DIGEST_HEX_BYTES + 16 + RANDOM_ID_BYTES, COMPARE_BYTES = 4096 };

static bool digest_ok(const char *digest)
{
    return strlen(digest) == DIGEST_HEX_BYTES &&
           strspn(digest, "0123456789abcdef") == DIGEST_HEX_BYTES;
}

static bool name_ok(const char *name)
{
    return name[0] != '\0' && name[0] != '.' && strchr(name, '/') == NULL;
}

static int write_file(int dir, const struct journal_set_file *file)
{
    int fd = openat(dir, file->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    int failed;

    if (fd < 0)
        return errno;
    failed = fd_write(fd, file->bytes);
    if (failed == 0 && fsync(fd) != 0)
        failed = errno;
    (void)close(fd);
    return failed;
}

static int write_files(int dir, const struct journal_set_file *files, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int failed = write_file(dir, &files[i]);

        if (failed != 0)
            return failed;
    }
    return fsync(dir) == 0 ? 0 : errno;
}

static void remove_copy(int sets, int dir, const char *name, const struct journal_set_file *files,
                        size_t count)
{
    for (size_t i = 0; i < count; i++)
        (void)unlinkat(dir, files[i].name, 0);
    (void)unlinkat(sets, name, AT_REMOVEDIR);
}

/* ---- what stands there already ---- */

static bool has_bytes(int fd, struct view bytes)
{
    char read[COMPARE_BYTES];

    for (;;) {
        ssize_t len = fd_read(fd, read, sizeof read);

        if (len < 0 || !view_starts(bytes, view_of(read, (size_t)len)))
            return false;
        bytes = view_from(bytes, (size_t)len);
        if (len == 0)
            return bytes.len == 0;
    }
}

static bool is_file(int dir, const struct journal_set_file *file)
{
    /* O_NONBLOCK: opening a named pipe must not wait for its other end. */
    int fd CLEANUP(fd_close) =
        openat(dir, file->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat facts;

    return fd >= 0 && fstat(fd, &facts) == 0 && S_ISREG(facts.st_mode) &&
           (uintmax_t)facts.st_size == file->bytes.len && has_bytes(fd, file->bytes);
}

/* How many names stand in the folder, up to one more than `most`. */
static size_t count_names(int dir, size_t most)
{
    int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = fd < 0 ? NULL : fdopendir(fd);
    size_t count = 0;

    if (stream == NULL) {
        if (fd >= 0)
            (void)close(fd);
        return most + 1;
    }
    /* One thread reads this stream: readdir is safe on it. */
    /* cppcheck-suppress readdirCalled */
    /* NOLINTNEXTLINE(concurrency-mt-unsafe) */
    for (const struct dirent *entry; count <= most && (entry = readdir(stream)) != NULL;)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    (void)closedir(stream);
    return count;
}

/* Whether the copy is these files and no other. What can't be read isn't known to be. */
static bool is_copy(int sets, const char *digest, const struct journal_set_file *files,
                    size_t count)
{
    int dir CLEANUP(fd_close) =
        openat(sets, digest, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

    if (dir < 0 || count_names(dir, count) != count)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!is_file(dir, &files[i]))
            return false;
    }
    return true;
}

/* ---- the right one ---- */

static void name_with_id(char out[ID_NAME_BYTES], const char *digest, const char *what)
{
    char id[RANDOM_ID_BYTES];

    random_id(id);
    (void)snprintf(out, ID_NAME_BYTES, "%s.%s-%.*s", digest, what, (int)sizeof id, id);
}

/* What stands under the name isn't the set. It is kept: whoever looks into how it came to be wants
 * to see it. 0 or an errno. */
static int set_aside(const char *path, int sets, const char *digest)
{
    char name[ID_NAME_BYTES];

    name_with_id(name, digest, "changed");
    if (renameat(sets, digest, sets, name) != 0)
        return errno == ENOENT ? 0 : errno;
    log_line(LOG_ERROR,
             "the copy of the policy set %s in %s was changed, or isn't whole: it is %s now, and a "
             "right one takes its place",
             digest, path, name);
    return 0;
}

/* 0 or an errno; EEXIST: somebody else put a right one there meanwhile. */
static int put_in_place(const char *path, int sets, const char *name, const char *digest,
                        const struct journal_set_file *files, size_t count)
{
    int failed = 0;

    if (is_copy(sets, digest, files, count))
        return EEXIST;
    if (faccessat(sets, digest, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        failed = set_aside(path, sets, digest);
    if (failed == 0 && renameat(sets, name, sets, digest) != 0)
        failed = errno;
    return failed;
}

static int make_copy(const char *path, int sets, const char *digest,
                     const struct journal_set_file *files, size_t count)
{
    char name[ID_NAME_BYTES];
    int dir, failed;

    name_with_id(name, "", "new");
    if (mkdirat(sets, name, 0700) != 0)
        return errno;
    dir = openat(sets, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    failed = dir < 0 ? errno : write_files(dir, files, count);
    if (failed == 0)
        failed = put_in_place(path, sets, name, digest, files, count);
    if (failed == 0 && fsync(sets) != 0)
        failed = errno;
    else if (failed != 0)
        remove_copy(sets, dir, name, files, count);
    if (dir >= 0)
        (void)close(dir);
    return failed == EEXIST || failed == ENOTEMPTY ? 0 : failed;
}

enum status journal_keep_set(struct journal *journal, const char *digest,
                             const struct journal_set_file *files, size_t count, struct err *err)
{
    int sets, failed;

    if (journal->sets[0] == '\0' || !digest_ok(digest))
        return err_set(err, STATUS_INVALID, "a policy set can't be kept: %s",
                       digest_ok(digest) ? "no folder is set" : "its digest isn't 64 hex digits");
    for (size_t i = 0; i < count; i++) {
        if (!name_ok(files[i].name))
            return err_set(err, STATUS_INVALID, "a policy set can't be kept: file name %s",
                           files[i].name);
    }
    sets = open(journal->sets, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    failed = sets < 0 ? errno : 0;
    if (failed == 0 && !is_copy(sets, digest, files, count))
        failed = make_copy(journal->sets, sets, digest, files, count);
    if (sets >= 0)
        (void)close(sets);
    if (failed != 0)
        return err_set_errno(err, failed, "can't keep the policy set in %s", journal->sets);
    return STATUS_OK;
}
