/* SPDX-License-Identifier: Apache-2.0
 * The keys of a provider that answers, changes its keys, is away, and answers something else. */
#include "support/pki.h"
#include "support/test.h"

#include <sched.h>
#include <signal.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/require.h"
#include "iam/jwks.h"
#include "unit/upstream/cloud.h"

#define ASKED "GET /keys?x=1 HTTP/1.1\r\nHost: login.test\r\nAccept: application/json\r\n\r\n"
#define EC_KEY(kid)                                                                         \
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"" kid "\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1g" \
    "HMzV76e8Tus9uPHvRVEU\",\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}"

static const int64_t patience_us = 20 * 1000 * 1000;

static struct pki pki;
static struct arena arena;
static struct cloud cloud;
static struct net_tls *tls;
static struct resolver *resolver;
static struct jwks_source *source;

static int set_up(void **state)
{
    (void)state;
    (void)signal(SIGPIPE, SIG_IGN);
    pki_make(&pki);
    arena_init(&arena, 16384, 4 << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_done(&arena);
    pki_remove(&pki);
    return 0;
}

static void begin(const struct cloud_step *const *scripts, unsigned count, int64_t refresh_ms,
                  int64_t pause_ms, int64_t timeout_ms)
{
    const struct jwks_settings settings = {.host = "login.test",
                                           .path = "/keys?x=1",
                                           .refresh_ms = refresh_ms,
                                           .pause_ms = pause_ms,
                                           .timeout_ms = timeout_ms};
    char certificate[PKI_PATH_BYTES], key[PKI_PATH_BYTES], ca[PKI_PATH_BYTES];
    struct err err;

    cloud_start(&cloud, pki_path(&pki, "good.pem", certificate), pki_path(&pki, "good.key", key),
                scripts, count);
    REQUIRE(net_tls_client_new("localhost", pki_path(&pki, "ca.pem", ca), &tls, &err) == STATUS_OK);
    REQUIRE(resolver_new("127.0.0.1", cloud.port, 60000, &resolver, &err) == STATUS_OK);
    while (!resolver_ready(resolver))
        (void)sched_yield();
    assert_int_equal(jwks_source_start(&settings, tls, resolver, &source, &err), STATUS_OK);
}

static void finish(unsigned faults)
{
    jwks_source_stop(&source);
    assert_null(source);
    resolver_free(&resolver);
    net_tls_free(&tls);
    assert_int_equal(cloud_stop(&cloud), faults);
}

static struct jwks_state now(void)
{
    struct jwks_state state;

    jwks_source_get_state(source, &state);
    return state;
}

static size_t keys_now(void)
{
    struct jwks *set = jwks_source_get(source);
    size_t count = set == NULL ? 0 : jwks_count(set);

    jwks_unref(&set);
    return count;
}

static void wait_keys(size_t count)
{
    const int64_t until_us = clock_monotonic_us() + patience_us;

    while (keys_now() != count) {
        assert_true(clock_monotonic_us() < until_us);
        (void)sched_yield();
    }
}

static void wait_failures(uint64_t count)
{
    const int64_t until_us = clock_monotonic_us() + patience_us;

    while (now().failures < count) {
        assert_true(clock_monotonic_us() < until_us);
        (void)sched_yield();
    }
}

static const char *answer(unsigned status, const char *body)
{
    struct view v = arena_printf(&arena, "HTTP/1.1 %u Said\r\nContent-Length: %zu\r\n\r\n%s",
                                 status, strlen(body), body);

    assert_non_null(v.ptr);
    return v.ptr;
}

#define ONE "{\"keys\":[" EC_KEY("a") "]}"
#define TWO "{\"keys\":[" EC_KEY("a") "," EC_KEY("b") "]}"

static void the_last_good_set_stays(void **state)
{
    const struct cloud_step script[] = {{CLOUD_READ, ASKED, 0},
                                        {CLOUD_WAIT, NULL, 0},
                                        {CLOUD_SEND, answer(200, ONE), 0},
                                        {CLOUD_READ, ASKED, 0},
                                        {CLOUD_SEND, answer(503, TWO), 0},
                                        {CLOUD_READ, ASKED, 0},
                                        {CLOUD_SEND, answer(200, "{\"keys\":[]}"), 0},
                                        {CLOUD_READ, ASKED, 0},
                                        {CLOUD_SEND, answer(200, "<html>"), 0},
                                        {CLOUD_READ, ASKED, 0},
                                        {CLOUD_WAIT, NULL, 0},
                                        {CLOUD_SEND, answer(200, TWO), 0},
                                        {CLOUD_END, NULL, 0}};
    static const struct cloud_step silent[] = {{CLOUD_SILENT, NULL, 0}};
    const struct cloud_step *const scripts[] = {script, silent};

    (void)state;
    /* It is asked again at once, or as soon as may be. */
    begin(scripts, 2, 1, 1, 60000);
    assert_int_equal(keys_now(), 0);
    assert_null(jwks_source_get(source));
    cloud_go(&cloud);
    wait_keys(1);
    wait_failures(3);
    assert_int_equal(keys_now(), 1);
    assert_true(now().away_since_us > 0);
    cloud_go(&cloud);
    wait_keys(2);
    assert_true(now().fetched_us > 0);
    jwks_source_stop(&source);
    finish(0);
}

/* Anybody can make up a kid: the provider must not feel it. */
static void wishes_are_rationed(void **state)
{
    const struct cloud_step script[] = {
        {CLOUD_READ, ASKED, 0}, {CLOUD_SEND, answer(200, ONE), 0}, {CLOUD_END, NULL, 0}};
    const struct cloud_step *const scripts[] = {script};

    (void)state;
    begin(scripts, 1, 3600000, 3600000, 60000);
    wait_keys(1);
    for (unsigned i = 0; i < 10000; i++)
        jwks_source_wish(source);
    assert_int_equal(now().fetches, 1);
    finish(0);
}

static void a_wish_brings_new_keys(void **state)
{
    const struct cloud_step script[] = {{CLOUD_READ, ASKED, 0},
                                        {CLOUD_SEND, answer(200, ONE), 0},
                                        {CLOUD_READ, ASKED, 0},
                                        {CLOUD_SEND, answer(200, TWO), 0},
                                        {CLOUD_END, NULL, 0}};
    const struct cloud_step *const scripts[] = {script};

    (void)state;
    begin(scripts, 1, 3600000, 1, 60000);
    wait_keys(1);
    jwks_source_wish(source);
    wait_keys(2);
    assert_int_equal(now().fetches, 2);
    assert_int_equal(now().away_since_us, 0);
    finish(0);
}

static void a_silent_provider_is_given_up(void **state)
{
    static const struct cloud_step silent[] = {{CLOUD_SILENT, NULL, 0}};
    static const struct cloud_step mute[] = {
        {CLOUD_READ, ASKED, 0}, {CLOUD_WAIT, NULL, 0}, {CLOUD_END, NULL, 0}};
    const struct cloud_step *const scripts[] = {silent, mute};

    (void)state;
    begin(scripts, 2, 3600000, 1, 300);
    wait_failures(1);
    assert_int_equal(keys_now(), 0);
    assert_int_equal(now().keys, 0);
    jwks_source_stop(&source);
    cloud_go(&cloud);
    finish(0);
}

static void too_long_an_answer_is_none(void **state)
{
    static const struct cloud_step script[] = {
        {CLOUD_READ, ASKED, 0},
        {CLOUD_SEND, "HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n", 0},
        {CLOUD_FILL, NULL, 300000},
        {CLOUD_END, NULL, 0}};
    const struct cloud_step *const scripts[] = {script};

    (void)state;
    begin(scripts, 1, 3600000, 3600000, 60000);
    wait_failures(1);
    assert_int_equal(keys_now(), 0);
    finish(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_good_set_stays),
        cmocka_unit_test(wishes_are_rationed),
        cmocka_unit_test(a_wish_brings_new_keys),
        cmocka_unit_test(a_silent_provider_is_given_up),
        cmocka_unit_test(too_long_an_answer_is_none),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
