/* SPDX-License-Identifier: Apache-2.0
 * The fetcher: a thread with one connection and one timer. While a question is under way the timer
 * is its deadline, otherwise the moment of the next one. */
#include "iam/jwks.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <event2/event.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/require.h"
#include "http1/write.h"
#include "net/loop.h"
#include "upstream/upstream.h"

enum { HEAD_BYTES = 8192, KEEP_ALIVE_MS = 1000, TELL_EVERY_US = 60 * 1000 * 1000 };

struct jwks_source {
    struct jwks_settings settings;
    struct arena arena; /* of the settings' texts */

    pthread_mutex_t lock;
    struct jwks *set; /* NULL: none came yet */
    struct jwks_state state;

    /* The thread's own. */
    struct net_loop loop;
    struct event *timer;
    struct upstream *upstream;
    struct upstream_call *call;
    struct buf head, body;
    unsigned status;
    unsigned failed;                   /* in a row */
    int64_t asked_us, due_us, told_us; /* monotonic; 0: never */
    _Atomic bool wished;
};

static void ask(struct jwks_source *source);

static void arm(struct jwks_source *source, int64_t due_us)
{
    const int64_t left_us = due_us - clock_monotonic_us();
    const struct timeval wait = {.tv_sec = left_us <= 0 ? 0 : left_us / 1000000,
                                 .tv_usec = left_us <= 0 ? 0 : left_us % 1000000};

    source->due_us = due_us;
    (void)event_add(source->timer, &wait);
}

/* ---- answers ---- */

/* From the end of a question to the next: twice as long after each failure. */
static int64_t wait_us(const struct jwks_source *source)
{
    int64_t ms = source->settings.pause_ms;

    if (source->failed == 0)
        return source->settings.refresh_ms * 1000;
    for (unsigned i = 1; i < source->failed && ms < source->settings.refresh_ms; i++)
        ms *= 2;
    return (ms < source->settings.refresh_ms ? ms : source->settings.refresh_ms) * 1000;
}

static void end_in_trouble(struct jwks_source *source, const char *what)
{
    const int64_t now_us = clock_monotonic_us();

    (void)pthread_mutex_lock(&source->lock);
    source->state.failures++;
    if (source->state.away_since_us == 0)
        source->state.away_since_us = clock_now_us();
    (void)pthread_mutex_unlock(&source->lock);
    if (source->failed < UINT16_MAX)
        source->failed++;
    if (source->told_us == 0 || now_us - source->told_us >= TELL_EVERY_US) {
        source->told_us = now_us;
        log_line(LOG_WARNING,
                 "the keys of the OpenID provider could not be fetched host=%s why=\"%s\"",
                 source->settings.host, what);
    }
    arm(source, now_us + wait_us(source));
}

static void end_well(struct jwks_source *source, struct jwks *set)
{
    struct jwks *old;
    const size_t keys = jwks_count(set);

    (void)pthread_mutex_lock(&source->lock);
    old = source->set;
    source->set = set;
    source->state.fetched_us = clock_now_us();
    source->state.away_since_us = 0;
    source->state.keys = keys;
    (void)pthread_mutex_unlock(&source->lock);
    jwks_unref(&old);
    if (source->failed > 0)
        log_line(LOG_INFO, "the keys of the OpenID provider were fetched again keys=%zu", keys);
    source->failed = 0;
    source->told_us = 0;
    arm(source, clock_monotonic_us() + wait_us(source));
}

static void on_head(void *user, const struct http1_response *head)
{
    ((struct jwks_source *)user)->status = head->status;
}

static void on_data(void *user, struct view data)
{
    buf_add(&((struct jwks_source *)user)->body, data);
}

static void on_end(void *user)
{
    struct jwks_source *const source = user;
    struct jwks *set = NULL;
    struct err err;

    source->call = NULL;
    if (source->status != 200)
        end_in_trouble(source, "the answer is not 200");
    else if (source->body.failed != STATUS_OK)
        end_in_trouble(source, "the answer is too long");
    else if (jwks_read(buf_view(&source->body), &set, &err) != STATUS_OK)
        end_in_trouble(source, err.text);
    else
        end_well(source, set);
}

static void on_failed(void *user, enum upstream_failure failure, bool sent, const char *detail)
{
    struct jwks_source *const source = user;

    (void)sent;
    (void)detail;
    source->call = NULL;
    end_in_trouble(source, upstream_failure_name(failure));
}

static const struct upstream_handler handler = {
    .on_head = on_head, .on_data = on_data, .on_end = on_end, .on_failed = on_failed};

/* ---- questions ---- */

static void ask(struct jwks_source *source)
{
    struct upstream_order order = {.method = VIEW("GET"), .idempotent = true, .urgent = true};

    atomic_store(&source->wished, false);
    source->asked_us = clock_monotonic_us();
    source->status = 0;
    buf_clear(&source->head);
    buf_clear(&source->body);
    http1_put_request_line(&source->head, VIEW("GET"), view_str(source->settings.path));
    http1_put_field(&source->head, VIEW("Host"), view_str(source->settings.host));
    http1_put_field(&source->head, VIEW("Accept"), VIEW("application/json"));
    http1_put_end(&source->head);
    (void)pthread_mutex_lock(&source->lock);
    source->state.fetches++;
    (void)pthread_mutex_unlock(&source->lock);
    order.head = buf_view(&source->head);
    if (source->head.failed == STATUS_OK)
        source->call = upstream_start(source->upstream, &order, &handler, source);
    if (source->call == NULL)
        end_in_trouble(source, "out of memory");
    else
        arm(source, source->asked_us + source->settings.timeout_ms * 1000);
}

