/* SPDX-License-Identifier: Apache-2.0
 * The writer: takes all that is queued, writes it in one write and at most one fdatasync, hands the
 * results out. It alone touches segments, chain and fold.
 *
 * A failed sync is never retried: the kernel may have dropped the pages and would report success
 * (fsync gate). The segment is closed, its lines count as possibly there, and the next one carries
 * the chain on from the last line that was written. */
#include <errno.h>
#include <stdio.h>
#include <sys/statvfs.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/require.h"
#include "journal/internal.h"
#include "journal/rotate.h"
#include "journal/seal.h"

uint64_t writer_open_room(struct journal *journal)
{
    uint64_t promised;

    (void)pthread_mutex_lock(&journal->lock);
    promised = journal->promised;
    (void)pthread_mutex_unlock(&journal->lock);
    return promised * OUTCOME_ROOM_BYTES;
}

/* Space is low when not even one more intent would be taken (space_for): the state must not say
 * otherwise. */
enum trouble writer_judge(struct journal *journal)
{
    uint64_t needed =
        journal->low_space_bytes + writer_open_room(journal) + 2ULL * OUTCOME_ROOM_BYTES;

    if (journal->stuck != TROUBLE_NONE)
        return journal->stuck;
    return journal->free_bytes < needed ? TROUBLE_LOW : TROUBLE_NONE;
}

/* With the lock. True: it has changed since. A space that is about as large as the bound changes
 * nothing again and again. */
static bool note_space(struct journal *journal)
{
    uint64_t bound = journal->warn_space_bytes;
    bool before = journal->state.space_low;

    if (before)
        bound += bound / 16;
    journal->state.free_bytes = journal->free_bytes;
    journal->state.space_low = journal->free_bytes < bound;
    return journal->state.space_low != before;
}

static void tell_space(const struct journal *journal, bool low)
{
    if (low)
        log_line(LOG_WARNING,
                 "space for the journal gets short: less than journal.low_space.warn is free "
                 "folder=%s",
                 journal->directory);
    else
        log_line(LOG_INFO, "there is space for the journal again folder=%s", journal->directory);
}

/* Before any result that depends on it, so that whoever hears of trouble finds it in the state. */
void writer_publish(struct journal *journal)
{
    struct open_counts counts = open_count(journal->open);
    enum trouble before, now = writer_judge(journal);
    bool space_changed, space_low;

    (void)pthread_mutex_lock(&journal->lock);
    before = journal->trouble;
    journal->trouble = now;
    journal->state.seq = journal->chain.seq;
    journal->state.open_intents = counts.reserved;
    journal->state.unknown = counts.unknown;
    journal->state.existing = counts.existing;
    journal->state.spent = counts.spent;
    space_changed = note_space(journal);
    space_low = journal->state.space_low;
    (void)pthread_mutex_unlock(&journal->lock);
    if (space_changed)
        tell_space(journal, space_low);
    if (now == TROUBLE_LOW && before == TROUBLE_NONE)
        log_line(LOG_ERROR,
                 "less space than journal.low_space.refuse, intents are refused folder=%s",
                 journal->directory);
    if (now == TROUBLE_NONE && before != TROUBLE_NONE)
        log_line(LOG_INFO, "the journal takes intents again folder=%s", journal->directory);
}

void writer_set_stuck(struct journal *journal, int error, const char *what)
{
    char text[128];

    if (journal->stuck == TROUBLE_DAMAGE)
        return;
    if (journal->stuck == TROUBLE_NONE)
        log_line(LOG_ERROR, "%s, intents are refused until it works again: %s", what,
                 strerror_r(error, text, sizeof text));
    journal->stuck = err_is_no_space(error) ? TROUBLE_FULL : TROUBLE_DISK;
    journal->stuck_error = error;
    writer_publish(journal);
}

static void set_damage(struct journal *journal, const char *what)
{
    if (journal->stuck == TROUBLE_DAMAGE)
        return;
    /* Nobody reads the text before the trouble is published. */
    (void)snprintf(journal->damage, sizeof journal->damage,
                   "segment %s: %s; stop the gateway and run `postern audit repair`",
                   journal->segment.name, what);
    log_line(LOG_ERROR, "the journal is damaged: %s", journal->damage);
    (void)sync_now(journal);
    segment_close(&journal->segment);
    journal->stuck = TROUBLE_DAMAGE;
    writer_publish(journal);
}

