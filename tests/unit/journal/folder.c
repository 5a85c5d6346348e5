/* SPDX-License-Identifier: Apache-2.0
 * See folder.h. The SHA-256 here is written after FIPS 180-4, for the tests only, so that a fault
 * in the journal's hashing can't hide itself. */
#include "folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

/* ---- SHA-256 ---- */

static const uint32_t sha_k[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t turn(uint32_t x, int by)
{
    return x >> by | x << (32 - by);
}

static void sha_block(uint32_t h[8], const unsigned char *block)
{
    uint32_t w[64], v[8];

    for (size_t i = 0; i < 16; i++)
        w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
               (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
    for (int i = 16; i < 64; i++)
        w[i] = w[i - 16] + w[i - 7] + (turn(w[i - 15], 7) ^ turn(w[i - 15], 18) ^ w[i - 15] >> 3) +
               (turn(w[i - 2], 17) ^ turn(w[i - 2], 19) ^ w[i - 2] >> 10);
    memcpy(v, h, sizeof v);
    for (int i = 0; i < 64; i++) {
        uint32_t t1 = v[7] + (turn(v[4], 6) ^ turn(v[4], 11) ^ turn(v[4], 25)) +
                      ((v[4] & v[5]) ^ (~v[4] & v[6])) + sha_k[i] + w[i];
        uint32_t t2 = (turn(v[0], 2) ^ turn(v[0], 13) ^ turn(v[0], 22)) +
                      ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));

        memmove(v + 1, v, 7 * sizeof v[0]);
        v[4] += t1;
        v[0] = t1 + t2;
    }
    for (int i = 0; i < 8; i++)
        h[i] += v[i];
}

static void sha_hex(const char *bytes, size_t len, char out[65])
{
    uint32_t h[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                     0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    size_t padded = (len + 9 + 63) / 64 * 64;
    unsigned char *all = calloc(1, padded);

    assert_non_null(all);
    if (len > 0)
        memcpy(all, bytes, len);
    all[len] = 0x80;
    for (int i = 0; i < 8; i++)
        all[padded - 1 - i] = (unsigned char)((uint64_t)len * 8 >> 8 * i);
    for (size_t at = 0; at < padded; at += 64)
        sha_block(h, all + at);
    free(all);
    for (size_t i = 0; i < 8; i++)
        (void)snprintf(out + 8 * i, 9, "%08x", h[i]);
}

/* ---- folders ---- */

void folder_new(struct folder *folder)
{
    memset(folder, 0, sizeof *folder);
    (void)snprintf(folder->root, sizeof folder->root, "/tmp/journal-test-XXXXXX");
    assert_non_null(mkdtemp(folder->root));
    (void)snprintf(folder->journal, sizeof folder->journal, "%s/journal", folder->root);
    (void)snprintf(folder->sets, sizeof folder->sets, "%s/sets", folder->root);
    folder->settings = (struct journal_settings){.directory = folder->journal,
                                                 .sets = folder->sets,
                                                 .durability = DURABILITY_SYNC,
                                                 .segment_bytes = 1 << 20,
                                                 .keep_us = (int64_t)400 * 86400 * 1000000};
}

static void remove_tree(const char *path)
{
    DIR *dir = opendir(path);
    const struct dirent *entry;

    if (dir == NULL) {
        (void)unlink(path);
        return;
    }
    /* cppcheck-suppress readdirCalled */
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): one thread reads the stream */
    while ((entry = readdir(dir)) != NULL) {
        char inner[512];

        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        (void)snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
        if (unlink(inner) != 0)
            remove_tree(inner);
    }
    (void)closedir(dir);
    (void)rmdir(path);
}

void folder_remove(struct folder *folder)
{
    remove_tree(folder->root);
}

struct journal *folder_open(const struct folder *folder)
{
    struct journal *journal = NULL;
    struct err err = {STATUS_OK, {NULL, 0, 0}, ""};
    enum status status = journal_open(&folder->settings, &journal, &err);

    if (status != STATUS_OK)
        fail_msg("journal_open: %s", err.text);
    return journal;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(a, b);
}

void folder_segments(const struct folder *folder, struct names *ret)
{
    DIR *dir = opendir(folder->journal);
    const struct dirent *entry;

    assert_non_null(dir);
    ret->count = 0;
    /* cppcheck-suppress readdirCalled */
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): one thread reads the stream */
    while ((entry = readdir(dir)) != NULL) {
        if (strlen(entry->d_name) != 26 || strcmp(entry->d_name + 20, ".jsonl") != 0)
            continue;
        assert_true(ret->count < 512);
        memcpy(ret->name[ret->count++], entry->d_name, 27);
    }
    (void)closedir(dir);
    qsort(ret->name, ret->count, sizeof ret->name[0], compare_names);
}

