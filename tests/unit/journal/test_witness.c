/* SPDX-License-Identifier: Apache-2.0
 * The witness: it gets the seals byte for byte, in order and once, makes up for what it missed, and
 * holds nobody up. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "journal/chain.h"
#include "journal/internal.h"

#include "faults.h"
#include "folder.h"

struct bench {
    struct folder folder;
    struct ed25519_private key;
    char dir[96], path[128];
};

static int set_up(void **state)
{
    static struct bench bench;
    static const unsigned char seed[ED25519_KEY_BYTES] = {1, 2, 3};

    faults_clear();
    log_configure(LOG_ERROR, LOG_TEXT);
    memset(&bench, 0, sizeof bench);
    folder_new(&bench.folder);
    assert_int_equal(ed25519_set_private(seed, &bench.key), STATUS_OK);
    bench.folder.settings.seal_key = &bench.key;
    bench.folder.settings.seal_every_us = (int64_t)3600 * 1000000;
    (void)snprintf(bench.dir, sizeof bench.dir, "%s/other", bench.folder.root);
    (void)snprintf(bench.path, sizeof bench.path, "%s/seals", bench.dir);
    assert_int_equal(mkdir(bench.dir, 0700), 0);
    bench.folder.settings.witness = bench.path;
    *state = &bench;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *bench = *state;

    faults_clear();
    folder_remove(&bench->folder);
    return 0;
}

/* The file's text; free it. */
static char *read_file(const char *path)
{
    FILE *file = fopen(path, "r");
    char *text = calloc(1, 1 << 20);

    assert_non_null(text);
    if (file != NULL) {
        assert_true(fread(text, 1, (1 << 20) - 1, file) < (1 << 20) - 1);
        (void)fclose(file);
    }
    return text;
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

static size_t lines_of(const char *text)
{
    size_t count = 0;

    for (; *text != '\0'; text++)
        count += *text == '\n';
    return count;
}

/* The seals of the journal, one behind the other; free it. */
static char *seals_of(const struct folder *folder)
{
    char *all = folder_read_all(folder), *out = calloc(1, strlen(all) + 1);
    size_t len = 0;

    assert_non_null(out);
    for (char *at = all; *at != '\0'; at = strchr(at, '\n') + 1) {
        size_t size = (size_t)(strchr(at, '\n') - at) + 1;
        const char *event = strstr(at, "\"event\":\"seal\"");

        if (event == NULL || event > at + size)
            continue;
        memcpy(out + len, at, size);
        len += size;
    }
    free(all);
    return out;
}

static void run_once(const struct bench *bench, int lines)
{
    struct journal *journal = folder_open(&bench->folder);
    struct journal_facts facts = make_event(JOURNAL_ADMIN);
    struct inbox inbox;

    inbox_new(&inbox, journal);
    for (int i = 0; i < lines; i++)
        assert_int_equal(inbox_submit(&inbox, journal, &facts, JOURNAL_WRITTEN), STATUS_OK);
    inbox_free(&inbox);
    journal_close(&journal, 10000);
}

static void check_same(const struct bench *bench)
{
    char *seals = seals_of(&bench->folder), *told = read_file(bench->path);

    assert_string_equal(told, seals);
    assert_true(lines_of(told) > 0);
    free(seals);
    free(told);
}

static void it_has_the_seals_byte_for_byte(void **state)
{
    struct bench *bench = *state;
    struct stat facts;

    bench->folder.settings.segment_bytes = 4096;
    run_once(bench, 100);
    run_once(bench, 1);
    check_same(bench);
    assert_int_equal(stat(bench->path, &facts), 0);
    assert_int_equal(facts.st_mode & 0137, 0);
}

static void a_start_makes_up_for_what_it_lacks(void **state)
{
    struct bench *bench = *state;
    char *told;

    run_once(bench, 1);
    run_once(bench, 1);
    check_same(bench);
    /* The second of them goes missing. */
    told = read_file(bench->path);
    *(strchr(told, '\n') + 1) = '\0';
    write_file(bench->path, told);
    free(told);
    run_once(bench, 1);
    check_same(bench);
    assert_int_equal(unlink(bench->path), 0);
    run_once(bench, 1);
    check_same(bench);
}

/* Whoever can write to the journal's folder doesn't fill the witness, nor hide its last seal. */
static void what_is_too_long_for_a_seal_is_not_told(void **state)
{
    struct bench *bench = *state;
    struct buf bytes CLEANUP(buf_done), line CLEANUP(buf_done);
    struct digest *digest = digest_new();
    char *all, *told, *again, *last;
    struct chain chain;

    run_once(bench, 1);
    told = read_file(bench->path);
    all = folder_read_all(&bench->folder);
    for (last = all; strchr(last, '\n')[1] != '\0';)
        last = strchr(last, '\n') + 1;
    chain_set(&chain, strtoull(strstr(last, "\"seq\":") + 6, NULL, 10),
              view_of(last, strlen(last) - 1));
    buf_init(&line, 1 << 16);
    buf_printf(&line,
               "\"time\":\"2026-01-02T03:04:05.000000Z\",\"event\":\"seal\",\"x\":\"%02000d\"}", 0);
    buf_init(&bytes, 1 << 16);
    buf_add(&bytes, view_str(all));
    chain_add(&chain, digest, buf_view(&line), &bytes);
    folder_write(&bench->folder, "00000000000000000001.jsonl", bytes.ptr, bytes.len);
    run_once(bench, 1);
    again = read_file(bench->path);
    assert_int_equal(strncmp(again, told, strlen(told)), 0);
    assert_int_equal(lines_of(again), lines_of(told) + 1);
    assert_null(strstr(again, "\"x\":"));
    digest_free(&digest);
    free(all);
    free(told);
    free(again);
}

/* Who is killed behind the seal at a segment's end has the next segment already. */
static void a_start_makes_up_for_segments_before_the_last(void **state)
{
    struct bench *bench = *state;
    char *told;
    size_t count;

    bench->folder.settings.segment_bytes = 4096;
    run_once(bench, 200);
    check_same(bench);
    told = read_file(bench->path);
    count = lines_of(told);
    *(strchr(told, '\n') + 1) = '\0';
    write_file(bench->path, told);
    free(told);
    assert_in_range(count, 4, WITNESS_SEGMENTS);
    run_once(bench, 1);
    check_same(bench);
    assert_int_equal(unlink(bench->path), 0);
    run_once(bench, 1);
    check_same(bench);
}

/* The first segment is moved away, and that is left in its place. */
static void check_makes_up_without_the_first(struct bench *bench, bool link)
{
    char place[160], moved[160];
    char *seals, *told;

    run_once(bench, 90);
    seals = seals_of(&bench->folder);
    assert_int_equal(unlink(bench->path), 0);
    (void)snprintf(place, sizeof place, "%s/00000000000000000001.jsonl", bench->folder.journal);
    (void)snprintf(moved, sizeof moved, "%s/moved", bench->folder.root);
    assert_int_equal(rename(place, moved), 0);
    assert_int_equal(link ? symlink(moved, place) : mkdir(place, 0700), 0);
    run_once(bench, 1);
    told = read_file(bench->path);
    assert_true(lines_of(seals) > 3);
    assert_int_equal(lines_of(told),
                     lines_of(seals)); /* without the first one, and with a new one */
    assert_int_equal(strncmp(told, strchr(seals, '\n') + 1, strlen(strchr(seals, '\n') + 1)), 0);
    assert_int_equal(link ? unlink(place) : rmdir(place), 0);
    assert_int_equal(rename(moved, place), 0);
    free(seals);
    free(told);
}

/* Older segments may be moved away or be damaged. */
static void a_segment_that_cannot_be_read_keeps_no_other_s_seals(void **state)
{
    struct bench *bench = *state;

    bench->folder.settings.segment_bytes = 4096;
    check_makes_up_without_the_first(bench, true);
    check_makes_up_without_the_first(bench, false);
}

static void a_start_does_not_look_into_all_segments(void **state)
{
    struct bench *bench = *state;
    char *seals, *told;

    bench->folder.settings.segment_bytes = 4096;
    run_once(bench, 900);
    assert_int_equal(unlink(bench->path), 0);
    run_once(bench, 1);
    seals = seals_of(&bench->folder);
    told = read_file(bench->path);
    assert_true(lines_of(seals) > WITNESS_SEGMENTS + 3);
    /* One at the end of each but the last, which has those of two ends. */
    assert_in_range(lines_of(told), WITNESS_SEGMENTS, WITNESS_SEGMENTS + 2);
    assert_string_equal(told, seals + strlen(seals) - strlen(told));
    free(seals);
    free(told);
}

static void one_that_was_away_gets_all_in_order(void **state)
{
    struct bench *bench = *state;
    struct journal *journal;
    struct journal_state now;

    assert_int_equal(rmdir(bench->dir), 0);
    bench->folder.settings.seal_every_us = 20000;
    log_configure(LOG_ERROR, LOG_TEXT);
    journal = folder_open(&bench->folder);
    do {
        struct journal_facts facts = make_event(JOURNAL_ADMIN);

        enum status status = journal_submit(journal, NULL, &facts, JOURNAL_NO_WAIT, 0);

        /* A queue that this loop has filled says so. */
        assert_true(status == STATUS_OK || status == STATUS_LIMIT);
        journal_get_state(journal, &now);
        assert_true(now.accepting);
    } while (now.witness_failures < 3 || now.witness_waiting < 3);
    assert_true(now.witnessed);
    assert_int_equal(mkdir(bench->dir, 0700), 0);
    do
        journal_get_state(journal, &now);
    while (now.witness_waiting > 0 && sched_yield() == 0);
    journal_close(&journal, 10000);
    check_same(bench);
}

/* ---- the file alone ---- */

static const char first[] =
    "{\"v\":1,\"seq\":7,\"prev\":\"00\",\"time\":\"t\",\"event\":\"seal\",\"h\":1}\n";
static const char second[] =
    "{\"v\":1,\"seq\":9,\"prev\":\"11\",\"time\":\"t\",\"event\":\"seal\",\"h\":2}\n";

static void check_file(const struct bench *bench, const char *want)
{
    char *told = read_file(bench->path);

    assert_string_equal(told, want);
    free(told);
}

static void append(const struct bench *bench, const char *line, enum status want)
{
    struct err err;

    assert_int_equal(witness_file_append(bench->path, view_str(line), &err), want);
    if (want != STATUS_OK)
        assert_non_null(strstr(err.text, bench->path));
}

static void a_line_is_appended_once(void **state)
{
    struct bench *bench = *state;
    char want[512];

    append(bench, first, STATUS_OK);
    append(bench, first, STATUS_OK); /* as after a sync that failed */
    check_file(bench, first);
    append(bench, second, STATUS_OK);
    (void)snprintf(want, sizeof want, "%s%s", first, second);
    check_file(bench, want);
}

static void what_a_failed_write_left_is_completed(void **state)
{
    struct bench *bench = *state;
    char want[512];

    append(bench, first, STATUS_OK);
    faults.write_before = 10;
    fault_set(&faults.write, 0, 1, ENOSPC);
    append(bench, second, STATUS_IO);
    append(bench, second, STATUS_OK);
    (void)snprintf(want, sizeof want, "%s%s", first, second);
    check_file(bench, want);
}

static void half_a_line_of_others_is_ended(void **state)
{
    struct bench *bench = *state;
    char want[512];

    (void)snprintf(want, sizeof want, "%shalf", first);
    write_file(bench->path, want);
    append(bench, second, STATUS_OK);
    (void)snprintf(want, sizeof want, "%shalf\n%s", first, second);
    check_file(bench, want);
}

static void other_files_are_refused(void **state)
{
    struct bench *bench = *state;

    assert_int_equal(mkfifo(bench->path, 0600), 0);
    append(bench, first, STATUS_INVALID); /* and doesn't wait for its other end */
    assert_int_equal(unlink(bench->path), 0);
    assert_int_equal(mkdir(bench->path, 0700), 0);
    append(bench, first, STATUS_IO);
}

static void the_last_seal_is_found(void **state)
{
    static const struct {
        const char *text;
        uint64_t seq;
    } rows[] = {
        {"", 0}, {"half", 0}, {first, 7}, {second, 9}, {"other\n", 0}, {"\n", 0},
    };
    struct bench *bench = *state;
    struct err err;
    uint64_t seq = 1;
    char *large = calloc(1, 8192);

    assert_non_null(large);
    assert_int_equal(witness_file_last(bench->path, &seq, &err), STATUS_OK);
    assert_int_equal(seq, 0);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        write_file(bench->path, rows[i].text);
        assert_int_equal(witness_file_last(bench->path, &seq, &err), STATUS_OK);
        assert_row(seq == rows[i].seq, rows[i].text);
    }
    memset(large, 'x', 4000);
    (void)snprintf(large + 4000, 4000, "\n%s%shalf", first, second);
    write_file(bench->path, large);
    assert_int_equal(witness_file_last(bench->path, &seq, &err), STATUS_OK);
    assert_int_equal(seq, 9);
    free(large);
    assert_int_equal(witness_seal_seq(view_str(first)), 7);
    assert_int_equal(witness_seal_seq(VIEW("{\"v\":1,\"seq\":7,\"event\":\"stop\"}")), 0);
    assert_int_equal(witness_seal_seq(VIEW("")), 0);
}

