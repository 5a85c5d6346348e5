/* SPDX-License-Identifier: Apache-2.0
 * `postern audit repair`: an operator accepts what recovery may not mend by itself. */
#include <stdio.h>
#include <unistd.h>

#include "commands/audit.h"

static int repair(const char *path)
{
    struct arena arena;
    struct conf conf;
    struct buf what;
    struct err err = {0};
    char actor[32];
    int result = RESULT_CANNOT;

    arena_init(&arena, LOAD_ARENA_BLOCK, LOAD_ARENA_MAX);
    buf_init(&what, 1 << 16);
    if (command_load(path, &arena, &conf, NULL)) {
        const struct journal_settings settings = {
            .directory = conf.journal.directory,
            .sets = conf.journal.sets,
            .durability = conf.journal.durability,
            .segment_bytes = conf.journal.segment_bytes,
            .low_space_bytes = conf.journal.low_space_bytes,
            .keep_us = conf.journal.keep_ms * 1000,
        };
        enum status status;

        (void)snprintf(actor, sizeof actor, "uid:%u", (unsigned)getuid());
        status = journal_repair(&settings, actor, &what, &err);
        command_print(&what);
        if (status == STATUS_OK)
            result = RESULT_WELL;
        else
            (void)fprintf(stderr, "postern audit repair: %s\n", err.text);
        if (status == STATUS_INVALID)
            result = RESULT_NO;
    }
    buf_done(&what);
    arena_done(&arena);
    return result;
}

int audit_repair(const struct command *command, int argc, char **argv)
{
    const char *path;
    int result = command_conf_option(command, argc, argv, &path);

    return result >= 0 ? result : repair(path);
}
