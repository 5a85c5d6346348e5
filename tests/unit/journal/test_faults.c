/* SPDX-License-Identifier: Apache-2.0
 * Disks that fill up, fail, hang. What a waiter is told, what is in the files then, and that the
 * journal comes back by itself where it may. */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"

#include "faults.h"
#include "folder.h"

struct bench {
    struct folder folder;
    struct journal *journal;
    struct inbox inbox;
};

static int set_up(void **state)
{
    static struct bench bench;

    faults_clear();
    log_configure(LOG_ERROR, LOG_TEXT);
    folder_new(&bench.folder);
    bench.journal = folder_open(&bench.folder);
    inbox_new(&bench.inbox, bench.journal);
    *state = &bench;
    return 0;
}

static void reopen(struct bench *bench)
{
    inbox_free(&bench->inbox);
    journal_close(&bench->journal, 10000);
    bench->journal = folder_open(&bench->folder);
    inbox_new(&bench->inbox, bench->journal);
}

static int tear_down(void **state)
{
    struct bench *bench = *state;

    faults_clear();
    inbox_free(&bench->inbox);
    journal_close(&bench->journal, 10000);
    (void)folder_verify(&bench->folder);
    folder_remove(&bench->folder);
    return 0;
}

static enum status intend(struct bench *bench, const char *id)
{
    struct journal_facts facts = make_intent(id);

    return inbox_submit(&bench->inbox, bench->journal, &facts, JOURNAL_SYNCED);
}

static enum status conclude(struct bench *bench, const char *id, enum journal_outcome outcome)
{
    struct journal_facts facts = make_outcome(id, outcome, "inst");

    return inbox_submit(&bench->inbox, bench->journal, &facts, JOURNAL_WRITTEN);
}

/* The writer hangs in the sync of an intent of that id; its result is the next one. */
static void hang_with(struct bench *bench, const char *id)
{
    struct journal_facts facts = make_intent(id);

    faults_hang();
    assert_int_equal(
        journal_submit(bench->journal, bench->inbox.mailbox, &facts, JOURNAL_SYNCED, 777777),
        STATUS_OK);
    faults_wait_hanging();
}

static struct journal_state state_of(const struct bench *bench)
{
    struct journal_state now;

    journal_get_state(bench->journal, &now);
    return now;
}

static size_t segments_of(const struct bench *bench)
{
    struct names names;

    folder_segments(&bench->folder, &names);
    return names.count;
}

static void short_writes_are_carried_on(void **state)
{
    struct bench *bench = *state;

    faults.write_most = 7;
    assert_int_equal(intend(bench, "a"), STATUS_OK);
    fault_set(&faults.write, 3, 1, EINTR);
    assert_int_equal(conclude(bench, "a", OUTCOME_CREATED), STATUS_OK);
    assert_int_equal(state_of(bench).existing, 1);
    assert_int_equal(segments_of(bench), 1);
}

static void a_batch_is_one_write_and_one_sync(void **state)
{
    struct bench *bench = *state;
    int writes, syncs;
    unsigned wakes;

    hang_with(bench, "first");
    writes = faults.writes;
    syncs = faults.syncs;
    wakes = bench->inbox.wakes;
    for (unsigned i = 0; i < 50; i++) {
        char id[16];
        struct journal_facts facts;

        (void)snprintf(id, sizeof id, "b%u", i);
        facts = make_intent(id);
        assert_int_equal(
            journal_submit(bench->journal, bench->inbox.mailbox, &facts, JOURNAL_SYNCED, i),
            STATUS_OK);
    }
    assert_int_equal(faults.writes, writes);
    assert_int_equal(state_of(bench).queued, 50);
    faults_release();
    inbox_wait(&bench->inbox, 51);
    assert_int_equal(faults.writes, writes + 1);
    assert_int_equal(faults.syncs, syncs + 1);
    assert_int_equal(bench->inbox.wakes, wakes + 2); /* one for the first */
}

static void written_comes_before_synced(void **state)
{
    struct bench *bench = *state;
    struct journal_facts intent = make_intent("a"), outcome = make_outcome("b", OUTCOME_DONE, NULL);

    hang_with(bench, "first");
    faults_hang();
    assert_int_equal(
        journal_submit(bench->journal, bench->inbox.mailbox, &intent, JOURNAL_SYNCED, 1),
        STATUS_OK);
    assert_int_equal(
        journal_submit(bench->journal, bench->inbox.mailbox, &outcome, JOURNAL_WRITTEN, 2),
        STATUS_OK);
    faults_release();
    inbox_wait(&bench->inbox, 2);
    assert_int_equal(bench->inbox.count, 2);
    assert_int_equal(bench->inbox.cookies[1], 2);
    faults_wait_hanging();
    faults_release();
    inbox_wait(&bench->inbox, 3);
    assert_int_equal(bench->inbox.cookies[2], 1);
}

