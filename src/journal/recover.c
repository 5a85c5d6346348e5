/* SPDX-License-Identifier: Apache-2.0
 * Recovery reads one segment, the last one: its checkpoint says all that was open before it. Older
 * ones are opened only where the last one has no complete line, and for operations, which
 * earlier checkpoints didn't name. */
#include "journal/recover.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "journal/line.h"
#include "journal/segment.h"

struct scan {
    int dir_fd;
    uint64_t first; /* seq of the segment's name */
    uint64_t lines; /* complete ones so far */
    uint64_t size;  /* of them */
    uint64_t head;  /* of the first of them */
    bool torn;      /* an unterminated line follows */
    struct recovery *into;
};

static void damaged(struct scan *scan, uint64_t line, const char *why)
{
    char name[SEGMENT_NAME_BYTES];

    segment_name_format(scan->first, name);
    (void)snprintf(scan->into->damage, sizeof scan->into->damage, "segment %s, line %llu: %s", name,
                   (unsigned long long)line, why);
}

/* NULL, or what is wrong with the line's place in the chain. */
static const char *check_place(const struct scan *scan, const struct line *line)
{
    const struct chain *chain = &scan->into->chain;

    if (scan->lines == 0 && line->seq != scan->first)
        return "its \"seq\" isn't the one that the segment is named after";
    if (scan->lines == 0 && (!line->known_event || line->step.event != JOURNAL_CHECKPOINT))
        return "a segment has to start with a checkpoint";
    if (scan->lines > 0 && line->seq != chain->seq + 1)
        return "its \"seq\" doesn't follow the line before";
    /* The first line of a later segment is for `audit verify`: start-up reads one segment. */
    if ((scan->lines > 0 || line->seq == 1) &&
        !view_eq(line->prev, view_of(chain->hash, sizeof chain->hash)))
        return "its \"prev\" isn't the hash of the line before";
    return NULL;
}

static void note_place(struct recovery *into, const struct line *line, struct view text)
{
    chain_set(&into->chain, line->seq, text);
    into->sealed = line->known_event && line->step.event == JOURNAL_SEAL;
    if (into->sealed)
        (void)snprintf(into->seal_key, sizeof into->seal_key, "%.*s", VIEW_ARGS(line->seal_key));
}

/* One complete line; damage shows in scan->into->damage. STATUS_NOMEM. */
static enum status scan_line(struct scan *scan, struct view text)
{
    struct recovery *into = scan->into;
    const char *why = NULL;
    struct line line;
    enum status status = line_parse(text, &line, &why);

    if (status == STATUS_SYNTAX)
        damaged(scan, scan->lines + 1, why);
    if (status != STATUS_OK)
        return status == STATUS_NOMEM ? status : STATUS_OK;
    why = check_place(scan, &line);
    if (why == NULL)
        status =
            scan->lines == 0 ? line_read_open(&line, into->table) : line_apply(&line, into->table);
    if (status == STATUS_SYNTAX)
        why = "its \"open\" can't be read";
    if (why == NULL && status == STATUS_OK)
        note_place(into, &line, text);
    line_done(&line);
    if (why != NULL)
        damaged(scan, scan->lines + 1, why);
    scan->lines++;
    return status == STATUS_NOMEM ? status : STATUS_OK;
}

static enum status scan_lines(struct scan *scan, struct line_reader *reader, struct err *err)
{
    for (;;) {
        struct view text;
        bool whole;
        int got = line_reader_next(reader, &text, &whole);

        if (got < 0)
            return err_set_errno(err, errno, "can't read the segment");
        if (got == 0)
            return STATUS_OK;
        if (!whole) {
            scan->torn = true;
            return STATUS_OK;
        }
        if (line_reader_was_too_long(reader, text))
            damaged(scan, scan->lines + 1, "it is longer than a line may be");
        else if (scan_line(scan, text) != STATUS_OK)
            return err_set(err, STATUS_NOMEM, "no memory for what is open");
        if (scan->into->damage[0] != '\0')
            return STATUS_OK;
        scan->size = reader->offset;
        if (scan->lines == 1)
            scan->head = scan->size;
    }
}

static enum status scan_segment(struct scan *scan, struct err *err)
{
    struct line_reader reader CLEANUP(line_reader_done);
    char name[SEGMENT_NAME_BYTES];
    int failed = line_reader_open(&reader, scan->dir_fd, scan->first);
    enum status status;

    if (failed != 0)
        return line_reader_say(scan->first, failed, err);
    segment_name_format(scan->first, name);
    status = scan_lines(scan, &reader, err);
    return status == STATUS_OK ? status : err_wrap(err, "segment %s", name);
}

static enum status remove_empty(int dir_fd, uint64_t first, struct err *err)
{
    char name[SEGMENT_NAME_BYTES];

