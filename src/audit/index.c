/* SPDX-License-Identifier: Apache-2.0
 * Whoever catches an index up holds `<index>.lock`. A file that is of no use is unlinked, so that
 * those who have it open go on with what they see. Who may not write looks at the file as it is
 * while it holds the lock shared: nobody writes then. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "audit/beside.h"
#include "audit/catch_up.h"
#include "audit/internal.h"
#include "audit/schema.h"
#include "journal/line.h"

enum {
    PROGRESS_STEPS = 100000, /* a millisecond */
    SCHEMA_LOOKS = 100,
    VALUE_BYTES = LINE_READ_MAX_BYTES * 4,
    PATH_BYTES = 4096,
    LONG_PATH_BYTES = PATH_BYTES + 16,
    LOCK_WAIT_NS = 10000000
};

/* cache_size is in KiB where negative. Losing the end of an index with the power is no loss. */
static const char writer_settings[] =
    "PRAGMA page_size = 4096; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
    "PRAGMA cache_size = -131072; PRAGMA mmap_size = 0;"
    "PRAGMA wal_autocheckpoint = 20000; PRAGMA journal_size_limit = 0;";
static const char temporary_settings[] =
    "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -131072;";
static const char reader_settings[] = "PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY;";

struct opening {
    const struct audit_index_settings *settings;
    struct audit_index *index;
    char path[PATH_BYTES];
    int lock;
    bool writable;
};

static int on_progress(void *user)
{
    struct audit_index *index = user;

    if (index->patient)
        return 0;
    if (index->looks_left == 0)
        return 1;
    if (index->looks_left > 0)
        index->looks_left--;
    return patience_over(&index->patience) ? 1 : 0;
}

static enum status find_path(struct opening *o, struct err *err)
{
    const char *directory = o->settings->directory;
    size_t len = strlen(directory);
    int wrote;

    while (len > 1 && directory[len - 1] == '/')
        len--;
    wrote = o->settings->path != NULL
                ? snprintf(o->path, sizeof o->path, "%s", o->settings->path)
                : snprintf(o->path, sizeof o->path, "%.*s.index", (int)len, directory);
    return wrote < 0 || (size_t)wrote >= sizeof o->path
               ? err_set(err, STATUS_INVALID, "the path of the index is too long")
               : STATUS_OK;
}

static void path_with(const struct opening *o, const char *end, char out[LONG_PATH_BYTES])
{
    (void)snprintf(out, LONG_PATH_BYTES, "%s%s", o->path, end);
}

static enum status wait_lock(const struct opening *o, int how, struct err *err)
{
    const struct timespec pause = {.tv_nsec = LOCK_WAIT_NS};

    while (flock(o->lock, how | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return err_set_errno(err, errno, "can't lock %s.lock", o->path);
        if (patience_over(&o->settings->patience))
            return err_set(err, STATUS_TIMEOUT,
                           "somebody else is bringing the index up to date; ask again");
        (void)nanosleep(&pause, NULL);
    }
    return STATUS_OK;
}

/* What root makes belongs to whom the journal belongs to, so that the gateway can go on with it. */
static enum status give_away(const struct opening *o, int fd, struct err *err)
{
    struct stat folder;

