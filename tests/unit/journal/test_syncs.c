/* SPDX-License-Identifier: Apache-2.0
 * When a line is synced, and who wakes the writer: at once where somebody depends on it, later and
 * together where nobody does. */
#include <errno.h>
#include <sched.h>

#include "base/clock.h"
#include "base/log.h"
#include "journal/internal.h"

#include "faults.h"
#include "folder.h"

struct bench {
    struct folder folder;
    struct journal *journal;
    struct inbox inbox;
};

static void open_with(struct bench *bench, enum journal_durability durability, int64_t bytes)
{
    bench->folder.settings.durability = durability;
    bench->folder.settings.segment_bytes = bytes;
    bench->journal = folder_open(&bench->folder);
    inbox_new(&bench->inbox, bench->journal);
}

static void shut(struct bench *bench)
{
    inbox_free(&bench->inbox);
    journal_close(&bench->journal, 10000);
}

static int set_up(void **state)
{
    static struct bench bench;

    faults_clear();
    log_configure(LOG_ERROR, LOG_TEXT);
    folder_new(&bench.folder);
    open_with(&bench, DURABILITY_SYNC, 1 << 20);
    *state = &bench;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *bench = *state;

    faults_clear();
    shut(bench);
    (void)folder_verify(&bench->folder);
    folder_remove(&bench->folder);
    return 0;
}

static enum status submit(struct bench *bench, const struct journal_facts *facts,
                          enum journal_wait wait)
{
    return inbox_submit(&bench->inbox, bench->journal, facts, wait);
}

static void conclude(struct bench *bench, const char *id)
{
    struct journal_facts facts = make_outcome(id, OUTCOME_CREATED, id);

    assert_int_equal(submit(bench, &facts, JOURNAL_WRITTEN), STATUS_OK);
}

static void intend(struct bench *bench, const char *id)
{
    struct journal_facts facts = make_intent(id);

    assert_int_equal(submit(bench, &facts, JOURNAL_SYNCED), STATUS_OK);
}

/* Until that many syncs were begun; the time that it took, in us. */
static int64_t wait_syncs(int syncs)
{
    int64_t start_us = clock_monotonic_us();

    if (!faults_wait_syncs(syncs))
        fail_msg("waited in vain for sync %d, there were %d", syncs, faults.syncs);
    return clock_monotonic_us() - start_us;
}

static void an_outcome_alone_is_synced_within_a_second(void **state)
{
    struct bench *bench = *state;
    int syncs;
    int64_t began_us;

    intend(bench, "a");
    syncs = faults.syncs;
    began_us = clock_monotonic_us();
    conclude(bench, "a");
    (void)wait_syncs(syncs + 1);
    /* Not much earlier either: in that time it may share one. */
    assert_in_range(clock_monotonic_us() - began_us, 900000, 10000000);
    assert_int_equal(faults.syncs, syncs + 1);
}

static void outcomes_and_refusals_are_not_synced_at_once(void **state)
{
    enum { LINES = 20 };
    struct bench *bench = *state;
    struct journal_facts refusal = make_event(JOURNAL_REFUSAL);
    int64_t began_us = clock_monotonic_us();
    int syncs = faults.syncs, seen;
    char id[16];

    for (unsigned i = 0; i < LINES; i++) {
        (void)snprintf(id, sizeof id, "o%u", i);
        conclude(bench, id);
        assert_int_equal(submit(bench, &refusal, JOURNAL_WRITTEN), STATUS_OK);
    }
    seen = faults.syncs;
    /* At most one a second, on however slow a machine. */
    assert_true(seen - syncs <= (clock_monotonic_us() - began_us) / 1000000);
    assert_true(faults.writes >= 2 * LINES);
}

static void a_steady_stream_of_outcomes_is_synced_once_a_second(void **state)
{
    struct bench *bench = *state;
    int64_t began_us = clock_monotonic_us(), took_us = 0;
    int syncs = faults.syncs;

    /* One every 2 ms, so that the writer's wait never runs out. */
    while (faults.syncs == syncs && took_us < 10000000) {
        int64_t next_us = clock_monotonic_us() + 2000;

        conclude(bench, "o");
        while (clock_monotonic_us() < next_us)
            (void)sched_yield();
        took_us = clock_monotonic_us() - began_us;
    }
    assert_in_range(took_us, 900000, 9000000);
}