/* ---- no space ---- */

static void no_space_refuses_intents_and_comes_back(void **state)
{
    struct bench *bench = *state;
    struct journal_state now;

    fault_set(&faults.write, 0, 1, ENOSPC);
    assert_int_equal(intend(bench, "lost"), STATUS_LIMIT);
    inbox_until_taken(&bench->inbox, bench->journal, "later");
    now = state_of(bench);
    assert_true(now.accepting);
    assert_int_equal(now.open_intents, 1);
    assert_int_equal(segments_of(bench), 1);
    assert_int_equal(folder_count(&bench->folder, "\"lost\""), 0);
}

static void no_space_is_told(void **state)
{
    struct bench *bench = *state;
    struct journal_state now;

    fault_set(&faults.write, 0, -1, ENOSPC);
    fault_set(&faults.fallocate, 0, -1, ENOSPC);
    assert_int_equal(intend(bench, "lost"), STATUS_LIMIT);
    /* One look: between two of them it may have tried again. */
    for (now = state_of(bench); now.accepting; now = state_of(bench))
        (void)sched_yield();
    assert_non_null(now.why_not);
    assert_non_null(strstr(now.why_not, "no space"));
    assert_false(now.damaged);
    assert_int_equal(intend(bench, "lost too"), STATUS_LIMIT);
    faults_clear();
    inbox_until_taken(&bench->inbox, bench->journal, "later");
    assert_null(state_of(bench).why_not);
}

static void half_a_line_is_cut_off(void **state)
{
    struct bench *bench = *state;

    for (size_t before = 1; before < 200; before += 66) {
        char id[32];

        faults.write_before = before;
        fault_set(&faults.write, 0, 1, before % 4 == 1 ? ENOSPC : EIO);
        assert_int_equal(intend(bench, "lost"), before % 4 == 1 ? STATUS_LIMIT : STATUS_IO);
        (void)snprintf(id, sizeof id, "later%zu-", before);
        inbox_until_taken(&bench->inbox, bench->journal, id);
    }
    assert_int_equal(folder_count(&bench->folder, "\"lost\""), 0);
    assert_int_equal(state_of(bench).open_intents, 4);
}

static void complete_lines_before_the_failure_count(void **state)
{
    struct bench *bench = *state;
    struct journal_facts one = make_intent("one"), two = make_intent("two");
    size_t len;
    char *all;

    hang_with(bench, "x");
    assert_int_equal(journal_submit(bench->journal, bench->inbox.mailbox, &one, JOURNAL_SYNCED, 1),
                     STATUS_OK);
    assert_int_equal(journal_submit(bench->journal, bench->inbox.mailbox, &two, JOURNAL_SYNCED, 2),
                     STATUS_OK);
    faults.write_before = 400; /* the first is shorter, both together are longer */
    fault_set(&faults.write, 0, 1, ENOSPC);
    faults_release();
    inbox_wait(&bench->inbox, 3);
    assert_int_equal(bench->inbox.cookies[1], 1);
    assert_int_equal(bench->inbox.statuses[1], STATUS_OK);
    assert_int_equal(bench->inbox.cookies[2], 2);
    assert_int_equal(bench->inbox.statuses[2], STATUS_LIMIT);
    all = folder_read(&bench->folder, "00000000000000000001.jsonl", &len);
    assert_int_equal(all[len - 1], '\n');
    assert_non_null(strstr(all, "\"one\""));
    assert_null(strstr(all, "\"two\""));
    free(all);
}

static void outcomes_wait_for_space(void **state)
{
    struct bench *bench = *state;

    assert_int_equal(intend(bench, "a"), STATUS_OK);
    fault_set(&faults.write, 0, 1, ENOSPC);
    assert_int_equal(conclude(bench, "a", OUTCOME_CREATED), STATUS_LIMIT); /* told, but kept */
    assert_int_equal(folder_count(&bench->folder, "\"created\""), 0);
    inbox_until_taken(&bench->inbox, bench->journal, "later");
    assert_int_equal(folder_count(&bench->folder, "\"created\""), 1);
    assert_int_equal(state_of(bench).existing, 1);
}