char *folder_read(const struct folder *folder, const char *name, size_t *ret_len)
{
    char path[160];
    struct stat stat;
    char *bytes;
    int fd;

    (void)snprintf(path, sizeof path, "%s/%s", folder->journal, name);
    fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &stat), 0);
    bytes = malloc((size_t)stat.st_size + 1);
    assert_non_null(bytes);
    assert_int_equal(read(fd, bytes, (size_t)stat.st_size), stat.st_size);
    bytes[stat.st_size] = '\0';
    (void)close(fd);
    *ret_len = (size_t)stat.st_size;
    return bytes;
}

void folder_write(const struct folder *folder, const char *name, const char *bytes, size_t len)
{
    char path[160];
    FILE *file;

    (void)snprintf(path, sizeof path, "%s/%s", folder->journal, name);
    file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

char *folder_read_all(const struct folder *folder)
{
    struct names names;
    struct buf all;

    buf_init(&all, 64 << 20);
    folder_segments(folder, &names);
    for (size_t i = 0; i < names.count; i++) {
        size_t len;
        char *bytes = folder_read(folder, names.name[i], &len);

        buf_add(&all, view_of(bytes, len));
        free(bytes);
    }
    buf_add_byte(&all, '\0');
    assert_int_equal(all.failed, STATUS_OK);
    return all.ptr;
}

static void verify_line(const char *line, size_t len, uint64_t seq, const char *prev)
{
    char start[160];

    (void)snprintf(start, sizeof start, "{\"v\":1,\"seq\":%llu,\"prev\":\"%s\",\"time\":\"",
                   (unsigned long long)seq, prev);
    if (len < strlen(start) || strncmp(line, start, strlen(start)) != 0)
        fail_msg("line %llu starts with %.*s, want %s", (unsigned long long)seq,
                 (int)(len < 140 ? len : 140), line, start);
    assert_int_equal(line[len - 1], '}');
}

uint64_t folder_verify(const struct folder *folder)
{
    struct names names;
    uint64_t seq = 0;
    char prev[65] = "0000000000000000000000000000000000000000000000000000000000000000";

    folder_segments(folder, &names);
    for (size_t i = 0; i < names.count; i++) {
        size_t len;
        char *bytes = folder_read(folder, names.name[i], &len), *at = bytes, *lf;

        if (seq == 0 && len > 0)
            seq = strtoull(names.name[i], NULL, 10) - 1;
        assert_int_equal(strtoull(names.name[i], NULL, 10), seq + 1);
        assert_true(len > 0 && bytes[len - 1] == '\n');
        while ((lf = strchr(at, '\n')) != NULL) {
            *lf = '\0';
            if (at == bytes)
                assert_non_null(strstr(at, "\"event\":\"checkpoint\""));
            if (seq > 0 && at == bytes && i == 0)
                memcpy(prev, strstr(at, "\"prev\":\"") + 8, 64); /* older ones were removed */
            verify_line(at, (size_t)(lf - at), ++seq, prev);
            sha_hex(at, (size_t)(lf - at), prev);
            at = lf + 1;
        }
        free(bytes);
    }
    return seq;
}

/* A line's place of `time`, or its time. */
static void date_line(char *line, int64_t time_us)
{
    char *at = strstr(line, "\"time\":\"");
    char text[CLOCK_TEXT_BYTES];

    assert_non_null(at);
    if (time_us == 0)
        at[1] = 'T';
    else
        memcpy(at + 8, clock_format(time_us, text).ptr, CLOCK_TEXT_BYTES - 1);
}

void folder_redate(const struct folder *folder, const int64_t *begins_us)
{
    struct names names;
    char prev[65] = "";

    folder_segments(folder, &names);
    for (size_t i = 0; i < names.count; i++) {
        size_t len;
        char *bytes = folder_read(folder, names.name[i], &len), *at = bytes, *lf;

        date_line(bytes, begins_us[i]);
        for (; (lf = strchr(at, '\n')) != NULL; at = lf + 1) {
            if (prev[0] != '\0')
                memcpy(strstr(at, "\"prev\":\"") + 8, prev, 64);
            sha_hex(at, (size_t)(lf - at), prev);
        }
        folder_write(folder, names.name[i], bytes, len);
        free(bytes);
    }
}

size_t folder_count(const struct folder *folder, const char *text)
{
    char *all = folder_read_all(folder);
    size_t count = 0;

    for (const char *at = all; (at = strstr(at, text)) != NULL; at += strlen(text))
        count++;
    free(all);
    return count;
}

/* ---- lines ---- */

struct journal_facts make_event(enum journal_event event)
{
    return (struct journal_facts){.time_us = 1767323045123456, .event = event, .duration_us = -1};
}

struct journal_facts make_intent(const char *id)
{
    struct journal_facts facts = make_event(JOURNAL_INTENT);

    facts.id = view_str(id);
    facts.operation = &operations[OP_DEMANAGER_CREATE];
    facts.method = VIEW("POST");
    facts.path = VIEW("/v1/p/demanager/instances");
    facts.project = VIEW("p");
    facts.has_decision = true;
    facts.decision = VERDICT_ALLOW;
    return facts;
}

struct journal_facts make_outcome(const char *id, enum journal_outcome outcome,
                                  const char *instance)
{
    struct journal_facts facts = make_event(JOURNAL_OUTCOME);

    facts.id = view_str(id);
    facts.operation = &operations[OP_DEMANAGER_CREATE];
    facts.outcome = outcome;
    facts.instance_id = view_str(instance);
    return facts;
}

/* ---- results ---- */

static void on_wake(void *user)
{
    struct inbox *inbox = user;

    (void)pthread_mutex_lock(&inbox->lock);
    inbox->wakes++;
    (void)pthread_cond_signal(&inbox->came);
    (void)pthread_mutex_unlock(&inbox->lock);
}

static void on_result(void *user, uint64_t cookie, enum status status)
{
    struct inbox *inbox = user;

    assert_true(inbox->count < ARRAY_LEN(inbox->cookies));
    inbox->cookies[inbox->count] = cookie;
    inbox->statuses[inbox->count++] = status;
}

void inbox_new(struct inbox *inbox, struct journal *journal)
{
    memset(inbox, 0, sizeof *inbox);
    assert_int_equal(pthread_mutex_init(&inbox->lock, NULL), 0);
    assert_int_equal(pthread_cond_init(&inbox->came, NULL), 0);
    inbox->mailbox = journal_mailbox_new(journal, on_wake, inbox);
    assert_non_null(inbox->mailbox);
}

void inbox_free(struct inbox *inbox)
{
    journal_mailbox_free(&inbox->mailbox);
    (void)pthread_cond_destroy(&inbox->came);
    (void)pthread_mutex_destroy(&inbox->lock);
}

void inbox_wait(struct inbox *inbox, size_t count)
{
    struct timespec due;

    (void)clock_gettime(CLOCK_MONOTONIC, &due);
    due.tv_sec += 30;
    for (;;) {
        journal_collect(inbox->mailbox, on_result, inbox);
        if (inbox->count >= count)
            return;
        (void)pthread_mutex_lock(&inbox->lock);
        while (inbox->wakes == inbox->seen) {
            if (pthread_cond_clockwait(&inbox->came, &inbox->lock, CLOCK_MONOTONIC, &due) != 0) {
                (void)pthread_mutex_unlock(&inbox->lock);
                fail_msg("waited in vain for result %zu of %zu", inbox->count, count);
            }
        }
        inbox->seen = inbox->wakes;
        (void)pthread_mutex_unlock(&inbox->lock);
    }
}

enum status inbox_submit(struct inbox *inbox, struct journal *journal,
                         const struct journal_facts *facts, enum journal_wait wait)
{
    uint64_t cookie = 1000000 + inbox->count;
    enum status status = journal_submit(journal, inbox->mailbox, facts, wait, cookie);

    if (status != STATUS_OK)
        return status;
    inbox_wait(inbox, inbox->count + 1);
    assert_int_equal(inbox->cookies[inbox->count - 1], cookie);
    return inbox->statuses[inbox->count - 1];
}

void inbox_until_taken(struct inbox *inbox, struct journal *journal, const char *id_prefix)
{
    int64_t end_us = clock_monotonic_us() + 30000000;

    for (unsigned i = 0; clock_monotonic_us() < end_us; i++) {
        char id[64];
        struct journal_facts intent;

        (void)snprintf(id, sizeof id, "%s%u", id_prefix, i);
        intent = make_intent(id);
        if (inbox_submit(inbox, journal, &intent, JOURNAL_SYNCED) == STATUS_OK)
            return;
        (void)sched_yield();
    }
    fail_msg("no intent was taken for 30 s");
}