static void the_next_intent_takes_them_along(void **state)
{
    struct bench *bench = *state;
    int64_t began_us = clock_monotonic_us();
    int syncs = faults.syncs;

    conclude(bench, "o");
    intend(bench, "a");
    assert_true(faults.syncs - syncs <= 1 + (clock_monotonic_us() - began_us) / 1000000);
    /* And nothing is left to be synced: the end needs one for `stop`, and no other. */
    syncs = faults.syncs;
    shut(bench);
    assert_int_equal(faults.syncs, syncs + 1);
    open_with(bench, DURABILITY_SYNC, 1 << 20);
}

/* How long it takes from the line to its sync, in us: the best of some, since a machine may stop
 * for a while. What is synced later is never sooner than a second. */
static int64_t time_to_sync(struct bench *bench, const struct journal_facts *facts,
                            enum journal_wait wait)
{
    enum { TRIES = 20 };
    int64_t best_us = INT64_MAX;

    for (int i = 0; i < TRIES && best_us > 500000; i++) {
        int64_t began_us = clock_monotonic_us(), took_us;
        int syncs = faults.syncs;

        assert_int_equal(submit(bench, facts, wait), STATUS_OK);
        (void)wait_syncs(syncs + 1);
        took_us = clock_monotonic_us() - began_us;
        best_us = took_us < best_us ? took_us : best_us;
    }
    return best_us;
}

static void lines_of_the_gateway_are_synced_at_once(void **state)
{
    static const enum journal_event rows[] = {JOURNAL_POLICY, JOURNAL_ADMIN, JOURNAL_SETTLED,
                                              JOURNAL_ORPHAN};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct journal_facts facts = make_event(rows[i]);

        facts.id = facts.instance_id = VIEW("x");
        assert_true(time_to_sync(*state, &facts, JOURNAL_WRITTEN) < 900000);
    }
}

static void an_outcome_may_wait_for_its_sync(void **state)
{
    struct bench *bench = *state;
    struct journal_facts facts = make_outcome("o", OUTCOME_DONE, NULL);
    int syncs = faults.syncs;

    assert_int_equal(submit(bench, &facts, JOURNAL_SYNCED), STATUS_OK);
    assert_int_equal(faults.syncs, syncs + 1);
    assert_true(time_to_sync(bench, &facts, JOURNAL_SYNCED) < 900000);
}

static void the_end_syncs_what_is_left(void **state)
{
    struct bench *bench = *state;
    int syncs;

    conclude(bench, "o");
    syncs = faults.syncs;
    shut(bench);
    assert_in_range(faults.syncs - syncs, 1, 2);
    assert_int_equal(faults.dirty, 0);
    open_with(bench, DURABILITY_SYNC, 1 << 20);
}

/* The checkpoint of a new segment must never be on disk while lines before it are not. */
static void a_segment_is_synced_before_the_next_begins(void **state)
{
    struct bench *bench = *state;
    struct names names;
    struct journal_facts refusal = make_event(JOURNAL_REFUSAL);

    shut(bench);
    open_with(bench, DURABILITY_SYNC, 8192);
    faults.left_dirty = 0;
    for (unsigned i = 0; i < 400; i++)
        assert_int_equal(submit(bench, &refusal, JOURNAL_WRITTEN), STATUS_OK);
    shut(bench);
    folder_segments(&bench->folder, &names);
    assert_true(names.count > 3);
    assert_int_equal(faults.left_dirty, 0);
    open_with(bench, DURABILITY_SYNC, 8192);
}

