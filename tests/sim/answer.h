/* SPDX-License-Identifier: Apache-2.0
 * An answer before it is sent: what the service wants to say, still free of any framing. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <jansson.h>

struct answer {
    int status;
    const char *reason; /* static text */
    struct evkeyvalq headers;
    struct evbuffer *body;
};

void answer_init(struct answer *answer);
void answer_done(struct answer *answer);
/* Replaces status and body; takes the reference to `body`. NULL: no body. */
void answer_json(struct answer *answer, int status, json_t *body);
/* The same with members sorted by name, as the service writes its instances. */
void answer_instance(struct answer *answer, int status, json_t *body);
/* A failure in the shape of the service: HTTP 400 and the two members of its failed sample. */
void answer_failure(struct answer *answer, const char *code, const char *message);
/* A refusal of the API gateway in front of the service. */
void answer_front_door(struct answer *answer, int status, const char *code, const char *message);
/* The standard phrase of a status code. */
const char *answer_reason(int status);
/* The head, to the blank line. length < 0: no Content-Length. */
void answer_render_head(const struct answer *answer, long long length, struct evbuffer *out);
/* Head with Content-Length, and the body. */
void answer_render(const struct answer *answer, struct evbuffer *out);
