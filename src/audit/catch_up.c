/* SPDX-License-Identifier: Apache-2.0
 * The index remembers where the last line that it took begins and ends, and its hash. As every line
 * has the hash of the one before, the same hash at the same place means the same journal up to
 * there. */
#include "audit/catch_up.h"

#include "audit/fetch.h"
#include "audit/ingest.h"
#include "audit/schema.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/digest.h"
#include "journal/line.h"
#include "trail/row.h"
#include "trail/trail.h"

enum { CHUNK_LINES = 1000000, PATIENCE_LINES = 512, LINE_ARENA = LINE_READ_MAX_BYTES };

struct place {
    struct trail_place next;
    uint64_t last_offset, seq;
    unsigned char hash[DIGEST_BYTES];
};

struct run {
    sqlite3 *db;
    const char *directory;
    struct audit_index *index;
    struct trail *trail;
    struct ingest *ingest;
    struct place place;
    struct buf last;  /* the last line, to be hashed when the place is written */
    bool took;        /* there is one; it is empty where it was too long to be read */
    uint64_t segment; /* that ingest was told of */
};

bool patience_over(const struct audit_patience *patience)
{
    return (patience->deadline_us != 0 && clock_monotonic_us() >= patience->deadline_us) ||
           (patience->stop != NULL && patience->stop(patience->user));
}

static enum status read_place(sqlite3 *db, struct place *ret, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    enum status status = sql_prepare(
        db, "SELECT segment, offset, line, last_offset, seq, hash FROM place", &stmt, err);

    *ret = (struct place){.seq = 0};
    if (status != STATUS_OK)
        return status;
    if (sqlite3_step(stmt) != SQLITE_ROW) {
        status = sql_failed(db, "read the index", err);
        (void)sqlite3_finalize(stmt);
        return status == STATUS_OK ? err_set(err, STATUS_SYNTAX, "the index has no place") : status;
    }
    ret->next.segment = (uint64_t)sqlite3_column_int64(stmt, 0);
    ret->next.offset = (uint64_t)sqlite3_column_int64(stmt, 1);
    ret->next.line = (uint64_t)sqlite3_column_int64(stmt, 2);
    ret->last_offset = (uint64_t)sqlite3_column_int64(stmt, 3);
    ret->seq = (uint64_t)sqlite3_column_int64(stmt, 4);
    if (sqlite3_column_bytes(stmt, 5) == DIGEST_BYTES)
        memcpy(ret->hash, sqlite3_column_blob(stmt, 5), DIGEST_BYTES);
    (void)sqlite3_finalize(stmt);
    return STATUS_OK;
}

static enum status write_place(struct run *run, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    struct place *p = &run->place;
    enum status status = sql_prepare(run->db,
                                     "UPDATE place SET segment = ?, offset = ?, line = ?,"
                                     " last_offset = ?, seq = ?, hash = ?",
                                     &stmt, err);

    if (status != STATUS_OK)
        return status;
    p->next = trail_at(run->trail);
    p->seq = ingest_seq(run->ingest);
    if (run->took)
        digest_sha256(buf_view(&run->last), p->hash);
    (void)sqlite3_bind_int64(stmt, 1, (int64_t)p->next.segment);
    (void)sqlite3_bind_int64(stmt, 2, (int64_t)p->next.offset);
    (void)sqlite3_bind_int64(stmt, 3, (int64_t)p->next.line);
    (void)sqlite3_bind_int64(stmt, 4, (int64_t)p->last_offset);
    (void)sqlite3_bind_int64(stmt, 5, (int64_t)p->seq);
    (void)sqlite3_bind_blob(stmt, 6, p->hash, DIGEST_BYTES, SQLITE_STATIC);
    status = sql_step(stmt, err);
    (void)sqlite3_finalize(stmt);
    return status;
}

/* The first seq of the segment behind that one; 0: there is none. */
static uint64_t segment_behind(const struct run *run, uint64_t first)
{
    size_t count;
    const uint64_t *list = trail_segments(run->trail, &count);

    for (size_t i = 0; i < count; i++) {
        if (list[i] > first)
            return list[i];
    }
    return 0;
}

