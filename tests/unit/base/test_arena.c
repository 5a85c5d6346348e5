/* SPDX-License-Identifier: Apache-2.0
 * The arena: zeroed and aligned memory, its cap, its reset, and what happens without memory. */
#include "support/test.h"

#include <stdalign.h>

#include "base/arena.h"

static bool calloc_fails;

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);

void *__wrap_calloc(size_t count, size_t size)
{
    return calloc_fails ? NULL : __real_calloc(count, size);
}

static bool all_zero(const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] != '\0')
            return false;
    }
    return true;
}

static void takes_nothing_before_it_is_used(void **state)
{
    struct arena arena;

    (void)state;
    arena_init(&arena, 4096, 8192);
    assert_null(arena.blocks);
    assert_int_equal(arena.used_bytes, 0);
    arena_reset(&arena);
    arena_done(&arena);
    arena_done(&arena);
    arena_done(NULL);
}

static void memory_is_zero_aligned_and_apart(void **state)
{
    struct arena arena;
    char *last = NULL;

    (void)state;
    arena_init(&arena, 1000, 1 << 20);
    for (size_t size = 1; size < 300; size++) {
        char *at = arena_alloc(&arena, size);

        assert_non_null(at);
        assert_int_equal((uintptr_t)at % alignof(max_align_t), 0);
        assert_true(all_zero(at, size));
        memset(at, 0xee, size);
        if (last != NULL)
            assert_int_equal((unsigned char)last[0], 0xee);
        last = at;
    }
    arena_done(&arena);
}

static void size_zero_is_valid(void **state)
{
    struct arena arena;

    (void)state;
    arena_init(&arena, 64, 1024);
    assert_non_null(arena_alloc(&arena, 0));
    assert_non_null(arena_array(&arena, 0, 8));
    assert_non_null(arena_array(&arena, 8, 0));
    arena_done(&arena);
}

static void a_large_piece_gets_a_block_of_its_own(void **state)
{
    struct arena arena;
    char *large;

    (void)state;
    arena_init(&arena, 64, 1 << 20);
    large = arena_alloc(&arena, 100000);
    assert_non_null(large);
    memset(large, 1, 100000);
    arena_done(&arena);
}

static void the_cap_holds(void **state)
{
    struct arena arena;
    size_t got = 0;

    (void)state;
    arena_init(&arena, 1024, 10000);
    while (arena_alloc(&arena, 512) != NULL)
        got += 512;
    assert_in_range(got, 8000, 10000);
    assert_true(arena.used_bytes <= 10000);
    assert_null(arena_alloc(&arena, 5000));
    assert_null(arena_alloc(&arena, SIZE_MAX));
    assert_null(arena_alloc(&arena, SIZE_MAX - 15));
    assert_null(arena_alloc(&arena, SIZE_MAX / 2));
    arena_done(&arena);
    assert_non_null(arena_alloc(&arena, 5000));
    arena_done(&arena);
}

/* The cap counts headers, so that max_bytes is what the process really pays. */
static void a_cap_that_just_fits(void **state)
{
    struct arena arena;
    size_t header;

    (void)state;
    arena_init(&arena, 64, 1 << 20);
    assert_non_null(arena_alloc(&arena, 64));
    header = arena.used_bytes - 64;
    arena_done(&arena);
    arena_init(&arena, 64, header + 64);
    assert_non_null(arena_alloc(&arena, 64));
    assert_null(arena_alloc(&arena, 1));
    arena_done(&arena);
    arena_init(&arena, 64, header + 63);
    assert_null(arena_alloc(&arena, 1));
    arena_done(&arena);
}

static void arrays_do_not_overflow(void **state)
{
    struct arena arena;

    (void)state;
    arena_init(&arena, 64, 1 << 20);
    assert_null(arena_array(&arena, SIZE_MAX / 2, 3));
    assert_null(arena_array(&arena, SIZE_MAX, SIZE_MAX));
    assert_non_null(arena_array(&arena, 10, 10));
    arena_done(&arena);
}

static void a_reset_gives_zeroed_memory_again(void **state)
{
    struct arena arena;

    (void)state;
    arena_init(&arena, 1024, 1 << 20);
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < 10; i++) {
            char *at = arena_alloc(&arena, 300);

            assert_true(all_zero(at, 300));
            memset(at, 0xff, 300);
        }
        arena_reset(&arena);
        assert_in_range(arena.used_bytes, 1024, 1100);
    }
    arena_done(&arena);
}

