/* SPDX-License-Identifier: Apache-2.0
 * One sink and what may befall it. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "unit/sinks/scene.h"

static struct scene scene;

static int set_up(void **state)
{
    (void)state;
    scene_begin(&scene);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    scene_end(&scene);
    return 0;
}

static void a_new_one_begins_at_the_first_line(void **state)
{
    (void)state;
    scene_write(&scene, 25, false);
    scene_write(&scene, 5, true);
    scene_open(&scene);
    scene_run(&scene);
    scene_expect(&scene, 1, 30);
    assert_int_equal(scene.largest, 10);
    assert_int_equal(scene_state(&scene).delivered, 30);
    assert_int_equal(scene_state(&scene).batches, 3);
}

static void a_new_one_may_begin_now(void **state)
{
    (void)state;
    scene.settings.from_now = true;
    scene_write(&scene, 25, false);
    scene_open(&scene);
    scene_kill(&scene);
    /* It is no new one any more. */
    scene_write(&scene, 2, true);
    scene_open(&scene);
    scene_write(&scene, 3, false);
    scene_run(&scene);
    scene_expect(&scene, 26, 30);
}

/* What is behind it may stand in a segment of its own already. */
static void now_is_behind_what_is_on_disk(void **state)
{
    (void)state;
    scene.settings.from_now = true;
    scene_write(&scene, 5, false);
    scene_write(&scene, 2, true);
    scene.seq = 5;
    scene_open(&scene);
    scene.seq = 7;
    scene_run(&scene);
    scene_expect(&scene, 6, 7);
}

static void nothing_goes_before_it_is_on_disk(void **state)
{
    (void)state;
    scene_write(&scene, 3, false);
    scene_open(&scene);
    scene_run(&scene);
    scene_write(&scene, 4, false);
    sink_wake(&scene.sink, 5);
    while (scene_state(&scene).lag_lines > 0)
        (void)event_base_loop(scene.base, EVLOOP_NONBLOCK);
    scene_expect(&scene, 1, 5);
    scene_run(&scene);
    scene_expect(&scene, 1, 7);
}

static void what_may_have_arrived_goes_again_as_the_same_batch(void **state)
{
    (void)state;
    scene_write(&scene, 7, false);
    scene.conduct = CONDUCT_DEAF;
    scene_open(&scene);
    scene_run_sends(&scene, 1);
    scene_kill(&scene);
    /* More lines would fit now, and another name. */
    scene_write(&scene, 20, false);
    scene.env.gateway = "renamed";
    scene.settings.batch = 100;
    scene.conduct = CONDUCT_TAKE;
    scene_open(&scene);
    scene_run(&scene);
    assert_int_equal(scene.repeats, 1);
    assert_true(view_starts(view_str(scene.ids[0].id), VIEW("gw/1-7-")));
    assert_true(view_starts(view_str(scene.ids[1].id), VIEW("renamed/8-27-")));
    assert_memory_equal(scene.ids[1].id + strlen("renamed/8-27-"), scene.prev, 16);
    assert_int_equal(strlen(scene.ids[1].id), strlen("renamed/8-27-") + 16);
    scene_expect(&scene, 1, 27);
}

/* Of a gateway of the same name, or behind a power loss that took lines along. */
static void other_lines_of_the_same_seqs_are_another_batch(void **state)
{
    (void)state;
    scene_write(&scene, 7, false);
    scene.conduct = CONDUCT_DEAF;
    scene_open(&scene);
    scene_run_sends(&scene, 1);
    scene_kill(&scene);
    scene_forget_journal(&scene, 1);
    scene_write(&scene, 3, false);
    scene_write(&scene, 4, false);
    scene.conduct = CONDUCT_TAKE;
    scene_open(&scene);
    scene_run(&scene);
    assert_int_equal(scene.repeats, 0);
    assert_int_equal(scene.id_count, 2);
    assert_int_equal(scene.ids[1].last, 7);
}

