/* SPDX-License-Identifier: Apache-2.0
 * Many threads, one journal: every line once, one chain, every waiter answered, whether a line
 * wakes the writer or a kick does. Run under the thread sanitizer, too. */
#include <stdlib.h>

#include "folder.h"

enum { THREADS = 4, EXCHANGES = 1000 };

struct worker {
    pthread_t thread;
    struct journal *journal;
    unsigned number;
    struct inbox inbox;
};

static void *work(void *user)
{
    struct worker *worker = user;

    if (worker->number % 2 == 1)
        journal_mailbox_lazy(worker->inbox.mailbox);
    for (unsigned i = 0; i < EXCHANGES; i++) {
        char id[32], instance[32];
        struct journal_facts facts;

        (void)snprintf(id, sizeof id, "x%u-%u", worker->number, i);
        (void)snprintf(instance, sizeof instance, "i%u-%u", worker->number, i);
        facts = make_intent(id);
        if (journal_submit(worker->journal, worker->inbox.mailbox, &facts, JOURNAL_SYNCED,
                           2UL * i) != STATUS_OK)
            break;
        if (i % 4 == 3)
            journal_kick(worker->journal);
        if (i % 8 == 7)
            inbox_wait(&worker->inbox, worker->inbox.count + 1);
        facts = make_outcome(id, i % 2 == 0 ? OUTCOME_CREATED : OUTCOME_UNKNOWN, instance);
        if (journal_submit(worker->journal, worker->inbox.mailbox, &facts, JOURNAL_WRITTEN,
                           2UL * i + 1) != STATUS_OK)
            break;
        facts = make_event(JOURNAL_REFUSAL);
        if (journal_submit(worker->journal, NULL, &facts, JOURNAL_NO_WAIT, 0) != STATUS_OK)
            break;
    }
    journal_kick(worker->journal);
    inbox_wait(&worker->inbox, (size_t)2 * EXCHANGES);
    return NULL;
}

static void check_results(const struct worker *worker)
{
    static unsigned char seen[2 * EXCHANGES];
    uint64_t last_intent = 0;

    memset(seen, 0, sizeof seen);
    assert_int_equal(worker->inbox.count, 2 * EXCHANGES);
    for (size_t i = 0; i < worker->inbox.count; i++) {
        uint64_t cookie = worker->inbox.cookies[i];

        assert_int_equal(worker->inbox.statuses[i], STATUS_OK);
        assert_true(cookie < sizeof seen && !seen[cookie]);
        seen[cookie] = 1;
        if (cookie % 2 == 0) {
            assert_true(cookie == 0 || cookie > last_intent);
            last_intent = cookie;
        }
    }
}

static void threads_share_one_chain(void **state)
{
    struct folder folder;
    struct journal *journal;
    static struct worker workers[THREADS];
    struct journal_state now;
    struct names names;

    (void)state;
    folder_new(&folder);
    folder.settings.segment_bytes = 262144;
    journal = folder_open(&folder);
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i].journal = journal;
        workers[i].number = i;
        inbox_new(&workers[i].inbox, journal);
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < 1000; i++)
        journal_get_state(journal, &now);
    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
        check_results(&workers[i]);
        inbox_free(&workers[i].inbox);
    }
    journal_close(&journal, 30000);
    folder_segments(&folder, &names);
    assert_true(names.count > 1);
    /* intent, outcome, refusal; a checkpoint a segment, start, stop */
    assert_int_equal(folder_verify(&folder), (uint64_t)3 * THREADS * EXCHANGES + names.count + 2);
    journal = folder_open(&folder);
    journal_get_state(journal, &now);
    assert_int_equal(now.existing, THREADS * EXCHANGES / 2);
    assert_int_equal(now.unknown, THREADS * EXCHANGES / 2);
    assert_int_equal(now.open_intents, 0);
    journal_close(&journal, 10000);
    folder_remove(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_share_one_chain),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
