/* SPDX-License-Identifier: Apache-2.0
 * Texts that stand in many lines, each once in the index, under a number. A list is one text: its
 * elements, each with a byte 0xff behind it, which no text in UTF-8 has. A user is one too: id,
 * name, and without an id the domain, which tells names apart. Inside of the room. */
#pragma once

#include "audit/sql.h"
#include "base/arena.h"
#include "base/buffer.h"

/* The columns that hold such a number; word.kind in the index, so new ones go to the end. */
enum word_kind {
    WORD_EVENT,
    WORD_USER,
    WORD_PROJECT,
    WORD_FLAVOR,
    WORD_OPERATION,
    WORD_CLASS,
    WORD_DECISION,
    WORD_OUTCOME,
    WORD_POLICIES,
    WORD_REASONS,
    WORD_KINDS
};

struct words;

/* For writing; the statements live on db. */
MUST_CHECK enum status words_open(sqlite3 *db, struct words **ret, struct err *err);
void words_close(struct words **words);
/* The number of the text, made if it is new; absent or empty texts have 0. */
MUST_CHECK enum status words_key(struct words *words, enum word_kind kind, struct view text,
                                 int64_t *ret, struct err *err);
/* Adds an element to a list. A failure is the buffer's. */
void words_add(struct buf *list, struct view element);
/* Takes the next element off a list; false at the end. */
MUST_CHECK bool words_next(struct view *list, struct view *ret);
