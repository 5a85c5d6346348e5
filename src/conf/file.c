/* SPDX-License-Identifier: Apache-2.0
 * Whole files into an arena. A file that isn't regular, is larger than its cap or changes while it
 * is read is refused. */
#include "conf/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { POLICY_BYTES = 1024 * 1024, POLICY_FILES = 1000 };

static void close_fd(const int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
}

static void close_folder(DIR **folder)
{
    if (*folder != NULL)
        (void)closedir(*folder);
}

/* At most `size` bytes; fewer at the end of the file. -1 and errno. */
static ssize_t read_fully(int fd, char *bytes, size_t size)
{
    size_t used = 0;

    while (used < size) {
        ssize_t got = read(fd, bytes + used, size - used);

        if (got == 0)
            break;
        if (got < 0 && errno != EINTR)
            return -1;
        if (got > 0)
            used += (size_t)got;
    }
    return (ssize_t)used;
}

enum status file_read(const char *path, size_t max, struct arena *arena, struct view *ret,
                      struct err *err)
{
    /* O_NONBLOCK: opening a named pipe must not wait for its other end. */
    int fd CLEANUP(close_fd) = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct stat facts;
    char *bytes;
    ssize_t got;

    if (fd < 0)
        return err_set_errno(err, errno, "%s", path);
    if (fstat(fd, &facts) != 0)
        return err_set_errno(err, errno, "%s", path);
    if (!S_ISREG(facts.st_mode))
        return err_set(err, STATUS_INVALID, "%s: not a regular file", path);
    if (facts.st_size < 0 || (uintmax_t)facts.st_size > max)
        return err_set(err, STATUS_LIMIT, "%s: has %lld bytes; at most %zu may be", path,
                       (long long)facts.st_size, max);
    bytes = arena_alloc(arena, (size_t)facts.st_size + 1);
    if (bytes == NULL)
        return err_set(err, STATUS_NOMEM, "%s: no memory left for this file", path);
    got = read_fully(fd, bytes, (size_t)facts.st_size + 1);
    if (got < 0)
        return err_set_errno(err, errno, "%s", path);
    if (got != facts.st_size)
        return err_set(err, STATUS_IO, "%s: changed while it was read; try again", path);
    *ret = view_of(bytes, (size_t)got);
    return STATUS_OK;
}

static bool is_policy_name(struct view name)
{
    return name.ptr[0] != '.' && view_ends(name, VIEW(".yaml")) &&
           !view_ends(name, VIEW(".test.yaml"));
}

/* Names stand in messages and journal lines. */
static bool is_printable(struct view name)
{
    for (size_t i = 0; i < name.len; i++) {
        if ((unsigned char)name.ptr[i] < 0x20 || name.ptr[i] == 0x7f)
            return false;
    }
    return true;
}

static enum status list_names(DIR *folder, const char *path, struct arena *arena,
                              struct policy_file *files, size_t *ret_count, struct err *err)
{
    size_t count = 0;

    for (;;) {
        const struct dirent *entry;
        struct view name;

        errno = 0;
        entry = readdir(folder); // NOLINT(concurrency-mt-unsafe): the folder is this thread's own
        if (entry == NULL && errno != 0)
            return err_set_errno(err, errno, "%s", path);
        if (entry == NULL)
            break;
        name = view_str(entry->d_name);
        if (!is_policy_name(name))
            continue;
        if (!is_printable(name))
            return err_set(err, STATUS_INVALID, "%s: the name of a file holds control characters",
                           path);
        if (count == POLICY_FILES)
            return err_set(err, STATUS_LIMIT, "%s: more than %d policy files", path, POLICY_FILES);
        files[count].name = arena_strdup(arena, name);
        if (files[count++].name == NULL)
            return err_set(err, STATUS_NOMEM, "%s: no memory left for its files", path);
    }
    *ret_count = count;
    return STATUS_OK;
}

static int by_name(const void *a, const void *b)
{
    return view_cmp(view_str(((const struct policy_file *)a)->name),
                    view_str(((const struct policy_file *)b)->name));
}

enum status file_read_policies(const char *folder, struct arena *arena, struct policy_file **ret,
                               size_t *ret_count, struct err *err)
{
    DIR *open_folder CLEANUP(close_folder) = opendir(folder); /* sets O_CLOEXEC */
    struct policy_file *files = arena_array(arena, POLICY_FILES, sizeof *files);
    size_t count = 0;
    enum status status;

    if (open_folder == NULL)
        return err_set_errno(err, errno, "%s", folder);
    if (files == NULL)
        return err_set(err, STATUS_NOMEM, "%s: no memory left for its files", folder);
    status = list_names(open_folder, folder, arena, files, &count, err);
    if (status != STATUS_OK)
        return status;
    if (count == 0)
        return err_set(err, STATUS_INVALID, "%s: no policies here; expected *.yaml files", folder);
    qsort(files, count, sizeof *files, by_name);
    for (size_t i = 0; i < count; i++) {
        struct view path = arena_printf(arena, "%s/%s", folder, files[i].name);

        if (path.ptr == NULL)
            return err_set(err, STATUS_NOMEM, "%s: no memory left for its files", folder);
        status = file_read(path.ptr, POLICY_BYTES, arena, &files[i].bytes, err);
        if (status != STATUS_OK)
            return status;
    }
    *ret = files;
    *ret_count = count;
    return STATUS_OK;
}
