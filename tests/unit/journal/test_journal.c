/* SPDX-License-Identifier: Apache-2.0
 * The journal as its users see it: open, submit, results, close, and what is in the files then. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "journal/open.h"

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
    assert_false(now.damaged);
    assert_null(now.why_not);
    assert_int_equal(now.seq, 2);
    assert_int_equal(now.lines, 2);
    journal_close(&journal, 10000);
    assert_null(journal);
    journal_close(&journal, 10000);
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

static void space_is_allocated_without_changing_the_size(void **state)
{
    struct folder folder;
    struct journal *journal;
    struct stat before, after;
    char path[160];

    (void)state;
    folder_new(&folder);
    journal = folder_open(&folder);
    (void)snprintf(path, sizeof path, "%s/00000000000000000001.jsonl", folder.journal);
    assert_int_equal(stat(path, &before), 0);
    assert_true(before.st_size < 4096);
    journal_close(&journal, 10000);
    assert_int_equal(stat(path, &after), 0);
    /* Where the file system allocates ahead, it gives the rest back at the end. */
    assert_true(after.st_blocks <= before.st_blocks);
    folder_remove(&folder);
}

static void results_come_in_order(void **state)
{
    struct folder folder;
    struct journal *journal;
    struct inbox inbox;
    struct journal_state now;
    uint64_t buckets = 0;
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
    journal_get_state(journal, &now);
    for (size_t i = 0; i < ARRAY_LEN(now.sync_us_buckets); i++)
        buckets += now.sync_us_buckets[i];
    assert_true(now.syncs > 0 && now.batches > 0 && buckets > 0);
    inbox_free(&inbox);
    assert_null(inbox.mailbox);
    journal_mailbox_free(&inbox.mailbox);
    journal_close(&journal, 10000);
    assert_int_equal(folder_verify(&folder), 103);
    folder_remove(&folder);
}

static void the_line_is_what_was_submitted(void **state)
{
    struct folder folder;
    struct journal *journal;
    struct inbox inbox;
    struct journal_facts facts = make_intent("0123456789abcdef0123456789abcdef");

    (void)state;
    folder_new(&folder);
    journal = folder_open(&folder);
    inbox_new(&inbox, journal);
    assert_int_equal(inbox_submit(&inbox, journal, &facts, JOURNAL_SYNCED), STATUS_OK);
    inbox_free(&inbox);
    journal_close(&journal, 10000);
    assert_int_equal(
        folder_count(&folder,
                     "\",\"time\":\"2026-01-02T03:04:05.123456Z\",\"event\":\"intent\","
                     "\"id\":\"0123456789abcdef0123456789abcdef\","
                     "\"operation\":\"demanager.create\",\"class\":\"create\",\"method\":\"POST\","
                     "\"path\":\"/v1/p/demanager/instances\",\"project\":\"p\","
                     "\"decision\":\"allow\"}\n"),
        1);
    folder_remove(&folder);
}

static void a_restart_goes_on_with_the_segment(void **state)
{
    struct folder folder;
    struct journal *journal;
    struct names names;

    (void)state;
    folder_new(&folder);
    for (int i = 0; i < 3; i++) {
        journal = folder_open(&folder);
        journal_close(&journal, 10000);
    }
    assert_int_equal(folder_verify(&folder), 7);
    folder_segments(&folder, &names);
    assert_int_equal(names.count, 1);
    folder_remove(&folder);
}

/* fallocate refuses a length of 0, which was once taken for a full disk. */
static void a_used_up_segment_is_no_lack_of_space(void **state)
{
    struct folder folder;
    struct journal *journal;
    struct journal_state now;

    (void)state;
    folder_new(&folder);
    folder.settings.segment_bytes = 1;
    for (int i = 0; i < 3; i++) {
        journal = folder_open(&folder);
        journal_get_state(journal, &now);
        assert_true(now.accepting);
        journal_close(&journal, 10000);
    }
    (void)folder_verify(&folder);
    folder_remove(&folder);
}

static void remove_segment(const struct folder *folder, const char *name)
{
    char path[160];

    (void)snprintf(path, sizeof path, "%s/%s", folder->journal, name);
    assert_int_equal(unlink(path), 0);
}

