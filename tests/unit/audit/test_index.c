/* SPDX-License-Identifier: Apache-2.0
 * Whatever happens to a journal or to its index: the answers are those of a scan over all lines. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "audit/internal.h"
#include "audit/summary.h"

#include "journals.h"

static void spoil(struct made *m)
{
    struct stat stat_of;
    int fd = open(m->index, O_RDWR | O_CLOEXEC);
    char bytes[3000];

    if (fd < 0)
        return;
    memset(bytes, 0x5a, sizeof bytes);
    assert_int_equal(fstat(fd, &stat_of), 0);
    assert_true(pwrite(fd, bytes, sizeof bytes, made_draw(m, 2) ? 0 : 4096) > 0);
    (void)close(fd);
}

static void happen(struct made *m)
{
    switch (made_draw(m, 16)) {
    case 0:
        made_retire(m);
        break;
    case 1:
        (void)unlink(m->index);
        break;
    case 2:
        made_bytes(m, "{\"v\":1,\"seq\":"); /* half a line, which the next start takes away */
        made_compare(m, 3);
        made_cut(m, 13);
        break;
    case 3:
        made_bytes(m, "this is no line\n");
        break;
    case 4:
        made_lines(m, 30);
        made_compare(m, 1);
        made_cut(m, 2000); /* a copy from before is put back; then it goes on otherwise */
        made_bytes(m, "\n");
        break;
    case 5:
        made_rotate(m);
        break;
    case 6:
    case 7:
        made_leaps(m, 1 + made_draw(m, 3), 1 + made_draw(m, 60));
        break;
    case 8:
        made_leaps(m, 1, INT64_MAX / 4);
        break;
    default:
        made_lines(m, 1 + made_draw(m, 40));
        break;
    }
}

static void answers_are_those_of_a_scan(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        struct made m;

        made_new(&m, seed);
        for (unsigned i = 0; i < 15; i++) {
            happen(&m);
            made_compare(&m, 12);
        }
        made_remove(&m);
    }
}

static void the_schema_of_an_index_is_not_trusted(void **state)
{
    struct made m;
    struct err err;

    (void)state;
    made_new(&m, 5);
    made_lines(&m, 10);
    for (unsigned i = 0; i < 2; i++) { /* made, then found */
        struct audit_index *index = made_open(&m);
        int64_t trusted = -1;

        assert_int_equal(sql_number(index->db, "PRAGMA trusted_schema", 0, &trusted, &err),
                         STATUS_OK);
        assert_int_equal(trusted, 0);
        audit_index_close(&index);
    }
    made_remove(&m);
}

static void a_spoilt_index_is_made_anew(void **state)
{
    struct made m;

    (void)state;
    made_new(&m, 77);
    made_lines(&m, 300);
    for (unsigned i = 0; i < 4; i++) {
        const struct audit_index_settings anew = {.directory = m.directory, .anew = true};
        struct audit_index *index = NULL;
        struct audit_filter all = audit_filter_all();
        struct audit_page page = {.limit = 1000};
        struct buf out;
        uint64_t next;
        struct err err;

        made_compare(&m, 3);
        spoil(&m);
        /* What isn't seen when it is opened is seen when it is read. */
        index = made_open(&m);
        buf_init(&out, 1 << 24);
        if (audit_query_json(index, &all, &page, &out, &next, &err) != STATUS_OK) {
            assert_int_equal(err.status, STATUS_SYNTAX);
            audit_index_close(&index);
            assert_int_equal(audit_index_open(&anew, &index, &err), STATUS_OK);
        }
        buf_done(&out);
        audit_index_close(&index);
        made_compare(&m, 5);
    }
    made_remove(&m);
}