/* ---- its queue ---- */

static void one_that_hangs_holds_nobody_up_and_the_queue_is_bounded(void **state)
{
    struct bench *bench = *state;
    const struct witness_settings settings = {.target = bench->path, .dir_fd = -1};
    struct witness *witness = witness_new(&settings);
    uint64_t failures;
    unsigned waiting;
    char line[128], *told;

    assert_non_null(witness);
    faults_hang();
    for (unsigned i = 1; i <= WITNESS_LINES + 50; i++) {
        (void)snprintf(line, sizeof line, "{\"v\":1,\"seq\":%u,\"event\":\"seal\",}\n", i);
        witness_add(witness, i, view_str(line));
        witness_durable(witness, i);
        if (i == 1)
            faults_wait_hanging();
    }
    witness_look(witness, &failures, &waiting);
    assert_int_equal(waiting, WITNESS_LINES);
    assert_int_equal(failures, 0);
    faults_release();
    witness_close(&witness, 30000);
    assert_null(witness);
    told = read_file(bench->path);
    assert_int_equal(lines_of(told), 1 + WITNESS_LINES); /* what hung, and the newest */
    assert_non_null(strstr(told, "\"seq\":306,"));
    assert_null(strstr(told, "\"seq\":50,"));
    free(told);
}

static void what_is_not_durable_is_not_told(void **state)
{
    struct bench *bench = *state;
    const struct witness_settings settings = {.target = bench->path, .dir_fd = -1};
    struct witness *witness = witness_new(&settings);

    assert_non_null(witness);
    witness_add(witness, 7, view_str(first));
    witness_durable(witness, 7);
    witness_add(witness, 9, view_str(second));
    witness_close(&witness, 30000);
    check_file(bench, first);
}

