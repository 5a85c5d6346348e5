/* SPDX-License-Identifier: Apache-2.0
 * The first line of an id makes a row, later ones are merged into the newest row of it. */
#include "audit/ingest.h"

#include <inttypes.h>
#include <stdlib.h>

#include "audit/index.h"
#include "audit/order.h"
#include "audit/schema.h"
#include "audit/words.h"
#include "base/digest.h"
#include "journal/line.h"

enum {
    ARENA_BLOCK = 1 << 16,
    ARENA_MAX = 1 << 28,
    HEAD_BYTES = 256, /* of a line: its event stands in these */
};

struct ingest {
    sqlite3 *db;
    struct words *words;
    sqlite3_stmt *find, *add, *merge, *settle, *block, *segment, *damaged;
    struct order order;
    struct arena arena;
    struct buf list; /* of a line's elements, so never longer than the line */
    int64_t unknown; /* the key of that outcome */
    int64_t block_key, block_low, block_high; /* block_key -1: none */
};

/* What a line says, as the columns hold it; the order of the parameters of add and merge. */
struct facts {
    int64_t keys[WORD_KINDS];
    int64_t id, time_us, run_s, count, instance;
    struct view name;
};

static const char find_sql[] =
    "SELECT seq, outcome_seq FROM exchange WHERE id = ? ORDER BY seq DESC LIMIT 1";
/* ?1 to ?10 are the words, by their kinds. */
static const char add_sql[] =
    "INSERT OR REPLACE INTO exchange(event, user, project, flavor, operation, class, decision, "
    "outcome,"
    " policies, reasons, run_s, count, instance, name, seq, id, offset, outcome_seq,"
    " outcome_offset, time) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14,"
    " ?15, ?16, ?17, ?18, ?19, ?20)";
static const char merge_sql[] =
    "UPDATE exchange SET user = coalesce(user, ?2), project = coalesce(project, ?3),"
    " flavor = coalesce(flavor, ?4), operation = coalesce(operation, ?5),"
    " class = coalesce(class, ?6), decision = coalesce(decision, ?7),"
    " outcome = CASE WHEN outcome IS NULL OR outcome = ?20 THEN coalesce(?8, outcome)"
    " ELSE outcome END,"
    " policies = coalesce(policies, ?9), reasons = coalesce(reasons, ?10),"
    " run_s = coalesce(run_s, ?11), count = coalesce(count, ?12),"
    " instance = coalesce(instance, ?13), name = coalesce(name, ?14),"
    " outcome_seq = coalesce(outcome_seq, ?18), outcome_offset = coalesce(outcome_offset, ?19)"
    " WHERE seq = ?15";
enum {
    AT_RUN = WORD_KINDS + 1,
    AT_COUNT,
    AT_INSTANCE,
    AT_NAME,
    AT_SEQ,
    AT_ID,
    AT_OFFSET,
    AT_OUTCOME_SEQ,
    AT_OUTCOME_OFFSET,
    AT_LAST
};

static enum status prepare(struct ingest *in, struct err *err)
{
    const struct {
        const char *text;
        sqlite3_stmt **stmt;
    } rows[] = {
        {find_sql, &in->find},
        {add_sql, &in->add},
        {merge_sql, &in->merge},
        {"INSERT OR REPLACE INTO settled VALUES(?, ?, ?)", &in->settle},
        {"INSERT INTO block VALUES(?, ?, ?) ON CONFLICT(key) DO UPDATE SET"
         " low = min(low, excluded.low), high = max(high, excluded.high)",
         &in->block},
        {"INSERT OR IGNORE INTO segment VALUES(?, 0)", &in->segment},
        {"UPDATE segment SET damaged = damaged + 1 WHERE first = ?", &in->damaged},
    };
    enum status status = STATUS_OK;

    for (size_t i = 0; i < ARRAY_LEN(rows) && status == STATUS_OK; i++)
        status = sql_prepare(in->db, rows[i].text, rows[i].stmt, err);
    if (status == STATUS_OK)
        status = words_open(in->db, &in->words, err);
    if (status == STATUS_OK)
        status = words_key(in->words, WORD_OUTCOME, VIEW("unknown"), &in->unknown, err);
    return status;
}

enum status ingest_open(sqlite3 *db, const char *directory, struct ingest **ret, struct err *err)
{
    struct ingest *in = calloc(1, sizeof *in);
    enum status status;

    if (in == NULL)
        return err_set(err, STATUS_NOMEM, "memory is out");
    in->db = db;
    in->block_key = -1;
    arena_init(&in->arena, ARENA_BLOCK, ARENA_MAX);
    buf_init(&in->list, LINE_READ_MAX_BYTES);
    status = order_init(&in->order, directory, err);
    if (status == STATUS_OK)
        status = prepare(in, err);
    if (status != STATUS_OK) {
        ingest_close(&in);
        return status;
    }
    *ret = in;
    return STATUS_OK;
}