static void another_journal_or_version_is_seen(void **state)
{
    struct made a, b;
    int fd;

    (void)state;
    made_new(&a, 5);
    made_new(&b, 6);
    made_lines(&a, 200);
    made_lines(&b, 200);
    made_compare(&a, 2);
    made_compare(&b, 2);
    assert_int_equal(rename(a.index, b.index), 0);
    made_compare(&b, 5);
    made_compare(&a, 5);
    fd = open(b.index, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0 && pwrite(fd, "9", 1, 63) == 1); /* where SQLite has user_version */
    (void)close(fd);
    made_compare(&b, 5);
    made_remove(&a);
    made_remove(&b);
}

static void another_last_line_of_the_same_length_is_seen(void **state)
{
    static const char good[] =
        "{\"v\":1,\"seq\":2,\"event\":\"intent\",\"id\":\"00000000000000000000000000000aaa\"}\n";
    static const char other[] =
        "{\"v\":1,\"seq\":2,\"event\":\"orphan\",\"id\":\"00000000000000000000000000000bbb\"}\n";
    struct made m;

    (void)state;
    made_new(&m, 16);
    made_bytes(&m, good);
    made_compare(&m, 1);
    made_cut(&m, sizeof good - 1);
    made_bytes(&m, other);
    m.seq = 2;
    made_line(&m, "\"event\":\"outcome\",\"id\":\"00000000000000000000000000000bbb\"}");
    made_compare(&m, 1);
    made_remove(&m);
}

static void nobody_else_can_read_it(void **state)
{
    struct made m;
    struct stat stat_of;

    (void)state;
    made_new(&m, 8);
    made_compare(&m, 1);
    assert_int_equal(stat(m.index, &stat_of), 0);
    assert_int_equal(stat_of.st_mode & 0777, 0600);
    if (geteuid() == 0) {
        assert_int_equal(unlink(m.index), 0);
        assert_int_equal(chown(m.directory, 65534, 65534), 0);
        made_compare(&m, 1);
        assert_int_equal(stat(m.index, &stat_of), 0);
        assert_int_equal(stat_of.st_uid, 65534);
    }
    made_remove(&m);
}

static void open_in_child(const struct made *m)
{
    const struct audit_index_settings settings = {.directory = m->directory};
    struct audit_index *index = NULL;

    _exit(audit_index_open(&settings, &index, NULL) == STATUS_OK ? 0 : 1);
}

static void readers_die_at_any_moment(void **state)
{
    struct made m;

    (void)state;
    made_new(&m, 9);
    for (unsigned i = 0; i < 12; i++) {
        const struct timespec pause = {.tv_nsec = (long)made_draw(&m, 8000000)};
        pid_t child;

        made_lines(&m, 400);
        if (i % 4 == 0)
            (void)unlink(m.index);
        if (i % 3 == 0)
            made_retire(&m);
        child = fork();
        if (child == 0)
            open_in_child(&m);
        (void)nanosleep(&pause, NULL);
        (void)kill(child, SIGKILL);
        assert_int_equal(waitpid(child, NULL, 0), child);
        made_compare(&m, 4);
    }
    made_remove(&m);
}

