/* SPDX-License-Identifier: Apache-2.0
 * Journals of a few lines with a right chain: pairs, seals, the witness, and what isn't a fault.
 * What is done to the chain itself is in test_links.c and tests/system/test_verify.py. */
#include "support/test.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/chain.h"
#include "journal/open.h"
#include "journal/segment.h"
#include "proof/verify.h"

#define CHECKPOINT "checkpoint\",\"open\":[]"
#define INTENT(id) \
    "intent\",\"id\":\"" id "\",\"operation\":\"demanager.create\",\"class\":\"create\""
#define OUTCOME(id, class, what) \
    "outcome\",\"id\":\"" id "\",\"class\":\"" class "\",\"outcome\":\"" what "\""
#define RESERVED(id) "{\"id\":\"" id "\",\"state\":\"reserved\"}"

static struct world {
    char root[64], journal[96], witness[96];
    struct chain chain;
    struct digest *digest;
    struct buf bytes;
    uint64_t segment;
    unsigned minutes;
    struct ed25519_private key;
    struct verify_report report;
} world;

int __real_openat(int dir_fd, const char *path, int flags, ...);
int __wrap_openat(int dir_fd, const char *path, int flags, ...);
static const char *vanish; /* files that are taken away once the first segment was opened */

int __wrap_openat(int dir_fd, const char *path, int flags, ...)
{
    int fd = __real_openat(dir_fd, path, flags, 0600);

    if (vanish != NULL && strstr(path, ".jsonl") != NULL) {
        for (const char *at = vanish; *at != '\0'; at++) {
            char name[SEGMENT_NAME_BYTES];

            segment_name_format((uint64_t)(*at - '0'), name);
            assert_int_equal(unlinkat(dir_fd, name, 0), 0);
        }
        vanish = NULL;
    }
    return fd;
}

static enum status set_key(char name, struct ed25519_private *key)
{
    const unsigned char seed[ED25519_KEY_BYTES] = {(unsigned char)name};

    return ed25519_set_private(seed, key);
}

static int setup(void **state)
{
    (void)state;
    memset(&world, 0, sizeof world);
    (void)snprintf(world.root, sizeof world.root, "/tmp/verify-test-XXXXXX");
    assert_non_null(mkdtemp(world.root));
    (void)snprintf(world.journal, sizeof world.journal, "%s/journal", world.root);
    (void)snprintf(world.witness, sizeof world.witness, "%s/witness", world.root);
    assert_int_equal(mkdir(world.journal, 0700), 0);
    world.digest = digest_new();
    assert_non_null(world.digest);
    chain_start(&world.chain);
    buf_init(&world.bytes, 1 << 20);
    return set_key('a', &world.key);
}

static void write_file(const char *path, struct view bytes)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes.ptr, 1, bytes.len, file), bytes.len);
    assert_int_equal(fclose(file), 0);
}

static void close_segment(void)
{
    char name[SEGMENT_NAME_BYTES], path[160];

    if (world.segment == 0)
        return;
    segment_name_format(world.segment, name);
    (void)snprintf(path, sizeof path, "%s/%s", world.journal, name);
    write_file(path, buf_view(&world.bytes));
    buf_clear(&world.bytes);
    world.segment = 0;
}

static int teardown(void **state)
{
    DIR *dir = opendir(world.journal);
    const struct dirent *entry;

    (void)state;
    assert_non_null(dir);
    /* cppcheck-suppress readdirCalled */
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): one thread reads the stream */
    while ((entry = readdir(dir)) != NULL)
        (void)unlinkat(dirfd(dir), entry->d_name, 0);
    (void)closedir(dir);
    (void)unlink(world.witness);
    (void)rmdir(world.journal);
    (void)rmdir(world.root);
    digest_free(&world.digest);
    buf_done(&world.bytes);
    return 0;
}

/* rest: from the event's name on, without the brace. */
static void add(const char *rest)
{
    char text[1024];
    int len =
        snprintf(text, sizeof text, "\"time\":\"2026-01-02T03:%02u:00.000000Z\",\"event\":\"%s}",
                 world.minutes++, rest);

    if (world.segment == 0)
        world.segment = world.chain.seq + 1;
    chain_add(&world.chain, world.digest, view_of(text, (size_t)len), &world.bytes);
}

