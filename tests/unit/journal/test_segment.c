/* SPDX-License-Identifier: Apache-2.0
 * Names of segments, the chain, reading line by line. */
#include "support/test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "journal/chain.h"
#include "journal/line.h"
#include "journal/segment.h"

static void names_hold_20_digits(void **state)
{
    static const struct {
        const char *name;
        bool good;
        uint64_t seq;
    } rows[] = {
        {"00000000000000000001.jsonl", true, 1},
        {"18446744073709551615.jsonl", true, UINT64_MAX},
        {"18446744073709551616.jsonl", false, 0},
        {"00000000000000000000.jsonl", false, 0}, /* no line has it */
        {"0000000000000000001.jsonl", false, 0},
        {"000000000000000000001.jsonl", false, 0},
        {"0000000000000000000x.jsonl", false, 0},
        {"-0000000000000000001.jsonl", false, 0},
        {"00000000000000000001.json", false, 0},
        {"00000000000000000001.jsonl~", false, 0},
        {"lock", false, 0},
        {"", false, 0},
    };
    char name[SEGMENT_NAME_BYTES];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint64_t seq = 0;

        assert_row(segment_name_parse(rows[i].name, &seq) == rows[i].good, rows[i].name);
        assert_row(seq == rows[i].seq, rows[i].name);
        if (!rows[i].good)
            continue;
        segment_name_format(seq, name);
        assert_string_equal(name, rows[i].name);
    }
}

static void the_chain_hashes_the_line_before(void **state)
{
    struct digest *digest = digest_new();
    struct chain chain, read;
    struct buf out;
    char want[DIGEST_HEX_BYTES];

    (void)state;
    buf_init(&out, 4096);
    chain_start(&chain);
    chain_add(&chain, digest, VIEW("\"event\":\"x\"}"), &out);
    assert_view(buf_view(&out),
                "{\"v\":1,\"seq\":1,\"prev\":"
                "\"0000000000000000000000000000000000000000000000000000000000000000\","
                "\"event\":\"x\"}\n");
    assert_int_equal(chain.seq, 1);
    digest_sha256_hex(view_of(out.ptr, out.len - 1), want);
    assert_memory_equal(chain.hash, want, sizeof want);
    chain_set(&read, 1, view_of(out.ptr, out.len - 1));
    assert_memory_equal(&read, &chain, sizeof chain);
    buf_done(&out);
    buf_init(&out, CHAIN_PREFIX_BYTES); /* too small: the chain stays */
    chain_add(&chain, digest, VIEW("\"event\":\"x\"}"), &out);
    assert_int_equal(out.failed, STATUS_LIMIT);
    assert_memory_equal(&read, &chain, sizeof chain);
    buf_done(&out);
    digest_free(&digest);
}

static void the_longest_prefix_fits(void **state)
{
    struct digest *digest = digest_new();
    struct chain chain;
    struct buf out;

    (void)state;
    chain_start(&chain);
    chain.seq = INT64_MAX - 1;
    buf_init(&out, CHAIN_PREFIX_BYTES);
    chain_add(&chain, digest, VIEW(""), &out);
    assert_int_equal(out.failed, STATUS_OK);
    buf_done(&out);
    digest_free(&digest);
}

