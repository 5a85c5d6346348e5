/* SPDX-License-Identifier: Apache-2.0
 * Source: the formats of SQLite's rollback journal, WAL and WAL-index, sqlite.org/fileformat2.html,
 * 3 and 4, and sqlite.org/walformat.html. The power may leave one that is full of zeros. */
#include "audit/beside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/view.h"

enum { PATH_BYTES = 4096 + 16, HEAD_BYTES = 4 };

const char *const beside_ends[BESIDE_ENDS] = {"-wal", "-shm", "-journal"};

static const uint32_t wal_index_version = 3007000; /* in the machine's own order */
static const unsigned char zeros[HEAD_BYTES], journal_magic[HEAD_BYTES] = {0xd9, 0xd5, 0x05, 0xf9},
                                              wal_magic[] = {0x37, 0x7f, 0x06};

static bool is_sqlite_s(const char *end, const unsigned char head[HEAD_BYTES])
{
    if (memcmp(head, zeros, HEAD_BYTES) == 0)
        return true;
    if (strcmp(end, "-wal") == 0)
        return memcmp(head, wal_magic, sizeof wal_magic) == 0;
    if (strcmp(end, "-shm") == 0)
        return memcmp(head, &wal_index_version, HEAD_BYTES) == 0;
    return memcmp(head, journal_magic, HEAD_BYTES) == 0;
}

/* A lock is empty. */
static bool is_of_an_index(const char *end, int fd)
{
    unsigned char head[HEAD_BYTES];
    struct stat stat;

    if (fstat(fd, &stat) != 0 || !S_ISREG(stat.st_mode))
        return false;
    if (stat.st_size == 0 || strcmp(end, ".lock") == 0)
        return stat.st_size == 0;
    return pread(fd, head, sizeof head, 0) == (ssize_t)sizeof head && is_sqlite_s(end, head);
}

/* What can't be read is somebody else's, unless the index is theirs as well: then nothing is
 * written. */
static bool is_others(const char *index, const char *path, const char *end)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    bool others;

    if (fd < 0 && errno == ENOENT)
        return false;
    if (fd < 0 && errno == EACCES)
        return strcmp(end, ".lock") != 0 && (access(index, W_OK) == 0 || errno == ENOENT);
    others = fd < 0 || !is_of_an_index(end, fd);
    if (fd >= 0)
        (void)close(fd);
    return others;
}

static enum status refuse(const char *index, const char *end, struct err *err)
{
    char path[PATH_BYTES];

    (void)snprintf(path, sizeof path, "%s%s", index, end);
    return is_others(index, path, end)
               ? err_set(err, STATUS_INVALID,
                         "%s stands where the index would have a file, is none of it and stays as "
                         "it is; name another index",
                         path)
               : STATUS_OK;
}

enum status beside_refuse_others(const char *path, struct err *err)
{
    enum status status = refuse(path, ".lock", err);

    for (size_t i = 0; i < BESIDE_ENDS && status == STATUS_OK; i++)
        status = refuse(path, beside_ends[i], err);
    return status;
}

bool beside_is_plain(const char *path)
{
    for (size_t i = 0; i < BESIDE_ENDS; i++) {
        char beside[PATH_BYTES];
        struct stat stat;

        (void)snprintf(beside, sizeof beside, "%s%s", path, beside_ends[i]);
        if (lstat(beside, &stat) == 0 && !S_ISREG(stat.st_mode))
            return false;
    }
    return true;
}

int beside_open_lock(const char *path, bool *ret_made)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

    *ret_made = fd >= 0;
    return fd >= 0 || errno != EEXIST ? fd : open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
}