static bool is_seq_of(uint64_t seq, struct view line)
{
    struct arena arena;
    struct row row;
    const char *why;
    bool same;

    arena_init(&arena, LINE_ARENA / 64, (size_t)LINE_ARENA * 64);
    same = row_read(line, &arena, &row, &why) == STATUS_OK && row.seq == seq;
    arena_done(&arena);
    return same;
}

/* Lines up to the place's seq are passed over, so it has to be that of the last line, or one of its
 * segment if that line counts as damaged. */
static enum catch_up check_seq(struct run *run, struct view line, struct err *err)
{
    const struct place *p = &run->place;
    uint64_t first = p->next.segment, next = segment_behind(run, first);
    int64_t damaged = 0;
    char text[96];

    if (line.len <= LINE_READ_MAX_BYTES && is_seq_of(p->seq, line))
        return CATCH_UP_DONE;
    if (p->seq < first - 1 || (next != 0 && p->seq >= next))
        return CATCH_UP_OTHER;
    if (line.len > LINE_READ_MAX_BYTES)
        return CATCH_UP_DONE; /* a checkpoint, mostly, which ingest passes over */
    (void)sqlite3_snprintf(sizeof text, text, "SELECT damaged FROM segment WHERE first = %lld",
                           (long long)first);
    if (sql_number(run->db, text, 0, &damaged, err) != STATUS_OK)
        return CATCH_UP_FAILED;
    return damaged > 0 ? CATCH_UP_DONE : CATCH_UP_OTHER;
}

/* Seeks to the line that was last, and looks whether it is the same. */
static enum catch_up check_place(struct run *run, struct err *err)
{
    const struct place *p = &run->place;
    struct trail_place at = {p->next.segment, p->last_offset, p->next.line - 1};
    unsigned char hash[DIGEST_BYTES];
    struct trail_line line;
    enum status status;

    if (p->next.segment == 0 || p->next.line < 2)
        at = (struct trail_place){0, 0, 0};
    status = trail_seek(run->trail, &at, err);
    if (status != STATUS_OK)
        return status == STATUS_INVALID ? CATCH_UP_OTHER : CATCH_UP_FAILED;
    if (at.segment == 0)
        return p->seq == 0 ? CATCH_UP_DONE : CATCH_UP_OTHER;
    switch (trail_next(run->trail, &line, err)) {
    case TRAIL_FAILED:
        return CATCH_UP_FAILED;
    case TRAIL_END:
        return CATCH_UP_OTHER;
    case TRAIL_LINE:
        break;
    }
    digest_sha256(line.text, hash);
    return memcmp(hash, p->hash, DIGEST_BYTES) == 0 &&
                   trail_at(run->trail).offset == p->next.offset &&
                   trail_at(run->trail).segment == p->next.segment
               ? check_seq(run, line.text, err)
               : CATCH_UP_OTHER;
}

/* Before its first line it has no segment. */
static enum catch_up check_none(struct run *run, struct err *err)
{
    int64_t any = 0;

    if (sql_number(run->db, "SELECT 1 FROM segment LIMIT 1", 0, &any, err) != STATUS_OK)
        return CATCH_UP_FAILED;
    return any == 0 ? CATCH_UP_DONE : CATCH_UP_OTHER;
}

/* What the index has of segments has to be a run of those that are there, but for older ones.
 * *ret_gone: the first that is there, if rows before it have to go; else 0. */
static enum catch_up check_segments(struct run *run, uint64_t *ret_gone, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    size_t count, at = 0;
    const uint64_t *list = trail_segments(run->trail, &count);
    enum catch_up result = CATCH_UP_DONE;
    int step;

    *ret_gone = 0;
    if (run->place.next.segment == 0)
        return check_none(run, err);
    if (count == 0)
        return CATCH_UP_OTHER;
    if (sql_prepare(run->db, "SELECT first FROM segment ORDER BY first", &stmt, err) != STATUS_OK)
        return CATCH_UP_FAILED;
    while ((step = sqlite3_step(stmt)) == SQLITE_ROW && result == CATCH_UP_DONE) {
        uint64_t first = (uint64_t)sqlite3_column_int64(stmt, 0);

        if (first < list[0])
            *ret_gone = list[0];
        else if (at == count || list[at++] != first)
            result = CATCH_UP_OTHER;
    }
    if (step != SQLITE_ROW && step != SQLITE_DONE) {
        if (sql_failed(run->db, "read the index", err) != STATUS_OK)
            result = CATCH_UP_FAILED;
    }
    (void)sqlite3_finalize(stmt);
    /* Those behind the last one are new; there may be none that was passed over. */
    if (result == CATCH_UP_DONE && at < count && list[at] <= run->place.next.segment)
        result = CATCH_UP_OTHER;
    return result;
}

