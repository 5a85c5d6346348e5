/* SPDX-License-Identifier: Apache-2.0
 * Nothing is sent whose bounds aren't on disk: what is sent again after a crash has the bounds and
 * the id of the first time. */
#include "sinks/sink.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/require.h"

enum { TELL_EVERY_US = 60 * 1000 * 1000, ID_HASH_BYTES = 16 };

static void pump(struct sink *sink);

/* ---- the clock ---- */

static void arm(struct sink *sink, int64_t due_us)
{
    const int64_t left_us = due_us - clock_monotonic_us();
    const struct timeval wait = {.tv_sec = left_us <= 0 ? 0 : left_us / 1000000,
                                 .tv_usec = left_us <= 0 ? 0 : left_us % 1000000};

    (void)event_add(sink->timer, &wait);
}

static void on_timer(evutil_socket_t fd, short what, void *user)
{
    (void)fd;
    (void)what;
    pump(user);
}

/* Between half of the pause and all of it: sinks that failed together don't come back together. */
static int64_t with_jitter(int64_t ms)
{
    char id[RANDOM_ID_BYTES];
    unsigned part = 0;

    random_id(id);
    for (size_t i = 0; i < 4; i++)
        part = part * 16 + (unsigned)(id[i] <= '9' ? id[i] - '0' : id[i] - 'a' + 10);
    return ms / 2 + ms * part / 2 / 0xffff;
}

static int64_t pause_ms(const struct sink *sink, int64_t asked_ms)
{
    const struct sink_pace *const pace = &sink->env->pace;
    int64_t ms = pace->retry_ms;

    for (unsigned i = 1; i < sink->failed && ms < pace->retry_max_ms; i++)
        ms *= 2;
    ms = with_jitter(ms < pace->retry_max_ms ? ms : pace->retry_max_ms);
    if (asked_ms > pace->asked_max_ms)
        asked_ms = pace->asked_max_ms;
    return asked_ms > ms ? asked_ms : ms;
}

/* ---- what others see ---- */

/* Up to which line nothing waits. */
static uint64_t through(const struct sink *sink)
{
    const struct mark now = {.seq = sink->now.seq, .next = sink->now.next};

    return batch_left(&sink->batch) > 0 ? mark_through(&now) : sink->reader.seen;
}

static void publish(struct sink *sink)
{
    const bool waits = batch_left(&sink->batch) > 0;
    const uint64_t done = through(sink);

    (void)pthread_mutex_lock(&sink->lock);
    sink->state.seq = sink->now.seq;
    sink->state.lag_lines = sink->durable > done ? sink->durable - done : 0;
    sink->state.oldest_us = waits ? sink->batch.lines[sink->batch.from].time_us : 0;
    sink->state.lost = sink->reader.lost;
    sink->state.unreadable = sink->reader.unreadable;
    sink->state.rewinds = sink->reader.rewinds;
    (void)pthread_mutex_unlock(&sink->lock);
}

void sink_get_state(struct sink *sink, struct sink_state *ret)
{
    (void)pthread_mutex_lock(&sink->lock);
    *ret = sink->state;
    (void)pthread_mutex_unlock(&sink->lock);
}

/* ---- trouble ---- */

static void tell_trouble(struct sink *sink, bool refused, const char *what, int64_t wait_ms)
{
    const int64_t now_us = clock_monotonic_us();

    (void)pthread_mutex_lock(&sink->lock);
    sink->state.failures++;
    sink->state.refusals += refused;
    if (sink->state.away_since_us == 0)
        sink->state.away_since_us = clock_now_us();
    (void)snprintf(sink->state.why, sizeof sink->state.why, "%s", what);
    (void)pthread_mutex_unlock(&sink->lock);
    if (sink->told_us != 0 && now_us - sink->told_us < TELL_EVERY_US)
        return;
    sink->told_us = now_us;
    log_line(refused ? LOG_ERROR : LOG_WARNING,
             "a sink takes nothing, its lines wait sink=%s first=%llu wait_ms=%lld why=\"%s\"",
             sink->settings->name, (unsigned long long)sink->now.seq + 1, (long long)wait_ms, what);
}

static void tell_well(struct sink *sink, size_t lines)
{
    (void)pthread_mutex_lock(&sink->lock);
    sink->state.delivered += lines;
    sink->state.away_since_us = 0;
    sink->state.why[0] = '\0';
    (void)pthread_mutex_unlock(&sink->lock);
    if (sink->told_us != 0)
        log_line(LOG_INFO, "a sink takes lines again sink=%s", sink->settings->name);
    sink->told_us = 0;
    sink->failed = 0;
}

