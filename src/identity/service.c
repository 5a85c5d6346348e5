/* SPDX-License-Identifier: Apache-2.0
 * The gateway's own credential. It lies in memory once, borrowed by what is sent, and is wiped when
 * it is read anew. */
#include "identity/service.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "base/attr.h"
#include "base/fd.h"
#include "identity/sign.h"
#include "identity/token.h"

enum { FILE_BYTES_MAX = 64 * 1024, TOKEN_ARENA = 16384, TOKEN_ARENA_MAX = 4 * 1024 * 1024 };

/* What tells that a file was changed or replaced. */
struct stamp {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec changed;
};

struct service_credential {
    char *path;
    bool is_key;
    struct stamp stamp;
    char *bytes; /* of the file; what follows points into it */
    size_t cap;
    struct view token, access, secret, security, user;
    char project[64];
    size_t project_len;
};

static struct stamp stamp_of(const struct stat *st)
{
    return (struct stamp){st->st_dev, st->st_ino, st->st_size, st->st_mtim};
}

static bool same_stamp(const struct stamp *a, const struct stamp *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

static void wipe(char **bytes, size_t cap)
{
    if (*bytes != NULL)
        OPENSSL_cleanse(*bytes, cap);
    free(*bytes);
    *bytes = NULL;
}

static void forget(struct service_credential *service)
{
    wipe(&service->bytes, service->cap);
    service->token = service->access = service->secret = service->security = service->user =
        VIEW_NONE;
    service->project_len = 0;
}

/* Visible ASCII: it stands in a header field, and no blank in it can be meant. */
static bool is_word(struct view v)
{
    for (size_t i = 0; i < v.len; i++) {
        if (v.ptr[i] <= ' ' || v.ptr[i] > '~')
            return false;
    }
    return v.len > 0;
}

static struct view trim_lines(struct view v)
{
    while (v.len > 0 && (v.ptr[v.len - 1] == '\n' || v.ptr[v.len - 1] == '\r'))
        v.len--;
    return v;
}

/* The token's own project, where it can be read. */
static void read_project(struct service_credential *service)
{
    struct arena arena;
    struct token_facts facts;
    struct view project;

    arena_init(&arena, TOKEN_ARENA, TOKEN_ARENA_MAX);
    if (token_read(service->token, &arena, &facts) == STATUS_OK &&
        (facts.subject.known & SUBJECT_PROJECT) != 0) {
        project = facts.subject.project_id;
        if (project.len <= sizeof service->project) {
            for (size_t i = 0; i < project.len; i++)
                service->project[i] = project.ptr[i];
            service->project_len = project.len;
        }
    }
    arena_done(&arena);
}

static enum status read_token(struct service_credential *service, struct view text, struct err *err)
{
    text = trim_lines(text);
    if (!is_word(text) || text.len > TOKEN_BYTES_MAX)
        return err_set(err, STATUS_INVALID,
                       "%s: must hold one token: a single word of at most %d visible ASCII "
                       "characters",
                       service->path, (int)TOKEN_BYTES_MAX);
    service->token = text;
    read_project(service);
    return STATUS_OK;
}

/* 'a', "a" and a mean the same; none of the values needs an escape. */
static struct view unquoted(struct view v)
{
    if (v.len >= 2 && (v.ptr[0] == '"' || v.ptr[0] == '\'') && v.ptr[v.len - 1] == v.ptr[0])
        return view_of(v.ptr + 1, v.len - 2);
    return v;
}

static struct view *place_of(struct service_credential *service, struct view key)
{
    if (view_eq(key, VIEW("access_key")))
        return &service->access;
    if (view_eq(key, VIEW("secret_key")))
        return &service->secret;
    if (view_eq(key, VIEW("user_id")))
        return &service->user;
    return view_eq(key, VIEW("security_token")) ? &service->security : NULL;
}

/* The part up to the end of the line, which it takes off. */
static struct view take_line(struct view *rest)
{
    size_t len = view_find(*rest, '\n');
    struct view line = view_of(rest->ptr, len);

    *rest = view_from(*rest, len < rest->len ? len + 1 : len);
    if (line.len > 0 && line.ptr[line.len - 1] == '\r')
        line.len--;
    return line;
}

/* "key: word". False: it isn't, or the key is unknown or stands there twice. */
static bool read_line(struct service_credential *service, struct view line)
{
    size_t colon = view_find(line, ':');
    struct view *place = place_of(service, view_of(line.ptr, colon));
    struct view value;

    if (place == NULL || place->ptr != NULL || colon + 1 >= line.len || line.ptr[colon + 1] != ' ')
        return false;
    value = unquoted(view_trim(view_from(line, colon + 1)));
    if (!is_word(value))
        return false;
    *place = value;
    return true;
}

/* No more of YAML than a mapping of words, one a line: so a secret never gets into memory that
 * can't be wiped. */
static enum status read_key(struct service_credential *service, struct view text, struct err *err)
{
    struct loc at = {.file = service->path};

    while (text.len > 0) {
        struct view line = take_line(&text);
        struct view trimmed = view_trim(line);

        at.line++;
        if (trimmed.len == 0 || trimmed.ptr[0] == '#' || view_eq(trimmed, VIEW("---")))
            continue;
        if (!read_line(service, line))
            return err_set_at(err, at, STATUS_INVALID,
                              "%s:%u: must be access_key, secret_key, security_token or user_id, "
                              "each once, a colon, a blank and one word",
                              service->path, at.line);
    }
    if (service->access.ptr == NULL || service->secret.ptr == NULL)
        return err_set(err, STATUS_INVALID, "%s: needs access_key and secret_key", service->path);
    return STATUS_OK;
}

static enum status check_file(const char *path, const struct stat *st, struct err *err)
{
    if (!S_ISREG(st->st_mode))
        return err_set(err, STATUS_INVALID, "%s: isn't a file", path);
    if ((st->st_mode & 07777 & ~0600) != 0)
        return err_set(err, STATUS_INVALID, "%s: has mode %04o, needs 0600 or 0400", path,
                       (unsigned)(st->st_mode & 07777));
    if (st->st_size <= 0 || st->st_size > FILE_BYTES_MAX)
        return err_set(err, STATUS_INVALID, "%s: must hold 1 to %d bytes", path,
                       (int)FILE_BYTES_MAX);
    return STATUS_OK;
}

static enum status read_open(struct service_credential *service, int fd, struct err *err)
{
    struct stat st;
    enum status status;
    size_t cap;
    ssize_t len;
    char *bytes;
    struct view text;

    if (fstat(fd, &st) != 0)
        return err_set_errno(err, errno, "%s", service->path);
    status = check_file(service->path, &st, err);
    if (status != STATUS_OK)
        return status;
    cap = (size_t)st.st_size + 1;
    bytes = malloc(cap);
    if (bytes == NULL)
        return err_set(err, STATUS_NOMEM, "%s: no memory left", service->path);
    len = fd_read(fd, bytes, cap); /* one more byte tells that it grew */
    status = len < 0 ? err_set_errno(err, errno, "%s", service->path) : STATUS_OK;
    if (status == STATUS_OK && len != st.st_size)
        status = err_set(err, STATUS_IO, "%s: changed while it was read", service->path);
    if (status != STATUS_OK) {
        wipe(&bytes, cap);
        return status;
    }
    forget(service);
    service->bytes = bytes;
    service->cap = cap;
    text = view_of(bytes, (size_t)len);
    status = service->is_key ? read_key(service, text, err) : read_token(service, text, err);
    if (status != STATUS_OK)
        forget(service);
    else
        service->stamp = stamp_of(&st);
    return status;
}

static enum status read_file(struct service_credential *service, struct err *err)
{
    /* A pipe in its place must not stop the thread. */
    int fd = open(service->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    enum status status;

    if (fd < 0)
        return err_set_errno(err, errno, "%s", service->path);
    status = read_open(service, fd, err);
    (void)close(fd);
    return status;
}

/* Reads it again if it is another one by now, or if the last reading failed. */
static enum status refresh(struct service_credential *service, struct err *err)
{
    struct stat st;
    struct stamp stamp;

    if (stat(service->path, &st) != 0)
        return err_set_errno(err, errno, "%s", service->path);
    stamp = stamp_of(&st);
    if (service->bytes != NULL && same_stamp(&stamp, &service->stamp))
        return STATUS_OK;
    if (read_file(service, err) != STATUS_OK)
        return STATUS_IO;
    return STATUS_OK;
}

static char *copy_path(const char *path)
{
    struct view from = view_str(path);
    char *copy = malloc(from.len + 1);

    for (size_t i = 0; copy != NULL && i <= from.len; i++)
        copy[i] = path[i];
    return copy;
}

enum status service_open(const struct service_settings *settings, struct service_credential **ret,
                         struct err *err)
{
    struct service_credential *service;
    enum status status;

    if ((settings->token_file == NULL) == (settings->access_key_file == NULL))
        return err_set(err, STATUS_INVALID, "needs a token file or an access key file, not both");
    service = calloc(1, sizeof *service);
    if (service == NULL)
        return err_set(err, STATUS_NOMEM, "no memory left for the service credential");
    service->is_key = settings->access_key_file != NULL;
    service->path = copy_path(service->is_key ? settings->access_key_file : settings->token_file);
    status = service->path != NULL ? read_file(service, err)
                                   : err_set(err, STATUS_NOMEM, "no memory left");
    if (status != STATUS_OK) {
        service_free(&service);
        return status;
    }
    *ret = service;
    return STATUS_OK;
}

void service_free(struct service_credential **service)
{
    struct service_credential *s = *service;

    if (s == NULL)
        return;
    *service = NULL;
    forget(s);
    free(s->path);
    free(s);
}

struct view service_project(const struct service_credential *service)
{
    return service->project_len > 0 ? view_of(service->project, service->project_len) : VIEW_NONE;
}

struct view service_user(const struct service_credential *service)
{
    return service->user;
}

bool service_is_key(const struct service_credential *service)
{
    return service->is_key;
}

static void add_field(struct service_field *fields, size_t *count, struct view name,
                      struct view value)
{
    if (value.len > 0)
        fields[(*count)++] = (struct service_field){name, value};
}

static enum status sign_fields(const struct service_credential *service,
                               const struct service_request *request, struct arena *arena,
                               struct service_field *ret, size_t *ret_count)
{
    const struct sign_key key = {service->access, service->secret, service->security};
    struct canonical_field fields[3], added[SIGN_ADDED_MAX];
    struct sign_request sign = {.method = request->method,
                                .path = request->path,
                                .query = request->query,
                                .body = request->body};
    enum status status;
    size_t count;

    fields[sign.count++] = (struct canonical_field){VIEW("host"), request->host};
    if (request->project.len > 0)
        fields[sign.count++] = (struct canonical_field){VIEW("x-project-id"), request->project};
    if (request->body_unread)
        fields[sign.count++] =
            (struct canonical_field){VIEW("x-sdk-content-sha256"), VIEW("UNSIGNED-PAYLOAD")};
    sign.fields = fields;
    status = sign_anew(&sign, &key, request->now_us, arena, added, &count);
    if (status != STATUS_OK)
        return status;
    add_field(ret, ret_count, VIEW("X-Project-Id"), request->project);
    if (request->body_unread)
        add_field(ret, ret_count, VIEW("X-Sdk-Content-Sha256"), VIEW("UNSIGNED-PAYLOAD"));
    for (size_t i = 0; i < count; i++)
        add_field(ret, ret_count, added[i].name, added[i].value);
    return STATUS_OK;
}

enum status service_fields(struct service_credential *service,
                           const struct service_request *request, struct arena *arena,
                           struct service_field ret[SERVICE_FIELDS_MAX], size_t *ret_count,
                           struct err *err)
{
    enum status status = refresh(service, err);
    size_t count = 0;

    if (status != STATUS_OK)
        return status;
    if (service->is_key) {
        status = sign_fields(service, request, arena, ret, &count);
    } else {
        add_field(ret, &count, VIEW("X-Project-Id"), request->project);
        add_field(ret, &count, VIEW("X-Auth-Token"), service->token);
    }
    if (status != STATUS_OK)
        return err_set(err, status, "no memory left to sign");
    *ret_count = count;
    return STATUS_OK;
}