static void a_clean_stop_keeps_the_bounds_of_what_hangs(void **state)
{
    (void)state;
    scene_write(&scene, 7, false);
    scene.conduct = CONDUCT_DEAF;
    scene_open(&scene);
    scene_run_sends(&scene, 1);
    scene_close(&scene);
    scene_write(&scene, 20, false);
    scene.conduct = CONDUCT_TAKE;
    scene_open(&scene);
    scene_run(&scene);
    assert_int_equal(scene.repeats, 1);
    scene_expect(&scene, 1, 27);
}

static void halves_what_is_too_big_and_grows_again(void **state)
{
    (void)state;
    scene.settings.batch = 16;
    scene_write(&scene, 20, false);
    scene.conduct = CONDUCT_TOO_BIG;
    scene_open(&scene);
    scene_run(&scene);
    scene_expect(&scene, 1, 20);
    scene.conduct = CONDUCT_TAKE;
    scene.largest = 0;
    scene_write(&scene, 100, false);
    scene_run(&scene);
    scene_expect(&scene, 1, 120);
    assert_int_equal(scene.largest, 16);
}

static void says_what_was_taken_away_and_goes_on(void **state)
{
    (void)state;
    scene_write(&scene, 5, false);
    scene_open(&scene);
    scene_run(&scene);
    scene_close(&scene);
    scene_write(&scene, 5, false);
    scene_write(&scene, 10, true); /* 11..20 */
    scene_write(&scene, 10, true); /* 21..30 */
    scene_remove_segment(&scene, 1);
    scene_remove_segment(&scene, 11);
    scene_open(&scene);
    scene_run(&scene);
    assert_int_equal(scene_state(&scene).lost, 15);
    assert_int_equal(scene_state(&scene).rewinds, 0);
    assert_int_equal(scene.got_count, 15);
    assert_int_equal(scene.got[5], 21);
}

static void says_what_was_taken_away_from_a_new_one(void **state)
{
    (void)state;
    scene_write(&scene, 5, false);
    scene.conduct = CONDUCT_AWAY;
    scene_open(&scene);
    scene_run_sends(&scene, 1);
    scene_close(&scene);
    scene_write(&scene, 10, true);
    scene_remove_segment(&scene, 1);
    scene.conduct = CONDUCT_TAKE;
    scene_open(&scene);
    scene_run(&scene);
    assert_int_equal(scene_state(&scene).lost, 5);
    scene_expect(&scene, 6, 15);
}

static void nothing_is_lost_with_a_segment_that_was_through(void **state)
{
    (void)state;
    scene_write(&scene, 5, false);
    scene_open(&scene);
    scene_run(&scene);
    scene_close(&scene);
    scene_write(&scene, 10, true);
    scene_remove_segment(&scene, 1);
    scene_open(&scene);
    scene_run(&scene);
    assert_int_equal(scene_state(&scene).lost, 0);
    scene_expect(&scene, 1, 15);
}

static void tells_another_journal_by_the_hash(void **state)
{
    (void)state;
    scene_write(&scene, 5, false);
    scene_open(&scene);
    scene_run(&scene);
    scene_close(&scene);
    /* The same places, other lines: only the first hash differs. */
    scene_forget_journal(&scene, 1);
    memset(scene.prev, '1', DIGEST_HEX_BYTES);
    scene_write(&scene, 8, false);
    scene_open(&scene);
    scene_run(&scene);
    assert_int_equal(scene_state(&scene).rewinds, 1);
    assert_int_equal(scene.got_count, 5 + 8);
    assert_int_equal(scene.got[5], 1);
}

