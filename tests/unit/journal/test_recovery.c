/* SPDX-License-Identifier: Apache-2.0
 * Starting on what a crash left: torn tails, open intents, damage, repair. A crash is made by
 * copying bytes of a journal that was written before into a fresh folder. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "journal/chain.h"
#include "journal/open.h"

#include "folder.h"

#define FIRST "00000000000000000001.jsonl"

/* A journal as it stands when the process dies behind the outcome of "a" and the intent of "b". */
static char *crashed(size_t *ret_len)
{
    struct folder folder;
    struct journal *journal;
    struct inbox inbox;
    struct journal_facts facts;
    char *bytes, *stop;

    folder_new(&folder);
    journal = folder_open(&folder);
    inbox_new(&inbox, journal);
    facts = make_intent("a");
    assert_int_equal(inbox_submit(&inbox, journal, &facts, JOURNAL_SYNCED), STATUS_OK);
    facts = make_outcome("a", OUTCOME_CREATED, "inst-a");
    assert_int_equal(inbox_submit(&inbox, journal, &facts, JOURNAL_SYNCED), STATUS_OK);
    facts = make_intent("b");
    assert_int_equal(inbox_submit(&inbox, journal, &facts, JOURNAL_SYNCED), STATUS_OK);
    inbox_free(&inbox);
    journal_close(&journal, 10000);
    bytes = folder_read(&folder, FIRST, ret_len);
    stop = strstr(bytes, "\"event\":\"stop\"");
    assert_non_null(stop);
    while (stop[-1] != '\n')
        stop--;
    *stop = '\0';
    *ret_len = (size_t)(stop - bytes);
    folder_remove(&folder);
    return bytes;
}

static void place(struct folder *folder, const char *name, const char *bytes, size_t len)
{
    assert_true(mkdir(folder->journal, 0700) == 0 || access(folder->journal, F_OK) == 0);
    folder_write(folder, name, bytes, len);
}

static void expect_accepting(struct journal *journal)
{
    struct journal_state now;

    journal_get_state(journal, &now);
    if (!now.accepting)
        fail_msg("not accepting: %s", now.why_not == NULL ? "no reason" : now.why_not);
    assert_false(now.damaged);
    assert_null(now.why_not);
}

static void open_intents_are_closed_as_unknown(void **state)
{
    struct folder folder;
    struct journal *journal;
    struct journal_state now;
    size_t len;
    char *bytes = crashed(&len), *all;

    (void)state;
    folder_new(&folder);
    place(&folder, FIRST, bytes, len);
    journal = folder_open(&folder);
    expect_accepting(journal);
    journal_get_state(journal, &now);
    assert_int_equal(now.open_intents, 0);
    assert_int_equal(now.unknown, 1);
    assert_int_equal(now.existing, 1);
    journal_close(&journal, 10000);
    assert_int_equal(folder_verify(&folder), 8);
    all = folder_read_all(&folder);
    assert_memory_equal(all, bytes, len);
    assert_non_null(strstr(
        all + len, "\"event\":\"outcome\",\"id\":\"b\",\"operation\":\"demanager.create\","
                   "\"class\":\"create\",\"outcome\":\"unknown\",\"error\":\"recovered\"}\n"));
    assert_int_equal(folder_count(&folder, "\"recovered\""), 1);
    free(all);
    /* Once more: nothing is left to close. */
    journal = folder_open(&folder);
    journal_get_state(journal, &now);
    assert_int_equal(now.unknown, 1);
    journal_close(&journal, 10000);
    assert_int_equal(folder_verify(&folder), 10);
    assert_int_equal(folder_count(&folder, "\"recovered\""), 1);
    free(bytes);
    folder_remove(&folder);
}

static void a_torn_tail_is_removed_at_every_byte(void **state)
{
    size_t len, last;
    char *bytes = crashed(&len);

    (void)state;
    log_configure(LOG_ERROR, LOG_TEXT);
    for (last = len - 1; bytes[last - 1] != '\n';)
        last--;
    for (size_t cut = last; cut <= len; cut++) {
        struct folder folder;
        struct journal *journal;
        struct journal_state now;
        bool whole = cut == len;

        folder_new(&folder);
        place(&folder, FIRST, bytes, cut);
        journal = folder_open(&folder);
        expect_accepting(journal);
        journal_get_state(journal, &now);
        assert_int_equal(now.unknown, whole ? 1 : 0);
        assert_int_equal(now.existing, 1);
        journal_close(&journal, 10000);
        assert_int_equal(folder_verify(&folder), whole ? 8 : 6);
        folder_remove(&folder);
    }
    log_configure(LOG_INFO, LOG_TEXT);
    free(bytes);
}

