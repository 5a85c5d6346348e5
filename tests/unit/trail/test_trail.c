/* SPDX-License-Identifier: Apache-2.0
 * Reading over segments while somebody writes. Lines here are any bytes: a trail verifies nothing.
 */
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "journal/line.h"
#include "journal/segment.h"
#include "trail/trail.h"

#include "../journal/folder.h"

static struct folder folder;

static int setup(void **state)
{
    (void)state;
    folder_new(&folder);
    return mkdir(folder.journal, 0700);
}

static int teardown(void **state)
{
    (void)state;
    folder_remove(&folder);
    return 0;
}

static void path_of(uint64_t seq, char out[160])
{
    char name[SEGMENT_NAME_BYTES];

    segment_name_format(seq, name);
    (void)snprintf(out, 160, "%s/%s", folder.journal, name);
}

static void append(uint64_t segment, const char *text)
{
    char path[160];
    int fd;

    path_of(segment, path);
    fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    (void)close(fd);
}

static void cut(uint64_t segment, off_t size)
{
    char path[160];

    path_of(segment, path);
    assert_int_equal(truncate(path, size), 0);
}

static void take_away(uint64_t segment)
{
    char path[160];

    path_of(segment, path);
    assert_int_equal(unlink(path), 0);
}

static struct trail *begin(void)
{
    struct trail *trail = NULL;
    struct err err;

    assert_int_equal(trail_open(folder.journal, &trail, &err), STATUS_OK);
    return trail;
}

#define expect_line(trail, want) check_line((trail), (want), true, __LINE__)
#define expect_half(trail, want) check_line((trail), (want), false, __LINE__)
static struct trail_place check_line(struct trail *trail, const char *want, bool whole, int line)
{
    struct trail_line got;
    struct err err;
    enum trail_step step = trail_next(trail, &got, &err);

    if (step != TRAIL_LINE)
        fail_msg("line %d: want \"%s\", got step %d", line, want, (int)step);
    check_views(got.text, view_str(want), "line", __FILE__, line);
    assert_int_equal(got.whole, whole);
    return got.at;
}

#define expect_end(trail, torn) check_end((trail), (torn), __LINE__)
static void check_end(struct trail *trail, uint64_t torn, int line)
{
    struct trail_line got;
    struct err err;
    enum trail_step step = trail_next(trail, &got, &err);

    if (step == TRAIL_LINE)
        fail_msg("line %d: want the end, got \"%.*s\"", line, VIEW_ARGS(got.text));
    assert_int_equal(step, TRAIL_END);
    assert_int_equal(trail_torn(trail), torn);
}

static void expect_place(struct trail_place at, uint64_t segment, uint64_t offset, uint64_t line)
{
    assert_int_equal(at.segment, segment);
    assert_int_equal(at.offset, offset);
    assert_int_equal(at.line, line);
}

static void reads_over_segments_and_goes_on(void **state)
{
    struct trail *trail = begin();
    size_t count;

    (void)state;
    expect_end(trail, 0); /* an empty folder */
    append(1, "a\nbb\n");
    append(3, "c\n");
    expect_place(expect_line(trail, "a"), 1, 0, 1);
    expect_place(expect_line(trail, "bb"), 1, 2, 2);
    expect_place(expect_line(trail, "c"), 3, 0, 1);
    expect_end(trail, 0);
    expect_place(trail_at(trail), 3, 2, 2);
    append(3, "d\n");
    append(5, "e\n");
    expect_line(trail, "d");
    expect_line(trail, "e");
    expect_end(trail, 0);
    assert_int_equal(trail_segments(trail, &count)[2], 5);
    assert_int_equal(count, 3);
    trail_close(&trail);
    trail_close(&trail);
}

static void no_folder_is_an_error(void **state)
{
    struct trail *trail = NULL;
    struct err err;

    (void)state;
    assert_int_equal(trail_open("/nowhere/at/all", &trail, &err), STATUS_IO);
    assert_non_null(strstr(err.text, "/nowhere/at/all"));
    assert_null(trail);
}

