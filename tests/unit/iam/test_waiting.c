/* SPDX-License-Identifier: Apache-2.0
 * One look-up for all who carry a token: several mailboxes and threads, bounds, and giving up. */
#include <pthread.h>
#include <sched.h>

#include "base/require.h"

#include "scene.h"

enum { THREADS = 4, ASKS = 25 };

/* IAM answers about token-a when the test says so. */
#define SLOW_SCRIPT(s)                                                                            \
    {                                                                                             \
        {CLOUD_READ, ASKED("GET", "token-a"), 0}, {CLOUD_WAIT, NULL, 0}, {CLOUD_SEND, yes(s), 0}, \
            {CLOUD_END, NULL, 0},                                                                 \
    }

static void test_two_mailboxes(void **state)
{
    struct scene *const s = *state;
    const struct cloud_step script[] = SLOW_SCRIPT(s);
    const struct cloud_step *const scripts[] = {script};
    struct iam_ticket *ticket;
    struct box other;
    int mark = 0;

    scene_open(s, scripts, 1);
    box_open(&other, s->iam);
    assert_int_equal(box_ask(&s->box, VIEW("token-a"), 0, &mark, &ticket), IAM_WAITS);
    assert_int_equal(box_ask(&other, VIEW("token-a"), 0, NULL, &ticket), IAM_WAITS);
    assert_int_equal(box_ask(&other, VIEW("token-a"), 0, NULL, &ticket), IAM_WAITS);
    assert_int_equal(state_of(s).waiting, 3);
    assert_int_equal(state_of(s).joined, 2);
    cloud_go(&s->cloud);
    box_wait(&s->box, 1);
    box_wait(&other, 2);
    assert_int_equal(s->box.answer, IAM_KNOWN);
    assert_ptr_equal(s->box.user, &mark);
    assert_int_equal(other.answer, IAM_KNOWN);
    assert_view(s->box.verdict.facts.subject.user_id, "u1");
    assert_view(other.verdict.facts.subject.user_id, "u1");
    assert_int_equal(state_of(s).lookups, 1);
    assert_int_equal(state_of(s).waiting, 0);
    box_close(&other);
    scene_close(s);
}

struct worker {
    struct scene *scene;
    pthread_t thread;
    unsigned known;
};

static void *work(void *user)
{
    struct worker *const worker = user;
    struct box box;
    struct iam_ticket *ticket;
    unsigned waiting = 0;

    box_open(&box, worker->scene->iam);
    for (unsigned i = 0; i < ASKS; i++) {
        switch (box_ask(&box, VIEW("token-a"), 0, NULL, &ticket)) {
        case IAM_WAITS:
            waiting++;
            break;
        case IAM_KNOWN:
            worker->known++;
            break;
        case IAM_REFUSED:
            break;
        }
    }
    box_wait(&box, waiting);
    if (waiting > 0 && box.answer == IAM_KNOWN)
        worker->known += waiting;
    box_close(&box);
    return NULL;
}

static void test_threads(void **state)
{
    struct scene *const s = *state;
    const struct cloud_step script[] = SLOW_SCRIPT(s);
    const struct cloud_step *const scripts[] = {script};
    struct worker workers[THREADS];
    struct iam_state seen;

    scene_open(s, scripts, 1);
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.scene = s};
        REQUIRE(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0);
    }
    do
        (void)sched_yield();
    while (state_of(s).waiting < ASKS);
    cloud_go(&s->cloud);
    for (unsigned i = 0; i < THREADS; i++) {
        REQUIRE(pthread_join(workers[i].thread, NULL) == 0);
        assert_int_equal(workers[i].known, ASKS);
    }
    seen = state_of(s);
    assert_int_equal(seen.lookups, 1);
    assert_int_equal(seen.joined + seen.hits, THREADS * ASKS - 1);
    scene_close(s);
}

