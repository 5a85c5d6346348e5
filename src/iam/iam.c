/* SPDX-License-Identifier: Apache-2.0
 * The room's beginning and end, and what is known about IAM itself. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/require.h"
#include "iam/inner.h"

enum { TELL_EVERY_US = 10 * 1000 * 1000 };

void wipe(struct buf *secret)
{
    if (secret->ptr != NULL)
        explicit_bzero(secret->ptr, secret->cap);
    buf_done(secret);
}

static bool copy_settings(struct iam *iam, const struct iam_settings *settings)
{
    iam->settings = *settings;
    iam->settings.host = arena_strdup(&iam->arena, view_str(settings->host));
    iam->settings.path = arena_strdup(&iam->arena, view_str(settings->path));
    return iam->settings.host != NULL && iam->settings.path != NULL;
}

static void free_all(struct iam *iam)
{
    thread_stop(iam);
    shared_cache_free(&iam->known);
    shared_cache_free(&iam->refused);
    arena_done(&iam->arena);
    (void)pthread_mutex_destroy(&iam->lock);
    free(iam);
}

static enum status build(struct iam *iam, const struct iam_settings *settings, struct net_tls *tls,
                         struct resolver *resolver, struct err *err)
{
    iam->known = shared_cache_new(IAM_CACHE_ENTRIES, IAM_CACHE_BYTES);
    iam->refused = shared_cache_new(REFUSED_ENTRIES, REFUSED_BYTES);
    if (iam->known == NULL || iam->refused == NULL || !copy_settings(iam, settings))
        return err_set(err, STATUS_NOMEM, "iam: out of memory");
    return thread_start(iam, tls, resolver, err);
}

enum status iam_start(const struct iam_settings *settings, struct net_tls *tls,
                      struct resolver *resolver, struct iam **ret, struct err *err)
{
    struct iam *iam = calloc(1, sizeof *iam);
    enum status status;

    REQUIRE(settings->connections > 0 && settings->timeout_ms > 0 && settings->cache_ms >= 0);
    if (iam == NULL)
        return err_set(err, STATUS_NOMEM, "iam: out of memory");
    (void)pthread_mutex_init(&iam->lock, NULL);
    arena_init(&iam->arena, 1024, 16384);
    TAILQ_INIT(&iam->fresh);
    TAILQ_INIT(&iam->flying);
    status = build(iam, settings, tls, resolver, err);
    if (status == STATUS_OK)
        *ret = iam;
    else
        free_all(iam);
    return status;
}

void iam_stop(struct iam **iam)
{
    if (*iam == NULL)
        return;
    REQUIRE((*iam)->mailboxes == 0);
    free_all(*iam);
    *iam = NULL;
}

int64_t iam_pause_us(const struct iam *iam)
{
    int64_t pause_ms = PAUSE_MIN_MS;

    for (unsigned i = TROUBLES_TOLERATED + 1; i < iam->troubles && pause_ms < PAUSE_MAX_MS; i++)
        pause_ms *= 2;
    return (pause_ms < PAUSE_MAX_MS ? pause_ms : PAUSE_MAX_MS) * 1000;
}

void iam_tell_well(struct iam *iam)
{
    bool was_away;

    (void)pthread_mutex_lock(&iam->lock);
    was_away = iam->troubles > TROUBLES_TOLERATED;
    iam->troubles = 0;
    iam->held_until_us = 0;
    iam->state.away_since_us = 0;
    (void)pthread_mutex_unlock(&iam->lock);
    if (was_away)
        log_line(LOG_INFO, "IAM answers again");
}

static void log_trouble(struct iam *iam, int64_t now_us, const char *what)
{
    if (iam->told_us != 0 && now_us - iam->told_us < TELL_EVERY_US)
        return;
    iam->told_us = now_us;
    log_line(LOG_WARNING, "IAM could not be asked about a token why=\"%s\"", what);
}

void iam_tell_unread(struct iam *iam, const char *what)
{
    iam_tell_well(iam);
    (void)pthread_mutex_lock(&iam->lock);
    iam->state.failures++;
    (void)pthread_mutex_unlock(&iam->lock);
    log_trouble(iam, clock_monotonic_us(), what);
}

void iam_tell_trouble(struct iam *iam, const char *what)
{
    const int64_t now_us = clock_monotonic_us();

    (void)pthread_mutex_lock(&iam->lock);
    iam->state.failures++;
    if (iam->state.away_since_us == 0)
        iam->state.away_since_us = clock_now_us();
    if (iam->troubles < UINT16_MAX)
        iam->troubles++;
    iam->held_until_us = now_us + iam_pause_us(iam);
    (void)pthread_mutex_unlock(&iam->lock);
    log_trouble(iam, now_us, what);
}

void iam_get_state(struct iam *iam, struct iam_state *ret)
{
    struct shared_cache_state known, refused;

    shared_cache_get_state(iam->known, &known);
    shared_cache_get_state(iam->refused, &refused);
    (void)pthread_mutex_lock(&iam->lock);
    *ret = iam->state;
    (void)pthread_mutex_unlock(&iam->lock);
    ret->entries = known.entries + refused.entries;
    ret->bytes = known.bytes + refused.bytes;
    ret->hits = known.hits + refused.hits;
}
