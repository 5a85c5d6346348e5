/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/salvage.h"

#include <errno.h>
#include <stdlib.h>

#include "journal/line.h"
#include "journal/segment.h"

/* A damaged line may name any seq; believed is only what lies near its place. */
enum { SEQ_DOUBT = 1000000 };
/* No journal comes so far; behind it, there would soon be no seq for the next line. */
static const uint64_t seq_max = (uint64_t)1 << 62;

/* Whether the segment starts with a checkpoint that can be read. */
static bool has_checkpoint(int dir_fd, uint64_t first)
{
    struct line_reader reader CLEANUP(line_reader_done);
    struct open_table *table;
    struct view text;
    struct line line;
    const char *why;
    bool whole, good;

    if (line_reader_open(&reader, dir_fd, first) != 0 ||
        line_reader_next(&reader, &text, &whole) != 1 || line_parse(text, &line, &why) != STATUS_OK)
        return false;
    table = open_table_new();
    good = table != NULL && whole && line.known_event && line.step.event == JOURNAL_CHECKPOINT &&
           line_read_open(&line, table) == STATUS_OK;
    open_table_free(&table);
    line_done(&line);
    return good;
}

static enum status salvage_line(struct salvage *salvage, struct view text, bool whole,
                                uint64_t place)
{
    struct line line;
    const char *why;
    enum status status = line_parse(text, &line, &why);
    uint64_t seq = place;

    if (status == STATUS_NOMEM)
        return status;
    if (status != STATUS_OK) {
        salvage->unreadable++;
    } else {
        if (line.seq > place && line.seq - place < SEQ_DOUBT)
            seq = line.seq;
        if (line.known_event && line.step.event == JOURNAL_CHECKPOINT)
            status = line_read_open(&line, salvage->table);
        else
            status = line_apply(&line, salvage->table);
        line_done(&line);
        if (status == STATUS_NOMEM)
            return status;
    }
    if (whole)
        chain_set(&salvage->chain, salvage->chain.seq, text);
    if (seq > salvage->chain.seq)
        salvage->chain.seq = seq;
    return STATUS_OK;
}

static enum status salvage_segment(int dir_fd, uint64_t first, struct salvage *salvage,
                                   struct err *err)
{
    struct line_reader reader CLEANUP(line_reader_done);
    int failed = line_reader_open(&reader, dir_fd, first), got;
    uint64_t place = first;
    struct view text;
    bool whole;

    if (salvage->chain.seq < first)
        salvage->chain.seq = first;
    if (failed != 0)
        return line_reader_say(first, failed, err);
    while ((got = line_reader_next(&reader, &text, &whole)) == 1) {
        if (salvage_line(salvage, text, whole, place++) != STATUS_OK)
            return err_set(err, STATUS_NOMEM, "no memory for what is open");
    }
    if (got < 0)
        return err_set_errno(err, errno, "can't read a segment");
    return STATUS_OK;
}

/* Folds what can be read, from the last segment on that starts with a readable checkpoint. */
static enum status salvage_all(int dir_fd, struct salvage *salvage, struct err *err)
{
    uint64_t *list = NULL;
    size_t count = 0, from;
    enum status status = segment_list(dir_fd, &list, &count, err);

    for (from = count; status == STATUS_OK && from > 1; from--) {
        if (has_checkpoint(dir_fd, list[from - 1]))
            break;
    }
    for (size_t i = from == 0 ? 0 : from - 1; status == STATUS_OK && i < count; i++)
        status = salvage_segment(dir_fd, list[i], salvage, err);
    if (status == STATUS_OK && count > 0 && list[count - 1] > seq_max)
        status = err_set(err, STATUS_INVALID,
                         "segment %020llu is named after a seq that no journal reaches: move it "
                         "out of the folder",
                         (unsigned long long)list[count - 1]);
    free(list);
    return status;
}

enum status salvage_read(int dir_fd, struct salvage *ret, struct err *err)
{
    struct salvage salvage = {.table = open_table_new()};
    enum status status;

    chain_start(&salvage.chain);
    status = salvage.table == NULL ? err_set(err, STATUS_NOMEM, "no memory for what is open")
                                   : salvage_all(dir_fd, &salvage, err);
    if (status != STATUS_OK) {
        salvage_done(&salvage);
        return status;
    }
    *ret = salvage;
    return STATUS_OK;
}

void salvage_done(struct salvage *salvage)
{
    open_table_free(&salvage->table);
}
