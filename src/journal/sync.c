/* SPDX-License-Identifier: Apache-2.0
 * When written lines are synced, and who is told. Lines are written as they come; those that wait
 * for the disk are kept until a sync that began behind them is through. */
#include "base/clock.h"
#include "journal/internal.h"
#include "journal/rotate.h"

static void count_sync(struct journal *journal, int64_t us)
{
    static const int64_t bounds[] = {100,   250,   500,   1000,   2500,   5000,
                                     10000, 25000, 50000, 100000, 1000000};
    size_t i = 0;

    while (i < ARRAY_LEN(bounds) && us > bounds[i])
        i++;
    (void)pthread_mutex_lock(&journal->lock);
    journal->state.syncs++;
    journal->state.sync_us_sum += (uint64_t)us;
    journal->state.sync_us_buckets[i]++;
    (void)pthread_mutex_unlock(&journal->lock);
}

/* Those whose lines were written, and no sync lies between. */
static void settle(struct journal *journal, enum status status)
{
    struct journal_mailbox *touched = NULL;

    journal->shared = journal->unsynced.first != journal->unsynced.last;
    for (struct node *node = journal->unsynced.first; node != NULL; node = node->next)
        node_post(node, status, &touched);
    nodes_recycle(journal, &journal->unsynced);
    mailbox_wake_all(&touched);
}

int sync_now(struct journal *journal)
{
    int64_t start_us;
    int failed;

    if (!journal->dirty)
        return 0;
    journal->dirty = false; /* for better or worse: never twice */
    start_us = clock_monotonic_us();
    failed = segment_sync(&journal->segment);
    journal->synced_us = clock_monotonic_us();
    count_sync(journal, journal->synced_us - start_us);
    if (failed != 0) {
        segment_close(&journal->segment);
        writer_set_stuck(journal, failed, "syncing the journal failed, its segment is closed");
    }
    if (failed == 0)
        durable_moved(journal);
    settle(journal, failed == 0 ? STATUS_OK : STATUS_IO);
    return failed;
}

void sync_if_due(struct journal *journal, bool now)
{
    if (journal->dirty && (now || clock_monotonic_us() >= journal->sync_due_us))
        (void)sync_now(journal);
}

/* Outcomes and refusals needn't be on disk soon, unless somebody waits for that: a power loss
 * makes an outcome that is missing `unknown`. */
static bool is_pressing(const struct node *node)
{
    enum journal_event event = node->step.event;

    return node->wait == JOURNAL_SYNCED || node->keep ||
           (event != JOURNAL_OUTCOME && event != JOURNAL_REFUSAL);
}

/* Where the last sync was shared there is a crowd, and the next one is worth waiting for: most of
 * what a sync costs doesn't depend on how many share it. Those who were let go have time to come
 * again, else they and those who came meanwhile would share two syncs in turn. Who comes alone
 * doesn't wait. */
static int64_t earliest(const struct journal *journal)
{
    return journal->shared ? journal->synced_us + SYNC_GAP_US : journal->synced_us;
}

bool sync_take(struct journal *journal, struct list *written)
{
    struct list stays = {NULL, NULL};
    bool pressing = false;
    struct node *node;

    if (journal->durability != DURABILITY_SYNC || journal->segment.fd < 0)
        return false;
    if (!journal->dirty && written->first != NULL) {
        journal->dirty = true;
        journal->sync_due_us = clock_monotonic_us() + SYNC_US;
    }
    while ((node = list_take(written)) != NULL) {
        pressing |= is_pressing(node);
        list_add(node->wait == JOURNAL_SYNCED && node->mailbox != NULL ? &journal->unsynced
                                                                       : &stays,
                 node);
    }
    *written = stays;
    if (pressing && journal->sync_due_us > earliest(journal))
        journal->sync_due_us = earliest(journal);
    return true;
}