static enum status retell_line(struct run *run, struct fetch *fetch, struct arena *arena,
                               uint64_t segment, uint64_t offset, struct err *err)
{
    struct trail_line line = {.at = {.segment = segment, .offset = offset}, .whole = true};
    enum status status;

    arena_reset(arena);
    status = fetch_line(fetch, segment, offset, arena, &line.text, err);
    if (status != STATUS_OK || line.text.ptr == NULL)
        return status;
    return ingest_again(run->ingest, &line, err);
}

/* What stays of exchanges that began before that seq: their later lines, in their order. */
static const char straddling[] =
    "INSERT INTO temp.left SELECT outcome_seq, outcome_offset FROM main.exchange"
    " WHERE seq < ?1 AND outcome_seq >= ?1"
    " UNION SELECT s.seq, s.offset FROM main.settled s WHERE s.exchange < ?1 AND s.seq >= ?1";

static enum status run_with(sqlite3 *db, const char *text, uint64_t first, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    enum status status = sql_prepare(db, text, &stmt, err);

    if (status != STATUS_OK)
        return status;
    (void)sqlite3_bind_int64(stmt, 1, (int64_t)first);
    status = sql_step(stmt, err);
    (void)sqlite3_finalize(stmt);
    return status;
}

static enum status retell(struct run *run, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    struct fetch *fetch = NULL;
    struct arena arena;
    enum status status = fetch_open(run->directory, &fetch, err);
    int step = SQLITE_DONE;

    arena_init(&arena, LINE_ARENA, (size_t)LINE_ARENA * 2);
    if (status == STATUS_OK)
        status = sql_prepare(run->db,
                             "SELECT (SELECT max(first) FROM segment WHERE first <= seq), offset"
                             " FROM temp.left ORDER BY seq",
                             &stmt, err);
    while (status == STATUS_OK && (step = sqlite3_step(stmt)) == SQLITE_ROW)
        status = retell_line(run, fetch, &arena, (uint64_t)sqlite3_column_int64(stmt, 0),
                             (uint64_t)sqlite3_column_int64(stmt, 1), err);
    if (status == STATUS_OK && step != SQLITE_DONE)
        status = sql_failed(run->db, "read the index", err);
    (void)sqlite3_finalize(stmt);
    arena_done(&arena);
    fetch_close(&fetch);
    return status;
}

/* Rows of segments that were retired go; what stays of an exchange is told anew. */
static enum status drop_before(struct run *run, uint64_t first, struct err *err)
{
    static const char *const steps[] = {
        straddling,
        "DELETE FROM main.settled WHERE exchange < ?1",
        "DELETE FROM main.exchange WHERE seq < ?1",
        "DELETE FROM main.segment WHERE first < ?1",
    };
    enum status status = sql_run(run->db,
                                 "CREATE TABLE IF NOT EXISTS temp.left(seq INTEGER, offset "
                                 "INTEGER); DELETE FROM temp.left",
                                 "write the index", err);

    for (size_t i = 0; i < ARRAY_LEN(steps) && status == STATUS_OK; i++)
        status = run_with(run->db, steps[i], first, err);
    if (status == STATUS_OK)
        status = retell(run, err);
    return status;
}

static enum status take(struct run *run, const struct trail_line *line, struct err *err)
{
    if (line->at.segment != run->segment) {
        enum status status = ingest_segment(run->ingest, line->at.segment,
                                            segment_behind(run, line->at.segment), err);

        if (status != STATUS_OK)
            return status;
        run->segment = line->at.segment;
    }
    run->place.last_offset = line->at.offset;
    run->took = true;
    buf_clear(&run->last);
    buf_add(&run->last, line->text);
    if (run->last.failed != STATUS_OK)
        return err_set(err, STATUS_NOMEM, "memory is out");
    return ingest_line(run->ingest, line, err);
}

