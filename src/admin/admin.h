/* SPDX-License-Identifier: Apache-2.0
 * The privileged API: libevhtp on a Unix socket of mode 0600, for root and the gateway's own user.
 * The only room that includes evhtp. GET  /v1/status   the state as JSON POST /v1/reload   reload;
 * 200 or 409, text */
#pragma once

#include <event2/event.h>

#include "admin/ops.h"
#include "base/error.h"

struct admin;

/* A socket file that nobody listens on is replaced; one in use is a failure. ops is copied. */
MUST_CHECK enum status admin_new(struct event_base *base, const char *path,
                                 const struct admin_ops *ops, struct admin **ret, struct err *err);
/* Removes the socket file. */
void admin_free(struct admin **admin);