static void lines_are_read_whole(void **state)
{
    char root[] = "/tmp/segment-test-XXXXXX";
    enum { LINES = 300 };
    struct segment segment;
    struct line_reader reader;
    struct buf out;
    struct view line;
    bool whole;
    size_t done;
    int dir;

    (void)state;
    assert_non_null(mkdtemp(root));
    dir = open(root, O_RDONLY | O_DIRECTORY);
    assert_int_equal(segment_create(&segment, dir, 7, 1000), 0);
    buf_init(&out, 64 << 20);
    for (size_t i = 0; i < LINES; i++) { /* longer than one read, and empty ones */
        for (size_t k = 0; k < i * i % 7919 * 11; k++)
            buf_add_byte(&out, 'x');
        buf_add_byte(&out, '\n');
    }
    buf_add_str(&out, "tail");
    assert_int_equal(segment_append(&segment, buf_view(&out), &done), 0);
    assert_int_equal(done, out.len);
    assert_true(segment_keep(&segment, done, false));
    segment_close(&segment);
    segment_close(&segment);
    assert_int_equal(line_reader_open(&reader, dir, 7), 0);
    for (size_t i = 0; i < LINES; i++) {
        assert_int_equal(line_reader_next(&reader, &line, &whole), 1);
        assert_true(whole);
        assert_int_equal(line.len, i * i % 7919 * 11);
    }
    assert_int_equal(line_reader_next(&reader, &line, &whole), 1);
    assert_false(whole);
    assert_view(line, "tail");
    assert_int_equal(reader.offset, out.len);
    assert_int_equal(line_reader_next(&reader, &line, &whole), 0);
    line_reader_done(&reader);
    assert_int_not_equal(line_reader_open(&reader, dir, 8), 0);
    line_reader_done(&reader);
    buf_done(&out);
    assert_int_not_equal(segment_create(&segment, dir, 7, 1000), 0); /* its name is taken */
    assert_int_equal(unlinkat(dir, "00000000000000000007.jsonl", 0), 0);
    (void)close(dir);
    assert_int_equal(rmdir(root), 0);
}

static void add_line(struct buf *out, const char *front, size_t len)
{
    buf_add_str(out, front);
    for (size_t i = strlen(front); i < len; i++)
        buf_add_byte(out, 'x');
    buf_add_byte(out, '\n');
}

/* Each with its length; over: the reader hands no byte of it out. */
static void expect_lines(struct line_reader *reader, const size_t *lengths, size_t count,
                         uint64_t over)
{
    uint64_t offset = 0;

    for (size_t i = 0; i < count; i++) {
        const bool too_long = (over >> i & 1) != 0;
        struct view line;
        bool whole;

        assert_int_equal(line_reader_next(reader, &line, &whole), 1);
        offset += lengths[i] + whole;
        assert_int_equal(whole, i + 1 < count);
        assert_int_equal(line.len, too_long ? 0 : lengths[i]);
        assert_int_equal(line_reader_was_too_long(reader, line), too_long);
        assert_int_equal(reader->length, lengths[i]);
        assert_int_equal(reader->offset, offset);
    }
}

/* What is no line of ours costs no memory for all of it. */
static void what_is_too_long_for_a_line_is_read_over(void **state)
{
    static const char checkpoint[] = "{\"v\":1,\"seq\":7,\"event\":\"checkpoint\",";
    static const size_t lengths[] = {3 << 20, LINE_READ_MAX_BYTES,     64,
                                     8 << 20, LINE_READ_MAX_BYTES + 1, 16 << 20};
    char root[] = "/tmp/segment-test-XXXXXX";
    struct line_reader reader;
    struct buf out;
    struct view line;
    bool whole;
    int dir, fd;

    (void)state;
    assert_non_null(mkdtemp(root));
    dir = open(root, O_RDONLY | O_DIRECTORY);
    buf_init(&out, 64 << 20);
    for (unsigned other = 0; other < 2; other++) {
        buf_clear(&out);
        for (size_t i = 0; i < ARRAY_LEN(lengths); i++)
            add_line(&out, i < other ? "{}" : checkpoint, lengths[i]);
        fd = openat(dir, "00000000000000000007.jsonl", O_WRONLY | O_CREAT | O_TRUNC, 0600);
        assert_int_equal(write(fd, out.ptr, out.len - 1), out.len - 1);
        (void)close(fd);
        assert_int_equal(line_reader_open(&reader, dir, 7), 0);
        expect_lines(&reader, lengths, ARRAY_LEN(lengths), 0x38 | other);
        assert_true(reader.buf.cap <= 8 << 20);
        assert_true(line_reader_back(&reader));
        assert_int_equal(reader.offset, out.len - 1 - (16 << 20));
        reader.ended = false; /* as who looks again does */
        assert_int_equal(line_reader_next(&reader, &line, &whole), 1);
        assert_int_equal(reader.length, 16 << 20);
        assert_int_equal(line_reader_next(&reader, &line, &whole), 0);
        line_reader_done(&reader);
    }
    buf_done(&out);
    assert_int_equal(unlinkat(dir, "00000000000000000007.jsonl", 0), 0);
    (void)close(dir);
    assert_int_equal(rmdir(root), 0);
}

