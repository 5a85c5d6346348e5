/* SPDX-License-Identifier: Apache-2.0
 * The open file is what is looked at and read: a name could be given to another one between. */
#include "base/secret_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

static enum status check(const char *path, const struct stat *facts, size_t max, struct err *err)
{
    if (!S_ISREG(facts->st_mode))
        return err_set(err, STATUS_INVALID, "%s: not a regular file", path);
    if (facts->st_uid != geteuid() && facts->st_uid != 0)
        return err_set(err, STATUS_INVALID,
                       "%s: belongs to user %u; must belong to the user that the gateway runs as, "
                       "or to root",
                       path, (unsigned)facts->st_uid);
    if ((facts->st_mode & 077) != 0)
        return err_set(err, STATUS_INVALID,
                       "%s: has mode %04o, so that others may get at the keys in it; chmod 600 it",
                       path, (unsigned)(facts->st_mode & 07777));
    if (facts->st_size < 0 || (uintmax_t)facts->st_size > max)
        return err_set(err, STATUS_LIMIT, "%s: has %lld bytes; at most %zu may be", path,
                       (long long)facts->st_size, max);
    return STATUS_OK;
}

enum status secret_file_read(const char *path, size_t max, struct secret_bytes *ret,
                             struct err *err)
{
    /* O_NONBLOCK: opening a named pipe must not wait for its other end. */
    int fd CLEANUP(fd_close) = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct secret_bytes bytes = {.ptr = NULL};
    struct stat facts;
    enum status status;
    ssize_t got;

    if (fd < 0 || fstat(fd, &facts) != 0)
        return err_set_errno(err, errno, "%s", path);
    status = check(path, &facts, max, err);
    if (status != STATUS_OK)
        return status;
    bytes.cap = (size_t)facts.st_size + 1; /* one more tells that it grew */
    bytes.ptr = malloc(bytes.cap);
    if (bytes.ptr == NULL)
        return err_set(err, STATUS_NOMEM, "%s: no memory left for this file", path);
    got = fd_read(fd, bytes.ptr, bytes.cap);
    if (got < 0)
        status = err_set_errno(err, errno, "%s", path);
    else if (got != facts.st_size)
        status = err_set(err, STATUS_IO, "%s: changed while it was read; try again", path);
    if (status != STATUS_OK) {
        secret_bytes_wipe(&bytes);
        return status;
    }
    bytes.len = (size_t)got;
    *ret = bytes;
    return STATUS_OK;
}

void secret_bytes_wipe(struct secret_bytes *bytes)
{
    if (bytes->ptr != NULL)
        explicit_bzero(bytes->ptr, bytes->cap);
    free(bytes->ptr);
    *bytes = (struct secret_bytes){.ptr = NULL};
}