static void seal_with(const struct ed25519_private *key)
{
    unsigned char signature[ED25519_SIGNATURE_BYTES];
    char text[256], line[512];
    int len =
        snprintf(text, sizeof text, "postern seal v1\n%llu\n%.64s\n2026-01-02T03:%02u:00.000000Z\n",
                 (unsigned long long)world.chain.seq + 1, world.chain.hash, world.minutes);

    assert_int_equal(ed25519_sign(key, view_of(text, (size_t)len), signature), STATUS_OK);
    len = snprintf(line, sizeof line, "seal\",\"head\":\"%.64s\",\"key\":\"%s\",\"signature\":\"",
                   world.chain.hash, key->public.id);
    for (size_t i = 0; i < sizeof signature; i++)
        len += snprintf(line + len, sizeof line - (size_t)len, "%02x", signature[i]);
    (void)snprintf(line + len, sizeof line - (size_t)len, "\"");
    add(line);
}

static void seal(void)
{
    seal_with(&world.key);
}

/* What look_at_set finds, by the first digit of the digest, and how often it was asked. */
static unsigned looks;

static enum sets_copy look_at_set(const char *sets, const char *digest, struct err *err)
{
    assert_string_equal(sets, "the-sets");
    assert_int_equal(strlen(digest), DIGEST_HEX_BYTES);
    looks++;
    (void)err_set(err, STATUS_INVALID, "it is of another digest");
    return digest[0] == 'a' ? SETS_KEPT : digest[0] == 'b' ? SETS_MISSING : SETS_OTHER;
}

static enum status verify_by(const struct ed25519_public *keys, size_t count, bool witness)
{
    const struct verify_settings settings = {
        .directory = world.journal,
        .witness = witness ? world.witness : NULL,
        .keys = keys,
        .key_count = count,
        .look_at_set = look_at_set,
        .sets = "the-sets",
    };
    struct err err;

    looks = 0;
    close_segment();
    return verify_journal(&settings, &world.report, &err);
}

static enum status verify(bool key, bool witness)
{
    return verify_by(&world.key.public, key, witness);
}

static void expect_whole(void)
{
    if (!verify_is_well(&world.report))
        fail_msg("%s at line %llu: %s", fault_word(world.report.faults.list[0].kind),
                 (unsigned long long)world.report.faults.list[0].at.line,
                 world.report.faults.list[0].text);
}

static void expect_fault(enum fault_kind kind, uint64_t seq)
{
    const struct fault *fault = &world.report.faults.list[0];

    assert_int_equal(world.report.faults.count, 1);
    if (fault->kind != kind || fault->at.seq != seq)
        fail_msg("%s at seq %llu: %s", fault_word(fault->kind), (unsigned long long)fault->at.seq,
                 fault->text);
}

static void an_empty_folder_is_no_journal(void **state)
{
    (void)state;
    assert_int_equal(verify(false, false), STATUS_INVALID);
}

static void outcomes_that_need_no_intent(void **state)
{
    (void)state;
    add(CHECKPOINT);
    add(OUTCOME("a", "release", "done"));
    add(OUTCOME("b", "other", "done"));
    add(OUTCOME("c", "create", "refused"));
    add("something_new\",\"id\":\"d\"");
    assert_int_equal(verify(false, false), STATUS_OK);
    expect_whole();
    assert_int_equal(world.report.outcomes, 3);
    assert_int_equal(world.report.last_seq, 5);
}

static void every_judged_class_needs_one(void **state)
{
    (void)state;
    add(CHECKPOINT);
    add(OUTCOME("a", "create", "done"));
    add(OUTCOME("b", "change", "done"));
    add(OUTCOME("c", "start", "unknown"));
    add(OUTCOME("d", "mount", "failed"));
    assert_int_equal(verify(false, false), STATUS_OK);
    assert_int_equal(world.report.faults.count, 4);
    assert_int_equal(world.report.faults.list[3].kind, FAULT_PAIR);
    assert_int_equal(world.report.faults.list[3].at.line, 5);
}

static void open_intents_at_the_end_are_told(void **state)
{
    (void)state;
    add(CHECKPOINT);
    add(INTENT("a"));
    add(INTENT("b"));
    add(OUTCOME("a", "create", "created"));
    add(INTENT("c"));
    assert_int_equal(verify(false, false), STATUS_OK);
    expect_whole();
    assert_int_equal(world.report.open, 2);
    assert_int_equal(world.report.oldest_open.seq, 3);
    assert_int_equal(world.report.intents, 3);
}

