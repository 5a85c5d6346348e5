/* SPDX-License-Identifier: Apache-2.0
 * The index says which exchanges and where their lines stand; what is handed out was read from the
 * journal. */
#include "audit/query.h"

#include <stdio.h>

#include "audit/internal.h"
#include "audit/told.h"
#include "audit/where.h"
#include "trail/row.h"

enum {
    SQL_BYTES = 1 << 16,
    ARENA_BLOCK = 1 << 16,
    ARENA_MAX = 1 << 28,
    BRACKETS = 64, /* bytes around the lines of an exchange */
    PICKS = 64,    /* exchanges whose lines are read ahead */
};

/* An exchange, as the index knows it. */
struct pick {
    uint64_t seq, offset, outcome_seq, outcome_offset;
    bool has_request, has_outcome;
};

struct asking {
    struct audit_index *index;
    const struct audit_filter *filter;
    sqlite3_stmt *rows, *settled;
    struct arena arena;
    bool filtered; /* by more than the instance */
    struct pick picks[PICKS];
    size_t picked, left; /* left: how many the page may take still */
    bool full;           /* the page ends before `last` */
    uint64_t last;       /* seq of the exchange that was read last */
    /* Of the exchange that is read: */
    struct view id;      /* ptr NULL: not yet known, or none */
    bool by_id, by_name; /* one of its lines names the instance that was asked for */
    bool has_instance;   /* one of its lines has an instance's id */
    bool gone;           /* a line's segment was retired meanwhile */
};

struct audit_filter audit_filter_all(void)
{
    return (struct audit_filter){.period = period_always()};
}

bool audit_is_filtered(const struct audit_filter *f)
{
    const struct view texts[] = {f->id,    f->user,     f->project, f->flavor, f->operation,
                                 f->class, f->decision, f->outcome, f->reason, f->policy};

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (texts[i].ptr != NULL)
            return true;
    }
    return f->period.from_us != INT64_MIN || f->period.until_us != INT64_MAX;
}

static enum status prepare(struct asking *a, const struct audit_page *page, struct err *err)
{
    struct buf text;
    enum status status;
    bool behind = page->oldest_first;

    buf_init(&text, SQL_BYTES);
    buf_add_str(&text, "SELECT seq, offset, outcome_seq, outcome_offset FROM exchange");
    if (page->newest_each)
        buf_add_str(&text, " WHERE seq IN (SELECT max(seq) FROM exchange");
    status = where_build(a->index->db, a->filter, &text, err);
    if (page->before != 0)
        buf_printf(&text, " AND seq %s %llu", behind ? ">" : "<", (unsigned long long)page->before);
    if (page->newest_each)
        buf_add_str(&text, " AND instance IS NOT NULL GROUP BY instance)");
    buf_printf(&text, " ORDER BY seq %s", behind ? "ASC" : "DESC");
    buf_add_byte(&text, '\0');
    if (status == STATUS_OK && text.failed != STATUS_OK)
        status = err_set(err, STATUS_NOMEM, "memory is out");
    if (status == STATUS_OK)
        status = sql_prepare(a->index->db, text.ptr, &a->rows, err);
    if (status == STATUS_OK)
        status = sql_prepare(a->index->db,
                             "SELECT seq, offset FROM settled WHERE exchange = ? ORDER BY seq",
                             &a->settled, err);
    if (status == STATUS_OK)
        where_bind(a->rows, a->filter);
    buf_done(&text);
    return status;
}

/* The index says what no line says: whoever asked makes it anew. */
static enum status wrong_index(struct err *err)
{
    return err_set(err, STATUS_SYNTAX, "the index doesn't say what the journal's lines say");
}

/* Lines of one exchange have one id, or it has one line. */
static bool has_its_id(struct asking *a, struct view id)
{
    if (a->id.ptr == NULL)
        a->id = id;
    return view_eq(a->id, id);
}

/* What one of its lines says of the instance. */
static void note_instance(struct asking *a, struct view id, struct view name)
{
    const struct audit_filter *f = a->filter;
    const struct audit_subject *subject = f->subject;

    a->has_instance = a->has_instance || id.len > 0;
    a->by_name = a->by_name || audit_passes(subject == NULL ? f->instance : subject->name, name);
    a->by_id = a->by_id || (subject == NULL ? view_eq(f->instance, id)
                                            : audit_subject_find(subject, id) < subject->count);
}

static bool is_wanted(const struct asking *a)
{
    return a->by_id || (a->by_name && (a->filter->subject == NULL || !a->has_instance));
}

/* ret->text stays absent where the line's segment is not there any more. STATUS_SYNTAX: it is, but
 * this line isn't. */
static enum status read_line(struct asking *a, uint64_t seq, uint64_t offset,
                             struct audit_line *ret, struct err *err)
{
    uint64_t segment = index_segment_of(a->index, seq);
    struct view text;
    const char *why;
    struct row row;
    enum status status = fetch_line(a->index->fetch, segment, offset, &a->arena, &text, err);

