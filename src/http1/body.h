/* SPDX-License-Identifier: Apache-2.0
 * The body of a message by its framing: counts a length down, takes chunks apart (RFC 9112 7.1).
 * Chunk extensions are skipped under a byte cap, trailers read, capped and dropped. Sizes that
 * overflow, bare LF, white space and empty sizes are refused. */
#pragma once

#include "http1/head.h"

enum { HTTP1_CHUNK_LINE_MAX = 256, HTTP1_TRAILERS_MAX = 8192 };

struct http1_body {
    enum http1_framing framing;
    uint64_t left;  /* of the length or of the chunk */
    uint64_t total; /* payload bytes so far */
    unsigned state; /* private */
    unsigned line;  /* private: bytes of the current chunk line or trailers */
};

enum http1_step {
    HTTP1_NEED_MORE, /* all input taken, the body goes on */
    HTTP1_DATA,      /* *ret_data is payload; call again with the rest */
    HTTP1_END,       /* the body is complete; the rest belongs to the next message */
    HTTP1_BAD,       /* framing is broken: ret_fault; the connection can't be used again */
};

void http1_body_init(struct http1_body *body, enum http1_framing framing, uint64_t length);
/* Takes from *in what it can and moves it forward. A body without bytes ends at the first call.
 * HTTP1_UNTIL_CLOSE never ends by itself: the caller knows the close. */
MUST_CHECK enum http1_step http1_body_next(struct http1_body *body, struct view *in,
                                           struct view *ret_data, struct http1_fault *ret_fault);
/* Whether an input that ends here ended the message whole. */
bool http1_body_complete(const struct http1_body *body);
