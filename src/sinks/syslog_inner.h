/* SPDX-License-Identifier: Apache-2.0
 * What the sources of the syslog transport share. Nobody else includes it. */
#pragma once

#include <sys/types.h>
#include <time.h>

#include "net/conn.h"
#include "sinks/syslog_message.h"
#include "upstream/resolver.h"

enum { SYSLOG_WHY_BYTES = 160 };

struct syslog;

enum syslog_fate {
    SYSLOG_TAKEN,   /* the other side has all that was written */
    SYSLOG_WAITING, /* for so many bytes there is no word yet */
    SYSLOG_BROKEN,  /* there will be none */
};

/* A way to the receiver. */
struct syslog_link {
    /* Hands over what it can of the batch; syslog_sent once all is with the kernel, syslog_fail, or
     * later again. */
    void (*pump)(struct syslog *s);
    enum syslog_fate (*fate)(struct syslog *s, size_t *ret_unsent);
    void (*close)(struct syslog *s);
};

struct syslog_inode {
    dev_t device;
    ino_t number; /* 0: there is none */
    struct timespec changed;
};

struct syslog {
    struct transport transport;
    struct transport_syslog_settings settings;
    struct syslog_origin origin;
    struct event_base *base;
    struct net_tls *tls;       /* NULL: plain */
    struct resolver *resolver; /* NULL: a Unix socket */
    struct event *timer;       /* to look again: at the name service, or at what is unsent */

    const struct syslog_link *link; /* NULL: there is none, or it isn't ready */
    struct net_conn *conn;          /* of a stream */
    enum syslog_framing framing;
    struct resolver_addresses addresses;
    unsigned attempt;          /* of them: the next to try */
    int64_t give_up_us;        /* monotonic: no further attempt behind it */
    int fd;                    /* of a datagram socket; -1: none */
    struct event *writable;    /* its */
    struct syslog_inode inode; /* what the path was when it was opened */

    struct buf out; /* messages on their way */
    size_t written; /* bytes of it */

    const struct transport_batch *batch; /* NULL: none is under way */
    transport_done *done;
    void *user;
    size_t next;      /* line to put in out */
    bool awaiting;    /* all is with the kernel */
    bool stale;       /* the link is of files that were read anew since: it ends with the batch */
    size_t confirmed; /* lines that the other side has */
    size_t unsent;    /* at the last look */
    int64_t look_ms;  /* until the next */
    int64_t moved_us; /* monotonic: when something went last */
};

/* syslog.c */
/* A link is there: the batch, if there is one, goes. */
void syslog_ready(struct syslog *s, const struct syslog_link *link);
void syslog_moved(struct syslog *s);
void syslog_sent(struct syslog *s);
/* Ends the batch, if there is one, and the link. */
void syslog_fail(struct syslog *s, enum transport_trouble trouble, const char *text);

/* syslog_stream.c */
extern const struct syslog_link syslog_stream_link;
/* Tries the addresses from s->attempt on. */
void syslog_stream_connect(struct syslog *s);
/* Takes the connected socket over. */
void syslog_stream_adopt(struct syslog *s, int fd);

/* syslog_unix.c */
void syslog_unix_connect(struct syslog *s);
