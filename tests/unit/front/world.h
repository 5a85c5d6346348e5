/* SPDX-License-Identifier: Apache-2.0
 * A front on a loopback port, its owner, and clients: all on one event base. Tests say what the
 * owner does with a request, send bytes, and turn the loop until something has come. Nothing
 * sleeps; a loop that turns for too long fails the test. */
#pragma once

#include "support/test.h"

#include <event2/event.h>

#include "base/buffer.h"
#include "front/front.h"

enum { WORLD_ITEMS = 64 };

struct world;

/* What the owner knows of one exchange. */
struct item {
    struct world *world;
    struct front_exchange *x; /* NULL: finished */
    char line[128];           /* "GET /path?query" or empty */
    const char *fault;        /* code */
    int fault_status;
    struct buf body;
    unsigned pieces, drained;
    bool body_last, gone, sent;
    size_t streamed; /* by serve_endless */
};

struct world {
    struct event_base *base;
    struct front *front;
    struct front_limits limits;
    uint16_t port;
    struct net_tls *tls; /* of the listener, or NULL */
    struct event *guard;
    bool late;                                                    /* the guard went off */
    void (*serve)(struct item *item);                             /* on_request */
    void (*take)(struct item *item, struct view data, bool last); /* on_body, or NULL */
    bool keep;         /* items are finished by the test, not by on_sent and on_gone */
    bool silent_fault; /* on_fault says nothing */
    struct item items[WORLD_ITEMS];
    unsigned count;
};

struct client {
    struct world *world;
    int fd;
    struct event *reading;
    struct buf in;
    bool eof, failed;
};

extern const struct front_limits world_limits;

/* limits NULL: world_limits. */
void world_open(struct world *w, const struct front_limits *limits);
void world_open_tls(struct world *w, const struct front_limits *limits, struct net_tls *tls);
void world_close(struct world *w);
/* Turns the loop until the expression holds. */
#define WORLD_UNTIL(w, expression)                            \
    do {                                                      \
        while (!(expression))                                 \
            world_turn((w), #expression, __FILE__, __LINE__); \
    } while (0)
void world_turn(struct world *w, const char *what, const char *file, int line);
/* Turns the loop as long as something is ready. */
void world_settle(struct world *w);

void client_open(struct client *c, struct world *w);
void client_close(struct client *c);
/* Ends with a RST. */
void client_reset(struct client *c);
/* Stops and goes on reading. */
void client_watch(struct client *c, bool on);
void client_send(struct client *c, struct view bytes);
void client_send_str(struct client *c, const char *text);
void client_send_end(struct client *c);
/* Does the text stand in what came? */
bool client_has(const struct client *c, const char *text);
/* How often. */
unsigned client_count(const struct client *c, const char *text);

/* ---- ways to serve ---- */

void serve_ok(struct item *item);     /* 200 with the path as the body */
void serve_later(struct item *item);  /* nothing: the test answers */
void serve_whole(struct item *item);  /* asks for at most 100 bytes, answers with them */
void serve_stream(struct item *item); /* the same piece by piece; answered when whole */
/* What serve_ok says. */
void answer_ok(struct item *item);
void answer(struct item *item, unsigned status, const char *body);
