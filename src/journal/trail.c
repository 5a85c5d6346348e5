/* SPDX-License-Identifier: Apache-2.0
 * From segment to segment. The writer closes one before it makes the next, so a segment is complete
 * once a later one was seen and its own end was seen after that. */
#include "journal/trail.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/segment.h"

struct trail {
    int dir_fd;
    uint64_t *segments; /* ascending */
    size_t count;
    struct line_reader reader; /* fd -1: no segment is open */
    struct trail_place at;     /* of the next line; segment 0: before the first */
    bool successor;            /* a later segment was seen before the last look at this one */
    uint64_t torn;
};

static enum status list_segments(struct trail *trail, struct err *err)
{
    uint64_t *list = NULL;
    size_t count = 0;
    enum status status = segment_list(trail->dir_fd, &list, &count, err);

    if (status != STATUS_OK)
        return status;
    free(trail->segments);
    trail->segments = list;
    trail->count = count;
    return STATUS_OK;
}

enum status trail_open(const char *directory, struct trail **ret, struct err *err)
{
    struct trail *trail = calloc(1, sizeof *trail);
    enum status status;

    if (trail == NULL)
        return err_set(err, STATUS_NOMEM, "memory is out");
    trail->reader.fd = -1;
    trail->dir_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (trail->dir_fd < 0)
        status = err_set_errno(err, errno, "can't open the journal folder %s", directory);
    else
        status = list_segments(trail, err);
    if (status != STATUS_OK) {
        trail_close(&trail);
        return status;
    }
    *ret = trail;
    return STATUS_OK;
}

void trail_close(struct trail **trail)
{
    if (*trail == NULL)
        return;
    line_reader_done(&(*trail)->reader);
    if ((*trail)->dir_fd >= 0)
        (void)close((*trail)->dir_fd);
    free((*trail)->segments);
    free(*trail);
    *trail = NULL;
}

const uint64_t *trail_segments(const struct trail *trail, size_t *ret_count)
{
    *ret_count = trail->count;
    return trail->segments;
}

struct trail_place trail_at(const struct trail *trail)
{
    return trail->at;
}

uint64_t trail_torn(const struct trail *trail)
{
    return trail->torn;
}

/* The first segment behind the one of that seq; 0: there is none. */
static uint64_t segment_behind(const struct trail *trail, uint64_t seq)
{
    for (size_t i = 0; i < trail->count; i++) {
        if (trail->segments[i] > seq)
            return trail->segments[i];
    }
    return 0;
}

static void stand_at(struct trail *trail, const struct line_reader *reader,
                     const struct trail_place *place)
{
    line_reader_done(&trail->reader);
    trail->reader = *reader;
    trail->at = *place;
    trail->successor = segment_behind(trail, place->segment) != 0;
    trail->torn = 0;
}

enum status trail_seek(struct trail *trail, const struct trail_place *place, struct err *err)
{
    struct line_reader reader;
    struct stat stat;
    int failed;

    if (place->segment == 0) {
        const struct line_reader none = {.fd = -1};

        stand_at(trail, &none, place);
        return list_segments(trail, err);
    }
    failed = line_reader_open(&reader, trail->dir_fd, place->segment);
    if (failed == ENOENT)
        return err_set(err, STATUS_INVALID, "segment %llu is not there",
                       (unsigned long long)place->segment);
    if (failed == 0 &&
        (fstat(reader.fd, &stat) != 0 || lseek(reader.fd, (off_t)place->offset, SEEK_SET) < 0))
        failed = errno;
    if (failed == 0 && (uint64_t)stat.st_size < place->offset) {
        line_reader_done(&reader);
        return err_set(err, STATUS_INVALID, "segment %llu is shorter than %llu bytes",
                       (unsigned long long)place->segment, (unsigned long long)place->offset);
    }
    if (failed != 0) {
        line_reader_done(&reader);
        return err_set_errno(err, failed, "can't read segment %llu",
                             (unsigned long long)place->segment);
    }
    reader.offset = place->offset;
    stand_at(trail, &reader, place);
    return list_segments(trail, err);
}

/* Opens the next segment that is still there. TRAIL_LINE: it is open. */
static enum trail_step open_behind(struct trail *trail, struct err *err)
{
    uint64_t next = trail->at.segment;

    while ((next = segment_behind(trail, next)) != 0) {
        const struct trail_place place = {.segment = next, .line = 1};
        struct line_reader reader;
        int failed = line_reader_open(&reader, trail->dir_fd, next);

        if (failed == 0) {
            stand_at(trail, &reader, &place);
            return TRAIL_LINE;
        }
        line_reader_done(&reader);
        if (failed != ENOENT) {
            (void)err_set_errno(err, failed, "can't open segment %llu", (unsigned long long)next);
            return TRAIL_FAILED;
        }
    }
    return TRAIL_END;
}

/* The end of the open segment, or of all. TRAIL_LINE: there is more to look at. */
static enum trail_step go_on(struct trail *trail, struct err *err)
{
    if (trail->successor)
        return open_behind(trail, err);
    if (list_segments(trail, err) != STATUS_OK)
        return TRAIL_FAILED;
    if (trail->reader.fd < 0)
        return open_behind(trail, err);
    trail->successor = segment_behind(trail, trail->at.segment) != 0;
    trail->reader.ended = false;
    return trail->successor ? TRAIL_LINE : TRAIL_END;
}

static enum trail_step read_failed(const struct trail *trail, struct err *err)
{
    (void)err_set_errno(err, errno, "can't read segment %llu, line %llu",
                        (unsigned long long)trail->at.segment, (unsigned long long)trail->at.line);
    return TRAIL_FAILED;
}

enum trail_step trail_next(struct trail *trail, struct trail_line *ret, struct err *err)
{
    for (;;) {
        int got =
            trail->reader.fd < 0 ? 0 : line_reader_next(&trail->reader, &ret->text, &ret->whole);
        enum trail_step step;

        if (got < 0)
            return read_failed(trail, err);
        if (got == 1 && (ret->whole || trail->successor)) {
            ret->at = trail->at;
            trail->at.offset = trail->reader.offset;
            trail->at.line++;
            return TRAIL_LINE;
        }
        trail->torn = got == 1 ? ret->text.len : 0;
        if (got == 1)
            line_reader_back(&trail->reader, ret->text.len);
        step = go_on(trail, err);
        if (step != TRAIL_LINE)
            return step;
    }
}
