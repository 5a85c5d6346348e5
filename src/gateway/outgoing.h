/* SPDX-License-Identifier: Apache-2.0
 * Inside of the gateway: what an exchange asks the cloud, and the answers that are read here. */
#pragma once

#include "gateway/exchange.h"

/* A head that goes to the cloud: it starts from empty, the caller's fields are those of
 * headers.def.
 */
struct outgoing {
    struct view method, path, query; /* query ptr NULL: none */
    enum http1_framing framing;
    uint64_t length;
    struct view body; /* for whoever signs */
    bool body_unread; /* it is streamed: what is signed can't cover it */
    bool judged;      /* the answer is read here */
};

/* forward.c */
/* Whether a field that goes on and may stand once stands twice. */
bool forward_repeats(const struct exchange *x, bool judged);
bool forward_passes(const struct exchange *x, const struct http1_field *field, bool judged);
/* In x->out; look at its failed. */
void forward_head(struct exchange *x, const struct outgoing *what);
void forward_cancel(struct exchange *x);
/* Collecting an answer that is read here: its head and body in x->answer. False: it doesn't fit. */
MUST_CHECK bool answer_keep_head(struct exchange *x, const struct http1_response *head);
MUST_CHECK bool answer_keep_data(struct exchange *x, struct view data);

/* sign.c: the credential that goes to the cloud. */
enum sign_pass {
    SIGN_DROPS,
    SIGN_PASSES,
    SIGN_ASKS_TABLE /* no credential: headers.def decides */
};
enum sign_pass sign_passes(const struct exchange *x, const struct http1_field *field);
/* Adds what the request is signed with, if the gateway signs for this caller. False: it can't. */
bool sign_head(struct exchange *x, const struct outgoing *what);
/* Why no head could be made. */
enum flow sign_refuse(struct exchange *x);
