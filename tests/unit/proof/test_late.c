/* SPDX-License-Identifier: Apache-2.0
 * Lines that their own run didn't seal, in journals that the gateway's own code wrote: orderly ends
 * leave none, whatever happened before; what somebody adds between two runs always shows. */
#include "support/test.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "journal/chain.h"
#include "proof/verify.h"
#include "unit/journal/faults.h"
#include "unit/journal/folder.h"

enum { KEYS_MAX = 32 };

static struct bench {
    struct folder folder;
    struct journal *journal;
    struct inbox inbox;
    struct ed25519_private keys[2];
    unsigned key;                             /* that seals */
    struct ed25519_public followed[KEYS_MAX]; /* each time that it changed */
    size_t followed_count;
    unsigned random, ids;
} bench;

static unsigned pick(unsigned below)
{
    bench.random = bench.random * 1103515245u + 12345u;
    return (bench.random >> 16) % below;
}

static int set_up(void **state)
{
    static const unsigned char seeds[2][ED25519_KEY_BYTES] = {{1, 2, 3}, {4, 5, 6}};

    (void)state;
    faults_clear();
    log_configure(LOG_ERROR, LOG_TEXT);
    memset(&bench, 0, sizeof bench);
    folder_new(&bench.folder);
    for (int i = 0; i < 2; i++)
        assert_int_equal(ed25519_set_private(seeds[i], &bench.keys[i]), STATUS_OK);
    bench.followed[bench.followed_count++] = bench.keys[0].public;
    bench.folder.settings.segment_bytes = 4096;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    faults_clear();
    folder_remove(&bench.folder);
    return 0;
}

static void start(void)
{
    bench.folder.settings.seal_key = &bench.keys[bench.key];
    bench.folder.settings.seal_every_us = pick(3) == 0 ? 1000 : (int64_t)3600 * 1000000;
    bench.journal = folder_open(&bench.folder);
    inbox_new(&bench.inbox, bench.journal);
}

static void stop(void)
{
    inbox_free(&bench.inbox);
    journal_close(&bench.journal, 10000);
}

/* An intent and its outcome; false: it was refused. */
static bool submit_pair(void)
{
    char id[24];
    struct journal_facts intent, outcome;
    bool taken;

    (void)snprintf(id, sizeof id, "id-%u", bench.ids++);
    intent = make_intent(id);
    bench.inbox.count = 0;
    taken = inbox_submit(&bench.inbox, bench.journal, &intent, JOURNAL_SYNCED) == STATUS_OK;
    if (bench.inbox.count == 0)
        return false; /* at once: no line was written */
    outcome = make_outcome(id, taken ? OUTCOME_FAILED : OUTCOME_REFUSED, NULL);
    (void)!inbox_submit(&bench.inbox, bench.journal, &outcome, JOURNAL_WRITTEN);
    return taken;
}

static void submit_some(unsigned count)
{
    const struct journal_facts facts = make_event(JOURNAL_ADMIN);

    for (unsigned i = 0; i < count; i++) {
        if (pick(2) == 0)
            (void)submit_pair();
        else
            (void)!inbox_submit(&bench.inbox, bench.journal, &facts, JOURNAL_WRITTEN);
    }
}

static void fail_something(void)
{
    struct call_fault *const list[] = {&faults.write, &faults.fdatasync, &faults.fallocate};
    static const int errors[] = {EIO, ENOSPC};
    struct call_fault *fault = list[pick(3)];

    faults.write_before = pick(2) * 100;
    fault_set(fault, (int)pick(4), 1 + (int)pick(2), errors[pick(2)]);
}

static void change_key(void)
{
    bench.key = 1 - bench.key;
    assert_true(bench.followed_count < KEYS_MAX);
    bench.followed[bench.followed_count++] = bench.keys[bench.key].public;
    journal_seal_with(bench.journal, &bench.keys[bench.key]);
}

static void one_run(void)
{
    const bool full = pick(4) == 0;

    if (full)
        fault_set(&faults.fallocate, 0, -1, ENOSPC);
    start();
    submit_some(pick(12));
    if (full)
        faults_clear();
    if (pick(3) == 0)
        fail_something();
    if (pick(3) == 0)
        change_key();
    submit_some(pick(20));
    faults_clear();
    while (!submit_pair())
        (void)sched_yield();
    stop();
}

static const struct verify_report *look(void)
{
    static struct verify_report report;
    const struct verify_settings settings = {.directory = bench.folder.journal,
                                             .keys = bench.followed,
                                             .key_count = bench.followed_count};
    struct err err;

    assert_int_equal(verify_journal(&settings, &report, &err), STATUS_OK);
    return &report;
}

static const struct verify_report *verify(void)
{
    const struct verify_report *report = look();
    const struct fault *fault = &report->faults.list[0];

    if (!verify_is_well(report))
        fail_msg("%s at seq %llu: %s", fault_word(fault->kind), (unsigned long long)fault->at.seq,
                 fault->text);
    return report;
}

static void orderly_ends_leave_nothing_late(void **state)
{
    for (unsigned seed = 1; seed <= 8; seed++) {
        assert_int_equal(tear_down(state), 0);
        assert_int_equal(set_up(state), 0);
        bench.random = seed;
        for (int run = 0; run < 12; run++) {
            const struct verify_report *report;

            one_run();
            report = verify();
            if (report->late.places != 0)
                fail_msg("seed %u, run %d: seq %llu to %llu", seed, run,
                         (unsigned long long)report->late.from,
                         (unsigned long long)report->late.until);
        }
    }
}

