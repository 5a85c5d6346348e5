/* SPDX-License-Identifier: Apache-2.0
 * Listening sockets. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <event2/event.h>

#include "base/error.h"
#include "base/view.h"

struct net_address {
    char text[128]; /* as the settings have it: "127.0.0.1:8080", "[::1]:8443" */
    char host[108];
    uint16_t port;
};

/* Numeric hosts only. STATUS_INVALID tells what was expected. Port 0 lets the system choose. */
MUST_CHECK enum status net_address_parse(struct view text, struct net_address *ret,
                                         struct err *err);
bool net_address_is_loopback(const struct net_address *address);

/* A bound, listening, non-blocking, close-on-exec socket with SO_REUSEPORT; -1 and err on failure.
 * The first one of an address must be opened with exclusive true: it fails if anybody else listens
 * there already. */
MUST_CHECK int net_listen(const struct net_address *address, bool exclusive, struct err *err);
/* The port that the system chose. */
uint16_t net_listen_port(int fd);

struct net_acceptor;

/* on_accept gets a connected non-blocking socket, its to close. Out of descriptors: accepting
 * pauses for a tenth of a second and is counted; it never spins. Takes fd over. */
MUST_CHECK struct net_acceptor *net_acceptor_new(struct event_base *base, int fd,
                                                 void (*on_accept)(void *user, int fd), void *user);
void net_acceptor_pause(struct net_acceptor *acceptor, bool paused);
uint64_t net_acceptor_exhausted(const struct net_acceptor *acceptor);
void net_acceptor_free(struct net_acceptor **acceptor);
