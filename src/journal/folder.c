/* SPDX-License-Identifier: Apache-2.0
 * The folders: made on first use, locked while a gateway or a repair works in them. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/internal.h"

static void close_fd(const int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
}

/* The length of the parent's path: "/a/b//" has "/a", "/b" has "/", "b" has none. */
static size_t parent_len(const char *path)
{
    size_t len = strlen(path);

    while (len > 1 && path[len - 1] == '/')
        len--;
    while (len > 0 && path[len - 1] != '/')
        len--;
    while (len > 1 && path[len - 1] == '/')
        len--;
    return len;
}

static enum status sync_parent(const char *path, struct err *err)
{
    char parent[PATH_MAX] = ".";
    size_t len = parent_len(path);
    int fd, failed = 0;

    if (len >= sizeof parent)
        return err_set(err, STATUS_LIMIT, "the path %s is too long", path);
    if (len > 0)
        (void)snprintf(parent, sizeof parent, "%.*s", (int)len, path);
    fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0)
        failed = errno;
    close_fd(&fd);
    if (failed != 0)
        return err_set_errno(err, failed, "can't sync the folder above %s", path);
    return STATUS_OK;
}

enum status folder_make(const char *path, struct err *err)
{
    if (mkdir(path, 0700) == 0)
        return sync_parent(path, err);
    if (errno != EEXIST)
        return err_set_errno(err, errno, "can't make the folder %s", path);
    return STATUS_OK;
}

static enum status lock_file(int fd, const char *path, struct err *err)
{
    char holder[24] = "";

    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        int len = snprintf(holder, sizeof holder, "%ld\n", (long)getpid());

        /* Who holds it is for people only; the lock is the kernel's. */
        if (ftruncate(fd, 0) == 0)
            (void)!pwrite(fd, holder, (size_t)len, 0);
        return STATUS_OK;
    }
    if (errno != EWOULDBLOCK)
        return err_set_errno(err, errno, "can't lock the journal folder %s", path);
    if (pread(fd, holder, sizeof holder - 1, 0) > 0)
        holder[strcspn(holder, "\n")] = '\0';
    return err_set(err, STATUS_IO,
                   "the journal folder %s is in use by another process (%s): a journal has one "
                   "writer; stop it, or give this gateway a folder of its own",
                   path, holder[0] == '\0' ? "unknown" : holder);
}

enum status folder_lock(const char *path, int *ret_dir, int *ret_lock, struct err *err)
{
    int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int fd;

    if (dir < 0)
        return err_set_errno(err, errno, "can't open the journal folder %s", path);
    fd = openat(dir, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        (void)err_set_errno(err, errno, "can't write to the journal folder %s", path);
    } else if (lock_file(fd, path, err) == STATUS_OK) {
        *ret_dir = dir;
        *ret_lock = fd;
        return STATUS_OK;
    }
    close_fd(&fd);
    (void)close(dir);
    return STATUS_IO;
}
