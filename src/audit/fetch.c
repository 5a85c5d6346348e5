/* SPDX-License-Identifier: Apache-2.0
 * A few segments stay open: the lines of one exchange, and of its neighbours, stand close. */
#include "audit/fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "audit/index.h"
#include "journal/line.h"
#include "journal/segment.h"

enum { OPEN_SEGMENTS = 8, FIRST_BYTES = 4096, LINE_BYTES = LINE_READ_MAX_BYTES + 1 /* LF */ };

struct fetch {
    int dir_fd;
    struct {
        uint64_t segment;
        int fd;
    } open[OPEN_SEGMENTS]; /* by segment modulo */
    char bytes[LINE_BYTES];
};

enum status fetch_open(const char *directory, struct fetch **ret, struct err *err)
{
    struct fetch *fetch = malloc(sizeof *fetch);

    if (fetch == NULL)
        return err_set(err, STATUS_NOMEM, "memory is out");
    for (size_t i = 0; i < OPEN_SEGMENTS; i++) {
        fetch->open[i].segment = 0;
        fetch->open[i].fd = -1;
    }
    fetch->dir_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fetch->dir_fd < 0) {
        int failed = errno;

        free(fetch);
        return err_set_errno(err, failed, "can't open the journal folder %s", directory);
    }
    *ret = fetch;
    return STATUS_OK;
}

void fetch_close(struct fetch **fetch)
{
    if (*fetch == NULL)
        return;
    for (size_t i = 0; i < OPEN_SEGMENTS; i++) {
        if ((*fetch)->open[i].fd >= 0)
            (void)close((*fetch)->open[i].fd);
    }
    (void)close((*fetch)->dir_fd);
    free(*fetch);
    *fetch = NULL;
}

/* -1: errno says. */
static int segment_fd(struct fetch *fetch, uint64_t segment)
{
    size_t at = segment % OPEN_SEGMENTS;
    char name[SEGMENT_NAME_BYTES];

    if (fetch->open[at].fd >= 0 && fetch->open[at].segment == segment)
        return fetch->open[at].fd;
    if (fetch->open[at].fd >= 0)
        (void)close(fetch->open[at].fd);
    segment_name_format(segment, name);
    fetch->open[at].segment = segment;
    fetch->open[at].fd =
        openat(fetch->dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    return fetch->open[at].fd;
}

/* How many bytes the line has, or as many as were read if it has no end. -1: errno says. */
static ssize_t read_line(struct fetch *fetch, int fd, uint64_t offset, bool *ret_whole)
{
    size_t have = 0, want = FIRST_BYTES;

    for (;;) {
        ssize_t got = pread(fd, fetch->bytes + have, want - have, (off_t)(offset + have));
        const char *end;

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        end = memchr(fetch->bytes + have, '\n', (size_t)got);
        if (end != NULL) {
            *ret_whole = true;
            return end - fetch->bytes;
        }
        have += (size_t)got;
        if (got == 0 || have == LINE_BYTES)
            return (ssize_t)have;
        if (have == want)
            want = want * 4 < LINE_BYTES ? want * 4 : LINE_BYTES;
    }
}

void fetch_ahead(struct fetch *fetch, uint64_t segment, uint64_t offset)
{
    int fd = segment_fd(fetch, segment);

    if (fd >= 0 && offset <= INT64_MAX - LINE_BYTES)
        (void)posix_fadvise(fd, (off_t)offset, FIRST_BYTES, POSIX_FADV_WILLNEED);
}

static enum status no_line(struct err *err)
{
    return err_set(err, STATUS_SYNTAX, "no line stands where the index says one");
}

enum status fetch_line(struct fetch *fetch, uint64_t segment, uint64_t offset, struct arena *arena,
                       struct view *ret, struct err *err)
{
    int fd = segment_fd(fetch, segment);
    bool whole = false;
    ssize_t len;

    *ret = VIEW_NONE;
    if (fd < 0 && errno == ENOENT)
        return STATUS_OK;
    if (offset > INT64_MAX - LINE_BYTES)
        return no_line(err);
    len = fd < 0 ? -1 : read_line(fetch, fd, offset, &whole);
    if (len < 0)
        return err_set_errno(err, errno, "can't read segment %020llu.jsonl",
                             (unsigned long long)segment);
    if (!whole)
        return no_line(err);
    *ret = arena_copy(arena, view_of(fetch->bytes, (size_t)len));
    return ret->ptr == NULL ? err_set(err, STATUS_NOMEM, "memory is out") : STATUS_OK;
}
