/* SPDX-License-Identifier: Apache-2.0
 * The journal as the other rooms see it: opening, submitting, closing, its state. */
#include "journal/journal.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/require.h"
#include "journal/internal.h"
#include "journal/recover.h"
#include "journal/rotate.h"
#include "journal/seal.h"

enum {
    BATCH_MAX_BYTES = QUEUE_MAX_BYTES + (64 << 20),
    TEXTS_BLOCK_BYTES = 512,
    TEXTS_MAX_BYTES = 64 * 1024,
    WITNESS_WAIT_MS = 2000, /* at the end, for seals that the witness lacks */
};

static const char *const why_not[] = {
    [TROUBLE_NONE] = NULL,
    [TROUBLE_LOW] = "less space is left for the journal than journal.low_space.refuse",
    [TROUBLE_FULL] = "no space is left for the journal",
    [TROUBLE_DISK] = "the journal can't be written, see the log",
    [TROUBLE_DAMAGE] = NULL, /* its own text */
};

/* ---- opening ---- */

static bool init_waits(struct journal *journal)
{
    pthread_condattr_t attr;
    bool good;

    if (pthread_condattr_init(&attr) != 0)
        return false;
    good = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0 &&
           pthread_mutex_init(&journal->lock, NULL) == 0 &&
           pthread_mutex_init(&journal->open_lock, NULL) == 0 &&
           pthread_mutex_init(&journal->watch_lock, NULL) == 0 &&
           pthread_cond_init(&journal->work, &attr) == 0 &&
           pthread_cond_init(&journal->done, &attr) == 0;
    (void)pthread_condattr_destroy(&attr);
    return good;
}

static struct journal *make(const struct journal_settings *settings)
{
    struct journal *journal = calloc(1, sizeof *journal);

    if (journal == NULL)
        return NULL;
    journal->dir_fd = journal->lock_fd = journal->segment.fd = -1;
    journal->durability = settings->durability;
    journal->segment_bytes = settings->segment_bytes < 0 ? 0 : (uint64_t)settings->segment_bytes;
    journal->low_space_bytes =
        settings->low_space_bytes < 0 ? 0 : (uint64_t)settings->low_space_bytes;
    journal->warn_space_bytes =
        settings->warn_space_bytes < 0 ? 0 : (uint64_t)settings->warn_space_bytes;
    journal->keep_us = settings->keep_us;
    journal->hold_seq = settings->held ? 0 : UINT64_MAX;
    journal->spent_us = INT64_MAX;
    journal->prune_at = SPENT_FIRST;
    journal->measured_us = journal->retried_us = journal->poked_us = journal->looked_us =
        journal->synced_us = INT64_MIN / 2;
    buf_init(&journal->batch, BATCH_MAX_BYTES);
    arena_init(&journal->texts, TEXTS_BLOCK_BYTES, TEXTS_MAX_BYTES);
    journal->directory = arena_strdup(&journal->texts, view_str(settings->directory));
    journal->sets =
        arena_strdup(&journal->texts, settings->sets == NULL ? VIEW("") : view_str(settings->sets));
    journal->digest = digest_new();
    if (!init_waits(journal) || journal->directory == NULL || journal->sets == NULL ||
        journal->digest == NULL) {
        journal_destroy(journal);
        return NULL;
    }
    return journal;
}

static void free_nodes(struct node *node)
{
    while (node != NULL) {
        struct node *next = node->next;

        node_free(&node);
        node = next;
    }
}

void journal_destroy(struct journal *journal)
{
    witness_close(&journal->witness, 0);
    segment_close(&journal->segment);
    ed25519_wipe(&journal->seal_key);
    ed25519_wipe(&journal->next_key);
    if (journal->lock_fd >= 0)
        (void)close(journal->lock_fd);
    if (journal->dir_fd >= 0)
        (void)close(journal->dir_fd);
    free_nodes(journal->queue.first);
    free_nodes(journal->backlog.first);
    free_nodes(journal->unsynced.first);
    free_nodes(journal->spare);
    open_table_free(&journal->open);
    digest_free(&journal->digest);
    buf_done(&journal->batch);
    arena_done(&journal->texts);
    (void)pthread_mutex_destroy(&journal->lock);
    (void)pthread_mutex_destroy(&journal->open_lock);
    (void)pthread_mutex_destroy(&journal->watch_lock);
    (void)pthread_cond_destroy(&journal->work);
    (void)pthread_cond_destroy(&journal->done);
    free(journal);
}

