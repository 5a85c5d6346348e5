/* SPDX-License-Identifier: Apache-2.0
 * Patterns are matched against the texts of the dictionary, once; rows are then picked by numbers.
 * A period becomes a range of seqs first, from the times of blocks. */
#include "audit/where.h"

#include <limits.h>

#include "audit/ingest.h"
#include "audit/schema.h"
#include "audit/told.h"
#include "policy/globset.h"

enum { PATTERN_BYTES = 1024, ARENA_BYTES = 1 << 20 };
static const int64_t key_none = INT64_MAX / BLOCK_SEQS; /* behind all blocks */

static const struct {
    const char *name, *column;
    size_t field; /* of struct audit_filter */
    enum word_kind kind;
    bool globs;
    unsigned elements; /* of a list, one of so many at its front matches; 0: it is no list */
} words[] = {
    {"user", "user", offsetof(struct audit_filter, user), WORD_USER, true, 2},
    {"project", "project", offsetof(struct audit_filter, project), WORD_PROJECT, true, 0},
    {"flavor", "flavor", offsetof(struct audit_filter, flavor), WORD_FLAVOR, true, 0},
    {"operation", "operation", offsetof(struct audit_filter, operation), WORD_OPERATION, true, 0},
    {"class", "class", offsetof(struct audit_filter, class), WORD_CLASS, false, 0},
    {"decision", "decision", offsetof(struct audit_filter, decision), WORD_DECISION, false, 0},
    {"outcome", "outcome", offsetof(struct audit_filter, outcome), WORD_OUTCOME, false, 0},
    {"reason", "reasons", offsetof(struct audit_filter, reason), WORD_REASONS, true, UINT_MAX},
    {"policy", "policies", offsetof(struct audit_filter, policy), WORD_POLICIES, true, UINT_MAX},
};

static struct view field_of(const struct audit_filter *filter, size_t offset)
{
    struct view field;

    memcpy(&field, (const char *)filter + offset, sizeof field);
    return field;
}

static bool has_star(struct view text)
{
    return view_find(text, '*') < text.len;
}

/* Without anything to match with, the texts themselves. */
static bool matches(const struct globset *set, struct view wanted, struct view text,
                    struct arena *scratch, bool *ret_failed)
{
    bool found = false;

    if (set == NULL)
        return view_eq(wanted, text);
    *ret_failed = *ret_failed || globset_match(set, text, scratch, &found) != STATUS_OK;
    return found;
}

static bool matches_word(const struct globset *set, struct view wanted, struct view text,
                         unsigned elements, struct arena *scratch, bool *ret_failed)
{
    struct view element;

    if (elements == 0)
        return matches(set, wanted, text, scratch, ret_failed);
    while (elements-- > 0 && words_next(&text, &element)) {
        if (element.len > 0 && matches(set, wanted, element, scratch, ret_failed))
            return true;
    }
    return false;
}

struct picking {
    sqlite3 *db;
    sqlite3_stmt *all, *add;
    struct arena arena;
    int64_t one; /* the only key, as long as there is one */
    size_t count;
};

static enum status pick_each(struct picking *p, size_t row, struct view wanted, struct err *err)
{
    const struct globset *set = NULL;
    bool failed = false;
    int step;

    if (words[row].globs && has_star(wanted) &&
        globset_build(&wanted, 1, &p->arena, &set) != STATUS_OK)
        return err_set(err, STATUS_NOMEM, "memory is out");
    (void)sqlite3_bind_int(p->all, 1, (int)words[row].kind);
    while ((step = sqlite3_step(p->all)) == SQLITE_ROW) {
        enum status status;

        if (!matches_word(set, wanted, sql_text(p->all, 1), words[row].elements, &p->arena,
                          &failed))
            continue;
        p->one = sqlite3_column_int64(p->all, 0);
        p->count++;
        (void)sqlite3_bind_int64(p->add, 1, p->one);
        status = sql_step(p->add, err);
        if (status != STATUS_OK)
            return status;
    }
    if (step != SQLITE_DONE)
        return sql_failed(p->db, "read the index", err);
    return failed ? err_set(err, STATUS_NOMEM, "memory is out") : STATUS_OK;
}