static enum status settle(struct bench *bench, const char *id, enum journal_event event,
                          const char *instance, enum journal_wait wait)
{
    const struct journal_instance listed = {.id = view_str(instance), .flavor = VIEW("f")};
    struct journal_facts facts = make_event(event);

    facts.id = view_str(id);
    facts.operation = &operations[OP_DEMANAGER_CREATE];
    facts.listed = &listed;
    facts.outcome = event == JOURNAL_SETTLED ? OUTCOME_CREATED : OUTCOME_NONE;
    if (wait == JOURNAL_NO_WAIT)
        return journal_submit(bench->journal, NULL, &facts, wait, 0);
    return inbox_submit(&bench->inbox, bench->journal, &facts, wait);
}

/* Only the journal remembers them. */
static void settled_lines_and_orphans_wait_for_space(void **state)
{
    struct bench *bench = *state;

    assert_int_equal(intend(bench, "a"), STATUS_OK);
    assert_int_equal(conclude(bench, "a", OUTCOME_UNKNOWN), STATUS_OK);
    fault_set(&faults.write, 0, 1, ENOSPC);
    assert_int_equal(settle(bench, "a", JOURNAL_SETTLED, "i", JOURNAL_WRITTEN),
                     STATUS_LIMIT); /* told, but kept */
    /* Asking for the state now would have it tried again at once. */
    fault_set(&faults.write, 0, 1, EIO);
    assert_int_not_equal(settle(bench, "o", JOURNAL_ORPHAN, "j", JOURNAL_WRITTEN), STATUS_OK);
    inbox_until_taken(&bench->inbox, bench->journal, "later");
    assert_int_equal(folder_count(&bench->folder, "\"settled\""), 1);
    assert_int_equal(folder_count(&bench->folder, "\"orphan\""), 1);
    assert_int_equal(state_of(bench).unknown, 0);
    assert_int_equal(state_of(bench).existing, 2);
}

/* They were promised no room: outcomes have theirs all the same. */
static void waiting_orphans_take_no_promised_room(void **state)
{
    struct bench *bench = *state;
    char id[32];
    unsigned taken = 0;

    inbox_free(&bench->inbox);
    journal_close(&bench->journal, 10000);
    bench->folder.settings.segment_bytes = 65536;
    bench->journal = folder_open(&bench->folder);
    inbox_new(&bench->inbox, bench->journal);
    fault_set(&faults.fallocate, 0, -1, ENOSPC);
    for (;; taken++) {
        (void)snprintf(id, sizeof id, "x%u", taken);
        if (intend(bench, id) != STATUS_OK)
            break;
    }
    for (unsigned i = 0; i < 1000; i++) {
        (void)snprintf(id, sizeof id, "o%u", i);
        (void)settle(bench, id, JOURNAL_ORPHAN, id, JOURNAL_NO_WAIT);
    }
    for (unsigned i = 0; i < taken; i++) {
        (void)snprintf(id, sizeof id, "x%u", i);
        assert_int_equal(conclude(bench, id, OUTCOME_FAILED), STATUS_OK);
    }
    faults_clear();
    inbox_until_taken(&bench->inbox, bench->journal, "later");
    assert_int_equal(state_of(bench).existing, 1000);
    (void)folder_verify(&bench->folder);
}

static void too_many_waiting_orphans_are_lost_and_counted(void **state)
{
    enum { WAITING_MAX = 4096, MORE = 10 };
    struct bench *bench = *state;
    char id[32];

    fault_set(&faults.write, 0, -1, ENOSPC);
    fault_set(&faults.fallocate, 0, -1, ENOSPC);
    for (unsigned i = 0; i < WAITING_MAX + MORE; i++) {
        (void)snprintf(id, sizeof id, "o%u", i);
        while (state_of(bench).queued > 1000)
            (void)sched_yield();
        assert_int_equal(settle(bench, id, JOURNAL_ORPHAN, id, JOURNAL_NO_WAIT), STATUS_OK);
    }
    while (state_of(bench).failures < MORE)
        (void)sched_yield();
    assert_int_equal(state_of(bench).failures, MORE);
    faults_clear();
    inbox_until_taken(&bench->inbox, bench->journal, "later");
    assert_int_equal(state_of(bench).existing, WAITING_MAX);
}

