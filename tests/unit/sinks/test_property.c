/* SPDX-License-Identifier: Apache-2.0
 * Anything may happen in any order; what the receiver has in the end is the journal. */
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
    if (*oldest != scene.segment && sink_needs(&scene.sink) > scene.segment) {
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_batches_are_told_apart_by_their_ids),
        cmocka_unit_test(without_a_kill_nothing_is_doubled),
        cmocka_unit_test(lines_come_at_least_once_and_in_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