static void segments_rotate_and_checkpoint_what_is_open(void **state)
{
    struct folder folder;
    struct journal *journal;
    struct inbox inbox;
    struct names names;
    struct journal_state now;
    struct journal_facts facts;
    char *last;
    size_t len;

    (void)state;
    folder_new(&folder);
    folder.settings.segment_bytes = 32768;
    journal = folder_open(&folder);
    inbox_new(&inbox, journal);
    facts = make_intent("stays-open");
    assert_int_equal(inbox_submit(&inbox, journal, &facts, JOURNAL_SYNCED), STATUS_OK);
    facts = make_intent("exists");
    assert_int_equal(inbox_submit(&inbox, journal, &facts, JOURNAL_SYNCED), STATUS_OK);
    facts = make_outcome("exists", OUTCOME_CREATED, "inst");
    assert_int_equal(inbox_submit(&inbox, journal, &facts, JOURNAL_WRITTEN), STATUS_OK);
    facts = make_intent("unknown");
    assert_int_equal(inbox_submit(&inbox, journal, &facts, JOURNAL_SYNCED), STATUS_OK);
    facts = make_outcome("unknown", OUTCOME_UNKNOWN, NULL);
    assert_int_equal(inbox_submit(&inbox, journal, &facts, JOURNAL_WRITTEN), STATUS_OK);
    for (int i = 0; i < 600; i++) {
        facts = make_event(JOURNAL_ADMIN);
        facts.actor = VIEW("somebody");
        assert_int_equal(inbox_submit(&inbox, journal, &facts, JOURNAL_WRITTEN), STATUS_OK);
    }
    journal_get_state(journal, &now);
    assert_int_equal(now.open_intents, 1);
    assert_int_equal(now.unknown, 1);
    assert_int_equal(now.existing, 1);
    inbox_free(&inbox);
    journal_close(&journal, 10000);
    folder_segments(&folder, &names);
    assert_true(names.count >= 3);
    assert_int_equal(folder_verify(&folder), now.lines + 1);
    last = folder_read(&folder, names.name[names.count - 1], &len);
    assert_true(len < 65536);
    *strchr(last, '\n') = '\0';
    assert_non_null(strstr(last, "\"open\":[{\"id\":\"stays-open\","
                                 "\"time\":\"2026-01-02T03:04:05.123456Z\",\"project\":\"p\","
                                 "\"state\":\"reserved\",\"operation\":\"demanager.create\"},"
                                 "{\"id\":\"exists\","
                                 "\"time\":\"2026-01-02T03:04:05.123456Z\",\"project\":\"p\","
                                 "\"instance\":{\"id\":\"inst\"},\"state\":\"existing\","
                                 "\"operation\":\"demanager.create\"},"
                                 "{\"id\":\"unknown\",\"time\":\"2026-01-02T03:04:05.123456Z\","
                                 "\"project\":\"p\",\"state\":\"unknown\","
                                 "\"operation\":\"demanager.create\"}]}"));
    free(last);
    /* A start reads that checkpoint, and nothing further back. */
    for (size_t i = 0; i + 1 < names.count; i++)
        remove_segment(&folder, names.name[i]);
    journal = folder_open(&folder);
    journal_get_state(journal, &now);
    assert_int_equal(now.open_intents, 0);
    assert_int_equal(now.unknown, 2);
    assert_int_equal(now.existing, 1);
    journal_close(&journal, 10000);
    assert_int_equal(folder_count(&folder, "\"id\":\"stays-open\",\"operation\":"
                                           "\"demanager.create\",\"class\":\"create\","
                                           "\"outcome\":\"unknown\",\"error\":\"recovered\"}"),
                     1);
    (void)folder_verify(&folder);
    folder_remove(&folder);
}

struct seen {
    char text[4096];
    size_t len, items;
};

