/* SPDX-License-Identifier: Apache-2.0
 * Seals: where they stand, what they sign, and that they never cost another line its place. */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "journal/seal.h"

#include "faults.h"
#include "folder.h"

struct bench {
    struct folder folder;
    struct journal *journal;
    struct inbox inbox;
    struct ed25519_private key, other;
};

static int set_up(void **state)
{
    static struct bench bench;
    static const unsigned char seeds[2][ED25519_KEY_BYTES] = {{1, 2, 3}, {4, 5, 6}};

    faults_clear();
    log_configure(LOG_ERROR, LOG_TEXT);
    memset(&bench, 0, sizeof bench);
    folder_new(&bench.folder);
    assert_int_equal(ed25519_set_private(seeds[0], &bench.key), STATUS_OK);
    assert_int_equal(ed25519_set_private(seeds[1], &bench.other), STATUS_OK);
    bench.folder.settings.seal_key = &bench.key;
    bench.folder.settings.seal_every_us = (int64_t)3600 * 1000000;
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

static void submit(struct bench *bench, enum journal_event event)
{
    struct journal_facts facts = make_event(event);

    assert_int_equal(inbox_submit(&bench->inbox, bench->journal, &facts, JOURNAL_WRITTEN),
                     STATUS_OK);
}

static struct journal_state state_of(struct bench *bench)
{
    struct journal_state now;

    journal_get_state(bench->journal, &now);
    return now;
}

static void wait_for_seals(struct bench *bench, uint64_t seals)
{
    int64_t end_us = clock_monotonic_us() + 30000000;

    while (state_of(bench).seals < seals && clock_monotonic_us() < end_us)
        (void)sched_yield();
    assert_true(state_of(bench).seals >= seals);
}

/* ---- reading them with none of the journal's code ---- */

/* The text of a member, up to its closing quote. */
static struct view member(const char *line, const char *name)
{
    const char *at = strstr(line, name);

    assert_non_null(at);
    at += strlen(name);
    return view_of(at, strcspn(at, "\","));
}

static bool is_seal(const char *line)
{
    const char *end = strchr(line, '\n'), *at = strstr(line, "\"event\":\"seal\"");

    return at != NULL && end != NULL && at < end;
}

static bool verifies(const char *line, const struct ed25519_public *key)
{
    struct view signature = member(line, "\"signature\":\"");
    struct view head = member(line, "\"head\":\"");
    unsigned char raw[64];
    char text[256];
    int len = snprintf(text, sizeof text, "postern seal v1\n%.*s\n%.*s\n%.*s\n",
                       VIEW_ARGS(member(line, "\"seq\":")), VIEW_ARGS(head),
                       VIEW_ARGS(member(line, "\"time\":\"")));

    assert_int_equal(signature.len, 128);
    assert_true(view_eq(head, member(line, "\"prev\":\"")));
    if (!view_eq(member(line, "\"key\":\""), view_str(key->id)))
        return false;
    for (size_t i = 0; i < sizeof raw; i++) {
        const char pair[3] = {signature.ptr[2 * i], signature.ptr[2 * i + 1], '\0'};

        raw[i] = (unsigned char)strtoul(pair, NULL, 16);
    }
    return ed25519_verify(key, view_of(text, (size_t)len), raw);
}

/* Checks the seals of all segments: no two without a line between; gives their number, and those of
 * the other key. */
static size_t check_seals(const struct bench *bench, size_t *ret_other)
{
    char *all = folder_read_all(&bench->folder);
    size_t count = 0;
    bool before = false;

    *ret_other = 0;
    for (const char *at = all; *at != '\0'; at = strchr(at, '\n') + 1) {
        bool seal = is_seal(at);

        assert_false(seal && before);
        before = seal;
        if (!seal)
            continue;
        count++;
        *ret_other += verifies(at, &bench->other.public);
        assert_true(verifies(at, &bench->key.public) || verifies(at, &bench->other.public));
    }
    free(all);
    return count;
}

static size_t seals(const struct bench *bench)
{
    size_t other;

    return check_seals(bench, &other);
}

static bool ends_with_seal(const struct bench *bench, const char *name)
{
    size_t len;
    char *all = folder_read(&bench->folder, name, &len);
    const char *last = all;
    bool seal;

    for (const char *at = all; *at != '\0'; at = strchr(at, '\n') + 1)
        last = at;
    seal = is_seal(last);
    free(all);
    return seal;
}

/* ---- where they stand ---- */

static void one_stands_at_the_end_of_each_segment_and_behind_stop(void **state)
{
    struct bench *bench = *state;
    struct names names;

    bench->folder.settings.segment_bytes = 4096;
    start(bench);
    for (int i = 0; i < 200; i++)
        submit(bench, JOURNAL_ADMIN);
    assert_true(state_of(bench).sealing);
    assert_string_equal(state_of(bench).seal_key, bench->key.public.id);
    stop(bench);
    folder_segments(&bench->folder, &names);
    assert_true(names.count > 5);
    for (size_t i = 0; i < names.count; i++)
        assert_true(ends_with_seal(bench, names.name[i]));
    assert_int_equal(seals(bench), names.count);
    assert_int_equal(folder_count(&bench->folder, "\"event\":\"stop\""), 1);
}

static void a_line_is_sealed_in_time_and_an_idle_journal_never_again(void **state)
{
    struct bench *bench = *state;
    int64_t end_us;

    bench->folder.settings.seal_every_us = 50000;
    start(bench);
    wait_for_seals(bench, 1); /* of checkpoint and start */
    end_us = clock_monotonic_us() + 300000;
    while (clock_monotonic_us() < end_us)
        (void)sched_yield();
    assert_int_equal(state_of(bench).seals, 1);
    submit(bench, JOURNAL_REFUSAL);
    wait_for_seals(bench, 2);
    assert_int_equal(state_of(bench).seal_seq, state_of(bench).seq);
    while (journal_durable_seq(bench->journal) < state_of(bench).seq) /* it is synced soon */
        (void)sched_yield();
    stop(bench);
    assert_int_equal(seals(bench), 3);
}

static void a_seal_that_finds_no_place_begins_a_segment(void **state)
{
    struct bench *bench = *state;
    struct names names;

    bench->folder.settings.segment_bytes = 700; /* a checkpoint stands outside of it, a line fits */
    bench->folder.settings.seal_every_us = 50000;
    start(bench);
    submit(bench, JOURNAL_ADMIN);
    wait_for_seals(bench, 2);
    stop(bench);
    folder_segments(&bench->folder, &names);
    assert_true(names.count > 1);
    for (size_t i = 0; i < names.count; i++)
        assert_true(ends_with_seal(bench, names.name[i]));
    (void)seals(bench);
}

static void a_restart_goes_on_behind_a_seal(void **state)
{
    struct bench *bench = *state;

    for (int i = 0; i < 3; i++) {
        start(bench);
        assert_true(state_of(bench).accepting);
        stop(bench);
    }
    assert_int_equal(seals(bench), 3);
    assert_int_equal(folder_verify(&bench->folder), 1 + 3 * 3);
}

static bool is_event(const char *line, const char *event)
{
    return view_eq(member(line, "\"event\":\""), view_str(event));
}

/* What a start finds without a seal, left by a crash or written by somebody else, stays without one
 * up to the `start` of this run; also where a segment ends in between. */
static void nothing_is_sealed_before_the_start(void **state)
{
    struct bench *bench = *state;
    bool between = false;
    size_t ends = 0;
    char *all;

    bench->folder.settings.segment_bytes = 4096;
    for (int run = 0; run < 40; run++) {
        bench->folder.settings.seal_key = run % 2 == 0 ? NULL : &bench->key;
        start(bench);
        for (int i = 0; i < run; i++)
            submit(bench, JOURNAL_ADMIN);
        stop(bench);
    }
    all = folder_read_all(&bench->folder);
    for (const char *at = all; *at != '\0'; at = strchr(at, '\n') + 1) {
        assert_false(between && is_seal(at));
        ends += between && is_event(at, "checkpoint");
        between = (between || is_event(at, "stop")) && !is_event(at, "start");
        between = between && !is_seal(strchr(at, '\n') + 1);
    }
    free(all);
    assert_true(ends > 0);
}

/* Behind an orderly end a start stands behind a seal, even if a segment ends between them. */
static void a_start_stands_behind_a_seal(void **state)
{
    struct bench *bench = *state;
    const char *last = NULL, *before_last = NULL;
    size_t begun = 0;
    char *all;

    bench->folder.settings.segment_bytes = 4096;
    for (int run = 0; run < 40; run++) {
        start(bench);
        for (int i = 0; i < run % 7; i++)
            submit(bench, JOURNAL_ADMIN);
        stop(bench);
    }
    all = folder_read_all(&bench->folder);
    for (const char *at = all; *at != '\0'; at = strchr(at, '\n') + 1) {
        if (before_last != NULL && is_event(at, "start")) {
            assert_true(is_seal(last));
            begun += is_event(before_last, "checkpoint");
        }
        before_last = last;
        last = at;
    }
    free(all);
    assert_true(begun > 0);
    (void)seals(bench);
}

static void without_a_key_there_are_none(void **state)
{
    struct bench *bench = *state;

    bench->folder.settings.seal_key = NULL;
    bench->folder.settings.seal_every_us = 1000;
    start(bench);
    submit(bench, JOURNAL_ADMIN);
    assert_false(state_of(bench).sealing);
    stop(bench);
    assert_int_equal(seals(bench), 0);
}

static void a_new_key_signs_the_next_seal(void **state)
{
    struct bench *bench = *state;
    size_t other;

    bench->folder.settings.seal_every_us = 50000;
    start(bench);
    wait_for_seals(bench, 1);
    journal_seal_with(bench->journal, &bench->other);
    assert_string_equal(state_of(bench).seal_key, bench->other.public.id);
    stop(bench);
    assert_int_equal(check_seals(bench, &other), 2);
    assert_int_equal(other, 1);
}

/* Until it does, nothing proves that the key is the gateway's. */
static void a_changed_key_signs_at_once(void **state)
{
    struct bench *bench = *state;
    size_t other;

    start(bench); /* a seal every hour */
    submit(bench, JOURNAL_ADMIN);
    assert_int_equal(state_of(bench).seals, 0);
    journal_seal_with(bench->journal, &bench->other);
    wait_for_seals(bench, 1);
    submit(bench, JOURNAL_ADMIN);
    assert_int_equal(state_of(bench).seals, 1);
    journal_seal_with(bench->journal, &bench->other); /* the same again */
    submit(bench, JOURNAL_ADMIN);
    assert_int_equal(state_of(bench).seals, 1);
    stop(bench);
    assert_int_equal(check_seals(bench, &other), 2);
    assert_int_equal(other, 2);
    start(bench); /* with the one of before */
    wait_for_seals(bench, 1);
    submit(bench, JOURNAL_ADMIN);
    assert_int_equal(state_of(bench).seals, 1);
    stop(bench);
    start(bench);
    submit(bench, JOURNAL_ADMIN);
    assert_int_equal(state_of(bench).seals, 0);
    stop(bench);
}

/* ---- when space or the disk fails ---- */

static void a_full_disk_takes_the_seal_of_its_last_segment(void **state)
{
    struct bench *bench = *state;
    struct journal_facts outcome = make_outcome("open", OUTCOME_CREATED, "i");
    struct journal_facts intent = make_intent("open");
    enum status status = STATUS_OK;

    bench->folder.settings.segment_bytes = 4096;
    start(bench);
    assert_int_equal(inbox_submit(&bench->inbox, bench->journal, &intent, JOURNAL_SYNCED),
                     STATUS_OK);
    fault_set(&faults.fallocate, 0, -1, ENOSPC);
    for (int i = 0; i < 100 && status == STATUS_OK; i++) {
        struct journal_facts facts = make_event(JOURNAL_ADMIN);

        status = inbox_submit(&bench->inbox, bench->journal, &facts, JOURNAL_WRITTEN);
    }
    assert_false(state_of(bench).accepting);
    assert_true(state_of(bench).seals > 0);
    /* Its room is still there behind the seal. */
    assert_int_equal(inbox_submit(&bench->inbox, bench->journal, &outcome, JOURNAL_WRITTEN),
                     STATUS_OK);
    assert_int_equal(state_of(bench).existing, 1);
    fault_set(&faults.fallocate, 0, 0, 0);
    inbox_until_taken(&bench->inbox, bench->journal, "later");
    (void)seals(bench);
}

static void a_seal_that_fails_costs_nothing(void **state)
{
    struct bench *bench = *state;

    bench->folder.settings.seal_every_us = 50000;
    start(bench);
    wait_for_seals(bench, 1);
    submit(bench, JOURNAL_ADMIN);
    fault_set(&faults.write, 0, 1, ENOSPC); /* the next line is the seal */
    while (faults.write.times != 0)
        (void)sched_yield();
    inbox_until_taken(&bench->inbox, bench->journal, "later");
    wait_for_seals(bench, 2);
    (void)seals(bench);
}

static void half_a_seal_is_cut_off(void **state)
{
    struct bench *bench = *state;

    bench->folder.settings.seal_every_us = 50000;
    start(bench);
    wait_for_seals(bench, 1);
    submit(bench, JOURNAL_ADMIN);
    faults.write_before = 100;
    fault_set(&faults.write, 0, 1, EIO);
    while (faults.write.times != 0)
        (void)sched_yield();
    inbox_until_taken(&bench->inbox, bench->journal, "later");
    wait_for_seals(bench, 2);
    (void)seals(bench);
}

static void space_that_gets_short_is_said_in_time(void **state)
{
    struct bench *bench = *state;

    bench->folder.settings.low_space_bytes = 1 << 20;
    bench->folder.settings.warn_space_bytes = 64 << 20;
    start(bench);
    assert_false(state_of(bench).space_low);
    faults.free_bytes = (64 << 20) - 8192;
    while (!state_of(bench).space_low) /* though no line comes */
        (void)sched_yield();
    assert_true(state_of(bench).accepting);
    assert_true(state_of(bench).free_bytes <= (64 << 20) - 8192);
    inbox_until_taken(&bench->inbox, bench->journal, "still");
    faults.free_bytes = 128 << 20;
    while (state_of(bench).space_low)
        (void)sched_yield();
}

#define BENCH_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BENCH_TEST(one_stands_at_the_end_of_each_segment_and_behind_stop),
        BENCH_TEST(a_line_is_sealed_in_time_and_an_idle_journal_never_again),
        BENCH_TEST(a_seal_that_finds_no_place_begins_a_segment),
        BENCH_TEST(a_restart_goes_on_behind_a_seal),
        BENCH_TEST(nothing_is_sealed_before_the_start),
        BENCH_TEST(a_start_stands_behind_a_seal),
        BENCH_TEST(without_a_key_there_are_none),
        BENCH_TEST(a_new_key_signs_the_next_seal),
        BENCH_TEST(a_changed_key_signs_at_once),
        BENCH_TEST(a_full_disk_takes_the_seal_of_its_last_segment),
        BENCH_TEST(a_seal_that_fails_costs_nothing),
        BENCH_TEST(half_a_seal_is_cut_off),
        BENCH_TEST(space_that_gets_short_is_said_in_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
