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

void reader_go_on(struct reader *reader, const struct mark *mark)
{
    reader->at = *mark;
    reader->wanted = mark->seq == 0 ? mark->next.segment : 0;
    reader->seen = mark_through(mark);
    reader->standing = false;
}

/* At the first line of that segment; 0: of all. */
static enum status begin_at(struct reader *reader, uint64_t segment, struct err *err)
{
    const struct mark mark = {.seq = 0, .next = {.segment = segment, .line = segment == 0 ? 0 : 1}};

    reader_go_on(reader, &mark);
    reader->resumed = false;
    reader->proven = true;
    reader->missing = 0;
    return seek(reader, segment, err);
}

/* What was delivered isn't what stands there. The sink goes on from the beginning of the segment:
 * rather lines twice than none. */
static enum status rewind_to(struct reader *reader, uint64_t segment, const char *why,
                             struct err *err)
{
    const bool there = has_segment(reader->trail, segment);
    enum status status;

    log_line(LOG_ERROR,
             "a sink was given other lines than the journal has now, it begins again from its "
             "segment sink=%s seq=%llu segment=%llu why=\"%s\"",
             reader->settings.name, (unsigned long long)reader->at.seq,
             (unsigned long long)(there ? segment : 0), why);
    reader->rewinds++;
    reader->passed = (struct trail_place){0};
    status = begin_at(reader, there ? segment : 0, err);
    reader->began = reader->at;
    reader->standing = status == STATUS_OK;
    return status;
}

/* Looks for the line that was delivered in its segment: by its hash, since damage before it may
 * have moved it. The trail stands behind it then. */
static enum status find_line(struct reader *reader, bool *ret_found, struct err *err)
{
    const uint64_t segment = reader->at.next.segment;
    enum status status = seek(reader, segment, err);
    enum trail_step step = TRAIL_LINE;

    while (status == STATUS_OK && step == TRAIL_LINE && !*ret_found) {
        char hash[DIGEST_HEX_BYTES + 1];
        struct trail_line line;
        struct line_head head;

        step = trail_next(reader->trail, &line, err);
        if (step == TRAIL_FAILED)
            return STATUS_IO;
        if (step == TRAIL_END || line.at.segment != segment)
            break;
        if (!line.whole || !line_head_read(line.text, &head) || head.seq != reader->at.seq)
            continue;
        hash_line(reader, line.text, hash);
        *ret_found = view_eq(view_str(hash), view_str(reader->at.hash));
    }
    if (!*ret_found)
        return status;
    reader->at.next = trail_at(reader->trail);
    reader->resumed = false;
    reader->proven = true;
    return STATUS_OK;
}

static enum status find_place(struct reader *reader, struct err *err)
{
    const struct mark *const at = &reader->at;
    const uint64_t wanted = reader->wanted;
    bool found = false;
    enum status status;

