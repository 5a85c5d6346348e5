/* SPDX-License-Identifier: Apache-2.0
 * No memory that the room gives back holds a token, its caller's or the gateway's own. */
#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "scene.h"

void __wrap_free(void *block);
void __real_free(void *block);
void *__wrap_realloc(void *block, size_t size);
void *__real_realloc(void *block, size_t size);

#define SECRET "secret-of-a-caller"
#define OWN    "secret-of-the-gateway"

static _Atomic bool looking;
static _Atomic unsigned looked, found;

static void look(void *block)
{
    size_t size;

    if (!atomic_load(&looking) || block == NULL)
        return;
    size = malloc_usable_size(block);
    atomic_fetch_add(&looked, 1);
    if (memmem(block, size, SECRET, sizeof SECRET - 1) != NULL ||
        memmem(block, size, OWN, sizeof OWN - 1) != NULL)
        atomic_fetch_add(&found, 1);
}

void __wrap_free(void *block)
{
    look(block);
    __real_free(block);
}

void *__wrap_realloc(void *block, size_t size)
{
    look(block);
    return __real_realloc(block, size);
}

static enum status own_token(void *user, struct buf *ret)
{
    (void)user;
    buf_add(ret, VIEW(OWN));
    return STATUS_OK;
}

#define BODY                                                                                       \
    "{\"token\":{\"expires_at\":\"2999-01-03T03:04:05.000000Z\",\"user\":{\"id\":\"u1\",\"name\":" \
    "\"alice\"}}}"

/* Until the room has ended: what it kept for the next look-up is given back then. */
static void test_wiped(void **state)
{
    static const char by_own[] =
        "GET /v3/auth/tokens?nocatalog=true HTTP/1.1\r\nHost: iam.test\r\n"
        "Accept: application/json\r\nX-Auth-Token: " OWN "\r\nX-Subject-Token: " SECRET "\r\n\r\n";
    /* The second comes in two parts. */
    static const char first[] =
        "HTTP/1.1 503 No\r\nX-Subject-Token: " SECRET "\r\nContent-Length: 0\r\n\r\n",
                      half[] = "HTTP/1.1 200 OK\r\nX-Subject-Token: " SECRET "\r\nContent-",
                      rest[] = "Length: 88\r\n\r\n" BODY;
    /* Read without a copy: the scripted IAM frees memory too. */
    const struct cloud_step script[] = {{CLOUD_READ_ANY, NULL, sizeof by_own - 1},
                                        {CLOUD_SEND, first, 0},
                                        {CLOUD_READ_ANY, NULL, sizeof by_own - 1},
                                        {CLOUD_SEND, half, 0},
                                        {CLOUD_SEND, rest, 0},
                                        {CLOUD_END, NULL, 0}};
    const struct cloud_step *const scripts[] = {script};
    struct scene *const s = *state;

    assert_int_equal(sizeof BODY - 1, 88);
    s->settings = (struct iam_settings){.host = "iam.test",
                                        .path = "",
                                        .timeout_ms = PATIENCE_MS,
                                        .connections = 1,
                                        .service_token = own_token};
    scene_open(s, scripts, 1);
    atomic_store(&looking, true);
    (void)box_run(&s->box, VIEW(SECRET), 0);
    assert_refused(&s->box, IDENTITY_UNAVAILABLE);
    assert_int_equal(box_run(&s->box, VIEW(SECRET), 0), IAM_KNOWN);
    scene_close(s);
    atomic_store(&looking, false);
    assert_true(atomic_load(&looked) > 5);
    assert_int_equal(atomic_load(&found), 0);
}

/* The test can fail. */
static void test_looks(void **state)
{
    // cppcheck-suppress unusedAllocatedMemory ; whoever looks at what is freed finds it
    char *block = strdup(SECRET);

    (void)state;
    atomic_store(&looking, true);
    free(block);
    atomic_store(&looking, false);
    assert_int_equal(atomic_exchange(&found, 0), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_looks), cmocka_unit_test(test_wiped)};

    return cmocka_run_group_tests(tests, scene_setup, scene_teardown);
}
