/* SPDX-License-Identifier: Apache-2.0
 * Whole files into an arena. A file that isn't regular, is larger than its cap or changes while it
 * is read is refused. */
#include "conf/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/fd.h"

enum { POLICY_BYTES = 1024 * 1024, POLICY_FILES = 1000 };

static void close_folder(DIR **folder)
{
    if (*folder != NULL)
        (void)closedir(*folder);
}

enum status file_read(const char *path, size_t max, struct arena *arena, struct view *ret,
                      struct err *err)
{
    /* O_NONBLOCK: opening a named pipe must not wait for its other end. */
    int fd CLEANUP(fd_close) = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
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
    got = fd_read(fd, bytes, (size_t)facts.st_size + 1);
    if (got < 0)
        return err_set_errno(err, errno, "%s", path);
    if (got != facts.st_size)
        return err_set(err, STATUS_IO, "%s: changed while it was read; try again", path);
    *ret = view_of(bytes, (size_t)got);
    return STATUS_OK;
}

static bool is_case_name(struct view name)
{
    return name.ptr[0] != '.' && view_ends(name, VIEW(".test.yaml"));
}

static bool is_policy_name(struct view name)
{
    return name.ptr[0] != '.' && view_ends(name, VIEW(".yaml")) &&
           !view_ends(name, VIEW(".test.yaml"));
}

/* One kind of files in a folder. */
struct folder {
    const char *path;
    bool (*has_name)(struct view name);
    const char *what; /* for messages: "policy" */
};

/* Names stand in messages and journal lines. */
static bool is_printable(struct view name)
{
    for (size_t i = 0; i < name.len; i++) {
        if ((unsigned char)name.ptr[i] < 0x20 || name.ptr[i] == 0x7f)
            return false;
    }
    return true;
}

static enum status list_names(const struct folder *folder, DIR *open_folder, struct arena *arena,
                              struct policy_file *files, size_t *ret_count, struct err *err)
{
    const char *path = folder->path;
    size_t count = 0;

    for (;;) {
        const struct dirent *entry;
        struct view name;

        errno = 0;
        entry =
            readdir(open_folder); // NOLINT(concurrency-mt-unsafe): the folder is this thread's own
        if (entry == NULL && errno != 0)
            return err_set_errno(err, errno, "%s", path);
        if (entry == NULL)
            break;
        name = view_str(entry->d_name);
        if (!folder->has_name(name))
            continue;
        if (!is_printable(name))
            return err_set(err, STATUS_INVALID, "%s: the name of a file holds control characters",
                           path);
        if (count == POLICY_FILES)
            return err_set(err, STATUS_LIMIT, "%s: more than %d %s files", path, POLICY_FILES,
                           folder->what);
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

static enum status read_folder(const struct folder *folder, struct arena *arena,
                               struct policy_file **ret, size_t *ret_count, struct err *err)
{
    DIR *open_folder CLEANUP(close_folder) = opendir(folder->path); /* sets O_CLOEXEC */
    struct policy_file *files = arena_array(arena, POLICY_FILES, sizeof *files);
    size_t count = 0;
    enum status status;

    if (open_folder == NULL)
        return err_set_errno(err, errno, "%s", folder->path);
    if (files == NULL)
        return err_set(err, STATUS_NOMEM, "%s: no memory left for its files", folder->path);
    status = list_names(folder, open_folder, arena, files, &count, err);
    if (status != STATUS_OK)
        return status;
    if (count > 0)
        qsort(files, count, sizeof *files, by_name);
    for (size_t i = 0; i < count; i++) {
        struct view path = arena_printf(arena, "%s/%s", folder->path, files[i].name);

        if (path.ptr == NULL)
            return err_set(err, STATUS_NOMEM, "%s: no memory left for its files", folder->path);
        status = file_read(path.ptr, POLICY_BYTES, arena, &files[i].bytes, err);
        if (status != STATUS_OK)
            return status;
    }
    *ret = files;
    *ret_count = count;
    return STATUS_OK;
}

enum status file_read_policies(const char *folder, struct arena *arena, struct policy_file **ret,
                               size_t *ret_count, struct err *err)
{
    const struct folder policies = {folder, is_policy_name, "policy"};
    struct policy_file *files;
    size_t count;
    enum status status = read_folder(&policies, arena, &files, &count, err);

    if (status != STATUS_OK)
        return status;
    if (count == 0)
        return err_set(err, STATUS_INVALID, "%s: no policies here; expected *.yaml files", folder);
    *ret = files;
    *ret_count = count;
    return STATUS_OK;
}

enum status file_read_cases(const char *folder, struct arena *arena, struct policy_file **ret,
                            size_t *ret_count, struct err *err)
{
    const struct folder cases = {folder, is_case_name, "case"};

    return read_folder(&cases, arena, ret, ret_count, err);
}

enum status file_has_policies(const char *folder, bool *ret, struct err *err)
{
    DIR *open_folder CLEANUP(close_folder) = opendir(folder);
    const struct dirent *entry;
    bool found = false;

    if (open_folder == NULL)
        return err_set_errno(err, errno, "%s", folder);
    // NOLINTNEXTLINE(concurrency-mt-unsafe): the folder is this thread's own
    while (!found && (entry = readdir(open_folder)) != NULL)
        found = is_policy_name(view_str(entry->d_name));
    *ret = found;
    return STATUS_OK;
}