/* What a crash of the file system left behind the last line, or who had a mind to. */
static void a_torn_tail_of_any_length_is_removed(void **state)
{
    struct folder folder;
    struct journal *journal;
    struct stat facts;
    char path[160];
    size_t len;
    char *bytes = crashed(&len);

    (void)state;
    log_configure(LOG_ERROR, LOG_TEXT);
    folder_new(&folder);
    place(&folder, FIRST, bytes, len);
    (void)snprintf(path, sizeof path, "%s/" FIRST, folder.journal);
    assert_int_equal(truncate(path, (off_t)1300 << 20), 0);
    journal = folder_open(&folder);
    expect_accepting(journal);
    journal_close(&journal, 10000);
    assert_int_equal(stat(path, &facts), 0);
    assert_true(facts.st_size < 1 << 20);
    assert_int_equal(folder_verify(&folder), 8);
    folder_remove(&folder);
    free(bytes);
    log_configure(LOG_INFO, LOG_TEXT);
}

static void a_torn_first_line_is_a_fresh_start(void **state)
{
    size_t len, first;
    char *bytes = crashed(&len);

    (void)state;
    first = view_find(view_of(bytes, len), '\n');
    for (size_t cut = 0; cut <= first; cut += 37) {
        struct folder folder;
        struct journal *journal;

        folder_new(&folder);
        place(&folder, FIRST, bytes, cut);
        journal = folder_open(&folder);
        expect_accepting(journal);
        journal_close(&journal, 10000);
        assert_int_equal(folder_verify(&folder), 3);
        folder_remove(&folder);
    }
    free(bytes);
}

static void an_empty_last_segment_is_no_damage(void **state)
{
    static const struct {
        const char *name, *left;
    } rows[] = {{"empty", ""}, {"half a checkpoint", "{\"v\":1,\"seq\":6,\"pr"}};
    size_t len;
    char *bytes = crashed(&len);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct folder folder;
        struct journal *journal;
        struct names names;

        folder_new(&folder);
        place(&folder, FIRST, bytes, len);
        place(&folder, "00000000000000000006.jsonl", rows[i].left, strlen(rows[i].left));
        journal = folder_open(&folder);
        expect_accepting(journal);
        journal_close(&journal, 10000);
        assert_row(folder_verify(&folder) == 8, rows[i].name);
        folder_segments(&folder, &names);
        assert_row(names.count == 1, rows[i].name);
        folder_remove(&folder);
    }
    free(bytes);
}

/* ---- damage ---- */

struct damage_row {
    const char *name;
    const char *file; /* NULL: the first segment */
    size_t line;      /* to change, from 1; 0: none */
    const char *from, *to;
    const char *want; /* part of why_not */
};