static void a_late_sync_that_fails_closes_the_segment(void **state)
{
    struct bench *bench = *state;
    struct names names;
    int syncs = faults.syncs;

    conclude(bench, "o");
    fault_set(&faults.fdatasync, 0, 1, EIO);
    (void)wait_syncs(syncs + 2); /* the one that failed, and that of the new segment */
    inbox_until_taken(&bench->inbox, bench->journal, "later");
    folder_segments(&bench->folder, &names);
    assert_int_equal(names.count, 2);
    assert_int_equal(folder_count(&bench->folder, "\"event\":\"outcome\",\"id\":\"o\""), 1);
}

static void a_sync_that_fails_at_rotation_costs_no_line(void **state)
{
    struct bench *bench = *state;
    struct journal_facts refusal = make_event(JOURNAL_REFUSAL);
    struct names names;
    unsigned lines = 0;

    shut(bench);
    open_with(bench, DURABILITY_SYNC, 4096);
    fault_set(&faults.fdatasync, 0, 1, EIO);
    for (; faults.fdatasync.times != 0 && lines < 1000; lines++)
        assert_int_equal(submit(bench, &refusal, JOURNAL_WRITTEN), STATUS_OK);
    inbox_until_taken(&bench->inbox, bench->journal, "after");
    shut(bench);
    folder_segments(&bench->folder, &names);
    assert_true(names.count > 1);
    assert_int_equal(folder_count(&bench->folder, "\"event\":\"refusal\""), lines);
    open_with(bench, DURABILITY_SYNC, 4096);
}

static void a_failed_write_leaves_nothing_unsynced(void **state)
{
    struct bench *bench = *state;
    struct journal_facts refusal = make_event(JOURNAL_REFUSAL);

    conclude(bench, "o");
    faults.left_dirty = 0;
    fault_set(&faults.write, 0, 1, EIO);
    assert_int_equal(submit(bench, &refusal, JOURNAL_WRITTEN), STATUS_IO);
    inbox_until_taken(&bench->inbox, bench->journal, "later");
    assert_int_equal(faults.left_dirty, 0);
}

static void without_syncs_there_are_none(void **state)
{
    struct bench *bench = *state;
    int syncs;

    shut(bench);
    syncs = faults.syncs;
    open_with(bench, DURABILITY_WRITE, 4096);
    for (unsigned i = 0; i < 20; i++) {
        char id[16];

        (void)snprintf(id, sizeof id, "w%u", i);
        intend(bench, id);
        conclude(bench, id);
    }
    shut(bench);
    assert_int_equal(faults.syncs, syncs);
    open_with(bench, DURABILITY_SYNC, 1 << 20);
}

/* ---- crowds ---- */

static void wait_idle(struct journal *journal)
{
    bool idle = false;

    while (!idle) {
        (void)sched_yield();
        (void)pthread_mutex_lock(&journal->lock);
        idle = journal->idle;
        (void)pthread_mutex_unlock(&journal->lock);
    }
}

/* So many intents in one batch, so that they share its sync; how many of them were taken. Doesn't
 * wait for their results. */
static size_t submit_together(struct bench *bench, size_t count)
{
    static unsigned last;
    size_t taken = 0;

    journal_mailbox_lazy(bench->inbox.mailbox);
    for (size_t i = 0; i < count; i++) {
        char id[16];
        struct journal_facts facts;

        (void)snprintf(id, sizeof id, "t%u", ++last);
        facts = make_intent(id);
        taken += journal_submit(bench->journal, bench->inbox.mailbox, &facts, JOURNAL_SYNCED, i) ==
                 STATUS_OK;
    }
    journal_kick(bench->journal);
    return taken;
}

static void a_crowd_has_a_millisecond_between_syncs(void **state)
{
    enum { PAIRS = 200 };
    struct bench *bench = *state;
    int64_t began_us = clock_monotonic_us();
    int syncs = faults.syncs;

    for (size_t i = 1; i <= PAIRS; i++) {
        assert_int_equal(submit_together(bench, 2), 2);
        inbox_wait(&bench->inbox, 2 * i);
    }
    /* The first one finds no crowd, and behind the last one there is no pause. */
    assert_true(faults.syncs - syncs <= 2 + (clock_monotonic_us() - began_us) / SYNC_GAP_US);
}