    reader->missing = 0;
    if (at->seq == 0) {
        status = begin_at(reader,
                          has_segment(reader->trail, at->next.segment) ? at->next.segment : 0, err);
        reader->wanted = wanted;
        return status;
    }
    if (reader->durable < at->seq)
        return rewind_to(reader, at->next.segment, "it ends before that line", err);
    reader->resumed = true;
    status = trail_seek(reader->trail, &at->next, err);
    if (status != STATUS_INVALID)
        return status;
    if (has_segment(reader->trail, at->next.segment)) {
        status = find_line(reader, &found, err);
        if (found || status != STATUS_OK)
            return status;
        return rewind_to(reader, at->next.segment, "the segment is shorter", err);
    }
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

/* ---- what can't be handed on ---- */

enum taken { TAKEN_ON, TAKEN_STOP, TAKEN_FAILED };

static bool is_before(const struct trail_place *place, const struct trail_place *other)
{
    return place->segment != other->segment ? place->segment < other->segment
                                            : place->offset < other->offset;
}

/* Told once, however often it is read. */
static void note_unreadable(struct reader *reader, const struct trail_place *place, const char *why)
{
    if (is_before(place, &reader->passed))
        return;
    reader->passed = trail_at(reader->trail);
    reader->unreadable++;
    if (reader->run.lines++ > 0)
        return;
    reader->run.first = *place;
    reader->run.why = why;
}

static void tell_unreadable(struct reader *reader)
{
    if (reader->run.lines > 0)
        log_line(LOG_ERROR,
                 "the journal has what can't be handed on sink=%s segment=%llu line=%llu "
                 "lines=%llu why=\"%s\"",
                 reader->settings.name, (unsigned long long)reader->run.first.segment,
                 (unsigned long long)reader->run.first.line, (unsigned long long)reader->run.lines,
                 reader->run.why);
    reader->run.lines = 0;
}

/* The reader's mark stays where it is: which line this was nobody knows. */
static enum taken pass_over(struct reader *reader, const struct trail_place *place, const char *why)
{
    note_unreadable(reader, place, why);
    reader->missing++;
    return TAKEN_ON;
}

static void tell_lost(struct reader *reader, uint64_t first, uint64_t last)
{
    const uint64_t lines = last - first + 1;

    if (lines <= reader->missing)
        return; /* they are there, and can't be read */
    log_line(LOG_ERROR,
             "lines of the journal were gone before a sink was given them sink=%s first=%llu "
             "last=%llu",
             reader->settings.name, (unsigned long long)first, (unsigned long long)last);
    reader->lost += lines - reader->missing;
}

/* ---- whether it is the next line ---- */

/* A segment is named after its first line, and holds none of the next one's. */
static bool is_in_its_segment(const struct reader *reader, const struct trail_place *place,
                              uint64_t seq)
{
    const uint64_t next = segment_behind(reader->trail, place->segment);

    return seq >= place->segment && (next == 0 || seq < next);
}

/* Lines may be gone, but one that says it follows the last one has the next seq; or it is the first
 * of its segment, which `audit repair` begins behind the seqs that damage may have taken. */
static bool is_in_order(const struct reader *reader, const struct trail_place *at,
                        const struct line_head *head)
{
    return reader->at.seq == 0 || head->seq == reader->at.seq + 1 ||
           (at->offset == 0 && head->seq == at->segment) ||
           !view_eq(head->prev, view_str(reader->at.hash));
}

/* NULL, or why it is no line to hand on. */
static const char *fault_of(const struct reader *reader, const struct trail_line *line,
                            struct line_head *ret_head)
{
    if (!line->whole || !line_head_read(line->text, ret_head))
        return "it is no line of a journal";
    if (!is_in_its_segment(reader, &line->at, ret_head->seq) ||
        !is_in_order(reader, &line->at, ret_head))
        return "its seq is out of place";
    return NULL;
}

/* The line's own bytes stay the trail's: it is looked at again later. */
static enum taken go_back_to(struct reader *reader, const struct trail_place *place,
                             enum taken then, struct err *err)
{
    const struct trail_place there = *place;

    return trail_seek(reader->trail, &there, err) == STATUS_OK ? then : TAKEN_FAILED;
}

/* Lines beyond durable wait until they are on disk. But where one behind it is on disk, this one is
 * as well, and what it says of itself is wrong. */
static enum taken wait_for_disk(struct reader *reader, const struct trail_line *line,
                                struct err *err)
{
    const struct trail_place place = line->at, next = trail_at(reader->trail);
    enum trail_step step = TRAIL_LINE;
    bool wrong = false;

    while (!wrong && step == TRAIL_LINE) {
        struct trail_line other;
        struct line_head head;

        step = trail_next(reader->trail, &other, err);
        wrong = step == TRAIL_LINE && other.whole && line_head_read(other.text, &head) &&
                head.seq > reader->at.seq && head.seq >= other.at.segment &&
                head.seq <= reader->durable;
    }
    if (step == TRAIL_FAILED)
        return TAKEN_FAILED;
    if (!wrong)
        return go_back_to(reader, &place, TAKEN_STOP, err);
    if (go_back_to(reader, &next, TAKEN_ON, err) == TAKEN_FAILED)
        return TAKEN_FAILED;
    return pass_over(reader, &place, "its seq is out of place");
}

/* ---- whether the journal is the one of before ---- */

/* From the segment of what was delivered, not of the line: what is between may never have gone. */
static enum taken begin_again(struct reader *reader, const char *why, struct err *err)
{
    const uint64_t segment = reader->at.next.segment;

    return rewind_to(reader, segment, why, err) == STATUS_OK ? TAKEN_ON : TAKEN_FAILED;
}

/* Goes behind the line that was delivered, if it is there. */
static enum taken prove(struct reader *reader, struct err *err)
{
    bool found = false;

