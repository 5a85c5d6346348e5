/* SPDX-License-Identifier: Apache-2.0
 * Addresses, exclusive and shared listening, accepting, running out of descriptors. */
#include "support/test.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/clock.h"
#include "net/listen.h"

static void test_addresses(void **state)
{
    static const struct {
        const char *text, *host; /* host NULL: refused */
        int port;
        bool loopback;
    } rows[] = {
        {"127.0.0.1:8080", "127.0.0.1", 8080, true},
        {"127.1.2.3:1", "127.1.2.3", 1, true},
        {"0.0.0.0:65535", "0.0.0.0", 65535, false},
        {"128.0.0.1:0", "128.0.0.1", 0, false},
        {"[::1]:8443", "::1", 8443, true},
        {"[::]:8443", "::", 8443, false},
        {"[::ffff:127.0.0.1]:1", "::ffff:127.0.0.1", 1, true},
        {"[::ffff:10.0.0.1]:1", "::ffff:10.0.0.1", 1, false},
        {"", NULL, 0, false},
        {":80", NULL, 0, false},
        {"127.0.0.1", NULL, 0, false},
        {"127.0.0.1:", NULL, 0, false},
        {"127.0.0.1:65536", NULL, 0, false},
        {"127.0.0.1:-1", NULL, 0, false},
        {"127.0.0.1: 80", NULL, 0, false},
        {"127.0.0.1:080", NULL, 0, false},
        {"127.0.0.1:8o", NULL, 0, false},
        {"127.0.0.1 :80", NULL, 0, false},
        {"127.1:80", NULL, 0, false},
        {"localhost:80", NULL, 0, false},
        {"*:80", NULL, 0, false},
        {"::1:80", NULL, 0, false},
        {"[::1]", NULL, 0, false},
        {"[::1:80", NULL, 0, false},
        {"[:80", NULL, 0, false},
        {"[]:80", NULL, 0, false},
        {"[127.0.0.1]:80", NULL, 0, false},
        {"[::1%lo]:80", NULL, 0, false},
        {"[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:"
         "0000:0000:0000:0000:0000:0000:0000:0000]:80",
         NULL, 0, false},
    };
    struct net_address address;
    struct err err;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(rows); i++) {
        const enum status s = net_address_parse(view_str(rows[i].text), &address, &err);

        assert_row((s == STATUS_OK) == (rows[i].host != NULL), rows[i].text);
        if (rows[i].host == NULL) {
            assert_row(s == STATUS_INVALID && strstr(err.text, "expected") != NULL, rows[i].text);
            continue;
        }
        assert_row(strcmp(address.host, rows[i].host) == 0, rows[i].text);
        assert_row(strcmp(address.text, rows[i].text) == 0, rows[i].text);
        assert_row(address.port == rows[i].port, rows[i].text);
        assert_row(net_address_is_loopback(&address) == rows[i].loopback, rows[i].text);
    }
    assert_int_equal(net_address_parse(VIEW("127.0.0.1\0:80"), &address, &err), STATUS_INVALID);
}

static struct net_address parsed(const char *text, uint16_t port)
{
    struct net_address address;
    struct err err;

    assert_int_equal(net_address_parse(view_str(text), &address, &err), STATUS_OK);
    if (port != 0)
        address.port = port;
    return address;
}

static void test_shared_and_exclusive(void **state)
{
    struct net_address address = parsed("127.0.0.1:0", 0);
    const int first = net_listen(&address, true, NULL);
    struct err err;
    int second;

    (void)state;
    assert_true(first >= 0);
    address.port = net_listen_port(first);
    assert_int_not_equal(address.port, 0);
    second = net_listen(&address, false, &err); /* of the same gateway */
    assert_true(second >= 0);
    assert_int_equal(net_listen_port(second), address.port);
    assert_int_equal(net_listen(&address, true, &err), -1); /* of another one */
    assert_int_equal(err.status, STATUS_IO);
    assert_string_equal(err.text, "listening on 127.0.0.1:0: Address already in use");
    assert_true((fcntl(first, F_GETFD) & FD_CLOEXEC) != 0);
    assert_true((fcntl(first, F_GETFL) & O_NONBLOCK) != 0);
    (void)close(first);
    assert_int_equal(net_listen(&address, true, &err), -1);
    (void)close(second);
    second = net_listen(&address, true, &err); /* free again at once */
    assert_true(second >= 0);
    (void)close(second);
}

static void test_a_foreign_address_fails(void **state)
{
    const struct net_address address = parsed("192.0.2.1:0", 0);
    struct err err;

    (void)state;
    assert_int_equal(net_listen(&address, false, &err), -1);
    assert_string_equal(err.text, "listening on 192.0.2.1:0: Cannot assign requested address");
    assert_int_equal(net_listen_port(-1), 0);
}

struct seen {
    struct net_acceptor *acceptor;
    int fds[64];
    int count;
    bool free_at_first, pause_at_first;
};