static void kept_outcomes_are_closed_by_the_next_start(void **state)
{
    struct bench *bench = *state;

    assert_int_equal(intend(bench, "a"), STATUS_OK);
    fault_set(&faults.write, 0, -1, ENOSPC);
    assert_int_equal(conclude(bench, "a", OUTCOME_CREATED), STATUS_LIMIT);
    inbox_free(&bench->inbox);
    journal_close(&bench->journal, 10000);
    faults_clear();
    bench->journal = folder_open(&bench->folder);
    inbox_new(&bench->inbox, bench->journal);
    assert_int_equal(state_of(bench).unknown, 1);
}

static void a_start_without_space_goes_on(void **state)
{
    struct bench *bench = *state;
    struct journal_state now;

    inbox_free(&bench->inbox);
    journal_close(&bench->journal, 10000);
    fault_set(&faults.write, 0, -1, ENOSPC);
    fault_set(&faults.fallocate, 0, -1, ENOSPC);
    bench->journal = folder_open(&bench->folder);
    inbox_new(&bench->inbox, bench->journal);
    now = state_of(bench);
    assert_false(now.accepting);
    assert_non_null(strstr(now.why_not, "no space"));
    assert_int_equal(intend(bench, "a"), STATUS_LIMIT);
    faults_clear();
    inbox_until_taken(&bench->inbox, bench->journal, "later");
    assert_int_equal(folder_count(&bench->folder, "\"event\":\"start\""), 2);
}

static void a_fresh_start_without_space_goes_on(void **state)
{
    struct bench *bench = *state;
    struct folder fresh;
    struct journal *journal;
    struct inbox inbox;
    struct journal_state now;

    (void)bench;
    folder_new(&fresh);
    fault_set(&faults.fallocate, 0, -1, ENOSPC);
    journal = folder_open(&fresh);
    inbox_new(&inbox, journal);
    journal_get_state(journal, &now);
    assert_false(now.accepting);
    faults_clear();
    inbox_until_taken(&inbox, journal, "later");
    inbox_free(&inbox);
    journal_close(&journal, 10000);
    assert_int_equal(folder_verify(&fresh), 4);
    folder_remove(&fresh);
}

static void file_systems_that_cant_allocate_ahead_do(void **state)
{
    struct bench *bench = *state;

    fault_set(&faults.fallocate, 0, -1, EOPNOTSUPP);
    reopen(bench);
    assert_int_equal(intend(bench, "a"), STATUS_OK);
    assert_true(state_of(bench).accepting);
}

static void without_a_new_segment_outcomes_find_their_room(void **state)
{
    struct bench *bench = *state;
    char id[32];
    unsigned taken = 0;

    inbox_free(&bench->inbox);
    journal_close(&bench->journal, 10000);
    bench->folder.settings.segment_bytes = 65536;
    bench->journal = folder_open(&bench->folder);
    inbox_new(&bench->inbox, bench->journal);
    fault_set(&faults.fallocate, 0, -1, ENOSPC);
    for (;; taken++) {
        (void)snprintf(id, sizeof id, "x%u", taken);
        if (intend(bench, id) != STATUS_OK)
            break;
    }
    /* About 4.3 KB an exchange. */
    assert_in_range(taken, 10, 16);
    assert_false(state_of(bench).accepting);
    for (unsigned i = 0; i < taken; i++) {
        (void)snprintf(id, sizeof id, "x%u", i);
        assert_int_equal(conclude(bench, id, OUTCOME_FAILED), STATUS_OK);
    }
    assert_int_equal(state_of(bench).open_intents, 0);
    assert_int_equal(segments_of(bench), 1);
    faults_clear();
    inbox_until_taken(&bench->inbox, bench->journal, "later");
    assert_true(state_of(bench).accepting);
}

/* ---- low space ---- */

static void low_space(struct bench *bench)
{
    inbox_free(&bench->inbox);
    journal_close(&bench->journal, 10000);
    bench->folder.settings.low_space_bytes = 1 << 30;
    bench->journal = folder_open(&bench->folder);
    inbox_new(&bench->inbox, bench->journal);
    if (!state_of(bench).accepting)
        fail_msg("this test needs 1 GB of free space in /tmp");
    assert_int_equal(intend(bench, "before"), STATUS_OK);
    faults.free_bytes = (1 << 30) - 4096;
    while (intend(bench, "probe") == STATUS_OK)
        assert_int_equal(conclude(bench, "probe", OUTCOME_REFUSED), STATUS_OK);
    while (state_of(bench).accepting)
        (void)sched_yield();
}

