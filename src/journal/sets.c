/* SPDX-License-Identifier: Apache-2.0
 * Copies of the policy sets that judged: what a line's `policy_set` means stays readable. A copy
 * appears whole under its name or not at all. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "journal/internal.h"

enum { PATH_BYTES = 4096 };

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

/* 0 or an errno; a copy that somebody else put there meanwhile is as good as ours. */
static int make_copy(int sets, const char *digest, const struct journal_set_file *files,
                     size_t count)
{
    char name[16 + RANDOM_ID_BYTES], id[RANDOM_ID_BYTES];
    int dir, failed;

    random_id(id);
    (void)snprintf(name, sizeof name, ".new-%.*s", (int)sizeof id, id);
    if (mkdirat(sets, name, 0700) != 0)
        return errno;
    dir = openat(sets, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    failed = dir < 0 ? errno : write_files(dir, files, count);
    if (failed == 0 && renameat(sets, name, sets, digest) != 0)
        failed = errno;
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
    if (failed == 0 && faccessat(sets, digest, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
        failed = make_copy(sets, digest, files, count);
    if (sets >= 0)
        (void)close(sets);
    if (failed != 0)
        return err_set_errno(err, failed, "can't keep the policy set in %s", journal->sets);
    return STATUS_OK;
}