static void on_accept(void *user, int fd)
{
    struct seen *const seen = user;

    assert_true((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
    assert_true(seen->count < 64);
    seen->fds[seen->count++] = fd;
    if (seen->free_at_first)
        net_acceptor_free(&seen->acceptor);
    else if (seen->pause_at_first)
        net_acceptor_pause(seen->acceptor, true);
}

static int connect_to(uint16_t port)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void close_all(const int *fds, int count)
{
    int i;

    for (i = 0; i < count; i++)
        (void)close(fds[i]);
}

struct scene {
    struct event_base *base;
    struct seen seen;
    uint16_t port;
};

static void scene_init(struct scene *s)
{
    const struct net_address address = parsed("127.0.0.1:0", 0);
    const int fd = net_listen(&address, true, NULL);

    *s = (struct scene){.base = event_base_new()};
    assert_true(fd >= 0);
    s->port = net_listen_port(fd);
    s->seen.acceptor = net_acceptor_new(s->base, fd, on_accept, &s->seen);
    assert_non_null(s->seen.acceptor);
}

static void scene_done(struct scene *s)
{
    net_acceptor_free(&s->seen.acceptor);
    net_acceptor_free(&s->seen.acceptor);
    close_all(s->seen.fds, s->seen.count);
    event_base_free(s->base);
}

static void turn(struct scene *s)
{
    int i;

    for (i = 0; i < 5; i++)
        (void)event_base_loop(s->base, EVLOOP_NONBLOCK);
}

static void test_accepts_and_pauses(void **state)
{
    struct scene s;
    int fds[4], i;

    (void)state;
    scene_init(&s);
    for (i = 0; i < 3; i++)
        fds[i] = connect_to(s.port);
    turn(&s);
    assert_int_equal(s.seen.count, 3);
    net_acceptor_pause(s.seen.acceptor, true);
    net_acceptor_pause(s.seen.acceptor, true);
    fds[3] = connect_to(s.port);
    turn(&s);
    assert_int_equal(s.seen.count, 3);
    net_acceptor_pause(s.seen.acceptor, false);
    net_acceptor_pause(s.seen.acceptor, false);
    turn(&s);
    assert_int_equal(s.seen.count, 4);
    assert_int_equal(net_acceptor_exhausted(s.seen.acceptor), 0);
    close_all(fds, 4);
    scene_done(&s);
}

static void test_callback_may_pause_or_free(void **state)
{
    struct scene s;
    int fds[2], i;

    (void)state;
    for (i = 0; i < 2; i++) {
        scene_init(&s);
        s.seen.free_at_first = i == 0;
        s.seen.pause_at_first = i == 1;
        fds[0] = connect_to(s.port);
        fds[1] = connect_to(s.port);
        turn(&s);
        assert_int_equal(s.seen.count, 1);
        close_all(fds, 2);
        scene_done(&s);
    }
}

/* At the limit of descriptors the loop waits a tenth of a second at a time, and goes on when there
 * is room again. */
static void test_out_of_descriptors_does_not_spin(void **state)
{
    struct rlimit old, small;
    struct scene s;
    int64_t start_us;
    int turns = 0, probe, client;

    (void)state;
    scene_init(&s);
    client = connect_to(s.port);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    probe = dup(client);
    assert_true(probe >= 0);
    (void)close(probe);
    small = (struct rlimit){.rlim_cur = (rlim_t)probe, .rlim_max = old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &small), 0);
    start_us = clock_monotonic_us();
    while (net_acceptor_exhausted(s.seen.acceptor) < 3 && turns < 1000) {
        (void)event_base_loop(s.base, EVLOOP_ONCE);
        turns++;
    }
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    assert_int_equal(s.seen.count, 0);
    assert_true(turns < 10);
    assert_true(clock_monotonic_us() - start_us >= 190000);
    while (s.seen.count == 0 && turns++ < 20)
        (void)event_base_loop(s.base, EVLOOP_ONCE);
    assert_int_equal(s.seen.count, 1);

    /* Paused by the owner while it rests: the timer doesn't wake it. */
    (void)close(client);
    client = connect_to(s.port);
    probe = dup(client);
    (void)close(probe);
    small.rlim_cur = (rlim_t)probe;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &small), 0);
    turn(&s);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    assert_int_equal(net_acceptor_exhausted(s.seen.acceptor), 4);
    net_acceptor_pause(s.seen.acceptor, true);
    net_acceptor_pause(s.seen.acceptor, false); /* still resting */
    net_acceptor_pause(s.seen.acceptor, true);
    while (event_base_loop(s.base, EVLOOP_ONCE) == 0)
        ; /* until nothing is armed */
    assert_int_equal(s.seen.count, 1);
    net_acceptor_pause(s.seen.acceptor, false);
    turn(&s);
    assert_int_equal(s.seen.count, 2);
    (void)close(client);
    scene_done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_shared_and_exclusive),
        cmocka_unit_test(test_a_foreign_address_fails),
        cmocka_unit_test(test_accepts_and_pauses),
        cmocka_unit_test(test_callback_may_pause_or_free),
        cmocka_unit_test(test_out_of_descriptors_does_not_spin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
