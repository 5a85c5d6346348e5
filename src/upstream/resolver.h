/* SPDX-License-Identifier: Apache-2.0
 * Names to addresses on a thread of its own (getaddrinfo blocks), once at start and again by a
 * clock. The last good list stays when a look-up fails. Shared by all workers. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/error.h"

enum { RESOLVER_ADDRESSES = 16 };

struct resolver;

struct resolver_addresses {
    struct sockaddr_storage items[RESOLVER_ADDRESSES];
    socklen_t lengths[RESOLVER_ADDRESSES];
    unsigned count;
};

/* every_ms: between look-ups that succeeded; failures are tried again sooner. Starts the thread. */
MUST_CHECK enum status resolver_new(const char *host, uint16_t port, int64_t every_ms,
                                    struct resolver **ret, struct err *err);
/* A copy of the present list; count 0 until the first look-up succeeded. */
void resolver_get(struct resolver *resolver, struct resolver_addresses *ret);
/* Whether a look-up ever succeeded (readiness). */
bool resolver_ready(struct resolver *resolver);
void resolver_free(struct resolver **resolver);
