/* SPDX-License-Identifier: Apache-2.0
 * Every kind of file that standard output may be, with readers that are slow, gone or none. */
#include "support/test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/attr.h"
#include "sinks/transport.h"

enum { LONG = 300000 };

static struct event_base *base;
static struct transport *transport;
static char *text; /* LONG bytes */
static struct transport_line lines[3];
static const struct transport_batch batch = {.lines = lines, .count = 3, .id = "gw/1-3"};
static unsigned dones;
static size_t delivered_now;
static bool well_now;

static void on_done(void *user, size_t delivered, const struct transport_why_not *why_not)
{
    (void)user;
    dones++;
    delivered_now = delivered;
    well_now = why_not == NULL;
}

static int set_up(void **state)
{
    (void)state;
    (void)signal(SIGPIPE, SIG_IGN);
    base = event_base_new();
    text = malloc(LONG);
    assert_non_null(text);
    memset(text, 'x', LONG);
    lines[0] = (struct transport_line){.text = VIEW("{\"a\":1}"), .seq = 1};
    lines[1] = (struct transport_line){.text = view_of(text, LONG), .seq = 2};
    lines[2] = (struct transport_line){.text = VIEW("{\"c\":3}"), .seq = 3};
    dones = 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    if (transport != NULL)
        transport->class->free(transport);
    transport = NULL;
    event_base_free(base);
    free(text);
    return 0;
}

static void begin(int fd)
{
    struct err err;

    assert_int_equal(transport_stdout_new(base, fd, &transport, &err), STATUS_OK);
    transport->class->send(transport, &batch, on_done, NULL);
}

/* Reads all three lines while the loop turns. */
static void read_all(int fd)
{
    const size_t want = lines[0].text.len + LONG + lines[2].text.len + 3;
    char *got = malloc(want + 1);
    size_t len = 0;

    assert_non_null(got);
    while (len < want) {
        const ssize_t n = read(fd, got + len, want + 1 - len);

        (void)event_base_loop(base, EVLOOP_NONBLOCK);
        if (n > 0)
            len += (size_t)n;
    }
    (void)event_base_loop(base, EVLOOP_NONBLOCK);
    assert_int_equal(len, want);
    assert_memory_equal(got, "{\"a\":1}\nxx", 10);
    assert_memory_equal(got + want - 10, "x\n{\"c\":3}\n", 10);
    free(got);
    assert_int_equal(dones, 1);
    assert_true(well_now);
}

static void no_block(int fd)
{
    assert_int_equal(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK), 0);
}

static void waits_for_a_pipe_without_touching_its_flags(void **state)
{
    int fds[2];

    (void)state;
    assert_int_equal(pipe(fds), 0);
    begin(fds[1]);
    /* Nobody reads: it came back, and the open file that others share is as it was. */
    assert_int_equal(dones, 0);
    assert_int_equal(fcntl(fds[1], F_GETFL) & O_NONBLOCK, 0);
    no_block(fds[0]);
    read_all(fds[0]);
    (void)close(fds[0]);
    (void)close(fds[1]);
}

static void waits_for_a_socket_without_touching_its_flags(void **state)
{
    int fds[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    begin(fds[1]);
    assert_int_equal(dones, 0);
    assert_int_equal(fcntl(fds[1], F_GETFL) & O_NONBLOCK, 0);
    no_block(fds[0]);
    read_all(fds[0]);
    (void)close(fds[0]);
    (void)close(fds[1]);
}

static void says_that_nobody_reads(void **state)
{
    int fds[2];

    (void)state;
    assert_int_equal(pipe(fds), 0);
    begin(fds[1]);
    assert_int_equal(dones, 0);
    (void)close(fds[0]);
    (void)event_base_loop(base, EVLOOP_ONCE);
    assert_int_equal(dones, 1);
    assert_false(well_now);
    assert_int_equal(delivered_now, 1);
    (void)close(fds[1]);
}

/* A pipe takes 64 KB: the first line and a part of the second are in it. */
static void finishes_a_line_that_it_began(void **state)
{
    const struct transport_batch rest = {.lines = lines + 1, .count = 2, .id = "gw/2-3"};
    int fds[2];
    char path[] = "/tmp/sinks-stdout-XXXXXX";
    const int fd = mkstemp(path);
    char got[32];
    off_t size;

    (void)state;
    (void)rest;
    assert_true(fd >= 0);
    (void)unlink(path);
    assert_int_equal(pipe(fds), 0);
    begin(fds[1]);
    assert_int_equal(transport->class->cancel(transport), 1);
    transport->class->free(transport);
    transport = NULL;
    /* A file of a disk takes all at once. */
    assert_int_equal(write(fd, "before\n", 7), 7);
    begin(fd);
    assert_int_equal(dones, 1);
    assert_true(well_now);
    size = lseek(fd, 0, SEEK_END);
    assert_int_equal(size, 7 + 8 + LONG + 1 + 8);
    assert_int_equal(pread(fd, got, 15, 0), 15);
    assert_memory_equal(got, "before\n{\"a\":1}\n", 15);
    (void)close(fd);
    (void)close(fds[0]);
    (void)close(fds[1]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(waits_for_a_pipe_without_touching_its_flags),
        TEST(waits_for_a_socket_without_touching_its_flags),
        TEST(says_that_nobody_reads),
        TEST(finishes_a_line_that_it_began),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
