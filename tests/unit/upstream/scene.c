/* SPDX-License-Identifier: Apache-2.0
 * Setting scenes, and names that resolve to what a test wants. */
#include "scene.h"

#include <netdb.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>

#include "base/require.h"

int __wrap_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                       struct addrinfo **ret);
int __real_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                       struct addrinfo **ret);

/* "first-dead.test" is 127.0.0.2, where nobody listens, and then 127.0.0.1; "all-dead.test" is
 * twice nobody; "never.test" isn't known. */
int __wrap_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                       struct addrinfo **ret)
{
    const char *second = "127.0.0.1";
    struct addrinfo *more = NULL;
    int reason;

    if (strstr(node, ".test") == NULL || (hints->ai_flags & AI_NUMERICHOST) != 0)
        return __real_getaddrinfo(node, service, hints, ret);
    if (strcmp(node, "never.test") == 0)
        return EAI_NONAME;
    if (strcmp(node, "all-dead.test") == 0)
        second = "127.0.0.3";
    reason = __real_getaddrinfo("127.0.0.2", service, hints, ret);
    if (reason == 0)
        reason = __real_getaddrinfo(second, service, hints, &more);
    if (reason == 0)
        (*ret)->ai_next = more;
    return reason;
}

void scene_init(struct scene *s)
{
    *s = (struct scene){
        .certificate = "good",
        .host = "127.0.0.1",
        .settings = {.head = {.head = 65536, .uri = 8192, .header_value = 32768, .headers = 128},
                     .connect_ms = PATIENCE_MS,
                     .tls_ms = PATIENCE_MS,
                     .send_ms = PATIENCE_MS,
                     .first_byte_ms = PATIENCE_MS,
                     .idle_ms = PATIENCE_MS,
                     .total_ms = PATIENCE_MS,
                     .keep_alive_ms = PATIENCE_MS,
                     .max_connections = 4}};
    (void)signal(SIGPIPE, SIG_IGN);
    pki_make(&s->pki);
}

void scene_open(struct scene *s, const struct cloud_step *const *scripts, unsigned count)
{
    char file[40], certificate[PKI_PATH_BYTES], key[PKI_PATH_BYTES], ca[PKI_PATH_BYTES];
    struct err err;

    (void)snprintf(file, sizeof file, "%s.pem", s->certificate);
    (void)pki_path(&s->pki, file, certificate);
    (void)snprintf(file, sizeof file, "%s.key", s->certificate);
    (void)pki_path(&s->pki, file, key);
    cloud_start(&s->cloud, certificate, key, scripts, count);
    s->base = event_base_new();
    REQUIRE(s->base != NULL);
    REQUIRE(net_tls_client_new("localhost", pki_path(&s->pki, "ca.pem", ca), &s->tls, &err) ==
            STATUS_OK);
    REQUIRE(resolver_new(s->host, s->port != 0 ? s->port : s->cloud.port, 60000, &s->resolver,
                         &err) == STATUS_OK);
    while (strcmp(s->host, "never.test") != 0 && !resolver_ready(s->resolver))
        (void)sched_yield();
    s->upstream = upstream_new(s->base, &s->settings, s->tls, s->resolver);
    REQUIRE(s->upstream != NULL);
}

void scene_close(struct scene *s)
{
    upstream_free(&s->upstream);
    upstream_free(&s->upstream);
    resolver_free(&s->resolver);
    net_tls_free(&s->tls);
    event_base_free(s->base);
    assert_int_equal(cloud_stop(&s->cloud), 0);
}

void scene_done(struct scene *s)
{
    pki_remove(&s->pki);
}

/* ---- calls ---- */

static void on_head(void *user, const struct http1_response *head)
{
    struct seen *const seen = user;

    seen->heads++;
    seen->status = head->status;
    seen->whole_at_head = upstream_is_sent(seen->call);
    if (seen->pause_at_head)
        upstream_pause(seen->call, true);
    if (seen->cancel_at_head) {
        upstream_cancel(seen->call);
        seen->call = NULL;
    }
}

static void on_data(void *user, struct view data)
{
    struct seen *const seen = user;

    assert_int_equal(seen->heads, 1);
    assert_true(data.len > 0);
    seen->pieces++;
    buf_add(&seen->body, data);
    if (seen->pause_at_data)
        upstream_pause(seen->call, true);
    if (seen->cancel_at_data) {
        upstream_cancel(seen->call);
        seen->call = NULL;
    }
}

static void on_end(void *user)
{
    struct seen *const seen = user;

    assert_false(is_over(seen));
    seen->ended = true;
    seen->call = NULL;
}

static void on_failed(void *user, enum upstream_failure failure, bool sent, const char *detail)
{
    struct seen *const seen = user;

    assert_false(is_over(seen));
    seen->failed = true;
    seen->failure = failure;
    seen->sent = sent;
    (void)snprintf(seen->detail, sizeof seen->detail, "%s", detail);
    seen->call = NULL;
}

static void on_drained(void *user)
{
    ((struct seen *)user)->drained++;
}

static const struct upstream_handler handler = {
    .on_head = on_head,
    .on_data = on_data,
    .on_end = on_end,
    .on_failed = on_failed,
    .on_drained = on_drained,
};

void seen_init(struct seen *seen)
{
    *seen = (struct seen){.call = NULL};
    buf_init(&seen->body, ANSWER_BYTES);
}

void seen_done(struct seen *seen)
{
    buf_done(&seen->body);
}

bool is_over(const struct seen *seen)
{
    return seen->ended || seen->failed;
}

void start(struct scene *s, struct seen *seen, const struct upstream_order *order)
{
    seen->call = upstream_start(s->upstream, order, &handler, seen);
    assert_non_null(seen->call);
    assert_false(is_over(seen)); /* never from within */
    assert_int_equal(seen->heads, 0);
}

void run(struct scene *s, struct seen *seen, const struct upstream_order *order)
{
    start(s, seen, order);
    RUN_UNTIL(s, is_over(seen));
}

struct upstream_order get_order(void)
{
    return (struct upstream_order){
        .method = VIEW("GET"), .head = VIEW(GET_HEAD), .idempotent = true, .urgent = true};
}

struct upstream_order post_order(void)
{
    return (struct upstream_order){.method = VIEW("POST"),
                                   .head = VIEW(POST_HEAD),
                                   .body = VIEW("body"),
                                   .fresh = true,
                                   .urgent = true};
}

struct upstream_counts counts_of(const struct scene *s)
{
    struct upstream_counts counts;

    upstream_counts(s->upstream, &counts);
    return counts;
}