#define HEX_63    "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccddddddddddddddd"
#define POLICY(x) "policy\",\"policy_set\":\"" x "\""

static void each_policy_set_is_held_against_its_copy_once(void **state)
{
    (void)state;
    add(CHECKPOINT);
    add(POLICY("a" HEX_63));
    add(POLICY("a" HEX_63));
    add(POLICY("b" HEX_63));
    add(POLICY("a" HEX_63));
    add(POLICY("../" HEX_63));
    add(POLICY("A" HEX_63));
    add(POLICY(""));
    assert_int_equal(verify(false, false), STATUS_OK);
    expect_whole();
    assert_int_equal(looks, 2);
    assert_int_equal(world.report.sets.named, 2);
    assert_int_equal(world.report.sets.kept, 1);
    assert_int_equal(world.report.sets.missing, 1);
    assert_string_equal(world.report.sets.first_missing, "b" HEX_63);
}

static void a_copy_of_another_policy_set_is_a_fault(void **state)
{
    (void)state;
    add(CHECKPOINT);
    add(POLICY("a" HEX_63));
    add(POLICY("c" HEX_63));
    add(POLICY("c" HEX_63));
    assert_int_equal(verify(false, false), STATUS_OK);
    expect_fault(FAULT_SET, 3);
    assert_non_null(strstr(world.report.faults.list[0].text, "it is of another digest"));
    assert_int_equal(world.report.sets.other, 1);
}

static void the_first_checkpoint_tells_what_was_open(void **state)
{
    (void)state;
    world.chain.seq = 6;
    add("checkpoint\",\"open\":[" RESERVED("a") ",{\"id\":\"b\",\"state\":\"existing\"}," RESERVED(
        "c") "]");
    add(OUTCOME("a", "create", "created"));
    assert_int_equal(verify(false, false), STATUS_OK);
    expect_whole();
    assert_int_equal(world.report.first_seq, 7);
    assert_int_equal(world.report.open, 1);
    assert_int_equal(world.report.oldest_open.segment, 0);
}

/* As many open intents as there are, but not the same. */
static void an_intent_told_twice_hides_no_other(void **state)
{
    (void)state;
    add(CHECKPOINT);
    add(INTENT("a"));
    add(INTENT("b"));
    close_segment();
    add("checkpoint\",\"open\":[" RESERVED("a") "," RESERVED("a") "]");
    assert_int_equal(verify(false, false), STATUS_OK);
    expect_fault(FAULT_PAIR, 4);
}

static void checkpoints_agree_with_the_lines(void **state)
{
    static const struct {
        const char *open;
        bool well;
    } rows[] = {
        {RESERVED("a"), true},
        {RESERVED("a") ",{\"id\":\"x\",\"state\":\"unknown\"}", true},
        {"", false},
        {RESERVED("b"), false},
        {RESERVED("a") "," RESERVED("b"), false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[256];

        assert_int_equal(teardown(state), 0);
        assert_int_equal(setup(state), 0);
        add(CHECKPOINT);
        add(INTENT("a"));
        close_segment();
        (void)snprintf(text, sizeof text, "checkpoint\",\"open\":[%s]", rows[i].open);
        add(text);
        assert_int_equal(verify(false, false), STATUS_OK);
        assert_row(verify_is_well(&world.report) == rows[i].well, rows[i].open);
        if (!rows[i].well)
            assert_row(world.report.faults.list[0].kind == FAULT_PAIR &&
                           world.report.faults.list[0].at.seq == 3,
                       rows[i].open);
    }
}

static void checkpoints_without_a_list(void **state)
{
    static const char *const rows[] = {"checkpoint\"",
                                       "checkpoint\",\"open\":{}",
                                       "checkpoint\",\"open\":7",
                                       "checkpoint\",\"open\":[7]",
                                       "checkpoint\",\"open\":[{\"id\":\"a\"}]",
                                       "checkpoint\",\"open\":[{\"id\":\"\",\"state\":\"new\"}]",
                                       "checkpoint\",\"open\":[{\"state\":\"existing\"}]"};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(teardown(state), 0);
        assert_int_equal(setup(state), 0);
        add(rows[i]);
        assert_int_equal(verify(false, false), STATUS_OK);
        expect_fault(FAULT_CHANGED, 1);
    }
}

