/* SPDX-License-Identifier: Apache-2.0
 * The bounded buffer: contents, the maximum at its edge, failures that stick. */
#include "support/test.h"

#include "base/buffer.h"

static bool malloc_fails;

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);

void *__wrap_malloc(size_t size)
{
    return malloc_fails ? NULL : __real_malloc(size);
}

static void appends(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 1000);
    assert_null(b.ptr);
    buf_add(&b, VIEW("ab"));
    buf_add(&b, VIEW_NONE);
    buf_add_str(&b, "c");
    buf_add_byte(&b, '\0');
    buf_add_i64(&b, -12);
    buf_printf(&b, "%s|%d", "x", 5);
    buf_printf(&b, "%s", "");
    assert_view_eq(buf_view(&b), VIEW("abc\0-12x|5"));
    assert_int_equal(b.failed, STATUS_OK);
    buf_done(&b);
    buf_done(&b);
    buf_done(NULL);
}

static void numbers_at_their_ends(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 100);
    buf_add_i64(&b, INT64_MIN);
    buf_add_byte(&b, ' ');
    buf_add_i64(&b, INT64_MAX);
    buf_add_i64(&b, 0);
    assert_view(buf_view(&b), "-9223372036854775808 92233720368547758070");
    buf_done(&b);
}

/* Whatever the maximum, and by each way of appending: max bytes fit, one more doesn't. */
static void the_maximum_holds_at_its_edge(void **state)
{
    static const size_t maxima[] = {1, 5, 255, 256, 257, 511, 512, 513, 4096, 5000};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(maxima); i++) {
        struct buf b;

        buf_init(&b, maxima[i]);
        for (size_t n = 0; n < maxima[i]; n++)
            buf_add_byte(&b, 'x');
        assert_int_equal(b.failed, STATUS_OK);
        assert_int_equal(b.len, maxima[i]);
        assert_int_equal(b.cap, maxima[i]);
        buf_add_byte(&b, 'y');
        assert_int_equal(b.failed, STATUS_LIMIT);
        assert_int_equal(b.len, maxima[i]);
        buf_clear(&b);
        buf_printf(&b, "%*d", (int)maxima[i], 1);
        assert_int_equal(b.failed, STATUS_OK);
        assert_int_equal(b.len, maxima[i]);
        buf_printf(&b, "%s", "");
        assert_int_equal(b.failed, STATUS_OK);
        buf_printf(&b, "y");
        assert_int_equal(b.failed, STATUS_LIMIT);
        assert_int_equal(b.len, maxima[i]);
        buf_done(&b);
    }
}

static void a_maximum_of_nothing(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 0);
    buf_add(&b, VIEW(""));
    assert_true(buf_reserve(&b, 0));
    assert_int_equal(b.failed, STATUS_OK);
    buf_add_byte(&b, 'x');
    assert_int_equal(b.failed, STATUS_LIMIT);
    buf_done(&b);
}

static void the_first_failure_sticks(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 4);
    buf_add(&b, VIEW("ab"));
    buf_add(&b, VIEW("cde"));
    buf_add(&b, VIEW("f"));
    buf_printf(&b, "g");
    assert_view(buf_view(&b), "ab");
    assert_int_equal(b.failed, STATUS_LIMIT);
    assert_false(buf_reserve(&b, 0));
    buf_clear(&b);
    buf_add(&b, VIEW("wxyz"));
    assert_view(buf_view(&b), "wxyz");
    buf_done(&b);
    assert_int_equal(b.max, 4);
    buf_add(&b, VIEW("abcd"));
    assert_int_equal(b.failed, STATUS_OK);
    buf_done(&b);
}

static void absurd_sizes_are_over_the_limit(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, SIZE_MAX);
    buf_add(&b, VIEW("a"));
    assert_false(buf_reserve(&b, SIZE_MAX));
    assert_int_equal(b.failed, STATUS_LIMIT);
    buf_clear(&b);
    assert_false(buf_reserve(&b, SIZE_MAX));
    assert_int_equal(b.failed, STATUS_NOMEM);
    buf_done(&b);
}

static void without_memory_it_fails_and_keeps_what_it_has(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 100000);
    buf_add(&b, VIEW("ab"));
    malloc_fails = true;
    assert_false(buf_reserve(&b, 50000));
    malloc_fails = false;
    assert_int_equal(b.failed, STATUS_NOMEM);
    buf_add(&b, VIEW("c"));
    assert_view(buf_view(&b), "ab");
    buf_done(&b);
}

static void drops_from_the_front(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 100);
    buf_drop(&b, 0);
    buf_add(&b, VIEW("abcdef"));
    buf_drop(&b, 2);
    assert_view(buf_view(&b), "cdef");
    buf_drop(&b, 4);
    assert_int_equal(b.len, 0);
    buf_add(&b, VIEW("x"));
    assert_view(buf_view(&b), "x");
    buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appends),
        cmocka_unit_test(numbers_at_their_ends),
        cmocka_unit_test(the_maximum_holds_at_its_edge),
        cmocka_unit_test(a_maximum_of_nothing),
        cmocka_unit_test(the_first_failure_sticks),
        cmocka_unit_test(absurd_sizes_are_over_the_limit),
        cmocka_unit_test(without_memory_it_fails_and_keeps_what_it_has),
        cmocka_unit_test(drops_from_the_front),
    };

    return cmocka_run_group_tests_name("base/buffer", tests, NULL, NULL);
}
