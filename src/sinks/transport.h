/* SPDX-License-Identifier: Apache-2.0
 * How lines leave the gateway. A transport takes one batch at a time, and tells how many of its
 * lines it handed over; what to send, when to try again and where it stood before a restart is the
 * sink's (sinks/sinks.h). All on the thread of the loop that its base belongs to. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <event2/event.h>

#include "base/error.h"
#include "base/view.h"

struct transport_line {
    struct view text;  /* one line of JSON, without LF */
    struct view event; /* "intent", "refusal", ...: the journal's word for it */
    uint64_t seq;
    int64_t time_us; /* since the epoch: of the journal's line */
};

/* Borrowed until done or cancel. Never empty. */
struct transport_batch {
    const struct transport_line *lines; /* in the journal's order */
    size_t count;
    const char *id;     /* "<gateway>/<first seq>-<last seq>"; the same whenever it is repeated */
    struct view source; /* the gateway: its host name */
};

enum transport_trouble {
    TRANSPORT_AWAY,    /* nobody answers, or asks to be tried again later */
    TRANSPORT_REFUSES, /* it answered, and doesn't want this: somebody has to look */
    TRANSPORT_TOO_BIG, /* fewer lines might go */
};

/* Why the rest didn't go; the texts are our own words, without one of the peer. */
struct transport_why_not {
    enum transport_trouble trouble;
    int64_t wait_ms; /* what the peer asked for; 0: nothing */
    const char *text;
};

/* delivered: so many of the batch's first lines are the receiver's now. why_not NULL: all of them.
 * A line that went in part isn't delivered. The texts live as long as the call. */
typedef void transport_done(void *user, size_t delivered, const struct transport_why_not *why_not);

struct transport;

struct transport_class {
    /* Begins to hand over a batch. done comes once, perhaps from within; it may call send again.
     * The transport bounds its waiting itself, by its timeouts, except for a reader that is there
     * and doesn't read (stdout), who is waited for. Never called before the last one is done. */
    void (*send)(struct transport *transport, const struct transport_batch *batch,
                 transport_done *done, void *user);
    /* Gives the batch under way up; done doesn't come. How many of its lines were handed over. */
    size_t (*cancel)(struct transport *transport);
    /* Reads its files again (certificates, headers); on failure the old ones stay in use. NULL:
     * there are none. Not while the loop's thread is elsewhere: on that thread. */
    enum status (*reload)(struct transport *transport, struct err *err);
    /* No batch is under way. */
    void (*free)(struct transport *transport);
};

/* The first member of each transport's own struct. */
struct transport {
    const struct transport_class *class;
};

/* ---- what there is; texts and names in the settings must outlive the transport ---- */

/* POST of one batch each, over verified TLS. */
struct transport_http_settings {
    const char *host; /* without brackets or port */
    uint16_t port;
    bool plain;               /* without TLS: on loopback only, which the settings see to */
    const char *target;       /* path and query */
    const char *ca_file;      /* NULL: the system's */
    const char *headers_file; /* fields of each request, one a line; NULL: none */
    bool gzip;
    bool array;               /* the lines are elements of one JSON array, else a line each */
    const char *content_type; /* of the body */
    int64_t timeout_ms;       /* of a request, from its start to the end of its answer */
};
/* STATUS_IO, STATUS_INVALID, STATUS_NOMEM: err says which file, and why. A receiver that is away is
 * no failure. */
MUST_CHECK enum status transport_http_new(struct event_base *base,
                                          const struct transport_http_settings *settings,
                                          struct transport **ret, struct err *err);

/* To a file that is open already, 1 as a rule, whatever it is. Its flags, which others share, stay
 * as they are; writing never blocks. */
MUST_CHECK enum status transport_stdout_new(struct event_base *base, int fd, struct transport **ret,
                                            struct err *err);

/* RFC 5424, a message a line. */
enum transport_syslog_kind { SYSLOG_UNIX, SYSLOG_TCP, SYSLOG_TLS };
struct transport_syslog_settings {
    enum transport_syslog_kind kind;
    const char *path;              /* unix: of the socket */
    const char *host;              /* tcp, tls: without brackets or port */
    uint16_t port;                 /* tcp, tls */
    const char *ca_file;           /* tls; NULL: the system's */
    const char *certificate, *key; /* tls: our own; both NULL: none */
    unsigned facility;             /* 0 to 23 */
    const char *app_name;          /* APP-NAME, printable ASCII without blanks, 48 at most */
    int64_t timeout_ms;            /* of connecting, and of a peer that takes nothing */
};
MUST_CHECK enum status transport_syslog_new(struct event_base *base,
                                            const struct transport_syslog_settings *settings,
                                            struct transport **ret, struct err *err);