/* It frees what is its own when it comes back. */
static void one_that_hangs_at_the_end_is_left_behind(void **state)
{
    struct bench *bench = *state;
    const struct witness_settings settings = {.target = bench->path, .dir_fd = -1};
    struct witness *witness = witness_new(&settings);

    assert_non_null(witness);
    faults_hang();
    witness_add(witness, 7, view_str(first));
    witness_durable(witness, 7);
    faults_wait_hanging();
    witness_close(&witness, 10);
    assert_null(witness);
    faults_release();
    while (faults.hanging)
        (void)sched_yield();
}

/* ---- syslog ---- */

static const char *log_socket; /* stands for /dev/log; NULL: nobody logs here */

int __real_connect(int fd, const struct sockaddr *address, socklen_t len);
int __wrap_connect(int fd, const struct sockaddr *address, socklen_t len);
int __wrap_connect(int fd, const struct sockaddr *address, socklen_t len)
{
    struct sockaddr_un name;

    assert_int_equal(len, sizeof name);
    memcpy(&name, address, sizeof name);
    assert_string_equal(name.sun_path, "/dev/log");
    if (log_socket == NULL) {
        errno = ENOENT;
        return -1;
    }
    (void)snprintf(name.sun_path, sizeof name.sun_path, "%.100s", log_socket);
    return __real_connect(fd, (const struct sockaddr *)&name, sizeof name);
}