static bool see(void *user, const struct open_item *item)
{
    struct seen *seen = user;

    seen->len += (size_t)snprintf(
        seen->text + seen->len, sizeof seen->text - seen->len,
        "%.*s %s %s i=%.*s n=%.*s f=%.*s p=%.*s u=%.*s %lld %lld%s\n", VIEW_ARGS(item->id),
        open_state_name(item->state), item->operation == NULL ? "?" : item->operation->name,
        VIEW_ARGS(item->instance), VIEW_ARGS(item->name), VIEW_ARGS(item->flavor),
        VIEW_ARGS(item->project), VIEW_ARGS(item->user_id), (long long)item->time_us,
        (long long)item->auto_stop_s, item->orphan ? " orphan" : "");
    seen->items++;
    return true;
}

static bool see_one(void *user, const struct open_item *item)
{
    (void)see(user, item);
    return false;
}

/* Lines of all kinds that leave something to count. */
static void fill(const struct folder *folder)
{
    static const struct subject user = {.known = SUBJECT_USER, .user_id = {"u", 1}};
    static const struct instance_request request = {.name = {true, {"nb", 2}},
                                                    .flavor = {true, {"f", 1}}};
    static const struct journal_instance listed = {
        .id = {"j", 1}, .name = {"\xc3\xa9\"", 3}, .flavor = {"g", 1}, .pool = {"", 0}};
    const struct {
        enum journal_event event;
        const char *id;
        enum operation_id op;
        enum journal_outcome outcome;
        const char *instance;
        int64_t run_s;
    } rows[] = {
        {JOURNAL_INTENT, "made", OP_DEMANAGER_CREATE, OUTCOME_NONE, NULL, 60},
        {JOURNAL_OUTCOME, "made", OP_DEMANAGER_CREATE, OUTCOME_CREATED, "i", -1},
        {JOURNAL_INTENT, "lost", OP_NOTEBOOKS_CREATE, OUTCOME_NONE, NULL, -1},
        {JOURNAL_OUTCOME, "lost", OP_NOTEBOOKS_CREATE, OUTCOME_UNKNOWN, NULL, -1},
        {JOURNAL_ORPHAN, "found", OP_NOTEBOOKS_CREATE, OUTCOME_NONE, NULL, -1},
        {JOURNAL_INTENT, "ran", OP_DEMANAGER_START, OUTCOME_NONE, "i", 60},
        {JOURNAL_OUTCOME, "ran", OP_DEMANAGER_START, OUTCOME_DONE, "i", -1},
        {JOURNAL_INTENT, "open", OP_NOTEBOOKS_LEASE, OUTCOME_NONE, "k", 30},
    };
    struct journal *journal = folder_open(folder);
    struct inbox inbox;

    inbox_new(&inbox, journal);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct journal_facts facts = make_event(rows[i].event);
        bool intent = rows[i].event == JOURNAL_INTENT;

        facts.id = view_str(rows[i].id);
        facts.operation = &operations[rows[i].op];
        facts.outcome = rows[i].outcome;
        facts.project = VIEW("p");
        facts.user = &user;
        facts.instance = intent ? &request : NULL;
        facts.listed = rows[i].event == JOURNAL_ORPHAN ? &listed : NULL;
        facts.instance_id = view_str(rows[i].instance);
        facts.has_run = true;
        facts.run_s = rows[i].run_s;
        assert_int_equal(inbox_submit(&inbox, journal, &facts, JOURNAL_SYNCED), STATUS_OK);
    }
    inbox_free(&inbox);
    journal_close(&journal, 10000);
}

#define MADE "made existing demanager.create i=i n=nb f=f p=p u=u 1767323045123456 60\n"
#define LOST "lost unknown notebooks.create i= n=nb f=f p=p u=u 1767323045123456 -1\n"
#define FOUND \
    "found existing notebooks.create i=j n=\xc3\xa9\" f=g p=p u=u 1767323045123456 -1 orphan\n"
#define RAN  "ran spent demanager.start i=i n=nb f=f p=p u=u 1767323045123456 60\n"
#define OPEN "open unknown notebooks.lease i=k n=nb f=f p=p u=u 1767323045123456 30\n"

