/* SPDX-License-Identifier: Apache-2.0
 * `postern audit`: its actions, and what they have in common. */
#pragma once

#include "commands/internal.h"

/* Where to read. */
struct audit_source {
    const char *directory; /* of the segments */
    const char *sets;      /* of the copies of policy sets */
};

/* Of the settings (NULL: the default ones), or of a folder as it is (journal not NULL), such as a
 * copy. Faults are printed to stderr; false if there is one. Texts live in the arena. */
MUST_CHECK bool audit_find_source(const char *conf_path, const char *journal, struct arena *arena,
                                  struct audit_source *ret);

/* The actions: argv[0] is the action's word. */
int audit_coverage(const struct command *command, int argc, char **argv);
int audit_export(const struct command *command, int argc, char **argv);
int audit_repair(const struct command *command, int argc, char **argv);
int audit_verify(const struct command *command, int argc, char **argv);
int audit_query_command(const struct command *command, int argc, char **argv);
int audit_summary_command(const struct command *command, int argc, char **argv);