static int bind_log(const char *path)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    const struct timeval limit = {.tv_sec = 30};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    (void)snprintf(name.sun_path, sizeof name.sun_path, "%.100s", path);
    assert_int_equal(bind(fd, (const struct sockaddr *)&name, sizeof name), 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
    return fd;
}

/* Each is one message of the audit log: <facility and severity>postern[pid]: the line. */
static void the_log_of_the_system_is_told(void **state)
{
    struct bench *bench = *state;
    char got[2048], head[64], *seals;
    int fd = bind_log(bench->path);
    ssize_t n;

    log_socket = bench->path;
    bench->folder.settings.witness = JOURNAL_SYSLOG;
    run_once(bench, 2);
    seals = seals_of(&bench->folder);
    assert_int_equal(lines_of(seals), 1);
    n = recv(fd, got, sizeof got - 1, 0);
    assert_true(n > 0);
    got[n] = '\0';
    (void)snprintf(head, sizeof head, "<85>postern[%d]: ", (int)getpid());
    assert_memory_equal(got, head, strlen(head));
    seals[strlen(seals) - 1] = '\0'; /* a message has no LF */
    assert_string_equal(got + strlen(head), seals);
    assert_int_equal(recv(fd, got, sizeof got, MSG_DONTWAIT), -1);
    (void)close(fd);
    free(seals);
}

