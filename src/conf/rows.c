/* SPDX-License-Identifier: Apache-2.0
 * The settings as rows, in the order of the contract, and what each has when it is left out. */
#include "conf/rows.h"

#include "base/log.h"
#include "conf/conf.h"

#define KB     INT64_C(1024)
#define MB     (1024 * KB)
#define GB     (1024 * MB)
#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

enum { PATH_BYTES = 4000, URL_BYTES = 1000, NAME_BYTES = 256, PATTERN_BYTES = 2000 };

#define AT(member) offsetof(struct conf_rows, member)
#define PATH(name, at)                                                                  \
    {                                                                                   \
        .key = (name), .kind = YFIELD_TEXT, .offset = (at), .min = 1, .max = PATH_BYTES \
    }
#define NEEDED_PATH(name, at)                                                           \
    {                                                                                   \
        .key = (name), .kind = YFIELD_TEXT, .offset = (at), .required = true, .min = 1, \
        .max = PATH_BYTES                                                               \
    }
#define URL(name, at, needed)                                                               \
    {                                                                                       \
        .key = (name), .kind = YFIELD_TEXT, .offset = (at), .required = (needed), .min = 1, \
        .max = URL_BYTES                                                                    \
    }
#define TEXT(name, at, needed, most)                                                        \
    {                                                                                       \
        .key = (name), .kind = YFIELD_TEXT, .offset = (at), .required = (needed), .min = 1, \
        .max = (most)                                                                       \
    }
/* Of whom it says nothing nobody may use it, so that it is never left out. */
#define TEXTS(name, at)                                                       \
    {                                                                         \
        .key = (name), .kind = YFIELD_TEXTS, .offset = (at), .required = true \
    }
#define INT(name, at, low, high)                                                       \
    {                                                                                  \
        .key = (name), .kind = YFIELD_INT, .offset = (at), .min = (low), .max = (high) \
    }
#define DURATION(name, at, low, high)                                                       \
    {                                                                                       \
        .key = (name), .kind = YFIELD_DURATION, .offset = (at), .min = (low), .max = (high) \
    }
#define SIZE(name, at, low, high)                                                       \
    {                                                                                   \
        .key = (name), .kind = YFIELD_SIZE, .offset = (at), .min = (low), .max = (high) \
    }
#define ENUM(name, at, words)                                                \
    {                                                                        \
        .key = (name), .kind = YFIELD_ENUM, .offset = (at), .names = (words) \
    }
/* The rows of a nested object hold offsets within it. */
#define OBJECT(name, rows, needed)                                                     \
    {                                                                                  \
        .key = #name, .kind = YFIELD_OBJECT, .offset = AT(name), .required = (needed), \
        .fields = (rows)                                                               \
    }
#define IN(object, path) (AT(path) - AT(object))

static const char *const verify_names[] = {"iam", "certificate", "decode", "off", NULL};
static const char *const signature_names[] = {"refuse", "relay", "verify", NULL};
static const char *const durability_names[] = {"sync", "write", NULL};
static const char *const other_names[] = {"refuse", "pass", NULL};
static const char *const unknown_names[] = {"refuse", "pass", NULL};
static const char *const level_names[] = {"error", "warning", "info", "debug", NULL};
static const char *const format_names[] = {"text", "json", NULL};
static const char *const orphan_names[] = {"count", "ignore", NULL};
static const char *const requests_names[] = {"digest", "full", NULL};
static const char *const auto_names[] = {"auto", NULL};

static const struct yfield status_fields[] = {
    PATH("address", IN(status, status.address)),
    {0},
};

static const struct yfield tls_fields[] = {
    NEEDED_PATH("certificate", offsetof(struct conf_tls_rows, certificate)),
    NEEDED_PATH("key", offsetof(struct conf_tls_rows, key)),
    PATH("client_ca", offsetof(struct conf_tls_rows, client_ca)),
    {0},
};