static enum status add_own_line(struct list *list, const struct journal_facts *facts)
{
    struct node *node = node_new();
    enum status status = node == NULL ? STATUS_NOMEM : node_fill(node, facts);

    if (status != STATUS_OK) {
        node_free(&node);
        return status;
    }
    node->keep = true;
    list_add(list, node);
    return STATUS_OK;
}

/* The lines that a start writes: outcomes of what a crash left open, then `start`. */
static enum status first_lines(const struct journal *journal, struct list *list)
{
    struct journal_facts start = {
        .time_us = clock_now_us(),
        .event = JOURNAL_START,
        .duration_us = -1,
        .durability = journal->durability == DURABILITY_SYNC ? VIEW("sync") : VIEW("write"),
    };
    const struct open_entry *entry = NULL;

    while ((entry = open_next_reserved(journal->open, entry)) != NULL) {
        struct journal_facts outcome = {
            .time_us = start.time_us,
            .event = JOURNAL_OUTCOME,
            .id = open_entry_id(entry),
            .operation = open_entry_operation(entry),
            .outcome = OUTCOME_UNKNOWN,
            .duration_us = -1,
            .error = VIEW("recovered"),
        };

        if (add_own_line(list, &outcome) != STATUS_OK)
            return STATUS_NOMEM;
    }
    return add_own_line(list, &start);
}

static enum status begin_writing(struct journal *journal, const struct recovery *recovery,
                                 struct err *err)
{
    struct list list = {NULL, NULL};
    bool full = false;
    int failed;

    journal->promised = open_count(journal->open).reserved;
    if (recovery->segment != 0) {
        /* As it was begun: its share of lines stands behind the checkpoint. */
        uint64_t limit = recovery->head + journal->segment_bytes + seal_room(journal);

        failed = segment_reopen(&journal->segment, journal->dir_fd, recovery->segment,
                                recovery->size, limit, &full);
        if (failed != 0)
            return err_set_errno(err, failed, "can't append to the journal in %s",
                                 journal->directory);
        journal->stuck = full ? TROUBLE_FULL : TROUBLE_NONE;
        /* Of a process that was killed: its lines may be in memory only. */
        journal->dirty = journal->durability == DURABILITY_SYNC;
    }
    if (first_lines(journal, &list) != STATUS_OK) {
        free_nodes(list.first);
        return err_set(err, STATUS_NOMEM, "no memory for the first lines of the journal");
    }
    writer_write(journal, &list);
    sync_if_due(journal, true);
    /* Without space the gateway starts all the same: stops and deletes must get through. */
    if (journal->stuck == TROUBLE_DISK || journal->stuck == TROUBLE_DAMAGE)
        return err_set_errno(err, journal->stuck_error, "can't write the journal in %s",
                             journal->directory);
    durable_moved(journal);
    retire_old(journal);
    return STATUS_OK;
}

static enum status start(struct journal *journal, const struct journal_settings *settings,
                         struct err *err)
{
    struct recovery recovery;
    enum status status = folder_make(journal->directory, err);

    if (status == STATUS_OK && journal->sets[0] != '\0')
        status = folder_make(journal->sets, err);
    if (status == STATUS_OK)
        status = folder_lock(journal->directory, &journal->dir_fd, &journal->lock_fd, err);
    if (status != STATUS_OK)
        return status;
    status = recovery_read(journal->dir_fd, true, &recovery, err);
    if (status != STATUS_OK)
        return err_wrap(err, "journal %s", journal->directory);
    journal->open = recovery.table;
    journal->chain = recovery.chain;
    journal->durable_seq = journal->chain.seq;
    journal->sealed = recovery.segment == 0 || recovery.sealed;
    if (seal_start(journal, settings, &recovery) != STATUS_OK)
        return err_set(err, STATUS_NOMEM, "no memory for the seals of the journal");
    writer_look(journal);
    if (recovery.damage[0] != '\0') {
        (void)snprintf(journal->damage, sizeof journal->damage, "%s; run `postern audit repair`",
                       recovery.damage);
        log_line(LOG_ERROR, "the journal in %s is damaged, intents are refused: %s",
                 journal->directory, journal->damage);
        journal->stuck = TROUBLE_DAMAGE; /* published below */
    } else {
        status = begin_writing(journal, &recovery, err);
    }
    writer_publish(journal);
    return status;
}

