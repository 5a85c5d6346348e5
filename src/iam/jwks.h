/* SPDX-License-Identifier: Apache-2.0
 * The keys of an OpenID provider by https, for a whole process: a thread with a connection of its
 * own that fetches the set at the start, from time to time, and soon when a token names a key that
 * isn't known. A set that was good stays in use while the provider is away or answers something
 * else. Redirections are not followed. Any thread. */
#pragma once

#include "base/error.h"
#include "identity/jwks.h"
#include "net/tls.h"
#include "upstream/resolver.h"

enum { JWKS_REFRESH_MS = 300000, JWKS_PAUSE_MS = 10000, JWKS_TIMEOUT_MS = 10000 }; /* as a rule */

struct jwks_settings {
    const char *host;   /* the Host field: name, and ":port" if it isn't 443 */
    const char *path;   /* with its query */
    int64_t refresh_ms; /* from one answer to the next question */
    int64_t pause_ms;   /* at least so long between two questions, whatever is wished for */
    int64_t timeout_ms; /* of a question, all steps together */
};

struct jwks_source;

/* Starts the thread; a provider that can't be reached is no failure here. tls, resolver: of its
 * host alone, they must outlive it. Settings are copied. STATUS_NOMEM, STATUS_IO. */
MUST_CHECK enum status jwks_source_start(const struct jwks_settings *settings, struct net_tls *tls,
                                         struct resolver *resolver, struct jwks_source **ret,
                                         struct err *err);
void jwks_source_stop(struct jwks_source **source);

/* The set in use, with a reference of the caller's own; NULL: none came yet. */
MUST_CHECK struct jwks *jwks_source_get(struct jwks_source *source);
/* A token names a key that the set doesn't have: fetches anew, but not before pause_ms. */
void jwks_source_wish(struct jwks_source *source);

struct jwks_state {
    uint64_t fetches, failures;
    int64_t fetched_us;    /* since the epoch: when the set in use came; 0: never */
    int64_t away_since_us; /* since the epoch; 0: the last question was answered well */
    size_t keys;
};
void jwks_source_get_state(struct jwks_source *source, struct jwks_state *ret);