/* Whoever gets in may do all that the gateway's owner may: never without a client's certificate. */
static const struct yfield admin_tls_fields[] = {
    NEEDED_PATH("certificate", offsetof(struct conf_tls_rows, certificate)),
    NEEDED_PATH("key", offsetof(struct conf_tls_rows, key)),
    NEEDED_PATH("client_ca", offsetof(struct conf_tls_rows, client_ca)),
    {0},
};

static const struct yfield admin_fields[] = {
    PATH("socket", IN(admin, admin.socket)),
    PATH("address", IN(admin, admin.address)),
    {.key = "tls",
     .kind = YFIELD_OBJECT,
     .offset = IN(admin, admin.tls),
     .fields = admin_tls_fields},
    {0},
};

static const struct yfield timeouts_fields[] = {
    DURATION("connect", IN(upstream.timeouts, upstream.timeouts.connect), 10, HOUR),
    DURATION("tls", IN(upstream.timeouts, upstream.timeouts.tls), 10, HOUR),
    DURATION("send", IN(upstream.timeouts, upstream.timeouts.send), 10, HOUR),
    DURATION("first_byte", IN(upstream.timeouts, upstream.timeouts.first_byte), 10, HOUR),
    DURATION("idle", IN(upstream.timeouts, upstream.timeouts.idle), 10, HOUR),
    DURATION("total", IN(upstream.timeouts, upstream.timeouts.total), 10, DAY),
    {0},
};

static const struct yfield credential_fields[] = {
    PATH("token_file", IN(upstream.service_credential, upstream.service_credential.token_file)),
    PATH("access_key_file",
         IN(upstream.service_credential, upstream.service_credential.access_key_file)),
    {.key = "projects",
     .kind = YFIELD_TEXTS,
     .offset = IN(upstream.service_credential, upstream.service_credential.projects)},
    {0},
};

static const struct yfield upstream_fields[] = {
    URL("url", IN(upstream, upstream.url), true),
    PATH("ca_file", IN(upstream, upstream.ca_file)),
    {.key = "timeouts",
     .kind = YFIELD_OBJECT,
     .offset = IN(upstream, upstream.timeouts),
     .fields = timeouts_fields},
    DURATION("keep_alive", IN(upstream, upstream.keep_alive), 100, HOUR),
    INT("max_connections", IN(upstream, upstream.max_connections), 1, 65535),
    {.key = "service_credential",
     .kind = YFIELD_OBJECT,
     .offset = IN(upstream, upstream.service_credential),
     .fields = credential_fields},
    {0},
};

static const struct yfield tokens_fields[] = {
    ENUM("verify", IN(identity.tokens, identity.tokens.verify), verify_names),
    URL("iam_url", IN(identity.tokens, identity.tokens.iam_url), false),
    PATH("ca_file", IN(identity.tokens, identity.tokens.ca_file)),
    DURATION("cache", IN(identity.tokens, identity.tokens.cache), 0, HOUR),
    PATH("certificate", IN(identity.tokens, identity.tokens.certificate)),
    {0},
};

static const struct yfield oidc_fields[] = {
    TEXT("issuer", IN(identity.oidc, identity.oidc.issuer), true, URL_BYTES),
    TEXT("audience", IN(identity.oidc, identity.oidc.audience), true, URL_BYTES),
    TEXT("jwks", IN(identity.oidc, identity.oidc.jwks), true, PATH_BYTES),
    TEXT("user_claim", IN(identity.oidc, identity.oidc.user_claim), false, NAME_BYTES),
    TEXT("groups_claim", IN(identity.oidc, identity.oidc.groups_claim), false, NAME_BYTES),
    TEXTS("projects", IN(identity.oidc, identity.oidc.projects)),
    {0},
};

static const struct yfield forwarded_fields[] = {
    TEXT("header", IN(identity.forwarded_user, identity.forwarded_user.header), true, NAME_BYTES),
    TEXTS("from", IN(identity.forwarded_user, identity.forwarded_user.from)),
    TEXTS("projects", IN(identity.forwarded_user, identity.forwarded_user.projects)),
    {0},
};

