/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/sinks/scene.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/require.h"

enum { SEGMENT_MAX = 1 << 20 };

static const int64_t patience_us = 20 * 1000 * 1000;

/* ---- the receiver ---- */

static struct scene *scene_now; /* cmocka has no user data for a transport's owner */

/* Those that can tell repeated batches do it by their ids. */
static void take_lines(struct scene *scene, const struct transport_batch *batch, size_t count)
{
    const uint64_t first = batch->lines[0].seq, last = batch->lines[batch->count - 1].seq;

    for (size_t i = 0; i < scene->id_count; i++) {
        if (strcmp(scene->ids[i].id, batch->id) != 0)
            continue;
        assert_int_equal(scene->ids[i].first, first);
        assert_int_equal(scene->ids[i].last, last);
        scene->repeats++;
        return;
    }
    if (count == batch->count) {
        REQUIRE(scene->id_count < SCENE_BATCHES_MAX);
        (void)snprintf(scene->ids[scene->id_count].id, sizeof scene->ids[0].id, "%s", batch->id);
        scene->ids[scene->id_count].first = first;
        scene->ids[scene->id_count++].last = last;
    }
    for (size_t i = 0; i < count; i++) {
        char begin[64];

        (void)snprintf(begin, sizeof begin, "{\"v\":1,\"seq\":%llu,",
                       (unsigned long long)batch->lines[i].seq);
        assert_true(view_starts(batch->lines[i].text, view_str(begin)));
        assert_true(view_eq(batch->lines[i].event, VIEW("refusal")));
        REQUIRE(scene->got_count < SCENE_LINES_MAX);
        scene->got[scene->got_count++] = batch->lines[i].seq;
    }
}

/* Who took a batch before finds it no bigger now. */
static bool is_known(const struct scene *scene, const struct transport_batch *batch)
{
    for (size_t i = 0; i < scene->id_count; i++) {
        if (strcmp(scene->ids[i].id, batch->id) == 0)
            return true;
    }
    return false;
}

static void tell(struct receiver *receiver, size_t delivered, enum transport_trouble trouble,
                 bool well)
{
    const struct transport_why_not why_not = {.trouble = trouble, .text = "as told"};

    receiver->batch = NULL;
    receiver->done(receiver->user, delivered, well ? NULL : &why_not);
}

static void take_all(struct receiver *receiver)
{
    take_lines(scene_now, receiver->batch, receiver->batch->count);
    tell(receiver, receiver->batch->count, TRANSPORT_AWAY, true);
}

static void on_later(evutil_socket_t fd, short what, void *user)
{
    (void)fd;
    (void)what;
    take_all(user);
}

static void receive(struct transport *transport, const struct transport_batch *batch,
                    transport_done *done, void *user)
{
    struct receiver *const receiver = (struct receiver *)transport;
    struct scene *const scene = scene_now;
    const struct timeval now = {0};
    size_t part = scene->part < batch->count ? scene->part : batch->count - 1;

    assert_null(receiver->batch);
    receiver->batch = batch;
    receiver->done = done;
    receiver->user = user;
    scene->sends++;
    scene->largest = batch->count > scene->largest ? batch->count : scene->largest;
    switch (scene->conduct) {
    case CONDUCT_TAKE:
        take_all(receiver);
        break;
    case CONDUCT_TAKE_LATER:
        assert_int_equal(event_add(receiver->later, &now), 0);
        break;
    case CONDUCT_PART:
        take_lines(scene, batch, part);
        tell(receiver, part, TRANSPORT_AWAY, false);
        break;
    case CONDUCT_AWAY:
        tell(receiver, 0, TRANSPORT_AWAY, false);
        break;
    case CONDUCT_REFUSE:
        tell(receiver, 0, TRANSPORT_REFUSES, false);
        break;
    case CONDUCT_TOO_BIG:
        if (batch->count > 1 && !is_known(scene, batch))
            tell(receiver, 0, TRANSPORT_TOO_BIG, false);
        else
            take_all(receiver);
        break;
    case CONDUCT_DEAF:
        take_lines(scene, batch, batch->count);
        break;
    case CONDUCT_HANG:
        break;
    }
}

static size_t cancel(struct transport *transport)
{
    struct receiver *const receiver = (struct receiver *)transport;

    (void)event_del(receiver->later);
    receiver->batch = NULL;
    return 0;
}