static void a_log_that_is_not_there_holds_nobody_up(void **state)
{
    struct bench *bench = *state;
    struct journal_state now;
    struct journal *journal;

    log_socket = NULL;
    log_configure(LOG_ERROR, LOG_TEXT);
    bench->folder.settings.witness = JOURNAL_SYSLOG;
    bench->folder.settings.seal_every_us = 1000;
    journal = folder_open(&bench->folder);
    do {
        journal_get_state(journal, &now);
        (void)sched_yield();
    } while (now.witness_failures == 0);
    assert_true(now.accepting);
    journal_close(&journal, 10000);
}

#define BENCH_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BENCH_TEST(it_has_the_seals_byte_for_byte),
        BENCH_TEST(a_start_makes_up_for_what_it_lacks),
        BENCH_TEST(what_is_too_long_for_a_seal_is_not_told),
        BENCH_TEST(a_start_makes_up_for_segments_before_the_last),
        BENCH_TEST(a_segment_that_cannot_be_read_keeps_no_other_s_seals),
        BENCH_TEST(a_start_does_not_look_into_all_segments),
        BENCH_TEST(one_that_was_away_gets_all_in_order),
        BENCH_TEST(a_line_is_appended_once),
        BENCH_TEST(what_a_failed_write_left_is_completed),
        BENCH_TEST(half_a_line_of_others_is_ended),
        BENCH_TEST(other_files_are_refused),
        BENCH_TEST(the_last_seal_is_found),
        BENCH_TEST(one_that_hangs_holds_nobody_up_and_the_queue_is_bounded),
        BENCH_TEST(what_is_not_durable_is_not_told),
        BENCH_TEST(one_that_hangs_at_the_end_is_left_behind),
        BENCH_TEST(the_log_of_the_system_is_told),
        BENCH_TEST(a_log_that_is_not_there_holds_nobody_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
