/* SPDX-License-Identifier: Apache-2.0
 * The journal as its users see it: open, submit, results, close, and what is in the files then. */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

#include "folder.h"

static void a_fresh_journal_has_checkpoint_start_stop(void **state)
{
    struct folder folder;
    struct journal *journal;
    struct journal_state now;
    struct stat stat_dir, stat_file;
    char path[160];
    char *all;

    (void)state;
    folder_new(&folder);
    journal = folder_open(&folder);
    journal_get_state(journal, &now);
    assert_true(now.accepting);
    assert_null(now.why_not);
    assert_int_equal(now.seq, 2);
    journal_close(&journal, 10000);
    assert_null(journal);
    assert_int_equal(folder_verify(&folder), 3);
    all = folder_read_all(&folder);
    assert_non_null(strstr(all, "\"event\":\"checkpoint\",\"open\":[]}\n"));
    assert_non_null(strstr(all, "\"event\":\"start\",\"durability\":\"sync\"}\n"));
    assert_non_null(strstr(all, "\"event\":\"stop\"}\n"));
    free(all);
    (void)snprintf(path, sizeof path, "%s/00000000000000000001.jsonl", folder.journal);
    assert_int_equal(stat(path, &stat_file), 0);
    assert_int_equal(stat_file.st_mode & 0777, 0600);
    assert_int_equal(stat(folder.journal, &stat_dir), 0);
    assert_int_equal(stat_dir.st_mode & 0777, 0700);
    assert_int_equal(stat(folder.sets, &stat_dir), 0);
    assert_int_equal(stat_dir.st_mode & 0777, 0700);
    folder_remove(&folder);
}

static void results_come_in_order(void **state)
{
    struct folder folder;
    struct journal *journal;
    struct inbox inbox;
    char ids[100][16];

    (void)state;
    folder_new(&folder);
    journal = folder_open(&folder);
    inbox_new(&inbox, journal);
    for (unsigned i = 0; i < 100; i++) {
        struct journal_facts intent;

        (void)snprintf(ids[i], sizeof ids[i], "id%u", i);
        intent = make_intent(ids[i]);
        assert_int_equal(journal_submit(journal, inbox.mailbox, &intent, JOURNAL_SYNCED, i),
                         STATUS_OK);
    }
    inbox_wait(&inbox, 100);
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(inbox.cookies[i], i);
        assert_int_equal(inbox.statuses[i], STATUS_OK);
    }
    inbox_free(&inbox);
    journal_close(&journal, 10000);
    assert_int_equal(folder_verify(&folder), 103);
    folder_remove(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fresh_journal_has_checkpoint_start_stop),
        cmocka_unit_test(results_come_in_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
