/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/kept_set.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/load.h"

static enum sets_copy look_at(const char *folder, const char *digest, struct arena *arena,
                              struct err *err)
{
    struct policy_file *files;
    char found[DIGEST_HEX_BYTES + 1];
    struct stat facts;
    size_t count;

    /* A link to nowhere stands there, too. */
    if (lstat(folder, &facts) != 0 && (errno == ENOENT || errno == ENOTDIR || errno == EACCES))
        return SETS_MISSING;
    if (S_ISDIR(facts.st_mode) && access(folder, R_OK | X_OK) != 0 && errno == EACCES)
        return SETS_MISSING; /* that of who looks, not the copy's fault */
    if (file_read_policies(folder, arena, &files, &count, err) != STATUS_OK)
        return SETS_OTHER;
    if (!policy_files_digest(files, count, found)) {
        (void)err_set(err, STATUS_NOMEM, "there is no memory for its digest");
        return SETS_OTHER;
    }
    if (strcmp(found, digest) == 0)
        return SETS_KEPT;
    (void)err_set(err, STATUS_INVALID, "%s has the digest %s", digest, found);
    return SETS_OTHER;
}

enum sets_copy kept_set_look(const char *sets, const char *digest, struct err *err)
{
    enum sets_copy copy = SETS_OTHER;
    struct arena arena;
    struct view folder;

    arena_init(&arena, LOAD_ARENA_BLOCK, LOAD_ARENA_MAX);
    folder = arena_printf(&arena, "%s/%s", sets, digest);
    if (folder.ptr == NULL)
        (void)err_set(err, STATUS_NOMEM, "there is no memory for it");
    else
        copy = look_at(folder.ptr, digest, &arena, err);
    arena_done(&arena);
    return copy;
}