static void other_files_are_left_alone(void **state)
{
    struct trail *trail;

    (void)state;
    folder_write(&folder, "lock", "1\n", 2);
    folder_write(&folder, "00000000000000000001.jsonl~", "x\n", 2);
    append(2, "a\n");
    trail = begin();
    expect_line(trail, "a");
    expect_end(trail, 0);
    trail_close(&trail);
}

static void half_a_line_at_the_end_waits(void **state)
{
    struct trail *trail;

    (void)state;
    append(1, "a\nhal");
    trail = begin();
    expect_line(trail, "a");
    expect_end(trail, 3);
    expect_end(trail, 3);
    append(1, "f\n");
    expect_place(expect_line(trail, "half"), 1, 2, 2);
    expect_end(trail, 0);
    trail_close(&trail);
}

/* A full disk: the writer cuts half a line off, and another one takes its place. */
static void half_a_line_that_is_cut_off_was_never_there(void **state)
{
    struct trail *trail;

    (void)state;
    append(1, "a\nhalf of what never");
    trail = begin();
    expect_line(trail, "a");
    expect_end(trail, 18);
    cut(1, 2);
    expect_end(trail, 0);
    append(1, "the line that came instead\n");
    expect_line(trail, "the line that came instead");
    expect_end(trail, 0);
    trail_close(&trail);
}

static void half_a_line_in_front_of_a_segment_is_handed_out(void **state)
{
    struct trail *trail;

    (void)state;
    append(1, "a\nhal");
    append(3, "c\n");
    trail = begin();
    expect_line(trail, "a");
    expect_place(expect_half(trail, "hal"), 1, 2, 2);
    expect_line(trail, "c");
    expect_end(trail, 0);
    trail_close(&trail);
}

/* The end of a segment is looked at again once the next one was seen. */
static void lines_written_before_a_rotation_come_first(void **state)
{
    struct trail *trail;

    (void)state;
    append(1, "a\n");
    trail = begin();
    expect_line(trail, "a");
    expect_end(trail, 0);
    append(1, "b\n");
    append(3, "c\n");
    append(3, "d\n");
    expect_line(trail, "b");
    expect_line(trail, "c");
    expect_line(trail, "d");
    trail_close(&trail);
}

static void segments_that_are_gone_are_passed_over(void **state)
{
    struct trail *trail;

    (void)state;
    append(1, "a\n");
    append(2, "b\n");
    append(3, "c\n");
    append(4, "d\n");
    trail = begin();
    expect_line(trail, "a");
    take_away(1);
    take_away(2);
    take_away(3);
    expect_line(trail, "d");
    expect_end(trail, 0);
    trail_close(&trail);
}

static void an_open_segment_is_read_to_its_end_though_it_is_gone(void **state)
{
    struct trail *trail;

    (void)state;
    append(1, "a\nb\n");
    append(3, "c\n");
    trail = begin();
    expect_line(trail, "a");
    take_away(1);
    expect_line(trail, "b");
    expect_line(trail, "c");
    trail_close(&trail);
}

/* A crash leaves a segment without a whole line; the start takes it away and goes on in the one
 * before, whatever the reader has seen. */
static void an_empty_segment_that_is_taken_away_again(void **state)
{
    static const char *const rows[] = {"", "half a checkpo"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct trail *trail;

        append(1, "a\n");
        append(2, rows[i]);
        trail = begin();
        expect_line(trail, "a");
        expect_end(trail, strlen(rows[i])); /* it stands in 2 now */
        take_away(2);
        append(1, "b\n");
        expect_line(trail, "b");
        expect_end(trail, 0);
        append(3, "c\n");
        expect_line(trail, "c");
        expect_end(trail, 0);
        trail_close(&trail);
        take_away(1);
        take_away(3);
    }
}

static void an_empty_segment_that_comes_back_under_its_name(void **state)
{
    struct trail *trail;

    (void)state;
    append(1, "a\n");
    append(2, "half");
    trail = begin();
    expect_line(trail, "a");
    expect_end(trail, 4);
    take_away(2);
    append(2, "b\n");
    expect_line(trail, "b");
    expect_end(trail, 0);
    trail_close(&trail);
}

