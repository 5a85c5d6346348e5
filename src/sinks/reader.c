/* SPDX-License-Identifier: Apache-2.0
 * Every line carries the hash of the one before it, so that a remembered place proves itself by the
 * line that follows. */
#include "sinks/reader.h"

#include "base/log.h"
#include "sinks/head.h"

enum { ARENA_BLOCK = 64 << 10, ARENA_MAX = 512 << 20, READS_MAX = 2 * BATCH_LINES_MAX };

bool reader_init(struct reader *reader, const struct reader_settings *settings)
{
    *reader = (struct reader){.settings = *settings};
    arena_init(&reader->arena, ARENA_BLOCK, ARENA_MAX);
    reader->digest = digest_new();
    return reader->digest != NULL;
}

void reader_done(struct reader *reader)
{
    trail_close(&reader->trail);
    digest_free(&reader->digest);
    arena_done(&reader->arena);
}

static void hash_line(struct reader *reader, struct view text, char out[DIGEST_HEX_BYTES + 1])
{
    unsigned char digest[DIGEST_BYTES];

    digest_start(reader->digest);
    digest_add(reader->digest, text);
    digest_finish(reader->digest, digest);
    digest_hex(digest, out);
    out[DIGEST_HEX_BYTES] = '\0';
}

/* ---- where to stand ---- */

/* The first segment behind the one of that seq, or 0. */
static uint64_t segment_behind(const struct trail *trail, uint64_t seq)
{
    size_t count;
    const uint64_t *const segments = trail_segments(trail, &count);

    for (size_t i = 0; i < count; i++) {
        if (segments[i] > seq)
            return segments[i];
    }
    return 0;
}

static bool has_segment(const struct trail *trail, uint64_t seq)
{
    return seq > 0 && segment_behind(trail, seq - 1) == seq;
}

static enum status seek(struct reader *reader, uint64_t segment, struct err *err)
{
    const struct trail_place place = {.segment = segment, .line = segment == 0 ? 0 : 1};

    return trail_seek(reader->trail, &place, err);
}

/* What was delivered isn't what stands there. The sink goes on from the beginning of the segment:
 * rather lines twice than none. */
static enum status rewind_to(struct reader *reader, uint64_t segment, const char *why,
                             struct err *err)
{
    const bool there = has_segment(reader->trail, segment);

    log_line(LOG_ERROR,
             "a sink was given other lines than the journal has now, it begins again from its "
             "segment sink=%s seq=%llu segment=%llu why=\"%s\"",
             reader->settings.name, (unsigned long long)reader->at.seq,
             (unsigned long long)(there ? segment : 0), why);
    reader->rewinds++;
    reader->at = (struct mark){.seq = 0};
    reader->wanted = 0;
    reader->resumed = false;
    return seek(reader, there ? segment : 0, err);
}

static enum status find_place(struct reader *reader, struct err *err)
{
    const struct mark *const at = &reader->at;
    enum status status;

    if (at->seq == 0)
        return seek(reader, 0, err);
    if (reader->durable < at->seq)
        return rewind_to(reader, at->next.segment, "it ends before that line", err);
    reader->resumed = true;
    status = trail_seek(reader->trail, &at->next, err);
    if (status != STATUS_INVALID)
        return status;
    if (has_segment(reader->trail, at->next.segment))
        return rewind_to(reader, at->next.segment, "the segment is shorter", err);
    /* Segments go oldest first. */
    if (segment_behind(reader->trail, 0) < at->next.segment)
        return rewind_to(reader, 0, "its segment is gone, older ones are there", err);
    /* Taken away: whether lines went with it the next one tells. */
    return seek(reader, segment_behind(reader->trail, at->next.segment), err);
}

/* Opens and finds the place if that isn't done yet. */
static enum status stand(struct reader *reader, struct err *err)
{
    enum status status = STATUS_OK;

    if (reader->standing)
        return STATUS_OK;
    if (reader->trail == NULL)
        status = trail_open(reader->settings.journal, &reader->trail, err);
    if (status == STATUS_OK)
        status = find_place(reader, err);
    reader->standing = status == STATUS_OK;
    return status;
}

void reader_go_on(struct reader *reader, const struct mark *mark)
{
    reader->at = *mark;
    reader->standing = false;
}

/* The newest segment that begins with a line up to durable; 0: none does. */
static uint64_t last_segment(const struct reader *reader)
{
    size_t count;
    const uint64_t *const segments = trail_segments(reader->trail, &count);

    while (count > 0 && segments[count - 1] > reader->durable)
        count--;
    return count > 0 ? segments[count - 1] : 0;
}

enum status reader_find_end(struct reader *reader, struct mark *ret, struct err *err)
{
    struct trail_line line = {.whole = false};
    struct mark mark = {.seq = 0};
    enum trail_step step = TRAIL_END;
    struct line_head head;
    enum status status;

    reader_go_on(reader, &mark);
    status = stand(reader, err);
    if (status == STATUS_OK)
        status = seek(reader, last_segment(reader), err);
    if (status != STATUS_OK)
        return status;
    while (mark.seq < reader->durable &&
           (step = trail_next(reader->trail, &line, err)) == TRAIL_LINE) {
        if (!line_head_read(line.text, &head) || head.seq > reader->durable)
            continue;
        mark.seq = head.seq;
        mark.next = trail_at(reader->trail);
        hash_line(reader, line.text, mark.hash);
    }
    if (step == TRAIL_FAILED)
        return STATUS_IO;
    *ret = mark;
    return STATUS_OK;
}

/* ---- a line ---- */

enum taken { TAKEN_ON, TAKEN_STOP, TAKEN_FAILED };