static void lists_are_sorted(void **state)
{
    char root[] = "/tmp/segment-test-XXXXXX";
    static const uint64_t seqs[] = {5, 100000000000, 1, 20};
    uint64_t *list = NULL;
    size_t count = 0;
    struct segment segment;
    struct err err;
    int dir;

    (void)state;
    assert_non_null(mkdtemp(root));
    dir = open(root, O_RDONLY | O_DIRECTORY);
    assert_int_equal(segment_list(dir, &list, &count, &err), STATUS_OK);
    assert_int_equal(count, 0);
    free(list);
    for (size_t i = 0; i < ARRAY_LEN(seqs); i++) {
        assert_int_equal(segment_create(&segment, dir, seqs[i], 100), 0);
        segment_close(&segment);
    }
    assert_int_equal(segment_list(dir, &list, &count, &err), STATUS_OK);
    assert_int_equal(count, 4);
    assert_true(list[0] == 1 && list[1] == 5 && list[2] == 20 && list[3] == 100000000000);
    for (size_t i = 0; i < count; i++) {
        char name[SEGMENT_NAME_BYTES];

        segment_name_format(list[i], name);
        assert_int_equal(unlinkat(dir, name, 0), 0);
    }
    free(list);
    (void)close(dir);
    assert_int_equal(rmdir(root), 0);
    assert_int_equal(segment_list(-1, &list, &count, &err), STATUS_IO);
}

#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void the_front_of_a_line_tells_its_time(void **state)
{
    static const struct {
        const char *front;
        int64_t time_us; /* -1: it doesn't tell */
    } rows[] = {
        {"{\"v\":1,\"seq\":7,\"prev\":\"" HASH "\",\"time\":\"1970-01-01T00:00:01.000002Z\",\"ev",
         1000002},
        {"{\"v\":1,\"seq\":18446744073709551615,\"prev\":\"" HASH
         "\",\"time\":\"1970-01-01T00:00:01.000002Z\"",
         1000002},
        {"{\"v\":1,\"seq\":7,\"prev\":\"" HASH "\",\"time\":\"1970-01-01T00:00:01.0000", -1},
        {"{\"v\":1,\"seq\":7,\"prev\":\"" HASH "\",\"time\":\"", -1},
        {"{\"v\":1,\"seq\":7,\"prev\":\"" HASH "\",\"event\":\"start\"", -1},
        {"{\"v\":1,\"seq\":7,\"prev\":\"0123\",\"time\":\"1970-01-01T00:00:01.000002Z\",", -1},
        {"{\"v\":1,\"seq\":7,\"prev\":\"0123", -1},
        {"{\"v\":1,\"seq\":7", -1},
        {"{\"v\":2,\"seq\":7,\"prev\":\"" HASH "\",\"time\":\"1970-01-01T00:00:01.000002Z\",", -1},
        {"", -1},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t time_us = -1;

        assert_row(line_peek_time(view_str(rows[i].front), &time_us) == (rows[i].time_us >= 0),
                   rows[i].front);
        assert_row(time_us == rows[i].time_us, rows[i].front);
    }
    /* The longest prefix that there can be. */
    assert_true(strlen(rows[1].front) <= LINE_FRONT_BYTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_hold_20_digits),
        cmocka_unit_test(the_chain_hashes_the_line_before),
        cmocka_unit_test(the_front_of_a_line_tells_its_time),
        cmocka_unit_test(the_longest_prefix_fits),
        cmocka_unit_test(lines_are_read_whole),
        cmocka_unit_test(what_is_too_long_for_a_line_is_read_over),
        cmocka_unit_test(lists_are_sorted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
