/* SPDX-License-Identifier: Apache-2.0
 * What the commands that ask the journal have in common: their options, the index, printing. */
#pragma once

#include <stdio.h>

#include "audit/summary.h"
#include "audit/told.h"
#include "commands/audit.h"
#include "commands/columns.h"
#include "commands/period_options.h"

enum ask_format { ASK_TEXT, ASK_JSON, ASK_CSV };

struct ask {
    const struct command *command;
    const char *conf, *journal, *index; /* NULL: not named */
    struct audit_filter filter;
    struct audit_page page;
    enum ask_format format;
    const char *who_created; /* NULL: not asked for */
    bool open;
    enum audit_by by[BY_COUNT];
    size_t by_count;
    struct period_options times; /* filter.period, as it was asked for */
    int64_t now_us;
};

/* Returns -1 to go on, else the exit status. query: the options of `audit query`, else those of
 * `audit summary`. */
int ask_options(const struct command *command, int argc, char **argv, bool query, struct ask *ret);

/* The work of a question, with the index open; out is printed when it gives STATUS_OK. Called a
 * second time, with out empty, if the index was found to be corrupt. */
typedef enum status (*ask_work)(const struct ask *ask, struct audit_index *index,
                                const struct audit_source *source, struct buf *out,
                                struct err *err);
/* Gives the exit status. */
int ask_run(const struct ask *ask, ask_work work);
/* To stdout, byte for byte: lines of the journal left their secrets out when they were written. */
void ask_print(const struct buf *out);
/* To stderr, unless it is "": what exists was asked of a damaged journal (audit/existing.h). */
void ask_warn_damage(const struct ask *ask, const char *damage);

enum { ASK_OUT_MAX = 1 << 30, ASK_ARENA_MAX = 1 << 29 };

/* As of one exchange: "2026-01-02T03:04:05Z", the user's name or id, the instance's name or id;
 * NUL-terminated in the arena, NULL: nothing. A NUL within a text becomes \x00, as it is printed.
 */
const char *ask_text(struct arena *arena, struct view text);
const char *ask_time(struct arena *arena, int64_t time_us);
/* To the microsecond. */
const char *ask_moment(struct arena *arena, int64_t time_us);
const char *ask_list(struct arena *arena, struct view list, const char *between);
/* "00000000000000000001.jsonl:17" */
const char *ask_place(struct arena *arena, const struct audit_line *line);

/* How the next page is asked for, if there is one: in the text, else on stderr. */
void ask_tell_next(const struct ask *ask, uint64_t next, struct buf *out);

/* Other questions of `audit query`. The story as text; ask's filter and page are those of its
 * exchanges. */
struct audit_story;
MUST_CHECK enum status ask_story(const struct ask *ask, struct audit_index *index,
                                 struct audit_story *story, struct buf *out, struct err *err);
int ask_open(const struct command *command, const struct ask *ask);
