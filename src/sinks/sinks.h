/* SPDX-License-Identifier: Apache-2.0
 * The journal's lines carried on to where an organisation keeps them: each sink by itself, in the
 * journal's order, none left out, at its own pace; nothing in the gateway waits for one. A thread
 * with a loop. The promises are docs/sinks.md. */
#pragma once

#include "formats/format.h"
#include "journal/journal.h"
#include "json/write.h"
#include "sinks/transport.h"

enum { SINKS_MAX = 16 };

enum sink_kind { SINK_STDOUT, SINK_SYSLOG, SINK_HTTP };

struct sink_settings {
    const char *name; /* [a-z0-9-], unique: of its position file too */
    enum format format;
    bool from_now; /* a new one begins behind the last line that there is, not at the first */
    size_t batch;  /* lines in one at most, 1 to 10,000 */
    enum sink_kind kind;
    struct transport_http_settings http;
    struct transport_syslog_settings syslog;
};

struct sinks_settings {
    const char *directory; /* of the position files; made (0700) if its parent is there */
    const char *journal;   /* folder */
    const char *gateway;   /* host name, as it stands in batch ids */
    const struct sink_settings *list;
    size_t count; /* SINKS_MAX at most */
};

struct sinks;

/* Starts the thread; a receiver that is away is no failure. The journal was opened with `held` if
 * there is a sink, and must outlive them. The settings' texts are borrowed. STATUS_IO,
 * STATUS_INVALID, STATUS_NOMEM: err says which sink and why. */
MUST_CHECK enum status sinks_start(const struct sinks_settings *settings, struct journal *journal,
                                   struct sinks **ret, struct err *err);
/* Lines that are there go out as long as receivers take them, wait_ms at most; a batch that isn't
 * through then keeps its bounds for the next start. NULL inside is fine. */
void sinks_stop(struct sinks **sinks, int64_t wait_ms);
/* Files of headers and certificates are read again, some time soon. What fails is logged, and the
 * old ones stay in use. Any thread. */
void sinks_reload(struct sinks *sinks);

struct sink_state {
    const char *name;
    enum sink_kind kind;
    uint64_t seq;          /* of the last line that was delivered */
    uint64_t lag_lines;    /* lines on disk behind it */
    int64_t oldest_us;     /* since the epoch: the oldest line that waits; 0: none */
    int64_t away_since_us; /* since the epoch: when it began to fail; 0: the last try was well */
    uint64_t delivered;    /* lines since the start */
    uint64_t batches, failures, refusals; /* batches that went; that didn't; of these, refused */
    uint64_t lost, unreadable, rewinds;   /* as in the reader */
    char why[96];                         /* it fails; "" if it doesn't */
};
/* Of the sink of that number, below count. Any thread. */
void sinks_get_state(struct sinks *sinks, size_t number, struct sink_state *ret);
size_t sinks_count(const struct sinks *sinks);