void ingest_close(struct ingest **ingest)
{
    struct ingest *in = *ingest;

    if (in == NULL)
        return;
    words_close(&in->words);
    (void)sqlite3_finalize(in->find);
    (void)sqlite3_finalize(in->add);
    (void)sqlite3_finalize(in->merge);
    (void)sqlite3_finalize(in->settle);
    (void)sqlite3_finalize(in->block);
    (void)sqlite3_finalize(in->segment);
    (void)sqlite3_finalize(in->damaged);
    order_done(&in->order);
    buf_done(&in->list);
    arena_done(&in->arena);
    free(in);
    *ingest = NULL;
}

uint64_t ingest_seq(const struct ingest *in)
{
    return in->order.seq;
}

int64_t ingest_hash(struct view text)
{
    unsigned char digest[DIGEST_BYTES];
    int64_t hash;

    digest_sha256(text, digest);
    memcpy(&hash, digest, sizeof hash);
    return hash == 0 ? 1 : hash;
}

/* Both halves of an id, which is random: 32 hex digits. Mixed, so that one of two equal halves
 * isn't all others of that kind. Others are hashed. */
int64_t ingest_id_hash(struct view id)
{
    uint64_t halves[2] = {0, 0}, mixed;

    if (id.len != RANDOM_ID_BYTES)
        return ingest_hash(id);
    for (size_t i = 0; i < RANDOM_ID_BYTES; i++) {
        char c = id.ptr[i];
        unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                         : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
                                                : 16;

        if (digit > 15)
            return ingest_hash(id);
        halves[i / 16] = halves[i / 16] << 4 | digit;
    }
    mixed = halves[0] * 0x9e3779b97f4a7c15u ^ halves[1];
    return mixed == 0 ? 1 : (int64_t)mixed;
}

static void add_element(struct ingest *in, struct view text)
{
    if (text.len > 0)
        words_add(&in->list, text);
}

/* policies and reasons: the elements' texts, or their codes. */
static enum status list_key(struct ingest *in, struct row *row, enum word_kind kind,
                            struct facts *f, struct err *err)
{
    bool codes = kind == WORD_REASONS;
    jref list = row_list(row, codes ? ROW_REASONS : ROW_POLICIES);

    buf_clear(&in->list);
    if (list == JREF_NONE)
        return STATUS_OK;
    JDOC_EACH(&row->doc, list, element)
    {
        add_element(in,
                    codes ? row_text_in(row, element, VIEW("code")) : row_text_of(row, element));
    }
    return words_key(in->words, kind, buf_view(&in->list), &f->keys[kind], err);
}

static enum status user_key(struct ingest *in, struct row *row, struct facts *f, struct err *err)
{
    struct view id = row_text(row, ROW_USER_ID), name = row_text(row, ROW_USER_NAME);

    if (id.len == 0 && name.len == 0)
        return STATUS_OK;
    buf_clear(&in->list);
    words_add(&in->list, id);
    words_add(&in->list, name);
    if (id.len == 0)
        words_add(&in->list, row_text(row, ROW_USER_DOMAIN));
    return words_key(in->words, WORD_USER, buf_view(&in->list), &f->keys[WORD_USER], err);
}

static enum status read_words(struct ingest *in, struct row *row, struct facts *f, struct err *err)
{
    static const struct {
        enum word_kind kind;
        enum row_member member;
    } plain[] = {
        {WORD_EVENT, ROW_EVENT},         {WORD_PROJECT, ROW_PROJECT}, {WORD_FLAVOR, ROW_FLAVOR},
        {WORD_OPERATION, ROW_OPERATION}, {WORD_CLASS, ROW_CLASS},     {WORD_DECISION, ROW_DECISION},
        {WORD_OUTCOME, ROW_OUTCOME},
    };
    enum status status = user_key(in, row, f, err);

    for (size_t i = 0; i < ARRAY_LEN(plain) && status == STATUS_OK; i++)
        status = words_key(in->words, plain[i].kind, row_text(row, plain[i].member),
                           &f->keys[plain[i].kind], err);
    if (status == STATUS_OK)
        status = list_key(in, row, WORD_POLICIES, f, err);
    if (status == STATUS_OK)
        status = list_key(in, row, WORD_REASONS, f, err);
    if (status == STATUS_OK && (row->failed || in->list.failed != STATUS_OK))
        status = err_set(err, STATUS_NOMEM, "memory is out");
    return status;
}

/* Sums over all rows don't overflow. */
static int64_t amount(int64_t number)
{
    return number < 0 ? 0 : number > UINT32_MAX ? UINT32_MAX : number;
}

