/* SPDX-License-Identifier: Apache-2.0
 * One sink: reads, writes its position ahead, sends, tries again. On the loop's thread but for
 * sink_get_state. Private to the room. */
#pragma once

#include <pthread.h>

#include <event2/event.h>

#include "sinks/reader.h"
#include "sinks/sinks.h"

/* How patient it is; all in ms. */
struct sink_pace {
    int64_t gather_ms;    /* from one batch that isn't full to the next */
    int64_t retry_ms;     /* first pause behind a failure; then twice as long each time */
    int64_t retry_max_ms; /* the longest */
    int64_t asked_max_ms; /* the longest that a receiver may ask for */
};

struct sink_env {
    struct event_base *base;
    int dir_fd;                /* of the position files; borrowed. -1: it can't be had yet */
    const char *why_no_folder; /* then */
    const char *journal;       /* folder */
    const char *gateway;
    struct sink_pace pace;
    bool damaged; /* the journal, until the gateway starts again: nothing is read or written */
};

struct sink {
    const struct sink_settings *settings;
    const struct sink_env *env;
    struct transport *transport;
    struct reader reader;
    struct batch batch;
    struct position now;     /* as it is */
    struct position on_disk; /* as a restart would find it */
    struct event *timer;
    int64_t due_us;   /* monotonic: not before; 0: at once */
    int64_t began_us; /* monotonic: when the last batch was read */
    int64_t told_us;  /* monotonic: when trouble was logged last; 0: there is none */
    uint64_t durable;
    size_t lines;                 /* in a batch now: fewer for a while where one was too big */
    unsigned failed;              /* in a row */
    struct transport_batch going; /* while it is sending */
    bool open, sending, pumping, draining;
    bool written; /* on_disk is what is there */

    pthread_mutex_t lock;
    struct sink_state state; /* under the lock */
};

/* Takes the transport over, also on failure. durable: what the journal has. A position that
 * can't be written is tried again later. STATUS_IO: the journal can't be read; STATUS_NOMEM. */
MUST_CHECK enum status sink_open(struct sink *sink, const struct sink_settings *settings,
                                 const struct sink_env *env, struct transport *transport,
                                 uint64_t durable, struct err *err);
/* Lines up to durable are there. */
void sink_wake(struct sink *sink, uint64_t durable);
/* From now on it stops where it would wait: for lines or for a second try. */
void sink_drain(struct sink *sink);
bool sink_is_drained(const struct sink *sink);
void sink_reload(struct sink *sink);
/* Lines of that seq and later are needed, also after a crash: the segment in which it stands, since
 * only the place is sure. 0: all of them. */
uint64_t sink_needs(const struct sink *sink);
/* Gives up what is under way, writes the position. Fine also behind a failed sink_open, and twice.
 */
void sink_close(struct sink *sink);
/* The same without a word to the disk: as a crash would leave it. */
void sink_abandon(struct sink *sink);
void sink_get_state(struct sink *sink, struct sink_state *ret);
