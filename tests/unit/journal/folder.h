/* SPDX-License-Identifier: Apache-2.0
 * What the journal's tests share: a folder of their own, lines to submit, results that came, and a
 * reading of the files that uses none of the journal's code. */
#pragma once

#include "support/test.h"

#include <pthread.h>

#include "journal/journal.h"

struct folder {
    char root[64]; /* from mkdtemp */
    char journal[96], sets[96];
    struct journal_settings settings; /* 1 MB segments, sync, no low space */
};
void folder_new(struct folder *folder);
void folder_remove(struct folder *folder);
/* Opens, and fails the test if that fails. */
struct journal *folder_open(const struct folder *folder);

/* Names of the segments, ascending. */
struct names {
    char name[512][32];
    size_t count;
};
void folder_segments(const struct folder *folder, struct names *ret);
/* The whole file; free it. NUL-terminated. */
char *folder_read(const struct folder *folder, const char *name, size_t *ret_len);
void folder_write(const struct folder *folder, const char *name, const char *bytes, size_t len);
/* All segments in order, one behind the other. */
char *folder_read_all(const struct folder *folder);

/* Checks every line of every segment: ends with LF, seq without gaps from the first, prev is the
 * SHA-256 of the line before, each segment is named by its first seq and starts with a checkpoint.
 * Gives the number of lines. */
uint64_t folder_verify(const struct folder *folder);
/* Gives the first line of each segment that time, in order, and chains all lines anew. 0: that line
 * becomes one that nobody can read. */
void folder_redate(const struct folder *folder, const int64_t *begins_us);
/* How often the text stands in the files. */
size_t folder_count(const struct folder *folder, const char *text);

/* Facts of a create of that id, or of another event. */
struct journal_facts make_intent(const char *id);
struct journal_facts make_outcome(const char *id, enum journal_outcome outcome,
                                  const char *instance);
struct journal_facts make_event(enum journal_event event);

/* A mailbox with a thread's patience: waits for results by condition, not by time. */
struct inbox {
    struct journal_mailbox *mailbox;
    pthread_mutex_t lock;
    pthread_cond_t came;
    unsigned wakes, seen;
    uint64_t cookies[8192];
    enum status statuses[8192];
    size_t count;
};
void inbox_new(struct inbox *inbox, struct journal *journal);
void inbox_free(struct inbox *inbox);
/* Until `count` results in all came; fails the test after 30 s. */
void inbox_wait(struct inbox *inbox, size_t count);
/* Submits with a fresh cookie, waits for the result; the status of either. */
enum status inbox_submit(struct inbox *inbox, struct journal *journal,
                         const struct journal_facts *facts, enum journal_wait wait);
/* Submits the intent again and again until it is taken: what a caller who comes later does. */
void inbox_until_taken(struct inbox *inbox, struct journal *journal, const char *id_prefix);