static void an_intent_without_an_id(void **state)
{
    char text[256], id[OPEN_KEY_BYTES + 2];

    (void)state;
    memset(id, 'x', sizeof id);
    for (int len = 0; len <= OPEN_KEY_BYTES + 1; len += OPEN_KEY_BYTES + 1) {
        assert_int_equal(teardown(state), 0);
        assert_int_equal(setup(state), 0);
        add(CHECKPOINT);
        (void)snprintf(text, sizeof text, "intent\",\"id\":\"%.*s\"", len, id);
        add(text);
        assert_int_equal(verify(false, false), STATUS_OK);
        expect_fault(FAULT_CHANGED, 2);
        assert_int_equal(world.report.open, 0);
    }
}

static void an_orphan_without_an_id(void **state)
{
    (void)state;
    add(CHECKPOINT);
    add("orphan\",\"instance\":{\"id\":\"a\"}");
    add("orphan\",\"id\":\"b\"");
    assert_int_equal(verify(false, false), STATUS_OK);
    expect_fault(FAULT_CHANGED, 2);
}

/* Where there is no line to name, it is the first that should be there. */
static void faults_of_no_line_have_a_place(void **state)
{
    (void)state;
    world.segment = 3;
    buf_add(&world.bytes, VIEW("{\"v\":1"));
    close_segment();
    world.segment = 9;
    assert_int_equal(verify(true, false), STATUS_OK);
    assert_int_equal(world.report.faults.count, 3);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(world.report.faults.list[i].at.segment, 3);
        assert_int_equal(world.report.faults.list[i].at.line, 1);
    }
}

/* The hash of a line says nothing about members that later lines don't look at. */
static void every_line_has_prev_and_time(void **state)
{
    static const char *const rows[] = {
        "{\"v\":1,\"seq\":7,\"time\":\"x\",\"event\":\"checkpoint\",\"open\":[]}\n",
        "{\"v\":1,\"seq\":7,\"prev\":7,\"time\":\"x\",\"event\":\"checkpoint\",\"open\":[]}\n",
        "{\"v\":1,\"seq\":7,\"prev\":\"x\",\"event\":\"checkpoint\",\"open\":[]}\n",
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(teardown(state), 0);
        assert_int_equal(setup(state), 0);
        world.segment = 7;
        buf_add(&world.bytes, view_str(rows[i]));
        assert_int_equal(verify(false, false), STATUS_OK);
        expect_fault(FAULT_CHANGED, 7);
    }
}

static void a_seal_has_a_time_like_all_seals(void **state)
{
    char text[256];

    (void)state;
    add(CHECKPOINT);
    (void)snprintf(text, sizeof text,
                   "\"time\":\"never\",\"event\":\"seal\",\"head\":\"%.64s\",\"key\":\"k\"}",
                   world.chain.hash);
    chain_add(&world.chain, world.digest, view_str(text), &world.bytes);
    assert_int_equal(verify(false, false), STATUS_OK);
    expect_fault(FAULT_SEAL, 2);
}

/* Somebody takes all segments away and puts one of his own there: the next run seals it. */
static void lines_in_front_of_the_first_seal_are_late(void **state)
{
    (void)state;
    world.chain.seq = 6;
    add(CHECKPOINT);
    add("admin\"");
    add("start\"");
    seal();
    assert_int_equal(verify(true, false), STATUS_OK);
    expect_whole();
    assert_int_equal(world.report.late.lines, 2);
    assert_int_equal(world.report.late.from, 7);
    assert_int_equal(world.report.late.until, 8);
    assert_int_equal(verify(false, false), STATUS_OK);
    assert_int_equal(world.report.late.lines, 0);
}

static void the_first_start_of_all_leaves_nothing_late(void **state)
{
    (void)state;
    add(CHECKPOINT);
    add("start\"");
    seal();
    assert_int_equal(verify(true, false), STATUS_OK);
    expect_whole();
    assert_int_equal(world.report.late.places, 0);
}

static void a_start_closes_all(void **state)
{
    (void)state;
    add(CHECKPOINT);
    add(INTENT("a"));
    add("start\"");
    add(INTENT("a"));
    assert_int_equal(verify(false, false), STATUS_OK);
    expect_fault(FAULT_PAIR, 3);
}