/* What whoever waits is told. */
static enum status stuck_status(const struct journal *journal)
{
    return journal->stuck == TROUBLE_DISK || journal->stuck == TROUBLE_DAMAGE ? STATUS_IO
                                                                              : STATUS_LIMIT;
}

/* ---- fates of lines ---- */

/* The outcome of an intent that is open, or a line of the journal's own that has to be there. */
static bool must_keep(const struct journal *journal, const struct node *node)
{
    return node->keep || (node->step.event == JOURNAL_OUTCOME &&
                          open_is_reserved(journal->open, open_key_view(&node->step.id)));
}

/* Nobody but the journal remembers what they say, but they were promised no room. */
static bool is_own(const struct node *node)
{
    return node->step.event == JOURNAL_SETTLED || node->step.event == JOURNAL_ORPHAN;
}

/* Another try for it, unless too many wait already. */
static bool keep_line(struct journal *journal, struct node *node)
{
    if (is_own(node)) {
        if (journal->own_waiting >= OWN_MAX_LINES)
            return false;
        journal->own_waiting++;
    } else if (!must_keep(journal, node)) {
        return false;
    }
    node->keep = true;
    list_add(&journal->backlog, node);
    return true;
}

/* Lines that are not in the file. Those that must be there wait for another try, though whoever
 * waits for them is told. */
static void fail_lines(struct journal *journal, struct list *list, enum status status)
{
    struct journal_mailbox *touched = NULL;
    struct list gone = {NULL, NULL};
    uint64_t intents = 0, lost = 0, folded = 0;
    struct node *node;

    while ((node = list_take(list)) != NULL) {
        node_post(node, status, &touched);
        if (keep_line(journal, node))
            continue;
        lost += !node->folded;
        intents += node_is_intent(node);
        folded += node->folded ? node->cookie : 0;
        list_add(&gone, node);
    }
    (void)pthread_mutex_lock(&journal->lock);
    journal->promised -= intents;
    journal->folding += folded;
    journal->state.failures += lost;
    (void)pthread_mutex_unlock(&journal->lock);
    nodes_recycle(journal, &gone);
    mailbox_wake_all(&touched);
}

uint64_t writer_fit(struct journal *journal)
{
    uint64_t used = journal->segment.size + writer_open_room(journal) + seal_room(journal);

    return used < journal->segment.limit ? journal->segment.limit - used : 0;
}

/* While something is stuck, no intent is taken, and what may be lost is only written if that takes
 * no room from what must not. */
static void fail_dispensable(struct journal *journal, struct list *list, enum status status)
{
    struct list stays = {NULL, NULL}, fails = {NULL, NULL};
    uint64_t left = journal->segment.fd < 0 ? UINT64_MAX : writer_fit(journal);
    struct node *node;

    while ((node = list_take(list)) != NULL) {
        bool promised = !is_own(node) && must_keep(journal, node);
        uint64_t bytes = promised ? 0 : node_bytes(node);

        if (node_is_intent(node) || bytes > left) {
            list_add(&fails, node);
            continue;
        }
        left -= bytes;
        list_add(&stays, node);
    }
    *list = stays;
    fail_lines(journal, &fails, status);
}

/* ---- segments ---- */

/* Drops the spent entries that no window reaches any more. Between checkpoints only once there are
 * so many that a walk through all is worth it. */
static void prune_spent(struct journal *journal)
{
    int64_t keep_us;

    (void)pthread_mutex_lock(&journal->lock);
    keep_us = journal->spent_us;
    (void)pthread_mutex_unlock(&journal->lock);
    if (keep_us == INT64_MAX)
        return;
    (void)pthread_mutex_lock(&journal->open_lock);
    open_prune(journal->open, clock_now_us() - keep_us);
    journal->prune_at = 2 * open_count(journal->open).spent;
    (void)pthread_mutex_unlock(&journal->open_lock);
    if (journal->prune_at < SPENT_FIRST)
        journal->prune_at = SPENT_FIRST;
}