static void tells_another_journal_that_is_shorter(void **state)
{
    (void)state;
    scene_write(&scene, 50, false);
    scene_open(&scene);
    scene_run(&scene);
    scene_close(&scene);
    scene_forget_journal(&scene, 1);
    scene_write(&scene, 3, false);
    scene_open(&scene);
    scene_run_sends(&scene, scene.sends + 1);
    assert_int_equal(scene_state(&scene).rewinds, 1);
    assert_int_equal(scene.got_count, 53);
    /* And only once. */
    scene_close(&scene);
    scene_write(&scene, 1, false);
    scene_open(&scene);
    scene_run(&scene);
    assert_int_equal(scene_state(&scene).rewinds, 0);
    assert_int_equal(scene.got_count, 54);
}

/* Its segment isn't there, a later one is, and so are older ones. */
static void another_journal_is_begun_at_its_first_segment(void **state)
{
    (void)state;
    scene_forget_journal(&scene, 401);
    scene_write(&scene, 100, false);
    scene_open(&scene);
    scene_run(&scene);
    scene_close(&scene);
    scene_forget_journal(&scene, 1);
    scene.got_count = scene.id_count = 0;
    scene_write(&scene, 449, false);
    scene_write(&scene, 60, true);
    scene_open(&scene);
    scene_run(&scene);
    scene_expect(&scene, 1, 509);
    assert_int_equal(scene_state(&scene).rewinds, 1);
}