static const struct yfield identity_fields[] = {
    {.key = "tokens",
     .kind = YFIELD_OBJECT,
     .offset = IN(identity, identity.tokens),
     .fields = tokens_fields},
    ENUM("signatures", IN(identity, identity.signatures), signature_names),
    PATH("access_keys", IN(identity, identity.access_keys)),
    PATH("sign_as", IN(identity, identity.sign_as)),
    {.key = "oidc",
     .kind = YFIELD_OBJECT,
     .offset = IN(identity, identity.oidc),
     .fields = oidc_fields},
    {.key = "forwarded_user",
     .kind = YFIELD_OBJECT,
     .offset = IN(identity, identity.forwarded_user),
     .fields = forwarded_fields},
    {.key = "client_certificates",
     .kind = YFIELD_NODE,
     .offset = IN(identity, identity.client_certificates)},
    {0},
};

const struct yfield conf_certificate_fields[] = {
    TEXT("subject", offsetof(struct conf_certificate_rows, subject), false, PATTERN_BYTES),
    TEXT("san", offsetof(struct conf_certificate_rows, san), false, PATTERN_BYTES),
    TEXT("user", offsetof(struct conf_certificate_rows, user), true, NAME_BYTES),
    TEXT("user_id", offsetof(struct conf_certificate_rows, user_id), false, NAME_BYTES),
    TEXT("domain", offsetof(struct conf_certificate_rows, domain), false, NAME_BYTES),
    TEXTS("projects", offsetof(struct conf_certificate_rows, projects)),
    {0},
};

static const struct yfield low_space_fields[] = {
    SIZE("warn", IN(journal.low_space, journal.low_space.warn), 0, 1024 * GB),
    SIZE("refuse", IN(journal.low_space, journal.low_space.refuse), 0, 1024 * GB),
    {0},
};

static const struct yfield seal_fields[] = {
    NEEDED_PATH("key", IN(journal.seal, journal.seal.key)),
    DURATION("every", IN(journal.seal, journal.seal.every), SECOND, DAY),
    {0},
};

static const struct yfield journal_fields[] = {
    PATH("directory", IN(journal, journal.directory)),
    ENUM("durability", IN(journal, journal.durability), durability_names),
    DURATION("timeout", IN(journal, journal.timeout), 10, 10 * MINUTE),
    SIZE("segment", IN(journal, journal.segment), MB, 64 * GB),
    DURATION("keep", IN(journal, journal.keep), HOUR, 36500 * DAY),
    {.key = "low_space",
     .kind = YFIELD_OBJECT,
     .offset = IN(journal, journal.low_space),
     .fields = low_space_fields,
     .lone = "refuse"},
    {.key = "seal",
     .kind = YFIELD_OBJECT,
     .offset = IN(journal, journal.seal),
     .fields = seal_fields},
    PATH("witness", IN(journal, journal.witness)),
    ENUM("requests", IN(journal, journal.requests), requests_names),
    {.key = "redact", .kind = YFIELD_TEXTS, .offset = IN(journal, journal.redact)},
    {0},
};

static const struct yfield quota_fields[] = {
    PATH("store", IN(quota, quota.store)),
    DURATION("timeout", IN(quota, quota.timeout), 50, MINUTE),
    DURATION("lease", IN(quota, quota.lease), SECOND, 10 * MINUTE),
    DURATION("reconcile", IN(quota, quota.reconcile), 100, DAY),
    DURATION("grace", IN(quota, quota.grace), 0, HOUR),
    ENUM("orphans", IN(quota, quota.orphans), orphan_names),
    {0},
};

static const struct yfield routes_fields[] = {
    ENUM("other", IN(routes, routes.other), other_names),
    {.key = "refuse", .kind = YFIELD_TEXTS, .offset = IN(routes, routes.refuse)},
    {0},
};

static const struct yfield requests_fields[] = {
    ENUM("unknown_fields", IN(requests, requests.unknown_fields), unknown_names),
    {0},
};