bool writer_begin_segment(struct journal *journal, size_t more)
{
    struct segment_plan plan = {
        .dir_fd = journal->dir_fd,
        .room = journal->segment_bytes + writer_open_room(journal) + seal_room(journal) + more,
        .sync = journal->durability == DURABILITY_SYNC,
    };
    struct segment next;
    bool goes_on;
    int failed;

    seal_end(journal);
    goes_on = !journal->begun && journal->sealed && journal->segment.fd >= 0;
    /* The new one's chain goes on from these lines. If that fails, they count as possibly there,
     * as after any sync that failed. */
    (void)sync_now(journal);
    prune_spent(journal);
    failed = segment_begin(&plan, journal->open, journal->digest, &journal->chain, &next);
    if (failed == EUCLEAN) {
        set_damage(journal, "the segment behind it could not be taken back");
        return false;
    }
    if (failed != 0) {
        writer_set_stuck(journal, failed, "can't begin a journal segment");
        return false;
    }
    segment_close(&journal->segment);
    journal->segment = next;
    journal->stuck = TROUBLE_NONE;
    seal_note_segment(journal);
    if (goes_on) {
        journal->begun = true; /* all that this run found is sealed, and the checkpoint its own */
        seal_end(journal);
    }
    journal->rotate_due = false;
    (void)pthread_mutex_lock(&journal->lock);
    journal->state.lines++;
    journal->state.syncs += plan.sync;
    (void)pthread_mutex_unlock(&journal->lock);
    durable_moved(journal);
    retire_old(journal);
    return true;
}

/* ---- one batch ---- */

static void apply(struct journal *journal, const struct list *list)
{
    uint64_t closed = 0;

    (void)pthread_mutex_lock(&journal->open_lock);
    for (struct node *node = list->first; node != NULL; node = node->next) {
        struct open_counts before = open_count(journal->open);

        open_apply(journal->open, &node->step, &node->entry);
        closed += node->step.event == JOURNAL_OUTCOME &&
                  open_count(journal->open).reserved < before.reserved;
    }
    (void)pthread_mutex_unlock(&journal->open_lock);
    (void)pthread_mutex_lock(&journal->lock);
    journal->promised -= closed;
    (void)pthread_mutex_unlock(&journal->lock);
    if (open_count(journal->open).spent >= journal->prune_at)
        prune_spent(journal);
    writer_publish(journal);
}

static void post_all(const struct list *list, enum journal_wait wait, enum status status,
                     struct journal_mailbox **touched)
{
    for (struct node *node = list->first; node != NULL; node = node->next) {
        if (node->wait == wait)
            node_post(node, status, touched);
    }
}

static void assemble(struct journal *journal, const struct list *list)
{
    struct chain chain = journal->chain;
    size_t bytes = 0;

    for (const struct node *node = list->first; node != NULL; node = node->next)
        bytes += node_bytes(node);
    buf_clear(&journal->batch);
    if (!buf_reserve(&journal->batch, bytes))
        return;
    for (struct node *node = list->first; node != NULL; node = node->next) {
        chain_add(&chain, journal->digest, buf_view(&node->text), &journal->batch);
        node->end = journal->batch.len;
        node->then = chain;
    }
}

/* Moves the lines that end within the first `done` bytes to *ret_there. */
static void split_written(struct list *list, size_t done, struct list *ret_there)
{
    while (list->first != NULL && list->first->end <= done)
        list_add(ret_there, list_take(list));
}

/* Lines that are complete in the file count, synced or not; half a line is cut off. done: how many
 * bytes of the batch are in the file. */
static void keep_written(struct journal *journal, const struct list *there, size_t done)
{
    size_t complete = there->last == NULL ? 0 : there->last->end;
    uint64_t size = journal->segment.size;
    uint64_t lines = 0;

    if (there->last != NULL) {
        size += complete;
        journal->since_bytes += complete;
        journal->chain = there->last->then;
    }
    /* A write that failed whole leaves nothing to cut, and a disk that can't be written might not
     * cut. */
    if (!segment_keep(&journal->segment, size, done > complete))
        set_damage(journal, "half a line could not be cut off");
    for (const struct node *node = there->first; node != NULL; node = node->next) {
        lines++;
        journal->begun = journal->begun || node->step.event == JOURNAL_START;
    }
    (void)pthread_mutex_lock(&journal->lock);
    journal->state.lines += lines;
    journal->state.batches++;
    (void)pthread_mutex_unlock(&journal->lock);
    if (there->last != NULL)
        seal_note(journal, there->last, view_of(journal->batch.ptr, complete));
    if (journal->durability == DURABILITY_WRITE && lines > 0)
        durable_moved(journal);
}

