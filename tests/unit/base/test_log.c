/* SPDX-License-Identifier: Apache-2.0
 * Log lines as they leave the process, and the quoting of other people's texts. */
#include "support/test.h"

#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

static int saved_stderr, reader;

static int catch_stderr(void **state)
{
    int ends[2];

    (void)state;
    if (pipe(ends) != 0)
        return -1;
    saved_stderr = dup(STDERR_FILENO);
    reader = ends[0];
    if (saved_stderr < 0 || dup2(ends[1], STDERR_FILENO) < 0)
        return -1;
    (void)close(ends[1]);
    return 0;
}

static int release_stderr(void **state)
{
    (void)state;
    if (dup2(saved_stderr, STDERR_FILENO) < 0)
        return -1;
    (void)close(saved_stderr);
    (void)close(reader);
    log_configure(LOG_INFO, LOG_TEXT);
    return 0;
}

/* One read gives one line, since a line is one write. */
static struct view caught(char *out, size_t size)
{
    ssize_t got = read(reader, out, size);

    return got < 0 ? VIEW_NONE : view_of(out, (size_t)got);
}

static void text_lines(void **state)
{
    char out[4096];
    struct view line;
    int64_t us;

    (void)state;
    log_configure(LOG_INFO, LOG_TEXT);
    log_line(LOG_WARNING, "queue is full depth=%d", 7);
    line = caught(out, sizeof out);
    assert_true(clock_parse(view_of(line.ptr, 27), &us));
    assert_view(view_from(line, 27), " warning: queue is full depth=7\n");
}

static void json_lines(void **state)
{
    char out[4096];
    struct view line;

    (void)state;
    log_configure(LOG_DEBUG, LOG_JSON);
    log_line(LOG_DEBUG, "a \"b\" \\ %c\xc3\xbc", 1);
    line = caught(out, sizeof out);
    assert_true(view_starts(line, VIEW("{\"time\":\"2")));
    assert_view(view_from(line, 37), ",\"level\":\"debug\",\"message\":"
                                     "\"a \\\"b\\\" \\\\ \\u0001\\u00c3\\u00bc\"}\n");
}

static void levels(void **state)
{
    char out[4096];

    (void)state;
    log_configure(LOG_WARNING, LOG_TEXT);
    assert_true(log_enabled(LOG_ERROR));
    assert_true(log_enabled(LOG_WARNING));
    assert_false(log_enabled(LOG_INFO));
    assert_false(log_enabled(LOG_DEBUG));
    log_line(LOG_INFO, "not told");
    log_line(LOG_ERROR, "told");
    assert_true(view_ends(caught(out, sizeof out), VIEW(" error: told\n")));
}

static void long_lines_are_cut_but_end(void **state)
{
    static const enum log_format formats[] = {LOG_TEXT, LOG_JSON};
    char out[8192], quotes[5000];

    (void)state;
    memset(quotes, '"', sizeof quotes - 1);
    quotes[sizeof quotes - 1] = '\0';
    for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
        struct view line;

        log_configure(LOG_INFO, formats[i]);
        log_line(LOG_INFO, "%s", quotes);
        line = caught(out, sizeof out);
        assert_in_range(line.len, 1800, 2048);
        assert_true(view_ends(line, formats[i] == LOG_TEXT ? VIEW("\"\n") : VIEW("\\\"\"}\n")));
        assert_int_equal(view_find(line, '\n'), line.len - 1);
    }
}

static void quotes_what_is_not_printable(void **state)
{
    const struct {
        struct view text;
        const char *want;
    } rows[] = {
        {VIEW("abc ~"), "\"abc ~\""},
        {VIEW(""), "\"\""},
        {VIEW_NONE, "\"\""},
        {VIEW("a\"b"), "\"a\\x22b\""},
        {VIEW("a\\b"), "\"a\\x5cb\""},
        {VIEW("a\r\nb\0"), "\"a\\x0d\\x0ab\\x00\""},
        {VIEW("\x1b[2J\x7f"), "\"\\x1b[2J\\x7f\""},
        {VIEW("\xc3\xbc\xff"), "\"\\xc3\\xbc\\xff\""},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char out[LOG_QUOTED_BYTES];

        assert_row(strcmp(log_quoted(rows[i].text, out), rows[i].want) == 0, rows[i].want);
    }
}

static void a_quoted_text_always_fits(void **state)
{
    static const char fills[] = {'x', '\n', '"'};
    char text[300];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(fills); i++) {
        memset(text, fills[i], sizeof text);
        for (size_t len = 0; len <= sizeof text; len++) {
            char out[LOG_QUOTED_BYTES];
            size_t got = strlen(log_quoted(view_of(text, len), out));

            assert_true(got < LOG_QUOTED_BYTES);
            assert_int_equal(out[0], '"');
            assert_int_equal(out[got - 1], '"');
            if (len == sizeof text)
                assert_true(view_ends(view_of(out, got), VIEW("...\"")));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(text_lines, catch_stderr, release_stderr),
        cmocka_unit_test_setup_teardown(json_lines, catch_stderr, release_stderr),
        cmocka_unit_test_setup_teardown(levels, catch_stderr, release_stderr),
        cmocka_unit_test_setup_teardown(long_lines_are_cut_but_end, catch_stderr, release_stderr),
        cmocka_unit_test(quotes_what_is_not_printable),
        cmocka_unit_test(a_quoted_text_always_fits),
    };

    return cmocka_run_group_tests_name("base/log", tests, NULL, NULL);
}
