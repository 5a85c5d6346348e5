/* SPDX-License-Identifier: Apache-2.0
 * What arrived, byte by byte, for tests to ask for. */
#pragma once

#include <event2/http.h>
#include <jansson.h>

#include "wire.h"

/* Moves the bytes of this complete request from conn->pending into the list, or, when recording is
 * off, only counts it. */
void record_request(struct conn *conn, struct evhttp_request *request);
/* A request that will not be read to its end: what there is of it. */
void record_partial(struct conn *conn);
/* Reads "METHOD target" of the head at the start of raw into text, cut to size. */
void record_first_line(struct evbuffer *raw, char *text, size_t size);
/* SHA-256 in hex. */
struct digest_text {
    char hex[65];
};
struct digest_text record_digest(struct evbuffer *bytes);