static void back_off(struct sink *sink, bool refused, const char *what, int64_t asked_ms)
{
    int64_t ms;

    if (sink->failed < UINT16_MAX)
        sink->failed++;
    ms = pause_ms(sink, asked_ms);
    tell_trouble(sink, refused, what, ms);
    sink->due_us = clock_monotonic_us() + ms * 1000;
}

/* ---- position ---- */

static void stand_behind(struct sink *sink, const struct mark *mark)
{
    sink->now.seq = mark->seq;
    sink->now.next = mark->next;
    memcpy(sink->now.hash, mark->hash, sizeof sink->now.hash);
}

static bool is_on_disk(const struct sink *sink)
{
    return sink->written && sink->now.seq == sink->on_disk.seq &&
           sink->now.next.segment == sink->on_disk.next.segment &&
           sink->now.next.offset == sink->on_disk.next.offset &&
           sink->now.first == sink->on_disk.first && sink->now.last == sink->on_disk.last;
}

static enum status write_position(struct sink *sink, struct err *err)
{
    enum status status;

    if (is_on_disk(sink))
        return STATUS_OK;
    if (sink->env->dir_fd < 0)
        return err_set(err, STATUS_IO, "%s", sink->env->why_no_folder);
    status = position_write(sink->env->dir_fd, sink->settings->name, &sink->now, err);
    if (status != STATUS_OK)
        return status; /* what is there is still good */
    sink->written = true;
    sink->on_disk = sink->now;
    return STATUS_OK;
}

/* The bounds of what is in the batch; a batch that is repeated keeps its id. A seq says where a
 * line stands in one journal only, and again another one's place after a power loss: the hash tells
 * such batches apart. */
static void set_bounds(struct sink *sink)
{
    const uint64_t first = batch_first(&sink->batch);
    const struct mark *const last = batch_last(&sink->batch);
    const struct view hash = view_of(last->hash, ID_HASH_BYTES);

    if (sink->now.first == first && sink->now.last == last->seq &&
        view_ends(view_str(sink->now.id), hash))
        return;
    sink->now.first = first;
    sink->now.last = last->seq;
    (void)snprintf(sink->now.id, sizeof sink->now.id, "%.64s/%llu-%llu-%.*s", sink->env->gateway,
                   (unsigned long long)first, (unsigned long long)last->seq, VIEW_ARGS(hash));
}

static void forget_bounds(struct sink *sink)
{
    sink->now.first = 0;
    sink->now.last = 0;
    sink->now.id[0] = '\0';
}

/* By its place, since a seq may be a damaged line's word. A place that nothing has proved yet may
 * be another journal's. */
uint64_t sink_needs(const struct sink *sink)
{
    return sink->written && sink->reader.proven ? sink->on_disk.next.segment : 0;
}

/* ---- answers ---- */

static void pass(struct sink *sink, size_t lines)
{
    struct mark mark;

    batch_pass(&sink->batch, lines, &mark);
    stand_behind(sink, &mark);
    forget_bounds(sink);
    tell_well(sink, lines);
}

/* The other half is read again later. */
static void halve(struct sink *sink)
{
    const size_t half = batch_left(&sink->batch) / 2;

    batch_cut(&sink->batch, half);
    reader_go_on(&sink->reader, &sink->batch.end);
    sink->lines = half;
}

static void take_why_not(struct sink *sink, const struct transport_why_not *why_not)
{
    if (why_not->trouble == TRANSPORT_TOO_BIG && batch_left(&sink->batch) > 1) {
        log_line(LOG_WARNING, "a batch is too big for a sink, half of it goes sink=%s lines=%zu",
                 sink->settings->name, batch_left(&sink->batch));
        halve(sink);
        return;
    }
    back_off(sink, why_not->trouble != TRANSPORT_AWAY, why_not->text, why_not->wait_ms);
}

static void on_done(void *user, size_t delivered, const struct transport_why_not *why_not)
{
    struct sink *const sink = user;

    REQUIRE(sink->sending && delivered <= batch_left(&sink->batch));
    sink->sending = false;
    if (why_not == NULL)
        delivered = batch_left(&sink->batch);
    if (delivered > 0)
        pass(sink, delivered);
    if (batch_left(&sink->batch) == 0) {
        (void)pthread_mutex_lock(&sink->lock);
        sink->state.batches++;
        (void)pthread_mutex_unlock(&sink->lock);
        sink->lines =
            sink->lines * 2 < sink->settings->batch ? sink->lines * 2 : sink->settings->batch;
    } else if (why_not != NULL) {
        take_why_not(sink, why_not);
    }
    pump(sink);
}