/* What lines left, and again what a checkpoint of them left. */
static void a_start_tells_all_that_is_open(void **state)
{
    struct folder folder;
    struct journal *journal;
    struct names names;
    struct seen seen;

    (void)state;
    folder_new(&folder);
    fill(&folder);
    for (int round = 0; round < 3; round++) {
        journal = folder_open(&folder);
        seen = (struct seen){.len = 0};
        journal_each_open(journal, see, &seen);
        assert_string_equal(seen.text, MADE LOST FOUND RAN OPEN);
        seen = (struct seen){.len = 0};
        journal_each_open(journal, see_one, &seen);
        assert_int_equal(seen.items, 1);
        journal_close(&journal, 10000);
        folder.settings.segment_bytes = 1; /* the lines of the next start begin one */
    }
    folder_segments(&folder, &names);
    assert_true(names.count > 1);
    (void)folder_verify(&folder);
    folder_remove(&folder);
}

/* Segments are short here, and each one's checkpoint prunes. */
static void spent_starts_stay_as_long_as_budgets_want(void **state)
{
    const struct {
        const char *name;
        int64_t age_us, keep_us; /* keep -1: nobody says it */
        uint64_t want;
    } rows[] = {
        {"nobody says", 1000000000000000, -1, 1},
        {"within the window", 1000000, 3600000000, 1},
        {"behind it", 3601000000, 3600000000, 0},
        {"no window", 1, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct journal_facts facts = make_event(JOURNAL_INTENT);
        struct journal_state now;
        struct folder folder;
        struct journal *journal;
        struct inbox inbox;

        folder_new(&folder);
        folder.settings.segment_bytes = 1;
        journal = folder_open(&folder);
        if (rows[i].keep_us >= 0)
            journal_keep_spent(journal, rows[i].keep_us);
        inbox_new(&inbox, journal);
        facts.id = VIEW("a");
        facts.time_us = clock_now_us() - rows[i].age_us;
        facts.operation = &operations[OP_NOTEBOOKS_START];
        facts.has_run = true;
        facts.run_s = 60;
        assert_int_equal(inbox_submit(&inbox, journal, &facts, JOURNAL_SYNCED), STATUS_OK);
        facts = make_outcome("a", OUTCOME_DONE, "i");
        facts.operation = &operations[OP_NOTEBOOKS_START];
        assert_int_equal(inbox_submit(&inbox, journal, &facts, JOURNAL_SYNCED), STATUS_OK);
        facts = make_event(JOURNAL_ADMIN);
        for (int line = 0; line < 40; line++) /* they fill the room that the outcome didn't need */
            assert_int_equal(inbox_submit(&inbox, journal, &facts, JOURNAL_SYNCED), STATUS_OK);
        journal_get_state(journal, &now);
        assert_row(now.spent == rows[i].want, rows[i].name);
        inbox_free(&inbox);
        journal_close(&journal, 10000);
        journal = folder_open(&folder);
        journal_get_state(journal, &now);
        assert_row(now.spent == rows[i].want, rows[i].name);
        journal_close(&journal, 10000);
        folder_remove(&folder);
    }
}

/* Between checkpoints too: a gateway that starts much would grow without end. */
static void spent_starts_are_pruned_without_a_checkpoint(void **state)
{
    enum { STARTS = 1500 };
    struct folder folder;
    struct journal *journal;
    struct journal_state now;
    struct inbox inbox;
    char id[32];

    (void)state;
    folder_new(&folder);
    folder.settings.durability = DURABILITY_WRITE;
    journal = folder_open(&folder);
    journal_keep_spent(journal, 0);
    inbox_new(&inbox, journal);
    for (int i = 0; i < STARTS; i++) {
        struct journal_facts facts = make_event(JOURNAL_INTENT);

        (void)snprintf(id, sizeof id, "%d", i);
        facts.id = view_str(id);
        facts.operation = &operations[OP_NOTEBOOKS_START];
        facts.has_run = true;
        facts.run_s = 60;
        assert_int_equal(inbox_submit(&inbox, journal, &facts, JOURNAL_WRITTEN), STATUS_OK);
        facts = make_outcome(id, OUTCOME_DONE, "i");
        facts.operation = &operations[OP_NOTEBOOKS_START];
        assert_int_equal(inbox_submit(&inbox, journal, &facts, JOURNAL_WRITTEN), STATUS_OK);
    }
    journal_get_state(journal, &now);
    assert_true(now.spent <= 1024); /* of the STARTS */
    inbox_free(&inbox);
    journal_close(&journal, 10000);
    folder_remove(&folder);
}

static void old_segments_are_removed_but_the_last(void **state)
{
    struct folder folder;
    struct journal *journal;
    struct inbox inbox;
    struct names before, after;
    struct journal_facts facts = make_event(JOURNAL_ADMIN);
    int64_t begins_us[ARRAY_LEN(before.name)];

    (void)state;
    folder_new(&folder);
    folder.settings.segment_bytes = 2048;
    journal = folder_open(&folder);
    inbox_new(&inbox, journal);
    for (int i = 0; i < 100; i++)
        assert_int_equal(inbox_submit(&inbox, journal, &facts, JOURNAL_WRITTEN), STATUS_OK);
    inbox_free(&inbox);
    journal_close(&journal, 10000);
    folder_segments(&folder, &before);
    assert_true(before.count > 4);
    /* The third was written until now: it and all behind it stay. */
    for (size_t i = 0; i < before.count; i++)
        begins_us[i] = i == 3 ? clock_now_us() : 1000000000;
    folder_redate(&folder, begins_us);
    journal = folder_open(&folder);
    journal_close(&journal, 10000);
    folder_segments(&folder, &after);
    assert_true(after.count >= before.count - 2);
    assert_string_equal(after.name[0], before.name[2]);
    (void)folder_verify(&folder);
    folder.settings.keep_us = 0; /* for ever */
    journal = folder_open(&folder);
    journal_close(&journal, 10000);
    folder_segments(&folder, &after);
    assert_string_equal(after.name[0], before.name[2]);
    folder_remove(&folder);
}

static void a_folder_has_one_writer(void **state)
{
    struct folder folder;
    struct journal *journal, *second = NULL;
    struct err err;
    char pid[32];

    (void)state;
    folder_new(&folder);
    journal = folder_open(&folder);
    assert_int_equal(journal_open(&folder.settings, &second, &err), STATUS_IO);
    assert_null(second);
    (void)snprintf(pid, sizeof pid, "(%ld)", (long)getpid());
    assert_non_null(strstr(err.text, "is in use by another process"));
    assert_non_null(strstr(err.text, pid));
    assert_non_null(strstr(err.text, folder.journal));
    journal_close(&journal, 10000);
    journal = folder_open(&folder);
    journal_close(&journal, 10000);
    folder_remove(&folder);
}

static void a_bad_folder_is_named(void **state)
{
    struct folder folder;
    struct journal *journal = NULL;
    struct err err;
    char path[128];

    (void)state;
    folder_new(&folder);
    (void)snprintf(path, sizeof path, "%s/no/journal", folder.root);
    folder.settings.directory = path;
    assert_int_equal(journal_open(&folder.settings, &journal, &err), STATUS_IO);
    assert_non_null(strstr(err.text, "can't make the folder"));
    assert_non_null(strstr(err.text, path));
    (void)snprintf(path, sizeof path, "%s/file", folder.root);
    assert_int_equal(close(open(path, O_WRONLY | O_CREAT, 0600)), 0);
    assert_int_equal(journal_open(&folder.settings, &journal, &err), STATUS_IO);
    assert_non_null(strstr(err.text, "can't open the journal folder"));
    folder.settings.directory = folder.journal;
    folder.settings.sets = "/dev/null/sets";
    assert_int_equal(journal_open(&folder.settings, &journal, &err), STATUS_IO);
    assert_non_null(strstr(err.text, "/dev/null/sets"));
    assert_null(journal);
    folder.settings.sets = folder.sets;
    if (geteuid() != 0) {
        assert_int_equal(chmod(folder.journal, 0500), 0);
        assert_int_equal(journal_open(&folder.settings, &journal, &err), STATUS_IO);
        assert_non_null(strstr(err.text, "can't write to the journal folder"));
        assert_int_equal(chmod(folder.journal, 0700), 0);
    }
    folder_remove(&folder);
}

static void folders_with_slashes_at_the_end(void **state)
{
    struct folder folder;
    struct journal *journal;
    char path[128];

    (void)state;
    folder_new(&folder);
    (void)snprintf(path, sizeof path, "%s//", folder.journal);
    folder.settings.directory = path;
    folder.settings.sets = NULL;
    journal = folder_open(&folder);
    journal_close(&journal, 10000);
    assert_int_equal(folder_verify(&folder), 3);
    folder_remove(&folder);
}

static void durability_write_says_so(void **state)
{
    struct folder folder;
    struct journal *journal;
    struct inbox inbox;
    struct journal_state now;
    struct journal_facts facts = make_intent("a");

    (void)state;
    folder_new(&folder);
    folder.settings.durability = DURABILITY_WRITE;
    journal = folder_open(&folder);
    inbox_new(&inbox, journal);
    assert_int_equal(inbox_submit(&inbox, journal, &facts, JOURNAL_SYNCED), STATUS_OK);
    journal_get_state(journal, &now);
    assert_int_equal(now.syncs, 0);
    inbox_free(&inbox);
    journal_close(&journal, 10000);
    assert_int_equal(folder_count(&folder, "\"durability\":\"write\""), 1);
    assert_int_equal(folder_verify(&folder), 4);
    folder_remove(&folder);
}

static void long_lines(void **state)
{
    struct folder folder;
    struct journal *journal;
    struct inbox inbox;
    struct journal_facts facts = make_intent("a");
    struct journal_state now;
    char *text = malloc(2 << 20), words[4096]; /* a long word would be taken for a secret */

    (void)state;
    assert_non_null(text);
    memset(words, 'x', sizeof words);
    memset(text, 'x', 2 << 20);
    for (size_t i = 3; i < sizeof words; i += 4)
        words[i] = ' ';
    folder_new(&folder);
    folder.settings.segment_bytes = 65536;
    journal = folder_open(&folder);
    inbox_new(&inbox, journal);
    /* An intent over the limit is refused, one just below it gets a segment that takes it. */
    facts.path = view_of(text, 2 << 20);
    assert_int_equal(inbox_submit(&inbox, journal, &facts, JOURNAL_SYNCED), STATUS_LIMIT);
    facts.path = view_of(text, 1000000);
    assert_int_equal(inbox_submit(&inbox, journal, &facts, JOURNAL_SYNCED), STATUS_OK);
    /* Its outcome is never refused, but written short. */
    facts = make_outcome("a", OUTCOME_FAILED, NULL);
    facts.path = view_of(text, 8192);
    facts.status = 400;
    facts.error = view_of(words, sizeof words);
    facts.request_id = VIEW("left out");
    assert_int_equal(inbox_submit(&inbox, journal, &facts, JOURNAL_WRITTEN), STATUS_OK);
    /* So are others. */
    facts = make_event(JOURNAL_REFUSAL);
    facts.id = VIEW("r");
    facts.path = view_of(text, 2 << 20);
    assert_int_equal(inbox_submit(&inbox, journal, &facts, JOURNAL_WRITTEN), STATUS_OK);
    journal_get_state(journal, &now);
    assert_int_equal(now.open_intents, 0);
    inbox_free(&inbox);
    journal_close(&journal, 10000);
    assert_int_equal(folder_count(&folder, "\"event\":\"refusal\",\"id\":\"r\",\"error\":"
                                           "\"the line was too long\"}"),
                     1);
    assert_int_equal(folder_count(&folder, "\"outcome\":\"failed\",\"status\":400,\"error\":\"xxx"),
                     1);
    assert_int_equal(folder_count(&folder, "left out"), 0);
    (void)folder_verify(&folder);
    folder_remove(&folder);
    free(text);
}

/* What digest mode takes full mode takes, if need be without the request. */
static void kept_requests_hold_nothing_up(void **state)
{
    static const size_t sizes[] = {100, (1 << 20) - 300, 1 << 20, 2 << 20};
    struct folder folder;
    struct journal *journal;
    struct inbox inbox;
    char *text = malloc(2 << 20);

    (void)state;
    assert_non_null(text);
    memset(text, ' ', 2 << 20);
    folder_new(&folder);
    journal = folder_open(&folder);
    inbox_new(&inbox, journal);
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        char id[8];
        struct journal_facts facts;
        const struct journal_kept kept = {.request = view_of(text, sizes[i])};

        (void)snprintf(id, sizeof id, "id%zu", i);
        facts = make_intent(id);
        facts.kept = &kept;
        memset(text, '.', sizes[i]);
        text[0] = text[sizes[i] - 1] = '"';
        assert_int_equal(inbox_submit(&inbox, journal, &facts, JOURNAL_SYNCED), STATUS_OK);
        facts.event = JOURNAL_REFUSAL;
        assert_int_equal(inbox_submit(&inbox, journal, &facts, JOURNAL_SYNCED), STATUS_OK);
    }
    inbox_free(&inbox);
    journal_close(&journal, 10000);
    assert_int_equal(folder_count(&folder, "\"event\":\"intent\""), 4);
    assert_int_equal(folder_count(&folder, "\"request\":\"..."), 4);
    assert_int_equal(folder_count(&folder, "too long"), 0);
    (void)folder_verify(&folder);
    folder_remove(&folder);
    free(text);
}

