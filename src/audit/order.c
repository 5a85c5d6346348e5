/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/order.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "audit/index.h"
#include "journal/line.h"
#include "journal/segment.h"
#include "trail/row.h"

/* More changed lines than these, one behind the other, may cost the rest of their segment. */
enum { AHEAD_LINES = 8, ARENA_BLOCK = 1 << 16, ARENA_MAX = 1 << 28 };
static const uint64_t seq_max = INT64_MAX / 2; /* sums with it don't overflow */

enum status order_init(struct order *o, const char *directory, struct err *err)
{
    *o = (struct order){.dir_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    arena_init(&o->arena, ARENA_BLOCK, ARENA_MAX);
    return o->dir_fd >= 0
               ? STATUS_OK
               : err_set_errno(err, errno, "can't open the journal folder %s", directory);
}

void order_done(struct order *o)
{
    arena_done(&o->arena);
    if (o->dir_fd >= 0)
        (void)close(o->dir_fd);
    o->dir_fd = -1;
}

static enum status taken_wrongly(struct err *err)
{
    return err_set(err, STATUS_SYNTAX, "the index has a line that is out of its order");
}

enum status order_segment(struct order *o, uint64_t first, uint64_t next, struct err *err)
{
    if (first <= o->seq)
        return taken_wrongly(err);
    o->first = first;
    o->next = next;
    o->seq = first - 1;
    o->young = 0;
    return STATUS_OK;
}

void order_go_on(struct order *o, uint64_t first, uint64_t next, uint64_t seq)
{
    o->first = first;
    o->next = next;
    o->seq = seq;
    o->young = seq == 0 ? 0 : AHEAD_LINES;
}

/* Whether the line has its place before one of that seq, and would be lost behind it. */
static enum status is_before(struct order *o, struct view text, uint64_t seq, bool *ret,
                             struct err *err)
{
    enum status status = STATUS_SYNTAX;
    const char *why;
    struct row row;

    arena_reset(&o->arena);
    if (text.len <= LINE_READ_MAX_BYTES)
        status = row_read(text, &o->arena, &row, &why);
    if (status == STATUS_NOMEM)
        return err_set(err, status, "memory is out");
    *ret = status == STATUS_OK && row.seq > o->seq && row.seq <= seq;
    return STATUS_OK;
}

static enum status look_behind(struct order *o, struct line_reader *reader, uint64_t seq,
                               bool *ret_before, struct err *err)
{
    for (unsigned i = 0; i < AHEAD_LINES && !*ret_before; i++) {
        struct view text;
        bool whole = false;
        int got = line_reader_next(reader, &text, &whole);
        enum status status;

        if (got < 0)
            return err_set_errno(err, errno, "can't read segment %020llu.jsonl",
                                 (unsigned long long)o->first);
        if (got == 0 || !whole)
            break;
        status = is_before(o, text, seq, ret_before, err);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

/* Whether one of the lines right behind it would be lost if it were taken. */
static enum status costs_others(struct order *o, uint64_t seq, const struct trail_line *line,
                                bool *ret, struct err *err)
{
    struct line_reader reader CLEANUP(line_reader_done);
    uint64_t behind = line->at.offset + line->text.len + 1;
    int failed = line_reader_open(&reader, o->dir_fd, line->at.segment);

    *ret = false;
    if (failed == 0 && lseek(reader.fd, (off_t)behind, SEEK_SET) < 0)
        failed = errno;
    if (failed == ENOENT) /* retired meanwhile: its lines go anyway */
        return STATUS_OK;
    if (failed != 0)
        return err_set_errno(err, failed, "can't read segment %020llu.jsonl",
                             (unsigned long long)line->at.segment);
    return look_behind(o, &reader, seq, ret, err);
}

enum status order_takes(struct order *o, uint64_t seq, const struct trail_line *line, bool *ret,
                        struct err *err)
{
    enum status status = STATUS_OK;
    bool costs = false;

    *ret = false;
    if (o->young > 0) {
        o->young--;
        if (seq <= o->seq && seq >= o->first)
            return taken_wrongly(err);
    }
    if (seq <= o->seq || seq > seq_max || (o->next != 0 && seq >= o->next))
        return STATUS_OK;
    if (seq > o->seq + 1)
        status = costs_others(o, seq, line, &costs, err);
    if (status != STATUS_OK || costs)
        return status;
    o->seq = seq;
    *ret = true;
    return STATUS_OK;
}
