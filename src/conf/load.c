/* SPDX-License-Identifier: Apache-2.0
 * From the file to struct conf: the rows read it, then come the rules that no row can say. All
 * faults are collected; any of them refuses the whole. */
#include <errno.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/number.h"
#include "conf/internal.h"
#include "modelarts/operation.h"

/* Of the cloud's own answers, which are read but never sent on. */
enum { ANSWER_DEPTH_MAX = 64, ANSWER_MEMBERS_MAX = 65536 };

void conf_no_memory(struct conf_loading *l)
{
    diag_fault(l->diag, (struct loc){.file = l->file}, "no memory left for the settings");
}

static struct view without_slashes(struct view path)
{
    while (path.len > 1 && path.ptr[path.len - 1] == '/')
        path.len--;
    return path;
}

static struct view folder_of(struct view path)
{
    while (path.len > 0 && path.ptr[path.len - 1] != '/')
        path.len--;
    while (path.len > 0 && path.ptr[path.len - 1] == '/')
        path.len--;
    return path; /* of "/x": "" */
}

const char *conf_path(struct conf_loading *l, struct ytext *path)
{
    struct view given = without_slashes(path->value);
    struct view absolute;

    if (given.ptr == NULL || given.len == 0)
        return NULL;
    if (given.ptr[0] == '/')
        absolute = arena_copy(l->arena, given);
    else
        absolute = arena_printf(l->arena, "%.*s/%.*s", VIEW_ARGS(l->base), VIEW_ARGS(given));
    if (absolute.ptr == NULL) {
        conf_no_memory(l);
        return NULL;
    }
    path->value = absolute;
    return absolute.ptr;
}

const char *conf_text(struct conf_loading *l, struct view text)
{
    const char *copy = arena_strdup(l->arena, text);

    if (copy == NULL)
        conf_no_memory(l);
    return copy;
}

void conf_check_order(struct conf_loading *l, const char *small_key, const struct ynumber *small,
                      const char *large_key, const struct ynumber *large)
{
    char small_text[NUM_TEXT_BYTES], large_text[NUM_TEXT_BYTES];

    if (small->value <= large->value)
        return;
    diag_fault(l->diag, small->set ? small->at : large->at,
               "%s: %.*s is more than %s, which is %.*s", small_key,
               VIEW_ARGS(num_format_size(small->value, small_text)), large_key,
               VIEW_ARGS(num_format_size(large->value, large_text)));
}

static void check_version(struct conf_loading *l)
{
    const struct ynumber *version = &l->rows->version;

    if (version->set && version->value != 1)
        diag_fault(l->diag, version->at, "version: expected 1, found %lld",
                   (long long)version->value);
}

static void read_status(struct conf_loading *l)
{
    const struct ytext *address = &l->rows->status.address;
    struct err err;

    if (net_address_parse(address->value, &l->conf.status, &err) != STATUS_OK)
        diag_fault(l->diag, address->at, "address: %s", err.text);
    l->conf.has_status = true;
}

/* Besides the socket, the admin API may be reached over TLS, with a certificate of the caller's. */
static void read_admin_listen(struct conf_loading *l)
{
    struct conf_tls_rows *tls = &l->rows->admin.tls;
    const struct ytext *address = &l->rows->admin.address;
    struct conf_listen *listen = &l->conf.admin_listen;
    struct err err;

    if (!address->set && tls->object.at.line > 0 && address->at.line == 0)
        diag_fault(l->diag, tls->object.at, "tls: it is for address, which is left out");
    if (!address->set)
        return;
    if (net_address_parse(address->value, &listen->address, &err) != STATUS_OK)
        diag_fault(l->diag, address->at, "address: %s", err.text);
    if (tls->object.at.line == 0)
        diag_fault(l->diag, address->at,
                   "address: the admin API is not served without client certificates; add tls with "
                   "certificate, key and client_ca");
    listen->certificate = conf_path(l, &tls->certificate);
    listen->key = conf_path(l, &tls->key);
    listen->client_ca = conf_path(l, &tls->client_ca);
    listen->at = address->at;
    l->conf.has_admin_listen = true;
}

