/* SPDX-License-Identifier: Apache-2.0
 * The set of open intents beside a plain one. */
#include "support/test.h"

#include "proof/pairs.h"

enum { IDS = 600, STEPS = 60000 };

static struct view id_of(unsigned number, char out[24])
{
    return view_of(out, (size_t)snprintf(out, 24, "id-%u", number));
}

static void the_same_as_a_plain_set(void **state)
{
    static bool plain[IDS];
    struct pairs pairs = {.entries = NULL};
    size_t count = 0;
    uint32_t random = 7;
    char text[24];

    (void)state;
    for (unsigned i = 0; i < STEPS; i++) {
        unsigned number;

        random = random * 1664525u + 1013904223u;
        number = (random >> 8) % IDS;
        if (random >> 30 < 2) {
            const struct fault_place at = {.segment = 1, .line = number, .seq = number + 1};
            bool twice;

            assert_int_equal(pairs_add(&pairs, id_of(number, text), at, &twice), STATUS_OK);
            assert_int_equal(twice, plain[number]);
            count += !plain[number];
            plain[number] = true;
        } else {
            assert_int_equal(pairs_take(&pairs, id_of(number, text)), plain[number]);
            count -= plain[number];
            plain[number] = false;
        }
        assert_int_equal(pairs.count, count);
    }
    for (unsigned i = 0; i < IDS; i++)
        assert_int_equal(pairs_has(&pairs, id_of(i, text)), plain[i]);
    for (unsigned i = 0; i < IDS; i++) {
        if (!plain[i])
            continue;
        assert_int_equal(pairs_oldest(&pairs)->at.seq, i + 1);
        assert_true(pairs_take(&pairs, id_of(i, text)));
    }
    assert_null(pairs_oldest(&pairs));
    pairs_done(&pairs);
}

static void clearing_leaves_nothing(void **state)
{
    struct pairs pairs = {.entries = NULL};
    const struct fault_place at = {.segment = 1};
    bool twice;

    (void)state;
    pairs_clear(&pairs);
    assert_false(pairs_has(&pairs, VIEW("a")));
    assert_int_equal(pairs_add(&pairs, VIEW("a"), at, &twice), STATUS_OK);
    assert_int_equal(pairs_add(&pairs, VIEW("a"), at, &twice), STATUS_OK);
    assert_true(twice);
    pairs_clear(&pairs);
    assert_false(pairs_has(&pairs, VIEW("a")));
    assert_int_equal(pairs.count, 0);
    pairs_done(&pairs);
}

static void so_many_and_no_more(void **state)
{
    struct pairs pairs = {.entries = NULL};
    const struct fault_place at = {.segment = 1};
    char text[24];
    bool twice;

    (void)state;
    for (unsigned i = 0; i < PAIRS_MAX; i++)
        assert_int_equal(pairs_add(&pairs, id_of(i, text), at, &twice), STATUS_OK);
    assert_int_equal(pairs_add(&pairs, VIEW("one more"), at, &twice), STATUS_LIMIT);
    assert_true(pairs_take(&pairs, VIEW("id-77")));
    assert_int_equal(pairs_add(&pairs, VIEW("one more"), at, &twice), STATUS_OK);
    pairs_done(&pairs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_as_a_plain_set),
        cmocka_unit_test(clearing_leaves_nothing),
        cmocka_unit_test(so_many_and_no_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