static const struct yfield limits_fields[] = {
    SIZE("head", IN(limits, limits.head), KB, MB),
    SIZE("uri", IN(limits, limits.uri), 256, 64 * KB),
    SIZE("header_value", IN(limits, limits.header_value), 256, 256 * KB),
    INT("headers", IN(limits, limits.headers), 8, 1024),
    SIZE("body", IN(limits, limits.body), KB, 64 * MB),
    SIZE("body_memory", IN(limits, limits.body_memory), 64 * KB, 64 * GB),
    INT("json_depth", IN(limits, limits.json_depth), 4, 512),
    INT("json_members", IN(limits, limits.json_members), 16, 1000000),
    SIZE("stream_body", IN(limits, limits.stream_body), KB, 1024 * GB),
    SIZE("answer", IN(limits, limits.answer), 64 * KB, GB),
    INT("connections", IN(limits, limits.connections), 1, 1000000),
    INT("per_address", IN(limits, limits.per_address), 1, 1000000),
    DURATION("head_timeout", IN(limits, limits.head_timeout), 10, HOUR),
    DURATION("body_timeout", IN(limits, limits.body_timeout), 10, HOUR),
    DURATION("idle_timeout", IN(limits, limits.idle_timeout), 10, HOUR),
    DURATION("write_timeout", IN(limits, limits.write_timeout), 10, HOUR),
    DURATION("drain", IN(limits, limits.drain), 0, HOUR),
    {0},
};

static const struct yfield log_fields[] = {
    ENUM("level", IN(log, log.level), level_names),
    ENUM("format", IN(log, log.format), format_names),
    {0},
};

const struct yfield conf_fields[] = {
    {.key = "version", .kind = YFIELD_INT, .offset = AT(version)},
    {.key = "listen", .kind = YFIELD_NODE, .offset = AT(listen)},
    OBJECT(status, status_fields, false),
    OBJECT(admin, admin_fields, false),
    OBJECT(upstream, upstream_fields, true),
    OBJECT(identity, identity_fields, false),
    PATH("policies", AT(policies)),
    OBJECT(journal, journal_fields, false),
    {.key = "sinks", .kind = YFIELD_NODE, .offset = AT(sinks)},
    OBJECT(quota, quota_fields, false),
    OBJECT(routes, routes_fields, false),
    OBJECT(requests, requests_fields, false),
    {.key = "workers",
     .kind = YFIELD_INT,
     .offset = AT(workers),
     .min = 1,
     .max = 256,
     .names = auto_names},
    OBJECT(limits, limits_fields, false),
    OBJECT(log, log_fields, false),
    {0},
};

const struct yfield conf_listen_fields[] = {
    {.key = "address",
     .kind = YFIELD_TEXT,
     .offset = offsetof(struct conf_listen_rows, address),
     .required = true},
    {.key = "plain", .kind = YFIELD_BOOL, .offset = offsetof(struct conf_listen_rows, plain)},
    {.key = "tls",
     .kind = YFIELD_OBJECT,
     .offset = offsetof(struct conf_listen_rows, tls),
     .fields = tls_fields},
    {0},
};

/* What else in ModelArts spends money, raises its own quotas or grants access, and has no policies
 * here: training, services, pools, servers, visualization, workflows, workspaces' quotas,
 * authorizations. */
static const char *const refused_routes[] = {
    "POST /v1/*/training-jobs",
    "POST /v2/*/training-jobs",
    "POST /v1/*/training-jobs/*/versions",
    "POST /v1/*/services",
    "POST /v2/*/services",
    "PUT /v1/*/services/*",
    "PUT /v2/*/services/*",
    "POST /v1/*/services/*/start",
    "POST /v2/*/services/*/start",
    "POST /v1/*/services/*/scale",
    "POST /v2/*/services/*/scale",
    "POST /v1/*/services/*/hpa",
    "POST /v2/*/services/*/hpa",
    "POST /v1/*/services/*/tasks",
    "POST /v2/*/pools",
    "PATCH /v2/*/pools/*",
    "POST /v2/*/pools/*/nodepools",
    "POST /v2/*/pools/*/nodes/batch-resize",
    "POST /v1/*/dev-servers",
    "POST /v1/*/dev-servers/hyper-clusters",
    "PUT /v1/*/dev-servers/*/start",
    "POST /v1/*/visualization-jobs",
    "POST /v1/*/visualization-jobs/*/restart",
    "POST /v2/*/workflows/*/executions",
    "POST /v2/*/workflows/*/schedules",
    "POST /v2/*/processor-tasks/*/versions",
    "PUT /v1/*/workspaces/*/quotas",
    "POST /v2/*/authorizations",
    "POST /v2/*/agency",
};