    a->gone = a->gone || (status == STATUS_OK && text.ptr == NULL);
    if (status != STATUS_OK || text.ptr == NULL)
        return status;
    status = row_read(text, &a->arena, &row, &why);
    if (status == STATUS_NOMEM)
        return err_set(err, status, "memory is out");
    if (status != STATUS_OK || row.seq != seq || !has_its_id(a, row_text(&row, ROW_ID)))
        return wrong_index(err);
    *ret = (struct audit_line){
        .text = text,
        .seq = seq,
        .at = {.segment = segment, .offset = offset, .line = seq - segment + 1},
    };
    note_instance(a, row_text(&row, ROW_INSTANCE_ID), row_text(&row, ROW_INSTANCE_NAME));
    return STATUS_OK;
}

static enum status read_settled(struct asking *a, struct audit_exchange *exchange, struct err *err)
{
    struct audit_line *lines = NULL;
    size_t count = 0, room = 0;
    enum status status = STATUS_OK;
    int step = SQLITE_DONE;

    (void)sqlite3_bind_int64(a->settled, 1, (int64_t)exchange->seq);
    while (status == STATUS_OK && count < AUDIT_SETTLED_MAX &&
           (step = sqlite3_step(a->settled)) == SQLITE_ROW) {
        if (count == room) {
            struct audit_line *more = arena_array(&a->arena, room * 2 + 4, sizeof *more);

            if (more == NULL) {
                status = err_set(err, STATUS_NOMEM, "memory is out");
                break;
            }
            if (count > 0)
                memcpy(more, lines, count * sizeof *lines);
            lines = more;
            room = room * 2 + 4;
        }
        lines[count].text = VIEW_NONE;
        status = read_line(a, (uint64_t)sqlite3_column_int64(a->settled, 0),
                           (uint64_t)sqlite3_column_int64(a->settled, 1), &lines[count], err);
        count += lines[count].text.ptr != NULL;
    }
    if (status == STATUS_OK && step != SQLITE_ROW && step != SQLITE_DONE)
        status = sql_failed(a->index->db, "read the index", err);
    (void)sqlite3_reset(a->settled);
    exchange->settled = lines;
    exchange->settled_count = count;
    return status;
}

/* With all of its lines there, it says what it was picked for. */
static enum status check_exchange(struct asking *a, const struct audit_exchange *exchange,
                                  struct err *err)
{
    struct audit_told told;
    enum status status;

    if (!a->filtered || exchange->settled_count == AUDIT_SETTLED_MAX)
        return STATUS_OK;
    status = audit_tell(exchange, &a->arena, &told);
    if (status != STATUS_OK)
        return err_set(err, STATUS_NOMEM, "memory is out");
    return audit_told_passes(&told, a->filter) ? STATUS_OK : wrong_index(err);
}

/* *ret_found: there is something of it, and it is what was asked for. */
static enum status read_exchange(struct asking *a, const struct pick *pick,
                                 struct audit_exchange *ret, bool *ret_found, struct err *err)
{
    enum status status = STATUS_OK;

    a->id = VIEW_NONE;
    a->by_id = a->by_name = a->has_instance = a->gone = false;
    *ret = (struct audit_exchange){.seq = pick->seq};
    arena_reset(&a->arena);
    if (pick->has_request)
        status = read_line(a, pick->seq, pick->offset, &ret->request, err);
    if (status == STATUS_OK && pick->has_outcome)
        status = read_line(a, pick->outcome_seq, pick->outcome_offset, &ret->outcome, err);
    if (status == STATUS_OK)
        status = read_settled(a, ret, err);
    if (status == STATUS_OK && !a->gone)
        status = check_exchange(a, ret, err);
    *ret_found = is_wanted(a) && (ret->request.text.ptr != NULL || ret->outcome.text.ptr != NULL ||
                                  ret->settled_count > 0);
    return status;
}

static void look_ahead(struct asking *a, uint64_t seq, uint64_t offset)
{
    fetch_ahead(a->index->fetch, index_segment_of(a->index, seq), offset);
}

static struct pick pick_of(sqlite3_stmt *row)
{
    enum { SEQ, OFFSET, OUTCOME_SEQ, OUTCOME_OFFSET };

    return (struct pick){
        .seq = (uint64_t)sqlite3_column_int64(row, SEQ),
        .offset = (uint64_t)sqlite3_column_int64(row, OFFSET),
        .outcome_seq = (uint64_t)sqlite3_column_int64(row, OUTCOME_SEQ),
        .outcome_offset = (uint64_t)sqlite3_column_int64(row, OUTCOME_OFFSET),
        .has_request = sqlite3_column_type(row, OFFSET) != SQLITE_NULL,
        .has_outcome = sqlite3_column_type(row, OUTCOME_SEQ) != SQLITE_NULL,
    };
}