/* Numbers are never used for two texts, so all columns share one table. */
static enum status pick(sqlite3 *db, size_t row, struct view wanted, struct buf *out,
                        struct err *err)
{
    struct picking p = {.db = db};
    enum status status =
        sql_prepare(db, "SELECT key, text FROM main.word WHERE kind = ?", &p.all, err);

    arena_init(&p.arena, ARENA_BYTES / 16, ARENA_BYTES);
    if (status == STATUS_OK)
        status = sql_prepare(db, "INSERT OR IGNORE INTO temp.pick VALUES(?)", &p.add, err);
    if (status == STATUS_OK)
        status = pick_each(&p, row, wanted, err);
    (void)sqlite3_finalize(p.all);
    (void)sqlite3_finalize(p.add);
    arena_done(&p.arena);
    if (p.count > 1)
        buf_printf(out, " AND %s IN (SELECT key FROM temp.pick)", words[row].column);
    else
        buf_printf(out, " AND %s = %lld", words[row].column, (long long)p.one);
    return status;
}

static enum status add_words(sqlite3 *db, const struct audit_filter *filter, struct buf *out,
                             struct err *err)
{
    enum status status = sql_run(db,
                                 "CREATE TABLE IF NOT EXISTS temp.pick(key INTEGER PRIMARY KEY);"
                                 "DELETE FROM temp.pick",
                                 "read the index", err);

    for (size_t i = 0; i < ARRAY_LEN(words) && status == STATUS_OK; i++) {
        struct view wanted = field_of(filter, words[i].field);

        if (wanted.ptr == NULL)
            continue;
        status = wanted.len > PATTERN_BYTES
                     ? err_set(err, STATUS_INVALID, "a filter by %s takes at most %d bytes",
                               words[i].name, PATTERN_BYTES)
                     : pick(db, i, wanted, out, err);
    }
    return status;
}

/* The seqs that a period can be in; rows are looked at one by one then. */
static enum status add_period(sqlite3 *db, const struct period *period, struct buf *out,
                              struct err *err)
{
    char text[160];
    int64_t first, last = 0;
    enum status status;

    if (period->from_us == INT64_MIN && period->until_us == INT64_MAX)
        return STATUS_OK;
    (void)sqlite3_snprintf(sizeof text, text,
                           "SELECT coalesce(min(key), %lld) FROM block WHERE high >= %lld",
                           (long long)key_none, (long long)period->from_us);
    status = sql_number(db, text, 0, &first, err);
    (void)sqlite3_snprintf(sizeof text, text, "SELECT max(key) FROM block WHERE low < %lld",
                           (long long)period->until_us);
    if (status == STATUS_OK)
        status = sql_number(db, text, 0, &last, err);
    if (status == STATUS_OK)
        buf_printf(out, " AND seq >= %lld AND seq < %lld AND time >= %lld AND time < %lld",
                   (long long)first * BLOCK_SEQS, (long long)(last + 1) * BLOCK_SEQS,
                   (long long)period->from_us, (long long)period->until_us);
    return status;
}

/* SQLite's GLOB has other special characters than `*`, and ends at a NUL. */
static void name_matches(sqlite3_context *context, int count, sqlite3_value **values)
{
    struct view texts[2] = {VIEW_NONE, VIEW_NONE};

    for (int i = 0; i < count && i < 2; i++) {
        const unsigned char *text = sqlite3_value_text(values[i]);

        if (text != NULL)
            texts[i] = view_of((const char *)text, (size_t)sqlite3_value_bytes(values[i]));
    }
    sqlite3_result_int(context, texts[1].ptr != NULL && audit_matches(texts[0], texts[1]));
}

