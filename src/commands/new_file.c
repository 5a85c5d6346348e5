/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/new_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FD_PATH_BYTES = 32 };

static const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
/* For the handler of those. */
static const char *volatile unfinished;

/* Back to the way in which it ends the process; that comes when this returns. */
static void on_end(int number)
{
    if (unfinished != NULL)
        (void)unlink(unfinished);
    (void)raise(number);
}

/* What is ignored, as under nohup, stays so. */
static void watch_ends(const char *path)
{
    struct sigaction action = {.sa_handler = on_end, .sa_flags = SA_RESETHAND};

    (void)sigfillset(&action.sa_mask);
    unfinished = path;
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        struct sigaction before;

        if (sigaction(ends[i], NULL, &before) == 0 && before.sa_handler == SIG_DFL)
            (void)sigaction(ends[i], &action, NULL);
    }
}

static int open_named(struct new_file *file)
{
    sigset_t all, before;
    int failed = 0;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    file->fd = open(file->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file->fd >= 0)
        watch_ends(file->path);
    else
        failed = errno;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    file->named = file->fd >= 0;
    return failed;
}

/* By this name it gets another one. */
static void name_fd(int fd, char out[FD_PATH_BYTES])
{
    (void)snprintf(out, FD_PATH_BYTES, "/proc/self/fd/%d", fd);
}

static void folder_of(const struct new_file *file, char out[PATH_MAX])
{
    const char *slash = strrchr(file->path, '/');

    (void)snprintf(out, PATH_MAX, "%.*s", slash == NULL ? 1 : (int)(slash - file->path) + 1,
                   slash == NULL ? "." : file->path);
}

/* Whether there is such a file, which can be given a name. */
static bool open_unnamed(struct new_file *file)
{
    char folder[PATH_MAX], name[FD_PATH_BYTES];

    folder_of(file, folder);
    file->fd = open(folder, O_WRONLY | O_TMPFILE | O_CLOEXEC, 0600);
    if (file->fd < 0)
        return false;
    name_fd(file->fd, name);
    if (access(name, F_OK) == 0)
        return true;
    (void)close(file->fd);
    return false;
}

int new_file_open(struct new_file *file, const char *path)
{
    struct stat found;

    *file = (struct new_file){.path = path, .fd = -1};
    if (lstat(path, &found) == 0)
        return EEXIST;
    if (errno != ENOENT)
        return errno;
    return strlen(path) < PATH_MAX && open_unnamed(file) ? 0 : open_named(file);
}

static int give_name(const struct new_file *file)
{
    char name[FD_PATH_BYTES];

    name_fd(file->fd, name);
    return linkat(AT_FDCWD, name, AT_FDCWD, file->path, AT_SYMLINK_FOLLOW) == 0 ? 0 : errno;
}

/* The name is to be on disk as well; where that can't be, it is there all the same. */
static void sync_folder(const struct new_file *file)
{
    char folder[PATH_MAX];
    int fd;

    folder_of(file, folder);
    fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    (void)fsync(fd);
    (void)close(fd);
}

int new_file_keep(struct new_file *file)
{
    int failed = fsync(file->fd) == 0 ? 0 : errno;

    if (failed == 0 && !file->named)
        failed = give_name(file);
    if (failed == 0)
        sync_folder(file);
    if (close(file->fd) != 0 && failed == 0)
        failed = errno;
    file->fd = -1;
    if (failed != 0)
        new_file_drop(file);
    unfinished = NULL;
    return failed;
}

void new_file_drop(struct new_file *file)
{
    if (file->fd >= 0)
        (void)close(file->fd);
    file->fd = -1;
    if (file->named)
        (void)unlink(file->path);
    unfinished = NULL;
}