static void many_read_at_once_while_one_writes(void **state)
{
    pid_t children[4];
    struct made m;

    (void)state;
    made_new(&m, 10);
    made_lines(&m, 500);
    for (size_t i = 0; i < ARRAY_LEN(children); i++) {
        children[i] = fork();
        if (children[i] == 0) {
            for (unsigned j = 0; j < 10; j++) {
                const struct audit_index_settings settings = {.directory = m.directory};
                struct audit_filter all = audit_filter_all();
                struct audit_page page = {.limit = 100000};
                struct audit_index *index = NULL;
                struct buf out;
                uint64_t next;

                buf_init(&out, 1 << 26);
                if (audit_index_open(&settings, &index, NULL) != STATUS_OK ||
                    audit_query_json(index, &all, &page, &out, &next, NULL) != STATUS_OK ||
                    out.len == 0)
                    _exit(1);
                audit_index_close(&index);
                buf_done(&out);
            }
            _exit(0);
        }
    }
    for (unsigned i = 0; i < 20; i++)
        made_lines(&m, 20);
    for (size_t i = 0; i < ARRAY_LEN(children); i++) {
        int status;

        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    made_compare(&m, 5);
    made_remove(&m);
}

static void a_full_disk_is_said_and_harms_nothing(void **state)
{
    struct made m;
    int status;
    pid_t child;

    (void)state;
    made_new(&m, 11);
    made_lines(&m, 3000);
    child = fork();
    if (child == 0) {
        const struct audit_index_settings settings = {.directory = m.directory};
        const struct rlimit limit = {100000, 100000};
        struct audit_index *index = NULL;
        struct err err = {0};

        (void)signal(SIGXFSZ, SIG_IGN);
        (void)setrlimit(RLIMIT_FSIZE, &limit);
        _exit(audit_index_open(&settings, &index, &err) == STATUS_IO ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    made_compare(&m, 3);
    made_remove(&m);
}

/* As somebody who can read all and write nothing. */
static int ask_as_nobody(const struct made *m, bool noted)
{
    pid_t child = fork();
    int status;

    if (child == 0) {
        const struct audit_index_settings settings = {.directory = m->directory};
        struct audit_filter all = audit_filter_all();
        struct audit_page page = {.limit = 100000};
        struct audit_index *index = NULL;
        struct buf out;
        uint64_t next;
        struct err err;

        if (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0)
            _exit(9);
        buf_init(&out, 1 << 26);
        if (audit_index_open(&settings, &index, &err) != STATUS_OK)
            _exit(2);
        if (audit_query_json(index, &all, &page, &out, &next, &err) != STATUS_OK || out.len == 0)
            _exit(3);
        _exit((audit_index_note(index)[0] != '\0') == noted ? 0 : 4);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void who_may_not_write_reads_or_makes_a_temporary_one(void **state)
{
    struct made m;

    (void)state;
    made_new(&m, 12);
    made_lines(&m, 300);
    made_compare(&m, 1);
    made_set_writable(&m, false);
    assert_int_equal(ask_as_nobody(&m, false), 0);
    made_set_writable(&m, true);
    made_lines(&m, 1);
    made_set_writable(&m, false);
    assert_int_equal(ask_as_nobody(&m, true), 0);
    made_set_writable(&m, true);
    made_compare(&m, 2);
    made_remove(&m);
}

static bool impatient(void *user)
{
    unsigned *looks = user;

    return ++*looks > 2;
}

static void who_gives_up_goes_on_next_time(void **state)
{
    struct made m;
    enum status status = STATUS_TIMEOUT;
    unsigned rounds = 0;

    (void)state;
    made_new(&m, 13);
    made_lines(&m, 9000); /* more than two blocks of times */
    while (status == STATUS_TIMEOUT) {
        unsigned looks = 0;
        const struct audit_index_settings settings = {
            .directory = m.directory, .patience = {.stop = impatient, .user = &looks}};
        struct audit_index *index = NULL;
        struct err err;

        status = audit_index_open(&settings, &index, &err);
        audit_index_close(&index);
        assert_true(++rounds < 40);
    }
    assert_int_equal(status, STATUS_OK);
    assert_true(rounds > 1);
    made_compare(&m, 15);
    made_remove(&m);
}

static bool in_no_time(void *user)
{
    (void)user;
    return true;
}

static ino_t index_file(const struct made *m)
{
    struct stat stat_of;

    assert_int_equal(stat(m->index, &stat_of), 0);
    return stat_of.st_ino;
}

static void what_takes_long_is_broken_off_and_loses_nothing(void **state)
{
    static const char more[] = "DROP INDEX exchange_user;"
                               "INSERT INTO exchange(seq, time, user) WITH RECURSIVE r(x) AS"
                               " (SELECT 1000 UNION ALL SELECT x + 1 FROM r LIMIT 200000)"
                               " SELECT x, x, x FROM r;";
    struct audit_index *index = NULL;
    struct audit_index_settings settings = {.patience = {.stop = in_no_time}};
    struct err err;
    struct made m;
    sqlite3 *db;
    ino_t file;

    (void)state;
    made_new(&m, 18);
    made_lines(&m, 100);
    made_compare(&m, 1);
    assert_int_equal(sqlite3_open(m.index, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, more, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    settings.directory = m.directory;
    file = index_file(&m);
    assert_int_equal(audit_index_open(&settings, &index, &err), STATUS_TIMEOUT);
    settings.patience.stop = NULL;
    assert_int_equal(audit_index_open(&settings, &index, &err), STATUS_OK);
    assert_int_equal(index_file(&m), file);
    audit_index_close(&index);
    made_remove(&m);
}

static void a_page_ends_where_the_buffer_does(void **state)
{
    struct audit_filter all = audit_filter_all();
    struct audit_page page = {.limit = 1000};
    struct audit_index *index;
    struct made m;
    struct buf whole, part, sum;
    uint64_t next;
    struct err err;

    (void)state;
    made_new(&m, 14);
    made_lines(&m, 200);
    index = made_open(&m);
    buf_init(&whole, 1 << 24);
    buf_init(&sum, 1 << 24);
    buf_init(&part, 3000);
    assert_int_equal(audit_query_json(index, &all, &page, &whole, &next, &err), STATUS_OK);
    assert_int_equal(next, 0);
    do {
        buf_clear(&part);
        assert_int_equal(audit_query_json(index, &all, &page, &part, &next, &err), STATUS_OK);
        buf_add(&sum, buf_view(&part));
        page.before = next;
    } while (next != 0);
    assert_view_eq(buf_view(&sum), buf_view(&whole));
    part.max = 10;
    buf_clear(&part);
    page.before = 0;
    assert_int_equal(audit_query_json(index, &all, &page, &part, &next, &err), STATUS_LIMIT);
    page.limit = AUDIT_LIMIT_MAX + 1;
    assert_int_equal(audit_query_json(index, &all, &page, &sum, &next, &err), STATUS_INVALID);
    buf_done(&whole);
    buf_done(&sum);
    buf_done(&part);
    audit_index_close(&index);
    made_remove(&m);
}

static void count_naively(const struct scan *scan, const struct audit_filter *filter,
                          struct audit_counts *ret)
{
    *ret = (struct audit_counts){.asked = 0};
    for (size_t i = 0; i < scan->count; i++) {
        struct audit_told told;
        struct arena arena;
        bool counted;

        if (!scan_passes(&scan->list[i], filter))
            continue;
        arena_init(&arena, 4096, 1 << 20);
        assert_int_equal(audit_tell(&scan->list[i], &arena, &told), STATUS_OK);
        counted = told.decision.len == 0 && view_eq(told.event, VIEW("refusal"));
        ret->asked += told.decision.len > 0 ? 1 : counted ? 7 : 0;
        ret->allowed += view_eq(told.decision, VIEW("allow"));
        ret->rewritten += view_eq(told.decision, VIEW("rewrite"));
        ret->refused += view_eq(told.decision, VIEW("refuse")) ? 1 : counted ? 7 : 0;
        ret->created += view_eq(told.outcome, VIEW("created"));
        if ((view_eq(told.outcome, VIEW("created")) || view_eq(told.outcome, VIEW("done"))) &&
            (view_eq(told.class, VIEW("create")) || view_eq(told.class, VIEW("start")) ||
             view_eq(told.operation, VIEW("notebooks.lease"))) &&
            told.auto_stop_s > 0)
            ret->run_s += told.auto_stop_s;
        arena_done(&arena);
    }
}

/* A word that no line has yet is nobody's: what is under way has no outcome, and isn't "created".
 */
static void what_is_under_way_came_to_nothing_yet(void **state)
{
    static const enum audit_by by[] = {BY_USER};
    const struct audit_filter all = audit_filter_all();
    struct audit_summary summary;
    struct audit_index *index;
    struct arena arena;
    struct err err;
    struct made m;

    (void)state;
    made_new(&m, 16);
    made_line(&m,
              "\"event\":\"intent\",\"id\":\"a1\",\"operation\":\"demanager.create\",\"class\":"
              "\"create\",\"user\":{\"id\":\"u\"},\"instance\":{\"auto_stop_s\":3600},\"decision\":"
              "\"allow\"}");
    made_line(&m,
              "\"event\":\"outcome\",\"id\":\"b2\",\"operation\":\"demanager.create\",\"class\":"
              "\"create\",\"user\":{\"id\":\"u\"},\"outcome\":\"failed\"}");
    index = made_open(&m);
    arena_init(&arena, 1 << 16, 1 << 24);
    assert_int_equal(
        audit_summarize(index, &all, &(struct audit_grouping){by, 1}, &arena, &summary, &err),
        STATUS_OK);
    assert_int_equal(summary.total.asked, 1);
    assert_int_equal(summary.total.allowed, 1);
    assert_int_equal(summary.total.rewritten, 0);
    assert_int_equal(summary.total.refused, 0);
    assert_int_equal(summary.total.created, 0);
    assert_int_equal(summary.total.run_s, 0);
    arena_done(&arena);
    audit_index_close(&index);
    made_remove(&m);
}

static void sums_are_those_of_a_scan(void **state)
{
    static const enum audit_by by[] = {BY_FLAVOR, BY_POLICY};
    static struct scan scan;
    struct audit_index *index;
    struct made m;

    (void)state;
    made_new(&m, 15);
    made_lines(&m, 1500);
    index = made_open(&m);
    scan_read(&m, &scan);
    for (unsigned i = 0; i < 20; i++) {
        struct audit_filter filter;
        struct audit_summary summary;
        struct audit_counts want;
        struct arena arena;
        struct err err;

        made_random_filter(&m, &filter);
        arena_init(&arena, 1 << 16, 1 << 24);
        if (audit_summarize(index, &filter, &(struct audit_grouping){by, 2}, &arena, &summary,
                            &err) != STATUS_OK)
            fail_msg("%s", err.text);
        count_naively(&scan, &filter, &want);
        assert_memory_equal(&summary.total, &want, sizeof want);
        for (size_t j = 0; j < summary.count; j++) {
            struct audit_filter one = filter;

            if (filter.flavor.ptr != NULL || filter.policy.ptr != NULL ||
                summary.groups[j].keys[0].ptr == NULL || summary.groups[j].keys[1].ptr == NULL)
                continue;
            one.flavor = summary.groups[j].keys[0];
            one.policy = summary.groups[j].keys[1];
            count_naively(&scan, &one, &want);
            assert_memory_equal(&summary.groups[j].counts, &want, sizeof want);
        }
        arena_done(&arena);
    }
    scan_done(&scan);
    audit_index_close(&index);
    made_remove(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_those_of_a_scan),
        cmocka_unit_test(the_schema_of_an_index_is_not_trusted),
        cmocka_unit_test(a_spoilt_index_is_made_anew),
        cmocka_unit_test(another_journal_or_version_is_seen),
        cmocka_unit_test(another_last_line_of_the_same_length_is_seen),
        cmocka_unit_test(nobody_else_can_read_it),
        cmocka_unit_test(readers_die_at_any_moment),
        cmocka_unit_test(many_read_at_once_while_one_writes),
        cmocka_unit_test(a_full_disk_is_said_and_harms_nothing),
        cmocka_unit_test(who_may_not_write_reads_or_makes_a_temporary_one),
        cmocka_unit_test(who_gives_up_goes_on_next_time),
        cmocka_unit_test(what_takes_long_is_broken_off_and_loses_nothing),
        cmocka_unit_test(a_page_ends_where_the_buffer_does),
        cmocka_unit_test(what_is_under_way_came_to_nothing_yet),
        cmocka_unit_test(sums_are_those_of_a_scan),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