static enum status add_name(sqlite3 *db, struct view wanted, struct buf *out, struct err *err)
{
    if (!has_star(wanted)) {
        buf_add_str(out, " AND name = ?2");
        return STATUS_OK;
    }
    if (sqlite3_create_function_v2(db, "name_matches", 2,
                                   SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY, NULL,
                                   name_matches, NULL, NULL, NULL) != SQLITE_OK)
        return sql_failed(db, "read the index", err);
    buf_add_str(out, " AND name >= ?1 AND name < ?3 AND name_matches(?2, name)");
    return STATUS_OK;
}

static enum status add_instance(sqlite3 *db, struct view wanted, struct buf *out, struct err *err)
{
    if (wanted.ptr == NULL)
        return STATUS_OK;
    if (has_star(wanted))
        return add_name(db, wanted, out, err);
    buf_add_str(out, " AND seq IN (SELECT seq FROM exchange WHERE instance = ?1"
                     " UNION SELECT seq FROM exchange WHERE name = ?2)");
    return STATUS_OK;
}

static enum status add_subject(sqlite3 *db, const struct audit_subject *subject, struct buf *out,
                               struct err *err)
{
    enum status status;

    if (subject == NULL)
        return STATUS_OK;
    buf_add_str(out, " AND seq IN (SELECT seq FROM exchange WHERE instance IN (");
    for (size_t i = 0; i < subject->count; i++)
        buf_printf(out, "%s%lld", i == 0 ? "" : ", ", (long long)ingest_hash(subject->ids[i]));
    buf_add_str(out, ") UNION SELECT seq FROM exchange WHERE instance IS NULL");
    status = add_name(db, subject->name, out, err);
    buf_add_byte(out, ')');
    return status;
}

/* By which name or, but for a subject, id. ptr NULL: by neither. */
static struct view instance_of(const struct audit_filter *filter)
{
    return filter->subject == NULL ? filter->instance : filter->subject->name;
}

enum status where_build(sqlite3 *db, const struct audit_filter *filter, struct buf *out,
                        struct err *err)
{
    enum status status;

    if (instance_of(filter).len > PATTERN_BYTES)
        return err_set(err, STATUS_INVALID, "a filter by instance takes at most %d bytes",
                       PATTERN_BYTES);
    buf_add_str(out, " WHERE 1");
    if (filter->id.ptr != NULL)
        buf_printf(out, " AND id = %lld", (long long)ingest_id_hash(filter->id));
    status = add_words(db, filter, out, err);
    if (status == STATUS_OK)
        status = add_period(db, &filter->period, out, err);
    if (status == STATUS_OK)
        status = add_instance(db, filter->instance, out, err);
    return status == STATUS_OK ? add_subject(db, filter->subject, out, err) : status;
}

/* The names that begin like the pattern lie between its front and that with a byte behind it that
 * no name has. */
static void bind_pattern(sqlite3_stmt *stmt, struct view pattern)
{
    char last[PATTERN_BYTES + 1];
    size_t front = view_find(pattern, '*');

    memcpy(last, pattern.ptr, front);
    last[front] = '\xff';
    sql_bind_text(stmt, 1, view_of(pattern.ptr, front));
    sql_bind_text(stmt, 2, pattern);
    (void)sqlite3_bind_text64(stmt, 3, last, front + 1, SQLITE_TRANSIENT, SQLITE_UTF8);
}

void where_bind(sqlite3_stmt *stmt, const struct audit_filter *filter)
{
    struct view wanted = instance_of(filter);

    if (wanted.ptr == NULL)
        return;
    if (has_star(wanted)) {
        bind_pattern(stmt, wanted);
        return;
    }
    (void)sqlite3_bind_int64(stmt, 1, ingest_hash(wanted));
    sql_bind_text(stmt, 2, wanted);
}