static void copies_end_with_nul(void **state)
{
    struct arena arena;
    struct view copy;

    (void)state;
    arena_init(&arena, 64, 1024);
    assert_string_equal(arena_strdup(&arena, VIEW("abc")), "abc");
    assert_string_equal(arena_strdup(&arena, VIEW_NONE), "");
    copy = arena_copy(&arena, VIEW("a\0b"));
    assert_view_eq(copy, VIEW("a\0b"));
    assert_int_equal(copy.ptr[3], '\0');
    copy = arena_copy(&arena, VIEW_NONE);
    assert_non_null(copy.ptr);
    assert_int_equal(copy.len, 0);
    assert_null(arena_copy(&arena, view_of("", SIZE_MAX)).ptr);
    arena_done(&arena);
}

static void formats(void **state)
{
    struct arena arena;
    struct view text;

    (void)state;
    arena_init(&arena, 64, 1024);
    text = arena_printf(&arena, "%s-%d", "x", 7);
    assert_view(text, "x-7");
    assert_int_equal(text.ptr[text.len], '\0');
    assert_view(arena_printf(&arena, "%s", ""), "");
    assert_null(arena_printf(&arena, "%2000d", 1).ptr);
    arena_done(&arena);
}

static void text_that_does_not_fit_leaves_no_trace(void **state)
{
    struct arena arena;
    const char *rest;

    (void)state;
    arena_init(&arena, 64, 128);
    assert_non_null(arena_alloc(&arena, 32));
    assert_null(arena_printf(&arena, "%0100d", 7).ptr);
    rest = arena_alloc(&arena, 32);
    assert_non_null(rest);
    for (size_t i = 0; i < 32; i++)
        assert_int_equal(rest[i], 0);
    arena_done(&arena);
}

/* What is left of such a block is more than it can give. */
static void text_fits_into_a_block_of_any_size(void **state)
{
    (void)state;
    for (size_t block = 33; block < 64; block++) {
        for (int len = 1; len < 64; len++) {
            struct arena arena;
            char expected[80];
            struct view text;

            arena_init(&arena, block, 4096);
            assert_non_null(arena_alloc(&arena, 1));
            text = arena_printf(&arena, "%0*d", len, 7);
            assert_int_equal(text.len, len);
            (void)snprintf(expected, sizeof expected, "%0*d", len, 7);
            assert_string_equal(text.ptr, expected);
            arena_done(&arena);
        }
    }
}

static void without_memory_everything_is_null(void **state)
{
    struct arena arena;

    (void)state;
    arena_init(&arena, 64, 1024);
    calloc_fails = true;
    assert_null(arena_alloc(&arena, 1));
    assert_null(arena_array(&arena, 1, 1));
    assert_null(arena_strdup(&arena, VIEW("x")));
    assert_null(arena_copy(&arena, VIEW("x")).ptr);
    assert_null(arena_printf(&arena, "x").ptr);
    calloc_fails = false;
    assert_int_equal(arena.used_bytes, 0);
    assert_non_null(arena_alloc(&arena, 1));
    arena_done(&arena);
}

static void a_wiped_arena_is_empty(void **state)
{
    struct arena arena;

    (void)state;
    arena_init(&arena, 64, 4096);
    assert_non_null(arena_copy(&arena, VIEW("a secret")).ptr);
    assert_non_null(arena_alloc(&arena, 1000));
    arena_wipe(&arena);
    assert_int_equal(arena.used_bytes, 0);
    assert_non_null(arena_alloc(&arena, 1000));
    arena_wipe(&arena);
    arena_wipe(&arena);
    arena_wipe(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_nothing_before_it_is_used),
        cmocka_unit_test(memory_is_zero_aligned_and_apart),
        cmocka_unit_test(size_zero_is_valid),
        cmocka_unit_test(a_large_piece_gets_a_block_of_its_own),
        cmocka_unit_test(the_cap_holds),
        cmocka_unit_test(a_cap_that_just_fits),
        cmocka_unit_test(arrays_do_not_overflow),
        cmocka_unit_test(a_reset_gives_zeroed_memory_again),
        cmocka_unit_test(a_wiped_arena_is_empty),
        cmocka_unit_test(copies_end_with_nul),
        cmocka_unit_test(formats),
        cmocka_unit_test(text_that_does_not_fit_leaves_no_trace),
        cmocka_unit_test(text_fits_into_a_block_of_any_size),
        cmocka_unit_test(without_memory_everything_is_null),
    };

    return cmocka_run_group_tests_name("base/arena", tests, NULL, NULL);
}