enum status journal_open(const struct journal_settings *settings, struct journal **ret,
                         struct err *err)
{
    struct journal *journal = make(settings);
    enum status status;

    if (journal == NULL)
        return err_set(err, STATUS_NOMEM, "no memory for the journal");
    status = start(journal, settings, err);
    if (status == STATUS_OK && pthread_create(&journal->thread, NULL, writer_main, journal) != 0)
        status = err_set(err, STATUS_NOMEM, "can't start the journal's thread");
    if (status != STATUS_OK) {
        journal_destroy(journal);
        return status;
    }
    *ret = journal;
    return STATUS_OK;
}

/* ---- closing ---- */

static bool wait_for_end(struct journal *journal, int64_t wait_ms)
{
    int64_t due_us = clock_monotonic_us() + wait_ms * 1000;
    struct timespec due = {.tv_sec = due_us / 1000000, .tv_nsec = due_us % 1000000 * 1000};

    while (!journal->ended) {
        if (pthread_cond_timedwait(&journal->done, &journal->lock, &due) != 0)
            return journal->ended;
    }
    return true;
}

void journal_close(struct journal **journal, int64_t wait_ms)
{
    struct journal *gone = *journal;
    pthread_t thread;
    bool ended;

    if (gone == NULL)
        return;
    *journal = NULL;
    thread = gone->thread;
    (void)pthread_mutex_lock(&gone->lock);
    gone->closing = true;
    (void)pthread_cond_signal(&gone->work);
    ended = wait_for_end(gone, wait_ms);
    gone->abandoned = !ended;
    if (!ended)
        log_line(LOG_ERROR, "the journal's disk hangs, giving up on %u lines", gone->state.queued);
    (void)pthread_mutex_unlock(&gone->lock);
    if (!ended) {
        (void)pthread_detach(thread); /* it frees the journal if it ever comes back */
        return;
    }
    (void)pthread_join(thread, NULL);
    witness_close(&gone->witness, wait_ms < WITNESS_WAIT_MS ? wait_ms : WITNESS_WAIT_MS);
    journal_destroy(gone);
}

/* ---- submitting ---- */

enum verdict_of_gate { GATE_TAKE, GATE_FOLD, GATE_LIMIT, GATE_IO };

/* The writer looks again, at most every RETRY_US, so that trouble that is over is noticed. */
static void poke(struct journal *journal)
{
    int64_t now_us = clock_monotonic_us();

    if (now_us - journal->poked_us < RETRY_US)
        return;
    journal->poked_us = now_us;
    journal->poked = true;
    (void)pthread_cond_signal(&journal->work);
}

static bool queue_full(const struct journal *journal, size_t bytes)
{
    return journal->state.queued >= QUEUE_MAX_LINES ||
           journal->queued_bytes + bytes > QUEUE_MAX_BYTES;
}

static bool space_for(const struct journal *journal, size_t bytes)
{
    uint64_t taken = journal->low_space_bytes + journal->queued_bytes + bytes +
                     (journal->promised + 1) * OUTCOME_ROOM_BYTES;

    return journal->state.free_bytes >= taken; /* published with the trouble */
}

static bool open_full(const struct journal *journal)
{
    const struct journal_state *state = &journal->state;

    return state->unknown + state->existing + state->spent + journal->promised >= OPEN_MAX;
}