static void on_timer(evutil_socket_t fd, short what, void *user)
{
    struct jwks_source *const source = user;

    (void)fd;
    (void)what;
    if (source->call == NULL) {
        ask(source);
        return;
    }
    upstream_cancel(source->call);
    source->call = NULL;
    end_in_trouble(source, "no answer in time");
}

static void on_woken(void *user)
{
    struct jwks_source *const source = user;
    int64_t soonest_us;

    if (net_loop_is_ending(&source->loop))
        return;
    /* A question under way may bring what is wished for; if not, somebody will wish again. */
    if (!atomic_exchange(&source->wished, false) || source->call != NULL)
        return;
    soonest_us = source->asked_us + source->settings.pause_ms * 1000;
    if (soonest_us < source->due_us)
        arm(source, soonest_us);
}

/* ---- beginning and end ---- */

static bool build(struct jwks_source *source, struct net_tls *tls, struct resolver *resolver)
{
    const int64_t ms = source->settings.timeout_ms;
    const struct upstream_settings settings = {
        .head = {.head = 65536, .uri = 8192, .header_value = 32768, .headers = 128},
        .connect_ms = ms,
        .tls_ms = ms,
        .send_ms = ms,
        .first_byte_ms = ms,
        .idle_ms = ms,
        .total_ms = ms,
        .keep_alive_ms = KEEP_ALIVE_MS,
        .max_connections = 1,
    };

    if (!net_loop_init(&source->loop, on_woken, NULL, source))
        return false;
    source->timer = event_new(source->loop.base, -1, 0, on_timer, source);
    source->upstream = upstream_new(source->loop.base, &settings, tls, resolver);
    if (source->timer == NULL || source->upstream == NULL)
        return false;
    arm(source, clock_monotonic_us());
    return true;
}

static enum status start(struct jwks_source *source, struct net_tls *tls, struct resolver *resolver,
                         struct err *err)
{
    source->settings.host = arena_strdup(&source->arena, view_str(source->settings.host));
    source->settings.path = arena_strdup(&source->arena, view_str(source->settings.path));
    if (source->settings.host == NULL || source->settings.path == NULL)
        return err_set(err, STATUS_NOMEM, "jwks: out of memory");
    if (!build(source, tls, resolver))
        return err_set(err, STATUS_IO, "jwks: the event loop can't be made");
    return net_loop_start(&source->loop, "jwks", err);
}

static void free_all(struct jwks_source *source)
{
    net_loop_stop(&source->loop);
    if (source->call != NULL)
        upstream_cancel(source->call);
    upstream_free(&source->upstream);
    if (source->timer != NULL)
        event_free(source->timer);
    net_loop_done(&source->loop);
    jwks_unref(&source->set);
    buf_done(&source->head);
    buf_done(&source->body);
    arena_done(&source->arena);
    (void)pthread_mutex_destroy(&source->lock);
    free(source);
}

void jwks_source_stop(struct jwks_source **source)
{
    if (*source != NULL)
        free_all(*source);
    *source = NULL;
}

enum status jwks_source_start(const struct jwks_settings *settings, struct net_tls *tls,
                              struct resolver *resolver, struct jwks_source **ret, struct err *err)
{
    struct jwks_source *source = calloc(1, sizeof *source);
    enum status status;

    REQUIRE(settings->refresh_ms > 0 && settings->pause_ms > 0 && settings->timeout_ms > 0);
    if (source == NULL)
        return err_set(err, STATUS_NOMEM, "jwks: out of memory");
    source->settings = *settings;
    (void)pthread_mutex_init(&source->lock, NULL);
    arena_init(&source->arena, 1024, 16384);
    buf_init(&source->head, HEAD_BYTES);
    buf_init(&source->body, JWKS_BYTES_MAX);
    status = start(source, tls, resolver, err);
    if (status == STATUS_OK)
        *ret = source;
    else
        jwks_source_stop(&source);
    return status;
}

/* ---- any thread ---- */

struct jwks *jwks_source_get(struct jwks_source *source)
{
    struct jwks *set;

    (void)pthread_mutex_lock(&source->lock);
    set = source->set == NULL ? NULL : jwks_ref(source->set);
    (void)pthread_mutex_unlock(&source->lock);
    return set;
}

void jwks_source_wish(struct jwks_source *source)
{
    if (!atomic_exchange(&source->wished, true))
        net_loop_wake(&source->loop);
}

void jwks_source_get_state(struct jwks_source *source, struct jwks_state *ret)
{
    (void)pthread_mutex_lock(&source->lock);
    *ret = source->state;
    (void)pthread_mutex_unlock(&source->lock);
}