    if (find_line(reader, &found, err) != STATUS_OK)
        return TAKEN_FAILED;
    return found ? TAKEN_ON : begin_again(reader, "what was delivered isn't there", err);
}

/* The first line behind a place that was remembered doesn't prove it: the line that was delivered
 * does, or nothing. TAKEN_ON: the place was found, the next line is read from there. */
static enum taken resume(struct reader *reader, const struct trail_line *line,
                         const struct line_head *head, const char *fault, struct err *err)
{
    if (has_segment(reader->trail, reader->at.next.segment))
        return prove(reader, err);
    /* What was delivered went with its segment: there is nothing to prove it by. */
    if (fault != NULL)
        return pass_over(reader, &line->at, fault);
    if (head->seq <= reader->at.seq + 1)
        return begin_again(reader, "the next line follows another one", err);
    reader->resumed = false;
    reader->proven = true;
    return go_back_to(reader, &line->at, TAKEN_ON, err);
}

/* ---- a line ---- */

static enum taken put_in(struct reader *reader, const struct trail_line *line,
                         const struct line_head *head, struct batch *batch, struct err *err)
{
    const struct mark mark = {.seq = head->seq, .next = trail_at(reader->trail)};
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
        (void)err_set(err, STATUS_NOMEM, "no memory for a line of the journal");
        return TAKEN_FAILED;
    }
    if (wanted > 0 && head->seq > wanted)
        tell_lost(reader, wanted, head->seq - 1);
    reader->wanted = 0;
    reader->missing = 0;
    reader->seen = head->seq;
    reader->at = mark;
    hash_line(reader, line->text, reader->at.hash);
    if (status != STATUS_OK) {
        note_unreadable(reader, &line->at,
                        status == STATUS_LIMIT ? "it is too long" : "it can't be read");
        return TAKEN_ON;
    }
    tell_unreadable(reader);
    batch_add(batch, &reader->at, head->time_us, head->event);
    return TAKEN_ON;
}

static enum taken take_line(struct reader *reader, const struct trail_line *line,
                            struct batch *batch, struct err *err)
{
    struct line_head head = {.seq = 0};
    const char *const fault = fault_of(reader, line, &head);
    const bool follows = fault == NULL && head.seq == reader->at.seq + 1 &&
                         view_eq(head.prev, view_str(reader->at.hash));

    if (reader->resumed && !follows)
        return resume(reader, line, &head, fault, err);
    reader->proven = true;
    reader->resumed = false;
    if (fault != NULL)
        return pass_over(reader, &line->at, fault);
    if (head.seq > reader->durable)
        return wait_for_disk(reader, line, err);
    /* The lines of a batch ascend. */
    if (batch->count > 0 && head.seq <= batch_last(batch)->seq)
        return go_back_to(reader, &line->at, TAKEN_STOP, err);
    return put_in(reader, line, &head, batch, err);
}

/* Whether one more line is to be read. last 0: by the limits. */
static bool wants_more(const struct reader *reader, const struct batch *batch, size_t lines,
                       uint64_t last)
{
    if (last != 0)
        return reader->at.seq < last && batch->count < BATCH_LINES_MAX;
    return reader->seen < reader->durable && batch->count < lines && batch->text.len < BATCH_BYTES;
}

static enum taken read_one(struct reader *reader, struct batch *batch, struct err *err)
{
    struct trail_line line;

    switch (trail_next(reader->trail, &line, err)) {
    case TRAIL_LINE:
        return take_line(reader, &line, batch, err);
    case TRAIL_END:
        if (reader->resumed && has_segment(reader->trail, reader->at.next.segment))
            return prove(reader, err);
        /* What is on disk can be seen. */
        reader->seen = reader->durable;
        return TAKEN_STOP;
    case TRAIL_FAILED:
        return TAKEN_FAILED;
    }
    return TAKEN_FAILED;
}

enum status reader_fill(struct reader *reader, size_t lines, uint64_t last, struct batch *batch,
                        struct err *err)
{
    const uint64_t rewinds = reader->rewinds;
    enum status status = stand(reader, err);
    enum taken taken = TAKEN_ON;
    size_t reads = 0;

    if (status != STATUS_OK)
        return status;
    /* Behind a rewind it is another batch. */
    while (taken == TAKEN_ON && reads < READS_MAX &&
           wants_more(reader, batch, lines, reader->rewinds == rewinds ? last : 0)) {
        taken = read_one(reader, batch, err);
        reads++;
    }
    reader->paused = taken == TAKEN_ON && reads == READS_MAX;
    if (!reader->paused)
        tell_unreadable(reader);
    batch->end = reader->at;
    if (taken != TAKEN_FAILED)
        return STATUS_OK;
    reader->standing = false;
    return err->status;
}
