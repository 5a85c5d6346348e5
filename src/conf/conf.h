/* SPDX-License-Identifier: Apache-2.0
 * The daemon's settings (contract, design section 7): a YAML file to a struct. */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "identity/caller.h"
#include "identity/service.h"
#include "journal/journal.h"
#include "journal/keep.h"
#include "judging/judging.h"
#include "net/listen.h"
#include "yaml/schema.h"

struct conf_rows;

enum { CONF_LISTENS_MAX = 64 };

struct conf_listen {
    struct net_address address;
    const char *certificate, *key, *client_ca; /* absolute paths; certificate NULL: plain */
    struct loc at;
};

/* Who is calling. What only other settings make sense of is checked: whatever signs for callers
 * has a key, and nobody is believed without a verified token beside it. */
struct conf_identity {
    enum token_verify verify;
    const char *iam_url, *iam_host; /* host without brackets or port */
    uint16_t iam_port;
    const char *iam_ca_file; /* NULL: the system's */
    int64_t cache_ms;
    const char *certificate; /* PEM file; never NULL with VERIFY_CERTIFICATE */
    enum signature_mode signatures;
    const char *access_keys; /* file; never NULL with SIGNATURES_VERIFY */
    const char *sign_as;     /* file of a service key; NULL: nobody is signed for */
    struct loc certificate_at, access_keys_at, sign_as_at, jwks_at;
    struct certificate_rules certificates; /* count 0: off */
    struct oidc_settings oidc;             /* issuer.ptr NULL: off */
    struct forwarded_settings forwarded;   /* header.ptr NULL: off */
};

enum conf_sink_kind { CONF_SINK_STDOUT, CONF_SINK_SYSLOG, CONF_SINK_HTTP };
enum conf_syslog_kind { CONF_SYSLOG_UNIX, CONF_SYSLOG_TCP, CONF_SYSLOG_TLS };

/* Where the journal's lines are carried on to. */
struct conf_sink {
    const char *name;
    enum conf_sink_kind kind;
    int format; /* enum format */
    bool from_now;
    int64_t batch; /* lines */
    struct {
        const char *host; /* without brackets or port */
        uint16_t port;
        bool plain;
        const char *target;
        const char *ca_file;      /* NULL: the system's */
        const char *headers_file; /* NULL: none */
        bool gzip;
        int64_t timeout_ms;
    } http;
    struct {
        enum conf_syslog_kind kind;
        const char *path; /* unix */
        const char *host; /* tcp, tls */
        uint16_t port;
        const char *ca_file; /* NULL: the system's */
        const char *certificate, *key;
        int facility; /* its code */
        const char *app_name;
        int64_t timeout_ms;
    } syslog;
    struct loc at;
};

/* All numbers are in bytes, ms or counts. Paths are absolute. Lives in the arena it was loaded
 * into. */
struct conf {
    const char *path; /* of the settings file */
    const struct conf_listen *listens;
    size_t listen_count;
    bool has_status;
    struct net_address status;
    const char *admin_socket;
    bool has_admin_listen; /* over TLS besides; then with all three files */
    struct conf_listen admin_listen;
    struct {
        const char *url, *host; /* host without brackets or port */
        uint16_t port;
        const char *ca_file; /* NULL: the system's */
        struct loc ca_file_at, service_at;
        int64_t connect_ms, tls_ms, send_ms, first_byte_ms, idle_ms, total_ms, keep_alive_ms;
        int64_t max_connections;
        /* The gateway's own credential, one of two files; both NULL: none. */
        const char *token_file, *access_key_file;
        const struct view *service_projects; /* ids, to be scanned besides those in use */
        size_t service_project_count;
    } upstream;
    struct conf_identity identity;
    struct loc policies_at; /* where the settings name the folder */
    const char *policies;   /* folder */
    struct {
        const char *directory, *sets;
        enum journal_durability durability;
        int64_t timeout_ms, segment_bytes, keep_ms;
        int64_t low_space_bytes, warn_space_bytes; /* low_space.refuse, low_space.warn */
        const char *seal_key;                      /* file; NULL: no seals */
        struct loc seal_key_at;
        int64_t seal_every_ms;
        const char *witness; /* file, or JOURNAL_SYSLOG; NULL: none */
        bool keep_requests;  /* `requests: full` */
        struct keep_rules redact;
    } journal;
    const struct conf_sink *sinks;
    size_t sink_count;
    const char *positions; /* folder of the sinks' positions */
    struct {
        const char *url; /* NULL: local; may hold a password */
        int64_t timeout_ms, lease_ms;
        int64_t reconcile_ms, grace_ms;
        bool count_orphans;
    } quota;
    bool other_pass; /* routes.other */
    const struct view *routes_refuse;
    size_t routes_refuse_count;
    enum unknown_fields unknown_fields;
    int64_t workers; /* 0: auto, one per core */
    struct {
        int64_t head, uri, header_value, headers, body, body_memory, json_depth, json_members;
        int64_t stream_body, answer, connections, per_address;
        int64_t head_timeout_ms, body_timeout_ms, idle_timeout_ms, write_timeout_ms, drain_ms;
    } limits;
    int log_level, log_format;    /* enum log_level, enum log_format */
    const struct conf_rows *rows; /* what conf_show prints */
};

/* bytes: of the file at `path` (which is made absolute against the working directory). All faults
 * go to diag; false if there is one. Opens no files and no sockets. */
MUST_CHECK bool conf_load(const char *path, struct view bytes, struct arena *arena,
                          struct diag *diag, struct conf *ret);
/* What a judgement needs of them. */
struct judging_settings conf_judging(const struct conf *conf);
/* Every setting with the value in force, as YAML that loads to the same (`postern check --show`).
 */
void conf_show(const struct conf *conf, struct buf *out);