/* The next ones, at most so many. What the last step said: SQLITE_ROW if there may be more. */
static int pick_next(struct asking *a, size_t max)
{
    int step = SQLITE_ROW;

    a->picked = 0;
    while (a->picked < max && (step = sqlite3_step(a->rows)) == SQLITE_ROW) {
        struct pick pick = pick_of(a->rows);

        if (pick.has_request)
            look_ahead(a, pick.seq, pick.offset);
        if (pick.has_outcome)
            look_ahead(a, pick.outcome_seq, pick.outcome_offset);
        a->picks[a->picked++] = pick;
    }
    return step;
}

/* Hands out what was picked, until the page is full. */
static enum status hand_out(struct asking *a, const struct audit_taker *taker, struct err *err)
{
    for (size_t i = 0; i < a->picked && !a->full; i++) {
        struct audit_exchange exchange;
        bool found;
        enum status status = read_exchange(a, &a->picks[i], &exchange, &found, err);

        if (status != STATUS_OK)
            return status;
        if (!found)
            continue;
        a->full = a->left == 0 || !taker->each(taker->user, &exchange);
        a->left -= !a->full;
        a->last = exchange.seq;
    }
    return STATUS_OK;
}

static enum status walk(struct asking *a, const struct audit_taker *taker, struct err *err)
{
    enum status status;
    int step;

    do {
        /* One more than is taken: it says whether there is another page. */
        step = pick_next(a, a->left < PICKS ? a->left + 1 : PICKS);
        status = hand_out(a, taker, err);
    } while (status == STATUS_OK && step == SQLITE_ROW && !a->full);
    if (status == STATUS_OK && step != SQLITE_ROW && step != SQLITE_DONE)
        status = sql_failed(a->index->db, "answer", err);
    return status;
}

static uint64_t next_page(const struct asking *a, const struct audit_page *page)
{
    if (!a->full)
        return 0;
    return page->oldest_first ? a->last - 1 : a->last + 1;
}

/* NOLINTNEXTLINE(readability-function-size): seven parameters */
enum status audit_query(struct audit_index *index, const struct audit_filter *filter,
                        const struct audit_page *page, const struct audit_taker *taker,
                        uint64_t *ret_next, struct err *err)
{
    struct asking asking = {.index = index, .filter = filter};
    enum status status;

    if (page->limit > AUDIT_LIMIT_MAX)
        return err_set(err, STATUS_INVALID, "the limit is more than %d", AUDIT_LIMIT_MAX);
    arena_init(&asking.arena, ARENA_BLOCK, ARENA_MAX);
    asking.filtered = audit_is_filtered(filter);
    asking.left = page->limit == 0 ? AUDIT_LIMIT_DEFAULT : page->limit;
    status = prepare(&asking, page, err);
    if (status == STATUS_OK)
        status = walk(&asking, taker, err);
    if (status == STATUS_OK)
        *ret_next = next_page(&asking, page);
    (void)sqlite3_finalize(asking.rows);
    (void)sqlite3_finalize(asking.settled);
    arena_done(&asking.arena);
    return status;
}

static void add_member(struct buf *out, bool *first, const char *name, struct view line)
{
    if (line.ptr == NULL)
        return;
    buf_printf(out, "%s\"%s\":", *first ? "" : ",", name);
    buf_add(out, line);
    *first = false;
}

void audit_exchange_json(const struct audit_exchange *exchange, struct buf *out)
{
    bool first = true;

    buf_add_byte(out, '{');
    add_member(out, &first, "request", exchange->request.text);
    add_member(out, &first, "outcome", exchange->outcome.text);
    if (exchange->settled_count > 0) {
        buf_printf(out, "%s\"settled\":[", first ? "" : ",");
        for (size_t i = 0; i < exchange->settled_count; i++) {
            buf_add_str(out, i == 0 ? "" : ",");
            buf_add(out, exchange->settled[i].text);
        }
        buf_add_byte(out, ']');
    }
    buf_add_byte(out, '}');
}

struct json_page {
    struct buf *out;
    bool any; /* exchange stands in it */
};

static bool each_json(void *user, const struct audit_exchange *exchange)
{
    struct json_page *page = user;
    struct buf *out = page->out;
    size_t need = exchange->request.text.len + exchange->outcome.text.len + BRACKETS;

    for (size_t i = 0; i < exchange->settled_count; i++)
        need += exchange->settled[i].text.len + 1;
    if (out->failed != STATUS_OK || need > out->max - out->len || !buf_reserve(out, need))
        return false;
    audit_exchange_json(exchange, out);
    buf_add_byte(out, '\n');
    page->any = true;
    return true;
}

enum status audit_query_json(struct audit_index *index, const struct audit_filter *filter,
                             const struct audit_page *page, struct buf *out, uint64_t *ret_next,
                             struct err *err)
{
    struct json_page json = {.out = out};
    const struct audit_taker taker = {each_json, &json};
    enum status status = audit_query(index, filter, page, &taker, ret_next, err);

    if (status == STATUS_OK && out->failed != STATUS_OK)
        return err_set(err, STATUS_NOMEM, "memory is out");
    if (status == STATUS_OK && *ret_next != 0 && !json.any)
        return err_set(err, STATUS_LIMIT, "one exchange is larger than the answer may be");
    return status;
}