/* Behind a gap nobody knows which outcomes are missing, up to the next checkpoint. */
static void pairs_are_not_judged_behind_a_gap(void **state)
{
    (void)state;
    add(CHECKPOINT);
    add(INTENT("a"));
    world.chain.seq++;
    add(OUTCOME("b", "create", "created"));
    add("start\"");
    close_segment();
    add("checkpoint\",\"open\":[" RESERVED("c") "]");
    add(OUTCOME("c", "create", "created"));
    add(INTENT("d"));
    assert_int_equal(verify(false, false), STATUS_OK);
    expect_fault(FAULT_DROPPED, 4);
    assert_int_equal(world.report.open, 1);
}

static void accepted_damage_is_told(void **state)
{
    (void)state;
    add("checkpoint\",\"actor\":\"uid:0\",\"error\":\"accepted: a \\u001b[31mmess\",\"open\":[]");
    assert_int_equal(verify(false, false), STATUS_OK);
    expect_whole();
    assert_int_equal(world.report.note_count, 1);
    assert_non_null(strstr(world.report.notes[0], "uid:0 has accepted: a ?[31mmess"));
}

/* ---- seals ---- */

static void a_seal_proves_what_stands_before_it(void **state)
{
    (void)state;
    add(CHECKPOINT);
    seal();
    add(INTENT("a"));
    seal();
    add("stop\"");
    assert_int_equal(verify(true, false), STATUS_OK);
    expect_whole();
    assert_int_equal(world.report.seals, 2);
    assert_int_equal(world.report.seals_good, 2);
    assert_int_equal(world.report.proven_from, 1);
    assert_int_equal(world.report.proven_until, 3);
    assert_memory_equal(world.report.proven_key, world.key.public.id, DIGEST_HEX_BYTES);
    assert_int_equal(verify(false, false), STATUS_OK);
    expect_whole();
    assert_int_equal(world.report.seals_good, 0);
    assert_int_equal(world.report.proven_until, 0);
}

static void a_seal_proves_nothing_across_a_break(void **state)
{
    (void)state;
    add(CHECKPOINT);
    seal();
    world.chain.seq++;
    add("stop\"");
    add("stop\"");
    seal();
    assert_int_equal(verify(true, false), STATUS_OK);
    expect_fault(FAULT_DROPPED, 4);
    assert_int_equal(world.report.proven_from, 4);
    assert_int_equal(world.report.proven_until, 5);
}

/* A clock that was set right must not make the journal look touched, nor hide what was. */
static void seals_whose_time_runs_backwards(void **state)
{
    (void)state;
    add(CHECKPOINT);
    world.minutes = 30;
    seal();
    world.minutes = 20;
    seal();
    world.minutes = 10;
    seal();
    world.minutes = 40;
    seal();
    for (int key = 0; key < 2; key++) {
        assert_int_equal(verify(key, false), STATUS_OK);
        expect_whole();
        assert_int_equal(world.report.earlier.count, 2);
        assert_int_equal(world.report.earlier.seq, 4);
    }
    assert_int_equal(world.report.seals_good, 4);
    assert_int_equal(world.report.proven_until, 4);
}

static void seals_that_are_none(void **state)
{
    static const char *const rows[] = {
        "seal\"",
        "seal\",\"head\":\"00\",\"key\":\"k\",\"signature\":\"\"",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(teardown(state), 0);
        assert_int_equal(setup(state), 0);
        add(CHECKPOINT);
        add(rows[i]);
        assert_int_equal(verify(false, false), STATUS_OK);
        expect_fault(FAULT_SEAL, 2);
    }
}

/* A key that was changed away from serves nobody, whoever kept it. */
static void keys_follow_each_other_as_they_are_given(void **state)
{
    static const struct {
        const char *seals, *given;
        uint64_t fault; /* its seq; 0: whole */
    } rows[] = {
        {"a", "aba", 0}, /* the first two were retired with their segments */
        {"ab", "ab", 0}, {"aabb", "ab", 0}, {"b", "ab", 0},     {"aba", "aba", 0},
        {"a", "a", 0},   {"aba", "ab", 4},  {"abaa", "ab", 4},  {"aa", "ab", 3},
        {"ab", "ba", 3}, {"cb", "ab", 2},   {"abab", "aba", 5}, {"abcb", "abc", 5},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ed25519_public given[4];
        size_t count = 0;

        assert_int_equal(teardown(state), 0);
        assert_int_equal(setup(state), 0);
        add(CHECKPOINT);
        for (const char *at = rows[i].seals; *at != '\0'; at++) {
            struct ed25519_private key;

            assert_int_equal(set_key(*at, &key), STATUS_OK);
            seal_with(&key);
        }
        for (const char *at = rows[i].given; *at != '\0'; at++) {
            struct ed25519_private key;

            assert_int_equal(set_key(*at, &key), STATUS_OK);
            given[count++] = key.public;
        }
        assert_int_equal(verify_by(given, count, false), STATUS_OK);
        if (rows[i].fault == 0)
            expect_whole();
        else
            expect_fault(FAULT_SEAL, rows[i].fault);
    }
}