/* What IAM says is kept though nobody waits any more. */
static void test_abandon(void **state)
{
    struct scene *const s = *state;
    const struct cloud_step script[] = SLOW_SCRIPT(s);
    const struct cloud_step *const scripts[] = {script};
    struct iam_ticket *first, *second, *third;

    scene_open(s, scripts, 1);
    assert_int_equal(box_ask(&s->box, VIEW("token-a"), 0, NULL, &first), IAM_WAITS);
    assert_int_equal(box_ask(&s->box, VIEW("token-a"), 0, NULL, &second), IAM_WAITS);
    assert_int_equal(box_ask(&s->box, VIEW("token-a"), 0, NULL, &third), IAM_WAITS);
    iam_abandon(second);
    assert_int_equal(state_of(s).waiting, 2);
    cloud_go(&s->cloud);
    REQUIRE(sem_wait(&s->box.woken) == 0);
    iam_abandon(first); /* after its answer came, before it was collected */
    REQUIRE(sem_post(&s->box.woken) == 0);
    box_wait(&s->box, 1);
    assert_int_equal(s->box.answers, 1);
    assert_int_equal(state_of(s).waiting, 0);
    assert_int_equal(box_ask(&s->box, VIEW("token-a"), 0, NULL, &first), IAM_KNOWN);
    scene_close(s);
}

static void test_mailbox_goes(void **state)
{
    struct scene *const s = *state;
    const struct cloud_step script[] = SLOW_SCRIPT(s);
    const struct cloud_step *const scripts[] = {script};
    struct iam_ticket *ticket;
    struct box other;

    scene_open(s, scripts, 1);
    box_open(&other, s->iam);
    assert_int_equal(box_ask(&other, VIEW("token-a"), 0, NULL, &ticket), IAM_WAITS);
    assert_int_equal(box_ask(&other, VIEW("token-a"), 0, NULL, &ticket), IAM_WAITS);
    box_close(&other);
    assert_int_equal(state_of(s).waiting, 0);
    cloud_go(&s->cloud);
    while (state_of(s).entries == 0)
        (void)sched_yield();
    scene_close(s);
}

/* The room ends while a look-up is under way. */
static void test_end_in_flight(void **state)
{
    struct scene *const s = *state;
    const struct cloud_step script[] = SLOW_SCRIPT(s);
    const struct cloud_step *const scripts[] = {script};
    struct iam_ticket *ticket;

    scene_open(s, scripts, 1);
    assert_int_equal(box_ask(&s->box, VIEW("token-a"), 0, NULL, &ticket), IAM_WAITS);
    cloud_go(&s->cloud);
    scene_close(s);
}

static struct view numbered(char out[16], unsigned number)
{
    return view_of(out, (size_t)snprintf(out, 16, "token-%u", number));
}

static void test_bounds(void **state)
{
    struct scene *const s = *state;
    const struct cloud_step script[] = {{CLOUD_SILENT, NULL, 0}};
    const struct cloud_step *const scripts[] = {script};
    struct iam_ticket *tickets[IAM_WAITING_MAX], *ticket;
    char text[16];

    scene_open(s, scripts, 1);
    for (unsigned i = 0; i < IAM_WAITING_MAX; i++)
        assert_int_equal(box_ask(&s->box, numbered(text, i), 0, NULL, &tickets[i]), IAM_WAITS);
    /* Nobody else, not even to join. */
    s->box.answer = box_ask(&s->box, numbered(text, 0), 0, NULL, &ticket);
    assert_refused(&s->box, IDENTITY_UNAVAILABLE);
    for (unsigned i = 1; i < IAM_WAITING_MAX; i++)
        iam_abandon(tickets[i]);
    /* Look-ups that nobody waits for count until they end. */
    assert_int_equal(box_ask(&s->box, numbered(text, 1), 0, NULL, &ticket), IAM_WAITS);
    s->box.answer = box_ask(&s->box, VIEW("another"), 0, NULL, &ticket);
    assert_refused(&s->box, IDENTITY_UNAVAILABLE);
    assert_int_equal(state_of(s).overflows, 2);
    assert_int_equal(state_of(s).waiting, 2);
    scene_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_mailboxes), cmocka_unit_test(test_threads),
        cmocka_unit_test(test_abandon),       cmocka_unit_test(test_mailbox_goes),
        cmocka_unit_test(test_end_in_flight), cmocka_unit_test(test_bounds),
    };

    return cmocka_run_group_tests(tests, scene_setup, scene_teardown);
}
