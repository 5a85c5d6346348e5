/* SPDX-License-Identifier: Apache-2.0 */
#include "proof/witness.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "journal/segment.h"
#include "trail/row.h"

enum { ARENA_BLOCK = 16384, ARENA_MAX = 64 << 20, SEAL_BYTES_MAX = 4096 };

static enum status keep(struct witness *witness, const struct witness_line *line)
{
    if (witness->count == witness->room) {
        size_t room = witness->room * 2 + 256;
        struct witness_line *grown = realloc(witness->lines, room * sizeof *grown);

        if (grown == NULL)
            return STATUS_NOMEM;
        witness->lines = grown;
        witness->room = room;
    }
    witness->lines[witness->count++] = *line;
    return STATUS_OK;
}

static enum status add_line(struct witness *witness, struct view text, uint64_t number,
                            struct arena *arena)
{
    struct witness_line line = {.line = number};
    struct view json = view_from(text, view_find(text, '{'));
    const char *why;
    struct row row;
    enum status status;

    if (text.len == 0)
        return STATUS_OK;
    /* Others may write to a log, too: what they write is never more than passed over. */
    status = json.len > SEAL_BYTES_MAX ? STATUS_SYNTAX : row_read(json, arena, &row, &why);
    if (status == STATUS_NOMEM)
        return status;
    if (status != STATUS_OK || !view_eq(row_text(&row, ROW_EVENT), VIEW("seal"))) {
        witness->other++;
        return STATUS_OK;
    }
    line.seq = row.seq;
    line.time_us = row.time_us;
    digest_sha256(json, line.hash);
    return keep(witness, &line);
}

static int compare(const void *a, const void *b)
{
    const struct witness_line *left = a, *right = b;

    if (left->seq != right->seq)
        return left->seq < right->seq ? -1 : 1;
    return (left->line > right->line) - (left->line < right->line);
}

static enum status read_lines(struct line_reader *reader, struct witness *witness, struct err *err)
{
    struct arena arena;
    uint64_t number = 0;
    struct view text;
    bool whole;
    int got;

    arena_init(&arena, ARENA_BLOCK, ARENA_MAX);
    while ((got = line_reader_next(reader, &text, &whole)) == 1) {
        enum status status = STATUS_OK;

        number++;
        if (!whole)
            witness->torn = true;
        else if (line_reader_was_too_long(reader, text))
            witness->other++;
        else
            status = add_line(witness, text, number, &arena);
        if (status != STATUS_OK) {
            arena_done(&arena);
            return err_set(err, status, "no memory for the witness's line %llu",
                           (unsigned long long)number);
        }
        arena_reset(&arena);
    }
    arena_done(&arena);
    return got < 0 ? err_set_errno(err, errno, "can't read it") : STATUS_OK;
}

enum status witness_read(const char *path, struct witness *ret, struct err *err)
{
    struct witness witness = {.lines = NULL};
    struct line_reader reader CLEANUP(line_reader_done);
    int failed = line_reader_open_file(&reader, path);
    enum status status;

    if (failed != 0)
        return err_set_errno(err, failed, "can't open the witness %s", path);
    status = read_lines(&reader, &witness, err);
    if (status != STATUS_OK) {
        witness_done(&witness);
        return err_wrap(err, "witness %s", path);
    }
    if (witness.count > 0)
        qsort(witness.lines, witness.count, sizeof *witness.lines, compare);
    *ret = witness;
    return STATUS_OK;
}

void witness_done(struct witness *witness)
{
    free(witness->lines);
    *witness = (struct witness){.lines = NULL};
}