static enum verdict_of_gate gate_intent(struct journal *journal, size_t bytes)
{
    if (journal->trouble != TROUBLE_NONE)
        poke(journal);
    if (journal->trouble == TROUBLE_DISK)
        return GATE_IO;
    if (journal->trouble != TROUBLE_NONE || queue_full(journal, bytes))
        return GATE_LIMIT;
    if (journal->promised >= INTENTS_MAX || open_full(journal))
        return GATE_LIMIT;
    if (!space_for(journal, bytes)) {
        poke(journal);
        return GATE_LIMIT;
    }
    return GATE_TAKE;
}

static bool is_promised(const struct journal_facts *facts)
{
    return facts->event == JOURNAL_OUTCOME && facts->operation != NULL &&
           operation_is_judged(facts->operation);
}

/* With the lock. What becomes of the line, as things stand? */
static enum verdict_of_gate gate(struct journal *journal, const struct journal_facts *facts,
                                 enum journal_wait wait, size_t bytes)
{
    if (journal->closing || journal->trouble == TROUBLE_DAMAGE)
        return GATE_IO;
    if (facts->event == JOURNAL_INTENT)
        return gate_intent(journal, bytes);
    /* Bounded by the intents that were taken, whose outcomes these are. */
    if (is_promised(facts) && journal->state.queued < QUEUE_MAX_LINES + 2 * INTENTS_MAX)
        return GATE_TAKE;
    if (facts->event == JOURNAL_REFUSAL && wait == JOURNAL_NO_WAIT &&
        (journal->trouble != TROUBLE_NONE || queue_full(journal, bytes)))
        return GATE_FOLD;
    if (facts->event == JOURNAL_ORPHAN && open_full(journal))
        return GATE_LIMIT;
    return queue_full(journal, bytes) ? GATE_LIMIT : GATE_TAKE;
}

/* With the lock. Refusals are counted here and get one line a second. */
static enum status turn_away(struct journal *journal, enum verdict_of_gate verdict)
{
    if (verdict == GATE_FOLD) {
        if (journal->folding++ == 0)
            (void)pthread_cond_signal(&journal->work); /* it has a time to wait for now */
        journal->state.refusals_folded++;
        poke(journal);
        return STATUS_OK;
    }
    journal->state.failures++;
    return verdict == GATE_LIMIT ? STATUS_LIMIT : STATUS_IO;
}

/* With the lock. True: the caller must signal `work`, without the lock, so that the writer doesn't
 * wake only to wait for it. A writer that is at work looks at the queue by itself. */
static bool rouse(struct journal *journal)
{
    bool slept = journal->idle;

    journal->idle = false;
    return slept;
}

static void enqueue(struct journal *journal, struct node *node)
{
    list_add(&journal->queue, node);
    journal->state.queued++;
    journal->queued_bytes += node_bytes(node);
    journal->promised += node_is_intent(node);
}

/* A node to fill, if the gate is open; *ret stays NULL when memory is out. */
static enum verdict_of_gate enter(struct journal *journal, const struct journal_facts *facts,
                                  enum journal_wait wait, enum status *ret_status,
                                  struct node **ret)
{
    enum verdict_of_gate verdict;

    (void)pthread_mutex_lock(&journal->lock);
    verdict = gate(journal, facts, wait, 0);
    if (verdict == GATE_TAKE)
        *ret = node_spare(journal);
    else
        *ret_status = turn_away(journal, verdict);
    (void)pthread_mutex_unlock(&journal->lock);
    if (verdict == GATE_TAKE && *ret == NULL)
        *ret = node_new();
    return verdict;
}

static bool needs_id(enum journal_event event)
{
    return event == JOURNAL_INTENT || event == JOURNAL_SETTLED || event == JOURNAL_ORPHAN;
}