/* ---- sending ---- */

/* Few lines are sent together, at a pace that the disk doesn't notice. True: it is too soon. */
static bool gathers(struct sink *sink, int64_t now_us)
{
    const int64_t due_us = sink->began_us + sink->env->pace.gather_ms * 1000;

    if (sink->began_us == 0 || now_us >= due_us || sink->now.last != 0 || sink->draining ||
        sink->durable - sink->now.seq >= sink->lines)
        return false;
    arm(sink, due_us);
    return true;
}

/* The bounds are those of a batch behind where it stands. */
static bool repeats(const struct sink *sink)
{
    return sink->now.last > sink->now.seq && sink->now.last - sink->now.first < BATCH_LINES_MAX;
}

/* What was delivered before is of no use, and what is on disk no place of this journal. */
static void follow_rewind(struct sink *sink)
{
    stand_behind(sink, &sink->reader.began);
    forget_bounds(sink);
    sink->written = false;
}

static bool stands_behind(const struct sink *sink, const struct mark *mark)
{
    return sink->now.next.segment == mark->next.segment &&
           sink->now.next.offset == mark->next.offset;
}

/* Reads the next batch. False: there is none now. */
static bool load(struct sink *sink, int64_t now_us)
{
    const uint64_t rewinds = sink->reader.rewinds;
    struct err err = {.status = STATUS_OK};
    enum status status;

    sink->began_us = now_us;
    sink->reader.durable = sink->durable;
    status = reader_fill(&sink->reader, sink->lines, repeats(sink) ? sink->now.last : 0,
                         &sink->batch, &err);
    if (sink->reader.rewinds != rewinds)
        follow_rewind(sink);
    if (batch_left(&sink->batch) > 0)
        return true;
    if (status != STATUS_OK) {
        back_off(sink, false, err.text, 0);
        arm(sink, sink->due_us);
    } else if (sink->reader.paused || !stands_behind(sink, &sink->reader.at)) {
        /* What was read can't be handed on, and is through with that. */
        stand_behind(sink, &sink->reader.at);
        if (!repeats(sink))
            forget_bounds(sink);
        arm(sink, now_us);
    }
    return false;
}

static void send_batch(struct sink *sink)
{
    struct err err;

    set_bounds(sink);
    if (write_position(sink, &err) != STATUS_OK) {
        back_off(sink, false, err.text, 0);
        return;
    }
    sink->sending = true;
    sink->going = (struct transport_batch){
        .lines = batch_lines(&sink->batch),
        .count = batch_left(&sink->batch),
        .id = sink->now.id,
        .source = view_str(sink->env->gateway),
    };
    sink->transport->class->send(sink->transport, &sink->going, on_done, sink);
}

static void settle(struct sink *sink)
{
    struct err err;

    if (write_position(sink, &err) == STATUS_OK) {
        if (sink->failed > 0)
            tell_well(sink, 0); /* it had everything, and that is on disk now */
        return;
    }
    back_off(sink, false, err.text, 0);
    arm(sink, sink->due_us);
}

/* Also where the journal ends before what was delivered: the reader finds out why. */
static bool has_more(const struct sink *sink)
{
    return batch_left(&sink->batch) > 0 || sink->durable != sink->reader.seen;
}

/* One batch at most: then others have their turn. */
static void step(struct sink *sink)
{
    const int64_t now_us = clock_monotonic_us();

    if (sink->due_us > now_us) {
        arm(sink, sink->due_us);
        return;
    }
    sink->due_us = 0;
    if (batch_left(&sink->batch) == 0) {
        if (!has_more(sink)) {
            settle(sink);
            return;
        }
        if (gathers(sink, now_us) || !load(sink, now_us))
            return;
    }
    send_batch(sink);
    if (!sink->sending && has_more(sink))
        arm(sink, sink->due_us);
}

static void pump(struct sink *sink)
{
    if (sink->pumping || sink->env->damaged)
        return; /* pumping: done was called from within send */
    sink->pumping = true;
    if (!sink->sending)
        step(sink);
    sink->pumping = false;
    publish(sink);
}

/* ---- beginning and end ---- */

