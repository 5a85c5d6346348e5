/* SPDX-License-Identifier: Apache-2.0
 * A disk that misbehaves, for the gateway under test: loaded in front of the C library
 * (LD_PRELOAD), it acts on segments of the journal only, as the files in the folder that
 * POSTERN_TEST_DISK names say:
 * - hang: while somebody holds a lock (flock) on it, syncs do not return;
 * - hangs: made here when one waits for that;
 * - fail-sync: its next sync fails; the file is taken away then;
 * - read-only: while it is there, nothing can be written or made;
 * - syncs: written here, one line for each sync, "name size result". */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int control(const char *name, int flags)
{
    char path[PATH_MAX];

    (void)snprintf(path, sizeof path, "%s/%s", getenv("POSTERN_TEST_DISK"), name);
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, 0600);
}

static bool is_there(const char *name)
{
    int fd = control(name, O_RDONLY);

    if (fd >= 0)
        (void)close(fd);
    return fd >= 0;
}

static bool take_away(const char *name)
{
    char path[PATH_MAX];

    (void)snprintf(path, sizeof path, "%s/%s", getenv("POSTERN_TEST_DISK"), name);
    return syscall(SYS_unlinkat, AT_FDCWD, path, 0) == 0;
}

static bool is_segment(const char *path)
{
    size_t length = strlen(path);

    return length >= 6 && strcmp(path + length - 6, ".jsonl") == 0;
}

/* The name of the segment, or NULL. */
static const char *segment_of(int fd, char path[PATH_MAX])
{
    char link[64];
    ssize_t length;

    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    length = readlink(link, path, PATH_MAX - 1);
    if (length <= 0)
        return NULL;
    path[length] = '\0';
    return is_segment(path) ? strrchr(path, '/') + 1 : NULL;
}

static bool refuses(int fd)
{
    char path[PATH_MAX];

    return segment_of(fd, path) != NULL && is_there("read-only");
}

static void wait_while_it_hangs(void)
{
    int fd = control("hang", O_RDONLY);

    if (fd < 0)
        return;
    if (flock(fd, LOCK_SH | LOCK_NB) != 0) {
        (void)close(control("hangs", O_WRONLY | O_CREAT));
        while (flock(fd, LOCK_SH) != 0 && errno == EINTR)
            ;
    }
    (void)close(fd);
}

static void note(int fd, const char *name, int result)
{
    struct stat stat = {0};
    char line[128];
    int log = control("syncs", O_WRONLY | O_APPEND | O_CREAT);

    (void)fstat(fd, &stat);
    (void)snprintf(line, sizeof line, "%s %lld %d\n", name, (long long)stat.st_size, result);
    (void)syscall(SYS_write, log, line, strlen(line));
    (void)close(log);
}

int fdatasync(int fd)
{
    char path[PATH_MAX];
    const char *name = segment_of(fd, path);
    int result;

    if (name == NULL)
        return (int)syscall(SYS_fdatasync, fd);
    wait_while_it_hangs();
    result = take_away("fail-sync") ? EIO : 0;
    if (result == 0 && syscall(SYS_fdatasync, fd) != 0)
        result = errno;
    note(fd, name, result);
    errno = result;
    return result == 0 ? 0 : -1;
}

ssize_t write(int fd, const void *bytes, size_t size)
{
    if (refuses(fd)) {
        errno = EROFS;
        return -1;
    }
    return syscall(SYS_write, fd, bytes, size);
}

int fallocate(int fd, int mode, off_t offset, off_t size)
{
    if (refuses(fd)) {
        errno = EROFS;
        return -1;
    }
    return (int)syscall(SYS_fallocate, fd, mode, offset, size);
}

int ftruncate(int fd, off_t size)
{
    if (refuses(fd)) {
        errno = EROFS;
        return -1;
    }
    return (int)syscall(SYS_ftruncate, fd, size);
}

int openat(int dir, const char *path, int flags, ...)
{
    va_list args;
    mode_t mode = 0;

    va_start(args, flags);
    if ((flags & O_CREAT) != 0)
        mode = va_arg(args, mode_t);
    va_end(args);
    if ((flags & O_ACCMODE) != O_RDONLY && is_segment(path) && is_there("read-only")) {
        errno = EROFS;
        return -1;
    }
    return (int)syscall(SYS_openat, dir, path, flags, mode);
}