static void read_admin(struct conf_loading *l)
{
    struct sockaddr_un socket_name;

    l->conf.admin_socket = conf_path(l, &l->rows->admin.socket);
    if (l->conf.admin_socket != NULL && strlen(l->conf.admin_socket) >= sizeof socket_name.sun_path)
        diag_fault(l->diag, l->rows->admin.socket.at,
                   "socket: %s has %zu bytes; the name of a socket may have %zu",
                   l->conf.admin_socket, strlen(l->conf.admin_socket),
                   sizeof socket_name.sun_path - 1);
    read_admin_listen(l);
}

static void read_upstream(struct conf_loading *l)
{
    struct conf_rows *rows = l->rows;

    if (rows->upstream.url.set) {
        if (conf_read_url(l, "url", &rows->upstream.url, &l->conf.upstream.host,
                          &l->conf.upstream.port))
            l->conf.upstream.url = conf_text(l, rows->upstream.url.value);
    }
    l->conf.upstream.ca_file_at = rows->upstream.ca_file.at;
    if (!view_eq(rows->upstream.ca_file.value, VIEW("system")))
        l->conf.upstream.ca_file = conf_path(l, &rows->upstream.ca_file);
    l->conf.upstream.connect_ms = rows->upstream.timeouts.connect.value;
    l->conf.upstream.tls_ms = rows->upstream.timeouts.tls.value;
    l->conf.upstream.send_ms = rows->upstream.timeouts.send.value;
    l->conf.upstream.first_byte_ms = rows->upstream.timeouts.first_byte.value;
    l->conf.upstream.idle_ms = rows->upstream.timeouts.idle.value;
    l->conf.upstream.total_ms = rows->upstream.timeouts.total.value;
    l->conf.upstream.keep_alive_ms = rows->upstream.keep_alive.value;
    l->conf.upstream.max_connections = rows->upstream.max_connections.value;
}

/* Copies of policy sets stand beside the journal. */
static void read_journal(struct conf_loading *l)
{
    struct ytext *directory = &l->rows->journal.directory;
    struct view parent;

    l->conf.policies_at = l->rows->policies.at;
    l->conf.policies = conf_path(l, &l->rows->policies);
    l->conf.journal.directory = conf_path(l, directory);
    if (l->conf.journal.directory != NULL) {
        parent = folder_of(directory->value);
        l->conf.journal.sets = arena_printf(l->arena, "%.*s/sets", VIEW_ARGS(parent)).ptr;
        if (l->conf.journal.sets == NULL)
            conf_no_memory(l);
        else if (view_eq(directory->value, VIEW("/")) ||
                 view_eq(directory->value, view_str(l->conf.journal.sets)))
            diag_fault(l->diag, directory->at,
                       "directory: the journal can't be %s; copies of policy sets are kept in %s",
                       l->conf.journal.directory, l->conf.journal.sets);
    }
    l->conf.journal.durability = (enum journal_durability)l->rows->journal.durability.value;
    l->conf.journal.timeout_ms = l->rows->journal.timeout.value;
    l->conf.journal.segment_bytes = l->rows->journal.segment.value;
    l->conf.journal.keep_ms = l->rows->journal.keep.value;
    conf_read_seal(l);
}

static void read_routes(struct conf_loading *l)
{
    const struct ytexts *refuse = &l->rows->routes.refuse;
    struct view *patterns = arena_array(l->arena, refuse->count, sizeof *patterns);

    if (patterns == NULL) {
        conf_no_memory(l);
        return;
    }
    for (size_t i = 0; i < refuse->count; i++) {
        char quoted[DIAG_QUOTED_BYTES];

        patterns[i] = refuse->items[i].value;
        if (refuse->set && !modelarts_route_pattern_ok(patterns[i]))
            diag_fault(l->diag, refuse->items[i].at,
                       "refuse: expected \"METHOD /path\" with * for any run of characters, found "
                       "%s",
                       diag_quoted(patterns[i], quoted));
    }
    l->conf.other_pass = l->rows->routes.other.value != 0;
    l->conf.routes_refuse = patterns;
    l->conf.routes_refuse_count = refuse->count;
}

