/* SPDX-License-Identifier: Apache-2.0
 * The file of a witness: lines are only ever appended. It is opened for each, so that one that was
 * moved away or mounted again is found, and may be one that the system lets nobody change (chattr
 * +a): half a line is completed, never cut off. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/number.h"
#include "journal/witness.h"

enum { TAIL_BYTES = 2 * WITNESS_LINE_BYTES };

struct tail {
    char bytes[TAIL_BYTES];
    struct view last; /* the last complete line, with its LF; none: no bytes */
    struct view torn; /* behind it */
};

uint64_t witness_seal_seq(struct view line)
{
    const struct view begin = VIEW("{\"v\":1,\"seq\":"), event = VIEW(",\"event\":\"seal\",");
    struct view rest, digits;
    uint64_t seq = 0;

    if (!view_starts(line, begin))
        return 0;
    rest = view_from(line, begin.len);
    digits = view_of(rest.ptr, view_find(rest, ','));
    /* v, seq, prev and time come before it, and no text of a caller's. */
    rest = view_of(line.ptr, line.len < 256 ? line.len : 256);
    while (rest.len > event.len && !view_starts(rest, event))
        rest = view_from(rest, 1);
    return view_starts(rest, event) && num_parse_digits(digits, &seq) ? seq : 0;
}

static void split(struct tail *tail, size_t len)
{
    const char *bytes = tail->bytes;
    size_t end = len, from;

    while (end > 0 && bytes[end - 1] != '\n')
        end--;
    from = end > 0 ? end - 1 : 0;
    while (from > 0 && bytes[from - 1] != '\n')
        from--;
    tail->last = view_of(bytes + from, end - from);
    tail->torn = view_of(bytes + end, len - end);
}

static int read_tail(int fd, off_t size, struct tail *ret)
{
    off_t from = size > TAIL_BYTES ? size - TAIL_BYTES : 0;
    ssize_t len =
        lseek(fd, from, SEEK_SET) < 0 ? -1 : fd_read(fd, ret->bytes, (size_t)(size - from));

    if (len < 0)
        return errno;
    split(ret, (size_t)len);
    return 0;
}

/* Opens a regular file and reads its end. */
static enum status look(const char *path, int flags, int *ret_fd, struct tail *ret, struct err *err)
{
    /* O_NONBLOCK: opening a named pipe must not wait for its other end. */
    int fd = open(path, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
    struct stat facts;
    int failed;

    *ret_fd = fd;
    if (fd < 0 || fstat(fd, &facts) != 0)
        return err_set_errno(err, errno, "%s", path);
    if (!S_ISREG(facts.st_mode))
        return err_set(err, STATUS_INVALID, "%s: not a regular file", path);
    failed = read_tail(fd, facts.st_size, ret);
    return failed == 0 ? STATUS_OK : err_set_errno(err, failed, "%s", path);
}

enum status witness_file_append(const char *path, struct view line, struct err *err)
{
    int fd CLEANUP(fd_close) = -1;
    struct tail tail = {.last = {NULL, 0}};
    enum status status = look(path, O_RDWR | O_APPEND | O_CREAT, &fd, &tail, err);
    int failed = 0;

    if (status != STATUS_OK)
        return status;
    if (tail.torn.len == 0 && view_eq(tail.last, line))
        line = VIEW_NONE;
    else if (view_starts(line, tail.torn))
        line = view_from(line, tail.torn.len);
    else
        failed = fd_write(fd, VIEW("\n"));
    if (failed == 0)
        failed = fd_write(fd, line);
    if (failed == 0 && fdatasync(fd) != 0)
        failed = errno;
    return failed == 0 ? STATUS_OK : err_set_errno(err, failed, "%s", path);
}

enum status witness_file_last(const char *path, uint64_t *ret_seq, struct err *err)
{
    int fd CLEANUP(fd_close) = -1;
    struct tail tail = {.last = {NULL, 0}};
    enum status status;

    if (access(path, F_OK) != 0 && errno == ENOENT) {
        *ret_seq = 0;
        return STATUS_OK;
    }
    status = look(path, O_RDONLY, &fd, &tail, err);
    if (status == STATUS_OK)
        *ret_seq = witness_seal_seq(tail.last);
    return status;
}
