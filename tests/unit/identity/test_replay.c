/* SPDX-License-Identifier: Apache-2.0
 * Signatures that came: none twice, none forgotten too early, none kept for ever. */
#include "support/test.h"

#include <pthread.h>

#include "base/attr.h"
#include "identity/replay.h"
#include "identity/signature.h"

#define S(seconds) ((int64_t)(seconds)*1000000)

enum { START = 1767323045, WINDOW = 15 * 60 };

static struct view name(unsigned n, char out[80])
{
    return view_of(out, (size_t)snprintf(out, 80, "%064x", n));
}

static enum replay_verdict add(struct replay *replay, unsigned n, int64_t date_us, int64_t now_us)
{
    char text[80];

    return replay_add(replay, VIEW("AK"), name(n, text), date_us, now_us);
}

static void test_twice(void **state)
{
    struct replay *replay = replay_new(10, 0);

    (void)state;
    assert_non_null(replay);
    assert_int_equal(add(replay, 1, S(START), S(START)), REPLAY_FRESH);
    assert_int_equal(add(replay, 1, S(START), S(START)), REPLAY_SEEN);
    assert_int_equal(add(replay, 2, S(START), S(START)), REPLAY_FRESH);
    assert_int_equal(add(replay, 1, S(START), S(START)), REPLAY_SEEN);
    assert_int_equal(replay_count(replay), 2);
    /* the same digits of another key */
    {
        char text[80];

        assert_int_equal(replay_add(replay, VIEW("AL"), name(1, text), S(START), S(START)),
                         REPLAY_FRESH);
    }
    replay_free(&replay);
    replay_free(&replay);
}

/* It is kept as long as its date is within the window, to the microsecond. */
static void test_kept_for_the_window(void **state)
{
    static const int64_t dates[] = {S(START), S(START) + 1, S(START) + 999999};
    struct replay *replay = replay_new(10, 0);

    (void)state;
    for (unsigned i = 0; i < ARRAY_LEN(dates); i++)
        assert_int_equal(add(replay, i, dates[i], dates[i] - SIGNATURE_WINDOW_US), REPLAY_FRESH);
    for (unsigned i = 0; i < ARRAY_LEN(dates); i++)
        assert_int_equal(add(replay, i, dates[i], dates[i] + SIGNATURE_WINDOW_US), REPLAY_SEEN);
    assert_int_equal(add(replay, 9, S(START + 2 * WINDOW), S(START + WINDOW + 2)), REPLAY_FRESH);
    assert_int_equal(replay_count(replay), 1);
    replay_free(&replay);
}

static void test_full(void **state)
{
    struct replay *replay = replay_new(3, 0);

    (void)state;
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(add(replay, i, S(START + (int)i), S(START)), REPLAY_FRESH);
    assert_int_equal(add(replay, 3, S(START), S(START)), REPLAY_FULL);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(add(replay, i, S(START + (int)i), S(START)), REPLAY_SEEN);
    /* the first one's window is over */
    assert_int_equal(add(replay, 4, S(START + 100), S(START + WINDOW + 1)), REPLAY_FRESH);
    assert_int_equal(add(replay, 5, S(START + 100), S(START + WINDOW + 1)), REPLAY_FULL);
    assert_int_equal(replay_count(replay), 3);
    replay_free(&replay);
}

/* What was dropped because the clock ran ahead doesn't come in again once it is put back. */
static void test_clock_steps_back(void **state)
{
    struct replay *replay = replay_new(10, 0);

    (void)state;
    assert_int_equal(add(replay, 1, S(START), S(START)), REPLAY_FRESH);
    assert_int_equal(add(replay, 2, S(START + 7200), S(START + 7200)), REPLAY_FRESH);
    assert_int_equal(replay_count(replay), 1);
    assert_int_equal(add(replay, 1, S(START), S(START)), REPLAY_SEEN);
    assert_int_equal(add(replay, 3, S(START), S(START)), REPLAY_SEEN);
    assert_int_equal(add(replay, 2, S(START + 7200), S(START + 7200)), REPLAY_SEEN);
    replay_free(&replay);
}

