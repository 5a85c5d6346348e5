/* SPDX-License-Identifier: Apache-2.0
 * The cache of all workers: what comes back, until when, and its bounds. */
#include "support/test.h"

#include <pthread.h>

#include "base/require.h"
#include "identity/shared_cache.h"

enum { ENTRIES = 64, BYTES = 1 << 20, THREADS = 4, ROUNDS = 2000, SECOND_US = 1000000 };

static struct arena arena;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 14, 1 << 22);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

struct key {
    unsigned char digest[DIGEST_BYTES];
};

static struct key key_of(unsigned number)
{
    struct key key = {0};

    digest_sha256(view_of((const char *)&number, sizeof number), key.digest);
    return key;
}

/* Facts about one user, with a role of so many bytes. */
static struct token_facts facts_of(struct arena *a, unsigned number, size_t role_bytes)
{
    struct view *roles = arena_array(a, 1, sizeof *roles);
    char *role = arena_alloc(a, role_bytes + 1);

    REQUIRE(roles != NULL && role != NULL);
    memset(role, 'r', role_bytes);
    roles[0] = view_of(role, role_bytes);
    return (struct token_facts){.subject = {.known = SUBJECT_USER | SUBJECT_ROLES,
                                            .user_id = arena_printf(a, "u%u", number),
                                            .user_name = VIEW("alice"),
                                            .roles = roles,
                                            .role_count = 1},
                                .expires_us = number};
}

static void add(struct shared_cache *cache, unsigned number, size_t role_bytes, int64_t until_us)
{
    const struct token_facts facts = facts_of(&arena, number, role_bytes);
    const struct key key = key_of(number);

    shared_cache_add(cache, key.digest, &facts, SECOND_US, until_us);
}

static bool has(struct shared_cache *cache, unsigned number, int64_t now_us)
{
    const struct key key = key_of(number);
    struct token_facts facts;
    char want[16];

    if (!shared_cache_find(cache, key.digest, now_us, &arena, &facts))
        return false;
    (void)snprintf(want, sizeof want, "u%u", number);
    assert_view_eq(facts.subject.user_id, view_str(want));
    assert_int_equal(facts.expires_us, number);
    assert_int_equal(facts.subject.role_count, 1);
    return true;
}

static struct shared_cache_state state_of(struct shared_cache *cache)
{
    struct shared_cache_state state;

    shared_cache_get_state(cache, &state);
    return state;
}

static void test_until(void **state)
{
    struct shared_cache *cache = shared_cache_new(ENTRIES, BYTES);

    (void)state;
    assert_non_null(cache);
    assert_false(has(cache, 1, SECOND_US));
    add(cache, 1, 10, 3 * SECOND_US);
    assert_true(has(cache, 1, SECOND_US));
    assert_true(has(cache, 1, 3 * SECOND_US - 1));
    assert_false(has(cache, 1, 3 * SECOND_US));
    assert_int_equal(state_of(cache).entries, 0);
    /* A clock that was set back: not good for longer. */
    add(cache, 1, 10, 3 * SECOND_US);
    assert_true(has(cache, 1, SECOND_US / 2));
    assert_false(has(cache, 1, -1));
    add(cache, 1, 10, SECOND_US);
    assert_false(has(cache, 1, SECOND_US));
    shared_cache_free(&cache);
}

static void test_copies(void **state)
{
    struct shared_cache *cache = shared_cache_new(ENTRIES, BYTES);

    (void)state;
    assert_non_null(cache);
    add(cache, 1, 100, 3 * SECOND_US);
    add(cache, 1, 200, 3 * SECOND_US); /* in its place */
    arena_reset(&arena);
    assert_non_null(arena_alloc(&arena, 4096)); /* where the facts were */
    assert_int_equal(state_of(cache).entries, 1);
    assert_true(has(cache, 1, SECOND_US));
    shared_cache_clear(cache);
    assert_false(has(cache, 1, SECOND_US));
    assert_int_equal(state_of(cache).bytes, 0);
    shared_cache_free(&cache);
}

static void test_bounds(void **state)
{
    struct shared_cache *cache = shared_cache_new(ENTRIES, BYTES);
    unsigned kept = 0;

    (void)state;
    assert_non_null(cache);
    add(cache, 0, 10, 3 * SECOND_US);
    for (unsigned i = 1; i < 50 * ENTRIES; i++) {
        add(cache, i, 10, 3 * SECOND_US);
        assert_true(has(cache, 0, SECOND_US)); /* what is used stays */
        assert_true(has(cache, i, SECOND_US));
        assert_true(state_of(cache).entries <= ENTRIES);
    }
    for (unsigned i = 0; i < 50 * ENTRIES; i++)
        kept += has(cache, i, SECOND_US);
    assert_int_equal(kept, state_of(cache).entries);
    assert_int_equal(kept + state_of(cache).evicted, 50 * ENTRIES);
    shared_cache_free(&cache);
}

static void test_bytes(void **state)
{
    struct shared_cache *cache = shared_cache_new(100 * ENTRIES, BYTES);

    (void)state;
    assert_non_null(cache);
    for (unsigned i = 0; i < 200; i++) {
        add(cache, i, 20000, 3 * SECOND_US);
        assert_true(has(cache, i, SECOND_US));
        assert_true(state_of(cache).bytes <= BYTES);
        arena_reset(&arena);
    }
    add(cache, 500, BYTES, 3 * SECOND_US); /* it would be all alone */
    assert_false(has(cache, 500, SECOND_US));
    assert_true(state_of(cache).entries > 16);
    shared_cache_free(&cache);
}

static void *work(void *user)
{
    struct shared_cache *const cache = user;
    struct arena own;

    arena_init(&own, 1 << 14, 1 << 20);
    for (unsigned i = 0; i < ROUNDS; i++) {
        const unsigned number = i % (2 * ENTRIES);
        const struct key key = key_of(number);
        struct token_facts facts = facts_of(&own, number, number), got;

        shared_cache_add(cache, key.digest, &facts, SECOND_US, 3 * SECOND_US);
        if (shared_cache_find(cache, key.digest, SECOND_US, &own, &got))
            REQUIRE(got.expires_us == number && got.subject.roles[0].len == number);
        arena_reset(&own);
    }
    arena_done(&own);
    return NULL;
}

static void test_threads(void **state)
{
    struct shared_cache *cache = shared_cache_new(ENTRIES, BYTES);
    pthread_t threads[THREADS];

    (void)state;
    assert_non_null(cache);
    for (unsigned i = 0; i < THREADS; i++)
        REQUIRE(pthread_create(&threads[i], NULL, work, cache) == 0);
    for (unsigned i = 0; i < THREADS; i++)
        REQUIRE(pthread_join(threads[i], NULL) == 0);
    assert_true(state_of(cache).hits > 0);
    assert_true(state_of(cache).entries <= ENTRIES);
    shared_cache_free(&cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_until, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_copies, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bounds, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bytes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_threads, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