static void free_receiver(struct transport *transport)
{
    struct receiver *const receiver = (struct receiver *)transport;

    assert_null(receiver->batch);
    event_free(receiver->later);
    free(receiver);
}

static const struct transport_class receiver_class = {
    .send = receive, .cancel = cancel, .free = free_receiver};

/* ---- the journal ---- */

static void segment_path(const struct scene *scene, uint64_t segment, char out[160])
{
    (void)snprintf(out, 160, "%s/%020llu.jsonl", scene->journal, (unsigned long long)segment);
}

/* The segment's bytes; *ret is where that line begins in them. */
static size_t read_segment(const struct scene *scene, uint64_t segment, unsigned line,
                           char bytes[SEGMENT_MAX], size_t *ret)
{
    char path[160];
    FILE *file;
    size_t len;

    segment_path(scene, segment, path);
    file = fopen(path, "re");
    assert_non_null(file);
    len = fread(bytes, 1, SEGMENT_MAX, file);
    assert_true(len < SEGMENT_MAX);
    assert_int_equal(fclose(file), 0);
    *ret = 0;
    for (unsigned i = 1; i < line; i++)
        *ret += view_find(view_of(bytes + *ret, len - *ret), '\n') + 1;
    assert_true(*ret <= len);
    return len;
}

void scene_replace(struct scene *scene, uint64_t segment, unsigned line, const char *bytes,
                   unsigned times)
{
    static char old[SEGMENT_MAX];
    char path[160];
    FILE *file;
    size_t at, end;
    const size_t len = read_segment(scene, segment, line, old, &at);

    end = at + view_find(view_of(old + at, len - at), '\n') + 1;
    segment_path(scene, segment, path);
    file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(old, 1, at, file), at);
    for (unsigned i = 0; i < times; i++)
        assert_true(fprintf(file, "%s\n", bytes) > 0);
    assert_int_equal(fwrite(old + end, 1, len - end, file), len - end);
    assert_int_equal(fclose(file), 0);
}

unsigned scene_line_of(const struct scene *scene, uint64_t segment, uint64_t seq)
{
    static char bytes[SEGMENT_MAX];
    char begin[64];
    size_t at;
    const size_t len = read_segment(scene, segment, 1, bytes, &at);

    (void)snprintf(begin, sizeof begin, "{\"v\":1,\"seq\":%llu,", (unsigned long long)seq);
    for (unsigned line = 1; at < len; line++) {
        const struct view rest = view_of(bytes + at, len - at);

        if (view_starts(rest, view_str(begin)))
            return line;
        at += view_find(rest, '\n') + 1;
    }
    return 0;
}

void scene_renumber(struct scene *scene, uint64_t segment, unsigned line, uint64_t seq)
{
    static char old[SEGMENT_MAX];
    char changed[2048];
    size_t at;
    const size_t len = read_segment(scene, segment, line, old, &at);
    const struct view rest = view_of(old + at, len - at);
    const struct view text = view_of(rest.ptr, view_find(rest, '\n'));

    (void)snprintf(changed, sizeof changed, "{\"v\":1,\"seq\":%llu%.*s", (unsigned long long)seq,
                   VIEW_ARGS(view_from(text, view_find(text, 'p') - 2))); /* from ,"prev" on */
    scene_replace(scene, segment, line, changed, 1);
}

void scene_write(struct scene *scene, unsigned count, bool rotate)
{
    char path[160], line[1024];
    FILE *file;

    if (rotate || scene->segment == 0)
        scene->segment = scene->seq + 1;
    segment_path(scene, scene->segment, path);
    file = fopen(path, "ae");
    assert_non_null(file);
    for (unsigned i = 0; i < count; i++) {
        const int len = snprintf(line, sizeof line,
                                 "{\"v\":1,\"seq\":%llu,\"prev\":\"%s\",\"time\":\"2026-01-02T03:"
                                 "04:05.000006Z\",\"event\":\"refusal\",\"path\":\"/%0*u\"}",
                                 (unsigned long long)scene->seq + 1, scene->prev,
                                 (int)(scene->seq % 300) + 1, i);

        assert_true(fprintf(file, "%s\n", line) > 0);
        digest_sha256_hex(view_of(line, (size_t)len), scene->prev);
        scene->seq++;
    }
    assert_int_equal(fclose(file), 0);
}

