/* SPDX-License-Identifier: Apache-2.0
 * Repair: damage stays in its segment as it is, for whoever looks into it; a new segment behind it
 * says what was accepted and by whom, and carries on what could be read. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "journal/internal.h"
#include "journal/recover.h"
#include "journal/rotate.h"
#include "journal/salvage.h"

static enum status write_behind(int dir_fd, struct salvage *salvage,
                                const struct journal_settings *settings, const char *actor,
                                const char *damage, struct err *err)
{
    char text[RECOVERY_TEXT_BYTES + 32];
    struct segment_plan plan = {.dir_fd = dir_fd, .sync = true, .actor = actor, .error = text};
    struct digest *digest = digest_new();
    struct segment segment;
    int failed;

    if (digest == NULL)
        return err_set(err, STATUS_NOMEM, "no memory for a digest");
    (void)snprintf(text, sizeof text, "accepted: %s", damage);
    failed = segment_begin(&plan, salvage->table, digest, &salvage->chain, &segment);
    digest_free(&digest);
    if (failed != 0)
        return err_set_errno(err, failed, "can't begin a segment in %s", settings->directory);
    segment_close(&segment);
    return STATUS_OK;
}

static enum status repair(int dir_fd, const struct journal_settings *settings, const char *actor,
                          struct buf *ret_what, struct err *err)
{
    struct salvage salvage;
    struct recovery recovery;
    enum status status = recovery_read(dir_fd, false, &recovery, err);

    if (status != STATUS_OK)
        return status;
    recovery_done(&recovery);
    if (recovery.damage[0] == '\0')
        return err_set(err, STATUS_INVALID, "the journal in %s isn't damaged: nothing to repair",
                       settings->directory);
    status = salvage_read(dir_fd, &salvage, err);
    if (status != STATUS_OK)
        return status;
    status = write_behind(dir_fd, &salvage, settings, actor, recovery.damage, err);
    if (status == STATUS_OK)
        buf_printf(ret_what, "%s; unreadable lines: %llu; the journal goes on with seq %llu\n",
                   recovery.damage, (unsigned long long)salvage.unreadable,
                   (unsigned long long)salvage.chain.seq);
    salvage_done(&salvage);
    return status;
}

enum status journal_repair(const struct journal_settings *settings, const char *actor,
                           struct buf *ret_what, struct err *err)
{
    int dir_fd, lock_fd;
    enum status status = folder_lock(settings->directory, &dir_fd, &lock_fd, err);

    if (status != STATUS_OK)
        return status;
    status = repair(dir_fd, settings, actor, ret_what, err);
    (void)close(dir_fd);
    (void)close(lock_fd);
    return status;
}
