/* SPDX-License-Identifier: Apache-2.0
 * The resolver against a getaddrinfo that does what the test says. */
#include "support/test.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>

#include "base/require.h"
#include "upstream/resolver.h"

/* One look-up waits for `allow`; `asked` tells that one has begun. */
static sem_t asked, allow;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *answer; /* numeric address, NULL: fails */
static int answers;        /* how many entries */

int __wrap_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                       struct addrinfo **ret);
int __real_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                       struct addrinfo **ret);

int __wrap_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                       struct addrinfo **ret)
{
    struct addrinfo **end = ret;
    int i, reason = EAI_AGAIN;

    if ((hints->ai_flags & AI_NUMERICHOST) != 0)
        return __real_getaddrinfo(node, service, hints, ret);
    (void)sem_post(&asked);
    (void)sem_wait(&allow);
    (void)pthread_mutex_lock(&lock);
    for (i = 0; answer != NULL && i < answers; i++) {
        reason = __real_getaddrinfo(answer, service, hints, end);
        REQUIRE(reason == 0);
        end = &(*end)->ai_next;
    }
    (void)pthread_mutex_unlock(&lock);
    return reason;
}

static void say(const char *text, int count)
{
    (void)pthread_mutex_lock(&lock);
    answer = text;
    answers = count;
    (void)pthread_mutex_unlock(&lock);
    (void)sem_post(&allow);
    (void)sem_wait(&asked); /* the next look-up has begun: the answer is in the list */
}

static void check_first(struct resolver *r, unsigned count, const char *address)
{
    char text[INET6_ADDRSTRLEN] = "";
    struct resolver_addresses list;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;

    resolver_get(r, &list);
    assert_int_equal(list.count, count);
    if (count == 0)
        return;
    if (list.items[0].ss_family == AF_INET) {
        memcpy(&v4, &list.items[0], sizeof v4);
        assert_int_equal(list.lengths[0], sizeof v4);
        assert_int_equal(ntohs(v4.sin_port), 443);
        (void)inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
    } else {
        memcpy(&v6, &list.items[0], sizeof v6);
        assert_int_equal(list.lengths[0], sizeof v6);
        assert_int_equal(ntohs(v6.sin6_port), 443);
        (void)inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
    }
    assert_string_equal(text, address);
}

static void test_numeric_hosts_are_ready_at_once(void **state)
{
    static const char *const hosts[][2] = {
        {"192.0.2.7", "192.0.2.7"}, {"2001:db8::1", "2001:db8::1"}, {"[::1]", "::1"}};
    struct resolver *r = NULL;
    struct err err;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(hosts); i++) {
        assert_int_equal(resolver_new(hosts[i][0], 443, 1000, &r, &err), STATUS_OK);
        assert_row(resolver_ready(r), hosts[i][0]);
        check_first(r, 1, hosts[i][1]);
        resolver_free(&r);
        assert_null(r);
    }
    resolver_free(&r);
    resolver_free(NULL);
}

static void test_bad_hosts(void **state)
{
    char longest[300];
    struct resolver *r = NULL;
    struct err err;

    (void)state;
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_int_equal(resolver_new("", 443, 1000, &r, &err), STATUS_INVALID);
    assert_int_equal(resolver_new("[]", 443, 1000, &r, &err), STATUS_INVALID);
    assert_int_equal(resolver_new(longest, 443, 1000, &r, &err), STATUS_INVALID);
    assert_null(r);
}

/* every_ms is 1, so that the next look-up begins at once. */
static void test_the_last_good_list_stays(void **state)
{
    struct resolver *r = NULL;
    struct err err;

    (void)state;
    assert_int_equal(resolver_new("cloud.example", 443, 1, &r, &err), STATUS_OK);
    (void)sem_wait(&asked);
    assert_false(resolver_ready(r));
    check_first(r, 0, NULL);
    say(NULL, 0); /* fails, is tried again */
    assert_false(resolver_ready(r));
    say("192.0.2.1", 1);
    assert_true(resolver_ready(r));
    check_first(r, 1, "192.0.2.1");
    say(NULL, 0);
    say(NULL, 0);
    assert_true(resolver_ready(r));
    check_first(r, 1, "192.0.2.1");
    say("2001:db8::2", RESOLVER_ADDRESSES + 3); /* more than are kept */
    check_first(r, RESOLVER_ADDRESSES, "2001:db8::2");
    resolver_free(&r); /* while a look-up hangs: doesn't wait for it */
    assert_null(r);
    (void)sem_post(&allow); /* now it comes back and finds that nobody wants it */
}

/* Ending while the thread waits for its next turn. */
static void test_free_while_waiting(void **state)
{
    struct resolver *r = NULL;
    struct err err;

    (void)state;
    assert_int_equal(resolver_new("cloud.example", 443, 3600000, &r, &err), STATUS_OK);
    (void)sem_wait(&asked);
    (void)pthread_mutex_lock(&lock);
    answer = "192.0.2.1";
    answers = 1;
    (void)pthread_mutex_unlock(&lock);
    (void)sem_post(&allow);
    while (!resolver_ready(r))
        (void)sched_yield();
    resolver_free(&r);
    assert_null(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numeric_hosts_are_ready_at_once),
        cmocka_unit_test(test_bad_hosts),
        cmocka_unit_test(test_the_last_good_list_stays),
        cmocka_unit_test(test_free_while_waiting),
    };

    (void)sem_init(&asked, 0, 0);
    (void)sem_init(&allow, 0, 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