void scene_remove_segment(struct scene *scene, uint64_t segment)
{
    char path[160];

    segment_path(scene, segment, path);
    assert_int_equal(unlink(path), 0);
}

static void empty_folder(const char *path)
{
    DIR *dir = opendir(path);
    const struct dirent *entry;

    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL) { // NOLINT(concurrency-mt-unsafe): one thread
        if (entry->d_name[0] != '.')
            (void)unlinkat(dirfd(dir), entry->d_name, 0);
    }
    (void)closedir(dir);
}

void scene_forget_journal(struct scene *scene, uint64_t seq)
{
    empty_folder(scene->journal);
    scene->seq = seq - 1;
    scene->segment = 0;
    memset(scene->prev, '0', DIGEST_HEX_BYTES);
}

/* ---- the sink ---- */

void scene_begin(struct scene *scene)
{
    char positions[96];

    log_configure(LOG_ERROR, LOG_TEXT);
    *scene = (struct scene){.root = "/tmp/sinks-XXXXXX"};
    scene_now = scene;
    assert_non_null(mkdtemp(scene->root));
    (void)snprintf(scene->journal, sizeof scene->journal, "%s/journal", scene->root);
    (void)snprintf(positions, sizeof positions, "%s/sinks", scene->root);
    assert_int_equal(mkdir(scene->journal, 0700), 0);
    assert_int_equal(mkdir(positions, 0700), 0);
    scene->dir_fd = open(positions, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    scene->base = event_base_new();
    assert_non_null(scene->base);
    scene->env = (struct sink_env){
        .base = scene->base,
        .dir_fd = scene->dir_fd,
        .journal = scene->journal,
        .gateway = "gw",
        .pace = {.gather_ms = 0, .retry_ms = 1, .retry_max_ms = 2, .asked_max_ms = 2},
    };
    scene->settings = (struct sink_settings){.name = "one", .batch = 10};
    scene_forget_journal(scene, 1);
}

void scene_end(struct scene *scene)
{
    char path[96];

    if (scene->open)
        scene_close(scene);
    event_base_free(scene->base);
    (void)close(scene->dir_fd);
    empty_folder(scene->journal);
    (void)rmdir(scene->journal);
    (void)snprintf(path, sizeof path, "%s/sinks", scene->root);
    empty_folder(path);
    (void)rmdir(path);
    (void)rmdir(scene->root);
}

void scene_open(struct scene *scene)
{
    struct receiver *receiver = calloc(1, sizeof *receiver);
    struct err err = {.text = ""};

    assert_non_null(receiver);
    receiver->transport.class = &receiver_class;
    receiver->later = event_new(scene->base, -1, 0, on_later, receiver);
    if (sink_open(&scene->sink, &scene->settings, &scene->env, &receiver->transport, scene->seq,
                  &err) != STATUS_OK)
        fail_msg("%s", err.text);
    scene->open = true;
}

void scene_close(struct scene *scene)
{
    sink_close(&scene->sink);
    scene->open = false;
}

void scene_kill(struct scene *scene)
{
    sink_abandon(&scene->sink);
    scene->open = false;
}

void scene_turn(struct scene *scene)
{
    sink_wake(&scene->sink, scene->seq);
    (void)event_base_loop(scene->base, EVLOOP_NONBLOCK);
}

void scene_run(struct scene *scene)
{
    const int64_t until_us = clock_monotonic_us() + patience_us;

    sink_wake(&scene->sink, scene->seq);
    while (scene_state(scene).lag_lines > 0) {
        assert_true(clock_monotonic_us() < until_us);
        (void)event_base_loop(scene->base, EVLOOP_NONBLOCK);
    }
}

void scene_run_sends(struct scene *scene, size_t sends)
{
    const int64_t until_us = clock_monotonic_us() + patience_us;

    sink_wake(&scene->sink, scene->seq);
    while (scene->sends < sends) {
        assert_true(clock_monotonic_us() < until_us);
        (void)event_base_loop(scene->base, EVLOOP_NONBLOCK);
    }
}

struct sink_state scene_state(struct scene *scene)
{
    struct sink_state state;

    sink_get_state(&scene->sink, &state);
    return state;
}

void scene_expect(const struct scene *scene, uint64_t first, uint64_t last)
{
    assert_int_equal(scene->got_count, last + 1 - first);
    for (size_t i = 0; i < scene->got_count; i++)
        assert_int_equal(scene->got[i], first + i);
}
