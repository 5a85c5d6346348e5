/* SPDX-License-Identifier: Apache-2.0
 * TLS settings, loaded and checked before anything listens. TLS 1.2 at least; no compression, no
 * renegotiation, no early data, ALPN http/1.1. Shared by threads; connections hold a reference, so
 * freeing the settings never pulls them away from under one. */
#pragma once

#include "base/error.h"

struct net_tls;

/* A server's: certificate chain and key (PEM files); client_ca: NULL, or clients must present a
 * certificate that it signed. Says which file is missing, unreadable, or doesn't match and why. */
MUST_CHECK enum status net_tls_server_new(const char *certificate, const char *key,
                                          const char *client_ca, struct net_tls **ret,
                                          struct err *err);
/* A client's towards one host: the chain and the host name (or address, also in brackets) are
 * always verified, by the subject alternative names alone (RFC 9110 4.3.4); ca_file NULL means the
 * system's. Keeps the sessions that the host hands out, bounded, and resumes them for up to an
 * hour: a resumed session isn't verified anew. */
MUST_CHECK enum status net_tls_client_new(const char *host, const char *ca_file,
                                          struct net_tls **ret, struct err *err);
/* The same for a protocol that isn't HTTP: no protocol is offered (ALPN). certificate and key (PEM
 * files, both or neither NULL) are for a server that asks who we are. */
MUST_CHECK enum status net_tls_stream_new(const char *host, const char *ca_file,
                                          const char *certificate, const char *key,
                                          struct net_tls **ret, struct err *err);
/* The OpenSSL context that is in use now (an SSL_CTX), with a reference of the caller's own: for a
 * library that makes its connections itself. */
struct ssl_ctx_st;
MUST_CHECK struct ssl_ctx_st *net_tls_context(struct net_tls *tls);
/* Reads the files again; on failure the old ones stay in use. Connections that are open keep what
 * they began with; sessions from before are forgotten. */
MUST_CHECK enum status net_tls_reload(struct net_tls *tls, struct err *err);
/* How often the files were read again: whoever keeps connections tells by it which of them were
 * verified by what holds no more. Any thread may ask. */
unsigned net_tls_generation(struct net_tls *tls);
void net_tls_free(struct net_tls **tls);