/* ---- somebody who writes to the folder while no gateway runs ---- */

struct forger {
    struct chain chain;
    struct digest *digest;
    char name[32]; /* of the segment that he goes on with */
    struct buf bytes;
    uint64_t first; /* seq of his first line */
};

static void forge(struct forger *forger, const char *rest)
{
    char text[512];
    int len = snprintf(text, sizeof text,
                       "\"time\":\"2026-01-02T03:04:05.000000Z\",\"event\":\"%s}", rest);

    chain_add(&forger->chain, forger->digest, view_of(text, (size_t)len), &forger->bytes);
}

static void forge_segment(struct forger *forger)
{
    folder_write(&bench.folder, forger->name, forger->bytes.ptr, forger->bytes.len);
    buf_clear(&forger->bytes);
    (void)snprintf(forger->name, sizeof forger->name, "%020llu.jsonl",
                   (unsigned long long)forger->chain.seq + 1);
    forge(forger, "checkpoint\",\"open\":[]");
}

/* Stands behind the last line. */
static void begin_forging(struct forger *forger)
{
    struct names names;
    size_t len, from;
    char *bytes;

    folder_segments(&bench.folder, &names);
    (void)snprintf(forger->name, sizeof forger->name, "%s", names.name[names.count - 1]);
    bytes = folder_read(&bench.folder, forger->name, &len);
    for (from = len - 1; from > 0 && bytes[from - 1] != '\n';)
        from--;
    chain_set(&forger->chain, strtoull(strstr(bytes + from, "\"seq\":") + 6, NULL, 10),
              view_of(bytes + from, len - 1 - from));
    forger->first = forger->chain.seq + 1;
    forger->digest = digest_new();
    buf_init(&forger->bytes, 1 << 20);
    buf_add(&forger->bytes, view_of(bytes, len));
    free(bytes);
}

static void remove_all(void)
{
    struct names names;
    char path[160];

    folder_segments(&bench.folder, &names);
    for (size_t i = 0; i < names.count; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", bench.folder.journal, names.name[i]);
        assert_int_equal(remove(path), 0);
    }
}

/* Gives the seqs of what he wrote. */
static void forge_some(bool with_seal, uint64_t *ret_first, uint64_t *ret_last)
{
    static const char *const lines[] = {"admin\",\"actor\":\"uid:0\"",
                                        "start\",\"durability\":\"sync\"", "stop\"",
                                        "refusal\",\"count\":3", "novelty\",\"text\":\"x\""};
    struct forger forger;
    bool replaces;

    begin_forging(&forger);
    replaces = pick(4) == 0;
    if (replaces || pick(3) == 0)
        forge_segment(&forger);
    if (replaces)
        remove_all();
    for (unsigned i = pick(3) == 0 ? 40 : 1 + pick(3); i > 0; i--)
        forge(&forger, lines[pick(ARRAY_LEN(lines))]);
    if (with_seal) {
        char text[400];

        (void)snprintf(text, sizeof text,
                       "seal\",\"head\":\"%.64s\",\"key\":\"%s\",\"signature\":\"%0128d\"",
                       forger.chain.hash, bench.keys[bench.key].public.id, 0);
        forge(&forger, text);
    }
    *ret_first = forger.first;
    *ret_last = forger.chain.seq;
    if (pick(3) == 0)
        buf_add(&forger.bytes, VIEW("{\"v\":1,\"seq\":"));
    folder_write(&bench.folder, forger.name, forger.bytes.ptr, forger.bytes.len);
    buf_done(&forger.bytes);
    digest_free(&forger.digest);
}

static void one_break_in(bool with_seal, unsigned seed)
{
    const struct verify_report *report;
    uint64_t first, last;

    bench.random = seed;
    for (unsigned runs = 1 + pick(3); runs > 0; runs--)
        one_run();
    forge_some(with_seal, &first, &last);
    one_run();
    one_run();
    report = with_seal ? look() : verify();
    if (with_seal && verify_is_well(report))
        fail_msg("seed %u: a forged seal holds", seed);
    if (!with_seal &&
        (report->late.places != 1 || report->late.from > first || report->late.until < last))
        fail_msg("seed %u: forged seq %llu to %llu, late %llu to %llu", seed,
                 (unsigned long long)first, (unsigned long long)last,
                 (unsigned long long)report->late.from, (unsigned long long)report->late.until);
}

static void what_somebody_adds_between_two_runs_is_late(void **state)
{
    for (unsigned seed = 1; seed <= 24; seed++) {
        assert_int_equal(tear_down(state), 0);
        assert_int_equal(set_up(state), 0);
        one_break_in(false, seed);
    }
}

/* A start that begins a segment seals its checkpoint where all before it looks sealed. */
static void a_forged_seal_hides_nothing(void **state)
{
    for (unsigned seed = 1; seed <= 12; seed++) {
        assert_int_equal(tear_down(state), 0);
        assert_int_equal(set_up(state), 0);
        one_break_in(true, seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(orderly_ends_leave_nothing_late, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_somebody_adds_between_two_runs_is_late, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_forged_seal_hides_nothing, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
