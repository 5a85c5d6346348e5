/* SPDX-License-Identifier: Apache-2.0
 * A set that was pinned outlives the reload that replaces it. */
#include "support/test.h"

#include "gateway/policies.h"

static struct policy_set *load(const char *text)
{
    const struct policy_file file = {.name = "a.yaml", .bytes = view_str(text)};
    const struct policy_options options = {.now_us = 0};
    struct policy_set *set = NULL;
    struct arena arena;
    struct diag diag;

    arena_init(&arena, 4096, 1 << 20);
    diag_init(&diag, &arena);
    assert_int_equal(policy_set_load(&file, 1, &options, &diag, &set), STATUS_OK);
    arena_done(&arena);
    return set;
}

static void test_pinned_set_lives_on(void **state)
{
    struct policy_slot slot;
    struct policy_set *pinned, *now;

    (void)state;
    policy_slot_init(&slot, load("version: 1\npolicies: [{name: old}]\n"), 5);
    pinned = policy_slot_get(&slot);
    policy_slot_failed(&slot, "a.yaml:1:1: no");
    assert_string_equal(slot.last_error, "a.yaml:1:1: no");
    assert_int_equal(slot.failed_reloads, 1);
    now = policy_slot_get(&slot);
    assert_ptr_equal(now, pinned); /* a failed reload leaves the running set */
    policy_set_unref(&now);

    policy_slot_publish(&slot, load("version: 1\npolicies: [{name: new}, {name: newer}]\n"), 9);
    assert_string_equal(slot.last_error, "");
    assert_int_equal(slot.loaded_us, 9);
    now = policy_slot_get(&slot);
    assert_int_equal(policy_set_policies(pinned), 1);
    assert_int_equal(policy_set_policies(now), 2);
    assert_string_not_equal(policy_set_digest(pinned), policy_set_digest(now));
    policy_set_unref(&now);
    policy_set_unref(&pinned);
    policy_slot_done(&slot);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pinned_set_lives_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
