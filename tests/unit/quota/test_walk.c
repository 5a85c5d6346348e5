/* SPDX-License-Identifier: Apache-2.0
 * Random walks of a ledger, the same each time. */
#include "support/test.h"

#include "base/attr.h"
#include "unit/quota/walk.h"

enum { WALKS = 20, STEPS = 1500 };

struct dice {
    unsigned seed, left;
};

static unsigned below(void *user, unsigned limit)
{
    struct dice *dice = user;

    dice->seed = dice->seed * 1664525U + 1013904223U;
    return (dice->seed >> 12) % limit;
}

static bool more(void *user)
{
    struct dice *dice = user;

    return dice->left-- > 0;
}

static void holds_on_random_walks(void **state)
{
    struct walk_sights sights = {0};

    (void)state;
    for (unsigned i = 0; i < WALKS; i++) {
        struct dice dice = {.seed = i * 7919U + 1, .left = STEPS};
        const struct walk_source source = {below, more, &dice, &sights};

        quota_walk(&source);
    }
    for (size_t i = 0; i < ARRAY_LEN(sights.findings); i++)
        assert_true(sights.findings[i] > 20);
    assert_true(sights.granted > 1000 && sights.refused > 1000);
    assert_true(sights.spent > 1000 && sights.unclaimed > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holds_on_random_walks),
    };

    return cmocka_run_group_tests_name("quota walk", tests, NULL, NULL);
}
