/* SPDX-License-Identifier: Apache-2.0
 * What is handed on to readers beside the gateway: only what is on disk, with a wake when there is
 * more, and no segment goes that one of them, or something open, still needs. */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

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
    memset(&bench, 0, sizeof bench);
    folder_new(&bench.folder);
    *state = &bench;
    return 0;
}

static void start(struct bench *bench)
{
    bench->journal = folder_open(&bench->folder);
    inbox_new(&bench->inbox, bench->journal);
}

static void stop(struct bench *bench)
{
    inbox_free(&bench->inbox);
    journal_close(&bench->journal, 10000);
}

static int tear_down(void **state)
{
    struct bench *bench = *state;

    faults_clear();
    if (bench->journal != NULL)
        stop(bench);
    (void)folder_verify(&bench->folder);
    folder_remove(&bench->folder);
    return 0;
}

static void submit(struct bench *bench, enum journal_event event, enum journal_wait wait)
{
    struct journal_facts facts = make_event(event);

    assert_int_equal(inbox_submit(&bench->inbox, bench->journal, &facts, wait), STATUS_OK);
}

static uint64_t written(struct bench *bench)
{
    struct journal_state now;

    journal_get_state(bench->journal, &now);
    return now.seq;
}

static void only_what_was_synced_is_durable(void **state)
{
    struct bench *bench = *state;
    struct journal_facts facts = make_event(JOURNAL_ADMIN);

    start(bench);
    assert_int_equal(journal_durable_seq(bench->journal), 2); /* checkpoint, start */
    faults_hang();
    assert_int_equal(
        journal_submit(bench->journal, bench->inbox.mailbox, &facts, JOURNAL_SYNCED, 1), STATUS_OK);
    faults_wait_hanging();
    assert_int_equal(written(bench), 3);
    assert_int_equal(journal_durable_seq(bench->journal), 2);
    faults_release();
    inbox_wait(&bench->inbox, 1);
    assert_int_equal(journal_durable_seq(bench->journal), 3);
}

static void a_failed_sync_moves_nothing_by_itself(void **state)
{
    struct bench *bench = *state;
    struct journal_facts facts = make_event(JOURNAL_ADMIN);

    start(bench);
    fault_set(&faults.openat, 0, -1, EIO); /* nor is there a next segment */
    fault_set(&faults.fdatasync, 0, 1, EIO);
    assert_int_equal(inbox_submit(&bench->inbox, bench->journal, &facts, JOURNAL_SYNCED),
                     STATUS_IO);
    assert_int_equal(written(bench), 3);
    assert_int_equal(journal_durable_seq(bench->journal), 2);
    fault_set(&faults.openat, 0, 0, 0);
    /* The next segment's checkpoint goes on from that line: now it counts. */
    inbox_until_taken(&bench->inbox, bench->journal, "i");
    assert_true(journal_durable_seq(bench->journal) >= 4);
}

static void without_syncs_what_was_written_is_durable(void **state)
{
    struct bench *bench = *state;

    bench->folder.settings.durability = DURABILITY_WRITE;
    start(bench);
    for (uint64_t seq = 3; seq < 20; seq++) {
        submit(bench, JOURNAL_REFUSAL, JOURNAL_WRITTEN);
        assert_int_equal(journal_durable_seq(bench->journal), seq);
    }
}

static void what_a_killed_process_wrote_is_durable_after_the_start(void **state)
{
    struct bench *bench = *state;

    start(bench);
    for (int i = 0; i < 5; i++)
        submit(bench, JOURNAL_REFUSAL, JOURNAL_WRITTEN);
    stop(bench);
    assert_null(bench->journal);
    start(bench);
    assert_int_equal(journal_durable_seq(bench->journal), 2 + 5 + 1 + 1);
}

/* ---- the watch ---- */

struct watch {
    pthread_mutex_t lock;
    pthread_cond_t came;
    unsigned wakes;
    _Atomic bool ended;
};

