/* SPDX-License-Identifier: Apache-2.0
 * Checks signatures of requests: SDK-HMAC-SHA256 with `Access=`. */
#pragma once

#include <stdbool.h>

#include <event2/http.h>

struct call;

/* Whether the request is signed with the cloud's one access key, no longer than 15 minutes ago. */
bool sign_is_right(const struct call *call, struct evhttp_request *request);
