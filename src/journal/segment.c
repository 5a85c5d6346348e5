/* SPDX-License-Identifier: Apache-2.0
 * Segment files. Space is allocated ahead without changing the size (FALLOC_FL_KEEP_SIZE), so that
 * fdatasync needn't write the file's metadata for every line and promised lines find their place.
 */
#include "journal/segment.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/number.h"
#include "base/require.h"
#include "journal/line.h"

enum {
    NAME_DIGITS = 20,
    READ_BYTES = 64 * 1024,
    READ_MAX_BYTES = CHECKPOINT_MAX_BYTES + 2 * READ_BYTES,
    FRONT_BYTES = 256, /* in which a line says its event */
};

void segment_name_format(uint64_t seq, char out[SEGMENT_NAME_BYTES])
{
    (void)snprintf(out, SEGMENT_NAME_BYTES, "%020llu.jsonl", (unsigned long long)seq);
}

bool segment_name_parse(const char *name, uint64_t *ret_seq)
{
    struct view v = view_str(name);
    uint64_t seq = 0;
    bool good;

    good = v.len == SEGMENT_NAME_BYTES - 1 && view_ends(v, VIEW(".jsonl")) &&
           num_parse_digits(view_of(v.ptr, NAME_DIGITS), &seq) && seq != 0;
    if (good)
        *ret_seq = seq;
    return good;
}

static int compare_seq(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

    return (left > right) - (left < right);
}

static enum status collect_names(DIR *dir, uint64_t **list, size_t *count)
{
    size_t cap = 0;
    const struct dirent *entry;

    /* One thread reads this stream: readdir is safe on it. */
    /* cppcheck-suppress readdirCalled */
    /* NOLINTNEXTLINE(concurrency-mt-unsafe) */
    while ((entry = readdir(dir)) != NULL) {
        uint64_t seq;

        if (!segment_name_parse(entry->d_name, &seq))
            continue;
        if (*count == cap) {
            uint64_t *grown = realloc(*list, (cap * 2 + 64) * sizeof **list);

            if (grown == NULL)
                return STATUS_NOMEM;
            *list = grown;
            cap = cap * 2 + 64;
        }
        (*list)[(*count)++] = seq;
    }
    return STATUS_OK;
}

enum status segment_list(int dir_fd, uint64_t **ret, size_t *ret_count, struct err *err)
{
    int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    uint64_t *list = NULL;
    size_t count = 0;
    enum status status;

    if (dir == NULL) {
        (void)err_set_errno(err, errno, "can't list the folder");
        if (fd >= 0)
            (void)close(fd);
        return STATUS_IO;
    }
    status = collect_names(dir, &list, &count);
    (void)closedir(dir);
    if (status != STATUS_OK) {
        free(list);
        return err_set(err, status, "no memory for the list of segments");
    }
    if (count > 0)
        qsort(list, count, sizeof *list, compare_seq);
    *ret = list;
    *ret_count = count;
    return STATUS_OK;
}

bool segment_began(int dir_fd, uint64_t seq, int64_t *ret_us)
{
    char name[SEGMENT_NAME_BYTES], front[LINE_FRONT_BYTES];
    int fd CLEANUP(fd_close);
    ssize_t len;

    segment_name_format(seq, name);
    fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    len = fd < 0 ? -1 : fd_read(fd, front, sizeof front);
    return len >= 0 && line_peek_time(view_of(front, (size_t)len), ret_us);
}

int segment_allocate(struct segment *segment)
{
    if (segment->room >= segment->limit || segment->size >= segment->limit || segment->no_room)
        return 0;
    if (fallocate(segment->fd, FALLOC_FL_KEEP_SIZE, (off_t)segment->size,
                  (off_t)(segment->limit - segment->size)) == 0) {
        segment->room = segment->limit;
        return 0;
    }
    if (errno != EOPNOTSUPP && errno != ENOSYS)
        return errno;
    segment->no_room = true;
    return 0;
}

