/* SPDX-License-Identifier: Apache-2.0
 * Anything may happen in any order; what the receiver has in the end is the journal. */
#include <fcntl.h>
#include <unistd.h>

#include "unit/sinks/scene.h"

enum { SEEDS = 25, STEPS = 120 };

/* What is on disk isn't put to the test here, and would take most of the time. */
int __wrap_fsync(int fd);
int __wrap_fsync(int fd) // NOLINT(bugprone-reserved-identifier): the linker's name
{
    (void)fd;
    return 0;
}

static uint64_t dice; /* xorshift: the same in each run */

static unsigned roll(unsigned sides)
{
    dice ^= dice << 13;
    dice ^= dice >> 7;
    dice ^= dice << 17;
    return (unsigned)(dice % sides);
}

static struct scene scene;

/* What nobody needs any more may go at any time. */
static void take_old_away(uint64_t *oldest)
{
    if (*oldest != scene.segment && sink_needs(&scene.sink) == scene.segment) {
        scene_remove_segment(&scene, *oldest);
        *oldest = scene.segment;
    }
}

static void step(const enum conduct *conducts, unsigned count, bool kills, uint64_t *oldest)
{
    switch (roll(10)) {
    case 0:
    case 1:
    case 2:
        scene_write(&scene, roll(40), false);
        break;
    case 3:
        scene.conduct = conducts[roll(count)];
        scene.part = roll(12);
        break;
    case 4:
        if (roll(4) == 0 && *oldest == scene.segment)
            scene_write(&scene, 1 + roll(3), true);
        break;
    case 5:
        if (roll(2) == 0) {
            scene_close(&scene);
            scene_open(&scene);
        }
        break;
    case 6:
        if (kills) {
            scene_kill(&scene);
            scene.settings.batch = 1 + roll(30);
            scene_open(&scene);
        }
        break;
    case 7:
        take_old_away(oldest);
        break;
    default:
        for (unsigned i = 0; i < 4; i++)
            scene_turn(&scene);
        break;
    }
}

static void live(uint64_t seed, const enum conduct *conducts, unsigned count, bool kills)
{
    uint64_t oldest = 1;

    dice = seed * 0x9e3779b97f4a7c15ULL + 1;
    scene_begin(&scene);
    scene_write(&scene, 1 + roll(5), false);
    scene.settings.batch = 1 + roll(30);
    scene_open(&scene);
    for (unsigned i = 0; i < STEPS; i++)
        step(conducts, count, kills, &oldest);
    /* Whoever hangs is met with a restart. */
    scene.conduct = CONDUCT_TAKE;
    scene_close(&scene);
    scene_open(&scene);
    scene_run(&scene);
    assert_int_equal(scene_state(&scene).lost, 0);
    assert_int_equal(scene_state(&scene).rewinds, 0);
    assert_int_equal(scene_state(&scene).unreadable, 0);
}

/* Kills at any moment, answers that are lost, retention that takes all it may: without the batches
 * whose id came before, each line is there once and in order. */
static void whole_batches_are_told_apart_by_their_ids(void **state)
{
    static const enum conduct conducts[] = {CONDUCT_TAKE,   CONDUCT_TAKE_LATER, CONDUCT_AWAY,
                                            CONDUCT_REFUSE, CONDUCT_TOO_BIG,    CONDUCT_DEAF,
                                            CONDUCT_HANG};
    size_t repeats = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        live(seed, conducts, 7, true);
        scene_expect(&scene, 1, scene.seq);
        repeats += scene.repeats;
        scene_end(&scene);
    }
    assert_true(repeats > 0); /* or nothing was put to the test */
}

/* Without a kill nothing comes twice, whatever fails and however often it is restarted. */
static void without_a_kill_nothing_is_doubled(void **state)
{
    static const enum conduct conducts[] = {CONDUCT_TAKE, CONDUCT_TAKE_LATER, CONDUCT_AWAY,
                                            CONDUCT_PART, CONDUCT_TOO_BIG,    CONDUCT_HANG};

    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        live(seed, conducts, 6, false);
        assert_int_equal(scene.repeats, 0);
        scene_expect(&scene, 1, scene.seq);
        scene_end(&scene);
    }
}

/* A receiver of single lines has no ids to go by: after a kill lines may repeat, none is left out.
 */
static void lines_come_at_least_once_and_in_order(void **state)
{
    static const enum conduct conducts[] = {CONDUCT_TAKE, CONDUCT_PART, CONDUCT_AWAY, CONDUCT_HANG};

    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        uint64_t last = 0;

        live(seed, conducts, 4, true);
        for (size_t i = 0; i < scene.got_count; i++) {
            assert_true(scene.got[i] <= last + 1);
            last = scene.got[i] > last ? scene.got[i] : last;
        }
        assert_int_equal(last, scene.seq);
        scene_end(&scene);
    }
}

/* ---- damage ---- */

