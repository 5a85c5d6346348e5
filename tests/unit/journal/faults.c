/* SPDX-License-Identifier: Apache-2.0
 * See faults.h. */
#include "faults.h"

#include "support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <sys/statvfs.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/attr.h"

struct faults faults = {.free_bytes = -1};
static int hang_pipe[2] = {-1, -1};
static pthread_mutex_t count_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t counted = PTHREAD_COND_INITIALIZER;

/* NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming): names of the linker */
ssize_t __real_write(int fd, const void *bytes, size_t len);
int __real_fdatasync(int fd);
int __real_fallocate(int fd, int mode, off_t offset, off_t len);
int __real_ftruncate(int fd, off_t len);
int __real_openat(int dir, const char *path, int flags, ...);
int __real_unlinkat(int dir, const char *path, int flags);
int __real_fsync(int fd);
int __real_fstatvfs(int fd, struct statvfs *ret);
ssize_t __wrap_write(int fd, const void *bytes, size_t len);
int __wrap_fdatasync(int fd);
int __wrap_fallocate(int fd, int mode, off_t offset, off_t len);
int __wrap_ftruncate(int fd, off_t len);
int __wrap_openat(int dir, const char *path, int flags, ...);
int __wrap_unlinkat(int dir, const char *path, int flags);
int __wrap_fsync(int fd);
int __wrap_fstatvfs(int fd, struct statvfs *ret);

void fault_set(struct call_fault *fault, int skip, int times, int error)
{
    fault->skip = skip;
    fault->error = error;
    fault->times = times;
}

void faults_clear(void)
{
    struct call_fault *all[] = {&faults.write,     &faults.fdatasync, &faults.fallocate,
                                &faults.ftruncate, &faults.openat,    &faults.unlinkat,
                                &faults.fsync};

    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        fault_set(all[i], 0, 0, 0);
    faults.write_most = 0;
    faults.write_before = 0;
    faults.free_bytes = -1;
    faults.writes = 0;
    faults.syncs = 0;
    faults.left_dirty = 0;
}

static bool strikes(struct call_fault *fault)
{
    if (fault->times == 0)
        return false;
    if (fault->skip > 0) {
        fault->skip--;
        return false;
    }
    if (fault->times > 0)
        fault->times--;
    errno = fault->error;
    return true;
}

ssize_t __wrap_write(int fd, const void *bytes, size_t len)
{
    size_t before;

    if (fd <= STDERR_FILENO)
        return __real_write(fd, bytes, len);
    faults.writes++;
    if (fd == faults.segment)
        faults.dirty = 1;
    before = faults.write_before;
    if (before > 0 && faults.write.times != 0) {
        faults.write_before = 0;
        return __real_write(fd, bytes, before < len ? before : len);
    }
    if (strikes(&faults.write))
        return -1;
    if (faults.write_most > 0 && len > faults.write_most)
        len = faults.write_most;
    return __real_write(fd, bytes, len);
}

int __wrap_fdatasync(int fd)
{
    char byte;

    (void)pthread_mutex_lock(&count_lock);
    faults.syncs++;
    if (fd == faults.segment)
        faults.dirty = 0;
    (void)pthread_cond_broadcast(&counted);
    (void)pthread_mutex_unlock(&count_lock);
    if (faults.hang) {
        faults.hang = 0;
        faults.hanging++;
        (void)!read(hang_pipe[0], &byte, 1);
        faults.hanging--;
    }
    return strikes(&faults.fdatasync) ? -1 : __real_fdatasync(fd);
}

int __wrap_fallocate(int fd, int mode, off_t offset, off_t len)
{
    return strikes(&faults.fallocate) ? -1 : __real_fallocate(fd, mode, offset, len);
}

int __wrap_ftruncate(int fd, off_t len)
{
    return strikes(&faults.ftruncate) ? -1 : __real_ftruncate(fd, len);
}

int __wrap_openat(int dir, const char *path, int flags, ...)
{
    va_list args;
    mode_t mode = 0;
    int fd;

    va_start(args, flags);
    if (flags & O_CREAT) /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it is */
        mode = va_arg(args, mode_t);
    va_end(args);
    if ((flags & (O_WRONLY | O_RDWR)) != 0 && strikes(&faults.openat))
        return -1;
    fd = __real_openat(dir, path, flags, mode);
    if (fd >= 0 && (flags & O_APPEND) != 0) {
        if ((flags & O_CREAT) != 0)
            faults.left_dirty += faults.dirty;
        faults.segment = fd;
        faults.dirty = 0;
    }
    return fd;
}

int __wrap_unlinkat(int dir, const char *path, int flags)
{
    return strikes(&faults.unlinkat) ? -1 : __real_unlinkat(dir, path, flags);
}

int __wrap_fsync(int fd)
{
    return strikes(&faults.fsync) ? -1 : __real_fsync(fd);
}

int __wrap_fstatvfs(int fd, struct statvfs *ret)
{
    int result = __real_fstatvfs(fd, ret);

    if (result == 0 && faults.free_bytes >= 0)
        ret->f_bavail = (fsblkcnt_t)(faults.free_bytes / (int64_t)ret->f_frsize);
    return result;
}
/* NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming) */

void faults_hang(void)
{
    if (hang_pipe[0] < 0)
        assert_int_equal(pipe(hang_pipe), 0);
    faults.hang = 1;
}

void faults_wait_hanging(void)
{
    while (!faults.hanging)
        (void)sched_yield();
}

bool faults_wait_syncs(int syncs)
{
    struct timespec due;
    int failed = 0;

    (void)clock_gettime(CLOCK_MONOTONIC, &due);
    due.tv_sec += 30;
    (void)pthread_mutex_lock(&count_lock);
    while (faults.syncs < syncs && failed == 0)
        failed = pthread_cond_clockwait(&counted, &count_lock, CLOCK_MONOTONIC, &due);
    (void)pthread_mutex_unlock(&count_lock);
    return failed == 0;
}

void faults_release(void)
{
    assert_int_equal(__real_write(hang_pipe[1], "x", 1), 1);
}