static const struct damage_row damage_rows[] = {
    {"a letter in the middle", NULL, 3, "POST", "PUST", "line 4: its \"prev\" isn't the hash"},
    {"not JSON", NULL, 3, "{\"v\"", "{\"v", "line 3: it isn't a JSON object"},
    {"a duplicate member", NULL, 3, "\"id\":\"a\"", "\"id\":\"a\",\"id\":\"b\"",
     "line 3: it isn't a JSON object"},
    {"an array", NULL, 3, "{\"v\"", "[{\"v\"", "line 3: it isn't a JSON object"},
    {"another version", NULL, 3, "\"v\":1", "\"v\":2", "line 3: its \"v\" isn't 1"},
    {"no seq", NULL, 3, "\"seq\"", "\"sek\"", "line 3: its \"seq\" isn't a positive integer"},
    {"seq zero", NULL, 3, "\"seq\":3", "\"seq\":0", "line 3: its \"seq\" isn't a positive"},
    {"a gap", NULL, 3, "\"seq\":3", "\"seq\":4", "line 3: its \"seq\" doesn't follow"},
    {"seq twice", NULL, 3, "\"seq\":3", "\"seq\":2", "line 3: its \"seq\" doesn't follow"},
    {"no prev", NULL, 3, "\"prev\"", "\"pref\"", "line 3: it has no \"prev\""},
    {"no event", NULL, 3, "\"event\"", "\"fvent\"", "line 3: it has no \"event\""},
    {"no checkpoint", NULL, 1, "checkpoint", "start", "line 1: a segment has to start with a ch"},
    {"a later event first", NULL, 1, "checkpoint", "novelty", "line 1: a segment has to start"},
    {"no list", NULL, 1, "\"open\":[]", "\"open\":{}", "line 1: its \"open\" can't be read"},
    {"a bad element", NULL, 1, "\"open\":[]", "\"open\":[{\"id\":\"x\"}]",
     "line 1: its \"open\" can't be read"},
    {"a bad state", NULL, 1, "\"open\":[]", "\"open\":[{\"id\":\"x\",\"state\":\"odd\"}]",
     "line 1: its \"open\" can't be read"},
    {"no text as a state", NULL, 1, "\"open\":[]", "\"open\":[{\"id\":\"x\",\"state\":7}]",
     "line 1: its \"open\" can't be read"},
    {"an empty id", NULL, 1, "\"open\":[]", "\"open\":[{\"id\":\"\",\"state\":\"existing\"}]",
     "line 1: its \"open\" can't be read"},
    {"not zeros first", NULL, 1, "\"prev\":\"0", "\"prev\":\"1", "line 1: its \"prev\" isn't"},
    {"another name", "00000000000000000007.jsonl", 0, NULL, NULL,
     "segment 00000000000000000007.jsonl, line 1: its \"seq\" isn't the one"},
    {"a line feed more", NULL, 3, "{\"v\"", "\n{\"v\"", "line 3: it isn't a JSON object"},
};

/* The bytes with one change; NUL bytes don't occur in them. */
static char *changed(const char *bytes, const struct damage_row *row)
{
    char *copy = malloc(strlen(bytes) + 256);
    const char *at = bytes;

    assert_non_null(copy);
    if (row->line == 0) {
        memcpy(copy, bytes, strlen(bytes) + 1);
        return copy;
    }
    for (size_t line = 1; line < row->line; line++)
        at = strchr(at, '\n') + 1;
    at = strstr(at, row->from);
    assert_row(at != NULL, row->name);
    (void)snprintf(copy, strlen(bytes) + 256, "%.*s%s%s", (int)(at - bytes), bytes, row->to,
                   at + strlen(row->from));
    return copy;
}

static void expect_damage(struct folder *folder, const struct damage_row *row)
{
    struct journal *journal = folder_open(folder);
    struct journal_facts facts = make_intent("x");
    struct journal_state now;
    struct inbox inbox;
    const char *why;

    inbox_new(&inbox, journal);
    journal_get_state(journal, &now);
    assert_row(!now.accepting && now.damaged, row->name);
    why = now.why_not == NULL ? "" : now.why_not;
    if (strstr(why, row->want) == NULL)
        print_error("got %s\n", why);
    assert_row(strstr(why, row->want) != NULL, row->name);
    assert_row(strstr(why, "postern audit repair") != NULL, row->name);
    assert_row(strstr(why, "segment 0000") != NULL, row->name);
    assert_row(journal_submit(journal, inbox.mailbox, &facts, JOURNAL_SYNCED, 1) == STATUS_IO,
               row->name);
    facts = make_event(JOURNAL_REFUSAL);
    assert_row(journal_submit(journal, NULL, &facts, JOURNAL_NO_WAIT, 0) == STATUS_IO, row->name);
    journal_get_state(journal, &now);
    assert_row(now.failures == 2, row->name);
    inbox_free(&inbox);
    journal_close(&journal, 10000);
}