void writer_write_batch(struct journal *journal, struct list *list)
{
    struct journal_mailbox *touched = NULL;
    struct list there = {NULL, NULL};
    size_t done;
    int failed;

    assemble(journal, list);
    if (journal->batch.failed != STATUS_OK) {
        fail_lines(journal, list, STATUS_NOMEM);
        return;
    }
    failed = segment_append(&journal->segment, buf_view(&journal->batch), &done);
    split_written(list, done, &there);
    keep_written(journal, &there, done);
    apply(journal, &there);
    post_all(&there, JOURNAL_WRITTEN, STATUS_OK, &touched);
    if (!sync_take(journal, &there)) /* not wanted, or the segment was closed for damage */
        post_all(&there, JOURNAL_SYNCED, journal->segment.fd >= 0 ? STATUS_OK : STATUS_IO,
                 &touched);
    mailbox_wake_all(&touched);
    nodes_recycle(journal, &there);
    if (failed == 0)
        return;
    (void)sync_now(journal); /* what is there comes before what isn't */
    if (!err_is_no_space(failed))
        segment_close(&journal->segment);
    writer_set_stuck(journal, failed, "writing the journal failed");
    fail_lines(journal, list, err_is_no_space(failed) ? STATUS_LIMIT : STATUS_IO);
}

/* As many lines as fit into `bytes`, but one at least. */
static void take_fitting(struct list *list, uint64_t bytes, struct list *ret)
{
    uint64_t taken = 0;

    while (list->first != NULL) {
        taken += node_bytes(list->first);
        if (ret->first != NULL && taken > bytes)
            return;
        list_add(ret, list_take(list));
    }
}

/* True: there is a segment to write the first line of the list to. Without a new one, what must be
 * written goes into the room of the old one that was kept for it. */
static bool have_segment(struct journal *journal, struct list *list)
{
    size_t first = node_bytes(list->first);
    bool had = journal->segment.fd >= 0;

    if (had && (first <= writer_fit(journal) || journal->stuck != TROUBLE_NONE))
        return true;
    if (journal->stuck == TROUBLE_DAMAGE || (!had && journal->stuck == TROUBLE_FULL))
        return false;
    if (writer_begin_segment(journal, first))
        return true;
    journal->rotate_due = had;
    fail_dispensable(journal, list, stuck_status(journal));
    return had && journal->segment.fd >= 0 && list->first != NULL;
}

void writer_write(struct journal *journal, struct list *list)
{
    while (list->first != NULL) {
        struct list batch = {NULL, NULL};

        if (!have_segment(journal, list)) {
            fail_lines(journal, list, journal->stuck == TROUBLE_FULL ? STATUS_LIMIT : STATUS_IO);
            return;
        }
        take_fitting(list, writer_fit(journal), &batch);
        writer_write_batch(journal, &batch);
    }
}

/* ---- looking and mending ---- */

static void measure(struct journal *journal, int64_t now_us)
{
    struct statvfs fs;

    if (now_us - journal->measured_us < RETRY_US && journal->since_bytes < MEASURE_BYTES)
        return;
    journal->measured_us = now_us;
    journal->since_bytes = 0;
    if (fstatvfs(journal->dir_fd, &fs) != 0)
        return; /* what is known stays; a disk that is gone shows when writing */
    journal->free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
    (void)pthread_mutex_lock(&journal->lock);
    journal->looked_us = now_us;
    (void)pthread_mutex_unlock(&journal->lock);
}

static void mend(struct journal *journal, int64_t now_us)
{
    int failed;

    if (journal->stuck == TROUBLE_NONE || journal->stuck == TROUBLE_DAMAGE ||
        now_us - journal->retried_us < RETRY_US)
        return;
    journal->retried_us = now_us;
    if (journal->segment.fd < 0 || journal->rotate_due) {
        (void)writer_begin_segment(journal, 0);
        return;
    }
    failed = segment_allocate(&journal->segment);
    if (failed != 0)
        writer_set_stuck(journal, failed, "can't allocate space for the journal");
    else
        journal->stuck = TROUBLE_NONE;
}

void writer_look(struct journal *journal)
{
    int64_t now_us = clock_monotonic_us();

    measure(journal, now_us);
    mend(journal, now_us);
}

/* ---- the thread ---- */