static void outcomes_without_intent_are_lines_too(void **state)
{
    struct folder folder;
    struct journal *journal;
    struct inbox inbox;
    struct journal_state now;
    struct journal_facts facts = make_outcome("release", OUTCOME_DONE, "inst");

    (void)state;
    folder_new(&folder);
    journal = folder_open(&folder);
    inbox_new(&inbox, journal);
    facts.operation = &operations[OP_DEMANAGER_DELETE];
    facts.status = 200;
    assert_int_equal(inbox_submit(&inbox, journal, &facts, JOURNAL_WRITTEN), STATUS_OK);
    journal_get_state(journal, &now);
    assert_int_equal(now.open_intents + now.existing + now.unknown, 0);
    inbox_free(&inbox);
    journal_close(&journal, 10000);
    assert_int_equal(folder_verify(&folder), 4);
    folder_remove(&folder);
}

static void nobody_has_to_wait(void **state)
{
    struct folder folder;
    struct journal *journal;
    struct journal_facts facts = make_event(JOURNAL_REFUSAL);

    (void)state;
    folder_new(&folder);
    journal = folder_open(&folder);
    for (int i = 0; i < 50; i++)
        assert_int_equal(journal_submit(journal, NULL, &facts, JOURNAL_NO_WAIT, 0), STATUS_OK);
    journal_close(&journal, 10000); /* writes what is queued */
    assert_int_equal(folder_verify(&folder), 53);
    folder_remove(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fresh_journal_has_checkpoint_start_stop),
        cmocka_unit_test(space_is_allocated_without_changing_the_size),
        cmocka_unit_test(results_come_in_order),
        cmocka_unit_test(the_line_is_what_was_submitted),
        cmocka_unit_test(a_restart_goes_on_with_the_segment),
        cmocka_unit_test(a_used_up_segment_is_no_lack_of_space),
        cmocka_unit_test(segments_rotate_and_checkpoint_what_is_open),
        cmocka_unit_test(a_start_tells_all_that_is_open),
        cmocka_unit_test(spent_starts_stay_as_long_as_budgets_want),
        cmocka_unit_test(spent_starts_are_pruned_without_a_checkpoint),
        cmocka_unit_test(old_segments_are_removed_but_the_last),
        cmocka_unit_test(a_folder_has_one_writer),
        cmocka_unit_test(a_bad_folder_is_named),
        cmocka_unit_test(folders_with_slashes_at_the_end),
        cmocka_unit_test(durability_write_says_so),
        cmocka_unit_test(long_lines),
        cmocka_unit_test(kept_requests_hold_nothing_up),
        cmocka_unit_test(outcomes_without_intent_are_lines_too),
        cmocka_unit_test(nobody_has_to_wait),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
