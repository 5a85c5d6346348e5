/* SPDX-License-Identifier: Apache-2.0
 * A hash table of what came, and a wheel of seconds by which it goes. Entries have both lists'
 * links; all memory is there from the start. */
#include "identity/replay.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/digest.h"
#include "identity/signature.h"

/* A date may lie the window ahead and is kept the window behind: 1,800 seconds, and the parts at
 * both ends. */
enum { WHEEL_SECONDS = 2048 };
static const uint32_t none = UINT32_MAX;
static const int64_t second_us = 1000000;

struct entry {
    unsigned char digest[DIGEST_BYTES];
    uint32_t next;     /* in the same bucket, or of the free ones */
    uint32_t next_due; /* that goes in the same second */
};

struct replay {
    pthread_mutex_t lock;
    struct entry *entries;
    uint32_t *buckets;
    size_t mask; /* buckets - 1 */
    uint32_t wheel[WHEEL_SECONDS];
    uint32_t free;
    size_t count;
    int64_t gone_second;        /* all that were due then or before are gone, or were never known */
    char salt[RANDOM_ID_BYTES]; /* so that nobody can choose a bucket */
};

/* When it goes: the first second in which its date is out of the window. */
static int64_t due_second_of(int64_t date_us)
{
    return (date_us + SIGNATURE_WINDOW_US) / second_us + 1;
}

static bool take_memory(struct replay *replay, size_t max)
{
    size_t buckets = 1;

    while (buckets < max)
        buckets *= 2;
    replay->mask = buckets - 1;
    replay->entries = calloc(max, sizeof *replay->entries);
    replay->buckets = malloc(buckets * sizeof *replay->buckets);
    if (replay->entries == NULL || replay->buckets == NULL)
        return false;
    for (size_t i = 0; i < buckets; i++)
        replay->buckets[i] = none;
    for (size_t i = 0; i < WHEEL_SECONDS; i++)
        replay->wheel[i] = none;
    for (size_t i = 0; i < max; i++)
        replay->entries[i].next = i + 1 < max ? (uint32_t)i + 1 : none;
    return true;
}

struct replay *replay_new(size_t max, int64_t started_us)
{
    struct replay *replay = calloc(1, sizeof *replay);

    if (replay == NULL || max == 0 || max > REPLAY_MAX || !take_memory(replay, max)) {
        if (replay != NULL) {
            free(replay->entries);
            free(replay->buckets);
        }
        free(replay);
        return NULL;
    }
    (void)pthread_mutex_init(&replay->lock, NULL);
    random_id(replay->salt);
    /* Of the second in which it started, another process may have seen some. */
    replay->gone_second = started_us == 0 ? INT64_MIN / 2 : due_second_of(started_us);
    return replay;
}

void replay_free(struct replay **replay)
{
    struct replay *r = *replay;

    *replay = NULL;
    if (r == NULL)
        return;
    (void)pthread_mutex_destroy(&r->lock);
    free(r->entries);
    free(r->buckets);
    free(r);
}

static void digest_of(const struct replay *replay, struct view access_key, struct view signature,
                      unsigned char ret[DIGEST_BYTES])
{
    char text[RANDOM_ID_BYTES + SIGNATURE_ACCESS_MAX + 1 + DIGEST_HEX_BYTES];
    size_t key = access_key.len < SIGNATURE_ACCESS_MAX ? access_key.len : SIGNATURE_ACCESS_MAX;
    size_t hex = signature.len < DIGEST_HEX_BYTES ? signature.len : DIGEST_HEX_BYTES;
    size_t len = RANDOM_ID_BYTES;

    memcpy(text, replay->salt, RANDOM_ID_BYTES);
    memcpy(text + len, access_key.ptr, key);
    len += key;
    text[len++] = '\n';
    memcpy(text + len, signature.ptr, hex);
    digest_sha256(view_of(text, len + hex), ret);
}

static uint32_t *bucket_of(const struct replay *replay, const unsigned char digest[DIGEST_BYTES])
{
    size_t bits = 0;

    for (size_t i = 0; i < 4; i++)
        bits = bits << 8 | digest[i];
    return &replay->buckets[bits & replay->mask];
}

static void drop(struct replay *replay, uint32_t at)
{
    struct entry *entry = &replay->entries[at];
    uint32_t *link = bucket_of(replay, entry->digest);

    while (*link != at)
        link = &replay->entries[*link].next;
    *link = entry->next;
    entry->next = replay->free;
    replay->free = at;
    replay->count--;
}

static void drop_due(struct replay *replay, int64_t second)
{
    uint32_t *slot = &replay->wheel[(uint64_t)second % WHEEL_SECONDS];
    uint32_t at = *slot;

    *slot = none;
    while (at != none) {
        uint32_t next = replay->entries[at].next_due;

        drop(replay, at);
        at = next;
    }
}

/* All that is due by now goes. After a leap of the clock one turn of the wheel is all there is. */
static void purge(struct replay *replay, int64_t now_second)
{
    int64_t from = replay->gone_second + 1;

    if (now_second < from)
        return;
    if (now_second - from >= WHEEL_SECONDS)
        from = now_second - WHEEL_SECONDS + 1;
    for (int64_t second = from; second <= now_second; second++)
        drop_due(replay, second);
    replay->gone_second = now_second;
}

static bool is_known(const struct replay *replay, const unsigned char digest[DIGEST_BYTES])
{
    for (uint32_t at = *bucket_of(replay, digest); at != none; at = replay->entries[at].next) {
        if (memcmp(replay->entries[at].digest, digest, DIGEST_BYTES) == 0)
            return true;
    }
    return false;
}

static void add(struct replay *replay, const unsigned char digest[DIGEST_BYTES], int64_t due_second)
{
    uint32_t at = replay->free;
    struct entry *entry = &replay->entries[at];
    uint32_t *bucket = bucket_of(replay, digest);
    uint32_t *slot = &replay->wheel[(uint64_t)due_second % WHEEL_SECONDS];

    replay->free = entry->next;
    memcpy(entry->digest, digest, DIGEST_BYTES);
    entry->next = *bucket;
    *bucket = at;
    entry->next_due = *slot;
    *slot = at;
    replay->count++;
}

static enum replay_verdict look(struct replay *replay, const unsigned char digest[DIGEST_BYTES],
                                int64_t due_second)
{
    if (due_second <= replay->gone_second || is_known(replay, digest))
        return REPLAY_SEEN;
    if (replay->free == none || due_second - replay->gone_second >= WHEEL_SECONDS)
        return REPLAY_FULL;
    add(replay, digest, due_second);
    return REPLAY_FRESH;
}

enum replay_verdict replay_add(struct replay *replay, struct view access_key, struct view signature,
                               int64_t date_us, int64_t now_us)
{
    unsigned char digest[DIGEST_BYTES];
    enum replay_verdict verdict;

    digest_of(replay, access_key, signature, digest);
    (void)pthread_mutex_lock(&replay->lock);
    purge(replay, now_us / second_us);
    verdict = look(replay, digest, due_second_of(date_us));
    (void)pthread_mutex_unlock(&replay->lock);
    return verdict;
}

size_t replay_count(struct replay *replay)
{
    size_t count;

    (void)pthread_mutex_lock(&replay->lock);
    count = replay->count;
    (void)pthread_mutex_unlock(&replay->lock);
    return count;
}