/* Seen in the list, gone before it is opened: the segment before goes on. */
static void a_segment_that_is_gone_before_it_is_opened(void **state)
{
    struct trail *trail;

    (void)state;
    append(1, "a\n");
    append(2, "");
    trail = begin();
    expect_line(trail, "a");
    take_away(2);
    expect_end(trail, 0);
    append(1, "b\n");
    expect_line(trail, "b");
    expect_end(trail, 0);
    trail_close(&trail);
}

/* Half a line that counted as final, since a segment stood behind it: the start cuts it. */
static void half_a_line_is_read_again_where_the_segment_behind_is_gone(void **state)
{
    struct trail *trail;

    (void)state;
    append(1, "a\nhalf of one");
    append(2, "");
    trail = begin();
    expect_line(trail, "a");
    expect_half(trail, "half of one");
    expect_end(trail, 0);
    take_away(2);
    cut(1, 2);
    append(1, "b\n");
    expect_line(trail, "b");
    expect_end(trail, 0);
    trail_close(&trail);
}

static void seeks(void **state)
{
    struct trail *trail;
    struct trail_place place, gone = {.segment = 2, .line = 1},
                              far = {.segment = 1, .offset = 100, .line = 9}, all = {.segment = 0};
    struct err err;

    (void)state;
    append(1, "a\nb\n");
    append(3, "c\n");
    trail = begin();
    expect_line(trail, "a");
    place = trail_at(trail);
    expect_line(trail, "b");
    assert_int_equal(trail_seek(trail, &gone, &err), STATUS_INVALID);
    assert_string_equal(err.text, "segment 00000000000000000002.jsonl is not there");
    assert_int_equal(trail_seek(trail, &far, &err), STATUS_INVALID);
    assert_string_equal(err.text, "segment 00000000000000000001.jsonl is shorter than 100 bytes");
    expect_line(trail, "c"); /* it stayed where it was */
    assert_int_equal(trail_seek(trail, &place, &err), STATUS_OK);
    expect_place(expect_line(trail, "b"), 1, 2, 2);
    expect_line(trail, "c");
    place = trail_at(trail);
    append(3, "d\n");
    append(5, "e\n");
    assert_int_equal(trail_seek(trail, &place, &err), STATUS_OK);
    expect_place(expect_line(trail, "d"), 3, 2, 2);
    expect_line(trail, "e");
    assert_int_equal(trail_seek(trail, &all, &err), STATUS_OK);
    expect_line(trail, "a");
    trail_close(&trail);
}

/* A segment with one line of that minute; NULL: an empty one; else what stands there. */
static void add_segment(uint64_t seq, const char *minute)
{
    char line[256];

    if (minute == NULL)
        (void)snprintf(line, sizeof line, "%s", "");
    else if (strlen(minute) == 5)
        (void)snprintf(
            line, sizeof line,
            "{\"v\":1,\"seq\":%llu,\"prev\":\"%064d\",\"time\":\"2026-01-02T%s:00.000000Z\""
            ",\"event\":\"stop\"}\n",
            (unsigned long long)seq, 0, minute);
    else
        (void)snprintf(line, sizeof line, "%s\n", minute);
    append(seq, line);
}