/* Another process may have seen what is dated before the start. */
static void test_before_the_start(void **state)
{
    struct replay *replay = replay_new(10, S(START) + 500000);

    (void)state;
    assert_int_equal(add(replay, 1, S(START - 1), S(START + 1)), REPLAY_SEEN);
    assert_int_equal(add(replay, 1, S(START), S(START + 1)), REPLAY_SEEN);
    assert_int_equal(add(replay, 1, S(START + 1), S(START + 1)), REPLAY_FRESH);
    assert_int_equal(add(replay, 1, S(START + 1), S(START + WINDOW)), REPLAY_SEEN);
    replay_free(&replay);
}

static void test_bounds(void **state)
{
    struct replay *replay = replay_new(1, 0);

    (void)state;
    assert_null(replay_new(0, 0));
    assert_null(replay_new((size_t)REPLAY_MAX + 1, 0));
    assert_int_equal(add(replay, 1, S(START), S(START)), REPLAY_FRESH);
    replay_free(&replay);
}

/* Against a plain list, over hours. */
static void test_against_a_list(void **state)
{
    enum { ROUNDS = 20000, MAX = 64 };
    static struct {
        unsigned n;
        int64_t date;
        bool there;
    } list[MAX];
    struct replay *replay = replay_new(MAX, 0);
    unsigned random = 1, seen = 0, full = 0;
    int64_t now = S(START);

    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        enum replay_verdict want = REPLAY_FULL;
        size_t count = 0;
        unsigned n;
        int64_t date;

        random = random * 1103515245U + 12345U;
        now += (random >> 8) % 40000000;
        n = (random >> 16) % 200;
        /* the date goes with the signature: one of a grid near now */
        date = (now / S(300) + (int64_t)(n % 5) - 2) * S(300);
        for (size_t i = 0; i < MAX; i++) {
            if (list[i].there && now / S(1) > (list[i].date + SIGNATURE_WINDOW_US) / S(1))
                list[i].there = false;
            count += list[i].there;
        }
        for (size_t i = 0; i < MAX && want == REPLAY_FULL; i++) {
            if (list[i].there && list[i].n == n + (unsigned)(date / S(300)) * 1000)
                want = REPLAY_SEEN;
        }
        for (size_t i = 0; i < MAX && want == REPLAY_FULL; i++) {
            if (list[i].there)
                continue;
            list[i].n = n + (unsigned)(date / S(300)) * 1000;
            list[i].date = date;
            list[i].there = true;
            want = REPLAY_FRESH;
            count++;
        }
        seen += want == REPLAY_SEEN;
        full += want == REPLAY_FULL;
        assert_int_equal(add(replay, n + (unsigned)(date / S(300)) * 1000, date, now), want);
        assert_int_equal(replay_count(replay), count);
    }
    assert_true(seen > 100);
    assert_true(full > 100);
    replay_free(&replay);
}

struct racer {
    pthread_t thread;
    struct replay *replay;
    unsigned fresh;
};

enum { RACERS = 4, RACES = 2000 };

static void *race(void *arg)
{
    struct racer *racer = arg;

    for (unsigned i = 0; i < RACES; i++)
        racer->fresh += add(racer->replay, i, S(START), S(START)) == REPLAY_FRESH;
    return NULL;
}

/* Of those who bring the same signature at once, one gets through. */
static void test_threads(void **state)
{
    struct replay *replay = replay_new(RACES, 0);
    struct racer racers[RACERS];
    unsigned fresh = 0;

    (void)state;
    for (size_t i = 0; i < RACERS; i++) {
        racers[i] = (struct racer){.replay = replay};
        assert_int_equal(pthread_create(&racers[i].thread, NULL, race, &racers[i]), 0);
    }
    for (size_t i = 0; i < RACERS; i++) {
        assert_int_equal(pthread_join(racers[i].thread, NULL), 0);
        fresh += racers[i].fresh;
    }
    assert_int_equal(fresh, RACES);
    assert_int_equal(replay_count(replay), RACES);
    replay_free(&replay);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_twice),
        cmocka_unit_test(test_kept_for_the_window),
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_clock_steps_back),
        cmocka_unit_test(test_before_the_start),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_against_a_list),
        cmocka_unit_test(test_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
