/* SPDX-License-Identifier: Apache-2.0 */
#include "sinks/position.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fd.h"
#include "json/doc.h"
#include "json/write.h"

enum { FILE_BYTES = 4096, NAME_BYTES = 80, ARENA_BYTES = 64 * 1024, VALUES_MAX = 64 };

static void file_name(const char *name, const char *ending, char out[NAME_BYTES])
{
    (void)snprintf(out, NAME_BYTES, "%s.position%s", name, ending);
}

/* ---- reading ---- */

static uint64_t number_of(const struct jdoc *doc, jref object, struct view name)
{
    const jref at = jdoc_member(doc, object, name);
    int64_t value;

    if (at == JREF_NONE || !jdoc_integer(doc, at, &value) || value < 0)
        return 0;
    return (uint64_t)value;
}

static void text_of(const struct jdoc *doc, jref object, struct view name, char *out, size_t size)
{
    const jref at = jdoc_member(doc, object, name);
    struct view raw = at == JREF_NONE ? VIEW_NONE : jdoc_raw(doc, at);

    out[0] = '\0';
    if (raw.len >= 2 && jdoc_kind(doc, at) == JKIND_STRING && raw.len - 2 < size)
        (void)snprintf(out, size, "%.*s", (int)raw.len - 2, raw.ptr + 1);
}

static bool is_sound(const struct position *position)
{
    const bool anew = position->seq == 0 && position->hash[0] == '\0';
    const bool delivered = position->seq > 0 && strlen(position->hash) == DIGEST_HEX_BYTES &&
                           position->next.segment > 0 && position->next.line > 0;

    return (anew || delivered) && position->first <= position->last;
}

static enum status parse(struct view bytes, struct arena *arena, struct position *ret)
{
    const struct jlimits limits = {.bytes = FILE_BYTES, .depth = 4, .members = VALUES_MAX};
    struct position position = {.seq = 0};
    struct jfault fault;
    struct jdoc doc;
    jref batch;
    enum status status = jdoc_read(bytes, &limits, arena, &doc, &fault);

    if (status != STATUS_OK)
        return status;
    if (number_of(&doc, 0, VIEW("v")) != 1)
        return STATUS_SYNTAX;
    position.seq = number_of(&doc, 0, VIEW("seq"));
    position.next.segment = number_of(&doc, 0, VIEW("segment"));
    position.next.offset = number_of(&doc, 0, VIEW("offset"));
    position.next.line = number_of(&doc, 0, VIEW("line"));
    text_of(&doc, 0, VIEW("hash"), position.hash, sizeof position.hash);
    batch = jdoc_member(&doc, 0, VIEW("batch"));
    if (batch != JREF_NONE) {
        position.first = number_of(&doc, batch, VIEW("first"));
        position.last = number_of(&doc, batch, VIEW("last"));
        text_of(&doc, batch, VIEW("id"), position.id, sizeof position.id);
    }
    if (!is_sound(&position))
        return STATUS_SYNTAX;
    *ret = position;
    return STATUS_OK;
}

enum status position_read(int dir_fd, const char *name, struct position *ret, bool *ret_found,
                          struct err *err)
{
    char file[NAME_BYTES], bytes[FILE_BYTES];
    CLEANUP(arena_done) struct arena arena;
    int fd CLEANUP(fd_close) = -1;
    enum status status;
    ssize_t got;

    arena_init(&arena, 4096, ARENA_BYTES);
    file_name(name, "", file);
    fd = openat(dir_fd, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT) {
        *ret_found = false;
        return STATUS_OK;
    }
    got = fd < 0 ? -1 : fd_read(fd, bytes, sizeof bytes);
    if (got < 0)
        return err_set_errno(err, errno, "can't read %s", file);
    status = parse(view_of(bytes, (size_t)got), &arena, ret);
    if (status != STATUS_OK)
        return err_set(err, status, "%s is not the position of a sink", file);
    *ret_found = true;
    return STATUS_OK;
}

/* ---- writing ---- */

static void format(const struct position *position, struct buf *out)
{
    struct jwriter w;

    jwriter_init(&w, out);
    jwriter_open_object(&w);
    jwriter_member_int(&w, "v", 1);
    jwriter_member_int(&w, "seq", (int64_t)position->seq);
    jwriter_member_int(&w, "segment", (int64_t)position->next.segment);
    jwriter_member_int(&w, "offset", (int64_t)position->next.offset);
    jwriter_member_int(&w, "line", (int64_t)position->next.line);
    jwriter_member_text(&w, "hash", view_str(position->hash));
    if (position->last > 0) {
        jwriter_key(&w, "batch");
        jwriter_open_object(&w);
        jwriter_member_text(&w, "id", view_str(position->id));
        jwriter_member_int(&w, "first", (int64_t)position->first);
        jwriter_member_int(&w, "last", (int64_t)position->last);
        jwriter_close_object(&w);
    }
    jwriter_close_object(&w);
    buf_add_byte(out, '\n');
}

/* A new one. What is there in its place, left by a crash or put there, goes: a pipe would be waited
 * for. */
static int open_new(int dir_fd, const char *file)
{
    const int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
    const int fd = openat(dir_fd, file, flags, 0600);

    if (fd >= 0 || errno != EEXIST || unlinkat(dir_fd, file, 0) != 0)
        return fd;
    return openat(dir_fd, file, flags, 0600);
}

/* 0, or an errno. */
static int write_file(int dir_fd, const char *file, struct view bytes)
{
    int fd CLEANUP(fd_close) = open_new(dir_fd, file);
    int failed = fd < 0 ? errno : fd_write(fd, bytes);

    return failed == 0 && fsync(fd) != 0 ? errno : failed;
}

enum status position_write(int dir_fd, const char *name, const struct position *position,
                           struct err *err)
{
    char file[NAME_BYTES], next[NAME_BYTES];
    CLEANUP(buf_done) struct buf text;
    int failed;

    buf_init(&text, FILE_BYTES);
    format(position, &text);
    if (text.failed != STATUS_OK)
        return err_set(err, text.failed, "no memory for the position of a sink");
    file_name(name, "", file);
    file_name(name, ".next", next);
    failed = write_file(dir_fd, next, buf_view(&text));
    if (failed == 0 && (renameat(dir_fd, next, dir_fd, file) != 0 || fsync(dir_fd) != 0))
        failed = errno;
    if (failed == 0)
        return STATUS_OK;
    return err_set_errno(err, failed, "can't write %s", file);
}
