/* SPDX-License-Identifier: Apache-2.0
 * One request and its answer, from the moment that the request is complete. */
#pragma once

#include <stdbool.h>
#include <sys/queue.h>

#include "answer.h"
#include "wire.h"

struct fault;

/* How the connection ends after bytes that were written by hand. */
enum ending { END_CLOSE, END_DROP, END_RESET, END_KEEP };

struct exchange {
    TAILQ_ENTRY(exchange) next;
    struct sim *sim;
    struct conn *conn;
    struct evhttp_request *request;
    struct answer answer;
    struct fault *fault; /* a copy of its own, or NULL */
    struct event *timer;
    bool held;
    struct evbuffer *bytes; /* to be written by hand */
    bool drip;              /* one byte at a time */
    enum ending ending;
    size_t streamed, stream_size;
};
TAILQ_HEAD(exchanges, exchange);

/* evhttp's callback for every request to the cloud; arg: struct sim. */
void exchange_start(struct evhttp_request *request, void *arg);
/* Frees it; the connection is ready for the next request. */
void exchange_end(struct exchange *exchange);
/* Sends the answer through evhttp; the exchange is gone afterwards. */
void exchange_send(struct exchange *exchange);
/* Takes the connection from evhttp, writes exchange->bytes and ends it as exchange->ending says. */
void exchange_write_raw(struct exchange *exchange);
/* Keeps the answer back for so long; 0: until it is released. */
void exchange_hold(struct exchange *exchange, long ms);
/* Sends up to count held answers; how many there were. */
unsigned exchange_release(struct sim *sim, unsigned count);
unsigned exchange_held(const struct sim *sim);