/* The line for refusals that were only counted. */
static void add_folded(struct journal *journal, struct list *list, bool now)
{
    struct journal_facts facts = {
        .time_us = clock_now_us(), .event = JOURNAL_REFUSAL, .duration_us = -1};
    struct node *node = NULL;
    uint64_t count = 0;

    (void)pthread_mutex_lock(&journal->lock);
    if (journal->folding > 0 && (now || clock_monotonic_us() >= journal->fold_due_us)) {
        node = node_spare(journal);
        count = journal->folding;
        journal->folding = 0;
        journal->fold_due_us = clock_monotonic_us() + FOLD_US;
    }
    (void)pthread_mutex_unlock(&journal->lock);
    if (count == 0)
        return;
    facts.count = (int64_t)count;
    if (node == NULL)
        node = node_new();
    if (node == NULL || node_fill(node, &facts) != STATUS_OK) {
        node_free(&node);
        log_line(LOG_ERROR, "no memory for the line of %llu refusals", (unsigned long long)count);
        return;
    }
    node->folded = true;
    node->cookie = count;
    list_add(list, node);
}

/* With the lock. When there is something to do even if no line comes. */
static int64_t next_due_us(const struct journal *journal)
{
    int64_t due_us = journal->folding > 0 ? journal->fold_due_us : INT64_MAX;

    if (seal_due_us(journal) < due_us)
        due_us = seal_due_us(journal);
    return journal->dirty && journal->sync_due_us < due_us ? journal->sync_due_us : due_us;
}

static void wait_for_work(struct journal *journal)
{
    int result = 0;

    while (journal->queue.first == NULL && !journal->poked && !journal->closing &&
           result != ETIMEDOUT) {
        int64_t due_us = next_due_us(journal);
        struct timespec due = {.tv_sec = due_us / 1000000, .tv_nsec = due_us % 1000000 * 1000};

        journal->idle = true;
        if (due_us == INT64_MAX)
            result = pthread_cond_wait(&journal->work, &journal->lock);
        else
            result = pthread_cond_timedwait(&journal->work, &journal->lock, &due);
    }
    journal->idle = false;
}

/* Takes all; false when it was the last time. */
static bool take_all(struct journal *journal, struct list *ret)
{
    bool more;

    (void)pthread_mutex_lock(&journal->lock);
    wait_for_work(journal);
    seal_look(journal);
    *ret = journal->queue;
    journal->queue = (struct list){NULL, NULL};
    journal->queued_bytes = 0;
    journal->state.queued = 0;
    journal->poked = false;
    more = !journal->closing || ret->first != NULL;
    (void)pthread_mutex_unlock(&journal->lock);
    return more;
}

static void pass(struct journal *journal, struct list *taken, bool last)
{
    struct list list = {NULL, NULL};

    writer_look(journal);
    add_folded(journal, taken, last);
    list_append(&list, &journal->backlog);
    list_append(&list, taken);
    journal->own_waiting = 0;
    if (writer_judge(journal) != TROUBLE_NONE) {
        writer_publish(journal); /* a sync below may keep the writer for long */
        fail_dispensable(journal, &list, stuck_status(journal));
    }
    writer_write(journal, &list);
    seal_if_due(journal);
    if (last)
        seal_end(journal);
    sync_if_due(journal, last);
    /* A segment that was closed just now: the next line finds a new one, or intents are refused. */
    if (journal->segment.fd < 0 && journal->stuck == TROUBLE_DISK)
        (void)writer_begin_segment(journal, 0);
    writer_publish(journal);
}

void *writer_main(void *user)
{
    struct journal *journal = user;
    struct journal_facts stop = {.event = JOURNAL_STOP, .duration_us = -1};
    struct list list;
    struct node *node;
    bool abandoned;

    while (take_all(journal, &list))
        pass(journal, &list, false);
    stop.time_us = clock_now_us();
    node = node_new();
    if (node != NULL && node_fill(node, &stop) == STATUS_OK)
        list_add(&list, node);
    else
        node_free(&node);
    pass(journal, &list, true);
    if (journal->backlog.first != NULL)
        log_line(LOG_ERROR, "outcomes could not be written before the end; the next start closes "
                            "their intents as unknown");
    (void)pthread_mutex_lock(&journal->lock);
    journal->ended = true;
    abandoned = journal->abandoned;
    (void)pthread_cond_signal(&journal->done);
    (void)pthread_mutex_unlock(&journal->lock);
    if (abandoned)
        journal_destroy(journal);
    return NULL;
}