static void read_limits(struct conf_loading *l)
{
    const struct conf_rows *rows = l->rows;

    conf_check_order(l, "uri", &rows->limits.uri, "head", &rows->limits.head);
    conf_check_order(l, "header_value", &rows->limits.header_value, "head", &rows->limits.head);
    conf_check_order(l, "body", &rows->limits.body, "body_memory", &rows->limits.body_memory);
    l->conf.limits.head = rows->limits.head.value;
    l->conf.limits.uri = rows->limits.uri.value;
    l->conf.limits.header_value = rows->limits.header_value.value;
    l->conf.limits.headers = rows->limits.headers.value;
    l->conf.limits.body = rows->limits.body.value;
    l->conf.limits.body_memory = rows->limits.body_memory.value;
    l->conf.limits.json_depth = rows->limits.json_depth.value;
    l->conf.limits.json_members = rows->limits.json_members.value;
    l->conf.limits.stream_body = rows->limits.stream_body.value;
    l->conf.limits.answer = rows->limits.answer.value;
    l->conf.limits.connections = rows->limits.connections.value;
    l->conf.limits.per_address = rows->limits.per_address.value;
    l->conf.limits.head_timeout_ms = rows->limits.head_timeout.value;
    l->conf.limits.body_timeout_ms = rows->limits.body_timeout.value;
    l->conf.limits.idle_timeout_ms = rows->limits.idle_timeout.value;
    l->conf.limits.write_timeout_ms = rows->limits.write_timeout.value;
    l->conf.limits.drain_ms = rows->limits.drain.value;
}

/* Fills path, base and file. */
static bool find_place(struct conf_loading *l, const char *path)
{
    char here[4096];
    struct err err;

    l->file = conf_text(l, view_str(path));
    if (l->file == NULL)
        return false;
    if (path[0] == '/') {
        l->path = l->file;
    } else if (getcwd(here, sizeof here) == NULL) {
        (void)err_set_errno(&err, errno, "the working directory has no name");
        diag_fault(l->diag, (struct loc){.file = l->file}, "%s", err.text);
        return false;
    } else {
        l->path = arena_printf(l->arena, "%s/%s", strcmp(here, "/") == 0 ? "" : here, path).ptr;
    }
    if (l->path == NULL) {
        conf_no_memory(l);
        return false;
    }
    l->base = folder_of(view_str(l->path));
    return true;
}

static void read_all(struct conf_loading *l)
{
    check_version(l);
    conf_read_listens(l);
    read_status(l);
    read_admin(l);
    read_upstream(l);
    conf_read_identity(l);
    read_journal(l);
    conf_read_keep(l);
    conf_read_sinks(l);
    conf_read_quota(l);
    conf_read_service(l);
    read_routes(l);
    read_limits(l);
    l->conf.path = l->path;
    l->conf.unknown_fields = (enum unknown_fields)l->rows->requests.unknown_fields.value;
    l->conf.workers = l->rows->workers.value;
    l->conf.log_level = (int)l->rows->log.level.value;
    l->conf.log_format = (int)l->rows->log.format.value;
    l->conf.rows = l->rows;
}

struct judging_settings conf_judging(const struct conf *conf)
{
    return (struct judging_settings){
        .body = {.bytes = (size_t)conf->limits.body,
                 .depth = (unsigned)conf->limits.json_depth,
                 .members = (unsigned)conf->limits.json_members},
        .answer = {.bytes = (size_t)conf->limits.answer,
                   .depth = ANSWER_DEPTH_MAX,
                   .members = ANSWER_MEMBERS_MAX},
        .unknown = conf->unknown_fields,
    };
}

bool conf_load(const char *path, struct view bytes, struct arena *arena, struct diag *diag,
               struct conf *ret)
{
    struct conf_loading l = {.arena = arena, .diag = diag};
    const struct ynode *root = NULL;
    size_t faults_before = diag->faults;

    l.rows = ARENA_NEW(arena, struct conf_rows);
    if (l.rows == NULL || !conf_defaults(arena, l.rows)) {
        conf_no_memory(&l);
        return false;
    }
    if (!find_place(&l, path) || !ydoc_read(l.file, bytes, NULL, arena, diag, &root))
        return false;
    yschema_read(root, (struct loc){l.file, 1, 1}, conf_fields, l.rows, arena, diag);
    read_all(&l);
    if (diag->faults != faults_before)
        return false;
    *ret = l.conf;
    return true;
}