/* Up to so many lines. *ret_end: there are no more. */
static enum status take_lines(struct run *run, bool *ret_end, struct err *err)
{
    for (unsigned count = 0; count < CHUNK_LINES; count++) {
        struct trail_line line;
        enum status status;

        if (count % PATIENCE_LINES == PATIENCE_LINES - 1 && patience_over(&run->index->patience)) {
            *ret_end = true;
            return STATUS_TIMEOUT;
        }
        switch (trail_next(run->trail, &line, err)) {
        case TRAIL_FAILED:
            return err->status == STATUS_OK ? STATUS_IO : err->status;
        case TRAIL_END:
            *ret_end = true;
            return STATUS_OK;
        case TRAIL_LINE:
            break;
        }
        status = take(run, &line, err);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

static enum status commit(struct run *run, struct err *err)
{
    enum status status = ingest_flush(run->ingest, err);

    if (status == STATUS_OK)
        status = write_place(run, err);
    if (status == STATUS_OK)
        status = sql_run(run->db, "COMMIT", "write the index", err);
    return status;
}

/* What was taken before patience was over is committed, too: SQLite would take back all of it if it
 * were broken off itself. */
static enum status take_and_commit(struct run *run, bool *ret_end, struct err *err)
{
    enum status status = take_lines(run, ret_end, err), committed;

    if (status != STATUS_OK && status != STATUS_TIMEOUT)
        return status;
    committed = commit(run, err);
    if (committed == STATUS_OK && status == STATUS_TIMEOUT)
        return err_set(err, status, "the index isn't caught up yet; ask again to go on");
    return committed;
}

static enum status chunk(struct run *run, uint64_t gone, bool *ret_end, struct err *err)
{
    enum status status = sql_run(run->db, "BEGIN IMMEDIATE", "write the index", err);

    if (status == STATUS_OK && gone != 0)
        status = drop_before(run, gone, err);
    if (status == STATUS_OK) {
        run->index->patient = true;
        status = take_and_commit(run, ret_end, err);
        run->index->patient = false;
    }
    if (status != STATUS_OK) /* or there is none any more */
        (void)sqlite3_exec(run->db, "ROLLBACK", NULL, NULL, NULL);
    return status;
}

static enum status go_on(struct run *run, uint64_t gone, struct err *err)
{
    enum status status = ingest_open(run->db, run->directory, &run->ingest, err);
    bool end = false;

    if (status != STATUS_OK)
        return status;
    run->segment = run->place.next.segment;
    ingest_go_on(run->ingest, run->segment, segment_behind(run, run->segment), run->place.seq);
    while (status == STATUS_OK && !end) {
        status = chunk(run, gone, &end, err);
        gone = 0;
    }
    return status == STATUS_OK ? schema_make_indexes(run->db, err) : status;
}

static enum catch_up begin(struct run *run, uint64_t *ret_gone, struct err *err)
{
    enum catch_up result;

    if (trail_open(run->directory, &run->trail, err) != STATUS_OK ||
        read_place(run->db, &run->place, err) != STATUS_OK)
        return CATCH_UP_FAILED;
    result = check_place(run, err);
    return result == CATCH_UP_DONE ? check_segments(run, ret_gone, err) : result;
}

static void finish(struct run *run)
{
    ingest_close(&run->ingest);
    trail_close(&run->trail);
    buf_done(&run->last);
}

enum catch_up catch_up(struct audit_index *index, const char *directory, struct err *err)
{
    struct run run = {.db = index->db, .directory = directory, .index = index};
    uint64_t gone = 0;
    enum catch_up result;

    buf_init(&run.last, SIZE_MAX / 2);
    result = begin(&run, &gone, err);
    if (result == CATCH_UP_DONE && go_on(&run, gone, err) != STATUS_OK)
        result = CATCH_UP_FAILED;
    finish(&run);
    return result;
}

enum catch_up catch_up_look(struct audit_index *index, const char *directory, struct err *err)
{
    struct run run = {.db = index->db, .directory = directory, .index = index};
    struct trail_line line;
    uint64_t gone = 0;
    enum catch_up result;

    buf_init(&run.last, 0);
    result = begin(&run, &gone, err);
    if (result == CATCH_UP_DONE && (gone != 0 || trail_next(run.trail, &line, err) != TRAIL_END))
        result = CATCH_UP_OTHER;
    finish(&run);
    return result;
}