/* The line as it is; *ret_again: it may be taken without its request. */
static enum status submit(struct journal *journal, struct journal_mailbox *mailbox,
                          const struct journal_facts *facts, enum journal_wait wait,
                          uint64_t cookie, bool *ret_again)
{
    bool waits = wait != JOURNAL_NO_WAIT, slept = false;
    enum status status = STATUS_OK;
    enum verdict_of_gate verdict;
    struct node *node = NULL;

    if (enter(journal, facts, wait, &status, &node) != GATE_TAKE)
        return status;
    status = node == NULL ? STATUS_NOMEM : node_fill(node, facts);
    if (status == STATUS_OK && waits)
        status = mailbox_reserve(mailbox);
    if (status != STATUS_OK) {
        node_free(&node);
        return status;
    }
    node->mailbox = waits ? mailbox : NULL;
    node->wait = wait;
    node->cookie = cookie;
    (void)pthread_mutex_lock(&journal->lock);
    verdict = gate(journal, facts, wait, node_bytes(node));
    if (verdict == GATE_TAKE) {
        enqueue(journal, node);
        slept = (mailbox == NULL || !mailbox_is_lazy(mailbox)) && rouse(journal);
    } else {
        *ret_again = facts->kept != NULL;
        status = *ret_again ? STATUS_LIMIT : turn_away(journal, verdict);
        node_recycle(journal, node);
    }
    (void)pthread_mutex_unlock(&journal->lock);
    if (slept)
        (void)pthread_cond_signal(&journal->work);
    if (verdict != GATE_TAKE && waits)
        mailbox_release(mailbox);
    return status;
}

enum status journal_submit(struct journal *journal, struct journal_mailbox *mailbox,
                           const struct journal_facts *facts, enum journal_wait wait,
                           uint64_t cookie)
{
    bool again = false;
    enum status status;
    struct journal_facts lean;

    REQUIRE(mailbox != NULL || wait == JOURNAL_NO_WAIT);
    REQUIRE(facts->id.len > 0 || !needs_id(facts->event));
    status = submit(journal, mailbox, facts, wait, cookie, &again);
    if (!again)
        return status;
    /* The room that a request takes is never why its line isn't taken. */
    lean = journal_without_request(facts);
    return submit(journal, mailbox, &lean, wait, cookie, &again);
}

void journal_kick(struct journal *journal)
{
    bool slept;

    (void)pthread_mutex_lock(&journal->lock);
    slept = journal->queue.first != NULL && rouse(journal);
    (void)pthread_mutex_unlock(&journal->lock);
    if (slept)
        (void)pthread_cond_signal(&journal->work);
}

/* ---- state ---- */

bool journal_knows(struct journal *journal, struct view instance)
{
    bool known;

    (void)pthread_mutex_lock(&journal->open_lock);
    known = journal->open != NULL && open_has_instance(journal->open, instance);
    (void)pthread_mutex_unlock(&journal->open_lock);
    return known;
}

bool journal_state_of(struct journal *journal, struct view id, enum open_state *ret)
{
    bool found;

    (void)pthread_mutex_lock(&journal->open_lock);
    found = journal->open != NULL && open_find_state(journal->open, id, ret);
    (void)pthread_mutex_unlock(&journal->open_lock);
    return found;
}

void journal_each_open(struct journal *journal,
                       bool (*each)(void *user, const struct open_item *item), void *user)
{
    (void)pthread_mutex_lock(&journal->open_lock);
    if (journal->open != NULL)
        open_each(journal->open, each, user);
    (void)pthread_mutex_unlock(&journal->open_lock);
}

void journal_keep_spent(struct journal *journal, int64_t keep_us)
{
    (void)pthread_mutex_lock(&journal->lock);
    journal->spent_us = keep_us;
    (void)pthread_mutex_unlock(&journal->lock);
}

void journal_get_state(struct journal *journal, struct journal_state *ret)
{
    (void)pthread_mutex_lock(&journal->lock);
    *ret = journal->state;
    ret->accepting = journal->trouble == TROUBLE_NONE && !journal->closing;
    ret->damaged = journal->trouble == TROUBLE_DAMAGE;
    ret->why_not = ret->damaged ? journal->damage : why_not[journal->trouble];
    /* That space gets short must show though no line comes. */
    if (journal->trouble != TROUBLE_NONE ||
        clock_monotonic_us() - journal->looked_us >= IDLE_LOOK_US)
        poke(journal);
    (void)pthread_mutex_unlock(&journal->lock);
    ret->witnessed = journal->witness != NULL;
    if (ret->witnessed)
        witness_look(journal->witness, &ret->witness_failures, &ret->witness_waiting);
}