static enum status read_facts(struct ingest *in, struct row *row, struct facts *f, struct err *err)
{
    struct view id = row_text(row, ROW_ID), instance = row_text(row, ROW_INSTANCE_ID);

    f->id = id.len == 0 ? 0 : ingest_id_hash(id);
    f->time_us = row->time_us;
    f->run_s = row_number(row, ROW_AUTO_STOP_S, -1);
    f->count = amount(row_number(row, ROW_COUNT, 0));
    f->instance = instance.len == 0 ? 0 : ingest_hash(instance);
    f->name = row_text(row, ROW_INSTANCE_NAME);
    if (f->name.len == 0)
        f->name = VIEW_NONE;
    return read_words(in, row, f, err);
}

static void bind_facts(sqlite3_stmt *stmt, const struct facts *f)
{
    for (int i = 0; i < WORD_KINDS; i++)
        sql_bind_key(stmt, i + 1, f->keys[i]);
    if (f->run_s < 0)
        (void)sqlite3_bind_null(stmt, AT_RUN);
    else
        (void)sqlite3_bind_int64(stmt, AT_RUN, amount(f->run_s));
    sql_bind_key(stmt, AT_COUNT, f->count);
    sql_bind_key(stmt, AT_INSTANCE, f->instance);
    sql_bind_text(stmt, AT_NAME, f->name);
}

/* Of a line. */
struct place {
    uint64_t seq, offset;
};

static void bind_outcome(sqlite3_stmt *stmt, bool is_outcome, const struct place *at)
{
    sql_bind_key(stmt, AT_OUTCOME_SEQ, is_outcome ? (int64_t)at->seq : 0);
    if (is_outcome)
        (void)sqlite3_bind_int64(stmt, AT_OUTCOME_OFFSET, (int64_t)at->offset);
    else
        (void)sqlite3_bind_null(stmt, AT_OUTCOME_OFFSET);
}

enum part { PART_REQUEST, PART_OUTCOME, PART_SETTLED, PART_NONE };

static enum part part_of(struct view event)
{
    static const struct {
        struct view event;
        enum part part;
    } rows[] = {
        {{"intent", 6}, PART_REQUEST},  {{"outcome", 7}, PART_OUTCOME},
        {{"refusal", 7}, PART_REQUEST}, {{"settled", 7}, PART_SETTLED},
        {{"orphan", 6}, PART_REQUEST},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (view_eq(rows[i].event, event))
            return rows[i].part;
    }
    return PART_NONE;
}

static enum status write_block(struct ingest *in, struct err *err)
{
    if (in->block_key < 0)
        return STATUS_OK;
    (void)sqlite3_bind_int64(in->block, 1, in->block_key);
    (void)sqlite3_bind_int64(in->block, 2, in->block_low);
    (void)sqlite3_bind_int64(in->block, 3, in->block_high);
    in->block_key = -1;
    return sql_step(in->block, err);
}

static enum status note_time(struct ingest *in, uint64_t seq, int64_t time_us, struct err *err)
{
    int64_t key = (int64_t)(seq / BLOCK_SEQS);

    if (key != in->block_key) {
        enum status status = write_block(in, err);

        if (status != STATUS_OK)
            return status;
        in->block_key = key;
        in->block_low = in->block_high = time_us;
    }
    if (time_us < in->block_low)
        in->block_low = time_us;
    if (time_us > in->block_high)
        in->block_high = time_us;
    return STATUS_OK;
}

static enum status write_settled(struct ingest *in, uint64_t exchange, const struct place *at,
                                 struct err *err)
{
    (void)sqlite3_bind_int64(in->settle, 1, (int64_t)exchange);
    (void)sqlite3_bind_int64(in->settle, 2, (int64_t)at->seq);
    (void)sqlite3_bind_int64(in->settle, 3, (int64_t)at->offset);
    return sql_step(in->settle, err);
}

static enum status add(struct ingest *in, const struct facts *f, enum part part,
                       const struct place *at, struct err *err)
{
    enum status status;

    bind_facts(in->add, f);
    (void)sqlite3_bind_int64(in->add, AT_SEQ, (int64_t)at->seq);
    sql_bind_key(in->add, AT_ID, f->id);
    if (part == PART_REQUEST)
        (void)sqlite3_bind_int64(in->add, AT_OFFSET, (int64_t)at->offset);
    else
        (void)sqlite3_bind_null(in->add, AT_OFFSET);
    bind_outcome(in->add, part == PART_OUTCOME, at);
    (void)sqlite3_bind_int64(in->add, AT_LAST, f->time_us);
    status = sql_step(in->add, err);
    if (status == STATUS_OK)
        status = note_time(in, at->seq, f->time_us, err);
    if (status == STATUS_OK && part == PART_SETTLED)
        status = write_settled(in, at->seq, at, err);
    return status;
}