/* Where another line begins, and not the next one. */
static void lines_are_not_lost_within_a_segment(void **state)
{
    char path[160], text[320];
    struct stat facts;
    int fd;

    (void)state;
    scene_write(&scene, 9, false);
    (void)snprintf(path, sizeof path, "%s/%020d.jsonl", scene.journal, 1);
    assert_int_equal(stat(path, &facts), 0);
    scene_write(&scene, 5, false);
    fd = openat(scene.dir_fd, "one.position", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    (void)snprintf(text, sizeof text,
                   "{\"v\":1,\"seq\":3,\"segment\":1,\"offset\":%lld,\"line\":10,\"hash\":\"%s\"}",
                   (long long)facts.st_size, scene.prev);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(close(fd), 0);
    scene_open(&scene);
    scene_run(&scene);
    scene_expect(&scene, 1, 14);
    assert_int_equal(scene_state(&scene).lost, 0);
}

/* The bounds of what was sent behind a rewind are below what was delivered of the other journal. */
static void goes_on_behind_a_rewind_that_a_crash_cut_off(void **state)
{
    (void)state;
    scene_write(&scene, 40, false);
    scene_open(&scene);
    scene_run(&scene);
    scene_close(&scene);
    scene_forget_journal(&scene, 1);
    scene.prev[0] = '1';
    scene.got_count = scene.id_count = 0;
    scene_write(&scene, 45, false);
    scene.conduct = CONDUCT_DEAF;
    scene.sends = 0;
    scene_open(&scene);
    scene_run_sends(&scene, 1);
    assert_int_equal(sink_needs(&scene.sink), 1);
    scene_kill(&scene);
    scene.settings.batch = 15; /* the same lines all the same */
    scene.conduct = CONDUCT_TAKE;
    scene_open(&scene);
    scene_run_sends(&scene, 2);
    scene_run(&scene);
    assert_int_equal(scene.repeats, 1);
    scene_expect(&scene, 1, 45);
}

static void passes_what_is_no_line(void **state)
{
    (void)state;
    scene_write(&scene, 11, false);
    scene_replace(&scene, 1, 6, "{\"v\":1,\"seq\":6,\"prev\":", 1);
    scene_open(&scene);
    scene_run(&scene);
    assert_int_equal(scene_state(&scene).unreadable, 1);
    assert_int_equal(scene_state(&scene).lost, 0);
    assert_int_equal(scene.got_count, 10);
    assert_int_equal(scene.got[5], 7);
}

static void a_position_that_cannot_be_read_begins_anew(void **state)
{
    const int fd = openat(scene.dir_fd, "one.position", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    (void)state;
    assert_int_equal(write(fd, "{\"v\":1,\"seq\":", 13), 13);
    assert_int_equal(close(fd), 0);
    scene.settings.from_now = true; /* it isn't new: better twice than not */
    scene_write(&scene, 5, false);
    scene_open(&scene);
    scene_run(&scene);
    scene_expect(&scene, 1, 5);
}

static void sends_nothing_whose_bounds_cannot_be_written(void **state)
{
    (void)state;
    scene_open(&scene);
    assert_int_equal(mkdirat(scene.dir_fd, "one.position.next", 0700), 0);
    scene_write(&scene, 5, false);
    scene_turn(&scene);
    while (scene_state(&scene).failures < 3)
        (void)event_base_loop(scene.base, EVLOOP_NONBLOCK);
    assert_int_equal(scene.sends, 0);
    assert_true(scene_state(&scene).away_since_us != 0);
    assert_int_equal(unlinkat(scene.dir_fd, "one.position.next", AT_REMOVEDIR), 0);
    scene_run(&scene);
    scene_expect(&scene, 1, 5);
    assert_int_equal(scene_state(&scene).away_since_us, 0);
}

static void is_well_again_once_its_position_is_written(void **state)
{
    (void)state;
    scene_write(&scene, 5, false);
    scene_open(&scene);
    sink_wake(&scene.sink, scene.seq);
    while (scene.got_count < 5)
        (void)event_base_loop(scene.base, EVLOOP_NONBLOCK);
    assert_int_equal(mkdirat(scene.dir_fd, "one.position.next", 0700), 0);
    while (scene_state(&scene).failures == 0)
        scene_turn(&scene);
    assert_true(scene_state(&scene).away_since_us != 0);
    assert_int_equal(unlinkat(scene.dir_fd, "one.position.next", AT_REMOVEDIR), 0);
    for (int64_t until_us = clock_monotonic_us() + 5000000;
         scene_state(&scene).away_since_us != 0;) {
        assert_true(clock_monotonic_us() < until_us);
        scene_turn(&scene);
    }
    assert_string_equal(scene_state(&scene).why, "");
}

static void needs_what_a_crash_would_send_again(void **state)
{
    (void)state;
    scene_write(&scene, 12, false);
    scene.conduct = CONDUCT_HANG;
    scene_open(&scene);
    assert_int_equal(sink_needs(&scene.sink), 0);
    scene_run_sends(&scene, 1);
    assert_int_equal(sink_needs(&scene.sink), 0);
    scene_close(&scene);
    scene.conduct = CONDUCT_TAKE;
    scene_write(&scene, 3, true); /* 13..15 */
    scene_open(&scene);
    scene_run(&scene);
    scene_turn(&scene);
    assert_int_equal(sink_needs(&scene.sink), 13);
}

static void is_patient_with_who_refuses(void **state)
{
    (void)state;
    scene_write(&scene, 3, false);
    scene.conduct = CONDUCT_REFUSE;
    scene_open(&scene);
    scene_run_sends(&scene, 5);
    assert_true(scene_state(&scene).refusals >= 4);
    assert_string_equal(scene_state(&scene).why, "as told");
    assert_int_equal(scene_state(&scene).lag_lines, 3);
    assert_true(scene_state(&scene).oldest_us > 0);
    scene.conduct = CONDUCT_TAKE;
    scene_run(&scene);
    assert_string_equal(scene_state(&scene).why, "");
    scene_expect(&scene, 1, 3);
}

/* However far behind it is, it holds a batch and no more. */
static void memory_is_bounded_by_a_batch(void **state)
{
    (void)state;
    scene.settings.batch = BATCH_LINES_MAX;
    scene_write(&scene, 30000, false);
    scene.conduct = CONDUCT_HANG;
    scene_open(&scene);
    scene_run_sends(&scene, 1);
    assert_true(scene.sink.batch.text.len >= BATCH_BYTES);
    assert_true(scene.sink.batch.text.len < BATCH_BYTES + 1024);
    assert_true(scene.sink.batch.text.cap <= (size_t)3 * BATCH_BYTES);
    scene_kill(&scene);
    scene.conduct = CONDUCT_TAKE;
    scene_open(&scene);
    scene_run(&scene);
    scene_expect(&scene, 1, 30000);
}

/* ---- damage ---- */

/* What the receiver has is first..last but for one line. */
static void expect_all_but(uint64_t first, uint64_t last, uint64_t but)
{
    size_t at = 0;

    assert_int_equal(scene.got_count, last - first);
    for (uint64_t seq = first; seq <= last; seq++) {
        if (seq != but)
            assert_int_equal(scene.got[at++], seq);
    }
}

/* Of what is on disk, in an older segment or in the last one. */
static void a_seq_that_was_changed_costs_that_line_only(void **state)
{
    static const uint64_t says[] = {9020, 35, 55, 7, 1, UINT64_MAX - 1};

    (void)state;
    for (unsigned older = 0; older < 2; older++) {
        for (size_t i = 0; i < ARRAY_LEN(says); i++) {
            scene_end(&scene);
            scene_begin(&scene);
            scene_write(&scene, 40, false);
            scene_write(&scene, 20, older == 1);
            scene_renumber(&scene, 1, 20, says[i]);
            scene_open(&scene);
            scene_run(&scene);
            scene_close(&scene);
            expect_all_but(1, 60, 20);
            scene_open(&scene);
            scene_write(&scene, 5, false);
            scene_run(&scene);
            expect_all_but(1, 65, 20);
            assert_int_equal(scene_state(&scene).lost, 0);
            assert_int_equal(scene_state(&scene).rewinds, 0);
        }
    }
}

/* What is held back is never ahead of what was delivered. */
static void much_that_is_no_line_moves_nothing(void **state)
{
    (void)state;
    scene_write(&scene, 40, false);
    scene_write(&scene, 10, true); /* 41..50 */
    scene_write(&scene, 10, true); /* 51..60 */
    scene_replace(&scene, 1, 20, "", 45000);
    scene_open(&scene);
    sink_wake(&scene.sink, scene.seq);
    while (scene_state(&scene).lag_lines > 0) {
        (void)event_base_loop(scene.base, EVLOOP_NONBLOCK);
        assert_true(sink_needs(&scene.sink) <= (scene.got_count < 39   ? 1
                                                : scene.got_count < 49 ? 41
                                                                       : 51));
    }
    expect_all_but(1, 60, 20);
    assert_int_equal(scene_state(&scene).unreadable, 45000);
    assert_int_equal(scene_state(&scene).lost, 0);
}

static void damage_before_a_crash_keeps_the_bounds(void **state)
{
    (void)state;
    scene_write(&scene, 5, false);
    scene_open(&scene);
    scene_run(&scene);
    scene_turn(&scene);
    scene_write(&scene, 12, false);
    scene_replace(&scene, 1, 6, "", 25000);
    scene.conduct = CONDUCT_DEAF;
    scene_run_sends(&scene, 2);
    scene_kill(&scene);
    scene.settings.batch = 100;
    scene.conduct = CONDUCT_TAKE;
    scene_open(&scene);
    scene_run(&scene);
    assert_int_equal(scene.repeats, 1);
    expect_all_but(1, 17, 6);
    assert_int_equal(scene_state(&scene).rewinds, 0);
}

/* The line before it proves the place. */
static void a_damaged_line_behind_its_place_is_passed_over(void **state)
{
    (void)state;
    scene_write(&scene, 10, false);
    scene_open(&scene);
    scene_run(&scene);
    scene_close(&scene);
    scene_write(&scene, 5, false);
    scene_replace(&scene, 1, 11, "{\"v\":1,\"seq\":11,\"prev\":", 1);
    scene_open(&scene);
    scene_run(&scene);
    expect_all_but(1, 15, 11);
    assert_int_equal(scene_state(&scene).rewinds, 0);
    assert_int_equal(scene_state(&scene).unreadable, 1);
}

static void a_damaged_segment_behind_its_place_is_passed_over(void **state)
{
    (void)state;
    scene_write(&scene, 10, false);
    scene_open(&scene);
    scene_run(&scene);
    scene_close(&scene);
    scene_write(&scene, 5, true);
    scene_renumber(&scene, 11, 1, 13);
    scene_open(&scene);
    scene_run(&scene);
    expect_all_but(1, 15, 11);
    assert_int_equal(scene_state(&scene).rewinds, 0);
    assert_int_equal(scene_state(&scene).unreadable, 1);
}

static void damage_to_what_was_delivered_changes_nothing(void **state)
{
    (void)state;
    scene_write(&scene, 10, false);
    scene_open(&scene);
    scene_run(&scene);
    scene_close(&scene);
    scene_write(&scene, 5, false);
    scene_renumber(&scene, 1, 10, 12);
    scene_open(&scene);
    scene_run(&scene);
    scene_expect(&scene, 1, 15);
    assert_int_equal(scene_state(&scene).rewinds, 0);
}

/* Which moves it. */
static void damage_before_what_was_delivered_changes_nothing(void **state)
{
    (void)state;
    for (unsigned times = 0; times < 3; times++) {
        scene_end(&scene);
        scene_begin(&scene);
        scene_write(&scene, 10, false);
        scene_open(&scene);
        scene_run(&scene);
        scene_close(&scene);
        scene_write(&scene, times, false);
        scene_replace(&scene, 1, 5, "a line that is no line, and longer than the one before",
                      7 * times);
        scene_open(&scene);
        scene_write(&scene, 5, times > 0);
        scene_run(&scene);
        scene_expect(&scene, 1, scene.seq);
        assert_int_equal(scene_state(&scene).rewinds, 0);
    }
}

/* Then neither neighbour proves the place. */
static void damage_on_both_sides_of_its_place_rewinds(void **state)
{
    (void)state;
    scene_write(&scene, 10, false);
    scene_open(&scene);
    scene_run(&scene);
    scene_close(&scene);
    scene_write(&scene, 5, false);
    scene_renumber(&scene, 1, 10, 12);
    scene_replace(&scene, 1, 11, "{", 1);
    scene_open(&scene);
    scene_run(&scene);
    assert_int_equal(scene_state(&scene).rewinds, 1);
    assert_int_equal(scene.got_count, 10 + 13);
}

static void an_end_that_cannot_be_read_is_no_lag(void **state)
{
    (void)state;
    scene_write(&scene, 5, false);
    scene_replace(&scene, 1, 5, "{", 1);
    scene_open(&scene);
    scene_run(&scene);
    scene_expect(&scene, 1, 4);
    sink_drain(&scene.sink);
    assert_true(sink_is_drained(&scene.sink));
    /* What follows isn't on disk yet. */
    scene_write(&scene, 3, false);
    sink_wake(&scene.sink, 5);
    (void)event_base_loop(scene.base, EVLOOP_NONBLOCK);
    scene_expect(&scene, 1, 4);
    scene_run(&scene);
    expect_all_but(1, 8, 5);
    assert_int_equal(scene_state(&scene).unreadable, 1);
    assert_int_equal(scene_state(&scene).lost, 0);
}

/* The damage hides where the lines on disk end. */
static void what_follows_damage_waits_for_the_disk(void **state)
{
    (void)state;
    scene_write(&scene, 8, false);
    scene_replace(&scene, 1, 5, "{", 1);
    scene.seq = 5;
    scene_open(&scene);
    for (unsigned i = 0; i < 5; i++)
        scene_turn(&scene);
    scene_expect(&scene, 1, 4);
    scene.seq = 8;
    scene_run(&scene);
    expect_all_but(1, 8, 5);
    assert_int_equal(scene_state(&scene).unreadable, 1);
}

static void nothing_goes_while_the_journal_is_damaged(void **state)
{
    (void)state;
    scene_write(&scene, 30, false);
    scene_open(&scene);
    scene_run(&scene);
    scene_close(&scene);
    scene.seq = 20; /* what can be read */
    scene.env.damaged = true;
    scene.sends = 0;
    scene_open(&scene);
    scene_turn(&scene);
    assert_int_equal(scene.sends, 0);
    assert_int_equal(sink_needs(&scene.sink), 0);
    assert_string_equal(scene_state(&scene).why, "the journal is damaged");
    sink_drain(&scene.sink);
    assert_true(sink_is_drained(&scene.sink));
    scene_close(&scene);
    /* Repaired. */
    scene.env.damaged = false;
    scene.seq = 30;
    scene_write(&scene, 5, true);
    scene_replace(&scene, 1, 21, "{", 1);
    scene_open(&scene);
    scene_run(&scene);
    scene_expect(&scene, 1, 35);
    assert_int_equal(scene_state(&scene).rewinds, 0);
}

static void a_new_one_waits_for_the_repair(void **state)
{
    (void)state;
    scene.settings.from_now = true;
    scene_write(&scene, 30, false);
    scene.env.damaged = true;
    scene_open(&scene);
    scene_turn(&scene);
    scene_close(&scene);
    assert_int_not_equal(faccessat(scene.dir_fd, "one.position", F_OK, 0), 0);
    scene.env.damaged = false;
    scene_open(&scene);
    scene_write(&scene, 5, true);
    scene_run(&scene);
    scene_expect(&scene, 31, 35);
}

/* ---- its place ---- */

static void put_position(uint64_t seq, uint64_t segment)
{
    const int fd = openat(scene.dir_fd, "one.position", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    char text[320];

    (void)snprintf(
        text, sizeof text,
        "{\"v\":1,\"seq\":%llu,\"segment\":%llu,\"offset\":50,\"line\":2,\"hash\":\"%s\"}",
        (unsigned long long)seq, (unsigned long long)segment, scene.prev);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(close(fd), 0);
}

/* It may be a longer journal's, of which a backup was put back. */
static void a_place_that_nothing_proves_lets_nothing_go(void **state)
{
    (void)state;
    scene_write(&scene, 40, false);
    scene_write(&scene, 10, true); /* 41..50 */
    put_position(5000, 4900);
    scene.conduct = CONDUCT_HANG;
    scene_open(&scene);
    assert_int_equal(sink_needs(&scene.sink), 0);
    scene_run_sends(&scene, 1);
    assert_int_equal(sink_needs(&scene.sink), 0);
    assert_int_equal(scene_state(&scene).rewinds, 1);
    assert_int_equal(scene_state(&scene).lag_lines, 50);
    scene_close(&scene);
    scene.conduct = CONDUCT_TAKE;
    scene_open(&scene);
    scene_run(&scene);
    scene_turn(&scene);
    scene_expect(&scene, 1, 50);
    assert_int_equal(sink_needs(&scene.sink), 41);
    assert_int_equal(scene_state(&scene).rewinds, 0);
}

/* Not at the journal's first line, and not with another rewind. */
static void a_crash_behind_a_rewind_goes_on_in_its_segment(void **state)
{
    (void)state;
    scene_write(&scene, 40, false);
    scene_write(&scene, 10, true); /* 41..50 */
    put_position(45, 41);
    scene.conduct = CONDUCT_DEAF;
    scene_open(&scene);
    scene_run_sends(&scene, 1);
    assert_int_equal(sink_needs(&scene.sink), 41);
    assert_int_equal(scene_state(&scene).rewinds, 1);
    scene_kill(&scene);
    scene.settings.batch = 3; /* the same lines all the same */
    scene.conduct = CONDUCT_TAKE;
    scene_open(&scene);
    scene_run(&scene);
    scene_expect(&scene, 41, 50);
    assert_int_equal(scene.repeats, 1);
    assert_int_equal(scene_state(&scene).rewinds, 0);
}

/* What was written last is there still: retention needs no more for it, and a full disk gets room.
 */
static void a_position_that_fails_holds_no_more_than_before(void **state)
{
    (void)state;
    scene_write(&scene, 40, false);
    scene_write(&scene, 10, true); /* 41..50 */
    scene_open(&scene);
    scene_run(&scene);
    scene_turn(&scene);
    assert_int_equal(sink_needs(&scene.sink), 41);
    assert_int_equal(mkdirat(scene.dir_fd, "one.position.next", 0700), 0);
    scene_write(&scene, 5, false);
    while (scene_state(&scene).failures == 0)
        scene_turn(&scene);
    assert_int_equal(sink_needs(&scene.sink), 41);
    assert_int_equal(unlinkat(scene.dir_fd, "one.position.next", AT_REMOVEDIR), 0);
    scene_run(&scene);
    scene_expect(&scene, 1, 55);
}

static void begins_where_its_position_cannot_be_written(void **state)
{
    (void)state;
    assert_int_equal(mkdirat(scene.dir_fd, "one.position.next", 0700), 0);
    scene_write(&scene, 5, false);
    scene_open(&scene);
    assert_int_equal(scene_state(&scene).failures, 1);
    while (scene_state(&scene).failures < 3)
        scene_turn(&scene);
    assert_int_equal(scene.sends, 0);
    assert_int_equal(sink_needs(&scene.sink), 0);
    assert_int_equal(unlinkat(scene.dir_fd, "one.position.next", AT_REMOVEDIR), 0);
    scene_run(&scene);
    scene_expect(&scene, 1, 5);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_new_one_begins_at_the_first_line),
        TEST(a_new_one_may_begin_now),
        TEST(now_is_behind_what_is_on_disk),
        TEST(nothing_goes_before_it_is_on_disk),
        TEST(what_may_have_arrived_goes_again_as_the_same_batch),
        TEST(other_lines_of_the_same_seqs_are_another_batch),
        TEST(a_clean_stop_keeps_the_bounds_of_what_hangs),
        TEST(halves_what_is_too_big_and_grows_again),
        TEST(says_what_was_taken_away_and_goes_on),
        TEST(says_what_was_taken_away_from_a_new_one),
        TEST(nothing_is_lost_with_a_segment_that_was_through),
        TEST(tells_another_journal_by_the_hash),
        TEST(tells_another_journal_that_is_shorter),
        TEST(another_journal_is_begun_at_its_first_segment),
        TEST(lines_are_not_lost_within_a_segment),
        TEST(goes_on_behind_a_rewind_that_a_crash_cut_off),
        TEST(passes_what_is_no_line),
        TEST(a_position_that_cannot_be_read_begins_anew),
        TEST(sends_nothing_whose_bounds_cannot_be_written),
        TEST(is_well_again_once_its_position_is_written),
        TEST(needs_what_a_crash_would_send_again),
        TEST(is_patient_with_who_refuses),
        TEST(memory_is_bounded_by_a_batch),
        TEST(a_seq_that_was_changed_costs_that_line_only),
        TEST(much_that_is_no_line_moves_nothing),
        TEST(damage_before_a_crash_keeps_the_bounds),
        TEST(a_damaged_line_behind_its_place_is_passed_over),
        TEST(a_damaged_segment_behind_its_place_is_passed_over),
        TEST(damage_to_what_was_delivered_changes_nothing),
        TEST(damage_before_what_was_delivered_changes_nothing),
        TEST(damage_on_both_sides_of_its_place_rewinds),
        TEST(an_end_that_cannot_be_read_is_no_lag),
        TEST(what_follows_damage_waits_for_the_disk),
        TEST(nothing_goes_while_the_journal_is_damaged),
        TEST(a_new_one_waits_for_the_repair),
        TEST(a_place_that_nothing_proves_lets_nothing_go),
        TEST(a_crash_behind_a_rewind_goes_on_in_its_segment),
        TEST(begins_where_its_position_cannot_be_written),
        TEST(a_position_that_fails_holds_no_more_than_before),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
