/* SPDX-License-Identifier: Apache-2.0
 * A cloud that follows a script: a TLS server on threads of its own, in blocking OpenSSL calls, so
 * that nothing of it is Postern's. */
#pragma once

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cloud_what {
    CLOUD_END,      /* of the script: a proper close, as CLOUD_CLOSE */
    CLOUD_READ,     /* exactly `text` must come */
    CLOUD_READ_ANY, /* n bytes */
    CLOUD_SEND,     /* text */
    CLOUD_FILL,     /* n bytes, each its offset's low byte */
    CLOUD_WAIT,     /* for cloud_go */
    CLOUD_CLOSE,    /* close_notify and FIN; reads on until the other side is gone */
    CLOUD_CUT,      /* FIN without close_notify, the same way */
    CLOUD_RESET,    /* RST */
    CLOUD_PLAIN,    /* first only: no TLS, text in its place */
    CLOUD_SILENT,   /* first only: no TLS, nothing until the other side is gone */
};

struct cloud_step {
    enum cloud_what what;
    const char *text;
    size_t n;
};

enum { CLOUD_CONNECTIONS = 32 };

struct cloud {
    int listening;
    uint16_t port;
    void *context;                           /* SSL_CTX */
    const struct cloud_step *const *scripts; /* one per connection, the last one for the rest */
    unsigned script_count;
    pthread_t acceptor, threads[CLOUD_CONNECTIONS];
    sem_t go;
    pthread_mutex_t lock;
    unsigned connections, resumed, faults; /* faults: something else was read than expected */
    bool stopping;
};

/* files: FOLDER/name.pem and .key. */
void cloud_start(struct cloud *cloud, const char *certificate, const char *key,
                 const struct cloud_step *const *scripts, unsigned script_count);
/* Lets one CLOUD_WAIT go on. */
void cloud_go(struct cloud *cloud);
unsigned cloud_connections(struct cloud *cloud);
unsigned cloud_resumed(struct cloud *cloud);
/* Ends it; returns the number of faults. The other side's connections must be closed. */
unsigned cloud_stop(struct cloud *cloud);