static void on_wake(void *user)
{
    struct watch *watch = user;

    assert_false(watch->ended);
    (void)pthread_mutex_lock(&watch->lock);
    watch->wakes++;
    (void)pthread_cond_signal(&watch->came);
    (void)pthread_mutex_unlock(&watch->lock);
}

static void wait_for_wake(struct watch *watch, unsigned more_than)
{
    struct timespec due;
    int result = 0;

    (void)clock_gettime(CLOCK_MONOTONIC, &due);
    due.tv_sec += 30;
    (void)pthread_mutex_lock(&watch->lock);
    while (watch->wakes <= more_than && result == 0)
        result = pthread_cond_clockwait(&watch->came, &watch->lock, CLOCK_MONOTONIC, &due);
    (void)pthread_mutex_unlock(&watch->lock);
    assert_int_equal(result, 0);
}

static void a_watch_wakes_when_more_is_durable(void **state)
{
    struct bench *bench = *state;
    struct watch watch = {.lock = PTHREAD_MUTEX_INITIALIZER, .came = PTHREAD_COND_INITIALIZER};
    struct journal_facts facts = make_event(JOURNAL_ADMIN);
    unsigned before = 0;

    start(bench);
    journal_watch(bench->journal, on_wake, &watch);
    for (int i = 0; i < 10; i++) {
        uint64_t seq = journal_durable_seq(bench->journal) + 1;

        assert_int_equal(journal_submit(bench->journal, NULL, &facts, JOURNAL_NO_WAIT, 0),
                         STATUS_OK);
        while (journal_durable_seq(bench->journal) < seq) {
            wait_for_wake(&watch, before);
            before++;
        }
    }
    journal_watch(bench->journal, NULL, NULL);
}

static void *keep_writing(void *user)
{
    struct bench *bench = user;
    struct journal_facts facts = make_event(JOURNAL_REFUSAL);

    for (int i = 0; i < 2000; i++)
        (void)!journal_submit(bench->journal, NULL, &facts, JOURNAL_NO_WAIT, 0);
    return NULL;
}