    if (geteuid() != 0 || stat(o->settings->directory, &folder) != 0 ||
        fchown(fd, folder.st_uid, folder.st_gid) == 0)
        return STATUS_OK;
    return err_set_errno(err, errno, "can't give the index to the journal's owner");
}

static uint32_t big_endian(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* At 16; 1 stands for 65536. */
static off_t page_bytes(const unsigned char *head)
{
    off_t bytes = head[16] << 8 | head[17];

    return bytes == 1 ? 65536 : bytes;
}

enum kind { INDEX, OTHERS, UNTOLD /* no database, or one that is spoilt */ };

/* Source: the database header, sqlite.org/fileformat2.html, 1.3. The application id of one that is
 * new may still wait in its -wal; then it has one page, and a table would have one of its own. */
static enum kind kind_of(int fd, off_t size)
{
    static const char magic[16] = "SQLite format 3";
    unsigned char head[72];
    uint32_t application;

    if (size == 0)
        return INDEX;
    if (pread(fd, head, sizeof head, 0) != (ssize_t)sizeof head ||
        memcmp(head, magic, sizeof magic) != 0)
        return UNTOLD;
    application = big_endian(head + 68);
    return application == SCHEMA_APPLICATION || (application == 0 && size == page_bytes(head))
               ? INDEX
               : OTHERS;
}

/* With a -wal the file may be of any moment. */
static bool has_wal(const struct opening *o)
{
    char path[LONG_PATH_BYTES];
    struct stat stat;

    path_with(o, "-wal", path);
    return lstat(path, &stat) == 0 && stat.st_size > 0;
}

/* INDEX also if there is nothing, or whoever opens it says what is wrong. */
static enum kind look_at(const struct opening *o)
{
    enum kind kind;
    struct stat stat;
    int fd;

    if (lstat(o->path, &stat) != 0)
        return INDEX;
    if (!S_ISREG(stat.st_mode))
        return OTHERS;
    fd = open(o->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return INDEX;
    kind = kind_of(fd, stat.st_size);
    (void)close(fd);
    return kind == OTHERS && has_wal(o) ? UNTOLD : kind;
}

/* What is something else is not made anew: it may be a segment of the journal, or a report. Beside
 * the journal, where nobody named it, what may be a spoilt index is taken for one. */
static enum status refuse_others(const struct opening *o, struct err *err)
{
    enum kind kind = look_at(o);

    if (kind != INDEX && o->settings->path != NULL)
        return err_set(err, STATUS_INVALID, "%s is no index, and stays as it is; name another file",
                       o->path);
    if (kind == OTHERS)
        return err_set(err, STATUS_IO,
                       "%s is no index, and stays as it is; move it away, or name another file by "
                       "--index",
                       o->path);
    return STATUS_OK;
}

/* Finds out whether the index may be written. STATUS_IO: something else is wrong. */
static enum status take_lock(struct opening *o, struct err *err)
{
    char path[LONG_PATH_BYTES];
    bool made;

    path_with(o, ".lock", path);
    o->lock = beside_open_lock(path, &made);
    o->writable = o->lock >= 0 && (access(o->path, W_OK) == 0 || errno == ENOENT);
    if (o->writable) {
        enum status status = made ? give_away(o, o->lock, err) : STATUS_OK;

        return status == STATUS_OK ? wait_lock(o, LOCK_EX, err) : status;
    }
    if (o->lock < 0 && errno != EROFS && errno != EACCES && errno != EPERM)
        return err_set_errno(err, errno, "can't make %s; --index FILE puts the index elsewhere",
                             path);
    if (o->lock < 0)
        o->lock = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    return o->lock < 0 ? STATUS_OK : wait_lock(o, LOCK_SH, err);
}

static void close_db(struct audit_index *index)
{
    (void)sqlite3_close_v2(index->db);
    index->db = NULL;
}

/* An index may come from elsewhere: what its schema says calls nothing that could do harm, and no
 * statement goes on for ever. */
static void distrust(struct audit_index *index, bool temporary)
{
    static const int off[] = {SQLITE_DBCONFIG_TRUSTED_SCHEMA, SQLITE_DBCONFIG_ENABLE_VIEW,
                              SQLITE_DBCONFIG_ENABLE_TRIGGER};

    for (size_t i = 0; i < ARRAY_LEN(off); i++)
        (void)sqlite3_db_config(index->db, off[i], 0, NULL);
    /* It would refuse to go without a rollback journal. */
    (void)sqlite3_db_config(index->db, SQLITE_DBCONFIG_DEFENSIVE, !temporary, NULL);
    (void)sqlite3_limit(index->db, SQLITE_LIMIT_LENGTH, VALUE_BYTES);
    index->looks_left = SCHEMA_LOOKS;
    sqlite3_progress_handler(index->db, PROGRESS_STEPS, on_progress, index);
}

static enum status open_db(struct audit_index *index, const char *path, int flags,
                           const char *pragmas, struct err *err)
{
    enum status status = STATUS_OK;

    if (sqlite3_open_v2(path, &index->db, flags | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
        status = sql_failed(index->db, "open the index", err);
    else
        distrust(index, path[0] == '\0');
    if (status == STATUS_OK)
        status = sql_run(index->db, pragmas, "open the index", err);
    if (status != STATUS_OK)
        close_db(index);
    return status;
}

/* A file of nothing, which nobody but its owner can read from the first moment on. */
static enum status make_file(const struct opening *o, struct err *err)
{
    enum status status;
    int fd;

    for (size_t i = 0; i <= BESIDE_ENDS; i++) { /* the index itself is the last */
        char path[LONG_PATH_BYTES];

        path_with(o, i < BESIDE_ENDS ? beside_ends[i] : "", path);
        if (unlink(path) != 0 && errno != ENOENT)
            return err_set_errno(err, errno, "can't take the old index %s away", path);
    }
    fd = open(o->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return err_set_errno(err, errno, "can't make the index %s", o->path);
    status = give_away(o, fd, err);
    (void)close(fd);
    return status;
}

static enum status make_schema(struct audit_index *index, struct err *err)
{
    index->looks_left = -1;
    return schema_make(index->db, err);
}

static bool has_our_schema(struct audit_index *index)
{
    bool ours = schema_is_ours(index->db);

    index->looks_left = -1;
    return ours;
}

static enum status make_anew(const struct opening *o, struct err *err)
{
    enum status status;

    close_db(o->index);
    status = make_file(o, err);
    if (status == STATUS_OK)
        status = open_db(o->index, o->path, SQLITE_OPEN_READWRITE, writer_settings, err);
    return status == STATUS_OK ? make_schema(o->index, err) : status;
}

/* Whether there is something that can be caught up. */
static bool open_existing(const struct opening *o)
{
    struct stat stat;

    if (o->settings->anew || lstat(o->path, &stat) != 0 || !S_ISREG(stat.st_mode) ||
        !beside_is_plain(o->path))
        return false;
    if (open_db(o->index, o->path, SQLITE_OPEN_READWRITE, writer_settings, NULL) != STATUS_OK)
        return false;
    return has_our_schema(o->index);
}

static enum status caught_up(struct audit_index *index, const char *directory, struct err *err)
{
    switch (catch_up(index, directory, err)) {
    case CATCH_UP_DONE:
        return STATUS_OK;
    case CATCH_UP_OTHER:
        return err_set(err, STATUS_SYNTAX, "the index is of another journal");
    case CATCH_UP_FAILED:
        break;
    }
    return err->status;
}

static enum status open_to_write(const struct opening *o, struct err *err)
{
    enum status status = STATUS_SYNTAX;
    bool existed = open_existing(o);

    if (!existed && patience_over(&o->index->patience))
        return err_set(err, STATUS_TIMEOUT, "can't open the index in the time that there is");
    if (existed)
        status = caught_up(o->index, o->settings->directory, err);
    if (!existed || status == STATUS_SYNTAX) {
        status = make_anew(o, err);
        if (status == STATUS_OK)
            status = caught_up(o->index, o->settings->directory, err);
    }
    return status;
}

/* With nobody who could write: under the lock, or on a file system that is read-only. */
static bool is_quiet(const struct opening *o)
{
    struct statvfs fs;

    if (has_wal(o))
        return false;
    return o->lock >= 0 || (statvfs(o->path, &fs) == 0 && (fs.f_flag & ST_RDONLY) != 0);
}

/* "file:" and the path, with what has a meaning in a URI as %XX. */
static bool uri_of(const char *path, char *out, size_t room)
{
    static const char digits[] = "0123456789abcdef";
    size_t at = (size_t)snprintf(out, room, "file:");

    for (; *path != '\0'; path++) {
        unsigned char byte = (unsigned char)*path;

        if (at + 32 > room)
            return false;
        if (byte == '%' || byte == '?' || byte == '#' || byte < ' ') {
            out[at++] = '%';
            out[at++] = digits[byte >> 4];
            out[at++] = digits[byte & 15];
        } else {
            out[at++] = (char)byte;
        }
    }
    (void)snprintf(out + at, room - at, "?immutable=1");
    return true;
}

static bool open_as_it_is(const struct opening *o)
{
    char uri[LONG_PATH_BYTES];
    struct err err = {0};

    if (o->settings->anew || !is_quiet(o) || !uri_of(o->path, uri, sizeof uri) ||
        open_db(o->index, uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, reader_settings, NULL) !=
            STATUS_OK)
        return false;
    if (has_our_schema(o->index) &&
        catch_up_look(o->index, o->settings->directory, &err) == CATCH_UP_DONE)
        return true;
    close_db(o->index);
    return false;
}

/* A file that SQLite makes where temporary files are, and that has no name. */
static enum status open_temporary(const struct opening *o, struct err *err)
{
    enum status status =
        open_db(o->index, "", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, temporary_settings, err);

    (void)snprintf(o->index->note, sizeof o->index->note,
                   "%.300s can't be written and isn't up to date: a temporary index is made, for "
                   "this question only",
                   o->path);
    if (status == STATUS_OK)
        status = make_schema(o->index, err);
    return status == STATUS_OK ? caught_up(o->index, o->settings->directory, err) : status;
}

static enum status read_segments(struct audit_index *index, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    int64_t count = 0, seq = 0, damaged = 0;
    enum status status = sql_number(index->db, "SELECT count(*) FROM segment", 0, &count, err);

    if (status == STATUS_OK)
        status = sql_number(index->db, "SELECT seq FROM place", 0, &seq, err);
    if (status == STATUS_OK)
        status = sql_number(index->db, "SELECT total(damaged) FROM segment", 0, &damaged, err);
    if (status == STATUS_OK)
        status = sql_prepare(index->db, "SELECT first FROM segment ORDER BY first", &stmt, err);
    if (status != STATUS_OK)
        return status;
    index->seq = (uint64_t)seq;
    index->damaged = (uint64_t)damaged;
    index->segments = calloc((size_t)count + 1, sizeof *index->segments);
    if (index->segments == NULL)
        status = err_set(err, STATUS_NOMEM, "memory is out");
    while (index->segments != NULL && index->segment_count < (size_t)count &&
           sqlite3_step(stmt) == SQLITE_ROW)
        index->segments[index->segment_count++] = (uint64_t)sqlite3_column_int64(stmt, 0);
    (void)sqlite3_finalize(stmt);
    return status;
}

/* From here on it shows what it shows now. */
static enum status settle(struct audit_index *index, struct err *err)
{
    enum status status = sql_run(index->db, "BEGIN", "read the index", err);

    return status == STATUS_OK ? read_segments(index, err) : status;
}

static enum status open_index(struct opening *o, struct err *err)
{
    enum status status = find_path(o, err);

    if (status == STATUS_OK)
        status = refuse_others(o, err);
    if (status == STATUS_OK && o->settings->path != NULL)
        status = beside_refuse_others(o->path, err);
    if (status == STATUS_OK)
        status = fetch_open(o->settings->directory, &o->index->fetch, err);
    if (status == STATUS_OK)
        status = take_lock(o, err);
    if (status != STATUS_OK)
        return status;
    if (o->writable)
        status = open_to_write(o, err);
    else if (!open_as_it_is(o))
        status = open_temporary(o, err);
    return status == STATUS_OK ? settle(o->index, err) : status;
}

enum status audit_index_open(const struct audit_index_settings *settings, struct audit_index **ret,
                             struct err *err)
{
    struct opening o = {.settings = settings, .lock = -1};
    struct err failure = {0};
    enum status status;

    o.index = calloc(1, sizeof *o.index);
    if (o.index == NULL)
        return err_set(err, STATUS_NOMEM, "memory is out");
    o.index->lock = -1;
    o.index->patience = settings->patience;
    status = open_index(&o, &failure);
    if (o.writable || status != STATUS_OK) {
        if (o.lock >= 0)
            (void)close(o.lock);
    } else {
        o.index->lock = o.lock;
    }
    if (status != STATUS_OK) {
        audit_index_close(&o.index);
        return err_set(err, status, "%s", failure.text);
    }
    *ret = o.index;
    return STATUS_OK;
}

void audit_index_close(struct audit_index **index)
{
    if (*index == NULL)
        return;
    (void)sqlite3_close_v2((*index)->db);
    fetch_close(&(*index)->fetch);
    free((*index)->segments);
    if ((*index)->lock >= 0)
        (void)close((*index)->lock);
    free(*index);
    *index = NULL;
}

const char *audit_index_note(const struct audit_index *index)
{
    return index->note;
}

uint64_t audit_index_damaged(const struct audit_index *index)
{
    return index->damaged;
}

uint64_t audit_index_seq(const struct audit_index *index)
{
    return index->seq;
}

uint64_t index_segment_of(const struct audit_index *index, uint64_t seq)
{
    size_t low = 0, high = index->segment_count;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (index->segments[middle] <= seq)
            low = middle + 1;
        else
            high = middle;
    }
    return low == 0 ? 0 : index->segments[low - 1];
}