static enum taken pass_unreadable(struct reader *reader, const struct trail_line *line,
                                  const char *why)
{
    log_line(LOG_ERROR,
             "a line of the journal can't be handed on sink=%s segment=%llu line=%llu why=\"%s\"",
             reader->settings.name, (unsigned long long)line->at.segment,
             (unsigned long long)line->at.line, why);
    reader->unreadable++;
    reader->at.next = trail_at(reader->trail);
    hash_line(reader, line->text, reader->at.hash);
    return TAKEN_ON;
}

static void tell_lost(struct reader *reader, uint64_t first, uint64_t last)
{
    log_line(LOG_ERROR,
             "lines of the journal were gone before a sink was given them sink=%s first=%llu "
             "last=%llu",
             reader->settings.name, (unsigned long long)first, (unsigned long long)last);
    reader->lost += last - first + 1;
}

/* Whether the line can be the one behind reader->at. Lines go missing with their segments only. */
static bool follows(const struct reader *reader, const struct line_head *head, uint64_t segment)
{
    if (!reader->resumed || reader->at.seq == 0)
        return true;
    if (head->seq == reader->at.seq + 1)
        return view_eq(head->prev, view_str(reader->at.hash));
    return head->seq > reader->at.seq && segment != reader->at.next.segment;
}

/* The line's own bytes stay the trail's: it is looked at again later. */
static enum taken put_back(struct reader *reader, const struct trail_line *line, struct err *err)
{
    const struct trail_place place = line->at;

    if (trail_seek(reader->trail, &place, err) == STATUS_OK)
        return TAKEN_STOP;
    reader->standing = false;
    return TAKEN_FAILED;
}

static enum taken put_in(struct reader *reader, const struct trail_line *line,
                         const struct line_head *head, struct batch *batch, struct err *err)
{
    struct mark mark = {.seq = head->seq, .next = trail_at(reader->trail)};
    const uint64_t wanted = reader->at.seq > 0 ? reader->at.seq + 1 : reader->wanted;
    const size_t before = batch->text.len;
    enum status status;

    arena_reset(&reader->arena);
    status = format_line(reader->settings.format, reader->settings.source, line->text,
                         &reader->arena, &batch->text);
    if (status != STATUS_OK || batch->text.failed != STATUS_OK) {
        status = status != STATUS_OK ? status : batch->text.failed;
        batch->text.failed = STATUS_OK;
        batch->text.len = before;
    }
    if (status == STATUS_NOMEM) {
        (void)put_back(reader, line, err);
        (void)err_set(err, STATUS_NOMEM, "no memory for a line of the journal");
        return TAKEN_FAILED;
    }
    if (wanted > 0 && head->seq > wanted)
        tell_lost(reader, wanted, head->seq - 1);
    reader->wanted = 0;
    reader->at.seq = head->seq;
    if (status != STATUS_OK)
        return pass_unreadable(reader, line,
                               status == STATUS_LIMIT ? "it is too long" : "it can't be read");
    hash_line(reader, line->text, mark.hash);
    reader->at = mark;
    batch_add(batch, &mark, head->time_us, head->event);
    return TAKEN_ON;
}

/* From the segment of what was delivered, not of the line: what is between may never have gone. */
static enum taken begin_again(struct reader *reader, const char *why, struct err *err)
{
    const uint64_t segment = reader->at.next.segment;

    return rewind_to(reader, segment, why, err) == STATUS_OK ? TAKEN_ON : TAKEN_FAILED;
}

static enum taken take_line(struct reader *reader, const struct trail_line *line,
                            struct batch *batch, struct err *err)
{
    struct line_head head;

    if (!line->whole || !line_head_read(line->text, &head)) {
        if (reader->resumed)
            return begin_again(reader, "no line begins there", err);
        if (reader->at.seq > 0)
            reader->at.seq++;
        return pass_unreadable(reader, line, "it is no line of a journal");
    }
    if (head.seq > reader->durable)
        return put_back(reader, line, err);
    if (!follows(reader, &head, line->at.segment))
        return begin_again(reader, "the next line follows another one", err);
    reader->resumed = false;
    return put_in(reader, line, &head, batch, err);
}

/* Whether one more line is to be read. last 0: by the limits. */
static bool wants_more(const struct reader *reader, const struct batch *batch, size_t lines,
                       uint64_t last)
{
    if (last != 0)
        return reader->at.seq < last && batch->count < BATCH_LINES_MAX;
    return reader->at.seq < reader->durable && batch->count < lines &&
           batch->text.len < BATCH_BYTES;
}

enum status reader_fill(struct reader *reader, size_t lines, uint64_t last, struct batch *batch,
                        struct err *err)
{
    const uint64_t rewinds = reader->rewinds;
    const bool behind_rewind = last <= reader->at.seq;
    enum status status = stand(reader, err);
    enum taken taken = TAKEN_ON;

    if (status != STATUS_OK)
        return status;
    for (size_t reads = 0; taken == TAKEN_ON && reads < READS_MAX; reads++) {
        struct trail_line line;
        enum trail_step step;

        /* Behind a rewind it is another batch, unless it was sent behind one before. */
        if (!wants_more(reader, batch, lines,
                        (reader->rewinds != rewinds) == behind_rewind ? last : 0))
            break;
        step = trail_next(reader->trail, &line, err);
        if (step == TRAIL_LINE)
            taken = take_line(reader, &line, batch, err);
        else
            taken = step == TRAIL_END ? TAKEN_STOP : TAKEN_FAILED;
    }
    batch->end = reader->at;
    if (taken != TAKEN_FAILED)
        return STATUS_OK;
    reader->standing = false;
    return err->status;
}
