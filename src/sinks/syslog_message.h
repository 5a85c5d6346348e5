/* SPDX-License-Identifier: Apache-2.0
 * A line as a message of syslog (RFC 5424), and how messages follow each other on a stream. The
 * layout is in docs/formats.md. Pure. Private to the room. */
#pragma once

#include "base/buffer.h"
#include "sinks/transport.h"

struct syslog_origin {
    unsigned facility;    /* 0 to 23 */
    const char *app_name; /* fits APP-NAME; else bytes that don't are '_' */
    long process;         /* PROCID */
    struct view host;     /* HOSTNAME; likewise */
};

enum syslog_framing {
    SYSLOG_DATAGRAM, /* nothing: a message is a datagram */
    SYSLOG_OCTETS,   /* its length in front (RFC 6587 3.4.1, RFC 5425 4.3) */
    SYSLOG_LF        /* LF behind it (RFC 6587 3.4.2): neither header nor line has one */
};

/* Appends the message; out's failure is the caller's to look at. */
void syslog_put(const struct syslog_origin *origin, const struct transport_line *line,
                enum syslog_framing framing, struct buf *out);
/* The message for a line that is too long to be sent, as a datagram: it says which one that is and
 * how long, so that it can be looked up in the journal. At most 1 KB. */
void syslog_put_shortened(const struct syslog_origin *origin, const struct transport_line *line,
                          struct buf *out);