static void default_upstream_and_identity(struct conf_rows *rows)
{
    rows->upstream.ca_file.value = VIEW("system");
    rows->upstream.timeouts.connect.value = 5 * SECOND;
    rows->upstream.timeouts.tls.value = 5 * SECOND;
    rows->upstream.timeouts.send.value = 30 * SECOND;
    rows->upstream.timeouts.first_byte.value = 60 * SECOND;
    rows->upstream.timeouts.idle.value = 60 * SECOND;
    rows->upstream.timeouts.total.value = 120 * SECOND;
    rows->upstream.keep_alive.value = 50 * SECOND;
    rows->upstream.max_connections.value = 256;
    rows->identity.tokens.verify.value = VERIFY_IAM;
    rows->identity.tokens.iam_url.value = VIEW("https://iam.eu-de.otc.t-systems.com");
    rows->identity.tokens.ca_file.value = VIEW("system");
    rows->identity.tokens.cache.value = 5 * MINUTE;
    rows->identity.signatures.value = SIGNATURES_REFUSE;
}

static void default_limits(struct conf_rows *rows)
{
    rows->limits.head.value = 64 * KB;
    rows->limits.uri.value = 8 * KB;
    rows->limits.header_value.value = 32 * KB;
    rows->limits.headers.value = 128;
    rows->limits.body.value = 256 * KB;
    rows->limits.body_memory.value = 64 * MB;
    rows->limits.json_depth.value = 64;
    rows->limits.json_members.value = 8192;
    rows->limits.stream_body.value = 12 * MB;
    rows->limits.answer.value = 4 * MB;
    rows->limits.connections.value = 4096;
    rows->limits.per_address.value = 256;
    rows->limits.head_timeout.value = 10 * SECOND;
    rows->limits.body_timeout.value = 30 * SECOND;
    rows->limits.idle_timeout.value = 75 * SECOND;
    rows->limits.write_timeout.value = 30 * SECOND;
    rows->limits.drain.value = 30 * SECOND;
}

bool conf_defaults(struct arena *arena, struct conf_rows *rows)
{
    struct ytext *refused = arena_array(arena, ARRAY_LEN(refused_routes), sizeof *refused);

    if (refused == NULL)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(refused_routes); i++)
        refused[i].value = view_str(refused_routes[i]);
    *rows = (struct conf_rows){
        .version.value = 1,
        .status.address.value = VIEW("127.0.0.1:9080"),
        .admin.socket.value = VIEW("run/admin.sock"),
        .policies.value = VIEW("policies"),
        .journal = {.directory.value = VIEW("journal"),
                    .durability.value = DURABILITY_SYNC,
                    .timeout.value = 5 * SECOND,
                    .segment.value = 64 * MB,
                    .keep.value = 400 * DAY,
                    .requests.value = REQUESTS_DIGEST,
                    .low_space = {.warn.value = 2 * GB, .refuse.value = GB},
                    .seal.every.value = 5 * MINUTE},
        .quota = {.store.value = VIEW("local"),
                  .timeout.value = 2 * SECOND,
                  .lease.value = 30 * SECOND,
                  .reconcile.value = 5 * MINUTE,
                  .grace.value = MINUTE,
                  .orphans.value = ORPHANS_COUNT},
        .routes = {.other.value = 1,
                   .refuse = {.items = refused, .count = ARRAY_LEN(refused_routes)}},
        .requests.unknown_fields.value = UNKNOWN_REFUSE,
        .log = {.level.value = LOG_INFO, .format.value = LOG_TEXT},
    };
    default_upstream_and_identity(rows);
    default_limits(rows);
    return true;
}