static void expect_repair(struct folder *folder, const struct damage_row *row)
{
    struct err err = {STATUS_OK, {NULL, 0, 0}, ""};
    struct journal *journal;
    struct inbox inbox;
    struct journal_facts facts = make_intent("after");
    struct buf what;

    buf_init(&what, 4096);
    if (journal_repair(&folder->settings, "root", &what, &err) != STATUS_OK)
        fail_msg("row %s: %s", row->name, err.text);
    assert_row(memmem(what.ptr, what.len, row->want, strlen(row->want)) != NULL, row->name);
    buf_done(&what);
    assert_row(folder_count(folder, "\"event\":\"checkpoint\",\"actor\":\"root\",\"error\":"
                                    "\"accepted: segment ") == 1,
               row->name);
    journal = folder_open(folder);
    expect_accepting(journal);
    inbox_new(&inbox, journal);
    assert_row(inbox_submit(&inbox, journal, &facts, JOURNAL_SYNCED) == STATUS_OK, row->name);
    inbox_free(&inbox);
    journal_close(&journal, 10000);
    assert_int_equal(journal_repair(&folder->settings, "root", &what, &err), STATUS_INVALID);
    assert_non_null(strstr(err.text, "nothing to repair"));
}

static void damage_shuts_the_door_until_repaired(void **state)
{
    size_t len;
    char *bytes = crashed(&len);

    (void)state;
    log_configure(LOG_ERROR, LOG_TEXT);
    for (size_t i = 0; i < ARRAY_LEN(damage_rows); i++) {
        const struct damage_row *row = &damage_rows[i];
        const char *file = row->file == NULL ? FIRST : row->file;
        struct folder folder;
        char *bad = changed(bytes, row), *left;
        size_t left_len;

        folder_new(&folder);
        place(&folder, file, bad, strlen(bad));
        expect_damage(&folder, row);
        expect_damage(&folder, row);
        left = folder_read(&folder, file, &left_len);
        assert_row(strcmp(left, bad) == 0, row->name); /* nothing was touched */
        expect_repair(&folder, row);
        free(left);
        left = folder_read(&folder, file, &left_len);
        assert_row(strcmp(left, bad) == 0, row->name); /* nor by the repair */
        free(left);
        free(bad);
        folder_remove(&folder);
    }
    log_configure(LOG_INFO, LOG_TEXT);
    free(bytes);
}

static void a_line_longer_than_any_is_damage(void **state)
{
    static const struct damage_row row = {.name = "a long line",
                                          .want = "line 6: it is longer than a line may be"};
    const size_t more = 3 << 20;
    struct folder folder;
    size_t len, left_len;
    char *good = crashed(&len), *bytes = malloc(len + more), *left;

    (void)state;
    log_configure(LOG_ERROR, LOG_TEXT);
    assert_non_null(bytes);
    memcpy(bytes, good, len);
    free(good);
    memset(bytes + len, ' ', more);
    bytes[len + more - 1] = '\n';
    folder_new(&folder);
    place(&folder, FIRST, bytes, len + more);
    expect_damage(&folder, &row);
    expect_repair(&folder, &row);
    left = folder_read(&folder, FIRST, &left_len);
    assert_int_equal(left_len, len + more);
    assert_memory_equal(left, bytes, left_len);
    free(left);
    free(bytes);
    folder_remove(&folder);
    log_configure(LOG_INFO, LOG_TEXT);
}

static void a_lone_empty_later_segment_is_damage(void **state)
{
    static const struct damage_row row = {.name = "empty",
                                          .want = "it is empty, and there is no segment before it"};
    struct folder folder;

    (void)state;
    folder_new(&folder);
    place(&folder, "00000000000000000009.jsonl", "", 0);
    expect_damage(&folder, &row);
    expect_repair(&folder, &row);
    folder_remove(&folder);
}

/* Else the next start would go on from before, and forget what was open in them. */
static void emptied_last_segments_are_damage(void **state)
{
    static const struct damage_row row = {.name = "emptied",
                                          .want = "a later segment is there, but its lines"};
    struct folder folder;
    size_t len;
    char *bytes = crashed(&len);

    (void)state;
    folder_new(&folder);
    place(&folder, FIRST, bytes, len);
    place(&folder, "00000000000000000006.jsonl", "", 0);
    place(&folder, "00000000000000000012.jsonl", "", 0);
    expect_damage(&folder, &row);
    expect_repair(&folder, &row);
    folder_remove(&folder);
    free(bytes);
}