static void low_space_refuses_intents_but_writes_outcomes(void **state)
{
    struct bench *bench = *state;

    low_space(bench);
    assert_non_null(strstr(state_of(bench).why_not, "journal.low_space"));
    assert_int_equal(intend(bench, "a"), STATUS_LIMIT);
    assert_int_equal(conclude(bench, "before", OUTCOME_CREATED), STATUS_OK);
    assert_int_equal(state_of(bench).existing, 1);
    faults.free_bytes = -1;
    inbox_until_taken(&bench->inbox, bench->journal, "later");
    assert_null(state_of(bench).why_not);
}

static void low_space_folds_refusals(void **state)
{
    enum { REFUSALS = 1000 };
    struct bench *bench = *state;
    struct journal_facts refusal = make_event(JOURNAL_REFUSAL);
    size_t lines, sum = 0;
    char *all;

    low_space(bench);
    for (int i = 0; i < REFUSALS; i++)
        assert_int_equal(journal_submit(bench->journal, NULL, &refusal, JOURNAL_NO_WAIT, 0),
                         STATUS_OK);
    assert_int_equal(state_of(bench).refusals_folded, REFUSALS);
    reopen(bench);
    lines = folder_count(&bench->folder, "\"event\":\"refusal\",\"count\":");
    assert_in_range(lines, 1, 30);
    all = folder_read_all(&bench->folder);
    for (const char *at = all; (at = strstr(at, "\"count\":")) != NULL; at += 8)
        sum += strtoul(at + 8, NULL, 10);
    assert_int_equal(sum, REFUSALS);
    free(all);
    /* Not more than one a second: two of them never share a second's end. */
    assert_true(lines < REFUSALS / 10);
}

static void promised_room_counts_as_taken(void **state)
{
    struct bench *bench = *state;
    unsigned taken = 0;
    char id[32];

    low_space(bench);
    faults.free_bytes = (1 << 30) + 65536;
    while (!state_of(bench).accepting)
        (void)sched_yield();
    for (; taken < 100; taken++) {
        (void)snprintf(id, sizeof id, "p%u", taken);
        if (intend(bench, id) != STATUS_OK)
            break;
    }
    assert_in_range(taken, 10, 15);
    assert_int_equal(conclude(bench, "p0", OUTCOME_FAILED), STATUS_OK);
    assert_int_equal(intend(bench, "again"), STATUS_OK);
}

/* ---- failed syncs and writes ---- */

static void a_failed_sync_closes_the_segment(void **state)
{
    struct bench *bench = *state;
    struct names names;
    char *last;
    size_t len;

    fault_set(&faults.fdatasync, 0, 1, EIO);
    assert_int_equal(intend(bench, "unsure"), STATUS_IO);
    inbox_until_taken(&bench->inbox, bench->journal, "next");
    folder_segments(&bench->folder, &names);
    assert_int_equal(names.count, 2);
    /* The line is there, so it counts; the new segment says so and goes on behind it. */
    assert_int_equal(state_of(bench).open_intents, 2);
    last = folder_read(&bench->folder, names.name[1], &len);
    assert_non_null(strstr(last, "\"open\":[{\"id\":\"unsure\""));
    assert_non_null(strstr(last, "\"next"));
    assert_null(strstr(last, "\"event\":\"intent\",\"id\":\"unsure\""));
    free(last);
    assert_int_equal(conclude(bench, "unsure", OUTCOME_REFUSED), STATUS_OK);
    assert_int_equal(state_of(bench).open_intents, 1);
}

static void a_sync_is_never_retried(void **state)
{
    struct bench *bench = *state;
    int syncs = faults.syncs;

    fault_set(&faults.fdatasync, 0, 2, EIO); /* the line's, and the next segment's */
    assert_int_equal(intend(bench, "unsure"), STATUS_IO);
    while (state_of(bench).accepting)
        (void)sched_yield();
    assert_non_null(strstr(state_of(bench).why_not, "can't be written"));
    inbox_until_taken(&bench->inbox, bench->journal, "next");
    assert_int_equal(segments_of(bench), 2);
    assert_in_range(faults.syncs - syncs, 4, 5);
}

static void a_failed_write_closes_the_segment(void **state)
{
    struct bench *bench = *state;

    assert_int_equal(intend(bench, "a"), STATUS_OK);
    fault_set(&faults.write, 0, 1, EIO);
    assert_int_equal(conclude(bench, "a", OUTCOME_CREATED), STATUS_IO);
    inbox_until_taken(&bench->inbox, bench->journal, "next");
    assert_int_equal(segments_of(bench), 2);
    assert_int_equal(folder_count(&bench->folder, "\"created\""), 1);
    assert_int_equal(state_of(bench).existing, 1);
}