int segment_create(struct segment *segment, int dir_fd, uint64_t seq, uint64_t limit)
{
    int failed;

    *segment = (struct segment){.dir_fd = dir_fd, .fd = -1, .limit = limit};
    segment_name_format(seq, segment->name);
    segment->fd = openat(dir_fd, segment->name,
                         O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (segment->fd < 0)
        return errno;
    failed = segment_allocate(segment);
    if (failed == 0 && fsync(dir_fd) != 0)
        failed = errno;
    /* An empty file that stays is no damage: recovery takes it away. */
    if (failed != 0)
        (void)!segment_discard(segment);
    return failed;
}

int segment_reopen(struct segment *segment, int dir_fd, uint64_t seq, uint64_t size, uint64_t limit,
                   bool *ret_full)
{
    *segment = (struct segment){.dir_fd = dir_fd, .fd = -1, .size = size, .limit = limit};
    segment_name_format(seq, segment->name);
    segment->fd = openat(dir_fd, segment->name, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
    if (segment->fd < 0)
        return errno;
    /* Without room the journal starts, says so and refuses intents. */
    *ret_full = segment_allocate(segment) != 0;
    return 0;
}

void segment_close(struct segment *segment)
{
    if (segment->fd < 0)
        return;
    /* Nothing depends on either: the lines were synced, or are known not to be. */
    if (segment->room > segment->size)
        (void)!ftruncate(segment->fd, (off_t)segment->size);
    (void)close(segment->fd);
    segment->fd = -1;
    segment->room = 0;
}

bool segment_discard(struct segment *segment)
{
    REQUIRE(segment->fd >= 0);
    (void)close(segment->fd);
    segment->fd = -1;
    return unlinkat(segment->dir_fd, segment->name, 0) == 0 && fsync(segment->dir_fd) == 0;
}

int segment_append(struct segment *segment, struct view bytes, size_t *ret_done)
{
    *ret_done = 0;
    while (*ret_done < bytes.len) {
        ssize_t n = write(segment->fd, bytes.ptr + *ret_done, bytes.len - *ret_done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno;
        if (n == 0)
            return EIO; /* no file system does this; don't spin on it */
        *ret_done += (size_t)n;
    }
    return 0;
}

bool segment_keep(struct segment *segment, uint64_t size, bool cut_rest)
{
    segment->size = size;
    if (!cut_rest)
        return true;
    segment->room = 0; /* truncating gives back what was allocated ahead */
    return ftruncate(segment->fd, (off_t)size) == 0;
}

int segment_sync(const struct segment *segment)
{
    return fdatasync(segment->fd) == 0 ? 0 : errno;
}

int line_reader_open(struct line_reader *reader, int dir_fd, uint64_t seq)
{
    char name[SEGMENT_NAME_BYTES];
    struct stat facts;

    *reader = (struct line_reader){.fd = -1};
    buf_init(&reader->buf, READ_MAX_BYTES);
    segment_name_format(seq, name);
    /* O_NONBLOCK: opening a named pipe must not wait for its other end. */
    reader->fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (reader->fd < 0) /* ELOOP: a link; ENXIO: a socket */
        return errno == ELOOP || errno == ENXIO ? EINVAL : errno;
    if (fstat(reader->fd, &facts) != 0)
        return errno;
    return S_ISREG(facts.st_mode) ? 0 : EINVAL;
}

enum status line_reader_say(uint64_t seq, int failed, struct err *err)
{
    char name[SEGMENT_NAME_BYTES];

    segment_name_format(seq, name);
    if (failed == EINVAL)
        return err_set(err, STATUS_IO, "can't open segment %s: it is no regular file", name);
    return err_set_errno(err, failed, "can't open segment %s", name);
}

int line_reader_open_file(struct line_reader *reader, const char *path)
{
    *reader = (struct line_reader){.fd = open(path, O_RDONLY | O_CLOEXEC)};
    buf_init(&reader->buf, READ_MAX_BYTES);
    return reader->fd < 0 ? errno : 0;
}

void line_reader_done(struct line_reader *reader)
{
    buf_done(&reader->buf);
    if (reader->fd >= 0)
        (void)close(reader->fd);
    reader->fd = -1;
}

/* More bytes behind those that are left; false: errno says. */
static bool refill(struct line_reader *reader)
{
    ssize_t n;

    buf_drop(&reader->buf, reader->at);
    reader->at = 0;
    if (!buf_reserve(&reader->buf, READ_BYTES)) {
        errno = reader->buf.failed == STATUS_NOMEM ? ENOMEM : EFBIG;
        return false;
    }
    do
        n = read(reader->fd, reader->buf.ptr + reader->buf.len, READ_BYTES);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return false;
    reader->ended = n == 0;
    reader->buf.len += (size_t)n;
    return true;
}

/* Whether so much of the line in the buffer is more than a line has. */
static bool is_too_long(const struct line_reader *reader, struct view line)
{
    static const char checkpoint[] = "\"event\":\"checkpoint\"";
    const size_t front = line.len < FRONT_BYTES ? line.len : FRONT_BYTES;

    if (reader->dropped > 0 || line.len > CHECKPOINT_MAX_BYTES)
        return true;
    return line.len > LINE_READ_MAX_BYTES &&
           (reader->offset > 0 ||
            memmem(line.ptr, front, checkpoint, sizeof checkpoint - 1) == NULL);
}

static void hand_out(struct line_reader *reader, struct view line, bool whole, struct view *ret)
{
    *ret = view_of(line.ptr, is_too_long(reader, line) ? 0 : line.len);
    reader->length = reader->dropped + line.len;
    reader->dropped = 0;
    reader->at += line.len + whole;
    reader->offset += reader->length + whole;
}

int line_reader_next(struct line_reader *reader, struct view *ret, bool *ret_whole)
{
    size_t searched = 0;

    for (;;) {
        struct view left = view_from(buf_view(&reader->buf), reader->at);
        size_t lf = searched + view_find(view_from(left, searched), '\n');

        if (lf < left.len || (reader->ended && (left.len > 0 || reader->dropped > 0))) {
            *ret_whole = lf < left.len;
            hand_out(reader, view_of(left.ptr, lf), *ret_whole, ret);
            return 1;
        }
        if (reader->ended)
            return 0;
        searched = left.len;
        if (is_too_long(reader, left)) {
            reader->dropped += left.len;
            reader->at += left.len;
            searched = 0;
        }
        if (!refill(reader))
            return -1;
    }
}

bool line_reader_back(struct line_reader *reader)
{
    reader->offset -= reader->length;
    reader->length = 0;
    reader->at = 0;
    buf_clear(&reader->buf);
    return lseek(reader->fd, (off_t)reader->offset, SEEK_SET) >= 0;
}