static bool finds_a_crowd(struct bench *bench)
{
    wait_idle(bench->journal); /* and has left its own members alone */
    return bench->journal->shared;
}

static void who_comes_alone_meets_no_crowd(void **state)
{
    struct bench *bench = *state;

    assert_int_equal(submit_together(bench, 2), 2);
    inbox_wait(&bench->inbox, 2);
    assert_true(finds_a_crowd(bench));
    assert_int_equal(submit_together(bench, 1), 1);
    inbox_wait(&bench->inbox, 3);
    assert_false(finds_a_crowd(bench));
}

/* Written in batches of their own, they wait for one sync: if it fails, it fails all of them. */
static void a_failed_sync_fails_all_that_wait_for_it(void **state)
{
    struct bench *bench = *state;
    size_t taken = 2;

    assert_int_equal(submit_together(bench, 2), 2);
    inbox_wait(&bench->inbox, 2);
    fault_set(&faults.fdatasync, 0, -1, EIO);
    for (size_t i = 0; i < 20; i++)
        taken += submit_together(bench, 1);
    inbox_wait(&bench->inbox, taken);
    assert_true(taken > 2);
    for (size_t i = 2; i < taken; i++)
        assert_int_equal(bench->inbox.statuses[i], STATUS_IO);
}

/* ---- who wakes the writer ---- */

static void lazy_lines_wait_for_the_kick_and_share_a_batch(void **state)
{
    enum { LINES = 50 };
    struct bench *bench = *state;
    struct journal_state before, now;
    char id[16];

    intend(bench, "first"); /* from here on the writer has nothing to do */
    journal_mailbox_lazy(bench->inbox.mailbox);
    wait_idle(bench->journal);
    journal_get_state(bench->journal, &before);
    for (unsigned i = 0; i < LINES; i++) {
        struct journal_facts facts;

        (void)snprintf(id, sizeof id, "l%u", i);
        facts = make_intent(id);
        assert_int_equal(
            journal_submit(bench->journal, bench->inbox.mailbox, &facts, JOURNAL_SYNCED, i),
            STATUS_OK);
    }
    journal_get_state(bench->journal, &now);
    assert_int_equal(now.queued, LINES);
    journal_kick(bench->journal);
    inbox_wait(&bench->inbox, 1 + LINES);
    journal_get_state(bench->journal, &now);
    assert_int_equal(now.batches, before.batches + 1);
    assert_int_equal(now.syncs, before.syncs + 1);
    assert_int_equal(now.queued, 0);
}

static void other_lines_take_lazy_ones_along(void **state)
{
    struct bench *bench = *state;
    struct journal_facts lazy = make_intent("lazy"), refusal = make_event(JOURNAL_REFUSAL);

    journal_mailbox_lazy(bench->inbox.mailbox);
    assert_int_equal(journal_submit(bench->journal, bench->inbox.mailbox, &lazy, JOURNAL_SYNCED, 1),
                     STATUS_OK);
    assert_int_equal(journal_submit(bench->journal, NULL, &refusal, JOURNAL_NO_WAIT, 0), STATUS_OK);
    inbox_wait(&bench->inbox, 1);
}

static void the_end_takes_lazy_lines_along(void **state)
{
    struct bench *bench = *state;
    struct journal_facts lazy = make_intent("lazy");

    journal_kick(bench->journal); /* nothing waits: nothing happens */
    journal_mailbox_lazy(bench->inbox.mailbox);
    assert_int_equal(journal_submit(bench->journal, bench->inbox.mailbox, &lazy, JOURNAL_SYNCED, 1),
                     STATUS_OK);
    shut(bench);
    assert_int_equal(folder_count(&bench->folder, "\"lazy\""), 1);
    open_with(bench, DURABILITY_SYNC, 1 << 20);
}

struct slow_wake {
    struct journal_mailbox *mailbox;
    pthread_mutex_t lock;
    pthread_cond_t moved;
    bool called, may_return, freed;
    unsigned results;
};