static void half_a_line_that_stays_is_damage(void **state)
{
    struct bench *bench = *state;
    struct journal_state now;
    struct err err;
    struct buf what;

    faults.write_before = 10;
    fault_set(&faults.write, 0, 1, EIO);
    fault_set(&faults.ftruncate, 0, -1, EIO);
    assert_int_equal(intend(bench, "a"), STATUS_IO);
    while (!state_of(bench).damaged)
        (void)sched_yield();
    now = state_of(bench);
    assert_non_null(strstr(now.why_not, "segment 00000000000000000001.jsonl"));
    assert_non_null(strstr(now.why_not, "postern audit repair"));
    faults_clear();
    assert_int_equal(intend(bench, "b"), STATUS_IO);
    assert_int_equal(conclude(bench, "b", OUTCOME_REFUSED), STATUS_IO);
    inbox_free(&bench->inbox);
    journal_close(&bench->journal, 10000);
    /* It is the last line, so the next start may take it away. */
    buf_init(&what, 4096);
    assert_int_equal(journal_repair(&bench->folder.settings, "root", &what, &err), STATUS_INVALID);
    bench->journal = folder_open(&bench->folder);
    inbox_new(&bench->inbox, bench->journal);
    assert_true(state_of(bench).accepting);
}

static void a_segment_that_cant_be_taken_back_is_damage(void **state)
{
    struct bench *bench = *state;

    inbox_free(&bench->inbox);
    journal_close(&bench->journal, 10000);
    bench->folder.settings.segment_bytes = 1; /* every intent wants a new segment */
    bench->journal = folder_open(&bench->folder);
    inbox_new(&bench->inbox, bench->journal);
    fault_set(&faults.fdatasync, 0, 1, EIO);
    fault_set(&faults.unlinkat, 0, 1, EIO);
    assert_int_not_equal(intend(bench, "a"), STATUS_OK);
    while (!state_of(bench).damaged)
        (void)sched_yield();
    faults_clear();
    assert_int_equal(intend(bench, "b"), STATUS_IO);
    bench->folder.settings.segment_bytes = 1 << 20;
    reopen(bench);
    assert_true(state_of(bench).accepting);
}

/* ---- hanging disks ---- */

static void a_hanging_disk_fills_the_queue_to_its_limit(void **state)
{
    struct bench *bench = *state;
    struct journal_facts facts = make_intent("first");
    unsigned taken = 0;

    faults_hang();
    assert_int_equal(
        journal_submit(bench->journal, bench->inbox.mailbox, &facts, JOURNAL_SYNCED, 0), STATUS_OK);
    faults_wait_hanging();
    for (; taken < 100000; taken++) {
        char id[32];

        (void)snprintf(id, sizeof id, "q%u", taken);
        facts = make_intent(id);
        if (journal_submit(bench->journal, bench->inbox.mailbox, &facts, JOURNAL_SYNCED,
                           taken + 1) != STATUS_OK)
            break;
    }
    assert_int_equal(taken, 4096);
    assert_int_equal(
        journal_submit(bench->journal, bench->inbox.mailbox, &facts, JOURNAL_SYNCED, 999999),
        STATUS_LIMIT);
    facts = make_event(JOURNAL_ADMIN);
    assert_int_equal(journal_submit(bench->journal, NULL, &facts, JOURNAL_NO_WAIT, 0),
                     STATUS_LIMIT);
    facts = make_event(JOURNAL_REFUSAL);
    assert_int_equal(journal_submit(bench->journal, NULL, &facts, JOURNAL_NO_WAIT, 0), STATUS_OK);
    assert_int_equal(state_of(bench).refusals_folded, 1);
    facts = make_outcome("q0", OUTCOME_REFUSED, NULL);
    assert_int_equal(journal_submit(bench->journal, NULL, &facts, JOURNAL_NO_WAIT, 0), STATUS_OK);
    assert_int_equal(bench->inbox.count, 0);
    faults_release();
    inbox_wait(&bench->inbox, taken + 1);
    reopen(bench);
    assert_int_equal(folder_count(&bench->folder, "\"event\":\"intent\""), taken + 1);
    assert_int_equal(folder_count(&bench->folder, "\"count\":1}"), 1);
}

