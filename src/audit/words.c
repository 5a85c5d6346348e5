/* SPDX-License-Identifier: Apache-2.0
 * Those that were seen lately are remembered, up to a number of bytes; then all are forgotten and
 * come back one by one. */
#include "audit/words.h"

#include <stdlib.h>

enum { BUCKETS = 1 << 14, BLOCK_BYTES = 1 << 16, REMEMBERED_BYTES = 1 << 25, REMEMBERED = 1 << 17 };

static const char list_end = '\xff';

struct word {
    struct word *next;
    struct view text;
    enum word_kind kind;
    int64_t key;
};

struct words {
    sqlite3_stmt *find, *add;
    sqlite3 *db;
    struct arena arena;
    size_t count;
    struct word *buckets[BUCKETS];
};

enum status words_open(sqlite3 *db, struct words **ret, struct err *err)
{
    struct words *words = calloc(1, sizeof *words);
    enum status status;

    if (words == NULL)
        return err_set(err, STATUS_NOMEM, "memory is out");
    words->db = db;
    arena_init(&words->arena, BLOCK_BYTES, REMEMBERED_BYTES);
    status = sql_prepare(db, "SELECT key FROM word WHERE kind = ? AND text = ?", &words->find, err);
    if (status == STATUS_OK)
        status = sql_prepare(db, "INSERT INTO word(kind, text) VALUES(?, ?)", &words->add, err);
    if (status != STATUS_OK) {
        words_close(&words);
        return status;
    }
    *ret = words;
    return STATUS_OK;
}

void words_close(struct words **words)
{
    if (*words == NULL)
        return;
    (void)sqlite3_finalize((*words)->find);
    (void)sqlite3_finalize((*words)->add);
    arena_done(&(*words)->arena);
    free(*words);
    *words = NULL;
}

/* FNV-1a. */
static size_t bucket_of(enum word_kind kind, struct view text)
{
    uint64_t hash = 14695981039346656037U ^ (uint64_t)kind;

    for (size_t i = 0; i < text.len; i++)
        hash = (hash ^ (unsigned char)text.ptr[i]) * 1099511628211U;
    return (hash ^ hash >> 32) % BUCKETS;
}

static void forget(struct words *words)
{
    arena_done(&words->arena);
    memset(words->buckets, 0, sizeof words->buckets);
    words->count = 0;
}

static void remember(struct words *words, size_t bucket, const struct word *found)
{
    struct word *word;

    if (words->count >= REMEMBERED)
        forget(words);
    word = ARENA_NEW(&words->arena, struct word);
    if (word != NULL) {
        *word = *found;
        word->text = arena_copy(&words->arena, found->text);
    }
    if (word == NULL || word->text.ptr == NULL) {
        forget(words);
        return;
    }
    word->next = words->buckets[bucket];
    words->buckets[bucket] = word;
    words->count++;
}

static enum status look_up(struct words *words, struct word *word, struct err *err)
{
    enum status status = STATUS_OK;
    int step;

    (void)sqlite3_bind_int(words->find, 1, (int)word->kind);
    sql_bind_text(words->find, 2, word->text);
    step = sqlite3_step(words->find);
    if (step == SQLITE_ROW)
        word->key = sqlite3_column_int64(words->find, 0);
    else if (step != SQLITE_DONE)
        status = sql_failed(words->db, "read the index", err);
    (void)sqlite3_reset(words->find);
    if (status != STATUS_OK || word->key != 0)
        return status;
    (void)sqlite3_bind_int(words->add, 1, (int)word->kind);
    sql_bind_text(words->add, 2, word->text);
    status = sql_step(words->add, err);
    word->key = sqlite3_last_insert_rowid(words->db);
    return status;
}

enum status words_key(struct words *words, enum word_kind kind, struct view text, int64_t *ret,
                      struct err *err)
{
    struct word found = {.text = text, .kind = kind};
    size_t bucket;
    enum status status;

    *ret = 0;
    if (text.len == 0)
        return STATUS_OK;
    bucket = bucket_of(kind, text);
    for (struct word *word = words->buckets[bucket]; word != NULL; word = word->next) {
        if (word->kind == kind && view_eq(word->text, text)) {
            *ret = word->key;
            return STATUS_OK;
        }
    }
    status = look_up(words, &found, err);
    if (status != STATUS_OK)
        return status;
    remember(words, bucket, &found);
    *ret = found.key;
    return STATUS_OK;
}

void words_add(struct buf *list, struct view element)
{
    buf_add(list, element);
    buf_add_byte(list, list_end);
}

bool words_next(struct view *list, struct view *ret)
{
    size_t end;

    if (list->len == 0)
        return false;
    end = view_find(*list, list_end);
    *ret = view_of(list->ptr, end);
    *list = end < list->len ? view_from(*list, end + 1) : VIEW_NONE;
    return true;
}