static void on_slow_wake(void *user)
{
    struct slow_wake *slow = user;

    (void)pthread_mutex_lock(&slow->lock);
    slow->called = true;
    (void)pthread_cond_broadcast(&slow->moved);
    while (!slow->may_return)
        (void)pthread_cond_wait(&slow->moved, &slow->lock);
    assert_false(slow->freed);
    (void)pthread_mutex_unlock(&slow->lock);
}

static void on_slow_result(void *user, uint64_t cookie, enum status status)
{
    struct slow_wake *slow = user;

    assert_int_equal(cookie, 5);
    assert_int_equal(status, STATUS_OK);
    slow->results++;
}

static void *free_mailbox(void *user)
{
    struct slow_wake *slow = user;

    journal_mailbox_free(&slow->mailbox);
    (void)pthread_mutex_lock(&slow->lock);
    slow->freed = true;
    (void)pthread_mutex_unlock(&slow->lock);
    return NULL;
}

/* A worker that wakes needn't wait for the writer to come out of the wake; one that goes must. */
static void a_wake_holds_up_the_end_of_its_mailbox_only(void **state)
{
    struct bench *bench = *state;
    struct slow_wake slow = {.lock = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER};
    struct journal_facts facts = make_event(JOURNAL_REFUSAL);
    pthread_t thread;

    slow.mailbox = journal_mailbox_new(bench->journal, on_slow_wake, &slow);
    assert_non_null(slow.mailbox);
    assert_int_equal(journal_submit(bench->journal, slow.mailbox, &facts, JOURNAL_WRITTEN, 5),
                     STATUS_OK);
    (void)pthread_mutex_lock(&slow.lock);
    while (!slow.called)
        (void)pthread_cond_wait(&slow.moved, &slow.lock);
    (void)pthread_mutex_unlock(&slow.lock);
    journal_collect(slow.mailbox, on_slow_result, &slow);
    assert_int_equal(slow.results, 1);
    assert_int_equal(journal_submit(bench->journal, slow.mailbox, &facts, JOURNAL_WRITTEN, 6),
                     STATUS_OK);
    assert_int_equal(pthread_create(&thread, NULL, free_mailbox, &slow), 0);
    for (int i = 0; i < 1000; i++)
        (void)sched_yield();
    (void)pthread_mutex_lock(&slow.lock);
    assert_false(slow.freed);
    slow.may_return = true;
    (void)pthread_cond_broadcast(&slow.moved);
    (void)pthread_mutex_unlock(&slow.lock);
    assert_int_equal(pthread_join(thread, NULL), 0);
    conclude(bench, "o"); /* the writer goes on */
}

#define BENCH_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BENCH_TEST(an_outcome_alone_is_synced_within_a_second),
        BENCH_TEST(outcomes_and_refusals_are_not_synced_at_once),
        BENCH_TEST(a_steady_stream_of_outcomes_is_synced_once_a_second),
        BENCH_TEST(the_next_intent_takes_them_along),
        BENCH_TEST(lines_of_the_gateway_are_synced_at_once),
        BENCH_TEST(an_outcome_may_wait_for_its_sync),
        BENCH_TEST(the_end_syncs_what_is_left),
        BENCH_TEST(a_segment_is_synced_before_the_next_begins),
        BENCH_TEST(a_late_sync_that_fails_closes_the_segment),
        BENCH_TEST(a_sync_that_fails_at_rotation_costs_no_line),
        BENCH_TEST(a_failed_write_leaves_nothing_unsynced),
        BENCH_TEST(without_syncs_there_are_none),
        BENCH_TEST(a_crowd_has_a_millisecond_between_syncs),
        BENCH_TEST(who_comes_alone_meets_no_crowd),
        BENCH_TEST(a_failed_sync_fails_all_that_wait_for_it),
        BENCH_TEST(lazy_lines_wait_for_the_kick_and_share_a_batch),
        BENCH_TEST(other_lines_take_lazy_ones_along),
        BENCH_TEST(the_end_takes_lazy_lines_along),
        BENCH_TEST(a_wake_holds_up_the_end_of_its_mailbox_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