static void damage_something(uint64_t oldest, bool spoilt[SCENE_LINES_MAX])
{
    const uint64_t seq = oldest + roll((unsigned)(scene.seq - oldest) + 1);
    const uint64_t segment = seq < scene.segment ? oldest : scene.segment;
    const unsigned line = scene_line_of(&scene, segment, seq);

    if (line == 0 || spoilt[seq])
        return;
    spoilt[seq] = true;
    switch (roll(4)) {
    case 0:
        scene_replace(&scene, segment, line, "", 1 + roll(200));
        break;
    case 1:
        scene_replace(&scene, segment, line, "", 0);
        break;
    case 2:
        scene_replace(&scene, segment, line, "{\"v\":1,\"seq\":", 1 + roll(3));
        break;
    default:
        scene_renumber(&scene, segment, line,
                       roll(2) == 0 ? 1 + roll(9999) : 1 + roll((unsigned)scene.seq + 9));
        break;
    }
}

/* While the gateway is down, any line may be damaged, also several in a row, and what is old goes:
 * all others come. */
static void damage_costs_what_is_damaged_and_no_more(void **state)
{
    static const enum conduct conducts[] = {CONDUCT_TAKE,   CONDUCT_TAKE_LATER, CONDUCT_AWAY,
                                            CONDUCT_REFUSE, CONDUCT_TOO_BIG,    CONDUCT_PART,
                                            CONDUCT_HANG};

    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        bool spoilt[SCENE_LINES_MAX] = {false}, got[SCENE_LINES_MAX] = {false};
        uint64_t oldest = 1;

        dice = seed * 0x9e3779b97f4a7c15ULL + 1;
        scene_begin(&scene);
        scene_write(&scene, 1 + roll(5), false);
        scene.settings.batch = 1 + roll(30);
        scene_open(&scene);
        for (unsigned i = 0; i < STEPS; i++) {
            step(conducts, 7, false, &oldest);
            if (roll(8) > 0)
                continue;
            scene_kill(&scene);
            for (unsigned lines = roll(4); lines > 0; lines--)
                damage_something(oldest, spoilt);
            scene_open(&scene);
        }
        scene.conduct = CONDUCT_TAKE;
        scene_kill(&scene);
        scene_open(&scene);
        scene_write(&scene, 1, false);
        scene_run(&scene);
        for (size_t i = 0; i < scene.got_count; i++)
            got[scene.got[i]] = true;
        for (uint64_t seq = 1; seq <= scene.seq; seq++)
            assert_true(got[seq] || spoilt[seq]);
        scene_end(&scene);
    }
}

/* ---- what isn't of this journal ---- */

static void put_position(const char *text)
{
    const int fd =
        openat(scene.dir_fd, "one.position", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(close(fd), 0);
}

/* Of the form, and nothing in it is of this journal but its first segment. */
static void make_position_up(void)
{
    static const char hash[] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    const unsigned most = roll(3) == 0 ? 1U << 30 : (unsigned)scene.seq + 3;
    const unsigned segment = roll(2) == 0 ? 1 : 2 + roll(300);
    char text[512], batch[160] = "";

    if (roll(3) > 0)
        (void)snprintf(batch, sizeof batch,
                       ",\"batch\":{\"id\":\"gw/1-2-%.16s\",\"first\":%u,\"last\":%u}", hash,
                       roll(most), roll(most));
    (void)snprintf(
        text, sizeof text,
        "{\"v\":1,\"seq\":%u,\"segment\":%u,\"offset\":%u,\"line\":%u,\"hash\":\"%s\"%s}",
        segment + roll(most), segment, roll(3) * 100, 1 + roll(most), hash, batch);
    put_position(text);
}

static void replace_journal(void)
{
    const char mark = (char)('1' + roll(8));

    scene_forget_journal(&scene, 1);
    scene.prev[0] = mark;
    scene.got_count = scene.id_count = 0;
    for (unsigned i = 0; i < 4; i++)
        scene_write(&scene, 1 + roll(40), i > 0 && roll(2) == 0);
}

/* Another journal, or a position that somebody made up, at any moment: it never stands still, and
 * no line is left out. */
static void another_journal_comes_whole(void **state)
{
    static const enum conduct conducts[] = {CONDUCT_TAKE,   CONDUCT_TAKE_LATER, CONDUCT_AWAY,
                                            CONDUCT_REFUSE, CONDUCT_TOO_BIG,    CONDUCT_DEAF,
                                            CONDUCT_HANG};

    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        bool got[SCENE_LINES_MAX] = {false};

        live(seed, conducts, 7, true);
        scene_kill(&scene);
        replace_journal();
        if (roll(2) == 0)
            make_position_up();
        scene.conduct = conducts[roll(7)];
        scene_open(&scene);
        for (unsigned i = 0; i < STEPS / 2; i++) {
            uint64_t newest = scene.segment; /* nothing is old */

            step(conducts, 7, true, &newest);
        }
        scene_write(&scene, 1, false); /* by which the journal tells that it is another one */
        scene.conduct = CONDUCT_TAKE;
        scene_kill(&scene);
        scene_open(&scene);
        scene_run(&scene);
        for (size_t i = 0; i < scene.got_count; i++)
            got[scene.got[i]] = true;
        for (uint64_t seq = 1; seq <= scene.seq; seq++)
            assert_true(got[seq]);
        scene_end(&scene);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_batches_are_told_apart_by_their_ids),
        cmocka_unit_test(without_a_kill_nothing_is_doubled),
        cmocka_unit_test(lines_come_at_least_once_and_in_order),
        cmocka_unit_test(damage_costs_what_is_damaged_and_no_more),
        cmocka_unit_test(another_journal_comes_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
