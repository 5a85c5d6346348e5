/* SPDX-License-Identifier: Apache-2.0
 * From segment to segment. The writer closes one before it makes the next, so a segment is complete
 * once a later one was seen and its own end was seen after that. */
#include "trail/trail.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/segment.h"

/* By which lines may stand out of the order of their times: they get theirs before their place. */
static const int64_t slack_us = INT64_C(600000000);

struct trail {
    int dir_fd;
    uint64_t *segments; /* ascending */
    size_t count;
    struct line_reader reader; /* fd -1: no segment is open */
    struct trail_place at;     /* of the next line; segment 0: before the first */
    struct trail_place whole;  /* behind the last whole line, as far as one was read */
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

static enum status open_at(struct trail *trail, const struct trail_place *place,
                           struct line_reader *reader, struct err *err)
{
    int failed = line_reader_open(reader, trail->dir_fd, place->segment);
    struct stat stat;

    if (failed == ENOENT)
        return err_set(err, STATUS_INVALID, "segment %020llu.jsonl is not there",
                       (unsigned long long)place->segment);
    if (failed == 0 && fstat(reader->fd, &stat) != 0)
        failed = errno;
    if (failed != 0)
        return line_reader_say(place->segment, failed, err);
    if ((uint64_t)stat.st_size < place->offset)
        return err_set(err, STATUS_INVALID, "segment %020llu.jsonl is shorter than %llu bytes",
                       (unsigned long long)place->segment, (unsigned long long)place->offset);
    if (lseek(reader->fd, (off_t)place->offset, SEEK_SET) < 0)
        return err_set_errno(err, errno, "can't read segment %020llu.jsonl",
                             (unsigned long long)place->segment);
    reader->offset = place->offset;
    return STATUS_OK;
}

enum status trail_seek(struct trail *trail, const struct trail_place *place, struct err *err)
{
    struct line_reader reader = {.fd = -1};
    enum status status = place->segment == 0 ? STATUS_OK : open_at(trail, place, &reader, err);

    if (status == STATUS_OK)
        status = list_segments(trail, err);
    if (status != STATUS_OK) {
        line_reader_done(&reader);
        return status;
    }
    stand_at(trail, &reader, place);
    trail->whole = *place;
    return STATUS_OK;
}

enum status trail_seek_since(struct trail *trail, int64_t from_us, struct err *err)
{
    struct trail_place place = {.line = 1};
    int64_t last_us = INT64_MIN;
    enum status status;

    if (from_us < INT64_MIN + slack_us)
        return trail_seek(trail, &(struct trail_place){0}, err);
    for (size_t i = 0; i < trail->count; i++) {
        int64_t began_us;

        /* A time that goes back is of a clock that was wrong, and tells nothing. */
        if (!segment_began(trail->dir_fd, trail->segments[i], &began_us) || began_us < last_us)
            continue;
        if (began_us >= from_us - slack_us)
            break;
        last_us = began_us;
        place.segment = trail->segments[i];
    }
    status = trail_seek(trail, &place, err);
    if (status == STATUS_INVALID) /* it was taken away meanwhile, so it was the first one */
        status = trail_seek(trail, &(struct trail_place){0}, err);
    return status;
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
        if (failed != ENOENT && line_reader_say(next, failed, err) != STATUS_OK)
            return TRAIL_FAILED;
    }
    return TRAIL_END;
}

/* Whether the open segment was taken away. A start does that to one that a crash left without a
 * whole line, and goes on with the segment before it. */
static bool is_gone(const struct trail *trail)
{
    struct stat stat;

    return fstat(trail->reader.fd, &stat) == 0 && stat.st_nlink == 0;
}

/* Back behind the last whole line. TRAIL_LINE: it stands there. */
static enum trail_step go_back(struct trail *trail, struct err *err)
{
    const struct trail_place place = trail->whole;
    enum status status = trail_seek(trail, &place, err);

    if (status == STATUS_INVALID) { /* that segment is old, and gone as well */
        status = list_segments(trail, err);
        return status == STATUS_OK ? open_behind(trail, err) : TRAIL_FAILED;
    }
    return status == STATUS_OK ? TRAIL_LINE : TRAIL_FAILED;
}

/* The end of the open segment, or of all. TRAIL_LINE: there is more to look at. */
static enum trail_step go_on(struct trail *trail, struct err *err)
{
    enum trail_step step = trail->successor ? open_behind(trail, err) : TRAIL_END;

    if (step != TRAIL_END)
        return step;
    if (trail->successor)
        return go_back(trail, err); /* all that was behind is gone again */
    if (trail->reader.fd >= 0 && trail->whole.segment != trail->at.segment && is_gone(trail))
        return go_back(trail, err);
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
    (void)err_set_errno(err, errno, "can't read segment %020llu.jsonl, line %llu",
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
            ret->length = trail->reader.length;
            trail->at.offset = trail->reader.offset;
            trail->at.line++;
            if (ret->whole)
                trail->whole = trail->at;
            return TRAIL_LINE;
        }
        trail->torn = got == 1 ? trail->reader.length : 0;
        if (got == 1 && !line_reader_back(&trail->reader))
            return read_failed(trail, err);
        step = go_on(trail, err);
        if (step != TRAIL_LINE)
            return step;
    }
}