static void two_torn_tails_are_damage(void **state)
{
    static const struct damage_row row = {.name = "torn twice", .want = "a second unterminated"};
    struct folder folder;
    size_t len;
    char *bytes = crashed(&len);

    (void)state;
    folder_new(&folder);
    place(&folder, FIRST, bytes, len - 1);
    place(&folder, "00000000000000000006.jsonl", "{\"v\"", 4);
    expect_damage(&folder, &row);
    expect_repair(&folder, &row);
    free(bytes);
    folder_remove(&folder);
}

static void a_repair_saves_what_can_be_read(void **state)
{
    static const struct damage_row row = {"chain",      NULL,         2,
                                          "durability", "durabilitx", "line 3: its \"prev\""};
    struct folder folder;
    struct err err;
    struct journal *journal;
    struct journal_state now;
    struct buf what;
    size_t len;
    char *bytes = crashed(&len), *bad = changed(bytes, &row), *all;

    (void)state;
    folder_new(&folder);
    place(&folder, FIRST, bad, strlen(bad));
    buf_init(&what, 4096);
    assert_int_equal(journal_repair(&folder.settings, "root", &what, &err), STATUS_OK);
    buf_done(&what);
    all = folder_read_all(&folder);
    /* The damage came before both intents: they are saved all the same. */
    assert_non_null(strstr(all, "\"open\":[{\"id\":\"a\",\"time\":\"2026-01-02T03:04:05.123456Z\","
                                "\"project\":\"p\",\"instance\":{\"id\":\"inst-a\"},"
                                "\"state\":\"existing\",\"operation\":\"demanager.create\"},"
                                "{\"id\":\"b\""));
    free(all);
    journal = folder_open(&folder);
    journal_get_state(journal, &now);
    assert_int_equal(now.existing, 1);
    assert_int_equal(now.unknown, 1);
    journal_close(&journal, 10000);
    /* The operation of b was found in the damaged segment. */
    assert_int_equal(folder_count(&folder, "\"id\":\"b\",\"operation\":\"demanager.create\","
                                           "\"class\":\"create\",\"outcome\":\"unknown\""),
                     1);
    free(bytes);
    free(bad);
    folder_remove(&folder);
}

static void later_lines_and_members_are_no_damage(void **state)
{
    struct folder folder;
    struct journal *journal;
    size_t len;
    char *bytes = crashed(&len);
    struct chain chain;
    struct digest *digest = digest_new();
    struct buf out;
    const char *last = bytes + len - 1;

    (void)state;
    while (last[-1] != '\n')
        last--;
    chain_set(&chain, 5, view_of(last, (size_t)(bytes + len - 1 - last)));
    buf_init(&out, 1 << 16);
    buf_add(&out, view_of(bytes, len));
    chain_add(&chain, digest,
              VIEW("\"time\":\"2027-01-01T00:00:00.000000Z\",\"event\":\"novelty\","
                   "\"new\":{\"x\":\"\\u0000\"}}"),
              &out);
    folder_new(&folder);
    place(&folder, FIRST, out.ptr, out.len);
    journal = folder_open(&folder);
    expect_accepting(journal);
    journal_close(&journal, 10000);
    assert_int_equal(folder_verify(&folder), 9);
    digest_free(&digest);
    buf_done(&out);
    free(bytes);
    folder_remove(&folder);
}

static bool count_creates(void *user, const struct open_item *item)
{
    unsigned *count = user;

    assert_false(item->orphan);
    *count += item->operation == &operations[OP_DEMANAGER_CREATE];
    return true;
}

