/* SPDX-License-Identifier: Apache-2.0
 * Memory that runs out while a request asks: it is refused, and nothing is left behind. */
#include <stdlib.h>

#include "scene.h"

void *__wrap_malloc(size_t size);
void *__real_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
void *__real_realloc(void *block, size_t size);

/* Of this thread alone: so many allocations succeed, then one fails; negative: all succeed. */
static _Thread_local int left = -1;

static bool fails(void)
{
    return left >= 0 && left-- == 0;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *block, size_t size)
{
    return fails() ? NULL : __real_realloc(block, size);
}

static void test_ask(void **state)
{
    struct scene *const s = *state;
    const struct cloud_step script[] = {
        {CLOUD_READ, ASKED("GET", "token-a"), 0}, {CLOUD_SEND, yes(s), 0}, {CLOUD_END, NULL, 0}};
    const struct cloud_step *const scripts[] = {script};
    struct iam_ticket *ticket;
    unsigned failed = 0;
    enum iam_answer got;

    scene_open(s, scripts, 1);
    assert_non_null(arena_alloc(&s->box.arena, 64)); /* its first block */
    do {
        left = (int)failed;
        got = box_ask(&s->box, VIEW("token-a"), 0, NULL, &ticket);
        left = -1;
        if (got == IAM_REFUSED) {
            s->box.answer = got;
            assert_refused(&s->box, IDENTITY_UNAVAILABLE);
            assert_int_equal(state_of(s).waiting, 0);
            failed++;
        }
    } while (got == IAM_REFUSED);
    assert_true(failed >= 3); /* the ticket, the look-up, its copy of the token */
    assert_int_equal(got, IAM_WAITS);
    box_wait(&s->box, 1);
    assert_int_equal(s->box.answer, IAM_KNOWN);
    assert_int_equal(state_of(s).lookups, 1);
    scene_close(s);
}

/* No room in the caller's arena for what IAM said: it is refused, not half known. */
static void test_full_arena(void **state)
{
    struct scene *const s = *state;
    const struct cloud_step script[] = {
        {CLOUD_READ, ASKED("GET", "token-a"), 0}, {CLOUD_SEND, yes(s), 0}, {CLOUD_END, NULL, 0}};
    const struct cloud_step *const scripts[] = {script};
    struct iam_ticket *ticket;

    scene_open(s, scripts, 1);
    assert_int_equal(box_ask(&s->box, VIEW("token-a"), 0, NULL, &ticket), IAM_WAITS);
    s->box.arena.max_bytes = 0;
    while (arena_alloc(&s->box.arena, 1) != NULL)
        ;
    box_wait(&s->box, 1);
    assert_refused(&s->box, IDENTITY_UNAVAILABLE);
    s->box.arena.max_bytes = 1 << 24;
    assert_int_equal(box_run(&s->box, VIEW("token-a"), 0), IAM_KNOWN);
    scene_close(s);
}

static void test_start(void **state)
{
    struct scene *const s = *state;
    const struct cloud_step script[] = {{CLOUD_END, NULL, 0}};
    const struct cloud_step *const scripts[] = {script};
    struct iam *second;
    struct err err;
    enum status status;
    int failed = 0;

    scene_open(s, scripts, 1);
    do {
        left = failed;
        status = iam_start(&s->settings, s->tls, s->resolver, &second, &err);
        left = -1;
        failed += status != STATUS_OK;
    } while (status != STATUS_OK);
    assert_true(failed > 16); /* the shards of the caches alone */
    iam_stop(&second);
    scene_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ask),
        cmocka_unit_test(test_full_arena),
        cmocka_unit_test(test_start),
    };

    return cmocka_run_group_tests(tests, scene_setup, scene_teardown);
}
