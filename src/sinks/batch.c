/* SPDX-License-Identifier: Apache-2.0 */
#include "sinks/batch.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/require.h"

bool batch_init(struct batch *batch)
{
    *batch = (struct batch){.from = 0};
    buf_init(&batch->text, (size_t)BATCH_BYTES + BATCH_LINE_BYTES_MAX);
    /* Heap: as long as its sink. What isn't used of them is never touched. */
    batch->lines = calloc(BATCH_LINES_MAX, sizeof *batch->lines);
    batch->entries = calloc(BATCH_LINES_MAX, sizeof *batch->entries);
    return batch->lines != NULL && batch->entries != NULL;
}

void batch_done(struct batch *batch)
{
    buf_done(&batch->text);
    free(batch->lines);
    free(batch->entries);
    *batch = (struct batch){.from = 0};
}

void batch_clear(struct batch *batch)
{
    /* A large line's memory isn't kept for small ones. */
    if (batch->text.cap > (size_t)2 * BATCH_BYTES)
        buf_done(&batch->text);
    buf_clear(&batch->text);
    batch->from = 0;
    batch->count = 0;
}

uint64_t batch_first(const struct batch *batch)
{
    return batch->lines[batch->from].seq;
}

const struct mark *batch_last(const struct batch *batch)
{
    return &batch->entries[batch->count - 1].mark;
}

void batch_add(struct batch *batch, const struct mark *mark, int64_t time_us, struct view event)
{
    struct batch_entry *const entry = &batch->entries[batch->count];

    REQUIRE(batch->count < BATCH_LINES_MAX);
    entry->mark = *mark;
    entry->end = batch->text.len;
    (void)snprintf(entry->event, sizeof entry->event, "%.*s", VIEW_ARGS(event));
    batch->lines[batch->count] = (struct transport_line){.seq = mark->seq, .time_us = time_us};
    batch->count++;
}

const struct transport_line *batch_lines(struct batch *batch)
{
    for (size_t i = batch->from; i < batch->count; i++) {
        const size_t start = i == 0 ? 0 : batch->entries[i - 1].end;

        batch->lines[i].text = view_of(batch->text.ptr + start, batch->entries[i].end - start);
        batch->lines[i].event = view_str(batch->entries[i].event);
    }
    return batch->lines + batch->from;
}

void batch_pass(struct batch *batch, size_t n, struct mark *ret)
{
    REQUIRE(n > 0 && n <= batch_left(batch));
    batch->from += n;
    *ret = batch->from == batch->count ? batch->end : batch->entries[batch->from - 1].mark;
    if (batch->from == batch->count)
        batch_clear(batch);
}

void batch_cut(struct batch *batch, size_t n)
{
    REQUIRE(n > 0 && n <= batch_left(batch));
    batch->count = batch->from + n;
    batch->end = batch->entries[batch->count - 1].mark;
    batch->text.len = batch->entries[batch->count - 1].end;
}
