/* SPDX-License-Identifier: Apache-2.0
 * The whole way from a signed request to its caller: `signatures: verify`. */
#pragma once

#include "http1/head.h"
#include "identity/keys.h"
#include "identity/replay.h"

struct signed_request {
    const struct http1_request *head;
    struct view body;    /* the whole one */
    bool unread;         /* it is too large to be read before it is sent on: holds only if it
                            is signed as UNSIGNED-PAYLOAD and judged is false */
    struct view project; /* the path's; ptr NULL: it names none */
    bool judged;
    int64_t now_us;
    const struct access_keys *keys;
    struct replay *replay; /* of judged ones; NULL if none is */
};

/* True: ret has subject and credential ("signature", verified "signature"), ret_key the key, which
 * lives as long as the set; a judged request is remembered in replay then. False: ret_why, and of
 * ret the credential. What of the request beside the signature names an identity (X-Auth-Token,
 * X-Project-Id) is the caller's to compare. */
MUST_CHECK bool identity_signed(const struct signed_request *request, struct arena *arena,
                                struct identified *ret, const struct access_key **ret_key,
                                struct reason *ret_why);
