/* SPDX-License-Identifier: Apache-2.0 */
#include "support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"

ssize_t __wrap_read(int fd, void *bytes, size_t size);
ssize_t __wrap_write(int fd, const void *bytes, size_t size);
ssize_t __real_read(int fd, void *bytes, size_t size);
ssize_t __real_write(int fd, const void *bytes, size_t size);

static int calls;      /* every other one is interrupted */
static size_t at_once; /* bytes that a call takes at most */
static int broken;     /* errno of the fourth call, 0: none */

static bool breaks(void)
{
    calls++;
    errno = calls == 4 && broken != 0 ? broken : EINTR;
    return calls % 2 == 1 || (calls == 4 && broken != 0);
}

ssize_t __wrap_read(int fd, void *bytes, size_t size)
{
    return breaks() ? -1 : __real_read(fd, bytes, size < at_once ? size : at_once);
}

ssize_t __wrap_write(int fd, const void *bytes, size_t size)
{
    return breaks() ? -1 : __real_write(fd, bytes, size < at_once ? size : at_once);
}

static int file(void)
{
    int fd = memfd_create("fd", MFD_CLOEXEC);

    assert_true(fd >= 0);
    calls = 0;
    at_once = 3;
    broken = 0;
    return fd;
}

static void takes_what_comes_in_pieces(void **state)
{
    int fd CLEANUP(fd_close) = file();
    char bytes[16];

    (void)state;
    assert_int_equal(fd_write(fd, VIEW("0123456789")), 0);
    assert_int_equal(lseek(fd, 2, SEEK_SET), 2);
    assert_int_equal(fd_read(fd, bytes, 7), 7);
    assert_memory_equal(bytes, "2345678", 7);
    assert_int_equal(fd_read(fd, bytes, sizeof bytes), 1);
    assert_int_equal(fd_read(fd, bytes, sizeof bytes), 0);
    assert_int_equal(fd_write(fd, VIEW_NONE), 0);
}

static void says_what_broke(void **state)
{
    int fd CLEANUP(fd_close) = file();
    char bytes[16];

    (void)state;
    broken = ENOSPC;
    assert_int_equal(fd_write(fd, VIEW("0123456789")), ENOSPC);
    assert_int_equal(lseek(fd, 0, SEEK_END), 3);
    calls = 0;
    broken = EIO;
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    assert_int_equal(fd_read(fd, bytes, sizeof bytes), -1);
    assert_int_equal(errno, EIO);
}

static void ends_where_nothing_is_taken(void **state)
{
    int fd CLEANUP(fd_close) = file();

    (void)state;
    at_once = 0;
    assert_int_equal(fd_write(fd, VIEW("0")), EIO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_what_comes_in_pieces),
        cmocka_unit_test(says_what_broke),
        cmocka_unit_test(ends_where_nothing_is_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