static void the_queue_has_a_limit_in_bytes(void **state)
{
    struct bench *bench = *state;
    struct journal_facts facts = make_event(JOURNAL_ADMIN);
    char *text = malloc(524288);
    unsigned taken = 0;

    memset(text, '.', 524288);
    faults_hang();
    assert_int_equal(journal_submit(bench->journal, NULL, &facts, JOURNAL_NO_WAIT, 0), STATUS_OK);
    faults_wait_hanging();
    facts.path = view_of(text, 524288);
    while (taken < 1000 &&
           journal_submit(bench->journal, NULL, &facts, JOURNAL_NO_WAIT, 0) == STATUS_OK)
        taken++;
    assert_int_equal(taken, 15);
    faults_release();
    free(text);
}

/* Digest mode would take them all: so are they taken, those that find no room without their
 * request. */
static void requests_are_left_out_before_lines_are(void **state)
{
    struct bench *bench = *state;
    struct journal_facts facts = make_event(JOURNAL_REFUSAL);
    struct journal_kept kept = {.query = VIEW_NONE};
    char *text = malloc(524288);

    memset(text, '.', 524288);
    text[0] = text[524287] = '"';
    kept.request = view_of(text, 524288);
    facts.id = VIEW("refused");
    facts.kept = &kept;
    faults_hang();
    assert_int_equal(journal_submit(bench->journal, NULL, &facts, JOURNAL_NO_WAIT, 0), STATUS_OK);
    faults_wait_hanging();
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(journal_submit(bench->journal, NULL, &facts, JOURNAL_NO_WAIT, 0),
                         STATUS_OK);
    assert_int_equal(state_of(bench).refusals_folded, 0);
    faults_release();
    reopen(bench);
    assert_int_equal(folder_count(&bench->folder, "\"id\":\"refused\""), 101);
    assert_in_range(folder_count(&bench->folder, "\"request\":\"..."), 15, 17);
    free(text);
}

static void a_request_takes_no_promised_room(void **state)
{
    struct bench *bench = *state;
    struct journal_kept kept = {.query = VIEW_NONE};
    struct journal_facts facts = make_intent("kept");
    char *text = malloc(524288);

    memset(text, '.', 524288);
    text[0] = text[524287] = '"';
    kept.request = view_of(text, 524288);
    facts.kept = &kept;
    low_space(bench);
    faults.free_bytes = (1 << 30) + 65536;
    while (!state_of(bench).accepting)
        (void)sched_yield();
    assert_int_equal(inbox_submit(&bench->inbox, bench->journal, &facts, JOURNAL_SYNCED),
                     STATUS_OK);
    assert_int_equal(folder_count(&bench->folder, "\"id\":\"kept\""), 1);
    assert_int_equal(folder_count(&bench->folder, "\"request\":"), 0);
    free(text);
}

static void a_mailbox_may_go_before_its_results(void **state)
{
    struct bench *bench = *state;
    struct journal_facts facts = make_intent("a");
    struct inbox other;

    inbox_new(&other, bench->journal);
    faults_hang();
    assert_int_equal(journal_submit(bench->journal, other.mailbox, &facts, JOURNAL_SYNCED, 0),
                     STATUS_OK);
    faults_wait_hanging();
    inbox_free(&other);
    faults_release();
    assert_int_equal(conclude(bench, "a", OUTCOME_FAILED), STATUS_OK);
}

static void closing_gives_up_on_a_hanging_disk(void **state)
{
    struct bench *bench = *state;
    struct journal_facts facts = make_intent("a");
    int64_t start;

    faults_hang();
    assert_int_equal(
        journal_submit(bench->journal, bench->inbox.mailbox, &facts, JOURNAL_SYNCED, 0), STATUS_OK);
    faults_wait_hanging();
    start = clock_monotonic_us();
    journal_close(&bench->journal, 20);
    assert_null(bench->journal);
    assert_true(clock_monotonic_us() - start >= 20000);
    faults_release();
    inbox_wait(&bench->inbox, 1); /* the writer ends by itself, and cleans up */
    inbox_free(&bench->inbox);
    /* Until it let go of the lock. */
    for (;;) {
        struct err err;

        if (journal_open(&bench->folder.settings, &bench->journal, &err) == STATUS_OK)
            break;
        assert_non_null(strstr(err.text, "in use"));
        (void)sched_yield();
    }
    inbox_new(&bench->inbox, bench->journal);
}

/* ---- opening ---- */

