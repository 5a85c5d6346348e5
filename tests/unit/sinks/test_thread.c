/* SPDX-License-Identifier: Apache-2.0
 * The thread beside a journal that is being written: what a sink needs is kept, and its end. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "sinks/sinks.h"
#include "unit/journal/folder.h"

static const int64_t patience_us = 20 * 1000 * 1000;

static struct folder folder;
static char positions[128];

/* Why no folder can be made; 0: it can. */
static _Atomic int no_folder;

int __real_mkdir(const char *path, mode_t mode);
int __wrap_mkdir(const char *path, mode_t mode);
int __wrap_mkdir(const char *path, mode_t mode) // NOLINT(bugprone-reserved-identifier)
{
    if (no_folder == 0)
        return __real_mkdir(path, mode);
    errno = no_folder;
    return -1;
}

static int set_up(void **state)
{
    (void)state;
    (void)signal(SIGPIPE, SIG_IGN);
    log_configure(LOG_ERROR, LOG_TEXT);
    folder_new(&folder);
    folder.settings.keep_us = 1;
    folder.settings.segment_bytes = 8192;
    folder.settings.held = true;
    (void)snprintf(positions, sizeof positions, "%s/sinks", folder.root);
    return 0;
}

static int tear_down(void **state)
{
    char path[160];

    (void)state;
    (void)snprintf(path, sizeof path, "%s/one.position", positions);
    (void)unlink(path);
    (void)rmdir(positions);
    folder_remove(&folder);
    return 0;
}

/* Nobody listens at that port. */
static struct sink_settings away(void)
{
    return (struct sink_settings){.name = "one",
                                  .batch = 500,
                                  .kind = SINK_HTTP,
                                  .http = {.host = "127.0.0.1",
                                           .port = 1,
                                           .plain = true,
                                           .target = "/",
                                           .content_type = "application/x-ndjson",
                                           .timeout_ms = 1000}};
}

static struct sinks *begin(struct journal *journal, const struct sink_settings *one)
{
    const struct sinks_settings settings = {.directory = positions,
                                            .journal = folder.journal,
                                            .gateway = "gw",
                                            .list = one,
                                            .count = 1};
    struct sinks *sinks = NULL;
    struct err err = {.text = ""};

    if (sinks_start(&settings, journal, &sinks, &err) != STATUS_OK)
        fail_msg("%s", err.text);
    return sinks;
}

static struct sink_state state_of(struct sinks *sinks)
{
    struct sink_state state;

    sinks_get_state(sinks, 0, &state);
    return state;
}

/* Until so many segments more were begun. */
static void fill_segments(struct journal *journal, size_t count)
{
    struct journal_facts facts = make_event(JOURNAL_REFUSAL);
    struct inbox inbox;
    uint64_t before = 0;

    inbox_new(&inbox, journal);
    for (size_t begun = 0; begun <= count;) {
        struct names names;
        uint64_t last;

        assert_int_equal(inbox_submit(&inbox, journal, &facts, JOURNAL_WRITTEN), STATUS_OK);
        folder_segments(&folder, &names);
        last = strtoul(names.name[names.count - 1], NULL, 10);
        begun += last != before;
        before = last;
    }
    inbox_free(&inbox);
}

static size_t segments(void)
{
    struct names names;

    folder_segments(&folder, &names);
    return names.count;
}

static void what_a_sink_needs_is_kept(void **state)
{
    struct journal *journal = folder_open(&folder);
    const struct sink_settings one = away();
    struct sinks *sinks = begin(journal, &one);

    (void)state;
    fill_segments(journal, 3);
    assert_true(state_of(sinks).delivered == 0);
    assert_true(segments() >= 4);
    sinks_stop(&sinks, 2000);
    assert_null(sinks);
    journal_close(&journal, 5000);
    /* The sink is taken out of the settings: nobody needs them. */
    folder.settings.held = false;
    journal = folder_open(&folder);
    fill_segments(journal, 2);
    assert_true(segments() <= 3);
    journal_close(&journal, 5000);
}

/* All that there is goes out before it ends, and what was delivered is no longer kept. */
static void what_is_there_goes_out_in_the_end(void **state)
{
    struct journal *journal = folder_open(&folder);
    struct sink_settings one = {.name = "one", .batch = 500, .kind = SINK_STDOUT};
    struct sinks *sinks;
    const int kept = dup(STDOUT_FILENO);
    FILE *out = tmpfile();

    (void)state;
    assert_non_null(out);
    assert_true(dup2(fileno(out), STDOUT_FILENO) >= 0);
    sinks = begin(journal, &one);
    fill_segments(journal, 2);
    sinks_stop(&sinks, 20000);
    assert_true(dup2(kept, STDOUT_FILENO) >= 0);
    (void)close(kept);
    assert_true(lseek(fileno(out), 0, SEEK_END) > 2 * 8000);
    (void)fclose(out);
    journal_close(&journal, 5000);
}

/* One that is away is given up at once, whatever the time that there is. */
static void the_end_does_not_wait_for_who_is_away(void **state)
{
    struct journal *journal = folder_open(&folder);
    const struct sink_settings one = away();
    struct sinks *sinks = begin(journal, &one);
    const int64_t until_us = clock_monotonic_us() + patience_us;
    int64_t began_us;

    (void)state;
    while (state_of(sinks).failures == 0)
        assert_true(clock_monotonic_us() < until_us);
    sinks_reload(sinks);
    began_us = clock_monotonic_us();
    sinks_stop(&sinks, 600000);
    assert_true(clock_monotonic_us() - began_us < patience_us);
    journal_close(&journal, 5000);
}

/* The first sink of a gateway waits for its folder; nothing goes before. */
static void wait_for_folder(int why)
{
    struct journal *journal = folder_open(&folder);
    struct sink_settings one = {.name = "one", .batch = 500, .kind = SINK_STDOUT};
    const int64_t until_us = clock_monotonic_us() + patience_us;
    const int kept = dup(STDOUT_FILENO);
    FILE *out = tmpfile();
    struct sinks *sinks;

    assert_non_null(out);
    assert_true(dup2(fileno(out), STDOUT_FILENO) >= 0);
    no_folder = why;
    sinks = begin(journal, &one);
    assert_true(state_of(sinks).away_since_us != 0);
    assert_int_equal(lseek(fileno(out), 0, SEEK_END), 0);
    no_folder = 0;
    while (state_of(sinks).lag_lines > 0 || state_of(sinks).delivered == 0)
        assert_true(clock_monotonic_us() < until_us);
    sinks_stop(&sinks, 20000);
    assert_true(dup2(kept, STDOUT_FILENO) >= 0);
    (void)close(kept);
    (void)fclose(out);
    journal_close(&journal, 5000);
}

static void a_folder_that_has_no_room_is_waited_for(void **state)
{
    (void)state;
    wait_for_folder(ENOSPC);
}

static void a_folder_that_cannot_be_made_is_waited_for(void **state)
{
    (void)state;
    wait_for_folder(EROFS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_folder_that_has_no_room_is_waited_for),
        TEST(a_folder_that_cannot_be_made_is_waited_for),
        TEST(what_a_sink_needs_is_kept),
        TEST(what_is_there_goes_out_in_the_end),
        TEST(the_end_does_not_wait_for_who_is_away),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