static void seeks_the_lines_since_a_time(void **state)
{
    static const struct {
        const char *begun[5]; /* of segments 1, 2, ... */
        size_t count;
        const char *since;
        uint64_t want; /* the segment whose line comes first; 0: the end */
    } rows[] = {
        {{"01:00", "02:00", "03:00", "04:00"}, 4, "03:30", 3},
        {{"01:00", "02:00", "03:00", "04:00"}, 4, "09:00", 4},
        {{"01:00", "02:00", "03:00", "04:00"}, 4, "00:30", 1},
        /* Lines stand a little out of order: what is of 03:55 may be at the front of 4. */
        {{"01:00", "02:00", "03:00", "04:00"}, 4, "04:10", 3},
        {{"01:00", "02:00", "03:00", "04:00"}, 4, "04:11", 4},
        /* Whatever tells no time hides nothing. */
        {{"01:00", "02:00", "nothing", "04:00"}, 4, "03:30", 2},
        {{"01:00", "02:00", "nothing", "04:00"}, 4, "04:30", 4},
        {{"01:00", "02:00", "03:00", "nothing"}, 4, "02:30", 2},
        {{"nothing", "nothing", "nothing", NULL}, 4, "02:30", 1},
        {{"01:00", "02:00", "03:00", NULL}, 4, "02:30", 2},
        {{"01:00", NULL}, 2, "02:30", 1},
        {{NULL}, 1, "02:30", 0},
        /* A clock that was wrong for a segment. */
        {{"01:00", "09:00", "03:00", "04:00"}, 4, "08:00", 1},
        {{"05:00", "01:00", "06:00"}, 3, "05:30", 1},
        {{"05:00", "01:00", "05:20"}, 3, "05:50", 3},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct trail *trail;
        struct trail_line got;
        struct err err;
        char since[32];
        int64_t since_us;

        assert_int_equal(teardown(state), 0);
        assert_int_equal(setup(state), 0);
        for (size_t s = 0; s < rows[i].count; s++)
            add_segment(s + 1, rows[i].begun[s]);
        (void)snprintf(since, sizeof since, "2026-01-02T%s:00Z", rows[i].since);
        assert_true(clock_parse(view_str(since), &since_us));
        trail = begin();
        assert_int_equal(trail_seek_since(trail, since_us, &err), STATUS_OK);
        if (rows[i].want == 0)
            expect_end(trail, 0);
        else
            assert_int_equal(trail_next(trail, &got, &err), TRAIL_LINE);
        if (rows[i].want != 0 && got.at.segment != rows[i].want)
            fail_msg("row %zu begins at segment %llu", i, (unsigned long long)got.at.segment);
        assert_int_equal(trail_seek_since(trail, INT64_MIN, &err), STATUS_OK);
        if (rows[i].want != 0) {
            assert_int_equal(trail_next(trail, &got, &err), TRAIL_LINE);
            assert_int_equal(got.at.segment, 1);
        }
        trail_close(&trail);
    }
}

static void a_long_line_is_one(void **state)
{
    const size_t bytes = LINE_READ_MAX_BYTES;
    char *text = malloc(bytes + 2);
    struct trail *trail;

    (void)state;
    assert_non_null(text);
    memset(text, 'x', bytes);
    text[bytes] = '\n';
    text[bytes + 1] = '\0';
    append(1, text);
    append(1, "b\n");
    text[bytes] = '\0';
    trail = begin();
    expect_line(trail, text);
    expect_line(trail, "b");
    trail_close(&trail);
    free(text);
}

static void a_line_longer_than_any_has_no_text(void **state)
{
    const size_t bytes = 16 << 20;
    char *text = malloc(bytes + 2);
    struct trail *trail;
    struct trail_line got;

    (void)state;
    assert_non_null(text);
    memset(text, ' ', bytes);
    text[bytes] = '\n';
    text[bytes + 1] = '\0';
    append(1, "a\n");
    append(1, text);
    append(1, "b\n");
    text[bytes] = '\0';
    append(1, text);
    trail = begin();
    expect_line(trail, "a");
    assert_int_equal(trail_next(trail, &got, NULL), TRAIL_LINE);
    assert_true(got.whole);
    assert_int_equal(got.text.len, 0);
    assert_int_equal(got.length, bytes);
    expect_line(trail, "b");
    for (int look = 0; look < 2; look++) {
        assert_int_equal(trail_next(trail, &got, NULL), TRAIL_END);
        assert_int_equal(trail_torn(trail), bytes);
    }
    trail_close(&trail);
    free(text);
}

/* ---- while another writes ---- */

enum { LINES = 20000, PER_SEGMENT = 700 };