/* Behind journal_watch(NULL) no wake comes, though the writer goes on. */
static void a_watch_ends_while_the_writer_runs(void **state)
{
    struct bench *bench = *state;
    pthread_t thread;

    bench->folder.settings.durability = DURABILITY_WRITE;
    start(bench);
    assert_int_equal(pthread_create(&thread, NULL, keep_writing, bench), 0);
    for (int i = 0; i < 50; i++) {
        struct watch watch = {.lock = PTHREAD_MUTEX_INITIALIZER, .came = PTHREAD_COND_INITIALIZER};

        journal_watch(bench->journal, on_wake, &watch);
        submit(bench, JOURNAL_REFUSAL, JOURNAL_WRITTEN);
        journal_hold(bench->journal, journal_durable_seq(bench->journal));
        journal_watch(bench->journal, NULL, NULL);
        watch.ended = true;
        assert_true(watch.wakes > 0);
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
}

/* ---- which segments stay ---- */

static const int64_t DAY_US = (int64_t)86400 * 1000000;

static void make_segments(struct bench *bench, struct names *ret)
{
    bench->folder.settings.segment_bytes = 2048;
    start(bench);
    for (int i = 0; i < 100; i++)
        submit(bench, JOURNAL_ADMIN, JOURNAL_WRITTEN);
    stop(bench);
    folder_segments(&bench->folder, ret);
    assert_true(ret->count > 6);
}

/* How long ago the segments began: those of the list, then all others as the last of it. */
static void set_begins(struct bench *bench, const int64_t *days, size_t count)
{
    const int64_t now_us = clock_now_us();
    int64_t begins_us[ARRAY_LEN(((struct names *)NULL)->name)];

    for (size_t i = 0; i < ARRAY_LEN(begins_us); i++)
        begins_us[i] = now_us - days[i < count ? i : count - 1] * DAY_US;
    folder_redate(&bench->folder, begins_us);
}

/* Some segments, all but the last one written 900 days ago. */
static void make_old_segments(struct bench *bench, struct names *ret)
{
    static const int64_t days[] = {900};

    make_segments(bench, ret);
    set_begins(bench, days, ARRAY_LEN(days));
}

static uint64_t first_seq(const struct names *names, size_t i)
{
    return strtoull(names->name[i], NULL, 10);
}

/* Lines until there is a new segment. */
static void rotate(struct bench *bench)
{
    struct names before, now;

    folder_segments(&bench->folder, &before);
    do {
        submit(bench, JOURNAL_ADMIN, JOURNAL_WRITTEN);
        folder_segments(&bench->folder, &now);
    } while (strcmp(now.name[now.count - 1], before.name[before.count - 1]) == 0);
    submit(bench, JOURNAL_ADMIN, JOURNAL_WRITTEN); /* behind the retirement */
}

static void a_hold_keeps_old_segments(void **state)
{
    struct bench *bench = *state;
    struct names before, now;

    make_old_segments(bench, &before);
    bench->folder.settings.held = true;
    start(bench);
    rotate(bench);
    folder_segments(&bench->folder, &now);
    assert_string_equal(now.name[0], before.name[0]); /* all, until it is said what is needed */
    /* The last line of the third: it stays, those before it go. */
    journal_hold(bench->journal, first_seq(&before, 3) - 1);
    rotate(bench);
    folder_segments(&bench->folder, &now);
    assert_string_equal(now.name[0], before.name[2]);
    journal_hold(bench->journal, first_seq(&before, 3));
    rotate(bench);
    folder_segments(&bench->folder, &now);
    assert_string_equal(now.name[0], before.name[3]);
    journal_hold(bench->journal, UINT64_MAX);
    rotate(bench);
    folder_segments(&bench->folder, &now);
    assert_true(first_seq(&now, 0) >= first_seq(&before, before.count - 1));
}

static void without_held_nothing_is_needed(void **state)
{
    struct bench *bench = *state;
    struct names before, now;

    make_old_segments(bench, &before);
    start(bench);
    folder_segments(&bench->folder, &now);
    assert_true(first_seq(&now, 0) >= first_seq(&before, before.count - 1));
}

/* An intent that is open, or whose outcome is unknown, began in a segment: that one stays, and all
 * behind it. A day before it is for clocks that were wrong. */
static void what_is_open_keeps_its_segment(void **state)
{
    struct bench *bench = *state;
    static const int64_t days[] = {503, 502, 502, 500, 499};
    struct names before, now;
    struct journal_facts facts = make_intent("open");

    make_old_segments(bench, &before);
    start(bench);
    stop(bench);
    make_old_segments(bench, &before);
    bench->folder.settings.keep_us = 1000 * DAY_US;
    start(bench);
    facts.time_us = clock_now_us() - 500 * DAY_US - DAY_US / 2;
    assert_int_equal(inbox_submit(&bench->inbox, bench->journal, &facts, JOURNAL_SYNCED),
                     STATUS_OK);
    stop(bench);
    folder_segments(&bench->folder, &now);
    assert_string_equal(now.name[0], before.name[0]);
    set_begins(bench, days, ARRAY_LEN(days)); /* as if time had gone on */
    bench->folder.settings.keep_us = 400 * DAY_US;
    start(bench); /* closes it as unknown */
    folder_segments(&bench->folder, &now);
    assert_string_equal(now.name[0], before.name[2]);
    facts = make_event(JOURNAL_SETTLED);
    facts.id = VIEW("open");
    facts.operation = &operations[OP_DEMANAGER_CREATE];
    facts.outcome = OUTCOME_FAILED;
    assert_int_equal(inbox_submit(&bench->inbox, bench->journal, &facts, JOURNAL_SYNCED),
                     STATUS_OK);
    rotate(bench);
    folder_segments(&bench->folder, &now);
    assert_true(first_seq(&now, 0) > first_seq(&before, 2));
}

static void touch(const struct folder *folder, const char *name, int64_t at_us)
{
    const struct timespec times[2] = {{.tv_sec = at_us / 1000000}, {.tv_sec = at_us / 1000000}};
    char path[160];

    (void)snprintf(path, sizeof path, "%s/%s", folder->journal, name);
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

/* Copies and backups give files other times. */
static void the_times_of_files_tell_nothing(void **state)
{
    static const int64_t days[] = {900, 900, 900, 300};
    struct bench *bench = *state;
    struct names before, now;

    make_segments(bench, &before);
    set_begins(bench, days, ARRAY_LEN(days));
    touch(&bench->folder, before.name[0], clock_now_us() + 9000 * DAY_US);
    touch(&bench->folder, before.name[2], 0);
    start(bench);
    folder_segments(&bench->folder, &now);
    assert_string_equal(now.name[0], before.name[2]);
}

/* How long ago each segment began, by a clock that was wrong for a while, and which is the first
 * that stays. */
static void clocks_that_were_wrong_hold_nothing_back_and_let_nothing_go(void **state)
{
    static const struct {
        const char *name;
        int64_t days[6];
        size_t first;
    } rows[] = {
        {"right", {900, 800, 700, 300, 200, 100}, 2},
        {"ahead", {900, -9000, 700, 300, 200, 100}, 2},
        {"ahead at first", {-9000, 800, 700, 300, 200, 100}, 2},
        {"ahead, and young behind it", {900, -9000, 300, 200, 200, 100}, 0},
        {"ahead all the time", {-9000, -9000, -9000, -9000, -9000, -9000}, 0},
        {"behind", {900, 19000, 300, 200, 200, 100}, 0},
        {"behind, and old behind it", {900, 19000, 700, 300, 200, 100}, 2},
        {"behind all the time", {19000, 19000, 19000, 300, 200, 100}, 2},
    };
    struct bench *bench = *state;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct names before, now;

        make_segments(bench, &before);
        set_begins(bench, rows[i].days, ARRAY_LEN(rows[i].days));
        start(bench);
        folder_segments(&bench->folder, &now);
        assert_row(strcmp(now.name[0], before.name[rows[i].first]) == 0, rows[i].name);
        stop(bench);
        folder_remove(&bench->folder);
        folder_new(&bench->folder);
    }
    start(bench);
}

/* Damage, which a start doesn't look for in old segments, holds nothing back either. */
static void a_line_that_tells_no_time_is_passed_over(void **state)
{
    struct bench *bench = *state;
    struct names before, now;
    int64_t begins_us[ARRAY_LEN(before.name)];

    make_segments(bench, &before);
    for (size_t i = 0; i < ARRAY_LEN(begins_us); i++)
        begins_us[i] = clock_now_us() - (i < 4 ? 900 : 10) * DAY_US;
    begins_us[1] = begins_us[2] = 0;
    folder_redate(&bench->folder, begins_us);
    start(bench);
    folder_segments(&bench->folder, &now);
    assert_string_equal(now.name[0], before.name[3]);
}

#define BENCH_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BENCH_TEST(only_what_was_synced_is_durable),
        BENCH_TEST(a_failed_sync_moves_nothing_by_itself),
        BENCH_TEST(without_syncs_what_was_written_is_durable),
        BENCH_TEST(what_a_killed_process_wrote_is_durable_after_the_start),
        BENCH_TEST(a_watch_wakes_when_more_is_durable),
        BENCH_TEST(a_watch_ends_while_the_writer_runs),
        BENCH_TEST(a_hold_keeps_old_segments),
        BENCH_TEST(without_held_nothing_is_needed),
        BENCH_TEST(what_is_open_keeps_its_segment),
        BENCH_TEST(the_times_of_files_tell_nothing),
        BENCH_TEST(clocks_that_were_wrong_hold_nothing_back_and_let_nothing_go),
        BENCH_TEST(a_line_that_tells_no_time_is_passed_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