    segment_name_format(first, name);
    log_line(LOG_WARNING, "removing the empty journal segment %s", name);
    if (unlinkat(dir_fd, name, 0) != 0 || fsync(dir_fd) != 0)
        return err_set_errno(err, errno, "can't remove the empty segment %s", name);
    return STATUS_OK;
}

static enum status cut_torn(const struct scan *scan, struct err *err)
{
    char name[SEGMENT_NAME_BYTES];
    int fd, failed = 0;

    segment_name_format(scan->first, name);
    log_line(LOG_WARNING, "removing the unterminated last line of journal segment %s at byte %llu",
             name, (unsigned long long)scan->size);
    fd = openat(scan->dir_fd, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 || ftruncate(fd, (off_t)scan->size) != 0 || fsync(fd) != 0)
        failed = errno;
    if (fd >= 0)
        (void)close(fd);
    if (failed != 0)
        return err_set_errno(err, failed, "can't cut segment %s", name);
    return STATUS_OK;
}

/* A segment is made right before its first line, and all before it is written by then. */
static void check_behind(struct scan *scan, const uint64_t *list, size_t count)
{
    if (count > 0 && list[count - 1] > scan->into->chain.seq + 1)
        damaged(scan, scan->lines + 1, "a later segment is there, but its lines are missing");
}

/* From the last segment back to one that has a line. Nothing is changed yet: behind damage, all
 * stays as it was found. */
static enum status scan_back(struct scan *scan, const uint64_t *list, size_t count, struct err *err)
{
    bool torn_before = false;

    for (size_t i = count; i > 0; i--) {
        enum status status;

        *scan = (struct scan){.dir_fd = scan->dir_fd, .first = list[i - 1], .into = scan->into};
        status = scan_segment(scan, err);
        if (status != STATUS_OK || scan->into->damage[0] != '\0')
            return status;
        if (scan->torn && torn_before) {
            damaged(scan, scan->lines + 1, "a second unterminated line");
            return STATUS_OK;
        }
        torn_before = torn_before || scan->torn;
        if (scan->size > 0) {
            scan->into->segment = scan->first;
            scan->into->size = scan->size;
            scan->into->head = scan->head;
            check_behind(scan, list, count);
            return STATUS_OK;
        }
    }
    if (count > 0 && scan->first != 1)
        damaged(scan, 1, "it is empty, and there is no segment before it");
    return STATUS_OK;
}

/* Takes the unterminated line and what is empty behind the last line away for good. */
static enum status mend(const struct scan *scan, const uint64_t *list, size_t count,
                        struct err *err)
{
    for (size_t i = count; i > 0 && list[i - 1] > scan->into->segment; i--) {
        enum status status = remove_empty(scan->dir_fd, list[i - 1], err);

        if (status != STATUS_OK)
            return status;
    }
    return scan->torn && scan->size > 0 ? cut_torn(scan, err) : STATUS_OK;
}

/* Where an earlier checkpoint carried an entry over, its intent says its operation. */
static void find_operations_in(int dir_fd, uint64_t first, struct open_table *table)
{
    struct line_reader reader CLEANUP(line_reader_done);
    struct view text;
    bool whole;

    if (line_reader_open(&reader, dir_fd, first) != 0)
        return;
    while (line_reader_next(&reader, &text, &whole) == 1) {
        struct line line;
        const char *why;

        if (!whole || line_parse(text, &line, &why) != STATUS_OK)
            continue;
        if (line.known_event && line.step.event == JOURNAL_INTENT)
            open_set_operation(table, line.item.id, line.item.operation);
        line_done(&line);
    }
}

static void find_operations(int dir_fd, const uint64_t *list, size_t count, struct recovery *into)
{
    for (size_t i = count; i > 0 && open_lacks_operations(into->table); i--) {
        if (list[i - 1] < into->segment)
            find_operations_in(dir_fd, list[i - 1], into->table);
    }
}

enum status recovery_read(int dir_fd, bool may_mend, struct recovery *ret, struct err *err)
{
    struct recovery recovery = {.table = open_table_new()};
    struct scan scan = {.dir_fd = dir_fd, .into = &recovery};
    uint64_t *list = NULL;
    size_t count = 0;
    enum status status;

    chain_start(&recovery.chain);
    if (recovery.table == NULL)
        return err_set(err, STATUS_NOMEM, "no memory for what is open");
    status = segment_list(dir_fd, &list, &count, err);
    if (status == STATUS_OK)
        status = scan_back(&scan, list, count, err);
    if (status == STATUS_OK && recovery.damage[0] == '\0') {
        find_operations(dir_fd, list, count, &recovery);
        if (may_mend)
            status = mend(&scan, list, count, err);
    }
    free(list);
    if (status != STATUS_OK) {
        recovery_done(&recovery);
        return status;
    }
    *ret = recovery;
    return STATUS_OK;
}

void recovery_done(struct recovery *recovery)
{
    open_table_free(&recovery->table);
}