/* ---- the witness ---- */

/* Puts the journal's line of that number, from 1, into the witness, with something in front. */
static void witnessed(struct buf *out, const char *head, unsigned number)
{
    struct view rest = buf_view(&world.bytes);

    while (--number > 0)
        rest = view_from(rest, view_find(rest, '\n') + 1);
    buf_add_str(out, head);
    buf_add(out, view_of(rest.ptr, view_find(rest, '\n') + 1));
}

static void the_witness_may_be_a_syslog(void **state)
{
    struct buf lines;

    (void)state;
    add(CHECKPOINT);
    seal();
    add("stop\"");
    seal();
    buf_init(&lines, 1 << 16);
    witnessed(&lines, "<134>1 2026-01-02T03:04:05Z host postern 12 - - ", 4);
    witnessed(&lines, "", 2);
    buf_add(&lines, VIEW("\nsomething else\n{\"v\":1,\"se"));
    write_file(world.witness, buf_view(&lines));
    buf_done(&lines);
    assert_int_equal(verify(true, true), STATUS_OK);
    expect_whole();
    assert_int_equal(world.report.witness_lines, 2);
    assert_int_equal(world.report.witness_found, 2);
    assert_int_equal(world.report.witness_other, 1);
    assert_true(world.report.witness_torn);
}

static void an_empty_journal_that_a_witness_knows(void **state)
{
    struct buf lines;

    (void)state;
    add(CHECKPOINT);
    seal();
    buf_init(&lines, 1 << 16);
    witnessed(&lines, "", 2);
    write_file(world.witness, buf_view(&lines));
    buf_done(&lines);
    world.segment = 0;
    buf_clear(&world.bytes);
    assert_int_equal(verify(false, true), STATUS_OK);
    expect_fault(FAULT_CUT, 0);
}

/* ---- segments that are removed for their age meanwhile ---- */

static void retired_meanwhile(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        add(CHECKPOINT);
        close_segment();
    }
    vanish = "123";
    assert_int_equal(verify(false, false), STATUS_OK);
    expect_whole();
    assert_int_equal(world.report.first_seq, 4);
}

static void a_hole_is_no_retirement(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        add(CHECKPOINT);
        close_segment();
    }
    vanish = "23";
    assert_int_equal(verify(false, false), STATUS_OK);
    expect_fault(FAULT_MISSING, 4);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_empty_folder_is_no_journal),
        TEST(outcomes_that_need_no_intent),
        TEST(every_judged_class_needs_one),
        TEST(open_intents_at_the_end_are_told),
        TEST(each_policy_set_is_held_against_its_copy_once),
        TEST(a_copy_of_another_policy_set_is_a_fault),
        TEST(the_first_checkpoint_tells_what_was_open),
        TEST(checkpoints_agree_with_the_lines),
        TEST(checkpoints_without_a_list),
        TEST(an_intent_without_an_id),
        TEST(an_intent_told_twice_hides_no_other),
        TEST(an_orphan_without_an_id),
        TEST(faults_of_no_line_have_a_place),
        TEST(every_line_has_prev_and_time),
        TEST(a_seal_has_a_time_like_all_seals),
        TEST(lines_in_front_of_the_first_seal_are_late),
        TEST(the_first_start_of_all_leaves_nothing_late),
        TEST(a_start_closes_all),
        TEST(pairs_are_not_judged_behind_a_gap),
        TEST(accepted_damage_is_told),
        TEST(a_seal_proves_what_stands_before_it),
        TEST(a_seal_proves_nothing_across_a_break),
        TEST(seals_whose_time_runs_backwards),
        TEST(seals_that_are_none),
        TEST(keys_follow_each_other_as_they_are_given),
        TEST(the_witness_may_be_a_syslog),
        TEST(an_empty_journal_that_a_witness_knows),
        TEST(retired_meanwhile),
        TEST(a_hole_is_no_retirement),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
