/* SPDX-License-Identifier: Apache-2.0
 * New segments and the end of old ones. */
#include "journal/rotate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "journal/line.h"

/* How long before what is open its segment may have been written last. */
static const int64_t open_slack_us = (int64_t)86400 * 1000000;

static void format_checkpoint(const struct segment_plan *plan, const struct open_table *open,
                              struct buf *out)
{
    struct journal_facts facts = {
        .time_us = clock_now_us(),
        .event = JOURNAL_CHECKPOINT,
        .duration_us = -1,
        .actor = view_str(plan->actor),
        .error = view_str(plan->error),
    };

    journal_format(&facts, out);
    if (out->failed != STATUS_OK)
        return;
    out->len--; /* the brace; `open` is the last member */
    buf_add(out, VIEW(",\"open\":"));
    open_format(open, out);
    buf_add_byte(out, '}');
}

static int write_first(struct segment *segment, struct view line, bool sync)
{
    size_t done;
    int failed = segment_append(segment, line, &done);

    if (failed == 0 && sync)
        failed = segment_sync(segment);
    if (failed == 0)
        failed = segment_keep(segment, line.len, false) ? 0 : EIO;
    return failed;
}

int segment_begin(const struct segment_plan *plan, const struct open_table *open,
                  struct digest *digest, struct chain *chain, struct segment *ret)
{
    struct buf line CLEANUP(buf_done);
    struct chain moved = *chain;
    struct segment segment;
    int failed;

    buf_init(&line, CHECKPOINT_MAX_BYTES);
    chain_begin(&moved, &line);
    format_checkpoint(plan, open, &line);
    chain_end(&moved, digest, 0, &line);
    if (line.failed != STATUS_OK)
        return ENOMEM;
    failed = segment_create(&segment, plan->dir_fd, moved.seq, line.len + plan->room);
    if (failed != 0)
        return failed;
    failed = write_first(&segment, buf_view(&line), plan->sync);
    if (failed != 0) {
        /* Its checkpoint may be on disk. If it came back after a crash, recovery would believe it
         * and not see what was written to the old segment since. */
        return segment_discard(&segment) ? failed : EUCLEAN;
    }
    *chain = moved;
    *ret = segment;
    return 0;
}

/* A segment whose successor began before that is too old, and what is open began behind it: lines
 * are written after the time that they name, so the day is for clocks that were wrong. */
static int64_t needed_since_us(const struct retire_plan *plan)
{
    int64_t old_us = plan->now_us - plan->keep_us;
    int64_t open_us = plan->open_us - open_slack_us;

    return open_us < old_us ? open_us : old_us;
}

/* How many of the first segments nobody needs: each ended before any behind it began. One that
 * seems to have begun after now, or before another one ahead of it, tells of a clock that was
 * wrong, and nothing of ages; the next one does. */
static size_t count_unneeded(const struct retire_plan *plan, const uint64_t *list, size_t count)
{
    const int64_t since_us = needed_since_us(plan);
    int64_t last_us = INT64_MIN;
    size_t old = 0;

    for (size_t i = 0; i < count && list[i] <= plan->hold_seq; i++) {
        int64_t at_us;

        if (!segment_began(plan->dir_fd, list[i], &at_us) || at_us > plan->now_us ||
            at_us < last_us)
            continue;
        if (at_us >= since_us)
            break;
        last_us = at_us;
        old = i;
    }
    return old;
}

void segments_retire(const struct retire_plan *plan)
{
    uint64_t *list = NULL;
    size_t count = 0, old;

    if (plan->keep_us <= 0 || segment_list(plan->dir_fd, &list, &count, NULL) != STATUS_OK)
        return;
    old = count_unneeded(plan, list, count);
    for (size_t i = 0; i < old; i++) {
        char name[SEGMENT_NAME_BYTES];

        segment_name_format(list[i], name);
        /* Oldest first, and no holes: behind one that stays, all stay. */
        if (unlinkat(plan->dir_fd, name, 0) != 0) {
            log_line(LOG_WARNING, "can't remove the old journal segment %s errno=%d", name, errno);
            break;
        }
        log_line(LOG_INFO, "removed the journal segment %s, which is older than journal.keep",
                 name);
    }
    free(list);
}
