/* SPDX-License-Identifier: Apache-2.0
 * The settings as they stand in the file: what the rows read into and what --show prints. Private
 * to the room. */
#pragma once

#include "yaml/schema.h"

struct conf_tls_rows {
    struct yobject object;
    struct ytext certificate, key, client_ca;
};

struct conf_listen_rows {
    struct ytext address;
    struct ynumber plain;
    struct conf_tls_rows tls;
};

struct conf_certificate_rows {
    struct ytext subject, san, user, user_id, domain;
    struct ytexts projects;
};

struct conf_sink_rows {
    struct ytext name;
    struct ynumber to_stdout; /* `stdout`, which is a macro */
    struct {
        struct yobject object;
        struct ytext address, ca_file, certificate, key, app_name;
        struct ynumber facility, timeout;
    } syslog;
    struct {
        struct yobject object;
        struct ytext url, ca_file, headers_file;
        struct ynumber plain, batch, gzip, timeout;
    } http;
    struct ynumber format, from;
};

/* Names are those of the file. */
struct conf_rows {
    struct ynumber version;
    const struct ynode *listen;
    struct {
        struct yobject object;
        struct ytext address;
    } status;
    struct {
        struct yobject object;
        struct ytext socket, address;
        struct conf_tls_rows tls;
    } admin;
    struct {
        struct yobject object;
        struct ytext url, ca_file;
        struct {
            struct yobject object;
            struct ynumber connect, tls, send, first_byte, idle, total;
        } timeouts;
        struct ynumber keep_alive, max_connections;
        struct {
            struct yobject object;
            struct ytext token_file, access_key_file;
            struct ytexts projects;
        } service_credential;
    } upstream;
    struct {
        struct yobject object;
        struct {
            struct yobject object;
            struct ynumber verify;
            struct ytext iam_url, ca_file;
            struct ynumber cache;
            struct ytext certificate;
        } tokens;
        struct ynumber signatures;
        struct ytext access_keys, sign_as;
        struct {
            struct yobject object;
            struct ytext issuer, audience, jwks, user_claim, groups_claim;
            struct ytexts projects;
        } oidc;
        struct {
            struct yobject object;
            struct ytext header;
            struct ytexts from, projects;
        } forwarded_user;
        const struct ynode *client_certificates;
    } identity;
    struct ytext policies;
    struct {
        struct yobject object;
        struct ytext directory;
        struct ynumber durability, timeout, segment, keep;
        struct {
            struct yobject object;
            struct ynumber warn, refuse;
        } low_space;
        struct {
            struct yobject object;
            struct ytext key;
            struct ynumber every;
        } seal;
        struct ytext witness;
        struct ynumber requests;
        struct ytexts redact;
    } journal;
    const struct ynode *sinks;
    struct {
        struct yobject object;
        struct ytext store;
        struct ynumber timeout, lease, reconcile, grace, orphans;
    } quota;
    struct {
        struct yobject object;
        struct ynumber other;
        struct ytexts refuse;
    } routes;
    struct {
        struct yobject object;
        struct ynumber unknown_fields;
    } requests;
    struct ynumber workers;
    struct {
        struct yobject object;
        struct ynumber head, uri, header_value, headers, body, body_memory, json_depth,
            json_members, stream_body, answer, connections, per_address, head_timeout, body_timeout,
            idle_timeout, write_timeout, drain;
    } limits;
    struct {
        struct yobject object;
        struct ynumber level, format;
    } log;

    /* Filled from `listen`, one for each of its items. */
    struct conf_listen_rows *listens;
    size_t listen_count;
    /* Filled from `identity.client_certificates`. */
    struct conf_certificate_rows *certificates;
    size_t certificate_count;
    /* Filled from `sinks`. */
    struct conf_sink_rows *sink_list;
    size_t sink_count;
};

enum { ORPHANS_COUNT, ORPHANS_IGNORE };
enum { REQUESTS_DIGEST, REQUESTS_FULL };

/* version and listen are the first two rows. */
extern const struct yfield conf_fields[];
extern const struct yfield conf_listen_fields[];
extern const struct yfield conf_certificate_fields[];
extern const struct yfield conf_sink_fields[];

/* Every setting that has one gets its default. False when memory is out. */
MUST_CHECK bool conf_defaults(struct arena *arena, struct conf_rows *rows);