/* True: it is a new one. */
static bool find_position(struct sink *sink)
{
    struct err err;
    bool found = true;

    sink->written = false;
    if (sink->env->dir_fd < 0)
        return true;
    sink->written = true;
    if (position_read(sink->env->dir_fd, sink->settings->name, &sink->now, &found, &err) !=
        STATUS_OK) {
        sink->written = false;
        log_line(LOG_ERROR,
                 "the position of a sink can't be read, it begins anew, lines may come twice "
                 "sink=%s why=\"%s\"",
                 sink->settings->name, err.text);
    }
    sink->written = sink->written && found;
    if (sink->written)
        sink->on_disk = sink->now;
    return !found;
}

/* Its place of a journal that is damaged may be behind what can be read, and is kept. */
static enum status begin(struct sink *sink, struct err *err)
{
    const bool anew = find_position(sink);
    struct mark mark = {.seq = sink->now.seq, .next = sink->now.next};

    memcpy(mark.hash, sink->now.hash, sizeof mark.hash);
    sink->reader.durable = sink->durable;
    if (anew && sink->settings->from_now && !sink->env->damaged) {
        if (reader_find_end(&sink->reader, &mark, err) != STATUS_OK)
            return err->status;
        stand_behind(sink, &mark);
    }
    reader_go_on(&sink->reader, &mark);
    if (sink->now.first > 0)
        sink->reader.wanted = sink->now.first;
    if (sink->env->damaged)
        back_off(sink, false, "the journal is damaged", 0);
    else if (write_position(sink, err) != STATUS_OK)
        back_off(sink, false, err->text, 0); /* a gateway starts on a full disk, too */
    return STATUS_OK;
}

enum status sink_open(struct sink *sink, const struct sink_settings *settings,
                      const struct sink_env *env, struct transport *transport, uint64_t durable,
                      struct err *err)
{
    const struct reader_settings reader = {.name = settings->name,
                                           .journal = env->journal,
                                           .format = settings->format,
                                           .source = view_str(env->gateway)};

    *sink = (struct sink){.settings = settings,
                          .env = env,
                          .transport = transport,
                          .durable = durable,
                          .lines = settings->batch,
                          .state = {.name = settings->name, .kind = settings->kind}};
    (void)pthread_mutex_init(&sink->lock, NULL);
    sink->timer = event_new(env->base, -1, 0, on_timer, sink);
    if (!reader_init(&sink->reader, &reader) || !batch_init(&sink->batch) || sink->timer == NULL)
        return err_set(err, STATUS_NOMEM, "out of memory");
    if (begin(sink, err) != STATUS_OK)
        return err->status;
    sink->open = true;
    publish(sink);
    arm(sink, sink->due_us);
    return STATUS_OK;
}

void sink_wake(struct sink *sink, uint64_t durable)
{
    if (durable > sink->durable)
        sink->durable = durable;
    pump(sink);
}

void sink_drain(struct sink *sink)
{
    sink->draining = true;
    pump(sink);
}

bool sink_is_drained(const struct sink *sink)
{
    return sink->draining && !sink->sending && (sink->failed > 0 || !has_more(sink));
}

void sink_reload(struct sink *sink)
{
    struct err err;

    if (sink->transport->class->reload == NULL)
        return;
    if (sink->transport->class->reload(sink->transport, &err) != STATUS_OK) {
        log_line(LOG_ERROR, "reload: sink %s: %s; what was read before stays in use",
                 sink->settings->name, err.text);
        return;
    }
    /* What it refused may be well now. */
    sink->due_us = 0;
    pump(sink);
}

void sink_abandon(struct sink *sink)
{
    if (sink->sending)
        (void)sink->transport->class->cancel(sink->transport);
    sink->sending = false;
    if (sink->transport != NULL) {
        sink->transport->class->free(sink->transport);
        (void)pthread_mutex_destroy(&sink->lock);
    }
    sink->transport = NULL;
    sink->open = false;
    if (sink->timer != NULL)
        event_free(sink->timer);
    sink->timer = NULL;
    reader_done(&sink->reader);
    batch_done(&sink->batch);
}

/* What was under way keeps its bounds: it may have arrived, and goes again as the same. */
static void give_up(struct sink *sink)
{
    const size_t delivered = sink->sending ? sink->transport->class->cancel(sink->transport) : 0;

    sink->sending = false;
    if (delivered > 0)
        pass(sink, delivered);
    if (batch_left(&sink->batch) > 0)
        set_bounds(sink);
}

void sink_close(struct sink *sink)
{
    struct err err;

    if (sink->open && !sink->env->damaged) {
        give_up(sink);
        if (write_position(sink, &err) != STATUS_OK)
            log_line(LOG_ERROR,
                     "a sink's position can't be written, lines may come twice "
                     "sink=%s why=\"%s\"",
                     sink->settings->name, err.text);
    }
    sink_abandon(sink);
}
