/* SPDX-License-Identifier: Apache-2.0
 * Repair: damage stays in its segment as it is, for whoever looks into it; a new segment behind it
 * says what was accepted and by whom, and carries on what could be read. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "journal/internal.h"
#include "journal/line.h"
#include "journal/recover.h"
#include "journal/rotate.h"

/* A damaged line may name any seq; believed is only what lies near its place. */
enum { SEQ_DOUBT = 1000000 };
/* No journal comes so far; behind it, there would soon be no seq for the next line. */
static const uint64_t seq_max = (uint64_t)1 << 62;

struct salvage {
    int dir_fd;
    struct open_table *table;
    struct chain chain; /* seq: the highest believed; hash: of the last complete line */
    uint64_t unreadable;
};

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

static enum status salvage_segment(struct salvage *salvage, uint64_t first, struct err *err)
{
    struct line_reader reader CLEANUP(line_reader_done);
    int failed = line_reader_open(&reader, salvage->dir_fd, first), got;
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
static enum status salvage_all(struct salvage *salvage, struct err *err)
{
    uint64_t *list = NULL;
    size_t count = 0, from;
    enum status status = segment_list(salvage->dir_fd, &list, &count, err);

    for (from = count; status == STATUS_OK && from > 1; from--) {
        if (has_checkpoint(salvage->dir_fd, list[from - 1]))
            break;
    }
    for (size_t i = from == 0 ? 0 : from - 1; status == STATUS_OK && i < count; i++)
        status = salvage_segment(salvage, list[i], err);
    if (status == STATUS_OK && count > 0 && list[count - 1] > seq_max)
        status = err_set(err, STATUS_INVALID,
                         "segment %020llu is named after a seq that no journal reaches: move it "
                         "out of the folder",
                         (unsigned long long)list[count - 1]);
    free(list);
    return status;
}

static enum status write_behind(struct salvage *salvage, const struct journal_settings *settings,
                                const char *actor, const char *damage, struct err *err)
{
    char text[RECOVERY_TEXT_BYTES + 32];
    struct segment_plan plan = {
        .dir_fd = salvage->dir_fd, .sync = true, .actor = actor, .error = text};
    struct digest *digest = digest_new();
    struct segment segment;
    int failed;

    if (digest == NULL)
        return err_set(err, STATUS_NOMEM, "no memory for a digest");
    (void)snprintf(text, sizeof text, "accepted: %s", damage);
    failed = segment_begin(&plan, salvage->table, digest, &salvage->chain, &segment);
    digest_free(&digest);
    if (failed != 0)
        return err_set_errno(err, failed, "can't begin a segment in %s", settings->directory);
    segment_close(&segment);
    return STATUS_OK;
}

static enum status repair(int dir_fd, const struct journal_settings *settings, const char *actor,
                          struct buf *ret_what, struct err *err)
{
    struct salvage salvage = {.dir_fd = dir_fd};
    struct recovery recovery;
    enum status status = recovery_read(dir_fd, false, &recovery, err);
    char *hint;

    if (status != STATUS_OK)
        return status;
    recovery_done(&recovery);
    if (recovery.damage[0] == '\0')
        return err_set(err, STATUS_INVALID, "the journal in %s isn't damaged: nothing to repair",
                       settings->directory);
    hint = strstr(recovery.damage, "; run `");
    if (hint != NULL)
        *hint = '\0';
    chain_start(&salvage.chain);
    salvage.table = open_table_new();
    status = salvage.table == NULL ? err_set(err, STATUS_NOMEM, "no memory for what is open")
                                   : salvage_all(&salvage, err);
    if (status == STATUS_OK)
        status = write_behind(&salvage, settings, actor, recovery.damage, err);
    if (status == STATUS_OK)
        buf_printf(ret_what, "%s; unreadable lines: %llu; the journal goes on with seq %llu\n",
                   recovery.damage, (unsigned long long)salvage.unreadable,
                   (unsigned long long)salvage.chain.seq);
    open_table_free(&salvage.table);
    return status;
}

enum status journal_repair(const struct journal_settings *settings, const char *actor,
                           struct buf *ret_what, struct err *err)
{
    int dir_fd, lock_fd;
    enum status status = folder_lock(settings->directory, &dir_fd, &lock_fd, err);

    if (status != STATUS_OK)
        return status;
    status = repair(dir_fd, settings, actor, ret_what, err);
    (void)close(dir_fd);
    (void)close(lock_fd);
    return status;
}