static void only_the_last_segment_is_read(void **state)
{
    unsigned creates = 0;
    struct folder folder;
    struct journal *journal;
    struct journal_state now;
    size_t len;
    char *bytes = crashed(&len), *end;
    struct chain chain;
    struct digest *digest = digest_new();
    struct buf out;

    (void)state;
    /* The second segment's checkpoint is of an earlier version: it carries entries without their
     * operations. The intents are in the first one; that it is damaged a start doesn't see. */
    chain_start(&chain);
    chain.seq = 5;
    buf_init(&out, 1 << 16);
    chain_add(&chain, digest,
              VIEW("\"time\":\"2027-01-01T00:00:00.000000Z\",\"event\":\"checkpoint\",\"open\":["
                   "{\"id\":\"a\",\"time\":\"T\",\"state\":\"existing\"},"
                   "{\"id\":\"b\",\"time\":\"T\",\"state\":\"reserved\"},"
                   "{\"id\":\"lost\",\"time\":\"T\",\"state\":\"reserved\"}]}"),
              &out);
    folder_new(&folder);
    end = strstr(bytes, "durability");
    *end = 'x';
    place(&folder, FIRST, bytes, len);
    place(&folder, "00000000000000000006.jsonl", out.ptr, out.len);
    journal = folder_open(&folder);
    expect_accepting(journal);
    journal_get_state(journal, &now);
    assert_int_equal(now.existing, 1);
    assert_int_equal(now.unknown, 2);
    journal_each_open(journal, count_creates, &creates);
    assert_int_equal(creates, 2);
    journal_close(&journal, 10000);
    assert_int_equal(folder_count(&folder, "\"id\":\"b\",\"operation\":\"demanager.create\","
                                           "\"class\":\"create\",\"outcome\":\"unknown\""),
                     1);
    assert_int_equal(folder_count(&folder, "\"id\":\"lost\",\"outcome\":\"unknown\""), 1);
    digest_free(&digest);
    buf_done(&out);
    free(bytes);
    folder_remove(&folder);
}

static void a_repair_needs_the_lock_and_a_folder(void **state)
{
    struct folder folder;
    struct err err;
    struct buf what;
    struct journal *journal;

    (void)state;
    folder_new(&folder);
    buf_init(&what, 4096);
    assert_int_equal(journal_repair(&folder.settings, "root", &what, &err), STATUS_IO);
    assert_non_null(strstr(err.text, "can't open the journal folder"));
    journal = folder_open(&folder);
    assert_int_equal(journal_repair(&folder.settings, "root", &what, &err), STATUS_IO);
    assert_non_null(strstr(err.text, "in use by another process"));
    journal_close(&journal, 10000);
    assert_int_equal(journal_repair(&folder.settings, "root", &what, &err), STATUS_INVALID);
    folder_remove(&folder);
}

/* Whoever can write to the folder uses up no seqs: behind that one there is none left. */
static void repair_does_not_go_on_behind_a_name_that_no_journal_reaches(void **state)
{
    static const char *const rows[] = {"18446744073709551615.jsonl", "09223372036854775807.jsonl"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct folder folder;
        struct names names;
        struct buf what;
        struct err err;
        size_t len;
        char *bytes = crashed(&len);

        folder_new(&folder);
        place(&folder, FIRST, bytes, len);
        place(&folder, rows[i], "", 0);
        buf_init(&what, 4096);
        assert_int_equal(journal_repair(&folder.settings, "root", &what, &err), STATUS_INVALID);
        assert_non_null(strstr(err.text, "no journal reaches"));
        buf_done(&what);
        folder_segments(&folder, &names);
        assert_int_equal(names.count, 2);
        free(bytes);
        folder_remove(&folder);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(open_intents_are_closed_as_unknown),
        cmocka_unit_test(a_torn_tail_is_removed_at_every_byte),
        cmocka_unit_test(a_torn_tail_of_any_length_is_removed),
        cmocka_unit_test(a_torn_first_line_is_a_fresh_start),
        cmocka_unit_test(an_empty_last_segment_is_no_damage),
        cmocka_unit_test(repair_does_not_go_on_behind_a_name_that_no_journal_reaches),
        cmocka_unit_test(damage_shuts_the_door_until_repaired),
        cmocka_unit_test(a_line_longer_than_any_is_damage),
        cmocka_unit_test(a_lone_empty_later_segment_is_damage),
        cmocka_unit_test(emptied_last_segments_are_damage),
        cmocka_unit_test(two_torn_tails_are_damage),
        cmocka_unit_test(a_repair_saves_what_can_be_read),
        cmocka_unit_test(later_lines_and_members_are_no_damage),
        cmocka_unit_test(only_the_last_segment_is_read),
        cmocka_unit_test(a_repair_needs_the_lock_and_a_folder),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