static void an_open_that_fails_says_why(void **state)
{
    struct bench *bench = *state;
    static const struct {
        const char *name;
        struct call_fault *fault;
        int skip, error;
        const char *want;
    } rows[] = {
        {"lock file", &faults.openat, 0, EROFS, "can't write to the journal folder"},
        {"segment", &faults.openat, 1, EACCES, "can't append to the journal"},
        {"write", &faults.write, 0, EIO, "can't write the journal"},
        {"sync", &faults.fdatasync, 0, EIO, "can't write the journal"},
    };

    inbox_free(&bench->inbox);
    journal_close(&bench->journal, 10000);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = {STATUS_OK, {NULL, 0, 0}, ""};
        struct journal *journal = NULL;

        fault_set(rows[i].fault, rows[i].skip, -1, rows[i].error);
        assert_row(journal_open(&bench->folder.settings, &journal, &err) == STATUS_IO,
                   rows[i].name);
        assert_row(journal == NULL, rows[i].name);
        if (strstr(err.text, rows[i].want) == NULL)
            print_error("got %s\n", err.text);
        assert_row(strstr(err.text, rows[i].want) != NULL, rows[i].name);
        assert_row(strstr(err.text, bench->folder.journal) != NULL, rows[i].name);
        faults_clear();
    }
    bench->journal = folder_open(&bench->folder);
    inbox_new(&bench->inbox, bench->journal);
    assert_true(state_of(bench).accepting);
}

static void an_open_that_cant_mend_says_so(void **state)
{
    struct bench *bench = *state;
    struct err err;
    char *bytes;
    size_t len;

    inbox_free(&bench->inbox);
    journal_close(&bench->journal, 10000);
    bytes = folder_read(&bench->folder, "00000000000000000001.jsonl", &len);
    folder_write(&bench->folder, "00000000000000000001.jsonl", bytes, len - 1);
    free(bytes);
    fault_set(&faults.ftruncate, 1, -1, EIO); /* the lock file's is the first */
    assert_int_equal(journal_open(&bench->folder.settings, &bench->journal, &err), STATUS_IO);
    assert_non_null(strstr(err.text, "can't cut segment 00000000000000000001.jsonl"));
    faults_clear();
    folder_write(&bench->folder, "00000000000000000003.jsonl", "", 0);
    fault_set(&faults.unlinkat, 0, 1, EIO);
    assert_int_equal(journal_open(&bench->folder.settings, &bench->journal, &err), STATUS_IO);
    assert_non_null(strstr(err.text, "can't remove the empty segment"));
    faults_clear();
    bench->journal = folder_open(&bench->folder);
    inbox_new(&bench->inbox, bench->journal);
}

#define BENCH_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BENCH_TEST(short_writes_are_carried_on),
        BENCH_TEST(a_batch_is_one_write_and_one_sync),
        BENCH_TEST(written_comes_before_synced),
        BENCH_TEST(no_space_refuses_intents_and_comes_back),
        BENCH_TEST(no_space_is_told),
        BENCH_TEST(half_a_line_is_cut_off),
        BENCH_TEST(complete_lines_before_the_failure_count),
        BENCH_TEST(outcomes_wait_for_space),
        BENCH_TEST(settled_lines_and_orphans_wait_for_space),
        BENCH_TEST(waiting_orphans_take_no_promised_room),
        BENCH_TEST(too_many_waiting_orphans_are_lost_and_counted),
        BENCH_TEST(kept_outcomes_are_closed_by_the_next_start),
        BENCH_TEST(a_start_without_space_goes_on),
        BENCH_TEST(a_fresh_start_without_space_goes_on),
        BENCH_TEST(file_systems_that_cant_allocate_ahead_do),
        BENCH_TEST(without_a_new_segment_outcomes_find_their_room),
        BENCH_TEST(low_space_refuses_intents_but_writes_outcomes),
        BENCH_TEST(low_space_folds_refusals),
        BENCH_TEST(promised_room_counts_as_taken),
        BENCH_TEST(a_failed_sync_closes_the_segment),
        BENCH_TEST(a_sync_is_never_retried),
        BENCH_TEST(a_failed_write_closes_the_segment),
        BENCH_TEST(half_a_line_that_stays_is_damage),
        BENCH_TEST(a_segment_that_cant_be_taken_back_is_damage),
        BENCH_TEST(a_hanging_disk_fills_the_queue_to_its_limit),
        BENCH_TEST(the_queue_has_a_limit_in_bytes),
        BENCH_TEST(requests_are_left_out_before_lines_are),
        BENCH_TEST(a_request_takes_no_promised_room),
        BENCH_TEST(a_mailbox_may_go_before_its_results),
        BENCH_TEST(closing_gives_up_on_a_hanging_disk),
        BENCH_TEST(an_open_that_fails_says_why),
        BENCH_TEST(an_open_that_cant_mend_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