/* Lines are their numbers, written in two pieces. Gives user where that fails. */
static void *write_all(void *user)
{
    char path[160], text[64];
    int fd = -1;

    for (unsigned i = 1; i <= LINES; i++) {
        int len = snprintf(text, sizeof text, "line %u\n", i), first = (int)(i % 6);

        if (i % PER_SEGMENT == 1) {
            if (fd >= 0)
                (void)close(fd);
            path_of(i, path);
            fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
            if (fd < 0)
                return user;
        }
        if (write(fd, text, (size_t)first) != first ||
            write(fd, text + first, (size_t)(len - first)) != len - first)
            return user;
    }
    (void)close(fd);
    return NULL;
}

static void follows_a_writer(void **state)
{
    struct trail *trail = begin();
    unsigned seen = 0;
    int64_t end_us = clock_monotonic_us() + 30000000;
    void *failed = NULL;
    pthread_t writer;

    (void)state;
    assert_int_equal(pthread_create(&writer, NULL, write_all, &failed), 0);
    while (seen < LINES && clock_monotonic_us() < end_us) {
        struct trail_line line;
        struct err err;
        enum trail_step step = trail_next(trail, &line, &err);
        char want[64];

        assert_int_not_equal(step, TRAIL_FAILED);
        if (step == TRAIL_END) {
            (void)sched_yield();
            continue;
        }
        assert_true(line.whole);
        (void)snprintf(want, sizeof want, "line %u", ++seen);
        assert_view_eq(line.text, view_str(want));
        assert_int_equal(line.at.segment, (seen - 1) / PER_SEGMENT * PER_SEGMENT + 1);
        assert_int_equal(line.at.line, (seen - 1) % PER_SEGMENT + 1);
    }
    assert_int_equal(pthread_join(writer, &failed), 0);
    assert_null(failed);
    assert_int_equal(seen, LINES);
    expect_end(trail, 0);
    trail_close(&trail);
}

/* The real writer, with small segments: every line once, in order. */
static void follows_the_journal(void **state)
{
    struct journal *journal;
    struct trail *trail;
    struct inbox inbox;
    uint64_t seen = 0;
    struct journal_state now;

    (void)state;
    folder.settings.segment_bytes = 1 << 16;
    journal = folder_open(&folder);
    inbox_new(&inbox, journal);
    trail = begin();
    for (unsigned i = 0; i < 300; i++) {
        struct journal_facts facts = make_event(JOURNAL_REFUSAL);
        struct trail_line line;
        struct err err;

        facts.error = VIEW("a refusal that is long enough to fill a small segment in a few hundred "
                           "lines, which takes some words more than one would think of at first");
        assert_int_equal(inbox_submit(&inbox, journal, &facts, JOURNAL_WRITTEN), STATUS_OK);
        while (trail_next(trail, &line, &err) == TRAIL_LINE)
            seen++;
    }
    journal_get_state(journal, &now);
    assert_int_equal(seen, now.seq);
    assert_true(trail_at(trail).segment > 1);
    inbox_free(&inbox);
    journal_close(&journal, 60000);
    trail_close(&trail);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(reads_over_segments_and_goes_on),
        TEST(no_folder_is_an_error),
        TEST(other_files_are_left_alone),
        TEST(half_a_line_at_the_end_waits),
        TEST(half_a_line_that_is_cut_off_was_never_there),
        TEST(half_a_line_in_front_of_a_segment_is_handed_out),
        TEST(lines_written_before_a_rotation_come_first),
        TEST(segments_that_are_gone_are_passed_over),
        TEST(an_open_segment_is_read_to_its_end_though_it_is_gone),
        TEST(an_empty_segment_that_is_taken_away_again),
        TEST(an_empty_segment_that_comes_back_under_its_name),
        TEST(a_segment_that_is_gone_before_it_is_opened),
        TEST(half_a_line_is_read_again_where_the_segment_behind_is_gone),
        TEST(seeks),
        TEST(seeks_the_lines_since_a_time),
        TEST(a_long_line_is_one),
        TEST(a_line_longer_than_any_has_no_text),
        TEST(follows_a_writer),
        TEST(follows_the_journal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