/* The newest row of that id, 0: none. */
static enum status find(struct ingest *in, int64_t id, uint64_t *ret_seq, bool *ret_has_outcome,
                        struct err *err)
{
    enum status status = STATUS_OK;
    int step;

    *ret_seq = 0;
    if (id == 0)
        return STATUS_OK;
    (void)sqlite3_bind_int64(in->find, 1, id);
    step = sqlite3_step(in->find);
    if (step == SQLITE_ROW) {
        *ret_seq = (uint64_t)sqlite3_column_int64(in->find, 0);
        *ret_has_outcome = sqlite3_column_type(in->find, 1) != SQLITE_NULL;
    } else if (step != SQLITE_DONE) {
        status = sql_failed(in->db, "read the index", err);
    }
    (void)sqlite3_reset(in->find);
    return status;
}

/* A second outcome, which no good journal has, is kept with what settled. */
static enum status merge(struct ingest *in, const struct facts *f, bool is_outcome,
                         uint64_t exchange, const struct place *at, struct err *err)
{
    enum status status;

    bind_facts(in->merge, f);
    (void)sqlite3_bind_int64(in->merge, AT_SEQ, (int64_t)exchange);
    bind_outcome(in->merge, is_outcome, at);
    (void)sqlite3_bind_int64(in->merge, AT_LAST, in->unknown);
    status = sql_step(in->merge, err);
    if (status == STATUS_OK && !is_outcome)
        status = write_settled(in, exchange, at, err);
    return status;
}

static enum status take_row(struct ingest *in, struct row *row, const struct trail_line *line,
                            struct err *err)
{
    enum part part = part_of(row_text(row, ROW_EVENT));
    const struct place at = {row->seq, line->at.offset};
    struct facts f = {.time_us = 0};
    bool has_outcome = false;
    uint64_t exchange = 0;
    enum status status;

    if (part == PART_NONE)
        return STATUS_OK;
    status = read_facts(in, row, &f, err);
    if (status == STATUS_OK && part != PART_REQUEST)
        status = find(in, f.id, &exchange, &has_outcome, err);
    if (status != STATUS_OK)
        return status;
    if (exchange == 0)
        return add(in, &f, part, &at, err);
    return merge(in, &f, part == PART_OUTCOME && !has_outcome, exchange, &at, err);
}

/* Its `open` is large and of no use here. */
static bool is_long_checkpoint(struct view text)
{
    return text.len > LINE_READ_MAX_BYTES &&
           memmem(text.ptr, HEAD_BYTES, "\"event\":\"checkpoint\"", 20) != NULL;
}

static enum status count_damaged(struct ingest *in, uint64_t segment, struct err *err)
{
    (void)sqlite3_bind_int64(in->damaged, 1, (int64_t)segment);
    return sql_step(in->damaged, err);
}

/* *ret_read: it can be read. */
static enum status read_line(struct ingest *in, const struct trail_line *line, struct row *row,
                             bool *ret_read, struct err *err)
{
    const char *why;
    enum status status = STATUS_SYNTAX;

    arena_reset(&in->arena);
    if (line->whole && line->text.len <= LINE_READ_MAX_BYTES)
        status = row_read(line->text, &in->arena, row, &why);
    *ret_read = status == STATUS_OK;
    return status == STATUS_NOMEM ? err_set(err, status, "memory is out") : STATUS_OK;
}

enum status ingest_line(struct ingest *in, const struct trail_line *line, struct err *err)
{
    struct row row;
    bool good;
    enum status status;

    if (is_long_checkpoint(line->text))
        return STATUS_OK;
    status = read_line(in, line, &row, &good, err);
    if (status == STATUS_OK && good)
        status = order_takes(&in->order, row.seq, line, &good, err);
    if (status != STATUS_OK)
        return status;
    return good ? take_row(in, &row, line, err) : count_damaged(in, line->at.segment, err);
}

enum status ingest_again(struct ingest *in, const struct trail_line *line, struct err *err)
{
    struct row row;
    bool good;
    enum status status = read_line(in, line, &row, &good, err);

    if (status != STATUS_OK)
        return status;
    return good ? take_row(in, &row, line, err) : count_damaged(in, line->at.segment, err);
}

enum status ingest_segment(struct ingest *in, uint64_t first, uint64_t next, struct err *err)
{
    enum status status = order_segment(&in->order, first, next, err);

    if (status != STATUS_OK)
        return status;
    (void)sqlite3_bind_int64(in->segment, 1, (int64_t)first);
    return sql_step(in->segment, err);
}

void ingest_go_on(struct ingest *in, uint64_t first, uint64_t next, uint64_t seq)
{
    order_go_on(&in->order, first, next, seq);
}

enum status ingest_flush(struct ingest *in, struct err *err)
{
    return write_block(in, err);
}
